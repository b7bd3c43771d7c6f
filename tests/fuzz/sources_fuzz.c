/* Call-backs from anywhere: unsigned ones never pass; rightly signed ones with any body do not crash, and what passes
 * is fit to be booked. The first byte chooses the source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "payments/sources/sources.h"

#define SECRET "a secret for fuzzing"
#define STAMP  "1795395746"

static const char *signature;

static struct text header(void *from, const char *name)
{
    if (strstr(name, "Timestamp"))
        return TEXT(STAMP);
    return strstr(name, "Signature") ? text_of(signature) : TEXT_NONE;
}

static void set_up(struct faults *faults)
{
    static bool done;
    if (done)
        return;
    done = true;
    setenv("LEPHI_SANDBOX_BANK_SECRET", SECRET, 1);
    setenv("LEPHI_SEPAY_WEBHOOK_SECRET", SECRET, 1);
    setenv("LEPHI_CASSO_KEY", SECRET, 1);
    setenv("LEPHI_PAYOS_CHECKSUM_KEY", SECRET, 1);
    setenv("LEPHI_VNPAY_HASH_SECRET", SECRET, 1);
    setenv("LEPHI_MOMO_PARTNER_CODE", "MOMO", 1);
    setenv("LEPHI_MOMO_ACCESS_KEY", "access", 1);
    setenv("LEPHI_MOMO_SECRET_KEY", SECRET, 1);
    setenv("LEPHI_ZALOPAY_KEY1", SECRET, 1);
    setenv("LEPHI_ZALOPAY_KEY2", SECRET, 1);
    setenv("LEPHI_VIETTEL_MONEY_ACCESS_CODE", "access", 1);
    setenv("LEPHI_VIETTEL_MONEY_HASH_KEY", SECRET, 1);
    setenv("LEPHI_VNPT_MONEY_SECRET_KEY", SECRET, 1);
    setenv("LEPHI_MOBIFONE_MONEY_KEY", SECRET, 1);
    setenv("LEPHI_DVCQG_SECRET", SECRET, 1);
    setenv("LEPHI_KEYPAY_CLIENT_KEY_1", SECRET, 1);
    setenv("LEPHI_KEYPAY_CLIENT_KEY_2", SECRET, 1);
    if (config_load(NULL, faults))
        abort();
}

static const char *sign_stamped(struct arena *arena, struct text body)
{
    struct buf message = {0};
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    buf_string(&message, STAMP ".");
    buf_text(&message, body);
    crypto_hmac_sha256(TEXT(SECRET), buf_view(&message), mac);
    hex_encode(mac, sizeof mac, hex);
    buf_done(&message);
    return arena_printf(arena, "sha256=%s", hex);
}

static const char *sign_casso(struct arena *arena, struct text body)
{
    uint8_t mac[SHA512_SIZE];
    char hex[2 * SHA512_SIZE + 1];
    json_t *value = json_loadb(body.at, body.length, JSON_REJECT_DUPLICATES, NULL);
    char *canonical = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    crypto_hmac_sha512(TEXT(SECRET), arena_textf(arena, STAMP ".%s", canonical ? canonical : ""), mac);
    hex_encode(mac, sizeof mac, hex);
    free(canonical);
    json_decref(value);
    return arena_printf(arena, "t=" STAMP ",v1=%s", hex);
}

static void check(const struct source *source, struct text body, struct arena *arena, struct faults *faults,
                  bool is_signed)
{
    struct call_back call = {.method = TEXT("POST"), .body = body, .header = header, .at = 1795395746 * SECOND_US};
    struct notice n = {0};
    const struct source_account *account = source_account_find(source, TEXT_NONE);
    enum err err = source->verify(account, &call, arena, faults, &n);
    if (!is_signed && (!err || err == ERR_NOT_FOUND))
        abort();
    for (int kind = 0; kind < 3; kind++) {
        const struct source_act *act = kind == 0 ? &source->create : kind == 1 ? &source->query : &source->refund;
        struct source_order order = {.id = TEXT("QN8XPDSV5H4CQJ-1"), .amount = 16000, .at = call.at};
        struct source_told told = {0};
        faults_init(faults, arena);
        enum err read = act->read ? act->read(account, &order, body, arena, faults, &told) : ERR_NOT_FOUND;
        if (!read && kind == 1 && told.state == TOLD_DONE &&
            (told.notice.amount <= 0 || !told.notice.external_id.length))
            abort();
    }
    if (!err && (n.amount <= 0 || !n.external_id.length || !n.account.length || n.paid_at == INSTANT_NONE ||
                 !text_is_utf8(n.memo) || !text_is_utf8(n.payer_name) || n.status != NOTICE_PAID))
        abort();
    struct buf reply = {0};
    for (int outcome = SOURCE_ACCEPTED; outcome < SOURCE_OUTCOME_COUNT; outcome++)
        if (source->reply(
                &(struct source_answer){.outcome = (enum source_outcome)outcome, .account = account, .notice = &n},
                &reply) < 200)
            abort();
    buf_done(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    set_up(&faults);
    if (size) {
        const struct source *source = source_at(data[0] % source_count());
        struct text body = {(const char *)data + 1, size - 1};
        signature = "sha256=00";
        check(source, body, &arena, &faults, false);
        faults_init(&faults, &arena);
        signature = !strcmp(source->name, "casso") ? sign_casso(&arena, body) : sign_stamped(&arena, body);
        check(source, body, &arena, &faults,
              text_is(text_of(source->name), "sandbox-bank") || text_is(text_of(source->name), "sepay") ||
                  text_is(text_of(source->name), "casso")); /* the others sign inside the body */
    }
    arena_done(&arena);
    return 0;
}
