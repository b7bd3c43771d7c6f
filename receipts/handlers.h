/* Inside the receipts room: what its handlers share. */
#ifndef LEPHI_RECEIPTS_HANDLERS_H
#define LEPHI_RECEIPTS_HANDLERS_H

#include "receipts/receipts.h"

/* Finds the receipt of {id} or {token} that has its signature, and verifies again what is stored. ERR_RETRY: it waits
 * for its signature. */
MUST_CHECK enum err handle_find_signed(struct request *rq, struct receipt_stored *ret,
                                       struct receipt_verdict *ret_verdict);
enum err handle_reply_page(struct request *rq, int status, struct buf *html); /* frees `html` */

#endif
