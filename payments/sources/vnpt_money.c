/* VNPT Pay 1.0.5 (one public client library: everything uncertain is configuration).
 *
 * SECURE_CODE is the plain SHA-256 of values and secret run through '|': whoever learns one secret-free collision of
 * fields may forge, so a call-back is only a claim and the answer to our own question confirms. */
#include "payments/sources/source_table.h"

#include <stdlib.h>

enum { VALUES_MAX = 24 };

/* Values of an object in a configured order, the secret last, hashed; at NULL when a value holds the separator. */
static struct text code_of(const struct source_account *account, const char *order_key, const json_t *object,
                           struct arena *arena)
{
    struct text values[VALUES_MAX], message, rest = text_of(source_setting(account, order_key));
    const char *secret = source_setting(account, "secret_key");
    size_t count = 0;
    while (rest.length && count < VALUES_MAX - 1)
        values[count++] = source_value_of(object, arena_copy(arena, text_until(rest, ' ', &rest)), arena);
    values[count++] = text_of(secret);
    return secret && count > 1 && !values_join(arena, '|', values, count, &message) ? sha256_hex(message, arena)
                                                                                    : TEXT_NONE;
}

static enum err notice_of(const struct source_account *account, const json_t *object, instant_us at,
                          struct arena *arena, struct faults *faults, struct notice *ret)
{
    const char *service = source_setting(account, "service_id");
    struct text currency = source_value_of(object, "CURRENCY_CODE", arena),
                paid = source_value_of(object, "PAY_DATE", arena);
    struct notice n = {.source = TEXT("vnpt-money"),
                       .external_id = source_value_of(object, "MERCHANT_ORDER_ID", arena), /* one payment an order */
                       .account = source_account_number(account, arena),
                       .order = source_value_of(object, "MERCHANT_ORDER_ID", arena),
                       .bank_reference = source_value_of(object, "VNPTPAY_TRANSACTION_ID", arena),
                       .memo = source_value_of(object, "MERCHANT_ORDER_ID", arena),
                       .method = METHOD_WALLET,
                       .status =
                           text_is(source_value_of(object, "RESPONSE_CODE", arena), "00") ? NOTICE_PAID : NOTICE_FAILED,
                       .paid_at = at};
    if (service && *service && !text_is(source_value_of(object, "MERCHANT_SERVICE_ID", arena), service))
        return not_understood(faults, "MERCHANT_SERVICE_ID");
    if (!n.order.length || n.order.length > 50)
        return not_understood(faults, "MERCHANT_ORDER_ID");
    if (!dong_parse(source_value_of(object, "AMOUNT", arena), &n.amount))
        return not_understood(faults, "AMOUNT");
    if (currency.length && !text_is(currency, "VND"))
        return not_understood(faults, "CURRENCY_CODE");
    if (paid.length && !stamp14_parse(paid, &n.paid_at))
        return not_understood(faults, "PAY_DATE");
    *ret = n;
    return OK;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct json_fields in;
    struct notice n;
    enum err err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    if (!digest_equal(code_of(account, "call_back_order", in.object, arena),
                      source_value_of(in.object, "SECURE_CODE", arena)))
        return ERR_SIGNATURE;
    err = notice_of(account, in.object, call->at, arena, faults, &n);
    if (err)
        return err;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    bool good = answer->outcome == SOURCE_ACCEPTED || answer->outcome == SOURCE_REPLAYED;
    buf_printf(out, "{\"RESPONSE_CODE\":\"%s\",\"DESCRIPTION\":\"%s\"}", good ? "00" : "99",
               good ? "Success" : "Failed");
    return answer->outcome == SOURCE_TRY_AGAIN ? 503 : 200;
}

static enum err send(const struct source_account *account, const char *path, json_t *object, const char *code_name,
                     struct text code, struct arena *arena, struct source_call *ret_call)
{
    const char *key = source_setting(account, "api_key");
    struct buf body = {0};
    json_object_set_new(object, code_name, json_stringn(code.at ? code.at : "", code.length));
    char *written = json_dumps(object, JSON_COMPACT);
    buf_string(&body, written);
    free(written);
    json_decref(object);
    enum err err = code.length ? source_post_json(account, path, &body, arena, ret_call) : ERR_CONFIG;
    buf_done(&body);
    if (!err && key && *key)
        ret_call->headers[ret_call->header_count++] =
            (struct http_pair){"Authorization", arena_textf(arena, "Bearer %s", key)};
    return err;
}

static void set(json_t *object, const char *name, struct text value)
{
    json_object_set_new(object, name, json_stringn(value.at ? value.at : "", value.length));
}

static enum err create_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    struct text amount = arena_textf(arena, "%lld", (long long)o->amount);
    struct text service = text_of(source_setting(account, "service_id")), message, code;
    const struct text values[] = {TEXT("INIT"),
                                  TEXT("1.0.5"),
                                  service,
                                  o->id,
                                  amount,
                                  amount,
                                  TEXT("1"),
                                  TEXT("1"),
                                  TEXT("vi-VN"),
                                  TEXT("VND"),
                                  TEXT("VNPTPAY"),
                                  o->words,
                                  stamp14_write(o->made_at, arena),
                                  o->payer_address,
                                  text_of(source_setting(account, "secret_key"))};
    static const char *const names[] = {
        "ACTION", "VERSION", "MERCHANT_SERVICE_ID", "MERCHANT_ORDER_ID", "AMOUNT",      "AMOUNT_DETAIL", "SERVICE_ID",
        "DEVICE", "LOCALE",  "CURRENCY_CODE",       "PAYMENT_METHOD",    "DESCRIPTION", "CREATE_DATE",   "CLIENT_IP"};
    enum err err = values_join(arena, '|', values, sizeof values / sizeof *values, &message);
    if (err)
        return err;
    code = sha256_hex(message, arena);
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        set(object, names[i], values[i]);
    return send(account, "/rest/payment/v1.0.5/init", object, "SECURE_CODE", code, arena, ret_call);
}

static enum err create_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct source_told told = {.state = TOLD_FAILED,
                               .code = source_value_of(in.object, "RESPONSE_CODE", arena),
                               .redirect_url = source_value_of(in.object, "REDIRECT_URL", arena)};
    if (text_is(told.code, "00") && told.redirect_url.length)
        told.state = TOLD_DONE;
    *ret_told = told;
    return OK;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    json_t *object = json_object();
    set(object, "ACTION", TEXT("QUERY"));
    set(object, "VERSION", TEXT("1.0.5"));
    set(object, "MERCHANT_SERVICE_ID", text_of(source_setting(account, "service_id")));
    set(object, "MERCHANT_ORDER_ID", o->id);
    set(object, "CREATE_DATE", stamp14_write(o->at, arena));
    return send(account, "/rest/payment/v1.0.5/query_transaction", object, "SECURE_CODE",
                code_of(account, "query_order", object, arena), arena, ret_call);
}

static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    struct notice n;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct source_told told = {.state = TOLD_PENDING, .code = source_value_of(in.object, "RESPONSE_CODE", arena)};
    if (!text_equal(source_value_of(in.object, "MERCHANT_ORDER_ID", arena), o->id))
        return not_understood(faults, "MERCHANT_ORDER_ID");
    if (text_is(told.code, "00")) {
        err = notice_of(account, in.object, o->at, arena, faults, &n);
        if (err)
            return err;
        told.state = TOLD_DONE;
        told_notice(&told, &n);
    }
    *ret_told = told;
    return OK;
}

const struct source source_vnpt_money = {.name = "vnpt-money",
                                         .verify = verify,
                                         .reply = reply,
                                         .reply_type = "application/json",
                                         .answers_refusals = true,
                                         .proof = PROOF_CLAIM,
                                         .title = "VNPT Money",
                                         .method = METHOD_WALLET,
                                         .life_s = 900,
                                         .create = {create_ask, create_read},
                                         .query = {query_ask, query_read}};
