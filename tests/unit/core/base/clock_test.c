/* Days, instants and their text forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/core.h"

static void a_day_that_does_not_exist_is_no_date(void **state)
{
    assert_int_equal(date_from(2026, 2, 29), DATE_NONE);
    assert_int_equal(date_from(2026, 13, 1), DATE_NONE);
    assert_int_equal(date_from(1970, 1, 1), 0);
    assert_int_not_equal(date_from(2028, 2, 29), DATE_NONE);
}

static void an_instant_keeps_its_offset_and_falls_on_the_vietnamese_day(void **state)
{
    instant_us at;
    assert_true(instant_parse(TEXT("2026-11-22T18:30:00Z"), &at));
    char text[INSTANT_TEXT_SIZE];
    instant_format(at, text);
    assert_string_equal(text, "2026-11-23T01:30:00+07:00");
    assert_int_equal(date_of(at), date_from(2026, 11, 23));
    assert_int_equal(date_weekday(date_of(at)), 1);
}

static void text_that_is_no_instant_is_refused(void **state)
{
    instant_us at;
    assert_false(instant_parse(TEXT("2026-11-22T09:14:00"), &at));
    assert_false(instant_parse(TEXT("2026-02-30T09:14:00Z"), &at));
    assert_false(instant_parse(TEXT("2026-11-22T24:00:00Z"), &at));
    assert_false(instant_parse(TEXT("2026-11-22T09:14:00.+07:00"), &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_that_does_not_exist_is_no_date),
        cmocka_unit_test(an_instant_keeps_its_offset_and_falls_on_the_vietnamese_day),
        cmocka_unit_test(text_that_is_no_instant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
