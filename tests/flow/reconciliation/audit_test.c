/* A good database, broken in one row in each of many ways: the audit reports exactly that row and nothing else.
 * Triggers and constraints are off while the row is broken (as after a bad restore), each break is rolled back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define ACCOUNT "0021000000001"
#define PAID    "QNWCGZQFVXPEV6"
#define LOST    "QNRNQ349VSJ5M1"
#define TWICE   "QNMWPYH9CSJKA1"
#define WAITS   "QNVWZZY27SJ8JJ"

static struct db *db;
static struct arena arena;

static const char statement[] =
    ":20:S1\n:25:" ACCOUNT "\n:28C:1/1\n:60F:C261122VND1000000,\n"
    ":61:2611231123C16000,NTRFNONREF//FT1\n:86:" PAID " le phi\n:61:2611231123C20000,NTRFNONREF//FT2\n:86:" LOST
    " le phi\n:61:2611231123C9000,NTRFNONREF//FT5\n:86:" TWICE " a\n:61:2611231123C9000,NTRFNONREF//FT6\n:86:" TWICE
    " b\n:61:2611231123C49000,NTRFNONREF//FT7\n:86:TT GATEWAY BATCH77\n"
    ":61:2611231123C7000,NTRFNONREF//FT3\n:86:chuyen tien\n:62F:C261123VND1110000,\n-\n";

static void confirm_one(const char *source, const char *id, const char *method, const char *reference, int amount)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "SELECT confirm('2026-11-23T03:00Z', '{%s}', '{%s}', ARRAY[sha256('%s')], '{%d}', '{" ACCOUNT
             "}', '{%s}', '{NULL}', '{%s}', '{2026-11-23T03:00Z}', '{NULL}', '{NULL}', ARRAY[NULL::bytea], '{1}', "
             "'{%s}', '{0}')",
             source, id, id, amount, method, reference, reference);
    test_sql(db, sql);
}

/* A receipt for each settled request, as the receipts room numbers them; its bytes are not what is looked at here. */
static const char receipts[] =
    "SELECT receipt_range_open('2026-11-23T03:00Z', 'staff:test', '5700100001', 'EBL01', '26TAA', '', NULL, 1, 100, "
    "true);"
    "BEGIN;"
    "INSERT INTO receipt_number (book_id, number, range_id, first_number, last_number, previous)"
    " SELECT b.id, n, g.id, 1, 100, nullif(n - 1, 0) FROM receipt_book b JOIN receipt_range g ON g.book_id = b.id,"
    " generate_series(1, (SELECT count(*)::integer FROM payment_request WHERE settled_at IS NOT NULL)) n;"
    "INSERT INTO receipt (book_id, number, request_id, collector, issued_on, total, token_hash, unsigned_xml, "
    "frozen_at)"
    " SELECT b.id, row_number() OVER (ORDER BY r.id), r.id, r.collector, '2026-11-23', r.amount, "
    "sha256(r.reference::bytea),"
    " 'x', '2026-11-23T04:00Z' FROM receipt_book b, payment_request r WHERE r.settled_at IS NOT NULL;"
    "COMMIT";

static int begin(void **state)
{
    instant_us at;
    arena_init(&arena);
    if (!instant_parse(TEXT("2026-11-24T00:30:00+07:00"), &at))
        return 1;
    db = test_db();
    test_province(db);
    test_request(db, PAID, 16000);
    test_request(db, LOST, 20000);
    test_request(db, TWICE, 9000);
    test_request(db, WAITS, 8000);
    test_request(db, "QN2Z2N9YF162D2", 50000);
    confirm_one("sandbox-bank", "cb1", "vietqr", PAID, 16000);
    confirm_one("gateway", "g1", "wallet", "QN2Z2N9YF162D2", 50000);
    test_sql(db, "SELECT pay_out_take('2026-11-24T01:00Z', 'staff:test', 'gateway', 'BATCH77', (SELECT id FROM "
                 "receiving_account), '2026-11-23', 50000, 1000, '{g1}', '{QN2Z2N9YF162D2}', '{50000}', '{1000}', "
                 "'{2026-11-23}')");
    const struct statement_import_order order = {text_of(statement), "s", "staff:test", at};
    struct text json;
    int64_t run;
    if (statement_import(db, &arena, &order, &json) ||
        reconcile(db, &arena, date_from(2026, 11, 24), "staff:test", at, &run, &json)) {
        fprintf(stderr, "%s\n", db_error(db));
        return 1;
    }
    test_sql(db, receipts);
    return 0;
}

static int end(void **state)
{
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct text found(void)
{
    return test_value(
        db, &arena,
        "SELECT string_agg(problem || ' ' || subject, '; ' ORDER BY problem, subject) FROM reconcile_audit()");
}

static void a_good_database_has_no_break(void **state)
{
    struct text none = found();
    if (none.length)
        fail_msg("%.*s", TEXT_ARGS(none));
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match"), 5);
    assert_int_equal(test_int(db, "SELECT count(*) FROM batch_payment"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt"), 4);
}

/* Where a name depends on what was made, % stands for anything. */
struct break_way {
    const char *how, *sql, *problem, *subject;
};

#define OF_PAID "(SELECT id FROM payment_request WHERE reference = '" PAID "')"
#define CB1     "(SELECT id FROM payment WHERE external_id = 'cb1')"
#define J_CB1   "(SELECT min(id) FROM journal WHERE kind = 'payment' AND payment_id = " CB1 ")"
#define LINE1   "(SELECT line_id FROM line_match WHERE payment_id = " CB1 ")"
#define BATCH   "(SELECT id FROM pay_out WHERE batch = 'BATCH77')"
#define RECEIPT "(SELECT id FROM receipt WHERE request_id = " OF_PAID ")"

static const struct break_way ways[] = {
    {"request says more allocated than its payments",
     "UPDATE payment_request SET allocated = 5000, status = 'partly_paid' WHERE reference = '" WAITS "'",
     "request_allocated_differs", WAITS},
    {"request says another surplus", "UPDATE payment_request SET surplus = 100 WHERE reference = '" WAITS "'",
     "request_surplus_differs", WAITS},
    {"price of a request changed", "UPDATE payment_request SET amount = 8001 WHERE reference = '" WAITS "'",
     "request_price_differs", WAITS},
    {"status of an unpaid request", "UPDATE payment_request SET status = 'paid' WHERE reference = '" WAITS "'",
     "request_status_differs", WAITS},
    {"status of a paid request", "UPDATE payment_request SET status = 'pending' WHERE reference = '" PAID "'",
     "request_status_differs", PAID},
    {"the paid day is gone", "UPDATE payment_request SET paid_on = NULL WHERE reference = '" PAID "'",
     "settled_day_missing", PAID},
    {"a day without settlement", "UPDATE payment_request SET paid_on = '2026-11-23' WHERE reference = '" WAITS "'",
     "settled_day_missing", WAITS},
    {"request of another account", "UPDATE payment_request SET account_id = 99 WHERE reference = '" PAID "'",
     "payment_on_another_account", "sandbox-bank/cb1"},
    {"refund case lost", "DELETE FROM refund", "surplus_without_refund_case", "statement/%"},
    {"refund case of another amount", "UPDATE refund SET amount = amount + 1", "surplus_without_refund_case",
     "statement/%"},
    {"refund case refused in silence", "UPDATE refund SET state = 'refused'", "surplus_without_refund_case",
     "statement/%"},
    {"identity of a payment lost", "DELETE FROM external_transaction WHERE external_id = 'cb1'",
     "payment_without_identity", "sandbox-bank/cb1"},
    {"identity names nobody", "UPDATE external_transaction SET payment_id = NULL WHERE external_id = 'cb1'",
     "payment_without_identity", "sandbox-bank/cb1"},
    {"identity without a payment", "INSERT INTO external_transaction VALUES ('x', 'y', 'z', 4711)",
     "identity_without_payment", "x/y"},
    {"journal of a payment lost", "UPDATE journal SET payment_id = NULL WHERE id = " J_CB1, "payment_without_journal",
     "sandbox-bank/cb1"},
    {"payment journalled under another kind", "UPDATE journal SET kind = 'settle' WHERE id = " J_CB1,
     "payment_without_journal", "sandbox-bank/cb1"},
    {"payment journalled twice",
     "INSERT INTO journal (booked_month, id, at, booked_on, kind, payment_id) SELECT booked_month, 999001, at, "
     "booked_on, 'payment', payment_id FROM journal WHERE id = " J_CB1
     "; INSERT INTO entry SELECT booked_month, 999001, 1, account_id, amount FROM entry WHERE journal_id = " J_CB1
     " AND ordinal = 1; INSERT INTO entry SELECT booked_month, 999001, 2, account_id, -amount FROM entry WHERE "
     "journal_id = " J_CB1 " AND ordinal = 1",
     "payment_journalled_twice", "sandbox-bank/cb1"},
    {"both entries of another amount",
     "UPDATE entry SET amount = CASE WHEN amount > 0 THEN 1 ELSE -1 END + amount WHERE journal_id = (SELECT j.id FROM "
     "journal j JOIN payment p ON p.id = j.payment_id WHERE j.kind = 'payment' AND p.surplus > 0)",
     "payment_journal_amount", "statement/%"},
    {"entry of another account",
     "UPDATE entry SET account_id = (SELECT id FROM account WHERE code LIKE 'bank:%') WHERE ordinal = 1 AND journal_id "
     "= " J_CB1,
     "payment_journal_account", "sandbox-bank/cb1"},
    {"an entry changed",
     "UPDATE entry SET amount = amount + 1 WHERE ordinal = 3 AND journal_id = (SELECT j.id FROM journal j JOIN payment "
     "p ON p.id = j.payment_id WHERE j.kind = 'payment' AND p.surplus > 0)",
     "journal_unbalanced", "payment %"},
    {"a journal without entries",
     "INSERT INTO journal (booked_month, id, at, booked_on, kind) VALUES ('2026-11-01', 999002, '2026-11-23Z', "
     "'2026-11-23', 'settle')",
     "journal_empty", "settle %"},
    {"the collector is owed something else",
     "INSERT INTO journal (booked_month, id, at, booked_on, kind) VALUES ('2026-11-01', 999003, '2026-11-23Z', "
     "'2026-11-23', 'settle'); INSERT INTO entry SELECT '2026-11-01', 999003, row_number() OVER (ORDER BY code), id, "
     "CASE WHEN code LIKE 'payable:%' THEN -5 ELSE 5 END FROM account WHERE code LIKE 'payable:%' OR code LIKE "
     "'suspense:%'",
     "collector_balance_differs", "5700100001"},
    {"the fate of a line lost", "DELETE FROM exception_case WHERE reason = 'no_reference'", "line_without_fate",
     ACCOUNT "/%"},
    {"the words of a line lost", "DELETE FROM statement_line_text WHERE line_id = " LINE1, "line_without_words",
     ACCOUNT "/%"},
    {"line of another amount",
     "UPDATE statement_line SET amount = 16001 WHERE id = " LINE1
     "; UPDATE statement_line SET amount = 6999 WHERE amount = 7000",
     "match_amount_differs", ACCOUNT "/%"},
    {"line of another day",
     "UPDATE statement_line SET booked_on = '2027-06-01' WHERE id = " LINE1
     "; UPDATE statement_line_text SET booked_month = '2027-06-01' WHERE line_id = " LINE1,
     "match_far_apart", ACCOUNT "/%"},
    {"a matched line still open",
     "UPDATE exception_case SET line_id = " LINE1
     " WHERE reason = 'x'; INSERT INTO exception_case (reason, line_id, account_id, amount, booked_on, opened_at) "
     "SELECT 'no_reference', id, account_id, amount, booked_on, '2026-11-24Z' FROM statement_line WHERE id = " LINE1,
     "matched_line_still_open", ACCOUNT "/%"},
    {"statement's balance changed", "UPDATE statement SET closing = closing + 1", "statement_sum_differs",
     ACCOUNT " 1"},
    {"a line more than was counted", "UPDATE statement SET new_lines = new_lines + 1", "statement_lines_missing",
     ACCOUNT " 1"},
    {"statement's journal forgotten", "DELETE FROM statement_journal", "statement_not_journalled", ACCOUNT " 1"},
    {"statement moved another sum",
     "UPDATE entry SET amount = amount + CASE WHEN amount > 0 THEN 1 ELSE 0 END WHERE journal_id = (SELECT journal_id "
     "FROM statement_journal); UPDATE entry SET amount = amount - 1 WHERE (journal_id, ordinal) = (SELECT "
     "e.journal_id, max(e.ordinal) FROM statement_journal s JOIN entry e ON e.journal_id = s.journal_id WHERE e.amount "
     "< 0 GROUP BY 1)",
     "statement_journal_differs", ACCOUNT " 1"},
    {"batch of another net", "UPDATE pay_out SET net = net + 1 WHERE id = " BATCH, "batch_credit_differs",
     "gateway/BATCH77"},
    {"batch of another gross", "UPDATE pay_out SET gross = gross + 1 WHERE id = " BATCH, "batch_items_differ",
     "gateway/BATCH77"},
    {"item lost", "DELETE FROM batch_payment; DELETE FROM pay_out_item WHERE batch_id = " BATCH, "batch_items_differ",
     "gateway/BATCH77"},
    {"payment in a batch whose credit never came",
     "UPDATE batch_payment SET batch_id = 4711; INSERT INTO pay_out_item VALUES (4711, 1, 'g1', '', 50000, 0, NULL)",
     "batch_payment_without_credit", "gateway/g1"},
    {"receipt lost", "DELETE FROM receipt WHERE id = " RECEIPT, "receipt_missing", PAID},
    {"receipt of an unpaid request",
     "UPDATE receipt SET request_id = (SELECT id FROM payment_request WHERE reference = '" WAITS
     "'), total = 8000 WHERE id = " RECEIPT
     "; INSERT INTO receipt (book_id, number, request_id, collector, issued_on, total, token_hash, unsigned_xml, "
     "frozen_at) SELECT book_id, number, " OF_PAID ", collector, issued_on, 16000, 'y', 'x', frozen_at FROM receipt "
     "WHERE id = (SELECT min(id) FROM receipt WHERE total = 20000)",
     "receipt_without_money", "EBL01/26TAA/%"},
    {"receipt of another total", "UPDATE receipt SET total = 15999 WHERE id = " RECEIPT, "receipt_total_differs",
     "EBL01/26TAA/%"},
    {"receipt doubled",
     "INSERT INTO receipt (book_id, number, request_id, collector, issued_on, total, token_hash, unsigned_xml, "
     "frozen_at) SELECT book_id, number, request_id, collector, issued_on, total, 'y', 'x', frozen_at FROM receipt "
     "WHERE id = " RECEIPT,
     "receipt_doubled", PAID},
    {"receipt in another's book",
     "INSERT INTO receipt_book (id, collector, form, symbol, year, opened_at) OVERRIDING SYSTEM VALUE SELECT 77, "
     "'5700100002', form, symbol, year, opened_at FROM receipt_book; INSERT INTO receipt_number SELECT 77, x.number, "
     "1, x.number, 100, NULL FROM receipt x WHERE x.id = " RECEIPT
     "; UPDATE receipt SET book_id = 77 WHERE id = " RECEIPT,
     "receipt_of_another_collector", "EBL01/26TAA/%"},
    {"number of a receipt lost", "DELETE FROM receipt_number WHERE number = (SELECT max(number) FROM receipt_number)",
     "receipt_for_no_number", "EBL01/26TAA/%"},
    {"receipt older than its price", "UPDATE receipt SET issued_on = '2026-11-01' WHERE id = " RECEIPT,
     "receipt_before_money", "EBL01/26TAA/%"},
};

/* What the database itself would refuse; the audit must see it all the same. */
static const char defences_off[] =
    "DO $$ DECLARE d record; BEGIN"
    " FOR d IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype IN ('f', 'c') AND conrelid <> "
    "0 AND"
    " connamespace = current_schema()::regnamespace ORDER BY contype DESC LOOP EXECUTE format('ALTER TABLE %s DROP"
    " CONSTRAINT IF EXISTS %I', d.t, d.conname); END LOOP;"
    " FOR d IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'u' AND connamespace ="
    " current_schema()::regnamespace LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', d.t, d.conname); END "
    "LOOP;"
    " FOR d IN SELECT i.indexrelid::regclass AS t FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE "
    "i.indisunique AND NOT"
    " i.indisprimary AND c.relnamespace = current_schema()::regnamespace LOOP EXECUTE format('DROP INDEX %s', d.t); "
    "END LOOP;"
    " FOR d IN SELECT c.oid::regclass AS t FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace ="
    " current_schema()::regnamespace LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', d.t); END LOOP; END $$";

static void each_break_is_reported_and_nothing_else(void **state)
{
    test_sql(db, defences_off);
    int wrong = 0;
    size_t count = sizeof ways / sizeof *ways;
    assert_true(count >= 30);
    for (size_t i = 0; i < count; i++) {
        char sql[4096];
        snprintf(sql, sizeof sql, "BEGIN; %s", ways[i].sql);
        if (db_script(db, sql)) {
            print_error("%s: %s", ways[i].how, db_error(db));
            test_sql(db, "ROLLBACK");
            wrong++;
            continue;
        }
        struct text all = found();
        snprintf(sql, sizeof sql,
                 "SELECT (count(*) = 1 AND bool_and(problem = '%s' AND subject LIKE '%s'))::int FROM reconcile_audit()",
                 ways[i].problem, ways[i].subject);
        if (test_int(db, sql) != 1) {
            print_error("%s: expected %s %s, found '%.*s'\n", ways[i].how, ways[i].problem, ways[i].subject,
                        TEXT_ARGS(all));
            wrong++;
        }
        test_sql(db, "ROLLBACK");
    }
    printf("%zu ways\n", count);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_database_has_no_break),
        cmocka_unit_test(each_break_is_reported_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
