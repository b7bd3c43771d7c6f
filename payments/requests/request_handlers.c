/* What happens to a request after it was made: read, watched, drawn, cancelled (reopened: reopen.c). */
#include "payments/requests/request_parts.h"

enum { EVENTS_DEFAULT = 50, EVENTS_MAX = 500 };

static const struct db_statement events_sql = {
    "request_events", "SELECT kind, at, body::text FROM event WHERE request_id = $1 ORDER BY id LIMIT 500"};
static const struct db_statement feed_sql = {
    "events_after", "SELECT f.position, e.kind, e.at, e.dossier, e.request_id, e.body::text FROM feed f"
                    " JOIN event e ON e.booked_month = f.booked_month AND e.id = f.event_id"
                    " WHERE f.position > $1 ORDER BY f.position LIMIT $2"};
static const struct db_statement cancel_sql = {"request_cancel", "SELECT request_cancel($1, $2, $3, $4)"};

/* By number for systems and staff, by the token of the link for citizens. */
static enum err find(struct request *rq, struct payment_request *ret)
{
    struct text token = request_capture(rq, "token");
    if (token.at)
        return payment_request_by_token(rq->db, &rq->arena, token, ret);
    int64_t id;
    if (!text_to_int64(request_capture(rq, "id"), &id) || id <= 0)
        return ERR_NOT_FOUND;
    return payment_request_find(rq->db, &rq->arena, id, ret);
}

enum err payment_request_get_handle(struct request *rq)
{
    struct payment_request request;
    enum err err = find(rq, &request);
    return err ? reply_error(rq, err) : reply_json(rq, 200, payment_request_write, &request);
}

static void status_write(struct json *json, const void *what)
{
    const struct payment_request *r = what;
    json_put_object(json, NULL);
    json_put_string(json, "status", request_status_names[r->status]);
    json_put_int(json, "amount", r->amount);
    json_put_int(json, "allocated", r->allocated);
    json_put_int(json, "surplus", r->surplus);
    json_put_end(json);
}

enum err payment_request_status_handle(struct request *rq)
{
    struct payment_request request;
    enum err err = find(rq, &request);
    return err ? reply_error(rq, err) : reply_json(rq, 200, status_write, &request);
}

struct rows_view {
    const struct db_rows *rows;
    bool has_position; /* the feed; the events of one request have none */
};

static void events_write(struct json *json, const void *what)
{
    const struct rows_view *view = what;
    const struct db_rows *rows = view->rows;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows->count; i++) {
        if (view->has_position) {
            feed_event_write(json, rows, i, 0);
            continue;
        }
        json_put_object(json, NULL);
        json_put_text(json, "kind", db_text(rows, i, 0));
        json_put_instant(json, "at", db_instant(rows, i, 1));
        json_put_raw(json, "body", db_text(rows, i, 2));
        json_put_end(json);
    }
    json_put_end(json);
    if (view->has_position && rows->count)
        json_put_textf(json, "next_cursor", "%lld", (long long)db_int(rows, rows->count - 1, 0));
    else
        json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err payment_request_events_handle(struct request *rq)
{
    struct payment_request request;
    enum err err = find(rq, &request);
    if (err)
        return reply_error(rq, err);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, request.id);
    err = db_query(rq->db, &events_sql, &args, &rows);
    struct rows_view view = {&rows, false};
    return err ? reply_error(rq, err) : reply_json(rq, 200, events_write, &view);
}

/* `after` and `cursor` mean the same: the position of the last event the caller has. */
enum err events_handle(struct request *rq)
{
    struct text after_text = request_query(rq, "cursor").at ? request_query(rq, "cursor") : request_query(rq, "after");
    struct text limit_text = request_query(rq, "limit");
    int64_t after = 0, limit = EVENTS_DEFAULT;
    enum err err = OK;
    if (after_text.at && (!text_to_int64(after_text, &after) || after < 0))
        err = faults_add(&rq->faults, "after", ERR_FIELD_FORMAT, "Phải là số thứ tự sự kiện");
    if (limit_text.at && (!text_to_int64(limit_text, &limit) || limit < 1 || limit > EVENTS_MAX))
        err = faults_add(&rq->faults, "limit", ERR_FIELD_RANGE, "Phải từ 1 đến %d", EVENTS_MAX);
    if (err)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, after);
    db_arg_int(&args, limit);
    err = db_query(rq->db, &feed_sql, &args, &rows);
    struct rows_view view = {&rows, true};
    return err ? reply_error(rq, err) : reply_json(rq, 200, events_write, &view);
}

/* The same image paths serve requests and baskets: a token says which. */
static enum err picture(struct request *rq, enum qr_picture picture)
{
    struct payment_request request;
    struct basket basket;
    struct buf payload = {0};
    enum err err = find(rq, &request);
    bool drawn = !err && payment_request_vietqr(&request, &payload);
    if (err == ERR_NOT_FOUND && request_capture(rq, "token").at) {
        err = basket_by_token(rq->db, &rq->arena, request_capture(rq, "token"), rq->at, &basket);
        drawn = !err && payment_request_vietqr(&basket.as_request, &payload);
    }
    err = err ? reply_error(rq, err) : qr_reply(rq, drawn ? buf_view(&payload) : TEXT_NONE, picture);
    buf_done(&payload);
    return err;
}

enum err payment_request_qr_svg_handle(struct request *rq)
{
    return picture(rq, QR_SVG);
}

enum err payment_request_qr_png_handle(struct request *rq)
{
    return picture(rq, QR_PNG);
}

struct cancelling {
    int64_t id;
    struct text reason;
};

/* Why a request in this status cannot be cancelled. */
static enum err refusal_of(struct text status)
{
    if (text_is(status, "partly_paid"))
        return ERR_REQUEST_PARTLY_PAID;
    return text_is(status, "nothing_due") ? ERR_REQUEST_NOTHING_DUE : ERR_REQUEST_SETTLED;
}

static enum err cancel(struct request *rq, void *with, struct act_reply *reply)
{
    const struct cancelling *c = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, c->id);
    db_arg_string(&args, auth_actor(rq));
    db_arg_text(&args, c->reason.at ? c->reason : TEXT(""));
    struct db_rows rows;
    enum err err = db_query(rq->db, &cancel_sql, &args, &rows);
    if (err)
        return err;
    struct text status = db_text(&rows, 0, 0);
    if (!status.at)
        return ERR_NOT_FOUND;
    if (!text_is(status, "cancelled"))
        return refusal_of(status);
    struct payment_request request;
    err = payment_request_find(rq->db, &rq->arena, c->id, &request);
    struct json json = json_to(&reply->body);
    if (!err)
        payment_request_write(&json, &request);
    reply->status = 200;
    return err;
}

enum err payment_request_cancel_handle(struct request *rq)
{
    struct cancelling c = {0};
    if (!text_to_int64(request_capture(rq, "id"), &c.id) || c.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    if (rq->body.length) {
        struct json_fields in;
        enum err err = json_parse(rq->body, &in, &rq->faults);
        if (!err) {
            json_read_text(&in, "reason", OPTIONAL, 1, 300, &c.reason);
            err = json_close(&in);
        }
        if (err)
            return reply_faults(rq, err);
    }
    return request_once(rq, cancel, &c);
}
