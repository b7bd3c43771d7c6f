/* People are told, once, by the ways they agreed to and in their language; the sandbox plays the mail server and the
 * gateways of short messages and Zalo. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"
#include "tests/support/sink.h"

#define SMS_PATH "/MainService.svc/json/SendMultipleMessage_V4_post_json/"

enum { PATIENCE_S = 20 };

static struct db *db;
static struct service_under_test service;
static struct test_sandbox outside;
static struct http_client *client;
static struct arena arena;

static int count_of(const char *channel, const char *words)
{
    return sink_count(&outside, client, &arena, channel, words);
}

static bool comes(const char *channel, const char *words)
{
    for (int i = 0; i < PATIENCE_S * 10; i++) {
        if (count_of(channel, words))
            return true;
        test_sleep_ms(100);
    }
    return false;
}

static bool becomes(const char *sql, int64_t wanted)
{
    for (int i = 0; i < PATIENCE_S * 10; i++) {
        if (test_int(db, sql) == wanted)
            return true;
        test_sleep_ms(100);
    }
    return false;
}

static void choose(const char *dossier, const char *choice)
{
    assert_int_equal(service_dossier(&service, &arena, dossier).status, 201);
    struct service_answer answer =
        service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/dossiers/%s/contact", dossier), "%s", choice);
    assert_int_equal(answer.status, 200);
}

static void pay(int64_t id, const struct payment_asked *asked, int64_t amount)
{
    const struct bank_notice paid = {.id = id, .amount = amount, .memo = asked->reference};
    struct service_answer told = bank_tells(&service, &arena, &paid);
    assert_true(bank_accepted(&told));
}

static int set_up(void **state)
{
    static const char *const none[] = {NULL};
    char token[64];
    arena_init(&arena);
    db = test_db();
    test_sandbox_start(&outside, none);
    assert_int_equal(http_client_start(&(struct http_client_config){0}, &client), OK);
    snprintf(token, sizeof token, "/tmp/lephi-zalo-token-%d", (int)getpid());
    FILE *file = fopen(token, "w");
    assert_non_null(file);
    fputs("the-token\n", file);
    fclose(file);
    service_set_up(&service, db,
                   arena_printf(&arena,
                                "[mail]\nurl = %s\nfrom = lephi@quangninh.example\n[sms]\nurl = %s" SMS_PATH
                                "\nkey = k\nsecret = s\nsender = QUANGNINH\n[zalo]\nurl = %s/message/template\n"
                                "token_path = %s\ntemplates = request_made=101 paid=103\n[notices]\nquiet =\n",
                                sink_mail_url(&outside, client, &arena), outside.base, outside.base, token));
    return 0;
}

static int tear_down(void **state)
{
    char token[64];
    snprintf(token, sizeof token, "/tmp/lephi-zalo-token-%d", (int)getpid());
    service_tear_down(&service);
    remove(token);
    http_client_stop(client);
    test_sandbox_stop(&outside, SIGTERM);
    test_sandbox_remove(&outside);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void a_request_is_told_by_every_way_that_was_agreed_to(void **state)
{
    choose("NT-1", "{\"channels\":[\"email\",\"sms\",\"zalo\"],\"email\":\"anh@example.vn\"}");
    struct payment_asked asked = service_request(&service, &arena, "NT-1", 2);
    assert_true(comes("smtp", arena_printf(&arena, "Hồ sơ NT-1 cần nộp 16.000 đồng.\r\nHạn cuối: ")));
    assert_int_equal(count_of("smtp", asked.pay_url), 1);
    /* plain letters, the operator's own fields, the code and the link */
    assert_true(comes("sms", arena_printf(&arena, "Ho so NT-1: nop 16.000d, han ")));
    assert_int_equal(count_of("sms", asked.reference), 1);
    assert_int_equal(count_of("sms", "\"Phone\":\"0912000111\""), 1);
    assert_true(comes("zalo", "\"template_id\":\"101\""));
    assert_int_equal(count_of("zalo", "\"phone\":\"84912000111\""), 1);
    assert_int_equal(count_of("zalo", asked.reference), 1);
    json_t *items = sink_messages(&outside, client, &arena), *item;
    size_t i;
    json_array_foreach(items, i, item) if (!strcmp(json_string_at(item, "channel"), "smtp"))
    {
        struct text subject = sink_letter_subject(item, &arena);
        assert_true(text_is(subject, "Nộp phí, lệ phí hồ sơ NT-1"));
    }
    assert_true(
        becomes("SELECT count(*) FROM notice WHERE dossier = 'NT-1' AND kind = 'request_made' AND state = 'sent'", 3));
    struct service_answer log = service_ask(&service, &arena, "GET", "/v1/notices?dossier=NT-1&state=sent", "%s", "");
    assert_int_equal(log.status, 200);
    assert_int_equal(json_array_size(json_object_get(log.json, "items")), 3);
    assert_null(strstr(arena_copy(&arena, log.body), "0912000111")); /* masked */
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM notice WHERE channel = 'sms' AND provider_id LIKE 'sandbox-%' AND"
                              " contact = '•••111'"),
                     1);
}

static void a_shortage_and_the_receipt_follow_the_money(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "NT-1", 1);
    pay(801, &asked, 3000);
    assert_true(comes("sms", "Ho so NT-1: con thieu 5.000d"));
    assert_true(comes("smtp", "Còn thiếu 5.000 đồng."));
    pay(802, &asked, 5000);
    assert_true(comes("sms", "Da nhan du 8.000d cua ho so NT-1. Bien lai: "));
    assert_true(comes("zalo", "\"template_id\":\"103\""));
    assert_true(comes("smtp", "đã lập biên lai thu phí, lệ phí số 1"));
    /* the link in the short message opens the receipt */
    json_t *items = sink_messages(&outside, client, &arena), *item;
    size_t i;
    const char *link = NULL;
    json_array_foreach(items, i, item)
    {
        const char *text = json_string_at(json_object_get(item, "message"), "Content");
        if (strstr(text, "Bien lai: "))
            link = strstr(text, "/r/");
    }
    assert_non_null(link);
    const struct service_call open = {.method = "GET", .path = link, .key = ""};
    assert_int_equal(service_call(&service, &arena, &open).status, 200);
    /* one letter of the receipt, in the same log */
    assert_true(becomes("SELECT count(*) FROM notice WHERE kind = 'paid' AND dossier = 'NT-1' AND state = 'sent'", 3));
    assert_int_equal(count_of("smtp", "biên lai"), 1);
}

static void who_has_not_chosen_is_written_to_as_the_province_says_and_who_refused_is_not(void **state)
{
    service_request(&service, &arena, "NT-2", 1); /* a telephone number, no address: the province says email */
    choose("NT-3", "{\"channels\":[],\"email\":\"no@example.vn\"}");
    service_request(&service, &arena, "NT-3", 1);
    choose("NT-4", "{\"channels\":[\"sms\"],\"language\":\"en\",\"phone\":\"+84 987 654 321\"}");
    service_request(&service, &arena, "NT-4", 1);
    assert_true(comes("sms", "Dossier NT-4: pay 8.000d by "));
    assert_int_equal(count_of("sms", "\"Phone\":\"0987654321\""), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice WHERE dossier IN ('NT-2', 'NT-3')"), 0);
    assert_int_equal(count_of("sms", "NT-2") + count_of("sms", "NT-3") + count_of("smtp", "NT-3"), 0);
    struct service_answer answer = service_ask(&service, &arena, "GET", "/v1/dossiers/NT-2/contact", "%s", "");
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_string_value(json_array_get(json_object_get(answer.json, "channels"), 0)), "email");
    answer = service_ask(&service, &arena, "PUT", "/v1/dossiers/NT-2/contact", "%s",
                         "{\"channels\":[\"fax\"],\"email\":\"a b\",\"phone\":\"12\",\"language\":\"fr\"}");
    EXPECT_PROBLEM(&arena, "nonsense", &answer, 422, "invalid_request",
                   "/channels field_value, /email field_format, /language field_value, /phone field_format");
    answer = service_ask(&service, &arena, "PUT", "/v1/dossiers/NOBODY/contact", "%s", "{\"channels\":[]}");
    EXPECT_PROBLEM(&arena, "no dossier", &answer, 404, "dossier_unknown", "");
}

static void a_gateway_that_refuses_hangs_or_fails_tells_nobody_twice(void **state)
{
    choose("NT-5", "{\"channels\":[\"sms\"]}");
    sink_behave(&outside, client, &arena, SMS_PATH, "refuse", 1);
    service_request(&service, &arena, "NT-5", 1);
    assert_true(becomes("SELECT count(*) FROM notice WHERE dossier = 'NT-5' AND state = 'refused'", 1));
    choose("NT-6", "{\"channels\":[\"sms\"]}");
    sink_behave(&outside, client, &arena, SMS_PATH, "answer_500", 1); /* after it was sent */
    service_request(&service, &arena, "NT-6", 1);
    assert_true(becomes("SELECT count(*) FROM notice WHERE dossier = 'NT-6' AND state = 'unknown'", 1));
    test_sleep_ms(3000);
    assert_int_equal(count_of("sms", "Ho so NT-6"), 1); /* not again by itself */
    const char *id = arena_printf(&arena, "/v1/notices/%lld/resend",
                                  (long long)test_int(db, "SELECT id FROM notice WHERE dossier = 'NT-5'"));
    const struct service_call again = {
        .method = "POST", .path = id, .cookie = service_staff_cookie(db, &arena, "lan", "cashier")};
    assert_int_equal(service_call(&service, &arena, &again).status, 202);
    assert_true(comes("sms", "Ho so NT-5"));
    assert_true(becomes("SELECT count(*) FROM notice WHERE dossier = 'NT-5' AND state = 'sent'", 1));
    assert_int_equal(service_call(&service, &arena, &again).status, 409); /* it was sent */
    assert_int_equal(count_of("sms", "Ho so NT-5"), 1);
}

static void kill_9_between_sending_and_noting_tells_nobody_twice(void **state)
{
    choose("NT-7", "{\"channels\":[\"sms\"]}");
    sink_behave(&outside, client, &arena, SMS_PATH, "hang_after", 1); /* it went out, the answer does not come */
    service_request(&service, &arena, "NT-7", 1);
    assert_true(comes("sms", "Ho so NT-7"));
    service_kill(&service);
    service_start(&service);
    test_sql(db, "UPDATE notice SET run_at = created_at WHERE state = 'waiting'"); /* the lease is over */
    assert_true(becomes("SELECT count(*) FROM notice WHERE dossier = 'NT-7' AND state = 'unknown'", 1));
    assert_int_equal(count_of("sms", "Ho so NT-7"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice WHERE dossier = 'NT-7'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_told_by_every_way_that_was_agreed_to),
        cmocka_unit_test(a_shortage_and_the_receipt_follow_the_money),
        cmocka_unit_test(who_has_not_chosen_is_written_to_as_the_province_says_and_who_refused_is_not),
        cmocka_unit_test(a_gateway_that_refuses_hangs_or_fails_tells_nobody_twice),
        cmocka_unit_test(kill_9_between_sending_and_noting_tells_nobody_twice)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
