/* The picture of a QR code, read back by a program that is not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "payments/requests/qr_image.h"

#define PAYLOAD                                                                                                        \
    "00020101021238570010A00000072701270006970422011309140000000210208QRIBFTTA53037045405160005802VN62180814"          \
    "QN8XPDSV5H4CQJ63045711"

static void a_png_reads_back_to_the_byte(void **state)
{
    char path[] = "/tmp/lephi-qr-XXXXXX.png", command[200], line[400] = "";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    struct buf png = {0};
    assert_int_equal(qr_image_png(TEXT(PAYLOAD), &png), OK);
    assert_int_equal(file_write(path, buf_view(&png), 0644), OK);
    snprintf(command, sizeof command, "zbarimg --quiet --raw --nodbus %s 2>/dev/null", path);
    FILE *read = popen(command, "r");
    assert_non_null(read);
    assert_non_null(fgets(line, sizeof line, read));
    pclose(read);
    unlink(path);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, PAYLOAD);
    assert_true(png.length < 4096);
    buf_done(&png);
}

static void an_svg_is_one_path_with_an_escaped_title_and_no_style(void **state)
{
    struct buf svg = {0};
    assert_int_equal(qr_image_svg(TEXT(PAYLOAD), TEXT("a<b & c"), &svg), OK);
    const char *text = buf_cstr(&svg);
    assert_non_null(strstr(text, "<title>a&lt;b &amp; c</title>"));
    assert_non_null(strstr(text, "role=\"img\""));
    assert_null(strstr(text, "style="));
    assert_non_null(strstr(text, "viewBox=\"0 0 45 45\"")); /* 37 modules and four quiet ones on each side */
    assert_true(svg.length < 12000);
    buf_done(&svg);
}

static void what_fits_no_qr_code_is_refused(void **state)
{
    static char long_payload[4000];
    memset(long_payload, 'x', sizeof long_payload);
    struct buf out = {0};
    assert_int_equal(qr_image_svg((struct text){long_payload, sizeof long_payload}, TEXT(""), &out), ERR_FIELD_LENGTH);
    assert_int_equal(qr_image_png(TEXT(""), &out), ERR_FIELD_LENGTH);
    assert_int_equal(qr_image_png(TEXT("a\0b"), &out), ERR_FIELD_LENGTH);
    assert_int_equal(out.length, 0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_reads_back_to_the_byte),
        cmocka_unit_test(an_svg_is_one_path_with_an_escaped_title_and_no_style),
        cmocka_unit_test(what_fits_no_qr_code_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
