/* What the post office tells of a parcel that nobody expected: unknown words, an order that is none, a parcel that was
 * cancelled, a text that it did not sign. Nothing is lost, nothing is believed, people are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "payments/fees/fees.h"
#include "postal/postal.h"
#include "tests/support/database.h"
#include "tests/support/sandbox.h"

enum { WAIT_MS = 8000 };

static struct test_sandbox sandbox;
static struct http_client *client;
static struct http_server *server;
static struct db *db;
static struct arena arena;
static char own[64]; /* our server */

static const struct route routes[] = {
    {"POST", "/v1/postal/bookings", postal_book_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/bookings/{id}/cancel", postal_cancel_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/v1/postal/bookings/{id}/tracking", postal_tracking_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/notifications/vnpost", postal_notice_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
};
static const struct job_kind kinds[] = {POSTAL_JOB_KINDS};

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

static enum err room_open(void)
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

                                         .public_key_file =
                                             arena_printf(&arena, "%s/vnpost-public.pem", sandbox.folder)};
    enum err err = postal_open(&config, &faults);
    if (err)
        print_message("%s: %s\n", faults.list[0].where, faults.list[0].detail);
    return err;
}

/* A dossier of its own for each test. */
static const char *dossier_new(void)
{
    static int number;
    const char *code = arena_printf(&arena, "P-%05d", ++number);
    test_sql(db,
             arena_printf(&arena,
                          "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, applicant_phone,"
                          " applicant_address, applicant_commune, submitted_at, registered_at, changed_at)"
                          " VALUES ('%s', '1.000001', 'A1', 'online', 'Nguyễn Thị Mẫu', '0912345678', 'Số 1 phố Mới',"
                          " '06652', '2026-11-20 01:00Z', '2026-11-20 01:00Z', '2026-11-20 01:00Z')",
                          code));
    return code;
}

static int64_t book(const char *extra)
{
    json_t *made = asked(own, "POST", "/v1/postal/bookings",
                         arena_printf(&arena, "{\"dossier\":\"%s\",\"weight_g\":150%s}", dossier_new(), extra), 202);
    int64_t id = json_integer_value(json_object_get(made, "id"));
    assert_string_equal(word(made, "state"), "wanted");
    json_decref(made);
    return id;
}

/* Runs what is due, as if every wait were over. */
static void jobs_run(void)
{
    const struct jobs_config config = {.kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    size_t ran = 1;
    test_sql(db, "UPDATE job SET run_at = created_at WHERE kind IN ('postal_book', 'postal_cancel')");
    while (ran) /* a round takes one job of a kind; what fails waits and is not taken again */
        assert_int_equal(jobs_round(db, &config, &ran), OK);
}

static const char *column(int64_t id, const char *name)
{
    return arena_copy(
        &arena,
        test_value(db, &arena, arena_printf(&arena, "SELECT %s FROM parcel WHERE id = %lld", name, (long long)id)));
}

static void advance(int64_t id, const char *status)
{
    json_decref(asked(sandbox.base, "POST", "/vnpost/advance",
                      arena_printf(&arena, "{\"itemCode\":\"%s\",\"status\":\"%s\"}", column(id, "item"), status),
                      200));
}

static void wait_status(int64_t id, const char *status)
{
    for (int waited = 0; waited < WAIT_MS; waited += 20) {
        if (!strcmp(column(id, "status"), status))
            return;
        usleep(20000);
    }
    fail_msg("status is %s, not %s", column(id, "status"), status);
}

static int64_t booked_one(void)
{
    int64_t id = book("");
    jobs_run();
    assert_string_equal(column(id, "state"), "booked");
    return id;
}

static int64_t raised(int64_t id, const char *concern)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT count(*) FROM postal_concerns('2030-01-01') c WHERE concern = '%s' AND"
                                     " c.parcel = '%s'",
                                     concern, column(id, "code")));
}

static int64_t steps_kept(int64_t id)
{
    return test_int(db,
                    arena_printf(&arena, "SELECT count(*) FROM parcel_event WHERE parcel_id = %lld", (long long)id));
}

static void wait_steps(int64_t id, int64_t count)
{
    for (int waited = 0; waited < WAIT_MS && steps_kept(id) < count; waited += 20)
        usleep(20000);
    assert_int_equal(steps_kept(id), count);
}

static void an_unknown_word_is_kept_shown_and_raised_until_a_known_one_follows(void **state)
{
    int64_t id = booked_one();
    advance(id, "TGTN");
    wait_status(id, "accepted");
    sleep(1); /* sendDate counts seconds */
    advance(id, "Z99");
    wait_steps(id, 2);
    assert_string_equal(column(id, "status"), "accepted"); /* what we understood last */
    json_t *track =
        asked(own, "GET", arena_printf(&arena, "/v1/postal/bookings/%lld/tracking", (long long)id), NULL, 200);
    json_t *last = json_array_get(json_object_get(track, "events"), 1);
    assert_string_equal(word(last, "status"), "unknown");
    assert_string_equal(word(last, "carrier_status"), "Z99");
    json_decref(track);
    assert_int_equal(raised(id, "unknown_status"), 1);
    sleep(1);
    advance(id, "VC");
    wait_status(id, "in_transit");
    assert_int_equal(raised(id, "unknown_status"), 0);
}

static void a_parcel_that_moves_after_it_was_cancelled_is_kept_and_raised(void **state)
{
    int64_t id = booked_one();
    json_decref(asked(own, "POST", arena_printf(&arena, "/v1/postal/bookings/%lld/cancel", (long long)id), "", 202));
    jobs_run();
    assert_string_equal(column(id, "state"), "cancelled");
    int64_t before = steps_kept(id);
    test_sql(db, arena_printf(&arena,
                              "SELECT parcel_learn(changed_at + interval '1 hour', id, 'notice',"
                              " ARRAY[changed_at + interval '1 hour'], ARRAY['TGTN'], ARRAY['accepted'], ARRAY[''],"
                              " ARRAY['']) FROM parcel WHERE id = %lld",
                              (long long)id));
    assert_int_equal(steps_kept(id), before + 1);
    assert_string_equal(column(id, "state"), "cancelled");
    assert_int_equal(raised(id, "moves_after_cancel"), 1);
}

static void what_is_told_late_stands_in_its_place_and_moves_nothing_back(void **state)
{
    int64_t id = booked_one();
    test_sql(db, arena_printf(&arena,
                              "SELECT parcel_learn('2026-11-23Z', %lld, 'notice', ARRAY['2026-11-22 03:00Z',"
                              " '2026-11-21 03:00Z']::timestamptz[], ARRAY['GHTC', 'VC'], ARRAY['delivered',"
                              " 'in_transit'], ARRAY['', ''], ARRAY['', ''])",
                              (long long)id));
    assert_string_equal(column(id, "status"), "delivered");
    test_sql(db, arena_printf(&arena,
                              "SELECT parcel_learn('2026-11-23Z', %lld, 'asked', ARRAY['2026-11-20 03:00Z'"
                              "::timestamptz], ARRAY['TGTN'], ARRAY['accepted'], ARRAY[''], ARRAY[''])",
                              (long long)id));
    assert_string_equal(column(id, "status"), "delivered");
    json_t *track =
        asked(own, "GET", arena_printf(&arena, "/v1/postal/bookings/%lld/tracking", (long long)id), NULL, 200);
    static const char *const order[] = {"accepted", "in_transit", "delivered"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(word(json_array_get(json_object_get(track, "events"), i), "status"), order[i]);
    json_decref(track);
}

static void a_text_that_the_post_office_did_not_sign_changes_nothing(void **state)
{
    int64_t id = booked_one();
    const char *forged = arena_printf(&arena,
                                      "{\"data\":[{\"itemCode\":\"%s\",\"status\":\"GHTC\"}],\"sendDate\":"
                                      "\"2026-11-23 10:00:00\",\"signature\":\"%s\"}",
                                      column(id, "item"), "c2lnbmVkIGJ5IG5vYm9keQ==");
    int64_t before = steps_kept(id);
    int status = call(own, "POST", "/v1/notifications/vnpost", forged).status;
    assert_true(status == 400 || status == 401);
    assert_int_equal(steps_kept(id), before);
    assert_string_equal(column(id, "status"), "created");
}

static int start(void **state)
{
    static const char *const options[] = {"--retry-base-ms", "100", NULL};
    arena_init(&arena);
    db = test_db();
    test_province(db);
    test_sql(db, "UPDATE agency SET phone = '02033 835 687', address = 'Số 1, đường A' WHERE code = 'A1'");
    test_sandbox_start(&sandbox, options);
    const struct http_client_config client_config = {0};
    if (http_client_start(&client_config, &client))
        return -1;
    if (room_open())
        return -1;
    const struct http_config http = {.routes = routes,
                                     .route_count = sizeof routes / sizeof *routes,
                                     .workers = 2,
                                     .worker_open = worker_open,
                                     .worker_close = worker_close};
    if (http_server_start(&http, &server))
        return -1;
    snprintf(own, sizeof own, "http://127.0.0.1:%d", http_server_port(server));
    json_decref(asked(sandbox.base, "POST", "/settings",
                      arena_printf(&arena, "{\"vnpost_webhook\":\"%s/v1/notifications/vnpost\"}", own), 200));
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
        cmocka_unit_test(an_unknown_word_is_kept_shown_and_raised_until_a_known_one_follows),
        cmocka_unit_test(a_parcel_that_moves_after_it_was_cancelled_is_kept_and_raised),
        cmocka_unit_test(what_is_told_late_stands_in_its_place_and_moves_nothing_back),
        cmocka_unit_test(a_text_that_the_post_office_did_not_sign_changes_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
