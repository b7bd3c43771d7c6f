/* Start and stop. */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/crypto.h"
#include "core/base/memory.h"
#include "core/http/exchange.h"

enum { BACKLOG = 4096 };

static void defaults(struct http_config *config)
{
    config->address = config->address ? config->address : "127.0.0.1";
    config->loop_threads = config->loop_threads ? config->loop_threads : 1;
    config->workers = config->workers ? config->workers : 4;
    config->queue_max = config->queue_max ? config->queue_max : 1024;
    config->body_total_max = config->body_total_max ? config->body_total_max : (size_t)256 << 20;
    config->connections_max = config->connections_max ? config->connections_max : 10000;
    config->idle_timeout_ms = config->idle_timeout_ms ? config->idle_timeout_ms : 60000;
    config->body_timeout_ms = config->body_timeout_ms ? config->body_timeout_ms : 30000;
    config->deadline_ms = config->deadline_ms ? config->deadline_ms : 10000;
    config->retry_after_s = config->retry_after_s ? config->retry_after_s : 2;
}

static enum err bind_to(const struct addrinfo *address, int loop_count, int *ret_listener)
{
    int on = 1;
    int listener = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return ERR_IO;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* Only when loops share the port: otherwise a second server on it must fail loudly. */
    if (loop_count > 1)
        setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(listener, address->ai_addr, address->ai_addrlen) || listen(listener, BACKLOG)) {
        close(listener);
        return ERR_IO;
    }
    *ret_listener = listener;
    return OK;
}

static uint16_t port_of(int listener)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {.v6 = {0}};
    socklen_t size = sizeof bound;
    if (getsockname(listener, &bound.any, &size))
        return 0;
    return bound.any.sa_family == AF_INET6 ? ntohs(bound.v6.sin6_port) : ntohs(bound.v4.sin_port);
}

static enum err listen_on(const struct http_config *config, uint16_t port, int *ret_listener)
{
    char service[8];
    struct addrinfo *address;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(config->address, service, &hints, &address))
        return ERR_CONFIG;
    enum err err = bind_to(address, config->loop_threads, ret_listener);
    freeaddrinfo(address);
    return err;
}

static enum err loop_add(struct http_server *server)
{
    struct loop *loop = memory_new(sizeof *loop);
    loop->server = server;
    loop->listener = loop->epoll = loop->wake = -1;
    crypto_random(loop->id_key, sizeof loop->id_key);
    enum err err = listen_on(&server->config, server->port, &loop->listener);
    if (err) {
        free(loop);
        return err;
    }
    server->port = port_of(loop->listener);
    server->loops[server->loop_count++] = loop;
    return OK;
}

static enum err start_all(struct http_server *server)
{
    enum err err = router_new(server->config.routes, server->config.route_count, &server->router);
    for (int i = 0; i < server->config.loop_threads && !err; i++)
        err = loop_add(server);
    if (!err)
        err = queue_start(server);
    for (int i = 0; i < server->loop_count && !err; i++)
        err = loop_start(server->loops[i]);
    return err;
}

enum err http_server_start(const struct http_config *config, struct http_server **ret_server)
{
    struct http_server *server = memory_new(sizeof *server);
    server->config = *config;
    defaults(&server->config);
    server->port = config->port;
    pthread_mutex_init(&server->queue_lock, NULL);
    pthread_cond_init(&server->queue_filled, NULL);

    /* Signals belong to the program's main thread; ours inherit a mask with all of them blocked. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool in_range = server->config.loop_threads >= 1 && server->config.loop_threads <= LOOPS_MAX &&
                    server->config.workers >= 1 && server->config.workers <= 1024;
    enum err err = in_range ? start_all(server) : ERR_CONFIG;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err) {
        http_server_stop(server, 0);
        return err;
    }
    *ret_server = server;
    return OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

size_t http_server_queued(const struct http_server *server)
{
    return atomic_load_explicit(&server->queue_count, memory_order_relaxed);
}

size_t http_server_active(const struct http_server *server)
{
    size_t count = 0;
    for (int i = 0; i < server->loop_count; i++)
        count += atomic_load_explicit(&server->loops[i]->busy, memory_order_relaxed);
    return count;
}

void http_server_stop(struct http_server *server, int drain_ms)
{
    if (!server)
        return;
    atomic_store(&server->stop_due_us, clock_monotonic_us() + drain_ms * INT64_C(1000) + 1);
    for (int i = 0; i < server->loop_count; i++)
        if (server->loops[i]->running)
            loop_wake(server->loops[i]);
    for (int i = 0; i < server->loop_count; i++)
        if (server->loops[i]->running)
            pthread_join(server->loops[i]->thread, NULL);
    atomic_store(&server->abandon, true);
    queue_stop(server);
    size_t abandoned = 0;
    for (int i = 0; i < server->loop_count; i++)
        abandoned += loop_release(server->loops[i]);
    if (abandoned)
        return; /* somebody still holds a deferred request: its memory must outlive us */
    for (int i = 0; i < server->loop_count; i++)
        loop_free(server->loops[i]);
    router_free(server->router);
    pthread_cond_destroy(&server->queue_filled);
    pthread_mutex_destroy(&server->queue_lock);
    free(server->queue);
    free(server->workers);
    free(server);
}
