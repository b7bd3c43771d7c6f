/* A report as a table: one title, named columns, rows of text and whole numbers; written as JSON, CSV, XLSX or PDF. */
#ifndef LEPHI_RECONCILIATION_REPORT_TABLE_H
#define LEPHI_RECONCILIATION_REPORT_TABLE_H

#include "reconciliation/reconciliation.h"

enum { REPORT_COLUMNS_MAX = 16 };

struct report_column {
    const char *key;   /* JSON and CSV, English snake case */
    const char *title; /* printed, Vietnamese */
    bool number;
};

struct report_table {
    struct text title; /* Vietnamese */
    struct text file;  /* "so-thu-2026-11-23", without ending */
    struct text note;  /* what a reader must know; may be empty */
    const struct report_column *columns;
    size_t column_count, row_count;
    const struct text *cells; /* row by row; numbers as decimal digits */
};

/* Bytes in the arena. ERR_IO when a workbook cannot be written. */
MUST_CHECK enum err report_table_write(const struct report_table *table, enum report_format format, struct arena *arena,
                                       struct text *ret_bytes);
void report_table_csv(const struct report_table *table, struct buf *out);
void report_table_json(const struct report_table *table, struct buf *out);
MUST_CHECK enum err report_table_xlsx(const struct report_table *table, struct arena *arena, struct text *ret_bytes);
MUST_CHECK enum err report_table_pdf(const struct report_table *table, struct arena *arena, struct text *ret_bytes);

const char *report_media(enum report_format format);

#endif
