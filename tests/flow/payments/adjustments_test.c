/* Other quantities than were asked for: never an edit, always a request beside it or a refund case, over HTTP. */
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
static const char *cashier;
static int64_t notice_number = 93000;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    cashier = service_staff_cookie(db, &arena, "thungan", "cashier");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void pay(const char *reference, int64_t amount)
{
    const struct bank_notice notice = {.id = ++notice_number, .amount = amount, .memo = reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    assert_true(service_drained(db, 20));
}

static struct service_answer adjust(int64_t request, int copies)
{
    const struct service_call call = {
        .method = "POST",
        .path = arena_printf(&arena, "/v1/payment-requests/%lld/adjustments", (long long)request),
        .body =
            arena_textf(&arena, "{\"quantities\":{\"copies\":%d},\"reason\":\"Người nộp cần %d bản\"}", copies, copies),
        .cookie = cashier};
    return service_call(&service, &arena, &call);
}

static json_t *request_of(int64_t id)
{
    return service_ask(&service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)id), "%s",
                       "")
        .json;
}

static int64_t refunds_proposed(int64_t request)
{
    return test_int(
        db, arena_printf(&arena,
                         "SELECT coalesce(sum(amount), 0)::bigint FROM refund WHERE reason = 'correction' AND state = "
                         "'proposed' AND request_id = %lld",
                         (long long)request));
}

static void more_copies_of_a_paid_request_are_asked_for_beside_it(void **state)
{
    struct payment_asked paid = service_request(&service, &arena, "ADJ-1", 2);
    pay(paid.reference, paid.amount);
    struct service_answer made = adjust(paid.id, 5);
    assert_int_equal(made.status, 201);
    assert_int_equal(json_int_at(made.json, "before"), 2 * TEST_COPY_PRICE);
    assert_int_equal(json_int_at(made.json, "after"), 5 * TEST_COPY_PRICE);
    int64_t additional = json_int_at(json_object_get(made.json, "additional_request"), "id");
    json_t *more = request_of(additional);
    assert_int_equal(json_int_at(more, "amount"), 3 * TEST_COPY_PRICE);
    assert_string_equal(json_string_at(more, "stage"), "additional");
    assert_string_equal(json_string_at(more, "reason"), "Người nộp cần 5 bản");
    assert_string_equal(json_string_at(request_of(paid.id), "status"), "paid"); /* untouched */
    assert_int_equal(json_int_at(request_of(paid.id), "amount"), 2 * TEST_COPY_PRICE);

    const struct service_call at_once = {.method = "GET", .path = strstr(paid.pay_url, "/p/"), .key = ""};
    struct text told = service_call(&service, &arena, &at_once).body;
    assert_true(text_find(told, TEXT("Còn một khoản phải nộp thêm")) < told.length);

    /* Three it is, after all: the addition that nobody paid gives way. */
    made = adjust(paid.id, 3);
    assert_int_equal(json_int_at(made.json, "before"), 2 * TEST_COPY_PRICE);
    assert_string_equal(json_string_at(request_of(additional), "status"), "cancelled");
    additional = json_int_at(json_object_get(made.json, "additional_request"), "id");
    assert_int_equal(json_int_at(request_of(additional), "amount"), TEST_COPY_PRICE);
    pay(json_string_at(request_of(additional), "reference"), TEST_COPY_PRICE);

    /* And one in the end: both requests give back what lies in them. */
    made = adjust(paid.id, 1);
    assert_int_equal(json_int_at(made.json, "before"), 3 * TEST_COPY_PRICE);
    assert_int_equal(json_int_at(made.json, "to_refund"), 2 * TEST_COPY_PRICE);
    assert_int_equal(refunds_proposed(paid.id), 2 * TEST_COPY_PRICE);
    struct service_answer list =
        service_ask(&service, &arena, "GET",
                    arena_printf(&arena, "/v1/payment-requests/%lld/adjustments", (long long)paid.id), "%s", "");
    assert_int_equal(json_array_size(json_object_get(list.json, "items")), 3);
    const struct service_call page = {.method = "GET", .path = strstr(paid.pay_url, "/p/"), .key = ""};
    struct service_answer shown = service_call(&service, &arena, &page);
    assert_true(text_find(shown.body, TEXT("Phần được hoàn: 16.000")) < shown.body.length);
}

static void what_both_requests_hold_is_given_back_from_both(void **state)
{
    struct payment_asked paid = service_request(&service, &arena, "ADJ-2", 2);
    pay(paid.reference, paid.amount);
    int64_t additional = json_int_at(json_object_get(adjust(paid.id, 6).json, "additional_request"), "id");
    pay(json_string_at(request_of(additional), "reference"), 4 * TEST_COPY_PRICE);
    assert_int_equal(json_int_at(adjust(paid.id, 1).json, "to_refund"), 5 * TEST_COPY_PRICE);
    assert_int_equal(refunds_proposed(paid.id), 2 * TEST_COPY_PRICE);
    assert_int_equal(refunds_proposed(additional), 3 * TEST_COPY_PRICE);
}

static void an_unpaid_request_gives_way_to_a_new_one(void **state)
{
    struct payment_asked open = service_request(&service, &arena, "ADJ-3", 2);
    struct service_answer made = adjust(open.id, 4);
    assert_int_equal(made.status, 201);
    int64_t next = json_int_at(json_object_get(made.json, "replaced_by"), "id");
    assert_string_equal(json_string_at(request_of(open.id), "status"), "cancelled");
    assert_int_equal(json_int_at(request_of(next), "amount"), 4 * TEST_COPY_PRICE);
    assert_int_equal(adjust(open.id, 1).status, 409);
    /* Who scanned the old code is not robbed of it. */
    pay(open.reference, open.amount);
    assert_int_equal(json_int_at(request_of(open.id), "surplus"), open.amount);
}

static void a_part_that_came_is_never_asked_down(void **state)
{
    struct payment_asked part = service_request(&service, &arena, "ADJ-4", 3);
    pay(part.reference, TEST_COPY_PRICE);
    struct service_answer refused = adjust(part.id, 1);
    assert_int_equal(refused.status, 409);
    assert_string_equal(json_string_at(refused.json, "code"), "request_partly_paid");
    assert_int_equal(adjust(part.id, 4).status, 201);
}

static void wrong_quantities_are_named(void **state)
{
    struct payment_asked paid = service_request(&service, &arena, "ADJ-5", 2);
    pay(paid.reference, paid.amount);
    struct service_answer refused = adjust(paid.id, 0);
    assert_int_equal(refused.status, 422);
    assert_string_equal(json_string_at(json_array_get(json_object_get(refused.json, "errors"), 0), "pointer"),
                        "/quantities/copies");
    const struct service_call bare = {
        .method = "POST",
        .path = arena_printf(&arena, "/v1/payment-requests/%lld/adjustments", (long long)paid.id),
        .body = TEXT("{\"channel\":\"counter\"}"),
        .cookie = cashier};
    refused = service_call(&service, &arena, &bare);
    assert_int_equal(refused.status, 422);
    assert_int_equal(json_array_size(json_object_get(refused.json, "errors")), 3); /* two are missing, one is strange */
    assert_int_equal(adjust(999999, 1).status, 404);
    int64_t additional = json_int_at(json_object_get(adjust(paid.id, 3).json, "additional_request"), "id");
    refused = adjust(additional, 2);
    assert_string_equal(json_string_at(refused.json, "code"), "adjustment_of_addition");
}

static void the_books_agree(void **state)
{
    assert_int_equal(service_audit(db), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_copies_of_a_paid_request_are_asked_for_beside_it),
        cmocka_unit_test(what_both_requests_hold_is_given_back_from_both),
        cmocka_unit_test(an_unpaid_request_gives_way_to_a_new_one),
        cmocka_unit_test(a_part_that_came_is_never_asked_down),
        cmocka_unit_test(wrong_quantities_are_named),
        cmocka_unit_test(the_books_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
