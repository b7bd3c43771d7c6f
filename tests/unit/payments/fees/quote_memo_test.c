/* What was asked before is answered with the same bytes, and never with somebody else's. */
#include "payments/fees/quote_memo.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { DAY = 20000, MANY = 20000, THREADS = 4 };

static struct arena arena;
static struct quote_memo *memo;

static int start(void **state)
{
    arena_init(&arena);
    memo = quote_memo_new();
    return 0;
}

static int stop(void **state)
{
    quote_memo_free(memo);
    arena_done(&arena);
    return 0;
}

static struct text body_of(int number)
{
    return arena_textf(&arena, "{\"procedure\":\"2.%06d\"}", number);
}

/* Asked for in vain twice, then remembered. */
static void learn(date_days day, struct text body, struct text reply)
{
    struct text found;
    for (int i = 0; i < 2; i++)
        if (!quote_memo_find(memo, day, body, &arena, &found))
            quote_memo_keep(memo, day, body, reply);
}

static bool finds(date_days day, struct text body, const char *expected)
{
    struct text reply;
    return quote_memo_find(memo, day, body, &arena, &reply) && text_is(reply, expected);
}

static void the_same_body_on_the_same_day_has_the_same_reply(void **state)
{
    learn(DAY, body_of(1), TEXT("one"));
    assert_true(finds(DAY, body_of(1), "one"));
    struct text reply;
    assert_false(quote_memo_find(memo, DAY + 1, body_of(1), &arena, &reply));
    assert_false(quote_memo_find(memo, DAY, TEXT("{\"procedure\":\"2.000001\"} "), &arena, &reply));
    assert_false(quote_memo_find(memo, DAY, TEXT_NONE, &arena, &reply));
}

static void a_newer_day_takes_the_place_of_an_older_one(void **state)
{
    learn(DAY, body_of(1), TEXT("one"));
    learn(DAY + 1, body_of(1), TEXT("another"));
    assert_true(finds(DAY + 1, body_of(1), "another"));
}

static void what_is_found_is_always_what_was_kept(void **state)
{
    size_t found = 0;
    char expected[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(expected, sizeof expected, "%d", i);
        learn(DAY, body_of(i), text_of(expected));
    }
    for (int i = 0; i < MANY; i++) {
        struct text reply;
        snprintf(expected, sizeof expected, "%d", i);
        if (!quote_memo_find(memo, DAY, body_of(i), &arena, &reply))
            continue;
        assert_true(text_is(reply, expected));
        found++;
    }
    assert_in_range(found, 1000, 2048); /* bounded, and used */
}

/* Three hundred, the mix of a busy counter: each asked for in turn, never twice running. */
static void what_a_counter_asks_in_turn_is_remembered(void **state)
{
    enum { COUNTER = 300, ROUNDS = 3 };
    size_t found = 0;
    for (int round = 0; round <= ROUNDS; round++)
        for (int i = 0; i < COUNTER; i++) {
            struct text reply;
            bool known = quote_memo_find(memo, DAY, body_of(i), &arena, &reply);
            found += known && round == ROUNDS;
            if (!known)
                quote_memo_keep(memo, DAY, body_of(i), body_of(i));
        }
    assert_in_range(found, COUNTER * 98 / 100, COUNTER);
}

static void what_is_asked_once_is_not_remembered(void **state)
{
    struct text reply;
    learn(DAY, body_of(1), TEXT("one"));
    for (int i = 1000; i < 1000 + MANY; i++)
        if (!quote_memo_find(memo, DAY, body_of(i), &arena, &reply))
            quote_memo_keep(memo, DAY, body_of(i), TEXT("other"));
    assert_true(finds(DAY, body_of(1), "one"));
}

static void what_is_unusually_long_is_not_remembered(void **state)
{
    static char long_body[513], long_reply[4097];
    struct text reply;
    memset(long_body, 'b', sizeof long_body);
    memset(long_reply, 'r', sizeof long_reply);
    learn(DAY, (struct text){long_body, sizeof long_body}, TEXT("one"));
    learn(DAY, body_of(1), (struct text){long_reply, sizeof long_reply});
    assert_false(quote_memo_find(memo, DAY, (struct text){long_body, sizeof long_body}, &arena, &reply));
    assert_false(quote_memo_find(memo, DAY, body_of(1), &arena, &reply));
}

static void *ask_and_keep(void *with)
{
    struct arena own;
    bool *wrong = with;
    arena_init(&own);
    for (int i = 0; i < MANY; i++) {
        struct text reply, body = arena_textf(&own, "{\"fees\":[\"%d\"]}", i % 50);
        if (quote_memo_find(memo, DAY, body, &own, &reply))
            *wrong = *wrong || !text_equal(reply, body);
        else
            quote_memo_keep(memo, DAY, body, body);
        arena_reset(&own);
    }
    arena_done(&own);
    return NULL;
}

static void several_threads_never_see_half_a_reply(void **state)
{
    pthread_t threads[THREADS];
    bool wrong[THREADS] = {false};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_keep, &wrong[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_body_on_the_same_day_has_the_same_reply, start, stop),
        cmocka_unit_test_setup_teardown(a_newer_day_takes_the_place_of_an_older_one, start, stop),
        cmocka_unit_test_setup_teardown(what_is_found_is_always_what_was_kept, start, stop),
        cmocka_unit_test_setup_teardown(what_a_counter_asks_in_turn_is_remembered, start, stop),
        cmocka_unit_test_setup_teardown(what_is_asked_once_is_not_remembered, start, stop),
        cmocka_unit_test_setup_teardown(what_is_unusually_long_is_not_remembered, start, stop),
        cmocka_unit_test_setup_teardown(several_threads_never_see_half_a_reply, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
