/* KeyPay v3 (VietOpenCPS pay-gate-integration).
 *
 * check_sum is HMAC-SHA256 with key 1 outbound and key 2 inbound over values with bars between. A call-back's sum does
 * not cover whether it was paid, so it is a claim: only the answer to our own question confirms. */
#include "payments/sources/source_table.h"

static struct text sum_of(const struct source_account *account, const char *which, const struct text *values,
                          size_t count, struct arena *arena)
{
    const char *key = source_setting(account, which);
    struct text message;
    return key && *key && !values_join(arena, '|', values, count, &message) ? hmac_sha256_hex(key, message, arena)
                                                                            : TEXT_NONE;
}

/* A call-back comes as a query, a form or JSON. */
struct said {
    struct form form;
    const json_t *object;
    struct arena *arena;
};

static struct text get(const struct said *said, const char *name)
{
    return said->object ? source_value_of(said->object, name, said->arena) : source_form_get(&said->form, name);
}

static enum err read_any(const struct call_back *call, struct arena *arena, struct faults *faults, struct said *ret)
{
    struct said said = {.arena = arena};
    struct json_fields in;
    enum err err = OK;
    if (text_starts(text_trim(call->body), "{")) {
        err = json_parse(call->body, &in, faults);
        said.object = err ? NULL : in.object;
    } else if (!source_form_parse(call->body.length ? call->body : call->query, arena, &said.form)) {
        err = ERR_SIGNATURE;
    }
    *ret = said;
    return err;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct said said;
    enum err err = read_any(call, arena, faults, &said);
    if (err)
        return err;
    const struct text values[] = {get(&said, "addition_fee"), get(&said, "client_id"),      get(&said, "command"),
                                  get(&said, "trans_amount"), get(&said, "transaction_id"), get(&said, "version")};
    if (!digest_equal(sum_of(account, "client_key_2", values, sizeof values / sizeof *values, arena),
                      get(&said, "check_sum")))
        return ERR_SIGNATURE;
    const char *client = source_setting(account, "client_id");
    struct notice n = {.source = TEXT("keypay"),
                       .external_id = values[4],
                       .account = source_account_number(account, arena),
                       .order = values[4],
                       .memo = values[4],
                       .method = METHOD_WALLET,
                       .status = NOTICE_PAID,
                       .paid_at = call->at};
    if (client && *client && !text_is(values[1], client))
        return not_understood(faults, "client_id");
    if (!n.order.length || n.order.length > 64)
        return not_understood(faults, "transaction_id");
    if (!dong_parse(values[3], &n.amount))
        return not_understood(faults, "trans_amount");
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    bool good = answer->outcome == SOURCE_ACCEPTED || answer->outcome == SOURCE_REPLAYED;
    buf_printf(out, "{\"return_code\":\"%s\"}", good ? "0" : "-1");
    return answer->outcome == SOURCE_TRY_AGAIN ? 503 : 200;
}

static enum err command_ask(const struct source_account *account, const char *path, const struct source_order *o,
                            const char *command, const struct text *signed_values, size_t count, struct arena *arena,
                            struct source_call *ret_call)
{
    struct text sum = sum_of(account, "client_key_1", signed_values, count, arena);
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_string(&json, "client_id", source_setting(account, "client_id"));
    json_put_string(&json, "command", command);
    json_put_string(&json, "version", source_setting(account, "version"));
    json_put_text(&json, "transaction_id", o->id);
    json_put_textf(&json, "trans_amount", "%lld", (long long)o->amount);
    json_put_text(&json, "desc", o->words);
    json_put_text(&json, "return_url", o->return_url);
    if (o->refund) {
        json_put_textf(&json, "amount", "%lld", (long long)o->refund);
        json_put_text(&json, "reason", o->refund_words);
    }
    json_put_text(&json, "check_sum", sum);
    json_put_end(&json);
    enum err err = sum.length ? source_post_json(account, path, &body, arena, ret_call) : ERR_CONFIG;
    buf_done(&body);
    return err;
}

static enum err create_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    const struct text values[] = {text_of(source_setting(account, "client_id")), TEXT("pay"), o->id};
    return command_ask(account, "/pay", o, "pay", values, sizeof values / sizeof *values, arena, ret_call);
}

static enum err create_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct source_told told = {.code = source_value_of(in.object, "return_code", arena),
                               .redirect_url = source_value_of(in.object, "pay_url", arena)};
    told.state = text_is(told.code, "0") && told.redirect_url.length ? TOLD_DONE : TOLD_FAILED;
    *ret_told = told;
    return OK;
}

static enum err query_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                          struct source_call *ret_call, struct source_told *ret_told)
{
    const struct text values[] = {text_of(source_setting(account, "client_id")), TEXT("query"), o->id};
    return command_ask(account, "/query", o, "query", values, sizeof values / sizeof *values, arena, ret_call);
}

/* status: 1 unpaid, 2 paid. */
static enum err query_read(const struct source_account *account, const struct source_order *o, struct text body,
                           struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text status = source_value_of(in.object, "status", arena);
    struct source_told told = {.state = TOLD_PENDING, .code = source_value_of(in.object, "return_code", arena)};
    if (!text_equal(source_value_of(in.object, "transaction_id", arena), o->id))
        return not_understood(faults, "transaction_id");
    if (text_is(status, "2") && text_is(told.code, "0")) {
        struct notice n = {.source = TEXT("keypay"),
                           .external_id = o->id,
                           .account = source_account_number(account, arena),
                           .order = o->id,
                           .memo = o->id,
                           .method = METHOD_WALLET,
                           .paid_at = o->at};
        if (!dong_parse(source_value_of(in.object, "trans_amount", arena), &n.amount))
            return not_understood(faults, "trans_amount");
        told.state = TOLD_DONE;
        told_notice(&told, &n);
    }
    *ret_told = told;
    return OK;
}

static enum err refund_ask(const struct source_account *account, const struct source_order *o, struct arena *arena,
                           struct source_call *ret_call, struct source_told *ret_told)
{
    const struct text values[] = {arena_textf(arena, "%lld", (long long)o->refund),
                                  text_of(source_setting(account, "client_id")), TEXT("refund"), o->refund_words,
                                  o->id};
    return command_ask(account, "/refund", o, "refund", values, sizeof values / sizeof *values, arena, ret_call);
}

static enum err refund_read(const struct source_account *account, const struct source_order *o, struct text body,
                            struct arena *arena, struct faults *faults, struct source_told *ret_told)
{
    struct json_fields in;
    enum err err = json_parse(body, &in, faults);
    if (err)
        return err;
    struct text code = source_value_of(in.object, "return_code", arena);
    *ret_told = (struct source_told){.state = text_is(code, "0") ? TOLD_DONE : TOLD_PENDING, .code = code};
    return code.length ? OK : not_understood(faults, "return_code");
}

const struct source source_keypay = {.name = "keypay",
                                     .verify = verify,
                                     .reply = reply,
                                     .reply_type = "application/json",
                                     .answers_refusals = true,
                                     .proof = PROOF_CLAIM,
                                     .title = "KeyPay",
                                     .method = METHOD_WALLET,
                                     .life_s = 1800,
                                     .create = {create_ask, create_read},
                                     .query = {query_ask, query_read},
                                     .refund = {refund_ask, refund_read}};
