/* From rows to events: finds the header, then reads rows as lines of a statement or of a settlement. Private. */
#ifndef LEPHI_RECONCILIATION_TABLE_TABLE_H
#define LEPHI_RECONCILIATION_TABLE_TABLE_H

#include "reconciliation/table/profile.h"

/* ---- cells ----------------------------------------------------------------------------------------------------------
 */

/* "1,234,567 VND", "VND 5", "(1.234)", "-150000", "+ 5"; "" and "-" are 0: false when it is none of these. */
bool cell_money(struct text cell, int decimals, int64_t *ret_amount);
/* dd/mm/yyyy, dd-mm-yyyy, dd.mm.yyyy, dd/mm/yy, yyyy-mm-dd, yyyymmdd or a spreadsheet's day number at the beginning of
 * a cell; what follows it is `ret_rest`. Day first, always. */
enum date_quality cell_date(struct text cell, date_days *ret_date, struct text *ret_rest);
/* "08:15:02", "8:15" at the beginning of a text as seconds of the day; -1 when there is none. */
int cell_clock(struct text text);
struct text first_word(struct text text);

/* ---- what the rows around a table say -------------------------------------------------------------------------------
 */

struct about_total {
    bool said;
    int64_t amount;
};

struct table_about {
    struct short_text account, currency, batch;
    struct about_total opening, closing, total_in, total_out, count_in, count_out, payout_gross, payout_fee, payout;
    date_days from, to;          /* of the period */
    int below[GRID_COLUMNS_MAX]; /* label role whose value stands in the row below, 0 none */
    bool has_below;
};
/* Reads a row that is no line. True when it names another account than the one known: a section of its own. */
bool about_read(struct table_about *about, const struct grid_row *row, struct short_text *ret_account);
void about_clear(struct table_about *about);

/* ---- the table ------------------------------------------------------------------------------------------------------
 */

enum { PREAMBLE_MAX = 80, ROW_TEXTS = 8 };

/* A row of a statement that waits for its neighbour: the balance beside the next row may have to explain it. */
struct held_row {
    bool there, has_balance, readable;
    int line;
    enum date_quality quality;
    date_days booked_on, value_on;
    int64_t amount, charges, balance;
    struct buf text;
    struct {
        size_t from, length;
    } texts[ROW_TEXTS];
};

struct seen; /* a bounded set of digests */

struct table {
    struct statement_gate *gate;
    bool any_header;     /* in any sheet */
    int sheet, preamble; /* rows before the header of this sheet */
    uint64_t markers;
    struct table_mapping *mappings;
    size_t mapping_count;
    struct header_keys *keys, *upper, *joined; /* this row, the one above, both together */
    const struct profile *profile;             /* NULL: no header yet */
    struct table_roles roles;
    struct table_about about;
    struct buf clean;
    struct seen *seen;
    int last_line;
    /* statement */
    bool begun, opening_told;
    int64_t ordinal;
    date_days last_date;
    struct buf spare;     /* text of a row to come */
    struct held_row held; /* the row read last: its neighbour may have to explain its charges */
    struct row_end {
        date_days on;
        bool has_balance;
        int64_t amount, balance;
        int line;
    } first, last;                                /* rows of this statement in file order */
    int64_t steps, steps_forward, steps_backward; /* how many balances follow from the row above, or lead to it */
    int break_forward, break_backward;            /* first line where they do not, 0 none */
    int64_t count_in, count_out;
    struct about_total row_in, row_out; /* the last row of totals */
    /* settlement */
    struct settlement_tail tail;
    bool settlement_open, settlement_broken;
    int64_t section_gross, section_fee, section_net; /* since the last row of totals */
    unsigned tables_seen;
};

struct text table_cell(const struct table *t, const struct grid_row *row, enum table_role role);

/* At least three cells in words, and no fewer than half of those filled: it may be a header. */
bool table_row_in_words(const struct grid_row *row);
/* Ends what is open: a statement, or a settlement. */
void table_section_end(struct table *t);

/* False: the row is no line; it may be a label. */
bool statement_row(struct table *t, const struct grid_row *row);
void statement_section_end(struct table *t);
void statement_header(struct table *t);
void statement_rows_free(struct table *t);

bool settlement_row(struct table *t, const struct grid_row *row);
void settlement_section_end(struct table *t);
void settlement_header(struct table *t);

/* A mapping that a person confirmed for exactly this header. */
struct table_mapping {
    uint8_t fingerprint[STATEMENT_FINGERPRINT_SIZE];
    struct profile profile;
    struct table_roles roles;
};
/* ERR_INVALID for an unknown role or kind, or without a date and money. The profile's name is left to the caller. */
MUST_CHECK enum err mapping_make(const struct statement_mapping *from, struct table_mapping *ret_mapping);
const struct profile *mapping_find(const struct table *t, struct table_roles *ret_roles);
/* Of the keys of a header's cells: what makes two headers the same. */
void header_fingerprint(const struct header_keys *keys, uint8_t ret_fingerprint[STATEMENT_FINGERPRINT_SIZE]);

/* True when the digest was there before; at most a million are kept, later ones are taken as new. */
bool seen_before(struct seen **seen, uint64_t digest);
void seen_free(struct seen *seen);
uint64_t digest_of(uint64_t start, struct text text); /* FNV-1a */

#endif
