#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include "postal/vnpost.h"

enum { ENVELOPE_DEPTH_MAX = 4 };

/* NULL when it is no JSON. Duplicate keys are refused: two readers must not see two contents. */
static json_t *parse(struct text body, struct arena *arena)
{
    struct faults *faults = ARENA_NEW(arena, struct faults);
    json_t *json = NULL;
    faults_init(faults, arena);
    return json_parse_value(body, &json, faults) ? NULL : json;
}

/* A member whose key agrees but for case and white space around it. */
static json_t *member(json_t *object, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) if (text_is_nocase(text_trim(text_of(key)), name)) return value;
    return NULL;
}

/* A text, or an integer written as one; TEXT_NONE otherwise. */
static struct text member_text(json_t *object, const char *name, struct arena *arena)
{
    json_t *value = member(object, name);
    if (json_is_string(value))
        return text_trim(arena_text(arena, (struct text){json_string_value(value), json_string_length(value)}));
    if (json_is_integer(value))
        return arena_textf(arena, "%lld", (long long)json_integer_value(value));
    return TEXT_NONE;
}

/* To the byte: what a signature covers. */
static struct text member_exact(json_t *object, const char *name, struct arena *arena)
{
    json_t *value = member(object, name);
    if (json_is_string(value))
        return arena_text(arena, (struct text){json_string_value(value), json_string_length(value)});
    return json_is_integer(value) ? member_text(object, name, arena) : TEXT_NONE;
}

static int64_t member_money(json_t *object, const char *name)
{
    json_t *value = member(object, name);
    int64_t amount = -1;
    if (json_is_integer(value))
        amount = json_integer_value(value);
    else if (json_is_string(value) && !text_to_int64(text_of(json_string_value(value)), &amount))
        amount = -1;
    return amount >= 0 && amount <= MONEY_MAX ? amount : -1;
}

enum err vnpost_token_read(struct text body, struct arena *arena, struct text *ret_token)
{
    json_t *json = parse(body, arena);
    struct text token = member_text(json, "token", arena);
    if (!json_is_object(json) || !json_is_true(member(json, "success")) || !token.length)
        return ERR_CARRIER_REFUSED;
    for (size_t i = 0; i < token.length; i++) /* it becomes a header */
        if (token.at[i] <= ' ' || token.at[i] > '~')
            return ERR_CARRIER_REFUSED;
    *ret_token = token;
    return OK;
}

struct search {
    struct text code;
    struct arena *arena;
    struct carrier_booking *found;
};

/* Depth first: an object that has an order id and an item code, and our code where one is asked for. */
static bool search(json_t *json, const struct search *with, int depth)
{
    if (depth > ENVELOPE_DEPTH_MAX)
        return false;
    if (json_is_object(json) && member(json, "itemCode")) {
        struct text id = member_text(json, "originalID", with->arena);
        if (!id.length)
            id = member_text(json, "orderHdrID", with->arena);
        struct text item = member_text(json, "itemCode", with->arena);
        bool ours = !with->code.length || text_equal(member_text(json, "saleOrderCode", with->arena), with->code);
        if (ours && id.length && item.length) {
            *with->found = (struct carrier_booking){item, id, member_money(json, "totalFee")};
            return true;
        }
    }
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(json)) {
        json_object_foreach(json, key, value) if (search(value, with, depth + 1)) return true;
    } else if (json_is_array(json)) {
        json_array_foreach(json, i, value) if (search(value, with, depth + 1)) return true;
    }
    return false;
}

enum err vnpost_order_read(struct text body, struct text code, struct arena *arena, struct carrier_booking *ret_booking)
{
    json_t *json = parse(body, arena);
    struct carrier_booking found;
    const struct search with = {code, arena, &found};
    if (!json || !(json_is_object(json) || json_is_array(json)))
        return ERR_UNKNOWN_OUTCOME;
    if (!search(json, &with, 0))
        return ERR_NOT_FOUND;
    *ret_booking = found;
    return OK;
}

static int digits(struct text text, size_t from, size_t count)
{
    int value = 0;
    for (size_t i = from; i < from + count; i++) {
        if (i >= text.length || text.at[i] < '0' || text.at[i] > '9')
            return -1;
        value = value * 10 + text.at[i] - '0';
    }
    return value;
}

/* Fields at fixed places; false unless every one is digits and the whole is a time. */
static bool civil_read(struct text text, const int place[6], instant_us *ret_at)
{
    struct civil civil = {.year = digits(text, (size_t)place[0], 4),
                          .month = digits(text, (size_t)place[1], 2),
                          .day = digits(text, (size_t)place[2], 2),
                          .hour = digits(text, (size_t)place[3], 2),
                          .minute = digits(text, (size_t)place[4], 2),
                          .second = digits(text, (size_t)place[5], 2)};
    if (civil.year < 2000 || civil.month < 0 || civil.day < 0 || civil.hour < 0 || civil.minute < 0 || civil.second < 0)
        return false;
    instant_us at = instant_from(civil);
    if (at != INSTANT_NONE)
        *ret_at = at;
    return at != INSTANT_NONE;
}

bool vnpost_time_read(struct text text, instant_us *ret_at)
{
    static const int iso[6] = {0, 5, 8, 11, 14, 17}, local[6] = {6, 3, 0, 11, 14, 17}, dense[6] = {0, 4, 6, 8, 10, 12};
    int64_t number;
    text = text_trim(text);
    if (instant_parse(text, ret_at))
        return true;
    if (text.length == 14 && text_to_int64(text, &number))
        return civil_read(text, dense, ret_at);
    if (text.length == 13 && text_to_int64(text, &number) && number > 0) {
        *ret_at = number * 1000;
        return true;
    }
    if (text.length >= 19 && text.at[2] == '/' && text.at[5] == '/')
        return text.length == 19 && civil_read(text, local, ret_at);
    if (text.length >= 19 && text.at[4] == '-' && text.at[7] == '-' && (text.length == 19 || text.at[19] == '.'))
        return civil_read(text, iso, ret_at);
    return false;
}

enum err vnpost_history_read(struct text body, struct arena *arena, struct carrier_step ret_steps[CARRIER_STEPS_MAX],
                             size_t *ret_count)
{
    json_t *json = parse(body, arena), *list = member(json, "statusHistory"), *item;
    size_t count = 0, i;
    if (!json_is_array(list)) /* an envelope around it */
        list = member(json_is_array(json) ? json_array_get(json, 0) : member(json, "data"), "statusHistory");
    if (!json_is_array(list))
        return ERR_UNKNOWN_OUTCOME;
    json_array_foreach(list, i, item)
    {
        struct text date = member_text(item, "createdDate", arena), hour = member_text(item, "createHour", arena);
        if (!hour.length)
            hour = member_text(item, "createdHour", arena);
        if (hour.length == 5) /* hh:mm */
            hour = arena_textf(arena, "%.*s:00", TEXT_ARGS(hour));
        struct carrier_step step = {.carrier_status = member_text(item, "statusCode", arena),
                                    .name = member_text(item, "statusName", arena),
                                    .place = member_text(item, "locateName", arena)};
        struct text when = hour.length ? arena_textf(arena, "%.*s %.*s", TEXT_ARGS(date), TEXT_ARGS(hour)) : date;
        if (count < CARRIER_STEPS_MAX && step.carrier_status.length && vnpost_time_read(when, &step.at))
            ret_steps[count++] = step;
    }
    *ret_count = count;
    return OK;
}

enum err vnpost_case_read(struct text body, struct arena *arena, struct text *ret_message)
{
    json_t *json = parse(body, arena);
    struct text type = member_text(json, "Type", arena);
    if (!type.length)
        return ERR_UNKNOWN_OUTCOME;
    *ret_message = member_text(json, "Message", arena);
    return text_is(type, "00") ? OK : text_is(type, "02") ? ERR_RETRY : ERR_CARRIER_REFUSED;
}

enum err vnpost_charge_read(struct text body, struct text service, struct arena *arena, int64_t *ret_fee)
{
    json_t *json = parse(body, arena), *item;
    size_t i;
    if (json_is_object(json))
        json = member(json, member(json, "data") ? "data" : "results");
    json_array_foreach(json, i, item)
    {
        int64_t fee = member_money(item, "totalFee");
        int64_t main = member_money(item, "mainFee"), more = member_money(item, "vasFee");
        if (main >= 0 && more >= 0 && main + more != fee) /* a sum that is not one is no price */
            continue;
        if (fee <= 0 || (service.length && !text_equal(member_text(item, "serviceCode", arena), service)))
            continue;
        *ret_fee = fee;
        return OK;
    }
    return ERR_NOT_FOUND;
}

enum err vnpost_label_read(struct text body, struct arena *arena, struct buf *ret_pdf)
{
    json_t *json = parse(body, arena);
    struct buf pdf = {0};
    struct text base64 = json_is_string(json) ? text_of(json_string_value(json)) : member_text(json, "data", arena);
    if (!base64.length && json_is_object(json))
        base64 = member_text(json, "results", arena);
    if (!base64.length && !json) /* bare text */
        base64 = text_trim(body);
    if (!base64.length || !base64_decode(base64, &pdf) || !text_starts(buf_view(&pdf), "%PDF-")) {
        buf_done(&pdf);
        return ERR_NOT_FOUND;
    }
    buf_text(ret_pdf, buf_view(&pdf));
    buf_done(&pdf);
    return OK;
}

struct text vnpost_problem_read(struct text body, struct arena *arena)
{
    static const char *const keys[] = {"message", "errorMessage", "error"};
    json_t *json = parse(body, arena);
    struct text words = TEXT_NONE;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !words.length; i++)
        words = member_text(json, keys[i], arena);
    return text_slice(words, 0, 300);
}

enum err vnpost_notice_read(struct text body, struct arena *arena, struct vnpost_notice *ret_notice)
{
    json_t *json = parse(body, arena), *data = member(json, "data"), *item;
    struct vnpost_notice notice = {.send_date = TEXT_NONE};
    size_t i;
    if (!json)
        return ERR_JSON_SYNTAX;
    if (!json_is_array(data) || !json_array_size(data))
        return ERR_FIELD_MISSING;
    notice.send_date = member_exact(json, "sendDate", arena);
    notice.signature = member_exact(json, "signature", arena);
    json_array_foreach(data, i, item)
    {
        struct text code = member_exact(item, "itemCode", arena);
        if (i == 0) {
            notice.item = code;
            notice.status = member_exact(item, "status", arena);
        } else if (code.length && notice.hint_count < CARRIER_STEPS_MAX) {
            notice.hints[notice.hint_count++] = code;
        }
    }
    if (!notice.item.length || !notice.status.length || !notice.signature.length)
        return ERR_FIELD_MISSING;
    if (!vnpost_time_read(notice.send_date, &notice.at))
        return ERR_FIELD_FORMAT;
    *ret_notice = notice;
    return OK;
}

struct vnpost_key {
    EVP_PKEY *key;
};

enum err vnpost_key_read(struct text pem, struct vnpost_key **ret_key)
{
    BIO *bio = BIO_new_mem_buf(pem.at ? pem.at : "", (int)pem.length);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < 2048) {
        EVP_PKEY_free(key);
        return ERR_KEY;
    }
    *ret_key = memory_new(sizeof **ret_key);
    (*ret_key)->key = key;
    return OK;
}

void vnpost_key_free(struct vnpost_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

enum err vnpost_notice_verify(const struct vnpost_key *key, const struct vnpost_notice *notice)
{
    struct buf what = {0}, signature = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    buf_string(&what, "MYVNP");
    buf_text(&what, notice->send_date);
    buf_text(&what, notice->item);
    buf_text(&what, notice->status);
    bool good = context && base64_decode(notice->signature, &signature) && signature.length &&
                EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
                EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.length,
                                 (const unsigned char *)what.at, what.length) == 1;
    EVP_MD_CTX_free(context);
    buf_done(&what);
    buf_done(&signature);
    return good ? OK : ERR_SIGNATURE;
}
