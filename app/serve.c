/* `lephi serve`: start, work, stop in good order.
 *
 * Threads: event loops and workers of the HTTP server, two confirmation writers, job runners, the sequencer, the HTTP
 * client, and the housekeeper. Stopping goes the other way round: no new requests, then what was accepted is finished.
 */
#include "app/app.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "app/pages/pages.h"
#include "app/service.h"
#include "core/http/limit.h"
#include "payments/fees/fees.h"
#include "payments/ledger/ledger.h"
#include "payments/requests/requests.h"
#include "receipts/receipts.h"

enum { PROXIES_MAX = 16, SIGN_INS_A_MINUTE = 30, HOUSEKEEPING_PAUSE_S = 5, DRAIN_MS = 8000, CATALOGUE_TENTHS = 10 };

static struct service service;

struct service *app_service(void)
{
    return &service;
}

static enum err open_worker(void *context, struct db **ret_db)
{
    (void)context;
    const struct db_options options = {
        .url = config_text(CONFIG_DATABASE_URL), .name = "lephi worker", .statement_timeout_ms = 10000};
    return db_open(&options, ret_db);
}

static void close_worker(void *context, struct db *db)
{
    (void)context;
    db_close(db);
}

/* Looked up once: every request counts. */
enum { CLASSES = 6 };
static struct {
    int classes[CLASSES], on_loop, on_worker;
} labels;

static void labels_find(void)
{
    static const char *const classes[CLASSES] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (int i = 0; i < CLASSES; i++)
        labels.classes[i] = metrics_label(METRIC_HTTP_REPLIES, classes[i]);
    labels.on_loop = metrics_label(METRIC_HTTP_SECONDS, "inline");
    labels.on_worker = metrics_label(METRIC_HTTP_SECONDS, "worker");
}

static void observe(const struct request *rq, int status, int64_t duration_us)
{
    metrics_count_at(METRIC_HTTP_REPLIES, labels.classes[status / 100 % CLASSES], 1);
    metrics_observe_at(METRIC_HTTP_SECONDS,
                       rq->route && rq->route->place == HTTP_INLINE ? labels.on_loop : labels.on_worker, duration_us);
    if (status < 500)
        return;
    /* The route's pattern, never the path: a path may hold a citizen's token. */
    LOG_ERROR(rq->id, "request failed", log_string("route", rq->route ? rq->route->pattern : "none"),
              log_int("status", status), log_int("duration_us", duration_us));
}

static void wake_jobs(void *with)
{
    app_rooms_wake(with);
}

/* Another host may have published another catalogue. */
static void follow_catalogue(struct db *db)
{
    struct arena arena;
    if (!db)
        return;
    arena_init(&arena);
    enum err err = catalogue_refresh(db, &arena);
    if (err)
        LOG_WARNING(NULL, "catalogue in force not read", log_string("error", err_info(err)->code));
    arena_done(&arena);
}

/* What time alone asks for: requests that run out, stored replies that grow old. */
static void *keep_house(void *with)
{
    (void)with;
    struct db *db = NULL;
    while (!atomic_load(&service.stopping)) {
        if (db || !open_worker(NULL, &db)) {
            struct arena arena;
            int64_t expired = 0, purged = 0, asked = 0;
            arena_init(&arena);
            enum err err = payment_requests_expire(db, &arena, clock_now(), &expired);
            if (!err)
                err = idempotency_purge(db, &arena, clock_now(), &purged);
            if (!err)
                err = receipt_log_tick(db, &arena, clock_now(), &asked);
            app_rooms_refresh(&service, db, &arena, clock_now());
            if (err)
                LOG_WARNING(NULL, "housekeeping failed", log_string("error", err_info(err)->code));
            arena_done(&arena);
        }
        for (int i = 0; i < HOUSEKEEPING_PAUSE_S * 10 && !atomic_load(&service.stopping); i++) {
            struct timespec tenth = {0, 100000000};
            nanosleep(&tenth, NULL);
            if (i % CATALOGUE_TENTHS == 0)
                follow_catalogue(db);
        }
    }
    db_close(db);
    return NULL;
}

static int complain(const char *what, enum err err)
{
    fprintf(stderr, "lephi serve: %s: %s\n", what, err_info(err)->en);
    return EXIT_FAILED;
}

/* The database must be there and at this binary's version. */
static enum err check_database(struct faults *faults)
{
    struct db *db;
    int pending = 0;
    enum err err = open_worker(NULL, &db);
    if (err)
        return faults_add(faults, "database.url", err, NULL);
    err = migrate_pending(db, config_text(CONFIG_PATHS_SQL), faults, &pending);
    if (!err && pending)
        err = faults_add(faults, "database", ERR_CONFIG, "Còn %d bước nâng cấp chưa chạy: lephi migrate", pending);
    if (!err)
        err = calendar_load(db, &service.calendar);
    if (!err)
        err = catalogue_start(db, config_text(CONFIG_PATHS_CATALOGUE), clock_now(), faults);
    db_close(db);
    return err;
}

static enum err load(struct faults *faults)
{
    if (!config_set(CONFIG_SERVER_SECRET))
        return faults_add(faults, "server.secret", ERR_CONFIG, "Thiếu khóa bí mật của máy chủ");
    enum err err = check_database(faults);
    if (err)
        return err;
    const struct http_client_config client = {0};
    err = http_client_start(&client, &service.client); /* rooms hand it to their carriers */
    if (err)
        return faults_add(faults, "HTTP client", err, NULL);
    return app_rooms_open(&service, faults);
}

static int start_background(void)
{
    const char *url = config_text(CONFIG_DATABASE_URL);
    enum err err = app_rooms_start(&service);
    if (err)
        return complain("jobs", err);
    err = feed_start(url, 20, &service.feed);
    if (err)
        return complain("sequencer", err);
    err = app_outgoing_start(&service);
    if (err)
        return complain("webhooks", err);
    const struct confirmer_config confirmer = {.database_url = url,
                                               .writers = (int)config_int(CONFIG_PAYMENTS_WRITERS),
                                               .wait_ms = (int)config_int(CONFIG_PAYMENTS_BATCH_WAIT),
                                               .batch_max = (size_t)config_int(CONFIG_PAYMENTS_BATCH_MAX),
                                               .committed = wake_jobs,
                                               .with = &service};
    err = confirmer_start(&confirmer, &service.confirmer);
    if (err)
        return complain("confirmation", err);
    ledger_confirmer_set(service.confirmer);
    return pthread_create(&service.housekeeper, NULL, keep_house, NULL) ? complain("housekeeper", ERR_UNAVAILABLE)
                                                                        : EXIT_DONE;
}

static struct limit *limit; /* NULL: none */

static bool is_loopback(struct text address)
{
    return text_starts(address, "127.") || text_is(address, "::1") || text_starts(address, "::ffff:127.");
}

/* Strangers' calls that cost a worker are counted by address; what a password check costs is counted dearer. Banks and
 * probes are not counted: their calls are signed or tiny. Loopback stands for whoever runs the machine. */
static enum err admit(struct request *rq)
{
    const struct route *route = rq->route;
    if (!limit || !route || !(route->access & ACCESS_PUBLIC) || route->place != HTTP_WORKER ||
        !strcmp(route->pattern, "/readyz") || !strncmp(route->pattern, "/v1/notifications/", 18) ||
        !strncmp(route->pattern, "/v1/messages/", 13))
        return OK;
    struct text peer = request_peer(rq);
    if (is_loopback(peer))
        return OK;
    int64_t per_minute = config_int(CONFIG_HTTP_PUBLIC_PER_MINUTE);
    int cost = (!strcmp(route->pattern, "/login") || !strncmp(route->pattern, "/v1/receipts/lookup", 19) ||
                !strcmp(route->pattern, "/receipts")) &&
                       per_minute >= SIGN_INS_A_MINUTE
                   ? (int)per_minute / SIGN_INS_A_MINUTE
                   : 1;
    return limit_take(limit, peer, cost, clock_monotonic_us()) ? OK : ERR_RATE_LIMIT;
}

/* http.proxies: addresses separated by spaces; they live as long as the program. */
static size_t read_proxies(const char *ret_proxies[PROXIES_MAX])
{
    static struct arena kept;
    size_t count = 0;
    struct text rest = text_of(config_text(CONFIG_HTTP_PROXIES));
    while (rest.length && count < PROXIES_MAX) {
        struct text one = text_until(rest, ' ', &rest);
        if (one.length)
            ret_proxies[count++] = arena_copy(&kept, one);
    }
    return count;
}

static int start_http(void)
{
    static const char *proxies[PROXIES_MAX];
    size_t proxy_count = read_proxies(proxies);
    labels_find();
    int per_minute = (int)config_int(CONFIG_HTTP_PUBLIC_PER_MINUTE);
    limit = per_minute ? limit_new(per_minute, per_minute) : NULL;
    const struct http_config http = {.address = config_text(CONFIG_HTTP_ADDRESS),
                                     .port = (uint16_t)config_int(CONFIG_HTTP_PORT),
                                     .loop_threads = (int)config_int(CONFIG_HTTP_LOOPS),
                                     .workers = (int)config_int(CONFIG_HTTP_WORKERS),
                                     .queue_max = (size_t)config_int(CONFIG_HTTP_QUEUE),
                                     .connections_max = (int)config_int(CONFIG_HTTP_CONNECTIONS),
                                     .proxies = proxies,
                                     .proxy_count = proxy_count,
                                     .routes = app_routes,
                                     .route_count = app_route_count,
                                     .context = &service,
                                     .admit = admit,
                                     .authorize = auth_authorize,
                                     .worker_open = open_worker,
                                     .worker_close = close_worker,
                                     .before_reply = pages_before_reply,
                                     .observe = observe};
    enum err err = http_server_start(&http, &service.http);
    if (err)
        return complain("HTTP server", err);
    printf("listening on %s:%u\n", http.address, http_server_port(service.http));
    fflush(stdout);
    return EXIT_DONE;
}

static void stop(void)
{
    http_server_stop(service.http, DRAIN_MS);
    limit_free(limit);
    confirmer_stop(service.confirmer);
    app_rooms_stop(&service);
    app_outgoing_stop(&service);
    rounds_stop(service.feed);
    atomic_store(&service.stopping, true);
    if (service.housekeeper)
        pthread_join(service.housekeeper, NULL);
    http_client_stop(service.client);
    app_rooms_close(&service);
    calendar_free(service.calendar);
    catalogue_in_force_set(NULL);
    catalogue_versions_forget();
}

int command_serve(int argc, char **argv)
{
    if (argc != 1)
        return app_usage(argv[0], NULL);
    int status = app_configure();
    if (status)
        return status;
    /* Signals are taken by this thread alone; a peer that hangs up must not end the service. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* A dozen threads that mostly wait need no heap each. */
    mallopt(M_ARENA_MAX, 2);

    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (load(&faults)) {
        app_print_faults(&faults);
        status = faults.count && faults.list[0].code == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
    }
    arena_done(&arena);
    if (!status)
        status = start_background();
    if (!status)
        status = start_http();
    memory_give_back();
    if (!status) {
        int got;
        sigwait(&ends, &got);
        LOG_INFO(NULL, "stopping", log_int("signal", got));
    }
    stop();
    return status;
}
