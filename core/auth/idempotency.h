/* One act, one commit, one reply: POSTs that may be repeated under an Idempotency-Key.
 *
 * The act runs in a transaction and writes its reply; the reply is stored, sealed, in the same commit under (caller,
 * method, path, key) and given again, with `Idempotent-Replayed: true`, to whoever repeats key and body. The same key
 * with another body is ERR_IDEMPOTENCY_REUSED, one still under way ERR_IDEMPOTENCY_BUSY. Errors are not stored: nothing
 * was decided. */
#ifndef LEPHI_CORE_IDEMPOTENCY_H
#define LEPHI_CORE_IDEMPOTENCY_H

#include "core/base/buf.h"
#include "core/http/http.h"

struct act_reply {
    int status;
    struct buf body; /* JSON */
};

typedef enum err (*request_act)(struct request *rq, void *with, struct act_reply *reply);

/* Runs the act with or without a key and replies. Returns what the reply_* functions return, or the act's error for the
 * caller to reply with. */
MUST_CHECK enum err request_once(struct request *rq, request_act act, void *with);

/* Deletes stored replies older than seven days; how many. */
MUST_CHECK enum err idempotency_purge(struct db *db, struct arena *arena, instant_us at, int64_t *ret_count);

#endif
