/* Viettel: the old PaymentGateway 2.0 and the new Viettel Money gateway, behind one name.
 *
 * Old: forms with check_sum = Base64(HMAC-SHA1(hash key, values run together)). New: JSON whose exact bytes are signed
 * with ECDSA P-256 and SHA-256 in the header Signature. No call-back field list of the new gateway is published, so the
 * names are configuration (`fields`). A call-back that carries a Signature is the new gateway's. */
#include "payments/sources/source_table.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

enum { ORDER_MAX = 50, DER_MAX = 128 };

static struct text run_together(struct arena *arena, const struct text *values, size_t count)
{
    struct buf out = {0};
    for (size_t i = 0; i < count; i++)
        buf_text(&out, values[i]);
    struct text text = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct text sum_of(const struct source_account *account, const struct text *values, size_t count,
                          struct arena *arena)
{
    const char *key = source_setting(account, "hash_key");
    return key ? hmac_sha1_base64(key, run_together(arena, values, count), arena) : TEXT_NONE;
}

static enum err old_verify(const struct source_account *account, const struct form *f, instant_us at,
                           struct arena *arena, struct faults *faults, struct notice *ret)
{
    struct text access = text_of(source_setting(account, "access_code")), status = source_form_get(f, "payment_status");
    const char *merchant = source_setting(account, "merchant_code");
    const struct text values[] = {access,
                                  source_form_get(f, "billcode"),
                                  source_form_get(f, "cust_msisdn"),
                                  source_form_get(f, "error_code"),
                                  source_form_get(f, "merchant_code"),
                                  source_form_get(f, "order_id"),
                                  status,
                                  source_form_get(f, "trans_amount"),
                                  source_form_get(f, "vt_transaction_id")};
    struct text sum = sum_of(account, values, sizeof values / sizeof *values, arena);
    if (!access.length || !sum.length || !text_equal_secret(sum, source_form_get(f, "check_sum")))
        return ERR_SIGNATURE;
    struct notice n = {.source = TEXT("viettel-money"),
                       .external_id = source_form_get(f, "vt_transaction_id"),
                       .account = source_account_number(account, arena),
                       .order = source_form_get(f, "order_id"),
                       .memo = arena_textf(arena, "%.*s %.*s", TEXT_ARGS(source_form_get(f, "order_id")),
                                           TEXT_ARGS(source_form_get(f, "billcode"))),
                       .method = METHOD_WALLET,
                       .paid_at = at};
    /* -1 none, 0 pending, 1 paid, 2 failed, 3 unknown. */
    bool paid = text_is(status, "1") && text_is(source_form_get(f, "error_code"), "00");
    n.status = paid ? NOTICE_PAID : text_is(status, "2") ? NOTICE_FAILED : NOTICE_PENDING;
    if (merchant && *merchant && !text_is(source_form_get(f, "merchant_code"), merchant))
        return not_understood(faults, "merchant_code");
    if (!n.order.length || n.order.length > ORDER_MAX)
        return not_understood(faults, "order_id");
    if (!dong_parse(source_form_get(f, "trans_amount"), &n.amount))
        return not_understood(faults, "trans_amount");
    if (paid && (!n.external_id.length || n.external_id.length > 64))
        return not_understood(faults, "vt_transaction_id");
    *ret = n;
    return OK;
}

/* The public key file is read for each call: it is small, and may be changed while the service runs. */
static bool ecdsa_matches(const char *key_file, struct text message, struct text base64)
{
    struct buf der = {0};
    FILE *file = key_file && *key_file ? fopen(key_file, "re") : NULL;
    EVP_PKEY *key = file ? PEM_read_PUBKEY(file, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = key && context && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && base64_decode(base64, &der) &&
                der.length <= DER_MAX && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, (const uint8_t *)der.at, der.length, (const uint8_t *)message.at,
                                 message.length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (file)
        fclose(file);
    buf_done(&der);
    return good;
}

static enum err new_read(const struct source_account *account, const json_t *object, instant_us at, struct arena *arena,
                         struct faults *faults, struct notice *ret)
{
    struct text status = source_value_of(object, source_field_name(account, "status", arena), arena);
    struct notice n = {.source = TEXT("viettel-money"),
                       .external_id = source_value_of(object, source_field_name(account, "transaction", arena), arena),
                       .account = source_account_number(account, arena),
                       .order = source_value_of(object, source_field_name(account, "order", arena), arena),
                       .method = METHOD_WALLET,
                       .paid_at = at};
    n.memo = n.order;
    bool paid = text_is(status, source_field_name(account, "paid", arena));
    n.status = paid ? NOTICE_PAID : NOTICE_PENDING; /* the other codes are not published: asked, not guessed */
    if (!n.order.length || n.order.length > ORDER_MAX)
        return not_understood(faults, "order");
    if (!dong_parse(source_value_of(object, source_field_name(account, "amount", arena), arena), &n.amount))
        return not_understood(faults, "amount");
    if (paid && (!n.external_id.length || n.external_id.length > 64))
        return not_understood(faults, "transaction");
    *ret = n;
    return OK;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct text signature = call->header(call->from, "Signature");
    struct notice n;
    enum err err;
    if (signature.at) {
        struct json_fields in;
        if (!ecdsa_matches(source_setting(account, "public_key"), call->body, signature))
            return ERR_SIGNATURE;
        err = json_parse(call->body, &in, faults);
        if (!err)
            err = new_read(account, in.object, call->at, arena, faults, &n);
    } else {
        struct form form;
        if (!source_form_parse(call->body.length ? call->body : call->query, arena, &form))
            return ERR_SIGNATURE;
        err = old_verify(account, &form, call->at, arena, faults, &n);
    }
    if (err)
        return err;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

/* error_code 00 taken, 01 not; signed over access code, error code, merchant and order. */
static int reply(const struct source_answer *answer, struct buf *out)
{
    bool good = answer->outcome == SOURCE_ACCEPTED || answer->outcome == SOURCE_REPLAYED;
    struct arena arena;
    arena_init(&arena);
    struct text code = good ? TEXT("00") : TEXT("01"), merchant = TEXT_NONE, sum = TEXT_NONE;
    struct text order = answer->notice ? answer->notice->order : TEXT_NONE;
    if (answer->account) {
        merchant = text_of(source_setting(answer->account, "merchant_code"));
        const struct text values[] = {text_of(source_setting(answer->account, "access_code")), code, merchant, order};
        sum = sum_of(answer->account, values, sizeof values / sizeof *values, &arena);
    }
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_text(&json, "error_code", code);
    json_put_text(&json, "merchant_code", merchant);
    json_put_text(&json, "order_id", order);
    json_put_text(&json, "check_sum", sum);
    json_put_end(&json);
    arena_done(&arena);
    return answer->outcome == SOURCE_TRY_AGAIN ? 503 : 200;
}

/* What we ask: the old gateway, whose formulas are known ------------------------------------------------------------
 */

static enum err create_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    const char *base = source_setting(account, "base_url");
    struct text access = text_of(source_setting(account, "access_code")), bill = o->dossier;
    struct text merchant = text_of(source_setting(account, "merchant_code"));
    struct text amount = arena_textf(arena, "%lld", (long long)o->amount);
    const struct text values[] = {access, bill, TEXT("PAYMENT"), merchant, o->id, amount, TEXT("2.0")};
    struct text sum = sum_of(account, values, sizeof values / sizeof *values, arena);
    if (!base || !*base || !access.length || !merchant.length || !sum.length)
        return ERR_CONFIG;
    struct buf query = {0};
    source_form_put(&query, "billcode", bill);
    source_form_put(&query, "command", TEXT("PAYMENT"));
    source_form_put(&query, "merchant_code", merchant);
    source_form_put(&query, "order_id", o->id);
    source_form_put(&query, "return_url", o->return_url);
    source_form_put(&query, "trans_amount", amount);
    source_form_put(&query, "version", TEXT("2.0"));
    source_form_put(&query, "check_sum", sum);
    *ret_call = (struct source_call){0};
    *ret_told = (struct source_told){
        .state = TOLD_DONE,
        .redirect_url = arena_textf(arena, "%s/PaymentGateway/payment?%.*s", base, TEXT_ARGS(buf_view(&query)))};
    buf_done(&query);
    return OK;
}

static enum err command_ask(const struct source_account *account, const struct source_order *o, const char *command,
                            const struct text *signed_values, size_t count, struct text refund, struct arena *arena,
                            struct source_call *ret_call)
{
    struct text sum = sum_of(account, signed_values, count, arena);
    if (!sum.length)
        return ERR_CONFIG;
    struct buf body = {0};
    source_form_put(&body, "cmd", text_of(command));
    source_form_put(&body, "merchant_code", text_of(source_setting(account, "merchant_code")));
    source_form_put(&body, "order_id", o->id);
    source_form_put(&body, "version", TEXT("2.0"));
    if (refund.length) {
        source_form_put(&body, "originalRequestId", o->transaction);
        source_form_put(&body, "refundType", TEXT("0"));
        source_form_put(&body, "trans_amount", refund);
    }
    source_form_put(&body, "check_sum", sum);
    enum err err = source_post_json(account, "/PaymentAPI/webresources/postData", &body, arena, ret_call);
    if (!err)
        ret_call->headers[0].value = TEXT("application/x-www-form-urlencoded");
    buf_done(&body);
    return err;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    const struct text values[] = {text_of(source_setting(account, "access_code")), TEXT("TRANS_INQUIRY"),
                                  text_of(source_setting(account, "merchant_code")), o->id, TEXT("2.0")};
    return command_ask(account, o, "TRANS_INQUIRY", values, sizeof values / sizeof *values, TEXT_NONE, arena, ret_call);
}

static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text status = source_value_of(in.object, "payment_status", arena);
    struct source_told told = {.state = TOLD_PENDING, .code = status};
    if (!text_equal(source_value_of(in.object, "order_id", arena), o->id))
        return not_understood(faults, "order_id");
    if (text_is(status, "-1"))
        told.state = TOLD_ABSENT;
    else if (text_is(status, "2"))
        told.state = TOLD_FAILED;
    else if (text_is(status, "1")) {
        struct notice n = {.source = TEXT("viettel-money"),
                           .external_id = source_value_of(in.object, "vt_transaction_id", arena),
                           .account = source_account_number(account, arena),
                           .order = o->id,
                           .memo = o->id,
                           .method = METHOD_WALLET,
                           .paid_at = o->at};
        if (!n.external_id.length || !dong_parse(source_value_of(in.object, "trans_amount", arena), &n.amount))
            return not_understood(faults, "trans_amount");
        told.state = TOLD_DONE;
        told_notice(&told, &n);
    }
    *ret_told = told;
    return OK;
}

/* The old gateway gives back whole payments only. */
static enum err refund_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    struct text amount = arena_textf(arena, "%lld", (long long)o->refund);
    const struct text values[] = {text_of(source_setting(account, "access_code")),
                                  TEXT("REFUND_PAYMENT"),
                                  text_of(source_setting(account, "merchant_code")),
                                  o->id,
                                  o->transaction,
                                  TEXT("0"),
                                  amount,
                                  TEXT("2.0")};
    if (o->refund != o->amount)
        return ERR_FIELD_RANGE;
    return command_ask(account, o, "REFUND_PAYMENT", values, sizeof values / sizeof *values, amount, arena, ret_call);
}

static enum err refund_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "error_code", arena);
    *ret_told = (struct source_told){.state = text_is(code, "00") ? TOLD_DONE : TOLD_FAILED, .code = code};
    return code.length ? OK : not_understood(faults, "error_code");
}

const struct source source_viettel_money = {.name = "viettel-money",
                                            .verify = verify,
                                            .reply = reply,
                                            .reply_type = "application/json",
                                            .answers_refusals = true,
                                            .title = "Viettel Money",
                                            .method = METHOD_WALLET,
                                            .life_s = 900,
                                            .create = {create_ask, NULL},
                                            .query = {query_ask, query_read},
                                            .refund = {refund_ask, refund_read}};
