/* Money that was booked on the wrong dossier: moved by two people, with entries that take back before they book anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *cashier, *finance;
static int64_t notice_number = 95000;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    cashier = service_staff_cookie(db, &arena, "thungan", "cashier");
    finance = service_staff_cookie(db, &arena, "taichinh", "finance");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void pay(const struct payment_asked *asked, int64_t amount)
{
    const struct bank_notice notice = {.id = ++notice_number, .amount = amount, .memo = asked->reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    assert_true(service_drained(db, 20));
}

static struct service_answer post(const char *cookie, const char *path, const char *body)
{
    const struct service_call call = {.method = "POST", .path = path, .body = text_of(body), .cookie = cookie};
    return service_call(&service, &arena, &call);
}

static int64_t payment_of(int64_t request)
{
    return test_int(db, arena_printf(&arena, "SELECT id FROM payment WHERE request_id = %lld", (long long)request));
}

static struct service_answer ask(const char *cookie, int64_t payment, const char *to)
{
    return post(cookie, arena_printf(&arena, "/v1/payments/%lld/moves", (long long)payment),
                arena_printf(&arena, "{\"to\":\"%s\",\"reason\":\"Người nộp quét nhầm mã\"}", to));
}

static struct service_answer approve(const char *cookie, int64_t move)
{
    return post(cookie, arena_printf(&arena, "/v1/payment-moves/%lld/approve", (long long)move), "{}");
}

static const char *status_of(int64_t request)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)request), "%s", "");
    return json_string_at(answer.json, "status");
}

static bool page_says(const struct payment_asked *asked, const char *words)
{
    const struct service_call call = {.method = "GET", .path = strstr(asked->pay_url, "/p/"), .key = ""};
    struct text body = service_call(&service, &arena, &call).body;
    return text_find(body, text_of(words)) < body.length;
}

static void two_people_move_a_settled_payment(void **state)
{
    struct payment_asked wrong = service_request(&service, &arena, "MOVE-1", 2),
                         right = service_request(&service, &arena, "MOVE-2", 2);
    pay(&wrong, wrong.amount);
    int64_t payment = payment_of(wrong.id);
    struct service_answer asked = ask(cashier, payment, right.reference);
    assert_int_equal(asked.status, 201);
    assert_string_equal(json_string_at(asked.json, "state"), "asked");
    assert_int_equal(ask(finance, payment, right.reference).status, 409); /* one at a time */
    assert_int_equal(approve(cashier, json_int_at(asked.json, "id")).status, 403);
    assert_string_equal(status_of(wrong.id), "paid"); /* nothing moved yet */

    struct service_answer done = approve(finance, json_int_at(asked.json, "id"));
    assert_int_equal(done.status, 200);
    assert_true(service_drained(db, 20));
    assert_string_equal(status_of(wrong.id), "pending");
    assert_string_equal(status_of(right.id), "paid");
    assert_int_equal(payment_of(right.id), payment);
    assert_int_equal(approve(finance, json_int_at(asked.json, "id")).status, 409); /* once */

    /* The books: the old allocation taken back, the new one made, suspense as before. */
    assert_int_equal(test_int(db, "SELECT count(*) FROM journal WHERE kind = 'move'"), 2);
    assert_int_equal(test_int(db, "SELECT coalesce(sum(e.amount), 0)::bigint FROM entry e JOIN account a ON a.id = "
                                  "e.account_id WHERE a.code LIKE "
                                  "'suspense:%'"),
                     0);
    /* Both citizens see it; the receipt that lost its money is a person's to mend, the new one is there. */
    assert_true(page_says(&wrong, "đã được chuyển về đúng hồ sơ của người nộp"));
    assert_true(page_says(&right, "đã được chuyển về hồ sơ này"));
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM receipt_concern WHERE kind = 'receipt_without_money' AND state = 'open'"),
        1);
    assert_int_equal(
        test_int(db,
                 arena_printf(&arena, "SELECT count(*) FROM receipt WHERE request_id = %lld AND signed_xml IS NOT NULL",
                              (long long)right.id)),
        1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind = 'payment.moved'"), 2);

    /* And back again, when that was the mistake. */
    asked = ask(finance, payment, wrong.reference);
    assert_int_equal(asked.status, 201);
    const char *supervisor = service_staff_cookie(db, &arena, "truongca", "supervisor");
    assert_int_equal(approve(supervisor, json_int_at(asked.json, "id")).status, 200);
    assert_true(service_drained(db, 20));
    assert_string_equal(status_of(wrong.id), "paid");
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM receipt_concern WHERE kind = 'receipt_without_money' AND state = 'open'"),
        1);
    pay(&right, right.amount); /* and who was asked again pays */
    assert_string_equal(status_of(right.id), "paid");
}

static void what_is_over_there_is_owed_back_there(void **state)
{
    struct payment_asked wrong = service_request(&service, &arena, "MOVE-3", 3),
                         right = service_request(&service, &arena, "MOVE-4", 1);
    pay(&wrong, wrong.amount);
    struct service_answer asked = ask(cashier, payment_of(wrong.id), right.reference);
    assert_int_equal(approve(finance, json_int_at(asked.json, "id")).status, 200);
    assert_string_equal(status_of(right.id), "overpaid");
    assert_int_equal(
        test_int(db,
                 arena_printf(&arena,
                              "SELECT sum(amount)::bigint FROM refund WHERE state = 'proposed' AND request_id = %lld",
                              (long long)right.id)),
        2 * TEST_COPY_PRICE);
}

static void what_cannot_be_moved_is_refused_with_its_reason(void **state)
{
    struct payment_asked paid = service_request(&service, &arena, "MOVE-5", 1),
                         other = service_request(&service, &arena, "MOVE-6", 1);
    pay(&paid, paid.amount);
    pay(&other, other.amount);
    int64_t payment = payment_of(paid.id);
    struct service_answer refused = ask(cashier, payment, other.reference); /* has its money */
    assert_int_equal(refused.status, 409);
    assert_string_equal(json_string_at(refused.json, "code"), "request_settled");
    refused = ask(cashier, payment, "QN000000000000");
    assert_int_equal(refused.status, 422);
    assert_int_equal(ask(cashier, payment, paid.reference).status, 409);
    assert_int_equal(ask(cashier, 99999999, paid.reference).status, 404);

    /* Being given back: the money cannot be in two places. */
    struct payment_asked open = service_request(&service, &arena, "MOVE-7", 1);
    struct service_answer asked = ask(cashier, payment, open.reference);
    assert_int_equal(asked.status, 201);
    assert_int_equal(post(cashier, arena_printf(&arena, "/v1/payments/%lld/refunds", (long long)payment),
                          arena_printf(&arena,
                                       "{\"amount\":%d,\"reason\":\"correction\",\"to\":{\"bank_bin\":\"970436\","
                                       "\"account\":\"123\",\"name\":\"A\"},"
                                       "\"note\":\"gọi điện xác nhận\"}",
                                       TEST_COPY_PRICE))
                         .status,
                     201);
    refused = approve(finance, json_int_at(asked.json, "id"));
    assert_int_equal(refused.status, 409);
    assert_string_equal(json_string_at(refused.json, "code"), "payment_not_movable");
    assert_int_equal(
        post(finance, arena_printf(&arena, "/v1/payment-moves/%lld/refuse", (long long)json_int_at(asked.json, "id")),
             "{\"why\":\"Đang hoàn\"}")
            .status,
        200);
}

static void the_books_agree(void **state)
{
    /* The receipt of MOVE-3 has lost its money: the nightly audit says so until a person has mended it. */
    assert_int_equal(test_int(db, "SELECT count(*) FROM reconcile_audit() WHERE problem <> 'receipt_without_money'"),
                     0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM reconcile_audit()"), 1);
    assert_true(service_drained(db, 20));
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request r WHERE settled_at IS NOT NULL AND (SELECT "
                                  "count(*) FROM receipt x WHERE"
                                  " x.request_id = r.id AND x.signed_xml IS NOT NULL) <> 1"),
                     0);
    /* Two of the whole look: the three that lost or got a payment told of it more than once or have none now, and that
     * receipt. */
    assert_int_equal(service_audit(db), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_people_move_a_settled_payment),
        cmocka_unit_test(what_is_over_there_is_owed_back_there),
        cmocka_unit_test(what_cannot_be_moved_is_refused_with_its_reason),
        cmocka_unit_test(the_books_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
