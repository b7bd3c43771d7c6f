/* People are told, once, by the ways they agreed to and in their language; the sandbox plays the mail server and the
 * gateways of short messages and Zalo. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/webhooks/webhooks.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"
#include "tests/support/sink.h"

#define SMS_SECRET "incoming-secret-of-the-gateway"
#define OA_SECRET  "oa-secret"
#define SMS_PATH   "/MainService.svc/json/SendMultipleMessage_V4_post_json/"

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
    service_set_up(
        &service, db,
        arena_printf(&arena,
                     "[mail]\nurl = %s\nfrom = lephi@quangninh.example\n[sms]\nurl = %s" SMS_PATH
                     "\nkey = k\nsecret = s\nsender = QUANGNINH\n[zalo]\nurl = %s/message/template\n"
                     "token_path = %s\ntemplates = request_made=101 paid=103\nanswer_url = %s/v3.0/oa/message/cs\n"
                     "[notices]\nquiet =\n[messages]\nsms_secret = " SMS_SECRET
                     "\nzalo_app_id = 4444\nzalo_secret = " OA_SECRET "\nper_hour = 8\n",
                     sink_mail_url(&outside, client, &arena), outside.base, outside.base, token, outside.base));
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

/* A short message from outside, signed as of `late_s` ago. */
static struct service_answer writes(const char *from, const char *words, const char *secret, int late_s)
{
    char signature[WEBHOOK_SIGNATURE_SIZE];
    int64_t now_s = clock_now() / SECOND_US - late_s;
    struct text body =
        arena_textf(&arena, "{\"from\":\"%s\",\"text\":\"%s\",\"id\":\"m1\",\"brand\":\"x\"}", from, words);
    webhook_sign(text_of(secret), now_s, body, &arena, signature);
    const struct http_pair headers[] = {{"X-Lephi-Timestamp", arena_textf(&arena, "%lld", (long long)now_s)},
                                        {"X-Lephi-Signature", text_of(signature)}};
    const struct service_call call = {.method = "POST",
                                      .path = "/v1/messages/incoming/sms",
                                      .body = body,
                                      .key = "",
                                      .more = headers,
                                      .more_count = 2};
    return service_call(&service, &arena, &call);
}

static const char *reply_to(const char *from, const char *words)
{
    struct service_answer answer = writes(from, words, SMS_SECRET, 0);
    assert_int_equal(answer.status, 200);
    return json_string_at(answer.json, "reply");
}

static void a_message_with_the_code_is_answered_in_plain_words(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "NT-8", 2);
    char split[32];
    snprintf(split, sizeof split, "%.4s %.4s %.4s %.2s", asked.reference, asked.reference + 4, asked.reference + 8,
             asked.reference + 12);
    for (char *c = split; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 32) : *c;
    const char *words = reply_to("0911000001", arena_printf(&arena, "cho hoi ma %s da nop chua", split));
    assert_true(text_starts(
        text_of(words), arena_printf(&arena, "Ma %s: chua thay tien ve. Can nop 16.000 dong, han ", asked.reference)));
    assert_null(strstr(words, "Tuyet")); /* nothing about the person, and no link */
    assert_null(strstr(words, "http"));
    pay(811, &asked, 6000);
    assert_non_null(strstr(reply_to("0911000001", asked.reference), "da nhan 6.000 dong, con thieu 10.000 dong"));
    pay(812, &asked, 10000);
    assert_non_null(strstr(reply_to("0911000001", asked.reference), "da nhan du 16.000 dong."));
    assert_non_null(
        strstr(reply_to("0911000002", "xin chao"), "Chua thay ma nop tien trong tin nhan. Soan ma 14 ky tu"));
    assert_non_null(
        strstr(reply_to("0911000002", "QN8XPDSV5H4CQJ"), "Khong co yeu cau nop tien mang ma QN8XPDSV5H4CQJ"));
    struct service_answer answer = writes("0911000003", asked.reference, "another secret", 0);
    EXPECT_PROBLEM(&arena, "forged", &answer, 401, "signature_invalid", "");
    answer = writes("0911000003", asked.reference, SMS_SECRET, 3600);
    EXPECT_PROBLEM(&arena, "stale", &answer, 401, "stale", "");
    answer = writes("", asked.reference, SMS_SECRET, 0);
    EXPECT_PROBLEM(&arena, "nobody", &answer, 422, "invalid_request", "/from field_missing");
    for (int i = 0; i < 8; i++)
        assert_int_equal(writes("0911000004", "ma?", SMS_SECRET, 0).status, 200);
    answer = writes("0911000004", "ma?", SMS_SECRET, 0);
    EXPECT_PROBLEM(&arena, "too often", &answer, 429, "rate_limited", "");
    assert_int_equal(writes("0911000005", "ma?", SMS_SECRET, 0).status, 200);
}

static void a_code_of_several_dossiers_is_answered_too(void **state)
{
    struct payment_asked first = service_request(&service, &arena, "NT-11", 1),
                         second = service_request(&service, &arena, "NT-12", 2);
    struct service_answer made = service_ask(&service, &arena, "POST", "/v1/payment-baskets",
                                             "{\"requests\":[%lld,%lld]}", (long long)first.id, (long long)second.id);
    assert_int_equal(made.status, 201);
    struct payment_asked basket = {.reference = json_string_at(made.json, "reference")};
    assert_non_null(
        strstr(reply_to("0911000006", basket.reference), "cac ho so nop chung con phai nop 24.000 dong, han "));
    pay(831, &basket, 24000);
    assert_non_null(strstr(reply_to("0911000006", basket.reference), "da nhan du tien cua cac ho so nop chung."));
}

/* The files come with the letter unless the people of the dossier said otherwise. */
static void the_receipt_comes_with_its_files_or_as_a_link_alone(void **state)
{
    choose("NT-13", "{\"channels\":[\"email\"],\"email\":\"with@example.vn\"}");
    choose("NT-14", "{\"channels\":[\"email\"],\"email\":\"without@example.vn\",\"receipt_files\":false}");
    struct payment_asked with = service_request(&service, &arena, "NT-13", 1),
                         without = service_request(&service, &arena, "NT-14", 1);
    pay(841, &with, with.amount);
    pay(842, &without, without.amount);
    assert_true(becomes(
        "SELECT count(*) FROM notice WHERE dossier IN ('NT-13', 'NT-14') AND kind = 'paid' AND state = 'sent'", 2));
    json_t *items = sink_messages(&outside, client, &arena), *item;
    size_t i;
    int seen = 0;
    json_array_foreach(items, i, item)
    {
        json_t *message = json_object_get(item, "message");
        const char *to = json_string_at(message, "to"), *letter = json_string_at(message, "letter");
        struct text subject = sink_letter_subject(item, &arena);
        if (!strstr(to, "example.vn") || !text_is(subject, "Biên lai thu phí, lệ phí"))
            continue;
        if (strstr(to, "<with@"))
            assert_true(strstr(letter, ".xml\"") && strstr(letter, ".pdf\""));
        if (strstr(to, "<without@"))
            assert_null(strstr(letter, "attachment"));
        seen += strstr(to, "<with@") || strstr(to, "<without@");
    }
    assert_int_equal(seen, 2);
}

static void zalo_is_answered_through_its_official_account(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "NT-9", 1);
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    long long now_ms = (long long)(clock_now() / 1000);
    struct text body =
        arena_textf(&arena,
                    "{\"app_id\":\"4444\",\"event_name\":\"user_send_text\",\"timestamp\":\"%lld\",\"sender\":"
                    "{\"id\":\"24684588\"},\"message\":{\"text\":\"%s\",\"msg_id\":\"96d3\"}}",
                    now_ms, asked.reference);
    crypto_sha256(arena_textf(&arena, "4444%.*s%lld" OA_SECRET, TEXT_ARGS(body), now_ms), digest);
    hex_encode(digest, sizeof digest, hex);
    const struct http_pair header = {"X-ZEvent-Signature", arena_textf(&arena, "mac=%s", hex)};
    struct service_call call = {.method = "POST",
                                .path = "/v1/messages/incoming/zalo",
                                .body = body,
                                .key = "",
                                .more = &header,
                                .more_count = 1};
    struct service_answer answer = service_call(&service, &arena, &call);
    assert_int_equal(answer.status, 200);
    assert_true(comes("zalo", "\"user_id\":\"24684588\""));
    assert_int_equal(count_of("zalo", "chưa thấy tiền về. Cần nộp 8.000 đồng"), 1);
    call.body = arena_textf(&arena, "%.*s ", TEXT_ARGS(body));
    answer = service_call(&service, &arena, &call);
    EXPECT_PROBLEM(&arena, "changed", &answer, 401, "signature_invalid", "");
    call.path = "/v1/messages/incoming/fax";
    answer = service_call(&service, &arena, &call);
    EXPECT_PROBLEM(&arena, "no such way", &answer, 404, "not_found", "");
}

static int shell(const char *format, ...)
{
    char command[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    return system(command);
}

static void the_printed_notice_is_half_an_a5_and_reads_back(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "NT-10", 3);
    struct service_answer pdf =
        service_ask(&service, &arena, "GET",
                    arena_printf(&arena, "/v1/payment-requests/%lld/notice.pdf", (long long)asked.id), "%s", "");
    assert_int_equal(pdf.status, 200);
    char folder[] = "/tmp/lephi-notice-XXXXXX";
    assert_non_null(mkdtemp(folder));
    FILE *file = fopen(arena_printf(&arena, "%s/n.pdf", folder), "wb");
    assert_non_null(file);
    fwrite(pdf.body.at, 1, pdf.body.length, file);
    fclose(file);
    assert_int_equal(
        shell("pdfinfo %s/n.pdf | grep -qE 'Page size: +419.53 x 297.64 pts' && pdfinfo %s/n.pdf | grep -qE"
              " '^Pages: +1$'",
              folder, folder),
        0);
    const char *const words[] = {"THÔNG BÁO NỘP PHÍ, LỆ PHÍ",
                                 "24.000 đồng",
                                 arena_printf(&arena, "%.4s %.4s %.4s %.2s", asked.reference, asked.reference + 4,
                                              asked.reference + 8, asked.reference + 12),
                                 "0914 0000 0002 1",
                                 "Hồ sơ NT-10",
                                 "Hỗ trợ: 1022",
                                 "Hạn cuối"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (shell("pdftotext -layout %s/n.pdf - | grep -qF '%s'", folder, words[i]))
            fail_msg("not on the notice: %s", words[i]);
    assert_int_equal(shell("pdftoppm -r 150 -png %s/n.pdf %s/n && zbarimg -q --raw %s/n-1.png | grep -qxF '%s'", folder,
                           folder, folder, asked.payload),
                     0);
    /* names that fill two lines elsewhere stay on one: nothing runs off the sheet */
    test_sql(db,
             "UPDATE agency SET name_vi = 'Trung tâm Phục vụ hành chính công và Kiểm soát thủ tục hành chính liên xã, "
             "phường của tỉnh Quảng Ninh tại đặc khu Vân Đồn' WHERE code = '" TEST_AGENCY "'");
    test_sql(db,
             "UPDATE receiving_account SET account_name = 'TRUNG TAM PHUC VU HANH CHINH CONG VA KIEM SOAT THU TUC HANH "
             "CHINH LIEN XA PHUONG' WHERE account_number = '" TEST_ACCOUNT "'");
    const struct service_call own = {
        .method = "GET", .path = arena_printf(&arena, "%s/notice.pdf", strstr(asked.pay_url, "/p/")), .key = ""};
    pdf = service_call(&service, &arena, &own);
    file = fopen(arena_printf(&arena, "%s/n.pdf", folder), "wb");
    assert_non_null(file);
    fwrite(pdf.body.at, 1, pdf.body.length, file);
    fclose(file);
    assert_int_equal(
        shell("pdfinfo %s/n.pdf | grep -qE '^Pages: +1$' && pdftotext -raw %s/n.pdf - | grep -q 'đặc khu Vân "
              "Đồn$' && pdftotext -raw %s/n.pdf - | grep -q 'PHUONG$'",
              folder, folder, folder),
        0);
    /* the citizen's own link gives the same, and the page leads to it */
    const char *token = strstr(asked.pay_url, "/p/");
    assert_int_equal(service_call(&service, &arena, &own).status, 200);
    const struct service_call look = {.method = "GET", .path = token, .key = ""};
    struct text page = service_call(&service, &arena, &look).body;
    assert_true(text_find(page, arena_textf(&arena, "href=\"%s/notice.pdf\"", token)) < page.length);
    pay(821, &asked, asked.amount);
    struct service_answer late = service_call(&service, &arena, &own);
    EXPECT_PROBLEM(&arena, "paid", &late, 409, "request_settled", "");
    shell("rm -r %s", folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_told_by_every_way_that_was_agreed_to),
        cmocka_unit_test(a_shortage_and_the_receipt_follow_the_money),
        cmocka_unit_test(who_has_not_chosen_is_written_to_as_the_province_says_and_who_refused_is_not),
        cmocka_unit_test(a_gateway_that_refuses_hangs_or_fails_tells_nobody_twice),
        cmocka_unit_test(kill_9_between_sending_and_noting_tells_nobody_twice),
        cmocka_unit_test(a_message_with_the_code_is_answered_in_plain_words),
        cmocka_unit_test(a_code_of_several_dossiers_is_answered_too),
        cmocka_unit_test(the_receipt_comes_with_its_files_or_as_a_link_alone),
        cmocka_unit_test(zalo_is_answered_through_its_official_account),
        cmocka_unit_test(the_printed_notice_is_half_an_a5_and_reads_back)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
