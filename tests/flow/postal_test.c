/* Parcels against the post office of the sandbox: booked once whatever is lost, followed by signed call-backs. */
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
#define CREATE "/vnpost/customer-partner/CreateOrder"

static struct test_sandbox sandbox;
static struct http_client *client;
static struct http_server *server;
static struct db *db;
static struct arena arena;
static char own[64]; /* our server */

static const struct route routes[] = {
    {"GET", "/v1/postal/communes", postal_communes_handle, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/quotes", postal_quote_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/bookings", postal_book_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/v1/postal/bookings/{id}", postal_booking_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/v1/postal/bookings/{id}/label.pdf", postal_label_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
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

static enum err room_open(const char *find_type)
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
                                         .find_type = find_type,
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

static const char *state_of(int64_t id)
{
    json_t *json = asked(own, "GET", arena_printf(&arena, "/v1/postal/bookings/%lld", (long long)id), NULL, 200);
    const char *state = word(json, "state");
    json_decref(json);
    return state;
}

static const char *column(int64_t id, const char *name)
{
    return arena_copy(
        &arena,
        test_value(db, &arena, arena_printf(&arena, "SELECT %s FROM parcel WHERE id = %lld", name, (long long)id)));
}

/* How many parcels the post office made for it. */
static size_t parcels_there(int64_t id)
{
    json_t *json = asked(sandbox.base, "GET",
                         arena_printf(&arena, "/vnpost/parcels?saleOrderCode=%s", column(id, "code")), NULL, 200);
    size_t count = json_array_size(json_object_get(json, "items"));
    json_decref(json);
    return count;
}

static void mischief(const char *path, const char *kind)
{
    json_decref(asked(sandbox.base, "POST", "/mischief",
                      arena_printf(&arena, "{\"path\":\"%s\",\"kind\":\"%s\"}", path, kind), 200));
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

static void a_wanted_parcel_is_booked_once_and_announced(void **state)
{
    int64_t id = book("");
    assert_int_equal(parcels_there(id), 0);
    jobs_run();
    assert_string_equal(state_of(id), "booked");
    assert_int_equal(parcels_there(id), 1);
    char item[S10_LENGTH + 1];
    assert_true(postal_s10_read(text_of(column(id, "item")), item));
    assert_string_equal(column(id, "fee"), "27500");
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM event WHERE kind = 'parcel.booked'"
                                               " AND body->>'parcel' = '%s'",
                                               column(id, "code"))),
                     1);
    jobs_run();
    assert_int_equal(parcels_there(id), 1);
}

static void a_lost_answer_is_asked_for_and_never_booked_again(void **state)
{
    int64_t id = book("");
    mischief(CREATE, "answer_500"); /* after it was made */
    jobs_run();
    assert_string_equal(state_of(id), "sent");
    assert_int_equal(parcels_there(id), 1);
    jobs_run();
    assert_string_equal(state_of(id), "booked");
    assert_int_equal(parcels_there(id), 1);
}

static void a_crash_before_the_call_is_not_taken_for_a_booking(void **state)
{
    int64_t id = book("");
    const char *attempt =
        arena_printf(&arena, "SELECT count(*) FROM parcel_attempt('2026-11-20Z', %lld)", (long long)id);
    assert_int_equal(test_int(db, attempt), 1); /* and then the power went */
    char now[INSTANT_TEXT_SIZE];
    instant_format(clock_now(), now);
    test_sql(db, arena_printf(&arena, "UPDATE parcel SET attempted_at = '%s' WHERE id = %lld", now, (long long)id));
    jobs_run(); /* "not found" right after an attempt is not believed */
    assert_string_equal(state_of(id), "sent");
    assert_int_equal(parcels_there(id), 0);
    test_sql(db,
             arena_printf(&arena, "UPDATE parcel SET attempted_at = attempted_at - interval '1 hour' WHERE id = %lld",
                          (long long)id));
    jobs_run();
    assert_string_equal(state_of(id), "wanted");
    jobs_run();
    assert_string_equal(state_of(id), "booked");
    assert_int_equal(parcels_there(id), 1);
}

static void an_order_taken_while_the_answer_timed_out_is_found(void **state)
{
    int64_t id = book("");
    mischief(CREATE, "hang_after");
    jobs_run(); /* waits its eight seconds */
    assert_string_equal(state_of(id), "sent");
    jobs_run();
    assert_string_equal(state_of(id), "booked");
    assert_int_equal(parcels_there(id), 1);
}

static void a_search_that_finds_nothing_at_all_is_not_believed(void **state)
{
    int64_t id = book("");
    mischief(CREATE, "answer_500"); /* it is there */
    jobs_run();
    postal_close();
    assert_int_equal(room_open("1"), OK); /* searches by item code: never finds one of ours */
    test_sql(db,
             arena_printf(&arena, "UPDATE parcel SET attempted_at = attempted_at - interval '1 day' WHERE id = %lld",
                          (long long)id));
    for (int round = 0; round < 3; round++)
        jobs_run();
    assert_string_equal(state_of(id), "sent");
    assert_int_equal(parcels_there(id), 1);
    postal_close();
    assert_int_equal(room_open("2"), OK);
    jobs_run();
    assert_string_equal(state_of(id), "booked");
    assert_int_equal(parcels_there(id), 1);
}

static void the_database_keeps_the_promises(void **state)
{
    test_sql_refused(db, "UPDATE parcel_event SET status = 'delivered'", "23001");
    test_sql_refused(db, "DELETE FROM parcel_event", "23001");
    test_sql_refused(db, "UPDATE parcel SET state = 'booked', carrier_id = NULL WHERE state = 'booked'", "23514");
    test_sql_refused(db, "UPDATE parcel SET item = (SELECT min(item) FROM parcel) WHERE item IS NOT NULL", "23505");
    test_sql_refused(db, "UPDATE parcel SET dossier = 'nobody' WHERE id = (SELECT min(id) FROM parcel)", "23503");
}

static void a_refusal_is_shown_and_frees_the_dossier(void **state)
{
    const char *dossier = dossier_new();
    const char *body = arena_printf(&arena, "{\"dossier\":\"%s\"}", dossier);
    json_t *made = asked(own, "POST", "/v1/postal/bookings", body, 202);
    int64_t id = json_integer_value(json_object_get(made, "id"));
    json_decref(made);
    json_decref(asked(own, "POST", "/v1/postal/bookings", body, 409)); /* one open parcel a dossier and direction */
    mischief(CREATE, "refuse");
    jobs_run();
    assert_string_equal(state_of(id), "refused");
    assert_int_not_equal(strlen(column(id, "problem")), 0);
    json_decref(asked(own, "POST", "/v1/postal/bookings", body, 202));
    jobs_run();
}

static void an_expired_token_is_renewed_without_losing_the_order(void **state)
{
    int64_t id = book("");
    mischief(CREATE, "expire_token");
    jobs_run();
    assert_string_equal(state_of(id), "booked");
    assert_int_equal(parcels_there(id), 1);
}

static void signed_call_backs_move_the_parcel_and_repeats_change_nothing(void **state)
{
    int64_t id = book("");
    jobs_run();
    advance(id, "TGTN");
    wait_status(id, "accepted");
    sleep(1); /* sendDate counts seconds */
    advance(id, "GHTC");
    wait_status(id, "delivered");
    json_t *track =
        asked(own, "GET", arena_printf(&arena, "/v1/postal/bookings/%lld/tracking", (long long)id), NULL, 200);
    assert_int_equal(json_array_size(json_object_get(track, "events")), 2);
    json_decref(track);

    /* What the post office sent, repeated; and with one letter changed. */
    json_t *sent = asked(sandbox.base, "GET", "/vnpost/webhooks", NULL, 200);
    json_t *items = json_object_get(sent, "items");
    const char *body = word(json_array_get(items, json_array_size(items) - 1), "body");
    json_decref(sent);
    assert_int_equal(call(own, "POST", "/v1/notifications/vnpost", body).status, 200);
    char *changed = arena_copy(&arena, text_of(body));
    memcpy(strstr(changed, "\"GHTC\""), "\"TGTN\"", 6);
    assert_int_equal(call(own, "POST", "/v1/notifications/vnpost", changed).status, 401);
    assert_int_equal(call(own, "POST", "/v1/notifications/vnpost", "{\"data\":[]}").status, 400);
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM parcel_event WHERE parcel_id = %lld", (long long)id)),
        2);
    assert_string_equal(column(id, "status"), "delivered");
}

static void what_no_call_back_told_is_asked_for(void **state)
{
    int64_t id = book("");
    jobs_run();
    json_decref(asked(sandbox.base, "POST", "/settings", "{\"vnpost_webhook\":\"http://127.0.0.1:9/none\"}", 200));
    advance(id, "TGTN");
    advance(id, "CH");
    assert_string_equal(column(id, "status"), "created");
    test_sql(db, "UPDATE job SET run_at = created_at WHERE kind = 'postal_track'");
    jobs_run();
    assert_string_equal(column(id, "status"), "returning");
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM job WHERE key = '%s 2'", column(id, "code"))),
        1); /* and will be asked again */
    json_decref(asked(sandbox.base, "POST", "/settings",
                      arena_printf(&arena, "{\"vnpost_webhook\":\"%s/v1/notifications/vnpost\"}", own), 200));
}

static void a_parcel_is_cancelled_only_before_it_is_picked_up(void **state)
{
    int64_t never_sent = book("");
    const char *path = arena_printf(&arena, "/v1/postal/bookings/%lld/cancel", (long long)never_sent);
    json_decref(asked(own, "POST", path, "", 200));
    assert_string_equal(state_of(never_sent), "cancelled");
    jobs_run();
    assert_int_equal(parcels_there(never_sent), 0);

    int64_t booked = book("");
    jobs_run();
    path = arena_printf(&arena, "/v1/postal/bookings/%lld/cancel", (long long)booked);
    json_decref(asked(own, "POST", path, "", 202));
    jobs_run();
    assert_string_equal(state_of(booked), "cancelled");

    int64_t gone = book("");
    jobs_run();
    advance(gone, "TGTN");
    wait_status(gone, "accepted");
    path = arena_printf(&arena, "/v1/postal/bookings/%lld/cancel", (long long)gone);
    json_decref(asked(own, "POST", path, "", 409));
}

static void the_label_is_a_pdf_and_is_kept(void **state)
{
    int64_t id = book("");
    const char *path = arena_printf(&arena, "/v1/postal/bookings/%lld/label.pdf", (long long)id);
    assert_int_equal(call(own, "GET", path, NULL).status, 409); /* nothing to stick it on yet */
    jobs_run();
    struct http_answer first = call(own, "GET", path, NULL);
    assert_int_equal(first.status, 200);
    assert_true(text_starts(first.body, "%PDF-"));
    mischief("/vnpost/customer-partner/exportListReport", "refuse");
    struct http_answer second = call(own, "GET", path, NULL);
    assert_true(text_equal(first.body, second.body));
    mischief("/vnpost/customer-partner/exportListReport", "none");
}

/* What a procedure admits is the catalogue's column `postal`. */
static void a_procedure_done_in_person_is_not_sent_by_post(void **state)
{
    static const struct {
        const char *procedure, *service, *pointer;
    } refused[] = {{"QN.CONGCHUNG", "send", "/dossier"},
                   {"QN.CONGCHUNG", "receive", "/dossier"},
                   {"2.000884", "send", "/service"},
                   {"QN.CC-DOI", "send", "/service"}};
    struct faults faults;
    struct catalogue *catalogue;
    faults_init(&faults, &arena);
    assert_int_equal(catalogue_load("payments/catalogue", &faults, &catalogue), OK);
    catalogue_in_force_set(catalogue);
    for (size_t i = 0; i <= sizeof refused / sizeof *refused; i++) {
        bool last = i == sizeof refused / sizeof *refused; /* the result of the same procedure may be sent */
        const char *dossier = dossier_new();
        test_sql(db, arena_printf(&arena, "UPDATE dossier SET procedure = '%s' WHERE code = '%s'",
                                  last ? "QN.CC-DOI" : refused[i].procedure, dossier));
        json_t *said = asked(own, "POST", "/v1/postal/bookings",
                             arena_printf(&arena, "{\"dossier\":\"%s\",\"weight_g\":150,\"service\":\"%s\"}", dossier,
                                          last ? "receive" : refused[i].service),
                             last ? 202 : 422);
        const json_t *fault = json_array_get(json_object_get(said, "errors"), 0);
        if (!last) {
            assert_string_equal(json_string_value(json_object_get(fault, "pointer")), refused[i].pointer);
            assert_string_equal(json_string_value(json_object_get(fault, "code")), "procedure_not_by_post");
        }
        json_decref(said);
    }
    catalogue_in_force_set(NULL);
}

static void every_fault_of_a_booking_is_named(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *has;
    } bad[] = {{"{\"dossier\":\"P-00001\",\"person\":{\"phone\":\"abc\"},\"commune\":\"99999\"}", 422, "/person/phone"},
               {"{\"dossier\":\"P-00001\",\"person\":{\"phone\":\"abc\"},\"commune\":\"99999\"}", 422, "/commune"},
               {"{\"dossier\":\"P-00001\",\"service\":\"both\"}", 422, "/service"},
               {"{\"dossier\":\"P-00001\",\"weight_g\":30001}", 422, "/weight_g"},
               {"{\"dossier\":\"P-00001\",\"surprise\":1}", 422, "/surprise"},
               {"{\"dossier\":\"NOBODY\"}", 404, "dossier_unknown"},
               {"[", 400, "json_syntax"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct http_answer answer = call(own, "POST", "/v1/postal/bookings", bad[i].body);
        if (answer.status != bad[i].status || !strstr(answer.body.at, bad[i].has))
            fail_msg("%s: %d %s", bad[i].body, answer.status, answer.body.at);
    }
    assert_int_equal(call(own, "GET", "/v1/postal/bookings/999999", NULL).status, 404);
    assert_int_equal(call(own, "GET", "/v1/postal/bookings/x/tracking", NULL).status, 404);
}

static void a_quote_says_that_it_is_illustrative(void **state)
{
    json_t *quote = asked(own, "POST", "/v1/postal/quotes",
                          "{\"service\":\"both\",\"commune\":\"06652\",\"weight_g\":100,\"collect\":50000}", 200);
    assert_int_equal(json_integer_value(json_object_get(quote, "total")), 26000 + 26000 + 10000);
    assert_true(json_is_true(json_object_get(quote, "illustrative")));
    assert_string_equal(word(quote, "zone"), "same_district");
    json_decref(quote);
}

static void communes_are_found_over_http_by_old_and_new_names(void **state)
{
    json_t *one = asked(own, "GET", "/v1/postal/communes?query=P.%20H%C3%A0%20Phong,%20TP%20Ha%20Long", NULL, 200);
    json_t *item = json_array_get(json_object_get(one, "items"), 0);
    assert_string_equal(word(one, "choice"), "one");
    assert_string_equal(word(item, "code"), "06652");
    assert_string_equal(word(item, "province"), "22");
    assert_string_equal(word(json_object_get(item, "former"), "name"), "Hà Phong");
    json_decref(one);
    json_t *many = asked(own, "GET", "/v1/postal/communes?query=ha+khau", NULL, 200);
    assert_string_equal(word(many, "choice"), "choose");
    assert_true(strlen(word(many, "notice")) > 0);
    json_decref(many);
    static const char *const bad[] = {"", "?query=", "?query=%01", "?query=%ff%fe", "?other=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct http_answer answer = call(own, "GET", arena_printf(&arena, "/v1/postal/communes%s", bad[i]), NULL);
        if (answer.status != 422 || !strstr(answer.body.at, "?query"))
            fail_msg("%s: %d %s", bad[i], answer.status, answer.body.at);
    }
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
    if (room_open("2"))
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
        cmocka_unit_test(a_wanted_parcel_is_booked_once_and_announced),
        cmocka_unit_test(a_lost_answer_is_asked_for_and_never_booked_again),
        cmocka_unit_test(a_crash_before_the_call_is_not_taken_for_a_booking),
        cmocka_unit_test(an_order_taken_while_the_answer_timed_out_is_found),
        cmocka_unit_test(a_search_that_finds_nothing_at_all_is_not_believed),
        cmocka_unit_test(a_refusal_is_shown_and_frees_the_dossier),
        cmocka_unit_test(an_expired_token_is_renewed_without_losing_the_order),
        cmocka_unit_test(signed_call_backs_move_the_parcel_and_repeats_change_nothing),
        cmocka_unit_test(what_no_call_back_told_is_asked_for),
        cmocka_unit_test(a_parcel_is_cancelled_only_before_it_is_picked_up),
        cmocka_unit_test(the_label_is_a_pdf_and_is_kept),
        cmocka_unit_test(a_procedure_done_in_person_is_not_sent_by_post),
        cmocka_unit_test(every_fault_of_a_booking_is_named),
        cmocka_unit_test(a_quote_says_that_it_is_illustrative),
        cmocka_unit_test(communes_are_found_over_http_by_old_and_new_names),
        cmocka_unit_test(the_database_keeps_the_promises),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
