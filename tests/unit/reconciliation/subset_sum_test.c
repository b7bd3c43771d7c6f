/* Sets that add up to a line are only suggested, and two of them are nobody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "reconciliation/desk.h"

static uint32_t sets[SUBSET_SOLUTIONS_MAX];

static void one_set_that_adds_up_is_found(void **state)
{
    const int64_t amounts[] = {16000, 8000, 20000, 5000};
    assert_int_equal(subset_sum(amounts, 4, 29000, sets), 1);
    assert_int_equal(sets[0], 1 | 2 | 8);
}

static void two_sets_are_told_as_two(void **state)
{
    const int64_t amounts[] = {8000, 8000, 4000};
    assert_int_equal(subset_sum(amounts, 3, 12000, sets), 2);
}

static void one_amount_alone_is_no_set(void **state)
{
    const int64_t amounts[] = {8000, 4000};
    assert_int_equal(subset_sum(amounts, 2, 8000, sets), 0);
    assert_int_equal(subset_sum(amounts, 0, 8000, sets), 0);
}

static void more_than_twenty_are_not_tried_and_twenty_are(void **state)
{
    int64_t amounts[SUBSET_CANDIDATES_MAX + 1];
    for (int i = 0; i <= SUBSET_CANDIDATES_MAX; i++)
        amounts[i] = (int64_t)1 << i;
    assert_int_equal(subset_sum(amounts, SUBSET_CANDIDATES_MAX + 1, 3, sets), 0);
    assert_int_equal(subset_sum(amounts, SUBSET_CANDIDATES_MAX, ((int64_t)1 << SUBSET_CANDIDATES_MAX) - 1, sets), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_set_that_adds_up_is_found),
        cmocka_unit_test(two_sets_are_told_as_two),
        cmocka_unit_test(one_amount_alone_is_no_set),
        cmocka_unit_test(more_than_twenty_are_not_tried_and_twenty_are),
    };
    return cmocka_run_group_tests_name("sums that may fit", tests, NULL, NULL);
}
