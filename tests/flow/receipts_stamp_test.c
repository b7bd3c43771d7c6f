/* RFC 3161 time stamps of receipts: asked for after signing, kept beside, judged by openssl; an authority that is down
 * holds up no receipt. The authority is played by `openssl ts` in the sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include "core/base/file.h"
#include "core/jobs/jobs.h"
#include "receipts/tsa.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"
#include "tests/support/sandbox.h"

#define COLLECTOR "5700100001"

static struct db *db;
static struct arena arena;
static struct faults faults;
static char *folder;
static struct receipt_office *office;
static struct test_sandbox sandbox;
static struct http_client *client;
static struct receipt_trust *tsa_trust, *our_trust;

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static struct text call(const char *method, const char *path)
{
    struct http_answer answer;
    const struct http_call call = {.method = method, .url = arena_printf(&arena, "%s%s", sandbox.base, path)};
    assert_int_equal(http_client_call(client, &call, &arena, &answer), OK);
    assert_int_equal(answer.status, 200);
    return answer.body;
}

static void set_up_office(void)
{
    struct test_authority *authority = test_authority_new("CA thử nghiệm");
    struct test_certificate wanted = {TEST_KEY_RSA_2048, "Trung tâm thử nghiệm", COLLECTOR, 1577836800, 7300};
    struct signer *signer = NULL;
    test_certificate_write(authority, &wanted, in_folder("key"), in_folder("cert"));
    test_authority_write(authority, in_folder("trust"));
    test_authority_free(authority);
    assert_int_equal(signer_open_files(in_folder("key"), in_folder("cert"), &signer, &faults), OK);
    assert_int_equal(receipt_trust_open(in_folder("trust"), &our_trust), OK);
    office = receipt_office_new("https://lephi.example");
    assert_int_equal(receipt_office_add(office, signer), OK);
    receipt_office_use(office);
}

static int set_up_all(void **state)
{
    static const uint8_t secret[SERVER_SECRET_SIZE] = {1, 2, 3};
    char symbol[8];
    arena_init(&arena);
    faults_init(&faults, &arena);
    server_secret_set(secret);
    folder = test_folder_new();
    db = test_db();
    test_province(db);
    set_up_office();
    snprintf(symbol, sizeof symbol, "%02dTAA", civil_of(clock_now()).year % 100);
    assert_int_equal(receipt_range_open(db, &arena, clock_now(), "staff:test", TEXT(COLLECTOR), TEXT("EBL01"),
                                        text_of(symbol), 1, 5000),
                     OK);
    test_sandbox_start(&sandbox, (const char *const[]){NULL});
    assert_int_equal(http_client_start(&(struct http_client_config){0}, &client), OK);
    assert_int_equal(file_write(in_folder("tsa.pem"), call("GET", "/tsa/root.pem"), 0600), OK);
    assert_int_equal(receipt_trust_open(in_folder("tsa.pem"), &tsa_trust), OK);
    setenv("LEPHI_RECEIPTS_TSA_URL", arena_printf(&arena, "%s/tsa", sandbox.base), 1);
    setenv("LEPHI_RECEIPTS_TSA_TRUST_FILE", in_folder("tsa.pem"), 1);
    assert_int_equal(config_load(NULL, &faults), OK);
    return receipt_stamps_use(client, &faults);
}

static int tear_down_all(void **state)
{
    assert_int_equal(receipt_stamps_use(NULL, &faults), OK);
    http_client_stop(client);
    test_sandbox_stop(&sandbox, SIGTERM);
    assert_int_equal(system(arena_printf(&arena, "rm -rf '%s/tsa'", sandbox.folder)), 0);
    test_sandbox_remove(&sandbox);
    receipt_trust_free(tsa_trust);
    receipt_trust_free(our_trust);
    receipt_office_free(office);
    db_close(db);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}

static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS, RECEIPT_STAMP_JOB_KINDS};

static void work(void)
{
    const struct jobs_config config = {
        .database_url = test_database_url(), .kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    size_t some = 1;
    test_sql(db, "UPDATE job SET run_at = '2026-01-01'");
    for (int i = 0; i < 20 && some; i++)
        assert_int_equal(jobs_round(db, &config, &some), OK);
}

static int64_t receipt_made(int number)
{
    const char *reference = arena_printf(&arena, "QNBBBBBBBB%04d", number);
    test_request(db, reference, 16000);
    test_sql(db, arena_printf(&arena,
                              "SELECT outcome FROM confirm('2026-11-01T05:00Z', ARRAY['sandbox-bank'], ARRAY['T%s'], "
                              "ARRAY[sha256('%s')], ARRAY[16000::bigint], ARRAY['0021000000001'], ARRAY['vietqr'], "
                              "ARRAY['B%s'], ARRAY['memo'], ARRAY['2026-11-01T05:00Z'::timestamptz], "
                              "ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::bytea], ARRAY[1], ARRAY['%s'], "
                              "ARRAY[0])",
                              reference, reference, reference, reference));
    work();
    return test_int(db, "SELECT max(id) FROM receipt WHERE signed_xml IS NOT NULL");
}

static void a_receipt_is_stamped_and_openssl_agrees(void **state)
{
    struct stamp stamp;
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    int64_t id = receipt_made(1);
    assert_int_equal(stamp_load(db, &arena, id, &stamp), OK);
    if (strcmp(stamp.state, "stamped") != 0)
        print_message("waits: %.*s\n", TEXT_ARGS(stamp.problem));
    assert_string_equal(stamp.state, "stamped");
    assert_int_equal(receipt_load(db, &arena, id, &stored), OK);
    assert_int_equal(receipt_verify(stored.xml, our_trust, &verdict, &faults), OK);
    assert_int_equal(receipt_stamp_check(stored.xml, stamp.reply, tsa_trust, &verdict, &faults), OK);
    assert_true(text_is(verdict.stamped_by, "Sandbox TSA"));
    assert_int_equal(verdict.stamp_chain, RECEIPT_CHAIN_TRUSTED);
    assert_true(verdict.stamped_at >= verdict.signed_at / SECOND_US * SECOND_US - 5 * SECOND_US);
    assert_int_equal(file_write(in_folder("receipt.xml"), stored.xml, 0600), OK);
    assert_int_equal(file_write(in_folder("receipt.tsr"), stamp.reply, 0600), OK);
    assert_int_equal(system(arena_printf(&arena,
                                         "openssl ts -verify -data %s -in %s -CAfile %s 2>&1 | grep -q "
                                         "'Verification: OK'",
                                         in_folder("receipt.xml"), in_folder("receipt.tsr"), in_folder("tsa.pem"))),
                     0);
    const char *binary = getenv("TEST_BINARY");
    assert_non_null(binary);
    assert_int_equal(system(arena_printf(&arena, "%s receipt verify %s --timestamp %s 2>&1 | grep -q 'Sandbox TSA'",
                                         binary, in_folder("receipt.xml"), in_folder("receipt.tsr"))),
                     0);
}

static enum err checked(struct text reply, struct text file, const struct receipt_trust *trust)
{
    struct tsa_verdict verdict;
    struct faults local;
    faults_init(&local, &arena);
    return tsa_check(reply, file, TEXT_NONE, trust, &verdict, &local);
}

static void a_stamp_of_another_file_or_authority_is_refused(void **state)
{
    struct stamp stamp;
    struct receipt_stored stored;
    int64_t id = receipt_made(2);
    assert_int_equal(stamp_load(db, &arena, id, &stamp), OK);
    assert_int_equal(receipt_load(db, &arena, id, &stored), OK);
    assert_int_equal(checked(stamp.reply, stored.xml, tsa_trust), OK);
    assert_int_equal(checked(stamp.reply, TEXT("another file"), tsa_trust), ERR_SIGNATURE_BROKEN);
    assert_int_equal(checked(stamp.reply, stored.xml, our_trust), ERR_CERTIFICATE);
    assert_int_equal(checked(TEXT("<html>"), stored.xml, tsa_trust), ERR_XML_SYNTAX);
    assert_int_equal(checked(text_slice(stamp.reply, 0, stamp.reply.length - 1), stored.xml, tsa_trust),
                     ERR_XML_SYNTAX);
    int accepted = 0;
    for (size_t i = 0; i < stamp.reply.length; i += 7) {
        char *bent = arena_copy(&arena, stamp.reply);
        bent[i] ^= 1;
        accepted += checked((struct text){bent, stamp.reply.length}, stored.xml, tsa_trust) == OK;
    }
    /* What no signature covers: the free bytes of the answer around the token (status words, unsigned parts). */
    assert_true(accepted < 12);
    struct buf request = {0};
    struct tsa_verdict verdict;
    assert_int_equal(tsa_request(stored.xml, &request), OK); /* a new nonce: the old answer is none to it */
    assert_int_equal(tsa_check(stamp.reply, stored.xml, buf_view(&request), tsa_trust, &verdict, &faults),
                     ERR_SIGNATURE_BROKEN);
    buf_done(&request);
}

static void an_authority_that_is_down_holds_up_no_receipt(void **state)
{
    struct stamp stamp;
    call("POST", "/tsa/down");
    int64_t id = receipt_made(3);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt WHERE signed_xml IS NULL"), 0);
    assert_int_equal(stamp_load(db, &arena, id, &stamp), OK);
    assert_string_equal(stamp.state, "waiting");
    assert_true(text_find(stamp.problem, TEXT("503")) < stamp.problem.length);
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'receipt.stamp'"), 1);
    call("POST", "/tsa/up");
    work();
    assert_int_equal(stamp_load(db, &arena, id, &stamp), OK);
    assert_string_equal(stamp.state, "stamped");
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'receipt.stamp'"), 0);
    test_sql_refused(db, "UPDATE receipt_timestamp SET at = at - interval '1 day'", "23001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_is_stamped_and_openssl_agrees),
        cmocka_unit_test(a_stamp_of_another_file_or_authority_is_refused),
        cmocka_unit_test(an_authority_that_is_down_holds_up_no_receipt),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
