/* Money that is no plain collection, from both sides: refunds that left, transfers between own accounts, virtual
 * accounts, pay-outs and their corrections, late statements, channels that take their time, sources that did not come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define ACCOUNT "0021000000001"
#define OTHER   "0021000000002"

static struct db *db;
static struct arena arena;
static instant_us at;
static int64_t balance_now; /* of ACCOUNT, as the statements so far leave it */
static int statement_number;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    if (!instant_parse(TEXT("2026-11-30T01:00:00+07:00"), &at))
        return 1;
    test_province(db);
    test_sql(db,
             "INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source, active) VALUES "
             "('A1', '970436', '" OTHER "', 'TT', 'sandbox-bank', false)");
    return 0;
}

static int tear_down(void **state)
{
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void import(const char *file)
{
    const struct statement_import_order order = {text_of(file), "file.sta", "staff:test", at};
    struct text json;
    enum err err = statement_import(db, &arena, &order, &json);
    if (err || text_find(json, TEXT("quarantined")) < json.length)
        fail_msg("%s %.*s", err_info(err)->code, err ? 0 : (int)json.length, json.at);
}

/* A statement of ACCOUNT for a day of November 2026 whose lines add up to `sum`. */
static void statement_of(int day, const char *lines, int64_t sum)
{
    int64_t opening = balance_now;
    balance_now += sum;
    statement_number++;
    import(arena_printf(
        &arena, ":20:S%d\n:25:" ACCOUNT "\n:28C:%d/1\n:60F:C2611%02dVND%lld,\n%s:62F:C2611%02dVND%lld,\n-\n",
        statement_number, statement_number, day, (long long)opening, lines, day, (long long)balance_now));
}

static struct text run_for(int day)
{
    int64_t id;
    struct text json;
    enum err err = reconcile(db, &arena, date_from(2026, 11, day), "staff:test", at, &id, &json);
    if (err)
        fail_msg("%s %s", err_info(err)->code, db_error(db));
    struct text wrong =
        test_value(db, &arena,
                   "SELECT string_agg(concat_ws(' ', problem, subject, difference), '; ') FROM reconcile_audit() WHERE "
                   "problem <> 'receipt_missing'"); /* no office signs here */
    if (wrong.length)
        fail_msg("%.*s", TEXT_ARGS(wrong));
    return json;
}

static void announced(const char *source, const char *id, const char *reference, int64_t amount, const char *method,
                      const char *when)
{
    test_sql(db,
             arena_printf(&arena,
                          "SELECT confirm('%s', '{%s}', '{%s}', ARRAY[sha256('%s')], '{%lld}', '{" ACCOUNT
                          "}', '{%s}', '{NULL}', '{%s}', '{%s}', '{NULL}', '{44556677}', ARRAY[NULL::bytea], '{1}', "
                          "'{%s}', '{0}')",
                          when, source, id, id, (long long)amount, method, reference, when, reference));
}

static int64_t balance(const char *code)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN account a ON a.id = "
                                     "e.account_id WHERE a.code LIKE '%s'",
                                     code));
}

static void transfers_between_own_accounts_explain_each_other(void **state)
{
    statement_of(16, ":61:2611161116C90000,NTRFNONREF//O0\n:86:so du dau\n", 90000);
    statement_of(16, ":61:2611161116D50000,NTRFNONREF//O1\n:86:?20chuyen noi bo?31" OTHER "?32TRUNG TAM\n", -50000);
    run_for(16);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'own_transfer' AND state = 'open'"),
        1); /* one side alone waits */
    import(":20:T\n:25:" OTHER "\n:28C:1/1\n:60F:C261116VND0,\n:61:2611171117C50000,NTRFNONREF//O2\n"
           ":86:?20chuyen noi bo?31" ACCOUNT "?32TRUNG TAM\n:62F:C261117VND50000,\n-\n");
    run_for(17);
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'own_transfer' AND state = "
                                  "'resolved' AND resolved_by = 'machine'"),
                     2);
    assert_int_equal(balance("transfer:%"), 0);
}

static void a_virtual_account_and_the_amount_tell_the_request(void **state)
{
    int64_t request = test_request(db, "QNWCGZQFVXPEV6", 16000);
    test_sql(db, arena_printf(&arena,
                              "INSERT INTO virtual_account VALUES ((SELECT id FROM receiving_account WHERE "
                              "account_number = '" ACCOUNT "'), 'QN0000077', %lld)",
                              (long long)request));
    statement_of(17,
                 ":61:2611171117C16000,NTRFNONREF//V1\n:86:nop tien vao QN0000077\n"
                 ":61:2611171117C15999,NTRFNONREF//V2\n:86:nop tien vao QN0000077\n",
                 31999);
    run_for(17);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match WHERE rule = 'virtual_account'"), 1);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM payment_request WHERE reference = 'QNWCGZQFVXPEV6' AND status = "
                              "'paid' AND surplus = 0"),
                     1); /* the number without the amount settles nothing */
}

static void a_refund_is_proved_by_the_line_that_carried_it(void **state)
{
    test_request(db, "QNRNQ349VSJ5M1", 20000);
    announced("sandbox-bank", "r1", "QNRNQ349VSJ5M1", 20000, "vietqr", "2026-11-17T03:00Z");
    announced("sandbox-bank", "r2", "QNRNQ349VSJ5M1", 20000, "vietqr", "2026-11-17T04:00Z");
    test_sql(db, "SELECT refund_request('2026-11-17T05:00Z', (SELECT payment_id FROM refund WHERE state = 'proposed'), "
                 "20000, 'double', 'nop hai lan', NULL, NULL, NULL, 'staff:a')");
    test_sql(db, "SELECT refund_decide('2026-11-17T06:00Z', (SELECT id FROM refund), 'approved', NULL, 'staff:b')");
    test_sql(db, "SELECT refund_list_make('2026-11-17T07:00Z', '" ACCOUNT "', 'staff:b')");
    assert_int_equal(test_int(db, "SELECT count(*) FROM refund WHERE state = 'sent'"), 1);
    statement_of(18,
                 ":61:2611181118C20000,NTRFNONREF//R1\n:86:QNRNQ349VSJ5M1\n"
                 ":61:2611181118C20000,NTRFNONREF//R2\n:86:QNRNQ349VSJ5M1\n"
                 ":61:2611181118D20000,NTRFNONREF//R3\n:86:hoan tra QNRNQ349VSJ5M1\n",
                 20000);
    run_for(18);
    assert_int_equal(test_int(db, "SELECT count(*) FROM refund WHERE state = 'paid' AND bank_reference = 'R3' AND "
                                  "paid_on = '2026-11-18'"),
                     1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_refund"), 1);
    assert_int_equal(balance("refund_due:%"), 0);
    assert_int_equal(test_int(db, "SELECT amount FROM daily_books('2026-11-18') WHERE section = 'refunds paid'"),
                     20000);
}

static void take_pay_out(const char *batch, const char *ids, const char *amounts, int64_t gross, int64_t fees)
{
    test_sql(db,
             arena_printf(&arena,
                          "SELECT pay_out_take('2026-11-19T01:00Z', 'staff:test', 'momo', '%s', (SELECT id FROM "
                          "receiving_account WHERE account_number = '" ACCOUNT "'), '2026-11-19', %lld, %lld, '{%s}', "
                          "'{NULL,NULL}', '{%s}', '{%lld,0}', '{2026-11-18,2026-11-18}')",
                          batch, (long long)gross, (long long)fees, ids, amounts, (long long)fees));
}

static void a_pay_out_is_one_credit_and_its_fee_a_claim(void **state)
{
    test_request(db, "QNMWPYH9CSJKA1", 10000);
    test_request(db, "QNVWZZY27SJ8JJ", 30000);
    announced("momo", "m1", "QNMWPYH9CSJKA1", 10000, "wallet", "2026-11-18T03:00Z");
    announced("momo", "m2", "QNVWZZY27SJ8JJ", 30000, "wallet", "2026-11-18T04:00Z");
    take_pay_out("MM20261119", "m1,m2", "10000,30000", 40000, 440);
    statement_of(19, ":61:2611191119C39560,NTRFNONREF//B1\n:86:MOMO tra tien lo MM20261119\n", 39560);
    run_for(19);
    assert_int_equal(test_int(db, "SELECT count(*) FROM batch_payment b JOIN pay_out p ON p.id = b.batch_id WHERE "
                                  "p.batch = 'MM20261119' AND p.current"),
                     2);
    assert_int_equal(balance("charges:%"), 440);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE reference IN ('QNMWPYH9CSJKA1', "
                                  "'QNVWZZY27SJ8JJ') AND status = 'paid'"),
                     2); /* the fee is nobody's reduction */
}

static void a_corrected_file_reopens_its_own_batch_and_nothing_else(void **state)
{
    int64_t others = test_int(db, "SELECT count(*) FROM line_match WHERE batch_id IS NULL");
    int64_t entries = test_int(db, "SELECT max(id) FROM journal");
    take_pay_out("MM20261119", "m1,m2", "10000,30000", 40000, 500);
    assert_int_equal(test_int(db, "SELECT count(*) FROM pay_out WHERE batch = 'MM20261119'"), 2);
    run_for(19);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'batch_differs' AND state = 'open'"),
        1); /* 39,560 came, 39,500 is told now */
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match WHERE batch_id IS NULL"), others);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_unmatch"), 1);
    assert_true(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM journal WHERE id > %lld AND reverses IS NOT NULL",
                                  (long long)entries)) > 0);
    assert_int_equal(balance("charges:%"), 0);
    take_pay_out("MM20261119", "m1,m2", "10000,30000", 40000, 440);
    run_for(19);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'batch_differs' AND state = 'open'"), 0);
    assert_int_equal(balance("charges:%"), 440);
}

static void a_late_statement_adds_its_own_journal_and_changes_no_other(void **state)
{
    test_request(db, "QNKW8YSDW7WQ2Z", 9000);
    const char *entries =
        "SELECT encode(sha256(convert_to(string_agg(concat_ws('|', journal_id, ordinal, account_id, "
        "amount), ';' ORDER BY journal_id, ordinal), 'UTF8')), 'hex') FROM entry WHERE journal_id <= ";
    int64_t last = test_int(db, "SELECT max(id) FROM journal"),
            statements = test_int(db, "SELECT count(*) FROM statement_journal");
    const char *sql = arena_printf(&arena, "%s%lld", entries, (long long)last);
    const char *before = arena_copy(&arena, test_value(db, &arena, sql));
    statement_of(19, ":61:2611191119C9000,NTRFNONREF//L1\n:86:QNKW8YSDW7WQ2Z\n", 9000);
    run_for(19);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_journal"), statements + 1);
    assert_string_equal(arena_copy(&arena, test_value(db, &arena, sql)), before);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM payment_request WHERE reference = 'QNKW8YSDW7WQ2Z' AND status = "
                              "'paid'"),
                     1);
}

static int64_t missing(const char *id)
{
    return test_int(db,
                    arena_printf(&arena,
                                 "SELECT count(*) FROM exception_case e JOIN payment p ON p.id = e.payment_id WHERE "
                                 "e.reason = 'payment_without_line' AND e.state = 'open' AND p.external_id = '%s'",
                                 id));
}

static void each_channel_has_its_days_of_grace_and_holidays_do_not_count(void **state)
{
    test_sql(db, "INSERT INTO calendar_day VALUES ('2026-11-23', 'holiday', 'Nghỉ', 'thử nghiệm')");
    test_request(db, "QNA9A8S2WSPS1J", 7000);
    test_request(db, "QN2Z2N9YF162D2", 6000);
    announced("sandbox-bank", "g1", "QNA9A8S2WSPS1J", 7000, "vietqr", "2026-11-20T03:00Z"); /* a Friday */
    announced("momo", "g2", "QN2Z2N9YF162D2", 6000, "wallet", "2026-11-20T03:00Z");
    statement_of(20, "", 0);
    run_for(20);
    run_for(22);
    run_for(23);
    assert_int_equal(missing("g1"), 0); /* Saturday, Sunday and the holiday are no working days */
    run_for(24);
    assert_int_equal(missing("g1"), 1);
    assert_int_equal(missing("g2"), 0);
    test_sql(db, "SELECT pay_out_take('2026-11-25T01:00Z', 'staff:test', 'momo', 'MM20261125', (SELECT id FROM "
                 "receiving_account WHERE account_number = '" ACCOUNT "'), '2026-11-25', 1000, 0, '{other}', '{NULL}', "
                 "'{1000}', '{0}', '{2026-11-20}')");
    run_for(24);
    assert_int_equal(missing("g2"), 0); /* two working days: Tuesday and Wednesday */
    run_for(25);
    assert_int_equal(missing("g2"), 1);
}

static void what_did_not_come_is_not_received_and_no_difference(void **state)
{
    test_request(db, "QNP5P7HM7XQX9K", 5000);
    announced("sandbox-bank", "n1", "QNP5P7HM7XQX9K", 5000, "vietqr", "2026-11-26T03:00Z");
    struct text summary = run_for(26);
    assert_true(text_find(summary, TEXT("\"state\": \"not received\"")) < summary.length);
    run_for(29);
    assert_int_equal(missing("n1"), 0);
}

static void sets_that_add_up_are_only_suggested(void **state)
{
    announced("sandbox-bank", "s1", "QN3XXXXXXXXXXX", 3000, "vietqr", "2026-11-20T05:00Z");
    announced("sandbox-bank", "s2", "QN4XXXXXXXXXXX", 4000, "vietqr", "2026-11-20T06:00Z");
    statement_of(20, ":61:2611201120C7000,NTRFNONREF//Q1\n:86:gop hai khoan\n", 7000);
    run_for(20);
    int64_t id = test_int(db, "SELECT e.id FROM exception_case e JOIN statement_line_text t ON t.line_id = e.line_id "
                              "WHERE t.memo = 'gop hai khoan' AND e.state = 'open'");
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM exception_parts(%lld) WHERE amount IN (3000, "
                                               "4000)",
                                               (long long)id)),
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfers_between_own_accounts_explain_each_other),
        cmocka_unit_test(a_virtual_account_and_the_amount_tell_the_request),
        cmocka_unit_test(a_refund_is_proved_by_the_line_that_carried_it),
        cmocka_unit_test(a_pay_out_is_one_credit_and_its_fee_a_claim),
        cmocka_unit_test(a_corrected_file_reopens_its_own_batch_and_nothing_else),
        cmocka_unit_test(a_late_statement_adds_its_own_journal_and_changes_no_other),
        cmocka_unit_test(each_channel_has_its_days_of_grace_and_holidays_do_not_count),
        cmocka_unit_test(what_did_not_come_is_not_received_and_no_difference),
        cmocka_unit_test(sets_that_add_up_are_only_suggested),
    };
    return cmocka_run_group_tests_name("both sides", tests, set_up, tear_down);
}
