/* Adjustments: other quantities than were asked for, and the price of the day on which the bank took the money. What
 * was asked is never edited: fees that rise are asked for in an additional request, fees that fall open a refund case,
 * and a request that nobody has paid gives way to a new one (tables in sql/0047-adjustments.sql). */
#ifndef LEPHI_PAYMENTS_LEDGER_ADJUSTMENT_H
#define LEPHI_PAYMENTS_LEDGER_ADJUSTMENT_H

#include "payments/fees/fees.h"
#include "payments/requests/requests.h"

enum adjustment_cause { ADJUSTMENT_QUANTITIES, ADJUSTMENT_PAYMENT_DAY };
extern const char *const adjustment_causes[]; /* as the table says */

struct adjustment {
    enum adjustment_cause cause;
    struct text reason; /* for the citizen */
    const char *actor;
    instant_us at;
    struct payment_request request;
    struct dossier dossier;
    struct quote_request *wanted; /* the question it was priced from last; to be changed before adjustment_price */
    struct catalogue *own;        /* the version it was priced under; dropped by adjustment_end */
    struct quote quote;           /* what should have been asked */
    struct quote_line *lines;     /* its fees, without what was rejected, without postage */
    size_t count;
    int64_t before, after; /* đồng, in all */
};

/* Holds the request until the transaction ends and reads what it was priced from. Ends with adjustment_end, whatever
 * comes back. ERR_NOT_FOUND, ERR_DOSSIER_ENDED, ERR_ADJUSTMENT_OF_ADDITION. */
MUST_CHECK enum err adjustment_begin(struct db *db, struct arena *arena, int64_t request, struct adjustment *ret);
/* Prices `wanted` on a day. ERR_INVALID with faults. */
MUST_CHECK enum err adjustment_price(struct db *db, struct arena *arena, struct adjustment *c,
                                     struct catalogue *catalogue, date_days day, struct faults *faults);
/* Does what follows; in the same transaction. `ret_id`: of the adjustment, 0 when the day had been looked at before.
 * ERR_REQUEST_CANCELLED, ERR_REQUEST_SETTLED (given back), ERR_REQUEST_PARTLY_PAID (would fall before it is paid). */
MUST_CHECK enum err adjustment_apply(struct db *db, struct arena *arena, struct adjustment *c, struct faults *faults,
                                     int64_t *ret_id);
void adjustment_end(struct adjustment *c);

#endif
