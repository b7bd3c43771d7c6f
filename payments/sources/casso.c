/* Casso bank-feed webhook, version 2 (its published samples in five languages agree).
 *
 * X-Casso-Signature: t=MILLISECONDS,v1=HEX of HMAC-SHA512(key, t "." body), the body written anew: keys sorted at every
 * depth, no white space, nothing escaped that need not be. No window for t is published, and a late retry may carry the
 * first one: a replay does no harm, for an id is booked once. The test event of its console has the id 0; a ping may
 * have no data at all. Any 2xx is taken as received. */
#include "payments/sources/source_table.h"

#include <stdlib.h>

enum { SIGNATURE_PARTS_MAX = 8 };

/* One or more v1 (keys being changed) beside one t. */
static enum err check_signature(const char *key, struct text header, const json_t *body)
{
    struct text stamp = TEXT_NONE, signatures[SIGNATURE_PARTS_MAX];
    size_t count = 0;
    int64_t milliseconds;
    for (int i = 0; i < SIGNATURE_PARTS_MAX && header.length; i++) {
        struct text part = text_trim(text_until(header, ',', &header));
        if (text_starts(part, "t="))
            stamp = text_slice(part, 2, part.length);
        else if (text_starts(part, "v1="))
            signatures[count++] = text_slice(part, 3, part.length);
    }
    if (!key || !text_to_int64(stamp, &milliseconds))
        return ERR_SIGNATURE;
    char *canonical = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    struct buf message = {0};
    buf_text(&message, stamp);
    buf_char(&message, '.');
    buf_string(&message, canonical);
    free(canonical);
    bool genuine = false;
    for (size_t i = 0; i < count; i++)
        genuine = hmac_sha512_matches(key, buf_view(&message), signatures[i]) || genuine;
    buf_done(&message);
    return genuine ? OK : ERR_SIGNATURE;
}

static void read_data(struct json_fields *data, struct notice *n)
{
    struct text virtual_account = TEXT_NONE;
    id_read(data, "id", 0, &n->external_id);
    json_read_int(data, "amount", REQUIRED, -MONEY_MAX, MONEY_MAX, &n->amount);
    json_read_text(data, "accountNumber", REQUIRED, 1, 40, &n->account);
    json_read_text(data, "virtualAccountNumber", OPTIONAL, 0, 40, &virtual_account);
    local_time_read(data, "transactionDateTime", &n->paid_at);
    words_read(data, "description", 1000, &n->memo);
    words_read(data, "reference", 100, &n->bank_reference);
    words_read(data, "counterAccountName", 200, &n->payer_name);
    words_read(data, "counterAccountNumber", 40, &n->payer_account);
    n->account = virtual_account.length ? virtual_account : n->account;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct json_fields in, data;
    struct notice n = {.source = TEXT("casso"), .method = METHOD_VIETQR, .paid_at = INSTANT_NONE};
    enum err err = json_parse(call->body, &in, faults);
    if (!err)
        err = check_signature(source_setting(account, "key"), call->header(call->from, "X-Casso-Signature"), in.object);
    if (err)
        return err;
    if (json_has(&in, "data")) {
        json_read_object(&in, "data", REQUIRED, &data);
        read_data(&data, &n);
        err = fields_end(&in);
        if (err)
            return err;
    }
    if (!n.external_id.length || text_is(n.external_id, "0"))
        n.status = NOTICE_TEST;
    else
        n.status = n.amount > 0 ? NOTICE_PAID : NOTICE_OUT;
    n.amount = n.amount < 0 ? -n.amount : n.amount;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

const struct source source_casso = {
    .name = "casso", .verify = verify, .reply = reply_success, .reply_type = "application/json"};
