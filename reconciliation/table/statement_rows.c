/* Rows of a bank's export as lines of a statement, one row behind the file. */
#include "reconciliation/table/table.h"

#include <inttypes.h>
#include <stdlib.h>

enum row_text { T_REFERENCE, T_CUSTOMER, T_PARTY, T_PARTY_ACCOUNT, T_MEMO, T_VIRTUAL, T_TYPE, T_DATE };

static struct text currency_of(const struct table *t)
{
    return t->about.currency.length ? short_text_view(&t->about.currency) : TEXT("VND");
}

static int decimals_of(const struct table *t)
{
    return currency_decimals(currency_of(t));
}

void statement_header(struct table *t)
{
    if (!t->begun)
        t->last_date = DATE_NONE;
}

static void statement_begin(struct table *t, int line)
{
    if (t->begun)
        return;
    t->begun = true;
    t->opening_told = t->about.opening.said;
    struct statement_head head = {
        .line = line,
        .account = short_text_view(&t->about.account),
        .currency = currency_of(t),
        .profile = text_of(t->profile->name),
        .has_opening = t->about.opening.said,
        .opening = t->about.opening.amount,
    };
    gate_begin(t->gate, &head);
}

/* ---- one row behind
 * --------------------------------------------------------------------------------------------------- */

/* Techcombank prints fees and their tax in columns of their own; whether the debit holds them already, only the running
 * balance can say: of the row above when the oldest stands first, of the row below when the newest does. */
static int64_t with_charges(const struct held_row *row, const struct row_end *above, const struct held_row *below)
{
    int64_t all = row->amount + row->charges;
    if (!row->charges || !row->amount)
        return all;
    bool from_above = above->has_balance && row->has_balance && above->balance + all == row->balance;
    bool from_below = below && below->has_balance && row->has_balance && below->balance + all == row->balance;
    return from_above || from_below ? all : row->amount;
}

static void chain_step(struct table *t, const struct held_row *row, int64_t amount)
{
    if (t->last.has_balance && row->has_balance) {
        bool forward = t->last.balance + amount == row->balance,
             backward = t->last.balance - t->last.amount == row->balance;
        t->steps++;
        t->steps_forward += forward;
        t->steps_backward += backward;
        if (!forward && !t->break_forward)
            t->break_forward = row->line;
        if (!backward && !t->break_backward)
            t->break_backward = row->line;
    }
    t->last = (struct row_end){row->booked_on, row->has_balance, amount, row->balance, row->line};
    if (!t->first.line)
        t->first = t->last;
}

static void held_tell(struct table *t, const struct held_row *below)
{
    struct held_row *row = &t->held;
    if (!row->there)
        return;
    row->there = false;
    struct text texts[ROW_TEXTS];
    for (int i = 0; i < ROW_TEXTS; i++)
        texts[i] = text_slice(buf_view(&row->text), row->texts[i].from, row->texts[i].length);
    statement_begin(t, 1);
    if (!row->readable) {
        gate_break(t->gate, row->line, "bad_amount", "an amount of this row cannot be read");
        return;
    }
    if (row->quality != DATE_GOOD)
        gate_warn(t->gate, row->line, "bad_date", "there is no such date: %.*s", TEXT_ARGS(texts[T_DATE]));
    int64_t amount = with_charges(row, &t->last, below);
    t->count_in += amount > 0;
    t->count_out += amount < 0;
    chain_step(t, row, amount);
    struct statement_line line = {
        .line = row->line,
        .page = 1,
        .ordinal = ++t->ordinal,
        .booked_on = row->booked_on,
        .value_on = row->value_on,
        .amount = amount,
        .type = texts[T_TYPE],
        .bank_reference = texts[T_REFERENCE],
        .customer_reference = texts[T_CUSTOMER],
        .counterparty = texts[T_PARTY],
        .counterparty_account = texts[T_PARTY_ACCOUNT],
        .memo = texts[T_MEMO],
        .supplementary = texts[T_VIRTUAL],
    };
    gate_line(t->gate, &line);
}

/* ---- reading a row
 * ------------------------------------------------------------------------------------------------------ */

static void amounts_read(const struct table *t, const struct grid_row *row, struct held_row *ret)
{
    int decimals = decimals_of(t);
    int64_t debit = 0, credit = 0, amount = 0, fee = 0, tax = 0;
    ret->readable = cell_money(table_cell(t, row, ROLE_debit), decimals, &debit) &&
                    cell_money(table_cell(t, row, ROLE_credit), decimals, &credit) &&
                    cell_money(table_cell(t, row, ROLE_amount), decimals, &amount) &&
                    cell_money(table_cell(t, row, ROLE_fee), decimals, &fee) &&
                    cell_money(table_cell(t, row, ROLE_tax), decimals, &tax);
    struct text balance = table_cell(t, row, ROLE_balance);
    ret->has_balance = balance.length && cell_money(balance, decimals, &ret->balance);
    if (t->roles.column[ROLE_debit] >= 0 && t->roles.column[ROLE_credit] >= 0)
        amount = credit - (debit < 0 ? -debit : debit); /* some banks write debits negative already */
    else if (text_is(table_cell(t, row, ROLE_sign), "-") && amount > 0)
        amount = -amount;
    bool overflow = __builtin_add_overflow(fee, tax, &ret->charges);
    int64_t all;
    ret->readable = ret->readable && !overflow && !__builtin_add_overflow(amount, ret->charges, &all);
    ret->amount = amount;
}

static bool both_sides(const struct table *t, const struct grid_row *row, int64_t *ret_debit, int64_t *ret_credit)
{
    struct text debit = table_cell(t, row, ROLE_debit), credit = table_cell(t, row, ROLE_credit);
    return debit.length && credit.length && cell_money(debit, decimals_of(t), ret_debit) &&
           cell_money(credit, decimals_of(t), ret_credit);
}

/* "Tổng số/ Total,,,153,300,2,104,000": control totals of the table. */
static bool totals_row(struct table *t, const struct grid_row *row, bool labelled)
{
    int64_t debit, credit;
    if (!both_sides(t, row, &debit, &credit) || (!labelled && !(debit && credit)))
        return false;
    t->row_out = (struct about_total){true, debit < 0 ? -debit : debit};
    t->row_in = (struct about_total){true, credit};
    return true;
}

static bool footer(const struct grid_row *row, bool *ret_sum)
{
    char key[KEY_SIZE];
    size_t first = 0;
    while (first < row->count && !row->cells[first].length)
        first++;
    if (first == row->count)
        return false;
    text_to_key(row->cells[first], key, sizeof key);
    *ret_sum = label_is(key, ROLE_sum_row);
    return label_is(key, ROLE_footer);
}

static bool opening_words(struct text memo)
{
    char key[KEY_SIZE];
    text_to_key(text_head(memo, KEY_SIZE - 1), key, sizeof key);
    return label_is(key, ROLE_opening);
}

static void texts_keep(const struct table *t, const struct grid_row *row, struct text reference, struct held_row *to)
{
    const struct text texts[ROW_TEXTS] = {
        reference,
        table_cell(t, row, ROLE_customer_reference),
        table_cell(t, row, ROLE_party),
        table_cell(t, row, ROLE_party_account),
        table_cell(t, row, ROLE_memo),
        table_cell(t, row, ROLE_virtual_account),
        table_cell(t, row, ROLE_type),
        table_cell(t, row, ROLE_booked),
    };
    buf_clear(&to->text);
    for (int i = 0; i < ROW_TEXTS; i++) {
        struct text text = text_head(texts[i], STATEMENT_MEMO_MAX);
        if (i == T_PARTY && text_starts(text, "+ ")) /* Techcombank marks names so */
            text = text_slice(text, 2, text.length);
        to->texts[i].from = to->text.length;
        to->texts[i].length = text.length;
        buf_text(&to->text, text);
    }
}

/* The bank's number of a line: its column, or what stands behind the date ("01/09/2026⏎5211.10037"). */
static struct text reference_of(const struct table *t, const struct grid_row *row, bool dated, struct text rest)
{
    struct text reference = table_cell(t, row, ROLE_reference);
    if (reference.length || !dated)
        return reference;
    rest = text_trim(rest);
    if (text_starts(rest, "/"))
        rest = text_trim(text_slice(rest, 1, rest.length));
    return cell_clock(rest) >= 0 ? TEXT_NONE : rest;
}

/* Exports that overlap themselves repeat a whole row: same number, day, amount, words and the same balance after it,
 * which no second movement could have. Twins without a balance stay. */
static bool row_repeats(struct table *t, const struct held_row *row)
{
    if (!row->has_balance || !row->amount || !row->texts[T_REFERENCE].length)
        return false;
    const int64_t numbers[] = {row->booked_on, row->amount, row->charges, row->balance};
    uint64_t digest = digest_of(0, (struct text){(const char *)numbers, sizeof numbers});
    digest = digest_of(digest, short_text_view(&t->about.account));
    return seen_before(&t->seen, digest_of(digest, buf_view(&row->text)));
}

static void currency_of_row(struct table *t, const struct grid_row *row)
{
    struct text currency = table_cell(t, row, ROLE_currency);
    if (currency.length != 3 || text_equal(currency, currency_of(t)))
        return;
    if (t->begun || t->held.there || t->about.currency.length) {
        statement_begin(t, 1);
        gate_break(t->gate, row->number, "currency_mismatch", "a row in %.*s on an account in %.*s",
                   TEXT_ARGS(currency), TEXT_ARGS(currency_of(t)));
    } else {
        short_text_set(&t->about.currency, currency, STATEMENT_CURRENCY_MAX);
    }
}

static void row_swap(struct table *t, struct held_row *next)
{
    struct held_row before = t->held;
    held_tell(t, next);
    before.there = false;
    before.text = t->held.text;
    t->held = *next;
    *next = before;
}

bool statement_row(struct table *t, const struct grid_row *row)
{
    struct text date_cell = table_cell(t, row, ROLE_booked), rest;
    date_days date, value;
    enum date_quality quality = cell_date(date_cell, &date, &rest);
    bool dated = quality != DATE_BAD, sum = false;
    if (!dated && footer(row, &sum)) {
        if (sum && totals_row(t, row, true))
            return true;
        return false;
    }
    if (!dated && !date_cell.length && totals_row(t, row, false))
        return true;
    struct held_row next = {.there = true, .line = row->number, .quality = quality, .text = t->spare};
    t->spare = (struct buf){0};
    amounts_read(t, row, &next);
    bool moves = next.readable && (next.amount || next.charges);
    struct text memo = table_cell(t, row, ROLE_memo);
    bool opens = !moves && next.has_balance && !t->begun && !t->held.there && opening_words(memo);
    if (opens && !t->about.opening.said)
        t->about.opening = (struct about_total){true, next.balance};
    if (opens || (!dated && !(moves && (date_cell.length || t->last_date != DATE_NONE)))) {
        t->spare = next.text;
        return opens; /* a note, a numbering of columns */
    }
    currency_of_row(t, row);
    if (dated)
        t->last_date = date;
    else if (!date_cell.length)
        next.quality = DATE_GOOD; /* merged cells: the date of the row above */
    next.booked_on = dated || !date_cell.length ? t->last_date : DATE_NONE;
    next.value_on =
        cell_date(table_cell(t, row, ROLE_value), &value, &(struct text){0}) != DATE_BAD ? value : next.booked_on;
    texts_keep(t, row, reference_of(t, row, dated, rest), &next);
    if (row_repeats(t, &next)) {
        gate_warn(t->gate, row->number, "repeated_row",
                  "the export gives this row twice, with the same balance: read once");
        t->spare = next.text;
        return true;
    }
    row_swap(t, &next);
    t->spare = next.text;
    return true;
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------------------ */

/* The rows' own balances stand in for printed ones; the chain of balances says whether the oldest row stands first. */
static void balances_derive(struct table *t)
{
    if (!t->first.has_balance || !t->last.has_balance)
        return;
    bool backwards = t->first.on > t->last.on || (t->first.on == t->last.on && t->steps_backward > t->steps_forward);
    const struct row_end *oldest = backwards ? &t->last : &t->first, *newest = backwards ? &t->first : &t->last;
    if (!t->about.opening.said) {
        t->about.opening = (struct about_total){true, oldest->balance - oldest->amount};
        gate_warn(t->gate, oldest->line, "opening_derived", "no opening balance is printed: taken from the oldest row");
    }
    if (!t->about.closing.said)
        t->about.closing = (struct about_total){true, newest->balance};
    int broken = backwards ? t->break_backward : t->break_forward;
    int64_t right = backwards ? t->steps_backward : t->steps_forward;
    /* Named only when most steps agree: some exports are not sorted within a day. */
    if (broken && right * 10 >= t->steps * 9)
        gate_warn(t->gate, broken, "chain_break", "the balance beside this row does not follow from its neighbour's");
}

static void total_check(struct table *t, const struct about_total *said, int64_t is, const char *what)
{
    if (said->said && said->amount != is)
        gate_break(t->gate, t->last_line, "total_mismatch",
                   "%s: the file says %" PRId64 ", the rows add up to %" PRId64 ": difference %" PRId64, what,
                   said->amount, is, said->amount - is);
}

void statement_section_end(struct table *t)
{
    held_tell(t, NULL);
    bool worth = t->begun || t->about.opening.said || t->about.closing.said || t->about.account.length;
    if (worth)
        statement_begin(t, 1);
    if (t->begun) {
        balances_derive(t);
        const struct statement_tail *tail = &t->gate->tail;
        total_check(t, t->about.total_in.said ? &t->about.total_in : &t->row_in, tail->sum_in, "money in");
        total_check(t, t->about.total_out.said ? &t->about.total_out : &t->row_out, tail->sum_out, "money out");
        total_check(t, &t->about.count_in, t->count_in, "number of credits");
        total_check(t, &t->about.count_out, t->count_out, "number of debits");
        if (!t->opening_told && t->about.opening.said) {
            t->gate->tail.has_opening = true;
            t->gate->tail.opening = t->about.opening.amount;
        }
        if (t->about.closing.said)
            gate_closing(t->gate, t->about.closing.amount, t->about.to);
        gate_end(t->gate, t->last_line);
    }
    t->begun = t->opening_told = false;
    t->ordinal = t->steps = t->steps_forward = t->steps_backward = t->count_in = t->count_out = 0;
    t->break_forward = t->break_backward = 0;
    t->first = t->last = (struct row_end){.on = DATE_NONE};
    t->row_in = t->row_out = (struct about_total){0};
    t->last_date = DATE_NONE;
    about_clear(&t->about);
}

void statement_rows_free(struct table *t)
{
    buf_done(&t->held.text);
    buf_done(&t->spare);
}
