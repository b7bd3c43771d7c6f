/* The promises that the database itself keeps: tried with raw SQL and with 32 clients at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "tests/support/database.h"

enum { CLIENTS = 32 };

#define JOURNAL(number)                                                                                                \
    "INSERT INTO journal (booked_month, id, at, booked_on, kind) VALUES ('2026-11-01', " #number                       \
    ", '2026-11-23', '2026-11-23', 'test');"
#define ENTRY(number, ordinal, account, amount)                                                                        \
    "('2026-11-01', " #number ", " #ordinal ", (SELECT id FROM account WHERE code = '" account "'), " #amount ")"
#define ENTRIES "INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount) VALUES "

static struct db *db;

static int set_up(void **state)
{
    db = test_db();
    test_province(db);
    test_sql(db, "SELECT accounts_open(ARRAY['clearing:T1', 'payable:T1', 'suspense:T1'])");
    return 0;
}

static int tear_down(void **state)
{
    db_close(db);
    return 0;
}

/* Double entry -------------------------------------------------------------------------------------------------------
 */

static void a_journal_that_does_not_add_up_is_refused(void **state)
{
    test_sql_refused(
        db, JOURNAL(9001) ENTRIES ENTRY(9001, 1, "clearing:T1", 500) "," ENTRY(9001, 2, "payable:T1", -499), "23514");
    test_sql_refused(db, JOURNAL(9001) ENTRIES ENTRY(9001, 1, "clearing:T1", 500), "23514");
}

static void one_bad_journal_among_good_ones_spoils_the_statement(void **state)
{
    test_sql_refused(db,
                     JOURNAL(9002) JOURNAL(9003)
                         ENTRIES ENTRY(9002, 1, "clearing:T1", 5) "," ENTRY(9002, 2, "payable:T1", -5) "," ENTRY(
                             9003, 1, "clearing:T1", 7) "," ENTRY(9003, 2, "payable:T1", -8),
                     "23514");
    assert_int_equal(test_int(db, "SELECT count(*) FROM journal WHERE id IN (9002, 9003)"), 0);
}

static void a_balanced_journal_is_never_added_to_even_by_a_balanced_pair(void **state)
{
    test_sql(db, JOURNAL(9004) ENTRIES ENTRY(9004, 1, "clearing:T1", 5) "," ENTRY(9004, 2, "payable:T1", -5));
    test_sql_refused(db, ENTRIES ENTRY(9004, 3, "clearing:T1", 6) "," ENTRY(9004, 4, "payable:T1", -6), "23514");
    test_sql_refused(db, ENTRIES ENTRY(9004, 1, "clearing:T1", 6) "," ENTRY(9004, 4, "payable:T1", -6), "23505");
}

static void entries_and_journals_are_never_changed(void **state)
{
    test_sql_refused(db, "UPDATE entry SET amount = amount + 1", "23001");
    test_sql_refused(db, "DELETE FROM entry", "23001");
    test_sql_refused(db, "TRUNCATE entry", "23001");
    test_sql_refused(db, "UPDATE journal SET booked_on = '2026-01-01'", "23001");
    test_sql_refused(db, "DELETE FROM journal", "23001");
    test_sql_refused(db, "UPDATE event SET kind = 'x.y'", "23001");
    test_sql_refused(db, "DELETE FROM audit", "23001");
}

static void an_entry_of_nothing_is_refused(void **state)
{
    test_sql_refused(db, JOURNAL(9005) ENTRIES ENTRY(9005, 1, "clearing:T1", 0), "23514");
}

static void try_to_unbalance(struct db *own, int number, void *with)
{
    char sql[1024];
    for (int i = 0; i < 5; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO journal (booked_month, id, at, booked_on, kind) VALUES ('2026-11-01', %d, '2026-11-23', "
                 "'2026-11-23', 'test');"
                 "INSERT INTO entry (booked_month, journal_id, ordinal, account_id, amount)"
                 " SELECT '2026-11-01', %d, 1, id, 100 FROM account WHERE code = 'clearing:T1';",
                 20000 + number * 10 + i, 20000 + number * 10 + i);
        test_sql_refused(own, sql, "23514");
    }
}

static void thirty_two_clients_cannot_unbalance_the_books(void **state)
{
    test_clients(CLIENTS, try_to_unbalance, NULL);
    assert_int_equal(test_int(db, "SELECT count(*) FROM (SELECT journal_id FROM entry GROUP BY booked_month, journal_id"
                                  " HAVING sum(amount) <> 0) wrong"),
                     0);
}

/* One booking per external transaction -------------------------------------------------------------------------------
 */

#define CONFIRM(source, id, content, amount, bank_reference, reference)                                                \
    "SELECT outcome FROM confirm('2026-11-23T02:00Z', ARRAY['" source "'], ARRAY['" id "'], ARRAY['" content           \
    "']::bytea[],"                                                                                                     \
    " ARRAY[" #amount "], ARRAY['0021000000001'], ARRAY['vietqr'], ARRAY[" bank_reference "]::text[], ARRAY['memo'],"  \
    " ARRAY['2026-11-23T01:59Z'::timestamptz], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL]::bytea[], ARRAY[1], "             \
    "ARRAY['" reference "'], ARRAY[0])"

static void confirm_same(struct db *own, int number, void *with)
{
    test_sql(own, CONFIRM("bank", "SAME", "\\x01", 16000, "'FTSAME'", "QN00000000SAME"));
}

static void thirty_two_clients_book_one_transaction_once(void **state)
{
    test_request(db, "QN00000000SAME", 16000);
    test_clients(CLIENTS, confirm_same, NULL);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment WHERE external_id = 'SAME'"), 1);
    assert_int_equal(test_int(db, "SELECT allocated FROM payment_request WHERE reference = 'QN00000000SAME'"), 16000);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM event WHERE kind = 'request.paid'"
                              " AND request_id = (SELECT id FROM payment_request WHERE reference = 'QN00000000SAME')"),
                     1);
}

static void raw_sql_cannot_book_a_transaction_twice(void **state)
{
    test_sql_refused(db, "INSERT INTO external_transaction VALUES ('bank', 'SAME', '\\x01', 1)", "23505");
    test_sql_refused(
        db,
        "INSERT INTO payment SELECT nextval('payment_number'), source, external_id, method, amount, account_id,"
        " request_id, allocated, surplus, reference, edits, bank_reference, memo, payer_name, payer_account, paid_at,"
        " booked_at, booked_month FROM payment WHERE external_id = 'SAME'",
        "23505");
    test_sql_refused(db,
                     "INSERT INTO payment (id, source, external_id, method, amount, account_id, memo, paid_at, "
                     "booked_at, booked_month)"
                     " VALUES (nextval('payment_number'), 'bank', 'NEVER TOLD', 'vietqr', 5, (SELECT id FROM "
                     "receiving_account LIMIT 1),"
                     " '', '2026-11-23', '2026-11-23', '2026-11-01')",
                     "23503");
    test_sql_refused(db, "DELETE FROM external_transaction", "23001");
}

static void the_same_money_told_by_two_sources_is_one_payment(void **state)
{
    struct arena arena;
    arena_init(&arena);
    test_request(db, "QN0000000TW0AA", 20000);
    assert_true(
        text_is(test_value(db, &arena, CONFIRM("bank", "A1", "\\x01", 20000, "'FT9'", "QN0000000TW0AA")), "booked"));
    assert_true(text_is(test_value(db, &arena, CONFIRM("statement", "L1", "\\x02", 20000, "'FT9'", "QN0000000TW0AA")),
                        "replayed"));
    assert_true(text_is(test_value(db, &arena, CONFIRM("statement", "L2", "\\x02", 20001, "'FT9'", "QN0000000TW0AA")),
                        "conflict"));
    assert_true(
        text_is(test_value(db, &arena, CONFIRM("bank", "A1", "\\x03", 20000, "'FT9'", "QN0000000TW0AA")), "conflict"));
    assert_int_equal(test_int(db, "SELECT sum(amount) FROM payment WHERE bank_reference = 'FT9'"), 20000);
    arena_done(&arena);
}

static void confirm_own(struct db *own, int number, void *with)
{
    char sql[1024];
    for (int i = 0; i < 10; i++) {
        snprintf(
            sql, sizeof sql,
            "SELECT outcome FROM confirm('2026-11-23T02:00Z', ARRAY['bank'], ARRAY['C%d-%d'], ARRAY['\\x01']::bytea[],"
            " ARRAY[100], ARRAY['0021000000001'], ARRAY['vietqr'], ARRAY['FTC%d-%d'], ARRAY['memo'],"
            " ARRAY['2026-11-23T01:59Z'::timestamptz], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL]::bytea[], ARRAY[1],"
            " ARRAY['QN000000CR0WDD'], ARRAY[0])",
            number, i, number, i);
        test_sql(own, sql);
    }
}

static void a_crowd_paying_one_request_is_allocated_to_the_dong(void **state)
{
    test_request(db, "QN000000CR0WDD", 10000);
    test_clients(CLIENTS, confirm_own, NULL);
    assert_int_equal(test_int(db, "SELECT allocated FROM payment_request WHERE reference = 'QN000000CR0WDD'"), 10000);
    assert_int_equal(test_int(db, "SELECT surplus FROM payment_request WHERE reference = 'QN000000CR0WDD'"),
                     CLIENTS * 1000 - 10000);
    assert_int_equal(test_int(db, "SELECT sum(amount) FROM refund WHERE request_id ="
                                  " (SELECT id FROM payment_request WHERE reference = 'QN000000CR0WDD')"),
                     CLIENTS * 1000 - 10000);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request r WHERE allocated + surplus <>"
                                  " (SELECT coalesce(sum(p.amount), 0) FROM payment p WHERE p.request_id = r.id)"),
                     0);
    assert_int_equal(test_int(db, "SELECT sum(amount) FROM entry"), 0);
    assert_int_equal(test_int(db, "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN account a ON a.id = e.account_id"
                                  " WHERE a.code = 'deposit:5700100001'"),
                     0);
}

/* The feed and the audit chain ---------------------------------------------------------------------------------------
 */

static void advance(struct db *own, int number, void *with)
{
    for (int i = 0; i < 20; i++)
        test_sql(own, "SELECT feed_advance(50), audit_advance(50)");
}

static void the_feed_is_dense_and_complete_whoever_places_it(void **state)
{
    test_sql(db, "SELECT audit_record('2026-11-23T02:00Z', 'staff:a', 'test.act', 'thing ' || n, '{}') FROM "
                 "generate_series(1, 500) n");
    test_clients(CLIENTS, advance, NULL);
    while (test_int(db, "SELECT feed_advance(1000) + audit_advance(1000)"))
        ;
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM event_fresh") + test_int(db, "SELECT count(*) FROM audit_fresh"), 0);
    assert_int_equal(test_int(db, "SELECT max(position) - count(*) FROM feed"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM event") - test_int(db, "SELECT count(*) FROM feed"), 0);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM (SELECT hash, audit_hash(coalesce(lag(hash) OVER (ORDER BY position), "
                     "'\\x'), a) AS again"
                     " FROM audit_chain c JOIN audit a ON a.id = c.audit_id AND a.booked_month = c.booked_month) x"
                     " WHERE hash <> again"),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_that_does_not_add_up_is_refused),
        cmocka_unit_test(one_bad_journal_among_good_ones_spoils_the_statement),
        cmocka_unit_test(a_balanced_journal_is_never_added_to_even_by_a_balanced_pair),
        cmocka_unit_test(entries_and_journals_are_never_changed),
        cmocka_unit_test(an_entry_of_nothing_is_refused),
        cmocka_unit_test(thirty_two_clients_cannot_unbalance_the_books),
        cmocka_unit_test(thirty_two_clients_book_one_transaction_once),
        cmocka_unit_test(raw_sql_cannot_book_a_transaction_twice),
        cmocka_unit_test(the_same_money_told_by_two_sources_is_one_payment),
        cmocka_unit_test(a_crowd_paying_one_request_is_allocated_to_the_dong),
        cmocka_unit_test(the_feed_is_dense_and_complete_whoever_places_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
