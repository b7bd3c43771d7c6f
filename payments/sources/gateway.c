/* What the wallets and gateways share: forms, stamps, digests in their text forms, the calls we make to them. */
#include "payments/sources/source_table.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHA1_SIZE = 20, FIELD_NAME_MAX = 64 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct text raw, struct arena *arena, struct text *ret)
{
    char *out = arena_alloc(arena, raw.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < raw.length; i++) {
        if (raw.at[i] != '%') {
            out[length++] = raw.at[i] == '+' ? ' ' : raw.at[i];
            continue;
        }
        int high = i + 2 < raw.length ? hex_digit(raw.at[i + 1]) : -1;
        int low = i + 2 < raw.length ? hex_digit(raw.at[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        out[length++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret = (struct text){out, length};
    return text_is_utf8(*ret);
}

bool source_form_parse(struct text raw, struct arena *arena, struct form *ret_form)
{
    struct form form = {0};
    while (raw.length) {
        if (form.count == FORM_MAX)
            return false;
        struct form_pair *pair = &form.pairs[form.count];
        struct text one = text_until(raw, '&', &raw);
        pair->raw_name = text_until(one, '=', &pair->raw_value);
        if (!decode(pair->raw_name, arena, &pair->name) || !decode(pair->raw_value, arena, &pair->value))
            return false;
        for (size_t i = 0; i < form.count; i++)
            if (text_equal(form.pairs[i].name, pair->name))
                return false;
        form.count++;
    }
    *ret_form = form;
    return true;
}

struct text source_form_get(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (text_is(form->pairs[i].name, name))
            return form->pairs[i].value;
    return TEXT_NONE;
}

void source_url_encode(struct buf *out, struct text value)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.at[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '_' || c == '.';
        if (plain || c == ' ') {
            buf_char(out, c == ' ' ? '+' : (char)c);
            continue;
        }
        buf_char(out, '%');
        buf_char(out, digits[c >> 4]);
        buf_char(out, digits[c & 15]);
    }
}

void source_form_put(struct buf *out, const char *name, struct text value)
{
    if (out->length)
        buf_char(out, '&');
    buf_string(out, name);
    buf_char(out, '=');
    source_url_encode(out, value);
}

struct text source_value_of(const json_t *object, const char *key, struct arena *arena)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value))
        return (struct text){json_string_value(value), json_string_length(value)};
    return json_is_integer(value) ? arena_textf(arena, "%lld", (long long)json_integer_value(value)) : TEXT_NONE;
}

bool dong_parse(struct text text, int64_t *ret_amount)
{
    int64_t amount;
    if (!text_to_int64(text, &amount) || amount < 1 || amount > MONEY_MAX)
        return false;
    *ret_amount = amount;
    return true;
}

bool stamp14_parse(struct text text, instant_us *ret_at)
{
    char rfc3339[40];
    if (text.length != 14 || memchr(text.at, '\0', text.length))
        return false;
    snprintf(rfc3339, sizeof rfc3339, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s+07:00", text.at, text.at + 4, text.at + 6,
             text.at + 8, text.at + 10, text.at + 12);
    return instant_parse(text_of(rfc3339), ret_at);
}

struct text stamp14_write(instant_us at, struct arena *arena)
{
    struct civil c = civil_of(at);
    return arena_textf(arena, "%04d%02d%02d%02d%02d%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

bool millis_parse(struct text text, instant_us *ret_at)
{
    int64_t millis;
    if (!text_to_int64(text, &millis) || millis < 0 || millis > INT64_C(99999999999999))
        return false;
    *ret_at = millis * 1000;
    return true;
}

static struct text hex_of(const uint8_t *digest, size_t size, struct arena *arena)
{
    char *hex = arena_alloc(arena, 2 * size + 1);
    hex_encode(digest, size, hex);
    return (struct text){hex, 2 * size};
}

struct text sha256_hex(struct text message, struct arena *arena)
{
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(message, digest);
    return hex_of(digest, sizeof digest, arena);
}

struct text hmac_sha256_hex(const char *key, struct text message, struct arena *arena)
{
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_sha256(text_of(key), message, mac);
    return hex_of(mac, sizeof mac, arena);
}

struct text hmac_sha512_hex(const char *key, struct text message, struct arena *arena)
{
    uint8_t mac[SHA512_SIZE];
    crypto_hmac_sha512(text_of(key), message, mac);
    return hex_of(mac, sizeof mac, arena);
}

struct text hmac_sha1_base64(const char *key, struct text message, struct arena *arena)
{
    uint8_t mac[SHA1_SIZE];
    unsigned size = sizeof mac;
    struct buf out = {0};
    if (!HMAC(EVP_sha1(), key, (int)strlen(key), (const uint8_t *)message.at, message.length, mac, &size))
        return TEXT_NONE;
    base64_encode(mac, size, &out);
    struct text text = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return text;
}

bool digest_equal(struct text computed, struct text given)
{
    char lower[2 * SHA512_SIZE];
    if (!computed.length || computed.length != given.length || given.length > sizeof lower)
        return false;
    for (size_t i = 0; i < given.length; i++)
        lower[i] = given.at[i] >= 'A' && given.at[i] <= 'F' ? (char)(given.at[i] | 32) : given.at[i];
    return text_equal_secret(computed, (struct text){lower, given.length});
}

enum err values_join(struct arena *arena, char separator, const struct text *values, size_t count, struct text *ret)
{
    struct buf out = {0};
    enum err err = OK;
    for (size_t i = 0; i < count; i++) {
        if (values[i].length && memchr(values[i].at, separator, values[i].length))
            err = ERR_INVALID;
        if (i)
            buf_char(&out, separator);
        buf_text(&out, values[i]);
    }
    if (!err)
        *ret = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return err;
}

struct text source_account_number(const struct source_account *account, struct arena *arena)
{
    enum { NUMBER_MAX = 19 };
    const char *configured = source_setting(account, "receiving_account");
    if (configured && *configured)
        return text_of(configured);
    char *number = arena_alloc(arena, NUMBER_MAX + 1);
    size_t length = 0;
    for (const char *c = arena_printf(arena, "%s%s", account->source, account->name); *c && length < NUMBER_MAX; c++)
        if (*c != '-')
            number[length++] = *c;
    return (struct text){number, length};
}

const char *source_field_name(const struct source_account *account, const char *what, struct arena *arena)
{
    struct text rest = text_of(source_setting(account, "fields"));
    while (rest.length) {
        struct text name, one = text_until(rest, ' ', &rest);
        struct text key = text_until(one, '=', &name);
        if (text_is(key, what) && name.length <= FIELD_NAME_MAX)
            return arena_copy(arena, name);
    }
    return what;
}

enum err source_post_json(const struct source_account *account, const char *path, const struct buf *body,
                          struct arena *arena, struct source_call *ret_call)
{
    const char *base = source_setting(account, "base_url");
    if (!base || !*base)
        return ERR_CONFIG;
    *ret_call = (struct source_call){.method = "POST",
                                     .url = arena_printf(arena, "%s%s", base, path),
                                     .headers = {{"Content-Type", TEXT("application/json; charset=UTF-8")}},
                                     .header_count = 1,
                                     .body = arena_text(arena, buf_view(body))};
    return OK;
}

enum err limits_check(const struct source *source, int64_t amount)
{
    bool within = amount > 0 && amount >= source->amount_min && (!source->amount_max || amount <= source->amount_max);
    return within ? OK : ERR_FIELD_RANGE;
}

void told_notice(struct source_told *told, const struct notice *notice)
{
    told->notice = *notice;
    notice_seal(&told->notice);
}

enum err not_understood(struct faults *faults, const char *field)
{
    return faults_add(faults, arena_printf(faults->arena, "/%s", field), ERR_FIELD_FORMAT, NULL), ERR_INVALID;
}
