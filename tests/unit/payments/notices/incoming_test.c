/* Messages as gateways and Zalo's official account hand them over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "payments/notices/notices.h"

static struct arena arena;
static struct faults faults;
static struct incoming message;

static enum err read_as(enum post_channel channel, const char *body)
{
    faults_init(&faults, &arena);
    message = (struct incoming){0};
    return incoming_read(channel, text_of(body), &message, &faults);
}

static void the_names_that_gateways_use_are_known(void **state)
{
    static const char *const bodies[] = {
        "{\"from\":\"0912345678\",\"text\":\" ma QN1 \",\"id\":\"7\"}",
        "{\"msisdn\":912345678,\"content\":\"ma QN1\",\"sms_id\":7,\"time\":\"2026-11-23\",\"x\":{\"y\":[1]}}",
        "{\"phone\":\"84912345678\",\"message\":\"ma QN1\",\"message_id\":\"7\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(read_as(POST_SMS, bodies[i]), OK);
        assert_true(text_ends(message.from, "912345678"));
        assert_true(text_is(message.text, "ma QN1") && text_is(message.id, "7"));
    }
}

static void a_zalo_text_is_read_and_other_events_are_let_be(void **state)
{
    assert_int_equal(read_as(POST_ZALO, "{\"event_name\":\"user_send_text\",\"sender\":{\"id\":\"246\"},\"message\":"
                                        "{\"text\":\"QN1\",\"msg_id\":\"m\"},\"timestamp\":\"1\"}"),
                     OK);
    assert_true(text_is(message.from, "246") && text_is(message.text, "QN1") && text_is(message.id, "m"));
    assert_int_equal(read_as(POST_ZALO, "{\"event_name\":\"follow\",\"follower\":{\"id\":\"1\"}}"), ERR_NOT_FOUND);
    assert_int_equal(read_as(POST_ZALO, "{\"event_name\":\"user_send_text\",\"sender\":[],\"message\":7}"),
                     ERR_INVALID);
    assert_int_equal(faults.count, 2);
}

static void what_is_no_message_is_named(void **state)
{
    static const char *const wrong[] = {"",
                                        "[]",
                                        "7",
                                        "{",
                                        "{\"from\":\"1\",\"from\":\"2\",\"text\":\"x\"}",
                                        "{}",
                                        "{\"from\":\"\",\"text\":\"x\"}",
                                        "{\"from\":{},\"text\":\"x\"}",
                                        "{\"from\":\"1\",\"text\":null}",
                                        "{\"from\":\"1\",\"text\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!read_as(POST_SMS, wrong[i]))
            fail_msg("taken: %s", wrong[i]);
    char text[1200] = "", body[1400];
    memset(text, 'x', sizeof text - 1);
    snprintf(body, sizeof body, "{\"from\":\"1\",\"text\":\"%s\"}", text);
    assert_int_equal(read_as(POST_SMS, body), OK); /* the code stands in front */
    assert_int_equal(message.text.length, 1000);
    snprintf(body, sizeof body, "{\"from\":\"%.80s\",\"text\":\"x\"}", text);
    assert_int_equal(read_as(POST_SMS, body), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_names_that_gateways_use_are_known),
                                       cmocka_unit_test(a_zalo_text_is_read_and_other_events_are_let_be),
                                       cmocka_unit_test(what_is_no_message_is_named)};
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
