#include "app/pages/html.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FORM_FIELDS_MAX = 600 };

void html_put_text(struct buf *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        switch (c) {
        case '&': buf_string(out, "&amp;"); break;
        case '<': buf_string(out, "&lt;"); break;
        case '>': buf_string(out, "&gt;"); break;
        case '"': buf_string(out, "&quot;"); break;
        case '\'': buf_string(out, "&#39;"); break;
        default:
            if (c >= ' ' || c == '\n' || c == '\t')
                buf_char(out, (char)c); /* other control characters are not allowed in HTML */
        }
    }
}

/* One conversion, `at` behind its '%'; returns what follows it. */
static const char *convert(struct buf *out, const char *at, va_list *args)
{
    if (*at == '%') {
        buf_char(out, '%');
        return at + 1;
    }
    if (*at == 's') {
        html_put_text(out, text_of(va_arg(*args, const char *)));
        return at + 1;
    }
    if (*at == 'd') {
        buf_printf(out, "%d", va_arg(*args, int));
        return at + 1;
    }
    if (!strncmp(at, ".*s", 3)) {
        int length = va_arg(*args, int);
        const char *text = va_arg(*args, const char *);
        html_put_text(out, (struct text){text, length > 0 ? (size_t)length : 0});
        return at + 3;
    }
    assert(!strncmp(at, "lld", 3));
    buf_printf(out, "%lld", va_arg(*args, long long));
    return at + 3;
}

void html(struct buf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at;) {
        size_t plain = strcspn(at, "%");
        buf_put(out, at, plain);
        at += plain;
        if (*at)
            at = convert(out, at + 1, &args);
    }
    va_end(args);
}

const char *money_words(struct arena *arena, enum page_language language, int64_t amount)
{
    char digits[MONEY_TEXT_SIZE];
    money_format(amount, digits);
    if (language == PAGE_VI)
        return arena_printf(arena, "%s đồng", digits);
    for (char *dot = digits; (dot = strchr(dot, '.'));)
        *dot = ',';
    return arena_printf(arena, "%s VND", digits);
}

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char *instant_words(struct arena *arena, enum page_language language, instant_us at)
{
    if (language == PAGE_VI) {
        char text[INSTANT_TEXT_SIZE];
        instant_format_vi(at, text);
        return arena_printf(arena, "%s", text);
    }
    struct civil c = civil_of(at);
    return arena_printf(arena, "%02d:%02d on %d %s %d", c.hour, c.minute, c.day, months[c.month - 1], c.year);
}

const char *date_words(struct arena *arena, enum page_language language, date_days date)
{
    if (language == PAGE_VI) {
        char text[DATE_TEXT_SIZE];
        date_format_vi(date, text);
        return arena_printf(arena, "%s", text);
    }
    struct civil c = civil_of_date(date);
    return arena_printf(arena, "%d %s %d", c.day, months[c.month - 1], c.year);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct text encoded, char *to, size_t *ret_length)
{
    size_t length = 0;
    for (size_t i = 0; i < encoded.length; i++) {
        char c = encoded.at[i];
        if (c == '%') {
            int high = i + 2 < encoded.length ? hex_value(encoded.at[i + 1]) : -1;
            int low = high >= 0 ? hex_value(encoded.at[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        to[length++] = encoded.at[i] == '+' && c == '+' ? ' ' : c;
    }
    *ret_length = length;
    return true;
}

struct text form_field(struct arena *arena, struct text form, const char *name)
{
    for (int n = 0; form.length && n < FORM_FIELDS_MAX; n++) {
        struct text value, pair = text_until(form, '&', &form);
        struct text key = text_until(pair, '=', &value);
        if (!text_is(key, name)) /* our own names need no encoding */
            continue;
        char *to = arena_alloc(arena, value.length + 1);
        size_t length;
        if (!decode(value, to, &length) || !text_is_utf8((struct text){to, length}))
            return TEXT_NONE;
        return (struct text){to, length};
    }
    return TEXT_NONE;
}

const char *url_word(struct arena *arena, struct text word)
{
    char *to = arena_alloc(arena, word.length * 3 + 1), *end = to;
    for (size_t i = 0; i < word.length; i++) {
        unsigned char c = (unsigned char)word.at[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                     c == '.' || c == '_';
        if (plain)
            *end++ = (char)c;
        else
            end += snprintf(end, 4, "%%%02X", c);
    }
    return to;
}
