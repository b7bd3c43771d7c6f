/* HTML and forms: what others wrote never becomes markup, and forms are read with their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "app/pages/html.c" /* the top floor is not part of the library */

static void a_value_never_becomes_markup(void **state)
{
    (void)state;
    struct buf out = {0};
    struct text value = TEXT("<b>\"'&\x01 Ễ");
    html(&out, "<a title=\"%s\">%.*s</a> %d %lld 100%%", "\"><script>", TEXT_ARGS(value), -1, 1LL << 40);
    assert_string_equal(buf_cstr(&out), "<a title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;&quot;&#39;&amp; Ễ</a> -1 "
                                        "1099511627776 100%");
    buf_done(&out);
}

static void money_and_days_are_written_as_each_language_does(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    instant_us at = instant_from((struct civil){2026, 11, 22, 9, 14, 0});
    assert_string_equal(money_words(&arena, PAGE_VI, 1234567), "1.234.567 đồng");
    assert_string_equal(money_words(&arena, PAGE_EN, 1234567), "1,234,567 VND");
    assert_string_equal(instant_words(&arena, PAGE_VI, at), "09:14 ngày 22/11/2026");
    assert_string_equal(instant_words(&arena, PAGE_EN, at), "09:14 on 22 Nov 2026");
    assert_string_equal(date_words(&arena, PAGE_VI, date_from(2026, 1, 2)), "02/01/2026");
    arena_done(&arena);
}

static void a_form_field_is_decoded_once_and_the_first_of_its_name(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct text form = TEXT("a=1&name=H%C3%A0+Long%2B%26&name=other&empty=&flag&bad=%G1&cut=%4&latin=%E9");
    assert_true(text_is(form_field(&arena, form, "name"), "Hà Long+&"));
    assert_true(text_is(form_field(&arena, form, "a"), "1"));
    assert_non_null(form_field(&arena, form, "empty").at);
    assert_int_equal(form_field(&arena, form, "flag").length, 0);
    assert_null(form_field(&arena, form, "missing").at);
    assert_null(form_field(&arena, form, "bad").at);
    assert_null(form_field(&arena, form, "cut").at);
    assert_null(form_field(&arena, form, "latin").at);
    assert_string_equal(url_word(&arena, TEXT("H49/a b&ễ")), "H49%2Fa%20b%26%E1%BB%85");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_value_never_becomes_markup),
                                       cmocka_unit_test(money_and_days_are_written_as_each_language_does),
                                       cmocka_unit_test(a_form_field_is_decoded_once_and_the_first_of_its_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
