/* payOS webhook (its public documentation; eight independent projects reproduce the published example).
 *
 * Body {code, desc, success, data, signature}: HMAC-SHA256 over data's fields, sorted by name, as key=value values_join
 * by
 * '&'; null, "null" and "undefined" are written as nothing. A payment link may be paid more than once, so a transaction
 * is the link and the bank's reference together. Setting up the webhook sends a made-up event that must be answered
 * with 2xx although the account is nobody's: therefore what is refused is answered 200 here. */
#include "payments/sources/source_table.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 64 };

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_value(const json_t *value, struct buf *out)
{
    if (json_is_null(value))
        return;
    if (json_is_string(value)) {
        if (strcmp(json_string_value(value), "null") && strcmp(json_string_value(value), "undefined"))
            buf_string(out, json_string_value(value));
        return;
    }
    char *written = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    buf_string(out, written);
    free(written);
}

static bool signature_matches(const char *key, json_t *data, struct text signature)
{
    const char *names[FIELDS_MAX], *name;
    json_t *value;
    size_t count = 0;
    if (!key || json_object_size(data) > FIELDS_MAX)
        return false;
    json_object_foreach(data, name, value) names[count++] = name;
    qsort(names, count, sizeof *names, by_name);
    struct buf message = {0};
    for (size_t i = 0; i < count; i++) {
        buf_printf(&message, "%s%s=", i ? "&" : "", names[i]);
        put_value(json_object_get(data, names[i]), &message);
    }
    bool genuine = count && hmac_sha256_matches(key, buf_view(&message), signature);
    buf_done(&message);
    return genuine;
}

static void read_data(struct json_fields *data, struct notice *n)
{
    static const char *const currencies[] = {"VND", NULL};
    struct text virtual_account = TEXT_NONE, link = TEXT_NONE, code = TEXT_NONE;
    int currency = 0;
    json_read_text(data, "paymentLinkId", REQUIRED, 1, 100, &link);
    json_read_text(data, "reference", REQUIRED, 1, 100, &n->bank_reference);
    json_read_int(data, "amount", REQUIRED, 1, MONEY_MAX, &n->amount);
    json_read_enum(data, "currency", OPTIONAL, currencies, &currency);
    json_read_text(data, "accountNumber", REQUIRED, 1, 40, &n->account);
    json_read_text(data, "virtualAccountNumber", OPTIONAL, 0, 40, &virtual_account);
    json_read_text(data, "code", OPTIONAL, 0, 10, &code);
    local_time_read(data, "transactionDateTime", &n->paid_at);
    words_read(data, "description", 1000, &n->memo);
    words_read(data, "counterAccountName", 200, &n->payer_name);
    words_read(data, "counterAccountNumber", 40, &n->payer_account);
    n->account = virtual_account.length ? virtual_account : n->account;
    n->external_id = arena_textf(data->faults->arena, "%.*s/%.*s", TEXT_ARGS(link), TEXT_ARGS(n->bank_reference));
    n->status = !code.length || text_is(code, "00") ? NOTICE_PAID : NOTICE_FAILED;
}

static enum err verify(const struct source_account *account, const struct call_back *call, struct arena *arena,
                       struct faults *faults, struct notice *ret_notice)
{
    struct json_fields in, data;
    struct notice n = {.source = TEXT("payos"), .method = METHOD_VIETQR};
    struct text signature = TEXT_NONE;
    enum err err = json_parse(call->body, &in, faults);
    if (err)
        return err;
    json_t *signed_data = json_object_get(in.object, "data");
    json_read_text(&in, "signature", OPTIONAL, 0, 200, &signature);
    if (!json_is_object(signed_data) ||
        !signature_matches(source_setting(account, "checksum_key"), signed_data, signature))
        return ERR_SIGNATURE;
    json_read_object(&in, "data", REQUIRED, &data);
    read_data(&data, &n);
    err = fields_end(&in);
    if (err)
        return err;
    err = notice_finish(&n);
    *ret_notice = n;
    return err;
}

static int reply(const struct source_answer *answer, struct buf *out)
{
    struct source_answer said = *answer;
    if (said.outcome == SOURCE_REFUSED)
        said.outcome = SOURCE_ACCEPTED;
    return reply_success(&said, out);
}

const struct source source_payos = {
    .name = "payos", .verify = verify, .reply = reply, .reply_type = "application/json"};
