/* Money at the door: what a postman took, and the list by which the post office hands it over. */
#include <string.h>
#include "postal/room.h"

enum { REMIT_DEADLINE_US = 120 * 1000 * 1000 };

static const struct db_statement collect_sql = {
    "postal_collect", "SELECT outcome, payment, request FROM postal_collect($1, $2, $3, $4, $5, $6, 'reported')"};
static const struct db_statement remit_sql = {
    "postal_remit", "SELECT state, remittance FROM postal_remit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
static const struct db_statement lines_sql = {
    "postal_remittance_outcomes", "SELECT outcome, count(*), sum(amount)::bigint, sum(settled)::bigint"
                                  " FROM postal_remittance_line WHERE remittance_id = $1 GROUP BY 1 ORDER BY 1"};

struct collection {
    int64_t parcel, amount;
    struct text outlet;
    instant_us collected_at;
};

static bool is_outlet(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return text.length > 0;
}

static enum err collect(struct request *rq, void *with, struct act_reply *reply)
{
    const struct collection *c = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int_array(&args, &c->parcel, 1);
    db_arg_int_array(&args, &c->amount, 1);
    db_arg_text_array(&args, &c->outlet, 1);
    db_arg_instant_array(&args, &c->collected_at, 1);
    enum err err = db_query(rq->db, &collect_sql, &args, &rows);
    if (err)
        return err;
    struct text outcome = db_text(&rows, 0, 0);
    if (text_is(outcome, "no_parcel"))
        return ERR_NOT_FOUND;
    if (text_is(outcome, "conflict") || text_is(outcome, "no_request"))
        return ERR_CONFLICT;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "booking", c->parcel);
    json_put_text(&json, "outcome", outcome);
    json_put_int(&json, "amount", c->amount);
    json_put_text(&json, "outlet", c->outlet);
    json_put_instant(&json, "collected_at", c->collected_at);
    json_put_int(&json, "payment", db_int(&rows, 0, 1));
    if (db_null(&rows, 0, 2))
        json_put_null(&json, "payment_request");
    else
        json_put_int(&json, "payment_request", db_int(&rows, 0, 2));
    json_put_end(&json);
    reply->status = text_is(outcome, "collected") ? 201 : 200;
    return OK;
}

enum err postal_collect_handle(struct request *rq)
{
    struct collection c = {.collected_at = rq->at};
    struct json_fields in;
    if (!text_to_int64(request_capture(rq, "id"), &c.parcel) || c.parcel < 1)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_int(&in, "amount", REQUIRED, 1, MONEY_MAX, &c.amount);
        json_read_text(&in, "outlet", REQUIRED, 1, 40, &c.outlet);
        json_read_instant(&in, "collected_at", OPTIONAL, &c.collected_at);
        if (c.outlet.length && !is_outlet(c.outlet))
            json_fault(&in, "outlet", ERR_FIELD_FORMAT, "Mã bưu cục chỉ gồm chữ không dấu, số, dấu chấm và gạch");
        if (c.collected_at > rq->at)
            json_fault(&in, "collected_at", ERR_FIELD_RANGE, "Chưa đến lúc đó");
        err = json_close(&in);
    }
    if (rq->faults.count)
        return reply_faults(rq, err == ERR_JSON_SYNTAX ? err : ERR_INVALID);
    err = err ? err : request_once(rq, collect, &c);
    return err ? reply_error(rq, err) : OK;
}

/* ---- POST /v1/postal/remittances ---- */

struct remitting {
    struct request *rq;
    struct text carrier, name, account;
    date_days day;
    struct postal_list list;
    struct db_rows rows;
};

static enum err remit(struct db *db, void *with)
{
    struct remitting *r = with;
    struct db_args args = db_args(&r->rq->arena);
    db_arg_instant(&args, r->rq->at);
    db_arg_string(&args, auth_actor(r->rq));
    db_arg_text(&args, r->carrier);
    db_arg_text(&args, r->name);
    db_arg_text(&args, r->account);
    db_arg_date(&args, r->day);
    db_arg_text_array(&args, r->list.items, r->list.count);
    db_arg_int_array(&args, r->list.amounts, r->list.count);
    db_arg_int_array(&args, r->list.postages, r->list.count);
    db_arg_text_array(&args, r->list.outlets, r->list.count);
    return db_query(db, &remit_sql, &args, &r->rows);
}

static void remitted_write(struct json *json, const void *what)
{
    const struct remitting *r = what;
    int64_t gross = 0, postage = 0;
    for (size_t i = 0; i < r->list.count; i++) {
        gross += r->list.amounts[i];
        postage += r->list.postages[i];
    }
    json_put_object(json, NULL);
    json_put_text(json, "list", r->name);
    json_put_text(json, "carrier", r->carrier);
    json_put_text(json, "account", r->account);
    json_put_int(json, "lines", (int64_t)r->list.count);
    json_put_int(json, "gross", gross);
    json_put_int(json, "postage", postage);
    json_put_int(json, "net", gross - postage);
    json_put_array(json, "outcomes");
    for (int i = 0; i < r->rows.count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "outcome", db_text(&r->rows, i, 0));
        json_put_int(json, "lines", db_int(&r->rows, i, 1));
        json_put_int(json, "amount", db_int(&r->rows, i, 2));
        json_put_int(json, "settled", db_int(&r->rows, i, 3));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_end(json);
}

static void query_read(struct remitting *r)
{
    struct request *rq = r->rq;
    r->carrier = request_query(rq, "carrier").length ? request_query(rq, "carrier") : TEXT("vnpost");
    r->name = text_trim(request_query(rq, "list"));
    r->account = request_query(rq, "account");
    if (text_characters(r->name) < 5 || text_characters(r->name) > 60)
        faults_add(&rq->faults, "/list", ERR_FIELD_MISSING, "Số bảng kê như ghi trên giấy báo có, 5 đến 60 ký tự");
    if (!r->account.length)
        faults_add(&rq->faults, "/account", ERR_FIELD_MISSING, "Tài khoản nhận tiền");
    if (!date_parse(request_query(rq, "paid_on"), &r->day))
        faults_add(&rq->faults, "/paid_on", ERR_FIELD_FORMAT, "Ngày chuyển tiền, dạng YYYY-MM-DD");
    else if (r->day > date_of(rq->at))
        faults_add(&rq->faults, "/paid_on", ERR_FIELD_RANGE, "Chưa đến ngày đó");
}

enum err postal_remit_handle(struct request *rq)
{
    struct remitting r = {.rq = rq};
    query_read(&r);
    enum err err = postal_list_read(rq->body, &r.list, &rq->faults);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    if (!err)
        err = db_transact(rq->db, clock_monotonic_us() + REMIT_DEADLINE_US, remit, &r);
    if (err)
        return reply_error(rq, err);
    struct text state = db_text(&r.rows, 0, 0);
    if (text_is(state, "no_account")) {
        faults_add(&rq->faults, "/account", ERR_FIELD_VALUE, "Không phải tài khoản của hệ thống");
        return reply_faults(rq, ERR_INVALID);
    }
    if (text_is(state, "conflict"))
        return reply_error(rq, ERR_CONFLICT);
    int status = text_is(state, "known") ? 200 : 201;
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, db_int(&r.rows, 0, 1));
    err = db_query(rq->db, &lines_sql, &args, &r.rows);
    return err ? reply_error(rq, err) : reply_json(rq, status, remitted_write, &r);
}
