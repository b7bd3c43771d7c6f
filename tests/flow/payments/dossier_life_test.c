/* What becomes of the money of a dossier that is refused, withdrawn, or goes on after all: over HTTP, as the one-stop
 * shop tells it. */
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
static const char *cashier, *finance;
static int64_t notice_number = 91000;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    cashier = service_staff_cookie(db, &arena, "thungan", "cashier");
    finance = service_staff_cookie(db, &arena, "taichinh", "finance");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

struct case_of {
    const char *procedure, *agency, *account, *fee;
};
static const struct case_of extract = {"2.000635", TEST_AGENCY, TEST_ACCOUNT, "HT-TRICHLUC"};
static const struct case_of passport = {"1.012680", "QN-CAT", "1014000000011", "HC-MOI"};

/* The one-stop shop says in which state the dossier is. */
static void tell(const struct case_of *kind, const char *code, const char *state)
{
    struct service_answer answer =
        service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/dossiers/%s", code),
                    "{\"procedure\":\"%s\",\"agency\":\"%s\",\"channel\":\"online\",\"state\":\"%s\",\"submitted_at\":"
                    "\"2026-11-20T09:00:00+07:00\",\"applicant\":{\"name\":\"Nguyễn Thị Ánh\"}}",
                    kind->procedure, kind->agency, state);
    assert_in_range(answer.status, 200, 201);
    assert_true(service_drained(db, 20));
}

static struct payment_asked asked_of(const struct case_of *kind, const char *code, const char *stage)
{
    struct service_answer made =
        service_ask(&service, &arena, "POST", "/v1/payment-requests",
                    "{\"dossier\":\"%s\",\"stage\":\"%s\",\"fees\":[\"%s\"],\"channel\":\"online\",\"quantities\":{"
                    "\"copies\":2}}",
                    code, stage, kind->fee);
    assert_int_equal(made.status, 201);
    return (struct payment_asked){.id = json_int_at(made.json, "id"),
                                  .amount = json_int_at(made.json, "amount"),
                                  .reference = json_string_at(made.json, "reference"),
                                  .pay_url = json_string_at(made.json, "pay_url")};
}

static void pay(const struct case_of *kind, const struct payment_asked *asked, int64_t amount)
{
    const struct bank_notice notice = {
        .id = ++notice_number, .account = kind->account, .amount = amount, .memo = asked->reference};
    struct service_answer answer = bank_tells(&service, &arena, &notice);
    assert_true(bank_accepted(&answer));
}

static const char *status_of(int64_t request)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)request), "%s", "");
    return json_string_at(answer.json, "status");
}

static int64_t one(const char *what, int64_t request)
{
    return test_int(db, arena_printf(&arena, "SELECT %s AND request_id = %lld", what, (long long)request));
}

#define CASES "coalesce(sum(amount), 0)::bigint FROM refund WHERE reason = 'fee_rule' AND state = "

static bool page_says(const struct payment_asked *asked, const char *words)
{
    const struct service_call call = {.method = "GET", .path = strstr(asked->pay_url, "/p/"), .key = ""};
    struct service_answer answer = service_call(&service, &arena, &call);
    assert_int_equal(answer.status, 200);
    return text_find(answer.body, text_of(words)) < answer.body.length;
}

static void a_refused_dossier_gives_back_what_the_fees_rule_says(void **state)
{
    tell(&passport, "LIFE-1", "filed");
    struct payment_asked paid = asked_of(&passport, "LIFE-1", "filing"),
                         open = asked_of(&passport, "LIFE-1", "additional");
    pay(&passport, &paid, paid.amount);
    tell(&passport, "LIFE-1", "refused");
    assert_string_equal(status_of(open.id), "cancelled");
    assert_int_equal(one(CASES "'proposed'", paid.id), paid.amount);
    assert_true(page_says(&paid, "được hoàn (TT 28/2026/TT-BTC"));
    assert_true(page_says(&paid, "Hồ sơ đã kết thúc"));

    /* The case is there, filled in; two people carry it out, and it is one case. */
    int64_t payment = one("id FROM payment WHERE true", paid.id);
    const struct service_call ask = {
        .method = "POST",
        .path = arena_printf(&arena, "/v1/payments/%lld/refunds", (long long)payment),
        .body = arena_textf(&arena, "{\"amount\":%lld,\"reason\":\"fee_rule\"}", (long long)paid.amount),
        .cookie = cashier};
    struct service_answer answer = service_call(&service, &arena, &ask);
    assert_int_equal(answer.status, 201);
    int64_t refund = json_int_at(answer.json, "id");
    assert_int_equal(one("count(*) FROM refund WHERE true", paid.id), 1);
    const struct service_call approve = {.method = "POST",
                                         .path = arena_printf(&arena, "/v1/refunds/%lld/approve", (long long)refund),
                                         .cookie = finance};
    assert_int_equal(service_call(&service, &arena, &approve).status, 200);

    /* Told again, nothing more is opened. */
    tell(&passport, "LIFE-1", "refused");
    assert_int_equal(one("count(*) FROM refund WHERE true", paid.id), 1);
}

static void who_withdraws_is_told_why_nothing_comes_back(void **state)
{
    tell(&passport, "LIFE-2", "filed");
    struct payment_asked paid = asked_of(&passport, "LIFE-2", "filing");
    pay(&passport, &paid, paid.amount);
    tell(&passport, "LIFE-2", "withdrawn");
    assert_int_equal(one("count(*) FROM refund WHERE true", paid.id), 0);
    assert_int_equal(one("count(*) FROM event WHERE kind = 'refund.denied'", paid.id), 1);
    assert_true(page_says(&paid, "không được hoàn theo quy định (TT 28/2026/TT-BTC"));
}

static void a_rule_that_is_not_set_is_for_people_to_decide(void **state)
{
    tell(&extract, "LIFE-3", "filed");
    struct payment_asked paid = asked_of(&extract, "LIFE-3", "filing");
    pay(&extract, &paid, paid.amount);
    tell(&extract, "LIFE-3", "refused");
    assert_int_equal(one(CASES "'proposed' AND note LIKE '%chưa được đặt%'", paid.id), paid.amount);
    assert_true(page_says(&paid, "cơ quan thu sẽ quyết định việc hoàn"));
}

static void a_part_that_was_paid_is_offered_back_and_later_money_is_held(void **state)
{
    tell(&extract, "LIFE-4", "filed");
    struct payment_asked part = asked_of(&extract, "LIFE-4", "filing"),
                         open = asked_of(&extract, "LIFE-4", "additional");
    pay(&extract, &part, 5000);
    tell(&extract, "LIFE-4", "withdrawn");
    assert_int_equal(one(CASES "'proposed'", part.id), 5000);
    assert_string_equal(status_of(part.id), "cancelled"); /* nobody is asked for the rest */
    pay(&extract, &open, open.amount);                    /* its QR had been photographed */
    assert_int_equal(one("coalesce(sum(surplus), 0)::bigint FROM payment WHERE true", open.id), open.amount);
    assert_int_equal(one("sum(amount)::bigint FROM refund WHERE reason = 'after_cancel'", open.id), open.amount);
}

static void a_dossier_that_goes_on_closes_what_nobody_took_up(void **state)
{
    tell(&passport, "LIFE-5", "filed");
    struct payment_asked paid = asked_of(&passport, "LIFE-5", "filing");
    pay(&passport, &paid, paid.amount);
    tell(&passport, "LIFE-5", "refused");
    tell(&passport, "LIFE-5", "supplement");
    assert_int_equal(one(CASES "'proposed'", paid.id), 0);
    assert_false(page_says(&paid, "Hồ sơ bị từ chối"));
    tell(&passport, "LIFE-5", "refused"); /* and is refused once more */
    assert_int_equal(one(CASES "'proposed'", paid.id), paid.amount);

    struct service_answer seen = service_ask(&service, &arena, "GET", "/v1/dossiers/LIFE-5", "%s", "");
    json_t *states = json_object_get(seen.json, "states"), *answers = json_object_get(seen.json, "refund_answers");
    assert_int_equal(json_array_size(states), 4);
    assert_string_equal(json_string_at(json_array_get(states, 2), "state"), "supplement");
    assert_int_equal(json_array_size(answers), 1);
    assert_string_equal(json_string_at(json_array_get(answers, 0), "answer"), "yes");
}

static void a_part_waits_for_the_rest_again_when_the_dossier_goes_on(void **state)
{
    tell(&extract, "LIFE-7", "filed");
    struct payment_asked part = asked_of(&extract, "LIFE-7", "filing");
    pay(&extract, &part, 5000);
    tell(&extract, "LIFE-7", "refused");
    assert_string_equal(status_of(part.id), "cancelled");
    tell(&extract, "LIFE-7", "supplement");
    assert_string_equal(status_of(part.id), "partly_paid");
    assert_int_equal(one(CASES "'proposed'", part.id), 0);
    pay(&extract, &part, part.amount - 5000);
    assert_string_equal(status_of(part.id), "paid");
}

static void nothing_new_is_asked_for_a_dossier_that_has_ended(void **state)
{
    tell(&extract, "LIFE-8", "filed");
    tell(&extract, "LIFE-8", "withdrawn");
    struct service_answer refused = service_ask(
        &service, &arena, "POST", "/v1/payment-requests",
        "{\"dossier\":\"LIFE-8\",\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"online\",\"quantities\":{\"copies\":1}}");
    assert_int_equal(refused.status, 409);
    assert_string_equal(json_string_at(refused.json, "code"), "dossier_ended");
}

/* Money that settles a request in the moment in which its dossier ends, after the job looked, gets its answer too. */
static void money_that_settles_beside_the_end_has_its_answer(void **state)
{
    tell(&passport, "LIFE-9", "filed");
    struct payment_asked late = asked_of(&passport, "LIFE-9", "filing");
    test_sql(db, "ALTER TABLE dossier DISABLE TRIGGER dossier_state_next"); /* the job of the state has run already */
    tell(&passport, "LIFE-9", "refused");
    test_sql(db, "ALTER TABLE dossier ENABLE TRIGGER dossier_state_next");
    pay(&passport, &late, late.amount);
    assert_true(service_drained(db, 20));
    assert_string_equal(status_of(late.id), "paid");
    assert_int_equal(one(CASES "'proposed'", late.id), late.amount);
    /* What was looked up before it was settled is looked up again. */
    assert_int_equal(test_int(db, "SELECT dossier_ends(now(), 'LIFE-9', 'refused', '{}', '{}', '{}', '{}')::integer"),
                     0);
}

/* Why, and since when, in the words of the one-stop shop; and why more is asked. */
static void reasons_are_kept_and_shown(void **state)
{
    tell(&passport, "LIFE-10", "filed");
    struct service_answer made = service_ask(
        &service, &arena, "POST", "/v1/payment-requests",
        "{\"dossier\":\"LIFE-10\",\"stage\":\"additional\",\"fees\":[\"HC-MOI\"],\"reason\":\"Bổ sung một hộ "
        "chiếu\"}");
    assert_int_equal(made.status, 201);
    assert_string_equal(json_string_at(made.json, "reason"), "Bổ sung một hộ chiếu");
    struct payment_asked asked = {.id = json_int_at(made.json, "id"),
                                  .amount = json_int_at(made.json, "amount"),
                                  .reference = json_string_at(made.json, "reference"),
                                  .pay_url = json_string_at(made.json, "pay_url")};
    assert_true(page_says(&asked, "Bổ sung một hộ chiếu"));
    pay(&passport, &asked, asked.amount);
    struct service_answer told =
        service_ask(&service, &arena, "PUT", "/v1/dossiers/LIFE-10",
                    "{\"procedure\":\"1.012680\",\"agency\":\"QN-CAT\",\"channel\":\"online\",\"state\":\"refused\","
                    "\"state_reason\":"
                    "\"Thiếu giấy xác "
                    "nhận\",\"state_at\":\"2026-11-21T10:00:00+07:00\",\"submitted_at\":\"2026-11-20T09:00:00+07:00\","
                    "\"applicant\":{\"name\":\"Nguyễn Thị Ánh\"}}");
    assert_int_equal(told.status, 200);
    assert_true(service_drained(db, 20));
    assert_true(page_says(&asked, "Hồ sơ bị từ chối (Thiếu giấy xác nhận)"));
    struct service_answer seen = service_ask(&service, &arena, "GET", "/v1/dossiers/LIFE-10", "%s", "");
    json_t *last = json_array_get(json_object_get(seen.json, "states"), 1);
    assert_string_equal(json_string_at(last, "reason"), "Thiếu giấy xác nhận");
    assert_string_equal(json_string_at(last, "since"), "2026-11-21T10:00:00+07:00");
    const struct service_call ahead = {
        .method = "PUT",
        .path = "/v1/dossiers/LIFE-10",
        .body = TEXT("{\"procedure\":\"1.012680\",\"agency\":\"QN-CAT\",\"channel\":\"online\",\"state_at\":"
                     "\"2999-01-01T00:00:00+07:00\",\"submitted_at\":\"2026-11-20T09:00:00+07:00\",\"applicant\":{"
                     "\"name\":\"A B\"}}")};
    assert_int_equal(service_call(&service, &arena, &ahead).status, 422);
}

/* What the one-stop shop sends again does not move the filing time that a signed hand-over record has set. */
static void a_signed_hand_over_stays_the_filing_time(void **state)
{
    tell(&extract, "LIFE-6", "filed");
    test_sql(db,
             "UPDATE dossier SET submitted_at = '2026-11-21 03:00Z', handed_over_at = '2026-11-21 03:00Z' WHERE code ="
             " 'LIFE-6'");
    tell(&extract, "LIFE-6", "filed");
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM dossier WHERE code = 'LIFE-6' AND submitted_at = handed_over_at"), 1);
}

static void the_books_agree(void **state)
{
    assert_int_equal(service_audit(db), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_dossier_gives_back_what_the_fees_rule_says),
        cmocka_unit_test(who_withdraws_is_told_why_nothing_comes_back),
        cmocka_unit_test(a_rule_that_is_not_set_is_for_people_to_decide),
        cmocka_unit_test(a_part_that_was_paid_is_offered_back_and_later_money_is_held),
        cmocka_unit_test(a_dossier_that_goes_on_closes_what_nobody_took_up),
        cmocka_unit_test(a_part_waits_for_the_rest_again_when_the_dossier_goes_on),
        cmocka_unit_test(nothing_new_is_asked_for_a_dossier_that_has_ended),
        cmocka_unit_test(money_that_settles_beside_the_end_has_its_answer),
        cmocka_unit_test(reasons_are_kept_and_shown),
        cmocka_unit_test(a_signed_hand_over_stays_the_filing_time),
        cmocka_unit_test(the_books_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
