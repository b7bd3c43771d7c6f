/* Bank exports as CSV. The file is kept whole (bounded): balances may stand at its end and rows may run backwards. */
#include "reconciliation/statement_csv.h"

#include <stdlib.h>

enum { CSV_BYTES_MAX = 256 * 1024 * 1024, HEADER_ROWS_MAX = 80 };

struct csv_reader {
    struct statement_gate *gate;
    struct buf bytes;
};

/* One pass over the table. */
struct table {
    struct csv csv;
    struct arena arena;
    struct csv_roles roles;
    struct csv_about about;
    struct csv_row row;
    struct text currency;
    date_days last_date;
    bool has_balance_before;
    int64_t balance_before;
};

static struct text cell(const struct table *t, enum csv_role role)
{
    int column = t->roles.column[role];
    return column >= 0 && (size_t)column < t->row.count ? text_trim(t->row.fields[column]) : TEXT_NONE;
}

static bool find_header(struct table *t, struct text bytes, char separator)
{
    csv_open(&t->csv, bytes, separator, &t->arena);
    t->about = (struct csv_about){0};
    for (int i = 0; i < HEADER_ROWS_MAX; i++) {
        if (csv_next(&t->csv, &t->row) != OK)
            return false;
        if (csv_header_read(&t->row, &t->roles)) {
            t->currency = t->about.currency.length ? short_text_view(&t->about.currency) : TEXT("VND");
            t->last_date = DATE_NONE;
            t->has_balance_before = false;
            return true;
        }
        csv_about_read(&t->row, &t->about);
        arena_reset(&t->arena);
    }
    return false;
}

static bool table_open(struct table *t, struct text bytes)
{
    static const char separators[] = {',', ';', '\t', '|'};
    for (size_t i = 0; i < sizeof separators; i++)
        if (find_header(t, bytes, separators[i]))
            return true;
    return false;
}

/* One row as a line. */
struct csv_line {
    struct statement_line line;
    enum date_quality quality;
    bool has_balance;
    int64_t balance;
    bool readable; /* amounts were understood */
};

/* Techcombank prints fees and their tax in columns of their own; whether the debit holds them already, only the running
 * balance can say. */
static int64_t with_charges(const struct table *t, const struct csv_line *read, int64_t amount, int64_t charges)
{
    if (!charges || !amount)
        return amount + charges;
    bool chained = read->has_balance && t->has_balance_before;
    return chained && t->balance_before + amount + charges == read->balance ? amount + charges : amount;
}

static void amounts_read(struct table *t, struct csv_line *read)
{
    int decimals = currency_decimals(t->currency);
    int64_t debit = 0, credit = 0, amount = 0, fee = 0, tax = 0;
    read->readable = csv_money(cell(t, CSV_DEBIT), decimals, &debit) &&
                     csv_money(cell(t, CSV_CREDIT), decimals, &credit) &&
                     csv_money(cell(t, CSV_AMOUNT), decimals, &amount) && csv_money(cell(t, CSV_FEE), decimals, &fee) &&
                     csv_money(cell(t, CSV_TAX), decimals, &tax);
    read->has_balance = cell(t, CSV_BALANCE).length && csv_money(cell(t, CSV_BALANCE), decimals, &read->balance);
    if (t->roles.column[CSV_DEBIT] >= 0 && t->roles.column[CSV_CREDIT] >= 0)
        amount = credit - (debit < 0 ? -debit : debit); /* some banks write debits negative already */
    else if (text_is(cell(t, CSV_SIGN), "-"))
        amount = amount < 0 ? amount : -amount;
    read->line.amount = with_charges(t, read, amount, fee + tax);
}

/* Reads on to the next row that moves money. ERR_NOT_FOUND at the end of the table. */
static enum err row_next(struct table *t, struct csv_line *ret)
{
    for (;;) {
        arena_reset(&t->arena);
        enum err err = csv_next(&t->csv, &t->row);
        if (err)
            return err;
        struct csv_line read = {.line = {.line = t->row.line, .page = 1}};
        struct text rest, date_cell = cell(t, CSV_BOOKED);
        date_days date;
        read.quality = csv_date(date_cell, &date, &rest);
        bool dated = read.quality != DATE_BAD;
        struct csv_roles again;
        if (!dated && (csv_is_footer(&t->row) || csv_header_read(&t->row, &again))) {
            csv_about_read(&t->row, &t->about);
            continue;
        }
        amounts_read(t, &read);
        bool moves = read.readable && read.line.amount != 0;
        if (!dated && !(moves && (date_cell.length || t->last_date != DATE_NONE))) {
            csv_about_read(&t->row, &t->about); /* a note, an opening-balance row, a numbering of columns */
            continue;
        }
        if (dated)
            t->last_date = date;
        else if (!date_cell.length)
            read.quality = DATE_GOOD; /* merged cells: the date of the row above */
        read.line.booked_on = dated || !date_cell.length ? t->last_date : DATE_NONE;
        date_days value;
        struct text ignored;
        read.line.value_on = csv_date(cell(t, CSV_VALUE), &value, &ignored) != DATE_BAD ? value : read.line.booked_on;
        read.line.bank_reference = cell(t, CSV_REFERENCE);
        if (!read.line.bank_reference.length && dated) { /* "01/09/2026⏎5211.10037" */
            rest = text_trim(rest);
            if (text_starts(rest, "/"))
                rest = text_trim(text_slice(rest, 1, rest.length));
            bool time = rest.length >= 5 && rest.at[2] == ':';
            read.line.bank_reference = time ? TEXT_NONE : rest;
        }
        if (read.has_balance) {
            t->has_balance_before = true;
            t->balance_before = read.balance;
        }
        *ret = read;
        return OK;
    }
}

/* The first pass: what the balances beside the rows say about opening and closing. */
struct span {
    int64_t rows;
    struct csv_line first, last;
};

static enum err span_read(struct table *t, struct span *ret)
{
    struct csv_line read;
    enum err err;
    *ret = (struct span){0};
    while (!(err = row_next(t, &read))) {
        if (!ret->rows++)
            ret->first = read;
        ret->last = read;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static void balances_derive(struct table *t, const struct span *span, struct statement_gate *gate)
{
    if (!span->rows || !span->first.has_balance || !span->last.has_balance)
        return;
    bool backwards = span->first.line.booked_on > span->last.line.booked_on;
    const struct csv_line *oldest = backwards ? &span->last : &span->first;
    const struct csv_line *newest = backwards ? &span->first : &span->last;
    if (!t->about.has_opening) {
        t->about.opening = oldest->balance - oldest->line.amount;
        t->about.has_opening = true;
        gate_warn(gate, oldest->line.line, "opening_derived",
                  "no opening balance is printed: taken from the first row");
    }
    if (!t->about.has_closing) {
        t->about.closing = newest->balance;
        t->about.has_closing = true;
    }
}

static void line_tell(struct table *t, struct csv_line *read, struct buf *clean, struct statement_gate *gate)
{
    struct statement_line *line = &read->line;
    if (!read->readable) {
        gate_break(gate, line->line, "bad_amount", "an amount of this row cannot be read");
        return;
    }
    if (read->quality != DATE_GOOD)
        gate_warn(gate, line->line, "bad_date", "there is no such date: %.*s", TEXT_ARGS(cell(t, CSV_BOOKED)));
    struct text raw[] = {line->bank_reference, cell(t, CSV_CUSTOMER_REFERENCE),
                         cell(t, CSV_PARTY),   cell(t, CSV_PARTY_ACCOUNT),
                         cell(t, CSV_MEMO),    cell(t, CSV_VIRTUAL_ACCOUNT)};
    struct text *to[] = {&line->bank_reference, &line->customer_reference,
                         &line->counterparty,   &line->counterparty_account,
                         &line->memo,           &line->supplementary};
    size_t room = 16;
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
        raw[i] = text_slice(raw[i], 0, STATEMENT_MEMO_MAX);
        room += 4 * raw[i].length;
    }
    buf_clear(clean);
    buf_room(clean, room);
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
        size_t from = clean->length;
        text_put_clean(clean, raw[i]);
        *to[i] = text_trim((struct text){clean->at + from, clean->length - from});
    }
    gate_line(gate, line);
}

static enum err table_tell(struct csv_reader *r, struct table *t)
{
    struct text bytes = buf_view(&r->bytes);
    struct span span;
    enum err err = span_read(t, &span);
    if (err)
        gate_break(r->gate, t->csv.line, "bad_line", "the CSV syntax breaks here");
    struct csv_about about = t->about; /* with what stands behind the table */
    table_open(t, bytes);
    t->about = about;
    balances_derive(t, &span, r->gate);
    about = t->about;
    struct statement_head head = {
        .line = 1,
        .account = short_text_view(&about.account),
        .currency = t->currency,
        .has_opening = about.has_opening,
        .opening = about.opening,
    };
    gate_begin(r->gate, &head);
    struct csv_line read;
    struct buf clean = {0};
    int64_t ordinal = 0;
    while (!row_next(t, &read)) {
        read.line.ordinal = ++ordinal;
        line_tell(t, &read, &clean, r->gate);
    }
    buf_done(&clean);
    if (about.has_closing)
        gate_closing(r->gate, about.closing, DATE_NONE);
    gate_end(r->gate, t->csv.line);
    return OK;
}

static void *csv_make(struct statement_gate *gate)
{
    struct csv_reader *r = memory_new(sizeof *r);
    r->gate = gate;
    return r;
}

static enum err csv_feed(void *reader, struct text bytes)
{
    struct csv_reader *r = reader;
    if (r->bytes.length + bytes.length > CSV_BYTES_MAX) {
        gate_break(r->gate, 0, "too_large", "a CSV statement may have %d bytes", CSV_BYTES_MAX);
        return ERR_STATEMENT_SYNTAX;
    }
    buf_text(&r->bytes, bytes);
    return OK;
}

static enum err csv_end(void *reader)
{
    struct csv_reader *r = reader;
    struct table *t = memory_new(sizeof *t);
    arena_init(&t->arena);
    enum err err = ERR_STATEMENT_SYNTAX;
    if (r->bytes.length && table_open(t, buf_view(&r->bytes)))
        err = table_tell(r, t);
    else
        gate_warn(r->gate, 1, "no_header", "no row names a date and amounts within the first %d", HEADER_ROWS_MAX);
    arena_done(&t->arena);
    free(t);
    return err;
}

static void csv_free(void *reader)
{
    struct csv_reader *r = reader;
    buf_done(&r->bytes);
    free(r);
}

const struct statement_reader_vtable statement_csv_reader = {csv_make, csv_feed, csv_end, csv_free};
