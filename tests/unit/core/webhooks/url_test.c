/* Which addresses webhooks may call, and how they are signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/webhooks/webhooks.h"

#define ALLOWED TEXT("https://motcua.example.vn http://127.0.0.1:9000/lephi/ https://b.example:8443/hook")

static bool allowed(const char *url)
{
    return webhook_url_allowed(text_of(url), ALLOWED);
}

static void what_begins_with_an_allowed_address_may_be_called(void **state)
{
    assert_true(allowed("https://motcua.example.vn"));
    assert_true(allowed("https://motcua.example.vn/"));
    assert_true(allowed("https://motcua.example.vn/a/b?c=d"));
    assert_true(allowed("http://127.0.0.1:9000/lephi/one"));
    assert_true(allowed("https://b.example:8443/hook"));
    assert_true(allowed("https://b.example:8443/hook/x"));
}

static void what_only_looks_like_it_may_not(void **state)
{
    static const char *const wrong[] = {"",
                                        "https://",
                                        "http://motcua.example.vn/",
                                        "https://motcua.example.vn.evil.example/",
                                        "https://motcua.example.vn@evil.example/",
                                        "https://motcua.example.vn:8443/",
                                        "https://MOTCUA.example.vn/",
                                        "http://127.0.0.1:9000/lephi",
                                        "http://127.0.0.1:9000/other",
                                        "http://127.0.0.1:9000/lephi/../other",
                                        "http://127.0.0.1:9000/lephi/%2e%2e/other",
                                        "http://127.0.0.1:9000/lephi/.%2e/other",
                                        "https://b.example:8443/hooks",
                                        "https://b.example:8443/hook\r\nHost: x",
                                        "https://b.example:8443/hook#x",
                                        "file:///etc/passwd",
                                        "smtp://127.0.0.1:25",
                                        " https://motcua.example.vn"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (allowed(wrong[i]))
            fail_msg("allowed: %s", wrong[i]);
    assert_false(webhook_url_allowed(TEXT("https://motcua.example.vn"), TEXT("")));
    assert_false(webhook_url_allowed(TEXT("https://motcua.example.vn"), TEXT("https:// https")));
}

/* Computed with: printf '1763884800.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of sixteen' */
static void the_signature_is_hmac_sha256_over_timestamp_point_body(void **state)
{
    struct arena arena;
    char signature[WEBHOOK_SIGNATURE_SIZE];
    arena_init(&arena);
    webhook_sign(TEXT("a secret of sixteen"), 1763884800, TEXT("{\"a\":1}"), &arena, signature);
    assert_string_equal(signature, "sha256=5bec8a4fdfab1ebd3ea4e4063461a6b4aba82564123a30bfb83ebf208ae99019");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_begins_with_an_allowed_address_may_be_called),
                                       cmocka_unit_test(what_only_looks_like_it_may_not),
                                       cmocka_unit_test(the_signature_is_hmac_sha256_over_timestamp_point_body)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
