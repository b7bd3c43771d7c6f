#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include "postal/postal.h"

static void the_check_digit_is_that_of_the_standard(void **state)
{
    static const struct {
        const char *digits;
        char check;
    } known[] = {{"47312482", '9'}, /* UPU S10, annex */
                 {"00000000", '5'}, /* 11 becomes 5 */
                 {"00000002", '8'}, {"00000006", '2'}, {"00000003", '1'}, {"00000008", '0'} /* 10 becomes 0 */};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(postal_s10_check(known[i].digits), known[i].check);
}

static void an_item_is_read_in_any_case_and_spacing(void **state)
{
    char item[S10_LENGTH + 1];
    assert_true(postal_s10_read(TEXT("ep 473 124 829 vn"), item));
    assert_string_equal(item, "EP473124829VN");
}

static void what_is_no_item_is_refused_and_leaves_the_output_alone(void **state)
{
    static const char *const bad[] = {"",
                                      "EP473124829V",
                                      "EP473124829VNN",
                                      "EP473124820VN",
                                      "E1473124829VN",
                                      "EP47312482OVN",
                                      "EP473124829V1",
                                      "EP-473124829VN",
                                      "EP473124829V\xC3\x91"};
    char item[S10_LENGTH + 1] = "untouched";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(postal_s10_read(text_of(bad[i]), item));
    assert_string_equal(item, "untouched");
}

static void every_wrong_digit_and_every_swap_of_neighbours_is_seen(void **state)
{
    /* Mod 11 with these weights sees all of them but where 10 → 0 and 11 → 5 fold two checks into one. */
    char item[S10_LENGTH + 1], changed[] = "EP473124829VN";
    for (int at = 2; at < 10; at++)
        for (char digit = '0'; digit <= '9'; digit++) {
            char was = changed[at];
            changed[at] = digit;
            assert_int_equal(postal_s10_read(text_of(changed), item), digit == was);
            changed[at] = was;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_digit_is_that_of_the_standard),
        cmocka_unit_test(an_item_is_read_in_any_case_and_spacing),
        cmocka_unit_test(what_is_no_item_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(every_wrong_digit_and_every_swap_of_neighbours_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
