/* A cashier's day: float, cash, printed codes, blind count, differences, hand-over, release. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

enum { PRICE = 2 * TEST_COPY_PRICE, FLOAT = 500000, CROWD = 12 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *lan, *minh, *hoa; /* two cashiers, a supervisor */

static struct service_answer staff(const char *cookie, const char *method, const char *path, const char *body)
{
    return service_call(
        &service, &arena,
        &(struct service_call){
            .method = method, .path = path, .cookie = cookie, .body = *body ? text_of(body) : TEXT_NONE});
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, "[policy]\ncash = yes\n");
    lan = service_staff_cookie(db, &arena, "lan", "cashier");
    minh = service_staff_cookie(db, &arena, "minh", "cashier");
    hoa = service_staff_cookie(db, &arena, "hoa", "supervisor");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct payment_asked ask(void)
{
    static int number;
    return service_request(&service, &arena, arena_printf(&arena, "CASH-%03d", ++number), 2);
}

static void assert_code(const struct service_answer *answer, int status, const char *code)
{
    if (answer->status != status || strcmp(json_string_at(answer->json, "code"), code))
        fail_msg("expected %d %s, got %d %.*s", status, code, answer->status, TEXT_ARGS(answer->body));
}

static int64_t open_shift(const char *cookie, const char *desk)
{
    struct service_answer answer =
        staff(cookie, "POST", "/v1/shifts",
              arena_printf(&arena, "{\"agency\":\"" TEST_AGENCY "\",\"desk\":\"%s\",\"float\":%d}", desk, FLOAT));
    assert_int_equal(answer.status, 201);
    return json_int_at(answer.json, "id");
}

static struct service_answer on_shift(const char *cookie, int64_t shift, const char *act, const char *body)
{
    return staff(cookie, "POST", arena_printf(&arena, "/v1/shifts/%lld/%s", (long long)shift, act), body);
}

static struct service_answer pay_cash(const char *cookie, const struct payment_asked *asked, int tendered)
{
    return staff(cookie, "POST", arena_printf(&arena, "/v1/payment-requests/%lld/cash-payments", (long long)asked->id),
                 arena_printf(&arena, "{\"tendered\":%d}", tendered));
}

static bool is_null(json_t *object, const char *key)
{
    return json_is_null(json_object_get(object, key));
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void a_shift_with_cash_is_counted_blind_and_closed_at_zero_difference(void **state)
{
    struct payment_asked asked = ask(), late = ask();
    struct service_answer answer = pay_cash(lan, &asked, 50000);
    assert_code(&answer, 409, "shift_missing");
    int64_t shift = open_shift(lan, "Quầy 1");
    answer = staff(lan, "POST", "/v1/shifts", "{\"agency\":\"" TEST_AGENCY "\",\"desk\":\"Quầy 9\",\"float\":0}");
    assert_code(&answer, 409, "shift_open");
    answer = staff(minh, "POST", "/v1/shifts", "{\"agency\":\"" TEST_AGENCY "\",\"desk\":\"Quầy 1\",\"float\":0}");
    assert_code(&answer, 409, "shift_open");
    answer = pay_cash(lan, &asked, PRICE - 1);
    assert_int_equal(answer.status, 422);
    answer = pay_cash(lan, &asked, 50000);
    assert_int_equal(answer.status, 201);
    assert_int_equal(json_int_at(answer.json, "change"), 50000 - PRICE);
    assert_int_equal(json_int_at(answer.json, "shift"), shift);
    assert_string_equal(json_string_at(answer.json, "status"), "paid");
    answer = pay_cash(lan, &asked, 50000);
    assert_code(&answer, 409, "request_settled");

    const char *path = arena_printf(&arena, "/v1/shifts/%lld", (long long)shift);
    const char *report = arena_printf(&arena, "%s/report", path), *csv = arena_printf(&arena, "%s?format=csv", report);
    answer = staff(lan, "GET", path, "");
    assert_true(is_null(answer.json, "expected") && is_null(answer.json, "difference"));
    answer = staff(lan, "GET", report, "");
    assert_true(is_null(answer.json, "totals") && !json_array_size(json_object_get(answer.json, "payments")));
    answer = staff(hoa, "GET", csv, "");
    assert_code(&answer, 409, "shift_not_counted");
    answer = on_shift(lan, shift, "close", "");
    assert_code(&answer, 409, "shift_not_counted");
    answer = on_shift(minh, shift, "count", "{\"cash\":1}");
    assert_int_equal(answer.status, 403);

    answer = on_shift(lan, shift, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT + PRICE));
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_int_at(answer.json, "difference"), 0);
    assert_int_equal(json_int_at(answer.json, "expected"), FLOAT + PRICE);
    answer = on_shift(lan, shift, "count", "{\"cash\":7}");
    assert_code(&answer, 409, "shift_state");
    answer = pay_cash(lan, &late, PRICE);
    assert_code(&answer, 409, "shift_missing");
    assert_int_equal(on_shift(lan, shift, "close", "").status, 200);
    answer = staff(lan, "GET", report, "");
    assert_int_equal(json_int_at(json_object_get(json_object_get(answer.json, "totals"), "cash"), "amount"), PRICE);
    answer = staff(hoa, "GET", csv, "");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.at, ",cash,CASH-001,"));
}

static void a_difference_is_released_by_a_supervisor_who_says_why(void **state)
{
    struct payment_asked asked = ask();
    int64_t shift = open_shift(lan, "Quầy 1");
    assert_int_equal(pay_cash(lan, &asked, PRICE).status, 201);
    struct service_answer answer = on_shift(lan, shift, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT));
    assert_int_equal(json_int_at(answer.json, "difference"), -PRICE);
    answer = on_shift(lan, shift, "close", "");
    assert_code(&answer, 409, "shift_difference");
    assert_int_equal(on_shift(lan, shift, "release", "{\"reason\":\"tự duyệt\"}").status, 403);
    assert_int_equal(on_shift(hoa, shift, "release", "{}").status, 422);
    answer = on_shift(hoa, shift, "release", "{\"reason\":\"Thối nhầm, đã lập biên bản\"}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_string_at(answer.json, "released_by"), "staff:hoa");
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit WHERE act = 'shift.released' AND actor = 'staff:hoa'"),
                     1);
}

static void a_supervisor_never_releases_the_own_shift(void **state)
{
    int64_t shift = open_shift(hoa, "Quầy 7");
    assert_int_equal(on_shift(hoa, shift, "count", "{\"cash\":1}").status, 200);
    struct service_answer answer = on_shift(hoa, shift, "release", "{\"reason\":\"của chính mình\"}");
    assert_code(&answer, 403, "second_person_required");
    test_sql(
        db,
        "UPDATE shift SET state = 'closed', closed_at = counted_at, released_by = 'staff:test', release_reason = 'x'"
        " WHERE cashier = 'staff:hoa'");
}

static void the_counted_box_goes_to_the_next_cashier(void **state)
{
    int64_t shift = open_shift(lan, "Quầy 1");
    struct service_answer answer = on_shift(lan, shift, "hand-over", "{\"to\":\"minh\"}");
    assert_code(&answer, 409, "shift_not_counted");
    assert_int_equal(on_shift(lan, shift, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT)).status, 200);
    assert_int_equal(on_shift(lan, shift, "hand-over", "{\"to\":\"lan\"}").status, 422);
    assert_int_equal(on_shift(lan, shift, "hand-over", "{\"to\":\"nobody\"}").status, 422);
    answer = on_shift(lan, shift, "hand-over", "{\"to\":\"minh\"}");
    assert_int_equal(answer.status, 201);
    assert_string_equal(json_string_at(answer.json, "cashier"), "staff:minh");
    assert_int_equal(json_int_at(answer.json, "float"), FLOAT);
    assert_int_equal(json_int_at(answer.json, "handed_over_from"), shift);
    int64_t next = json_int_at(answer.json, "id");
    struct payment_asked asked = ask();
    answer = pay_cash(minh, &asked, PRICE);
    assert_int_equal(json_int_at(answer.json, "shift"), next);
    on_shift(minh, next, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT + PRICE));
    assert_int_equal(on_shift(minh, next, "close", "").status, 200);
}

/* Twelve desks at once take the same request's money: one does. */
static struct {
    struct payment_asked asked;
    int taken;
    pthread_mutex_t lock;
} crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *take_at_once(void *with)
{
    struct arena own;
    arena_init(&own);
    struct service_answer answer =
        service_call(&service, &own,
                     &(struct service_call){.method = "POST",
                                            .path = arena_printf(&own, "/v1/payment-requests/%lld/cash-payments",
                                                                 (long long)crowd.asked.id),
                                            .cookie = lan,
                                            .body = TEXT("{}")});
    pthread_mutex_lock(&crowd.lock);
    crowd.taken += answer.status == 201;
    pthread_mutex_unlock(&crowd.lock);
    arena_done(&own);
    return NULL;
}

static void many_presses_take_cash_once(void **state)
{
    int64_t shift = open_shift(lan, "Quầy 1");
    pthread_t threads[CROWD];
    crowd.asked = ask();
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_at_once, NULL), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.taken, 1);
    struct service_answer answer = on_shift(lan, shift, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT + PRICE));
    assert_int_equal(json_int_at(answer.json, "difference"), 0);
    assert_int_equal(on_shift(lan, shift, "close", "").status, 200);
}

static void money_of_a_printed_code_is_claimed_once_with_the_banks_code(void **state)
{
    struct payment_asked asked = ask(), other = ask();
    int64_t shift = open_shift(minh, "Quầy 2");
    struct service_answer answer = service_ask(&service, &arena, "PUT", "/v1/static-codes/HLQUAY01",
                                               "{\"agency\":\"" TEST_AGENCY "\",\"place\":\"Quầy 2\"}");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(json_string_at(answer.json, "payload"), "0808HLQUAY01"));
    assert_int_equal(service_ask(&service, &arena, "GET", "/v1/static-codes/HLQUAY01.svg", "%s", "").status, 200);
    const char *path = arena_printf(&arena, "/v1/payment-requests/%lld/static-claims", (long long)asked.id);
    const char *claim = "{\"code\":\"HLQUAY01\",\"bank_reference\":\"ft7701\"}";
    answer = staff(minh, "POST", path, claim);
    assert_code(&answer, 404, "transfer_not_seen");
    answer = bank_tells(&service, &arena,
                        &(struct bank_notice){.id = 7701, .amount = PRICE, .memo = "MBVCB.1.HLQUAY 01.CT tu X"});
    assert_true(bank_accepted(&answer));
    answer = bank_tells(&service, &arena, &(struct bank_notice){.id = 7702, .amount = PRICE, .memo = "khong ro"});
    assert_true(bank_accepted(&answer));
    answer = staff(lan, "POST", path, claim);
    assert_code(&answer, 409, "shift_missing");
    answer = staff(minh, "POST", path, "{\"code\":\"HLQUAY01\",\"bank_reference\":\"FT7702\"}");
    assert_code(&answer, 422, "transfer_other_code");
    answer = staff(minh, "POST", path, "{\"code\":\"XXQUAY09\",\"bank_reference\":\"FT7701\"}");
    assert_int_equal(answer.status, 422);
    answer = staff(minh, "POST", path, claim);
    assert_int_equal(answer.status, 201);
    assert_string_equal(json_string_at(answer.json, "status"), "paid");
    answer = staff(minh, "POST", arena_printf(&arena, "/v1/payment-requests/%lld/static-claims", (long long)other.id),
                   claim);
    assert_code(&answer, 409, "transfer_claimed");
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit WHERE act = 'static.claim' AND actor = 'staff:minh'"), 1);
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM counter_payment WHERE way = 'static' AND"
                                               " shift_id = %lld",
                                               (long long)shift)),
                     1);
    answer = on_shift(minh, shift, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT));
    assert_int_equal(json_int_at(answer.json, "difference"), 0);
    assert_int_equal(on_shift(minh, shift, "close", "").status, 200);
}

static void a_card_payment_nobody_knows_of_holds_the_shift_and_is_named(void **state)
{
    struct payment_asked asked = ask();
    int64_t shift = open_shift(lan, "Quầy 1");
    assert_int_equal(service_ask(&service, &arena, "PUT", "/v1/terminals/POS-Q",
                                 "{\"agency\":\"" TEST_AGENCY "\",\"address\":\"http://127.0.0.1:9/nexo\"}")
                         .status,
                     200);
    test_sql(
        db, arena_printf(&arena,
                         "WITH a AS (INSERT INTO payment_attempt (request_id, number, source, source_account, order_id,"
                         " amount, state, actor, made_at, expires_at, changed_at) SELECT id, 1, 'nexo', 'POS-Q',"
                         " reference || '-1', amount, 'unknown', 'staff:lan', created_at, created_at, created_at"
                         " FROM payment_request WHERE id = %lld RETURNING id)"
                         " INSERT INTO pos_payment (attempt_id, terminal_id, shift_id, service_id, sent_at)"
                         " SELECT a.id, t.id, %lld, '999999', now() FROM a, terminal t WHERE t.name = 'POS-Q'",
                         (long long)asked.id, (long long)shift));
    struct service_answer answer = pay_cash(lan, &asked, PRICE);
    assert_code(&answer, 409, "attempt_unknown");
    on_shift(lan, shift, "count", arena_printf(&arena, "{\"cash\":%d}", FLOAT));
    answer = on_shift(lan, shift, "close", "");
    assert_code(&answer, 409, "shift_undecided");
    assert_non_null(strstr(answer.body.at, "còn một giao dịch thẻ chưa rõ kết quả"));
    assert_int_equal(on_shift(hoa, shift, "release", "{\"reason\":\"Máy thẻ hỏng, chờ ngân hàng\"}").status, 200);
    answer = pay_cash(lan, &asked, PRICE); /* released is the shift, never the payment */
    assert_int_equal(answer.status, 409);
    test_sql(db, "UPDATE payment_attempt SET state = 'aborted' WHERE state = 'unknown'");
}

static void the_books_agree_in_the_end(void **state)
{
    assert_true(service_drained(db, 20));
    assert_int_equal(test_int(db, "SELECT coalesce(sum(amount), 0) FROM entry"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment p WHERE method = 'cash' AND NOT EXISTS (SELECT FROM"
                                  " counter_payment c WHERE c.payment_id = p.id)"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shift_with_cash_is_counted_blind_and_closed_at_zero_difference),
        cmocka_unit_test(a_difference_is_released_by_a_supervisor_who_says_why),
        cmocka_unit_test(a_supervisor_never_releases_the_own_shift),
        cmocka_unit_test(the_counted_box_goes_to_the_next_cashier),
        cmocka_unit_test(many_presses_take_cash_once),
        cmocka_unit_test(money_of_a_printed_code_is_claimed_once_with_the_banks_code),
        cmocka_unit_test(a_card_payment_nobody_knows_of_holds_the_shift_and_is_named),
        cmocka_unit_test(the_books_agree_in_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
