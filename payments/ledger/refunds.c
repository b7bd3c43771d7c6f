/* Refunds: asked by one person, approved by another, listed for the bank, closed with the bank's own reference.
 *
 * A refund draws on one pot of a payment: what is over (`surplus`, `double`, `after_cancel`, `nothing_due`:
 * confirmation opened the case already), what paid the fee (`fee_rule`, `correction`), or money nobody could be told
 * from
 * (`unallocated`). It goes back to the account it came from unless the payer's word is noted. */
#include <string.h>
#include "core/http/list.h"
#include "payments/fees/fees.h"
#include "payments/ledger/ledger.h"

enum { NOTE_MAX = 400 };

static const char *const reason_names[] = {"surplus",  "double",     "after_cancel", "nothing_due",
                                           "fee_rule", "correction", "unallocated",  NULL};
static const char *const state_names[] = {"proposed", "requested", "approved", "sent",
                                          "paid",     "failed",    "refused",  NULL};

static const struct db_statement request_sql = {
    "refund_request", "SELECT id, problem, most FROM refund_request($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
static const struct db_statement refundable_sql = {"refundable", "SELECT refundable($1, $2)"};
static const struct db_statement lines_sql = {
    "refund_lines", "SELECT l.fee, r.paid_on FROM payment p JOIN payment_request r ON r.id = p.request_id"
                    " JOIN request_line l ON l.request_id = r.id AND l.net > 0 WHERE p.id = $1 ORDER BY l.ordinal"};
static const struct db_statement decide_sql = {"refund_decide", "SELECT refund_decide($1, $2, $3, $4, $5)"};
static const struct db_statement close_sql = {"refund_close", "SELECT refund_close($1, $2, $3, $4, $5, $6, $7)"};
static const struct db_statement make_list_sql = {"refund_list_make", "SELECT refund_list_make($1, $2, $3)"};

#define REFUND_COLUMNS                                                                                                 \
    "SELECT f.id, f.payment_id, f.request_id, r.reference, r.dossier, f.amount, f.reason, f.state, f.requested_by,"    \
    " f.approved_by, f.note, coalesce(f.to_account, p.payer_account), coalesce(f.to_name, p.payer_name),"              \
    " f.to_bank_bin, f.to_account IS NULL, f.list_id, f.bank_reference, f.paid_on, f.why, f.created_at, f.changed_at"  \
    " FROM refund f JOIN payment p ON p.id = f.payment_id LEFT JOIN payment_request r ON r.id = f.request_id "
static const struct db_statement one_sql = {"refund_one", REFUND_COLUMNS "WHERE f.id = $1"};
static const struct db_statement list_sql = {
    "refund_page", REFUND_COLUMNS "WHERE f.id > $1 AND ($3::text IS NULL OR f.state = $3) ORDER BY f.id LIMIT $2"};
static const struct db_statement of_list_sql = {"refund_of_list", REFUND_COLUMNS "WHERE f.list_id = $1 ORDER BY f.id"};
static const struct db_statement head_sql = {
    "refund_list_head", "SELECT account, made_at, made_by, count, total FROM refund_list WHERE id = $1"};

static void put_int_or_null(struct json *json, const char *key, const struct db_rows *rows, int row, int column)
{
    if (db_null(rows, row, column))
        json_put_null(json, key);
    else
        json_put_int(json, key, db_int(rows, row, column));
}

static void refund_write(struct json *json, const struct db_rows *rows, int row)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, row, 0));
    json_put_int(json, "payment", db_int(rows, row, 1));
    put_int_or_null(json, "payment_request", rows, row, 2);
    json_put_text_or_null(json, "reference", db_text(rows, row, 3));
    json_put_text_or_null(json, "dossier", db_text(rows, row, 4));
    json_put_int(json, "amount", db_int(rows, row, 5));
    json_put_text(json, "reason", db_text(rows, row, 6));
    json_put_text(json, "state", db_text(rows, row, 7));
    json_put_text_or_null(json, "requested_by", db_text(rows, row, 8));
    json_put_text_or_null(json, "approved_by", db_text(rows, row, 9));
    json_put_text_or_null(json, "note", db_text(rows, row, 10));
    json_put_object(json, "to");
    json_put_text_or_null(json, "account", db_text(rows, row, 11));
    json_put_text_or_null(json, "name", db_text(rows, row, 12));
    json_put_text_or_null(json, "bank_bin", db_text(rows, row, 13));
    json_put_bool(json, "where_it_came_from", db_bool(rows, row, 14));
    json_put_end(json);
    put_int_or_null(json, "list", rows, row, 15);
    json_put_text_or_null(json, "bank_reference", db_text(rows, row, 16));
    json_put_text_or_null(json, "paid_on", db_text(rows, row, 17));
    json_put_text_or_null(json, "why", db_text(rows, row, 18));
    json_put_instant(json, "created_at", db_instant(rows, row, 19));
    json_put_instant(json, "changed_at", db_instant(rows, row, 20));
    json_put_end(json);
}

static enum err refund_find(struct request *rq, int64_t id, struct db_rows *ret_rows)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &one_sql, &args, ret_rows);
    return !err && !ret_rows->count ? ERR_NOT_FOUND : err;
}

static enum err refund_reply(struct request *rq, int64_t id, int status, struct act_reply *reply)
{
    struct db_rows rows;
    enum err err = refund_find(rq, id, &rows);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    refund_write(&json, &rows, 0);
    reply->status = status;
    return OK;
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

struct asking {
    int64_t payment, amount, refundable; /* refundable -1: the caller did not say what it saw */
    int reason;
    struct text note, bank_bin, account, name;
};

static void read_destination(struct json_fields *in, struct asking *ret)
{
    struct json_fields to;
    json_read_object(in, "to", OPTIONAL, &to);
    if (!to.object)
        return;
    json_read_text(&to, "bank_bin", REQUIRED, 6, 6, &ret->bank_bin);
    json_read_text(&to, "account", REQUIRED, 1, 19, &ret->account);
    json_read_text(&to, "name", REQUIRED, 1, 200, &ret->name);
    for (size_t i = 0; i < ret->bank_bin.length; i++)
        if (ret->bank_bin.at[i] < '0' || ret->bank_bin.at[i] > '9') {
            json_fault(&to, "bank_bin", ERR_FIELD_FORMAT, "Mã BIN ngân hàng phải có 6 chữ số");
            break;
        }
    for (size_t i = 0; i < ret->account.length; i++) {
        char c = ret->account.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
            json_fault(&to, "account", ERR_FIELD_FORMAT, "Số tài khoản chỉ gồm chữ và số");
            break;
        }
    }
    (void)!json_close(&to); /* its faults are counted by the outer close */
}

/* Fees whose rule says that nothing is given back; "fee_rule" alone asks the rule, a correction is our own mistake. */
static enum err check_rule(struct request *rq, const struct asking *in)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    if (strcmp(reason_names[in->reason], "fee_rule") != 0)
        return OK;
    db_arg_int(&args, in->payment);
    enum err err = db_query(rq->db, &lines_sql, &args, &rows);
    struct catalogue *catalogue = err ? NULL : catalogue_in_force_hold();
    for (int i = 0; catalogue && i < rows.count; i++) {
        date_days day;
        const struct fee *fee =
            date_parse(db_text(&rows, i, 1), &day) ? catalogue_fee_on(catalogue, db_text(&rows, i, 0), day) : NULL;
        if (fee && text_is(fee->refund_rule, "never"))
            err = faults_add(&rq->faults, "/reason", ERR_REFUND_FORBIDDEN, "%.*s: không hoàn theo %.*s",
                             TEXT_ARGS(fee->code), TEXT_ARGS(fee->legal_basis));
    }
    catalogue_drop(catalogue);
    return err;
}

static enum err ask_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct asking *in = with;
    struct db_args args = db_args(&rq->arena), before = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&before, in->payment);
    db_arg_string(&before, reason_names[in->reason]);
    enum err err = db_query(rq->db, &refundable_sql, &before, &rows);
    if (err || db_null(&rows, 0, 0))
        return err ? err : ERR_NOT_FOUND;
    if (in->refundable >= 0 && in->refundable != db_int(&rows, 0, 0))
        return ERR_REFUNDABLE_MISMATCH;
    err = check_rule(rq, in);
    if (err)
        return err;
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->payment);
    db_arg_int(&args, in->amount);
    db_arg_string(&args, reason_names[in->reason]);
    db_arg_text(&args, in->note);
    db_arg_text(&args, in->bank_bin);
    db_arg_text(&args, in->account);
    db_arg_text(&args, in->name);
    db_arg_string(&args, auth_actor(rq));
    err = db_query(rq->db, &request_sql, &args, &rows);
    if (err)
        return err;
    struct text problem = db_text(&rows, 0, 1);
    if (text_is(problem, "not_found"))
        return ERR_NOT_FOUND;
    if (text_is(problem, "no_destination"))
        return ERR_REFUND_DESTINATION;
    if (text_is(problem, "too_much")) {
        faults_add(&rq->faults, "/amount", ERR_FIELD_RANGE, "Chỉ còn hoàn được %lld đồng",
                   (long long)db_int(&rows, 0, 2));
        return ERR_INVALID;
    }
    return refund_reply(rq, db_int(&rows, 0, 0), 201, reply);
}

static enum err answer(struct request *rq, enum err err)
{
    if (!err)
        return OK;
    return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
}

enum err ledger_refund_ask_handle(struct request *rq)
{
    struct json_fields in;
    struct asking asking = {.refundable = -1};
    if (!text_to_int64(request_capture(rq, "id"), &asking.payment) || asking.payment <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_int(&in, "amount", REQUIRED, 1, MONEY_MAX, &asking.amount);
    json_read_int(&in, "refundable", OPTIONAL, 0, MONEY_MAX, &asking.refundable);
    json_read_enum(&in, "reason", REQUIRED, reason_names, &asking.reason);
    json_read_text(&in, "note", OPTIONAL, 1, NOTE_MAX, &asking.note);
    read_destination(&in, &asking);
    if (asking.account.length && !asking.note.length)
        json_fault(&in, "note", ERR_FIELD_MISSING, "Ghi rõ người nộp đã xác nhận tài khoản nhận bằng cách nào");
    err = json_close(&in);
    return err ? reply_faults(rq, err) : answer(rq, request_once(rq, ask_act, &asking));
}

/* ---- deciding and closing ----------------------------------------------------------------------------------- */

struct step {
    int64_t id;
    const char *outcome; /* the state that means it was done */
    struct text why, bank_reference;
    date_days paid_on;
};

static enum err step_result(struct request *rq, const struct step *step, const struct db_rows *rows,
                            struct act_reply *reply)
{
    struct text state = db_text(rows, 0, 0);
    if (db_null(rows, 0, 0))
        return ERR_NOT_FOUND;
    if (text_is(state, "same_person"))
        return ERR_SECOND_PERSON;
    return text_is(state, step->outcome) ? refund_reply(rq, step->id, 200, reply) : ERR_REFUND_STATE;
}

static enum err decide_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct step *step = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, step->id);
    db_arg_string(&args, step->outcome);
    db_arg_text(&args, step->why);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &decide_sql, &args, &rows);
    return err ? err : step_result(rq, step, &rows, reply);
}

static enum err close_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct step *step = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, step->id);
    db_arg_string(&args, step->outcome);
    db_arg_text(&args, step->bank_reference);
    db_arg_date(&args, step->paid_on);
    db_arg_text(&args, step->why);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &close_sql, &args, &rows);
    return err ? err : step_result(rq, step, &rows, reply);
}

/* Reads the body of a step: what was refused or failed says why, what was paid gives the bank's proof. */
static enum err step_handle(struct request *rq, const char *outcome, request_act act)
{
    struct json_fields in;
    struct step step = {.outcome = outcome, .paid_on = DATE_NONE};
    if (!text_to_int64(request_capture(rq, "id"), &step.id) || step.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body.length ? rq->body : TEXT("{}"), &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    if (!strcmp(outcome, "refused") || !strcmp(outcome, "failed"))
        json_read_text(&in, "why", REQUIRED, 3, NOTE_MAX, &step.why);
    if (!strcmp(outcome, "paid")) {
        json_read_text(&in, "bank_reference", REQUIRED, 3, 64, &step.bank_reference);
        json_read_date(&in, "paid_on", REQUIRED, &step.paid_on);
        if (step.paid_on != DATE_NONE && step.paid_on > date_of(rq->at))
            json_fault(&in, "paid_on", ERR_FIELD_RANGE, "Ngày trả không thể ở tương lai");
    }
    err = json_close(&in);
    return err ? reply_faults(rq, err) : answer(rq, request_once(rq, act, &step));
}

enum err ledger_refund_approve_handle(struct request *rq)
{
    return step_handle(rq, "approved", decide_act);
}

enum err ledger_refund_refuse_handle(struct request *rq)
{
    return step_handle(rq, "refused", decide_act);
}

enum err ledger_refund_paid_handle(struct request *rq)
{
    return step_handle(rq, "paid", close_act);
}

enum err ledger_refund_failed_handle(struct request *rq)
{
    return step_handle(rq, "failed", close_act);
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

static void one_write(struct json *json, const void *what)
{
    refund_write(json, what, 0);
}

enum err ledger_refunds_handle(struct request *rq)
{
    struct list list;
    struct text state = request_query(rq, "state");
    bool known = !state.at;
    for (int i = 0; state_names[i]; i++)
        known = known || text_is(state, state_names[i]);
    if (!known)
        faults_add(&rq->faults, "state", ERR_FIELD_VALUE, "proposed, requested, approved, sent, paid, failed, refused");
    list_ask(rq, &list);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_text(&args, state);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, refund_write);
}

enum err ledger_refund_handle(struct request *rq)
{
    int64_t id;
    struct db_rows rows;
    if (!text_to_int64(request_capture(rq, "id"), &id) || id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = refund_find(rq, id, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, one_write, &rows);
}

/* ---- lists for the bank ------------------------------------------------------------------------------------- */

static enum err list_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct text *account = with;
    struct db_args args = db_args(&rq->arena), wanted = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, *account);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &make_list_sql, &args, &rows);
    if (err || db_null(&rows, 0, 0))
        return err ? err : ERR_REFUND_STATE;
    int64_t id = db_int(&rows, 0, 0);
    db_arg_int(&wanted, id);
    err = db_query(rq->db, &head_sql, &wanted, &rows);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", id);
    json_put_text(&json, "account", db_text(&rows, 0, 0));
    json_put_int(&json, "count", db_int(&rows, 0, 3));
    json_put_int(&json, "total", db_int(&rows, 0, 4));
    json_put_textf(&json, "csv_url", "/v1/refund-lists/%lld.csv", (long long)id);
    json_put_end(&json);
    reply->status = 201;
    return OK;
}

enum err ledger_refund_list_make_handle(struct request *rq)
{
    struct json_fields in;
    struct text account = TEXT_NONE;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "account", REQUIRED, 1, 30, &account);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : answer(rq, request_once(rq, list_act, &account));
}

/* A spreadsheet must not take a name for a formula (a citizen chooses it). */
static void csv_cell(struct buf *out, struct text cell)
{
    buf_char(out, '"');
    if (cell.length && strchr("=+-@\t\r", cell.at[0]))
        buf_char(out, '\'');
    for (size_t i = 0; i < cell.length; i++) {
        if (cell.at[i] == '"')
            buf_char(out, '"');
        buf_char(out, cell.at[i]);
    }
    buf_char(out, '"');
}

enum err ledger_refund_list_csv_handle(struct request *rq)
{
    int64_t id;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    struct buf out = {0};
    if (!text_to_int64(request_capture(rq, "id"), &id) || id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &of_list_sql, &args, &rows);
    if (err || !rows.count)
        return reply_error(rq, err ? err : ERR_NOT_FOUND);
    buf_string(&out, "\xEF\xBB\xBFSTT,Số tài khoản nhận,Tên người nhận,Mã BIN ngân hàng,Số tiền,Nội dung,Mã hoàn\r\n");
    for (int i = 0; i < rows.count; i++) {
        buf_printf(&out, "%d,", i + 1);
        csv_cell(&out, db_text(&rows, i, 11));
        buf_char(&out, ',');
        csv_cell(&out, db_text(&rows, i, 12));
        buf_char(&out, ',');
        csv_cell(&out, db_text(&rows, i, 13));
        buf_printf(&out, ",%lld,", (long long)db_int(&rows, i, 5));
        csv_cell(&out, arena_textf(&rq->arena, "Hoan phi HT%lld %.*s", (long long)db_int(&rows, i, 0),
                                   TEXT_ARGS(db_text(&rows, i, 3))));
        buf_printf(&out, ",HT%lld\r\n", (long long)db_int(&rows, i, 0));
    }
    reply_header(rq, "Content-Disposition",
                 arena_textf(&rq->arena, "attachment; filename=\"hoan-phi-%lld.csv\"", (long long)id));
    err = reply_body(rq, 200, "text/csv; charset=utf-8", buf_view(&out));
    buf_done(&out);
    return err;
}
