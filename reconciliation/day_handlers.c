/* HTTP: days, periods and remittances, as people close them. The rules are in the database (day_close, period_act_take,
 * remittance_propose, remittance_approve). */
#include "reconciliation/desk.h"

#include <stdlib.h>
#include "core/auth/auth.h"
#include "core/auth/idempotency.h"

static const struct db_statement state_of = {"day_state", "SELECT day_state($1)"};
static const struct db_statement close_day = {"day_close", "SELECT day_close($1, $2, $3)"};
static const struct db_statement periods = {"period_states", "SELECT id, told FROM period_states($1) ORDER BY id"};
static const struct db_statement period_take = {"period_act_take",
                                                "SELECT period_act_take($1, $2, $3, $4, $5, $6, $7)"};
static const struct db_statement remittances = {
    "remittances_list",
    "SELECT t.id, jsonb_build_object('id', t.id, 'collector', t.collector, 'fee', t.fee, 'remitted_on', t.remitted_on, "
    "'amount', t.amount, 'retained', t.retained, 'document', t.document, 'proposed_by', t.proposed_by, 'approved_by', "
    "t.approved_by, 'state', CASE WHEN t.approved_by IS NULL THEN 'proposed' ELSE 'approved' END, 'line', x.line_id)"
    " FROM treasury_remittance t LEFT JOIN line_remittance x ON x.collector = t.collector AND x.document = t.document"
    " WHERE $1::text IS NULL OR t.collector = $1 ORDER BY t.id"};
static const struct db_statement remit = {"remittance_propose",
                                          "SELECT remittance_propose($1, $2, $3, $4, $5, $6, $7, $8)"};
static const struct db_statement approve = {"remittance_approve", "SELECT remittance_approve($1, $2, $3)"};
static const struct db_statement chapter_set = {"collector_chapter_set",
                                                "SELECT collector_chapter_set($1, $2, $3, $4)"};

static bool day_captured(struct request *rq, date_days *ret_day)
{
    return date_parse(request_capture(rq, "date"), ret_day);
}

static void write_raw(struct json *json, const void *what)
{
    json_put_raw(json, NULL, *(const struct text *)what);
}

static void write_items(struct json *json, const void *what)
{
    const struct db_rows *rows = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows->count; i++)
        json_put_raw(json, NULL, db_text(rows, i, 1));
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

/* ---- days ---------------------------------------------------------------------------------------------------------
 */

enum err day_get_handle(struct request *rq)
{
    date_days day;
    if (!day_captured(rq, &day))
        return reply_error(rq, ERR_NOT_FOUND);
    struct db_args args = db_args(&rq->arena);
    db_arg_date(&args, day);
    struct db_rows rows;
    enum err err = db_query(rq->db, &state_of, &args, &rows);
    if (err)
        return reply_error(rq, err);
    struct text json = db_text(&rows, 0, 0);
    return reply_json(rq, 200, write_raw, &json);
}

static enum err close_act(struct request *rq, void *with, struct act_reply *reply)
{
    const date_days *day = with;
    struct db_args args = db_args(&rq->arena), one = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_date(&args, *day);
    db_arg_string(&args, auth_actor(rq));
    db_arg_date(&one, *day);
    struct db_rows rows;
    enum err err = db_query(rq->db, &close_day, &args, &rows);
    if (err)
        return err;
    struct text said = db_text(&rows, 0, 0);
    if (text_is(said, "not over"))
        return faults_add(&rq->faults, "/date", ERR_FIELD_RANGE, "Ngày chưa kết thúc.");
    if (text_is(said, "pending"))
        return faults_add(&rq->faults, "/date", ERR_INVALID, "Còn dòng sao kê chưa đối soát: hãy chạy đối soát trước.");
    if (!text_is(said, "closed"))
        return ERR_CONFLICT;
    err = db_query(rq->db, &state_of, &one, &rows);
    if (err)
        return err;
    reply->status = 201;
    buf_text(&reply->body, db_text(&rows, 0, 0));
    return OK;
}

enum err day_close_handle(struct request *rq)
{
    date_days day;
    if (!day_captured(rq, &day))
        return reply_error(rq, ERR_NOT_FOUND);
    return desk_reply_once(rq, close_act, &day);
}

/* ---- periods ------------------------------------------------------------------------------------------------------
 */

bool period_parse(struct text text, date_days *ret_first, date_days *ret_last)
{
    int64_t year, part = 0;
    if ((text.length != 4 && text.length != 7) || !text_to_int64(text_slice(text, 0, 4), &year) || year < 1900 ||
        year > 9998)
        return false;
    int first = 1, months = 12;
    if (text.length == 7 && text.at[4] == '-' && text.at[5] == 'Q') {
        if (!text_to_int64(text_slice(text, 6, 1), &part) || part < 1 || part > 4)
            return false;
        first = (int)part * 3 - 2;
        months = 3;
    } else if (text.length == 7 && text.at[4] == '-' && text.at[5] == 'H') {
        if (!text_to_int64(text_slice(text, 6, 1), &part) || part < 1 || part > 2)
            return false;
        first = (int)part * 6 - 5;
        months = 6;
    } else if (text.length == 7) {
        if (text.at[4] != '-' || !text_to_int64(text_slice(text, 5, 2), &part) || part < 1 || part > 12)
            return false;
        first = (int)part;
        months = 1;
    }
    int after = first + months;
    *ret_first = date_from((int)year, first, 1);
    *ret_last = date_from((int)year + (after > 12), after > 12 ? after - 12 : after, 1) - 1;
    return true;
}

static enum err list_of(struct request *rq, const struct db_statement *statement)
{
    struct text collector = request_query(rq, "collector");
    struct db_args args = db_args(&rq->arena);
    if (collector.at)
        db_arg_text(&args, collector);
    else
        db_arg_null(&args);
    struct db_rows rows;
    enum err err = db_query(rq->db, statement, &args, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, write_items, &rows);
}

enum err periods_list_handle(struct request *rq)
{
    return list_of(rq, &periods);
}

struct period_order {
    struct text collector, why;
    date_days first, last;
    int act;
};
static const char *const acts[] = {"lock", "reopen", NULL};

static enum err period_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct period_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_text(&args, in->collector);
    db_arg_date(&args, in->first);
    db_arg_date(&args, in->last);
    db_arg_string(&args, acts[in->act]);
    db_arg_text(&args, in->why);
    struct db_rows rows;
    enum err err = db_query(rq->db, &period_take, &args, &rows);
    if (err)
        return err;
    struct text said = db_text(&rows, 0, 0);
    if (text_is(said, "not over"))
        return faults_add(&rq->faults, "/period", ERR_FIELD_RANGE, "Kỳ chưa kết thúc.");
    if (text_is(said, "not_found"))
        return faults_add(&rq->faults, "/collector", ERR_FIELD_VALUE, "Không có cơ quan thu này.");
    if (text_is(said, "second_person"))
        return ERR_SECOND_PERSON;
    if (text_is(said, "conflict"))
        return ERR_CONFLICT;
    reply->status = text_is(said, "proposed") ? 202 : 200;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_text(&json, "state", said);
    json_put_string(&json, "act", acts[in->act]);
    json_put_date(&json, "from", in->first);
    json_put_date(&json, "to", in->last);
    json_put_end(&json);
    return OK;
}

enum err period_act_handle(struct request *rq)
{
    struct json_fields in;
    struct period_order order = {.first = DATE_NONE};
    struct text period = TEXT_NONE;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "collector", REQUIRED, 10, 14, &order.collector);
        json_read_text(&in, "period", REQUIRED, 4, 7, &period);
        json_read_enum(&in, "act", REQUIRED, acts, &order.act);
        json_read_text(&in, "why", REQUIRED, 3, 500, &order.why);
        if (period.length && !period_parse(period, &order.first, &order.last))
            json_fault(&in, "period", ERR_FIELD_FORMAT, "Tháng 2026-11, quý 2026-Q4 hoặc năm 2026.");
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : desk_reply_once(rq, period_act, &order);
}

/* ---- remittances and chapters ---------------------------------------------------------------------------------------
 */

enum err remittances_list_handle(struct request *rq)
{
    return list_of(rq, &remittances);
}

struct remittance_order {
    struct text collector, fee, document;
    date_days day;
    int64_t id, amount, retained;
};

static enum err remit_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct remittance_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, in->collector);
    db_arg_text(&args, in->fee);
    db_arg_date(&args, in->day);
    db_arg_int(&args, in->amount);
    db_arg_int(&args, in->retained);
    db_arg_text(&args, in->document);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    enum err err = db_query(rq->db, &remit, &args, &rows);
    return err ? err : desk_reply_of(rq, db_text(&rows, 0, 0), reply);
}

enum err remittance_propose_handle(struct request *rq)
{
    struct json_fields in;
    struct remittance_order order = {.day = DATE_NONE};
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "collector", REQUIRED, 10, 14, &order.collector);
        json_read_text(&in, "fee", REQUIRED, 1, 60, &order.fee);
        json_read_date(&in, "remitted_on", REQUIRED, &order.day);
        json_read_int(&in, "amount", REQUIRED, 0, MONEY_MAX, &order.amount);
        json_read_int(&in, "retained", REQUIRED, 0, MONEY_MAX, &order.retained);
        json_read_text(&in, "document", REQUIRED, 1, 60, &order.document);
        if (order.day != DATE_NONE && order.day > date_of(rq->at))
            json_fault(&in, "remitted_on", ERR_FIELD_RANGE, "Ngày nộp chưa tới.");
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : desk_reply_once(rq, remit_act, &order);
}

static enum err approve_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct remittance_order *in = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, in->id);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    enum err err = db_query(rq->db, &approve, &args, &rows);
    return err ? err : desk_reply_of(rq, db_text(&rows, 0, 0), reply);
}

enum err remittance_approve_handle(struct request *rq)
{
    struct remittance_order order = {0};
    if (!text_to_int64(request_capture(rq, "id"), &order.id))
        return reply_error(rq, ERR_NOT_FOUND);
    return desk_reply_once(rq, approve_act, &order);
}

static enum err chapter_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct text *chapter = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, request_capture(rq, "tax_code"));
    db_arg_text(&args, *chapter);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    enum err err = db_query(rq->db, &chapter_set, &args, &rows);
    if (err || !db_bool(&rows, 0, 0))
        return err ? err : ERR_NOT_FOUND;
    reply->status = 200;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_text(&json, "collector", request_capture(rq, "tax_code"));
    json_put_text(&json, "chapter", *chapter);
    json_put_end(&json);
    return OK;
}

enum err collector_chapter_handle(struct request *rq)
{
    struct json_fields in;
    struct text chapter = TEXT_NONE;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "chapter", REQUIRED, 3, 3, &chapter);
        for (size_t i = 0; i < chapter.length; i++)
            if (chapter.at[i] < '0' || chapter.at[i] > '9') {
                json_fault(&in, "chapter", ERR_FIELD_FORMAT, "Chương ngân sách gồm 3 chữ số.");
                break;
            }
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : desk_reply_once(rq, chapter_act, &chapter);
}
