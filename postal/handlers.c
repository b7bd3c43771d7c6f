/* Label, tracking, and the carrier's call-back. */
#include <string.h>
#include "postal/room.h"

static const struct db_statement label_sql = {"parcel_label", "SELECT item, label, state FROM parcel WHERE id = $1"};
static const struct db_statement keep_label_sql = {
    "parcel_label_keep", "UPDATE parcel SET label = $2 WHERE id = $1 AND label IS NULL AND item = $3"};
static const struct db_statement events_sql = {
    "parcel_events", "SELECT at, status, carrier_status, name, place FROM parcel_event WHERE parcel_id = $1"
                     " ORDER BY at, learned"};
static const struct db_statement deadlines_sql = {
    "parcel_deadlines", "SELECT due, attempts, second_attempt_on, return_by FROM parcel_deadlines($1)"};
static const struct db_statement hint_sql = {
    "parcel_hint",
    "UPDATE job SET run_at = $1 FROM parcel p WHERE p.item = ANY ($2) AND job.kind = 'postal_track'"
    " AND job.body->>'parcel' = p.id::text AND job.state = 'waiting' AND job.run_at > $1 AND job.tries = 0"};

static int64_t path_id(struct request *rq)
{
    int64_t id = 0;
    return text_to_int64(request_capture(rq, "id"), &id) ? id : 0;
}

/* The carrier's label, fetched once and kept: it never changes. */
enum err postal_label_handle(struct request *rq)
{
    const struct postal_room *room = postal_room();
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, path_id(rq));
    enum err err = db_query(rq->db, &label_sql, &args, &rows);
    if (err || !rows.count)
        return reply_error(rq, err ? err : ERR_NOT_FOUND);
    if (!db_null(&rows, 0, 1))
        return reply_body(rq, 200, "application/pdf", db_bytes(&rows, 0, 1, &rq->arena));
    if (db_null(&rows, 0, 0)) /* not booked yet */
        return reply_error(rq, ERR_CONFLICT);
    if (!room || !room->vnpost)
        return reply_error(rq, ERR_SOURCE_OFF);
    struct buf pdf = {0};
    struct text item = db_text(&rows, 0, 0);
    err = room->carrier.label(room->carrier.self, item, &rq->arena, &pdf);
    if (!err) {
        struct db_args keep = db_args(&rq->arena);
        db_arg_int(&keep, path_id(rq));
        db_arg_bytes(&keep, pdf.at, pdf.length);
        db_arg_text(&keep, item);
        err = db_run(rq->db, &keep_label_sql, &keep);
    }
    /* Asking for a label changes nothing, so an unknown outcome is only a failure here. */
    err = err ? reply_error(rq, err == ERR_UNKNOWN_OUTCOME ? ERR_NETWORK : err)
              : reply_body(rq, 200, "application/pdf", buf_view(&pdf));
    buf_done(&pdf);
    return err;
}

struct tracking {
    const struct parcel *parcel;
    const struct db_rows *events, *deadlines, *claims;
};

static void tracking_write(struct json *json, const void *what)
{
    const struct tracking *tracking = what;
    json_put_object(json, NULL);
    json_put_int(json, "id", tracking->parcel->id);
    json_put_text_or_null(json, "item_code", tracking->parcel->item);
    json_put_text(json, "status", tracking->parcel->status);
    json_put_instant(json, "status_at", tracking->parcel->status_at);
    json_put_text_or_null(json, "due_on", db_text(tracking->deadlines, 0, 0));
    json_put_int(json, "attempts", db_int(tracking->deadlines, 0, 1));
    json_put_text_or_null(json, "second_attempt_on", db_text(tracking->deadlines, 0, 2));
    json_put_text_or_null(json, "return_by", db_text(tracking->deadlines, 0, 3));
    json_put_array(json, "events");
    for (int i = 0; i < tracking->events->count; i++) {
        json_put_object(json, NULL);
        json_put_instant(json, "at", db_instant(tracking->events, i, 0));
        json_put_text(json, "status", db_text(tracking->events, i, 1));
        json_put_text(json, "carrier_status", db_text(tracking->events, i, 2));
        json_put_text(json, "name", db_text(tracking->events, i, 3));
        json_put_text_or_null(json, "place", db_text(tracking->events, i, 4));
        json_put_end(json);
    }
    json_put_end(json);
    claims_write(json, tracking->claims);
    json_put_end(json);
}

static enum err of_parcel(struct request *rq, const struct db_statement *statement, int64_t id,
                          struct db_rows *ret_rows)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, id);
    return db_query(rq->db, statement, &args, ret_rows);
}

enum err postal_tracking_handle(struct request *rq)
{
    struct parcel parcel;
    struct db_rows rows, deadlines, claims;
    enum err err = parcel_find(rq->db, &rq->arena, path_id(rq), &parcel);
    if (!err)
        err = of_parcel(rq, &events_sql, parcel.id, &rows);
    if (!err)
        err = of_parcel(rq, &deadlines_sql, parcel.id, &deadlines);
    if (!err)
        err = claims_read(rq->db, &rq->arena, parcel.id, &claims);
    if (err)
        return reply_error(rq, err);
    const struct tracking tracking = {&parcel, &rows, &deadlines, &claims};
    return reply_json(rq, 200, tracking_write, &tracking);
}

/* ---- POST /v1/notifications/vnpost ---- */

struct verdict {
    bool success;
    const char *message;
};

static void verdict_write(struct json *json, const void *what)
{
    const struct verdict *verdict = what;
    json_put_object(json, NULL);
    json_put_bool(json, "success", verdict->success);
    json_put_string(json, "message", verdict->message);
    json_put_end(json);
}

/* Their format: {success, message} with 200, 400 or 401. */
static enum err verdict_reply(struct request *rq, int status, const char *message)
{
    const struct verdict verdict = {status == 200, message};
    return reply_json(rq, status, verdict_write, &verdict);
}

/* Items that the signature does not cover are not believed; their tracking is asked for sooner. */
static enum err hints_take(struct request *rq, const struct vnpost_notice *notice)
{
    if (!notice->hint_count)
        return OK;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_text_array(&args, notice->hints, notice->hint_count);
    return db_run(rq->db, &hint_sql, &args);
}

static enum err notice_take(struct request *rq, const struct vnpost_notice *notice)
{
    char item[S10_LENGTH + 1];
    struct parcel parcel;
    struct carrier_step step = {
        .at = notice->at, .carrier_status = notice->status, .name = TEXT(""), .place = TEXT("")};
    bool s10 = postal_s10_read(notice->item, item);
    enum err err = parcel_by_item(rq->db, &rq->arena, s10 ? text_of(item) : notice->item, &parcel);
    if (err ==
        ERR_NOT_FOUND) /* another system's parcel, or a booking whose answer we still ask for: tracking finds it */
        return OK;
    return err ? err : parcel_learn(rq->db, &rq->arena, rq->at, parcel.id, "notice", &step, 1, NULL);
}

enum err postal_notice_handle(struct request *rq)
{
    const struct postal_room *room = postal_room();
    struct vnpost_notice *notice = ARENA_NEW(&rq->arena, struct vnpost_notice);
    if (!room || !room->notice)
        return reply_error(rq, ERR_SOURCE_OFF);
    enum err err = vnpost_notice_read(rq->body, &rq->arena, notice);
    if (err)
        return verdict_reply(rq, 400, err_info(err)->en);
    if (vnpost_notice_verify(room->notice, notice))
        return verdict_reply(rq, 401, err_info(ERR_SIGNATURE)->en);
    err = notice_take(rq, notice);
    if (!err)
        err = hints_take(rq, notice);
    return err ? reply_error(rq, err) : verdict_reply(rq, 200, "OK");
}
