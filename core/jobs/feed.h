/* The sequencer: gives committed events their position and chains the audit log, every few milliseconds, in one place.
 */
#ifndef LEPHI_CORE_FEED_H
#define LEPHI_CORE_FEED_H

#include "core/db/db.h"

struct feed;

MUST_CHECK enum err feed_start(const char *database_url, int pause_ms, struct feed **ret_feed);
void feed_stop(struct feed *feed); /* NULL is fine */

/* One batch of each; how many rows were placed. For commands and tests. */
MUST_CHECK enum err feed_round(struct db *db, struct arena *arena, int64_t *ret_placed);

#endif
