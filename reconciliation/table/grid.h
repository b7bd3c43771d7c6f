/* A sheet as rows of text, whatever file it came in: CSV, XLSX, BIFF .xls, HTML named .xls. Private.
 *
 * Cells are UTF-8 in NFC without control characters; line breaks and no-break spaces are spaces. Numbers are exact
 * decimal text, dates of a spreadsheet are "yyyy-mm-dd" or "yyyy-mm-dd hh:mm:ss". A row lives until the function it was
 * given to returns. */
#ifndef LEPHI_RECONCILIATION_TABLE_GRID_H
#define LEPHI_RECONCILIATION_TABLE_GRID_H

#include "reconciliation/statement.h"

enum {
    GRID_COLUMNS_MAX = 256,            /* cells further right are not read */
    GRID_CELL_MAX = 32767,             /* bytes of a cell that are kept: Excel's own bound in characters */
    GRID_ROW_MAX = 1024 * 1024,        /* bytes of a CSV record; more is a quote that nobody closed */
    GRID_FILE_MAX = 128 * 1024 * 1024, /* bytes of a workbook, which must be held to be opened */
};

struct grid_row {
    int number; /* line of the file (CSV, HTML) or row of the sheet, from 1 */
    size_t count;
    struct text cells[GRID_COLUMNS_MAX];
};

struct grid_sink {
    void *with;
    void (*sheet)(void *with); /* a sheet begins */
    void (*row)(void *with, const struct grid_row *row);
    bool (*header)(void *with, const struct grid_row *row); /* would this row be a header? (CSV: which separator) */
    struct statement_gate *gate;                            /* faults are told here */
};

/* Collects the cells of one row. */
struct grid_build {
    struct buf text;
    struct {
        size_t from, length;
    } cells[GRID_COLUMNS_MAX];
    size_t count;
};
void grid_build_clear(struct grid_build *build);
/* Puts a cell at a column (from 0; beyond GRID_COLUMNS_MAX it is dropped); the columns between stay empty. */
void grid_build_put(struct grid_build *build, size_t column, struct text raw);
bool grid_build_row(const struct grid_build *build, int number, struct grid_row *ret_row); /* false: all empty */

/* Appends raw bytes of a cell as clean text: UTF-8 where it is, else windows-1258, composed to NFC. */
void grid_text_put(struct buf *out, struct text raw);

/* UTF-16 to UTF-8, in pieces. */
struct grid_utf16 {
    bool big_endian;
    int half;      /* byte that waits for its other half, -1 none */
    uint32_t high; /* surrogate that waits for its other half */
};
void grid_utf16_put(struct grid_utf16 *state, struct buf *out, struct text bytes);

/* A double as exact decimal text: an integer below 2^53 plainly; a fraction with at least four decimals, so that nobody
 * takes its point for a mark of thousands; anything else as "?" (no amount). */
void grid_number_text(double value, char ret_text[32]);
/* Days since 1899-12-30 (or 1904-01-01) with a fraction of a day, as a date; false outside 1990 to 2100. */
bool grid_serial_text(double serial, bool from_1904, char ret_text[32]);

/* Does a number format show a date? */
bool grid_builtin_is_date(long format);
bool grid_format_is_date(const char *code);

/* One kind of file. */
struct grid_reader {
    void *(*make)(const struct grid_sink *sink);
    enum err (*feed)(void *grid, struct text bytes);
    enum err (*end)(void *grid);
    void (*free)(void *grid);
};
extern const struct grid_reader grid_csv, grid_html, grid_xlsx, grid_xls;

/* A workbook in memory, or a ZIP of workbooks. */
enum err xlsx_read(struct text bytes, const struct grid_sink *sink);

#endif
