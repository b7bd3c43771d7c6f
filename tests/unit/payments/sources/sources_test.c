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
    const char *stamp, *signature, *authorization;
};

static struct text header(void *from, const char *name)
{
    const struct headers *h = from;
    if (strstr(name, "Timestamp"))
        return text_of(h->stamp);
    if (strstr(name, "Signature"))
        return text_of(h->signature);
    return !strcmp(name, "Authorization") ? text_of(h->authorization) : TEXT_NONE;
}

static int set_up(void **state)
{
    setenv("LEPHI_SANDBOX_BANK_SECRET", "the secret of the training bank", 1);
    setenv("LEPHI_SEPAY_WEBHOOK_SECRET", "secret-of-sepay", 1);
    arena_init(&arena);
    faults_init(&faults, &arena);
    return config_load(NULL, &faults);
}

static int tear_down(void **state)
{
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
        "\"bank_reference\":\"x\",\"booked_at\":\"yesterday\",\"more\":1}";
    assert_int_equal(sandbox("1795395746", SECRET, bad, 1795395746, &n), ERR_INVALID);
    assert_int_equal(faults.count, 5);
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

static void sepay_is_read_as_its_documentation_says(void **state)
{
    static const char body[] =
        "{\"id\":92704,\"gateway\":\"Vietcombank\",\"transactionDate\":\"2024-07-02 11:08:33\",\"accountNumber\":"
        "\"1017588888\",\"subAccount\":\"\",\"code\":\"QN25A7K3\",\"content\":\"QN25A7K3 chuyen tien\","
        "\"transferType\":\"in\",\"transferAmount\":50000,\"accumulated\":0,\"referenceCode\":\"FT24012345678\"}";
    struct notice n;
    struct headers h = {.stamp = "1719893313", .signature = sign("secret-of-sepay", "1719893313", body)};
    assert_int_equal(verify("sepay", h, body, 1719893313, &n), OK);
    assert_int_equal(n.amount, 50000);
    assert_true(text_is(n.external_id, "92704"));
    assert_true(text_is(n.account, "1017588888"));
    char at[INSTANT_TEXT_SIZE];
    instant_format(n.paid_at, at);
    assert_string_equal(at, "2024-07-02T11:08:33+07:00");
    /* With a webhook secret set, the bare key is not enough. */
    assert_int_equal(verify("sepay", (struct headers){.authorization = "Apikey secret-of-sepay"}, body, 1719893313, &n),
                     ERR_SIGNATURE);
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
        cmocka_unit_test(an_unknown_source_is_no_source_and_an_unconfigured_one_is_off),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
