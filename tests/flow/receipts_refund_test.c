/* A fee that goes back through the ledger, as receipts tell it: the lower receipt, the page for anybody, the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

static struct db *db;
static struct arena arena;
static struct service_under_test service;
static const char *cashier, *finance, *supervisor;
static int64_t request, receipt;
static struct text file; /* the signed bytes of the receipt */

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    cashier = service_staff_cookie(db, &arena, "thungan", "cashier");
    finance = service_staff_cookie(db, &arena, "taichinh", "finance");
    supervisor = service_staff_cookie(db, &arena, "phutrach", "supervisor");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer as(const char *cookie, const char *path, const char *body)
{
    const struct service_call call = {.method = "POST", .path = path, .body = text_of(body), .cookie = cookie};
    return service_call(&service, &arena, &call);
}

static struct service_answer step(int64_t refund, const char *verb, const char *body)
{
    return as(finance, arena_printf(&arena, "/v1/refunds/%lld/%s", (long long)refund, verb), body);
}

/* Waits until `sql` counts `wanted`; ten seconds at most. */
static bool comes(const char *sql, int64_t wanted)
{
    for (int i = 0; i < 100; i++, test_sleep_ms(100))
        if (test_int(db, sql) == wanted)
            return true;
    return false;
}

static const char *counted(const char *what, int64_t id)
{
    return arena_printf(&arena, "SELECT count(*) FROM %s = %lld", what, (long long)id);
}

static const char *status_of_file(void)
{
    const struct service_call call = {
        .method = "POST", .path = "/v1/receipts/verify", .body = file, .content_type = "application/xml", .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    assert_int_equal(answer.status, 200);
    return json_string_at(answer.json, "status");
}

static bool page_says(const char *words)
{
    static const char boundary[] = "------b0undary\r\nContent-Disposition: form-data; name=\"file\"; "
                                   "filename=\"a.xml\"\r\nContent-Type: text/xml\r\n\r\n";
    struct text body = arena_textf(&arena, "%s%.*s\r\n------b0undary--\r\n", boundary, TEXT_ARGS(file));
    const struct service_call call = {.method = "POST",
                                      .path = "/verify",
                                      .body = body,
                                      .content_type = "multipart/form-data; boundary=----b0undary",
                                      .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    assert_int_equal(answer.status, 200);
    return text_find(answer.body, text_of(words)) < answer.body.length;
}

static void the_refund_of_a_fee_is_told_by_page_and_log(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "RF-1", 2);
    const struct bank_notice notice = {.id = 1, .amount = asked.amount, .memo = asked.reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    request = asked.id;
    assert_true(comes(counted("receipt WHERE signed_xml IS NOT NULL AND request_id", request), 1));
    receipt = test_int(db, arena_printf(&arena, "SELECT id FROM receipt WHERE request_id = %lld", (long long)request));
    file = test_value(db, &arena,
                      arena_printf(&arena, "SELECT convert_from(signed_xml, 'UTF8') FROM receipt WHERE id = %lld",
                                   (long long)receipt));
    assert_string_equal(status_of_file(), "valid");
    assert_true(page_says("Biên lai hợp lệ"));
    int64_t payment =
        test_int(db, arena_printf(&arena, "SELECT id FROM payment WHERE request_id = %lld", (long long)request));
    answer = as(cashier, arena_printf(&arena, "/v1/payments/%lld/refunds", (long long)payment),
                "{\"amount\":8000,\"reason\":\"correction\",\"to\":{\"bank_bin\":\"970436\",\"account\":"
                "\"0071000123456\",\"name\":\"NGUYEN VAN A\"},\"note\":\"thu thừa một bản\"}");
    assert_int_equal(answer.status, 201);
    int64_t refund = json_int_at(answer.json, "id");
    assert_int_equal(step(refund, "approve", "").status, 200);
    assert_int_equal(as(finance, "/v1/refund-lists", "{\"account\":\"" TEST_ACCOUNT "\"}").status, 201);
    /* on its way to the bank: already given back for a lower receipt, not yet for the citizen */
    assert_int_equal(test_int(db, arena_printf(&arena, "SELECT receipt_given_back(%lld)", (long long)request)), 8000);
    assert_string_equal(status_of_file(), "valid");
    assert_int_equal(step(refund, "paid", "{\"bank_reference\":\"FT26327999\",\"paid_on\":\"2026-11-20\"}").status,
                     200);
    assert_string_equal(status_of_file(), "refunded");
    assert_true(page_says("tiền đã được hoàn trả") && page_says("8.000 đồng"));
    assert_true(comes(counted("receipt_log_leaf WHERE status = 'refunded' AND receipt_id", receipt), 1));
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_log_audit(0)"), 0);
}

static void a_receipt_of_the_lower_amount_replaces_the_first(void **state)
{
    const char *path = arena_printf(&arena, "/v1/receipts/%lld/replace", (long long)receipt);
    struct text fee = test_value(
        db, &arena,
        arena_printf(&arena, "SELECT min(fee) FROM request_line WHERE request_id = %lld", (long long)request));
    static const char body[] = "{\"reason\":\"Thu thừa một bản\",\"amounts\":[{\"fee\":\"%.*s\",\"amount\":%d}]}";
    assert_int_equal(as(finance, path, arena_printf(&arena, body, TEXT_ARGS(fee), 8001)).status, 422);
    assert_int_equal(as(finance, path, arena_printf(&arena, body, TEXT_ARGS(fee), 8000)).status, 201);
    const char *approve = arena_printf(&arena, "/v1/receipts/corrections/%lld/approve",
                                       (long long)test_int(db, "SELECT max(id) FROM receipt_correction"));
    assert_int_equal(as(finance, approve, "{}").status, 403);
    assert_int_equal(as(supervisor, approve, "{}").status, 200);
    assert_true(comes(counted("receipt WHERE total = 8000 AND signed_xml IS NOT NULL AND replaces", receipt), 1));
    assert_string_equal(status_of_file(), "replaced");
    assert_true(page_says("thay thế"));
    assert_true(comes(counted("receipt_log_leaf WHERE status = 'replaced' AND receipt_id", receipt), 1));
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_audit()"), 0);
}

/* The money came on 20 November; both receipts are of the day they were signed, and the second says what it replaces.
 */
static void the_book_shows_both_receipts_with_both_days(void **state)
{
    char today[DATE_TEXT_SIZE];
    date_format(date_of(clock_now()), today);
    const struct service_call call = {
        .method = "GET", .path = arena_printf(&arena, "/v1/reports/receipts?date=%s", today), .cookie = finance};
    struct service_answer book = service_call(&service, &arena, &call);
    assert_int_equal(book.status, 200);
    json_t *rows = json_object_get(book.json, "receipts"), *row;
    size_t i;
    int replaced = 0;
    json_array_foreach(rows, i, row)
    {
        assert_string_equal(json_string_at(row, "issued_on"), today);
        assert_string_equal(json_string_at(row, "collected_on"), "2026-11-20");
        replaced += json_string_at(row, "replaces")[0] != 0;
    }
    assert_int_equal(json_array_size(rows), 2);
    assert_int_equal(replaced, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_refund_of_a_fee_is_told_by_page_and_log),
        cmocka_unit_test(a_receipt_of_the_lower_amount_replaces_the_first),
        cmocka_unit_test(the_book_shows_both_receipts_with_both_days),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
