/* The transparency log on a real database: every receipt and change of status, heads, proofs, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "core/jobs/feed.h"
#include "core/jobs/jobs.h"
#include "receipts/log.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"

#define COLLECTOR "5700100001"
#define NOON      "2026-11-23T05:00:00Z"

static struct db *db;
static struct arena arena;
static struct faults faults;
static char *folder;
static struct receipt_office *office;
static struct receipt_trust *trust;

static struct signer *signer_for(const char *tax_code)
{
    struct test_authority *authority = test_authority_new("CA thử nghiệm");
    struct test_certificate wanted = {TEST_KEY_P256, "Trung tâm thử nghiệm", tax_code, 1577836800, 7300};
    char key[300], certificate[300], anchors[300];
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(certificate, sizeof certificate, "%s/cert", folder);
    snprintf(anchors, sizeof anchors, "%s/trust", folder);
    test_certificate_write(authority, &wanted, key, certificate);
    test_authority_write(authority, anchors);
    test_authority_free(authority);
    struct signer *signer = NULL;
    assert_int_equal(signer_open_files(key, certificate, &signer, &faults), OK);
    assert_int_equal(receipt_trust_open(anchors, &trust), OK);
    return signer;
}

static void set_clock(const char *instant)
{
    instant_us wanted;
    assert_true(instant_parse(text_of(instant), &wanted));
    clock_shift(0);
    clock_shift((wanted - clock_now()) / SECOND_US + 2);
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
    receipt_trust_free(trust);
    db_close(db);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}

static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS, RECEIPT_LOG_JOB_KINDS};

static void work(void)
{
    const struct jobs_config config = {
        .database_url = test_database_url(), .kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    size_t some = 1;
    int64_t placed, asked;
    for (int i = 0; i < 60 && some; i++) {
        assert_int_equal(jobs_round(db, &config, &some), OK);
        assert_int_equal(feed_round(db, &arena, &placed), OK);
        assert_int_equal(receipt_log_tick(db, &arena, clock_now(), &asked), OK);
        some += (size_t)(placed + asked);
    }
}

static int next_request;

/* One paid request and its signed receipt; the receipt's id. */
static int64_t receipt_made(void)
{
    char reference[20], sql[1200];
    snprintf(reference, sizeof reference, "QNBBBBBBBB%04d", ++next_request);
    test_request(db, reference, 16000);
    snprintf(sql, sizeof sql,
             "SELECT outcome FROM confirm('" NOON "', ARRAY['sandbox-bank'], ARRAY['T%s'], ARRAY[sha256('%s')], "
             "ARRAY[16000::bigint], ARRAY['0021000000001'], ARRAY['vietqr'], ARRAY['B%s'], ARRAY['memo'], "
             "ARRAY['" NOON "'::timestamptz], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::bytea], ARRAY[1], "
             "ARRAY['%s'], ARRAY[0])",
             reference, reference, reference, reference);
    test_sql(db, sql);
    work();
    return test_int(db, "SELECT max(id) FROM receipt");
}

static void check(int64_t receipt, const char *file_sql, enum err expected)
{
    struct buf proof = {0}, told = {0};
    struct text file = file_sql ? test_value(db, &arena, file_sql) : TEXT_NONE;
    struct faults local;
    faults_init(&local, &arena);
    assert_int_equal(log_prove(db, &arena, receipt, 0, &proof), OK);
    enum err err = log_check_proof(buf_view(&proof), file, NULL, trust, &told, &local);
    for (size_t i = 0; err != expected && i < local.count; i++)
        print_message("%s: %s\n", local.list[i].where, local.list[i].detail);
    assert_int_equal(err, expected);
    buf_done(&proof);
    buf_done(&told);
}

static const char *file_of(int64_t receipt)
{
    return arena_printf(&arena, "SELECT convert_from(signed_xml, 'UTF8') FROM receipt WHERE id = %lld",
                        (long long)receipt);
}

static void every_receipt_stands_in_the_log_with_its_own_file(void **state)
{
    int64_t first = receipt_made(), second = receipt_made();
    for (int i = 0; i < 5; i++)
        receipt_made();
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_log_leaf WHERE status = 'issued'"), 7);
    check(first, file_of(first), OK);
    check(second, file_of(second), OK);
    check(first, file_of(second), ERR_SIGNATURE_BROKEN);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_log_audit(0)"), 0);
}

static void the_same_event_is_logged_once_whoever_reads_it(void **state)
{
    int64_t before = test_int(db, "SELECT count(*) FROM receipt_log_leaf");
    for (int i = 0; i < 3; i++)
        test_sql(db, "SELECT receipt_log_advance(2000)");
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_log_leaf"), before);
    test_sql_refused(db, "UPDATE receipt_log_cursor SET position = 0", "23001");
    test_sql_refused(db, "DELETE FROM receipt_log_cursor", "23001");
}

static void an_event_of_each_kind_leaves_its_entry(void **state)
{
    int64_t id = receipt_made();
    test_sql(db,
             arena_printf(&arena,
                          "SELECT event_record('" NOON "', ARRAY['receipt.notified', 'refund.paid', 'refund.paid'], "
                          "array_fill(q.dossier, ARRAY[3]), array_fill(q.id, ARRAY[3]), "
                          "ARRAY[jsonb_build_object('collector', b.collector, 'form', b.form, 'symbol', b.symbol, "
                          "'number', r.number, 'wrong', 'Nguyễn Thị Ánh', 'right', 'Nguyễn Thị Anh'), "
                          "'{\"amount\": 500, \"reason\": \"surplus\"}', "
                          "'{\"amount\": 16000, \"reason\": \"correction\"}']) "
                          "FROM receipt r JOIN receipt_book b ON b.id = r.book_id "
                          "JOIN payment_request q ON q.id = r.request_id WHERE r.id = %lld",
                          (long long)id));
    work();
    assert_true(text_is(test_value(db, &arena,
                                   arena_printf(&arena,
                                                "SELECT string_agg(status, ' ' ORDER BY leaf_index) "
                                                "FROM receipt_log_leaf WHERE receipt_id = %lld",
                                                (long long)id)),
                        "issued notified refunded"));
    check(id, file_of(id), OK);
    struct buf proof = {0};
    assert_int_equal(log_prove(db, &arena, id, 0, &proof), OK);
    assert_true(text_find(buf_view(&proof), TEXT("nh")) == proof.length ||
                text_find(buf_view(&proof), TEXT("Nguyễn")) == proof.length); /* no name in clear */
    buf_done(&proof);
}

static void the_log_cannot_be_changed_with_sql(void **state)
{
    test_sql_refused(db, "UPDATE receipt_log_leaf SET at = at - interval '1 day' WHERE leaf_index = 2", "23001");
    test_sql_refused(db, "DELETE FROM receipt_log_leaf WHERE leaf_index = 2", "23001");
    test_sql_refused(db, "TRUNCATE receipt_log_leaf CASCADE", "23001");
    test_sql_refused(db, "UPDATE receipt_log_node SET hash = sha256('x')", "23001");
    test_sql_refused(db, "DELETE FROM receipt_log_node", "23001");
    test_sql_refused(db,
                     "INSERT INTO receipt_log_leaf SELECT 1000, 999, position, receipt_id, 'refunded', at, document, "
                     "'1', hash FROM receipt_log_leaf WHERE leaf_index = 0",
                     "23503");
    test_sql_refused(db, "INSERT INTO receipt_log_node VALUES (1, 400, sha256('x'))", "23000");
}

static void publish_on(const char *day)
{
    set_clock(day);
    work();
}

static void each_day_gets_one_signed_head_that_grows(void **state)
{
    struct log_head first, second, found;
    publish_on("2026-11-23T18:00:00Z"); /* 01:00 of the 24th: the head of the 23rd */
    assert_int_equal(log_head_load(db, &arena, DATE_NONE, &first), OK);
    assert_int_equal(first.day, date_from(2026, 11, 23));
    assert_int_equal(log_head_check(&first, trust, &faults), OK);
    receipt_made();
    receipt_made();
    publish_on("2026-11-24T18:00:00Z");
    assert_int_equal(log_head_load(db, &arena, DATE_NONE, &second), OK);
    assert_int_equal(second.day, date_from(2026, 11, 24));
    assert_int_equal(second.size, first.size + 2);
    assert_int_equal(log_head_load(db, &arena, first.day, &found), OK);
    assert_int_equal(found.size, first.size);
    struct buf proof = {0}, told = {0};
    assert_int_equal(log_prove_consistency(db, &arena, first.size, second.size, &proof), OK);
    assert_int_equal(log_check_growth(&first, &second, buf_view(&proof), &told, &faults), OK);
    second.root.at[5] ^= 1;
    assert_int_equal(log_check_growth(&first, &second, buf_view(&proof), &told, &faults), ERR_SIGNATURE_BROKEN);
    assert_int_equal(log_head_check(&second, trust, &faults), ERR_SIGNATURE_BROKEN);
    buf_done(&proof);
    buf_done(&told);
    test_sql_refused(db, "UPDATE receipt_log_head SET size = size + 1", "23001");
    test_sql_refused(db,
                     "INSERT INTO receipt_log_head SELECT day + 1, size - 1, root, at, body, algorithm, signature, "
                     "certificate FROM receipt_log_head ORDER BY day DESC LIMIT 1",
                     "23001");
}

static void the_head_can_be_checked_with_openssl_alone(void **state)
{
    struct log_head head;
    struct buf text = {0};
    char path[300], command[1600];
    assert_int_equal(log_head_load(db, &arena, DATE_NONE, &head), OK);
    log_head_text(&head, &text);
    snprintf(path, sizeof path, "%s/head.txt", folder);
    assert_int_equal(file_write(path, buf_view(&text), 0600), OK);
    buf_done(&text);
    snprintf(command, sizeof command,
             "cd %s && head -n 6 head.txt > body && sed -n '/^ecdsa/,/^$/p' head.txt | sed '1d' | base64 -d > sig && "
             "openssl x509 -in head.txt -pubkey -noout > pub && openssl dgst -sha256 -verify pub -signature sig body "
             "> told && grep -q 'Verified OK' told && rm -f body sig pub told head.txt",
             folder);
    assert_int_equal(system(command), 0);
}

/* Somebody with all rights rewrites the past and every hash that follows from it: the heads tell. */
static void a_rewritten_log_is_shown_by_two_heads(void **state)
{
    struct log_head before, after;
    struct buf proof = {0}, told = {0};
    assert_int_equal(log_head_load(db, &arena, date_from(2026, 11, 23), &before), OK);
    test_sql(db,
             "ALTER TABLE receipt_log_leaf DISABLE TRIGGER USER; ALTER TABLE receipt_log_node DISABLE TRIGGER USER; "
             "UPDATE receipt_log_leaf SET hash = sha256('another receipt') WHERE leaf_index = 1; "
             "DELETE FROM receipt_log_node; "
             "INSERT INTO receipt_log_node SELECT 1, a.leaf_index / 2, sha256('\\x01'::bytea || a.hash || b.hash) "
             "FROM receipt_log_leaf a JOIN receipt_log_leaf b ON b.leaf_index = a.leaf_index + 1 "
             "WHERE a.leaf_index % 2 = 0; "
             "INSERT INTO receipt_log_node SELECT 2, a.node_index / 2, sha256('\\x01'::bytea || a.hash || b.hash) "
             "FROM receipt_log_node a JOIN receipt_log_node b ON b.level = 1 AND b.node_index = a.node_index + 1 "
             "WHERE a.level = 1 AND a.node_index % 2 = 0; "
             "INSERT INTO receipt_log_node SELECT 3, a.node_index / 2, sha256('\\x01'::bytea || a.hash || b.hash) "
             "FROM receipt_log_node a JOIN receipt_log_node b ON b.level = 2 AND b.node_index = a.node_index + 1 "
             "WHERE a.level = 2 AND a.node_index % 2 = 0; "
             "ALTER TABLE receipt_log_leaf ENABLE TRIGGER USER; ALTER TABLE receipt_log_node ENABLE TRIGGER USER");
    after = before;
    assert_int_equal(log_size(db, &arena, &after.size), OK);
    assert_int_equal(log_root(db, &arena, after.size, &after.root), OK);
    assert_int_equal(log_prove_consistency(db, &arena, before.size, after.size, &proof), OK);
    assert_int_equal(log_check_growth(&before, &after, buf_view(&proof), &told, &faults), ERR_SIGNATURE_BROKEN);
    assert_true(test_int(db, "SELECT count(*) FROM receipt_log_audit(0)") > 0);
    check(test_int(db, "SELECT receipt_id FROM receipt_log_leaf WHERE leaf_index = 1"), NULL, ERR_SIGNATURE_BROKEN);
    buf_done(&proof);
    buf_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_receipt_stands_in_the_log_with_its_own_file),
        cmocka_unit_test(the_same_event_is_logged_once_whoever_reads_it),
        cmocka_unit_test(an_event_of_each_kind_leaves_its_entry),
        cmocka_unit_test(the_log_cannot_be_changed_with_sql),
        cmocka_unit_test(each_day_gets_one_signed_head_that_grows),
        cmocka_unit_test(the_head_can_be_checked_with_openssl_alone),
        cmocka_unit_test(a_rewritten_log_is_shown_by_two_heads),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
