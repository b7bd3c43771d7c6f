/* Policy simulation: the real quotes of a period, priced again under a draft catalogue. Reads request_quote alone. */
#ifndef LEPHI_PAYMENTS_REQUESTS_SIMULATION_H
#define LEPHI_PAYMENTS_REQUESTS_SIMULATION_H

#include "core/core.h"
#include "payments/fees/fees.h"

struct simulation_order {
    const struct catalogue *draft;
    const struct catalogue *base; /* in force; used with as_of */
    date_days from, to;           /* days on which requests were priced, both included */
    /* DATE_NONE: each quote on its own days, before under the version that made it. A day: all as if filed and paid on
     * that day, before under `base`; for rules that begin after the period. */
    date_days as_of;
};

struct simulation_sum {
    struct text key, name;
    int64_t quotes, affected, people; /* people: different persons whose price changes */
    int64_t before, after;            /* đồng */
};

struct simulation_group {
    size_t count;
    struct simulation_sum *list; /* by key */
};

struct simulation {
    const char *draft;
    date_days from, to, as_of;
    struct simulation_sum all;
    int64_t unpriced;   /* quotes that one of the two refuses, or whose version is not stored; in no sum */
    int64_t mismatched; /* quotes whose own version gives another sum than was asked: 0, or something is wrong */
    struct simulation_group fees, agencies, communes, categories;
};

/* Everything lives in the arena. Two microseconds a quote and price: a year of a province in seconds. */
MUST_CHECK enum err simulation_run(struct db *db, const struct simulation_order *order, struct arena *arena,
                                   struct simulation *ret);
void simulation_write(struct json *json, const void *simulation); /* JSON object */

enum err simulation_handle(struct request *rq); /* GET /v1/catalogue/versions/{version}/simulation?from=&to=&as_of= */

#endif
