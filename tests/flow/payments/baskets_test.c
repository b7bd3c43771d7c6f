/* Baskets, seen from outside: several dossiers, one reference, one QR; every đồng accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "payments/requests/requests.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

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

static struct payment_asked ask(int copies)
{
    static int number;
    return service_request(&service, &arena, arena_printf(&arena, "GIO-%03d", ++number), copies);
}

static int64_t tell(const char *memo, int64_t amount)
{
    struct service_answer answer =
        bank_tells(&service, &arena, &(struct bank_notice){.id = ++notice_number, .amount = amount, .memo = memo});
    assert_true(bank_accepted(&answer));
    return notice_number;
}

static const char *ids_of(const struct payment_asked *asked, size_t count)
{
    const char *ids = "";
    for (size_t i = 0; i < count; i++)
        ids = arena_printf(&arena, "%s%s%lld", ids, i ? ", " : "", (long long)asked[i].id);
    return arena_printf(&arena, "{\"requests\": [%s]}", ids);
}

static struct service_answer gather(const struct payment_asked *asked, size_t count)
{
    return service_ask(&service, &arena, "POST", "/v1/payment-baskets", "%s", ids_of(asked, count));
}

static json_t *made(const struct payment_asked *asked, size_t count)
{
    struct service_answer answer = gather(asked, count);
    assert_int_equal(answer.status, 201);
    return answer.json;
}

static json_t *look(json_t *basket)
{
    const char *path = arena_printf(&arena, "/v1/payment-baskets/%lld", (long long)json_int_at(basket, "id"));
    struct service_answer answer = service_ask(&service, &arena, "GET", path, "%s", "");
    assert_int_equal(answer.status, 200);
    return answer.json;
}

static struct service_answer act(json_t *basket, const char *verb, const char *body)
{
    const char *path = arena_printf(&arena, "/v1/payment-baskets/%lld/%s", (long long)json_int_at(basket, "id"), verb);
    return service_ask(&service, &arena, "POST", path, "%s", body);
}

static void expect(json_t *basket, const char *status, int64_t due, int64_t held)
{
    json_t *now = look(basket);
    assert_string_equal(json_string_at(now, "status"), status);
    assert_int_equal(json_int_at(now, "due"), due);
    assert_int_equal(json_int_at(now, "held"), held);
}

static const char *status_of(const struct payment_asked *asked)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)asked->id), "%s", "");
    return json_string_at(answer.json, "status");
}

static int64_t account(const char *like)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(sum(e.amount), 0)::bigint FROM entry e JOIN account a ON a.id = "
                                     "e.account_id WHERE a.code LIKE '%s'",
                                     like));
}

static void the_exact_sum_settles_every_dossier_in_one_commit(void **state)
{
    struct payment_asked asked[3] = {ask(1), ask(2), ask(3)};
    json_t *basket = made(asked, 3);
    int64_t total = asked[0].amount + asked[1].amount + asked[2].amount;
    assert_int_equal(json_int_at(basket, "amount"), total);
    assert_string_equal(json_string_at(basket, "status"), "pending");
    json_t *qr = json_object_get(basket, "vietqr");
    struct vietqr_read read;
    struct faults faults;
    faults_init(&faults, &arena);
    assert_int_equal(vietqr_decode(text_of(json_string_at(qr, "payload")), &faults, &read), OK);
    assert_int_equal(read.qr.amount, total);
    assert_true(text_is(read.qr.memo, json_string_at(basket, "reference")));

    int64_t suspense = account("suspense:%");
    int64_t notice = tell(json_string_at(basket, "reference"), total);
    expect(basket, "paid", 0, 0);
    for (int i = 0; i < 3; i++)
        assert_string_equal(status_of(&asked[i]), "paid");
    assert_int_equal(account("suspense:%"), suspense);
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(DISTINCT xmin::text) FROM payment_request WHERE id IN "
                                               "(%lld, %lld, %lld) AND settled_at IS NOT NULL",
                                               (long long)asked[0].id, (long long)asked[1].id, (long long)asked[2].id)),
                     1);
    struct service_answer again =
        bank_tells(&service, &arena,
                   &(struct bank_notice){.id = notice, .amount = total, .memo = json_string_at(basket, "reference")});
    assert_true(bank_accepted(&again));
    assert_int_equal(test_int(db, "SELECT count(*) FROM basket_payment"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM basket_share"), 3);
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt"), 3);
}

static void a_short_sum_settles_none_until_the_payer_says_which(void **state)
{
    struct payment_asked asked[3] = {ask(1), ask(2), ask(3)};
    json_t *basket = made(asked, 3);
    const char *reference = json_string_at(basket, "reference");
    struct service_answer early = act(basket, "settle", ids_of(asked, 1));
    EXPECT_PROBLEM(&arena, "nothing came yet", &early, 409, "basket_no_money", "");
    tell(reference, 3 * TEST_COPY_PRICE);
    expect(basket, "partly_paid", 6 * TEST_COPY_PRICE, 3 * TEST_COPY_PRICE);
    for (int i = 0; i < 3; i++)
        assert_string_equal(status_of(&asked[i]), "pending");
    assert_int_equal(json_int_at(look(basket), "missing"), 3 * TEST_COPY_PRICE);

    struct service_answer much = act(basket, "settle", ids_of(asked + 1, 2));
    EXPECT_PROBLEM(&arena, "five for three", &much, 409, "basket_too_much", "");
    struct payment_asked stranger = ask(1);
    struct service_answer other = act(basket, "settle", ids_of(&stranger, 1));
    EXPECT_PROBLEM(&arena, "not of this basket", &other, 422, "payment_request_unknown", "");
    assert_int_equal(act(basket, "cancel", "{}").status, 409);

    assert_int_equal(act(basket, "settle", ids_of(asked + 1, 1)).status, 200);
    assert_string_equal(status_of(&asked[1]), "paid");
    expect(basket, "partly_paid", 4 * TEST_COPY_PRICE, 1 * TEST_COPY_PRICE);
    tell(reference, 3 * TEST_COPY_PRICE);
    expect(basket, "paid", 0, 0);
    assert_string_equal(status_of(&asked[0]), "paid");
    assert_string_equal(status_of(&asked[2]), "paid");
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
}

static void what_is_too_much_is_owed_back_with_its_case(void **state)
{
    struct payment_asked asked[2] = {ask(1), ask(1)};
    json_t *basket = made(asked, 2);
    tell(json_string_at(basket, "reference"), 2 * TEST_COPY_PRICE + 5000);
    expect(basket, "paid", 0, 0);
    assert_string_equal(status_of(&asked[0]), "paid");
    assert_string_equal(status_of(&asked[1]), "overpaid");
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT amount FROM refund WHERE request_id = %lld AND state = "
                                               "'proposed' AND reason = 'surplus'",
                                               (long long)asked[1].id)),
                     5000);
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
}

static void a_request_paid_alone_meanwhile_is_not_paid_again(void **state)
{
    struct payment_asked asked[2] = {ask(1), ask(2)};
    json_t *basket = made(asked, 2);
    tell(asked[0].reference, asked[0].amount);
    expect(basket, "pending", asked[1].amount, 0);
    tell(json_string_at(basket, "reference"), asked[1].amount);
    expect(basket, "paid", 0, 0);
    assert_string_equal(status_of(&asked[0]), "paid");
    assert_string_equal(status_of(&asked[1]), "paid");
}

static void what_cannot_be_gathered_is_named_one_by_one(void **state)
{
    struct payment_asked asked[2] = {ask(1), ask(1)};
    struct service_answer none = service_ask(&service, &arena, "POST", "/v1/payment-baskets", "{\"requests\": []}");
    assert_int_equal(none.status, 422);
    struct service_answer words =
        service_ask(&service, &arena, "POST", "/v1/payment-baskets", "{\"requests\": [\"A\", 0], \"colour\": 1}");
    assert_int_equal(words.status, 422);
    assert_int_equal(json_array_size(json_object_get(words.json, "errors")), 3);
    struct service_answer twice =
        service_ask(&service, &arena, "POST", "/v1/payment-baskets", "{\"requests\": [%lld, %lld]}",
                    (long long)asked[0].id, (long long)asked[0].id);
    assert_int_equal(twice.status, 422);
    struct service_answer unknown = service_ask(&service, &arena, "POST", "/v1/payment-baskets",
                                                "{\"requests\": [%lld, 999999999]}", (long long)asked[0].id);
    assert_int_equal(unknown.status, 422);
    json_t *fault = json_array_get(json_object_get(unknown.json, "errors"), 0);
    assert_string_equal(json_string_at(fault, "pointer"), "/requests/1");
    assert_string_equal(json_string_at(fault, "code"), "payment_request_unknown");
    made(asked, 1);
    struct service_answer other = gather(asked, 2);
    assert_int_equal(other.status, 422);
    assert_string_equal(json_string_at(json_array_get(json_object_get(other.json, "errors"), 0), "code"),
                        "basket_other");
}

static void a_cancelled_basket_gives_its_requests_free(void **state)
{
    struct payment_asked asked[2] = {ask(1), ask(1)};
    json_t *basket = made(asked, 2);
    assert_int_equal(act(basket, "cancel", "{\"reason\": \"nhầm\"}").status, 200);
    expect(basket, "cancelled", 2 * TEST_COPY_PRICE, 0);
    json_t *next = made(asked, 2);
    tell(json_string_at(basket, "reference"), 2 * TEST_COPY_PRICE); /* by the old code: held, never lost */
    expect(basket, "cancelled", 2 * TEST_COPY_PRICE, 2 * TEST_COPY_PRICE);
    tell(json_string_at(next, "reference"), 2 * TEST_COPY_PRICE);
    expect(next, "paid", 0, 0);
}

static struct text statement(const char *memo, const char *bank_reference, int64_t amount)
{
    return arena_textf(&arena,
                       ":20:S\n:25:" TEST_ACCOUNT
                       "\n:28C:9/1\n:60F:C261119VND1000000,\n:61:2611201120C%lld,NTRFNONREF//%s"
                       "\n:86:%s\n:62F:C261120VND%lld,\n-\n",
                       (long long)amount, bank_reference, memo, (long long)(1000000 + amount));
}

static void a_basket_nobody_announced_is_paid_by_its_line_at_night(void **state)
{
    struct payment_asked asked[2] = {ask(2), ask(3)};
    json_t *basket = made(asked, 2);
    const struct statement_import_order order = {
        statement(json_string_at(basket, "reference"), "FTNIGHT1", 5 * TEST_COPY_PRICE), "night.sta", "staff:test",
        clock_now()};
    struct text told;
    int64_t run;
    assert_int_equal(statement_import(db, &arena, &order, &told), OK);
    assert_int_equal(reconcile(db, &arena, date_from(2026, 11, 20), "staff:test", clock_now(), &run, &told), OK);
    expect(basket, "paid", 0, 0);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM line_match m JOIN basket_payment b ON b.payment_id = m.payment_id "
                              "WHERE m.rule = 'reference' AND m.healed"),
                     1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case e JOIN basket_payment b ON b.payment_id = "
                                  "e.payment_id"),
                     0);
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
}

static void the_same_notice_from_many_hands_pays_a_basket_once(void **state)
{
    struct payment_asked asked[2] = {ask(1), ask(1)};
    json_t *basket = made(asked, 2);
    struct text body = bank_body(&arena, &(struct bank_notice){.id = ++notice_number,
                                                               .amount = 2 * TEST_COPY_PRICE,
                                                               .memo = json_string_at(basket, "reference")});
    for (int i = 0; i < 12; i++) {
        struct service_answer answer = bank_posts(&service, &arena, body);
        assert_true(bank_accepted(&answer));
    }
    expect(basket, "paid", 0, 0);
    assert_int_equal(test_int(db, arena_printf(&arena, "SELECT count(*) FROM basket_payment WHERE basket_id = %lld",
                                               (long long)json_int_at(basket, "id"))),
                     1);
}

static void no_more_is_shared_out_than_was_paid_whatever_is_written(void **state)
{
    test_sql_refused(
        db,
        "INSERT INTO basket_share SELECT p.id, b.payment_id, p.request_id, 1 FROM basket_payment b, payment p "
        "WHERE p.request_id IS NOT NULL AND NOT EXISTS (SELECT FROM basket_share s WHERE s.payment_id = p.id) "
        "AND NOT EXISTS (SELECT FROM basket_left(b.basket_id) l WHERE l.payment_id = b.payment_id AND "
        "l.amount > 0) LIMIT 1",
        "23514");
    test_sql_refused(db, "DELETE FROM basket_share", "23001");
    test_sql_refused(db, "UPDATE basket_item SET ordinal = 7", "23001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_sum_settles_every_dossier_in_one_commit),
        cmocka_unit_test(a_short_sum_settles_none_until_the_payer_says_which),
        cmocka_unit_test(what_is_too_much_is_owed_back_with_its_case),
        cmocka_unit_test(a_request_paid_alone_meanwhile_is_not_paid_again),
        cmocka_unit_test(what_cannot_be_gathered_is_named_one_by_one),
        cmocka_unit_test(a_cancelled_basket_gives_its_requests_free),
        cmocka_unit_test(a_basket_nobody_announced_is_paid_by_its_line_at_night),
        cmocka_unit_test(the_same_notice_from_many_hands_pays_a_basket_once),
        cmocka_unit_test(no_more_is_shared_out_than_was_paid_whatever_is_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
