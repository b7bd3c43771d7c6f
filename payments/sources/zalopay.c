/* ZaloPay v2 (zalopay-oss/zalopay-nodejs specs/zlp.yaml and real call-backs of its sandbox).
 *
 * Forms out, signed with key 1; a call-back is {data, mac, type} whose mac is HMAC-SHA256(key 2, data as it came).
 * Answered with return_code 1 (taken), 2 (known, or no good) or 0 (call again). Order ids begin with today's date. */
#include "payments/sources/source_table.h"

enum { ORDER_MAX = 40 };

static const char *key_of(const struct source_account *account, const char *which)
{
    const char *key = source_setting(account, which);
    return key && *key ? key : NULL;
}

static enum err data_read(const struct source_account *account, struct text data, struct arena *arena,
                          struct faults *faults, struct notice *ret)
{
    struct json_fields in;
    enum err err = json_parse(data, &in, faults);
    if (err)
        return err;
    const char *app = source_setting(account, "app_id");
    struct notice n = {.source = TEXT("zalopay"),
                       .external_id = source_value_of(in.object, "zp_trans_id", arena),
                       .account = source_account_number(account, arena),
                       .order = source_value_of(in.object, "app_trans_id", arena),
                       .method = METHOD_WALLET,
                       .status = NOTICE_PAID};
    n.memo = n.order;
    if (app && !text_is(source_value_of(in.object, "app_id", arena), app))
        return not_understood(faults, "data/app_id");
    if (!n.order.length || n.order.length > ORDER_MAX)
        return not_understood(faults, "data/app_trans_id");
    if (!n.external_id.length || n.external_id.length > 64)
        return not_understood(faults, "data/zp_trans_id");
    if (!dong_parse(source_value_of(in.object, "amount", arena), &n.amount))
        return not_understood(faults, "data/amount");
    if (!millis_parse(source_value_of(in.object, "server_time", arena), &n.paid_at))
        return not_understood(faults, "data/server_time");
    *ret = n;
    return OK;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct json_fields in;
    struct notice n;
    const char *key = key_of(account, "key2");
    enum err err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    const json_t *data = json_object_get(in.object, "data");
    if (!key || !json_is_string(data))
        return ERR_SIGNATURE;
    struct text said = {json_string_value(data), json_string_length(data)};
    if (!digest_equal(hmac_sha256_hex(key, said, arena), source_value_of(in.object, "mac", arena)))
        return ERR_SIGNATURE;
    err = data_read(account, said, arena, faults, &n);
    if (err)
        return err;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    static const char *const words[SOURCE_OUTCOME_COUNT] = {
        [SOURCE_ACCEPTED] = "{\"return_code\":1,\"return_message\":\"success\"}",
        [SOURCE_REPLAYED] = "{\"return_code\":2,\"return_message\":\"duplicate\"}",
        [SOURCE_CONFLICT] = "{\"return_code\":2,\"return_message\":\"known with other content\"}",
        [SOURCE_REFUSED] = "{\"return_code\":2,\"return_message\":\"not an account of ours\"}",
        [SOURCE_TRY_AGAIN] = "{\"return_code\":0,\"return_message\":\"try again\"}",
        [SOURCE_FORGED] = "{\"return_code\":2,\"return_message\":\"mac not equal\"}",
        [SOURCE_BAD] = "{\"return_code\":2,\"return_message\":\"invalid data\"}"};
    buf_string(out, words[answer->outcome]);
    return 200;
}

/* What we ask ------------------------------------------------------------------------------------------------------ */

static enum err post_form(const struct source_account *account, const char *path, const struct buf *body,
                          struct arena *arena, struct source_call *ret_call)
{
    enum err err = source_post_json(account, path, body, arena, ret_call);
    if (!err)
        ret_call->headers[0].value = TEXT("application/x-www-form-urlencoded");
    return err;
}

static struct text mac_of(const struct source_account *account, const struct text *values, size_t count,
                          struct arena *arena)
{
    struct text message = TEXT_NONE;
    const char *key = key_of(account, "key1");
    return key && !values_join(arena, '|', values, count, &message) ? hmac_sha256_hex(key, message, arena) : TEXT_NONE;
}

static struct text millis(instant_us at, struct arena *arena)
{
    return arena_textf(arena, "%lld", (long long)(at / 1000));
}

static enum err create_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    struct text app = text_of(source_setting(account, "app_id")), user = TEXT("lephi"), item = TEXT("[]");
    struct text amount = arena_textf(arena, "%lld", (long long)o->amount), time = millis(o->at, arena), embed;
    struct buf words = {0}, body = {0};
    struct json json = json_to(&words);
    json_put_object(&json, NULL);
    json_put_text(&json, "redirecturl", o->return_url);
    json_put_end(&json);
    embed = arena_text(arena, buf_view(&words));
    buf_done(&words);
    const struct text values[] = {app, o->id, user, amount, time, embed, item};
    struct text mac = mac_of(account, values, sizeof values / sizeof *values, arena);
    enum err err = app.length && mac.length ? limits_check(&source_zalopay, o->amount) : ERR_CONFIG;
    if (err)
        return err;
    source_form_put(&body, "app_id", app);
    source_form_put(&body, "app_trans_id", o->id);
    source_form_put(&body, "app_user", user);
    source_form_put(&body, "amount", amount);
    source_form_put(&body, "app_time", time);
    source_form_put(&body, "embed_data", embed);
    source_form_put(&body, "item", item);
    source_form_put(&body, "description", o->words);
    source_form_put(&body, "expire_duration_seconds", TEXT("900"));
    source_form_put(&body, "callback_url", o->notify_url);
    source_form_put(&body, "mac", mac);
    err = post_form(account, "/create", &body, arena, ret_call);
    buf_done(&body);
    return err;
}

static enum err create_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct source_told told = {.state = TOLD_FAILED,
                               .code = source_value_of(in.object, "return_code", arena),
                               .redirect_url = source_value_of(in.object, "order_url", arena)};
    if (text_is(told.code, "1") && told.redirect_url.length)
        told.state = TOLD_DONE;
    *ret_told = told;
    return OK;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    struct text app = text_of(source_setting(account, "app_id"));
    const struct text values[] = {app, o->id, text_of(source_setting(account, "key1"))};
    struct text mac = mac_of(account, values, sizeof values / sizeof *values, arena);
    if (!app.length || !mac.length)
        return ERR_CONFIG;
    struct buf body = {0};
    source_form_put(&body, "app_id", app);
    source_form_put(&body, "app_trans_id", o->id);
    source_form_put(&body, "mac", mac);
    enum err err = post_form(account, "/query", &body, arena, ret_call);
    buf_done(&body);
    return err;
}

/* return_code 1 paid, 2 failed, 3 under way. */
static enum source_state state_of(struct text code)
{
    return text_is(code, "1") ? TOLD_DONE : text_is(code, "2") ? TOLD_FAILED : TOLD_PENDING;
}

static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "return_code", arena),
                time = source_value_of(in.object, "server_time", arena);
    struct source_told told = {.state = state_of(code), .code = code};
    if (told.state == TOLD_DONE) {
        struct notice n = {.source = TEXT("zalopay"),
                           .external_id = source_value_of(in.object, "zp_trans_id", arena),
                           .account = source_account_number(account, arena),
                           .order = o->id,
                           .memo = o->id,
                           .method = METHOD_WALLET,
                           .paid_at = o->at};
        if (!n.external_id.length || !dong_parse(source_value_of(in.object, "amount", arena), &n.amount))
            return not_understood(faults, "amount");
        if (time.length && !millis_parse(time, &n.paid_at))
            return not_understood(faults, "server_time");
        told_notice(&told, &n);
    }
    *ret_told = told;
    return code.length ? OK : not_understood(faults, "return_code");
}

static enum err refund_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    struct text app = text_of(source_setting(account, "app_id")), time = millis(o->at, arena);
    struct text amount = arena_textf(arena, "%lld", (long long)o->refund);
    const struct text values[] = {app, o->transaction, amount, o->refund_words, time};
    struct text mac = mac_of(account, values, sizeof values / sizeof *values, arena);
    if (!app.length || !mac.length)
        return ERR_CONFIG;
    struct buf body = {0};
    source_form_put(&body, "m_refund_id", o->call_id); /* yymmdd_appid_xxxx */
    source_form_put(&body, "app_id", app);
    source_form_put(&body, "zp_trans_id", o->transaction);
    source_form_put(&body, "amount", amount);
    source_form_put(&body, "timestamp", time);
    source_form_put(&body, "description", o->refund_words);
    source_form_put(&body, "mac", mac);
    enum err err = post_form(account, "/refund", &body, arena, ret_call);
    buf_done(&body);
    return err;
}

static enum err refund_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "return_code", arena);
    *ret_told = (struct source_told){.state = state_of(code), .code = code};
    return code.length ? OK : not_understood(faults, "return_code");
}

const struct source source_zalopay = {.name = "zalopay",
                                      .verify = verify,
                                      .reply = reply,
                                      .reply_type = "application/json",
                                      .answers_refusals = true,
                                      .title = "ZaloPay",
                                      .method = METHOD_WALLET,
                                      .dated_orders = true,
                                      .life_s = 900,
                                      .create = {create_ask, create_read},
                                      .query = {query_ask, query_read},
                                      .refund = {refund_ask, refund_read}};
