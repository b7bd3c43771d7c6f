/* What the files of this room share; private to it. */
#ifndef LEPHI_COUNTER_PARTS_H
#define LEPHI_COUNTER_PARTS_H

#include "payments/counter/counter.h"
#include "payments/requests/requests.h"

const struct counter_config *counter_settings(void);

/* What the SQL of this room calls a refusal, as an error: "no_shift", "open unknown", "was closed" … OK for none. */
MUST_CHECK enum err counter_problem(struct db *db, struct arena *arena, int64_t request, struct text problem);

/* The number in a path; false when it is none. */
bool capture_number(struct request *rq, const char *name, int64_t *ret);

/* Faults of the body when there are some, else the error alone. */
enum err counter_refuse(struct request *rq, enum err err);

#endif
