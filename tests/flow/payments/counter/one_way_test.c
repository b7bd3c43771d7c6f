/* One way at a time takes the money of a request: card, wallet, portal, cash, or the postman at the door. A second
 * screen sees which; the QR stays payable all the while. */
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
static const char *lan;

static struct service_answer staff(const char *method, const char *path, const char *body)
{
    const struct service_call call = {
        .method = method, .path = path, .cookie = lan, .body = *body ? text_of(body) : TEXT_NONE};
    return service_call(&service, &arena, &call);
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, "[policy]\ncash = yes\n");
    lan = service_staff_cookie(db, &arena, "lan", "cashier");
    assert_int_equal(
        staff("POST", "/v1/shifts", "{\"agency\":\"" TEST_AGENCY "\",\"desk\":\"Quầy 1\",\"float\":0}").status, 201);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static const char *of(const struct payment_asked *asked, const char *what)
{
    return arena_printf(&arena, "/v1/payment-requests/%lld/%s", (long long)asked->id, what);
}

static void refused(struct service_answer answer)
{
    assert_int_equal(answer.status, 409);
    assert_string_equal(json_string_at(answer.json, "code"), "attempt_open");
}

static int64_t parcel_collects(const char *dossier, const char *status)
{
    static int number = 100;
    number++;
    return test_int(
        db,
        arena_printf(
            &arena,
            "INSERT INTO parcel (code, carrier, dossier, direction, state, status, wish, weight_g, collect, carrier_id,"
            " created_at, created_by, changed_at, transit_days) VALUES ('LP-ONE-%d', 'vnpost', '%s', 'receive', "
            "'booked',"
            " '%s', '{}', 50, 16000, 'c%d', now(), 'system:test', now(), 2) RETURNING id",
            number, dossier, status, number));
}

static void while_the_postman_collects_no_counter_does(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "DOOR-1", 2);
    int64_t parcel = parcel_collects("DOOR-1", "in_transit");
    refused(staff("POST", of(&asked, "cash-payments"), "{\"tendered\":50000}"));
    json_t *seen = json_array_get(json_object_get(staff("GET", of(&asked, "attempts"), "").json, "items"), 0);
    assert_string_equal(json_string_at(seen, "source"), "post");
    assert_true(json_is_true(json_object_get(seen, "under_way")));
    const struct service_call page = {.method = "GET", .path = strstr(asked.pay_url, "/p/"), .key = ""};
    struct text body = service_call(&service, &arena, &page).body;
    assert_true(text_find(body, TEXT("bưu điện đến nhà")) < body.length);

    /* It came back: the counter may. */
    test_sql(db, arena_printf(&arena, "UPDATE parcel SET status = 'returned', status_at = now() WHERE id = %lld",
                              (long long)parcel));
    assert_int_equal(staff("POST", of(&asked, "cash-payments"), "{\"tendered\":50000}").status, 201);
}

static void the_qr_is_payable_while_the_postman_is_on_his_way(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "DOOR-2", 2);
    parcel_collects("DOOR-2", "out_for_delivery");
    const struct bank_notice notice = {.id = 96001, .amount = asked.amount, .memo = asked.reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE dossier = 'DOOR-2' AND status = 'paid'"),
                     1);
}

static void while_a_card_is_asked_no_parcel_is_booked_to_collect(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "DOOR-3", 2);
    test_sql(db, arena_printf(&arena,
                              "SELECT attempt_open(now(), %lld, 'nexo', 'may-1', '', interval '1 hour', interval '1 "
                              "hour', 'terminal.none', 'staff:lan')",
                              (long long)asked.id));
    test_sql(db, "DELETE FROM job WHERE kind = 'terminal.none'");
#define WANT "parcel_want(now(), 'staff:lan', 'LP-WANT-%s', 'vnpost', 'DOOR-3', 'receive', '{}', 50, %d, 30000)"
    assert_int_equal(test_int(db, arena_printf(&arena, "SELECT " WANT, "1", 16000)), -1);
    refused(staff("POST", of(&asked, "cash-payments"), "{\"tendered\":50000}"));
    assert_true(test_int(db, arena_printf(&arena, "SELECT " WANT, "2", 0)) > 0); /* one that collects nothing may go */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_the_postman_collects_no_counter_does),
        cmocka_unit_test(the_qr_is_payable_while_the_postman_is_on_his_way),
        cmocka_unit_test(while_a_card_is_asked_no_parcel_is_booked_to_collect),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
