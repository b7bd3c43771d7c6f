/* Inside the receipts room: one more document under a number of its own. */
#ifndef LEPHI_RECEIPTS_ISSUE_H
#define LEPHI_RECEIPTS_ISSUE_H

#include "receipts/receipts.h"

/* Inside a transaction that holds the request: numbers and freezes `document` as the replacement of `replaced`; signing
 * follows as a job. Form, symbol, number and lookup code of the document are filled in. ERR_KEY, ERR_CERTIFICATE,
 * ERR_SERIES_EXHAUSTED, ERR_INVALID, and what the database says (ERR_CONFLICT: replaced meanwhile). */
MUST_CHECK enum err issue_replacement(struct db *db, struct arena *arena, instant_us at, int64_t request,
                                      int64_t replaced, struct receipt_document *document);

/* The receipts' threads take turns at the database, while another one signs: a backlog never keeps two processors of a
 * small machine busy with statements that the payments' have to wait for. */
void receipt_turn_take(void);
void receipt_turn_give(void);

#endif
