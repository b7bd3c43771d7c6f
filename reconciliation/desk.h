/* The exception desk: what its files share. Private. */
#ifndef LEPHI_RECONCILIATION_DESK_H
#define LEPHI_RECONCILIATION_DESK_H

#include "core/auth/idempotency.h"
#include "reconciliation/reconciliation.h"

enum { SUBSET_CANDIDATES_MAX = 20, SUBSET_SOLUTIONS_MAX = 2 };

/* Which of the amounts (all positive) add up to `total`, as bit masks over their positions; sets of at least two. Stops
 * at the second solution, for two are ambiguous. More than SUBSET_CANDIDATES_MAX are not tried: 0. Only ever a
 * suggestion (README.md, "The desk"). */
size_t subset_sum(const int64_t *amounts, size_t count, int64_t total, uint32_t ret_sets[SUBSET_SOLUTIONS_MAX]);

/* What a person wants done with a case, read from the body of POST /v1/exceptions/{id}/resolve. */
struct desk_order {
    int64_t id;
    const char *action;
    struct text note;
    struct text told; /* JSON of what the action needs, written anew with the keys in one order */
};
MUST_CHECK enum err desk_order_read(struct request *rq, struct desk_order *ret_order);

/* What the database said of an act, {state, …}: its refusals become errors and faults, the rest is the reply. */
MUST_CHECK enum err desk_reply_of(struct request *rq, struct text json, struct act_reply *reply);
/* An act under its idempotency key; faults are told one by one. */
enum err desk_reply_once(struct request *rq, request_act act, void *with);

/* "2026-11", "2026-Q4" or "2026" to its first and last day. */
bool period_parse(struct text text, date_days *ret_first, date_days *ret_last);

#endif
