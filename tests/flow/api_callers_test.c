/* Who may call, how a call must be framed, and what a repeated call means. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

enum { CROWD = 16, BIG = 20 << 20 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, "[http]\nproxies = 127.0.0.1\npublic_per_minute = 60\n");
    assert_int_equal(service_dossier(&service, &arena, "CALL-1").status, 201);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer ask_for_one(const char *key, const char *idempotency_key)
{
    const struct service_call call = {.method = "POST",
                                      .path = "/v1/payment-requests",
                                      .body = request_body(&arena, "CALL-1", 1),
                                      .key = key,
                                      .idempotency_key = idempotency_key};
    return service_call(&service, &arena, &call);
}

static struct service_answer get(const char *path, const char *key, const char *cookie)
{
    const struct service_call call = {.method = "GET", .path = path, .key = key, .cookie = cookie};
    return service_call(&service, &arena, &call);
}

/* Systems -----------------------------------------------------------------------------------------------------------
 */

static void a_key_that_is_missing_unknown_or_revoked_opens_nothing(void **state)
{
    const char *before = rows_of_all_tables(db, &arena);
    struct service_answer answer = ask_for_one("", NULL);
    EXPECT_PROBLEM(&arena, "no key", &answer, 401, "unauthenticated", "");
    assert_true(text_find(answer.headers, TEXT("WWW-Authenticate")) < answer.headers.length);
    answer = ask_for_one("lephi_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL);
    EXPECT_PROBLEM(&arena, "an unknown key", &answer, 401, "unauthenticated", "");
    assert_string_equal(before, rows_of_all_tables(db, &arena));

    const char *key = service_key(db, &arena, "short-lived", "all");
    assert_int_equal(get("/v1/events", key, NULL).status, 200);
    assert_int_equal(auth_key_revoke(db, &arena, "short-lived", clock_now()), OK);
    answer = get("/v1/events", key, NULL);
    EXPECT_PROBLEM(&arena, "a revoked key", &answer, 401, "unauthenticated", "");
}

static void a_key_opens_only_what_its_scopes_say(void **state)
{
    const char *key = service_key(db, &arena, "only-events", "events");
    assert_int_equal(get("/v1/events", key, NULL).status, 200);
    static const char *const closed[] = {"/v1/payments", "/v1/dossiers/CALL-1", "/v1/payment-requests/1"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        struct service_answer answer = get(closed[i], key, NULL);
        EXPECT_PROBLEM(&arena, closed[i], &answer, 403, "forbidden", "");
    }
    struct service_answer answer = ask_for_one(key, NULL);
    EXPECT_PROBLEM(&arena, "a request", &answer, 403, "forbidden", "");
}

/* Staff -------------------------------------------------------------------------------------------------------------
 */

static struct service_answer act_from(const char *cookie, const char *header, const char *value)
{
    const struct http_pair more[] = {{header, text_of(value)}};
    const struct service_call call = {.method = "POST",
                                      .path = "/v1/payment-requests",
                                      .body = request_body(&arena, "CALL-1", 1),
                                      .cookie = cookie,
                                      .more = more,
                                      .more_count = header ? 1 : 0};
    return service_call(&service, &arena, &call);
}

static void another_site_cannot_act_with_the_cookie_of_staff(void **state)
{
    const char *cookie = service_staff_cookie(db, &arena, "cashier-1", "cashier");
    const char *before = rows_of_all_tables(db, &arena);
    static const char *const foreign[][2] = {{"Sec-Fetch-Site", "cross-site"},
                                             {"Sec-Fetch-Site", "same-site"},
                                             {"Origin", "https://evil.example"},
                                             {"Origin", "http://127.0.0.1.evil.example"},
                                             {"Origin", "null"}};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct service_answer answer = act_from(cookie, foreign[i][0], foreign[i][1]);
        EXPECT_PROBLEM(&arena, foreign[i][1], &answer, 403, "forbidden", "");
    }
    assert_string_equal(before, rows_of_all_tables(db, &arena));
    assert_int_equal(act_from(cookie, "Sec-Fetch-Site", "same-origin").status, 201);
    assert_int_equal(act_from(cookie, "Origin", service.url).status, 201);
    assert_int_equal(act_from(cookie, NULL, NULL).status, 201);
}

static void a_role_opens_only_its_own_doors(void **state)
{
    const char *cashier = service_staff_cookie(db, &arena, "cashier-2", "cashier"),
               *auditor = service_staff_cookie(db, &arena, "auditor-2", "auditor");
    struct service_answer answer = get("/v1/payments", NULL, cashier);
    EXPECT_PROBLEM(&arena, "the books for a cashier", &answer, 403, "forbidden", "");
    assert_int_equal(get("/v1/payments", NULL, auditor).status, 200);
    answer = act_from(auditor, NULL, NULL);
    EXPECT_PROBLEM(&arena, "an auditor who acts", &answer, 403, "forbidden", "");
    answer = get("/v1/events", NULL, auditor);
    EXPECT_PROBLEM(&arena, "a door for systems", &answer, 401, "unauthenticated", "");
}

static void a_session_ends_with_the_person(void **state)
{
    const char *cookie = service_staff_cookie(db, &arena, "leaver", "supervisor");
    assert_int_equal(get("/v1/payments", NULL, cookie).status, 200);
    assert_int_equal(auth_staff_disable(db, &arena, "leaver", clock_now()), OK);
    struct service_answer answer = get("/v1/payments", NULL, cookie);
    EXPECT_PROBLEM(&arena, "a disabled person", &answer, 401, "unauthenticated", "");
    answer = get("/v1/payments", NULL, AUTH_COOKIE "=AAAAAAAAAAAAAAAAAAAAAA");
    EXPECT_PROBLEM(&arena, "a cookie that is none", &answer, 401, "unauthenticated", "");
}

/* Strangers, seen by the address a believed proxy gives. */
static int calls_until_refused(const char *method, const char *path, const char *address, int most)
{
    const struct http_pair more[] = {{"X-Forwarded-For", text_of(address)}};
    struct service_call call = {.method = method, .path = path, .key = "", .more = more, .more_count = 1};
    if (!strcmp(method, "POST")) {
        call.content_type = "application/x-www-form-urlencoded";
        call.body = TEXT("login=cashier-1&password=guess");
    }
    for (int i = 0; i < most; i++) {
        struct service_answer answer = service_call(&service, &arena, &call);
        if (answer.status != 429)
            continue;
        EXPECT_PROBLEM(&arena, path, &answer, 429, "rate_limited", "");
        assert_true(strcasestr(arena_copy(&arena, answer.headers), "retry-after: ") != NULL);
        return i;
    }
    return most;
}

static void a_stranger_who_tries_without_end_is_slowed_down(void **state)
{
    const char *link = "/p/AAAAAAAAAAAAAAAAAAAAAA/status";
    assert_in_range(calls_until_refused("GET", link, "203.0.113.9", 200), 60, 100);
    assert_in_range(calls_until_refused("POST", "/login", "203.0.113.10", 100), 30, 60);
    assert_int_equal(calls_until_refused("GET", link, "203.0.113.11", 20), 20); /* a neighbour is not touched */
    assert_int_equal(calls_until_refused("GET", "/readyz", "203.0.113.9", 20), 20);
    assert_int_equal(calls_until_refused("GET", link, "127.0.0.1", 200), 200);
}

/* Framing -----------------------------------------------------------------------------------------------------------
 */

static const char *raw(const char *headers, struct text body)
{
    struct buf bytes = {0};
    buf_printf(&bytes,
               "POST /v1/payment-requests HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\nConnection: "
               "close\r\n%s\r\n",
               service.port, service.key, headers);
    buf_text(&bytes, body);
    struct text reply = service_raw(&service, &arena, buf_view(&bytes));
    buf_done(&bytes);
    return arena_copy(&arena, reply);
}

static void expect_raw(const char *what, const char *reply, const char *status, const char *code)
{
    const char *wanted = arena_printf(&arena, "HTTP/1.1 %s ", status),
               *found = arena_printf(&arena, "\"code\":\"%s\"", code);
    if (strncmp(reply, wanted, strlen(wanted)) || !strstr(reply, found) || !strstr(reply, "application/problem+json"))
        fail_msg("%s: expected %s %s, got: %.600s", what, status, code, reply);
}

static void a_message_of_two_lengths_is_refused(void **state)
{
    const char *before = rows_of_all_tables(db, &arena);
    struct text good = request_body(&arena, "CALL-1", 1);
    struct text chunked = arena_textf(&arena, "%zx\r\n%.*s\r\n0\r\n\r\n", good.length, TEXT_ARGS(good));
    const char *both =
        arena_printf(&arena, "Content-Type: application/json\r\nContent-Length: %zu\r\nTransfer-Encoding: chunked\r\n",
                     chunked.length);
    expect_raw("chunked and a length", raw(both, chunked), "400", "ambiguous_framing");
    const char *twice = arena_printf(
        &arena, "Content-Type: application/json\r\nContent-Length: %zu\r\nContent-Length: 5\r\n", good.length);
    expect_raw("two lengths", raw(twice, good), "400", "ambiguous_framing");
    /* libmicrohttpd refuses this one by itself, in its own words. */
    const char *reply = raw("Content-Type: application/json\r\nContent-Length: +5\r\n", TEXT("{\"a\":"));
    assert_memory_equal(reply, "HTTP/1.1 400 ", 13);
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

static void a_body_of_20_mb_is_refused_unread(void **state)
{
    const char *before = rows_of_all_tables(db, &arena);
    char *body = arena_alloc(&arena, BIG + 32);
    size_t at = (size_t)sprintf(body, "%x\r\n", BIG);
    memset(body + at, ' ', BIG);
    memcpy(body + at + BIG, "\r\n0\r\n\r\n", 7);
    const char *length = arena_printf(&arena, "Content-Type: application/json\r\nContent-Length: %d\r\n", BIG);
    expect_raw("by length", raw(length, (struct text){body + at, BIG}), "413", "body_too_large");
    expect_raw(
        "in chunks",
        raw("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", (struct text){body, at + BIG + 7}),
        "413", "body_too_large");
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

static void other_media_and_headers_without_end_are_refused(void **state)
{
    struct text good = request_body(&arena, "CALL-1", 1);
    const char *before = rows_of_all_tables(db, &arena);
    expect_raw("text",
               raw(arena_printf(&arena, "Content-Type: text/plain\r\nContent-Length: %zu\r\n", good.length), good),
               "415", "unsupported_media_type");
    char *long_header = arena_alloc(&arena, 70000);
    memset(long_header, 'a', 69999);
    const char *reply = raw(arena_printf(&arena, "X-Long: %s\r\nContent-Length: 0\r\n", long_header), TEXT_NONE);
    assert_memory_equal(reply, "HTTP/1.1 431 ", 13);
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

/* Idempotency-Key ---------------------------------------------------------------------------------------------------
 */

static bool replayed(const struct service_answer *answer)
{
    return strcasestr(arena_copy(&arena, answer->headers), "idempotent-replayed: true") != NULL;
}

static int64_t requests(void)
{
    return test_int(db, "SELECT count(*) FROM payment_request");
}

static void the_same_key_and_body_get_the_stored_reply(void **state)
{
    int64_t before = requests();
    struct service_answer first = ask_for_one(NULL, "once-1"), again = ask_for_one(NULL, "once-1");
    assert_int_equal(first.status, 201);
    assert_false(replayed(&first));
    assert_int_equal(again.status, 201);
    assert_true(replayed(&again));
    assert_true(text_equal(first.body, again.body));
    assert_int_equal(requests(), before + 1);
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM idempotency WHERE position('%s'::bytea IN reply) "
                                               "> 0",
                                               json_string_at(first.json, "reference"))),
                     0); /* a reply carries a citizen's link: it is kept sealed */
}

static void a_key_used_for_another_body_is_refused(void **state)
{
    assert_int_equal(ask_for_one(NULL, "once-2").status, 201);
    const char *before = rows_of_all_tables(db, &arena);
    const struct service_call call = {.method = "POST",
                                      .path = "/v1/payment-requests",
                                      .body = request_body(&arena, "CALL-1", 2),
                                      .idempotency_key = "once-2"};
    struct service_answer answer = service_call(&service, &arena, &call);
    EXPECT_PROBLEM(&arena, "another body", &answer, 422, "idempotency_key_reused", "");
    char long_key[257];
    memset(long_key, 'k', 256);
    long_key[256] = 0;
    answer = ask_for_one(NULL, long_key);
    EXPECT_PROBLEM(&arena, "256 characters", &answer, 422, "field_length", "Idempotency-Key field_length");
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

static void a_key_belongs_to_one_caller_and_a_refusal_does_not_use_it_up(void **state)
{
    const char *other = service_key(db, &arena, "other-system", "all");
    int64_t before = requests();
    assert_int_equal(ask_for_one(NULL, "once-3").status, 201);
    struct service_answer answer = ask_for_one(other, "once-3");
    assert_int_equal(answer.status, 201);
    assert_false(replayed(&answer));
    assert_int_equal(requests(), before + 2);

    const struct service_call bad = {
        .method = "POST", .path = "/v1/payment-requests", .body = TEXT("{}"), .idempotency_key = "once-4"};
    assert_int_equal(service_call(&service, &arena, &bad).status, 422);
    assert_int_equal(ask_for_one("", "once-4").status, 401);
    answer = ask_for_one(NULL, "once-4");
    assert_int_equal(answer.status, 201);
    assert_false(replayed(&answer));
}

struct one_of_the_crowd {
    pthread_t thread;
    pthread_barrier_t *start;
    struct text body;
    int status;
};

static void *ask_with_the_crowd(void *with)
{
    struct one_of_the_crowd *one = with;
    struct arena own;
    arena_init(&own);
    const struct service_call call = {
        .method = "POST", .path = "/v1/payment-requests", .body = one->body, .idempotency_key = "crowd"};
    pthread_barrier_wait(one->start);
    struct service_answer answer = service_call(&service, &own, &call);
    one->status = answer.status;
    one->body.length = 0;
    if (answer.status == 201)
        one->body = (struct text){memory_copy(answer.body.at, answer.body.length), answer.body.length};
    arena_done(&own);
    return NULL;
}

static void a_crowd_with_one_key_makes_one_request(void **state)
{
    struct one_of_the_crowd crowd[CROWD];
    pthread_barrier_t start;
    struct text first = TEXT_NONE;
    int64_t before = requests();
    pthread_barrier_init(&start, NULL, CROWD);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = (struct one_of_the_crowd){.start = &start, .body = request_body(&arena, "CALL-1", 1)};
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, ask_with_the_crowd, &crowd[i]), 0);
    }
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < CROWD; i++) {
        assert_true(crowd[i].status == 201 || crowd[i].status == 409);
        if (crowd[i].status != 201)
            continue;
        struct text body = arena_text(&arena, crowd[i].body);
        free((void *)(uintptr_t)crowd[i].body.at);
        first = first.at ? first : body;
        assert_true(text_equal(first, body));
    }
    assert_true(first.at != NULL);
    assert_int_equal(requests(), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_is_missing_unknown_or_revoked_opens_nothing),
        cmocka_unit_test(a_key_opens_only_what_its_scopes_say),
        cmocka_unit_test(another_site_cannot_act_with_the_cookie_of_staff),
        cmocka_unit_test(a_role_opens_only_its_own_doors),
        cmocka_unit_test(a_session_ends_with_the_person),
        cmocka_unit_test(a_stranger_who_tries_without_end_is_slowed_down),
        cmocka_unit_test(a_message_of_two_lengths_is_refused),
        cmocka_unit_test(a_body_of_20_mb_is_refused_unread),
        cmocka_unit_test(other_media_and_headers_without_end_are_refused),
        cmocka_unit_test(the_same_key_and_body_get_the_stored_reply),
        cmocka_unit_test(a_key_used_for_another_body_is_refused),
        cmocka_unit_test(a_key_belongs_to_one_caller_and_a_refusal_does_not_use_it_up),
        cmocka_unit_test(a_crowd_with_one_key_makes_one_request),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
