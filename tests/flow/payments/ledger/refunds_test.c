/* Money that goes back: asked by one, approved by another, never more than there is, and each đồng of it in the books.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/refusal.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *cashier, *finance, *supervisor;
static int64_t notice_number = 5000;

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

static struct service_answer as(const char *cookie, const char *method, const char *path, const char *body)
{
    const struct service_call call = {.method = method, .path = path, .body = text_of(body), .cookie = cookie};
    return service_call(&service, &arena, &call);
}

/* A request of so many extracts, and what was paid for it: the payment's id. */
static int64_t paid(int copies, int64_t amount, struct payment_asked *ret_asked)
{
    static int number;
    *ret_asked = service_request(&service, &arena, arena_printf(&arena, "REFUND-%03d", ++number), copies);
    const struct bank_notice notice = {.id = ++notice_number, .amount = amount, .memo = ret_asked->reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    return test_int(
        db, arena_printf(&arena, "SELECT max(id) FROM payment WHERE request_id = %lld", (long long)ret_asked->id));
}

static struct service_answer ask(const char *cookie, int64_t payment, const char *body)
{
    return as(cookie, "POST", arena_printf(&arena, "/v1/payments/%lld/refunds", (long long)payment), body);
}

static struct service_answer step(const char *cookie, int64_t refund, const char *verb, const char *body)
{
    return as(cookie, "POST", arena_printf(&arena, "/v1/refunds/%lld/%s", (long long)refund, verb), body);
}

static const char *status_of(const struct payment_asked *asked)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)asked->id), "%s", "");
    return json_string_at(answer.json, "status");
}

static int64_t balance(const char *like)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(sum(e.amount), 0)::bigint FROM entry e JOIN account a ON a.id = "
                                     "e.account_id WHERE a.code LIKE '%s'",
                                     like));
}

static int64_t list_made(void)
{
    struct service_answer answer = as(finance, "POST", "/v1/refund-lists", "{\"account\":\"" TEST_ACCOUNT "\"}");
    assert_int_equal(answer.status, 201);
    return json_int_at(answer.json, "id");
}

#define TO                                                                                                                \
    ",\"to\":{\"bank_bin\":\"970436\",\"account\":\"0071000123456\",\"name\":\"NGUYEN VAN A\"},\"note\":\"khách đọc " \
    "tại quầy\""

static void a_fee_goes_back_by_two_people_a_list_and_the_banks_proof(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(2, 16000, &asked), owed = balance("payable:%"), due = balance("refund_due:%"),
            clearing = balance("clearing:%");
    struct service_answer answer = ask(cashier, payment, "{\"amount\":16000,\"reason\":\"correction\"" TO "}");
    assert_int_equal(answer.status, 201);
    assert_string_equal(json_string_at(answer.json, "state"), "requested");
    int64_t id = json_int_at(answer.json, "id");
    assert_int_equal(step(cashier, id, "approve", "").status, 403); /* a cashier approves nothing */
    assert_int_equal(balance("payable:%"), owed);

    answer = step(finance, id, "approve", "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_string_at(answer.json, "approved_by"), "staff:taichinh");
    assert_int_equal(balance("payable:%"), owed + 16000);
    assert_int_equal(balance("refund_due:%"), due - 16000);

    int64_t list = list_made();
    answer = as(finance, "GET", arena_printf(&arena, "/v1/refund-lists/%lld.csv", (long long)list), "");
    assert_int_equal(answer.status, 200);
    assert_true(text_find(answer.body, TEXT("\"0071000123456\",\"NGUYEN VAN A\",\"970436\",16000,")) <
                answer.body.length);
    assert_string_equal(status_of(&asked), "paid"); /* sent is not arrived */

    answer = step(finance, id, "paid", "{\"bank_reference\":\"FT26327999\",\"paid_on\":\"2026-11-20\"}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(status_of(&asked), "refunded");
    assert_int_equal(balance("refund_due:%"), due);
    assert_int_equal(balance("clearing:%"), clearing - 16000);
    assert_int_equal(step(finance, id, "paid", "{\"bank_reference\":\"FT26327999\",\"paid_on\":\"2026-11-20\"}").status,
                     409);
}

static void nobody_approves_what_he_asked_for(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(1, 8000, &asked);
    struct service_answer answer = ask(finance, payment, "{\"amount\":8000,\"reason\":\"correction\"" TO "}");
    assert_int_equal(answer.status, 201);
    int64_t id = json_int_at(answer.json, "id");
    answer = step(finance, id, "approve", "");
    EXPECT_PROBLEM(&arena, "approving one's own", &answer, 403, "second_person_required", "");
    assert_int_equal(step(supervisor, id, "approve", "").status, 200);
    answer = step(supervisor, id, "approve", "");
    EXPECT_PROBLEM(&arena, "approving again", &answer, 409, "refund_state", "");
}

static void a_surplus_takes_up_the_case_that_was_opened_and_may_be_split(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(1, 13000, &asked);
    struct service_answer answer = ask(cashier, payment, "{\"amount\":2000,\"reason\":\"surplus\"" TO "}");
    assert_int_equal(answer.status, 201);
    answer = ask(cashier, payment, "{\"amount\":3001,\"reason\":\"surplus\"" TO "}");
    EXPECT_PROBLEM(&arena, "more than is left", &answer, 422, "invalid_request", "/amount field_range");
    answer = ask(cashier, payment, "{\"amount\":3000,\"reason\":\"surplus\"" TO "}");
    assert_int_equal(answer.status, 201);
    assert_int_equal(step(finance, json_int_at(answer.json, "id"), "approve", "").status, 200);
    assert_int_equal(test_int(db, arena_printf(&arena, "SELECT sum(amount) FROM refund WHERE payment_id = %lld",
                                               (long long)payment)),
                     5000);
    assert_int_equal(list_made() > 0, true);
    int64_t id = json_int_at(answer.json, "id");
    answer = step(finance, id, "paid", "{\"bank_reference\":\"F\",\"paid_on\":\"2026-11-20\"}");
    EXPECT_PROBLEM(&arena, "too short a proof", &answer, 422, "invalid_request", "/bank_reference field_length");
    assert_int_equal(step(finance, id, "paid", "{\"bank_reference\":\"FT-3000\",\"paid_on\":\"2026-11-20\"}").status,
                     200);
    assert_string_equal(status_of(&asked), "overpaid"); /* the fee itself stays paid */
}

static void part_of_a_fee_makes_it_partly_refunded_and_the_rest_stays_refundable(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(3, 24000, &asked);
    struct service_answer answer =
        ask(cashier, payment, "{\"amount\":8000,\"reason\":\"correction\",\"refundable\":24000" TO "}");
    assert_int_equal(answer.status, 201);
    int64_t id = json_int_at(answer.json, "id");
    answer = ask(cashier, payment, "{\"amount\":16001,\"reason\":\"correction\"" TO "}");
    EXPECT_PROBLEM(&arena, "a đồng too much", &answer, 422, "invalid_request", "/amount field_range");
    answer = ask(cashier, payment, "{\"amount\":1000,\"reason\":\"correction\",\"refundable\":24000" TO "}");
    EXPECT_PROBLEM(&arena, "an old view", &answer, 409, "refundable_mismatch", "");
    assert_int_equal(step(finance, id, "approve", "").status, 200);
    list_made();
    assert_int_equal(step(finance, id, "paid", "{\"bank_reference\":\"FT-8000\",\"paid_on\":\"2026-11-20\"}").status,
                     200);
    assert_string_equal(status_of(&asked), "partly_refunded");
}

static void what_is_refused_or_fails_can_be_asked_for_again(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(1, 8000, &asked), owed = balance("payable:%"), due = balance("refund_due:%");
    struct service_answer answer = ask(cashier, payment, "{\"amount\":8000,\"reason\":\"correction\"" TO "}");
    int64_t first = json_int_at(answer.json, "id");
    answer = step(finance, first, "refuse", "{}");
    EXPECT_PROBLEM(&arena, "without a word", &answer, 422, "invalid_request", "/why field_missing");
    assert_int_equal(step(finance, first, "refuse", "{\"why\":\"thiếu giấy tờ\"}").status, 200);

    answer = ask(cashier, payment, "{\"amount\":8000,\"reason\":\"correction\"" TO "}");
    assert_int_equal(answer.status, 201);
    int64_t second = json_int_at(answer.json, "id");
    assert_int_equal(step(finance, second, "approve", "").status, 200);
    list_made();
    assert_int_equal(step(finance, second, "failed", "{\"why\":\"tài khoản đã đóng\"}").status, 200);
    assert_int_equal(balance("payable:%"), owed);
    assert_int_equal(balance("refund_due:%"), due);
    assert_int_equal(ask(cashier, payment, "{\"amount\":8000,\"reason\":\"correction\"" TO "}").status, 201);
}

static void part_payments_go_back_and_end_their_request(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(2, 6000, &asked), deposit = balance("deposit:%");
    struct service_answer answer = ask(cashier, payment, "{\"amount\":6000,\"reason\":\"correction\"" TO "}");
    assert_int_equal(answer.status, 201);
    assert_int_equal(step(finance, json_int_at(answer.json, "id"), "approve", "").status, 200);
    assert_int_equal(balance("deposit:%"), deposit + 6000);
    assert_string_equal(status_of(&asked), "cancelled");
    const struct bank_notice late = {.id = ++notice_number, .amount = 10000, .memo = asked.reference};
    assert_true(bank_accepted(&(struct service_answer){.status = bank_tells(&service, &arena, &late).status,
                                                       .body = TEXT("{\"success\":true}")}));
    assert_int_equal(
        test_int(db, arena_printf(&arena,
                                  "SELECT sum(amount) FROM refund WHERE request_id = %lld AND reason = 'after_cancel'",
                                  (long long)asked.id)),
        10000);
}

static void money_nobody_is_known_for_goes_back_from_suspense(void **state)
{
    const struct bank_notice notice = {.id = ++notice_number, .amount = 70000, .memo = "chuyen tien"};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    int64_t payment = test_int(db, "SELECT max(id) FROM payment WHERE request_id IS NULL"),
            suspense = balance("suspense:%");
    answer = ask(cashier, payment, "{\"amount\":70000,\"reason\":\"correction\"" TO "}");
    EXPECT_PROBLEM(&arena, "as a fee", &answer, 422, "invalid_request", "/amount field_range");
    answer = ask(cashier, payment, "{\"amount\":70000,\"reason\":\"unallocated\"" TO "}");
    assert_int_equal(answer.status, 201);
    assert_int_equal(step(finance, json_int_at(answer.json, "id"), "approve", "").status, 200);
    assert_int_equal(balance("suspense:%"), suspense + 70000);
}

static void bad_questions_name_every_fault(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(1, 8000, &asked);
    struct service_answer answer =
        ask(cashier, payment,
            "{\"amount\":0,\"reason\":\"mercy\",\"to\":{\"bank_bin\":\"97043x\",\"account\":\"a b\"},\"x\":1}");
    EXPECT_PROBLEM(&arena, "all wrong", &answer, 422, "invalid_request",
                   "/amount field_range, /note field_missing, /reason field_value, /to/account field_format, "
                   "/to/bank_bin field_format, "
                   "/to/name field_missing, /x field_unknown");
    answer = ask(
        cashier, payment,
        "{\"amount\":1,\"reason\":\"correction\",\"to\":{\"bank_bin\":\"970436\",\"account\":\"1\",\"name\":\"B\"}}");
    EXPECT_PROBLEM(&arena, "no word of the payer", &answer, 422, "invalid_request", "/note field_missing");
    assert_int_equal(ask(cashier, 999999999, "{\"amount\":1,\"reason\":\"correction\"}").status, 404);
    assert_int_equal(step(finance, 999999999, "approve", "").status, 404);
    answer = step(finance, 1, "paid", "{\"bank_reference\":\"FT123\",\"paid_on\":\"2099-01-01\"}");
    EXPECT_PROBLEM(&arena, "tomorrow", &answer, 422, "invalid_request", "/paid_on field_range");
}

static void of_two_dozen_askers_one_gets_it(void **state)
{
    struct payment_asked asked;
    int64_t payment = paid(1, 8000, &asked);
    test_int(db, arena_printf(
                     &arena,
                     "SELECT count(*) FROM (SELECT refund_request(now(), %lld, 8000, 'correction', 'n', '970436', '1', "
                     "'B', 'staff:' || n) FROM generate_series(1, 24) n) x",
                     (long long)payment));
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM refund WHERE payment_id = %lld", (long long)payment)),
        1);
}

static void the_books_agree_in_the_end(void **state)
{
    assert_true(service_drained(db, 60));
    assert_int_equal(
        test_int(db,
                 "SELECT count(*) FROM (SELECT journal_id FROM entry GROUP BY journal_id HAVING sum(amount) <> 0) x"),
        0);
    assert_int_equal(
        test_int(
            db,
            "SELECT count(*) FROM payment p WHERE p.amount < (SELECT coalesce(sum(f.amount), 0) FROM refund f WHERE "
            "f.payment_id = p.id AND f.state NOT IN ('refused', 'failed'))"),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fee_goes_back_by_two_people_a_list_and_the_banks_proof),
        cmocka_unit_test(nobody_approves_what_he_asked_for),
        cmocka_unit_test(a_surplus_takes_up_the_case_that_was_opened_and_may_be_split),
        cmocka_unit_test(part_of_a_fee_makes_it_partly_refunded_and_the_rest_stays_refundable),
        cmocka_unit_test(what_is_refused_or_fails_can_be_asked_for_again),
        cmocka_unit_test(part_payments_go_back_and_end_their_request),
        cmocka_unit_test(money_nobody_is_known_for_goes_back_from_suspense),
        cmocka_unit_test(bad_questions_name_every_fault),
        cmocka_unit_test(of_two_dozen_askers_one_gets_it),
        cmocka_unit_test(the_books_agree_in_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
