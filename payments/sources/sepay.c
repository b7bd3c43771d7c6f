/* SePay bank-feed webhook (its public documentation and several plug-ins agree on this).
 *
 * `Authorization: Apikey KEY`, or X-SePay-Signature: sha256=HEX of HMAC-SHA256(secret, time stamp "." raw body) with
 * X-SePay-Timestamp within five minutes. With a webhook secret set, the signature is required and the key alone is not
 * enough. Repeats carry the same `id`. Answered with {"success":true} within 30 s; seven retries in 33 minutes. */
#include "payments/sources/source_table.h"

#include <stdio.h>

enum { WINDOW_S = 300 };

static enum err check_signature(const struct source_account *account, const struct call_back *call, struct arena *arena)
{
    const char *secret = source_setting(account, "webhook_secret"), *key = source_setting(account, "api_key");
    if (!secret) {
        struct text authorization = call->header(call->from, "Authorization");
        bool right = key && text_starts(authorization, "Apikey ") &&
                     text_equal_secret(text_trim(text_slice(authorization, 7, authorization.length)), text_of(key));
        return right ? OK : ERR_SIGNATURE;
    }
    struct text stamp = call->header(call->from, "X-SePay-Timestamp"),
                signature = call->header(call->from, "X-SePay-Signature");
    int64_t seconds;
    if (!text_to_int64(stamp, &seconds) || !text_starts(signature, "sha256="))
        return ERR_SIGNATURE;
    struct text message = arena_textf(arena, "%.*s.%.*s", TEXT_ARGS(stamp), TEXT_ARGS(call->body));
    if (!hmac_sha256_matches(secret, message, text_slice(signature, 7, signature.length)))
        return ERR_SIGNATURE;
    int64_t now_s = call->at / SECOND_US;
    return seconds < now_s - WINDOW_S || seconds > now_s + WINDOW_S ? ERR_STALE : OK;
}

/* "2026-11-22 09:14:00", Vietnamese time. */
static bool read_time(struct text text, instant_us *ret_at)
{
    char rfc3339[40];
    snprintf(rfc3339, sizeof rfc3339, "%.*s+07:00", TEXT_ARGS(text_slice(text, 0, 19)));
    return text.length == 19 && instant_parse(text_of(rfc3339), ret_at);
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    static const char *const directions[] = {"in", "out", NULL};
    enum err err = check_signature(account, call, arena);
    if (err)
        return err;
    struct notice n = {.source = TEXT("sepay"), .method = METHOD_VIETQR};
    struct json_fields in;
    struct text time = TEXT_NONE, sub_account = TEXT_NONE;
    int direction = 0;
    int64_t id = 0;
    err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    json_read_int(&in, "id", REQUIRED, 1, MONEY_MAX, &id);
    json_read_text(&in, "transactionDate", REQUIRED, 19, 19, &time);
    json_read_text(&in, "accountNumber", REQUIRED, 1, 19, &n.account);
    json_read_text(&in, "subAccount", OPTIONAL, 0, 40, &sub_account);
    json_read_text(&in, "content", REQUIRED, 0, 500, &n.memo);
    json_read_enum(&in, "transferType", REQUIRED, directions, &direction);
    json_read_int(&in, "transferAmount", REQUIRED, 1, MONEY_MAX, &n.amount);
    json_read_text(&in, "referenceCode", OPTIONAL, 0, 64, &n.bank_reference);
    if (time.length && !read_time(time, &n.paid_at))
        json_fault(&in, "transactionDate", ERR_FIELD_FORMAT, "Phải là YYYY-MM-DD hh:mm:ss");
    if (faults->count)
        return ERR_INVALID; /* further fields of SePay are its own business: they are not refused */
    if (direction != 0)
        return ERR_NOT_FOUND;
    n.external_id = arena_textf(arena, "%lld", (long long)id);
    n.account = sub_account.length ? sub_account : n.account;
    notice_seal(&n);
    *ret_notice = n;
    return OK;
}

const struct source source_sepay = {
    .name = "sepay", .verify = verify, .reply = reply_success, .reply_type = "application/json"};
