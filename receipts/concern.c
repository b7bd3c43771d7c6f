/* Concerns: raised by jobs, read and explained by people. */
#include "core/http/list.h"
#include "receipts/concern.h"

static const struct db_statement open_sql = {
    "receipt_concern_open", "SELECT receipt_concern_open($1, ARRAY[$2::text], ARRAY[$3::text], ARRAY[$4::text])"};
static const struct db_statement gone_sql = {
    "receipt_concern_gone", "SELECT receipt_concern_gone($1, $2, $3) WHERE EXISTS (SELECT FROM receipt_concern c "
                            "WHERE c.kind = $2 AND c.subject = $3 AND c.state = 'open')"};
static const struct db_statement list_sql = {
    "receipt_concerns", "SELECT id, kind, subject, words, state, opened_at, closed_at, closed_by, note FROM "
                        "receipt_concern WHERE id > $1 AND ($3 = 'all' OR state = $3) ORDER BY id LIMIT $2"};
static const struct db_statement explain_sql = {"receipt_concern_explain",
                                                "SELECT receipt_concern_explain($1, $2, $3, $4)"};

enum { NOTE_MAX = 400 };

void concern_open(struct db *db, struct arena *arena, instant_us at, const char *kind, struct text subject,
                  const char *words)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, kind);
    db_arg_text(&args, subject);
    db_arg_string(&args, words);
    (void)!db_run(db, &open_sql, &args);
}

void concern_gone(struct db *db, struct arena *arena, instant_us at, const char *kind, struct text subject)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, kind);
    db_arg_text(&args, subject);
    (void)!db_run(db, &gone_sql, &args);
}

static void item_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_text(json, "kind", db_text(rows, i, 1));
    json_put_text(json, "subject", db_text(rows, i, 2));
    json_put_text(json, "words", db_text(rows, i, 3));
    json_put_text(json, "state", db_text(rows, i, 4));
    json_put_instant(json, "opened_at", db_instant(rows, i, 5));
    json_put_instant(json, "closed_at", db_null(rows, i, 6) ? INSTANT_NONE : db_instant(rows, i, 6));
    json_put_text_or_null(json, "closed_by", db_text(rows, i, 7));
    json_put_text_or_null(json, "note", db_text(rows, i, 8));
    json_put_end(json);
}

/* GET /v1/receipts/concerns?state=open|gone|explained|all&limit=&cursor= */
enum err receipt_concerns_handle(struct request *rq)
{
    static const char *const states[] = {"open", "gone", "explained", "all"};
    struct list list;
    struct text state = request_query(rq, "state");
    list_ask(rq, &list);
    bool known = !state.at;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known = known || text_is(state, states[i]);
    if (!known)
        faults_add(&rq->faults, "state", ERR_FIELD_VALUE, "open, gone, explained hoặc all");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_text(&args, state.at ? state : TEXT("open"));
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, item_write);
}

struct explanation {
    int64_t id;
    struct text note;
};

static enum err explain_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct explanation *in = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, in->id);
    db_arg_text(&args, in->note);
    enum err err = db_query(rq->db, &explain_sql, &args, &rows);
    if (err || !db_bool(&rows, 0, 0))
        return err ? err : ERR_NOT_FOUND;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", in->id);
    json_put_string(&json, "state", "explained");
    json_put_end(&json);
    reply->status = 200;
    return OK;
}

/* POST /v1/receipts/concerns/{id}/explain {note} */
enum err receipt_concern_explain_handle(struct request *rq)
{
    struct explanation in = {0};
    struct json_fields fields;
    if (!text_to_int64(request_capture(rq, "id"), &in.id) || in.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "note", REQUIRED, 1, NOTE_MAX, &in.note);
        err = json_close(&fields);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, explain_act, &in);
    return err ? reply_error(rq, err) : OK;
}

static const struct db_statement keys_gone_sql = {"receipt_keys_gone",
                                                  "SELECT receipt_concern_gone($1, 'signing_key_file', NULL)"};
static const struct db_statement wake_sql = {
    "receipt_jobs_now", "UPDATE job SET run_at = least(run_at, $1) WHERE kind IN ('receipt.issue', 'receipt.sign') AND "
                        "state = 'waiting' AND error IS NOT NULL"};

void receipt_office_tell(struct db *db, struct arena *arena, instant_us at, const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        concern_open(db, arena, at, "signing_key_file", text_of(faults->list[i].where), faults->list[i].detail);
    if (faults->count)
        return;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    (void)!db_run(db, &keys_gone_sql, &args);
    (void)!db_run(db, &wake_sql, &args); /* what waited for a key need not wait for its next try */
}
