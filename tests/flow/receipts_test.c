/* Numbers without gap or repeat, documents that never change: tried with raw SQL, with crashes and with 32 clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/jobs/jobs.h"
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"

#define COLLECTOR "5700100001"
#define NOON      "2026-11-23T05:00:00Z"

static struct db *db;
static struct arena arena;
static struct faults faults;
static char *folder;
static struct receipt_office *office;

static struct signer *signer_for(const char *tax_code)
{
    struct test_authority *authority = test_authority_new("CA thử nghiệm");
    struct test_certificate wanted = {TEST_KEY_P256, "Trung tâm thử nghiệm", tax_code, 1577836800, 7300};
    char key[300], certificate[300];
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(certificate, sizeof certificate, "%s/cert", folder);
    test_certificate_write(authority, &wanted, key, certificate);
    test_authority_free(authority);
    struct signer *signer = NULL;
    assert_int_equal(signer_open_files(key, certificate, &signer, &faults), OK);
    return signer;
}

static void set_clock(const char *instant)
{
    instant_us wanted;
    assert_true(instant_parse(text_of(instant), &wanted));
    clock_shift(0);
    clock_shift((wanted - clock_now()) / SECOND_US + 2); /* never a moment before it */
}

static int set_up_all(void **state)
{
    static const uint8_t secret[SERVER_SECRET_SIZE] = {1, 2, 3};
    arena_init(&arena);
    faults_init(&faults, &arena);
    server_secret_set(secret);
    folder = test_folder_new();
    db = test_db();
    test_province(db);
    set_clock(NOON);
    office = receipt_office_new("https://lephi.example");
    assert_int_equal(receipt_office_add(office, signer_for(COLLECTOR)), OK);
    receipt_office_use(office);
    assert_int_equal(receipt_range_open(db, &arena, clock_now(), "staff:test", TEXT(COLLECTOR), TEXT("EBL01"),
                                        TEXT("26TAA"), 1, 5000),
                     OK);
    return 0;
}

static int tear_down_all(void **state)
{
    receipt_office_free(office);
    db_close(db);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}

static void pay_on(struct db *on, const char *reference, int64_t amount)
{
    char sql[1200];
    snprintf(sql, sizeof sql,
             "SELECT outcome FROM confirm('" NOON "', ARRAY['sandbox-bank'], ARRAY['T%s'], ARRAY[sha256('%s')], "
             "ARRAY[%lld::bigint], ARRAY['0021000000001'], ARRAY['vietqr'], ARRAY['B%s'], ARRAY['memo'], "
             "ARRAY['" NOON "'::timestamptz], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::bytea], ARRAY[1], "
             "ARRAY['%s'], ARRAY[0])",
             reference, reference, (long long)amount, reference, reference);
    test_sql(on, sql);
}

static int64_t paid_request(const char *reference, int64_t amount)
{
    int64_t request = test_request(db, reference, amount);
    pay_on(db, reference, amount);
    return request;
}

static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS};

static size_t work_on(struct db *on)
{
    const struct jobs_config config = {.database_url = test_database_url(), .kinds = kinds, .kind_count = 2};
    size_t all = 0, some;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(jobs_round(on, &config, &some), OK);
        all += some;
        if (!some)
            break;
    }
    return all;
}

static void work(void)
{
    work_on(db);
}

static int64_t count(const char *what)
{
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", what);
    return test_int(db, sql);
}

static void a_paid_request_gets_one_signed_receipt(void **state)
{
    int64_t request = paid_request("QNAAAAAAAAAA01", 16000);
    work();
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT id FROM receipt WHERE request_id = %lld AND signed_xml IS NOT NULL",
             (long long)request);
    struct receipt_stored stored, found;
    assert_int_equal(receipt_load(db, &arena, test_int(db, sql), &stored), OK);
    struct receipt_verdict verdict;
    assert_int_equal(receipt_verify(stored.xml, NULL, &verdict, &faults), OK);
    assert_int_equal(verdict.document.total, 16000);
    assert_int_equal(verdict.document.number, 1);
    assert_int_equal(verdict.document.method, RECEIPT_METHOD_VIETQR);
    assert_true(text_is(verdict.document.reference, "QNAAAAAAAAAA01"));
    assert_true(text_is(verdict.document.payer.name, "Nguyễn Thị Ánh"));
    assert_int_equal(receipt_find(db, &arena, verdict.document.lookup_code, &found), OK);
    assert_int_equal(found.id, stored.id);
    assert_int_equal(receipt_find(db, &arena, TEXT("AAAAAAAAAAAAAAAAAAAAAA"), &found), ERR_NOT_FOUND);
    assert_int_equal(receipt_find(db, &arena, TEXT("../etc"), &found), ERR_NOT_FOUND);
    assert_int_equal(count("event WHERE kind = 'receipt.issued'"), 1);
    assert_int_equal(count("job WHERE kind NOT IN ('receipt.summary', 'tax.send')"), 0);
}

static void the_same_event_again_makes_no_second_receipt(void **state)
{
    int64_t before = count("receipt");
    test_sql(db,
             "INSERT INTO job (kind, key, body, run_at, created_at) SELECT 'receipt.issue', 'again ' || n, "
             "jsonb_build_object('request', id), '" NOON "', '" NOON "' FROM payment_request, generate_series(1, 3) n "
             "WHERE settled_at IS NOT NULL");
    work();
    assert_int_equal(count("receipt"), before);
    assert_int_equal(count("receipt_audit()"), 0);
    assert_int_equal(count("job WHERE kind NOT IN ('receipt.summary', 'tax.send')"), 0);
}

static void part_payments_and_postage_have_no_receipt(void **state)
{
    int64_t before = count("receipt");
    test_request(db, "QNAAAAAAAAAA02", 16000);
    pay_on(db, "QNAAAAAAAAAA02", 6000);
    work();
    assert_int_equal(count("receipt"), before);
    test_sql(db, "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, registered_at, "
                 "changed_at) "
                 "VALUES ('POST1', '2.000635', 'A1', 'online', 'Nguyễn Thị Ánh', '" NOON "', '" NOON "', '" NOON "'); "
                 "SELECT request_make('" NOON
                 "', 'QNAAAAAAAAAA03', 'POST1', 'filing', 30000, (SELECT id FROM receiving_account LIMIT 1), "
                 "'" COLLECTOR
                 "', sha256('x3'), '{}', 'test', '2026-11-23', NULL, 'payload', 'system:test', '2026-12-23T01:00Z', "
                 "'[{\"fee\": \"F1\", \"name\": \"Lệ phí\", \"kind\": \"le_phi\", \"gross\": 10000, \"reduction\": 0, "
                 "\"net\": 10000, "
                 "\"document\": \"state_receipt\", \"legal_basis\": \"TT\"}, {\"fee\": \"P1\", \"name\": \"Cước\", "
                 "\"kind\": \"postal\", "
                 "\"gross\": 20000, \"reduction\": 0, \"net\": 20000, \"document\": \"invoice_elsewhere\", "
                 "\"legal_basis\": \"\"}]')");
    pay_on(db, "QNAAAAAAAAAA03", 30000);
    work();
    assert_int_equal(count("receipt"), before + 1);
    assert_int_equal(test_int(db, "SELECT total FROM receipt ORDER BY id DESC LIMIT 1"), 10000);
}

static void raw_sql_cannot_break_the_numbers(void **state)
{
    static const struct {
        const char *sql, *sqlstate;
    } attempts[] = {
        /* a gap, a repeat, a number outside the range, a first number that is not the first, another range's shape */
        {"INSERT INTO receipt_number SELECT book_id, max(number) + 2, range_id, 1, 5000, max(number) + 1 FROM "
         "receipt_number GROUP BY 1, 3",
         "23503"},
        {"INSERT INTO receipt_number SELECT book_id, max(number) + 2, range_id, 1, 5000, max(number) FROM "
         "receipt_number GROUP BY 1, 3",
         "23514"},
        {"INSERT INTO receipt_number SELECT book_id, max(number) + 2, range_id, 1, 5000, NULL FROM receipt_number "
         "GROUP BY 1, 3",
         "23514"},
        {"INSERT INTO receipt_number SELECT book_id, max(number) + 2, range_id, max(number) + 2, 5000, NULL FROM "
         "receipt_number GROUP BY 1, 3",
         "23503"},
        {"INSERT INTO receipt_number SELECT book_id, 1, range_id, 1, 5000, NULL FROM receipt_number LIMIT 1", "23505"},
        {"INSERT INTO receipt_number SELECT book_id, 5001, range_id, 1, 5000, 5000 FROM receipt_number LIMIT 1",
         "23514"},
        {"INSERT INTO receipt_number SELECT book_id, 0, range_id, 1, 5000, NULL FROM receipt_number LIMIT 1", "23514"},
        /* the next number without its document */
        {"INSERT INTO receipt_number SELECT book_id, max(number) + 1, range_id, 1, 5000, max(number) FROM "
         "receipt_number GROUP BY 1, 3",
         "23503"},
        {"DELETE FROM receipt_number WHERE number = (SELECT max(number) FROM receipt_number)", "23001"},
        {"UPDATE receipt_number SET number = number + 1", "23001"},
        {"TRUNCATE receipt_number CASCADE", "23001"},
        /* the documents */
        {"DELETE FROM receipt WHERE id = (SELECT max(id) FROM receipt)", "23001"},
        {"UPDATE receipt SET unsigned_xml = 'x'", "23001"},
        {"UPDATE receipt SET signed_xml = 'x', signed_at = '" NOON "'", "23001"},
        {"UPDATE receipt SET signed_xml = NULL, signed_at = NULL", "23001"},
        {"UPDATE receipt SET total = total + 1", "23001"},
        {"TRUNCATE receipt CASCADE", "23001"},
        /* a second receipt for the same request */
        {"INSERT INTO receipt (book_id, number, request_id, collector, issued_on, total, token_hash, unsigned_xml, "
         "frozen_at) "
         "SELECT book_id, 4000, request_id, collector, issued_on, total, 'other', unsigned_xml, frozen_at FROM receipt "
         "LIMIT 1",
         "23505"},
        /* books and ranges */
        {"UPDATE receipt_range SET last_number = 6000", "23001"},
        {"UPDATE receipt_range SET closed_at = '" NOON "', closed_by = 'x', closed_after = 0, reason = 'x'", "23001"},
        {"DELETE FROM receipt_range", "23001"},
        {"UPDATE receipt_book SET year = 2027, symbol = '27TAA'", "23001"},
        {"SELECT receipt_range_open('" NOON "', 'x', '" COLLECTOR
         "', 'EBL01', '26TAA', 'vnpost', NULL, 5000, 6000, true)",
         "23P01"},
        {"SELECT receipt_range_open('" NOON "', 'x', '" COLLECTOR "', 'EBL01', '26TAI', '', NULL, 1, 10, true)",
         "23514"},
        {"SELECT receipt_range_open('" NOON "', 'x', '" COLLECTOR
         "', 'EBL01', '26TAA', '', NULL, 99999999, 100000000, true)",
         "23514"},
    };
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        test_sql_refused(db, attempts[i].sql, attempts[i].sqlstate);
    assert_int_equal(count("receipt_audit()"), 0);
}

static void without_a_key_nothing_is_numbered_and_nothing_is_lost(void **state)
{
    struct receipt_office *closed = receipt_office_new("https://lephi.example");
    int64_t before = count("receipt_number");
    paid_request("QNAAAAAAAAAA04", 16000);
    receipt_office_use(closed);
    work_on(db);
    receipt_office_use(office);
    assert_int_equal(count("receipt_number"), before);
    assert_int_equal(count("job WHERE kind = 'receipt.issue' AND error LIKE '%key%'"), 1);
    assert_int_equal(count("receipt_audit() WHERE problem = 'receipt_missing'"), 1);
    test_sql(db, "UPDATE job SET run_at = '" NOON "'");
    work();
    assert_int_equal(count("receipt_number"), before + 1);
    assert_int_equal(count("receipt_audit()"), 0);
    receipt_office_free(closed);
}

/* A crash after numbering leaves frozen bytes and a job; whoever signs later signs the same bytes. */
static void a_crash_between_numbering_and_signing_loses_nothing(void **state)
{
    paid_request("QNAAAAAAAAAA05", 16000);
    const struct jobs_config only_issue = {.kinds = &kinds[0], .kind_count = 1};
    size_t run;
    assert_int_equal(jobs_round(db, &only_issue, &run), OK);
    assert_int_equal(count("receipt WHERE signed_xml IS NULL"), 1);
    assert_int_equal(count("receipt_audit() WHERE problem = 'receipt_unsigned'"), 1);
    struct text before =
        test_value(db, &arena, "SELECT sha256(unsigned_xml)::text FROM receipt WHERE signed_xml IS NULL");
    work();
    assert_int_equal(count("receipt WHERE signed_xml IS NULL"), 0);
    struct text after =
        test_value(db, &arena, "SELECT sha256(unsigned_xml)::text FROM receipt ORDER BY id DESC LIMIT 1");
    assert_true(text_equal(before, after));
}

static void a_document_that_cannot_be_issued_takes_no_number(void **state)
{
    int64_t before = count("receipt_number");
    int64_t request = test_request(db, "QNAAAAAAAAAA06", 16000);
    char sql[300];
    snprintf(sql, sizeof sql, "UPDATE payment_request SET payer = '{\"name\": \"   \"}' WHERE id = %lld",
             (long long)request);
    test_sql(db, sql);
    pay_on(db, "QNAAAAAAAAAA06", 16000);
    paid_request("QNAAAAAAAAAA07", 16000);
    work();
    assert_int_equal(count("receipt_number"), before + 1); /* the good one beside it */
    assert_int_equal(count("job WHERE error LIKE '/payer/name%'"), 1);
    snprintf(sql, sizeof sql, "UPDATE payment_request SET payer = NULL WHERE id = %lld", (long long)request);
    test_sql(db, sql);
    test_sql(db, "UPDATE job SET run_at = '" NOON "'");
    work();
    assert_int_equal(count("receipt_number"), before + 2);
}

static void client(struct db *mine, int number, void *with)
{
    for (int i = 0; i < 4; i++) {
        char reference[16];
        snprintf(reference, sizeof reference, "QN%08d%04d", number, i);
        test_request(mine, reference, 16000);
        pay_on(mine, reference, 16000);
        work_on(mine);
    }
}

static void thirty_two_clients_number_without_gap_or_repeat(void **state)
{
    int64_t before = count("receipt_number");
    test_clients(32, client, NULL);
    for (int i = 0; i < 20 && count("job WHERE kind NOT IN ('receipt.summary', 'tax.send')") > 0; i++) {
        test_sql(db, "UPDATE job SET run_at = '" NOON "' WHERE state = 'waiting'");
        work();
    }
    assert_int_equal(count("job WHERE kind NOT IN ('receipt.summary', 'tax.send')"), 0);
    assert_int_equal(count("receipt_number"), before + 128);
    assert_int_equal(test_int(db, "SELECT max(number) FROM receipt_number"), before + 128);
    assert_int_equal(count("receipt WHERE signed_xml IS NOT NULL"), before + 128);
    assert_int_equal(
        test_int(db, "SELECT count(DISTINCT (body ->> 'number')::int) FROM event WHERE kind = 'receipt.issued'"),
        before + 128);
    assert_int_equal(count("receipt_audit()"), 0);
}

static void a_closed_range_gives_no_more_and_the_next_one_goes_on(void **state)
{
    char sql[400];
    int64_t last = test_int(db, "SELECT max(number) FROM receipt_number");
    int64_t closed = test_int(db, "SELECT receipt_range_close('" NOON
                                  "', 'staff:test', (SELECT min(id) FROM receipt_range), 'đổi ký hiệu')");
    assert_int_equal(closed, last);
    paid_request("QNAAAAAAAAAA08", 16000);
    work();
    assert_int_equal(count("job WHERE error LIKE '%range%'"), 1);
    snprintf(sql, sizeof sql,
             "INSERT INTO receipt_number SELECT book_id, %lld, range_id, 1, 5000, %lld FROM receipt_number LIMIT 1",
             (long long)last + 1, (long long)last);
    test_sql_refused(db, sql, "23514");
    assert_int_equal(
        receipt_range_open(db, &arena, clock_now(), "staff:test", TEXT(COLLECTOR), TEXT("EBL01"), TEXT("26TAB"), 1, 2),
        OK);
    test_sql(db, "UPDATE job SET run_at = '" NOON "'");
    work();
    assert_int_equal(
        test_int(
            db,
            "SELECT count(*) FROM receipt JOIN receipt_book b ON b.id = book_id WHERE symbol = '26TAB' AND number = 1"),
        1);
    assert_int_equal(count("receipt_audit()"), 0);
}

static void a_range_that_runs_out_stops_and_says_so(void **state)
{
    paid_request("QNAAAAAAAAAA09", 16000);
    paid_request("QNAAAAAAAAAA10", 16000);
    work();
    assert_int_equal(count("receipt_audit() WHERE problem = 'receipt_missing'"), 1);
    assert_int_equal(count("job WHERE kind = 'receipt.issue'"), 1);
    assert_int_equal(receipt_range_open(db, &arena, clock_now(), "staff:test", TEXT(COLLECTOR), TEXT("EBL01"),
                                        TEXT("26TAC"), 1, 99999999),
                     OK);
    test_sql(db, "UPDATE job SET run_at = '" NOON "'");
    work();
    assert_int_equal(count("receipt_audit()"), 0);
}

static void numbers_begin_again_on_the_first_of_january(void **state)
{
    set_clock("2026-12-31T16:59:50Z"); /* 23:59:50 in Vietnam */
    paid_request("QNAAAAAAAAAA11", 16000);
    work();
    set_clock("2026-12-31T17:00:10Z");
    paid_request("QNAAAAAAAAAA12", 16000);
    work();
    assert_int_equal(
        test_int(db,
                 "SELECT count(*) FROM receipt r JOIN receipt_book b ON b.id = r.book_id "
                 "WHERE b.year = 2027 AND r.number = 1 AND r.issued_on = '2027-01-01' AND r.signed_xml IS NOT NULL"),
        1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt r JOIN receipt_book b ON b.id = r.book_id "
                                  "WHERE b.year = 2026 AND r.issued_on = '2026-12-31'"),
                     1);
    assert_int_equal(count("receipt_audit()"), 0);
    set_clock(NOON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paid_request_gets_one_signed_receipt),
        cmocka_unit_test(the_same_event_again_makes_no_second_receipt),
        cmocka_unit_test(part_payments_and_postage_have_no_receipt),
        cmocka_unit_test(raw_sql_cannot_break_the_numbers),
        cmocka_unit_test(without_a_key_nothing_is_numbered_and_nothing_is_lost),
        cmocka_unit_test(a_crash_between_numbering_and_signing_loses_nothing),
        cmocka_unit_test(a_document_that_cannot_be_issued_takes_no_number),
        cmocka_unit_test(thirty_two_clients_number_without_gap_or_repeat),
        cmocka_unit_test(a_closed_range_gives_no_more_and_the_next_one_goes_on),
        cmocka_unit_test(a_range_that_runs_out_stops_and_says_so),
        cmocka_unit_test(numbers_begin_again_on_the_first_of_january),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
