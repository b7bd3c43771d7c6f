/* Requests on their way in: libmicrohttpd's call-backs; on the loop's thread only.
 *
 * libmicrohttpd calls arrive_target with the raw request line, arrive_request once when the headers are complete, once
 * per piece of body and once at the end of it, once more after a resume, and arrive_completed at the very end. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "core/http/exchange.h"

enum { SWALLOW_MAX = 256 * 1024, FIRST_BODY_ROOM = 16 * 1024, GRACE_US = 500 * 1000 };

void *arrive_target(void *with, const char *uri, struct MHD_Connection *connection)
{
    struct loop *loop = with;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (!info || !info->socket_context)
        return NULL;
    struct exchange *exchange = exchange_take(loop);
    exchange->connection = connection;
    exchange->line = info->socket_context;
    memcpy(exchange->peer, exchange->line->peer, sizeof exchange->peer);
    /* libmicrohttpd decodes in place and later reuses this memory: keep the raw text, signatures are made over it. */
    size_t length = strlen(uri);
    char *copy = length < URI_ROOM ? exchange->uri_room : arena_alloc(&exchange->rq.arena, length + 1);
    memcpy(copy, uri, length + 1);
    exchange->raw_path = (struct text){copy, length};
    return exchange;
}

static enum MHD_Result take_header(void *with, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                   const char *value, size_t value_length)
{
    struct exchange *exchange = with;
    struct header header = {{name, name_length}, {value ? value : "", value ? value_length : 0}};
    if (exchange->header_count == HEADERS_MAX || !wire_is_token(header.name)) {
        exchange->headers_odd = true;
        return MHD_NO;
    }
    exchange->headers[exchange->header_count++] = header;
    return MHD_YES;
}

/* RFC 9112 §6: a message whose length two readers could see differently is refused and the connection closed. */
static enum err check_framing(struct exchange *exchange, const char *version, int64_t *ret_length)
{
    size_t lengths = 0, encodings = 0, hosts = 0;
    int64_t length = 0;
    for (size_t i = 0; i < exchange->header_count; i++) {
        const struct header *header = &exchange->headers[i];
        char first = (char)(header->name.at[0] | 0x20);
        if (first == 'c' && text_is_nocase(header->name, "Content-Length")) {
            lengths++;
            if (!wire_is_digits(header->value) || !text_to_int64(header->value, &length))
                return ERR_FRAMING;
        } else if (first == 't' && text_is_nocase(header->name, "Transfer-Encoding")) {
            encodings++;
            if (!text_is_nocase(header->value, "chunked"))
                return ERR_FRAMING;
        } else if (first == 'h' && text_is_nocase(header->name, "Host")) {
            hosts++;
        }
    }
    if (lengths + encodings > 1 || (encodings && strcmp(version, "HTTP/1.1")))
        return ERR_FRAMING;
    if (hosts > 1 || (!hosts && !strcmp(version, "HTTP/1.1")))
        return ERR_BAD_REQUEST;
    *ret_length = encodings ? -1 : length;
    return OK;
}

static enum err find_route(struct exchange *exchange, const char *method)
{
    struct request *rq = &exchange->rq;
    struct text target = exchange->raw_path;
    struct wire_path path;
    enum err err = wire_target_split(target, &exchange->raw_path, &exchange->raw_query);
    if (err)
        return err;
    err = wire_path_read(exchange->raw_path, arena_alloc(&rq->arena, exchange->raw_path.length + 1), &path);
    if (err)
        return err;
    rq->path = path.decoded;
    err = router_find(exchange->loop->server->router, method, &path, &exchange->match);
    if (err == ERR_METHOD) {
        char allow[ROUTER_ALLOW_SIZE];
        router_allow(exchange->match.allowed, allow);
        reply_header(rq, "Allow", text_of(allow));
    }
    rq->route = exchange->match.route;
    return err;
}

static enum err check_body(struct exchange *exchange, int64_t length)
{
    const struct http_server *server = exchange->loop->server;
    const struct route *route = exchange->rq.route;
    exchange->body_max = route->body_max ? route->body_max : HTTP_BODY_DEFAULT_MAX;
    if (!length)
        return OK;
    if (length > 0 && (uint64_t)length > exchange->body_max)
        return ERR_BODY_TOO_LARGE;
    struct text coding = request_header(&exchange->rq, "Content-Encoding");
    if (coding.length && !text_is_nocase(coding, "identity"))
        return ERR_MEDIA_TYPE;
    if (!wire_media_is(request_header(&exchange->rq, "Content-Type"), route->media ? route->media : "application/json"))
        return ERR_MEDIA_TYPE;
    if (length > 0 && atomic_load(&server->body_total) + (size_t)length > server->config.body_total_max)
        return ERR_UNAVAILABLE;
    buf_room(&exchange->body, length > 0 && length < FIRST_BODY_ROOM ? (size_t)length + 1 : FIRST_BODY_ROOM);
    return OK;
}

/* The method's name in memory that outlives libmicrohttpd's. */
static const char *method_name(struct exchange *exchange, const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(method, known[i]))
            return known[i];
    return arena_copy(&exchange->rq.arena, text_of(method));
}

static enum MHD_Result begin(struct exchange *exchange, const char *method, const char *version)
{
    const struct http_config *config = &exchange->loop->server->config;
    int64_t length = 0;
    exchange->rq.method = method_name(exchange, method);
    exchange->counted = true;
    atomic_fetch_add_explicit(&exchange->loop->busy, 1, memory_order_relaxed);
    exchange->line->due_us = exchange->started_us + config->body_timeout_ms * INT64_C(1000);
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, take_header, exchange);

    enum err err = exchange->headers_odd ? ERR_BAD_REQUEST : check_framing(exchange, version, &length);
    exchange->body_coming = err || length; /* where the message ends is not known: close */
    if (!err)
        err = find_route(exchange, method);
    if (!err)
        err = check_body(exchange, length);
    if (!err && atomic_load_explicit(&exchange->loop->server->stop_due_us, memory_order_relaxed))
        err = ERR_UNAVAILABLE;
    if (!err && config->admit)
        err = config->admit(&exchange->rq);
    if (err && exchange->body_coming)
        return depart_refuse(exchange, err);
    if (err)
        reply_error(&exchange->rq, err); /* sent at the next call: that keeps the connection */
    exchange->stage = STAGE_RECEIVING;
    return MHD_YES;
}

static enum MHD_Result receive(struct exchange *exchange, const char *data, size_t size)
{
    struct http_server *server = exchange->loop->server;
    if (exchange->body.length + size > exchange->body_max)
        return depart_refuse(exchange, ERR_BODY_TOO_LARGE);
    if (atomic_load_explicit(&server->body_total, memory_order_relaxed) + size > server->config.body_total_max)
        return depart_refuse(exchange, ERR_UNAVAILABLE);
    atomic_fetch_add_explicit(&server->body_total, size, memory_order_relaxed);
    buf_put(&exchange->body, data, size);
    return MHD_YES;
}

/* Only this thread resumes, so it does not matter that a worker may be done before the connection is suspended. */
static enum MHD_Result suspend(struct exchange *exchange)
{
    exchange->stage = STAGE_RUNNING;
    exchange->held = true;
    exchange->line->exchange = exchange;
    exchange->line->due_us = exchange->rq.deadline_us + GRACE_US; /* who keeps the deadline replies first */
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result run(struct exchange *exchange)
{
    struct request *rq = &exchange->rq;
    exchange->body_coming = false;
    rq->body = buf_view(&exchange->body);
    if (exchange->replied)
        return depart_reply(exchange);
    if (exchange->body.length)
        rq->deadline_us = exchange->loop->now_us + exchange->loop->server->config.deadline_ms * INT64_C(1000);
    if (rq->route->place == HTTP_WORKER) {
        exchange_own_headers(exchange); /* the deadline may give libmicrohttpd's memory back under the worker's eyes */
        if (queue_push(exchange))
            return suspend(exchange);
        reply_error(rq, ERR_UNAVAILABLE);
        return depart_reply(exchange);
    }
    exchange_run(exchange);
    if (!exchange->deferred)
        return depart_reply(exchange);
    suspend(exchange);
    exchange_let_go(exchange);
    return MHD_YES;
}

static enum MHD_Result swallow(struct exchange *exchange, size_t *size)
{
    exchange->swallowed += *size;
    if (!*size || exchange->swallowed > SWALLOW_MAX)
        return MHD_NO;
    *size = 0;
    return MHD_YES;
}

enum MHD_Result arrive_request(void *with, struct MHD_Connection *connection, const char *url, const char *method,
                               const char *version, const char *data, size_t *size, void **context)
{
    struct exchange *exchange = *context;
    if (!exchange)
        return MHD_NO;
    enum MHD_Result result;
    switch (exchange->stage) {
    case STAGE_STARTED: return begin(exchange, method, version);
    case STAGE_RECEIVING:
        if (!*size)
            return run(exchange);
        result = receive(exchange, data, *size);
        if (result == MHD_YES)
            *size = 0;
        return result;
    case STAGE_RUNNING: return exchange->expired ? depart_expired(exchange) : depart_reply(exchange);
    case STAGE_REFUSED: return swallow(exchange, size);
    case STAGE_ANSWERED: *size = 0; return MHD_YES;
    }
    return MHD_NO;
}

void arrive_completed(void *with, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode how)
{
    struct loop *loop = with;
    struct exchange *exchange = *context;
    *context = NULL;
    if (!exchange)
        return;
    exchange->line->exchange = NULL;
    exchange->line->due_us = loop->now_us + loop->server->config.idle_timeout_ms * INT64_C(1000);
    if (exchange->counted)
        atomic_fetch_sub_explicit(&loop->busy, 1, memory_order_relaxed);
    if (exchange->held) {
        exchange->completed = true;
        loop->abandoned++;
        return;
    }
    exchange_give_back(exchange);
}
