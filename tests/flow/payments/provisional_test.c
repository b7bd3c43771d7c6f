/* The one-stop shop is silent and the desk goes on: a provisional dossier, priced and paid, tied to the real code once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *cashier;

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

static struct service_answer desk(const char *path, const char *body)
{
    const struct service_call call = {.method = "POST", .path = path, .body = text_of(body), .cookie = cashier};
    return service_call(&service, &arena, &call);
}

#define DOSSIER                                                                                                        \
    "{\"procedure\":\"2.000635\",\"agency\":\"" TEST_AGENCY "\",\"channel\":\"counter\",\"submitted_at\":"             \
    "\"2026-11-20T09:00:00+07:00\",\"applicant\":{\"name\":\"Nguyễn Thị Ánh\"}}"

static const char *provisional(void)
{
    struct service_answer made = desk("/v1/provisional-dossiers", DOSSIER);
    assert_int_equal(made.status, 201);
    return json_string_at(made.json, "code");
}

static struct service_answer tie(const char *code, const char *real)
{
    return desk(arena_printf(&arena, "/v1/provisional-dossiers/%s/tie", code),
                arena_printf(&arena, "{\"code\":\"%s\"}", real));
}

static void what_was_paid_under_a_provisional_code_is_the_real_dossiers(void **state)
{
    const char *code = provisional();
    assert_true(text_starts(text_of(code), "TAM-"));
    struct service_answer asked =
        service_ask(&service, &arena, "POST", "/v1/payment-requests",
                    "{\"dossier\":\"%s\",\"channel\":\"counter\",\"quantities\":{\"copies\":2}}", code);
    assert_int_equal(asked.status, 201);
    const struct bank_notice notice = {
        .id = 97001, .amount = json_int_at(asked.json, "amount"), .memo = json_string_at(asked.json, "reference")};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
    assert_true(service_drained(db, 20));

    /* The shop is back and tells its own code. */
    answer = tie(code, "REAL-1");
    EXPECT_PROBLEM(&arena, "not registered yet", &answer, 422, "invalid_request", "/code field_value");
    assert_int_equal(service_ask(&service, &arena, "PUT", "/v1/dossiers/REAL-1", "%s", DOSSIER).status, 201);
    struct service_answer open = service_ask(&service, &arena, "GET", "/v1/provisional-dossiers", "%s", "");
    assert_int_equal(json_array_size(json_object_get(open.json, "items")), 1);
    assert_int_equal(tie(code, "REAL-1").status, 200);
    assert_int_equal(tie(code, "REAL-1").status, 200); /* again: the same */
    open = service_ask(&service, &arena, "GET", "/v1/provisional-dossiers", "%s", "");
    assert_int_equal(json_array_size(json_object_get(open.json, "items")), 0);

    struct service_answer seen = service_ask(&service, &arena, "GET", "/v1/dossiers/REAL-1", "%s", "");
    json_t *requests = json_object_get(seen.json, "payment_requests");
    assert_int_equal(json_array_size(requests), 1);
    assert_string_equal(json_string_at(json_array_get(requests, 0), "status"), "paid");
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind = 'dossier.tied' AND dossier = 'REAL-1'"), 1);

    /* And once. */
    assert_int_equal(service_ask(&service, &arena, "PUT", "/v1/dossiers/REAL-2", "%s", DOSSIER).status, 201);
    answer = tie(code, "REAL-2");
    EXPECT_PROBLEM(&arena, "another code", &answer, 409, "dossier_tied", "");
    test_sql_refused(db, arena_printf(&arena, "UPDATE dossier SET tied_to = 'REAL-2' WHERE code = '%s'", code),
                     "23001");
}

static void what_was_priced_as_another_thing_is_not_tied(void **state)
{
    const char *code = provisional();
    assert_int_equal(service_ask(&service, &arena, "PUT", "/v1/dossiers/REAL-3",
                                 "{\"procedure\":\"2.000635\",\"agency\":\"" TEST_AGENCY
                                 "\",\"channel\":\"online\",\"submitted_at\":\"2026-11-20T09:00:00+07:00\","
                                 "\"applicant\":{\"name\":\"A B\"}}")
                         .status,
                     201);
    struct service_answer answer = tie(code, "REAL-3");
    EXPECT_PROBLEM(&arena, "another channel", &answer, 422, "invalid_request", "/code procedure_contradicts_dossier");
    answer = tie("REAL-3", "REAL-1");
    EXPECT_PROBLEM(&arena, "a real one", &answer, 409, "dossier_not_provisional", "");
    assert_int_equal(tie("TAM-20260101-AAAAAAAA", "REAL-1").status, 404);
    answer = tie(code, code);
    EXPECT_PROBLEM(&arena, "itself", &answer, 422, "invalid_request", "/code field_value");
}

/* The real dossier was refused while nobody could tell: what comes to it is given back as its rule says. */
static void the_end_of_the_real_dossier_reaches_what_is_tied_to_it(void **state)
{
    const char *code = provisional();
    struct service_answer asked =
        service_ask(&service, &arena, "POST", "/v1/payment-requests",
                    "{\"dossier\":\"%s\",\"channel\":\"counter\",\"quantities\":{\"copies\":1}}", code);
    assert_int_equal(service_ask(&service, &arena, "PUT", "/v1/dossiers/REAL-4", "%s", DOSSIER).status, 201);
    test_sql(db, "UPDATE dossier SET state = 'withdrawn', changed_at = now() WHERE code = 'REAL-4'");
    assert_int_equal(tie(code, "REAL-4").status, 200);
    assert_true(service_drained(db, 20));
    assert_int_equal(
        test_int(db,
                 arena_printf(&arena, "SELECT count(*) FROM payment_request WHERE id = %lld AND status = 'cancelled'",
                              (long long)json_int_at(asked.json, "id"))),
        1);
}

static void the_books_agree(void **state)
{
    assert_int_equal(service_audit(db), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_paid_under_a_provisional_code_is_the_real_dossiers),
        cmocka_unit_test(what_was_priced_as_another_thing_is_not_tied),
        cmocka_unit_test(the_end_of_the_real_dossier_reaches_what_is_tied_to_it),
        cmocka_unit_test(the_books_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
