#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>
#include "postal/vnpost.h"

static struct arena arena;

static int setup(void **state)
{
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    arena_done(&arena);
    return 0;
}

#define ORDER(code)                                                                                                    \
    "{\"originalID\":\"O1\",\"itemCode\":\"EP473124829VN\",\"saleOrderCode\":\"" code "\",\"totalFee\":\"27500\"}"

static void an_order_is_found_in_every_envelope_they_use(void **state)
{
    static const char *const envelopes[] = {ORDER("LP1"),
                                            "{\"results\":[" ORDER("LP1") "]}",
                                            "[{\"results\":[" ORDER("LP1") "]}]",
                                            "{\"data\":[" ORDER("LP0") "," ORDER("LP1") "]}",
                                            "{\"results \":[" ORDER("LP1") "]}",
                                            "{\"Results\":{\"ITEMCODE \":\"EP473124829VN\",\"orderHdrID\":\"O1\","
                                            "\"saleOrderCode\":\"LP1\",\"totalFee\":27500}}"};
    for (size_t i = 0; i < sizeof envelopes / sizeof *envelopes; i++) {
        struct carrier_booking found = {.fee = 0};
        assert_int_equal(vnpost_order_read(text_of(envelopes[i]), TEXT("LP1"), &arena, &found), OK);
        assert_true(text_is(found.item, "EP473124829VN"));
        assert_true(text_is(found.carrier_id, "O1"));
        assert_int_equal(found.fee, 27500);
    }
}

static void somebody_elses_order_is_not_ours_and_noise_is_not_an_answer(void **state)
{
    struct carrier_booking found;
    assert_int_equal(vnpost_order_read(TEXT("{\"data\":[" ORDER("LP0") "]}"), TEXT("LP1"), &arena, &found),
                     ERR_NOT_FOUND);
    assert_int_equal(vnpost_order_read(TEXT("{\"results\":[]}"), TEXT("LP1"), &arena, &found), ERR_NOT_FOUND);
    assert_int_equal(vnpost_order_read(TEXT("<html>502</html>"), TEXT("LP1"), &arena, &found), ERR_UNKNOWN_OUTCOME);
    assert_int_equal(vnpost_order_read(TEXT(""), TEXT("LP1"), &arena, &found), ERR_UNKNOWN_OUTCOME);
    assert_int_equal(vnpost_order_read(TEXT("\"ok\""), TEXT("LP1"), &arena, &found), ERR_UNKNOWN_OUTCOME);
}

static void times_are_read_as_they_write_them(void **state)
{
    static const struct {
        const char *text, *means;
    } good[] = {{"2026-11-22T09:14:05", "2026-11-22T09:14:05+07:00"},
                {"2026-11-22 09:14:05", "2026-11-22T09:14:05+07:00"},
                {"2026-11-22T09:14:05.123", "2026-11-22T09:14:05+07:00"},
                {"2026-11-22T02:14:05Z", "2026-11-22T09:14:05+07:00"},
                {"22/11/2026 09:14:05", "2026-11-22T09:14:05+07:00"},
                {"20261122091405", "2026-11-22T09:14:05+07:00"},
                {"1795313645000", "2026-11-22T09:14:05+07:00"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        instant_us at, want;
        assert_true(instant_parse(text_of(good[i].means), &want));
        assert_true(vnpost_time_read(text_of(good[i].text), &at));
        assert_int_equal(at, want);
    }
    static const char *const bad[] = {"",     "30/02/2026 09:14:05", "2026-11-22", "22/11/2026", "20261322091405",
                                      "soon", "22/11/2026 09:14:0x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        instant_us at = 7;
        assert_false(vnpost_time_read(text_of(bad[i]), &at));
        assert_int_equal(at, 7);
    }
}

static void history_is_read_with_either_name_of_the_hour(void **state)
{
    struct carrier_step steps[CARRIER_STEPS_MAX];
    size_t count = 0;
    struct text body =
        TEXT("{\"statusHistory\":[{\"createdDate\":\"22/11/2026\",\"createHour\":\"09:14:05\",\"statusCode\":91,"
             "\"statusName\":\"Phát thành công\",\"locateName\":\"Hạ Long\"},{\"createdDate\":\"22/11/2026\","
             "\"createdHour\":\"10:00\",\"statusCode\":\"X\"},{\"createdDate\":\"never\",\"statusCode\":\"Y\"}]}");
    assert_int_equal(vnpost_history_read(body, &arena, steps, &count), OK);
    assert_int_equal(count, 2);
    assert_true(text_is(steps[0].carrier_status, "91"));
    assert_true(text_is(steps[0].place, "Hạ Long"));
    assert_int_equal(vnpost_history_read(TEXT("{}"), &arena, steps, &count), ERR_UNKNOWN_OUTCOME);
}

static void a_case_is_accepted_pending_or_refused(void **state)
{
    struct text message;
    assert_int_equal(vnpost_case_read(TEXT("{\"Type\":\"00\",\"Message\":\"ok\"}"), &arena, &message), OK);
    assert_int_equal(vnpost_case_read(TEXT("{\"type\":\"02\"}"), &arena, &message), ERR_RETRY);
    assert_int_equal(vnpost_case_read(TEXT("{\"Type\":\"03\",\"Message\":\"no\"}"), &arena, &message),
                     ERR_CARRIER_REFUSED);
    assert_true(text_is(message, "no"));
    assert_int_equal(vnpost_case_read(TEXT("{}"), &arena, &message), ERR_UNKNOWN_OUTCOME);
}

static void a_token_that_could_not_be_a_header_is_refused(void **state)
{
    struct text token;
    assert_int_equal(vnpost_token_read(TEXT("{\"success\":true,\"token\":\"abc.def\"}"), &arena, &token), OK);
    assert_int_equal(vnpost_token_read(TEXT("{\"success\":true,\"token\":\"a\\r\\nb: c\"}"), &arena, &token),
                     ERR_CARRIER_REFUSED);
    assert_int_equal(vnpost_token_read(TEXT("{\"success\":false,\"token\":\"abc\"}"), &arena, &token),
                     ERR_CARRIER_REFUSED);
}

static EVP_PKEY *pair;

static struct text sign(const char *what)
{
    unsigned char signature[256];
    size_t size = sizeof signature;
    struct buf base64 = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pair), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (const unsigned char *)what, strlen(what)), 1);
    EVP_MD_CTX_free(context);
    base64_encode(signature, size, &base64);
    struct text text = arena_text(&arena, buf_view(&base64));
    buf_done(&base64);
    return text;
}

static struct vnpost_key *key_of(EVP_PKEY *key)
{
    struct vnpost_key *read = NULL;
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long length = BIO_get_mem_data(bio, &pem);
    assert_int_equal(vnpost_key_read((struct text){pem, (size_t)length}, &read), OK);
    BIO_free(bio);
    return read;
}

static void only_what_the_signature_covers_is_believed(void **state)
{
    pair = EVP_RSA_gen(2048);
    struct vnpost_key *key = key_of(pair);
    struct vnpost_notice notice;
    struct text signature = sign("MYVNP2026-11-22T09:14:05EP473124829VNTGTN");
    const char *good = arena_printf(&arena,
                                    "{\"data\":[{\"itemCode\":\"EP473124829VN\",\"status\":\"TGTN\",\"x\":1},"
                                    "{\"itemCode\":\"EP000000005VN\",\"status\":\"GHTC\"}],"
                                    "\"sendDate\":\"2026-11-22T09:14:05\",\"signature\":\"%.*s\"}",
                                    TEXT_ARGS(signature));
    assert_int_equal(vnpost_notice_read(text_of(good), &arena, &notice), OK);
    assert_int_equal(vnpost_notice_verify(key, &notice), OK);
    assert_true(text_is(notice.item, "EP473124829VN"));
    assert_int_equal(notice.hint_count, 1); /* the second item is not signed: a hint to ask */
    assert_true(text_is(notice.hints[0], "EP000000005VN"));

    struct vnpost_notice changed = notice;
    changed.status = TEXT("GHTC");
    assert_int_equal(vnpost_notice_verify(key, &changed), ERR_SIGNATURE);
    changed = notice;
    changed.signature = TEXT("AAAA");
    assert_int_equal(vnpost_notice_verify(key, &changed), ERR_SIGNATURE);
    changed.signature = TEXT("");
    assert_int_equal(vnpost_notice_verify(key, &changed), ERR_SIGNATURE);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    struct vnpost_key *wrong = key_of(other);
    assert_int_equal(vnpost_notice_verify(wrong, &notice), ERR_SIGNATURE);
    vnpost_key_free(wrong);
    vnpost_key_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(pair);
}

static void a_notice_without_its_parts_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"data\":[],\"sendDate\":\"2026-11-22T09:14:05\",\"signature\":\"x\"}",
        "{\"data\":[{\"itemCode\":\"E\",\"status\":\"S\"}],\"sendDate\":\"soon\",\"signature\":\"x\"}",
        "{\"data\":[{\"itemCode\":\"E\"}],\"sendDate\":\"2026-11-22T09:14:05\",\"signature\":\"x\"}",
        "{\"data\":[{\"itemCode\":\"E\",\"itemCode\":\"F\",\"status\":\"S\"}],\"sendDate\":\"2026-11-22T09:14:05\","
        "\"signature\":\"x\"}",
        "{\"data\":[7],\"sendDate\":\"2026-11-22T09:14:05\",\"signature\":\"x\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vnpost_notice notice;
        assert_int_not_equal(vnpost_notice_read(text_of(bad[i]), &arena, &notice), OK);
    }
}

static void weak_and_wrong_keys_are_refused(void **state)
{
    struct vnpost_key *key = NULL;
    assert_int_equal(vnpost_key_read(TEXT("not a key"), &key), ERR_KEY);
    EVP_PKEY *small = EVP_RSA_gen(1024);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    PEM_write_bio_PUBKEY(bio, small);
    long length = BIO_get_mem_data(bio, &pem);
    assert_int_equal(vnpost_key_read((struct text){pem, (size_t)length}, &key), ERR_KEY);
    BIO_free(bio);
    EVP_PKEY_free(small);
}

static void an_order_survives_being_kept(void **state)
{
    const struct carrier_order order = {
        .code = TEXT("LP1"),
        .sender = {TEXT("Trung tâm \"A\""), TEXT("0203"), TEXT("Số 1"), TEXT("22"), TEXT("06688")},
        .receiver = {TEXT("Dân"), TEXT("0912"), TEXT("Số 2"), TEXT("22"), TEXT("06652")},
        .weight_g = 150,
        .collect = 50000,
        .note = TEXT("n"),
        .pick_up = true};
    struct carrier_order read;
    struct buf kept = {0};
    struct json json = json_to(&kept);
    order_write(&json, &order);
    assert_int_equal(order_read(buf_view(&kept), TEXT("LP1"), &arena, &read), OK);
    assert_true(text_equal(read.sender.name, order.sender.name));
    assert_int_equal(read.collect, 50000);
    assert_true(read.pick_up);
    assert_int_equal(order_read(TEXT("{}"), TEXT("LP1"), &arena, &read), ERR_INTERNAL);
    buf_done(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_found_in_every_envelope_they_use),
        cmocka_unit_test(somebody_elses_order_is_not_ours_and_noise_is_not_an_answer),
        cmocka_unit_test(times_are_read_as_they_write_them),
        cmocka_unit_test(history_is_read_with_either_name_of_the_hour),
        cmocka_unit_test(a_case_is_accepted_pending_or_refused),
        cmocka_unit_test(a_token_that_could_not_be_a_header_is_refused),
        cmocka_unit_test(only_what_the_signature_covers_is_believed),
        cmocka_unit_test(a_notice_without_its_parts_is_refused),
        cmocka_unit_test(weak_and_wrong_keys_are_refused),
        cmocka_unit_test(an_order_survives_being_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
