/* What the server decides by itself, seen from a socket. */
#include "tests/unit/core/http/peer.h"

static struct http_server *server;
static uint16_t port;
static _Atomic int observed, observed_status, handled;

static void write_hello(struct json *json, const void *what)
{
    const struct request *rq = what;
    json_put_object(json, NULL);
    json_put_string(json, "method", rq->method);
    json_put_text(json, "path", rq->path);
    json_put_text(json, "body", rq->body);
    json_put_text(json, "id", request_capture(rq, "id"));
    json_put_text(json, "query", request_query(rq, "q"));
    json_put_text(json, "raw", request_query_string(rq));
    json_put_text(json, "cookie", request_cookie(rq, "session"));
    json_put_text(json, "peer", request_peer(rq));
    json_put_bool(json, "db", rq->db);
    json_put_end(json);
}

static enum err hello(struct request *rq)
{
    handled++;
    return reply_json(rq, 200, write_hello, rq);
}

static enum err refuse_with_faults(struct request *rq)
{
    faults_add(&rq->faults, "/amount", ERR_FIELD_RANGE, NULL);
    return faults_add(&rq->faults, "/lines/0/fee", ERR_FEE_UNKNOWN, "Không có mã \"%s\".", "X");
}

static enum err say_nothing(struct request *rq)
{
    return OK;
}

static enum err limited(struct request *rq)
{
    return ERR_RATE_LIMIT;
}

static enum err page(struct request *rq)
{
    reply_header(rq, "Cache-Control", TEXT("max-age=60"));
    reply_header(rq, "X-Note", TEXT("a\r\nSet-Cookie: stolen=1"));
    reply_header(rq, "Set-Cookie", TEXT("a=1"));
    reply_header(rq, "Set-Cookie", TEXT("b=2"));
    return reply_body(rq, 200, "text/html; charset=utf-8", TEXT("<p>Lệ phí</p>"));
}

static enum err moved(struct request *rq)
{
    return reply_redirect(rq, 303, "/r/abc");
}

static enum err slow(struct request *rq)
{
    sleep_ms(300);
    return reply_body(rq, 200, "text/plain", TEXT("slow"));
}

static const struct route routes[] = {
    {"GET", "/hello", hello, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/worker", hello, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/hello", hello, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"POST", "/worker", hello, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/small", hello, HTTP_WORKER, .access = ACCESS_PUBLIC, .body_max = 10},
    {"POST", "/file", hello, HTTP_WORKER, .access = ACCESS_PUBLIC, .body_max = 1 << 20, .media = "*"},
    {"PUT", "/v1/dossiers/{id}", hello, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/v1/receipts/{id}.xml", hello, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/assets/{id*}", hello, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"POST", "/faults", refuse_with_faults, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/nothing", say_nothing, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/limited", limited, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/page", page, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/moved", moved, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/slow", slow, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/secret", hello, HTTP_INLINE, .access = ACCESS_STAFF},
};

static void observe(const struct request *rq, int status, int64_t duration_us)
{
    observed++;
    observed_status = status;
}

static void before_reply(struct request *rq, int status, const char *content_type)
{
    if (content_type && text_starts(text_of(content_type), "text/html"))
        reply_header(rq, "Content-Security-Policy", TEXT("default-src 'self'"));
}

static enum err open_nothing(void *context, struct db **ret_db)
{
    *ret_db = context;
    return OK;
}

static int start(void **state)
{
    static int anything;
    static const char *const proxies[] = {"127.0.0.1", "10.0.0.1"};
    const struct http_config config = {.routes = routes,
                                       .route_count = sizeof routes / sizeof *routes,
                                       .observe = observe,
                                       .before_reply = before_reply,
                                       .worker_open = open_nothing,
                                       .proxies = proxies,
                                       .proxy_count = 2,
                                       .idle_timeout_ms = 1500,
                                       .body_timeout_ms = 1000,
                                       .context = &anything};
    if (http_server_start(&config, &server))
        return -1;
    port = http_server_port(server);
    return 0;
}

static int stop(void **state)
{
    http_server_stop(server, 1000);
    return 0;
}

static struct answer answer;

static void an_inline_handler_has_no_database_and_a_worker_has_one(void **state)
{
    assert_int_equal(peer_get(port, "/hello?q=l%E1%BB%87+ph%C3%AD&x=1", &answer), 200);
    assert_string_equal(answer.body,
                        "{\"method\":\"GET\",\"path\":\"/hello\",\"body\":\"\",\"id\":\"\",\"query\":\"lệ phí\","
                        "\"raw\":\"q=l%E1%BB%87+ph%C3%AD&x=1\",\"cookie\":\"\",\"peer\":\"127.0.0.1\","
                        "\"db\":false}");
    assert_int_equal(peer_get(port, "/worker", &answer), 200);
    assert_non_null(strstr(answer.body, "\"db\":true"));
}

static void every_reply_carries_a_request_id_and_careful_defaults(void **state)
{
    peer_get(port, "/hello", &answer);
    assert_non_null(strstr(answer.head, "\r\nX-Request-Id: "));
    assert_non_null(strstr(answer.head, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(answer.head, "\r\nCache-Control: no-store\r\n"));
    assert_non_null(strstr(answer.head, "\r\nContent-Type: application/json\r\n"));
}

static void a_handler_sets_its_own_headers_but_cannot_split_the_reply(void **state)
{
    assert_int_equal(peer_get(port, "/page", &answer), 200);
    assert_non_null(strstr(answer.head, "\r\nCache-Control: max-age=60\r\n"));
    assert_null(strstr(answer.head, "no-store"));
    assert_null(strstr(answer.head, "\r\nSet-Cookie: stolen"));
    assert_non_null(strstr(answer.head, "\r\nSet-Cookie: a=1\r\n"));
    assert_non_null(strstr(answer.head, "\r\nSet-Cookie: b=2\r\n"));
    assert_non_null(strstr(answer.head, "\r\nContent-Security-Policy: default-src 'self'\r\n"));
    assert_int_equal(peer_get(port, "/moved", &answer), 303);
    assert_non_null(strstr(answer.head, "\r\nLocation: /r/abc\r\n"));
}

static void an_unknown_path_is_404_and_a_known_one_with_another_method_405_with_allow(void **state)
{
    assert_int_equal(peer_get(port, "/nowhere", &answer), 404);
    assert_non_null(strstr(answer.head, "\r\nContent-Type: application/problem+json\r\n"));
    assert_non_null(strstr(answer.body, "\"code\":\"not_found\""));
    assert_int_equal(peer_ask(port, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 405);
    assert_non_null(strstr(answer.head, "\r\nAllow: GET, HEAD, POST\r\n"));
    assert_int_equal(peer_ask(port, "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 405);
    /* with a body on its way the answer comes first and the line is closed */
    assert_int_equal(peer_ask(port, "PUT /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", &answer), 405);
    assert_non_null(strstr(answer.head, "\r\nAllow: GET, HEAD, POST\r\n"));
    assert_non_null(strstr(answer.head, "\r\nConnection: close\r\n"));
}

static void head_is_get_without_the_body(void **state)
{
    int line = peer_open(port);
    peer_send(line, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_read_as(line, "HEAD", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.head, "\r\nContent-Length: 1"));
    peer_send(line, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_read(line, &answer);
    assert_int_equal(answer.status, 200);
    close(line);
}

static void captures_are_decoded_and_dot_segments_lead_nowhere(void **state)
{
    assert_int_equal(peer_get(port, "/v1/receipts/1C26T%2F7.xml", &answer), 200);
    assert_non_null(strstr(answer.body, "\"id\":\"1C26T/7\""));
    assert_int_equal(peer_get(port, "/assets/css/site.css", &answer), 200);
    assert_non_null(strstr(answer.body, "\"id\":\"css/site.css\""));
    assert_int_equal(peer_get(port, "/assets/../secret", &answer), 404);
    assert_int_equal(peer_get(port, "/assets/%2e%2e/secret", &answer), 404);
    assert_int_equal(peer_get(port, "/assets/..%2fsecret", &answer), 404);
    assert_int_equal(peer_get(port, "/h%65llo", &answer), 200);
}

static void a_path_that_is_not_utf8_is_refused(void **state)
{
    assert_int_equal(peer_get(port, "/assets/%FF", &answer), 400);
    assert_non_null(strstr(answer.body, "\"code\":\"invalid_utf8\""));
    assert_int_equal(peer_get(port, "/assets/%C0%AF", &answer), 400);
    assert_int_equal(peer_get(port, "/assets/%00", &answer), 400);
    assert_int_equal(peer_get(port, "/assets/%zz", &answer), 400);
}

static void bodies_arrive_whole_in_both_framings(void **state)
{
    const char *typed = "POST /worker HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=UTF-8\r\n";
    char text[512];
    snprintf(text, sizeof text, "%sContent-Length: 4\r\n\r\n1234", typed);
    assert_int_equal(peer_ask(port, text, &answer), 200);
    assert_non_null(strstr(answer.body, "\"body\":\"1234\""));
    snprintf(text, sizeof text, "%sTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n3\r\n345\r\n0\r\n\r\n", typed);
    assert_int_equal(peer_ask(port, text, &answer), 200);
    assert_non_null(strstr(answer.body, "\"body\":\"12345\""));
}

static void chunked_together_with_a_length_is_refused_and_the_line_closed(void **state)
{
    int line = peer_open(port);
    peer_send(line, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_read(line, &answer);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.body, "\"code\":\"ambiguous_framing\""));
    assert_true(peer_is_closed(line)); /* the smuggled request is not answered */
    close(line);
}

static void lengths_that_readers_could_see_differently_are_refused(void **state)
{
    static const char *const odd[] = {
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: 0x4\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 4\r\n",
        "Host: y\r\n",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char text[512];
        int before = handled;
        snprintf(text, sizeof text, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s\r\n1234",
                 odd[i]);
        int line = peer_open(port);
        peer_send(line, text);
        peer_read(line, &answer);
        assert_int_not_equal(answer.status, 200);
        while (!peer_is_closed(line)) /* libmicrohttpd 0.9.75 sends the head of its own refusals twice */
            ;
        close(line);
        assert_int_equal(handled, before);
    }
}

static void a_request_without_host_or_with_odd_bytes_is_refused(void **state)
{
    assert_int_equal(peer_ask(port, "GET /hello HTTP/1.1\r\n\r\n", &answer), 400);
    static const char *const hostile[] = {
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03",
        "GET\r\n\r\n",
        "GET /hello\r\n\r\n",
        "GET /hello HTTP/9.9\r\n\r\n",
        "GET hello HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nNo colon here\r\n\r\n",
        "\r\n\r\n\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        int line = peer_open(port);
        peer_send(line, hostile[i]);
        shutdown(line, SHUT_WR);
        peer_read(line, &answer);
        assert_int_not_equal(answer.status, 200);
        close(line);
    }
    assert_int_equal(peer_get(port, "/hello", &answer), 200);
}

static void too_many_or_too_large_headers_are_refused(void **state)
{
    struct buf text = {0};
    buf_string(&text, "GET /hello HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 100; i++)
        buf_printf(&text, "A%d: b\r\n", i);
    buf_string(&text, "\r\n");
    assert_int_equal(peer_ask(port, buf_cstr(&text), &answer), 400);
    buf_clear(&text);
    buf_string(&text, "GET /hello HTTP/1.1\r\nHost: x\r\nA: ");
    for (int i = 0; i < 20000; i++)
        buf_char(&text, 'a');
    int line = peer_open(port);
    (void)!send(line, text.at, text.length, MSG_NOSIGNAL);
    peer_read(line, &answer);
    assert_int_not_equal(answer.status, 200);
    close(line);
    buf_done(&text);
}

static void a_body_over_the_limit_is_413_before_it_is_read(void **state)
{
    const char *typed = "POST /small HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    char text[512];
    snprintf(text, sizeof text, "%sContent-Length: 10\r\n\r\n1234567890", typed);
    assert_int_equal(peer_ask(port, text, &answer), 200);
    snprintf(text, sizeof text, "%sContent-Length: 11\r\n\r\n", typed); /* not one byte sent */
    assert_int_equal(peer_ask(port, text, &answer), 413);
    assert_non_null(strstr(answer.body, "\"code\":\"body_too_large\""));
    snprintf(text, sizeof text, "%sContent-Length: 999999999999\r\nExpect: 100-continue\r\n\r\n", typed);
    assert_int_equal(peer_ask(port, text, &answer), 413);
    assert_null(strstr(answer.head, "100 Continue"));
}

static void a_chunked_body_over_the_limit_is_413_in_its_middle(void **state)
{
    int line = peer_open(port);
    peer_send(line, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n");
    peer_read(line, &answer); /* the last chunk was never sent */
    assert_int_equal(answer.status, 413);
    close(line);
    sleep_ms(50);
    assert_int_equal(observed_status, 413);
}

static void another_media_type_is_415_where_json_is_wanted(void **state)
{
    static const char *const wrong[] = {
        "", "Content-Type: text/plain\r\n", "Content-Type: application/json; charset=iso-8859-1\r\n",
        "Content-Type: application/jsonx\r\n", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"};
    char text[512];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "POST /hello HTTP/1.1\r\nHost: x\r\n%sContent-Length: 2\r\n\r\n{}", wrong[i]);
        assert_int_equal(peer_ask(port, text, &answer), 415);
    }
    snprintf(text, sizeof text, "POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    assert_int_equal(peer_ask(port, text, &answer), 200);
    /* an act without a body needs no type */
    assert_int_equal(peer_ask(port, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", &answer), 200);
}

static void every_fault_is_named_in_the_problem_document(void **state)
{
    assert_int_equal(peer_ask(port, "POST /faults HTTP/1.1\r\nHost: x\r\n\r\n", &answer), 422);
    assert_non_null(strstr(answer.body, "\"type\":\"/docs/errors#fee_unknown\""));
    assert_non_null(strstr(answer.body, "\"status\":422"));
    assert_non_null(strstr(answer.body,
                           "\"errors\":[{\"pointer\":\"/amount\",\"code\":\"field_range\",\"detail\":\"Giá trị ngoài "
                           "khoảng cho phép.\"},{\"pointer\":\"/lines/0/fee\",\"code\":\"fee_unknown\",\"detail\":"
                           "\"Không có mã \\\"X\\\".\"}]"));
    char *instance = strstr(answer.body, "\"instance\":\""), *id = strstr(answer.head, "X-Request-Id: ");
    assert_non_null(instance);
    assert_non_null(id);
    assert_memory_equal(instance + 12, id + 14, 32);
}

static void a_handler_without_a_reply_is_an_internal_error(void **state)
{
    assert_int_equal(peer_get(port, "/nothing", &answer), 500);
}

static void rate_limits_say_when_to_come_back(void **state)
{
    assert_int_equal(peer_get(port, "/limited", &answer), 429);
    assert_non_null(strstr(answer.head, "\r\nRetry-After: 2\r\n"));
}

static void without_an_authorize_hook_only_public_routes_answer(void **state)
{
    assert_int_equal(peer_get(port, "/secret", &answer), 401);
    assert_non_null(strstr(answer.head, "\r\nWWW-Authenticate: Bearer\r\n"));
}

static void the_peer_is_believed_only_from_a_proxy_and_only_to_its_last_stranger(void **state)
{
    assert_int_equal(peer_ask(port,
                              "GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n"
                              "X-Forwarded-For: 203.0.113.9 , 10.0.0.1\r\nCookie: a=b; session=\"s1\"\r\n\r\n",
                              &answer),
                     200);
    assert_non_null(strstr(answer.body, "\"peer\":\"203.0.113.9\""));
    assert_non_null(strstr(answer.body, "\"cookie\":\"s1\""));
    peer_ask(port, "GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4, <script>\r\n\r\n", &answer);
    assert_non_null(strstr(answer.body, "\"peer\":\"127.0.0.1\""));
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    int line = peer_open(port);
    peer_send(line, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /hello?q=2 HTTP/1.1\r\nHost: x\r\n\r\n"
                    "POST /worker HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n3"
                    "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /worker?q=5 HTTP/1.1\r\nHost: x\r\n\r\n");
    peer_read(line, &answer);
    assert_string_equal(answer.body, "slow");
    peer_read(line, &answer);
    assert_non_null(strstr(answer.body, "\"query\":\"2\""));
    peer_read(line, &answer);
    assert_non_null(strstr(answer.body, "\"body\":\"3\""));
    peer_read(line, &answer);
    assert_int_equal(answer.status, 404);
    peer_read(line, &answer);
    assert_non_null(strstr(answer.body, "\"query\":\"5\""));
    close(line);
}

static void a_body_in_single_bytes_arrives_and_one_that_never_ends_is_cut(void **state)
{
    int line = peer_open(port);
    peer_send(line, "POST /worker HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        peer_send(line, "7");
        sleep_ms(20);
    }
    peer_read(line, &answer);
    assert_non_null(strstr(answer.body, "\"body\":\"77777\""));

    peer_send(line, "POST /worker HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n");
    int64_t from_us = clock_monotonic_us();
    while (clock_monotonic_us() - from_us < 5 * SECOND_US && send(line, "7", 1, MSG_NOSIGNAL) == 1) {
        struct pollfd closed = {.fd = line, .events = POLLIN};
        if (poll(&closed, 1, 200) == 1)
            break;
    }
    assert_in_range(clock_monotonic_us() - from_us, 900 * 1000, 2500 * 1000); /* body_timeout_ms and one sweep */
    close(line);
}

static void headers_that_drip_do_not_hold_a_line(void **state)
{
    int line = peer_open(port);
    peer_send(line, "GET /hello HTTP/1.1\r\nHost: x\r\nA: ");
    int64_t from_us = clock_monotonic_us();
    while (clock_monotonic_us() - from_us < 6 * SECOND_US && send(line, "a", 1, MSG_NOSIGNAL) == 1) {
        struct pollfd closed = {.fd = line, .events = POLLIN};
        if (poll(&closed, 1, 100) == 1)
            break;
    }
    assert_in_range(clock_monotonic_us() - from_us, 1400 * 1000, 3500 * 1000); /* idle_timeout_ms and one sweep */
    close(line);
}

static void every_exchange_is_observed_once(void **state)
{
    sleep_ms(50);
    int before = observed;
    peer_get(port, "/hello", &answer);
    peer_get(port, "/worker", &answer);
    peer_get(port, "/nowhere", &answer);
    sleep_ms(50);
    assert_int_equal(observed, before + 3);
    assert_int_equal(http_server_active(server), 0);
    assert_int_equal(http_server_queued(server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inline_handler_has_no_database_and_a_worker_has_one),
        cmocka_unit_test(every_reply_carries_a_request_id_and_careful_defaults),
        cmocka_unit_test(a_handler_sets_its_own_headers_but_cannot_split_the_reply),
        cmocka_unit_test(an_unknown_path_is_404_and_a_known_one_with_another_method_405_with_allow),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(captures_are_decoded_and_dot_segments_lead_nowhere),
        cmocka_unit_test(a_path_that_is_not_utf8_is_refused),
        cmocka_unit_test(bodies_arrive_whole_in_both_framings),
        cmocka_unit_test(chunked_together_with_a_length_is_refused_and_the_line_closed),
        cmocka_unit_test(lengths_that_readers_could_see_differently_are_refused),
        cmocka_unit_test(a_request_without_host_or_with_odd_bytes_is_refused),
        cmocka_unit_test(too_many_or_too_large_headers_are_refused),
        cmocka_unit_test(a_body_over_the_limit_is_413_before_it_is_read),
        cmocka_unit_test(a_chunked_body_over_the_limit_is_413_in_its_middle),
        cmocka_unit_test(another_media_type_is_415_where_json_is_wanted),
        cmocka_unit_test(every_fault_is_named_in_the_problem_document),
        cmocka_unit_test(a_handler_without_a_reply_is_an_internal_error),
        cmocka_unit_test(rate_limits_say_when_to_come_back),
        cmocka_unit_test(without_an_authorize_hook_only_public_routes_answer),
        cmocka_unit_test(the_peer_is_believed_only_from_a_proxy_and_only_to_its_last_stranger),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_body_in_single_bytes_arrives_and_one_that_never_ends_is_cut),
        cmocka_unit_test(headers_that_drip_do_not_hold_a_line),
        cmocka_unit_test(every_exchange_is_observed_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
