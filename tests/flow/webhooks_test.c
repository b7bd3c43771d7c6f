/* Systems are told of events: signed, at least once, in order per dossier, whatever the others do and whoever is
 * killed. The sandbox plays three one-stop-shop systems over real HTTP. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/sandbox.h"
#include "tests/support/service.h"

#define SECRET "one-stop-shop-secret-1"

enum { PATIENCE_S = 30 };

static struct db *db;
static struct service_under_test service;
static struct test_sandbox outside;
static struct arena arena;
static const char *admin;

static struct service_answer staff(const char *method, const char *path, const char *body)
{
    const struct service_call call = {.method = method, .path = path, .body = text_of(body), .cookie = admin};
    return service_call(&service, &arena, &call);
}

static struct http_answer sandbox_call(const char *method, const char *path, const char *body)
{
    struct http_answer answer;
    const struct http_call call = {.method = method,
                                   .url = arena_printf(&arena, "%s%s", outside.base, path),
                                   .body = body ? text_of(body) : TEXT_NONE};
    assert_int_equal(http_client_call(service.client, &call, &arena, &answer), OK);
    return answer;
}

static void behave(const char *place, const char *kind, int times)
{
    sandbox_call("POST", "/mischief",
                 arena_printf(&arena, "{\"path\":\"/receiver/%s\",\"kind\":\"%s\",\"times\":%d}", place, kind, times));
}

/* What a place got; in the arena. */
static json_t *arrived(const char *place)
{
    struct faults faults;
    json_t *value;
    faults_init(&faults, &arena);
    struct text body = sandbox_call("GET", arena_printf(&arena, "/receiver/events?place=%s", place), NULL).body;
    assert_int_equal(json_parse_value(body, &value, &faults), OK);
    return json_object_get(value, "items");
}

/* How many different events of a dossier a place got; every one must be signed well. */
static int events_at(const char *place, const char *dossier)
{
    json_t *items = arrived(place), *item;
    size_t i;
    int count = 0;
    int64_t seen[512];
    json_array_foreach(items, i, item)
    {
        bool again = false;
        assert_true(json_is_true(json_object_get(item, "valid")));
        if (strcmp(json_string_at(item, "dossier"), dossier) != 0)
            continue;
        for (int k = 0; k < count; k++)
            again = again || seen[k] == json_int_at(item, "position");
        if (!again && count < 512)
            seen[count++] = json_int_at(item, "position");
    }
    return count;
}

static bool got(const char *place, const char *dossier, int wanted)
{
    for (int tenths = 0; tenths < PATIENCE_S * 10; tenths++) {
        if (events_at(place, dossier) >= wanted)
            return true;
        test_sleep_ms(100);
    }
    return false;
}

static int64_t subscribe(const char *name, const char *kinds)
{
    struct service_answer answer =
        staff("POST", "/v1/webhooks",
              arena_printf(&arena, "{\"name\":\"%s\",\"url\":\"%s/receiver/%s\",\"kinds\":[%s]}", name, outside.base,
                           name, kinds));
    assert_int_equal(answer.status, 201);
    return json_int_at(answer.json, "id");
}

static int set_up(void **state)
{
    char secret_file[128];
    arena_init(&arena);
    db = test_db();
    snprintf(secret_file, sizeof secret_file, "/tmp/lephi-webhook-secret-%d", (int)getpid());
    FILE *file = fopen(secret_file, "w");
    assert_non_null(file);
    fputs(SECRET, file);
    fclose(file);
    const char *const options[] = {"--secret-file", secret_file, NULL};
    test_sandbox_start(&outside, options);
    remove(secret_file);
    service_set_up(&service, db,
                   arena_printf(&arena,
                                "[webhooks]\nurls = %s/receiver/\ntimeout_ms = 1000\n[webhook.one]\nsecret = " SECRET
                                "\n[webhook.two]\nsecret = " SECRET "\n[webhook.three]\nsecret = " SECRET
                                "\n[webhook.short]\nsecret = fifteen-letters\n",
                                outside.base));
    admin = service_staff_cookie(db, &arena, "lan", "admin");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    test_sandbox_stop(&outside, SIGTERM);
    test_sandbox_remove(&outside);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void only_staff_name_a_subscriber_and_only_at_an_allowed_address(void **state)
{
    const char *good = arena_printf(&arena, "{\"name\":\"one\",\"url\":\"%s/receiver/one\"}", outside.base);
    struct service_answer answer = service_ask(&service, &arena, "POST", "/v1/webhooks", "%s", good);
    EXPECT_PROBLEM(&arena, "a system", &answer, 401, "unauthenticated", "");
    const struct service_call finance = {.method = "POST",
                                         .path = "/v1/webhooks",
                                         .body = text_of(good),
                                         .cookie = service_staff_cookie(db, &arena, "hoa", "finance")};
    answer = service_call(&service, &arena, &finance);
    EXPECT_PROBLEM(&arena, "finance", &answer, 403, "forbidden", "");
    answer = staff("POST", "/v1/webhooks", "{\"name\":\"one\",\"url\":\"http://169.254.169.254/latest\"}");
    EXPECT_PROBLEM(&arena, "elsewhere", &answer, 422, "invalid_request", "/url field_value");
    answer = staff(
        "POST", "/v1/webhooks",
        arena_printf(&arena, "{\"name\":\"unknown\",\"url\":\"%s/receiver/one\",\"kinds\":[\"paid\"]}", outside.base));
    EXPECT_PROBLEM(&arena, "no secret", &answer, 422, "invalid_request", "/kinds field_format, /name field_value");
    answer = staff("POST", "/v1/webhooks",
                   arena_printf(&arena, "{\"name\":\"short\",\"url\":\"%s/receiver/one\"}", outside.base));
    EXPECT_PROBLEM(&arena, "short secret", &answer, 422, "invalid_request", "/name field_value");
    assert_int_equal(test_int(db, "SELECT count(*) FROM webhook"), 0);
}

static void every_event_arrives_signed_and_in_order(void **state)
{
    int64_t one = subscribe("one", "");
    subscribe("two", "\"request.created\",\"refund.*\"");
    struct payment_asked asked = service_request(&service, &arena, "WH-1", 2);
    const struct bank_notice paid = {.id = 901, .amount = asked.amount, .memo = asked.reference};
    struct service_answer told = bank_tells(&service, &arena, &paid);
    assert_true(bank_accepted(&told));
    assert_true(service_drained(db, PATIENCE_S));
    int64_t all = test_int(db, "SELECT count(*) FROM event WHERE dossier = 'WH-1'");
    assert_true(all >= 4); /* created, settled, paid, receipt */
    assert_true(got("one", "WH-1", (int)all));
    assert_true(got("two", "WH-1", 1));
    json_t *items = arrived("one"), *item;
    size_t i;
    int64_t before = 0;
    json_array_foreach(items, i, item)
    {
        assert_true(json_int_at(item, "position") > before);
        before = json_int_at(item, "position");
        assert_string_equal(json_string_at(item, "delivery"), arena_printf(&arena, "one/%lld", (long long)before));
    }
    items = arrived("two");
    json_array_foreach(items, i, item) assert_string_equal(json_string_at(item, "kind"), "request.created");
    struct service_answer log =
        staff("GET", arena_printf(&arena, "/v1/webhooks/%lld/deliveries?dossier=WH-1&limit=2", (long long)one), "");
    assert_int_equal(log.status, 200);
    item = json_array_get(json_object_get(log.json, "items"), 0);
    assert_string_equal(json_string_at(item, "state"), "delivered");
    assert_int_equal(json_int_at(item, "status"), 200);
    assert_string_equal(json_string_at(item, "kind"), "dossier.changed");
    assert_true(json_is_string(json_object_get(log.json, "next_cursor")));
}

static void one_that_hangs_and_one_that_fails_delay_nobody_else(void **state)
{
    subscribe("three", "");
    behave("two", "hang", 3);
    behave("three", "answer_500", 3);
    int64_t began_us = clock_monotonic_us();
    service_request(&service, &arena, "WH-2", 1);
    assert_true(got("one", "WH-2", 1));
    assert_true(clock_monotonic_us() - began_us < 5 * SECOND_US);
    assert_true(got("three", "WH-2", 1)); /* after its back-off */
    behave("two", "none", 1);
    assert_true(got("two", "WH-2", 1));
    assert_true(test_int(db, "SELECT max(tries) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id WHERE"
                             " w.name = 'two'") >= 2);
}

/* The sandbox acts before it answers 500: it has seen the event, we do not know, so it comes again. */
static void a_refused_event_holds_up_its_own_dossier_alone(void **state)
{
    behave("one", "answer_500", 1);
    struct payment_asked held = service_request(&service, &arena, "WH-3", 1);
    for (int i = 0; i < 100 && !events_at("one", "WH-3"); i++)
        test_sleep_ms(20);
    const struct bank_notice paid = {.id = 902, .amount = held.amount, .memo = held.reference};
    struct service_answer told = bank_tells(&service, &arena, &paid);
    assert_true(bank_accepted(&told));
    service_request(&service, &arena, "WH-4", 1);
    assert_true(got("one", "WH-4", 1));
    assert_true(service_drained(db, PATIENCE_S));
    assert_true(got("one", "WH-3", (int)test_int(db, "SELECT count(*) FROM event WHERE dossier = 'WH-3'")));
    json_t *items = arrived("one"), *item;
    size_t i;
    int64_t first = 0, before = 0, repeats = 0;
    json_array_foreach(items, i, item)
    {
        int64_t position = json_int_at(item, "position");
        if (strcmp(json_string_at(item, "dossier"), "WH-3") != 0)
            continue;
        first = first ? first : position;
        assert_true(position >= before); /* in order, the first one twice */
        repeats += position == before;
        before = position;
    }
    assert_int_equal(repeats, 1);
}

static void kill_9_in_the_middle_loses_nothing(void **state)
{
    behave("one", "hang_after", 1);
    service_request(&service, &arena, "WH-5", 1);
    for (int i = 0; i < 30; i++)
        service_request(&service, &arena, arena_printf(&arena, "WH-K%d", i), 1);
    service_kill(&service);
    service_start(&service);
    for (int i = 0; i < 30; i++)
        assert_true(got("one", arena_printf(&arena, "WH-K%d", i), 1));
    assert_true(got("one", "WH-5", 1));
    assert_true(got("three", "WH-K29", 1));
    for (int i = 0;
         i < PATIENCE_S * 10 && test_int(db, "SELECT count(*) FROM webhook_delivery WHERE state = 'waiting'"); i++)
        test_sleep_ms(100);
    assert_int_equal(test_int(db, "SELECT count(*) FROM webhook_delivery WHERE state <> 'delivered'"), 0);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM feed f, webhook w WHERE w.name = 'one' AND NOT EXISTS (SELECT FROM"
                              " webhook_delivery d WHERE d.webhook_id = w.id AND d.position = f.position) AND"
                              " f.position > (SELECT min(position) FROM webhook_delivery WHERE webhook_id = w.id) AND"
                              " f.position <= w.queued_to"),
                     0);
}

static void one_event_or_all_from_a_position_are_sent_again(void **state)
{
    const char *two = arena_printf(&arena, "/v1/webhooks/%lld/replay",
                                   (long long)test_int(db, "SELECT id FROM webhook WHERE name = 'two'"));
    size_t before = json_array_size(arrived("two"));
    int64_t last =
        test_int(db, "SELECT max(d.position) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id WHERE"
                     " w.name = 'two'");
    struct service_answer answer = staff("POST", two, arena_printf(&arena, "{\"position\":%lld}", (long long)last));
    assert_int_equal(answer.status, 202);
    assert_int_equal(json_int_at(answer.json, "queued"), 1);
    for (int i = 0; i < PATIENCE_S * 10 && json_array_size(arrived("two")) < before + 1; i++)
        test_sleep_ms(100);
    json_t *items = arrived("two");
    assert_int_equal(json_array_size(items), before + 1);
    assert_int_equal(json_int_at(json_array_get(items, before), "position"), last);
    /* From the beginning: what it asked for by kind, also from before it subscribed. */
    answer = staff("POST", two, "{\"from\":1}");
    assert_int_equal(answer.status, 202);
    int64_t wanted = test_int(db, "SELECT count(*) FROM event WHERE kind = 'request.created'");
    assert_int_equal(json_int_at(answer.json, "queued"), wanted);
    for (int i = 0; i < PATIENCE_S * 10 && json_array_size(arrived("two")) < before + 1 + (size_t)wanted; i++)
        test_sleep_ms(100);
    assert_int_equal(json_array_size(arrived("two")), before + 1 + (size_t)wanted);
    answer = staff("POST", two, "{\"position\":999999999}");
    EXPECT_PROBLEM(&arena, "not yet", &answer, 404, "not_found", "");
    answer = staff("POST", two, "{}");
    EXPECT_PROBLEM(&arena, "nothing", &answer, 422, "invalid_request", "/position field_missing");
}

static void long_failure_switches_off_with_a_concern_and_on_again_nothing_is_lost(void **state)
{
    int64_t three = test_int(db, "SELECT id FROM webhook WHERE name = 'three'");
    behave("three", "refuse", 1000);
    service_request(&service, &arena, "WH-6", 1);
    for (int i = 0; i < PATIENCE_S * 10 && !test_int(db, "SELECT failures FROM webhook WHERE name = 'three'"); i++)
        test_sleep_ms(100);
    test_sql(db, "UPDATE webhook SET failing_since = '2020-01-01' WHERE name = 'three'");
    for (int i = 0; i < PATIENCE_S * 10 && test_int(db, "SELECT count(*) FROM webhook WHERE state = 'active'") > 2; i++)
        test_sleep_ms(100);
    assert_int_equal(test_int(db, "SELECT count(*) FROM webhook WHERE state = 'disabled' AND name = 'three'"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_concern WHERE kind = 'webhook_disabled' AND subject ="
                                  " 'three' AND state = 'open'"),
                     1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind = 'webhook.disabled'"), 1);
    service_request(&service, &arena, "WH-7", 1);
    assert_true(got("one", "WH-7", 1));
    assert_int_equal(events_at("three", "WH-7"), 0);
    behave("three", "none", 1);
    struct service_answer answer =
        staff("POST", arena_printf(&arena, "/v1/webhooks/%lld/enable", (long long)three), "{}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_string_at(answer.json, "state"), "active");
    assert_true(got("three", "WH-6", 1));
    assert_true(got("three", "WH-7", 1));
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM receipt_concern WHERE kind = 'webhook_disabled' AND state = 'gone'"), 1);
}

static void there_are_no_more_subscribers_than_couriers(void **state)
{
    test_sql(
        db, "INSERT INTO webhook (name, url, kinds, state, queued_to, created_at, created_by, changed_at) SELECT"
            " 'old-' || n, 'https://x.example', '{}', 'disabled', 0, '2026-01-01', 'test', '2026-01-01' FROM"
            " generate_series(1, 32 - (SELECT count(*) FROM webhook)) n; DELETE FROM webhook_delivery d USING webhook w"
            " WHERE d.webhook_id = w.id AND w.name = 'three'; DELETE FROM webhook WHERE name = 'three'");
    subscribe("three", "");
    test_sql(db, "UPDATE webhook SET name = 'four' WHERE name = 'three'");
    struct service_answer answer =
        staff("POST", "/v1/webhooks",
              arena_printf(&arena, "{\"name\":\"three\",\"url\":\"%s/receiver/three\"}", outside.base));
    EXPECT_PROBLEM(&arena, "full", &answer, 409, "conflict", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_staff_name_a_subscriber_and_only_at_an_allowed_address),
        cmocka_unit_test(every_event_arrives_signed_and_in_order),
        cmocka_unit_test(one_that_hangs_and_one_that_fails_delay_nobody_else),
        cmocka_unit_test(a_refused_event_holds_up_its_own_dossier_alone),
        cmocka_unit_test(kill_9_in_the_middle_loses_nothing),
        cmocka_unit_test(one_event_or_all_from_a_position_are_sent_again),
        cmocka_unit_test(long_failure_switches_off_with_a_concern_and_on_again_nothing_is_lost),
        cmocka_unit_test(there_are_no_more_subscribers_than_couriers)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
