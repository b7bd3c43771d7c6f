/* What a reader tells, as the JSON of `lephi statement parse`, written while it is read. Private. */
#ifndef LEPHI_RECONCILIATION_STATEMENT_PRINT_H
#define LEPHI_RECONCILIATION_STATEMENT_PRINT_H

#include <stdio.h>
#include "reconciliation/statement.h"

struct printer {
    struct buf out;
    struct json json;
    FILE *to;
    bool has_opening;
    struct buf warnings, settlements; /* JSON objects joined by commas */
    struct json settlement;
    char last[400]; /* warning, for the person who reads why nothing came of it */
    int64_t warning_count;
    date_days date[2]; /* formatting the same day a million times is half of the work */
    char date_text[2][DATE_TEXT_SIZE];
};

/* A sink that prints into `printer`, which holds `to` and a json over its own `out`. */
struct statement_sink statement_printer_sink(struct printer *printer);
void statement_printer_flush(struct printer *printer);
/* Closes the lists and the object. */
void statement_printer_end(struct printer *printer);
void statement_printer_done(struct printer *printer);

#endif
