/* HTTP: statements and runs. */
#include "reconciliation/statement_import.h"

#include <string.h>
#include "core/auth/auth.h"
#include "core/auth/idempotency.h"

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
static void write_raw(struct json *json, const void *what)
{
    json_put_raw(json, NULL, *(const struct text *)what);
}

static enum err import_act(struct request *rq, void *with, struct act_reply *reply)
{
    struct text name = request_header(rq, "X-File-Name");
    bool named = name.length && text_is_utf8(name);
    const struct statement_import_order order = {
        rq->body, named ? arena_copy(&rq->arena, text_head(name, 200)) : "upload", auth_actor(rq), rq->at};
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
    if (err == ERR_STATEMENT_FORMAT || err == ERR_STATEMENT_SYNTAX) {
        statement_why(rq->body, &rq->faults);
        return reply_faults(rq, err);
    }
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
