/* Inside the server. An exchange is one request and its reply; a line is one connection; a loop is one thread that
 * alone touches its libmicrohttpd daemon.
 *
 * Who may touch an exchange: its loop, until it hands it to a worker; then whoever holds it (`holds`); the last one to
 * let go gives it back through the loop's done list. Meanwhile the loop looks at `stage`, `expired`, `held` and
 * `completed` only, which nobody else does. */
#ifndef LEPHI_CORE_HTTP_EXCHANGE_H
#define LEPHI_CORE_HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include "core/base/buf.h"
#include "core/http/http.h"
#include "core/http/router.h"

enum { HEADERS_MAX = 64, URI_ROOM = 512, LOOPS_MAX = 2, PEER_SIZE = 48 };

enum stage {
    STAGE_STARTED,   /* the request line is known */
    STAGE_RECEIVING, /* headers accepted, body under way */
    STAGE_RUNNING,   /* suspended; held by others */
    STAGE_ANSWERED,  /* the reply is with libmicrohttpd */
    STAGE_REFUSED,   /* answered on the socket itself while a body was coming; the rest is swallowed, then closed */
};

struct header {
    struct text name, value;
};

struct reply_header {
    const char *name, *value;
};

struct exchange {
    struct request rq; /* first: handlers see only this */
    struct exchange *self;
    struct exchange *next; /* free list, done list */
    struct loop *loop;
    struct line *line;
    struct MHD_Connection *connection;
    enum stage stage;
    bool expired;   /* the loop has answered in the holders' stead */
    bool held;      /* somebody else may touch it */
    bool completed; /* its connection has moved on while it was still held */
    bool body_coming;
    bool counted; /* in loop->busy */
    atomic_int holds;

    char uri_room[URI_ROOM];
    struct text raw_path, raw_query;
    char peer[PEER_SIZE]; /* of the socket */
    struct header headers[HEADERS_MAX];
    size_t header_count;
    bool headers_odd; /* too many or malformed */
    struct route_match match;
    struct buf body;
    size_t body_max, swallowed;

    bool deferred;
    atomic_bool replied; /* a deferred reply may come while the handler has not returned */
    int status;
    const char *content_type; /* in the arena or static */
    struct buf reply;
    struct reply_header reply_headers[HTTP_REPLY_HEADERS_MAX + 4];
    size_t reply_header_count;
    int64_t started_us; /* monotonic */
};

struct line {
    struct line *previous, *next;
    struct exchange *exchange; /* the one that is running, if any */
    int socket;
    int64_t due_us; /* monotonic; past it the socket is shut, or a running exchange answered with 503 */
    char peer[PEER_SIZE];
};

struct loop {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    bool running;
    int listener, epoll, wake; /* wake: eventfd */
    struct line *lines;
    struct exchange *free;
    size_t free_count;
    size_t abandoned; /* expired and completed, still held by somebody */
    uint64_t id_key[2];
    uint64_t id_count;
    int64_t now_us; /* monotonic, of this turn: near enough for time-outs of seconds */
    int64_t sweep_due_us;
    _Atomic size_t busy; /* exchanges whose headers were accepted and that are not complete */

    pthread_mutex_t done_lock;
    struct exchange *done_head, **done_tail;
};

struct http_server {
    struct http_config config; /* with defaults filled in */
    struct router *router;
    uint16_t port;
    struct loop *loops[LOOPS_MAX];
    int loop_count;
    _Atomic int64_t stop_due_us; /* 0 while serving */
    atomic_bool abandon;         /* workers answer 503 without running handlers */
    _Atomic size_t body_total;   /* bytes */

    pthread_t *workers;
    int worker_count;
    pthread_mutex_t queue_lock;
    pthread_cond_t queue_filled;
    struct exchange **queue; /* ring of config.queue_max */
    size_t queue_from;
    _Atomic size_t queue_count; /* written under the lock */
    bool queue_closed;
};

static inline struct exchange *exchange_of(const struct request *rq)
{
    return ((const struct exchange *)rq)->self;
}

/* exchange.c */
struct exchange *exchange_take(struct loop *loop);
void exchange_give_back(struct exchange *exchange);
void exchange_run(struct exchange *exchange);         /* authorize, handle, reply to errors; on the handler's thread */
void exchange_let_go(struct exchange *exchange);      /* one holder less; the last gives it to its loop */
void exchange_own_headers(struct exchange *exchange); /* copies what still points into libmicrohttpd's memory */
void problem_write(struct buf *out, enum err err, const char *id, const struct faults *faults);
const char *reply_header_find(const struct exchange *exchange, const char *name);
bool reply_retry_later(enum err err); /* whether Retry-After belongs to it */

/* loop.c */
MUST_CHECK enum err loop_start(struct loop *loop);
/* After every thread has ended: takes back what was finished since; returns how many exchanges others still hold. */
size_t loop_release(struct loop *loop);
void loop_free(struct loop *loop);
void loop_wake(struct loop *loop);
void loop_done(struct exchange *exchange); /* from any thread */

/* arrive.c: libmicrohttpd's call-backs */
void *arrive_target(void *loop, const char *uri, struct MHD_Connection *connection);
enum MHD_Result arrive_request(void *loop, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *data, size_t *size, void **context);
void arrive_completed(void *loop, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode how);

/* depart.c */
enum MHD_Result depart_reply(struct exchange *exchange);                /* hands the reply to libmicrohttpd */
enum MHD_Result depart_expired(struct exchange *exchange);              /* 503, without looking at what others hold */
enum MHD_Result depart_refuse(struct exchange *exchange, enum err err); /* while a body may still be coming */

/* queue.c */
MUST_CHECK enum err queue_start(struct http_server *server);
bool queue_push(struct exchange *exchange); /* false when full or closed */
void queue_stop(struct http_server *server);

#endif
