/* Amounts, dates and times as portals write them. */
#include "reconciliation/table/table.h"

#include <stdlib.h>
#include <string.h>

static bool capitals(const char *at)
{
    for (int i = 0; i < 3; i++)
        if (at[i] < 'A' || at[i] > 'Z')
            return false;
    return true;
}

/* A currency before or behind. */
static struct text without_currency(struct text cell)
{
    if (text_ends(cell, "đ") || text_ends(cell, "₫"))
        cell.length -= text_ends(cell, "đ") ? 2 : 3;
    else if (cell.length >= 3 && capitals(cell.at + cell.length - 3))
        cell.length -= 3;
    else if (cell.length >= 3 && capitals(cell.at))
        cell = text_slice(cell, 3, cell.length);
    return text_trim(cell);
}

bool cell_money(struct text cell, int decimals, int64_t *ret_amount)
{
    cell = without_currency(text_trim(cell));
    if (!cell.length || text_is(cell, "-")) {
        *ret_amount = 0;
        return true;
    }
    bool negative = false;
    if (cell.at[0] == '(' && cell.at[cell.length - 1] == ')' && cell.length > 2) {
        negative = true;
        cell = text_trim(text_slice(cell, 1, cell.length - 2));
    }
    if (text_starts(cell, "-") || text_starts(cell, "+")) {
        negative = negative || cell.at[0] == '-';
        cell = without_currency(text_trim(text_slice(cell, 1, cell.length)));
    }
    char close[64]; /* "1 234 567": spaces group thousands too */
    if (memchr(cell.at, ' ', cell.length) && cell.length < sizeof close) {
        size_t length = 0;
        for (size_t i = 0; i < cell.length; i++)
            if (cell.at[i] != ' ')
                close[length++] = cell.at[i];
        cell = (struct text){close, length};
    }
    int64_t amount;
    if (!amount_parse(cell, decimals, &amount))
        return false;
    *ret_amount = negative ? -amount : amount;
    return true;
}

static int number_at(struct text cell, size_t *at, size_t most)
{
    int value = 0;
    size_t from = *at;
    while (*at < cell.length && *at - from < most && cell.at[*at] >= '0' && cell.at[*at] <= '9')
        value = value * 10 + cell.at[(*at)++] - '0';
    return *at == from ? -1 : value;
}

/* "46267" or "46267.3437": a day number that lost its date format. */
static bool day_number(struct text cell, size_t digits, date_days *ret_date, struct text *ret_rest)
{
    char text[32];
    if (digits != 5 || cell.length >= sizeof text || (cell.length > 5 && cell.at[5] != '.'))
        return false;
    memcpy(text, cell.at, cell.length);
    text[cell.length] = '\0';
    char *end;
    double serial = strtod(text, &end);
    char date[32];
    if (*end || !grid_serial_text(serial, false, date) || !date_parse(text_slice(text_of(date), 0, 10), ret_date))
        return false;
    *ret_rest = TEXT_NONE;
    return true;
}

enum date_quality cell_date(struct text cell, date_days *ret_date, struct text *ret_rest)
{
    cell = text_trim(cell);
    *ret_date = DATE_NONE;
    *ret_rest = cell;
    size_t at = 0;
    while (at < cell.length && cell.at[at] >= '0' && cell.at[at] <= '9')
        at++;
    size_t digits = at;
    if (day_number(cell, digits, ret_date, ret_rest))
        return DATE_GOOD;
    at = 0;
    int a, b, c;
    if (digits == 8) {
        a = number_at(cell, &at, 4), b = number_at(cell, &at, 2), c = number_at(cell, &at, 2);
    } else {
        a = number_at(cell, &at, 4);
        char mark = at < cell.length ? cell.at[at] : 0;
        if (a < 0 || (mark != '/' && mark != '-' && mark != '.'))
            return DATE_BAD;
        at++;
        b = number_at(cell, &at, 2);
        if (b < 0 || at >= cell.length || cell.at[at] != mark)
            return DATE_BAD;
        at++;
        size_t from = at;
        c = number_at(cell, &at, 4);
        if (digits < 4 && at - from == 2)
            c += 2000;
    }
    if (b < 0 || c < 0)
        return DATE_BAD;
    bool year_first = digits == 4 || digits == 8;
    enum date_quality quality = year_first ? date_of_parts(a, b, c, ret_date) : date_of_parts(c, b, a, ret_date);
    if (quality != DATE_BAD)
        *ret_rest = text_slice(cell, at, cell.length);
    return quality;
}

int cell_clock(struct text text)
{
    text = text_trim(text);
    if (text_starts(text, "T"))
        text = text_slice(text, 1, text.length);
    size_t at = 0;
    int parts[3] = {0};
    for (int i = 0; i < 3; i++) {
        parts[i] = number_at(text, &at, 2);
        if (parts[i] < 0)
            return -1;
        if (at >= text.length || text.at[at] != ':') {
            if (i == 0)
                return -1;
            break;
        }
        at++;
    }
    if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59)
        return -1;
    return parts[0] * 3600 + parts[1] * 60 + parts[2];
}

struct text first_word(struct text text)
{
    size_t length = 0;
    while (length < text.length && (unsigned char)text.at[length] > ' ' && text.at[length] != '(')
        length++;
    return text_slice(text, 0, length);
}
