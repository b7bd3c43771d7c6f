/* A thread that does the same round again and again with a database connection of its own, and rests when there was
 * nothing to do: the sequencer, the couriers of what goes out. */
#ifndef LEPHI_CORE_ROUNDS_H
#define LEPHI_CORE_ROUNDS_H

#include "core/base/arena.h"
#include "core/db/db.h"

struct rounds;

/* Strings are copied. */
struct rounds_config {
    const char *database_url;
    const char *name; /* of the connection, for whoever looks at pg_stat_activity */
    int pause_ms;     /* rest after a round that found nothing */
    /* One round; how much was done. */
    int64_t (*round)(struct db *db, struct arena *arena, void *with);
    void *with;
};

/* ERR_UNAVAILABLE: no thread. */
MUST_CHECK enum err rounds_start(const struct rounds_config *config, struct rounds **ret_rounds);
void rounds_ask_to_stop(struct rounds *rounds); /* several can be asked before each is waited for */
void rounds_stop(struct rounds *rounds);        /* waits for the round in hand; NULL is fine */

#endif
