/* A new key and certificate for a collector while the service runs: no request fails, nothing waits, the next receipts
 * carry the new certificate; a half-written pair or another agency's certificate changes nothing and staff are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"
#include "tests/support/service.h"

static struct db *db;
static struct arena arena;
static struct faults faults;
static struct service_under_test service;
static struct text collector;
static int64_t notice;

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    collector = test_value(db, &arena, "SELECT tax_code FROM agency WHERE code = '" TEST_AGENCY "'");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

/* Pays a new dossier; the serial number of the certificate its receipt is signed with, "" when none comes in time. */
static struct text pay_and_read_serial(const char *code)
{
    struct payment_asked asked = service_request(&service, &arena, code, 2);
    const struct bank_notice told = {.id = ++notice, .amount = asked.amount, .memo = asked.reference};
    struct service_answer answer = bank_tells(&service, &arena, &told);
    assert_true(bank_accepted(&answer));
    const char *sql = arena_printf(&arena,
                                   "SELECT coalesce(max(id), 0) FROM receipt WHERE request_id = %lld AND signed_xml "
                                   "IS NOT NULL",
                                   (long long)asked.id);
    int64_t id = 0;
    for (int i = 0; i < 100 && !(id = test_int(db, sql)); i++)
        test_sleep_ms(100);
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    if (!id || receipt_load(db, &arena, id, &stored))
        return TEXT_NONE;
    assert_int_equal(receipt_verify(stored.xml, NULL, &verdict, &faults), OK);
    return verdict.serial;
}

static void write_pair(const char *tax_code, const char *only)
{
    struct test_authority *authority = test_authority_new("CA mới");
    const struct test_certificate wanted = {TEST_KEY_P256, "Cơ quan thu thử nghiệm", tax_code, 1577836800, 7300};
    const char *base = arena_printf(&arena, "%s/%.*s", service.folder, TEXT_ARGS(collector));
    const char *key = arena_printf(&arena, "%s/next.key", service.folder),
               *certificate = arena_printf(&arena, "%s/next.pem", service.folder);
    test_certificate_write(authority, &wanted, key, certificate);
    test_authority_free(authority);
    if (!only || !strcmp(only, "key"))
        assert_int_equal(rename(key, arena_printf(&arena, "%s.key", base)), 0);
    if (!only || !strcmp(only, "pem"))
        assert_int_equal(rename(certificate, arena_printf(&arena, "%s.pem", base)), 0);
}

static bool becomes(const char *sql, int64_t expected)
{
    for (int i = 0; i < 150; i++, test_sleep_ms(100))
        if (test_int(db, sql) == expected)
            return true;
    return false;
}

#define OPEN "SELECT count(*) FROM receipt_concern WHERE kind = 'signing_key_file' AND state = 'open'"

static void half_a_pair_changes_nothing_and_staff_are_told(void **state)
{
    struct text before = pay_and_read_serial("R-1");
    assert_true(before.length);
    write_pair(arena_copy(&arena, collector), "key");
    assert_true(becomes(OPEN, 1));
    assert_true(text_equal(pay_and_read_serial("R-2"), before));
}

static void the_whole_pair_is_used_from_then_on_without_a_stop(void **state)
{
    struct text before = pay_and_read_serial("R-3");
    pid_t pid = service.pid;
    write_pair(arena_copy(&arena, collector), NULL);
    assert_true(becomes(OPEN, 0));
    struct text after = pay_and_read_serial("R-4");
    assert_true(after.length && !text_equal(after, before));
    assert_int_equal(service.pid, pid);
    assert_int_equal(service_ask(&service, &arena, "GET", "/readyz", "%s", "").status, 200);
}

static void another_agencys_certificate_is_refused_and_the_old_one_serves_on(void **state)
{
    struct text before = pay_and_read_serial("R-5");
    write_pair("5799999999", NULL);
    assert_true(becomes(OPEN, 1));
    assert_true(text_equal(pay_and_read_serial("R-6"), before));
    struct service_answer shown = service_ask(&service, &arena, "GET", "/v1/receipts/concerns", "%s", "");
    assert_int_equal(shown.status, 200);
    assert_true(text_find(shown.body, TEXT("Mã số thuế của chứng thư khác")) < shown.body.length);
}

/* Started again with it: receipts of this collector wait without a number, the service serves. */
static void started_with_a_wrong_certificate_receipts_wait_and_the_service_serves(void **state)
{
    service_stop(&service);
    service_start(&service);
    int64_t numbers = test_int(db, "SELECT count(*) FROM receipt_number");
    struct payment_asked asked = service_request(&service, &arena, "R-7", 1);
    const struct bank_notice told = {.id = ++notice, .amount = asked.amount, .memo = asked.reference};
    struct service_answer answer = bank_tells(&service, &arena, &told);
    assert_true(bank_accepted(&answer));
    assert_true(becomes("SELECT count(*) FROM receipt_concern WHERE kind = 'signing_key' AND state = 'open'", 1));
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_number"), numbers);
    write_pair(arena_copy(&arena, collector), NULL);
    assert_true(becomes("SELECT count(*) FROM receipt_number", numbers + 1));
    assert_true(becomes("SELECT count(*) FROM receipt_concern WHERE state = 'open' AND kind LIKE 'signing_key%'", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_pair_changes_nothing_and_staff_are_told),
        cmocka_unit_test(the_whole_pair_is_used_from_then_on_without_a_stop),
        cmocka_unit_test(another_agencys_certificate_is_refused_and_the_old_one_serves_on),
        cmocka_unit_test(started_with_a_wrong_certificate_receipts_wait_and_the_service_serves),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
