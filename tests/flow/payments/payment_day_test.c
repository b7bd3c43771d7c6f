/* Where the day of payment decides the price, it is the bank's day, whenever its word reaches us: over New Year's
 * night, when TT 64/2025/TT-BTC ends (passports cost half until 2026-12-31) and receipts take the symbol of the new
 * year; and over the night of 1 July 2025, when it began. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

enum { PASSPORT = 200000, HALF = 100000 }; /* đồng */
#define POLICE_ACCOUNT "1014000000011"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static int64_t notice_number = 94000;

static instant_us moment(const char *text)
{
    instant_us at;
    assert_true(instant_parse(text_of(text), &at));
    return at;
}

/* The service is started again, and it is this moment. */
static void it_is(const char *text)
{
    service_stop(&service);
    service.clock_offset_s += (int)((moment(text) - clock_now()) / SECOND_US);
    service_start(&service);
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct payment_asked passport(const char *code, const char *filed_at)
{
    struct service_answer answer =
        service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/dossiers/%s", code),
                    "{\"procedure\":\"1.012680\",\"agency\":\"QN-CAT\",\"channel\":\"counter\",\"submitted_at\":\"%s\","
                    "\"applicant\":{\"name\":\"Nguyễn Thị Ánh\"}}",
                    filed_at);
    assert_int_equal(answer.status, 201);
    answer = service_ask(&service, &arena, "POST", "/v1/payment-requests", "{\"dossier\":\"%s\",\"fees\":[\"HC-MOI\"]}",
                         code);
    assert_int_equal(answer.status, 201);
    return (struct payment_asked){.id = json_int_at(answer.json, "id"),
                                  .amount = json_int_at(answer.json, "amount"),
                                  .reference = json_string_at(answer.json, "reference"),
                                  .pay_url = json_string_at(answer.json, "pay_url")};
}

static void money(const struct payment_asked *asked, const char *bank_time)
{
    const struct bank_notice notice = {.id = ++notice_number,
                                       .account = POLICE_ACCOUNT,
                                       .amount = asked->amount,
                                       .memo = asked->reference,
                                       .booked_at = moment(bank_time)};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
}

static json_t *seen(int64_t request, const char *more)
{
    return service_ask(&service, &arena, "GET",
                       arena_printf(&arena, "/v1/payment-requests/%lld%s", (long long)request, more), "%s", "")
        .json;
}

static json_t *adjustments(int64_t request)
{
    return json_object_get(seen(request, "/adjustments"), "items");
}

/* Receipts wait meanwhile: the keys of this test are not that old. */
static void day_looked_at(void)
{
    static const struct db_statement left_sql = {"days_left", "SELECT count(*) FROM job WHERE kind = 'request.day'"};
    struct db_rows rows;
    int64_t left = 1;
    for (int i = 0; i < 200 && left; i++, test_sleep_ms(50)) {
        struct db_args none = db_args(&arena);
        assert_int_equal(db_query(db, &left_sql, &none, &rows), OK);
        left = db_int(&rows, 0, 0);
    }
    assert_int_equal(left, 0);
}

static void what_became_cheaper_on_the_banks_day_is_given_back(void **state)
{
    it_is("2025-06-30T23:50:00+07:00");
    struct payment_asked asked = passport("DAY-1", "2025-06-30T16:00:00+07:00");
    assert_int_equal(asked.amount, PASSPORT);
    it_is("2025-07-01T08:00:00+07:00");
    money(&asked, "2025-07-01T00:00:10+07:00");
    day_looked_at();
    assert_int_equal(json_array_size(adjustments(asked.id)), 1);
    json_t *one = json_array_get(adjustments(asked.id), 0);
    assert_string_equal(json_string_at(one, "cause"), "payment_day");
    assert_int_equal(json_int_at(one, "after"), HALF);
    assert_int_equal(json_int_at(one, "to_refund"), HALF);
    assert_int_equal(
        test_int(db, "SELECT sum(amount)::bigint FROM refund WHERE reason = 'correction' AND state = 'proposed'"),
        HALF);
}

static void money_of_new_years_eve_pays_the_price_of_that_eve(void **state)
{
    it_is("2026-12-31T23:50:00+07:00");
    struct payment_asked eve = passport("DAY-2", "2026-12-30T09:00:00+07:00"),
                         after = passport("DAY-3", "2026-12-30T09:00:00+07:00");
    assert_int_equal(eve.amount, HALF);
    json_t *shown = seen(eve.id, "");
    assert_string_equal(json_string_at(shown, "expires_at"), "2026-12-31T23:59:59+07:00"); /* never beyond its rule */

    /* The bank's word is lost that night and healed on 2 January. */
    it_is("2027-01-02T08:00:00+07:00");
    money(&eve, "2026-12-31T23:59:50+07:00");
    money(&after, "2027-01-01T00:00:10+07:00");
    assert_true(service_drained(db, 20));

    shown = seen(eve.id, "");
    assert_string_equal(json_string_at(shown, "status"), "paid");
    assert_string_equal(json_string_at(shown, "paid_on"), "2026-12-31");
    assert_int_equal(json_array_size(adjustments(eve.id)), 0);

    /* Ten seconds into the year it costs the whole: the rest is asked for, with both prices, and nothing twice. */
    json_t *one = json_array_get(adjustments(after.id), 0);
    assert_int_equal(json_int_at(one, "before"), HALF);
    assert_int_equal(json_int_at(one, "after"), PASSPORT);
    json_t *rest = seen(json_int_at(json_object_get(one, "additional_request"), "id"), "");
    assert_int_equal(json_int_at(rest, "amount"), HALF);
    assert_string_equal(json_string_at(rest, "status"), "pending");
    const struct service_call page = {.method = "GET", .path = strstr(after.pay_url, "/p/"), .key = ""};
    struct text body = service_call(&service, &arena, &page).body;
    assert_true(text_find(body, TEXT("Ngân hàng ghi nhận tiền ngày 2027-01-01")) < body.length ||
                text_find(body, TEXT("Ngân hàng ghi nhận tiền ngày 01/01/2027")) < body.length);
    assert_true(text_find(body, TEXT("Mở yêu cầu còn phải nộp")) < body.length);
}

/* A receipt is dated when it is signed, takes a number of that year, and shows the day of the money. */
static void its_receipt_is_of_the_new_year_and_shows_the_old_day(void **state)
{
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM receipt_book_of('2027-01-02', '2027-01-02') WHERE symbol LIKE '27%' AND "
                     "collected_on = '2026-12-31'"),
        1);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM receipt_book_of('2027-01-02', '2027-01-02') WHERE symbol LIKE '27%' AND "
                     "collected_on = '2027-01-01'"),
        1);
}

/* The job may come twice: the day is looked at once. */
static void the_day_decides_once(void **state)
{
    test_sql(db, "INSERT INTO job (kind, key, body, run_at, created_at) SELECT 'request.day', 'again ' || request_id,"
                 " jsonb_build_object('request', request_id), now(), now() FROM request_adjustment");
    assert_true(service_drained(db, 20));
    assert_int_equal(test_int(db, "SELECT count(*) FROM request_adjustment"), 2);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE stage = 'additional'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_became_cheaper_on_the_banks_day_is_given_back),
        cmocka_unit_test(money_of_new_years_eve_pays_the_price_of_that_eve),
        cmocka_unit_test(its_receipt_is_of_the_new_year_and_shows_the_old_day),
        cmocka_unit_test(the_day_decides_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
