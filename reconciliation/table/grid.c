/* Cells: clean text, exact numbers, dates of spreadsheets. */
#include "reconciliation/table/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void grid_build_clear(struct grid_build *build)
{
    buf_clear(&build->text);
    build->count = 0;
}

void grid_build_put(struct grid_build *build, size_t column, struct text raw)
{
    if (column >= GRID_COLUMNS_MAX)
        return;
    for (; build->count <= column; build->count++)
        build->cells[build->count].from = build->cells[build->count].length = 0;
    size_t from = build->text.length;
    grid_text_put(&build->text, text_head(raw, GRID_CELL_MAX));
    build->cells[column].from = from;
    build->cells[column].length = build->text.length - from;
}

bool grid_build_row(const struct grid_build *build, int number, struct grid_row *ret_row)
{
    bool any = false;
    ret_row->number = number;
    ret_row->count = build->count;
    for (size_t i = 0; i < build->count; i++) {
        ret_row->cells[i] = text_trim(text_slice(buf_view(&build->text), build->cells[i].from, build->cells[i].length));
        any = any || ret_row->cells[i].length;
    }
    return any;
}

/* ---- text ---------------------------------------------------------------------------------------------------------
 */

static const struct pair {
    uint16_t base, mark, whole;
} pairs[] = {
#include "reconciliation/table/compose.def"
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->base != y->base ? x->base - y->base : x->mark - y->mark;
}

static uint32_t compose(uint32_t base, uint32_t mark)
{
    if (mark < 0x300 || mark > 0x323 || base > 0xFFFF)
        return 0;
    struct pair key = {(uint16_t)base, (uint16_t)mark, 0};
    const struct pair *found = bsearch(&key, pairs, sizeof pairs / sizeof *pairs, sizeof *pairs, compare_pairs);
    return found ? found->whole : 0;
}

static void put_utf8(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_char(out, (char)point);
    } else if (point < 0x800) {
        buf_char(out, (char)(0xC0 | point >> 6));
        buf_char(out, (char)(0x80 | (point & 0x3F)));
    } else if (point < 0x10000) {
        buf_char(out, (char)(0xE0 | point >> 12));
        buf_char(out, (char)(0x80 | (point >> 6 & 0x3F)));
        buf_char(out, (char)(0x80 | (point & 0x3F)));
    } else {
        buf_char(out, (char)(0xF0 | point >> 18));
        buf_char(out, (char)(0x80 | (point >> 12 & 0x3F)));
        buf_char(out, (char)(0x80 | (point >> 6 & 0x3F)));
        buf_char(out, (char)(0x80 | (point & 0x3F)));
    }
}

/* windows-1258 where it is not ISO 8859-1 (Unicode consortium, CP1258.TXT); 0: no character. */
static uint32_t from_1258(unsigned char c)
{
    static const uint16_t upper[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                       0x02C6, 0x2030, 0,      0x2039, 0x0152, 0,      0,      0,
                                       0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                       0x02DC, 0x2122, 0,      0x203A, 0x0153, 0,      0,      0x0178};
    static const struct {
        unsigned char byte;
        uint16_t point;
    } own[] = {{0xC3, 0x102}, {0xCC, 0x300}, {0xD0, 0x110}, {0xD2, 0x309}, {0xD5, 0x1A0},
               {0xDD, 0x1AF}, {0xDE, 0x303}, {0xE3, 0x103}, {0xEC, 0x301}, {0xF0, 0x111},
               {0xF2, 0x323}, {0xF5, 0x1A1}, {0xFD, 0x1B0}, {0xFE, 0x20AB}};
    if (c < 0x80)
        return c;
    if (c < 0xA0)
        return upper[c - 0x80];
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].byte == c)
            return own[i].point;
    return c;
}

/* The next character of valid UTF-8. */
static uint32_t next_utf8(struct text text, size_t *at)
{
    unsigned char c = (unsigned char)text.at[(*at)++];
    int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    uint32_t point = more == 0 ? c : c & (0x3Fu >> more);
    while (more-- > 0)
        point = point << 6 | ((unsigned char)text.at[(*at)++] & 0x3F);
    return point;
}

void grid_text_put(struct buf *out, struct text raw)
{
    bool plain = true;
    for (size_t i = 0; i < raw.length && plain; i++)
        plain = raw.at[i] >= 0x20 && raw.at[i] < 0x7F;
    if (plain) {
        buf_text(out, raw);
        return;
    }
    bool utf8 = text_is_utf8(raw);
    uint32_t held = 0; /* a letter that a mark may follow */
    for (size_t at = 0; at < raw.length;) {
        uint32_t point = utf8 ? next_utf8(raw, &at) : from_1258((unsigned char)raw.at[at++]);
        if (point == '\t' || point == '\n' || point == '\r' || point == 0xA0)
            point = ' ';
        if (point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0xFEFF || point == 0x200B)
            continue;
        uint32_t whole = held ? compose(held, point) : 0;
        if (whole) {
            held = whole;
            continue;
        }
        if (held)
            put_utf8(out, held);
        held = point;
    }
    if (held)
        put_utf8(out, held);
}

void grid_utf16_put(struct grid_utf16 *state, struct buf *out, struct text bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];
        if (state->half < 0) {
            state->half = byte;
            continue;
        }
        uint32_t unit =
            state->big_endian ? (uint32_t)state->half << 8 | byte : (uint32_t)byte << 8 | (uint32_t)state->half;
        state->half = -1;
        if (unit >= 0xD800 && unit < 0xDC00) {
            state->high = unit;
        } else if (unit >= 0xDC00 && unit < 0xE000) {
            put_utf8(out, state->high ? 0x10000 + ((state->high - 0xD800) << 10) + (unit - 0xDC00) : 0xFFFD);
            state->high = 0;
        } else {
            state->high = 0;
            put_utf8(out, unit);
        }
    }
}

/* ---- numbers and dates ------------------------------------------------------------------------------------------- */

void grid_number_text(double value, char ret_text[32])
{
    const double exact = 9007199254740992.0; /* 2^53: every integer up to here is itself */
    if (!(value > -exact && value < exact)) {
        snprintf(ret_text, 32, "?");
        return;
    }
    if (value == floor(value)) {
        snprintf(ret_text, 32, "%.0f", value == 0 ? 0.0 : value);
        return;
    }
    /* The shortest decimal that is this double; all doubles of money with two decimals are among them. */
    char shortest[32];
    snprintf(shortest, sizeof shortest, "%.15g", value);
    if (strchr(shortest, 'e') || strtod(shortest, NULL) != value) {
        snprintf(ret_text, 32, "?");
        return;
    }
    size_t length = strlen(shortest), after = length - 1 - strcspn(shortest, ".");
    for (; after < 4; after++)
        shortest[length++] = '0';
    shortest[length] = '\0';
    snprintf(ret_text, 32, "%s", shortest);
}

bool grid_serial_text(double serial, bool from_1904, char ret_text[32])
{
    enum { DAY_S = 86400, FROM_1904_DAYS = 1462, FIRST = 32874, LAST = 73415 }; /* 1990-01-01 to 2100-12-31 */
    if (from_1904)
        serial += FROM_1904_DAYS;
    if (!(serial >= FIRST && serial < LAST))
        return false;
    int days = (int)serial;
    int seconds = (int)((serial - days) * DAY_S + 0.5);
    if (seconds >= DAY_S)
        days++, seconds = 0;
    char date[DATE_TEXT_SIZE];
    date_format(date_from(1899, 12, 30) + days, date);
    if (seconds)
        snprintf(ret_text, 32, "%s %02d:%02d:%02d", date, seconds / 3600, seconds / 60 % 60, seconds % 60);
    else
        snprintf(ret_text, 32, "%s", date);
    return true;
}

/* ECMA-376 part 1, 18.8.30: built-in formats 14 to 22 and 45 to 47; own formats by the letters outside quotes. */
bool grid_builtin_is_date(long format)
{
    return (format >= 14 && format <= 22) || (format >= 45 && format <= 47);
}

bool grid_format_is_date(const char *code)
{
    bool quoted = false, bracket = false;
    for (const char *at = code; *at; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '[' || *at == ']')
            bracket = *at == '[';
        else if (*at == '\\' && at[1])
            at++;
        else if (!quoted && !bracket && strchr("dDyYhHsS", *at))
            return true;
    }
    return false;
}
