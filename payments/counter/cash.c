/* Cash: taken by a person in a shift, where the province allows it; booked in the agency's cash box in the same commit.
 */
#include "payments/counter/parts.h"

static const struct db_statement
    open_sql = {"cash_open", "SELECT problem, shift, order_id, amount, account FROM cash_open($1, $2, $3, $4, $5)"},
    keep_sql = {"cash_keep", "INSERT INTO counter_payment (payment_id, shift_id, way, tendered, change_due, actor, at)"
                             " VALUES ($1, $2, 'cash', $3, $4, $5, $6)"};

static void arg_or_null(struct db_args *args, int64_t number)
{
    if (number)
        db_arg_int(args, number);
    else
        db_arg_null(args);
}

static enum err keep(struct db *db, struct arena *arena, const struct cash_taken *t, const char *actor, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, t->payment);
    db_arg_int(&args, t->shift);
    db_arg_int(&args, t->tendered);
    db_arg_int(&args, t->change);
    db_arg_string(&args, actor);
    db_arg_instant(&args, at);
    enum err err = db_run(db, &keep_sql, &args);
    return err ? err
               : audit_record(db, arena, at, actor, "cash.take", arena_textf(arena, "%lld", (long long)t->payment),
                              arena_textf(arena, "{\"amount\":%lld,\"tendered\":%lld,\"shift\":%lld}",
                                          (long long)t->amount, (long long)t->tendered, (long long)t->shift));
}

enum err cash_take(struct db *db, struct arena *arena, int64_t request, int64_t amount, int64_t tendered, int64_t shift,
                   const char *actor, instant_us at, struct cash_taken *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    struct confirmation c = {0};
    if (!counter_takes_cash())
        return ERR_CASH_OFF;
    db_arg_instant(&args, at);
    db_arg_int(&args, request);
    arg_or_null(&args, amount);
    arg_or_null(&args, shift);
    db_arg_string(&args, actor);
    enum err err = db_query(db, &open_sql, &args, &rows);
    if (!err)
        err = counter_problem(db, arena, request, db_text(&rows, 0, 0));
    if (err)
        return err;
    struct cash_taken taken = {.shift = db_int(&rows, 0, 1),
                               .amount = db_int(&rows, 0, 3),
                               .tendered = tendered ? tendered : db_int(&rows, 0, 3)};
    taken.change = taken.tendered - taken.amount;
    if (taken.change < 0)
        return ERR_FIELD_RANGE;
    struct notice notice = {.source = TEXT("cash"),
                            .external_id = db_text(&rows, 0, 2),
                            .amount = taken.amount,
                            .account = db_text(&rows, 0, 4),
                            .memo = db_text(&rows, 0, 2),
                            .paid_at = at,
                            .order = db_text(&rows, 0, 2),
                            .method = METHOD_CASH,
                            .status = NOTICE_PAID};
    notice_seal(&notice);
    err = ledger_confirm(db, arena, &notice, NULL, 1, at, &c);
    if (!err && c.outcome != CONFIRM_BOOKED)
        err = ERR_CONFLICT;
    taken.payment = c.payment;
    if (!err)
        err = keep(db, arena, &taken, actor, at);
    if (!err)
        *ret = taken;
    return err;
}

/* POST /v1/payment-requests/{id}/cash-payments {amount?, tendered?, shift?} -------------------------------------------
 */

struct cash_act {
    int64_t request, amount, tendered, shift;
};

static enum err take(struct request *rq, void *with, struct act_reply *reply)
{
    const struct cash_act *a = with;
    struct cash_taken t;
    struct payment_request r;
    enum err err =
        cash_take(rq->db, &rq->arena, a->request, a->amount, a->tendered, a->shift, auth_actor(rq), rq->at, &t);
    if (err == ERR_FIELD_RANGE)
        faults_add(&rq->faults, a->amount > 0 && a->tendered >= a->amount ? "/amount" : "/tendered", ERR_FIELD_RANGE,
                   "Số tiền nhận chưa đủ, hoặc nhiều hơn số còn phải nộp");
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, a->request, &r);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "payment", t.payment);
    json_put_int(&json, "payment_request", r.id);
    json_put_int(&json, "amount", t.amount);
    json_put_string(&json, "currency", "VND");
    json_put_int(&json, "tendered", t.tendered);
    json_put_int(&json, "change", t.change);
    json_put_int(&json, "shift", t.shift);
    json_put_string(&json, "status", request_status_names[r.status]);
    json_put_end(&json);
    reply->status = 201;
    return OK;
}

enum err cash_take_handle(struct request *rq)
{
    struct cash_act a = {0};
    struct json_fields in;
    struct payment_request r;
    enum err err = capture_number(rq, "id", &a.request) ? OK : ERR_NOT_FOUND;
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, a.request, &r);
    if (!err && !counter_takes_cash())
        err = ERR_CASH_OFF;
    if (err)
        return reply_error(rq, err);
    if (rq->body.length) {
        err = json_parse(rq->body, &in, &rq->faults);
        if (!err) {
            json_read_int(&in, "amount", OPTIONAL, 1, MONEY_MAX, &a.amount);
            json_read_int(&in, "tendered", OPTIONAL, 1, MONEY_MAX, &a.tendered);
            json_read_int(&in, "shift", OPTIONAL, 1, INT64_MAX, &a.shift);
            err = json_close(&in);
        }
        if (err)
            return reply_faults(rq, err);
    }
    err = request_once(rq, take, &a);
    return err ? counter_refuse(rq, err) : OK;
}
