/* Banks by their NAPAS BIN, as data (banks.csv): names and BINs change by letter of the State Bank, not by release. */
#ifndef LEPHI_PAYMENTS_BANK_H
#define LEPHI_PAYMENTS_BANK_H

#include "core/base/fault.h"

enum bank_confidence {
    BANK_OFFICIAL, /* A: in the State Bank's list (1589/NHNN-TT of 05/03/2024) */
    BANK_CORROBORATED /* B: several independent public sources agree */,
    BANK_SINGLE_SOURCE /* C: one public source; shown, never relied on */
};

struct bank {
    char bin[8]; /* six digits */
    struct text name;
    struct text former_name; /* empty when it was never renamed */
    enum bank_confidence confidence;
};

/* Reads the table from a CSV file (bin,name,former_name,confidence,source). Called at the start, before any thread; a
 * second call replaces it, a failed one changes nothing. ERR_NOT_FOUND, ERR_IO; ERR_CONFIG with a fault "file:line" for
 * each wrong row. */
MUST_CHECK enum err bank_table_load(const char *path, struct faults *faults);

/* NULL when the table does not know it: then show the BIN itself. Safe from any thread. */
const struct bank *bank_by_bin(struct text bin);

#endif
