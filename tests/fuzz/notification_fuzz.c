/* Call-backs of every source with a right signature and any body: the first byte chooses the source. */
#include <stdlib.h>
#include <string.h>
#include "payments/sources/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char signature[80];

static struct text header(void *from, const char *name)
{
    if (strstr(name, "Timestamp"))
        return TEXT("1795395746");
    return strstr(name, "Signature") ? text_of(signature) : TEXT_NONE;
}

static void configure(void)
{
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    setenv("LEPHI_SANDBOX_BANK_SECRET", "secret-for-fuzzing", 1);
    setenv("LEPHI_SEPAY_WEBHOOK_SECRET", "secret-for-fuzzing", 1);
    if (config_load(NULL, &faults))
        abort();
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int configured;
    if (!configured++)
        configure();
    if (!size)
        return 0;
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    struct text body = {(const char *)data + 1, size - 1};
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    struct buf message = {0};
    buf_string(&message, "1795395746.");
    buf_text(&message, body);
    crypto_hmac_sha256(TEXT("secret-for-fuzzing"), buf_view(&message), mac);
    buf_done(&message);
    hex_encode(mac, sizeof mac, hex);
    snprintf(signature, sizeof signature, "sha256=%s", hex);

    const struct source *source = source_at(data[0] % source_count());
    const struct call_back call = {
        .method = TEXT("POST"), .body = body, .header = header, .at = 1795395746 * SECOND_US};
    struct notice notice;
    if (!source->verify(source_account_find(source, TEXT_NONE), &call, &arena, &faults, &notice) &&
        (notice.amount <= 0 || !notice.external_id.length || !notice.account.length))
        abort();
    arena_done(&arena);
    return 0;
}
