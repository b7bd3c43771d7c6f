/* Call-backs of wallets, gateways and the portal through real HTTP: one table of sources, every way to go wrong. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "payments/sources/source_table.h"
#include "tests/support/database.h"
#include "tests/support/service.h"

#define SECRET "a secret of the flow test"

enum { CROWD = 1000, DRAIN_S = 30 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static int64_t serial = 7000;

static int set_up(void **state)
{
    struct rlimit files = {8192, 8192};
    setrlimit(RLIMIT_NOFILE, &files);
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db,
                   "[vnpay]\nhash_secret = " SECRET "\ntmn_code = LEPHI001\nbase_url = http://127.0.0.1:9\n"
                   "[momo]\npartner_code = MOMO\naccess_key = access\nsecret_key = " SECRET "\n"
                   "[zalopay]\napp_id = 2553\nkey1 = " SECRET "\nkey2 = " SECRET "\n"
                   "[viettel-money]\naccess_code = access\nhash_key = " SECRET "\nmerchant_code = LEPHI\n"
                   "[dvcqg]\npartner_code = QUANGNINH\nsecret = " SECRET "\nbase_url = http://127.0.0.1:9\n"
                   "[keypay]\nclient_key_1 = " SECRET "\nclient_key_2 = " SECRET "\nclient_id = lephi\n");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

/* What each source would send ----------------------------------------------------------------------------------------
 */

struct money {
    const char *order, *transaction, *currency;
    int64_t amount;
};

static struct text vnpay(const struct money *m)
{
    struct buf out = {0};
    source_form_put(&out, "vnp_Amount", arena_textf(&arena, "%lld", (long long)m->amount * 100));
    source_form_put(&out, "vnp_CurrCode", text_of(m->currency));
    source_form_put(&out, "vnp_PayDate", TEXT("20261120090000"));
    source_form_put(&out, "vnp_ResponseCode", TEXT("00"));
    source_form_put(&out, "vnp_TmnCode", TEXT("LEPHI001"));
    source_form_put(&out, "vnp_TransactionNo", text_of(m->transaction));
    source_form_put(&out, "vnp_TransactionStatus", TEXT("00"));
    source_form_put(&out, "vnp_TxnRef", text_of(m->order));
    struct text hash = hmac_sha512_hex(SECRET, buf_view(&out), &arena);
    source_form_put(&out, "vnp_SecureHash", hash);
    struct text text = arena_text(&arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct text momo(const struct money *m)
{
    struct text sum = hmac_sha256_hex(
        SECRET,
        arena_textf(
            &arena,
            "accessKey=access&amount=%lld&extraData=&message=OK&orderId=%s&orderInfo=nop phi&orderType=momo_wallet&"
            "partnerCode=MOMO&payType=qr&requestId=%s&responseTime=1795140000000&resultCode=0&transId=%s",
            (long long)m->amount, m->order, m->order, m->transaction),
        &arena);
    return arena_textf(&arena,
                       "{\"partnerCode\":\"MOMO\",\"orderId\":\"%s\",\"requestId\":\"%s\",\"amount\":%lld,"
                       "\"orderInfo\":\"nop phi\",\"orderType\":\"momo_wallet\",\"transId\":%s,\"resultCode\":0,"
                       "\"message\":\"OK\",\"payType\":\"qr\",\"responseTime\":1795140000000,\"extraData\":\"\","
                       "\"signature\":\"%.*s\"}",
                       m->order, m->order, (long long)m->amount, m->transaction, TEXT_ARGS(sum));
}

static struct text zalopay(const struct money *m)
{
    const char *data =
        arena_printf(&arena,
                     "{\"app_id\":2553,\"app_trans_id\":\"261120_%s\",\"amount\":%lld,\"zp_trans_id\":%s,"
                     "\"server_time\":1795140000000}",
                     m->order, (long long)m->amount, m->transaction);
    struct text mac = hmac_sha256_hex(SECRET, text_of(data), &arena);
    struct buf out = {0};
    struct json json = json_to(&out);
    json_put_object(&json, NULL);
    json_put_string(&json, "data", data);
    json_put_text(&json, "mac", mac);
    json_put_int(&json, "type", 1);
    json_put_end(&json);
    struct text text = arena_text(&arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct text viettel(const struct money *m)
{
    struct text sum = hmac_sha1_base64(
        SECRET, arena_textf(&arena, "accessHS091200LEPHI%s1%lld%s", m->order, (long long)m->amount, m->transaction),
        &arena);
    struct buf out = {0};
    source_form_put(&out, "billcode", TEXT("HS"));
    source_form_put(&out, "cust_msisdn", TEXT("0912"));
    source_form_put(&out, "error_code", TEXT("00"));
    source_form_put(&out, "merchant_code", TEXT("LEPHI"));
    source_form_put(&out, "order_id", text_of(m->order));
    source_form_put(&out, "payment_status", TEXT("1"));
    source_form_put(&out, "trans_amount", arena_textf(&arena, "%lld", (long long)m->amount));
    source_form_put(&out, "vt_transaction_id", text_of(m->transaction));
    source_form_put(&out, "check_sum", sum);
    struct text text = arena_text(&arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct text portal(const struct money *m)
{
    struct text code =
        sha256_hex(arena_textf(&arena, "CONFIRM|00|QUANGNINH|%s|%lld|%s|%s|VCB|20261120090000|nop phi|" SECRET,
                               m->order, (long long)m->amount, m->currency, m->transaction),
                   &arena);
    return arena_textf(&arena,
                       "{\"LoaiBanTin\":\"CONFIRM\",\"MaLoi\":\"00\",\"MaDoiTac\":\"QUANGNINH\",\"MaThamChieu\":\"%s\","
                       "\"SoTien\":\"%lld\",\"MaTienTe\":\"%s\",\"MaGiaoDich\":\"%s\",\"MaNganHang\":\"VCB\","
                       "\"ThoiGianGD\":\"20261120090000\",\"ThongTinGiaoDich\":\"nop phi\",\"MaXacThuc\":\"%.*s\"}",
                       m->order, (long long)m->amount, m->currency, m->transaction, TEXT_ARGS(code));
}

static const struct teller {
    const char *source;
    struct text (*tell)(const struct money *money);
    bool by_query, names_currency;
    int status, forged_status;
    const char *taken, *again, *forged; /* parts of the answers */
} tellers[] = {{"vnpay", vnpay, true, true, 200, 200, "\"00\"", "\"02\"", "\"97\""},
               {"momo", momo, false, false, 204, 401, "", "", "signature_invalid"},
               {"zalopay", zalopay, false, false, 200, 200, ":1,", ":2,", ":2,"},
               {"viettel-money", viettel, false, false, 200, 200, "\"00\"", "\"00\"", "\"01\""}};
enum { TELLERS = sizeof tellers / sizeof *tellers };

static struct service_answer post(const struct teller *t, struct text said)
{
    const char *path = arena_printf(&arena, "/v1/notifications/%s%s%.*s", t->source, t->by_query ? "?" : "",
                                    t->by_query ? (int)said.length : 0, said.at);
    return service_call(&service, &arena,
                        &(struct service_call){.method = t->by_query ? "GET" : "POST",
                                               .path = path,
                                               .body = t->by_query ? TEXT_NONE : said,
                                               .key = "",
                                               .content_type = "application/json"});
}

static struct money money_for(const char *order, int64_t amount)
{
    return (struct money){order, arena_printf(&arena, "%lld", (long long)++serial), "VND", amount};
}

static struct payment_asked ask(void)
{
    static int number;
    return service_request(&service, &arena, arena_printf(&arena, "GATE-%03d", ++number), 2);
}

static const char *status_of(const struct payment_asked *asked)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)asked->id), "%s", "");
    return json_string_at(answer.json, "status");
}

static int64_t payments(void)
{
    return test_int(db, "SELECT count(*) FROM payment");
}

static void expect(const struct teller *t, const struct service_answer *answer, int status, const char *part)
{
    if (answer->status != status || (*part && !strstr(answer->body.at, part)))
        fail_msg("%s: %d %.*s, expected %d %s", t->source, answer->status, TEXT_ARGS(answer->body), status, part);
}

/* What must be true
 * ---------------------------------------------------------------------------------------------------- */

static void a_call_back_is_booked_once_and_a_repeat_gets_the_sources_own_answer(void **state)
{
    for (size_t i = 0; i < TELLERS; i++) {
        const struct teller *t = &tellers[i];
        struct payment_asked asked = ask();
        struct money m = money_for(arena_printf(&arena, "%s-1", asked.reference), asked.amount);
        struct service_answer answer = post(t, t->tell(&m));
        expect(t, &answer, t->status, t->taken);
        assert_string_equal(status_of(&asked), "paid");
        int64_t before = payments();
        answer = post(t, t->tell(&m));
        expect(t, &answer, t->status, t->again);
        assert_int_equal(payments(), before);
    }
}

static void nothing_false_is_booked(void **state)
{
    for (size_t i = 0; i < TELLERS; i++) {
        const struct teller *t = &tellers[i];
        struct payment_asked asked = ask();
        int64_t before = payments();
        struct money m = money_for(arena_printf(&arena, "%s-1", asked.reference), asked.amount);
        struct text said = t->tell(&m);
        char *forged = arena_copy(&arena, said);
        char *place = strstr(forged, asked.reference);
        place[5] = place[5] == '2' ? '3' : '2';
        struct service_answer answer = post(t, (struct text){forged, said.length});
        expect(t, &answer, t->forged_status, t->forged);
        answer = post(t, text_slice(said, 0, said.length / 2)); /* truncated */
        assert_true(answer.status != 204 && payments() == before);
        m.amount = 0;
        answer = post(t, t->tell(&m));
        assert_true(answer.status != 204 && payments() == before);
        m.amount = asked.amount;
        m.currency = "USD";
        if (t->names_currency) {
            answer = post(t, t->tell(&m));
            assert_int_equal(payments(), before);
        }
        if (!t->by_query) {
            char *large = arena_alloc(&arena, 1 << 20);
            memset(large, ' ', 1 << 20);
            answer = post(t, (struct text){large, 1 << 20});
            assert_int_equal(answer.status, 413);
        }
        assert_string_equal(status_of(&asked), "pending");
        assert_int_equal(payments(), before);
    }
}

static void the_same_transaction_with_another_amount_is_refused_and_kept_for_a_person(void **state)
{
    for (size_t i = 0; i < TELLERS; i++) {
        const struct teller *t = &tellers[i];
        struct payment_asked asked = ask();
        struct money m = money_for(arena_printf(&arena, "%s-1", asked.reference), asked.amount);
        post(t, t->tell(&m));
        int64_t before = payments(),
                troubles = test_int(db, "SELECT count(*) FROM notice_log WHERE outcome = 'conflict'");
        m.amount += 1000;
        post(t, t->tell(&m));
        assert_int_equal(payments(), before);
        assert_int_equal(test_int(db, "SELECT count(*) FROM notice_log WHERE outcome = 'conflict'"), troubles + 1);
    }
}

static void money_for_an_unknown_order_is_kept_unallocated(void **state)
{
    for (size_t i = 0; i < TELLERS; i++) {
        const struct teller *t = &tellers[i];
        struct money m = money_for("NOBODYS-ORDER", 16000);
        struct service_answer answer = post(t, t->tell(&m));
        expect(t, &answer, t->status, t->taken);
        assert_int_equal(test_int(db, arena_printf(&arena,
                                                   "SELECT count(*) FROM payment WHERE source = '%s' AND external_id = "
                                                   "'%s' AND request_id IS NULL",
                                                   t->source, m.transaction)),
                         1);
    }
}

static void a_thousand_identical_call_backs_book_one_payment(void **state)
{
    for (size_t i = 0; i < TELLERS; i++) {
        const struct teller *t = &tellers[i];
        static int lines[CROWD];
        struct payment_asked asked = ask();
        struct money m = money_for(arena_printf(&arena, "%s-1", asked.reference), asked.amount);
        struct text said = t->tell(&m), none = TEXT_NONE, body = t->by_query ? none : said;
        struct text message = arena_textf(
            &arena,
            "%s /v1/notifications/%s%s%.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
            "application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
            t->by_query ? "GET" : "POST", t->source, t->by_query ? "?" : "", t->by_query ? (int)said.length : 0,
            said.at, body.length, TEXT_ARGS(body));
        for (int k = 0; k < CROWD; k++) {
            lines[k] = service_connect(&service);
            assert_int_equal(send(lines[k], message.at, message.length - 1, MSG_NOSIGNAL), message.length - 1);
        }
        for (int k = 0; k < CROWD; k++)
            assert_int_equal(send(lines[k], message.at + message.length - 1, 1, MSG_NOSIGNAL), 1);
        int answered = 0;
        for (int k = 0; k < CROWD; k++) {
            char reply[64] = "";
            answered += recv(lines[k], reply, sizeof reply - 1, MSG_WAITALL) > 0 && !strncmp(reply, "HTTP/1.1 20", 11);
            close(lines[k]);
        }
        assert_int_equal(answered, CROWD);
        assert_string_equal(status_of(&asked), "paid");
        assert_int_equal(
            test_int(db, arena_printf(&arena, "SELECT count(*) FROM payment WHERE source = '%s' AND external_id = '%s'",
                                      t->source, m.transaction)),
            1);
    }
}

static void a_weak_proof_is_answered_and_kept_as_a_claim_and_books_nothing(void **state)
{
    static const struct teller t = {"dvcqg", portal, false, true, 200, 200, "\"00\"", "\"00\"", "\"97\""};
    struct payment_asked asked = ask();
    struct money m = money_for(arena_printf(&arena, "%s-1", asked.reference), asked.amount);
    int64_t before = payments();
    for (int i = 0; i < 2; i++) {
        struct service_answer answer = post(&t, t.tell(&m));
        expect(&t, &answer, 200, t.taken);
    }
    assert_int_equal(payments(), before);
    assert_string_equal(status_of(&asked), "pending");
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM notice_claim WHERE external_id = '%s' AND state"
                                               " = 'claimed'",
                                               m.order)),
                     1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'source.ask'"), 1);
}

static void an_order_is_exclusive_and_its_call_back_ends_it(void **state)
{
    struct payment_asked asked = ask();
    const char *path = arena_printf(&arena, "/v1/payment-requests/%lld/wallet-payments", (long long)asked.id);
    struct service_answer first = service_ask(&service, &arena, "POST", path, "{\"wallet\":\"vnpay\"}");
    assert_int_equal(first.status, 201);
    const char *url = json_string_at(first.json, "redirect_url");
    assert_non_null(strstr(url, "vnp_SecureHash="));
    struct service_answer same = service_ask(&service, &arena, "POST", path, "{\"wallet\":\"vnpay\"}");
    assert_string_equal(json_string_at(same.json, "redirect_url"), url);
    struct service_answer other = service_ask(&service, &arena, "POST", path, "{\"wallet\":\"dvcqg\"}");
    assert_int_equal(other.status, 409);
    assert_int_equal(service_ask(&service, &arena, "POST", path, "{\"wallet\":\"cheque\"}").status, 422);
    struct money m = money_for(arena_printf(&arena, "%s-1", asked.reference), asked.amount);
    post(&tellers[0], vnpay(&m));
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM payment_attempt WHERE request_id = %lld AND state"
                                               " = 'approved'",
                                               (long long)asked.id)),
                     1);
    assert_int_equal(service_ask(&service, &arena, "POST", path, "{\"wallet\":\"vnpay\"}").status, 409);
}

static void the_books_add_up(void **state)
{
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM (SELECT sum(amount) FROM entry GROUP BY booked_month, journal_id"
                              " HAVING sum(amount) <> 0) x"),
                     0);
    assert_true(test_int(db, "SELECT sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id"
                             " WHERE a.code = 'clearing:vnpay'") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_back_is_booked_once_and_a_repeat_gets_the_sources_own_answer),
        cmocka_unit_test(nothing_false_is_booked),
        cmocka_unit_test(the_same_transaction_with_another_amount_is_refused_and_kept_for_a_person),
        cmocka_unit_test(money_for_an_unknown_order_is_kept_unallocated),
        cmocka_unit_test(a_thousand_identical_call_backs_book_one_payment),
        cmocka_unit_test(a_weak_proof_is_answered_and_kept_as_a_claim_and_books_nothing),
        cmocka_unit_test(an_order_is_exclusive_and_its_call_back_ends_it),
        cmocka_unit_test(the_books_add_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
