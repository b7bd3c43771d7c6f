/* What people see: the PDF judged by qpdf, poppler and zbar, the page by what it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

#define LINK "https://lephi.quangninh.example/r/q1w2e3r4t5y6u7i8o9p0Aa"

static struct arena arena;
static struct faults faults;
static char *folder;
static struct signer *signer;

static const char *in_folder(const char *name)
{
    static char paths[4][300];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static int set_up_all(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    folder = test_folder_new();
    struct test_authority *authority = test_authority_new("CA thử nghiệm");
    struct test_certificate wanted = {TEST_KEY_P256, "Trung tâm Phục vụ hành chính công tỉnh Quảng Ninh",
                                      SAMPLE_TAX_CODE, 1767225600, 365};
    test_certificate_write(authority, &wanted, in_folder("key.pem"), in_folder("certificate.pem"));
    test_authority_free(authority);
    return signer_open_files(in_folder("key.pem"), in_folder("certificate.pem"), &signer, &faults);
}

static int tear_down_all(void **state)
{
    signer_close(signer);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}

static void sign_and_judge(const struct receipt_document *document, struct buf *signed_xml,
                           struct receipt_verdict *verdict)
{
    struct buf xml = {0};
    instant_us at;
    assert_true(instant_parse(TEXT("2026-11-23T08:15:30+07:00"), &at));
    assert_int_equal(receipt_document_write(document, &xml, &faults), OK);
    assert_int_equal(receipt_sign(signer, buf_view(&xml), at, signed_xml), OK);
    assert_int_equal(receipt_verify(buf_view(signed_xml), NULL, verdict, &faults), OK);
    buf_done(&xml);
}

static void save(const char *path, struct text bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.length, file), bytes.length);
    fclose(file);
}

static int run(const char *format, ...) PRINTF(1, 2);
static int run(const char *format, ...)
{
    char command[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static void the_pdf_is_sound_and_carries_the_signed_file(void **state)
{
    struct receipt_document document = receipt_sample();
    struct receipt_verdict verdict;
    struct buf xml = {0}, pdf = {0}, again = {0};
    sign_and_judge(&document, &xml, &verdict);
    assert_int_equal(receipt_pdf(&verdict, buf_view(&xml), LINK, RECEIPT_A4, &pdf), OK);
    assert_true(pdf.length <= 60 * 1000);
    assert_int_equal(receipt_pdf(&verdict, buf_view(&xml), LINK, RECEIPT_A4, &again), OK);
    assert_true(text_equal(buf_view(&pdf), buf_view(&again)));
    const char *path = in_folder("receipt.pdf");
    save(path, buf_view(&pdf));
    assert_int_equal(run("qpdf --check %s >/dev/null 2>&1", path), 0);
    assert_int_equal(run("pdfdetach -save 1 -o %s/out.xml %s >/dev/null 2>&1", folder, path), 0);
    save(in_folder("signed.xml"), buf_view(&xml));
    assert_int_equal(run("cmp -s %s/out.xml %s/signed.xml", folder, folder), 0);
    assert_int_equal(run("pdfinfo %s | grep -q 'Pages: *1$'", path), 0);
    assert_int_equal(run("pdfinfo %s | grep -q 'Page size: .*A4'", path), 0);
    /* every font is embedded as a subset with a way back to Unicode */
    assert_int_equal(run("test -z \"$(pdffonts %s | tail -n +3 | grep -v 'yes yes yes')\"", path), 0);
    static const char *const words[] = {
        "BIÊN LAI THU PHÍ, LỆ PHÍ", "Nguyễn Thị Ánh Tuyết",      "EBL01",       "26TAA",      "1234",
        "Bốn mươi tư nghìn đồng",   "Ngày 23 tháng 11 năm 2026", "44.000 đồng", "5702101234", "Ngày ký: 23-11-2026",
        "3 bản × 4 trang"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (run("pdftotext -layout %s - | grep -qF '%s'", path, words[i]))
            fail_msg("the PDF does not say: %s", words[i]);
    assert_int_equal(run("pdftoppm -r 150 -png %s %s/page && zbarimg -q --raw %s/page-1.png | grep -qxF '" LINK "'",
                         path, folder, folder),
                     0);
    buf_done(&xml);
    buf_done(&pdf);
    buf_done(&again);
}

static void the_strip_for_the_counter_says_the_same_on_one_page(void **state)
{
    struct receipt_document document = receipt_sample();
    struct receipt_verdict verdict;
    struct buf xml = {0}, pdf = {0};
    sign_and_judge(&document, &xml, &verdict);
    assert_int_equal(receipt_pdf(&verdict, buf_view(&xml), LINK, RECEIPT_ROLL, &pdf), OK);
    assert_true(pdf.length <= 60 * 1000);
    const char *path = in_folder("roll.pdf");
    save(path, buf_view(&pdf));
    assert_int_equal(run("qpdf --check %s >/dev/null 2>&1", path), 0);
    assert_int_equal(run("pdfinfo %s | grep -q 'Pages: *1$'", path), 0);
    assert_int_equal(run("pdfinfo %s | grep -q 'Page size: *226.77 x'", path), 0); /* 80 mm */
    assert_int_equal(run("test -z \"$(pdffonts %s | tail -n +3 | grep -v 'yes yes yes')\"", path), 0);
    assert_int_equal(run("pdfdetach -save 1 -o %s/roll.xml %s >/dev/null 2>&1", folder, path), 0);
    save(in_folder("roll-signed.xml"), buf_view(&xml));
    assert_int_equal(run("cmp -s %s/roll.xml %s/roll-signed.xml", folder, folder), 0);
    static const char *const words[] = {"BIÊN LAI THU PHÍ, LỆ PHÍ",
                                        "Nguyễn Thị Ánh Tuyết",
                                        "Bốn mươi tư nghìn đồng",
                                        "44.000 đồng",
                                        "Số 1234",
                                        "5702101234"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (run("pdftotext -layout %s - | grep -qF '%s'", path, words[i]))
            fail_msg("the strip does not say: %s", words[i]);
    assert_int_equal(run("pdftoppm -r 203 -png %s %s/roll && zbarimg -q --raw %s/roll-1.png | grep -qxF '" LINK "'",
                         path, folder, folder),
                     0); /* as a thermal printer of 8 dots a millimetre prints it */
    buf_done(&xml);
    buf_done(&pdf);
}

static void long_receipts_go_over_to_further_pages(void **state)
{
    struct receipt_document document = receipt_sample();
    struct receipt_line lines[RECEIPT_LINES_MAX];
    for (int i = 0; i < RECEIPT_LINES_MAX; i++) {
        lines[i] = sample_lines[i % 3];
        lines[i].amount = 1000;
    }
    document.lines = lines;
    document.line_count = RECEIPT_LINES_MAX;
    document.total = 1000 * RECEIPT_LINES_MAX;
    struct receipt_verdict verdict;
    struct buf xml = {0}, pdf = {0};
    sign_and_judge(&document, &xml, &verdict);
    assert_true(xml.length < RECEIPT_XML_MAX / 4);
    assert_int_equal(receipt_pdf(&verdict, buf_view(&xml), NULL, RECEIPT_A4, &pdf), OK);
    const char *path = in_folder("long.pdf");
    save(path, buf_view(&pdf));
    assert_int_equal(run("qpdf --check %s >/dev/null 2>&1", path), 0);
    assert_int_equal(run("pdftotext -layout %s - | grep -qF 'Hai trăm nghìn đồng'", path), 0);
    buf_done(&xml);
    buf_done(&pdf);
}

static void the_page_escapes_what_people_wrote(void **state)
{
    struct receipt_document document = receipt_sample();
    document.payer.name = TEXT("<script>alert(\"1\")</script> & 'Co'");
    struct receipt_verdict verdict;
    struct buf xml = {0}, html = {0};
    sign_and_judge(&document, &xml, &verdict);
    receipt_html(&verdict, LINK, &html);
    struct text page = buf_view(&html);
    assert_true(text_find(page, TEXT("<script")) == page.length);
    assert_true(text_find(page, TEXT("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;Co&#39;")) <
                page.length);
    assert_true(text_find(page, TEXT("Bốn mươi tư nghìn đồng")) < page.length);
    assert_true(text_find(page, TEXT("<div class=\"qr\"><svg")) < page.length);
    assert_true(text_find(page, TEXT("href=\"" LINK "\"")) < page.length);
    buf_done(&xml);
    buf_done(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pdf_is_sound_and_carries_the_signed_file),
        cmocka_unit_test(the_strip_for_the_counter_says_the_same_on_one_page),
        cmocka_unit_test(long_receipts_go_over_to_further_pages),
        cmocka_unit_test(the_page_escapes_what_people_wrote),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
