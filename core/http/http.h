/* The HTTP server: one or two event loops around libmicrohttpd, a bounded queue, workers with a database each.
 *
 * A handler reads top to bottom: read, check, act, reply. HTTP_INLINE handlers run on the event loop and answer from
 * memory alone (never block, never touch a database); HTTP_WORKER handlers run on a worker thread while the
 * connection is suspended. A full queue answers 503 with Retry-After at once instead of growing.
 *
 * What the server decides by itself, before any handler: framing (RFC 9112 §6.1: chunked with Content-Length is
 * refused), path (UTF-8, no dot segments), 404, 405 with Allow, 413, 415, deadlines, HEAD as GET. Errors are RFC 9457
 * problem documents made from the error registry. libmicrohttpd is touched by its loop's thread only. */
#ifndef LEPHI_CORE_HTTP_H
#define LEPHI_CORE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/fault.h"
#include "core/base/text.h"
#include "core/json/json_write.h"

struct db;
struct http_server;
struct request;

typedef enum err (*request_handler)(struct request *rq);

enum http_place { HTTP_INLINE, HTTP_WORKER };
enum { CALLER_NONE, CALLER_SYSTEM, CALLER_STAFF, CALLER_CITIZEN };
enum { ACCESS_PUBLIC = 1, ACCESS_SYSTEM = 2, ACCESS_STAFF = 4 };
enum { HTTP_BODY_DEFAULT_MAX = 64 * 1024, HTTP_CAPTURES_MAX = 8, HTTP_REPLY_HEADERS_MAX = 24 };

/* Who calls; filled by the authorize hook. */
struct caller {
    int kind; /* CALLER_… */
    int64_t id;
    char name[64];
    unsigned roles; /* one bit per role */
    char scopes[256];
};

/* One line of the table of routes: {"GET", "/v1/quotes", quote_handle, HTTP_INLINE, .access = ACCESS_PUBLIC}. Patterns:
 * "/v1/payment-requests/{id}/qr.svg", "/v1/receipts/{id}.xml",
 * "/assets/{path*}" (the rest of the path, slashes included, last segment only). Fixed text wins over a capture with
 * fixed text beside it, that over a bare capture, that over the rest. */
struct route {
    const char *method; /* GET (answers HEAD too), POST, PUT, PATCH, DELETE */
    const char *pattern;
    request_handler handle;
    enum http_place place;
    unsigned access;   /* ACCESS_… bits, read by the authorize hook */
    const char *scope; /* for systems; NULL any */
    unsigned roles;    /* for staff; 0 any */
    size_t body_max;   /* bytes; 0: HTTP_BODY_DEFAULT_MAX */
    const char *media; /* content types of a body, separated by spaces; NULL: "application/json"; "*": any */
};

/* One exchange. Everything a handler may read; texts live until the reply has gone out. */
struct request {
    struct arena arena;
    struct faults faults; /* in `arena` */
    struct db *db;        /* the worker's connection; NULL inline */
    const char *method;   /* as received, "HEAD" included */
    struct text path;     /* percent-decoded */
    struct text body;
    struct caller caller;
    const struct route *route; /* NULL while no route is known */
    char id[33];               /* for logs; also the reply header X-Request-Id and `instance` of problem documents */
    instant_us at;             /* clock_now() when its first line arrived */
    int64_t deadline_us;       /* monotonic; a handler that waits must not wait beyond it */
    void *context;             /* http_config.context */
};

struct text request_capture(const struct request *rq,
                            const char *name);                          /* decoded; TEXT_NONE when not in the pattern */
struct text request_query(const struct request *rq, const char *name);  /* decoded (+ is a space), first of that name;
                                                                         * at NULL when absent or badly encoded */
struct text request_query_string(const struct request *rq);             /* raw, without "?": for signatures */
struct text request_header(const struct request *rq, const char *name); /* at NULL when absent */
struct text request_cookie(const struct request *rq, const char *name);
/* The caller's address. Behind a configured proxy: the nearest address in X-Forwarded-For that is no proxy itself. */
struct text request_peer(const struct request *rq);

/* Replies: exactly one per exchange (asserted). They return OK, so that a handler can `return reply_…`. */
enum err reply_json(struct request *rq, int status, void (*write)(struct json *json, const void *what),
                    const void *what); /* application/json; `write` writes one value */
enum err reply_body(struct request *rq, int status, const char *content_type,
                    struct text body);               /* copied; type NULL: none */
struct text reply_written(const struct request *rq); /* the body of the reply just given; valid within the handler */
enum err reply_redirect(struct request *rq, int status, const char *location);
/* RFC 9457 problem document: status, code and words from the registry; 503 and 429 carry Retry-After. */
enum err reply_error(struct request *rq, enum err err);
/* The same with `errors`: every fault in rq->faults. */
enum err reply_faults(struct request *rq, enum err err);
/* Before the reply; copied. A second call with the same name replaces the first, except Set-Cookie and Link, which add.
 * Control characters become spaces. At most HTTP_REPLY_HEADERS_MAX (asserted). */
void reply_header(struct request *rq, const char *name, struct text value);

/* The reply comes later: the handler calls request_defer and returns OK; then any thread makes one reply_* and calls
 * request_finish, after which it must not touch the request. Finish may come before the handler has returned.
 * Past the deadline the caller gets 503 and the late reply is dropped. rq->db is not valid after the handler returned.
 */
void request_defer(struct request *rq);
void request_finish(struct request *rq);

/* Zero or NULL means the default in brackets. Strings and tables must outlive the server. */
struct http_config {
    const char *address;        /* numeric, IPv4 or IPv6 ["127.0.0.1"] */
    uint16_t port;              /* 0: any free one, see http_server_port */
    int loop_threads;           /* 1 or 2 [1]; share the port by SO_REUSEPORT */
    int workers;                /* [4] */
    size_t queue_max;           /* waiting requests [1024] */
    size_t body_total_max;      /* bytes of all bodies being received or worked on [256 MiB]; beyond: 503 */
    int connections_max;        /* of all loops together [10000] */
    int idle_timeout_ms;        /* from a reply (or connecting) to the complete headers of the next request [60000] */
    int body_timeout_ms;        /* from headers to the end of the body [30000] */
    int deadline_ms;            /* from the end of the body to the reply [10000] */
    int retry_after_s;          /* [2] */
    const char *const *proxies; /* addresses whose X-Forwarded-For is believed */
    size_t proxy_count;
    const struct route *routes;
    size_t route_count;
    void *context; /* given to requests and to the worker hooks */

    /* On the loop, as soon as the headers are known and before a body is read; from memory only. For rate limits. */
    enum err (*admit)(struct request *rq);
    /* Where the handler runs, just before it; fills rq->caller. NULL: ACCESS_PUBLIC passes, else ERR_UNAUTHENTICATED.
     */
    enum err (*authorize)(struct request *rq);
    /* On the worker's thread. When opening fails, requests get 503 and opening is tried again. */
    enum err (*worker_open)(void *context, struct db **ret_db);
    void (*worker_close)(void *context, struct db *db);
    /* On the loop, before the headers go out: may call reply_header (Content-Security-Policy for HTML). */
    void (*before_reply)(struct request *rq, int status, const char *content_type);
    /* On the loop, after the last byte went out or the connection broke. Not called for what libmicrohttpd refuses. */
    void (*observe)(const struct request *rq, int status, int64_t duration_us);
};

/* Returns ERR_CONFIG (routes that contradict, bad address), ERR_IO (no port, no descriptors). */
MUST_CHECK enum err http_server_start(const struct http_config *config, struct http_server **ret_server);
uint16_t http_server_port(const struct http_server *server);
/* Requests waiting for a worker, and those on their way, for metrics. */
size_t http_server_queued(const struct http_server *server);
size_t http_server_active(const struct http_server *server);
/* Stops accepting, lets what runs end within `drain_ms`, answers 503 to the rest, joins every thread. NULL is fine. */
void http_server_stop(struct http_server *server, int drain_ms);

#endif
