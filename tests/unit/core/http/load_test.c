/* Many connections at once, replies from other threads, full queues, deadlines and stopping. */
#include <pthread.h>
#include <stdatomic.h>
#include "tests/unit/core/http/peer.h"

static struct http_server *server;
static uint16_t port;
static struct answer answer;
static _Atomic bool gate_open;
static _Atomic int waiting, worker_opens, worker_closes, observed_timeouts, opens_to_fail;
static struct request *_Atomic kept;

static enum err quick(struct request *rq)
{
    return reply_body(rq, 200, "text/plain", TEXT("quick"));
}

static enum err gated(struct request *rq)
{
    waiting++;
    while (!gate_open)
        sleep_ms(1);
    waiting--;
    /* whatever became of the connection, what the request holds can still be read */
    struct text host = request_header(rq, "Host");
    return reply_body(rq, 200, "text/plain", host);
}

static void *reply_from_another_thread(void *with)
{
    struct request *rq = with;
    sleep_ms((int)((uintptr_t)rq >> 6 & 3));
    reply_body(rq, 200, "text/plain", TEXT("later"));
    request_finish(rq);
    return NULL;
}

static enum err later(struct request *rq)
{
    pthread_t thread;
    request_defer(rq);
    if (pthread_create(&thread, NULL, reply_from_another_thread, rq))
        abort();
    pthread_detach(thread);
    return OK;
}

static enum err keep(struct request *rq)
{
    request_defer(rq);
    kept = rq;
    return OK;
}

static const struct route routes[] = {
    {"GET", "/inline", quick, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/worker", quick, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/gated", gated, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/later/inline", later, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/later/worker", later, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/keep", keep, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"POST", "/worker", quick, HTTP_WORKER, .access = ACCESS_PUBLIC, .body_max = 1 << 20},
};

static enum err worker_open(void *context, struct db **ret_db)
{
    if (opens_to_fail > 0 && opens_to_fail-- > 0)
        return ERR_DATABASE;
    worker_opens++;
    *ret_db = context;
    return OK;
}

static void worker_close(void *context, struct db *db)
{
    worker_closes++;
}

static void observe(const struct request *rq, int status, int64_t duration_us)
{
    if (status == 503)
        observed_timeouts++;
}

static void start_with(struct http_config config)
{
    config.routes = routes;
    config.route_count = sizeof routes / sizeof *routes;
    config.worker_open = worker_open;
    config.worker_close = worker_close;
    config.observe = observe;
    gate_open = false;
    worker_opens = worker_closes = 0;
    observed_timeouts = 0;
    assert_int_equal(http_server_start(&config, &server), OK);
    port = http_server_port(server);
}

static void stop(int drain_ms)
{
    http_server_stop(server, drain_ms);
    server = NULL;
}

/* All write, then all read: the kernel has exactly `count` events ready at once. */
static void lock_step(const char *target, int count, int rounds)
{
    int lines[512];
    char text[128];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    for (int i = 0; i < count; i++)
        lines[i] = peer_open(port);
    int64_t from_us = clock_monotonic_us();
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++)
            peer_send(lines[i], text);
        for (int i = 0; i < count; i++) {
            peer_read(lines[i], &answer);
            assert_int_equal(answer.status, 200);
        }
    }
    /* A stall lasts for the connection time-out, a minute; without one this takes a fraction of a second. */
    assert_true(clock_monotonic_us() - from_us < 20 * SECOND_US);
    for (int i = 0; i < count; i++)
        close(lines[i]);
}

static void lock_step_connections_do_not_stall(void **state)
{
    static const int counts[] = {127, 128, 129, 256, 384};
    for (int loops = 1; loops <= 2; loops++) {
        start_with((struct http_config){.loop_threads = loops});
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            lock_step("/inline", counts[i], 4);
            lock_step("/worker", counts[i], 4);
        }
        lock_step("/later/inline", 64, 2);
        lock_step("/later/worker", 64, 2);
        stop(1000);
    }
}

static void replies_come_from_other_threads_before_or_after_the_handler_has_returned(void **state)
{
    start_with((struct http_config){.workers = 2});
    for (int i = 0; i < 50; i++) {
        assert_int_equal(peer_get(port, i % 2 ? "/later/inline" : "/later/worker", &answer), 200);
        assert_string_equal(answer.body, "later");
    }
    stop(1000);
    assert_int_equal(worker_opens, worker_closes);
}

static void a_full_queue_answers_503_at_once(void **state)
{
    start_with((struct http_config){.workers = 1, .queue_max = 2});
    int lines[3];
    for (int i = 0; i < 3; i++) {
        lines[i] = peer_open(port);
        peer_send(lines[i], "GET /gated HTTP/1.1\r\nHost: h\r\n\r\n");
        while (i == 0 && !waiting)
            sleep_ms(1);
    }
    while (http_server_queued(server) < 2)
        sleep_ms(1);
    assert_int_equal(peer_get(port, "/worker", &answer), 503);
    assert_non_null(strstr(answer.head, "\r\nRetry-After: "));
    assert_int_equal(peer_get(port, "/inline", &answer), 200); /* what needs no worker still answers */
    gate_open = true;
    for (int i = 0; i < 3; i++) {
        peer_read(lines[i], &answer);
        assert_int_equal(answer.status, 200);
        close(lines[i]);
    }
    stop(1000);
}

static void past_the_deadline_the_caller_gets_503_and_the_late_reply_is_dropped(void **state)
{
    start_with((struct http_config){.workers = 1, .deadline_ms = 200});
    int line = peer_open(port);
    int64_t from_us = clock_monotonic_us();
    peer_send(line, "GET /gated HTTP/1.1\r\nHost: h\r\n\r\n");
    peer_read(line, &answer);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "\"code\":\"timeout\""));
    assert_in_range(clock_monotonic_us() - from_us, 200 * 1000, 3000 * 1000);
    peer_send(line, "GET /inline HTTP/1.1\r\nHost: h\r\n\r\n"); /* the line goes on while the handler still runs */
    peer_read(line, &answer);
    assert_string_equal(answer.body, "quick");
    /* what waited in the queue beyond its deadline is not begun */
    peer_send(line, "GET /worker HTTP/1.1\r\nHost: h\r\n\r\n");
    sleep_ms(300);
    gate_open = true;
    peer_read(line, &answer);
    assert_int_equal(answer.status, 503);
    close(line);
    stop(1000);
    assert_int_equal(observed_timeouts, 2);
}

static void *open_the_gate(void *with)
{
    sleep_ms(400);
    gate_open = true;
    return NULL;
}

static void stopping_lets_what_runs_end(void **state)
{
    start_with((struct http_config){.workers = 2});
    int line = peer_open(port), idle = peer_open(port);
    peer_send(line, "GET /gated HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!waiting)
        sleep_ms(1);
    pthread_t opener;
    pthread_create(&opener, NULL, open_the_gate, NULL);
    stop(3000);
    pthread_join(opener, NULL);
    peer_read(line, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "h");
    assert_true(peer_is_closed(line));
    assert_true(peer_is_closed(idle));
    close(line);
    close(idle);
    assert_int_equal(worker_opens, worker_closes);
}

static void stopping_answers_503_to_what_does_not_end_in_time(void **state)
{
    start_with((struct http_config){.workers = 1});
    int running = peer_open(port), queued = peer_open(port);
    peer_send(running, "GET /gated HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!waiting)
        sleep_ms(1);
    peer_send(queued, "GET /gated HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!http_server_queued(server))
        sleep_ms(1);
    pthread_t opener;
    pthread_create(&opener, NULL, open_the_gate, NULL);
    stop(100);
    pthread_join(opener, NULL);
    peer_read(running, &answer);
    assert_int_equal(answer.status, 503);
    peer_read(queued, &answer);
    assert_int_equal(answer.status, 503);
    close(running);
    close(queued);
}

static void a_kept_request_may_be_finished_after_the_server_has_stopped(void **state)
{
    start_with((struct http_config){.workers = 1});
    int line = peer_open(port);
    peer_send(line, "GET /keep HTTP/1.1\r\nHost: h\r\n\r\n");
    while (!kept)
        sleep_ms(1);
    stop(50);
    peer_read(line, &answer);
    assert_int_equal(answer.status, 503);
    close(line);
    struct request *rq = kept;
    reply_body(rq, 200, "text/plain", TEXT("too late"));
    request_finish(rq);
}

static void a_caller_that_leaves_while_its_request_runs_harms_nobody(void **state)
{
    start_with((struct http_config){.workers = 4});
    for (int i = 0; i < 20; i++) {
        int line = peer_open(port);
        peer_send(line, i % 2 ? "GET /gated HTTP/1.1\r\nHost: h\r\n\r\n" : "POST /worker HTTP/1.1\r\nHost: h\r\n");
        struct linger hard = {.l_onoff = 1};
        setsockopt(line, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        sleep_ms(2);
        close(line);
    }
    gate_open = true;
    assert_int_equal(peer_get(port, "/worker", &answer), 200);
    stop(1000);
}

static void requests_wait_for_a_database_that_comes_back(void **state)
{
    opens_to_fail = 1;
    start_with((struct http_config){.workers = 1});
    while (opens_to_fail > 0)
        sleep_ms(1);
    assert_int_equal(peer_get(port, "/worker", &answer), 503);
    assert_non_null(strstr(answer.body, "\"code\":\"database_unavailable\""));
    sleep_ms(1100);
    assert_int_equal(peer_get(port, "/worker", &answer), 200);
    stop(1000);
}

static void all_bodies_together_are_bounded(void **state)
{
    start_with((struct http_config){.workers = 1, .body_total_max = 100 * 1000});
    const char *head =
        "POST /worker HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
    static char half[50001];
    memset(half, '1', 50000);
    int first = peer_open(port);
    peer_send(first, head);
    peer_send(first, half);
    sleep_ms(100);
    assert_int_equal(peer_ask(port, head, &answer), 503);
    peer_send(first, half + 40000);
    peer_read(first, &answer);
    assert_int_equal(answer.status, 200);
    close(first);
    stop(1000);
}

static void a_port_in_use_or_a_bad_address_is_an_error_not_a_surprise(void **state)
{
    start_with((struct http_config){.workers = 1});
    struct http_server *second = NULL;
    const struct http_config config = {.routes = routes, .route_count = 1, .port = port};
    assert_int_equal(http_server_start(&config, &second), ERR_IO);
    const struct http_config nowhere = {.routes = routes, .route_count = 1, .address = "nowhere"};
    assert_int_equal(http_server_start(&nowhere, &second), ERR_CONFIG);
    const struct http_config three = {.routes = routes, .route_count = 1, .loop_threads = 3};
    assert_int_equal(http_server_start(&three, &second), ERR_CONFIG);
    assert_null(second);
    http_server_stop(NULL, 0);
    stop(100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_step_connections_do_not_stall),
        cmocka_unit_test(replies_come_from_other_threads_before_or_after_the_handler_has_returned),
        cmocka_unit_test(a_full_queue_answers_503_at_once),
        cmocka_unit_test(past_the_deadline_the_caller_gets_503_and_the_late_reply_is_dropped),
        cmocka_unit_test(stopping_lets_what_runs_end),
        cmocka_unit_test(stopping_answers_503_to_what_does_not_end_in_time),
        cmocka_unit_test(a_kept_request_may_be_finished_after_the_server_has_stopped),
        cmocka_unit_test(a_caller_that_leaves_while_its_request_runs_harms_nobody),
        cmocka_unit_test(requests_wait_for_a_database_that_comes_back),
        cmocka_unit_test(all_bodies_together_are_bounded),
        cmocka_unit_test(a_port_in_use_or_a_bad_address_is_an_error_not_a_surprise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
