/* Inside the receipts room: messages to the tax authority: written, signed, sent, asked for. */
#ifndef LEPHI_RECEIPTS_TAX_H
#define LEPHI_RECEIPTS_TAX_H

#include "receipts/envelope.h"
#include "receipts/receipts.h"

extern const struct envelope tax_summary_envelope, tax_notice_envelope;

enum { TAX_ROWS_MAX = 50000 };

/* One line of 01/TH-BLĐT: a fee of a receipt. */
struct tax_row {
    struct text form, symbol;
    int64_t number;
    date_days issued_on;
    struct text fee_name;
    int64_t amount;
    struct text replaces_form, replaces_symbol; /* empty: it replaces none */
    int64_t replaces_number;
    struct text explanation, remark;
};

struct tax_summary {
    struct text collector, collector_name;
    date_days day, made_on;
    int64_t ordinal; /* 0 first, n amended for the n-th time */
    const struct tax_row *rows;
    size_t count;
};

struct tax_notice {
    struct text collector, collector_name;
    date_days made_on;
    int64_t ordinal; /* of the day */
    struct text form, symbol;
    int64_t number;
    date_days issued_on;
    struct text wrong, right;
};

/* "5700100001-TH-20261123-0": the same for ever; sent again it is known again. In the arena. */
const char *tax_summary_code(struct arena *arena, const struct tax_summary *summary);
const char *tax_notice_code(struct arena *arena, const struct tax_notice *notice);
/* Unsigned, canonical. */
void tax_summary_write(const struct tax_summary *summary, struct arena *arena, struct buf *out);
void tax_notice_write(const struct tax_notice *notice, struct arena *arena, struct buf *out);
/* Digest of what a summary says, whatever its ordinal and date of making. */
void tax_summary_digest(const struct tax_summary *summary, uint8_t ret_digest[SHA256_SIZE]);

/* Makes the summary of a day when there is something new to say; its message, 0 when there is not. One transaction of
 * its own. ERR_INVALID: a stored receipt that cannot be read. */
MUST_CHECK enum err tax_summary_make(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                     struct text collector, date_days day, int64_t *ret_message);
/* Inside the caller's transaction: the notice about a receipt. */
MUST_CHECK enum err tax_notice_make(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                    struct tax_notice *notice, int64_t *ret_message);

#endif
