/* A night of the province: statements come in, every line gets a fate, lost call-backs heal, and what was decided
 * stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define PAID    "QNWCGZQFVXPEV6" /* its call-back came */
#define LOST    "QNRNQ349VSJ5M1" /* its call-back was lost */
#define SHORT   "QNMWPYH9CSJKA1" /* paid in two equal parts, no bank reference */
#define UNKNOWN "QNVWZZY27SJ8JJ"

static struct db *db;
static struct arena arena;
static instant_us at; /* 2026-11-24 00:30 in Vietnam */

#define ACCOUNT               "0021000000001"
#define HEAD(number, opening) ":20:S" number "\n:25:" ACCOUNT "\n:28C:" number "/1\n:60F:C261122VND" opening ",\n"

static const char first_file[] = HEAD("1", "1000000") ":61:2611231123C16000,NTRFNONREF//FT1\n:86:" PAID " le phi\n"
                                                      ":61:2611231123C20000,NTRFNONREF//FT2\n:86:" LOST " le phi\n"
                                                      ":61:2611231123C5000,NTRFNONREF\n:86:" SHORT
                                                      " nop\n:61:2611231123C5000,NTRFNONREF\n:86:" SHORT " nop\n"
                                                      ":61:2611231123C7000,NTRFNONREF//FT3\n:86:chuyen tien\n"
                                                      ":61:2611231123C8000,NTRFNONREF//FT4\n:86:" UNKNOWN "\n"
                                                      ":61:2611231123D3300,NCHGNONREF//PHI1\n:86:THU PHI DICH VU SMS\n"
                                                      ":62F:C261123VND1057700,\n-\n";

/* The same day again in another export: the bank's references make it known. */
static const char overlap_file[] = HEAD("2", "1000000") ":61:2611231123C16000,NTRFNONREF//FT1\n:86:" PAID "\n"
                                                        ":61:2611231123C20000,NTRFNONREF//FT2\n:86:" LOST "\n"
                                                        ":62F:C261123VND1036000,\n-\n";

static const char broken_file[] = HEAD("3", "5") ":61:2611231123C1,NTRF\n:62F:C261123VND9,\n-\n";

static struct text import(struct db *to, const char *bytes, const char *name)
{
    const struct statement_import_order order = {text_of(bytes), name, "staff:test", at};
    struct text json;
    enum err err = statement_import(to, &arena, &order, &json);
    if (err)
        fail_msg("%s: %s %s", name, err_info(err)->code, db_error(to));
    return json;
}

static void holds(struct text json, const char *words)
{
    if (text_find(json, text_of(words)) == json.length)
        fail_msg("'%s' is missing in %.*s", words, TEXT_ARGS(json));
}

static struct text run_for(struct db *on, int day)
{
    int64_t id;
    struct text json;
    enum err err = reconcile(on, &arena, date_from(2026, 11, day), "staff:test", at, &id, &json);
    if (err)
        fail_msg("%s %s", err_info(err)->code, db_error(on));
    return json;
}

static struct text run(struct db *on)
{
    return run_for(on, 23);
}

static void call_back(struct db *to, const char *id, const char *reference, int amount, const char *bank_reference)
{
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "SELECT confirm('2026-11-23T03:00Z', '{sandbox-bank}', '{%s}', ARRAY[sha256('%s')], '{%d}', '{" ACCOUNT "}', "
        "'{vietqr}', '{%s}', '{%s}', '{2026-11-23T03:00Z}', '{NULL}', '{NULL}', ARRAY[NULL::bytea], '{1}', '{%s}', "
        "'{0}')",
        id, id, amount, bank_reference, reference, reference);
    test_sql(to, sql);
}

static void province(struct db *to)
{
    test_province(to);
    test_request(to, PAID, 16000);
    test_request(to, LOST, 20000);
    test_request(to, SHORT, 10000);
    call_back(to, "cb1", PAID, 16000, "NULL");
}

static void a_file_is_imported_once_and_overlaps_add_nothing(void **state)
{
    struct text json = import(db, first_file, "first.sta");
    holds(json, "\"new\": 7");
    holds(json, "\"state\": \"accepted\"");
    json = import(db, first_file, "first.sta");
    holds(json, "\"already_known\":true");
    json = import(db, overlap_file, "overlap.sta");
    holds(json, "\"new\": 0");
    holds(json, "\"known\": 2");
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line"), 7);
}

static void a_statement_that_does_not_close_is_quarantined_with_its_difference(void **state)
{
    struct text json = import(db, broken_file, "broken.sta");
    holds(json, "\"state\": \"quarantined\"");
    holds(json, "\"reason\": \"balance\"");
    holds(json, "difference 3");
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line"), 7);
    json = import(db, ":20:X\n:25:999\n:28C:1\n:60F:C261122VND0,\n:62F:C261123VND0,\n-\n", "other.sta");
    holds(json, "account_unknown");
}

static void every_line_gets_a_fate_and_lost_call_backs_heal(void **state)
{
    struct text summary = run(db);
    holds(summary, "\"every_line_has_one_fate\": true");
    holds(summary, "\"nothing_pending\": true");
    holds(summary, "\"lines_equal_matched_plus_exceptions_plus_pending\": true");
    holds(summary, "\"healed\": {\"count\": 3, \"amount\": 30000}");
    holds(summary, "{\"open\": 1, \"plus\": 7000, \"count\": 1, \"minus\": 0, \"reason\": \"no_reference\"}");
    holds(summary, "{\"open\": 1, \"plus\": 8000, \"count\": 1, \"minus\": 0, \"reason\": \"unknown_reference\"}");
    holds(summary, "{\"open\": 1, \"plus\": 0, \"count\": 1, \"minus\": 3300, \"reason\": \"bank_charge\"}");
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE status = 'paid'"), 3);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment"), 4); /* none is made up for money nobody can tell */
    assert_int_equal(test_int(db, "SELECT -sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id"
                                  " WHERE a.code = 'suspense:" ACCOUNT "'"),
                     15000);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match WHERE NOT healed"), 1);
}

static void the_bank_account_in_the_books_moves_as_the_statement_says(void **state)
{
    assert_int_equal(test_int(db, "SELECT sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id"
                                  " WHERE a.code = 'bank:" ACCOUNT "'"),
                     57700);
    assert_int_equal(test_int(db, "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN account a ON a.id = e.account_id"
                                  " WHERE a.code = 'clearing:" ACCOUNT "'"),
                     0);
    assert_int_equal(test_int(db, "SELECT sum(amount) FROM entry"), 0);
}

static void again_it_changes_nothing(void **state)
{
    const char *counts = "SELECT (SELECT count(*) FROM payment) * 1000000 + (SELECT count(*) FROM line_match) * 10000"
                         " + (SELECT count(*) FROM exception_case) * 100 + (SELECT count(*) FROM statement_journal)";
    int64_t before = test_int(db, counts), entries = test_int(db, "SELECT count(*) FROM entry");
    struct text first = run(db), second = run(db);
    assert_true(text_equal(first, second));
    assert_int_equal(test_int(db, counts), before);
    assert_int_equal(test_int(db, "SELECT count(*) FROM entry"), entries);
}

static void a_payment_the_bank_never_shows_is_an_exception_once(void **state)
{
    test_request(db, "QNA9A8S2WSPS1J", 9000);
    call_back(db, "cb4", "QNA9A8S2WSPS1J", 9000, "FT9");
    run(db); /* the bank has one working day */
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'payment_without_line'"), 0);
    run_for(db, 24);
    run_for(db, 24);
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'payment_without_line'"), 1);
    /* A day without a statement is not received, never a difference. */
    test_sql(db, "UPDATE payment SET paid_at = '2026-11-22T03:00Z' WHERE external_id = 'cb4'");
    test_sql(db, "DELETE FROM exception_case WHERE reason = 'payment_without_line'");
    run_for(db, 24);
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'payment_without_line'"), 0);
    test_sql(db, "UPDATE payment SET paid_at = '2026-11-23T03:00Z' WHERE external_id = 'cb4'");
}

static int64_t resolved(const char *actor, const char *payment)
{
    char sql[800];
    snprintf(sql, sizeof sql,
             "SELECT CASE exception_resolve('2026-11-24T02:00Z', (SELECT id FROM exception_case WHERE reason ="
             " 'no_reference'), '%s', 'match', 'see the slip', (SELECT id FROM payment WHERE external_id = '%s'))"
             " WHEN 'proposed' THEN 1 WHEN 'second_person' THEN 2 WHEN 'resolved' THEN 3 WHEN 'conflict' THEN 4 END",
             actor, payment);
    return test_int(db, sql);
}

static void a_person_proposes_and_another_decides(void **state)
{
    test_request(db, "QN2Z2N9YF162D2", 7000);
    call_back(db, "cb5", "QN2Z2N9YF162D2", 7000, "X7");
    assert_int_equal(resolved("staff:a", "cb4"), 4); /* another amount */
    assert_int_equal(resolved("staff:a", "cb5"), 1);
    assert_int_equal(resolved("staff:a", "cb5"), 2);
    assert_int_equal(resolved("staff:b", "cb5"), 3);
    assert_int_equal(resolved("staff:b", "cb5"), 4);
    run(db);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match WHERE rule = 'person'"), 1);
    assert_int_equal(test_int(db, "SELECT sum(amount) FROM entry"), 0);
}

static void raw_sql_cannot_use_a_line_or_a_payment_twice(void **state)
{
    test_sql_refused(
        db,
        "INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at) SELECT line_id, (SELECT id FROM "
        "payment WHERE external_id = 'cb4'), 'person', false, 'x', '2026-11-24Z' FROM line_match LIMIT 1",
        "23505");
    test_sql_refused(
        db,
        "INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at) SELECT e.line_id, (SELECT "
        "payment_id FROM line_match LIMIT 1), 'person', false, 'x', '2026-11-24Z' FROM exception_case e WHERE "
        "e.reason = 'unknown_reference'",
        "23505");
    test_sql_refused(db, "UPDATE statement_line SET amount = amount + 1", "23001");
    test_sql_refused(db, "DELETE FROM line_match", "23001");
    test_sql_refused(db, "TRUNCATE statement_journal", "23001");
}

static _Atomic int won, busy;

static void consume(struct db *client, int number, void *with)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "INSERT INTO line_match (line_id, payment_id, rule, healed, actor, at) SELECT e.line_id, p.id, 'person', "
             "false, "
             "'client %d', '2026-11-24Z' FROM exception_case e, payment p WHERE e.reason = 'unknown_reference' AND "
             "p.external_id = 'cb4'",
             number);
    if (!db_script(client, sql))
        won++;
    int64_t id;
    struct text json;
    struct arena mine;
    arena_init(&mine);
    if (reconcile(client, &mine, date_from(2026, 11, 23), "staff:test", at, &id, &json) == ERR_RUN_BUSY)
        busy++;
    arena_done(&mine);
}

static void of_thirty_two_clients_one_consumes_the_line(void **state)
{
    test_clients(32, consume, NULL);
    assert_int_equal(won, 1);
    assert_true(busy < 32);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match m JOIN exception_case e ON e.line_id = m.line_id"
                                  " WHERE e.reason = 'unknown_reference'"),
                     1);
}

/* ---- the same facts in any order ----------------------------------------------------------------------------------
 */

static const char day_two[] = HEAD("4", "1057700") ":61:2611241124C5000,NTRFNONREF\n:86:" SHORT " nop\n"
                                                   ":61:2611241124C16000,NTRFNONREF//FT6\n:86:" PAID " lan hai\n"
                                                   ":62F:C261124VND1078700,\n-\n";

static struct text books_of(const char *schema, const char *const files[3])
{
    char sql[200];
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s; SET search_path TO %s", schema, schema);
    struct db *own = test_db();
    test_sql(own, sql);
    struct faults faults;
    faults_init(&faults, &arena);
    struct migrate_result result;
    if (migrate(own, "sql", at, &faults, &result))
        fail_msg("%s: %s", faults.list[0].where, faults.list[0].detail);
    province(own);
    for (int i = 0; i < 3; i++) {
        import(own, files[i], "file");
        int64_t id;
        struct text ignored;
        assert_int_equal(reconcile(own, &arena, date_from(2026, 11, 24), "staff:test", at, &id, &ignored), OK);
    }
    struct buf books = {0};
    for (int day = 23; day <= 24; day++) {
        struct text bytes;
        assert_int_equal(
            report_daily(own, &arena, date_from(2026, 11, day), day == 23 ? REPORT_CSV : REPORT_JSON, &bytes), OK);
        buf_text(&books, bytes);
    }
    db_close(own);
    struct text text = arena_text(&arena, buf_view(&books));
    buf_done(&books);
    return text;
}

static void the_books_have_the_same_bytes_in_any_order_of_files(void **state)
{
    const char *const files[3] = {first_file, overlap_file, day_two};
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct text first = TEXT_NONE;
    for (int i = 0; i < 6; i++) {
        char schema[20];
        snprintf(schema, sizeof schema, "order_%d", i);
        const char *const order[3] = {files[orders[i][0]], files[orders[i][1]], files[orders[i][2]]};
        struct text books = books_of(schema, order);
        if (!i)
            first = books;
        assert_true(books.length > 200);
        if (!text_equal(first, books))
            test_texts_differ(first, books);
    }
}

static int begin(void **state)
{
    arena_init(&arena);
    if (!instant_parse(TEXT("2026-11-24T00:30:00+07:00"), &at))
        return 1;
    db = test_db();
    province(db);
    return 0;
}

static int end(void **state)
{
    db_close(db);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_imported_once_and_overlaps_add_nothing),
        cmocka_unit_test(a_statement_that_does_not_close_is_quarantined_with_its_difference),
        cmocka_unit_test(every_line_gets_a_fate_and_lost_call_backs_heal),
        cmocka_unit_test(the_bank_account_in_the_books_moves_as_the_statement_says),
        cmocka_unit_test(again_it_changes_nothing),
        cmocka_unit_test(a_payment_the_bank_never_shows_is_an_exception_once),
        cmocka_unit_test(a_person_proposes_and_another_decides),
        cmocka_unit_test(raw_sql_cannot_use_a_line_or_a_payment_twice),
        cmocka_unit_test(of_thirty_two_clients_one_consumes_the_line),
        cmocka_unit_test(the_books_have_the_same_bytes_in_any_order_of_files),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
