/* What was told to the tax authority, over HTTP: lists, bytes, and asking again. */
#include "core/http/list.h"
#include "receipts/tax.h"

#define COLUMNS                                                                                                        \
    "SELECT id, code, kind, form, collector, day, ordinal, lines, amount, state, due_on, tries, tried_at, problem, "   \
    "answered_at, signed_at, made_at FROM tax_message "
static const struct db_statement list_sql = {
    "tax_messages", COLUMNS "WHERE id > $1 AND ($3::date IS NULL OR day = $3) AND ($4::text IS NULL OR state = $4) "
                            "ORDER BY id LIMIT $2"};
static const struct db_statement one_sql = {"tax_message", COLUMNS "WHERE id = $1"};
static const struct db_statement xml_sql = {"tax_message_xml",
                                            "SELECT convert_from(signed_xml, 'UTF8') FROM tax_message WHERE id = $1"};
static const struct db_statement again_sql = {"tax_message_again", "SELECT tax_message_again($1, $2, $3)"};
static const struct db_statement collectors_sql = {"tax_collectors",
                                                   "SELECT DISTINCT collector FROM receipt_book_of($1, $1) ORDER BY 1"};

static void put_message(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_text(json, "code", db_text(rows, i, 1));
    json_put_text(json, "kind", db_text(rows, i, 2));
    json_put_text(json, "form", db_text(rows, i, 3));
    json_put_text(json, "collector", db_text(rows, i, 4));
    json_put_date(json, "day", db_date(rows, i, 5));
    json_put_int(json, "amended", db_int(rows, i, 6));
    json_put_int(json, "lines", db_int(rows, i, 7));
    json_put_int(json, "amount", db_int(rows, i, 8));
    json_put_text(json, "state", db_text(rows, i, 9));
    json_put_date(json, "due_on", db_date(rows, i, 10));
    json_put_int(json, "tries", db_int(rows, i, 11));
    json_put_instant(json, "tried_at", db_null(rows, i, 12) ? INSTANT_NONE : db_instant(rows, i, 12));
    json_put_text_or_null(json, "problem", db_text(rows, i, 13));
    json_put_instant(json, "answered_at", db_null(rows, i, 14) ? INSTANT_NONE : db_instant(rows, i, 14));
    json_put_instant(json, "signed_at", db_null(rows, i, 15) ? INSTANT_NONE : db_instant(rows, i, 15));
    json_put_instant(json, "made_at", db_instant(rows, i, 16));
    json_put_textf(json, "xml_url", "/v1/tax-messages/%lld.xml", (long long)db_int(rows, i, 0));
    json_put_end(json);
}

static void one_write(struct json *json, const void *what)
{
    put_message(json, what, 0);
}

/* GET /v1/tax-messages?date=&state=&limit=&cursor= */
enum err receipt_tax_list_handle(struct request *rq)
{
    struct list list;
    date_days day = DATE_NONE;
    struct text date = request_query(rq, "date");
    list_ask(rq, &list);
    if (date.at && !date_parse(date, &day))
        faults_add(&rq->faults, "date", ERR_FIELD_FORMAT, "Phải là ngày có thật, dạng YYYY-MM-DD");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_date(&args, day);
    db_arg_text(&args, request_query(rq, "state"));
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, put_message);
}

static bool capture_id(struct request *rq, int64_t *ret_id)
{
    return text_to_int64(request_capture(rq, "id"), ret_id) && *ret_id > 0;
}

static enum err find(struct request *rq, const struct db_statement *statement, struct db_rows *ret_rows)
{
    int64_t id;
    struct db_args args = db_args(&rq->arena);
    if (!capture_id(rq, &id))
        return ERR_NOT_FOUND;
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, statement, &args, ret_rows);
    return err ? err : ret_rows->count ? OK : ERR_NOT_FOUND;
}

enum err receipt_tax_get_handle(struct request *rq)
{
    struct db_rows rows;
    enum err err = find(rq, &one_sql, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, one_write, &rows);
}

enum err receipt_tax_xml_handle(struct request *rq)
{
    struct db_rows rows;
    enum err err = find(rq, &xml_sql, &rows);
    if (!err && db_null(&rows, 0, 0))
        err = ERR_RETRY; /* not signed yet */
    return err ? reply_error(rq, err) : reply_body(rq, 200, "application/xml", db_text(&rows, 0, 0));
}

static enum err again_act(struct request *rq, void *with, struct act_reply *reply)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, *(int64_t *)with);
    enum err err = db_query(rq->db, &again_sql, &args, &rows);
    if (err || db_null(&rows, 0, 0))
        return err ? err : ERR_NOT_FOUND;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", *(int64_t *)with);
    json_put_text(&json, "state", db_text(&rows, 0, 0));
    json_put_end(&json);
    reply->status = 200;
    return OK;
}

/* POST /v1/tax-messages/{id}/send: try now. */
enum err receipt_tax_send_handle(struct request *rq)
{
    int64_t id;
    if (!capture_id(rq, &id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = request_once(rq, again_act, &id);
    return err ? reply_error(rq, err) : OK;
}

enum err receipt_summaries_make(struct db *db, struct arena *arena, instant_us at, const char *actor, date_days day,
                                struct json *json)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_date(&args, day);
    enum err err = db_query(db, &collectors_sql, &args, &rows);
    json_put_object(json, NULL);
    json_put_date(json, "date", day);
    json_put_array(json, "summaries");
    for (int i = 0; !err && i < rows.count; i++) {
        int64_t made;
        err = tax_summary_make(db, arena, at, actor, db_text(&rows, i, 0), day, &made);
        if (err)
            break;
        json_put_object(json, NULL);
        json_put_text(json, "collector", db_text(&rows, i, 0));
        json_put_bool(json, "new", made > 0);
        if (made)
            json_put_int(json, "message", made);
        else
            json_put_null(json, "message");
        json_put_end(json);
    }
    json_put_end(json);
    json_put_end(json);
    return err;
}

/* POST /v1/receipts/summaries {date}: what the evening's job does, now. */
enum err receipt_summaries_handle(struct request *rq)
{
    struct json_fields fields;
    date_days day = DATE_NONE;
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_date(&fields, "date", REQUIRED, &day);
        if (day > date_of(rq->at))
            json_fault(&fields, "date", ERR_FIELD_RANGE, "Ngày này chưa tới");
        err = json_close(&fields);
    }
    if (err)
        return reply_faults(rq, err);
    struct buf out = {0};
    struct json json = json_to(&out);
    err = receipt_summaries_make(rq->db, &rq->arena, rq->at, auth_actor(rq), day, &json);
    if (!err)
        err = reply_body(rq, 200, "application/json", buf_view(&out));
    else
        err = reply_error(rq, err);
    buf_done(&out);
    return err;
}
