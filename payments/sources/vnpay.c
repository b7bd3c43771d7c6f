/* VNPAY 2.1.0 (its sandbox documentation and public SDK tests agree).
 *
 * HMAC-SHA512 over every vnp_ field but the hash itself, sorted by name, values urlencoded. Amounts are đồng × 100,
 * times are GMT+7. Paid is ResponseCode 00 and TransactionStatus 00. The answer to a call-back is {"RspCode"}: 00 and
 * 02 end the repeats, anything else is called again up to ten times, five minutes apart. */
#include "payments/sources/source_table.h"

#include <stdlib.h>
#include <string.h>

enum { AMOUNT_SCALE = 100, HASH_FIELDS_MAX = 16 };

static int by_name(const void *a, const void *b)
{
    const struct form_pair *left = a, *right = b;
    return text_compare(left->name, right->name);
}

static bool is_signed(const struct form_pair *pair)
{
    return text_starts(pair->name, "vnp_") && !text_is(pair->name, "vnp_SecureHash") &&
           !text_is(pair->name, "vnp_SecureHashType");
}

/* The signed text: as it came on the wire, or encoded anew as the signer did (a proxy may have changed %2f to %2F). */
enum spelling { AS_RECEIVED, ENCODED_ANEW };

static struct text signed_text(const struct form *sorted, enum spelling spelling, struct arena *arena)
{
    struct buf out = {0};
    for (size_t i = 0; i < sorted->count; i++) {
        const struct form_pair *pair = &sorted->pairs[i];
        if (!is_signed(pair))
            continue;
        if (out.length)
            buf_char(&out, '&');
        buf_text(&out, spelling == AS_RECEIVED ? pair->raw_name : pair->name);
        buf_char(&out, '=');
        if (spelling == AS_RECEIVED)
            buf_text(&out, pair->raw_value);
        else
            source_url_encode(&out, pair->value);
    }
    struct text text = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static enum err check(const struct source_account *account, struct form *form, struct arena *arena)
{
    const char *secret = source_setting(account, "hash_secret"), *code = source_setting(account, "tmn_code");
    struct text given = source_form_get(form, "vnp_SecureHash");
    if (!secret || !given.length)
        return ERR_SIGNATURE;
    qsort(form->pairs, form->count, sizeof *form->pairs, by_name);
    bool genuine = digest_equal(hmac_sha512_hex(secret, signed_text(form, AS_RECEIVED, arena), arena), given) ||
                   digest_equal(hmac_sha512_hex(secret, signed_text(form, ENCODED_ANEW, arena), arena), given);
    if (!genuine)
        return ERR_SIGNATURE;
    return !code || text_is(source_form_get(form, "vnp_TmnCode"), code) ? OK : ERR_INVALID;
}

static bool amount_read(struct text text, int64_t *ret_amount)
{
    int64_t hundredths;
    if (!dong_parse(text, &hundredths) || hundredths % AMOUNT_SCALE)
        return false;
    *ret_amount = hundredths / AMOUNT_SCALE;
    return true;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct form form;
    if (!source_form_parse(call->query.length ? call->query : call->body, arena, &form))
        return ERR_SIGNATURE;
    enum err err = check(account, &form, arena);
    if (err == ERR_INVALID)
        return not_understood(faults, "vnp_TmnCode");
    if (err)
        return err;
    struct text status = source_form_get(&form, "vnp_TransactionStatus"),
                code = source_form_get(&form, "vnp_ResponseCode");
    struct text currency = source_form_get(&form, "vnp_CurrCode");
    struct notice n = {.source = TEXT("vnpay"),
                       .external_id = source_form_get(&form, "vnp_TransactionNo"),
                       .account = source_account_number(account, arena),
                       .order = source_form_get(&form, "vnp_TxnRef"),
                       .bank_reference = TEXT_NONE,
                       .method = METHOD_WALLET,
                       .status = text_is(code, "00") && text_is(status, "00") ? NOTICE_PAID : NOTICE_FAILED,
                       .paid_at = call->at};
    n.memo = arena_textf(arena, "%.*s %.*s", TEXT_ARGS(n.order), TEXT_ARGS(source_form_get(&form, "vnp_OrderInfo")));
    if (!n.order.length || n.order.length > 100)
        return not_understood(faults, "vnp_TxnRef");
    if (!amount_read(source_form_get(&form, "vnp_Amount"), &n.amount))
        return not_understood(faults, "vnp_Amount");
    if (currency.length && !text_is(currency, "VND"))
        return not_understood(faults, "vnp_CurrCode");
    struct text paid = source_form_get(&form, "vnp_PayDate");
    if (paid.length && !stamp14_parse(paid, &n.paid_at))
        return not_understood(faults, "vnp_PayDate");
    if (n.status == NOTICE_PAID && (!n.external_id.length || n.external_id.length > 64))
        return not_understood(faults, "vnp_TransactionNo");
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    static const char *const words[SOURCE_OUTCOME_COUNT] = {
        [SOURCE_ACCEPTED] = "{\"RspCode\":\"00\",\"Message\":\"Confirm Success\"}",
        [SOURCE_REPLAYED] = "{\"RspCode\":\"02\",\"Message\":\"Order already confirmed\"}",
        [SOURCE_CONFLICT] = "{\"RspCode\":\"04\",\"Message\":\"Invalid amount\"}",
        [SOURCE_REFUSED] = "{\"RspCode\":\"01\",\"Message\":\"Order not found\"}",
        [SOURCE_TRY_AGAIN] = "{\"RspCode\":\"99\",\"Message\":\"Try again\"}",
        [SOURCE_FORGED] = "{\"RspCode\":\"97\",\"Message\":\"Invalid checksum\"}",
        [SOURCE_BAD] = "{\"RspCode\":\"99\",\"Message\":\"Invalid request\"}"};
    buf_string(out, words[answer->outcome]);
    return 200;
}

/* What we ask ------------------------------------------------------------------------------------------------------ */

static struct text scaled(int64_t amount, struct arena *arena)
{
    return arena_textf(arena, "%lld", (long long)amount * AMOUNT_SCALE);
}

static enum err pay_url(const struct source_account *account, const struct source_order *o, struct arena *arena,
                        struct source_call *ret_call, struct source_told *ret_told)
{
    const char *base = source_setting(account, "base_url"), *path = source_setting(account, "pay_path");
    const char *code = source_setting(account, "tmn_code"), *secret = source_setting(account, "hash_secret");
    enum err err = base && *base && path && code && secret ? limits_check(&source_vnpay, o->amount) : ERR_CONFIG;
    if (err)
        return err;
    struct buf query = {0};
    source_form_put(&query, "vnp_Amount", scaled(o->amount, arena));
    source_form_put(&query, "vnp_Command", TEXT("pay"));
    source_form_put(&query, "vnp_CreateDate", stamp14_write(o->made_at, arena));
    source_form_put(&query, "vnp_CurrCode", TEXT("VND"));
    source_form_put(&query, "vnp_ExpireDate", stamp14_write(o->expires_at, arena));
    source_form_put(&query, "vnp_IpAddr", o->payer_address);
    source_form_put(&query, "vnp_Locale", TEXT("vn"));
    source_form_put(&query, "vnp_OrderInfo", o->words);
    source_form_put(&query, "vnp_OrderType", TEXT("other"));
    source_form_put(&query, "vnp_ReturnUrl", o->return_url);
    source_form_put(&query, "vnp_TmnCode", text_of(code));
    source_form_put(&query, "vnp_TxnRef", o->id);
    source_form_put(&query, "vnp_Version", TEXT("2.1.0"));
    struct text hash = hmac_sha512_hex(secret, buf_view(&query), arena);
    *ret_call = (struct source_call){0};
    *ret_told = (struct source_told){.state = TOLD_DONE,
                                     .redirect_url = arena_textf(arena, "%s%s?%.*s&vnp_SecureHash=%.*s", base, path,
                                                                 TEXT_ARGS(buf_view(&query)), TEXT_ARGS(hash))};
    buf_done(&query);
    return OK;
}

struct pair {
    const char *name;
    struct text value;
};

static enum err signed_post(const struct source_account *account, const struct pair *pairs, size_t count,
                            struct arena *arena, struct source_call *ret_call)
{
    const char *secret = source_setting(account, "hash_secret"), *path = source_setting(account, "api_path");
    struct text values[HASH_FIELDS_MAX], message = TEXT_NONE;
    if (!secret || !path)
        return ERR_CONFIG;
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        json_put_text(&json, pairs[i].name, pairs[i].value);
        values[i] = pairs[i].value;
    }
    enum err err = values_join(arena, '|', values, count, &message);
    if (!err) {
        json_put_text(&json, "vnp_SecureHash", hmac_sha512_hex(secret, message, arena));
        json_put_end(&json);
        err = source_post_json(account, path, &body, arena, ret_call);
    }
    buf_done(&body);
    return err;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    const struct pair pairs[] = {{"vnp_RequestId", o->call_id},
                                 {"vnp_Version", TEXT("2.1.0")},
                                 {"vnp_Command", TEXT("querydr")},
                                 {"vnp_TmnCode", text_of(source_setting(account, "tmn_code"))},
                                 {"vnp_TxnRef", o->id},
                                 {"vnp_TransactionDate", stamp14_write(o->made_at, arena)},
                                 {"vnp_CreateDate", stamp14_write(o->at, arena)},
                                 {"vnp_IpAddr", o->payer_address},
                                 {"vnp_OrderInfo", o->words}};
    return signed_post(account, pairs, sizeof pairs / sizeof *pairs, arena, ret_call);
}

static enum err refund_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    const struct pair pairs[] = {{"vnp_RequestId", o->call_id},
                                 {"vnp_Version", TEXT("2.1.0")},
                                 {"vnp_Command", TEXT("refund")},
                                 {"vnp_TmnCode", text_of(source_setting(account, "tmn_code"))},
                                 {"vnp_TransactionType", o->refund == o->amount ? TEXT("02") : TEXT("03")},
                                 {"vnp_TxnRef", o->id},
                                 {"vnp_Amount", scaled(o->refund, arena)},
                                 {"vnp_TransactionNo", o->transaction},
                                 {"vnp_TransactionDate", stamp14_write(o->made_at, arena)},
                                 {"vnp_CreateBy", o->actor},
                                 {"vnp_CreateDate", stamp14_write(o->at, arena)},
                                 {"vnp_IpAddr", o->payer_address},
                                 {"vnp_OrderInfo", o->refund_words}};
    return signed_post(account, pairs, sizeof pairs / sizeof *pairs, arena, ret_call);
}

/* The first `signed_count` of these are signed in an answer, in this order. */
static const char *const answer_fields[] = {"vnp_ResponseId",    "vnp_Command",         "vnp_ResponseCode",
                                            "vnp_Message",       "vnp_TmnCode",         "vnp_TxnRef",
                                            "vnp_Amount",        "vnp_BankCode",        "vnp_PayDate",
                                            "vnp_TransactionNo", "vnp_TransactionType", "vnp_TransactionStatus",
                                            "vnp_OrderInfo",     "vnp_PromotionCode",   "vnp_PromotionAmount"};
enum { QUERY_SIGNED = 15, REFUND_SIGNED = 13 };

static enum err answer_check(const struct source_account *account, const struct source_order *o, const json_t *object,
                             size_t signed_count, struct arena *arena)
{
    const char *secret = source_setting(account, "hash_secret");
    struct text values[QUERY_SIGNED], message;
    for (size_t i = 0; i < signed_count; i++)
        values[i] = source_value_of(object, answer_fields[i], arena);
    if (!secret || values_join(arena, '|', values, signed_count, &message) ||
        !digest_equal(hmac_sha512_hex(secret, message, arena), source_value_of(object, "vnp_SecureHash", arena)))
        return ERR_SIGNATURE;
    return text_equal(source_value_of(object, "vnp_TxnRef", arena), o->id) ? OK : ERR_SIGNATURE;
}

static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (!err)
        err = answer_check(account, o, in.object, QUERY_SIGNED, arena);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "vnp_ResponseCode", arena);
    struct text status = source_value_of(in.object, "vnp_TransactionStatus", arena);
    struct source_told told = {.state = TOLD_PENDING, .code = code};
    if (text_is(code, "91"))
        told.state = TOLD_ABSENT;
    else if (text_is(code, "00") && text_is(status, "02"))
        told.state = TOLD_FAILED;
    else if (text_is(code, "00") && text_is(status, "00")) {
        struct notice n = {.source = TEXT("vnpay"),
                           .external_id = source_value_of(in.object, "vnp_TransactionNo", arena),
                           .account = source_account_number(account, arena),
                           .order = o->id,
                           .memo = arena_textf(arena, "%.*s %.*s", TEXT_ARGS(o->id), TEXT_ARGS(o->words)),
                           .method = METHOD_WALLET,
                           .paid_at = o->at};
        if (!amount_read(source_value_of(in.object, "vnp_Amount", arena), &n.amount) || !n.external_id.length)
            return not_understood(faults, "vnp_Amount");
        struct text paid = source_value_of(in.object, "vnp_PayDate", arena);
        if (paid.length && !stamp14_parse(paid, &n.paid_at))
            return not_understood(faults, "vnp_PayDate");
        told.state = TOLD_DONE;
        told_notice(&told, &n);
    }
    *ret_told = told;
    return OK;
}

static enum err refund_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (!err)
        err = answer_check(account, o, in.object, REFUND_SIGNED, arena);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "vnp_ResponseCode", arena);
    bool done = text_is(code, "00"), repeated = text_is(code, "94"); /* 94: this request is known and under way */
    *ret_told = (struct source_told){.state = done ? TOLD_DONE : repeated ? TOLD_PENDING : TOLD_FAILED, .code = code};
    return OK;
}

const struct source source_vnpay = {.name = "vnpay",
                                    .verify = verify,
                                    .reply = reply,
                                    .reply_type = "application/json",
                                    .answers_refusals = true,
                                    .title = "VNPAY",
                                    .method = METHOD_WALLET,
                                    .amount_max = INT64_C(9999999999), /* vnp_Amount n12, × 100 */
                                    .life_s = 900,
                                    .create = {.ask = pay_url},
                                    .query = {query_ask, query_read},
                                    .refund = {refund_ask, refund_read}};
