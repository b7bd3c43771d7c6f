/* A receipt reaches whoever gave an address; it is found again by number, dossier or phone, and only whoever holds the
 * contact on file sees more than words about its state. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/receipt_world.h"
#include "tests/support/sandbox.h"

static struct receipt_world world;
static struct test_sandbox outside;
static struct http_client *client;
static struct post_config post;
static char mail_url[64];
static const char *const no_options[] = {NULL};

static struct http_answer ask(const char *path)
{
    struct http_answer answer;
    const struct http_call call = {.method = "GET", .url = arena_printf(&world.arena, "%s%s", outside.base, path)};
    assert_int_equal(http_client_call(client, &call, &world.arena, &answer), OK);
    return answer;
}

static int set_up(void **state)
{
    receipt_world_open(&world);
    test_sandbox_start(&outside, no_options);
    const struct http_client_config config = {0};
    assert_int_equal(http_client_start(&config, &client), OK);
    struct text port, rest = ask("/sink/smtp").body;
    (void)text_until(rest, ':', &port);
    snprintf(mail_url, sizeof mail_url, "smtp://127.0.0.1:%d", atoi(port.at));
    post = (struct post_config){.client = client,
                                .mail_url = mail_url,
                                .mail_user = "",
                                .mail_password = "",
                                .mail_from = "bienlai@quangninh.example"};
    post_use(&post);
    return 0;
}

static int tear_down(void **state)
{
    post_use(NULL);
    http_client_stop(client);
    test_sandbox_stop(&outside, SIGTERM);
    test_sandbox_remove(&outside);
    receipt_world_close(&world);
    return 0;
}

static int64_t paid_by(const char *reference, const char *email, const char *phone)
{
    int64_t request = test_request(world.db, reference, 16000);
    test_sql(world.db, arena_printf(&world.arena,
                                    "UPDATE dossier SET applicant_email = '%s', applicant_phone = '%s' WHERE code = "
                                    "(SELECT dossier FROM payment_request WHERE id = %lld)",
                                    email, phone, (long long)request));
    receipt_world_pay(&world, reference, 16000, "vietqr", "2026-11-23T05:00:00Z");
    receipt_world_work(&world);
    return request;
}

/* The letters that came, from the newest; the plain text of a part is base64. */
static struct text letters(void)
{
    return ask("/sink/messages?after=0").body;
}

static bool holds(struct text text, const char *words)
{
    return text_find(text, text_of(words)) < text.length;
}

static void a_signed_receipt_is_mailed_with_its_files(void **state)
{
    paid_by("QNAAAAAAAAAA01", "anh@example.vn", "0912345678");
    struct text mail = letters();
    assert_true(holds(mail, "<anh@example.vn>"));
    assert_true(holds(mail, "bien-lai-26TAA-1.xml") && holds(mail, "bien-lai-26TAA-1.pdf"));
    assert_int_equal(
        receipt_world_count(&world, "receipt_delivery WHERE state = 'sent' AND contact = 'a•••@example.vn'"), 1);
    test_sql(world.db, "INSERT INTO job (kind, key, body, run_at, created_at) SELECT 'receipt.deliver', 'again', "
                       "jsonb_build_object('receipt', max(id)), '2020-01-01', '2020-01-01' FROM receipt");
    struct text before = letters();
    receipt_world_work(&world);
    assert_int_equal(letters().length, before.length); /* once */
}

static void a_refused_address_is_given_up_at_once_and_a_person_told(void **state)
{
    paid_by("QNAAAAAAAAAA02", "refuse@example.vn", "0912345679");
    assert_int_equal(receipt_world_count(&world, "receipt_delivery WHERE state = 'failed' AND problem IS NOT NULL"), 1);
    assert_int_equal(receipt_world_count(&world, "job WHERE kind = 'receipt.deliver'"), 0);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'mail_refused' AND state = 'open' AND "
                                                 "subject = '" WORLD_COLLECTOR "/EBL01/26TAA/2'"),
                     1);
    paid_by("QNAAAAAAAAAA03", "a@b.vn>\r\nBcc: x@y.vn", "0912345670"); /* no header of a stranger's */
    assert_false(holds(letters(), "Bcc"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'mail_refused'"), 2);
}

static void a_mail_server_that_is_down_is_tried_again_and_nobody_bothered(void **state)
{
    struct post_config elsewhere = post;
    elsewhere.mail_url = "smtp://127.0.0.1:1";
    post_use(&elsewhere);
    paid_by("QNAAAAAAAAAA04", "binh@example.vn", "0912345671");
    post_use(&post);
    assert_int_equal(receipt_world_count(&world, "job WHERE kind = 'receipt.deliver' AND tries = 1"), 1);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'mail_refused'"), 2);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "job WHERE kind = 'receipt.deliver'"), 0);
    assert_true(holds(letters(), "<binh@example.vn>"));
}

static const char *status_of(struct receipt_question question)
{
    const char *status;
    assert_int_equal(receipt_lookup_status(world.db, &world.arena, &question, &status), OK);
    return status;
}

static void without_the_link_there_are_only_words(void **state)
{
    assert_string_equal(status_of((struct receipt_question){.number = TEXT("26TAA/1")}), "issued");
    assert_string_equal(status_of((struct receipt_question){.number = TEXT("EBL01/26TAA/1")}), "issued");
    assert_string_equal(status_of((struct receipt_question){.number = TEXT("26TAA/999")}), "unknown");
    assert_string_equal(status_of((struct receipt_question){.number = TEXT("nonsense")}), "unknown");
    assert_string_equal(status_of((struct receipt_question){.dossier = TEXT("H00001")}), "issued");
    assert_string_equal(status_of((struct receipt_question){.phone = TEXT("0912345678")}), "unknown");
    assert_string_equal(status_of((struct receipt_question){.phone = TEXT("0999999999")}), "unknown");
}

/* Reads the six digits out of the newest letter. */
static struct text code_of_last_letter(void)
{
    struct text rest = letters(), last = TEXT_NONE;
    struct buf plain = {0};
    for (;;) {
        size_t at = text_find(rest, TEXT("base64\\n\\n"));
        if (at == rest.length)
            break;
        rest = text_slice(rest, at + 10, rest.length);
        last = rest;
    }
    last.length = text_find(last, TEXT("\\n--"));
    struct buf joined = {0};
    for (size_t i = 0; i < last.length; i++)
        if (last.at[i] == '\\')
            i++; /* \n of the JSON */
        else
            buf_char(&joined, last.at[i]);
    assert_true(base64_decode(buf_view(&joined), &plain));
    struct text words = arena_text(&world.arena, buf_view(&plain));
    buf_done(&joined);
    buf_done(&plain);
    return text_slice(words, text_find(words, TEXT(": ")) + 2, 6);
}

static void content_comes_after_a_code_to_the_contact_on_file(void **state)
{
    struct receipt_question question = {.phone = TEXT("0912345678")};
    struct text challenge;
    const char *links[RECEIPT_LINKS_MAX];
    size_t count;
    assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &question, &challenge), OK);
    receipt_world_work(&world);
    struct text code = code_of_last_letter();
    assert_int_equal(code.length, 6);
    assert_int_equal(receipt_lookup_open(world.db, &world.arena, clock_now(), challenge, TEXT("000000"), links,
                                         RECEIPT_LINKS_MAX, &count),
                     ERR_LOOKUP_CODE);
    assert_int_equal(
        receipt_lookup_open(world.db, &world.arena, clock_now(), challenge, code, links, RECEIPT_LINKS_MAX, &count),
        OK);
    assert_int_equal(count, 1);
    assert_true(text_starts(text_of(links[0]), "https://lephi.example/r/"));
    assert_int_equal(
        receipt_lookup_open(world.db, &world.arena, clock_now(), challenge, code, links, RECEIPT_LINKS_MAX, &count),
        ERR_LOOKUP_CODE); /* once */
}

static void a_miss_answers_like_a_hit_and_five_wrong_codes_end_it(void **state)
{
    struct receipt_question miss = {.phone = TEXT("0999999999")}, hit = {.dossier = TEXT("H00001")};
    struct text challenge;
    const char *links[RECEIPT_LINKS_MAX];
    size_t count;
    for (int i = 0; i < 3; i++)
        assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &miss, &challenge), OK);
    assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &miss, &challenge), ERR_RATE_LIMIT);
    assert_int_equal(receipt_world_count(&world, "job WHERE kind = 'receipt.code'"), 0);
    assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &hit, &challenge), OK);
    receipt_world_work(&world);
    struct text code = code_of_last_letter();
    for (int i = 0; i < 5; i++)
        assert_int_equal(receipt_lookup_open(world.db, &world.arena, clock_now(), challenge, TEXT("999999x"), links,
                                             RECEIPT_LINKS_MAX, &count),
                         ERR_LOOKUP_CODE);
    assert_int_equal(
        receipt_lookup_open(world.db, &world.arena, clock_now(), challenge, code, links, RECEIPT_LINKS_MAX, &count),
        ERR_LOOKUP_CODE);
    /* the third code to this contact within the hour is the last */
    assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &hit, &challenge), OK);
    assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &hit, &challenge), ERR_RATE_LIMIT);
}

/* The content of the newest short message; at NULL when none came after `from` bytes of the sink. */
static struct text last_short_message(void)
{
    struct text rest = letters(), last = TEXT_NONE;
    static const char start[] = "\"channel\":\"sms\"";
    for (size_t at; (at = text_find(rest, text_of(start))) < rest.length;) {
        rest = text_slice(rest, at + sizeof start - 1, rest.length);
        last = rest;
    }
    return last;
}

static void the_code_comes_by_short_message_where_there_is_no_address(void **state)
{
    struct post_config with_sms = post;
    with_sms.sms = (struct post_gateway){
        .url = arena_printf(&world.arena, "%s/MainService.svc/json/SendMultipleMessage_V4_post_json/", outside.base),
        .method = "POST",
        .headers = config_text(CONFIG_SMS_HEADERS),
        .body = config_text(CONFIG_SMS_BODY),
        .accept = config_text(CONFIG_SMS_ACCEPT),
        .key = "key",
        .secret = "secret",
        .sender = "QuangNinh"};
    post_use(&with_sms);
    paid_by("QNAAAAAAAAAA05", "", "0987654321");
    struct receipt_question question = {.phone = TEXT("0987654321")};
    struct text challenge;
    const char *links[RECEIPT_LINKS_MAX];
    size_t count;
    assert_int_equal(receipt_lookup_send(world.db, &world.arena, clock_now(), &question, &challenge), OK);
    receipt_world_work(&world);
    struct text message = last_short_message();
    assert_true(holds(message, "\"Phone\":\"0987654321\"") && holds(message, "\"Brandname\":\"QuangNinh\""));
    assert_true(
        holds(message, "\"Content\":\"Ma tra cuu bien lai: ")); /* plain letters: one message of the operator's */
    struct text code = text_slice(message, text_find(message, TEXT("bien lai: ")) + 10, 6);
    assert_int_equal(
        receipt_lookup_open(world.db, &world.arena, clock_now(), challenge, code, links, RECEIPT_LINKS_MAX, &count),
        OK);
    assert_int_equal(count, 1);
    /* the code stands in no table in clear */
    assert_int_equal(
        test_int(world.db, arena_printf(&world.arena, "SELECT count(*) FROM job WHERE body::text LIKE '%%%.*s%%'",
                                        TEXT_ARGS(code))),
        0);
    post_use(&post);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_receipt_is_mailed_with_its_files),
        cmocka_unit_test(a_refused_address_is_given_up_at_once_and_a_person_told),
        cmocka_unit_test(a_mail_server_that_is_down_is_tried_again_and_nobody_bothered),
        cmocka_unit_test(without_the_link_there_are_only_words),
        cmocka_unit_test(content_comes_after_a_code_to_the_contact_on_file),
        cmocka_unit_test(the_code_comes_by_short_message_where_there_is_no_address),
        cmocka_unit_test(a_miss_answers_like_a_hit_and_five_wrong_codes_end_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
