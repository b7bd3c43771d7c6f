/* Reading one CSV file of the catalogue: columns by name in any order, typed cells, faults by file:line:field.
 * Private to this room. */
#ifndef LEPHI_PAYMENTS_FEES_SHEET_H
#define LEPHI_PAYMENTS_FEES_SHEET_H

#include "payments/fees/catalogue.h"

enum { SHEET_COLUMNS_MAX = 32 };

/* One file being read. */
struct sheet {
    struct csv csv;
    struct csv_row row;
    const char *name;
    const char *const *columns;
    int column_count, next_column;
    size_t width;                    /* cells of the header */
    int field_of[SHEET_COLUMNS_MAX]; /* column → field, -1 absent */
    struct arena *arena;
    struct faults *faults;
};

/* Which cell of a file's header a column is, from 1; 0 when it has none. */
int sheet_field_of(struct text bytes, const char *column, struct arena *arena);
/* Reads the header; false (with faults) when the file cannot be used. Unknown and missing columns are faults. */
bool sheet_open(struct sheet *sheet, struct text bytes, const char *name, const char *const *columns,
                struct arena *arena, struct faults *faults);
/* The next row; false at the end or where the CSV breaks. `rows` read so far, for the bound. */
bool sheet_next(struct sheet *sheet, size_t rows);

/* Names a fault at a column of the current row (NULL: the first field). */
void sheet_fault(struct sheet *sheet, const char *name, enum err code, const char *format, ...) PRINTF(4, 5);

struct text sheet_cell(struct sheet *sheet, const char *name);   /* trimmed; "unset" is the empty text */
struct text sheet_needed(struct sheet *sheet, const char *name); /* a fault when empty */
struct text sheet_code(struct sheet *sheet, const char *name);   /* needed, and shaped as a code */
bool sheet_code_ok(struct text code);
int sheet_enum(struct sheet *sheet, const char *name, const char *const *names, int otherwise);
date_days sheet_date(struct sheet *sheet, const char *name);
/* A rule must say since when it holds: a date, or `unset` when nobody knows; an empty cell is an oversight. */
void sheet_period_begun(struct sheet *sheet);
void sheet_period(struct sheet *sheet, date_days *ret_from, date_days *ret_to); /* valid_from, valid_to */
struct words sheet_words(struct sheet *sheet, const char *name, size_t max);    /* codes separated by spaces */
struct text sheet_basis(struct sheet *sheet); /* legal_basis and legal_article as one citation */

#endif
