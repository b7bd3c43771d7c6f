/* HTTP: statements, runs, exceptions and the books of a day. */
#include "reconciliation/statement_import.h"

#include <string.h>
#include "core/auth/auth.h"
#include "core/auth/idempotency.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 500 };

static const struct db_statement statement_get = {
    "statement_get",
    "SELECT jsonb_build_object('id', s.id, 'file', f.name, 'format', f.format, 'imported_at', f.imported_at,"
    " 'account', s.account, 'currency', s.currency, 'number', s.number, 'first_day', s.first_day, 'last_day', "
    "s.last_day,"
    " 'opening', s.opening, 'closing', s.closing, 'lines', s.line_count, 'plus', s.sum_in, 'minus', s.sum_out,"
    " 'state', s.state, 'reason', s.reason, 'detail', s.detail, 'new', s.new_lines, 'known', s.known_lines)"
    " FROM statement s JOIN statement_file f ON f.id = s.file_id WHERE s.id = $1"};
static const struct db_statement run_get = {
    "reconciliation_run_get",
    "SELECT jsonb_build_object('id', id, 'date', day, 'started_at', started_at, 'finished_at', finished_at,"
    " 'status', CASE WHEN finished_at IS NULL THEN 'unfinished' ELSE 'finished' END, 'summary', summary)"
    " FROM reconciliation_run WHERE id = $1"};
static const struct db_statement preview = {
    "reconciliation_preview",
    "SELECT jsonb_build_object('date', $1::date, 'dry_run', true, 'summary', reconcile_summary($1::date))"};
static const struct db_statement exceptions_list = {
    "exceptions_list",
    "SELECT e.id, jsonb_build_object('id', e.id, 'reason', e.reason, 'explanation', exception_explain(e.reason), "
    "'account', a.account_number, 'amount', e.amount,"
    " 'booked_on', e.booked_on, 'age_days', business_day($4) - e.booked_on, 'state', e.state, 'suggestion', "
    "e.suggestion,"
    " 'proposed_by', e.proposed_by, 'resolved_by', e.resolved_by, 'resolution', e.resolution, 'note', e.note,"
    " 'line', CASE WHEN l.id IS NOT NULL THEN jsonb_build_object('bank_reference', t.bank_reference, 'memo', t.memo,"
    "   'counterparty', t.counterparty, 'counterparty_account', t.counterparty_account) END,"
    " 'payment', CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'source', p.source, 'external_id', "
    "p.external_id,"
    "   'paid_at', p.paid_at, 'memo', p.memo) END)"
    " FROM exception_case e JOIN receiving_account a ON a.id = e.account_id"
    " LEFT JOIN statement_line l ON l.id = e.line_id LEFT JOIN payment p ON p.id = e.payment_id"
    " LEFT JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date"
    " WHERE e.id > $1 AND ($2 = 'all' OR (e.state = 'resolved') = ($2 = 'resolved')) ORDER BY e.id LIMIT $3"};
static const struct db_statement resolve = {"exception_resolve", "SELECT exception_resolve($1, $2, $3, $4, $5, $6)"};

static void write_raw(struct json *json, const void *what)
{
    json_put_raw(json, NULL, *(const struct text *)what);
}

static enum err import_act(struct request *rq, void *with, struct act_reply *reply)
{
    struct text name = request_header(rq, "X-File-Name");
    const struct statement_import_order order = {
        rq->body, name.length ? arena_copy(&rq->arena, text_slice(name, 0, 200)) : "upload", auth_actor(rq), rq->at};
    struct text json;
    enum err err = statement_import_within(rq->db, &rq->arena, &order, &json);
    if (err)
        return err;
    /* A file that was here before made nothing. */
    reply->status = text_find(json, TEXT("\"already_known\":true")) < json.length ? 200 : 201;
    buf_text(&reply->body, json);
    return OK;
}

enum err statements_create_handle(struct request *rq)
{
    enum err err = request_once(rq, import_act, NULL);
    return err ? reply_error(rq, err) : OK;
}

/* One row by the number in the path. */
static enum err reply_one(struct request *rq, const struct db_statement *statement)
{
    int64_t id;
    if (!text_to_int64(request_capture(rq, "id"), &id))
        return reply_error(rq, ERR_NOT_FOUND);
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, id);
    struct db_rows rows;
    enum err err = db_query(rq->db, statement, &args, &rows);
    if (err || !rows.count)
        return reply_error(rq, err ? err : ERR_NOT_FOUND);
    struct text json = db_text(&rows, 0, 0);
    return reply_json(rq, 200, write_raw, &json);
}

enum err statement_get_handle(struct request *rq)
{
    return reply_one(rq, &statement_get);
}

enum err reconciliation_run_get_handle(struct request *rq)
{
    return reply_one(rq, &run_get);
}

struct run_reply {
    int64_t id;
    date_days day;
    struct text summary;
};

static void write_run(struct json *json, const void *what)
{
    const struct run_reply *run = what;
    json_put_object(json, NULL);
    json_put_int(json, "id", run->id);
    json_put_date(json, "date", run->day);
    json_put_string(json, "status", "finished");
    json_put_raw(json, "summary", run->summary);
    json_put_end(json);
}

/* Not under an idempotency key: the run is many transactions, and doing it twice changes nothing by itself. */
enum err reconciliation_run_create_handle(struct request *rq)
{
    struct json_fields in;
    struct run_reply run = {.day = DATE_NONE};
    bool dry_run = false;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_date(&in, "date", REQUIRED, &run.day);
        json_read_bool(&in, "dry_run", OPTIONAL, &dry_run);
        if (run.day != DATE_NONE && run.day > date_of(rq->at))
            json_fault(&in, "date", ERR_FIELD_RANGE, "Ngày đối soát chưa tới.");
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    if (dry_run) {
        struct db_args args = db_args(&rq->arena);
        db_arg_date(&args, run.day);
        struct db_rows rows;
        err = db_query(rq->db, &preview, &args, &rows);
        if (err)
            return reply_error(rq, err);
        struct text json = db_text(&rows, 0, 0);
        return reply_json(rq, 200, write_raw, &json);
    }
    err = reconcile(rq->db, &rq->arena, run.day, auth_actor(rq), rq->at, &run.id, &run.summary);
    return err ? reply_error(rq, err) : reply_json(rq, 201, write_run, &run);
}

struct exception_page {
    struct db_rows rows;
    int64_t limit;
};

static void write_page(struct json *json, const void *what)
{
    const struct exception_page *page = what;
    bool more = page->rows.count > page->limit;
    int count = more ? (int)page->limit : page->rows.count;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < count; i++)
        json_put_raw(json, NULL, db_text(&page->rows, i, 1));
    json_put_end(json);
    if (more)
        json_put_textf(json, "next_cursor", "%lld", (long long)db_int(&page->rows, count - 1, 0));
    else
        json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err exceptions_list_handle(struct request *rq)
{
    struct text limit = request_query(rq, "limit"), cursor = request_query(rq, "cursor"),
                state = request_query(rq, "state");
    struct exception_page page = {.limit = LIST_DEFAULT};
    int64_t after = 0;
    if (limit.at && (!text_to_int64(limit, &page.limit) || page.limit < 1 || page.limit > LIST_MAX))
        faults_add(&rq->faults, "/limit", ERR_FIELD_RANGE, NULL);
    if (cursor.at && (!text_to_int64(cursor, &after) || after < 0))
        faults_add(&rq->faults, "/cursor", ERR_FIELD_FORMAT, NULL);
    if (!state.at)
        state = TEXT("open");
    if (!text_is(state, "open") && !text_is(state, "resolved") && !text_is(state, "all"))
        faults_add(&rq->faults, "/state", ERR_FIELD_VALUE, NULL);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, after);
    db_arg_text(&args, state);
    db_arg_int(&args, page.limit + 1);
    db_arg_instant(&args, rq->at);
    enum err err = db_query(rq->db, &exceptions_list, &args, &page.rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, write_page, &page);
}

struct resolution {
    int64_t id, payment;
    int action;
    struct text note;
};

static enum err resolve_act(struct request *rq, void *with, struct act_reply *reply)
{
    static const char *const words[] = {"match", "explained"};
    const struct resolution *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->id);
    db_arg_string(&args, auth_actor(rq));
    db_arg_string(&args, words[in->action]);
    db_arg_text(&args, in->note);
    if (in->payment)
        db_arg_int(&args, in->payment);
    else
        db_arg_null(&args);
    struct db_rows rows;
    enum err err = db_query(rq->db, &resolve, &args, &rows);
    if (err)
        return err;
    struct text state = db_text(&rows, 0, 0);
    if (text_is(state, "not_found"))
        return ERR_NOT_FOUND;
    if (text_is(state, "second_person"))
        return ERR_SECOND_PERSON;
    if (text_is(state, "conflict"))
        return ERR_CONFLICT;
    reply->status = text_is(state, "proposed") ? 202 : 200;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", in->id);
    json_put_text(&json, "state", state);
    json_put_end(&json);
    return OK;
}

enum err exception_resolve_handle(struct request *rq)
{
    static const char *const actions[] = {"match", "explain", NULL};
    struct json_fields in;
    struct resolution order = {0};
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_enum(&in, "action", REQUIRED, actions, &order.action);
        json_read_text(&in, "note", REQUIRED, 3, 500, &order.note);
        json_read_int(&in, "payment", OPTIONAL, 1, INT64_MAX, &order.payment);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    if (!text_to_int64(request_capture(rq, "id"), &order.id))
        return reply_error(rq, ERR_NOT_FOUND);
    err = request_once(rq, resolve_act, &order);
    return err ? reply_error(rq, err) : OK;
}
