/* Text, money, arena, CSV, digests: the small things everything stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "core/core.h"

static void integers_are_read_whole_or_not_at_all(void **state)
{
    int64_t value = 42;
    assert_true(text_to_int64(TEXT("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    assert_true(text_to_int64(TEXT("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    value = 42;
    static const char *const wrong[] = {
        "", "-", "+1", " 1", "1 ", "1.0", "1e5", "0x10", "9223372036854775808", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(text_to_int64(text_of(wrong[i]), &value));
    assert_int_equal(value, 42);
}

static void broken_utf8_is_recognised(void **state)
{
    assert_true(text_is_utf8(TEXT("Lệ phí hộ tịch 😀")));
    static const struct text wrong[] = {TEXT("\xC0\x80"),    TEXT("\xED\xA0\x80"), TEXT("\xF5\x80\x80\x80"),
                                        TEXT("\xE1\xBA"),    TEXT("\x80"),         TEXT("a\0b"),
                                        TEXT("\xE0\x80\xAF")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(text_is_utf8(wrong[i]));
    assert_int_equal(text_characters(TEXT("Nguyễn")), 6);
}

static void vietnamese_becomes_ascii_in_either_normal_form(void **state)
{
    char ascii[100];
    static const char composed[] = "ÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝàáâãèéêìíòóôõùúýĂăĐđĨĩŨũƠơƯưẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆ"
                                   "ệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹ";
    char all[400];
    text_to_ascii(text_of(composed), all, sizeof all);
    assert_string_equal(all, "AAAAEEEIIOOOOUUYaaaaeeeiioooouuyAaDdIiUuOoUuAaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiO"
                             "oOoOoOoOoOoOoOoOoOoOoOoUuUuUuUuUuUuUuYyYyYyYy");
    text_to_ascii(TEXT("Nguye\xCC\x82\xCC\x83n Thi\xCC\xA3"), ascii, sizeof ascii); /* NFD */
    assert_string_equal(ascii, "Nguyen Thi");
    text_to_ascii(TEXT("한글 x"), ascii, sizeof ascii);
    assert_string_equal(ascii, " x");
    assert_int_equal(text_to_ascii(TEXT("Đường"), ascii, 4), 3);
    text_to_key(TEXT("  Phường  Hạ-Long, (Quảng Ninh) "), ascii, sizeof ascii);
    assert_string_equal(ascii, "phuong ha long quang ninh");
}

static void money_never_overflows_and_rounds_half_away_from_zero(void **state)
{
    int64_t amount = 7;
    assert_int_equal(money_add(MONEY_MAX, 1, &amount), ERR_MONEY_OVERFLOW);
    assert_int_equal(money_multiply(MONEY_MAX, MONEY_MAX, &amount), ERR_MONEY_OVERFLOW);
    assert_int_equal(amount, 7);
    assert_int_equal(money_ratio(MONEY_MAX, 9999, 10000, &amount), OK);
    assert_true(amount == MONEY_MAX - (MONEY_MAX + 5000) / 10000);
    assert_int_equal(money_ratio(15, 1, 2, &amount), OK);
    assert_int_equal(amount, 8);
    assert_int_equal(money_ratio(-15, 1, 2, &amount), OK);
    assert_int_equal(amount, -8);
    assert_int_equal(money_ratio(14, 1, 4, &amount), OK);
    assert_int_equal(amount, 4);
}

static void money_is_written_as_vietnamese_readers_expect(void **state)
{
    char text[MONEY_TEXT_SIZE];
    money_format(150000, text);
    assert_string_equal(text, "150.000");
    money_format(-1234567, text);
    assert_string_equal(text, "-1.234.567");
    money_format(0, text);
    assert_string_equal(text, "0");
    money_format(INT64_MIN, text);
    assert_string_equal(text, "-9.223.372.036.854.775.808");
}

static int cleaned[3], cleaned_count;

static void note(void *with)
{
    cleaned[cleaned_count++] = *(int *)with;
}

static void an_arena_cleans_up_in_reverse_order(void **state)
{
    static int one = 1, two = 2, three = 3;
    struct arena arena;
    arena_init(&arena);
    arena_on_done(&arena, note, &one);
    arena_on_done(&arena, note, &two);
    char *large = arena_alloc(&arena, 100000);
    memset(large, 1, 100000);
    arena_on_done(&arena, note, &three);
    arena_reset(&arena);
    assert_int_equal(cleaned_count, 3);
    assert_int_equal(cleaned[0], 3);
    assert_int_equal(cleaned[2], 1);
    assert_int_equal(*(char *)arena_alloc(&arena, 16), 0);
    arena_done(&arena);
}

static void csv_keeps_quotes_line_ends_and_line_numbers(void **state)
{
    struct arena arena;
    struct csv csv;
    struct csv_row row;
    arena_init(&arena);
    csv_open(&csv,
             TEXT("\xEF\xBB\xBF"
                  "a,b\r\n\r\n\"x \"\"y\"\"\",\"two\nlines\"\n,last"),
             ',', &arena);
    assert_int_equal(csv_next(&csv, &row), OK);
    assert_true(row.line == 1 && row.count == 2 && text_is(row.fields[0], "a"));
    assert_int_equal(csv_next(&csv, &row), OK);
    assert_int_equal(row.line, 3);
    assert_true(text_is(row.fields[0], "x \"y\"") && text_is(row.fields[1], "two\nlines"));
    assert_int_equal(csv_next(&csv, &row), OK);
    assert_true(row.line == 5 && row.count == 2 && row.fields[0].length == 0 && text_is(row.fields[1], "last"));
    assert_int_equal(csv_next(&csv, &row), ERR_NOT_FOUND);
    csv_open(&csv, TEXT("ok\n\"never closed"), ',', &arena);
    assert_int_equal(csv_next(&csv, &row), OK);
    assert_int_equal(csv_next(&csv, &row), ERR_CSV_SYNTAX);
    assert_int_equal(csv.line, 2);
    arena_done(&arena);
}

static void a_cell_that_a_spreadsheet_would_run_is_disarmed(void **state)
{
    struct buf out = {0};
    csv_write(&out, TEXT("=HYPERLINK(\"x\")"));
    assert_string_equal(buf_cstr(&out), "\"'=HYPERLINK(\"\"x\"\")\"");
    buf_clear(&out);
    csv_write(&out, TEXT("Nguyễn Thị Ánh"));
    assert_string_equal(buf_cstr(&out), "Nguyễn Thị Ánh");
    buf_done(&out);
}

static void sealed_text_opens_only_whole_and_under_its_key(void **state)
{
    uint8_t key[SHA256_SIZE] = {1}, other[SHA256_SIZE] = {2};
    struct buf sealed = {0}, opened = {0};
    crypto_seal(key, TEXT("a citizen's link"), &sealed);
    assert_true(crypto_open(key, buf_view(&sealed), &opened));
    assert_string_equal(buf_cstr(&opened), "a citizen's link");
    assert_false(crypto_open(other, buf_view(&sealed), &opened));
    sealed.at[14] ^= 1;
    assert_false(crypto_open(key, buf_view(&sealed), &opened));
    assert_false(crypto_open(key, TEXT("short"), &opened));
    buf_done(&sealed);
    buf_done(&opened);
}

static void base64_and_hex_come_back(void **state)
{
    struct buf text = {0}, back = {0};
    for (size_t length = 0; length < 20; length++) {
        uint8_t bytes[20];
        crypto_random(bytes, sizeof bytes);
        buf_clear(&text);
        buf_clear(&back);
        base64url_encode(bytes, length, &text);
        assert_true(base64_decode(buf_view(&text), &back));
        assert_true(back.length == length && (!length || !memcmp(back.at, bytes, length)));
    }
    assert_false(base64_decode(TEXT("a"), &back));
    assert_false(base64_decode(TEXT("ab=c"), &back));
    uint8_t two[2];
    assert_true(hex_decode(TEXT("0aFf"), two, 2) && two[0] == 10 && two[1] == 255);
    assert_false(hex_decode(TEXT("0aF"), two, 2) || hex_decode(TEXT("0aFg"), two, 2));
    buf_done(&text);
    buf_done(&back);
}

static void a_password_is_checked_against_its_verifier(void **state)
{
    char verifier[PASSWORD_VERIFIER_SIZE];
    crypto_password_hash(TEXT("mật khẩu rất dài"), verifier);
    assert_true(crypto_password_check(TEXT("mật khẩu rất dài"), text_of(verifier)));
    assert_false(crypto_password_check(TEXT("mật khẩu rất dàj"), text_of(verifier)));
    assert_false(crypto_password_check(TEXT("x"), TEXT("scrypt$zz$yy")));
}

static void every_error_has_a_code_a_status_and_words_in_both_languages(void **state)
{
    for (int i = 1; i < ERR_COUNT; i++) {
        const struct err_info *info = err_info(i);
        assert_true(info->code[0] && info->vi[0] && info->en[0] && info->http_status >= 200 && info->http_status < 600);
        for (int k = 1; k < i; k++)
            assert_string_not_equal(info->code, err_info(k)->code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_whole_or_not_at_all),
        cmocka_unit_test(broken_utf8_is_recognised),
        cmocka_unit_test(vietnamese_becomes_ascii_in_either_normal_form),
        cmocka_unit_test(money_never_overflows_and_rounds_half_away_from_zero),
        cmocka_unit_test(money_is_written_as_vietnamese_readers_expect),
        cmocka_unit_test(an_arena_cleans_up_in_reverse_order),
        cmocka_unit_test(csv_keeps_quotes_line_ends_and_line_numbers),
        cmocka_unit_test(a_cell_that_a_spreadsheet_would_run_is_disarmed),
        cmocka_unit_test(sealed_text_opens_only_whole_and_under_its_key),
        cmocka_unit_test(base64_and_hex_come_back),
        cmocka_unit_test(a_password_is_checked_against_its_verifier),
        cmocka_unit_test(every_error_has_a_code_a_status_and_words_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
