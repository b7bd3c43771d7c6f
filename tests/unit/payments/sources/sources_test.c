/* Call-backs: the genuine one is translated, everything else is refused and says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "payments/sources/sources.h"

#define BODY                                                                                                           \
    "{\"id\":7,\"account_number\":\"0914000000021\",\"amount\":16000,\"currency\":\"VND\",\"direction\":\"in\","       \
    "\"memo\":\"QN8XPDSV5H4CQJ\",\"bank_reference\":\"FT26112300000001\",\"booked_at\":\"2026-11-23T08:02:26+07:00\"}"

static struct arena arena;
static struct faults faults;

struct headers {
    const char *stamp, *signature, *authorization, *casso;
};

static struct text header(void *from, const char *name)
{
    const struct headers *h = from;
    if (!strcmp(name, "X-Casso-Signature"))
        return text_of(h->casso);
    if (strstr(name, "Timestamp"))
        return text_of(h->stamp);
    if (strstr(name, "Signature"))
        return text_of(h->signature);
    return !strcmp(name, "Authorization") ? text_of(h->authorization) : TEXT_NONE;
}

static json_t *vectors;

static json_t *inputs_of(const char *kind)
{
    size_t i;
    json_t *vector;
    json_array_foreach(vectors, i, vector) if (!strcmp(json_string_value(json_object_get(vector, "kind")),
                                                       kind)) return json_object_get(vector, "inputs");
    return NULL;
}

static int set_up(void **state)
{
    setenv("LEPHI_SANDBOX_BANK_SECRET", "the secret of the training bank", 1);
    setenv("LEPHI_SEPAY_WEBHOOK_SECRET", "secret", 1); /* of the vector */
    setenv("LEPHI_SEPAY__CENTRE2_API_KEY", "s3cret-key", 1);
    arena_init(&arena);
    faults_init(&faults, &arena);
    vectors = json_load_file("tests/data/notifications.json", 0, NULL);
    if (!vectors)
        return -1;
    setenv("LEPHI_CASSO_KEY", json_string_value(json_object_get(inputs_of("casso_v2"), "key")), 1);
    setenv("LEPHI_PAYOS_CHECKSUM_KEY", json_string_value(json_object_get(inputs_of("payos_webhook"), "checksum_key")),
           1);
    return config_load(NULL, &faults);
}

static int tear_down(void **state)
{
    json_decref(vectors);
    arena_done(&arena);
    return 0;
}

static const char *sign(const char *secret, const char *stamp, const char *body)
{
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    crypto_hmac_sha256(text_of(secret), arena_textf(&arena, "%s.%s", stamp, body), mac);
    hex_encode(mac, sizeof mac, hex);
    return arena_printf(&arena, "sha256=%s", hex);
}

static enum err verify(const char *name, struct headers headers, const char *body, int64_t at_s, struct notice *ret)
{
    const struct source *source = source_by_name(text_of(name));
    assert_non_null(source);
    const struct source_account *account = source_account_find(source, TEXT_NONE);
    assert_non_null(account);
    struct call_back call = {
        .method = TEXT("POST"), .body = text_of(body), .header = header, .from = &headers, .at = at_s * SECOND_US};
    faults_init(&faults, &arena);
    return source->verify(account, &call, &arena, &faults, ret);
}

static enum err sandbox(const char *stamp, const char *secret, const char *body, int64_t at_s, struct notice *ret)
{
    return verify("sandbox-bank", (struct headers){.stamp = stamp, .signature = sign(secret, stamp, body)}, body, at_s,
                  ret);
}

#define SECRET "the secret of the training bank"

static void a_genuine_call_back_becomes_a_notice(void **state)
{
    struct notice n;
    assert_int_equal(sandbox("1795395746", SECRET, BODY, 1795395746, &n), OK);
    assert_int_equal(n.amount, 16000);
    assert_true(text_is(n.external_id, "7"));
    assert_true(text_is(n.account, "0914000000021"));
    assert_true(text_is(n.bank_reference, "FT26112300000001"));
    assert_int_equal(date_of(n.paid_at), date_from(2026, 11, 23));
}

static void a_forged_truncated_or_stale_one_is_refused(void **state)
{
    struct notice n;
    assert_int_equal(sandbox("1795395746", "another secret", BODY, 1795395746, &n), ERR_SIGNATURE);
    struct headers right = {.stamp = "1795395746", .signature = sign(SECRET, "1795395746", BODY)};
    assert_int_equal(verify("sandbox-bank", right, BODY " ", 1795395746, &n), ERR_SIGNATURE);
    right.stamp = "1795395747";
    assert_int_equal(verify("sandbox-bank", right, BODY, 1795395746, &n), ERR_SIGNATURE);
    assert_int_equal(verify("sandbox-bank", (struct headers){0}, BODY, 1795395746, &n), ERR_SIGNATURE);
    assert_int_equal(sandbox("1795395746", SECRET, BODY, 1795395746 + 301, &n), ERR_STALE);
    assert_int_equal(sandbox("1795395746", SECRET, BODY, 1795395746 - 301, &n), ERR_STALE);
    assert_int_equal(sandbox("1795395746", SECRET, BODY, 1795395746 + 299, &n), OK);
}

static void a_signed_call_back_with_bad_content_names_each_fault(void **state)
{
    struct notice n;
    const char *bad =
        "{\"id\":1,\"account_number\":\"\",\"amount\":0,\"currency\":\"USD\",\"direction\":\"in\",\"memo\":\"\","
        "\"bank_reference\":\"x\",\"booked_at\":\"yesterday\",\"a field of tomorrow\":1}";
    assert_int_equal(sandbox("1795395746", SECRET, bad, 1795395746, &n), ERR_INVALID);
    assert_int_equal(faults.count, 5); /* account_number, amount, currency, booked_at, the field of tomorrow */
    assert_int_equal(sandbox("1795395746", SECRET, "{\"id\":1,\"id\":2}", 1795395746, &n), ERR_JSON_DUPLICATE_KEY);
    assert_int_equal(sandbox("1795395746", SECRET, "", 1795395746, &n), ERR_JSON_SYNTAX);
}

static void money_going_out_is_genuine_and_nothing_to_book(void **state)
{
    struct notice n;
    char *out = arena_copy(&arena, TEXT(BODY));
    char *direction = strstr(out, "\"in\"");
    memmove(direction + 5, direction + 4, strlen(direction + 4));
    memcpy(direction, "\"out\"", 5);
    /* One character was lost at the end by the move: put the brace back. */
    const char *body = arena_printf(&arena, "%.*s}", (int)strlen(BODY), out);
    assert_int_equal(sandbox("1795395746", SECRET, body, 1795395746, &n), ERR_NOT_FOUND);
}

static void the_content_hash_tells_a_repeat_from_a_contradiction(void **state)
{
    struct notice a = {.external_id = TEXT("1"), .amount = 5, .account = TEXT("9")}, b = a;
    notice_seal(&a);
    b.memo = TEXT("another memo");
    notice_seal(&b);
    assert_memory_equal(a.content_hash, b.content_hash, sizeof a.content_hash);
    b.amount = 6;
    notice_seal(&b);
    assert_memory_not_equal(a.content_hash, b.content_hash, sizeof a.content_hash);
}

static const char *vector_text(const char *kind, const char *part, const char *key)
{
    size_t i;
    json_t *vector;
    json_array_foreach(
        vectors, i,
        vector) if (!strcmp(json_string_value(json_object_get(vector, "kind")),
                            kind)) return json_string_value(json_object_get(json_object_get(vector, part), key));
    return NULL;
}

static void sepay_is_read_as_its_documentation_says(void **state)
{
    const char *body = vector_text("sepay_hmac", "inputs", "raw_body");
    struct notice n;
    struct headers h = {.stamp = "1719893313", .signature = vector_text("sepay_hmac", "expected", "X-SePay-Signature")};
    assert_int_equal(verify("sepay", h, body, 1719893313, &n), OK);
    assert_int_equal(n.amount, 50000);
    assert_true(text_is(n.external_id, "92704"));
    assert_true(text_is(n.account, "1017588888"));
    assert_true(text_is(n.bank_reference, "FT24012345678"));
    char at[INSTANT_TEXT_SIZE];
    instant_format(n.paid_at, at);
    assert_string_equal(at, "2024-07-02T11:08:33+07:00");
    /* With a webhook secret set, the bare key is not enough. */
    assert_int_equal(verify("sepay", (struct headers){.authorization = "Apikey secret"}, body, 1719893313, &n),
                     ERR_SIGNATURE);
}

static enum err sepay_by_key(const char *authorization, const char *body, struct notice *ret)
{
    const struct source *source = source_by_name(TEXT("sepay"));
    struct headers headers = {.authorization = authorization};
    struct call_back call = {.body = text_of(body), .header = header, .from = &headers};
    faults_init(&faults, &arena);
    return source->verify(source_account_find(source, TEXT("centre2")), &call, &arena, &faults, ret);
}

static void an_account_of_sepay_without_secret_takes_its_key_alone(void **state)
{
    const char *body = vector_text("sepay_hmac", "inputs", "raw_body");
    struct notice n;
    assert_int_equal(sepay_by_key(vector_text("sepay_apikey", "inputs", "header"), body, &n), OK);
    assert_int_equal(sepay_by_key("Apikey s3cret-keyX", body, &n), ERR_SIGNATURE);
    assert_int_equal(sepay_by_key("Apikey ", body, &n), ERR_SIGNATURE);
    assert_int_equal(sepay_by_key("Bearer s3cret-key", body, &n), ERR_SIGNATURE);
    assert_int_equal(sepay_by_key(NULL, body, &n), ERR_SIGNATURE);
}

#define SEPAY(fields)                                                                                                  \
    "{\"id\":1,\"transactionDate\":\"2026-11-22 09:14:00\",\"accountNumber\":\"1\",\"transferType\":\"in\","           \
    "\"transferAmount\":16000," fields "}"
#define KEY "Apikey s3cret-key"

static void the_banks_words_never_stop_money(void **state)
{
    struct notice n;
    assert_int_equal(sepay_by_key(KEY, SEPAY("\"content\":\"line one\\nline two\\t\\u007f\""), &n), OK);
    assert_true(text_is(n.memo, "line one line two  "));
    assert_int_equal(sepay_by_key(KEY, SEPAY("\"content\":null"), &n), OK);
    assert_int_equal(n.memo.length, 0);
    assert_int_equal(sepay_by_key(KEY, SEPAY("\"content\":7,\"new\":{\"a\":[1.5]}"), &n), OK);
    char *words = arena_alloc(&arena, 5001);
    for (int i = 0; i < 2500; i++)
        memcpy(words + 2 * i, "\xc4\x91", 2); /* đ */
    assert_int_equal(sepay_by_key(KEY, arena_printf(&arena, SEPAY("\"content\":\"x%s\""), words), &n), OK);
    assert_true(n.memo.length == 999 && text_is_utf8(n.memo));
}

static void the_description_is_read_where_the_content_has_lost_the_reference(void **state)
{
    struct notice n;
    assert_int_equal(
        sepay_by_key(KEY, SEPAY("\"content\":\"chuyen tien\",\"description\":\"BankAPINotify QN8XPDSV5H4CQJ\""), &n),
        OK);
    assert_true(text_is(n.memo, "BankAPINotify QN8XPDSV5H4CQJ"));
    assert_int_equal(sepay_by_key(KEY, SEPAY("\"content\":\"chuyen tien\",\"code\":\"QN8XPDSV5H4CQJ\""), &n), OK);
    assert_true(text_is(n.memo, "QN8XPDSV5H4CQJ"));
    assert_int_equal(sepay_by_key(KEY, SEPAY("\"content\":\"chuyen tien\",\"description\":\"CT DEN\""), &n), OK);
    assert_true(text_is(n.memo, "chuyen tien"));
}

static void amounts_that_are_no_whole_number_of_dong_are_refused(void **state)
{
    static const char *const wrong[] = {"16000.0",          "1.6e4", "\"16000\"", "0", "-16000",
                                        "9007199254740992", "null",  "true"};
    struct notice n;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *body = arena_printf(&arena,
                                        "{\"id\":1,\"transactionDate\":\"2026-11-22 09:14:00\",\"accountNumber\":\"1\","
                                        "\"transferType\":\"in\",\"transferAmount\":%s,\"content\":\"\"}",
                                        wrong[i]);
        assert_int_equal(sepay_by_key(KEY, body, &n), ERR_INVALID);
    }
}

static void bytes_behind_a_nul_are_signed_too(void **state)
{
    struct notice n;
    char body[sizeof BODY + 8] = BODY;
    memcpy(body + sizeof BODY, "garbage", 7);
    const struct source *source = source_by_name(TEXT("sandbox-bank"));
    struct headers headers = {.stamp = "1795395746", .signature = sign(SECRET, "1795395746", BODY)};
    struct call_back call = {
        .body = {body, sizeof BODY + 7}, .header = header, .from = &headers, .at = 1795395746 * SECOND_US};
    assert_int_equal(source->verify(source_account_find(source, TEXT_NONE), &call, &arena, &faults, &n), ERR_SIGNATURE);
}

static void casso_signs_the_body_written_anew(void **state)
{
    struct notice n;
    char *body = json_dumps(json_object_get(inputs_of("casso_v2"), "body"), JSON_INDENT(3));
    struct headers h = {.casso = vector_text("casso_v2", "inputs", "header")};
    assert_int_equal(verify("casso", h, body, 1727948258, &n), ERR_NOT_FOUND);
    assert_int_equal(n.status, NOTICE_TEST);
    assert_int_equal(n.amount, 599000);
    assert_true(text_is(n.account, "88888888"));
    char *changed = strstr(body, "599000");
    *changed = '6';
    assert_int_equal(verify("casso", h, body, 1727948258, &n), ERR_SIGNATURE);
    *changed = '5';
    h.casso = "t=1727948258788";
    assert_int_equal(verify("casso", h, body, 1727948258, &n), ERR_SIGNATURE);
    h.casso = ",,,v1=,t=";
    assert_int_equal(verify("casso", h, body, 1727948258, &n), ERR_SIGNATURE);
    free(body);
}

static enum err casso(const char *canonical, struct notice *ret)
{
    uint8_t mac[SHA512_SIZE];
    char hex[2 * SHA512_SIZE + 1];
    crypto_hmac_sha512(text_of(vector_text("casso_v2", "inputs", "key")), arena_textf(&arena, "1.%s", canonical), mac);
    hex_encode(mac, sizeof mac, hex);
    return verify("casso", (struct headers){.casso = arena_printf(&arena, "v1=00,t=1, v1=%s", hex)}, canonical, 1, ret);
}

#define CASSO(amount, id)                                                                                              \
    "{\"data\":{\"accountNumber\":\"88\",\"amount\":" amount ",\"description\":\"lệ phí a/b\",\"id\":" id              \
    ",\"reference\":\"FT1\",\"transactionDateTime\":\"2026-11-22 09:14:00\"},\"error\":0}"

static void casso_tells_money_in_money_out_and_pings_apart(void **state)
{
    struct notice n;
    assert_int_equal(casso(CASSO("16000", "77"), &n), OK);
    assert_int_equal(n.amount, 16000);
    assert_true(text_is(n.external_id, "77") && text_is(n.memo, "lệ phí a/b"));
    assert_int_equal(casso(CASSO("-16000", "78"), &n), ERR_NOT_FOUND);
    assert_int_equal(n.status, NOTICE_OUT);
    assert_int_equal(casso("{\"error\":0}", &n), ERR_NOT_FOUND);
    assert_int_equal(n.status, NOTICE_TEST);
    assert_int_equal(casso(CASSO("1.5", "79"), &n), ERR_INVALID);
}

static const char *payos_body(json_t *data, const char *signature)
{
    char *written = json_dumps(data, 0);
    const char *body =
        arena_printf(&arena, "{\"code\":\"00\",\"success\":true,\"data\":%s,\"signature\":\"%s\"}", written, signature);
    free(written);
    return body;
}

static void payos_signs_the_sorted_fields_of_its_data(void **state)
{
    struct notice n;
    const char *signature = vector_text("payos_webhook", "expected", "signature");
    json_t *data = json_object_get(inputs_of("payos_webhook"), "data");
    assert_int_equal(verify("payos", (struct headers){0}, payos_body(data, signature), 1, &n), OK);
    assert_int_equal(n.amount, 3000);
    assert_true(text_is(n.external_id, "124c33293c43417ab7879e14c8d9eb18/TF230204212323"));
    assert_true(text_is(n.account, "12345678"));
    assert_true(text_is(n.memo, "VQRIO123"));
    json_object_set_new(data, "amount", json_integer(3001));
    assert_int_equal(verify("payos", (struct headers){0}, payos_body(data, signature), 1, &n), ERR_SIGNATURE);
    json_object_set_new(data, "amount", json_integer(3000));
    assert_int_equal(verify("payos", (struct headers){0}, "{\"data\":{},\"signature\":\"\"}", 1, &n), ERR_SIGNATURE);
    assert_int_equal(verify("payos", (struct headers){0}, "{\"data\":[]}", 1, &n), ERR_SIGNATURE);
    /* Nothing, the word "null" and null itself are signed alike. */
    json_object_set_new(data, "counterAccountName", json_null());
    json_object_set_new(data, "counterAccountNumber", json_string("null"));
    assert_int_equal(verify("payos", (struct headers){0}, payos_body(data, signature), 1, &n), OK);
}

static void payos_is_answered_200_even_for_an_account_that_is_nobodys(void **state)
{
    struct buf out = {0};
    assert_int_equal(source_by_name(TEXT("payos"))->reply(&(struct source_answer){.outcome = SOURCE_REFUSED}, &out),
                     200);
    buf_clear(&out);
    assert_int_equal(source_by_name(TEXT("payos"))->reply(&(struct source_answer){.outcome = SOURCE_TRY_AGAIN}, &out),
                     503);
    buf_done(&out);
}

static void an_account_stays_the_same_however_often_it_is_looked_up(void **state)
{
    const struct source *sepay = source_by_name(TEXT("sepay"));
    assert_ptr_equal(source_account_find(sepay, TEXT("centre2")), source_account_find(sepay, TEXT("centre2")));
    assert_ptr_not_equal(source_account_find(sepay, TEXT("centre2")), source_account_find(sepay, TEXT_NONE));
}

static void an_unknown_source_is_no_source_and_an_unconfigured_one_is_off(void **state)
{
    assert_null(source_by_name(TEXT("nobody")));
    assert_null(source_account_find(source_by_name(TEXT("sandbox-bank")), TEXT("centre9")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genuine_call_back_becomes_a_notice),
        cmocka_unit_test(a_forged_truncated_or_stale_one_is_refused),
        cmocka_unit_test(a_signed_call_back_with_bad_content_names_each_fault),
        cmocka_unit_test(money_going_out_is_genuine_and_nothing_to_book),
        cmocka_unit_test(the_content_hash_tells_a_repeat_from_a_contradiction),
        cmocka_unit_test(sepay_is_read_as_its_documentation_says),
        cmocka_unit_test(an_account_of_sepay_without_secret_takes_its_key_alone),
        cmocka_unit_test(the_banks_words_never_stop_money),
        cmocka_unit_test(the_description_is_read_where_the_content_has_lost_the_reference),
        cmocka_unit_test(amounts_that_are_no_whole_number_of_dong_are_refused),
        cmocka_unit_test(bytes_behind_a_nul_are_signed_too),
        cmocka_unit_test(casso_signs_the_body_written_anew),
        cmocka_unit_test(casso_tells_money_in_money_out_and_pings_apart),
        cmocka_unit_test(payos_signs_the_sorted_fields_of_its_data),
        cmocka_unit_test(payos_is_answered_200_even_for_an_account_that_is_nobodys),
        cmocka_unit_test(an_account_stays_the_same_however_often_it_is_looked_up),
        cmocka_unit_test(an_unknown_source_is_no_source_and_an_unconfigured_one_is_off),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
