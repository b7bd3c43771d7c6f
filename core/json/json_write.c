#include "core/json/json_write.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct json json_to(struct buf *out)
{
    return (struct json){.out = out};
}

/* JSON escapes control characters, quotation marks and backslashes only. */
static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static void escape(struct buf *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buf_char(out, '\\');
        buf_char(out, (char)c);
    } else if (c == '\n') {
        buf_put(out, "\\n", 2);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

/* How many plain bytes stand in front; eight at a time, since nearly all are. */
static size_t plain_length(struct text text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= text.length; i += sizeof word) {
        memcpy(&word, text.at + i, sizeof word);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        uint64_t low = (word - ones * 0x20) | (quote - ones) | (slash - ones);
        if (low & ~word & tops)
            break;
    }
    while (i < text.length && is_plain((unsigned char)text.at[i]))
        i++;
    return i;
}

static void escaped(struct buf *out, struct text value)
{
    buf_char(out, '"');
    while (value.length) {
        size_t plain = plain_length(value);
        buf_put(out, value.at, plain);
        if (plain == value.length)
            break;
        escape(out, (unsigned char)value.at[plain]);
        value = (struct text){value.at + plain + 1, value.length - plain - 1};
    }
    buf_char(out, '"');
}

static inline void before_value(struct json *json, const char *key)
{
    size_t length = key ? strlen(key) : 0;
    char *to = buf_room(json->out, length + 5);
    if (json->comma)
        *to++ = ',';
    json->comma = true;
    if (key) {
        *to++ = '"';
        to = mempcpy(to, key, length);
        *to++ = '"';
        *to++ = ':';
    }
    json->out->length = (size_t)(to - json->out->at);
}

static void begin(struct json *json, const char *key, char opener, char closer)
{
    assert(json->depth < JSON_DEPTH_MAX);
    before_value(json, key);
    buf_char(json->out, opener);
    json->closers[json->depth++] = closer;
    json->comma = false;
}

void json_put_object(struct json *json, const char *key)
{
    begin(json, key, '{', '}');
}

void json_put_array(struct json *json, const char *key)
{
    begin(json, key, '[', ']');
}

void json_put_end(struct json *json)
{
    assert(json->depth > 0);
    buf_char(json->out, json->closers[--json->depth]);
    json->comma = true;
}

void json_put_text(struct json *json, const char *key, struct text value)
{
    before_value(json, key);
    escaped(json->out, value);
}

void json_put_string(struct json *json, const char *key, const char *value)
{
    if (value)
        json_put_text(json, key, text_of(value));
    else
        json_put_null(json, key);
}

void json_put_text_or_null(struct json *json, const char *key, struct text value)
{
    if (value.length)
        json_put_text(json, key, value);
    else
        json_put_null(json, key);
}

void json_put_int(struct json *json, const char *key, int64_t value)
{
    before_value(json, key);
    char digits[24], *to = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--to = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        *--to = '-';
    buf_put(json->out, to, (size_t)(digits + sizeof digits - to));
}

void json_put_bool(struct json *json, const char *key, bool value)
{
    before_value(json, key);
    buf_string(json->out, value ? "true" : "false");
}

void json_put_null(struct json *json, const char *key)
{
    before_value(json, key);
    buf_put(json->out, "null", 4);
}

void json_put_date(struct json *json, const char *key, date_days date)
{
    char text[DATE_TEXT_SIZE];
    if (date != DATE_NONE)
        date_format(date, text);
    json_put_string(json, key, date == DATE_NONE ? NULL : text);
}

void json_put_instant(struct json *json, const char *key, instant_us at)
{
    char text[INSTANT_TEXT_SIZE];
    if (at != INSTANT_NONE)
        instant_format(at, text);
    json_put_string(json, key, at == INSTANT_NONE ? NULL : text);
}

void json_put_raw(struct json *json, const char *key, struct text value)
{
    before_value(json, key);
    buf_text(json->out, value);
}

void json_put_textf(struct json *json, const char *key, const char *format, ...)
{
    char words[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    json_put_string(json, key, words);
}
