/* The ends of a parcel that nobody wants: not brought again, not sent back, lost, damaged; and the claims for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "postal/postal.h"
#include "tests/support/database.h"

static struct http_client *client;
static struct http_server *server;
static struct db *db;
static struct arena arena;
static char own[64];

static const struct route routes[] = {
    {"GET", "/v1/postal/bookings/{id}/tracking", postal_tracking_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/bookings/{id}/claims", postal_claim_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/claims/{id}/decision", postal_claim_decide_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
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

static struct http_answer call(const char *method, const char *path, const char *body)
{
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = method,
                                   .url = arena_printf(&arena, "%s%s", own, path),
                                   .headers = &json,
                                   .header_count = 1,
                                   .body = body ? text_of(body) : TEXT_NONE};
    struct http_answer answer;
    assert_int_equal(http_client_call(client, &call, &arena, &answer), OK);
    return answer;
}

static const char *expect(const char *method, const char *path, const char *body, int status, const char *has)
{
    struct http_answer answer = call(method, path, body);
    const char *said = arena_copy(&arena, answer.body);
    if (answer.status != status || !strstr(said, has))
        fail_msg("%s %s: %d %s (expected %d %s)", method, path, answer.status, said, status, has);
    return said;
}

static int number;

/* A booked result on its way to a citizen of the province, with a dossier of its own. */
static int64_t parcel_new(void)
{
    char digits[9];
    snprintf(digits, sizeof digits, "%08d", 30000000 + ++number);
    test_sql(db, arena_printf(&arena,
                              "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at,"
                              " registered_at, changed_at) VALUES ('L-%04d', '1.004194', 'A1', 'post', 'Lê Thị Mẫu',"
                              " '2026-11-02 01:00Z', '2026-11-02 01:00Z', '2026-11-02 01:00Z')",
                              number));
    return test_int(
        db,
        arena_printf(&arena,
                     "INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, fee, carrier_id,"
                     " item, transit_days, created_at, created_by, changed_at) VALUES ('LP-%s', 'vnpost', 'L-%04d',"
                     " 'receive', 'booked', '{\"sender\":{\"province\":\"22\"},\"receiver\":{\"province\":"
                     "\"22\"}}', 150, 26000, 'c', 'EP%s%cVN', 2, '2026-11-02 01:00Z', 'system:test',"
                     " '2026-11-02 01:00Z') RETURNING id",
                     digits, number, digits, postal_s10_check(digits)));
}

/* The carrier said so at noon of that day. */
static void step(int64_t id, const char *day, const char *status)
{
    test_sql(db, arena_printf(&arena,
                              "SELECT parcel_learn('%sT05:00Z', %lld, 'asked', ARRAY['%sT05:00Z'::timestamptz],"
                              " ARRAY['%s'], ARRAY['%s'], ARRAY[''], ARRAY[''])",
                              day, (long long)id, day, status, status));
}

static bool raised(const char *day, const char *concern)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT count(*) FROM postal_concerns('%s') WHERE concern = '%s'"
                                     " AND dossier = 'L-%04d'",
                                     day, concern, number)) == 1;
}

static const char *value(const char *sql)
{
    return arena_copy(&arena, test_value(db, &arena, sql));
}

static const char *path_of(const char *what, int64_t id, const char *rest)
{
    return arena_printf(&arena, "/v1/postal/%s/%lld%s", what, (long long)id, rest);
}

static int64_t claim_opened_by(const char *who, int64_t parcel, const char *kind)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT claim FROM postal_claim_open('2026-11-20 03:00Z', '%s', %lld, '%s',"
                                     " 300000, 'Làm lại giấy tờ')",
                                     who, (long long)parcel, kind));
}

static void the_second_attempt_is_two_working_days_later_also_over_tet(void **state)
{
    test_sql(db, "INSERT INTO calendar_day (day, kind, name, basis) SELECT d::date, 'holiday', 'Tết', 'test' FROM"
                 " generate_series('2027-02-05'::date, '2027-02-11', '1 day') d ON CONFLICT DO NOTHING");
    int64_t id = parcel_new();
    step(id, "2027-02-03", "accepted");
    step(id, "2027-02-04", "failed_attempt"); /* a Thursday; Friday 12 and Monday 15 are the next days of work */
    expect("GET", path_of("bookings", id, "/tracking"), NULL, 200,
           "\"attempts\":1,\"second_attempt_on\":\"2027-02-15\",\"return_by\":null");
    assert_false(raised("2027-02-15", "second_attempt_missing"));
    assert_true(raised("2027-02-16", "second_attempt_missing"));
}

static void after_two_attempts_it_must_go_back(void **state)
{
    int64_t id = parcel_new();
    step(id, "2026-11-03", "accepted");
    step(id, "2026-11-04", "failed_attempt");
    step(id, "2026-11-06", "failed_attempt");
    expect("GET", path_of("bookings", id, "/tracking"), NULL, 200,
           "\"due_on\":\"2026-11-05\",\"attempts\":2,\"second_attempt_on\":null,\"return_by\":\"2026-11-10\"");
    assert_false(raised("2026-11-10", "return_missing"));
    assert_true(raised("2026-11-11", "return_missing"));
    assert_true(raised("2026-11-11", "late"));
    step(id, "2026-11-11", "returning");
    assert_false(raised("2026-11-12", "return_missing"));
    assert_false(raised("2026-11-12", "returned_early"));
}

static void what_is_lost_is_raised_and_another_may_be_sent(void **state)
{
    static const char again[] = "SELECT parcel_want('2026-11-06 03:00Z', 'system:test', 'LP-AGAIN%04d', 'vnpost',"
                                " 'L-%04d', 'receive', '{}', 100, 0, 26000) IS NOT NULL";
    int64_t id = parcel_new();
    step(id, "2026-11-03", "accepted");
    assert_string_equal(value(arena_printf(&arena, again, number, number)), "f");
    step(id, "2026-11-05", "lost");
    assert_true(raised("2026-11-05", "lost_without_claim"));
    assert_false(raised("2026-11-30", "late"));
    assert_string_equal(value(arena_printf(&arena, again, number, number)), "t");
    step(id, "2026-11-09", "in_transit"); /* found again, while its successor is on its way */
    expect("GET", path_of("bookings", id, "/tracking"), NULL, 200, "\"status\":\"in_transit\"");
    test_sql(db, arena_printf(&arena, "UPDATE parcel SET state = 'refused' WHERE code = 'LP-AGAIN%04d'", number));
}

static void a_claim_is_opened_once_and_answered_by_another_person(void **state)
{
    static const char body[] = "{\"kind\":\"loss\",\"amount\":300000,\"note\":\"Làm lại giấy tờ\"}";
    int64_t id = parcel_new();
    expect("POST", path_of("bookings", id, "/claims"), body, 422, "/kind"); /* the carrier never had it */
    step(id, "2026-11-03", "accepted");
    step(id, "2026-11-05", "lost");
    expect("POST", path_of("bookings", id, "/claims"), body, 201, "\"state\":\"open\",\"claimed\":300000");
    expect("POST", path_of("bookings", id, "/claims"), body, 200, "\"state\":\"open\"");
    assert_false(raised("2026-11-30", "lost_without_claim"));
    int64_t claim =
        test_int(db, arena_printf(&arena, "SELECT id FROM postal_claim WHERE parcel_id = %lld", (long long)id));
    const char *path = path_of("claims", claim, "/decision");
    expect("POST", path, "{\"decision\":\"granted\",\"amount\":300000}", 403, "second_person_required");
    test_sql_refused(db,
                     "UPDATE postal_claim SET state = 'refused', why = 'x', decided_by = opened_by,"
                     " decided_at = opened_at",
                     "23514");

    test_sql(db,
             arena_printf(&arena, "UPDATE postal_claim SET opened_by = 'staff:lan' WHERE id = %lld", (long long)claim));
    expect("POST", path, "{\"decision\":\"granted\"}", 422, "/amount");
    expect("POST", path, "{\"decision\":\"refused\"}", 422, "/why");
    expect("POST", path, "{\"decision\":\"granted\",\"amount\":300000}", 200, "\"granted\":300000");
    expect("POST", path, "{\"decision\":\"granted\",\"amount\":300000}", 200, "\"state\":\"granted\"");
    expect("POST", path, "{\"decision\":\"refused\",\"why\":\"Đã phát\"}", 409, "");
    expect("GET", path_of("bookings", id, "/tracking"), NULL, 200, "\"claims\":[{\"id\":");
    expect("POST", path_of("claims", 999999, "/decision"), "{\"decision\":\"granted\",\"amount\":1}", 404, "");
    expect("POST", path_of("bookings", 999999, "/claims"), body, 404, "");
    expect("POST", path_of("bookings", id, "/claims"), "{\"kind\":\"theft\",\"amount\":-1}", 422, "/note");
}

static void an_answer_is_due_in_five_working_days_inside_the_province_and_seven_beyond(void **state)
{
    int64_t id = parcel_new();
    step(id, "2026-11-03", "accepted");
    step(id, "2026-11-19", "damaged");
    assert_true(raised("2026-11-20", "damaged_without_claim"));
    int64_t inside = claim_opened_by("staff:lan", id, "damage"); /* Friday 20 November */
    assert_false(raised("2026-11-27", "claim_unanswered"));
    assert_true(raised("2026-11-28", "claim_unanswered"));
    assert_string_equal(value(arena_printf(&arena,
                                           "SELECT answer_due FROM postal_claim WHERE id ="
                                           " %lld",
                                           (long long)inside)),
                        "2026-11-27");
    id = parcel_new();
    test_sql(db, arena_printf(&arena,
                              "UPDATE parcel SET wish = jsonb_set(wish, '{receiver,province}', '\"01\"')"
                              " WHERE id = %lld",
                              (long long)id));
    step(id, "2026-11-03", "accepted");
    int64_t beyond = claim_opened_by("staff:lan", id, "loss");
    assert_string_equal(value(arena_printf(&arena,
                                           "SELECT answer_due FROM postal_claim WHERE id ="
                                           " %lld",
                                           (long long)beyond)),
                        "2026-12-01");
}

static void a_claim_after_six_months_is_too_late_and_less_than_the_least_is_no_answer(void **state)
{
    int64_t id = parcel_new();
    step(id, "2026-05-20", "accepted");
    assert_string_equal(value(arena_printf(&arena,
                                           "SELECT outcome FROM postal_claim_open("
                                           "'2026-11-21 03:00Z', 'staff:lan', %lld, 'loss', 0, 'Mất')",
                                           (long long)id)),
                        "too_late");
    test_sql(db, "INSERT INTO postal_term SELECT carrier, '2026-05-01', second_after, return_after, claim_months,"
                 " answer_inside, answer_beyond, 4, 'Hợp đồng' FROM postal_term");
    int64_t claim = claim_opened_by("staff:lan", id, "loss"); /* the last day */
    const char *path = path_of("claims", claim, "/decision");
    expect("POST", path, "{\"decision\":\"granted\",\"amount\":103999}", 422, "/amount"); /* 4 x 26,000 */
    expect("POST", path, "{\"decision\":\"granted\",\"amount\":104000}", 200, "\"least\":104000");
    test_sql(db, "DELETE FROM postal_term WHERE valid_from = '2026-05-01'");
}

static int start(void **state)
{
    arena_init(&arena);
    db = test_db();
    test_province(db);
    const struct http_client_config client_config = {0};
    if (http_client_start(&client_config, &client))
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
    http_server_stop(server, 1000);
    http_client_stop(client);
    db_close(db);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_attempt_is_two_working_days_later_also_over_tet),
        cmocka_unit_test(after_two_attempts_it_must_go_back),
        cmocka_unit_test(what_is_lost_is_raised_and_another_may_be_sent),
        cmocka_unit_test(a_claim_is_opened_once_and_answered_by_another_person),
        cmocka_unit_test(an_answer_is_due_in_five_working_days_inside_the_province_and_seven_beyond),
        cmocka_unit_test(a_claim_after_six_months_is_too_late_and_less_than_the_least_is_no_answer),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
