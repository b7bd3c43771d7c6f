#include "core/json/json_write.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct json json_to(struct buf *out)
{
    return (struct json){.out = out};
}

static void escaped(struct buf *out, struct text value)
{
    buf_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_put(out, value.at + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            buf_char(out, '\\');
            buf_char(out, (char)c);
        } else if (c == '\n') {
            buf_put(out, "\\n", 2);
        } else {
            buf_printf(out, "\\u%04x", c);
        }
    }
    if (value.length > from)
        buf_put(out, value.at + from, value.length - from);
    buf_char(out, '"');
}

static void before_value(struct json *json, const char *key)
{
    if (json->comma)
        buf_char(json->out, ',');
    json->comma = true;
    if (!key)
        return;
    buf_char(json->out, '"');
    buf_put(json->out, key, strlen(key));
    buf_put(json->out, "\":", 2);
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
