/* Claims for lost and damaged parcels: who asked for what, and what the carrier answered, recorded by somebody else. */
#include "postal/room.h"

enum { NOTE_MAX = 500 };

static const char *const kind_names[] = {"loss", "damage", NULL};
enum decision { DECISION_GRANTED, DECISION_REFUSED };
static const char *const decision_names[] = {"granted", "refused", NULL};

static const struct db_statement open_sql = {"postal_claim_open",
                                             "SELECT outcome, claim FROM postal_claim_open($1, $2, $3, $4, $5, $6)"};
static const struct db_statement decide_sql = {"postal_claim_decide",
                                               "SELECT postal_claim_decide($1, $2, $3, $4, $5, $6)"};
#define CLAIM_COLUMNS                                                                                                  \
    "SELECT id, parcel_id, kind, state, claimed, least, granted, note, opened_at, opened_by, answer_due, legal_basis," \
    " decided_at, decided_by, why FROM postal_claim "
static const struct db_statement one_sql = {"postal_claim_one", CLAIM_COLUMNS "WHERE id = $1"};
static const struct db_statement of_parcel_sql = {"postal_claims_of", CLAIM_COLUMNS "WHERE parcel_id = $1 ORDER BY id"};

static void put_sum(struct json *json, const char *key, const struct db_rows *rows, int row, int column)
{
    if (db_null(rows, row, column))
        json_put_null(json, key);
    else
        json_put_int(json, key, db_int(rows, row, column));
}

static void claim_write(struct json *json, const struct db_rows *rows, int row)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, row, 0));
    json_put_int(json, "booking", db_int(rows, row, 1));
    json_put_text(json, "kind", db_text(rows, row, 2));
    json_put_text(json, "state", db_text(rows, row, 3));
    json_put_int(json, "claimed", db_int(rows, row, 4));
    put_sum(json, "least", rows, row, 5);
    put_sum(json, "granted", rows, row, 6);
    json_put_text(json, "note", db_text(rows, row, 7));
    json_put_instant(json, "opened_at", db_instant(rows, row, 8));
    json_put_text(json, "opened_by", db_text(rows, row, 9));
    json_put_text(json, "answer_due", db_text(rows, row, 10));
    json_put_text(json, "legal_basis", db_text(rows, row, 11));
    json_put_instant(json, "decided_at", db_instant(rows, row, 12));
    json_put_text_or_null(json, "decided_by", db_text(rows, row, 13));
    json_put_text_or_null(json, "why", db_text(rows, row, 14));
    json_put_end(json);
}

enum err claims_read(struct db *db, struct arena *arena, int64_t parcel, struct db_rows *ret_rows)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, parcel);
    return db_query(db, &of_parcel_sql, &args, ret_rows);
}

void claims_write(struct json *json, const struct db_rows *rows)
{
    json_put_array(json, "claims");
    for (int i = 0; i < rows->count; i++)
        claim_write(json, rows, i);
    json_put_end(json);
}

static enum err claim_reply(struct request *rq, int64_t id, int status, struct act_reply *reply)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &one_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    struct json json = json_to(&reply->body);
    claim_write(&json, &rows, 0);
    reply->status = status;
    return OK;
}

/* ---- POST /v1/postal/bookings/{id}/claims ---- */

struct claiming {
    int64_t parcel, amount;
    int kind;
    struct text note;
};

static enum err claim(struct request *rq, void *with, struct act_reply *reply)
{
    const struct claiming *c = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, c->parcel);
    db_arg_string(&args, kind_names[c->kind]);
    db_arg_int(&args, c->amount);
    db_arg_text(&args, c->note);
    enum err err = db_query(rq->db, &open_sql, &args, &rows);
    if (err)
        return err;
    struct text outcome = db_text(&rows, 0, 0);
    if (text_is(outcome, "no_parcel"))
        return ERR_NOT_FOUND;
    if (text_is(outcome, "not_taken") || text_is(outcome, "too_late")) {
        faults_add(&rq->faults, "/kind", ERR_FIELD_VALUE,
                   text_is(outcome, "too_late") ? "Đã quá thời hạn khiếu nại tính từ ngày bưu điện nhận bưu gửi"
                                                : "Bưu điện chưa nhận bưu gửi này nên chưa thể khiếu nại");
        return ERR_INVALID;
    }
    return claim_reply(rq, db_int(&rows, 0, 1), text_is(outcome, "opened") ? 201 : 200, reply);
}

static enum err once(struct request *rq, request_act act, void *with)
{
    enum err err = request_once(rq, act, with);
    if (err && rq->faults.count)
        return reply_faults(rq, err);
    return err ? reply_error(rq, err) : OK;
}

enum err postal_claim_handle(struct request *rq)
{
    struct claiming c = {0};
    struct json_fields in;
    if (!text_to_int64(request_capture(rq, "id"), &c.parcel) || c.parcel < 1)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_enum(&in, "kind", REQUIRED, kind_names, &c.kind);
    json_read_int(&in, "amount", REQUIRED, 0, MONEY_MAX, &c.amount);
    json_read_text(&in, "note", REQUIRED, 3, NOTE_MAX, &c.note);
    err = json_close(&in);
    return err ? reply_faults(rq, err) : once(rq, claim, &c);
}

/* ---- POST /v1/postal/claims/{id}/decision ---- */

struct deciding {
    int64_t claim, amount;
    int decision;
    struct text why;
};

static enum err decide(struct request *rq, void *with, struct act_reply *reply)
{
    const struct deciding *d = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, d->claim);
    db_arg_string(&args, decision_names[d->decision]);
    if (d->decision == DECISION_GRANTED)
        db_arg_int(&args, d->amount);
    else
        db_arg_null(&args);
    db_arg_text(&args, d->why);
    enum err err = db_query(rq->db, &decide_sql, &args, &rows);
    if (err)
        return err;
    struct text outcome = db_text(&rows, 0, 0);
    if (text_is(outcome, "no_claim"))
        return ERR_NOT_FOUND;
    if (text_is(outcome, "same_person"))
        return ERR_SECOND_PERSON;
    if (text_is(outcome, "other"))
        return ERR_CONFLICT;
    if (text_is(outcome, "below_least")) {
        faults_add(&rq->faults, "/amount", ERR_FIELD_RANGE, "Thấp hơn mức bồi thường tối thiểu của khiếu nại này");
        return ERR_INVALID;
    }
    return claim_reply(rq, d->claim, 200, reply);
}

enum err postal_claim_decide_handle(struct request *rq)
{
    struct deciding d = {.amount = -1, .why = TEXT("")};
    struct json_fields in;
    if (!text_to_int64(request_capture(rq, "id"), &d.claim) || d.claim < 1)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_enum(&in, "decision", REQUIRED, decision_names, &d.decision);
    json_read_int(&in, "amount", OPTIONAL, 0, MONEY_MAX, &d.amount);
    json_read_text(&in, "why", OPTIONAL, 3, NOTE_MAX, &d.why);
    if (d.decision == DECISION_GRANTED && d.amount < 0)
        json_fault(&in, "amount", ERR_FIELD_MISSING, "Cần số tiền bưu điện bồi thường");
    if (d.decision == DECISION_REFUSED && !d.why.length)
        json_fault(&in, "why", ERR_FIELD_MISSING, "Cần lý do bưu điện từ chối");
    if (d.decision == DECISION_REFUSED && d.amount >= 0)
        json_fault(&in, "amount", ERR_FIELD_VALUE, "Từ chối thì không có số tiền");
    err = json_close(&in);
    return err ? reply_faults(rq, err) : once(rq, decide, &d);
}
