/* What retention takes and what it leaves; receipts of before July 2026 are read. */
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

static struct text books(void)
{
    return test_value(world.db, &world.arena,
                      "SELECT string_agg(b::text, '|') FROM receipt_book_of('2026-01-01', '2026-12-31') b");
}

static void nobody_is_named_afterwards_and_numbers_books_and_log_stay(void **state)
{
    struct receipt_stored before, after;
    struct receipt_verdict verdict;
    struct receipt_document document;
    int64_t placed = 1, count;
    receipt_world_paid(&world, "QNAAAAAAAAAA01", 16000);
    receipt_world_paid(&world, "QNAAAAAAAAAA02", 8000);
    receipt_world_work(&world);
    for (int i = 0; i < 20 && placed; i++)
        assert_int_equal(feed_round(world.db, &world.arena, &placed), OK);
    test_sql(world.db, "SELECT receipt_log_advance(1000)");
    int64_t id = test_int(world.db, "SELECT min(id) FROM receipt");
    test_sql(world.db,
             arena_printf(&world.arena, "SELECT receipt_notify('2026-11-23T06:00Z', 'staff:a', %lld, 'Ánh', 'Anh')",
                          (long long)id));
    struct text kept_books = books();
    assert_int_equal(receipt_load(world.db, &world.arena, id, &before), OK);
    assert_true(text_find(before.xml, TEXT("Nguyễn Thị Ánh")) < before.xml.length);
    assert_int_equal(receipt_erase_before(world.db, clock_now(), "staff:admin", date_from(2026, 11, 23), &count), OK);
    assert_int_equal(count, 0); /* signed on the 23rd, not before it */
    assert_int_equal(receipt_erase_before(world.db, clock_now(), "staff:admin", date_from(2026, 11, 24), &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(receipt_load(world.db, &world.arena, id, &after), OK);
    assert_true(text_find(after.xml, TEXT("Ánh")) == after.xml.length);
    assert_int_equal(receipt_document_read(after.xml, &document, &world.faults), OK);
    assert_int_equal(document.total, 16000);
    assert_int_equal(document.number, 1);
    assert_true(text_is(document.payer.name, "(đã xóa)"));
    assert_int_equal(receipt_world_count(&world, "receipt_notice WHERE wrong LIKE '%nh%'"), 0);
    assert_int_equal(receipt_world_count(&world, "dossier WHERE applicant_name LIKE '%Ánh%'"), 0);
    /* books, numbers, log */
    assert_true(text_equal(books(), kept_books));
    assert_int_equal(receipt_world_count(&world, "receipt_audit()"), 0);
    assert_int_equal(receipt_world_count(&world, "receipt_log_leaf"), 2);
    assert_int_equal(receipt_world_count(&world, "receipt_log_audit(0)"), 0);
    /* the file a citizen kept still verifies, and its digest is known */
    assert_int_equal(receipt_verify(before.xml, NULL, &verdict, &world.faults), OK);
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    crypto_sha256(before.xml, digest);
    hex_encode(digest, sizeof digest, hex);
    assert_int_equal(
        receipt_world_count(
            &world, arena_printf(&world.arena, "receipt_erased WHERE encode(signed_sha256, 'hex') = '%s'", hex)),
        1);
    assert_int_equal(receipt_world_count(&world, "audit WHERE act = 'receipt.erase'"), 1);
    assert_int_equal(receipt_erase_before(world.db, clock_now(), "staff:admin", date_from(2026, 11, 24), &count), OK);
    assert_int_equal(count, 0);
}

static void raw_sql_cannot_pass_for_retention(void **state)
{
    receipt_world_paid(&world, "QNAAAAAAAAAA03", 16000);
    receipt_world_work(&world);
    test_sql_refused(world.db, "UPDATE receipt SET signed_xml = 'x' WHERE id = (SELECT max(id) FROM receipt)", "23001");
    test_sql_refused(world.db,
                     "SELECT set_config('lephi.erasing', 'yes', false); UPDATE receipt SET signed_xml = 'x' WHERE id = "
                     "(SELECT max(id) FROM receipt)",
                     "23001"); /* its digest was not kept */
    test_sql(world.db, "SELECT set_config('lephi.erasing', '', false)");
    test_sql_refused(world.db, "UPDATE receipt_notice SET wrong = 'x'", "23001");
    test_sql_refused(world.db, "DELETE FROM receipt_erased", "23001");
}

static const char old_receipt[] =
    "<BLai><DLBLai Id=\"d\"><TTChung><PBan>2.0.0</PBan><TBLai>Biên lai thu lệ "
    "phí</TBLai><KHMSBLai>01BLP0-001</KHMSBLai>"
    "<KHBLai>BI-23T</KHBLai><SBLai>0000123</SBLai><NLap>2023-05-04</NLap></TTChung><NDBLai><NBan><Ten>UBND phường Hồng "
    "Gai</Ten><MST>5700123456</MST></NBan><TToan><TgTTTBSo>16000</TgTTTBSo></TToan></NDBLai></DLBLai><DSCKS><NBan>"
    "<Signature "
    "xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignatureValue>AAAA</SignatureValue></Signature></NBan></DSCKS>"
    "</BLai>";

static void an_old_receipt_is_read_and_not_taken_for_ours(void **state)
{
    struct receipt_old old;
    struct receipt_verdict verdict;
    assert_int_equal(receipt_old_read(text_of(old_receipt), &old, &world.faults), OK);
    assert_true(text_is(old.form, "01BLP0-001") && text_is(old.symbol, "BI-23T") && text_is(old.number, "0000123"));
    assert_true(text_is(old.collector_tax_code, "5700123456") && text_is(old.total, "16000"));
    assert_true(text_is(old.issued_on, "2023-05-04") && old.has_signature);
    assert_int_not_equal(receipt_verify(text_of(old_receipt), NULL, &verdict, &world.faults), OK);
    static const char *const forms[] = {"01BLP", "02BLP", "01BLP0", "02BLP2-001"};
    static const char *const others[] = {"EBL01", "01BLX0-001", "03BLP", "01BLP0-01", "01BLP0_001", ""};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_true(receipt_old_form(text_of(forms[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(receipt_old_form(text_of(others[i])));
    assert_int_equal(receipt_old_read(TEXT("<a><b>EBL01</b></a>"), &old, &world.faults), ERR_NOT_FOUND);
    assert_int_equal(receipt_old_read(TEXT("<a><b>01BLP</b></a>"), &old, &world.faults), ERR_INVALID);
    assert_int_equal(receipt_old_read(TEXT("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"), &old, &world.faults),
                     ERR_XML_SYNTAX);
}

static void the_command_tells_what_an_old_file_is(void **state)
{
    const char *binary = getenv("TEST_BINARY"), *file = arena_printf(&world.arena, "%s/old.xml", world.folder);
    if (!binary)
        skip();
    assert_int_equal(file_write(file, text_of(old_receipt), 0600), OK);
    assert_int_equal(
        system(arena_printf(&world.arena, "%s receipt show %s | grep -q '\"symbol\":\"BI-23T\"'", binary, file)), 0);
    assert_int_not_equal(system(arena_printf(&world.arena, "%s receipt verify %s >/dev/null 2>&1", binary, file)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_named_afterwards_and_numbers_books_and_log_stay),
        cmocka_unit_test(raw_sql_cannot_pass_for_retention),
        cmocka_unit_test(an_old_receipt_is_read_and_not_taken_for_ours),
        cmocka_unit_test(the_command_tells_what_an_old_file_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
