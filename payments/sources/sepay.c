/* SePay bank-feed webhook (its public documentation and several plug-ins agree on this).
 *
 * `Authorization: Apikey KEY`, or X-SePay-Signature: sha256=HEX of HMAC-SHA256(secret, time stamp "." raw body) with
 * X-SePay-Timestamp within five minutes. With a webhook secret set, the signature is required and the key alone is not
 * enough. Repeats carry the same `id`. Answered with {"success":true} within 30 s; seven retries in 33 minutes. */
#include "payments/sources/source_table.h"

static enum err check_caller(const struct source_account *account, const struct call_back *call)
{
    const char *secret = source_setting(account, "webhook_secret"), *key = source_setting(account, "api_key");
    if (secret)
        return stamped_signature_check(secret, call, "X-SePay-Timestamp", "X-SePay-Signature");
    struct text authorization = call->header(call->from, "Authorization");
    bool right = key && text_is_nocase(text_slice(authorization, 0, 7), "Apikey ") &&
                 text_equal_secret(text_trim(text_slice(authorization, 7, authorization.length)), text_of(key));
    return right ? OK : ERR_SIGNATURE;
}

/* The bank's words are in `content`; where a bank delivers them mangled, `description` has the whole message and `code`
 * what SePay itself recognised. */
static struct text read_memo(struct json_fields *in)
{
    struct text memos[3] = {TEXT_NONE, TEXT_NONE, TEXT_NONE};
    words_read(in, "content", 1000, &memos[0]);
    words_read(in, "description", 1000, &memos[1]);
    words_read(in, "code", 100, &memos[2]);
    return memo_choose(memos, 3);
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    static const char *const directions[] = {"in", "out", NULL};
    enum err err = check_caller(account, call);
    if (err)
        return err;
    struct notice n = {.source = TEXT("sepay"), .method = METHOD_VIETQR};
    struct json_fields in;
    struct text sub_account = TEXT_NONE;
    int direction = 0;
    err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    id_read(&in, "id", 1, &n.external_id);
    local_time_read(&in, "transactionDate", &n.paid_at);
    json_read_text(&in, "accountNumber", REQUIRED, 1, 40, &n.account);
    json_read_text(&in, "subAccount", OPTIONAL, 0, 40, &sub_account);
    json_read_enum(&in, "transferType", REQUIRED, directions, &direction);
    json_read_int(&in, "transferAmount", REQUIRED, 1, MONEY_MAX, &n.amount);
    words_read(&in, "referenceCode", 100, &n.bank_reference);
    n.memo = read_memo(&in);
    err = fields_end(&in);
    if (err)
        return err;
    n.account = sub_account.length ? sub_account : n.account; /* a virtual account of ours */
    n.status = direction == 0 ? NOTICE_PAID : NOTICE_OUT;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

const struct source source_sepay = {
    .name = "sepay", .verify = verify, .reply = reply_success, .reply_type = "application/json"};
