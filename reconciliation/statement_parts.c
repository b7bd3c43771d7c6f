/* Exact amounts, tolerant dates and clean text: what every statement reader needs. */
#include "reconciliation/statement.h"

#include <string.h>

int currency_decimals(struct text currency)
{
    /* ISO 4217 list one, entries whose minor unit is not 2. */
    static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND ";
    if (currency.length != 3)
        return 2;
    char key[5] = {currency.at[0], currency.at[1], currency.at[2], ' ', '\0'};
    if (strstr(none, key))
        return 0;
    return strstr(three, key) ? 3 : 2;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Which byte separates the decimals, and where; text.length when none does. False when the grouping makes no sense. */
static bool decimal_point(struct text text, int decimals, size_t *ret_point)
{
    size_t last = text.length, count = 0, other = 0, first = text.length;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] != ',' && text.at[i] != '.')
            continue;
        if (first == text.length)
            first = i;
        if (last != text.length && text.at[last] != text.at[i])
            other++;
        last = i;
        count++;
    }
    *ret_point = last;
    size_t after = text.length - last - (last < text.length);
    if (!count || other > 1)
        return !count;
    if (count > 1 && !other)
        *ret_point = text.length; /* 1,234,567: all of them group thousands */
    else if (count == 1 && decimals == 0 && after == 3 && last > 0)
        *ret_point = text.length; /* 12.000 đồng */
    /* Groups before the point hold three digits each. */
    size_t end = *ret_point;
    for (size_t i = first, next; i < end; i = next) {
        for (next = i + 1; next < end && digit(text.at[next]);)
            next++;
        if (next - i != 4)
            return false;
    }
    return true;
}

bool amount_parse(struct text text, int decimals, int64_t *ret_minor)
{
    size_t point;
    if (!text.length || !decimal_point(text, decimals, &point))
        return false;
    int64_t value = 0;
    int digits = 0, after = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == ',' || c == '.')
            continue;
        if (!digit(c))
            return false;
        digits++;
        if (i > point && after++ >= decimals) {
            if (c != '0')
                return false; /* a part smaller than the currency has */
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value))
            return false;
    }
    for (; after < decimals; after++)
        if (__builtin_mul_overflow(value, 10, &value))
            return false;
    if (!digits)
        return false;
    *ret_minor = value;
    return true;
}

enum date_quality date_of_parts(int year, int month, int day, date_days *ret_date)
{
    *ret_date = DATE_NONE;
    if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1900 || year > 2999)
        return DATE_BAD;
    int given = day;
    while ((*ret_date = date_from(year, month, day)) == DATE_NONE && day > 28)
        day--;
    return day == given ? DATE_GOOD : DATE_MOVED;
}

/* windows-1252, bytes 0x80 to 0x9F; 0 where it has none. ISO 8859-1 has control characters there. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static void put_point(struct buf *out, uint32_t point)
{
    if (point < 0x800) {
        buf_char(out, (char)(0xC0 | point >> 6));
    } else {
        buf_char(out, (char)(0xE0 | point >> 12));
        buf_char(out, (char)(0x80 | (point >> 6 & 0x3F)));
    }
    buf_char(out, (char)(0x80 | (point & 0x3F)));
}

void text_put_clean(struct buf *out, struct text text)
{
    bool plain = true, ascii = true;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        plain = plain && c >= 0x20 && c != 0x7F;
        ascii = ascii && c < 0x80;
    }
    bool utf8 = ascii || text_is_utf8(text);
    if (plain && utf8) {
        buf_put(out, text.at, text.length);
        return;
    }
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '\t')
            buf_char(out, ' ');
        else if (c < 0x20 || c == 0x7F)
            continue;
        else if (c < 0x80 || utf8)
            buf_char(out, (char)c);
        else if (c >= 0xA0)
            put_point(out, c);
        else if (windows_1252[c - 0x80])
            put_point(out, windows_1252[c - 0x80]);
    }
}

void short_text_set(struct short_text *to, struct text from, size_t max)
{
    from = text_trim(from);
    bool plain = from.length <= max;
    for (size_t i = 0; plain && i < from.length; i++)
        plain = from.at[i] >= 0x20 && from.at[i] < 0x7F;
    struct buf clean = {0};
    if (!plain) {
        text_put_clean(&clean, from);
        from = buf_view(&clean);
    }
    to->length = from.length < max ? from.length : max;
    /* Never cut a character in two. */
    while (to->length && to->length < from.length && ((unsigned char)from.at[to->length] & 0xC0) == 0x80)
        to->length--;
    if (to->length)
        memmove(to->at, from.at, to->length);
    to->at[to->length] = '\0';
    buf_done(&clean);
}

struct text short_text_view(const struct short_text *from)
{
    return (struct text){from->at, from->length};
}
