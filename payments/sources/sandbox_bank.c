/* The training bank: balance changes signed with HMAC-SHA256 over the time stamp and the raw body.
 *
 * POST JSON {"id", "account_number", "amount", "currency", "direction", "memo", "bank_reference", "booked_at",
 * "counterparty_name", "counterparty_account", "balance"}; headers X-Sandbox-Timestamp (Unix seconds, within five
 * minutes) and X-Sandbox-Signature: sha256=HEX. Answered with {"success":true}. */
#include "payments/sources/source_table.h"

enum { WINDOW_S = 300 };

static enum err check_signature(const struct source_account *account, const struct call_back *call, struct arena *arena)
{
    struct text stamp = call->header(call->from, "X-Sandbox-Timestamp"),
                signature = call->header(call->from, "X-Sandbox-Signature");
    int64_t seconds;
    const char *secret = source_setting(account, "secret");
    if (!secret || !text_to_int64(stamp, &seconds) || !text_starts(signature, "sha256="))
        return ERR_SIGNATURE;
    struct text message = arena_textf(arena, "%.*s.%.*s", TEXT_ARGS(stamp), TEXT_ARGS(call->body));
    if (!hmac_sha256_matches(secret, message, text_slice(signature, 7, signature.length)))
        return ERR_SIGNATURE;
    int64_t now_s = call->at / SECOND_US;
    return seconds < now_s - WINDOW_S || seconds > now_s + WINDOW_S ? ERR_STALE : OK;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    static const char *const directions[] = {"in", "out", NULL}, *const currencies[] = {"VND", NULL};
    enum err err = check_signature(account, call, arena);
    if (err)
        return err;
    struct notice n = {.source = TEXT("sandbox-bank"), .method = METHOD_VIETQR};
    struct json_fields in;
    int direction = 0, currency = 0;
    int64_t balance = 0, id = 0;
    err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    json_read_int(&in, "id", REQUIRED, 1, MONEY_MAX, &id);
    json_read_text(&in, "account_number", REQUIRED, 1, 19, &n.account);
    json_read_int(&in, "amount", REQUIRED, 1, MONEY_MAX, &n.amount);
    json_read_enum(&in, "currency", REQUIRED, currencies, &currency);
    json_read_enum(&in, "direction", REQUIRED, directions, &direction);
    json_read_text(&in, "memo", REQUIRED, 0, 500, &n.memo);
    json_read_text(&in, "bank_reference", REQUIRED, 1, 64, &n.bank_reference);
    json_read_instant(&in, "booked_at", REQUIRED, &n.paid_at);
    json_read_text(&in, "counterparty_name", OPTIONAL, 0, 200, &n.payer_name);
    json_read_text(&in, "counterparty_account", OPTIONAL, 0, 40, &n.payer_account);
    json_read_int(&in, "balance", OPTIONAL, -MONEY_MAX, MONEY_MAX, &balance);
    err = json_close(&in);
    if (err)
        return err;
    if (direction != 0)
        return ERR_NOT_FOUND;
    n.external_id = arena_textf(arena, "%lld", (long long)id);
    notice_seal(&n);
    *ret_notice = n;
    return OK;
}

const struct source source_sandbox_bank = {
    .name = "sandbox-bank", .verify = verify, .reply = reply_success, .reply_type = "application/json"};
