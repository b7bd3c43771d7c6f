/* Inside the receipts room: what a correction says, and the document it leads to. */
#ifndef LEPHI_RECEIPTS_CORRECT_H
#define LEPHI_RECEIPTS_CORRECT_H

#include "receipts/receipts.h"

/* A new amount for one fee of the receipt. */
struct fee_amount {
    struct text fee;
    int64_t amount; /* đồng */
};

struct correction {
    int64_t receipt;
    struct text wrong, right; /* of a notice */
    struct text reason;       /* of a replacement */
    struct receipt_party payer;
    struct fee_amount *amounts;
    size_t amount_count;
};

/* The receipt as it would stand after the replacement, without number and day; checked. `given_back` is what of its
 * request's money was approved for giving back because the fee was wrong. ERR_INVALID with faults: nothing that asks
 * for a replacement (TT 91/2026 art. 20.2: tax code or amount), an amount that no refund explains. */
MUST_CHECK enum err correction_apply(const struct correction *in, const struct receipt_document *before,
                                     int64_t given_back, struct arena *arena, struct receipt_document *ret_document,
                                     struct faults *faults);
/* The content of a proposal, as it is kept. */
void correction_write(struct json *json, const struct correction *in);
/* Reads it back; false when it is not what correction_write made. */
bool correction_read(struct text json, struct arena *arena, struct correction *ret);

#endif
