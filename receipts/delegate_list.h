/* Inside the receipts room: the file in which a delegate tells what its own software issued. */
#ifndef LEPHI_RECEIPTS_DELEGATE_LIST_H
#define LEPHI_RECEIPTS_DELEGATE_LIST_H

#include "receipts/receipts.h"

enum { LIST_LINES_MAX = 20000 };

struct list_line {
    struct text collector, form, symbol, parcel, dossier, reference, fees, payer, payer_tax;
    int64_t number, amount, replaces; /* replaces 0: none */
    date_days issued_on, collected_on;
};

struct delegate_list {
    struct list_line *lines;
    size_t count;
};

/* Reads CSV (see README.md): a header names the columns in any order. Faults name line and column; one fault refuses
 * the whole file, so that a corrected one may be sent. ERR_CSV_SYNTAX, ERR_INVALID. */
MUST_CHECK enum err delegate_list_read(struct text bytes, struct delegate_list *ret_list, struct faults *faults);

#endif
