/* What the readers of this room share: exact amounts, tolerant dates, clean text and the balance gate. Private. */
#ifndef LEPHI_RECONCILIATION_STATEMENT_H
#define LEPHI_RECONCILIATION_STATEMENT_H

#include "reconciliation/reconciliation.h"

enum {
    STATEMENT_ACCOUNT_MAX = 80,
    STATEMENT_NUMBER_MAX = 40,
    STATEMENT_CURRENCY_MAX = 3,
    STATEMENT_MEMO_MAX = 16384, /* bytes of one line's text; longer is cut with a warning */
};

/* Decimals of an ISO 4217 currency: 0 for VND, 2 for EUR and whatever is not listed, 3 for KWD. */
int currency_decimals(struct text currency);

/* "500,", "500", "12,5", "1.234,56", "1,234,567", "500.00" in minor units with `decimals` decimals; exact or false.
 * For currencies without decimals a group of three after the separator is thousands, as Vietnamese banks write. */
bool amount_parse(struct text text, int decimals, int64_t *ret_minor);

enum date_quality { DATE_GOOD, DATE_MOVED, DATE_BAD };
/* A date; days 29–31 that a month lacks become its last day (DATE_MOVED: 30 February of 30/360 interest). */
enum date_quality date_of_parts(int year, int month, int day, date_days *ret_date);

/* Appends text as UTF-8 without control characters: what is not UTF-8 is read as windows-1252. */
void text_put_clean(struct buf *out, struct text text);

/* Small fixed texts that outlive the chunk they came in. */
struct short_text {
    size_t length;
    char at[STATEMENT_ACCOUNT_MAX + 1];
};
void short_text_set(struct short_text *to, struct text from, size_t max);
struct text short_text_view(const struct short_text *from);

/* The balance gate: between the reader of a format and the sink, it counts every line. */
struct statement_gate {
    struct statement_sink sink;
    struct short_text account, currency, number;
    bool open;    /* begin was told */
    bool interim; /* reports without balances: their absence is no warning, and nothing is ever complete */
    bool broken;  /* something in it was not understood or does not join */
    int64_t statements;
    struct statement_tail tail;
};

void gate_begin(struct statement_gate *gate, const struct statement_head *head);
void gate_line(struct statement_gate *gate, const struct statement_line *line);
void gate_closing(struct statement_gate *gate, int64_t closing, date_days on);
/* Ends an open statement: weighs opening + lines against closing and tells. Nothing open: does nothing. */
void gate_end(struct statement_gate *gate, int line);
/* `code` in the list of README.md; the codes that make a statement incomplete also set broken. */
void gate_warn(struct statement_gate *gate, int line, const char *code, const char *format, ...) PRINTF(4, 5);
void gate_break(struct statement_gate *gate, int line, const char *code, const char *format, ...) PRINTF(4, 5);

/* The readers behind the public interface. */
struct statement_reader_vtable {
    void *(*make)(struct statement_gate *gate);
    enum err (*feed)(void *reader, struct text bytes);
    enum err (*end)(void *reader);
    void (*free)(void *reader);
    enum err (*map)(void *reader, const struct statement_mapping *mappings, size_t count); /* NULL: no columns */
};
extern const struct statement_reader_vtable mt940_reader, camt_reader, table_csv_reader, table_html_reader,
    table_xlsx_reader, table_xls_reader, treasury_reader, napas_reader;

#endif
