/* The carrier's own price goes before the tariff when it is asked for, and its silence is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "postal/postal.h"
#include "tests/support/database.h"
#include "tests/support/sandbox.h"

#define CHARGE "/vnpost/customer-partner/ServicesCharge"

static struct test_sandbox sandbox;
static struct http_client *client;
static struct http_server *server;
static struct db *db;
static struct arena arena;
static char own[64]; /* our server */

static const struct route routes[] = {
    {"POST", "/v1/postal/quotes", postal_quote_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
};

static enum err worker_open(void *context, struct db **ret_db)
{
    *ret_db = test_db();
    return OK;
}

static void worker_close(void *context, struct db *worker)
{
    db_close(worker);
}

static struct http_answer call(const char *base, const char *method, const char *path, const char *body)
{
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = method,
                                   .url = arena_printf(&arena, "%s%s", base, path),
                                   .headers = &json,
                                   .header_count = 1,
                                   .body = body ? text_of(body) : TEXT_NONE};
    struct http_answer answer;
    assert_int_equal(http_client_call(client, &call, &arena, &answer), OK);
    return answer;
}

static json_t *asked(const char *base, const char *method, const char *path, const char *body, int expect)
{
    struct http_answer answer = call(base, method, path, body);
    if (answer.status != expect)
        fail_msg("%s %s: %d %.*s", method, path, answer.status, TEXT_ARGS(answer.body));
    json_t *json = json_loadb(answer.body.at, answer.body.length, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *word(json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    return value ? arena_copy(&arena, text_of(value)) : "";
}

static enum err room_open(bool ask_price)
{
    struct faults faults;
    faults_init(&faults, &arena);
    const struct postal_config config = {.tariff_file = "postal/tariff.csv",
                                         .zones_file = "postal/zones.csv",
                                         .communes_file = "core/province/communes.csv",
                                         .origins_file = "core/province/commune_origins.csv",
                                         .status_file = "postal/vnpost_status.csv",
                                         .home = "22",
                                         .office_commune = "06688",
                                         .client = client,
                                         .base_url = arena_printf(&arena, "%s/vnpost", sandbox.base),
                                         .username = "sandbox",
                                         .password = "sandbox",
                                         .customer_code = "C000000001",
                                         .ask_price = ask_price,
                                         .public_key_file =
                                             arena_printf(&arena, "%s/vnpost-public.pem", sandbox.folder)};
    enum err err = postal_open(&config, &faults);
    if (err)
        print_message("%s: %s\n", faults.list[0].where, faults.list[0].detail);
    return err;
}

static void mischief(const char *path, const char *kind)
{
    json_decref(asked(sandbox.base, "POST", "/mischief",
                      arena_printf(&arena, "{\"path\":\"%s\",\"kind\":\"%s\"}", path, kind), 200));
}

static void room_again(bool ask_price)
{
    postal_close();
    assert_int_equal(room_open(ask_price), OK);
}

static json_t *quote(const char *body)
{
    return asked(own, "POST", "/v1/postal/quotes", body, 200);
}

#define BOTH    "{\"service\":\"both\",\"commune\":\"06652\",\"weight_g\":200,\"collect\":50000}"
#define RECEIVE "{\"commune\":\"06652\",\"weight_g\":200}"

static int64_t total(json_t *json)
{
    return json_integer_value(json_object_get(json, "total"));
}

static int64_t tariff_total(const char *body)
{
    room_again(false);
    json_t *json = quote(body);
    int64_t sum = total(json);
    assert_string_equal(word(json, "price_source"), "tariff");
    assert_string_equal(word(json, "carrier_notice"), "");
    json_decref(json);
    return sum;
}

static void the_carriers_price_goes_before_the_tariff(void **state)
{
    int64_t ours = tariff_total(BOTH);
    room_again(true);
    json_t *json = quote(BOTH);
    assert_string_equal(word(json, "price_source"), "carrier");
    assert_true(json_is_false(json_object_get(json, "illustrative")));
    assert_int_equal(total(json), 27500 + 27500 + 5000); /* two legs of 200 g, money collected at the second one */
    assert_int_not_equal(total(json), ours);
    assert_int_equal(json_array_size(json_object_get(json, "lines")), 2);
    json_decref(json);
}

static void another_days_price_is_the_tariffs(void **state)
{
    room_again(true);
    json_t *json = quote("{\"commune\":\"06652\",\"weight_g\":200,\"on\":\"2026-10-01\"}");
    assert_string_equal(word(json, "price_source"), "tariff");
    json_decref(json);
}

static void falls_back(const char *kind)
{
    int64_t ours = tariff_total(RECEIVE);
    room_again(true);
    mischief(CHARGE, kind);
    for (int i = 0; i < 2; i++) { /* after one that failed there is a pause: the second is answered at once */
        int64_t before = clock_monotonic_us();
        json_t *json = quote(RECEIVE);
        assert_string_equal(word(json, "price_source"), "tariff");
        assert_int_equal(total(json), ours);
        assert_true(strlen(word(json, "carrier_notice")) > 0);
        assert_true(json_is_true(json_object_get(json, "illustrative")));
        json_decref(json);
        if (i)
            assert_in_range(clock_monotonic_us() - before, 0, 1000000);
    }
    mischief(CHARGE, "none");
}

static void a_carrier_that_fails_or_hangs_is_replaced_by_the_tariff_and_the_quote_says_so(void **state)
{
    falls_back("refuse");
    falls_back("answer_500");
    falls_back("hang");
}

static void an_expired_token_is_renewed_for_a_price(void **state)
{
    room_again(true);
    mischief(CHARGE, "expire_token");
    json_t *json = quote(RECEIVE);
    assert_string_equal(word(json, "price_source"), "carrier");
    assert_int_equal(total(json), 27500);
    json_decref(json);
}

static int start(void **state)
{
    static const char *const options[] = {"--retry-base-ms", "100", NULL};
    arena_init(&arena);
    db = test_db();
    test_sandbox_start(&sandbox, options);
    const struct http_client_config client_config = {0};
    if (http_client_start(&client_config, &client))
        return -1;
    if (room_open(true))
        return -1;
    const struct http_config http = {.routes = routes,
                                     .route_count = sizeof routes / sizeof *routes,
                                     .workers = 2,
                                     .worker_open = worker_open,
                                     .worker_close = worker_close};
    if (http_server_start(&http, &server))
        return -1;
    snprintf(own, sizeof own, "http://127.0.0.1:%d", http_server_port(server));
    return 0;
}

static int stop(void **state)
{
    test_sandbox_stop(&sandbox, SIGTERM);
    test_sandbox_remove(&sandbox);
    http_server_stop(server, 1000);
    http_client_stop(client);
    postal_close();
    db_close(db);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_carriers_price_goes_before_the_tariff),
        cmocka_unit_test(another_days_price_is_the_tariffs),
        cmocka_unit_test(a_carrier_that_fails_or_hangs_is_replaced_by_the_tariff_and_the_quote_says_so),
        cmocka_unit_test(an_expired_token_is_renewed_for_a_price),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
