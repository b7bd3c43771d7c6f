/* `kill -9` under load: what was acknowledged is there, once, and nothing else is.
 *
 * Clients make requests (each under one Idempotency-Key), pay them by signed call-backs the way a bank does (again and
 * again until it hears success, now and then once more after that), and cancel some. The service is killed at random
 * moments and started again. TEST_KILLS kills (20), TEST_SEED for the choices of the same run; the moments of the
 * machine are its own. The same with every database connection broken TEST_CUTS times (40). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

enum { CLIENTS = 16, ORDERS_MAX = 20000, NOTICES_MAX = 3, RETRY_MS = 10, GIVE_UP_S = 120, DRAIN_S = 120 };

/* What one client did for one dossier, as it was acknowledged. */
struct order {
    int64_t request, amount;
    char reference[16];
    bool cancelled;
    int notice_count;
    struct told {
        int64_t id, amount;
        bool memo; /* carries the reference; else nobody can tell whose it is */
    } notices[NOTICES_MAX];
};

struct client {
    pthread_t thread;
    int number;
    struct dice dice;
    struct order *orders;
    int order_count;
    long calls, unanswered, repeats, replays;
};

static struct db *db;
static struct service_under_test service;
static atomic_bool over;
static struct client clients[CLIENTS];

static _Noreturn void fail_now(const char *what, const struct service_answer *answer)
{
    fprintf(stderr, "%s answered %d: %.*s\n", what, answer->status, TEXT_ARGS(answer->body));
    abort();
}

/* Sends until somebody answers with something else than "try again": what a careful caller does. */
static struct service_answer insist(struct client *client, struct arena *arena, const struct service_call *call,
                                    struct text bank)
{
    int64_t until = clock_monotonic_us() + GIVE_UP_S * SECOND_US;
    struct service_answer answer;
    do {
        answer = bank.at ? bank_posts(&service, arena, bank) : service_call(&service, arena, call);
        client->calls++;
        if (!answer.err && answer.status < 500 && answer.status != 409)
            return answer;
        client->unanswered++;
        test_sleep_ms(RETRY_MS);
    } while (clock_monotonic_us() < until);
    fail_now("no end", &answer);
}

static void ask_for_payment(struct client *client, struct arena *arena, struct order *order)
{
    const char *code = arena_printf(arena, "K%d-%06d", client->number, client->order_count);
    const struct service_call dossier = {
        .method = "PUT",
        .path = arena_printf(arena, "/v1/dossiers/%s", code),
        .body = TEXT("{\"procedure\":\"2.000635\",\"agency\":\"" TEST_AGENCY
                     "\",\"channel\":\"online\",\"submitted_at\":\"2026-11-20T08:00:00+07:00\",\"applicant\":{\"name\":"
                     "\"Nguyễn Thị Ánh Tuyết\"}}")};
    struct service_answer answer = insist(client, arena, &dossier, TEXT_NONE);
    if (answer.status != 200 && answer.status != 201)
        fail_now("PUT dossier", &answer);
    const struct service_call wanted = {.method = "POST",
                                        .path = "/v1/payment-requests",
                                        .idempotency_key = code,
                                        .body = request_body(arena, code, 1 + dice_below(&client->dice, 5))};
    answer = insist(client, arena, &wanted, TEXT_NONE);
    if (answer.status != 201)
        fail_now("POST payment-requests", &answer);
    order->request = json_int_at(answer.json, "id");
    order->amount = json_int_at(answer.json, "amount");
    snprintf(order->reference, sizeof order->reference, "%s", json_string_at(answer.json, "reference"));
    client->replays += text_find(answer.headers, TEXT("Idempotent-Replayed")) < answer.headers.length;
    if (dice_below(&client->dice, 8))
        return;
    struct service_answer again = insist(client, arena, &wanted, TEXT_NONE);
    if (again.status != 201 || !text_equal(again.body, answer.body))
        fail_now("the same key again", &again);
    client->replays++;
}

static struct text notice_body(struct client *client, struct arena *arena, const struct order *order,
                               const struct told *told)
{
    const struct bank_notice notice = {
        .id = told->id, .amount = told->amount, .memo = told->memo ? order->reference : "chuyen tien"};
    return bank_body(arena, &notice);
}

static void tell(struct client *client, struct arena *arena, const struct order *order, const struct told *told)
{
    struct service_answer answer = insist(client, arena, NULL, notice_body(client, arena, order, told));
    if (!bank_accepted(&answer))
        fail_now("call-back", &answer);
}

static void add_notice(struct client *client, struct order *order, int64_t amount, bool memo)
{
    int64_t id = (int64_t)(client->number + 1) * 100000000 + client->order_count * 10 + order->notice_count;
    order->notices[order->notice_count++] = (struct told){id, amount, memo};
}

/* How this one is paid: whole, in parts, too much, with a lost memo, not at all, or cancelled and paid all the same. */
static void plan(struct client *client, struct order *order)
{
    int way = dice_below(&client->dice, 100);
    int64_t part = TEST_COPY_PRICE / 4 * (1 + dice_below(&client->dice, 3));
    if (way < 60) {
        add_notice(client, order, order->amount, true);
    } else if (way < 75) {
        add_notice(client, order, part, true);
        add_notice(client, order, order->amount - part, true);
    } else if (way < 80) {
        add_notice(client, order, part, true);
    } else if (way < 86) {
        add_notice(client, order, order->amount + part, true);
    } else if (way < 90) {
        add_notice(client, order, order->amount, true);
        add_notice(client, order, order->amount, true);
    } else if (way < 94) {
        add_notice(client, order, order->amount, false);
    } else if (way < 98) {
        order->cancelled = true;
        if (way < 96)
            add_notice(client, order, order->amount, true);
    }
}

static void cancel(struct client *client, struct arena *arena, const struct order *order)
{
    const struct service_call call = {
        .method = "POST",
        .path = arena_printf(arena, "/v1/payment-requests/%lld/cancel", (long long)order->request),
        .body = TEXT("{\"reason\":\"Người dân rút hồ sơ\"}")};
    struct service_answer answer = insist(client, arena, &call, TEXT_NONE);
    if (answer.status != 200)
        fail_now("cancel", &answer);
}

static void one_order(struct client *client)
{
    struct arena arena;
    arena_init(&arena);
    struct order *order = &client->orders[client->order_count];
    ask_for_payment(client, &arena, order);
    plan(client, order);
    if (order->cancelled)
        cancel(client, &arena, order);
    for (int i = 0; i < order->notice_count; i++)
        tell(client, &arena, order, &order->notices[i]);
    client->order_count++;
    const struct order *old = &client->orders[dice_below(&client->dice, client->order_count)];
    if (old->notice_count && !dice_below(&client->dice, 3)) {
        tell(client, &arena, old, &old->notices[0]);
        client->repeats++;
    }
    arena_done(&arena);
}

static void *work(void *with)
{
    struct client *client = with;
    while (!atomic_load(&over) && client->order_count < ORDERS_MAX)
        one_order(client);
    return NULL;
}

/* What clients were told, as rows for SQL to compare with. */
static void load_expected(void)
{
    struct buf orders = {0}, notices = {0};
    for (int c = 0; c < CLIENTS; c++) {
        for (int i = 0; i < clients[c].order_count; i++) {
            const struct order *o = &clients[c].orders[i];
            buf_printf(&orders, "K%d-%06d\t%lld\t%s\t%lld\t%d\n", c, i, (long long)o->request, o->reference,
                       (long long)o->amount, o->cancelled);
            for (int k = 0; k < o->notice_count; k++)
                buf_printf(&notices, "%lld\t%lld\t%lld\n", (long long)o->notices[k].id, (long long)o->notices[k].amount,
                           (long long)(o->notices[k].memo ? o->request : 0));
        }
    }
    test_sql(db, "DROP TABLE IF EXISTS told_order, told_notice; CREATE TEMP TABLE told_order (dossier text, request "
                 "bigint, reference text, amount bigint, cancelled"
                 " integer); CREATE TEMP TABLE told_notice (id bigint, amount bigint, request bigint)");
    assert_int_equal(db_copy_in(db, "COPY told_order FROM STDIN", buf_view(&orders)), OK);
    assert_int_equal(db_copy_in(db, "COPY told_notice FROM STDIN", buf_view(&notices)), OK);
    buf_done(&orders);
    buf_done(&notices);
}

static void expect_none(const char *what, const char *sql)
{
    int64_t count = test_int(db, sql);
    if (count)
        fail_msg("%lld %s", (long long)count, what);
}

static void compare_with_what_was_told(void)
{
    load_expected();
    expect_none("requests differ from what was answered",
                "SELECT count(*) FROM told_order t FULL JOIN payment_request r ON r.id = t.request WHERE t.request IS"
                " NULL OR r.id IS NULL OR (r.dossier, r.reference, r.amount) <> (t.dossier, t.reference, t.amount)");
    expect_none("idempotency keys made not exactly one request",
                "SELECT count(*) FROM told_order t WHERE (SELECT count(*) FROM payment_request r WHERE r.dossier ="
                " t.dossier) <> 1");
    expect_none(
        "acknowledged payments are missing, unknown, or of another sum",
        "SELECT count(*) FROM told_notice t FULL JOIN payment p ON p.external_id = t.id::text WHERE t.id IS NULL"
        " OR p.id IS NULL OR (p.source, p.amount, coalesce(p.request_id, 0)) <> ('sandbox-bank', t.amount,"
        " t.request)");
    expect_none(
        "requests hold not what was paid",
        "SELECT count(*) FROM told_order t JOIN payment_request r ON r.id = t.request, LATERAL (SELECT"
        " coalesce(sum(amount), 0) AS paid FROM told_notice n WHERE n.request = t.request) n WHERE (r.allocated,"
        " r.surplus) <> (CASE WHEN t.cancelled = 1 THEN 0 ELSE least(r.amount, paid) END, CASE WHEN t.cancelled"
        " = 1 THEN paid ELSE greatest(0, paid - r.amount) END)");
    expect_none("cancellations are not one act in the audit log",
                "SELECT count(*) FROM told_order t WHERE (SELECT count(*) FROM audit a WHERE a.act = 'request.cancel'"
                " AND a.subject = t.reference) <> t.cancelled");
    assert_int_equal(service_audit(db), 0);
}

static void report(int kills, int64_t started_us)
{
    long orders = 0, notices = 0, calls = 0, unanswered = 0, repeats = 0, replays = 0;
    for (int c = 0; c < CLIENTS; c++) {
        orders += clients[c].order_count;
        calls += clients[c].calls;
        unanswered += clients[c].unanswered;
        repeats += clients[c].repeats;
        replays += clients[c].replays;
        for (int i = 0; i < clients[c].order_count; i++)
            notices += clients[c].orders[i].notice_count;
    }
    printf(
        "%d blows in %.1f s: %ld requests, %ld payments acknowledged, %ld call-backs repeated, %ld replies replayed; "
        "of %ld calls %ld had no answer; %lld receipts signed\n",
        kills, (double)(clock_monotonic_us() - started_us) / 1e6, orders, notices, repeats, replays, calls, unanswered,
        (long long)test_int(db, "SELECT count(*) FROM receipt WHERE signed_xml IS NOT NULL"));
    fflush(stdout);
}

static void kill_and_start_again(void)
{
    service_kill(&service);
    /* The dead hold their jobs until the lease ends, a minute or two: let the time pass at once. */
    test_sql(db, "UPDATE job SET run_at = created_at WHERE state = 'waiting'");
    service_start(&service);
}

/* What the service sees when its database fails over: every connection breaks, some inside a commit. */
static void cut_every_connection(void)
{
    test_sql(db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND"
                 " application_name LIKE 'lephi %'");
}

/* Work goes on around `times` disturbances at moments of chance; then nothing may be lost, and nothing be there twice.
 */
static void work_through(void (*disturb)(void), int times, int pause_max_ms)
{
    struct dice dice = {test_seed()};
    int64_t started_us = clock_monotonic_us();
    atomic_store(&over, false);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        clients[i].dice.state = dice_next(&dice);
        assert_int_equal(pthread_create(&clients[i].thread, NULL, work, &clients[i]), 0);
    }
    for (int i = 0; i < times; i++) {
        test_sleep_ms(1 + dice_below(&dice, pause_max_ms));
        disturb();
    }
    atomic_store(&over, true);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    test_sql(db, "UPDATE job SET run_at = created_at WHERE state = 'waiting'");
    bool drained = service_drained(db, DRAIN_S);
    report(times, started_us);
    assert_true(drained);
    compare_with_what_was_told();
}

static void what_was_acknowledged_survives_kill_9_exactly_once(void **state)
{
    work_through(kill_and_start_again, test_count("TEST_KILLS", 20), 700);
}

static void what_was_acknowledged_survives_broken_connections_exactly_once(void **state)
{
    work_through(cut_every_connection, test_count("TEST_CUTS", 40), 150);
}

static int set_up(void **state)
{
    db = test_db();
    service_set_up(&service, db, NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i].orders = memory_new(sizeof(struct order) * ORDERS_MAX);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    for (int i = 0; i < CLIENTS; i++)
        free(clients[i].orders);
    db_close(db);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_survives_kill_9_exactly_once),
        cmocka_unit_test(what_was_acknowledged_survives_broken_connections_exactly_once)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
