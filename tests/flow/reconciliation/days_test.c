/* Days, months and remittances over HTTP: what was open when a day closed, what came later, and two people for a lock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *one, *two, *cashier;
static struct payment_asked paid;
static const char *collector;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    one = service_staff_cookie(db, &arena, "lan", "finance");
    two = service_staff_cookie(db, &arena, "minh", "supervisor");
    cashier = service_staff_cookie(db, &arena, "hoa", "cashier");
    paid = service_request(&service, &arena, "DAY-1", 2);
    collector = arena_copy(&arena, test_value(db, &arena, "SELECT collector FROM payment_request LIMIT 1"));
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer ask(const char *cookie, const char *method, const char *path, const char *body)
{
    const struct service_call call = {.method = method, .path = path, .body = text_of(body), .cookie = cookie};
    return service_call(&service, &arena, &call);
}

static void expect(struct service_answer answer, int status, const char *key, const char *value)
{
    if (answer.status != status || strcmp(json_string_at(answer.json, key), value) != 0)
        fail_msg("expected %d %s, got %d %.*s", status, value, answer.status, TEXT_ARGS(answer.body));
}

static void import(const char *file)
{
    struct service_call call = {
        .method = "POST", .path = "/v1/statements", .body = text_of(file), .content_type = "application/octet-stream"};
    struct service_answer answer = service_call(&service, &arena, &call);
    if (answer.status != 201 || text_find(answer.body, TEXT("quarantined")) < answer.body.length)
        fail_msg("%d %.*s", answer.status, TEXT_ARGS(answer.body));
    assert_int_equal(
        service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-09-15\"}").status, 201);
}

static void the_audit_finds_nothing(void)
{
    assert_true(service_drained(db, 30));
    struct text wrong = test_value(
        db, &arena, "SELECT string_agg(concat_ws(' ', problem, subject, difference), '; ') FROM reconcile_audit()");
    if (wrong.length)
        fail_msg("%.*s", TEXT_ARGS(wrong));
}

static void a_day_closes_with_what_is_open_in_a_list_with_owner_and_age(void **state)
{
    import(arena_printf(&arena,
                        ":20:S1\n:25:" TEST_ACCOUNT "\n:28C:1/1\n:60F:C260914VND0,\n"
                        ":61:2609150915C%lld,NTRFNONREF//E1\n:86:%s\n"
                        ":61:2609150915C7000,NTRFNONREF//E2\n:86:khong ro\n"
                        ":62F:C260915VND%lld,\n-\n",
                        (long long)paid.amount, paid.reference, (long long)paid.amount + 7000));
    int64_t id = test_int(db, "SELECT id FROM exception_case");
    assert_int_equal(
        ask(one, "POST", arena_printf(&arena, "/v1/exceptions/%lld/owner", (long long)id), "{\"owner\":\"minh\"}")
            .status,
        200);
    expect(ask(one, "GET", "/v1/days/2026-09-15", ""), 200, "state", "open");
    assert_int_equal(ask(cashier, "POST", "/v1/days/2026-09-15/close", "").status, 403);
    expect(ask(one, "POST", "/v1/days/2999-01-01/close", "{}"), 422, "code", "invalid_request");
    expect(ask(one, "GET", "/v1/days/2026-02-30", ""), 404, "code", "not_found");
    assert_true(service_drained(db, 30)); /* the receipt that comes a moment later would be a change of the day */
    expect(ask(one, "POST", "/v1/days/2026-09-15/close", "{}"), 201, "state", "closed");
    expect(ask(one, "POST", "/v1/days/2026-09-15/close", "{}"), 409, "code", "conflict");
    struct service_answer day = ask(one, "GET", "/v1/days/2026-09-15", "");
    json_t *item = json_array_get(json_object_get(day.json, "suspense"), 0);
    assert_string_equal(json_string_at(item, "owner"), "minh");
    assert_int_equal(json_int_at(item, "amount"), 7000);
    assert_int_equal(json_int_at(item, "age_days"), 0);
    assert_true(json_is_false(json_object_get(day.json, "changed_since")));
}

static void a_later_solution_is_booked_in_the_open_day_and_linked_back(void **state)
{
    service_request(&service, &arena, "DAY-2", 1); /* 8,000: 7,000 is a part of it */
    int64_t id = test_int(db, "SELECT id FROM exception_case");
    const char *path = arena_printf(&arena, "/v1/exceptions/%lld/resolve", (long long)id);
    const char *body = "{\"action\":\"assign\",\"note\":\"nguoi nop da den\",\"dossier\":\"DAY-2\"}";
    int64_t before = test_int(db, "SELECT coalesce(max(id), 0) FROM journal");
    assert_int_equal(ask(one, "POST", path, body).status, 202);
    assert_int_equal(ask(two, "POST", path, body).status, 200);
    service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-09-15\"}");
    assert_true(test_int(db, arena_printf(&arena, "SELECT count(*) FROM journal WHERE id > %lld", (long long)before)) >
                0);
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM journal WHERE id > %lld AND booked_on <= "
                                               "'2026-09-15'",
                                               (long long)before)),
                     0);
    json_t *item = json_array_get(json_object_get(ask(one, "GET", "/v1/days/2026-09-15", "").json, "suspense"), 0);
    assert_string_equal(json_string_at(item, "resolution"), "assigned");
    assert_string_equal(json_string_at(item, "solved_by"), "staff:minh");
    assert_true(strcmp(json_string_at(item, "solved_on"), "2026-09-15") > 0);
    struct service_answer evidence = ask(one, "GET", arena_printf(&arena, "/v1/exceptions/%lld", (long long)id), "");
    json_t *closed = json_object_get(json_object_get(evidence.json, "exception"), "closed_days");
    assert_string_equal(json_string_value(json_array_get(closed, 0)), "2026-09-15");
    the_audit_finds_nothing();
}

static void a_late_statement_shows_as_a_change_of_the_closed_day_with_its_lines(void **state)
{
    import(arena_printf(&arena,
                        ":20:S2\n:25:" TEST_ACCOUNT "\n:28C:2/1\n:60F:C260915VND%lld,\n"
                        ":61:2609150915C900,NTRFNONREF//E3\n:86:dong den muon\n:62F:C260915VND%lld,\n-\n",
                        (long long)paid.amount + 7000, (long long)paid.amount + 7900));
    struct service_answer day = ask(one, "GET", "/v1/days/2026-09-15", "");
    assert_true(json_is_true(json_object_get(day.json, "changed_since")));
    assert_int_equal(json_array_size(json_object_get(day.json, "came_later")), 1);
    assert_int_equal(json_int_at(json_array_get(json_object_get(day.json, "came_later"), 0), "amount"), 900);
    /* Its money is booked in the open day, and each knows the other. */
    json_t *late = json_array_get(json_object_get(day.json, "late_journals"), 0);
    const char *open_day = json_string_at(late, "booked_on");
    assert_string_not_equal(open_day, json_string_at(late, "of_day"));
    struct service_answer open = ask(one, "GET", arena_printf(&arena, "/v1/days/%s", open_day), "");
    assert_int_equal(json_array_size(json_object_get(open.json, "late_journals")), 1);
    assert_int_equal(json_array_size(json_object_get(day.json, "suspense")), 1); /* the list stays as it was */
    the_audit_finds_nothing();
}

static void every_figure_of_a_month_a_quarter_and_a_year_names_its_lines(void **state)
{
    assert_int_equal(
        ask(one, "PUT", arena_printf(&arena, "/v1/collectors/%s/chapter", collector), "{\"chapter\":\"416\"}").status,
        200);
    expect(ask(one, "PUT", "/v1/collectors/0000000000/chapter", "{\"chapter\":\"416\"}"), 404, "code", "not_found");
    expect(ask(one, "PUT", arena_printf(&arena, "/v1/collectors/%s/chapter", collector), "{\"chapter\":\"41x\"}"), 422,
           "code", "invalid_request");
    static const char *const periods[] = {"2026-09", "2026-Q3", "2026"};
    for (size_t i = 0; i < 3; i++) {
        struct service_answer books =
            ask(one, "GET", arena_printf(&arena, "/v1/reports/collections?period=%s&format=csv", periods[i]), "");
        assert_int_equal(books.status, 200);
        if (text_find(books.body, TEXT(",416,")) == books.body.length)
            fail_msg("%.*s", TEXT_ARGS(books.body));
        struct service_answer lines = ask(
            one, "GET", arena_printf(&arena, "/v1/reports/collections?period=%s&lines=1&format=csv", periods[i]), "");
        if (text_find(lines.body, text_of(paid.reference)) == lines.body.length)
            fail_msg("%.*s", TEXT_ARGS(lines.body));
    }
    expect(ask(one, "GET", "/v1/reports/collections?period=2026-13", ""), 422, "code", "invalid_request");
    expect(ask(one, "GET", "/v1/reports/collections?period=2026-Q5", ""), 422, "code", "invalid_request");
    /* Each figure is the sum of its lines. */
    assert_int_equal(
        test_int(db,
                 "SELECT count(*) FROM (SELECT b.collector, b.fee, f.figure, f.amount FROM period_books('2026-01-01', "
                 "'2026-12-31') b, LATERAL (VALUES ('collected', b.collected), ('refunded', b.refunded), ('remitted', "
                 "b.remitted), ('retained', b.retained)) f (figure, amount)) f FULL JOIN (SELECT collector, fee, "
                 "figure, sum(amount) AS amount FROM period_lines('2026-01-01', '2026-12-31') GROUP BY 1, 2, 3) l "
                 "USING (collector, fee, figure) WHERE coalesce(f.amount, 0) <> coalesce(l.amount, 0)"),
        0);
    struct service_answer indicators = ask(one, "GET", "/v1/reports/indicators?period=2026-09&lines=1&format=csv", "");
    assert_true(text_find(indicators.body, TEXT("cash_free,")) < indicators.body.length);
    assert_true(text_find(indicators.body, TEXT("online_payment,")) < indicators.body.length);
}

static const char *remittance(int64_t amount, int64_t retained, const char *document)
{
    return arena_printf(
        &arena,
        "{\"collector\":\"%s\",\"fee\":\"%s\",\"remitted_on\":\"2026-09-30\",\"amount\":%lld,"
        "\"retained\":%lld,\"document\":\"%s\"}",
        collector, arena_copy(&arena, test_value(db, &arena, "SELECT fee FROM request_line WHERE net > 0 LIMIT 1")),
        (long long)amount, (long long)retained, document);
}

static void a_remittance_counts_when_a_second_person_approved_it(void **state)
{
    expect(ask(one, "POST", "/v1/remittances", remittance(paid.amount + 1, 0, "GNT-1")), 422, "code",
           "invalid_request");
    struct service_answer made = ask(one, "POST", "/v1/remittances", remittance(paid.amount - 1000, 1000, "GNT-1"));
    expect(made, 202, "state", "proposed");
    expect(ask(two, "POST", "/v1/remittances", remittance(1, 0, "GNT-1")), 409, "code", "conflict");
    const char *path = arena_printf(&arena, "/v1/remittances/%lld/approve", (long long)json_int_at(made.json, "id"));
    expect(ask(one, "POST", path, "{}"), 403, "code", "second_person_required");
    expect(ask(two, "POST", path, "{}"), 200, "state", "approved");
    expect(ask(two, "POST", path, "{}"), 409, "code", "conflict");
    assert_int_equal(test_int(db, "SELECT remitted + retained FROM period_books('2026-09-01', '2026-09-30') WHERE "
                                  "remitted > 0"),
                     paid.amount);
    /* The line that carried it leaves suspense when two people name the slip. */
    import(arena_printf(&arena,
                        ":20:S3\n:25:" TEST_ACCOUNT "\n:28C:3/1\n:60F:C260915VND%lld,\n"
                        ":61:2609150915D%lld,NTRFNONREF//E4\n:86:nop ngan sach GNT-1\n:62F:C260915VND%lld,\n-\n",
                        (long long)paid.amount + 7900, (long long)paid.amount - 1000, 8900LL));
    int64_t id = test_int(db, "SELECT id FROM exception_case WHERE reason = 'outgoing'");
    path = arena_printf(&arena, "/v1/exceptions/%lld/resolve", (long long)id);
    const char *body = arena_printf(&arena,
                                    "{\"action\":\"match\",\"note\":\"giay nop tien\",\"remittance\":{\"collector\":"
                                    "\"%s\",\"document\":\"GNT-1\"}}",
                                    collector);
    expect(ask(one, "POST", path, body), 202, "state", "proposed");
    expect(ask(two, "POST", path, body), 200, "resolution", "remitted");
    service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-09-15\"}");
    assert_int_equal(test_int(db, "SELECT sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id WHERE "
                                  "a.code LIKE 'treasury:%'"),
                     0);
    the_audit_finds_nothing();
}

static const char *period(const char *when, const char *act)
{
    return arena_printf(&arena,
                        "{\"collector\":\"%s\",\"period\":\"%s\",\"act\":\"%s\",\"why\":\"so lieu da doi chieu\"}",
                        collector, when, act);
}

static void a_month_is_locked_and_opened_again_by_two_people(void **state)
{
    expect(ask(one, "POST", "/v1/periods", period("2099", "lock")), 422, "code", "invalid_request");
    expect(ask(one, "POST", "/v1/periods", period("2026-09", "reopen")), 409, "code", "conflict");
    expect(ask(one, "POST", "/v1/periods", period("2026-09", "lock")), 202, "state", "proposed");
    expect(ask(one, "POST", "/v1/periods", period("2026-09", "lock")), 403, "code", "second_person_required");
    expect(ask(two, "POST", "/v1/periods", period("2026-09", "lock")), 200, "state", "approved");
    expect(ask(two, "POST", "/v1/periods", period("2026-09", "lock")), 409, "code", "conflict");
    assert_true(test_int(db, "SELECT count(*) FROM period_figure") > 0);
    expect(ask(one, "POST", "/v1/remittances", remittance(0, 0, "GNT-2")), 422, "code", "invalid_request");
    struct service_answer list = ask(one, "GET", arena_printf(&arena, "/v1/periods?collector=%s", collector), "");
    json_t *lock = json_array_get(json_object_get(list.json, "items"), 0);
    assert_true(json_is_true(json_object_get(lock, "locked")));
    assert_int_equal(json_array_size(json_object_get(lock, "differences")), 0);
    expect(ask(two, "POST", "/v1/periods", period("2026-09", "reopen")), 202, "state", "proposed");
    expect(ask(one, "POST", "/v1/periods", period("2026-09", "reopen")), 200, "state", "approved");
    expect(ask(one, "POST", "/v1/remittances", remittance(0, 0, "GNT-2")), 202, "state", "proposed");
}

static void what_the_night_found_stays_until_a_night_finds_it_no_more(void **state)
{
    test_sql(db, "SET session_replication_role = replica");
    test_sql(db, "CREATE TEMP TABLE words AS SELECT * FROM statement_line_text WHERE memo = 'dong den muon'");
    test_sql(db, "DELETE FROM statement_line_text WHERE memo = 'dong den muon'");
    test_sql(db, "SELECT * FROM audit_findings_take('2026-09-17T18:30Z', '2026-09-15')");
    test_sql(db, "SELECT * FROM audit_findings_take('2026-09-18T18:30Z', '2026-09-16')"); /* the same again: one row */
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit_finding"), 1);
    struct service_answer day = ask(one, "GET", "/v1/days/2026-09-15", "");
    json_t *finding = json_array_get(json_object_get(day.json, "findings"), 0);
    assert_string_equal(json_string_at(finding, "problem"), "line_without_words");
    assert_string_equal(json_string_at(finding, "since"), "2026-09-15");
    assert_int_equal(test_int(db, "SELECT count FROM daily_books('2026-09-15') WHERE section = 'found by the audit'"),
                     1);
    test_sql(db, "INSERT INTO statement_line_text SELECT * FROM words");
    test_sql(db, "RESET session_replication_role");
    test_sql(db, "SELECT * FROM audit_findings_take('2026-09-19T18:30Z', '2026-09-17')");
    day = ask(one, "GET", "/v1/days/2026-09-15", "");
    assert_int_equal(json_array_size(json_object_get(day.json, "findings")), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit_finding WHERE gone_at IS NOT NULL"), 1);
    test_sql_refused(db, "DELETE FROM audit_finding", "23001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_closes_with_what_is_open_in_a_list_with_owner_and_age),
        cmocka_unit_test(a_later_solution_is_booked_in_the_open_day_and_linked_back),
        cmocka_unit_test(a_late_statement_shows_as_a_change_of_the_closed_day_with_its_lines),
        cmocka_unit_test(what_the_night_found_stays_until_a_night_finds_it_no_more),
        cmocka_unit_test(every_figure_of_a_month_a_quarter_and_a_year_names_its_lines),
        cmocka_unit_test(a_remittance_counts_when_a_second_person_approved_it),
        cmocka_unit_test(a_month_is_locked_and_opened_again_by_two_people),
    };
    return cmocka_run_group_tests_name("days, periods, remittances", tests, set_up, tear_down);
}
