/* Reminders, quiet hours, refunds and parcels: the clock is the test's, the sender is the room's own round. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "payments/notices/notices.h"
#include "tests/support/database.h"
#include "tests/support/sink.h"

static struct db *db;
static struct test_sandbox outside;
static struct http_client *client;
static struct arena arena;
static struct post_config post;
static struct notices_config config;

static instant_us at(const char *text)
{
    instant_us instant;
    assert_true(instant_parse(text_of(text), &instant));
    return instant;
}

/* Plans and sends until nothing is left at this moment. */
static void work(const char *when)
{
    int64_t planned, sent, letters;
    assert_int_equal(feed_round(db, &arena, &planned), OK);
    do {
        if (notices_plan(db, &arena, &config, at(when), &planned))
            fail_msg("%s", db_error(db));
        assert_int_equal(notices_send(db, &arena, &config, POST_SMS, at(when), &sent), OK);
        assert_int_equal(notices_send(db, &arena, &config, POST_EMAIL, at(when), &letters), OK);
    } while (planned + sent + letters);
}

static int count_of(const char *words)
{
    return sink_count(&outside, client, &arena, "sms", words);
}

/* A request that ends on 23 December 2026 08:00 of Vietnam, of a dossier with a telephone number and an address. */
static int64_t request(const char *reference)
{
    int64_t id = test_request(db, reference, 16000);
    test_sql(db, arena_printf(&arena,
                              "UPDATE dossier SET applicant_phone = '0912345678', applicant_email = 'a@example.vn'"
                              " WHERE code = (SELECT dossier FROM payment_request WHERE id = %lld)",
                              (long long)id));
    return id;
}

static int set_up(void **state)
{
    static const char *const none[] = {NULL};
    arena_init(&arena);
    db = test_db();
    test_province(db);
    test_sandbox_start(&outside, none);
    assert_int_equal(http_client_start(&(struct http_client_config){0}, &client), OK);
    post = (struct post_config){.client = client,
                                .mail_url = sink_mail_url(&outside, client, &arena),
                                .mail_user = "",
                                .mail_from = "lephi@quangninh.example",
                                .sms = {.url = arena_printf(&arena, "%s/sink/sms", outside.base),
                                        .method = "POST",
                                        .headers = "Content-Type: application/json",
                                        .body = "{\"to\":\"{phone}\",\"words\":\"{text}\"}",
                                        .accept = "/CodeResult=100"}};
    post_use(&post);
    config = (struct notices_config){.channels = "sms", .remind_h = 48, .zalo_templates = "", .hotline = ""};
    assert_true(quiet_hours_read(TEXT("21:00-07:00"), &config.quiet));
    work("2026-11-23T08:00:00+07:00");
    return 0;
}

static int tear_down(void **state)
{
    post_use(NULL);
    http_client_stop(client);
    test_sandbox_stop(&outside, SIGTERM);
    test_sandbox_remove(&outside);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void who_has_not_paid_is_reminded_once_before_the_end(void **state)
{
    request("QNAAAAAAAAAA01");
    work("2026-11-23T09:00:00+07:00");
    assert_int_equal(count_of("Ho so H00001: nop 16.000d, han 23/12/2026"), 1);
    work("2026-12-20T12:00:00+07:00");
    assert_int_equal(count_of("con phai nop"), 0); /* three days before: not yet */
    work("2026-12-21T12:00:00+07:00");
    assert_int_equal(count_of("Ho so H00001: con phai nop 16.000d, han 23/12/2026, ma QNAAAAAAAAAA01"), 1);
    work("2026-12-22T12:00:00+07:00");
    assert_int_equal(count_of("con phai nop"), 1);
}

static void quiet_hours_are_waited_for_and_a_payment_meanwhile_cancels(void **state)
{
    int64_t paid = request("QNAAAAAAAAAA02"), part = request("QNAAAAAAAAAA03");
    test_sql(
        db, "UPDATE payment_request SET expires_at = '2026-12-27T03:00:00+07:00' WHERE status = 'pending' AND reference"
            " <> 'QNAAAAAAAAAA01'");
    work("2026-12-24T09:00:00+07:00"); /* both are told of the request */
    work("2026-12-25T04:00:00+07:00"); /* 47 hours before, in the night */
    assert_int_equal(count_of("H00002: con phai nop"), 0);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM notice WHERE kind = 'reminder' AND state = 'waiting' AND run_at ="
                              " '2026-12-25T07:00:00+07:00'"),
                     2);
    test_sql(db, arena_printf(&arena,
                              "UPDATE payment_request SET status = 'paid', allocated = amount, settled_at ="
                              " '2026-12-25T05:00:00+07:00' WHERE id = %lld; UPDATE payment_request SET status ="
                              " 'partly_paid', allocated = 6000 WHERE id = %lld",
                              (long long)paid, (long long)part));
    work("2026-12-25T07:00:00+07:00");
    assert_int_equal(count_of("H00002: con phai nop"), 0);
    assert_int_equal(count_of("H00003: con phai nop 10.000d"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice WHERE kind = 'reminder' AND state = 'cancelled'"), 1);
}

static void event(const char *kind, const char *body)
{
    test_sql(db, arena_printf(
                     &arena,
                     "SELECT event_record('2026-12-25T09:00:00+07:00', ARRAY['%s'], ARRAY['H00003'], ARRAY[(SELECT id"
                     " FROM payment_request WHERE dossier = 'H00003')], ARRAY['%s'::jsonb])",
                     kind, body));
}

static void a_refund_and_a_parcel_are_told(void **state)
{
    event("refund.paid", "{\"refund\": 1, \"amount\": 6000}");
    event("parcel.status", "{\"parcel\": \"P1\", \"item\": \"EA123456789VN\", \"status\": \"in_transit\"}");
    event("parcel.status", "{\"parcel\": \"P1\", \"item\": \"EA123456789VN\", \"status\": \"failed_attempt\"}");
    event("parcel.status", "{\"parcel\": \"P1\", \"item\": \"EA123456789VN\", \"status\": \"delivered\"}");
    work("2026-12-25T09:01:00+07:00");
    assert_int_equal(count_of("Da hoan 6.000d cua ho so H00003"), 1);
    assert_int_equal(count_of("Chua phat duoc buu gui EA123456789VN cua ho so H00003"), 1);
    assert_int_equal(count_of("Buu gui EA123456789VN cua ho so H00003 da duoc phat."), 1);
    work("2026-12-25T09:02:00+07:00");
    assert_int_equal(count_of("EA123456789VN"), 2);
}

static void a_gateway_that_is_away_is_tried_again_and_no_quiet_hour_broken(void **state)
{
    struct post_config away = post;
    away.sms.url = "http://127.0.0.1:1/sms";
    event("refund.paid", "{\"refund\": 2, \"amount\": 1000}");
    post_use(&away);
    work("2026-12-25T20:59:58+07:00");
    post_use(&post);
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice WHERE state = 'waiting' AND tries = 1 AND run_at ="
                                  " '2026-12-26T07:00:00+07:00'"),
                     1);
    work("2026-12-26T07:00:00+07:00");
    assert_int_equal(count_of("Da hoan 1.000d"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice WHERE state NOT IN ('sent', 'cancelled')"), 0);
}

static void erased_people_are_not_written_to(void **state)
{
    test_sql(db, "INSERT INTO contact_choice (dossier, channels, phone, said_at, said_by) VALUES ('H00003', '{sms}',"
                 " '0999888777', '2026-12-25', 'system:test')");
    event("refund.paid", "{\"refund\": 3, \"amount\": 2000}");
    int64_t planned;
    assert_int_equal(feed_round(db, &arena, &planned), OK);
    assert_int_equal(notices_plan(db, &arena, &config, at("2026-12-26T08:00:00+07:00"), &planned), OK);
    test_sql(db, "UPDATE dossier SET applicant_name = '(đã xóa)', applicant_phone = NULL WHERE code = 'H00003'");
    work("2026-12-26T08:01:00+07:00");
    assert_int_equal(count_of("0999888777"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM contact_choice"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM notice WHERE dossier = 'H00003' AND (contact <> '' OR facts <>"
                                  " '{}')"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_has_not_paid_is_reminded_once_before_the_end),
                                       cmocka_unit_test(quiet_hours_are_waited_for_and_a_payment_meanwhile_cancels),
                                       cmocka_unit_test(a_refund_and_a_parcel_are_told),
                                       cmocka_unit_test(a_gateway_that_is_away_is_tried_again_and_no_quiet_hour_broken),
                                       cmocka_unit_test(erased_people_are_not_written_to)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
