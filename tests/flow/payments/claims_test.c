/* What a call-back only claims is booked when the source says the same to our own question, and never before; an order
 * whose call-back was lost is found by asking. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "payments/sources/source_table.h"
#include "tests/support/database.h"
#include "tests/support/sandbox.h"
#include "tests/support/service.h"

#define SECRET "a secret of the flow test"

enum { WAIT_S = 20 };

static struct db *db;
static struct service_under_test service;
static struct test_sandbox sandbox;
static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    test_sandbox_start(&sandbox, (const char *const[]){NULL});
    service_set_up(&service, db,
                   arena_printf(&arena,
                                "[dvcqg]\npartner_code = QUANGNINH\nsecret = " SECRET "\nbase_url = %s/dvcqg\n"
                                "[momo]\npartner_code = MOMO\naccess_key = a\nsecret_key = b\nbase_url = %s/momo\n"
                                "[zalopay]\napp_id = 1\nkey1 = a\nkey2 = b\nbase_url = %s/zalopay\n",
                                sandbox.base, sandbox.base, sandbox.base));
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

static void portal_knows(const char *path, const char *body)
{
    struct http_answer answer;
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = "POST",
                                   .url = arena_printf(&arena, "%s%s", sandbox.base, path),
                                   .headers = &json,
                                   .header_count = 1,
                                   .body = text_of(body)};
    assert_int_equal(http_client_call(service.client, &call, &arena, &answer), OK);
    assert_int_equal(answer.status, 200);
}

static void order_is(const char *order, int64_t amount, const char *state)
{
    portal_knows("/gateways/orders",
                 arena_printf(&arena, "{\"order\":\"%s\",\"amount\":%lld,\"state\":\"%s\",\"transaction\":\"77%lld\"}",
                              order, (long long)amount, state, (long long)amount));
}

static void portal_claims(const char *order, int64_t amount)
{
    struct text code = sha256_hex(arena_textf(&arena, "CONFIRM|00|QUANGNINH|%s|%lld|VND|G|VCB|20261120090000|x|" SECRET,
                                              order, (long long)amount),
                                  &arena);
    struct service_answer answer = service_call(
        &service, &arena,
        &(struct service_call){
            .method = "POST",
            .path = "/v1/notifications/dvcqg",
            .key = "",
            .body = arena_textf(&arena,
                                "{\"LoaiBanTin\":\"CONFIRM\",\"MaLoi\":\"00\",\"MaDoiTac\":\"QUANGNINH\","
                                "\"MaThamChieu\":\"%s\",\"SoTien\":\"%lld\",\"MaTienTe\":\"VND\",\"MaGiaoDich\":\"G\","
                                "\"MaNganHang\":\"VCB\",\"ThoiGianGD\":\"20261120090000\",\"ThongTinGiaoDich\":\"x\","
                                "\"MaXacThuc\":\"%.*s\"}",
                                order, (long long)amount, TEXT_ARGS(code))});
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.at, "\"MaLoi\":\"00\""));
}

/* True as soon as the count is `wanted`; waiting jobs are made due meanwhile. */
static bool becomes(const char *sql, int64_t wanted)
{
    for (int i = 0; i < WAIT_S * 10; i++) {
        if (test_int(db, sql) == wanted)
            return true;
        test_sql(db, "UPDATE job SET run_at = created_at WHERE kind = 'source.ask' AND state = 'waiting'"
                     " AND run_at > created_at AND tries > 0");
        test_sleep_ms(100);
    }
    return false;
}

static const char *sql_of(const char *format, const char *value)
{
    struct buf out = {0};
    buf_string(&out, format);
    buf_string(&out, value);
    buf_string(&out, "'");
    const char *sql = arena_copy(&arena, buf_view(&out));
    buf_done(&out);
    return sql;
}

static void a_claim_is_booked_when_the_portal_says_the_same(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "CLAIM-1", 2);
    const char *order = arena_printf(&arena, "%s-1", asked.reference);
    order_is(order, asked.amount, "paid");
    portal_claims(order, asked.amount);
    assert_true(
        becomes(sql_of("SELECT count(*) FROM notice_claim WHERE state = 'confirmed' AND order_id = '", order), 1));
    assert_int_equal(test_int(db, sql_of("SELECT count(*) FROM payment_request WHERE status = 'paid' AND reference = '",
                                         asked.reference)),
                     1);
}

static void a_claim_the_portal_denies_books_nothing_and_is_kept_for_a_person(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "CLAIM-2", 2);
    const char *order = arena_printf(&arena, "%s-1", asked.reference);
    order_is(order, asked.amount, "failed");
    portal_claims(order, asked.amount);
    assert_true(becomes(sql_of("SELECT count(*) FROM notice_claim WHERE state = 'denied' AND order_id = '", order), 1));
    assert_int_equal(test_int(db, sql_of("SELECT count(*) FROM payment WHERE external_id = '", order)), 0);
    assert_int_equal(
        test_int(db, sql_of("SELECT count(*) FROM notice_log WHERE outcome = 'refused' AND external_id = '", order)),
        1);
}

static void the_sum_the_portal_answers_counts_and_not_the_one_it_claimed(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "CLAIM-3", 2);
    const char *order = arena_printf(&arena, "%s-1", asked.reference);
    order_is(order, asked.amount - 1000, "paid");
    portal_claims(order, asked.amount);
    assert_true(becomes(
        sql_of("SELECT count(*) FROM payment_request WHERE status = 'partly_paid' AND reference = '", asked.reference),
        1));
}

static void money_begun_on_the_portal_is_booked_against_its_dossier_and_gets_no_second_receipt(void **state)
{
    service_dossier(&service, &arena, "H52.11-261122-0001");
    const char *order = "dvcH5211261122000120261122090000";
    order_is(order, 50000, "paid");
    portal_claims(order, 50000);
    assert_true(becomes("SELECT count(*) FROM outside_payment WHERE dossier = 'H52.11-261122-0001'"
                        " AND receipt_issuer = 'dvcqg'",
                        1));
    assert_int_equal(test_int(db, "SELECT -sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id"
                                  " WHERE a.code = 'suspense:dvcqg'"),
                     50000);
    test_sql_refused(db,
                     "UPDATE payment p SET request_id = (SELECT min(id) FROM payment_request), allocated = p.amount"
                     " FROM outside_payment o WHERE o.payment_id = p.id",
                     "23514");
}

static void an_order_whose_call_back_was_lost_is_found_by_asking(void **state)
{
    static const char *const wallets[] = {"momo", "zalopay", "dvcqg"};
    for (size_t i = 0; i < sizeof wallets / sizeof *wallets; i++) {
        struct payment_asked asked = service_request(&service, &arena, arena_printf(&arena, "LOST-%zu", i), 2);
        struct service_answer made =
            service_ask(&service, &arena, "POST",
                        arena_printf(&arena, "/v1/payment-requests/%lld/wallet-payments", (long long)asked.id),
                        "{\"wallet\":\"%s\"}", wallets[i]);
        assert_int_equal(made.status, 201);
        assert_true(strlen(json_string_at(made.json, "redirect_url")) > 0);
        const char *order = arena_copy(
            &arena, test_value(db, &arena,
                               arena_printf(&arena, "SELECT order_id FROM payment_attempt WHERE request_id = %lld",
                                            (long long)asked.id)));
        order_is(order, asked.amount, "paid");
        test_sql(db, "UPDATE job SET run_at = created_at WHERE kind = 'source.ask'");
        assert_true(becomes(
            sql_of("SELECT count(*) FROM payment_attempt WHERE state = 'approved' AND order_id = '", order), 1));
        assert_int_equal(
            test_int(db, sql_of("SELECT count(*) FROM payment_request WHERE status = 'paid' AND reference = '",
                                asked.reference)),
            1);
    }
}

static void a_portal_that_answers_500_is_asked_again(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "CLAIM-5", 2);
    const char *order = arena_printf(&arena, "%s-1", asked.reference);
    order_is(order, asked.amount, "paid");
    portal_knows("/mischief", "{\"path\":\"/dvcqg/query\",\"kind\":\"answer_500\",\"times\":2}");
    portal_claims(order, asked.amount);
    assert_true(
        becomes(sql_of("SELECT count(*) FROM notice_claim WHERE state = 'confirmed' AND order_id = '", order), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_is_booked_when_the_portal_says_the_same),
        cmocka_unit_test(a_claim_the_portal_denies_books_nothing_and_is_kept_for_a_person),
        cmocka_unit_test(the_sum_the_portal_answers_counts_and_not_the_one_it_claimed),
        cmocka_unit_test(money_begun_on_the_portal_is_booked_against_its_dossier_and_gets_no_second_receipt),
        cmocka_unit_test(an_order_whose_call_back_was_lost_is_found_by_asking),
        cmocka_unit_test(a_portal_that_answers_500_is_asked_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
