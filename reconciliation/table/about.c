/* Labels around a table: account, currency, balances, control totals, period. A value stands behind the colon of its
 * label, in the next cell that holds something, or in the row below. */
#include "reconciliation/table/table.h"

#include <string.h>

void about_clear(struct table_about *about)
{
    *about = (struct table_about){.from = DATE_NONE, .to = DATE_NONE};
}

/* Behind the colon of the label, else the next cell that holds something. */
static struct text label_value(const struct grid_row *row, size_t index)
{
    struct text cell = row->cells[index], rest;
    text_until(cell, ':', &rest);
    if (text_trim(rest).length)
        return text_trim(rest);
    for (size_t i = index + 1; i < row->count; i++)
        if (text_trim(row->cells[i]).length)
            return text_trim(row->cells[i]);
    return TEXT_NONE;
}

/* "20,500,000 VND (Bằng chữ: …)": the number stands first. "Dư cuối ngày 03/09/2026,,,22,450,700": the last number. */
static bool balance_value(const struct grid_row *row, size_t index, int decimals, int64_t *ret)
{
    struct text value = label_value(row, index);
    if (first_word(value).length && cell_money(first_word(value), decimals, ret))
        return true;
    for (size_t i = row->count; i-- > index + 1;)
        if (row->cells[i].length && cell_money(first_word(row->cells[i]), decimals, ret))
            return true;
    return false;
}

static struct about_total *total_of(struct table_about *about, enum table_role role)
{
    switch (role) {
    case ROLE_opening: return &about->opening;
    case ROLE_closing: return &about->closing;
    case ROLE_total_in: return &about->total_in;
    case ROLE_total_out: return &about->total_out;
    case ROLE_count_in: return &about->count_in;
    case ROLE_count_out: return &about->count_out;
    case ROLE_payout_gross: return &about->payout_gross;
    case ROLE_payout_fee: return &about->payout_fee;
    case ROLE_payout: return &about->payout;
    default: return NULL;
    }
}

static int decimals_of(const struct table_about *about)
{
    return currency_decimals(about->currency.length ? short_text_view(&about->currency) : TEXT("VND"));
}

static void value_below(struct table_about *about, const struct grid_row *row)
{
    for (size_t i = 0; i < row->count && about->has_below; i++) {
        struct about_total *total = total_of(about, (enum table_role)about->below[i]);
        int64_t amount;
        if (about->below[i] && total && row->cells[i].length && cell_money(row->cells[i], decimals_of(about), &amount))
            *total = (struct about_total){true, amount};
    }
    memset(about->below, 0, sizeof about->below);
    about->has_below = false;
}

static void totals_read(struct table_about *about, const struct grid_row *row, size_t index, const char *key)
{
    static const enum table_role roles[] = {ROLE_total_in,     ROLE_total_out,  ROLE_count_in,
                                            ROLE_count_out,    ROLE_opening,    ROLE_closing,
                                            ROLE_payout_gross, ROLE_payout_fee, ROLE_payout};
    for (size_t r = 0; r < sizeof roles / sizeof *roles; r++) {
        if (!label_is(key, roles[r]))
            continue;
        bool count = roles[r] == ROLE_count_in || roles[r] == ROLE_count_out;
        struct about_total *total = total_of(about, roles[r]);
        int64_t amount;
        struct text own;
        text_until(row->cells[index], ':', &own);
        struct text next = index + 1 < row->count ? row->cells[index + 1] : TEXT_NONE;
        bool label_follows =
            !text_trim(own).length && next.length && !cell_money(first_word(next), decimals_of(about), &amount);
        if (!label_follows && balance_value(row, index, count ? 0 : decimals_of(about), &amount)) {
            if (roles[r] != ROLE_opening || !total->said) /* pages repeat it */
                *total = (struct about_total){true, amount};
        } else {
            about->below[index] = (int)roles[r];
            about->has_below = true;
        }
        return;
    }
}

/* Two dates in a cell: "Từ ngày 01/09/2026 đến ngày 02/09/2026". */
static void period_read(struct table_about *about, struct text cell)
{
    for (size_t at = 0; at < cell.length; at++) {
        if (cell.at[at] < '0' || cell.at[at] > '9' || (at && cell.at[at - 1] >= '0' && cell.at[at - 1] <= '9'))
            continue;
        date_days date;
        struct text rest;
        char mark = at + 2 < cell.length ? cell.at[at + 2] : ' ';
        bool marked = mark == '/' || mark == '-' || mark == '.';
        bool year_first = at + 4 < cell.length && cell.at[at + 4] == '-';
        if (!(marked || year_first) || cell_date(text_slice(cell, at, cell.length), &date, &rest) != DATE_GOOD)
            continue;
        if (about->from == DATE_NONE)
            about->from = date;
        about->to = date;
        at = cell.length - rest.length;
    }
}

static bool digits_enough(struct text value)
{
    size_t digits = 0;
    for (size_t i = 0; i < value.length; i++)
        digits += value.at[i] >= '0' && value.at[i] <= '9';
    return digits >= 6 && digits * 2 >= value.length;
}

bool about_read(struct table_about *about, const struct grid_row *row, struct short_text *ret_account)
{
    bool other = false;
    value_below(about, row);
    for (size_t i = 0; i < row->count; i++) {
        char key[KEY_SIZE];
        if (!row->cells[i].length)
            continue;
        text_to_key(row->cells[i], key, sizeof key);
        struct text value = first_word(label_value(row, i));
        if (label_is(key, ROLE_account) && !label_is(key, ROLE_old)) {
            if (!digits_enough(value))
                continue;
            struct short_text account;
            short_text_set(&account, value, STATEMENT_ACCOUNT_MAX);
            if (!about->account.length)
                about->account = account;
            else if (!text_equal(short_text_view(&account), short_text_view(&about->account)))
                other = true, *ret_account = account;
        } else if (label_is(key, ROLE_currency)) {
            if (value.length == 3 && !about->currency.length)
                short_text_set(&about->currency, value, STATEMENT_CURRENCY_MAX);
        } else if (label_is(key, ROLE_batch)) {
            if (value.length && !about->batch.length)
                short_text_set(&about->batch, value, STATEMENT_NUMBER_MAX);
        } else {
            if (words_in(key, "tu ngay|from|from date|den ngay|to date"))
                period_read(about, text_find(row->cells[i], TEXT("20")) < row->cells[i].length ? row->cells[i]
                                                                                               : label_value(row, i));
            totals_read(about, row, i, key);
        }
    }
    return other;
}
