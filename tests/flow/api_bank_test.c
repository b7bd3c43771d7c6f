/* Call-backs that are wrong: forged, stale, contradicting, malformed, or of money that is not ours. None of it is
 * booked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static struct payment_asked asked;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    asked = service_request(&service, &arena, "BANK-1", 2);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

/* Money and what follows from it; a refused notice leaves its bytes in notice_log as evidence, and nothing here. */
static const char *books(void)
{
    return arena_copy(&arena,
                      test_value(db, &arena,
                                 "SELECT concat_ws(' ', (SELECT count(*) FROM payment), (SELECT count(*) FROM "
                                 "journal), (SELECT count(*) FROM entry), (SELECT count(*) FROM event), (SELECT "
                                 "count(*) FROM refund), (SELECT sum(allocated + surplus) FROM payment_request))"));
}

static struct service_answer post_with(struct text body, const char *stamp, const char *signature)
{
    const struct http_pair more[] = {{"X-Sandbox-Timestamp", text_of(stamp)},
                                     {"X-Sandbox-Signature", text_of(signature)}};
    const struct service_call call = {.method = "POST",
                                      .path = "/v1/notifications/sandbox-bank",
                                      .body = body,
                                      .key = "",
                                      .more = more,
                                      .more_count = stamp ? 2 : 0};
    return service_call(&service, &arena, &call);
}

static const char *sign(const char *secret, struct text body, int64_t stamp_s)
{
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    crypto_hmac_sha256(text_of(secret), arena_textf(&arena, "%lld.%.*s", (long long)stamp_s, TEXT_ARGS(body)), mac);
    hex_encode(mac, sizeof mac, hex);
    return arena_printf(&arena, "sha256=%s", hex);
}

static void what_is_not_signed_by_the_bank_is_refused(void **state)
{
    const char *before = rows_of_all_tables(db, &arena);
    struct text body =
        bank_body(&arena, &(struct bank_notice){.id = 1, .amount = asked.amount, .memo = asked.reference});
    int64_t now_s = clock_now() / SECOND_US;
    const char *now = arena_printf(&arena, "%lld", (long long)now_s), *right = sign(service.bank_secret, body, now_s);
    const struct {
        const char *what, *stamp, *signature;
    } cases[] = {{"unsigned", NULL, NULL},
                 {"empty", now, ""},
                 {"another secret", now, sign("guess", body, now_s)},
                 {"another time", now, sign(service.bank_secret, body, now_s - 1)},
                 {"another body", now, sign(service.bank_secret, TEXT("{}"), now_s)},
                 {"no scheme", now, right + 7},
                 {"cut", now, arena_printf(&arena, "%.70s", right)},
                 {"a time that is none", "soon", right}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct service_answer answer = post_with(body, cases[i].stamp, cases[i].signature);
        EXPECT_PROBLEM(&arena, cases[i].what, &answer, 401, "signature_invalid", "");
    }
    static const int shifts[] = {-301, -86400, 330};
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        int64_t then_s = clock_now() / SECOND_US + shifts[i];
        struct service_answer answer =
            post_with(body, arena_printf(&arena, "%lld", (long long)then_s), sign(service.bank_secret, body, then_s));
        EXPECT_PROBLEM(&arena, "stale", &answer, 401, "stale", "");
    }
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

static void a_signature_stands_for_five_minutes(void **state)
{
    struct text body = bank_body(&arena, &(struct bank_notice){.id = 2, .amount = 1000, .memo = "khong ma"});
    int64_t then_s = clock_now() / SECOND_US - 290;
    struct service_answer answer =
        post_with(body, arena_printf(&arena, "%lld", (long long)then_s), sign(service.bank_secret, body, then_s));
    assert_true(bank_accepted(&answer));
}

#define FIELDS(amount, rest)                                                                                           \
    "{\"id\":77,\"account_number\":\"" TEST_ACCOUNT "\",\"amount\":" amount ",\"currency\":\"VND\",\"direction\":"     \
    "\"in\",\"memo\":\"x\",\"bank_reference\":\"FT77\",\"booked_at\":\"2026-11-20T09:00:00+07:00\"" rest "}"

static void a_signed_body_with_faults_is_refused_fault_by_fault(void **state)
{
    static const struct {
        const char *what, *body;
        int status;
        const char *code, *faults;
    } cases[] = {
        {"1.0 for money", FIELDS("1.0", ""), 422, "invalid_request", "/amount field_type"},
        {"1e5 for money", FIELDS("1e5", ""), 422, "invalid_request", "/amount field_type"},
        {"text for money", FIELDS("\"16000\"", ""), 422, "invalid_request", "/amount field_type"},
        {"no money", FIELDS("0", ""), 422, "invalid_request", "/amount field_range"},
        {"money owed", FIELDS("-1", ""), 422, "invalid_request", "/amount field_range"},
        {"all the money in the world", FIELDS("9223372036854775807", ""), 422, "invalid_request",
         "/amount field_range"},
        {"more than int64", FIELDS("9223372036854775808", ""), 422, "invalid_request", "/amount field_range"},
        {"unknown field", FIELDS("1", ",\"tip\":5"), 422, "invalid_request", "/tip field_unknown"},
        {"the amount twice", FIELDS("1", ",\"amount\":16000"), 400, "json_duplicate_key", " json_duplicate_key"},
        {"broken UTF-8", FIELDS("1", ",\"counterparty_name\":\"\xFF\""), 400, "invalid_utf8", " invalid_utf8"},
        {"nothing", "{}", 422, "invalid_request",
         "/account_number field_missing, /amount field_missing, /bank_reference field_missing, /booked_at "
         "field_missing, /currency field_missing, /direction field_missing, /id field_missing, /memo field_missing"},
        {"dollars that flow sideways at no time",
         "{\"id\":0,\"account_number\":\"" TEST_ACCOUNT "\",\"amount\":5,\"currency\":\"USD\",\"direction\":\"up\","
         "\"memo\":\"\",\"bank_reference\":\"\",\"booked_at\":"
         "\"yesterday\"}",
         422, "invalid_request",
         "/bank_reference field_length, /booked_at field_format, /currency field_value, /direction field_value, /id "
         "field_range"},
    };
    const char *before = rows_of_all_tables(db, &arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct service_answer answer = bank_posts(&service, &arena, text_of(cases[i].body));
        EXPECT_PROBLEM(&arena, cases[i].what, &answer, cases[i].status, cases[i].code, cases[i].faults);
    }
    char *long_memo = arena_alloc(&arena, 70000);
    memset(long_memo, 'x', 69999);
    struct service_answer answer =
        bank_tells(&service, &arena, &(struct bank_notice){.id = 78, .amount = 1, .memo = long_memo});
    EXPECT_PROBLEM(&arena, "a memo without end", &answer, 413, "body_too_large", "");
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

static void expect_refusal(const struct service_answer *answer, int status)
{
    assert_int_equal(answer->status, status);
    assert_true(text_starts(answer->body, "{\"success\":false"));
}

static void money_on_an_account_that_is_not_ours_is_not_booked(void **state)
{
    const char *before = books();
    const struct bank_notice notice = {
        .id = 300, .amount = asked.amount, .memo = asked.reference, .account = "9999999999"};
    for (int i = 0; i < 2; i++) {
        struct service_answer answer = bank_tells(&service, &arena, &notice);
        expect_refusal(&answer, 422);
    }
    assert_string_equal(before, books());
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice_log WHERE external_id = '300' AND outcome = 'refused'"),
                     2);
}

static void a_contradicting_repeat_is_refused_and_kept_as_evidence(void **state)
{
    struct bank_notice notice = {.id = 400, .amount = 5000, .memo = "khong co ma"};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    const char *before = books();
    notice.amount = 6000;
    answer = bank_tells(&service, &arena, &notice);
    expect_refusal(&answer, 409);
    /* Another notice that claims the same bank transaction with another sum. */
    answer = bank_tells(&service, &arena,
                        &(struct bank_notice){.id = 401, .amount = 7000, .memo = "x", .bank_reference = "FT400"});
    expect_refusal(&answer, 409);
    assert_string_equal(before, books());
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice_log WHERE outcome = 'conflict'"), 2);
    notice.amount = 5000;
    answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    assert_string_equal(before, books());
}

static void money_that_goes_out_is_none_of_ours_and_accepted(void **state)
{
    const char *before = rows_of_all_tables(db, &arena);
    struct service_answer answer = bank_posts(
        &service, &arena,
        TEXT("{\"id\":500,\"account_number\":\"" TEST_ACCOUNT
             "\",\"amount\":5000,\"currency\":\"VND\",\"direction\":\"out\",\"memo\":\"\",\"bank_reference\":\"FT500\","
             "\"booked_at\":\"2026-11-20T09:00:00+07:00\"}"));
    assert_true(bank_accepted(&answer));
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_signed_by_the_bank_is_refused),
        cmocka_unit_test(a_signature_stands_for_five_minutes),
        cmocka_unit_test(a_signed_body_with_faults_is_refused_fault_by_fault),
        cmocka_unit_test(money_on_an_account_that_is_not_ours_is_not_booked),
        cmocka_unit_test(a_contradicting_repeat_is_refused_and_kept_as_evidence),
        cmocka_unit_test(money_that_goes_out_is_none_of_ours_and_accepted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
