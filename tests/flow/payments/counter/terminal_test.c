/* Card payments through the real service and a terminal that the sandbox plays, well and badly behaved. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/sandbox.h"
#include "tests/support/service.h"

enum { WAIT_S = 25, PRICE = 2 * TEST_COPY_PRICE };

static struct db *db;
static struct service_under_test service;
static struct test_sandbox sandbox;
static struct arena arena;
static const char *cashier, *supervisor;

static struct service_answer staff(const char *cookie, const char *method, const char *path, const char *body)
{
    return service_call(
        &service, &arena,
        &(struct service_call){
            .method = method, .path = path, .cookie = cookie, .body = *body ? text_of(body) : TEXT_NONE});
}

static void put_terminal(const char *name)
{
    struct service_answer answer =
        service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/terminals/%s", name),
                    "{\"agency\":\"" TEST_AGENCY "\",\"desk\":\"%s\",\"address\":\"%s/nexo\"}", name, sandbox.base);
    assert_int_equal(answer.status, 200);
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    test_sandbox_start(&sandbox, (const char *const[]){NULL});
    service_set_up(&service, db, "[terminals]\nanswer_timeout_s = 4\nask_after_s = 1\n");
    put_terminal("POS-1");
    cashier = service_staff_cookie(db, &arena, "lan", "cashier");
    supervisor = service_staff_cookie(db, &arena, "hoa", "supervisor");
    struct service_answer answer =
        staff(cashier, "POST", "/v1/shifts", "{\"agency\":\"" TEST_AGENCY "\",\"desk\":\"Quầy 1\",\"float\":0}");
    assert_int_equal(answer.status, 201);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    assert_true(test_sandbox_stop(&sandbox, SIGTERM));
    test_sandbox_remove(&sandbox);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static json_t *terminal_call(const char *method, const char *path, const char *body)
{
    struct http_answer answer;
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = method,
                                   .url = arena_printf(&arena, "%s%s", sandbox.base, path),
                                   .headers = &json,
                                   .header_count = 1,
                                   .body = *body ? text_of(body) : TEXT_NONE};
    assert_int_equal(http_client_call(service.client, &call, &arena, &answer), OK);
    assert_int_equal(answer.status, 200);
    return json_loadb(answer.body.at, answer.body.length, 0, NULL);
}

static void terminal_will(const char *terminal, const char *what, int delay_ms, int amount)
{
    char more[64] = "";
    if (amount)
        snprintf(more, sizeof more, ",\"amount\":%d", amount);
    json_decref(terminal_call("POST", "/terminal/behave",
                              arena_printf(&arena, "{\"terminal\":\"%s\",\"next\":\"%s\",\"delay_ms\":%d%s}", terminal,
                                           what, delay_ms, more)));
}

/* How often the terminal really charged a card. */
static int charges(const char *terminal)
{
    json_t *list = terminal_call("GET", arena_printf(&arena, "/terminal/transactions?terminal=%s", terminal), "");
    size_t i;
    json_t *one;
    int count = 0;
    json_array_foreach(json_object_get(list, "items"), i, one)
    {
        if (!strcmp(json_string_at(one, "state"), "approved") && !strcmp(json_string_at(one, "kind"), "payment"))
            count++;
    }
    json_decref(list);
    return count;
}

static struct payment_asked ask(void)
{
    static int number;
    return service_request(&service, &arena, arena_printf(&arena, "CARD-%03d", ++number), 2);
}

/* A new terminal for each story, so that what one does is counted alone. */
static const char *terminal_new(void)
{
    static int number = 100;
    const char *name = arena_printf(&arena, "POS-%d", ++number);
    put_terminal(name);
    return name;
}

static struct service_answer begin(const struct payment_asked *asked, const char *terminal)
{
    return service_ask(&service, &arena, "POST",
                       arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments", (long long)asked->id),
                       "{\"terminal\":\"%s\"}", terminal);
}

static struct service_answer look(const struct payment_asked *asked, int number)
{
    return service_ask(&service, &arena, "GET",
                       arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments/%d", (long long)asked->id, number),
                       "%s", "");
}

static struct service_answer until(const struct payment_asked *asked, int number, const char *status)
{
    struct service_answer answer = {0};
    for (int i = 0; i < WAIT_S * 20; i++) {
        answer = look(asked, number);
        if (!strcmp(json_string_at(answer.json, "status"), status))
            return answer;
        test_sleep_ms(50);
    }
    fail_msg("it never became %s: %.*s", status, TEXT_ARGS(answer.body));
    return answer;
}

static const char *request_status(const struct payment_asked *asked)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)asked->id), "%s", "");
    return json_string_at(answer.json, "status");
}

static void assert_code(const struct service_answer *answer, int status, const char *code)
{
    if (answer->status != status || strcmp(json_string_at(answer->json, "code"), code))
        fail_msg("expected %d %s, got %d %.*s", status, code, answer->status, TEXT_ARGS(answer->body));
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void a_card_pays_a_request_and_the_money_lies_in_the_terminals_own_account(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    struct service_answer answer = begin(&asked, terminal);
    assert_int_equal(answer.status, 201);
    assert_string_equal(json_string_at(answer.json, "status"), "sent");
    assert_int_equal(json_int_at(answer.json, "id"), 1);
    answer = until(&asked, 1, "approved");
    assert_int_equal(json_int_at(answer.json, "approved_amount"), PRICE);
    assert_string_equal(json_string_at(answer.json, "card"), "970436 **** 4321");
    assert_string_equal(request_status(&asked), "paid");
    assert_int_equal(charges(terminal), 1);
    assert_int_equal(
        test_int(db, "SELECT sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id WHERE a.code LIKE"
                     " 'clearing:POS%'"),
        PRICE);
    answer = begin(&asked, terminal);
    assert_code(&answer, 409, "request_settled");
}

static void a_refused_card_may_be_tried_again(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "decline", 0, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    struct service_answer answer = until(&asked, 1, "declined");
    assert_string_equal(json_string_at(answer.json, "code"), "Refusal");
    assert_string_equal(request_status(&asked), "pending");
    terminal_will(terminal, "busy", 0, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    assert_string_equal(json_string_at(until(&asked, 2, "declined").json, "code"), "Busy");
    assert_int_equal(begin(&asked, terminal).status, 201);
    until(&asked, 3, "approved");
    assert_int_equal(charges(terminal), 1);
}

static void a_lost_answer_is_asked_for_and_nothing_is_charged_meanwhile(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "mute", 3000, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    until(&asked, 1, "unknown");
    struct service_answer answer = begin(&asked, terminal);
    assert_code(&answer, 409, "attempt_unknown");
    until(&asked, 1, "approved");
    assert_string_equal(request_status(&asked), "paid");
    assert_int_equal(charges(terminal), 1);
}

static void an_answer_nobody_understands_is_asked_for(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "mangle", 0, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    until(&asked, 1, "approved");
    assert_int_equal(charges(terminal), 1);
}

static void a_terminal_that_never_got_the_message_is_free_again_when_nothing_can_arrive_any_more(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "hang", 0, 0);
    int64_t from = clock_monotonic_us();
    assert_int_equal(begin(&asked, terminal).status, 201);
    struct service_answer answer = until(&asked, 1, "aborted");
    assert_true(clock_monotonic_us() - from >= 4 * SECOND_US);
    assert_string_equal(json_string_at(answer.json, "code"), "NotFound");
    assert_int_equal(begin(&asked, terminal).status, 201);
    until(&asked, 2, "approved");
    assert_int_equal(charges(terminal), 1);
}

static void a_terminal_nobody_answers_at_charges_nothing(void **state)
{
    struct payment_asked asked = ask();
    assert_int_equal(service_ask(&service, &arena, "PUT", "/v1/terminals/POS-DEAD",
                                 "{\"agency\":\"" TEST_AGENCY "\",\"address\":\"http://127.0.0.1:9/nexo\"}")
                         .status,
                     200);
    assert_int_equal(begin(&asked, "POS-DEAD").status, 201);
    assert_string_equal(json_string_at(until(&asked, 1, "aborted").json, "code"), "Unreachable");
}

static void what_the_card_really_paid_is_booked_and_a_person_is_told(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "other_amount", 0, PRICE - 1000);
    assert_int_equal(begin(&asked, terminal).status, 201);
    struct service_answer answer = until(&asked, 1, "approved");
    assert_int_equal(json_int_at(answer.json, "approved_amount"), PRICE - 1000);
    assert_string_equal(request_status(&asked), "partly_paid");
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM event WHERE kind = 'attempt.differs' AND"
                                               " request_id = %lld",
                                               (long long)asked.id)),
                     1);
}

static void attempts_exclude_each_other_and_a_second_screen_sees_the_one_under_way(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new(), *other = terminal_new();
    terminal_will(terminal, "approve", 2000, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    struct service_answer answer = begin(&asked, other);
    assert_code(&answer, 409, "attempt_open");
    answer = service_ask(&service, &arena, "GET",
                         arena_printf(&arena, "/v1/payment-requests/%lld/attempts", (long long)asked.id), "%s", "");
    json_t *one = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_true(json_is_true(json_object_get(one, "under_way")));
    assert_string_equal(json_string_at(one, "terminal"), terminal);
    until(&asked, 1, "approved");
    assert_int_equal(charges(terminal) + charges(other), 1);
}

static void a_payment_is_given_up_when_the_terminal_says_so(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "approve", 3500, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    test_sleep_ms(700);
    struct service_answer answer = service_ask(
        &service, &arena, "POST",
        arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments/1/abort", (long long)asked.id), "%s", "");
    assert_int_equal(answer.status, 202);
    until(&asked, 1, "aborted");
    assert_int_equal(charges(terminal), 0);
    answer = service_ask(&service, &arena, "POST",
                         arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments/1/abort", (long long)asked.id),
                         "%s", "");
    assert_code(&answer, 409, "attempt_state");
}

static void money_by_qr_stops_the_terminal_and_is_booked_all_the_same(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "approve", 3800, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    test_sleep_ms(300);
    struct service_answer told =
        bank_tells(&service, &arena, &(struct bank_notice){.id = 88001, .amount = PRICE, .memo = asked.reference});
    assert_true(bank_accepted(&told));
    until(&asked, 1, "aborted");
    assert_string_equal(request_status(&asked), "paid");
    assert_int_equal(charges(terminal), 0);
}

static void a_kill_between_sent_and_answered_loses_nothing_and_charges_nothing_twice(void **state)
{
    for (int i = 0; i < test_count("TEST_KILLS", 3); i++) {
        struct payment_asked asked = ask();
        const char *terminal = terminal_new();
        terminal_will(terminal, i % 2 ? "lose" : "late", 1500, 0);
        assert_int_equal(begin(&asked, terminal).status, 201);
        test_sleep_ms(600);
        service_kill(&service);
        service_start(&service);
        struct service_answer answer = begin(&asked, terminal);
        assert_true(answer.status == 409);
        until(&asked, 1, "approved");
        assert_string_equal(request_status(&asked), "paid");
        assert_int_equal(charges(terminal), 1);
    }
}

static void a_stop_in_good_order_does_not_wait_for_a_card(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    terminal_will(terminal, "late", 3000, 0);
    assert_int_equal(begin(&asked, terminal).status, 201);
    test_sleep_ms(600);
    int64_t from = clock_monotonic_us();
    service_stop(&service);
    assert_true(clock_monotonic_us() - from < 2 * SECOND_US);
    service_start(&service);
    until(&asked, 1, "approved");
    assert_int_equal(charges(terminal), 1);
}

static void a_reversal_needs_two_people_and_opens_the_request_again(void **state)
{
    struct payment_asked asked = ask();
    const char *terminal = terminal_new();
    assert_int_equal(begin(&asked, terminal).status, 201);
    until(&asked, 1, "approved");
    const char *path = arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments/1/reversal", (long long)asked.id);
    assert_int_equal(staff(cashier, "POST", path, "{\"reason\":\"Nhầm hồ sơ\"}").status, 201);
    const char *approve = arena_printf(&arena, "%s/approve", path);
    assert_int_equal(staff(cashier, "POST", approve, "").status, 403);
    terminal_will(terminal, "lose", 0, 0); /* the answer of the reversal is lost: asked for, never sent twice */
    assert_int_equal(staff(supervisor, "POST", approve, "").status, 202);
    const char *state_now = "";
    for (int i = 0; i < WAIT_S * 10 && strcmp(state_now, "done"); i++) {
        state_now = json_string_at(json_object_get(look(&asked, 1).json, "reversal"), "status");
        test_sleep_ms(100);
    }
    assert_string_equal(state_now, "done");
    assert_string_equal(request_status(&asked), "pending");
    assert_int_equal(begin(&asked, terminal).status, 201);
    until(&asked, 2, "approved");
    assert_int_equal(charges(terminal), 2);
}

static struct service_answer end_of_day(const char *terminal)
{
    const char *path = arena_printf(&arena, "/v1/terminals/%s/reconciliations", terminal);
    struct service_answer answer = service_ask(&service, &arena, "POST", path, "%s", "");
    assert_int_equal(answer.status, 202);
    int64_t id = json_int_at(answer.json, "id");
    for (int i = 0; i < WAIT_S * 10; i++) {
        answer = service_ask(&service, &arena, "GET", path, "%s", "");
        size_t k;
        json_t *one;
        json_array_foreach(json_object_get(answer.json, "items"), k, one)
        {
            if (json_int_at(one, "id") == id && json_is_object(json_object_get(one, "terminals"))) {
                answer.json = one;
                return answer;
            }
        }
        test_sleep_ms(100);
    }
    fail_msg("the terminal never told its totals: %.*s", TEXT_ARGS(answer.body));
    return answer;
}

static void the_terminals_totals_are_held_against_ours(void **state)
{
    const char *terminal = terminal_new();
    for (int i = 0; i < 2; i++) {
        struct payment_asked asked = ask();
        assert_int_equal(begin(&asked, terminal).status, 201);
        until(&asked, 1, "approved");
    }
    terminal_will(terminal, "lose", 0, 0); /* the totals are asked for again, the period is not closed twice */
    json_t *day = end_of_day(terminal).json;
    assert_string_equal(json_string_at(day, "status"), "matched");
    assert_int_equal(json_int_at(json_object_get(day, "ours"), "count"), 2);
    assert_int_equal(json_int_at(json_object_get(day, "terminals"), "amount"), 2 * PRICE);
    terminal_will(terminal, "other_amount", 0, 5000);
    day = end_of_day(terminal).json;
    assert_string_equal(json_string_at(day, "status"), "differs");
    assert_int_equal(json_int_at(json_object_get(day, "ours"), "amount"), 0);
    assert_int_equal(json_int_at(json_object_get(day, "terminals"), "amount"), 5000);
}

static void a_cashier_without_a_shift_takes_nothing(void **state)
{
    struct payment_asked asked = ask();
    struct service_answer answer =
        staff(supervisor, "POST", arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments", (long long)asked.id),
              "{\"terminal\":\"POS-1\"}");
    assert_code(&answer, 409, "shift_missing");
    answer = staff(cashier, "POST", arena_printf(&arena, "/v1/payment-requests/%lld/pos-payments", (long long)asked.id),
                   "{\"terminal\":\"POS-1\"}");
    assert_int_equal(answer.status, 201);
    assert_true(json_int_at(answer.json, "shift") > 0);
    answer = begin(&asked, "no-such-terminal");
    assert_int_equal(answer.status, 422);
    until(&asked, 1, "approved");
}

static void cash_is_off_where_the_province_does_not_say_otherwise(void **state)
{
    struct payment_asked asked = ask();
    struct service_answer answer = staff(
        cashier, "POST", arena_printf(&arena, "/v1/payment-requests/%lld/cash-payments", (long long)asked.id), "{}");
    assert_code(&answer, 403, "cash_not_allowed");
}

/* What a killed service held in its hands comes back after its lease: run again, it must send nothing. */
static void the_books_agree_in_the_end(void **state)
{
    test_sql(db, "UPDATE job SET run_at = created_at WHERE kind LIKE 'terminal.%'");
    int64_t left = 1;
    for (int i = 0; i < WAIT_S * 10 && left; i++) {
        left = test_int(db, "SELECT count(*) FROM job WHERE kind LIKE 'terminal.%'");
        test_sleep_ms(100);
    }
    assert_int_equal(left, 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM (SELECT request_id FROM payment_attempt WHERE state IN ('sent',"
                                  " 'unknown')) x"),
                     0);
    assert_int_equal(test_int(db, "SELECT coalesce(sum(amount), 0) FROM entry"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment p WHERE method = 'pos' AND NOT EXISTS (SELECT FROM"
                                  " counter_payment c WHERE c.payment_id = p.id)"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_pays_a_request_and_the_money_lies_in_the_terminals_own_account),
        cmocka_unit_test(a_refused_card_may_be_tried_again),
        cmocka_unit_test(a_lost_answer_is_asked_for_and_nothing_is_charged_meanwhile),
        cmocka_unit_test(an_answer_nobody_understands_is_asked_for),
        cmocka_unit_test(a_terminal_that_never_got_the_message_is_free_again_when_nothing_can_arrive_any_more),
        cmocka_unit_test(a_terminal_nobody_answers_at_charges_nothing),
        cmocka_unit_test(what_the_card_really_paid_is_booked_and_a_person_is_told),
        cmocka_unit_test(attempts_exclude_each_other_and_a_second_screen_sees_the_one_under_way),
        cmocka_unit_test(a_payment_is_given_up_when_the_terminal_says_so),
        cmocka_unit_test(money_by_qr_stops_the_terminal_and_is_booked_all_the_same),
        cmocka_unit_test(a_kill_between_sent_and_answered_loses_nothing_and_charges_nothing_twice),
        cmocka_unit_test(a_stop_in_good_order_does_not_wait_for_a_card),
        cmocka_unit_test(a_reversal_needs_two_people_and_opens_the_request_again),
        cmocka_unit_test(the_terminals_totals_are_held_against_ours),
        cmocka_unit_test(a_cashier_without_a_shift_takes_nothing),
        cmocka_unit_test(cash_is_off_where_the_province_does_not_say_otherwise),
        cmocka_unit_test(the_books_agree_in_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
