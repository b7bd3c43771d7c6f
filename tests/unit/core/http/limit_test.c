/* Token buckets by address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "core/http/limit.h"

#define SECOND INT64_C(1000000)

static int taken(struct limit *limit, const char *address, int cost, int tries, int64_t now_us)
{
    int count = 0;
    for (int i = 0; i < tries; i++)
        count += limit_take(limit, text_of(address), cost, now_us);
    return count;
}

static void a_burst_is_allowed_and_then_the_rate(void **state)
{
    struct limit *limit = limit_new(10, 60);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 50, 0), 10);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 50, SECOND - 1000), 0);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 50, SECOND), 1);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 50, 4 * SECOND), 3);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 50, 4000 * SECOND), 10);
    limit_free(limit);
}

static void a_dear_act_takes_more(void **state)
{
    struct limit *limit = limit_new(100, 60);
    assert_int_equal(taken(limit, "10.0.0.1", 30, 9, 0), 3);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 50, 0), 10);
    limit_free(limit);
}

static void who_asks_all_the_time_still_gains_the_rate(void **state)
{
    struct limit *limit = limit_new(1, 60);
    int count = 0;
    for (int64_t now = 0; now <= 60 * SECOND; now += 100) /* each look comes sooner than a thousandth of a token */
        count += limit_take(limit, TEXT("10.0.0.1"), 1, now);
    assert_in_range(count, 60, 61);
    limit_free(limit);
}

static void addresses_do_not_share_but_a_household_does(void **state)
{
    struct limit *limit = limit_new(5, 1);
    assert_int_equal(taken(limit, "10.0.0.1", 1, 9, 0), 5);
    assert_int_equal(taken(limit, "10.0.0.2", 1, 9, 0), 5);
    assert_int_equal(taken(limit, "2001:db8:1:2::1", 1, 9, 0), 5);
    assert_int_equal(taken(limit, "2001:db8:1:2:ffff::9", 1, 9, 0), 0);
    assert_int_equal(taken(limit, "2001:db8:1:3::1", 1, 9, 0), 5);
    assert_int_equal(taken(limit, "", 1, 9, 0), 5);
    limit_free(limit);
}

static void a_crowd_of_addresses_is_bounded_and_leaves_the_busy_ones_alone(void **state)
{
    struct limit *limit = limit_new(2, 1);
    int allowed = 0;
    for (int i = 0; i < 100000; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        allowed += limit_take(limit, text_of(address), 1, i);
    }
    assert_int_equal(allowed, 100000);
    assert_int_equal(taken(limit, "10.1.134.159", 1, 9, 100000), 1); /* the last of them has one left */
    limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_then_the_rate),
        cmocka_unit_test(a_dear_act_takes_more),
        cmocka_unit_test(who_asks_all_the_time_still_gains_the_rate),
        cmocka_unit_test(addresses_do_not_share_but_a_household_does),
        cmocka_unit_test(a_crowd_of_addresses_is_bounded_and_leaves_the_busy_ones_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
