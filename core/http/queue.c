/* One bounded queue, N workers, a database connection each. */
#include "core/http/exchange.h"

#include <stdlib.h>
#include "core/base/memory.h"

enum { REOPEN_US = 1000 * 1000 }; /* between attempts to open a database that is away */

struct worker {
    struct http_server *server;
    struct db *db;
    bool open;
    int64_t next_try_us;
};

bool queue_push(struct exchange *exchange)
{
    struct http_server *server = exchange->loop->server;
    pthread_mutex_lock(&server->queue_lock);
    bool room = server->queue_count < server->config.queue_max && !server->queue_closed;
    if (room) {
        server->queue[(server->queue_from + server->queue_count) % server->config.queue_max] = exchange;
        server->queue_count++;
    }
    pthread_mutex_unlock(&server->queue_lock);
    if (room)
        pthread_cond_signal(&server->queue_filled);
    return room;
}

/* NULL when the queue is closed and empty. */
static struct exchange *queue_pop(struct http_server *server)
{
    struct exchange *exchange = NULL;
    pthread_mutex_lock(&server->queue_lock);
    while (!server->queue_count && !server->queue_closed)
        pthread_cond_wait(&server->queue_filled, &server->queue_lock);
    if (server->queue_count) {
        exchange = server->queue[server->queue_from];
        server->queue_from = (server->queue_from + 1) % server->config.queue_max;
        server->queue_count--;
    }
    pthread_mutex_unlock(&server->queue_lock);
    return exchange;
}

static bool worker_ready(struct worker *worker)
{
    const struct http_config *config = &worker->server->config;
    if (worker->open || !config->worker_open)
        return true;
    int64_t now_us = clock_monotonic_us();
    if (now_us < worker->next_try_us)
        return false;
    worker->next_try_us = now_us + REOPEN_US;
    worker->open = config->worker_open(config->context, &worker->db) == OK;
    return worker->open;
}

static void *worker_run(void *with)
{
    struct worker worker = {.server = with};
    const struct http_config *config = &worker.server->config;
    worker_ready(&worker);
    for (struct exchange *exchange; (exchange = queue_pop(worker.server));) {
        if (worker_ready(&worker)) {
            exchange->rq.db = worker.db;
            exchange_run(exchange);
        } else {
            reply_error(&exchange->rq, ERR_DATABASE);
        }
        exchange_let_go(exchange);
    }
    if (worker.open && config->worker_close)
        config->worker_close(config->context, worker.db);
    return NULL;
}

enum err queue_start(struct http_server *server)
{
    server->queue = memory_new(server->config.queue_max * sizeof(*server->queue));
    server->workers = memory_new((size_t)server->config.workers * sizeof(*server->workers));
    for (int i = 0; i < server->config.workers; i++) {
        if (pthread_create(&server->workers[i], NULL, worker_run, server))
            return ERR_IO;
        server->worker_count++;
    }
    return OK;
}

void queue_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->queue_lock);
    server->queue_closed = true;
    pthread_mutex_unlock(&server->queue_lock);
    pthread_cond_broadcast(&server->queue_filled);
    for (int i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i], NULL);
    server->worker_count = 0;
}
