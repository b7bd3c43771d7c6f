/* CSV (RFC 4180) from memory: quoted fields, CRLF or LF, optional UTF-8 BOM, any one-byte separator.
 *
 * Rows keep their line number, so that a fault can be named by file, line and column. */
#ifndef LEPHI_CORE_CSV_H
#define LEPHI_CORE_CSV_H

#include "core/base/arena.h"
#include "core/base/text.h"

enum { CSV_FIELDS_MAX = 64 };

struct csv {
    struct text rest;
    struct arena *arena;
    int line; /* of the row last read, from 1 */
    int next_line;
    char separator;
};

struct csv_row {
    int line;
    size_t count;
    struct text fields[CSV_FIELDS_MAX]; /* unquoted, in the arena where unquoting needed a copy */
};

void csv_open(struct csv *csv, struct text bytes, char separator, struct arena *arena);

/* Reads the next row that is not empty. Returns OK, ERR_NOT_FOUND at the end, ERR_CSV_SYNTAX (see csv->line). */
MUST_CHECK enum err csv_next(struct csv *csv, struct csv_row *ret_row);

/* Writes one field, quoted when it must be; a cell that a spreadsheet would run as a formula gets a leading apostrophe.
 */
struct buf;
void csv_write(struct buf *out, struct text field);

#endif
