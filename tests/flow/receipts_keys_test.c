/* Keys that cannot sign keep receipts waiting without a number, and a person is told why; keys are rotated while the
 * service runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "tests/support/database.h"
#include "tests/support/receipt_world.h"

static struct receipt_world world;
static int serial;

static int set_up(void **state)
{
    receipt_world_open(&world);
    return 0;
}

static int tear_down(void **state)
{
    receipt_world_close(&world);
    return 0;
}

/* Settles a request, works with `office` and expects it to wait with these words; then works with the good office. */
static void waits_with(struct receipt_office *office, const char *words)
{
    const char *reference = arena_printf(&world.arena, "QNAAAAAAAAAA%02d", ++serial);
    int64_t numbers = receipt_world_count(&world, "receipt_number");
    receipt_world_paid(&world, reference, 16000);
    receipt_office_use(office);
    receipt_world_work(&world);
    struct text said = test_value(world.db, &world.arena,
                                  "SELECT words FROM receipt_concern WHERE kind = 'signing_key' AND state = 'open'");
    if (text_find(said, text_of(words)) == said.length)
        fail_msg("%s: %.*s", words, TEXT_ARGS(said));
    assert_int_equal(receipt_world_count(&world, "receipt_number"), numbers);
    assert_int_equal(receipt_world_count(&world, "receipt_audit() WHERE problem = 'receipt_missing'"), 1);
    int64_t told =
        receipt_world_count(&world, "event WHERE kind = 'exception.opened' AND body ->> 'reason' = 'signing_key'");
    receipt_world_hurry(&world);
    receipt_world_work(&world); /* tried again: said once */
    assert_int_equal(
        receipt_world_count(&world, "event WHERE kind = 'exception.opened' AND body ->> 'reason' = 'signing_key'"),
        told);
    receipt_office_use(world.office);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt_number"), numbers + 1);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'signing_key' AND state = 'open'"), 0);
    assert_int_equal(receipt_world_count(&world, "receipt_audit()"), 0);
    receipt_office_free(office);
}

static struct receipt_office *office_with(const char *name)
{
    struct receipt_office *office = receipt_office_new("https://lephi.example");
    assert_int_equal(receipt_office_add(office, receipt_world_signer(&world, name)), OK);
    return office;
}

static void an_expired_certificate_numbers_nothing(void **state)
{
    receipt_world_key(&world, "old", WORLD_COLLECTOR, 1577836800, 365);
    waits_with(office_with("old"), "đã hết hạn");
}

static void a_certificate_of_tomorrow_numbers_nothing(void **state)
{
    receipt_world_key(&world, "new", WORLD_COLLECTOR, 1800000000, 365);
    waits_with(office_with("new"), "chỉ có hiệu lực từ");
}

static void another_agencys_certificate_numbers_nothing(void **state)
{
    receipt_world_key(&world, "other", "5700100002", 1577836800, 7300);
    waits_with(office_with("other"), "Chưa có khóa ký");
}

static struct receipt_trust *trust_with_list(const char *certificate, int64_t revoked_s)
{
    struct receipt_trust *trust = NULL;
    struct text authority, list;
    const char *authority_path = arena_printf(&world.arena, "%s/ca.pem", world.folder),
               *list_path = arena_printf(&world.arena, "%s/list.pem", world.folder);
    test_authority_write(world.authority, authority_path);
    test_revocation_write(world.authority, arena_printf(&world.arena, "%s/%s.pem", world.folder, certificate),
                          revoked_s, list_path);
    assert_int_equal(file_read(authority_path, 1 << 16, &world.arena, &authority), OK);
    assert_int_equal(file_read(list_path, 1 << 16, &world.arena, &list), OK);
    assert_int_equal(
        receipt_trust_new(arena_textf(&world.arena, "%.*s\n%.*s", TEXT_ARGS(authority), TEXT_ARGS(list)), &trust), OK);
    return trust;
}

static void a_revoked_certificate_numbers_nothing(void **state)
{
    receipt_world_key(&world, "revoked", WORLD_COLLECTOR, 1577836800, 7300);
    struct receipt_office *office = office_with("revoked");
    receipt_office_trust(office, trust_with_list("revoked", 1700000000));
    waits_with(office, "thu hồi");
}

static void a_certificate_of_a_stranger_ca_numbers_nothing(void **state)
{
    struct test_authority *own = world.authority;
    world.authority = test_authority_new("CA lạ");
    receipt_world_key(&world, "strange", WORLD_COLLECTOR, 1577836800, 7300);
    struct receipt_office *office = office_with("strange");
    test_authority_free(world.authority);
    world.authority = own;
    receipt_office_trust(office, trust_with_list("own", 4000000000));
    waits_with(office, "Chứng thư ký không dùng được");
}

/* Numbered, then the key is revoked before the signature: the frozen bytes wait for a good key of the same collector.
 */
static void a_key_revoked_between_numbering_and_signing_signs_nothing(void **state)
{
    const struct job_kind kinds[] = {RECEIPT_JOB_KINDS};
    const struct jobs_config only_issue = {.kinds = kinds, .kind_count = 1};
    size_t run;
    receipt_world_paid(&world, "QNAAAAAAAAAZ01", 16000);
    assert_int_equal(jobs_round(world.db, &only_issue, &run), OK);
    struct receipt_office *office = office_with("revoked");
    receipt_office_trust(office, trust_with_list("revoked", 1700000000));
    receipt_office_use(office);
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt WHERE signed_xml IS NULL"), 1);
    receipt_office_use(world.office);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt WHERE signed_xml IS NULL"), 0);
    receipt_office_free(office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expired_certificate_numbers_nothing),
        cmocka_unit_test(a_certificate_of_tomorrow_numbers_nothing),
        cmocka_unit_test(another_agencys_certificate_numbers_nothing),
        cmocka_unit_test(a_revoked_certificate_numbers_nothing),
        cmocka_unit_test(a_certificate_of_a_stranger_ca_numbers_nothing),
        cmocka_unit_test(a_key_revoked_between_numbering_and_signing_signs_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
