/* An expired request is opened again at the price of the day: the same price under the same reference, another price
 * only when somebody saw both and took the new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/system/places.h"
#include "payments/fees/fees.h"
#include "payments/requests/requests.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

enum { MONTH_S = 31 * 86400, EXPIRE_WAIT_S = 30 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static int64_t notice_number = 7000;

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

/* The shipped sheet with 9,000 đồng for an extract, proposed by one and put in force by another. */
static void the_price_rises(void)
{
    struct catalogue_files files;
    struct faults faults;
    struct buf body = {0};
    struct json json = json_to(&body);
    faults_init(&faults, &arena);
    assert_int_equal(
        catalogue_files_read(place_find(&arena, "payments/catalogue", "catalogue"), &arena, &faults, &files), OK);
    struct text old = TEXT("unit(8000; per=copies),bản sao,copy");
    size_t at = text_find(files.fees, old);
    assert_true(at < files.fees.length);
    struct text fees = arena_textf(&arena, "%.*sunit(9000; per=copies),bản sao,copy%.*s", (int)at, files.fees.at,
                                   (int)(files.fees.length - at - old.length), files.fees.at + at + old.length);
    json_put_object(&json, NULL);
    json_put_object(&json, "sheets");
    json_put_text(&json, "fees", fees);
    json_put_end(&json);
    json_put_end(&json);
    struct service_call call = {.method = "POST",
                                .path = "/v1/catalogue/versions",
                                .body = arena_text(&arena, buf_view(&body)),
                                .cookie = service_staff_cookie(db, &arena, "ke-toan", "finance")};
    struct service_answer answer = service_call(&service, &arena, &call);
    buf_done(&body);
    assert_true(answer.status == 201 || answer.status == 200);
    call = (struct service_call){
        .method = "POST",
        .path = arena_printf(&arena, "/v1/catalogue/versions/%s/approve", json_string_at(answer.json, "version")),
        .body = TEXT("{}"),
        .cookie = service_staff_cookie(db, &arena, "truong-ca", "supervisor")};
    assert_int_equal(service_call(&service, &arena, &call).status, 200);
}

static json_t *look(const struct payment_asked *asked)
{
    return service_ask(&service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)asked->id),
                       "%s", "")
        .json;
}

static struct service_answer reopen(const struct payment_asked *asked, const char *body)
{
    return service_ask(&service, &arena, "POST",
                       arena_printf(&arena, "/v1/payment-requests/%lld/reopen", (long long)asked->id), "%s", body);
}

static struct service_answer page(const struct payment_asked *asked)
{
    const char *url = json_string_at(look(asked), "pay_url");
    return service_ask(&service, &arena, "GET", strstr(url, "/p/"), "%s", "");
}

static void a_month_passes(const struct payment_asked *last)
{
    service_stop(&service);
    service.clock_offset_s += MONTH_S;
    service_start(&service);
    for (int i = 0; i < EXPIRE_WAIT_S * 10; i++) {
        if (!strcmp(json_string_at(look(last), "status"), "expired"))
            return;
        test_sleep_ms(100);
    }
    fail_msg("%s never expired", last->reference);
}

static int64_t owed_back(const struct payment_asked *asked)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(sum(amount), 0)::bigint FROM refund WHERE request_id = %lld AND"
                                     " reason = 'after_cancel'",
                                     (long long)asked->id));
}

/* -------------------------------------------------------------------------------------------------------------------
 */

static void the_same_price_opens_the_same_reference(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "REOPEN-SAME", 2);
    a_month_passes(&asked);
    struct service_answer answer = reopen(&asked, "{}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_int_at(answer.json, "id"), asked.id);
    assert_string_equal(json_string_at(answer.json, "status"), "pending");
    json_t *found = json_object_get(answer.json, "reopening");
    assert_int_equal(json_int_at(found, "amount_before"), 16000);
    assert_int_equal(json_int_at(found, "amount_today"), 16000);
    assert_int_equal(test_int(db, "SELECT count(*) FROM request_repricing"), 0);
}

static void another_price_is_shown_beside_the_old_one_and_taken_only_by_name(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "REOPEN-DEARER", 2);
    the_price_rises();
    a_month_passes(&asked);
    struct service_answer answer = page(&asked);
    assert_true(text_find(answer.body, TEXT("<s>16.000 đồng</s>")) < answer.body.length);
    assert_true(text_find(answer.body, TEXT("name=\"accept\" value=\"18000\"")) < answer.body.length);

    answer = reopen(&asked, "{}");
    EXPECT_PROBLEM(&arena, "unseen", &answer, 409, "quote_changed", "/accept_amount quote_changed");
    assert_true(text_find(answer.body, TEXT("Giá khi lập 16000 đồng, giá hôm nay 18000 đồng")) < answer.body.length);
    answer = reopen(&asked, "{\"accept_amount\":16000}");
    EXPECT_PROBLEM(&arena, "the old price", &answer, 409, "quote_changed", "/accept_amount quote_changed");
    assert_string_equal(json_string_at(look(&asked), "status"), "expired");

    answer = reopen(&asked, "{\"accept_amount\":18000}");
    assert_int_equal(answer.status, 200);
    struct payment_asked anew = {.id = json_int_at(answer.json, "id"),
                                 .reference = json_string_at(answer.json, "reference")};
    assert_int_not_equal(anew.id, asked.id);
    assert_int_equal(json_int_at(answer.json, "amount"), 18000);
    assert_string_equal(json_string_at(answer.json, "dossier"), "REOPEN-DEARER");
    assert_int_equal(json_int_at(json_object_get(answer.json, "reopening"), "amount_before"), 16000);
    assert_string_equal(json_string_at(look(&asked), "status"), "cancelled");
    answer = page(&anew);
    assert_true(text_find(answer.body, TEXT("<s>16.000 đồng</s>")) < answer.body.length);
    answer = page(&asked); /* who kept the old link finds the way */
    assert_true(text_find(answer.body, TEXT("Mở yêu cầu theo giá mới")) < answer.body.length);
    answer = reopen(&asked, "{\"accept_amount\":18000}");
    EXPECT_PROBLEM(&arena, "twice", &answer, 409, "request_cancelled", "");

    const struct bank_notice late = {.id = ++notice_number, .amount = 16000, .memo = asked.reference};
    answer = bank_tells(&service, &arena, &late);
    assert_true(bank_accepted(&answer));
    assert_int_equal(owed_back(&asked), 16000);
    const struct bank_notice right = {.id = ++notice_number, .amount = 18000, .memo = anew.reference};
    answer = bank_tells(&service, &arena, &right);
    assert_true(bank_accepted(&answer));
    assert_string_equal(json_string_at(look(&anew), "status"), "paid");
}

static void a_change_of_price_is_kept_for_ever_and_named_once(void **state)
{
    assert_int_equal(test_int(db, "SELECT count(*) FROM request_repricing WHERE (before, after) = (16000, 18000)"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM event WHERE kind = 'request.cancelled' AND body ->> 'reason' ="
                                  " 'repriced' AND (body ->> 'new_amount')::bigint = 18000"),
                     1);
    assert_int_not_equal(db_script(db, "DELETE FROM request_repricing"), OK);
}

static void bad_words_are_named(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "REOPEN-BAD", 1);
    struct service_answer answer = reopen(&asked, "{\"accept_amount\":-1,\"x\":1}");
    EXPECT_PROBLEM(&arena, "bad", &answer, 422, "invalid_request", "/accept_amount field_range, /x field_unknown");
    struct payment_asked nobody = {.id = 999999999};
    assert_int_equal(reopen(&nobody, "{}").status, 404);
}

static void the_audit_finds_nothing(void **state)
{
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_price_opens_the_same_reference),
        cmocka_unit_test(another_price_is_shown_beside_the_old_one_and_taken_only_by_name),
        cmocka_unit_test(a_change_of_price_is_kept_for_ever_and_named_once),
        cmocka_unit_test(bad_words_are_named),
        cmocka_unit_test(the_audit_finds_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
