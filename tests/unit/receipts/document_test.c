/* The document: mandatory content, canonical bytes, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

static struct arena arena;
static struct faults faults;

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    return 0;
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return 0;
}

static void a_written_document_reads_back_the_same(void **state)
{
    struct receipt_document wrote = receipt_sample(), read;
    wrote.delegate =
        (struct receipt_party){.name = TEXT("Bưu điện tỉnh Quảng Ninh"), .tax_code = TEXT("5700101234-001")};
    wrote.replaces = (struct receipt_related){TEXT("01BLP0-001"), TEXT("BI-23T"), TEXT("0000017"), TEXT("Sai số tiền"),
                                              date_from(2026, 6, 30)};
    struct buf xml = {0}, again = {0};
    assert_int_equal(receipt_document_write(&wrote, &xml, &faults), OK);
    assert_int_equal(receipt_document_read(buf_view(&xml), &read, &faults), OK);
    assert_true(text_equal(read.payer.name, wrote.payer.name));
    assert_true(text_is(read.lines[2].name, "Lệ phí đăng ký thường trú <trực tuyến> & xác nhận"));
    assert_int_equal(read.total, 44000);
    assert_int_equal(read.issued_on, wrote.issued_on);
    assert_int_equal(read.signed_at, INSTANT_NONE);
    assert_true(text_is(read.replaces.symbol, "BI-23T"));
    assert_int_equal(receipt_document_write(&read, &again, &faults), OK);
    assert_true(text_equal(buf_view(&xml), buf_view(&again)));
    buf_done(&xml);
    buf_done(&again);
}

/* The judge is libxml2's own C14N: our bytes are already what it makes of them. */
static void the_bytes_are_their_own_canonical_form(void **state)
{
    struct receipt_document document = receipt_sample();
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(&document, &xml, &faults), OK);
    xmlDoc *doc = xmlReadMemory(xml.at, (int)xml.length, NULL, NULL, XML_PARSE_NONET);
    assert_non_null(doc);
    xmlChar *canonical = NULL;
    int length = xmlC14NDocDumpMemory(doc, NULL, XML_C14N_1_0, NULL, 1, &canonical);
    assert_int_equal(length, xml.length);
    assert_memory_equal(canonical, xml.at, xml.length);
    xmlFree(canonical);
    xmlFreeDoc(doc);
    buf_done(&xml);
}

static void decomposed_letters_and_stray_white_space_are_brought_to_one_form(void **state)
{
    struct receipt_document document = receipt_sample(), read;
    document.payer.name = TEXT("  Nguye\xCC\x82\xCC\x83n\t\n Thi\xCC\xA3   A\xCC\x81nh "); /* NFD */
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(&document, &xml, &faults), OK);
    assert_int_equal(receipt_document_read(buf_view(&xml), &read, &faults), OK);
    assert_true(text_is(read.payer.name, "Nguyễn Thị Ánh"));
    buf_done(&xml);
}

static void every_fault_is_named_and_nothing_is_written(void **state)
{
    struct receipt_document document = receipt_sample();
    document.form = TEXT("01BLP");
    document.symbol = TEXT("26TFA"); /* F is not one of the twenty letters */
    document.number = 100000000;
    document.collector.tax_code = TEXT("570210123");
    document.payer.name = TEXT("");
    document.total = 44001;
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(&document, &xml, &faults), ERR_INVALID);
    assert_int_equal(faults.count, 6);
    assert_int_equal(xml.length, 0);
    buf_done(&xml);
}

static void only_the_twenty_letters_make_a_symbol(void **state)
{
    assert_true(receipt_symbol_valid(TEXT("26TAA")));
    assert_true(receipt_symbol_valid(TEXT("27TXY")));
    static const char *const wrong[] = {"26TAI", "26TOA", "26TJW",  "26TZZ", "26EAA",
                                        "2TAAA", "26TA",  "26TAAA", "26Taa", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(receipt_symbol_valid(text_of(wrong[i])));
}

static void the_symbol_names_the_year_of_issue(void **state)
{
    struct receipt_document document = receipt_sample();
    document.issued_on = document.collected_on = date_from(2027, 1, 1);
    assert_int_equal(receipt_document_check(&document, &faults), ERR_INVALID);
    document.symbol = TEXT("27TAA");
    assert_int_equal(receipt_document_check(&document, &faults), OK);
}

static void text_that_xml_cannot_carry_is_refused(void **state)
{
    static const char *const bad[] = {"a\x01", "a\x7F", "\xEF\xBF\xBF", "\xC3\x28", "a\x0B"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct receipt_document document = receipt_sample();
        document.payer.name = text_of(bad[i]);
        assert_int_equal(receipt_document_check(&document, &faults), ERR_INVALID);
    }
}

static void sums_outside_the_limits_are_refused(void **state)
{
    struct receipt_document document = receipt_sample();
    struct receipt_line lines[2] = {sample_lines[0], sample_lines[1]};
    lines[0].amount = lines[1].amount = MONEY_MAX;
    document.lines = lines;
    document.line_count = 2;
    document.total = MONEY_MAX;
    assert_int_equal(receipt_document_check(&document, &faults), ERR_INVALID);
    lines[0].amount = -1;
    lines[1].amount = 2;
    document.total = 1;
    assert_int_equal(receipt_document_check(&document, &faults), ERR_INVALID);
    lines[0].amount = lines[1].amount = document.total = 0;
    assert_int_equal(receipt_document_check(&document, &faults), ERR_INVALID);
}

static void a_reader_takes_nothing_but_the_profile(void **state)
{
    struct receipt_document document = receipt_sample(), read;
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(&document, &xml, &faults), OK);
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"<So>1234</So>", "<So>01234</So>"},
        {"<So>1234</So>", "<So>1234</So><So>1234</So>"},
        {"<So>1234</So>", "<So>12<b></b>34</So>"},
        {"<So>1234</So>", "<So x=\"1\">1234</So>"},
        {"<So>1234</So>", "<So xmlns=\"urn:x\">1234</So>"},
        {"<TongTien>44000</TongTien>", "<TongTien>45000</TongTien>"},
        {"<TongTien>44000</TongTien>", "<TongTien>-44000</TongTien>"},
        {"<TongTien>44000</TongTien>", "<TongTien>9223372036854775807</TongTien>"},
        {"Bốn mươi tư nghìn đồng", "Bốn mươi lăm nghìn đồng"},
        {"<NgayLap>2026-11-23</NgayLap>", "<NgayLap>2026-11-31</NgayLap>"},
        {"<DonViTienTe>VND</DonViTienTe>", "<DonViTienTe>USD</DonViTienTe>"},
        {"</BienLai>", "x</BienLai>"},
        {"<BienLai>", "<BienLai><Them></Them>"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct text all = buf_view(&xml);
        size_t at = text_find(all, text_of(changes[i].from));
        assert_true(at < all.length);
        struct buf changed = {0};
        buf_text(&changed, text_slice(all, 0, at));
        buf_string(&changed, changes[i].to);
        buf_text(&changed, text_slice(all, at + strlen(changes[i].from), all.length));
        assert_int_equal(receipt_document_read(buf_view(&changed), &read, &faults), ERR_INVALID);
        buf_done(&changed);
    }
    buf_done(&xml);
}

static void xmllint_finds_the_document_valid(void **state)
{
    struct receipt_document document = receipt_sample();
    document.delegate = (struct receipt_party){.name = TEXT("Bưu điện tỉnh"), .tax_code = TEXT("5700101234")};
    document.replaces = (struct receipt_related){TEXT("EBL01"), TEXT("26TAA"), TEXT("7"), TEXT("Sai mã số thuế"),
                                                 date_from(2026, 11, 20)};
    struct buf xml = {0};
    assert_int_equal(receipt_document_write(&document, &xml, &faults), OK);
    char *folder = test_folder_new();
    char path[300], command[700];
    snprintf(path, sizeof path, "%s/receipt.xml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(xml.at, 1, xml.length, file);
    fclose(file);
    snprintf(command, sizeof command, "xmllint --nonet --noout --schema receipts/receipt.xsd %s >/dev/null 2>&1", path);
    assert_int_equal(system(command), 0);
    /* and the schema does refuse: the judge is awake */
    snprintf(command, sizeof command,
             "sed -i s/EBL01/EBL03/ %s; xmllint --nonet --noout --schema receipts/receipt.xsd %s >/dev/null 2>&1", path,
             path);
    assert_int_not_equal(system(command), 0);
    test_folder_remove(folder);
    buf_done(&xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_written_document_reads_back_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_bytes_are_their_own_canonical_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decomposed_letters_and_stray_white_space_are_brought_to_one_form, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_fault_is_named_and_nothing_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_twenty_letters_make_a_symbol, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_symbol_names_the_year_of_issue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_that_xml_cannot_carry_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_outside_the_limits_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_takes_nothing_but_the_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(xmllint_finds_the_document_valid, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
