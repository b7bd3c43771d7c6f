/* "What does half price online cost us?": the real requests of a period, priced again under a draft. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "core/system/places.h"
#include "payments/requests/requests.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

enum { REQUESTS = 12, PERSONS = 4, COPIES = 2 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *finance, *draft, *today, *later;

/* The shipped sheets with half price online for extracts of civil status from a day on. */
static struct text reductions(const char *from)
{
    struct catalogue_files files;
    struct faults faults;
    faults_init(&faults, &arena);
    assert_int_equal(
        catalogue_files_read(place_find(&arena, "payments/catalogue", "catalogue"), &arena, &faults, &files), OK);
    return arena_textf(
        &arena,
        "%.*sQN-ONLINE,Giảm một nửa khi nộp trực tuyến,Half price online,relief,HT-TRICHLUC,,,online,,50%%,"
        "all,,,%s,,payment,NQ 1/2026/NQ-HĐND,Điều 1,,,H,\n",
        TEXT_ARGS(files.reductions), from);
}

static const char *propose(const char *from)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_object(&json, "sheets");
    json_put_text(&json, "reductions", reductions(from));
    json_put_end(&json);
    json_put_end(&json);
    const struct service_call call = {
        .method = "POST", .path = "/v1/catalogue/versions", .body = buf_view(&body), .cookie = finance};
    struct service_answer answer = service_call(&service, &arena, &call);
    if (answer.status != 201)
        fail_msg("%.*s", TEXT_ARGS(answer.body));
    buf_done(&body);
    return json_string_at(answer.json, "version");
}

static int set_up(void **state)
{
    char text[DATE_TEXT_SIZE];
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    finance = service_staff_cookie(db, &arena, "ke-toan", "finance");
    date_format(date_of(clock_now()), text);
    today = arena_copy(&arena, text_of(text));
    date_format(date_of(clock_now()) + 100, text);
    later = arena_copy(&arena, text_of(text));
    for (int i = 0; i < REQUESTS; i++) {
        const char *code = arena_printf(&arena, "SIM-%02d", i);
        struct service_answer answer =
            service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/dossiers/%s", code),
                        "{\"procedure\":\"2.000635\",\"agency\":\"" TEST_AGENCY
                        "\",\"channel\":\"%s\",\"applicant\":{\"name\":\"A\","
                        "\"id_number\":\"0220%08d\"},\"submitted_at\":\"%sT00:00:00+07:00\"}",
                        i < REQUESTS / 2 ? "online" : "counter", i % PERSONS, today);
        assert_int_equal(answer.status, 201);
        answer = service_ask(&service, &arena, "POST", "/v1/payment-requests",
                             "{\"dossier\":\"%s\",\"channel\":\"%s\",\"quantities\":{\"copies\":%d}}", code,
                             i < REQUESTS / 2 ? "online" : "counter", COPIES);
        assert_int_equal(answer.status, 201);
    }
    draft = propose(today);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static json_t *simulate(const char *version, const char *more)
{
    const struct service_call call = {
        .method = "GET",
        .path =
            arena_printf(&arena, "/v1/catalogue/versions/%s/simulation?from=%s&to=%s%s", version, today, today, more),
        .cookie = finance};
    struct service_answer answer = service_call(&service, &arena, &call);
    if (answer.status != 200)
        fail_msg("%d %.*s", answer.status, TEXT_ARGS(answer.body));
    return answer.json;
}

static void expect(json_t *sum, int64_t quotes, int64_t before, int64_t after, int64_t affected, int64_t people)
{
    assert_int_equal(json_int_at(sum, "quotes"), quotes);
    assert_int_equal(json_int_at(sum, "before"), before);
    assert_int_equal(json_int_at(sum, "after"), after);
    assert_int_equal(json_int_at(sum, "affected_quotes"), affected);
    assert_int_equal(json_int_at(sum, "affected_people"), people);
}

static void half_price_online_costs_what_it_takes_from_those_who_filed_online(void **state)
{
    int64_t whole = REQUESTS * COPIES * TEST_COPY_PRICE, half = whole / 4;
    json_t *answer = simulate(draft, "");
    expect(answer, REQUESTS, whole, whole - half, REQUESTS / 2, PERSONS);
    assert_int_equal(json_int_at(answer, "unpriced"), 0);
    assert_int_equal(json_int_at(answer, "mismatched"), 0);
    json_t *fee = json_array_get(json_object_get(answer, "by_fee"), 0);
    assert_string_equal(json_string_at(fee, "key"), "HT-TRICHLUC");
    expect(fee, REQUESTS, whole, whole - half, REQUESTS / 2, PERSONS);
    json_t *agency = json_array_get(json_object_get(answer, "by_agency"), 0);
    assert_string_equal(json_string_at(agency, "key"), TEST_AGENCY);
    assert_true(*json_string_at(agency, "name"));
    expect(agency, REQUESTS, whole, whole - half, REQUESTS / 2, PERSONS);
    assert_int_equal(json_array_size(json_object_get(answer, "by_commune")), 1);
    assert_int_equal(json_array_size(json_object_get(answer, "by_category")), 1);
}

static void a_rule_that_begins_later_changes_nothing_until_it_is_asked_for_its_day(void **state)
{
    int64_t whole = REQUESTS * COPIES * TEST_COPY_PRICE;
    const char *future = propose(later);
    expect(simulate(future, ""), REQUESTS, whole, whole, 0, 0);
    expect(simulate(future, arena_printf(&arena, "&as_of=%s", later)), REQUESTS, whole, whole - whole / 4, REQUESTS / 2,
           PERSONS);
}

static void a_wrong_period_is_named(void **state)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET",
        arena_printf(&arena, "/v1/catalogue/versions/%s/simulation?from=2026-12-02&to=2026-12-01", draft), "%s", "");
    EXPECT_PROBLEM(&arena, "ends before it begins", &answer, 422, "invalid_request", "to field_format");
    answer =
        service_ask(&service, &arena, "GET",
                    "/v1/catalogue/versions/2020-01-01.00000000/simulation?from=2026-12-01&to=2026-12-01", "%s", "");
    EXPECT_PROBLEM(&arena, "no such draft", &answer, 404, "not_found", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_price_online_costs_what_it_takes_from_those_who_filed_online),
        cmocka_unit_test(a_rule_that_begins_later_changes_nothing_until_it_is_asked_for_its_day),
        cmocka_unit_test(a_wrong_period_is_named),
    };
    return cmocka_run_group_tests_name("policy simulation", tests, set_up, tear_down);
}
