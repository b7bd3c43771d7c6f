/* Wallets, gateways and portals: published vectors verify, one changed digit does not, and what we send is signed as
 * the formulas say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include "payments/requests/requests.h"
#include "payments/sources/source_table.h"

#define REFERENCE "QN8XPDSV5H4CQJ"

static struct arena arena;
static struct faults faults;
static json_t *vectors;
static const char *signature;

static struct text header(void *from, const char *name)
{
    return !strcmp(name, "Signature") ? text_of(signature) : TEXT_NONE;
}

static json_t *vector(const char *kind, size_t number)
{
    size_t i;
    json_t *one;
    json_array_foreach(vectors, i, one) if (!strcmp(json_string_value(json_object_get(one, "kind")), kind) &&
                                            number-- == 0) return one;
    fail_msg("no vector %s", kind);
    return NULL;
}

static json_t *in(const char *kind, size_t number, const char *name)
{
    return json_object_get(json_object_get(vector(kind, number), "inputs"), name);
}

static const char *expected(const char *kind, size_t number, const char *name)
{
    return json_string_value(json_object_get(json_object_get(vector(kind, number), "expected"), name));
}

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    vectors = json_load_file("tests/data/gateways.json", 0, NULL);
    if (!vectors)
        return -1;
    setenv("LEPHI_VNPAY_HASH_SECRET", "test_secret", 1);
    setenv("LEPHI_VNPAY_TMN_CODE", "TEST_TMN_CODE", 1);
    setenv("LEPHI_VNPAY_BASE_URL", "https://vnpay.example", 1);
    setenv("LEPHI_MOMO_PARTNER_CODE", "MOMO", 1);
    setenv("LEPHI_MOMO_ACCESS_KEY", "F8BBA842ECF85", 1);
    setenv("LEPHI_MOMO_SECRET_KEY", "K951B6PE1waDMi640xX08PD3vg6EkVlz", 1);
    setenv("LEPHI_MOMO_BASE_URL", "https://momo.example", 1);
    setenv("LEPHI_ZALOPAY_APP_ID", "2553", 1);
    setenv("LEPHI_ZALOPAY_KEY1", "PcY4iZIKFCIdgZvA6ueMcMHHUbRLYjPL", 1);
    setenv("LEPHI_ZALOPAY_KEY2", "kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz", 1);
    setenv("LEPHI_ZALOPAY_BASE_URL", "https://zalopay.example", 1);
    setenv("LEPHI_VIETTEL_MONEY_HASH_KEY", json_string_value(in("viettelpay_v2_payment", 0, "hash_key")), 1);
    setenv("LEPHI_VIETTEL_MONEY_ACCESS_CODE", json_string_value(in("viettelpay_v2_payment", 0, "access_code")), 1);
    setenv("LEPHI_VIETTEL_MONEY_MERCHANT_CODE", "SVFPTT5", 1);
    setenv("LEPHI_VIETTEL_MONEY_BASE_URL", "https://viettel.example", 1);
    setenv("LEPHI_VNPT_MONEY_SECRET_KEY", "36e3c5b5a6d53fce2a2cc23d46ee5988", 1);
    setenv("LEPHI_VNPT_MONEY_SERVICE_ID", "6901", 1);
    setenv("LEPHI_VNPT_MONEY_BASE_URL", "https://vnpt.example", 1);
    setenv("LEPHI_MOBIFONE_MONEY_KEY", "a shared key", 1);
    setenv("LEPHI_DVCQG_PARTNER_CODE", "QUANGNINH", 1);
    setenv("LEPHI_DVCQG_SECRET", "secret-key", 1);
    setenv("LEPHI_DVCQG_BASE_URL", "https://dvcqg.example", 1);
    setenv("LEPHI_KEYPAY_CLIENT_KEY_1", "key one", 1);
    setenv("LEPHI_KEYPAY_CLIENT_KEY_2", "key two", 1);
    setenv("LEPHI_KEYPAY_CLIENT_ID", "lephi", 1);
    return config_load(NULL, &faults);
}

static int tear_down(void **state)
{
    json_decref(vectors);
    arena_done(&arena);
    return 0;
}

static const struct source_account *account_of(const char *name)
{
    const struct source_account *account = source_account_find(source_by_name(text_of(name)), TEXT_NONE);
    assert_non_null(account);
    return account;
}

static enum err hear(const char *name, struct text query, struct text body, struct notice *ret)
{
    const struct call_back call = {.method = query.length ? TEXT("GET") : TEXT("POST"),
                                   .query = query,
                                   .body = body,
                                   .header = header,
                                   .at = 1795395746 * SECOND_US};
    faults_init(&faults, &arena);
    return source_by_name(text_of(name))->verify(account_of(name), &call, &arena, &faults, ret);
}

static void expect_flips_refused(const char *name, struct text query, struct text body)
{
    struct text whole = query.length ? query : body;
    for (size_t i = 0; i < whole.length; i++) {
        char *copy = arena_copy(&arena, whole);
        copy[i] ^= 1;
        struct text changed = {copy, whole.length};
        struct notice n = {0}, first = {0};
        enum err err = hear(name, query.length ? changed : TEXT_NONE, query.length ? TEXT_NONE : changed, &n);
        if (err)
            continue;
        (void)!hear(name, query, body, &first);
        assert_int_equal(n.amount, first.amount); /* a change that was let through changed nothing */
        assert_true(text_equal(n.order, first.order));
        assert_true(text_equal(n.external_id, first.external_id));
    }
}

static struct text vnpay_query(size_t number, const char *hash)
{
    struct buf out = {0};
    const char *name;
    json_t *value;
    json_object_foreach(in("vnpay_ipn", number, "params"), name, value)
        source_form_put(&out, name, text_of(json_string_value(value)));
    if (hash)
        source_form_put(&out, "vnp_SecureHash", text_of(hash));
    struct text text = arena_text(&arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static void vnpay_call_backs_verify_and_say_what_was_paid(void **state)
{
    struct notice n = {0};
    struct text query = vnpay_query(0, expected("vnpay_ipn", 0, "vnp_SecureHash"));
    assert_int_equal(hear("vnpay", query, TEXT_NONE, &n), OK);
    assert_int_equal(n.amount, 10000);
    assert_true(text_is(n.external_id, "14422574"));
    assert_true(text_is(n.order, "1716257871703"));
    assert_int_equal(hear("vnpay", vnpay_query(1, NULL), TEXT_NONE, &n), ERR_SIGNATURE);
    expect_flips_refused("vnpay", query, TEXT_NONE);
}

static struct source_order order_of(const char *id, int64_t amount)
{
    struct source_order o = {.id = text_of(id),
                             .dossier = TEXT("HD0001"),
                             .amount = amount,
                             .words = TEXT("Nop le phi ho so H52.11-261122-0001"),
                             .return_url = TEXT("https://example.vn/return?x=1"),
                             .notify_url = TEXT("https://example.vn/notify"),
                             .payer_address = TEXT("127.0.0.1"),
                             .call_id = TEXT("req2")};
    assert_true(instant_parse(TEXT("2026-11-22T09:00:00+07:00"), &o.made_at));
    o.expires_at = o.made_at + 900 * SECOND_US;
    o.at = o.made_at;
    return o;
}

static struct source_call asked(const char *name, const struct source_act *act, const struct source_order *o,
                                struct source_told *ret_told)
{
    struct source_call call = {0};
    struct source_told told = {0};
    assert_int_equal(act->ask(account_of(name), o, &arena, &call, &told), OK);
    if (ret_told)
        *ret_told = told;
    return call;
}

static const char *sent(const struct source_call *call, const char *field)
{
    json_t *object = json_loadb(call->body.at, call->body.length, 0, NULL);
    assert_non_null(object);
    const char *value = arena_copy(&arena, source_value_of(object, field, &arena));
    json_decref(object);
    return value;
}

static void vnpay_addresses_and_questions_are_signed_as_published(void **state)
{
    struct source_order o = order_of("QN0001", 50000);
    struct source_told told;
    asked("vnpay", &source_vnpay.create, &o, &told);
    assert_true(text_ends(told.redirect_url, expected("vnpay_pay_url", 0, "vnp_SecureHash")));
    o = order_of("TXN123456789", 10000);
    o.refund = 10000;
    o.transaction = TEXT("14422574");
    o.call_id = TEXT("REFUND123456");
    o.actor = TEXT("merchant_user");
    o.refund_words = TEXT("Test refund order");
    assert_true(instant_parse(TEXT("2023-12-21T10:30:00+07:00"), &o.made_at));
    o.at = o.made_at;
    struct source_call call = asked("vnpay", &source_vnpay.refund, &o, NULL);
    assert_string_equal(sent(&call, "vnp_SecureHash"), expected("vnpay_refund_request", 0, "vnp_SecureHash"));
    o.words = TEXT("a|b");
    struct source_told unused;
    assert_int_equal(source_vnpay.query.ask(account_of("vnpay"), &o, &arena, &call, &unused), ERR_INVALID);
}

static struct text momo_body(size_t number, const char *changed, const char *value)
{
    json_t *object = json_copy(in("momo_ipn", number, "params"));
    json_object_set_new(object, "signature", json_string(expected("momo_ipn", number, "signature")));
    json_object_set_new(object, "amount", json_integer(atoll(json_string_value(json_object_get(object, "amount")))));
    if (changed)
        json_object_set_new(object, changed, json_string(value));
    char *written = json_dumps(object, JSON_COMPACT);
    struct text text = arena_text(&arena, text_of(written));
    free(written);
    json_decref(object);
    return text;
}

static void momo_real_results_verify(void **state)
{
    static const int64_t amounts[] = {17942000, 50000, 330000};
    for (size_t i = 0; i < 3; i++) {
        struct notice n = {0};
        assert_int_equal(hear("momo", TEXT_NONE, momo_body(i, NULL, NULL), &n), OK);
        assert_int_equal(n.amount, amounts[i]);
        assert_int_equal(hear("momo", TEXT_NONE, momo_body(i, "resultCode", "1006"), &n), ERR_SIGNATURE);
        assert_int_equal(hear("momo", TEXT_NONE, momo_body(i, "amount", "1"), &n), ERR_SIGNATURE);
    }
    expect_flips_refused("momo", TEXT_NONE, momo_body(1, NULL, NULL));
    struct source_order o = order_of("order1", 50000);
    struct source_call call = asked("momo", &source_momo.query, &o, NULL);
    assert_string_equal(sent(&call, "signature"), expected("momo_query", 0, "signature"));
}

static void momo_takes_a_thousand_to_fifty_million(void **state)
{
    static const struct {
        int64_t amount;
        enum err err;
    } cases[] = {{999, ERR_FIELD_RANGE}, {1000, OK}, {50000000, OK}, {50000001, ERR_FIELD_RANGE}, {0, ERR_FIELD_RANGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source_order o = order_of("order1", cases[i].amount);
        struct source_call call;
        struct source_told told;
        assert_int_equal(source_momo.create.ask(account_of("momo"), &o, &arena, &call, &told), cases[i].err);
    }
}

static struct text zalopay_body(const char *data, const char *mac)
{
    json_t *object = json_pack("{ssss si}", "data", data, "mac", mac, "type", 1);
    char *written = json_dumps(object, JSON_COMPACT);
    struct text text = arena_text(&arena, text_of(written));
    free(written);
    json_decref(object);
    return text;
}

static void zalopay_signs_the_data_as_it_came(void **state)
{
    struct notice n = {0};
    const char *data = json_string_value(in("zalopay_callback", 0, "data"));
    const char *mac = json_string_value(in("zalopay_callback", 0, "mac"));
    assert_int_equal(hear("zalopay", TEXT_NONE, zalopay_body(data, mac), &n), OK);
    assert_int_equal(n.amount, 100000);
    assert_true(text_is(n.external_id, "260317000002595"));
    const char *other = json_string_value(in("zalopay_callback", 1, "data"));
    assert_int_equal(hear("zalopay", TEXT_NONE, zalopay_body(other, mac), &n), ERR_SIGNATURE);
    struct source_order o = order_of("x", 5000);
    o.transaction = TEXT("230512000007041");
    o.refund = 5000;
    o.refund_words = TEXT("Hoan le phi");
    o.at = INT64_C(1683871000000) * 1000;
    struct source_call call = asked("zalopay", &source_zalopay.refund, &o, NULL);
    assert_true(text_ends(call.body, expected("zalopay_refund", 0, "mac")));
}

static void viettel_sums_and_signatures_hold(void **state)
{
    struct source_order o = order_of("QN0001", 50000);
    struct source_told told;
    struct notice n = {0};
    o.dossier = TEXT("HD0001");
    asked("viettel-money", &source_viettel_money.create, &o, &told);
    struct buf sum = {0};
    source_url_encode(&sum, text_of(expected("viettelpay_v2_payment", 0, "check_sum")));
    assert_true(text_ends(told.redirect_url, buf_cstr(&sum)));
    buf_done(&sum);

    const char *access = getenv("LEPHI_VIETTEL_MONEY_ACCESS_CODE"), *key = getenv("LEPHI_VIETTEL_MONEY_HASH_KEY");
    struct text good = hmac_sha1_base64(key,
                                        arena_textf(&arena,
                                                    "%sHD0001"
                                                    "0912"
                                                    "00"
                                                    "SVFPTT5" REFERENCE "1"
                                                    "50000"
                                                    "VT1",
                                                    access),
                                        &arena);
    struct buf form = {0};
    source_form_put(&form, "billcode", TEXT("HD0001"));
    source_form_put(&form, "cust_msisdn", TEXT("0912"));
    source_form_put(&form, "error_code", TEXT("00"));
    source_form_put(&form, "merchant_code", TEXT("SVFPTT5"));
    source_form_put(&form, "order_id", TEXT(REFERENCE));
    source_form_put(&form, "payment_status", TEXT("1"));
    source_form_put(&form, "trans_amount", TEXT("50000"));
    source_form_put(&form, "vt_transaction_id", TEXT("VT1"));
    source_form_put(&form, "check_sum", good);
    assert_int_equal(hear("viettel-money", TEXT_NONE, arena_text(&arena, buf_view(&form)), &n), OK);
    assert_int_equal(n.amount, 50000);
    expect_flips_refused("viettel-money", TEXT_NONE, arena_text(&arena, buf_view(&form)));
    buf_done(&form);
}

static void viettels_new_gateway_signs_the_exact_body(void **state)
{
    char path[] = "/tmp/lephi-viettel-XXXXXX";
    int made = mkstemp(path);
    assert_true(made >= 0);
    FILE *file = fdopen(made, "w");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_int_equal(PEM_write_PUBKEY(file, key), 1);
    fclose(file);
    setenv("LEPHI_VIETTEL_MONEY_PUBLIC_KEY", path, 1);
    assert_int_equal(config_load(NULL, &faults), OK);
    struct text body = TEXT("{\"orderId\":\"" REFERENCE "-1\",\"transactionId\":\"T9\",\"transAmount\":16000,"
                            "\"transactionStatus\":1}");
    uint8_t der[128];
    size_t size = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, der, &size, (const uint8_t *)body.at, body.length), 1);
    struct buf base64 = {0};
    base64_encode(der, size, &base64);
    signature = buf_cstr(&base64);
    struct notice n = {0};
    assert_int_equal(hear("viettel-money", TEXT_NONE, body, &n), OK);
    assert_int_equal(n.amount, 16000);
    assert_int_equal(hear("viettel-money", TEXT_NONE, text_slice(body, 0, body.length - 1), &n), ERR_SIGNATURE);
    signature = NULL;
    buf_done(&base64);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    unlink(path);
    unsetenv("LEPHI_VIETTEL_MONEY_PUBLIC_KEY");
    assert_int_equal(config_load(NULL, &faults), OK);
}

static void vnpt_hashes_as_its_library_does(void **state)
{
    struct source_order o = order_of("OID-009", 69000);
    o.words = TEXT("Mo ta");
    assert_true(instant_parse(TEXT("2020-02-22T02:22:22+07:00"), &o.made_at));
    struct source_call call = asked("vnpt-money", &source_vnpt_money.create, &o, NULL);
    assert_string_equal(sent(&call, "SECURE_CODE"), expected("vnptpay_init", 0, "SECURE_CODE"));
    assert_int_equal(source_vnpt_money.proof, PROOF_CLAIM);
}

static void the_portal_hashes_as_its_platform_does(void **state)
{
    struct source_order o = order_of("dvcH5211261122000120261122090000", 50000);
    struct source_call call = asked("dvcqg", &source_dvcqg.query, &o, NULL);
    assert_string_equal(sent(&call, "MaXacThuc"), expected("dvcqg_query", 0, "MaXacThuc"));
    assert_int_equal(dvcqg_bill_ask(account_of("dvcqg"), &o, &arena, &call), OK);
    assert_string_equal(sent(&call, "MaXacThuc"), expected("dvcqg_get_bill", 0, "MaXacThuc"));
}

static struct text confirm_body(const char *reference, const char *amount, const char *words)
{
    struct text code =
        sha256_hex(arena_textf(&arena, "CONFIRM|00|QUANGNINH|%s|%s|VND|GD1|VCB|20261122091500|%s|secret-key", reference,
                               amount, words),
                   &arena);
    return arena_textf(&arena,
                       "{\"LoaiBanTin\":\"CONFIRM\",\"MaLoi\":\"00\",\"MaDoiTac\":\"QUANGNINH\",\"MaThamChieu\":\"%s\","
                       "\"SoTien\":\"%s\",\"MaTienTe\":\"VND\",\"MaGiaoDich\":\"GD1\",\"MaNganHang\":\"VCB\","
                       "\"ThoiGianGD\":\"20261122091500\",\"ThongTinGiaoDich\":\"%s\",\"MaXacThuc\":\"%.*s\"}",
                       reference, amount, words, TEXT_ARGS(code));
}

static void the_portal_may_name_a_dossier_instead_of_an_order(void **state)
{
    struct notice n = {0};
    assert_int_equal(hear("dvcqg", TEXT_NONE, confirm_body("dvcH5211261122000120261122090000", "50000", "Nop"), &n),
                     OK);
    assert_true(text_is(n.dossier, "H52112611220001"));
    assert_int_equal(hear("dvcqg", TEXT_NONE, confirm_body(REFERENCE "-1", "50000", "Nop"), &n), OK);
    assert_int_equal(n.dossier.length, 0);
    assert_int_equal(hear("dvcqg", TEXT_NONE, confirm_body(REFERENCE "-1", "0", "Nop"), &n), ERR_INVALID);
    assert_int_equal(hear("dvcqg", TEXT_NONE, confirm_body(REFERENCE "-1", "50000", "a|b"), &n), ERR_SIGNATURE);
}

static void keypay_and_mobifone_are_believed_only_when_asked(void **state)
{
    struct notice n = {0};
    struct text sum = hmac_sha256_hex("key two", TEXT("0|lephi|confirm|16000|" REFERENCE "-1|3"), &arena);
    struct text body =
        arena_textf(&arena,
                    "addition_fee=0&client_id=lephi&command=confirm&trans_amount=16000&transaction_id=" REFERENCE
                    "-1&version=3&check_sum=%.*s",
                    TEXT_ARGS(sum));
    assert_int_equal(hear("keypay", TEXT_NONE, body, &n), OK);
    assert_int_equal(n.amount, 16000);
    expect_flips_refused("keypay", TEXT_NONE, body);
    assert_int_equal(source_keypay.proof, PROOF_CLAIM);
    assert_int_equal(source_mobifone_money.proof, PROOF_CLAIM);
    assert_int_equal(hear("mobifone-money", TEXT_NONE, TEXT("{\"data\":\"AAAAAAAAAAA=\"}"), &n), ERR_SIGNATURE);
}

static void every_reply_is_the_sources_own(void **state)
{
    static const struct {
        const char *source;
        enum source_outcome outcome;
        int status;
        const char *part;
    } cases[] = {{"vnpay", SOURCE_ACCEPTED, 200, "\"RspCode\":\"00\""},
                 {"vnpay", SOURCE_REPLAYED, 200, "\"RspCode\":\"02\""},
                 {"vnpay", SOURCE_CONFLICT, 200, "\"RspCode\":\"04\""},
                 {"vnpay", SOURCE_FORGED, 200, "\"RspCode\":\"97\""},
                 {"vnpay", SOURCE_TRY_AGAIN, 200, "\"RspCode\":\"99\""},
                 {"momo", SOURCE_ACCEPTED, 204, ""},
                 {"momo", SOURCE_REPLAYED, 204, ""},
                 {"zalopay", SOURCE_ACCEPTED, 200, "\"return_code\":1"},
                 {"zalopay", SOURCE_REPLAYED, 200, "\"return_code\":2"},
                 {"zalopay", SOURCE_TRY_AGAIN, 200, "\"return_code\":0"},
                 {"viettel-money", SOURCE_ACCEPTED, 200, "\"error_code\":\"00\""},
                 {"viettel-money", SOURCE_FORGED, 200, "\"error_code\":\"01\""},
                 {"vnpt-money", SOURCE_ACCEPTED, 200, "\"RESPONSE_CODE\":\"00\""},
                 {"dvcqg", SOURCE_ACCEPTED, 200, "\"MaLoi\":\"00\""},
                 {"dvcqg", SOURCE_FORGED, 200, "\"MaLoi\":\"97\""},
                 {"keypay", SOURCE_ACCEPTED, 200, "\"return_code\":\"0\""},
                 {"keypay", SOURCE_FORGED, 200, "\"return_code\":\"-1\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        const struct source_answer answer = {.outcome = cases[i].outcome, .account = account_of(cases[i].source)};
        assert_int_equal(source_by_name(text_of(cases[i].source))->reply(&answer, &out), cases[i].status);
        assert_non_null(strstr(buf_cstr(&out), cases[i].part));
        buf_done(&out);
    }
}

static void an_order_id_gives_its_reference_back(void **state)
{
    static const char *const ids[] = {REFERENCE "-1", "261123_" REFERENCE "-12", REFERENCE "-3 Nop phi " REFERENCE};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
        assert_true(reference_candidates(text_of(ids[i]), found) >= 1);
        assert_string_equal(found[0].reference.text, REFERENCE);
        assert_int_equal(found[0].edits, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vnpay_call_backs_verify_and_say_what_was_paid),
        cmocka_unit_test(vnpay_addresses_and_questions_are_signed_as_published),
        cmocka_unit_test(momo_real_results_verify),
        cmocka_unit_test(momo_takes_a_thousand_to_fifty_million),
        cmocka_unit_test(zalopay_signs_the_data_as_it_came),
        cmocka_unit_test(viettel_sums_and_signatures_hold),
        cmocka_unit_test(viettels_new_gateway_signs_the_exact_body),
        cmocka_unit_test(vnpt_hashes_as_its_library_does),
        cmocka_unit_test(the_portal_hashes_as_its_platform_does),
        cmocka_unit_test(the_portal_may_name_a_dossier_instead_of_an_order),
        cmocka_unit_test(keypay_and_mobifone_are_believed_only_when_asked),
        cmocka_unit_test(every_reply_is_the_sources_own),
        cmocka_unit_test(an_order_id_gives_its_reference_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
