/* Adjustments over HTTP, and the job that looks whether the bank's day decided another price. */
#include "core/jobs/jobs.h"
#include "payments/ledger/adjustment.h"
#include "payments/ledger/ledger.h"

enum { REASON_MAX = 300 };

static const struct db_statement list_sql = {
    "adjustments_of",
    "SELECT c.id, c.cause, c.reason, c.before, c.after, c.changes::text, c.lowered, c.additional_request, a.reference,"
    " c.replaced_by, b.reference, c.actor, c.at FROM request_adjustment c LEFT JOIN payment_request a ON a.id ="
    " c.additional_request LEFT JOIN payment_request b ON b.id = c.replaced_by WHERE c.request_id = $1 AND"
    " ($2::bigint IS NULL OR c.id = $2) ORDER BY c.id LIMIT 200"};

static void put_request(struct json *json, const char *name, const struct db_rows *rows, int row, int column)
{
    if (db_null(rows, row, column)) {
        json_put_null(json, name);
        return;
    }
    json_put_object(json, name);
    json_put_int(json, "id", db_int(rows, row, column));
    json_put_text(json, "reference", db_text(rows, row, column + 1));
    json_put_end(json);
}

static void write_row(struct json *json, const struct db_rows *rows, int row)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, row, 0));
    json_put_text(json, "cause", db_text(rows, row, 1));
    json_put_text(json, "reason", db_text(rows, row, 2));
    json_put_int(json, "before", db_int(rows, row, 3));
    json_put_int(json, "after", db_int(rows, row, 4));
    json_put_raw(json, "changes", db_text(rows, row, 5));
    json_put_int(json, "to_refund", db_int(rows, row, 6));
    put_request(json, "additional_request", rows, row, 7);
    put_request(json, "replaced_by", rows, row, 9);
    json_put_text(json, "actor", db_text(rows, row, 11));
    json_put_instant(json, "at", db_instant(rows, row, 12));
    json_put_end(json);
}

static enum err find(struct request *rq, int64_t request, int64_t one, struct db_rows *ret_rows)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, request);
    if (one)
        db_arg_int(&args, one);
    else
        db_arg_null(&args);
    return db_query(rq->db, &list_sql, &args, ret_rows);
}

struct adjusting {
    int64_t request;
    struct text reason, body;
};

static enum err adjust(struct request *rq, struct adjustment *c, const struct adjusting *asked, int64_t *ret_id)
{
    struct json_fields in;
    enum err err = adjustment_begin(rq->db, &rq->arena, asked->request, c);
    if (!err)
        err = json_parse(asked->body, &in, &rq->faults);
    if (err)
        return err;
    quote_request_read_quantities(&in, c->wanted); /* faultless: the handler has looked */
    bool anew = c->request.status == REQUEST_PENDING || c->request.status == REQUEST_EXPIRED;
    struct catalogue *today = anew ? catalogue_in_force_hold() : catalogue_hold(c->own);
    if (!today)
        return ERR_UNAVAILABLE;
    if (anew)
        c->wanted->paid_on = date_of(rq->at);
    err = adjustment_price(rq->db, &rq->arena, c, today, anew ? date_of(rq->at) : c->wanted->quoted_on, &rq->faults);
    if (!err)
        err = adjustment_apply(rq->db, &rq->arena, c, &rq->faults, ret_id);
    catalogue_drop(today);
    return err;
}

static enum err act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct adjusting *asked = with;
    struct adjustment c = {
        .cause = ADJUSTMENT_QUANTITIES, .reason = asked->reason, .actor = auth_actor(rq), .at = rq->at};
    int64_t id = 0;
    struct db_rows rows;
    enum err err = adjust(rq, &c, asked, &id);
    adjustment_end(&c);
    if (!err)
        err = find(rq, asked->request, id, &rows);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    write_row(&json, &rows, 0);
    reply->status = 201;
    return OK;
}

enum err ledger_adjust_handle(struct request *rq)
{
    struct adjusting asked = {.body = rq->body};
    struct json_fields in, quantities;
    struct quote_request *named = ARENA_NEW(&rq->arena, struct quote_request);
    if (!text_to_int64(request_capture(rq, "id"), &asked.request) || asked.request <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    quote_request_init(named);
    json_read_text(&in, "reason", REQUIRED, 3, REASON_MAX, &asked.reason);
    json_read_object(&in, "quantities", REQUIRED, &quantities);
    quote_request_read_quantities(&in, named);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, act, &asked);
    if (!err)
        return OK;
    return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
}

static void list_write(struct json *json, const void *what)
{
    const struct db_rows *rows = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows->count; i++)
        write_row(json, rows, i);
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err ledger_adjustments_handle(struct request *rq)
{
    int64_t id;
    struct db_rows rows;
    struct payment_request request;
    enum err err = text_to_int64(request_capture(rq, "id"), &id) && id > 0
                       ? payment_request_find(rq->db, &rq->arena, id, &request)
                       : ERR_NOT_FOUND;
    if (!err)
        err = find(rq, id, 0, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, list_write, &rows);
}

/* ---- the price of the bank's day --------------------------------------------------------------------------------- */

/* The rules of today hold where they explain what was asked; else a fault of theirs was mended since, and the request
 * keeps its own. */
static enum err price_of_day(struct db *db, struct arena *arena, struct adjustment *c)
{
    struct faults faults;
    faults_init(&faults, arena);
    date_days priced_on = c->wanted->quoted_on, paid_on = c->wanted->paid_on, day = c->request.paid_on;
    struct catalogue *now = catalogue_in_force_hold();
    if (!now)
        return ERR_UNAVAILABLE;
    enum err err = adjustment_price(db, arena, c, now, priced_on, &faults);
    bool explains = !err && c->after == c->request.amount;
    c->wanted->paid_on = day;
    err = adjustment_price(db, arena, c, explains ? now : c->own, day, &faults);
    if (err == ERR_INVALID) { /* a rule that has gone: what was asked stays */
        c->wanted->paid_on = paid_on;
        err = adjustment_price(db, arena, c, c->own, priced_on, &faults);
    }
    catalogue_drop(now);
    return err;
}

static enum err look(struct db *db, struct arena *arena, int64_t request, instant_us at)
{
    struct adjustment c = {.cause = ADJUSTMENT_PAYMENT_DAY, .actor = "system:payment-day", .at = at};
    char day[DATE_TEXT_SIZE];
    struct faults faults;
    int64_t id;
    faults_init(&faults, arena);
    enum err err = adjustment_begin(db, arena, request, &c);
    bool settled = !err && (c.request.status == REQUEST_PAID || c.request.status == REQUEST_OVERPAID);
    if (err == ERR_ADJUSTMENT_OF_ADDITION || err == ERR_DOSSIER_ENDED || (!err && !settled)) {
        adjustment_end(&c);
        return OK; /* what it owes or gets back was decided otherwise */
    }
    if (!err)
        err = price_of_day(db, arena, &c);
    if (!err && c.after != c.request.amount) {
        date_format(c.request.paid_on, day);
        c.reason = arena_textf(arena, "Ngân hàng ghi nhận tiền ngày %s: áp dụng mức thu của ngày ấy", day);
        err = adjustment_apply(db, arena, &c, &faults, &id);
    }
    adjustment_end(&c);
    return err;
}

void ledger_day_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    (void)with;
    for (size_t i = 0; i < count; i++) {
        struct faults faults;
        struct json_fields in;
        faults_init(&faults, arena);
        jobs[i].outcome = json_parse(jobs[i].body, &in, &faults);
        if (!jobs[i].outcome)
            jobs[i].outcome = look(db, arena, json_integer_value(json_object_get(in.object, "request")), at);
    }
}
