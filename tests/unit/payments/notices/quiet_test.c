/* Quiet hours by the clock of Vietnam. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "payments/notices/notices.h"

static const char *after(const char *hours, const char *at)
{
    static char text[INSTANT_TEXT_SIZE];
    struct quiet_hours quiet;
    instant_us instant;
    assert_true(quiet_hours_read(text_of(hours), &quiet));
    assert_true(instant_parse(text_of(at), &instant));
    instant_format(quiet_hours_after(&quiet, instant), text);
    return text;
}

static void what_falls_into_the_night_waits_for_the_morning(void **state)
{
    assert_string_equal(after("21:00-07:00", "2026-11-23T20:59:59+07:00"), "2026-11-23T20:59:59+07:00");
    assert_string_equal(after("21:00-07:00", "2026-11-23T21:00:00+07:00"), "2026-11-24T07:00:00+07:00");
    assert_string_equal(after("21:00-07:00", "2026-12-31T23:30:10+07:00"), "2027-01-01T07:00:00+07:00");
    assert_string_equal(after("21:00-07:00", "2026-11-24T06:59:59+07:00"), "2026-11-24T07:00:00+07:00");
    assert_string_equal(after("21:00-07:00", "2026-11-24T07:00:00+07:00"), "2026-11-24T07:00:00+07:00");
    assert_string_equal(after("12:00-13:30", "2026-11-24T13:29:00+07:00"), "2026-11-24T13:30:00+07:00");
    assert_string_equal(after("", "2026-11-24T03:00:00+07:00"), "2026-11-24T03:00:00+07:00");
}

static void anything_else_is_refused(void **state)
{
    struct quiet_hours quiet;
    static const char *const wrong[] = {"21-07",       "24:00-07:00", "21:00",       "21:00-7:00",
                                        "21:60-07:00", "x",           "21:00-07:00-"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(quiet_hours_read(text_of(wrong[i]), &quiet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_falls_into_the_night_waits_for_the_morning),
                                       cmocka_unit_test(anything_else_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
