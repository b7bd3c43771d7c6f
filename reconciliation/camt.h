/* camt.052, .053 and .054 (ISO 20022 cash management): what one entry says, gathered while the XML streams by. Private.
 */
#ifndef LEPHI_RECONCILIATION_CAMT_H
#define LEPHI_RECONCILIATION_CAMT_H

#include "reconciliation/statement.h"

enum { CAMT_DETAILS_MAX = 200000, CAMT_POOL_MAX = 64 * 1024 * 1024 };

/* Texts of one TxDtls, or of the entry itself. */
enum camt_text {
    CAMT_END_TO_END,
    CAMT_INSTRUCTION,
    CAMT_BANK_REFERENCE,
    CAMT_TRANSACTION,
    CAMT_DEBTOR,
    CAMT_DEBTOR_ACCOUNT,
    CAMT_CREDITOR,
    CAMT_CREDITOR_ACCOUNT,
    CAMT_MEMO,
    CAMT_STRUCTURED,
    CAMT_ADDITIONAL,
    CAMT_TYPE,
    CAMT_TEXTS,
};

enum camt_side { CAMT_UNSAID, CAMT_CREDIT, CAMT_DEBIT };

struct camt_detail {
    bool has_amount;
    int64_t amount; /* as written, minor units */
    enum camt_side side;
    struct {
        uint32_t from, length; /* in the pool */
    } texts[CAMT_TEXTS];
};

struct camt_entry {
    int line;
    int64_t amount;
    bool has_amount, reversal, booked;
    enum camt_side side;
    date_days booked_on, value_on;
    struct short_text currency;
    struct buf texts[CAMT_TEXTS]; /* of the entry */
    /* details: one finished after the other into the pool, the one under way in its own buffers */
    struct buf detail_texts[CAMT_TEXTS];
    struct camt_detail current;
    struct buf details; /* array of struct camt_detail */
    struct buf pool;
    bool cut;
};

void camt_entry_clear(struct camt_entry *entry);
void camt_entry_done(struct camt_entry *entry);
void camt_detail_begin(struct camt_entry *entry);
void camt_detail_end(struct camt_entry *entry);
/* Tells the entry as one line, or as one per detail when their amounts add up to it exactly. */
void camt_entry_tell(struct camt_entry *entry, struct statement_gate *gate, int64_t *ordinal);

#endif
