/* What the citizen reads of a letter on the payment page, and what the office reports of letters: over HTTP, with
 * the whole service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static bool page_says(const struct payment_asked *asked, const char *language, const char *words)
{
    const struct service_call call = {
        .method = "GET", .path = arena_printf(&arena, "%s%s", strstr(asked->pay_url, "/p/"), language), .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    assert_int_equal(answer.status, 200);
    return text_find(answer.body, text_of(words)) < answer.body.length;
}

static void step(const char *parcel, const char *at, const char *status, const char *place)
{
    test_sql(db, arena_printf(&arena,
                              "SELECT parcel_learn('%s', id, 'asked', ARRAY['%s'::timestamptz], ARRAY['%s'],"
                              " ARRAY['%s'], ARRAY[''], ARRAY['%s']) FROM parcel WHERE code = '%s'",
                              at, at, status, status, place, parcel));
}

static void the_citizens_page_shows_each_step_and_the_day_of_the_next(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "POST-PAGE-1", 2);
    assert_false(page_says(&asked, "", "Hồ sơ của tôi ở bưu điện"));
    test_sql(db, "INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, carrier_id, item,"
                 " transit_days, created_at, created_by, changed_at) VALUES ('LP-PAGE-1', 'vnpost', 'POST-PAGE-1',"
                 " 'receive', 'booked', '{}', 150, 'c', 'EP312345677VN', 2, '2026-11-02 01:00Z', 'system:test',"
                 " '2026-11-02 01:00Z')");
    step("LP-PAGE-1", "2026-11-03 02:00Z", "accepted", "Bưu cục <Hồng Gai>");
    assert_true(page_says(&asked, "", "Bưu điện đã nhận"));
    assert_true(page_says(&asked, "", "EP312345677VN"));
    assert_true(page_says(&asked, "", "Bưu cục &lt;Hồng Gai&gt;")); /* a carrier's words are words */
    assert_true(page_says(&asked, "", "Dự kiến đến chậm nhất ngày 05/11/2026"));
    assert_true(page_says(&asked, "?lang=en", "Expected by 05/11/2026"));
    step("LP-PAGE-1", "2026-11-04 02:00Z", "failed_attempt", "");
    assert_true(page_says(&asked, "", "Bưu điện phát lại lần hai vào ngày 06/11/2026"));
    step("LP-PAGE-1", "2026-11-06 02:00Z", "failed_attempt", "");
    assert_true(page_says(&asked, "", "chậm nhất ngày 10/11/2026"));
    step("LP-PAGE-1", "2026-11-07 02:00Z", "unknown", "");
    assert_true(page_says(&asked, "", "chưa rõ nghĩa"));
    step("LP-PAGE-1", "2026-11-09 02:00Z", "lost", "");
    assert_true(page_says(&asked, "", "Bưu điện báo bị mất"));
    assert_true(page_says(&asked, "", "Trung tâm làm việc với bưu điện"));
}

static void nobody_elses_letter_stands_on_the_page(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "POST-PAGE-2", 2);
    assert_false(page_says(&asked, "", "EP312345677VN"));
    assert_false(page_says(&asked, "", "Hồ sơ của tôi ở bưu điện"));
}

static void reported(const char *from, const char *to, const char *figure, int64_t expected)
{
    struct service_answer answer =
        service_ask(&service, &arena, "GET",
                    arena_printf(&arena, "/v1/reports/postal?from=%s&to=%s&format=csv", from, to), "%s", "");
    assert_int_equal(answer.status, 200);
    const char *text = arena_copy(&arena, answer.body), *line = strstr(text, figure);
    const char *end = line ? strchr(line, '\n') : NULL;
    if (!end)
        fail_msg("%s is not in %s", figure, text);
    while (end > line && (end[-1] == '\r' || end[-1] == '"'))
        end--;
    const char *wanted = arena_printf(&arena, "%lld", (long long)expected);
    size_t length = strlen(wanted);
    if (memcmp(end - length, wanted, length) || (end[-1 - (long)length] >= '0' && end[-1 - (long)length] <= '9'))
        fail_msg("%s: expected %s in %.*s", figure, wanted, (int)(end - line), line);
}

/* 300 filed by post, 18 more whose result went by post: 31.8 % of a thousand. */
static void the_share_of_dossiers_by_post_is_reported_by_quarter_half_year_and_year(void **state)
{
    test_sql(db, "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, registered_at,"
                 " changed_at) SELECT 'SHARE-' || n, '1.004194', (SELECT min(code) FROM agency),"
                 " CASE WHEN n <= 300 THEN 'post' ELSE 'online' END, 'Lê Thị Mẫu', t, t, t FROM (SELECT n, CASE WHEN"
                 " n <= 1000 THEN timestamptz '2025-08-15 03:00Z' ELSE '2025-05-15 03:00Z' END AS t FROM"
                 " generate_series(1, 2000) n) x");
    test_sql(db, "INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, carrier_id,"
                 " created_at, created_by, changed_at) SELECT 'LP-SHARE-' || n, 'vnpost', 'SHARE-' || n, 'receive',"
                 " CASE WHEN n <= 318 THEN 'booked' ELSE 'refused' END, '{}', 100, 'c', '2025-08-16 03:00Z',"
                 " 'system:test', '2025-08-16 03:00Z' FROM generate_series(301, 330) n");
    static const char share[] = "12 dossiers by post, in thousandths", all[] = "10 dossiers filed";
    reported("2025-07-01", "2025-09-30", share, 318);
    reported("2025-07-01", "2025-12-31", share, 318);
    reported("2025-07-01", "2025-12-31", all, 1000);
    reported("2025-04-01", "2025-06-30", share, 0);
    reported("2025-01-01", "2025-12-31", all, 2000);
    reported("2025-01-01", "2025-12-31", share, 159);
    reported("2025-07-01", "2025-09-30", "01 parcels booked", 18);
    assert_int_equal(
        service_ask(&service, &arena, "GET", "/v1/reports/postal?from=2025-09-30&to=2025-07-01", "%s", "").status, 422);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_citizens_page_shows_each_step_and_the_day_of_the_next),
        cmocka_unit_test(nobody_elses_letter_stands_on_the_page),
        cmocka_unit_test(the_share_of_dossiers_by_post_is_reported_by_quarter_half_year_and_year),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
