/* Parts of the comparison of two catalogues. Private to this room. */
#ifndef LEPHI_PAYMENTS_FEES_DIFFERENCE_H
#define LEPHI_PAYMENTS_FEES_DIFFERENCE_H

#include <stdlib.h>
#include "payments/fees/catalogue.h"

enum { SAMPLES_MAX = 64 };

/* A request that a formula can answer, and what is particular about it. */
struct sample {
    struct quote_request request;
    unsigned channels; /* under which it makes sense */
    struct text words; /* "3 trang"; empty when nothing is particular */
};

/* Adds samples that reach every case of the row's formula: both sides of each mark, each cell of a table. */
void samples_of(const struct catalogue *catalogue, const struct fee *fee, struct arena *arena, struct sample *samples,
                size_t *count);

/* Whether both sides hold the same rows for a fee, so that nothing has to be quoted. */
bool fee_entries_same(const struct catalogue *const sides[2], struct text code);

/* Procedures that come, go or ask for other fees; and what changed in a row beside its price. */
void facts_compare(const struct catalogue *before, const struct catalogue *after, struct arena *arena,
                   struct catalogue_difference *out);

#endif
