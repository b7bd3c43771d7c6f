/* MoMo All-In-One v2 (momo-wallet/payment and six real results of its sandbox agree).
 *
 * HMAC-SHA256 over key=value pairs with keys a to z and values as they are; our own access key is signed and never
 * sent back. A call-back wants HTTP 204 within 15 s; a cancelled order may send none, so orders are asked for. */
#include "payments/sources/source_table.h"

enum { PAIRS_MAX = 16, ORDER_MAX = 50 };

static struct text sign_text(const struct source_account *account, const json_t *object, const char *const *names,
                             struct arena *arena)
{
    struct buf out = {0};
    for (size_t i = 0; names[i]; i++) {
        bool own = text_is(text_of(names[i]), "accessKey");
        struct text value =
            own ? text_of(source_setting(account, "access_key")) : source_value_of(object, names[i], arena);
        buf_printf(&out, "%s%s=", i ? "&" : "", names[i]);
        buf_text(&out, value);
    }
    struct text text = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static bool keys_set(const struct source_account *account)
{
    return source_setting(account, "secret_key") && source_setting(account, "access_key") &&
           source_setting(account, "partner_code");
}

/* Result codes: 9000 is authorised and not taken yet; 1000, 7000 and 7002 are under way; all others failed. */
static enum notice_status status_of(struct text code)
{
    if (text_is(code, "0"))
        return NOTICE_PAID;
    bool pending = text_is(code, "9000") || text_is(code, "1000") || text_is(code, "7000") || text_is(code, "7002");
    return pending ? NOTICE_PENDING : NOTICE_FAILED;
}

static enum err notice_read(const struct source_account *account, const json_t *object, instant_us at,
                            struct arena *arena, struct faults *faults, struct notice *ret)
{
    struct text stamp = source_value_of(object, "responseTime", arena),
                words = source_value_of(object, "orderInfo", arena);
    struct notice n = {.source = TEXT("momo"),
                       .external_id = source_value_of(object, "transId", arena),
                       .account = source_account_number(account, arena),
                       .order = source_value_of(object, "orderId", arena),
                       .method = METHOD_WALLET,
                       .status = status_of(source_value_of(object, "resultCode", arena)),
                       .paid_at = at};
    n.memo = arena_textf(arena, "%.*s %.*s", TEXT_ARGS(n.order), TEXT_ARGS(words));
    if (!text_is(source_value_of(object, "partnerCode", arena), source_setting(account, "partner_code")))
        return not_understood(faults, "partnerCode");
    if (!n.order.length || n.order.length > ORDER_MAX)
        return not_understood(faults, "orderId");
    if (!dong_parse(source_value_of(object, "amount", arena), &n.amount))
        return not_understood(faults, "amount");
    if (n.status == NOTICE_PAID && (!n.external_id.length || n.external_id.length > 64))
        return not_understood(faults, "transId");
    if (stamp.length && !millis_parse(stamp, &n.paid_at))
        return not_understood(faults, "responseTime");
    *ret = n;
    return OK;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    static const char *const names[] = {"accessKey",    "amount",     "extraData",   "message", "orderId",
                                        "orderInfo",    "orderType",  "partnerCode", "payType", "requestId",
                                        "responseTime", "resultCode", "transId",     NULL};
    struct json_fields in;
    struct notice n;
    enum err err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    if (!keys_set(account) || !digest_equal(hmac_sha256_hex(source_setting(account, "secret_key"),
                                                            sign_text(account, in.object, names, arena), arena),
                                            source_value_of(in.object, "signature", arena)))
        return ERR_SIGNATURE;
    err = notice_read(account, in.object, call->at, arena, faults, &n);
    if (err)
        return err;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    static const int statuses[SOURCE_OUTCOME_COUNT] = {204, 204, 409, 422, 503, 401, 422};
    buf_string(out, "");
    return statuses[answer->outcome];
}

/* What we ask ------------------------------------------------------------------------------------------------------ */

struct pair {
    const char *name;
    struct text value;
    int64_t number; /* when the value is at NULL */
};

/* Writes the body and its signature over `names`. */
static enum err signed_post(const struct source_account *account, const char *path, const struct pair *pairs,
                            size_t count, const char *const *names, struct arena *arena, struct source_call *ret_call)
{
    if (!keys_set(account))
        return ERR_CONFIG;
    struct buf body = {0};
    json_t *object = json_object();
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    for (size_t i = 0; i < count; i++)
        if (pairs[i].value.at) {
            json_put_text(&json, pairs[i].name, pairs[i].value);
            json_object_set_new(object, pairs[i].name, json_stringn(pairs[i].value.at, pairs[i].value.length));
        } else {
            json_put_int(&json, pairs[i].name, pairs[i].number);
            json_object_set_new(object, pairs[i].name, json_integer(pairs[i].number));
        }
    json_put_text(
        &json, "signature",
        hmac_sha256_hex(source_setting(account, "secret_key"), sign_text(account, object, names, arena), arena));
    json_put_end(&json);
    json_decref(object);
    enum err err = source_post_json(account, path, &body, arena, ret_call);
    buf_done(&body);
    return err;
}

static enum err create_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    static const char *const names[] = {"accessKey", "amount",      "extraData",   "ipnUrl",
                                        "orderId",   "orderInfo",   "partnerCode", "redirectUrl",
                                        "requestId", "requestType", NULL};
    const struct pair pairs[] = {{"partnerCode", text_of(source_setting(account, "partner_code")), 0},
                                 {"requestId", o->id, 0},
                                 {"amount", TEXT_NONE, o->amount},
                                 {"orderId", o->id, 0},
                                 {"orderInfo", o->words, 0},
                                 {"redirectUrl", o->return_url, 0},
                                 {"ipnUrl", o->notify_url, 0},
                                 {"requestType", TEXT("captureWallet"), 0},
                                 {"extraData", TEXT(""), 0},
                                 {"lang", TEXT("vi"), 0}};
    enum err err = limits_check(&source_momo, o->amount);
    return err ? err
               : signed_post(account, "/v2/gateway/api/create", pairs, sizeof pairs / sizeof *pairs, names, arena,
                             ret_call);
}

static enum err create_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct source_told told = {.state = TOLD_FAILED,
                               .code = source_value_of(in.object, "resultCode", arena),
                               .redirect_url = source_value_of(in.object, "payUrl", arena),
                               .qr = source_value_of(in.object, "qrCodeUrl", arena),
                               .deeplink = source_value_of(in.object, "deeplink", arena)};
    if (text_is(told.code, "0") && told.redirect_url.length)
        told.state = TOLD_DONE;
    *ret_told = told;
    return OK;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    static const char *const names[] = {"accessKey", "orderId", "partnerCode", "requestId", NULL};
    const struct pair pairs[] = {{"partnerCode", text_of(source_setting(account, "partner_code")), 0},
                                 {"requestId", o->call_id, 0},
                                 {"orderId", o->id, 0},
                                 {"lang", TEXT("vi"), 0}};
    return signed_post(account, "/v2/gateway/api/query", pairs, sizeof pairs / sizeof *pairs, names, arena, ret_call);
}

/* The answer comes over TLS from the peer we called; its fields are read as a call-back's. */
static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    struct notice n;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "resultCode", arena);
    struct source_told told = {.state = TOLD_FAILED, .code = code};
    if (!text_equal(source_value_of(in.object, "orderId", arena), o->id))
        return not_understood(faults, "orderId");
    if (text_is(code, "42"))
        told.state = TOLD_ABSENT;
    else if (status_of(code) == NOTICE_PENDING)
        told.state = TOLD_PENDING;
    else if (status_of(code) == NOTICE_PAID) {
        err = notice_read(account, in.object, o->at, arena, faults, &n);
        if (err)
            return err;
        told.state = TOLD_DONE;
        told_notice(&told, &n);
    }
    *ret_told = told;
    return code.length ? OK : not_understood(faults, "resultCode");
}

static enum err refund_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    static const char *const names[] = {"accessKey",   "amount",    "description", "orderId",
                                        "partnerCode", "requestId", "transId",     NULL};
    int64_t transaction;
    if (!text_to_int64(o->transaction, &transaction))
        return ERR_INVALID;
    const struct pair pairs[] = {{"partnerCode", text_of(source_setting(account, "partner_code")), 0},
                                 {"orderId", o->call_id, 0}, /* a refund is an order of its own */
                                 {"requestId", o->call_id, 0},
                                 {"amount", TEXT_NONE, o->refund},
                                 {"transId", TEXT_NONE, transaction},
                                 {"lang", TEXT("vi"), 0},
                                 {"description", o->refund_words, 0}};
    return signed_post(account, "/v2/gateway/api/refund", pairs, sizeof pairs / sizeof *pairs, names, arena, ret_call);
}

static enum err refund_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "resultCode", arena);
    enum notice_status status = status_of(code);
    bool known = text_is(code, "40") || text_is(code, "41"); /* asked before with this id: what became of it is asked */
    *ret_told = (struct source_told){.state = status == NOTICE_PAID               ? TOLD_DONE
                                              : status == NOTICE_PENDING || known ? TOLD_PENDING
                                                                                  : TOLD_FAILED,
                                     .code = code};
    return code.length ? OK : not_understood(faults, "resultCode");
}

const struct source source_momo = {.name = "momo",
                                   .verify = verify,
                                   .reply = reply,
                                   .reply_type = "application/json",
                                   .title = "MoMo",
                                   .method = METHOD_WALLET,
                                   .amount_min = 1000,
                                   .amount_max = 50000000,
                                   .life_s = 6000,
                                   .create = {create_ask, create_read},
                                   .query = {query_ask, query_read},
                                   .refund = {refund_ask, refund_read}};
