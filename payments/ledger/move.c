/* A payment on the wrong dossier: one person asks to move it, another decides, the books take back before they book
 * anew (sql/0048-moves.sql). */
#include "core/http/list.h"
#include "payments/ledger/ledger.h"

enum { REASON_MAX = 400 };

static const struct db_statement ask_sql = {"move_ask", "SELECT id, problem FROM payment_move_ask($1, $2, $3, $4, $5)"};
static const struct db_statement decide_sql = {"move_decide", "SELECT payment_move_decide($1, $2, $3, $4, $5)"};
#define MOVE_COLUMNS                                                                                                   \
    "SELECT m.id, m.payment_id, a.reference, a.dossier, b.reference, b.dossier, m.amount, m.reason, m.state,"          \
    " m.asked_by, m.asked_at, m.decided_by, m.decided_at, m.why FROM payment_move m JOIN payment_request a ON a.id ="  \
    " m.from_request JOIN payment_request b ON b.id = m.to_request "
static const struct db_statement one_sql = {"move_one", MOVE_COLUMNS "WHERE m.id = $1"};
static const struct db_statement list_sql = {
    "move_page", MOVE_COLUMNS "WHERE m.id > $1 AND ($3::text IS NULL OR m.state = $3) ORDER BY m.id LIMIT $2"};

static void put_place(struct json *json, const char *name, const struct db_rows *rows, int row, int column)
{
    json_put_object(json, name);
    json_put_text(json, "reference", db_text(rows, row, column));
    json_put_text(json, "dossier", db_text(rows, row, column + 1));
    json_put_end(json);
}

static void move_write(struct json *json, const struct db_rows *rows, int row)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, row, 0));
    json_put_int(json, "payment", db_int(rows, row, 1));
    put_place(json, "from", rows, row, 2);
    put_place(json, "to", rows, row, 4);
    json_put_int(json, "amount", db_int(rows, row, 6));
    json_put_text(json, "reason", db_text(rows, row, 7));
    json_put_text(json, "state", db_text(rows, row, 8));
    json_put_text(json, "asked_by", db_text(rows, row, 9));
    json_put_instant(json, "asked_at", db_instant(rows, row, 10));
    json_put_text_or_null(json, "decided_by", db_text(rows, row, 11));
    json_put_instant(json, "decided_at", db_instant(rows, row, 12));
    json_put_text_or_null(json, "why", db_text(rows, row, 13));
    json_put_end(json);
}

/* What the database said against it. */
static enum err problem_of(struct text said)
{
    static const struct {
        const char *said;
        enum err err;
    } known[] = {{"not_found", ERR_NOT_FOUND},
                 {"unknown_reference", ERR_REQUEST_UNKNOWN},
                 {"other_account", ERR_MOVE_OTHER_ACCOUNT},
                 {"not_movable", ERR_MOVE_IMPOSSIBLE},
                 {"refunding", ERR_MOVE_IMPOSSIBLE},
                 {"asked_already", ERR_CONFLICT},
                 {"same", ERR_CONFLICT},
                 {"same_person", ERR_SECOND_PERSON},
                 {"was asked", ERR_MOVE_STATE},
                 {"was done", ERR_MOVE_STATE},
                 {"was refused", ERR_MOVE_STATE},
                 {"was cancelled", ERR_REQUEST_CANCELLED},
                 {"was nothing_due", ERR_REQUEST_NOTHING_DUE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(said, known[i].said))
            return known[i].err;
    return ERR_REQUEST_SETTLED;
}

static enum err move_reply(struct request *rq, int64_t id, int status, struct act_reply *reply)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &one_sql, &args, &rows);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    move_write(&json, &rows, 0);
    reply->status = status;
    return OK;
}

struct moving {
    int64_t id; /* of the payment, or of the move */
    struct text to, reason;
    const char *decision;
};

static enum err ask(struct request *rq, void *with, struct act_reply *reply)
{
    const struct moving *m = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, m->id);
    db_arg_text(&args, m->to);
    db_arg_text(&args, m->reason);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &ask_sql, &args, &rows);
    if (!err && !db_null(&rows, 0, 1))
        err = problem_of(db_text(&rows, 0, 1));
    return err ? err : move_reply(rq, db_int(&rows, 0, 0), 201, reply);
}

enum err ledger_move_ask_handle(struct request *rq)
{
    struct json_fields in;
    struct moving m = {.id = 0};
    if (!text_to_int64(request_capture(rq, "id"), &m.id) || m.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_text(&in, "to", REQUIRED, 14, 14, &m.to);
    json_read_text(&in, "reason", REQUIRED, 3, REASON_MAX, &m.reason);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, ask, &m);
    if (err != ERR_REQUEST_UNKNOWN && err != ERR_MOVE_OTHER_ACCOUNT)
        return err ? reply_error(rq, err) : OK;
    faults_add(&rq->faults, "/to", err, NULL);
    return reply_faults(rq, ERR_INVALID);
}

static enum err decide(struct request *rq, void *with, struct act_reply *reply)
{
    const struct moving *m = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, m->id);
    db_arg_string(&args, m->decision);
    db_arg_text(&args, m->reason);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &decide_sql, &args, &rows);
    if (err)
        return err;
    if (db_null(&rows, 0, 0))
        return ERR_NOT_FOUND;
    struct text said = db_text(&rows, 0, 0);
    return text_is(said, m->decision) ? move_reply(rq, m->id, 200, reply) : problem_of(said);
}

static enum err decide_handle(struct request *rq, const char *decision, enum json_need why)
{
    struct json_fields in;
    struct moving m = {.decision = decision};
    if (!text_to_int64(request_capture(rq, "id"), &m.id) || m.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body.length ? rq->body : TEXT("{}"), &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_text(&in, "why", why, 3, REASON_MAX, &m.reason);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, decide, &m);
    return err ? reply_error(rq, err) : OK;
}

enum err ledger_move_approve_handle(struct request *rq)
{
    return decide_handle(rq, "done", OPTIONAL);
}

enum err ledger_move_refuse_handle(struct request *rq)
{
    return decide_handle(rq, "refused", REQUIRED);
}

enum err ledger_moves_handle(struct request *rq)
{
    struct list list;
    struct text state = request_query(rq, "state");
    if (state.at && !text_is(state, "asked") && !text_is(state, "done") && !text_is(state, "refused"))
        faults_add(&rq->faults, "state", ERR_FIELD_VALUE, "asked, done, refused");
    list_ask(rq, &list);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_text(&args, state);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, move_write);
}
