/* The sequencer: gives committed events their position and chains the audit log, every few milliseconds, in one place.
 */
#ifndef LEPHI_CORE_FEED_H
#define LEPHI_CORE_FEED_H

#include "core/db/db.h"
#include "core/json/json_write.h"

struct rounds;

/* Stopped by rounds_stop. */
MUST_CHECK enum err feed_start(const char *database_url, int pause_ms, struct rounds **ret_feed);

/* One batch of each; how many rows were placed. For commands and tests. */
MUST_CHECK enum err feed_round(struct db *db, struct arena *arena, int64_t *ret_placed);

/* An event as everybody outside sees it, in GET /v1/events and in webhooks. Columns from `first`: position, kind, at,
 * dossier, request_id, body as text. */
void feed_event_write(struct json *json, const struct db_rows *rows, int row, int first);

#endif
