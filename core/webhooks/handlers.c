/* Staff say who is told of what; everybody who may read the feed sees what was delivered and can ask for it again. */
#include "core/webhooks/webhooks.h"

#include <string.h>
#include "core/auth/auth.h"
#include "core/auth/idempotency.h"
#include "core/http/list.h"
#include "core/json/json_read.h"
#include "core/system/config.h"

enum { KINDS_MAX = 40, URL_MAX = 500, SECRET_MIN = 16, REPLAY_AT_ONCE = 20000 };

static const char *allowed_urls = "";

#define WEBHOOK                                                                                                        \
    "SELECT w.id, w.name, w.url, array_to_string(w.kinds, ' '), w.state, w.queued_to, w.failures, w.failing_since,"    \
    " w.pause_until, w.problem, (SELECT count(*) FROM (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND"   \
    " d.state = 'waiting' LIMIT 10000) x), w.created_at FROM webhook w"

static const struct db_statement
    list_sql = {"webhooks", WEBHOOK " WHERE w.id > $1 ORDER BY w.id LIMIT $2"},
    get_sql = {"webhook", WEBHOOK " WHERE w.id = $1"},
    make_sql = {"webhook_make",
                "INSERT INTO webhook (name, url, kinds, queued_to, created_at, created_by, changed_at) SELECT $3, $4,"
                " $5, least(coalesce($6, f.last), f.last), $1, $2, $1 FROM (SELECT coalesce(max(position), 0) AS last"
                " FROM feed) f WHERE (SELECT count(*) FROM webhook) < $7 RETURNING id"},
    change_sql = {"webhook_change", "UPDATE webhook SET url = $3, kinds = $4, changed_at = $1 WHERE id = $2 RETURNING"
                                    " name"},
    switch_sql = {"webhook_switch", "SELECT webhook_switch($1, $2, $3, $4)"},
    replay_sql = {"webhook_replay", "SELECT queued, next_from FROM webhook_replay($1, $2, $3, $4, $5, $6)"},
    deliveries_sql = {"webhook_deliveries",
                      "SELECT d.position, e.kind, e.dossier, e.request_id, d.state, d.tries, d.replays, d.status,"
                      " d.problem, d.duration_ms, d.first_at, d.done_at, d.run_at FROM webhook_delivery d JOIN feed f"
                      " ON f.position = d.position JOIN event e ON (e.booked_month, e.id) = (f.booked_month,"
                      " f.event_id) WHERE d.webhook_id = $3 AND d.position > $1 AND ($4::text IS NULL OR d.state = $4)"
                      " AND ($5::text IS NULL OR d.lane = $5) ORDER BY d.position LIMIT $2"};

void webhooks_urls_use(const char *urls)
{
    allowed_urls = urls;
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

static void kinds_write(struct json *json, struct text kinds)
{
    json_put_array(json, "kinds");
    while (kinds.length)
        json_put_text(json, NULL, text_until(kinds, ' ', &kinds));
    json_put_end(json);
}

static void webhook_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_text(json, "name", db_text(rows, i, 1));
    json_put_text(json, "url", db_text(rows, i, 2));
    kinds_write(json, db_text(rows, i, 3));
    json_put_text(json, "state", db_text(rows, i, 4));
    json_put_int(json, "position", db_int(rows, i, 5));
    json_put_int(json, "waiting", db_int(rows, i, 10));
    json_put_int(json, "failures", db_int(rows, i, 6));
    json_put_instant(json, "failing_since", db_null(rows, i, 7) ? INSTANT_NONE : db_instant(rows, i, 7));
    json_put_instant(json, "paused_until", db_null(rows, i, 8) ? INSTANT_NONE : db_instant(rows, i, 8));
    json_put_text_or_null(json, "problem", db_text(rows, i, 9));
    json_put_instant(json, "created_at", db_instant(rows, i, 11));
    json_put_end(json);
}

static void one_write(struct json *json, const void *what)
{
    webhook_write(json, what, 0);
}

static enum err find(struct request *rq, int64_t id, struct db_rows *ret_rows)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &get_sql, &args, ret_rows);
    return !err && !ret_rows->count ? ERR_NOT_FOUND : err;
}

static enum err asked_id(struct request *rq, int64_t *ret_id)
{
    return text_to_int64(request_capture(rq, "id"), ret_id) && *ret_id > 0 ? OK : ERR_NOT_FOUND;
}

enum err webhooks_list_handle(struct request *rq)
{
    struct list list;
    list_ask(rq, &list);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, webhook_write);
}

enum err webhook_get_handle(struct request *rq)
{
    int64_t id;
    struct db_rows rows;
    enum err err = asked_id(rq, &id);
    if (!err)
        err = find(rq, id, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, one_write, &rows);
}

/* --- who is told of what ------------------------------------------------------------------------------------------ */

struct wanted {
    int64_t id;
    struct text name, url, kinds[KINDS_MAX];
    size_t kind_count;
    int64_t from; /* the feed position after which it begins; -1: now */
};

/* "request.paid" or "refund.*" */
static bool kind_good(struct text kind)
{
    struct text rest, room = text_until(kind, '.', &rest);
    bool good = room.length > 0 && rest.length > 0 && kind.length <= 60;
    for (size_t i = 0; i < room.length; i++)
        good = good && room.at[i] >= 'a' && room.at[i] <= 'z';
    for (size_t i = 0; i < rest.length && !text_is(rest, "*"); i++)
        good = good && ((rest.at[i] >= 'a' && rest.at[i] <= 'z') || rest.at[i] == '_');
    return good;
}

static bool name_good(struct text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i)))
            return false;
    }
    return true;
}

static void read_target(struct json_fields *in, struct wanted *w)
{
    json_read_text(in, "url", REQUIRED, 8, URL_MAX, &w->url);
    if (w->url.length && !webhook_url_allowed(w->url, text_of(allowed_urls)))
        json_fault(in, "url", ERR_FIELD_VALUE, "Địa chỉ không nằm trong danh sách được phép (webhooks.urls)");
    w->kind_count = json_read_array(in, "kinds", OPTIONAL, 0, KINDS_MAX);
    if (w->kind_count > KINDS_MAX)
        w->kind_count = 0; /* a fault by now */
    for (size_t i = 0; i < w->kind_count; i++) {
        json_item_text(in, "kinds", i, 3, 60, &w->kinds[i]);
        if (w->kinds[i].at && !kind_good(w->kinds[i]))
            json_fault(in, "kinds", ERR_FIELD_FORMAT, "Loại sự kiện như request.paid hoặc refund.*");
    }
}

static enum err read_new(struct request *rq, struct wanted *w)
{
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    json_read_text(&in, "name", REQUIRED, 2, 40, &w->name);
    if (w->name.length && !name_good(w->name)) {
        json_fault(&in, "name", ERR_FIELD_FORMAT, "Chữ thường, chữ số và dấu gạch nối");
    } else if (w->name.length) {
        const char *secret = config_source("webhook", arena_copy(&rq->arena, w->name), "secret");
        if (!secret || strlen(secret) < SECRET_MIN)
            json_fault(&in, "name", ERR_FIELD_VALUE,
                       "Chưa cấu hình khóa bí mật (ít nhất %d ký tự) ở mục [webhook.%.*s]", SECRET_MIN,
                       TEXT_ARGS(w->name));
    }
    read_target(&in, w);
    json_read_int(&in, "from", OPTIONAL, 0, INT64_MAX, &w->from);
    return json_close(&in);
}

static enum err show(struct request *rq, int64_t id, int status, struct act_reply *reply)
{
    struct db_rows rows;
    enum err err = find(rq, id, &rows);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    webhook_write(&json, &rows, 0);
    reply->status = status;
    return OK;
}

static enum err told(struct request *rq, const char *act, const struct wanted *w, struct text name)
{
    struct buf detail = {0};
    struct json json = json_to(&detail);
    json_put_object(&json, NULL);
    json_put_text(&json, "url", w->url);
    json_put_end(&json);
    enum err err = audit_record(rq->db, &rq->arena, rq->at, auth_actor(rq), act, name, buf_view(&detail));
    buf_done(&detail);
    return err;
}

static enum err create(struct request *rq, void *with, struct act_reply *reply)
{
    const struct wanted *w = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_text(&args, w->name);
    db_arg_text(&args, w->url);
    db_arg_text_array(&args, w->kinds, w->kind_count);
    if (w->from < 0)
        db_arg_null(&args);
    else
        db_arg_int(&args, w->from);
    db_arg_int(&args, WEBHOOKS_MAX);
    enum err err = db_query(rq->db, &make_sql, &args, &rows);
    if (!err && !rows.count)
        err = ERR_CONFLICT; /* full */
    if (!err)
        err = told(rq, "webhook.create", w, w->name);
    return err ? err : show(rq, db_int(&rows, 0, 0), 201, reply);
}

enum err webhook_create_handle(struct request *rq)
{
    struct wanted w = {.from = -1};
    enum err err = read_new(rq, &w);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, create, &w);
    return err ? reply_error(rq, err) : OK;
}

static enum err change(struct request *rq, void *with, struct act_reply *reply)
{
    const struct wanted *w = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, w->id);
    db_arg_text(&args, w->url);
    db_arg_text_array(&args, w->kinds, w->kind_count);
    enum err err = db_query(rq->db, &change_sql, &args, &rows);
    if (!err && !rows.count)
        err = ERR_NOT_FOUND;
    if (!err)
        err = told(rq, "webhook.change", w, db_text(&rows, 0, 0));
    return err ? err : show(rq, w->id, 200, reply);
}

enum err webhook_put_handle(struct request *rq)
{
    struct wanted w = {0};
    struct json_fields in;
    enum err err = asked_id(rq, &w.id);
    if (err)
        return reply_error(rq, err);
    err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        read_target(&in, &w);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, change, &w);
    return err ? reply_error(rq, err) : OK;
}

struct turn {
    int64_t id;
    const char *to;
};

static enum err turn(struct request *rq, void *with, struct act_reply *reply)
{
    const struct turn *t = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, t->id);
    db_arg_string(&args, t->to);
    enum err err = db_query(rq->db, &switch_sql, &args, &rows);
    if (!err && db_null(&rows, 0, 0))
        err = ERR_NOT_FOUND;
    return err ? err : show(rq, t->id, 200, reply);
}

static enum err turn_handle(struct request *rq, const char *to)
{
    struct turn t = {.to = to};
    enum err err = asked_id(rq, &t.id);
    if (!err)
        err = request_once(rq, turn, &t);
    return err ? reply_error(rq, err) : OK;
}

enum err webhook_enable_handle(struct request *rq)
{
    return turn_handle(rq, "active");
}

enum err webhook_disable_handle(struct request *rq)
{
    return turn_handle(rq, "disabled");
}

/* --- what was delivered ------------------------------------------------------------------------------------------- */

static void delivery_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "position", db_int(rows, i, 0));
    json_put_text(json, "kind", db_text(rows, i, 1));
    json_put_text_or_null(json, "dossier", db_text(rows, i, 2));
    if (db_null(rows, i, 3))
        json_put_null(json, "payment_request");
    else
        json_put_int(json, "payment_request", db_int(rows, i, 3));
    json_put_text(json, "state", db_text(rows, i, 4));
    json_put_int(json, "tries", db_int(rows, i, 5));
    json_put_int(json, "replays", db_int(rows, i, 6));
    if (db_null(rows, i, 7))
        json_put_null(json, "status");
    else
        json_put_int(json, "status", db_int(rows, i, 7));
    json_put_text_or_null(json, "problem", db_text(rows, i, 8));
    if (db_null(rows, i, 9))
        json_put_null(json, "duration_ms");
    else
        json_put_int(json, "duration_ms", db_int(rows, i, 9));
    json_put_instant(json, "first_at", db_null(rows, i, 10) ? INSTANT_NONE : db_instant(rows, i, 10));
    json_put_instant(json, "done_at", db_null(rows, i, 11) ? INSTANT_NONE : db_instant(rows, i, 11));
    json_put_instant(json, "next_at", text_is(db_text(rows, i, 4), "waiting") ? db_instant(rows, i, 12) : INSTANT_NONE);
    json_put_end(json);
}

/* GET …/deliveries?state=waiting|delivered|failed&dossier=&limit=&cursor= */
enum err webhook_deliveries_handle(struct request *rq)
{
    int64_t id;
    struct list list;
    struct db_rows rows;
    struct text state = request_query(rq, "state");
    enum err err = asked_id(rq, &id);
    if (!err)
        err = find(rq, id, &rows);
    if (err)
        return reply_error(rq, err);
    list_ask(rq, &list);
    if (state.at && !text_is(state, "waiting") && !text_is(state, "delivered") && !text_is(state, "failed"))
        faults_add(&rq->faults, "state", ERR_FIELD_VALUE, "waiting, delivered hoặc failed");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    list_args(&args, &list);
    db_arg_int(&args, id);
    db_arg_text(&args, state);
    db_arg_text(&args, request_query(rq, "dossier"));
    err = db_query(rq->db, &deliveries_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, delivery_write);
}

struct replay {
    int64_t id, position, from;
};

static enum err replay(struct request *rq, void *with, struct act_reply *reply)
{
    const struct replay *r = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, r->id);
    db_arg_int(&args, r->position ? r->position : r->from);
    if (r->position)
        db_arg_int(&args, r->position);
    else
        db_arg_null(&args);
    db_arg_int(&args, REPLAY_AT_ONCE);
    enum err err = db_query(rq->db, &replay_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    if (r->position && !db_int(&rows, 0, 0))
        return ERR_NOT_FOUND; /* no such event, or not yet */
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "queued", db_int(&rows, 0, 0));
    if (db_null(&rows, 0, 1))
        json_put_null(&json, "next_from");
    else
        json_put_int(&json, "next_from", db_int(&rows, 0, 1));
    json_put_end(&json);
    reply->status = 202;
    return OK;
}

/* {position} sends one again, {from} all from there on; at most REPLAY_AT_ONCE positions a call, next_from says where
 * the next call begins. */
enum err webhook_replay_handle(struct request *rq)
{
    struct replay r = {0};
    struct json_fields in;
    enum err err = asked_id(rq, &r.id);
    if (err)
        return reply_error(rq, err);
    err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_int(&in, "position", OPTIONAL, 1, INT64_MAX, &r.position);
        json_read_int(&in, "from", OPTIONAL, 1, INT64_MAX - REPLAY_AT_ONCE, &r.from);
        if (!r.position == !r.from && !rq->faults.count)
            json_fault(&in, "position", ERR_FIELD_MISSING, "Ghi position (một sự kiện) hoặc from (từ đó trở đi)");
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, replay, &r);
    return err ? reply_error(rq, err) : OK;
}
