/* One loop: our own epoll around libmicrohttpd's.
 *
 * libmicrohttpd 0.9.75's internal epoll thread waits for the whole connection time-out when a multiple of 128 events is
 * ready at once (a client can bring that about), therefore MHD_run from outside, whose inner wait is zero. What other
 * threads finish arrives through the done list and an eventfd, and is resumed here, followed by MHD_run: no resume can
 * get lost between two threads. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/memory.h"
#include "core/http/exchange.h"

enum { CONNECTION_MEMORY = 8192, SWEEP_US = 500 * 1000, FLUSH_ROUNDS = 8 };

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    while (write(loop->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void loop_done(struct exchange *exchange)
{
    struct loop *loop = exchange->loop;
    exchange->next = NULL;
    pthread_mutex_lock(&loop->done_lock);
    bool was_empty = !loop->done_head;
    *loop->done_tail = exchange;
    loop->done_tail = &exchange->next;
    if (was_empty) /* under the lock: the loop cannot end and close the descriptor in between */
        loop_wake(loop);
    pthread_mutex_unlock(&loop->done_lock);
}

static void take_done(struct loop *loop)
{
    pthread_mutex_lock(&loop->done_lock);
    struct exchange *exchange = loop->done_head;
    loop->done_head = NULL;
    loop->done_tail = &loop->done_head;
    pthread_mutex_unlock(&loop->done_lock);
    while (exchange) {
        struct exchange *next = exchange->next;
        exchange->held = false;
        if (!exchange->expired) {
            exchange->line->exchange = NULL;
            MHD_resume_connection(exchange->connection);
        } else if (exchange->completed) {
            loop->abandoned--;
            exchange_give_back(exchange);
        }
        exchange = next;
    }
}

static void on_connection(void *with, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct loop *loop = with;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct line *line = *context;
        if (!line)
            return;
        *(line->previous ? &line->previous->next : &loop->lines) = line->next;
        if (line->next)
            line->next->previous = line->previous;
        free(line);
        *context = NULL;
        return;
    }
    struct line *line = memory_new(sizeof *line);
    line->socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    if (address && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, line->peer, PEER_SIZE);
    else if (address && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, line->peer, PEER_SIZE);
    line->due_us = loop->now_us + loop->server->config.idle_timeout_ms * INT64_C(1000);
    line->next = loop->lines;
    if (line->next)
        line->next->previous = line;
    loop->lines = line;
    *context = line;
}

static void expire(struct exchange *exchange)
{
    exchange->line->exchange = NULL;
    exchange->expired = true;
    MHD_resume_connection(exchange->connection);
}

/* libmicrohttpd's own time-out starts again with every byte; this one does not, so dripping bytes holds nothing. */
static void sweep(struct loop *loop, int64_t now_us)
{
    for (struct line *line = loop->lines; line; line = line->next) {
        if (line->due_us > now_us)
            continue;
        if (line->exchange)
            expire(line->exchange);
        else
            shutdown(line->socket, SHUT_RDWR);
        line->due_us = INT64_MAX;
    }
}

static void wait_for_events(struct loop *loop, int64_t now_us)
{
    MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
    int64_t wait_ms = (loop->sweep_due_us - now_us) / 1000 + 1;
    if (MHD_get_timeout(loop->daemon, &daemon_ms) == MHD_YES && (int64_t)daemon_ms < wait_ms)
        wait_ms = (int64_t)daemon_ms;
    struct epoll_event events[2];
    int count = epoll_wait(loop->epoll, events, 2, wait_ms > 0 ? (int)wait_ms : 0);
    for (int i = 0; i < count; i++) {
        uint64_t times;
        if (events[i].data.fd == loop->wake)
            (void)!read(loop->wake, &times, sizeof times);
    }
}

static void quiesce(struct loop *loop)
{
    int listener = MHD_quiesce_daemon(loop->daemon);
    if (listener >= 0)
        close(listener);
    loop->listener = -1;
}

/* A suspended connection must not live when the daemon stops (libmicrohttpd ends the process). */
static void finish(struct loop *loop)
{
    take_done(loop);
    for (struct line *line = loop->lines; line; line = line->next)
        if (line->exchange)
            expire(line->exchange);
    for (int i = 0; i < FLUSH_ROUNDS; i++)
        MHD_run(loop->daemon);
    MHD_stop_daemon(loop->daemon);
    loop->daemon = NULL;
}

static void *loop_run(void *with)
{
    struct loop *loop = with;
    struct http_server *server = loop->server;
    for (bool stopping = false;;) {
        int64_t stop_due_us = atomic_load(&server->stop_due_us), now_us = loop->now_us;
        if (stop_due_us && !stopping) {
            quiesce(loop);
            stopping = true;
        }
        if (stopping && (!atomic_load_explicit(&loop->busy, memory_order_relaxed) || now_us >= stop_due_us))
            break;
        if (now_us >= loop->sweep_due_us) {
            sweep(loop, now_us);
            loop->sweep_due_us = now_us + SWEEP_US;
        }
        if (stopping && stop_due_us < loop->sweep_due_us)
            loop->sweep_due_us = stop_due_us;
        wait_for_events(loop, now_us);
        loop->now_us = clock_monotonic_us();
        take_done(loop);
        MHD_run(loop->daemon);
    }
    finish(loop);
    return NULL;
}

static size_t keep_escapes(void *with, struct MHD_Connection *connection, char *text)
{
    return strlen(text); /* we decode ourselves, from the raw target */
}

static enum err watch(struct loop *loop, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event) ? ERR_IO : OK;
}

enum err loop_start(struct loop *loop)
{
    const struct http_config *config = &loop->server->config;
    unsigned idle_s = (unsigned)(config->idle_timeout_ms / 1000 + 1);
    unsigned connections = (unsigned)(config->connections_max / loop->server->loop_count + 1);
    pthread_mutex_init(&loop->done_lock, NULL);
    loop->now_us = clock_monotonic_us();
    loop->done_tail = &loop->done_head;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, arrive_request, loop,
                                    MHD_OPTION_LISTEN_SOCKET, loop->listener, MHD_OPTION_CONNECTION_LIMIT, connections,
                                    MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                    (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                    MHD_OPTION_URI_LOG_CALLBACK, arrive_target, loop, MHD_OPTION_NOTIFY_COMPLETED,
                                    arrive_completed, loop, MHD_OPTION_NOTIFY_CONNECTION, on_connection, loop,
                                    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        loop->daemon ? MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || loop->epoll < 0 || loop->wake < 0)
        return ERR_IO;
    enum err err = watch(loop, info->epoll_fd);
    if (!err)
        err = watch(loop, loop->wake);
    if (err)
        return err;
    if (pthread_create(&loop->thread, NULL, loop_run, loop))
        return ERR_IO;
    loop->running = true;
    return OK;
}

size_t loop_release(struct loop *loop)
{
    if (loop->running)
        take_done(loop);
    return loop->abandoned;
}

void loop_free(struct loop *loop)
{
    if (loop->daemon)
        MHD_stop_daemon(loop->daemon); /* closes the listener too */
    else if (loop->listener >= 0)
        close(loop->listener);
    for (struct exchange *exchange = loop->free, *next; exchange; exchange = next) {
        next = exchange->next;
        arena_done(&exchange->rq.arena);
        buf_done(&exchange->body);
        buf_done(&exchange->reply);
        free(exchange);
    }
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    pthread_mutex_destroy(&loop->done_lock);
    free(loop);
}
