/* The daily summary 01/TH-BLĐT on its way: made in the evening, amended when something came later, sent once whatever
 * happens on the line. The tax authority is played by the sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/receipt_world.h"
#include "tests/support/sandbox.h"

static struct receipt_world world;
static struct test_sandbox authority;
static const char *const no_options[] = {NULL};
static struct http_client *client;
static const struct tax_adapter *adapter;
static char url[100];

static void connect_authority(void)
{
    snprintf(url, sizeof url, "%s/tax", authority.base);
    adapter = tax_https_new(client, url, "", "");
    receipt_tax_use(adapter);
}

static int set_up(void **state)
{
    receipt_world_open(&world);
    test_sandbox_start(&authority, no_options);
    const struct http_client_config config = {0};
    assert_int_equal(http_client_start(&config, &client), OK);
    connect_authority();
    return 0;
}

static int tear_down(void **state)
{
    receipt_tax_use(NULL);
    tax_https_free(adapter);
    http_client_stop(client);
    if (authority.pid)
        test_sandbox_stop(&authority, SIGTERM);
    test_sandbox_remove(&authority);
    receipt_world_close(&world);
    return 0;
}

static struct http_answer say(const char *method, const char *path, const char *body)
{
    struct http_answer answer;
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = method,
                                   .url = arena_printf(&world.arena, "%s%s", authority.base, path),
                                   .headers = &json,
                                   .header_count = body ? 1 : 0,
                                   .body = text_of(body)};
    assert_int_equal(http_client_call(client, &call, &world.arena, &answer), OK);
    return answer;
}

static int64_t received(const char *what)
{
    json_t *list =
        json_loadb(say("GET", "/tax/received", NULL).body.at, say("GET", "/tax/received", NULL).body.length, 0, NULL);
    json_t *items = json_object_get(list, "items"), *item;
    size_t i;
    int64_t sum = 0;
    json_array_foreach(items, i, item) sum += what ? json_integer_value(json_object_get(item, what)) : 1;
    json_decref(list);
    return sum;
}

static struct text column(const char *name)
{
    return test_value(world.db, &world.arena,
                      arena_printf(&world.arena, "SELECT %s FROM tax_message ORDER BY id DESC LIMIT 1", name));
}

static void the_days_receipts_go_out_the_same_evening(void **state)
{
    receipt_world_paid(&world, "QNAAAAAAAAAA01", 16000);
    receipt_world_paid(&world, "QNAAAAAAAAAA02", 8000);
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "tax_message"), 0); /* noon: nothing yet */
    receipt_world_clock("2026-11-23T15:31:00Z");                     /* 22:31 in Vietnam */
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "tax_message WHERE state = 'accepted' AND ordinal = 0 AND lines = 2 "
                                                 "AND amount = 24000 AND due_on = '2026-11-23'"),
                     1);
    assert_int_equal(received(NULL), 1);
    struct text sent = say("GET", "/tax/last", NULL).body;
    assert_true(text_equal(sent, column("convert_from(signed_xml, 'UTF8')")));
    assert_true(text_find(sent, TEXT("<LanDau>1</LanDau>")) < sent.length);
}

/* The signature is judged by xmlsec1, the form by our XSD. */
static void other_programs_agree_with_the_summary(void **state)
{
    char file[300], trust[300], command[1500];
    struct text xml = column("convert_from(signed_xml, 'UTF8')");
    snprintf(file, sizeof file, "%s/summary.xml", world.folder);
    snprintf(trust, sizeof trust, "%s/trust.pem", world.folder);
    assert_int_equal(file_write(file, xml, 0600), OK);
    test_authority_write(world.authority, trust);
    snprintf(command, sizeof command,
             "xmlsec1 --verify --trusted-pem %s --verification-time '2026-11-24 00:00:00' --id-attr:Id DuLieuTongHop "
             "--id-attr:Id http://www.w3.org/2000/09/xmldsig#:Object %s >/dev/null 2>&1",
             trust, file);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "xmllint --nonet --noout --schema receipts/tax.xsd %s 2>&1", file);
    assert_int_equal(system(command), 0);
}

static void nothing_new_makes_no_amendment(void **state)
{
    receipt_world_clock("2026-11-23T17:06:00Z"); /* the round after midnight */
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "tax_message"), 1);
    assert_int_equal(receipt_world_count(&world, "job WHERE kind = 'receipt.summary'"), 0);
}

static void a_receipt_after_the_evening_comes_in_an_amendment(void **state)
{
    receipt_world_clock("2026-11-24T15:40:00Z"); /* 22:40: the evening's round is over */
    receipt_world_paid(&world, "QNAAAAAAAAAA03", 16000);
    receipt_world_work(&world);
    receipt_world_clock("2026-11-24T15:41:00Z");
    receipt_world_work(&world);
    receipt_world_paid(&world, "QNAAAAAAAAAA04", 10000);
    receipt_world_work(&world);
    receipt_world_clock("2026-11-24T17:06:00Z");
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "tax_message WHERE day = '2026-11-24' AND ordinal = 0 AND lines = 1"),
                     1);
    assert_int_equal(receipt_world_count(&world, "tax_message WHERE day = '2026-11-24' AND ordinal = 1 AND lines = 2 "
                                                 "AND amount = 26000 AND state = 'accepted'"),
                     1);
    struct text sent = say("GET", "/tax/last", NULL).body;
    assert_true(text_find(sent, TEXT("<SuaDoiBoSungLan>1</SuaDoiBoSungLan>")) < sent.length);
}

/* The authority took it and its answer got lost: it is asked, and has it once. */
static void a_lost_answer_is_asked_for_and_nothing_is_sent_twice(void **state)
{
    int64_t before = received("times");
    receipt_world_clock("2026-11-25T05:00:00Z");
    receipt_world_paid(&world, "QNAAAAAAAAAA05", 16000);
    receipt_world_work(&world);
    say("POST", "/mischief", "{\"path\": \"/tax/messages\", \"kind\": \"answer_500\"}");
    receipt_world_clock("2026-11-25T15:31:00Z");
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "unknown"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'tax_waiting' AND state = 'open'"), 1);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "accepted"));
    assert_int_equal(received("times"), before + 1);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE state = 'open'"), 0);
}

/* An outage over the week-end: three working days run from its end. */
static void an_outage_moves_the_last_day_by_three_working_days(void **state)
{
    assert_true(test_sandbox_stop(&authority, SIGTERM));
    receipt_world_clock("2026-11-26T05:00:00Z"); /* Thursday */
    receipt_world_paid(&world, "QNAAAAAAAAAA06", 16000);
    receipt_world_work(&world);
    receipt_world_clock("2026-11-26T15:31:00Z");
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "queued"));
    assert_true(text_is(column("due_on"), "2026-12-01")); /* Friday, Monday, Tuesday */
    receipt_world_clock("2026-11-27T05:00:00Z");
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_true(text_is(column("due_on"), "2026-12-02"));
    authority.pid = 0;
    test_sandbox_start(&authority, no_options);
    receipt_tax_use(NULL);
    tax_https_free(adapter);
    connect_authority();
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "accepted"));
    assert_int_equal(receipt_world_count(&world, "tax_audit('2026-11-27T10:00Z')"), 0);
}

/* It takes the connection and says nothing: given up after the time-out, asked later, and sent again because it has
 * nothing; the last day is three working days from the last day that it was silent. */
static void a_silent_authority_is_left_and_asked_again_within_the_legal_days(void **state)
{
    int64_t before = received("times"), started_us = clock_monotonic_us();
    receipt_world_clock("2026-11-27T06:00:00Z"); /* Friday */
    receipt_world_paid(&world, "QNAAAAAAAAAA09", 16000);
    receipt_world_work(&world);
    say("POST", "/mischief", "{\"path\": \"/tax/messages\", \"kind\": \"hang\"}");
    receipt_world_clock("2026-11-27T15:31:00Z");
    receipt_world_work(&world);
    int64_t waited_s = (clock_monotonic_us() - started_us) / SECOND_US;
    assert_true(waited_s >= 15 && waited_s <= 39); /* its own 40 s were not waited for */
    assert_true(text_is(column("state"), "unknown"));
    assert_true(text_is(column("due_on"), "2026-12-02")); /* Monday, Tuesday, Wednesday */
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'tax_waiting' AND state = 'open'"), 1);
    assert_int_equal(received("times"), before);
    receipt_world_clock("2026-12-01T03:00:00Z");
    assert_int_equal(receipt_world_count(&world, "tax_audit('2026-12-01T03:00Z')"), 0);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "accepted"));
    assert_int_equal(received("times"), before + 1);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE state = 'open'"), 0);
}

static void a_refusal_is_shown_and_sent_again_when_a_person_asks(void **state)
{
    receipt_world_clock("2026-11-28T05:00:00Z");
    receipt_world_paid(&world, "QNAAAAAAAAAA07", 16000);
    receipt_world_work(&world);
    say("POST", "/mischief", "{\"path\": \"/tax/messages\", \"kind\": \"refuse\"}");
    receipt_world_clock("2026-11-28T15:31:00Z");
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "refused"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'tax_refused' AND state = 'open'"), 1);
    test_sql(world.db, "SELECT tax_message_again('2026-11-28T15:35Z', 'staff:f', (SELECT max(id) FROM tax_message))");
    receipt_world_work(&world);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "accepted"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE state = 'open'"), 0);
}

static void without_a_key_the_summary_waits_unsigned_and_staff_are_told(void **state)
{
    struct receipt_office *closed = receipt_office_new("https://lephi.example");
    receipt_world_clock("2026-11-29T05:00:00Z");
    receipt_world_paid(&world, "QNAAAAAAAAAA08", 16000);
    receipt_world_work(&world);
    receipt_office_use(closed);
    receipt_world_clock("2026-11-29T15:31:00Z");
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "unsigned"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'tax_unsigned' AND state = 'open'"), 1);
    receipt_office_use(world.office);
    receipt_office_free(closed);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_true(text_is(column("state"), "accepted"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE state = 'open'"), 0);
}

static void what_was_told_never_changes(void **state)
{
    test_sql_refused(world.db, "UPDATE tax_message SET amount = amount + 1", "23001");
    test_sql_refused(world.db, "UPDATE tax_message SET signed_xml = 'x'", "23001");
    test_sql_refused(world.db, "UPDATE tax_message SET state = 'queued', answered_at = NULL WHERE state = 'accepted'",
                     "23001");
    test_sql_refused(world.db, "DELETE FROM tax_message", "23001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_days_receipts_go_out_the_same_evening),
        cmocka_unit_test(other_programs_agree_with_the_summary),
        cmocka_unit_test(nothing_new_makes_no_amendment),
        cmocka_unit_test(a_receipt_after_the_evening_comes_in_an_amendment),
        cmocka_unit_test(a_lost_answer_is_asked_for_and_nothing_is_sent_twice),
        cmocka_unit_test(an_outage_moves_the_last_day_by_three_working_days),
        cmocka_unit_test(a_silent_authority_is_left_and_asked_again_within_the_legal_days),
        cmocka_unit_test(a_refusal_is_shown_and_sent_again_when_a_person_asks),
        cmocka_unit_test(without_a_key_the_summary_waits_unsigned_and_staff_are_told),
        cmocka_unit_test(what_was_told_never_changes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
