/* What the nightly command asks of the drops. Private to the room. */
#ifndef LEPHI_RECONCILIATION_DROP_FETCH_H
#define LEPHI_RECONCILIATION_DROP_FETCH_H

#include "core/core.h"

/* Visits every configured drop; what fails is told on standard error and left to a durable job. The night goes on. */
void drops_fetch_nightly(struct db *db);

#endif
