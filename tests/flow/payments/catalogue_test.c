/* The catalogue as published data, seen from outside: proposed by one, published by another, in force without a restart
 * and without a mixed answer; and what was quoted stays what it was. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "payments/fees/fees.h"
#include "core/system/places.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

enum { CALLERS = 4, SWAPS = 6, NEW_PRICE = 9000 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *finance, *supervisor;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    finance = service_staff_cookie(db, &arena, "ke-toan", "finance");
    supervisor = service_staff_cookie(db, &arena, "truong-ca", "supervisor");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer staff(const char *cookie, const char *method, const char *path, struct text body)
{
    const struct service_call call = {.method = method, .path = path, .body = body, .cookie = cookie};
    return service_call(&service, &arena, &call);
}

/* The shipped fee sheet with another price for one extract of civil status. */
static struct text sheet_with_price(int price)
{
    struct catalogue_files files;
    struct faults faults;
    faults_init(&faults, &arena);
    assert_int_equal(
        catalogue_files_read(place_find(&arena, "payments/catalogue", "catalogue"), &arena, &faults, &files), OK);
    struct text old = TEXT("unit(8000; per=copies),bản sao,copy");
    size_t at = text_find(files.fees, old);
    assert_true(at < files.fees.length);
    return arena_textf(&arena, "%.*sunit(%d; per=copies)%.*s", (int)at, files.fees.at, price,
                       (int)(files.fees.length - at - 22), files.fees.at + at + 22);
}

static struct text proposal(struct text fees, const char *more)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_object(&json, "sheets");
    json_put_text(&json, "fees", fees);
    json_put_end(&json);
    json_put_end(&json);
    body.length--;
    buf_printf(&body, "%s}", more);
    struct text text = arena_text(&arena, buf_view(&body));
    buf_done(&body);
    return text;
}

static const char *propose(const char *cookie, struct text fees)
{
    struct service_answer answer = staff(cookie, "POST", "/v1/catalogue/versions", proposal(fees, ""));
    assert_true(answer.status == 201 || answer.status == 200);
    return json_string_at(answer.json, "version");
}

static struct service_answer approve(const char *cookie, const char *version)
{
    return staff(cookie, "POST", arena_printf(&arena, "/v1/catalogue/versions/%s/approve", version), TEXT("{}"));
}

static struct service_answer quote(void)
{
    return service_ask(&service, &arena, "POST", "/v1/quotes", "%s",
                       "{\"procedure\":\"2.000635\",\"channel\":\"counter\",\"quantities\":{\"copies\":1}}");
}

static const char *in_force(void)
{
    return arena_copy(&arena, test_value(db, &arena, "SELECT catalogue_in_force()"));
}

/* -------------------------------------------------------------------------------------------------------------------
 */

static void the_shipped_catalogue_is_the_first_version(void **state)
{
    assert_string_equal(json_string_at(quote().json, "catalogue_version"), in_force());
    struct service_answer list = staff(finance, "GET", "/v1/catalogue/versions", TEXT_NONE);
    assert_int_equal(json_array_size(json_object_get(list.json, "items")), 1);
    assert_string_equal(json_string_at(json_array_get(json_object_get(list.json, "items"), 0), "state"), "in_force");
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind = 'catalogue.published'"), 1);
}

static void a_dry_run_tells_who_pays_what_from_when_and_writes_nothing(void **state)
{
    const char *before = rows_of_all_tables(db, &arena);
    struct service_answer answer =
        staff(finance, "POST", "/v1/catalogue/versions", proposal(sheet_with_price(NEW_PRICE), ",\"dry_run\":true"));
    if (answer.status != 200)
        fail_msg("%.*s", TEXT_ARGS(answer.body));
    assert_string_equal(before, rows_of_all_tables(db, &arena));
    json_t *change = json_array_get(json_object_get(json_object_get(answer.json, "difference"), "changes"), 0);
    assert_string_equal(json_string_at(change, "code"), "HT-TRICHLUC");
    assert_int_equal(json_int_at(change, "before"), TEST_COPY_PRICE);
    assert_int_equal(json_int_at(change, "after"), NEW_PRICE);
    assert_string_equal(json_string_at(change, "who"), "mọi người");
    assert_int_equal(json_array_size(json_object_get(change, "channels")), 4);
    assert_non_null(strstr(json_string_at(change, "words"), "8.000 đ → 9.000 đ"));
    assert_non_null(strstr(json_string_at(change, "procedures"), "2.000635"));
}

static void wrong_sheets_are_named_by_file_line_and_column(void **state)
{
    struct text fees = sheet_with_price(NEW_PRICE);
    struct text wrong = arena_textf(&arena, "%.*sHT-TRICHLUC,thiếu cột\n", TEXT_ARGS(fees));
    struct service_answer answer = staff(finance, "POST", "/v1/catalogue/versions", proposal(wrong, ""));
    assert_int_equal(answer.status, 422);
    json_t *fault = json_array_get(json_object_get(answer.json, "errors"), 0);
    assert_true(!strncmp(json_string_at(fault, "pointer"), "fees.csv:101:", 13));
}

static void publishing_takes_two_different_people(void **state)
{
    const char *first = in_force(), *version = propose(finance, sheet_with_price(NEW_PRICE));
    struct service_answer answer = approve(finance, version);
    EXPECT_PROBLEM(&arena, "the proposer", &answer, 403, "second_person_required", "");
    assert_string_equal(in_force(), first);
    const char *cashier = service_staff_cookie(db, &arena, "thu-ngan", "cashier");
    answer = approve(cashier, version);
    assert_int_equal(answer.status, 403);
    answer = approve(supervisor, version);
    assert_int_equal(answer.status, 200);
    assert_string_equal(in_force(), version);
    json_t *now = quote().json;
    assert_string_equal(json_string_at(now, "catalogue_version"), version);
    assert_int_equal(json_int_at(now, "total"), NEW_PRICE);
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind = 'catalogue.published'"), 2);
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit WHERE act = 'catalogue.publish' AND actor = "
                                  "'staff:truong-ca'"),
                     1);
    answer = approve(supervisor, version);
    assert_int_equal(answer.status, 404);
}

static void a_draft_of_a_system_needs_two_of_the_staff(void **state)
{
    struct service_answer answer = staff(NULL, "POST", "/v1/catalogue/versions", proposal(sheet_with_price(9100), ""));
    assert_int_equal(answer.status, 201);
    const char *version = json_string_at(answer.json, "version");
    answer = approve(finance, version);
    assert_string_equal(json_string_at(answer.json, "state"), "draft");
    answer = approve(finance, version);
    assert_int_equal(answer.status, 403);
    answer = approve(supervisor, version);
    assert_string_equal(json_string_at(answer.json, "state"), "in_force");
    assert_string_equal(in_force(), version);
}

static void a_draft_that_was_overtaken_must_be_looked_at_again(void **state)
{
    const char *slow = propose(finance, sheet_with_price(9200)), *fast = propose(finance, sheet_with_price(9300));
    assert_int_equal(approve(supervisor, fast).status, 200);
    struct service_answer answer = approve(supervisor, slow);
    EXPECT_PROBLEM(&arena, "overtaken", &answer, 409, "conflict", "");
    assert_int_equal(staff(supervisor, "POST", arena_printf(&arena, "/v1/catalogue/versions/%s/withdraw", slow),
                           TEXT("{\"reason\":\"đã có bản khác\"}"))
                         .status,
                     200);
}

static void versions_are_for_ever(void **state)
{
    test_sql_refused(db, "UPDATE catalogue_version SET fees = ''", "23001");
    test_sql_refused(db, "DELETE FROM catalogue_proposal", "23001");
    test_sql_refused(db, "DELETE FROM catalogue_approval", "23001");
    test_sql_refused(db, "UPDATE catalogue_decision SET decided_by = 'x'", "23001");
    struct text sent = sheet_with_price(9300);
    struct service_answer sheet =
        staff(finance, "GET", arena_printf(&arena, "/v1/catalogue/versions/%s/fees.csv", in_force()), TEXT_NONE);
    assert_true(text_equal(sheet.body, sent));
}

static void an_old_quote_is_computed_again_to_the_byte(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "OLD-1", 2);
    struct text stored = test_value(
        db, &arena, arena_printf(&arena, "SELECT quote FROM payment_request WHERE id = %lld", (long long)asked.id));
    const char *id = arena_copy(&arena, test_value(db, &arena,
                                                   arena_printf(&arena,
                                                                "SELECT quote_id FROM request_quote WHERE "
                                                                "request_id = %lld",
                                                                (long long)asked.id)));
    assert_int_equal(approve(supervisor, propose(finance, sheet_with_price(9400))).status, 200);
    assert_int_equal(json_int_at(quote().json, "total"), 9400);
    service_stop(&service); /* nothing is remembered but what the database holds */
    service_start(&service);
    struct service_answer again =
        service_ask(&service, &arena, "GET", arena_printf(&arena, "/v1/quotes/%s", id), "%s", "");
    assert_int_equal(again.status, 200);
    assert_true(text_equal(again.body, stored));
    assert_int_equal(json_int_at(quote().json, "total"), 9400); /* what staff published outlives a restart */
    again = service_ask(&service, &arena, "GET", "/v1/quotes/q_nonsense", "%s", "");
    assert_int_equal(again.status, 404);
}

static void a_quote_of_an_older_version_holds_while_its_sum_is_the_same(void **state)
{
    struct service_answer shown = service_ask(&service, &arena, "POST", "/v1/quotes", "%s",
                                              "{\"procedure\":\"2.000815\",\"channel\":\"counter\",\"quantities\":{"
                                              "\"copies\":1,\"pages\":2}}"),
                          extract = quote();
    assert_int_equal(approve(supervisor, propose(finance, sheet_with_price(9500))).status, 200);
    struct service_answer answer = service_ask(&service, &arena, "PUT", "/v1/dossiers/SAME-1", "%s",
                                               "{\"procedure\":\"2.000815\",\"agency\":\"" TEST_AGENCY
                                               "\",\"channel\":\"counter\",\"applicant\":{\"name\":"
                                               "\"Nguyễn Văn A\"},\"submitted_at\":\"2026-11-20T08:00:00+07:00\"}");
    assert_int_equal(answer.status, 201);
    answer = service_ask(&service, &arena, "POST", "/v1/payment-requests", "{\"dossier\":\"SAME-1\",\"quote\":\"%s\"}",
                         json_string_at(shown.json, "id"));
    assert_int_equal(answer.status, 201);
    service_ask(&service, &arena, "PUT", "/v1/dossiers/SAME-2", "%s",
                "{\"procedure\":\"2.000635\",\"agency\":\"" TEST_AGENCY
                "\",\"channel\":\"counter\",\"applicant\":{\"name\":"
                "\"Nguyễn Văn A\"},\"submitted_at\":\"2026-11-20T08:00:00+07:00\"}");
    answer = service_ask(&service, &arena, "POST", "/v1/payment-requests", "{\"dossier\":\"SAME-2\",\"quote\":\"%s\"}",
                         json_string_at(extract.json, "id"));
    EXPECT_PROBLEM(&arena, "another sum", &answer, 409, "quote_changed", "");
}

/* Under load --------------------------------------------------------------------------------------------------------
 */

static atomic_bool stop_calling;
static atomic_int answers, wrong;

/* Each answer must be of one version whole: the price says which, and the version must be that one. */
struct published {
    char version[CATALOGUE_VERSION_SIZE];
    int price;
};
static struct published published[SWAPS + 1];

static void *call_on(void *with)
{
    struct arena mine;
    arena_init(&mine);
    while (!atomic_load(&stop_calling)) {
        struct service_answer answer =
            service_ask(&service, &mine, "POST", "/v1/quotes", "%s",
                        "{\"procedure\":\"2.000635\",\"channel\":\"counter\",\"quantities\":{\"copies\":1}}");
        bool whole = false;
        const char *version = answer.json ? json_string_at(answer.json, "catalogue_version") : "";
        for (int i = 0; answer.status == 200 && i <= SWAPS && !whole; i++)
            whole = !strcmp(version, published[i].version) && json_int_at(answer.json, "total") == published[i].price;
        atomic_fetch_add(&answers, 1);
        if (!whole)
            atomic_fetch_add(&wrong, 1);
        arena_reset(&mine);
    }
    arena_done(&mine);
    return NULL;
}

/* What each price is called is known before the first call is made. */
static void name_versions(void)
{
    snprintf(published[0].version, CATALOGUE_VERSION_SIZE, "%s", in_force());
    published[0].price = (int)json_int_at(quote().json, "total");
    for (int i = 1; i <= SWAPS; i++) {
        struct service_answer answer = staff(finance, "POST", "/v1/catalogue/versions",
                                             proposal(sheet_with_price(10000 + i), ",\"dry_run\":true"));
        snprintf(published[i].version, CATALOGUE_VERSION_SIZE, "%s", json_string_at(answer.json, "version"));
        published[i].price = 10000 + i;
    }
}

static void each_answer_under_load_is_wholly_of_one_version_and_none_is_dropped(void **state)
{
    pthread_t threads[CALLERS];
    name_versions();
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_on, NULL), 0);
    for (int i = 1; i <= SWAPS; i++) {
        assert_int_equal(approve(supervisor, propose(finance, sheet_with_price(10000 + i))).status, 200);
        test_sleep_ms(100);
    }
    atomic_store(&stop_calling, true);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    print_message("%d answers over %d versions\n", atomic_load(&answers), SWAPS + 1);
    assert_true(atomic_load(&answers) > SWAPS);
    assert_int_equal(atomic_load(&wrong), 0);
}

static void another_host_follows_without_a_restart(void **state)
{
    /* published at the database by another host: this one hears of it by looking */
    const char *version = propose(finance, sheet_with_price(8000));
    if (test_int(db, "SELECT 1") && strcmp(version, in_force()))
        test_sql(db, arena_printf(&arena, "SELECT catalogue_approve('2026-11-23T10:00:00+07', 'staff:truong-ca', '%s')",
                                  version));
    for (int i = 0; i < 100 && strcmp(json_string_at(quote().json, "catalogue_version"), version); i++)
        test_sleep_ms(100);
    assert_string_equal(json_string_at(quote().json, "catalogue_version"), version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_catalogue_is_the_first_version),
        cmocka_unit_test(a_dry_run_tells_who_pays_what_from_when_and_writes_nothing),
        cmocka_unit_test(wrong_sheets_are_named_by_file_line_and_column),
        cmocka_unit_test(publishing_takes_two_different_people),
        cmocka_unit_test(a_draft_of_a_system_needs_two_of_the_staff),
        cmocka_unit_test(a_draft_that_was_overtaken_must_be_looked_at_again),
        cmocka_unit_test(versions_are_for_ever),
        cmocka_unit_test(an_old_quote_is_computed_again_to_the_byte),
        cmocka_unit_test(a_quote_of_an_older_version_holds_while_its_sum_is_the_same),
        cmocka_unit_test(each_answer_under_load_is_wholly_of_one_version_and_none_is_dropped),
        cmocka_unit_test(another_host_follows_without_a_restart),
    };
    return cmocka_run_group_tests_name("the catalogue as published data", tests, set_up, tear_down);
}
