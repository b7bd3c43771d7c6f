/* Webhooks: systems that are told of events as they happen, at least once, in order per dossier, signed.
 *
 * A delivery is POST with the event as GET /v1/events shows it, and the headers
 *   X-Lephi-Timestamp   seconds since 1970, of this try
 *   X-Lephi-Signature   sha256=<hex HMAC-SHA256(secret, timestamp "." body)>
 *   X-Lephi-Event       the kind
 *   X-Lephi-Delivery    name of the subscriber "/" position: the same at every try, for whoever drops repeats
 * Any 2xx takes it. Everything else is tried again after 2, 4, 8 … seconds, ten minutes at most; an answer other than
 * 2xx holds up its own dossier alone, silence holds up that subscriber for a while, and never another one: each has a
 * thread and a lock of its own. What fails longer than webhooks.patience_h is left, and a person is told.
 *
 * The secret of subscriber NAME is webhook.NAME's `secret` in the configuration; it may call only addresses that
 * webhooks.urls allows. Works on one host at a time per subscriber (advisory lock of the session), whichever lives. */
#ifndef LEPHI_CORE_WEBHOOKS_H
#define LEPHI_CORE_WEBHOOKS_H

#include "core/db/db.h"
#include "core/http/http.h"

enum { WEBHOOKS_MAX = 32 }; /* subscribers, switched off ones included: each has a thread */

struct webhooks;

struct webhooks_config {
    const char *database_url;
    const char *urls; /* allowed addresses, separated by spaces: each a beginning up to a path segment */
    int timeout_ms;   /* for a whole answer */
    int64_t patience_s;
    const char *ca_file; /* NULL: the system's */
};

/* Starts a manager and a courier per active subscriber. */
MUST_CHECK enum err webhooks_start(const struct webhooks_config *config, struct webhooks **ret_webhooks);
/* Calls under way are given up: they are made again at the next start. NULL is fine. */
void webhooks_stop(struct webhooks *webhooks);

/* Whether `url` is http(s), without user, and begins with one of the allowed ones: the same scheme, host and port, and
 * path segments. Pure. */
bool webhook_url_allowed(struct text url, struct text allowed);
/* "sha256=" and the hex digest of timestamp "." body. Pure. */
enum { WEBHOOK_SIGNATURE_SIZE = 72 };
void webhook_sign(struct text secret, int64_t timestamp_s, struct text body, struct arena *arena,
                  char ret_signature[WEBHOOK_SIGNATURE_SIZE]);

/* For handlers: which addresses are allowed (lives as long as the program). */
void webhooks_urls_use(const char *urls);

/* Routes. */
enum err webhooks_list_handle(struct request *rq);      /* GET  /v1/webhooks */
enum err webhook_create_handle(struct request *rq);     /* POST /v1/webhooks */
enum err webhook_get_handle(struct request *rq);        /* GET  /v1/webhooks/{id} */
enum err webhook_put_handle(struct request *rq);        /* PUT  /v1/webhooks/{id} */
enum err webhook_enable_handle(struct request *rq);     /* POST /v1/webhooks/{id}/enable */
enum err webhook_disable_handle(struct request *rq);    /* POST /v1/webhooks/{id}/disable */
enum err webhook_deliveries_handle(struct request *rq); /* GET  /v1/webhooks/{id}/deliveries */
enum err webhook_replay_handle(struct request *rq);     /* POST /v1/webhooks/{id}/replay */

#endif
