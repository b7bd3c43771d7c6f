/* The life of an exchange. */
#include "core/http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum {
    FREE_MAX = 256,               /* exchanges a loop keeps for reuse */
    BUFFER_KEEP_MAX = 128 * 1024, /* bytes of body or reply an idle exchange may hold on to */
};

/* A request id tells requests apart, it guards nothing: a random key and a counter, mixed (splitmix64). */
static void id_make(struct loop *loop, char ret_id[33])
{
    uint64_t mixed = loop->id_key[1] + ++loop->id_count * UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    const uint64_t words[2] = {loop->id_key[0], mixed ^ mixed >> 31};
    for (int i = 0; i < 32; i++)
        ret_id[i] = "0123456789abcdef"[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
    ret_id[32] = '\0';
}

struct exchange *exchange_take(struct loop *loop)
{
    struct exchange *exchange = loop->free;
    if (exchange) {
        loop->free = exchange->next;
        loop->free_count--;
    } else {
        exchange = memory_new(sizeof *exchange);
        exchange->self = exchange;
        exchange->loop = loop;
        arena_init(&exchange->rq.arena);
    }
    struct request *rq = &exchange->rq;
    faults_init(&rq->faults, &rq->arena);
    rq->caller.kind = CALLER_NONE;
    rq->caller.id = 0;
    rq->caller.roles = 0;
    rq->caller.name[0] = rq->caller.scopes[0] = '\0';
    rq->db = NULL;
    rq->route = NULL;
    rq->method = "";
    rq->path = rq->body = TEXT_NONE;
    rq->context = loop->server->config.context;
    rq->at = clock_now();
    exchange->started_us = clock_monotonic_us();
    rq->deadline_us = exchange->started_us + loop->server->config.deadline_ms * INT64_C(1000);
    id_make(loop, rq->id);

    exchange->next = NULL;
    exchange->stage = STAGE_STARTED;
    exchange->expired = exchange->held = exchange->completed = exchange->body_coming = exchange->counted = false;
    exchange->deferred = exchange->headers_odd = false;
    atomic_store_explicit(&exchange->replied, false, memory_order_relaxed);
    exchange->header_count = exchange->reply_header_count = exchange->match.count = 0;
    exchange->raw_path = exchange->raw_query = TEXT_NONE;
    exchange->status = 0;
    exchange->content_type = NULL;
    exchange->swallowed = 0;
    buf_clear(&exchange->body);
    buf_clear(&exchange->reply);
    atomic_store_explicit(&exchange->holds, 1, memory_order_relaxed);
    return exchange;
}

static void shrink(struct buf *buf)
{
    if (buf->size > BUFFER_KEEP_MAX)
        buf_done(buf);
}

void exchange_give_back(struct exchange *exchange)
{
    struct loop *loop = exchange->loop;
    const struct http_config *config = &loop->server->config;
    int status = exchange->expired ? err_info(ERR_TIMEOUT)->http_status : exchange->status;
    if (config->observe && status)
        config->observe(&exchange->rq, status, clock_monotonic_us() - exchange->started_us);
    if (exchange->body.length)
        atomic_fetch_sub(&loop->server->body_total, exchange->body.length);
    if (loop->free_count >= FREE_MAX) {
        arena_done(&exchange->rq.arena);
        buf_done(&exchange->body);
        buf_done(&exchange->reply);
        free(exchange);
        return;
    }
    arena_reset(&exchange->rq.arena);
    shrink(&exchange->body);
    shrink(&exchange->reply);
    exchange->next = loop->free;
    loop->free = exchange;
    loop->free_count++;
}

static enum err authorize(struct request *rq)
{
    const struct http_config *config = &exchange_of(rq)->loop->server->config;
    if (config->authorize)
        return config->authorize(rq);
    return rq->route->access & ACCESS_PUBLIC ? OK : ERR_UNAUTHENTICATED;
}

void exchange_run(struct exchange *exchange)
{
    struct request *rq = &exchange->rq;
    enum err err = OK;
    if (atomic_load(&exchange->loop->server->abandon))
        err = ERR_UNAVAILABLE;
    else if (rq->route->place == HTTP_WORKER && clock_monotonic_us() > rq->deadline_us)
        err = ERR_TIMEOUT; /* waited too long in the queue: nobody is listening any more */
    if (!err)
        err = authorize(rq);
    if (!err && !exchange->replied)
        err = rq->route->handle(rq);
    if (exchange->deferred) /* then another thread may be writing the reply */
        return;
    if (exchange->replied)
        return;
    if (rq->faults.count && err)
        reply_faults(rq, err);
    else
        reply_error(rq, err ? err : ERR_INTERNAL); /* a handler that says OK without a reply is a fault of ours */
}

void exchange_let_go(struct exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->holds, 1) == 1)
        loop_done(exchange);
}

void exchange_own_headers(struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->header_count; i++) {
        struct header *header = &exchange->headers[i];
        header->name = arena_text(&exchange->rq.arena, header->name);
        header->value = arena_text(&exchange->rq.arena, header->value);
    }
}
