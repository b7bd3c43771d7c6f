/* Settlement files into the database, beside the statements of the same import. Private. */
#ifndef LEPHI_RECONCILIATION_SETTLEMENT_IMPORT_H
#define LEPHI_RECONCILIATION_SETTLEMENT_IMPORT_H

#include "reconciliation/statement.h"

struct settlement_import {
    struct db *db;
    struct arena *arena;
    const int64_t *file;
    const uint8_t *file_key; /* 16 bytes that stand for the file */
    const char **detail;     /* the last warning that decides */
    enum err err;            /* the first one; what follows is read but not written */
    int64_t ordinal;
    struct settlement_head head; /* its texts in the arena */
    struct buf rows, told;       /* COPY rows; JSON of the batches taken, joined by commas */
};

/* Adds its functions to the sink of an import. */
void settlement_import_sink(struct statement_sink *sink);
/* The settlements of the import that a sink carries as `with` (statement_import.c). */
struct settlement_import *settlement_import_of(void *with);
MUST_CHECK enum err settlement_import_open(struct settlement_import *in);
void settlement_import_close(struct settlement_import *in);

/* COPY text: one field and its tab. */
void import_copy_text(struct buf *rows, struct text text);
void import_copy_date(struct buf *rows, date_days date);

#endif
