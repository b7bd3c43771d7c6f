/* The fields of MT940 as real banks write them: tags, entries and balances. */
#include "reconciliation/mt940.h"

#include <string.h>

enum { CENTURY_SPLIT = 80 }; /* two-digit years: 80–99 are 19xx */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static size_t digits_at(struct text text, size_t from)
{
    size_t count = 0;
    while (from + count < text.length && digit(text.at[from + count]))
        count++;
    return count;
}

static int two(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

static enum date_quality short_date(const char *yymmdd, date_days *ret_date)
{
    int year = two(yymmdd);
    return date_of_parts(year + (year < CENTURY_SPLIT ? 2000 : 1900), two(yymmdd + 2), two(yymmdd + 4), ret_date);
}

/* The entry date has no year: the one that brings it nearest to the value date, so that 31 December and 2 January
 * stay two days apart. */
static enum date_quality entry_date(date_days value, const char *mmdd, date_days *ret_date)
{
    *ret_date = DATE_NONE;
    if (value == DATE_NONE)
        return DATE_BAD;
    int year = civil_of_date(value).year;
    enum date_quality best = DATE_BAD;
    int64_t best_gap = INT64_MAX;
    for (int y = year - 1; y <= year + 1; y++) {
        date_days candidate;
        enum date_quality quality = date_of_parts(y, two(mmdd), two(mmdd + 2), &candidate);
        if (quality == DATE_BAD)
            continue;
        int64_t gap = candidate > value ? (int64_t)candidate - value : (int64_t)value - candidate;
        if (gap < best_gap) {
            best_gap = gap;
            best = quality;
            *ret_date = candidate;
        }
    }
    return best;
}

bool mt940_tag(struct text line, struct text *ret_tag, struct text *ret_rest)
{
    if (line.length < 4 || line.at[0] != ':')
        return false;
    size_t end = 3;
    if (digit(line.at[1]) && digit(line.at[2])) {
        if (upper(line.at[3]))
            end = 4;
    } else if (!upper(line.at[1]) || !upper(line.at[2])) {
        return false;
    }
    if (line.length <= end || line.at[end] != ':')
        return false;
    *ret_tag = text_slice(line, 1, end - 1);
    *ret_rest = text_slice(line, end + 1, line.length);
    return true;
}

/* Value date and entry date; returns how many bytes they take, 0 when there is no date. */
static size_t entry_dates(struct text text, struct mt940_entry *entry)
{
    size_t count = digits_at(text, 0);
    const char *at = text.at, *mmdd = NULL;
    entry->value_on = entry->entry_on = DATE_NONE;
    if (count == 6 || count == 10 || count == 12) {
        entry->value_quality = short_date(at, &entry->value_on);
        mmdd = count == 10 ? at + 6 : count == 12 ? at + 8 : NULL;
    } else if (count == 8) { /* YYYYMMDD: not SWIFT, seen in exports */
        entry->value_quality = date_of_parts(two(at) * 100 + two(at + 2), two(at + 4), two(at + 6), &entry->value_on);
    } else {
        return 0;
    }
    entry->has_entry_date = mmdd != NULL;
    if (mmdd)
        entry->entry_quality = entry_date(entry->value_on, mmdd, &entry->entry_on);
    return count;
}

/* C, D, RC, RD, and EC, ED of interim reports, then perhaps a letter of the currency. RC takes a credit back, so it is
 * money out; RD is money in (SWIFT handbook, field 61 subfield 3; closing balances of public statements agree). */
static size_t entry_mark(struct text text, struct mt940_entry *entry)
{
    size_t at = 0;
    while (at < text.length && text.at[at] == ' ')
        at++;
    bool reversal = at + 1 < text.length && text.at[at] == 'R' && (text.at[at + 1] == 'C' || text.at[at + 1] == 'D');
    bool expected = at + 1 < text.length && text.at[at] == 'E' && (text.at[at + 1] == 'C' || text.at[at + 1] == 'D');
    at += reversal || expected;
    if (at >= text.length || (text.at[at] != 'C' && text.at[at] != 'D'))
        return 0;
    entry->reversal = reversal;
    entry->money_in = (text.at[at] == 'C') != reversal;
    at++;
    if (at < text.length && upper(text.at[at]))
        entry->funds = text.at[at++];
    while (at < text.length && text.at[at] == ' ')
        at++;
    return at;
}

static bool is_type(struct text rest)
{
    if (rest.length < 4 || (rest.at[0] != 'N' && rest.at[0] != 'S' && rest.at[0] != 'F'))
        return false;
    for (size_t i = 1; i < 4; i++)
        if (!digit(rest.at[i]) && !upper(rest.at[i]))
            return false;
    return true;
}

bool mt940_entry_parse(struct text text, struct mt940_entry *ret_entry)
{
    struct mt940_entry entry = {0};
    text = text_trim(text);
    size_t at = entry_dates(text, &entry);
    size_t mark = at ? entry_mark(text_slice(text, at, text.length), &entry) : 0;
    if (!at || !mark)
        return false;
    at += mark;
    size_t from = at;
    while (at < text.length && (digit(text.at[at]) || text.at[at] == ',' || text.at[at] == '.'))
        at++;
    entry.amount = text_slice(text, from, at - from);
    if (!entry.amount.length)
        return false;
    struct text rest = text_slice(text, at, text.length);
    if (is_type(rest)) {
        entry.type = text_slice(rest, 0, 4);
        rest = text_slice(rest, 4, rest.length);
    }
    size_t slashes = text_find(rest, TEXT("//"));
    entry.customer_reference = text_trim(text_slice(rest, 0, slashes));
    if (slashes < rest.length)
        entry.bank_reference = text_trim(text_slice(rest, slashes + 2, rest.length));
    *ret_entry = entry;
    return true;
}

bool mt940_balance_parse(struct text text, struct mt940_balance *ret_balance)
{
    struct mt940_balance balance = {.on = DATE_NONE};
    text = text_trim(text);
    if (!text.length || (text.at[0] != 'C' && text.at[0] != 'D'))
        return false;
    balance.debit = text.at[0] == 'D';
    size_t at = 1, count = digits_at(text, at);
    if (count == 6)
        short_date(text.at + at, &balance.on);
    else if (count == 8)
        date_of_parts(two(text.at + at) * 100 + two(text.at + at + 2), two(text.at + at + 4), two(text.at + at + 6),
                      &balance.on);
    else if (count)
        return false;
    at += count;
    if (text.length < at + 4 || !upper(text.at[at]) || !upper(text.at[at + 1]) || !upper(text.at[at + 2]))
        return false;
    balance.currency = text_slice(text, at, 3);
    at += 3;
    while (at < text.length && text.at[at] == ' ')
        at++;
    if (at < text.length && text.at[at] == '-') { /* C…-5,00 is a debit of five */
        balance.debit = !balance.debit;
        at++;
    }
    size_t from = at;
    while (at < text.length && (digit(text.at[at]) || text.at[at] == ',' || text.at[at] == '.'))
        at++;
    balance.amount = text_slice(text, from, at - from);
    *ret_balance = balance;
    return balance.amount.length > 0;
}

bool mt940_tag_known(struct text tag)
{
    static const char *const known[] = {"20",  "21",  "25", "25P", "28", "28C", "60",  "60F", "60M", "61",  "62",
                                        "62F", "62M", "64", "65",  "86", "13",  "13D", "34F", "90C", "90D", "NS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(tag, known[i]))
            return true;
    return false;
}
