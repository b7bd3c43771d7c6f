/* The training bank: balance changes signed with HMAC-SHA256 over the time stamp and the raw body.
 *
 * POST JSON {"id", "account_number", "amount", "currency", "direction", "memo", "bank_reference", "booked_at",
 * "counterparty_name", "counterparty_account", "balance"}; headers X-Sandbox-Timestamp (Unix seconds, within five
 * minutes) and X-Sandbox-Signature: sha256=HEX. Answered with {"success":true}. The message is our own, so unlike a
 * real bank's it is held to the letter: unknown fields are faults, as everywhere in our API. */
#include "payments/sources/source_table.h"

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    static const char *const directions[] = {"in", "out", NULL}, *const currencies[] = {"VND", NULL};
    enum err err =
        stamped_signature_check(source_setting(account, "secret"), call, "X-Sandbox-Timestamp", "X-Sandbox-Signature");
    if (err)
        return err;
    struct notice n = {.source = TEXT("sandbox-bank"), .method = METHOD_VIETQR};
    struct json_fields in;
    int direction = 0, currency = 0;
    int64_t balance = 0;
    err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    id_read(&in, "id", 1, &n.external_id);
    json_read_text(&in, "account_number", REQUIRED, 1, 40, &n.account);
    json_read_int(&in, "amount", REQUIRED, 1, MONEY_MAX, &n.amount);
    json_read_enum(&in, "currency", REQUIRED, currencies, &currency);
    json_read_enum(&in, "direction", REQUIRED, directions, &direction);
    json_read_text(&in, "bank_reference", REQUIRED, 1, 64, &n.bank_reference);
    json_read_instant(&in, "booked_at", REQUIRED, &n.paid_at);
    json_read_int(&in, "balance", OPTIONAL, -MONEY_MAX, MONEY_MAX, &balance);
    if (!json_has(&in, "memo"))
        json_fault(&in, "memo", ERR_FIELD_MISSING, NULL);
    words_read(&in, "memo", 1000, &n.memo);
    words_read(&in, "counterparty_name", 200, &n.payer_name);
    words_read(&in, "counterparty_account", 40, &n.payer_account);
    err = json_close(&in);
    if (err)
        return err;
    n.status = direction == 0 ? NOTICE_PAID : NOTICE_OUT;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

const struct source source_sandbox_bank = {
    .name = "sandbox-bank", .verify = verify, .reply = reply_success, .reply_type = "application/json"};
