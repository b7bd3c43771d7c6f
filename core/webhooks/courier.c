/* One courier per subscriber: queue what happened since, send what is due, note each outcome at once. */
#include "core/webhooks/webhooks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/base/memory.h"
#include "core/http/client.h"
#include "core/jobs/feed.h"
#include "core/jobs/rounds.h"
#include "core/system/config.h"
#include "core/system/log.h"
#include "core/system/metrics.h"

enum { QUEUE_AT_ONCE = 500, SEND_AT_ONCE = 32, PAUSE_MS = 200, MANAGER_PAUSE_MS = 500, PURGE_EVERY = 7200 };

static const struct db_statement
    active_sql = {"webhooks_active", "SELECT id FROM webhook WHERE state = 'active' ORDER BY id LIMIT $1"},
    lock_sql = {"webhook_lock", "SELECT pg_try_advisory_lock(hashtext('webhook ' || current_schema()), $1::integer)"},
    unlock_sql = {"webhook_unlock", "SELECT pg_advisory_unlock(hashtext('webhook ' || current_schema()), $1::integer)"},
    queue_sql = {"webhook_queue", "SELECT webhook_queue($1, $2, $3)"},
    /* Of a lane, what stands behind one that waits for its next try waits too. */
    next_sql = {"webhook_next",
                "SELECT w.name, w.url, d.lane, f.position, e.kind, e.at, e.dossier, e.request_id, e.body::text"
                " FROM webhook w JOIN webhook_delivery d ON d.webhook_id = w.id JOIN feed f ON f.position = d.position"
                " JOIN event e ON (e.booked_month, e.id) = (f.booked_month, f.event_id)"
                " WHERE w.id = $1 AND w.state = 'active' AND (w.pause_until IS NULL OR w.pause_until <= $2)"
                " AND d.state = 'waiting' AND d.run_at <= $2 AND NOT EXISTS (SELECT FROM webhook_delivery b WHERE"
                " b.webhook_id = d.webhook_id AND b.lane = d.lane AND b.state = 'waiting' AND b.position < d.position"
                " AND b.run_at > $2) ORDER BY d.position LIMIT $3"},
    delivered_sql = {"webhook_delivered", "SELECT webhook_delivered($1, $2, $3, $4, $5)"},
    failed_sql = {"webhook_failed",
                  "SELECT webhook_failed($1, $2, $3, $4, $5, $6, $7, make_interval(secs => $8::bigint))"},
    purge_sql = {"webhooks_purge",
                 "DELETE FROM webhook_delivery WHERE (webhook_id, position) IN (SELECT webhook_id,"
                 " position FROM webhook_delivery WHERE state = 'delivered' AND done_at < $1::timestamptz"
                 " - interval '90 days' LIMIT 10000)"};

struct courier {
    int64_t id; /* 0: a free place */
    struct webhooks *webhooks;
    struct rounds *rounds;
};

struct webhooks {
    struct webhooks_config config;
    struct http_client *client;
    struct rounds *manager;
    unsigned purge_round;
    atomic_bool closing;
    struct courier couriers[WEBHOOKS_MAX];
};

void webhook_sign(struct text secret, int64_t timestamp_s, struct text body, struct arena *arena,
                  char ret_signature[WEBHOOK_SIGNATURE_SIZE])
{
    uint8_t mac[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    struct text signed_text = arena_textf(arena, "%lld.%.*s", (long long)timestamp_s, TEXT_ARGS(body));
    crypto_hmac_sha256(secret, signed_text, mac);
    hex_encode(mac, sizeof mac, hex);
    snprintf(ret_signature, WEBHOOK_SIGNATURE_SIZE, "sha256=%s", hex);
}

/* How one try ended. `why` is NULL when the other side took it. */
struct outcome {
    const char *why;
    int status, took_ms;
    bool silent; /* nobody answered, or nothing could be sent at all */
};

static struct outcome send_event(struct courier *courier, struct arena *arena, const struct db_rows *rows, int row)
{
    const struct webhooks_config *config = &courier->webhooks->config;
    const char *name = arena_copy(arena, db_text(rows, row, 0)), *url = arena_copy(arena, db_text(rows, row, 1));
    const char *secret = config_source("webhook", name, "secret");
    char signature[WEBHOOK_SIGNATURE_SIZE];
    struct buf body = {0};
    if (!secret)
        return (struct outcome){.why = "chưa cấu hình khóa bí mật (no secret)", .silent = true};
    if (!webhook_url_allowed(text_of(url), text_of(config->urls)))
        return (struct outcome){.why = "địa chỉ không được phép (address not allowed)", .silent = true};
    struct json json = json_to(&body);
    feed_event_write(&json, rows, row, 3);
    int64_t now_s = clock_now() / SECOND_US;
    webhook_sign(text_of(secret), now_s, buf_view(&body), arena, signature);
    const struct http_pair headers[] = {
        {"Content-Type", TEXT("application/json")},
        {"X-Lephi-Timestamp", arena_textf(arena, "%lld", (long long)now_s)},
        {"X-Lephi-Signature", text_of(signature)},
        {"X-Lephi-Event", db_text(rows, row, 4)},
        {"X-Lephi-Delivery", arena_textf(arena, "%s/%lld", name, (long long)db_int(rows, row, 3))}};
    const struct http_call call = {.method = "POST",
                                   .url = url,
                                   .headers = headers,
                                   .header_count = sizeof headers / sizeof *headers,
                                   .body = buf_view(&body),
                                   .total_timeout_ms = config->timeout_ms,
                                   .answer_max = 64 * 1024,
                                   .ca_file = config->ca_file};
    struct http_answer answer = {0};
    int64_t began_us = clock_monotonic_us();
    enum err err = http_client_call(courier->webhooks->client, &call, arena, &answer);
    buf_done(&body);
    struct outcome outcome = {.took_ms = (int)((clock_monotonic_us() - began_us) / 1000)};
    if (err) {
        outcome.why = err_info(err)->en;
        outcome.silent = true;
    } else {
        outcome.status = answer.status;
        if (answer.status < 200 || answer.status > 299)
            outcome.why = arena_printf(arena, "HTTP %d", answer.status);
    }
    return outcome;
}

static enum err note(struct db *db, struct arena *arena, const struct courier *courier, int64_t position,
                     const struct outcome *outcome)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, courier->id);
    db_arg_int(&args, position);
    if (outcome->status)
        db_arg_int(&args, outcome->status);
    else
        db_arg_null(&args);
    metrics_count(METRIC_WEBHOOKS, outcome->why ? "failed" : "delivered", 1);
    if (!outcome->why) {
        db_arg_int(&args, outcome->took_ms);
        return db_run(db, &delivered_sql, &args);
    }
    db_arg_string(&args, outcome->why);
    db_arg_int(&args, outcome->took_ms);
    db_arg_bool(&args, outcome->silent);
    db_arg_int(&args, courier->webhooks->config.patience_s);
    return db_run(db, &failed_sql, &args);
}

/* Whether an earlier one of the same lane failed in this round. */
static bool behind_failure(const struct db_rows *rows, int row, const bool failed[SEND_AT_ONCE])
{
    for (int i = 0; i < row; i++)
        if (failed[i] && text_equal(db_text(rows, i, 2), db_text(rows, row, 2)))
            return true;
    return false;
}

static int64_t send_due(struct db *db, struct arena *arena, struct courier *courier)
{
    bool failed[SEND_AT_ONCE] = {false};
    struct db_args args = db_args(arena);
    struct db_rows rows;
    int64_t sent = 0;
    db_arg_int(&args, courier->id);
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, SEND_AT_ONCE);
    if (db_query(db, &next_sql, &args, &rows))
        return 0;
    for (int i = 0; i < rows.count && !atomic_load(&courier->webhooks->closing); i++) {
        if (behind_failure(&rows, i, failed))
            continue;
        struct outcome outcome = send_event(courier, arena, &rows, i);
        failed[i] = outcome.why != NULL;
        if (atomic_load(&courier->webhooks->closing) && outcome.silent)
            break; /* we hung up, not they */
        enum err err = note(db, arena, courier, db_int(&rows, i, 3), &outcome);
        if (outcome.why)
            LOG_WARNING(NULL, "webhook not taken", log_text("webhook", db_text(&rows, i, 0)),
                        log_int("position", db_int(&rows, i, 3)), log_string("why", outcome.why));
        if (err || outcome.silent)
            break;
        sent++;
    }
    return sent;
}

static int64_t courier_round(struct db *db, struct arena *arena, void *with)
{
    struct courier *courier = with;
    struct db_args id = db_args(arena), args = db_args(arena);
    struct db_rows rows;
    int64_t done = 0;
    db_arg_int(&id, courier->id);
    if (db_query(db, &lock_sql, &id, &rows) || !db_bool(&rows, 0, 0))
        return 0; /* another host has it */
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, courier->id);
    db_arg_int(&args, QUEUE_AT_ONCE);
    if (!db_query(db, &queue_sql, &args, &rows))
        done = db_int(&rows, 0, 0);
    done += send_due(db, arena, courier);
    (void)!db_run(db, &unlock_sql, &id);
    return done;
}

static bool still_active(const struct db_rows *rows, int64_t id)
{
    for (int i = 0; i < rows->count; i++)
        if (db_int(rows, i, 0) == id)
            return true;
    return false;
}

static void start_courier(struct webhooks *webhooks, int64_t id)
{
    struct courier *place = NULL;
    for (size_t i = 0; i < WEBHOOKS_MAX; i++) {
        if (webhooks->couriers[i].id == id)
            return;
        if (!webhooks->couriers[i].id && !place)
            place = &webhooks->couriers[i];
    }
    if (!place)
        return;
    *place = (struct courier){.id = id, .webhooks = webhooks};
    const struct rounds_config config = {.database_url = webhooks->config.database_url,
                                         .name = "lephi webhook",
                                         .pause_ms = PAUSE_MS,
                                         .round = courier_round,
                                         .with = place};
    if (rounds_start(&config, &place->rounds))
        *place = (struct courier){0};
}

static void end_courier(struct courier *courier)
{
    rounds_stop(courier->rounds);
    *courier = (struct courier){0};
}

static int64_t manager_round(struct db *db, struct arena *arena, void *with)
{
    struct webhooks *webhooks = with;
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, WEBHOOKS_MAX);
    if (db_query(db, &active_sql, &args, &rows))
        return 0;
    for (size_t i = 0; i < WEBHOOKS_MAX; i++)
        if (webhooks->couriers[i].id && !still_active(&rows, webhooks->couriers[i].id))
            end_courier(&webhooks->couriers[i]);
    for (int i = 0; i < rows.count; i++)
        start_courier(webhooks, db_int(&rows, i, 0));
    if (webhooks->purge_round++ % PURGE_EVERY == 0) {
        args = db_args(arena);
        db_arg_instant(&args, clock_now());
        (void)!db_run(db, &purge_sql, &args);
    }
    return 0;
}

enum err webhooks_start(const struct webhooks_config *config, struct webhooks **ret_webhooks)
{
    struct webhooks *webhooks = memory_new(sizeof *webhooks);
    webhooks->config = *config;
    enum err err = http_client_start(&(struct http_client_config){.calls_max = 2 * WEBHOOKS_MAX}, &webhooks->client);
    const struct rounds_config manager = {.database_url = config->database_url,
                                          .name = "lephi webhooks",
                                          .pause_ms = MANAGER_PAUSE_MS,
                                          .round = manager_round,
                                          .with = webhooks};
    if (!err)
        err = rounds_start(&manager, &webhooks->manager);
    if (err) {
        http_client_stop(webhooks->client);
        free(webhooks);
        return err;
    }
    *ret_webhooks = webhooks;
    return OK;
}

void webhooks_stop(struct webhooks *webhooks)
{
    if (!webhooks)
        return;
    atomic_store(&webhooks->closing, true);
    http_client_close(webhooks->client); /* nobody waits for a subscriber that hangs */
    rounds_stop(webhooks->manager);
    for (size_t i = 0; i < WEBHOOKS_MAX; i++)
        if (webhooks->couriers[i].id)
            rounds_ask_to_stop(webhooks->couriers[i].rounds);
    for (size_t i = 0; i < WEBHOOKS_MAX; i++)
        if (webhooks->couriers[i].id)
            end_courier(&webhooks->couriers[i]);
    http_client_stop(webhooks->client);
    free(webhooks);
}
