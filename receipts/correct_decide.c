/* The second person: carries a correction out, or refuses it. One transaction: the notice with its message to the tax
 * authority (04/SS-CTĐT), or the replacement under its own number, and the links both ways. */
#include "core/http/list.h"
#include "receipts/correct.h"
#include "receipts/issue.h"
#include "receipts/tax.h"

static const struct db_statement take_sql = {
    "receipt_correction_take", "SELECT verdict, receipt, kind, content FROM receipt_correction_take($1, $2)"};
static const struct db_statement decide_sql = {"receipt_correction_decide",
                                               "SELECT receipt_correction_decide($1, $2, $3, $4, $5, $6, $7, $8)"};
static const struct db_statement notify_sql = {"receipt_notify", "SELECT receipt_notify($1, $2, $3, $4, $5)"};
static const struct db_statement lock_sql = {
    "receipt_lock_one",
    "SELECT q.id, r.collector, convert_from(r.signed_xml, 'UTF8'), "
    "EXISTS (SELECT FROM receipt x WHERE x.replaces = r.id), receipt_given_back(q.id) FROM receipt r "
    "JOIN payment_request q ON q.id = r.request_id WHERE r.id = $1 FOR NO KEY UPDATE OF q"};
static const struct db_statement made_sql = {"receipt_replacement", "SELECT id FROM receipt WHERE replaces = $1"};
static const struct db_statement list_sql = {
    "receipt_corrections",
    "SELECT c.id, c.receipt_id, c.kind, c.content::text, c.state, c.proposed_by, c.proposed_at, c.decided_by, "
    "c.decided_at, c.note, c.replacement, c.message_id, m.state FROM receipt_correction c LEFT JOIN tax_message m ON "
    "m.id = c.message_id WHERE c.id > $1 AND ($3::text IS NULL OR c.state = $3) AND ($4::bigint IS NULL OR "
    "c.receipt_id = $4) ORDER BY c.id LIMIT $2"};

enum { NOTE_MAX = 400 };

struct decision {
    int64_t id;
    const char *state;
    struct text note;
    /* what came of it */
    int64_t receipt, notice, replacement, message;
};

static enum err decide(struct request *rq, const struct decision *d)
{
    struct db_args args = db_args(&rq->arena);
    const int64_t made[] = {d->notice, d->replacement, d->message};
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, d->id);
    db_arg_string(&args, d->state);
    db_arg_text(&args, d->note);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (made[i])
            db_arg_int(&args, made[i]);
        else
            db_arg_null(&args);
    return db_run(rq->db, &decide_sql, &args);
}

static enum err lock_receipt(struct request *rq, int64_t id, struct db_rows *ret_rows,
                             struct receipt_document *ret_document)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &lock_sql, &args, ret_rows);
    if (err || !ret_rows->count)
        return err ? err : ERR_NOT_FOUND;
    if (db_null(ret_rows, 0, 2) || db_bool(ret_rows, 0, 3))
        return ERR_CONFLICT; /* not signed yet, or replaced already: the newest one is what may be replaced */
    return receipt_document_read(db_text(ret_rows, 0, 2), ret_document, &rq->faults) ? ERR_INTERNAL : OK;
}

static enum err carry_notice(struct request *rq, struct decision *d, const struct correction *in)
{
    struct receipt_document document;
    struct db_rows rows;
    struct db_args args = db_args(&rq->arena);
    enum err err = lock_receipt(rq, d->receipt, &rows, &document);
    if (err)
        return err;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, d->receipt);
    db_arg_text(&args, in->wrong);
    db_arg_text(&args, in->right);
    err = db_query(rq->db, &notify_sql, &args, &rows);
    if (err || db_null(&rows, 0, 0))
        return err ? err : ERR_CONFLICT;
    d->notice = db_int(&rows, 0, 0);
    struct tax_notice notice = {.collector = document.collector.tax_code,
                                .collector_name = document.collector.name,
                                .form = document.form,
                                .symbol = document.symbol,
                                .number = document.number,
                                .issued_on = document.issued_on,
                                .wrong = in->wrong,
                                .right = in->right};
    return tax_notice_make(rq->db, &rq->arena, rq->at, auth_actor(rq), &notice, &d->message);
}

static enum err carry_replacement(struct request *rq, struct decision *d, const struct correction *in)
{
    struct receipt_document before, document;
    struct db_rows rows, made;
    struct db_args args = db_args(&rq->arena);
    enum err err = lock_receipt(rq, d->receipt, &rows, &before);
    if (!err)
        err = correction_apply(in, &before, db_int(&rows, 0, 4), &rq->arena, &document, &rq->faults);
    if (err)
        return err;
    document.issued_on = date_of(rq->at);
    document.delegate = (struct receipt_party){0};
    err = issue_replacement(rq->db, &rq->arena, rq->at, db_int(&rows, 0, 0), d->receipt, &document);
    db_arg_int(&args, d->receipt);
    if (!err)
        err = db_query(rq->db, &made_sql, &args, &made);
    if (!err)
        d->replacement = db_int(&made, 0, 0);
    return err;
}

static void write_decision(struct buf *out, const struct decision *d)
{
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", d->id);
    json_put_int(&json, "receipt", d->receipt);
    json_put_string(&json, "status", d->state);
    if (d->notice) {
        json_put_string(&json, "receipt_status", "notified_error");
        json_put_int(&json, "notice", d->notice);
        json_put_string(&json, "form", "04/SS-CTĐT");
        json_put_int(&json, "tax_message", d->message);
    } else if (d->replacement) {
        json_put_string(&json, "receipt_status", "replaced");
        json_put_int(&json, "replacement", d->replacement);
        json_put_textf(&json, "replacement_url", "/v1/receipts/%lld", (long long)d->replacement);
    }
    json_put_end(&json);
}

static enum err decide_act(struct request *rq, void *with, struct act_reply *reply)
{
    struct decision *d = with;
    struct correction in;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, d->id);
    enum err err = db_query(rq->db, &take_sql, &args, &rows);
    if (err)
        return err;
    struct text verdict = db_text(&rows, 0, 0), kind = db_text(&rows, 0, 2);
    if (!text_is(verdict, "ok"))
        return text_is(verdict, "not_found")       ? ERR_NOT_FOUND
               : text_is(verdict, "second_person") ? ERR_SECOND_PERSON
                                                   : ERR_CONFLICT;
    d->receipt = db_int(&rows, 0, 1);
    d->notice = d->replacement = d->message = 0;
    if (text_is(text_of(d->state), "approved")) {
        if (!correction_read(db_text(&rows, 0, 3), &rq->arena, &in))
            return ERR_INTERNAL;
        err = text_is(kind, "notice") ? carry_notice(rq, d, &in) : carry_replacement(rq, d, &in);
    }
    if (!err)
        err = decide(rq, d);
    if (err)
        return err;
    write_decision(&reply->body, d);
    reply->status = 200;
    return OK;
}

struct page_decision {
    struct request *rq;
    struct decision decision;
};

static enum err decide_from_page(struct db *db, void *with)
{
    struct page_decision *p = with;
    struct act_reply unread = {0};
    enum err err = decide_act(p->rq, &p->decision, &unread);
    buf_done(&unread.body);
    return err;
}

enum err receipt_correction_decide(struct request *rq, int64_t id, enum receipt_decision decision)
{
    enum { DEADLINE_US = 5 * 1000 * 1000 };
    struct page_decision p = {rq, {.id = id, .state = decision == RECEIPT_APPROVE ? "approved" : "refused"}};
    return db_transact(rq->db, clock_monotonic_us() + DEADLINE_US, decide_from_page, &p);
}

static enum err decision_handle(struct request *rq, const char *state)
{
    struct decision d = {.state = state};
    struct json_fields fields;
    if (!text_to_int64(request_capture(rq, "id"), &d.id) || d.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body.length ? rq->body : TEXT("{}"), &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "note", OPTIONAL, 1, NOTE_MAX, &d.note);
        err = json_close(&fields);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, decide_act, &d);
    if (err && rq->faults.count)
        return reply_faults(rq, err);
    return err ? reply_error(rq, err) : OK;
}

enum err receipt_correction_approve_handle(struct request *rq)
{
    return decision_handle(rq, "approved");
}

enum err receipt_correction_refuse_handle(struct request *rq)
{
    return decision_handle(rq, "refused");
}

static void item_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_int(json, "receipt", db_int(rows, i, 1));
    json_put_text(json, "kind", db_text(rows, i, 2));
    json_put_raw(json, "content", db_text(rows, i, 3));
    json_put_text(json, "status", db_text(rows, i, 4));
    json_put_text(json, "proposed_by", db_text(rows, i, 5));
    json_put_instant(json, "proposed_at", db_instant(rows, i, 6));
    json_put_text_or_null(json, "decided_by", db_text(rows, i, 7));
    json_put_instant(json, "decided_at", db_null(rows, i, 8) ? INSTANT_NONE : db_instant(rows, i, 8));
    json_put_text_or_null(json, "note", db_text(rows, i, 9));
    if (!db_null(rows, i, 10))
        json_put_int(json, "replacement", db_int(rows, i, 10));
    if (!db_null(rows, i, 11)) {
        json_put_int(json, "tax_message", db_int(rows, i, 11));
        json_put_text(json, "tax_state", db_text(rows, i, 12));
    }
    json_put_end(json);
}

/* GET /v1/receipts/corrections?state=&receipt=&limit=&cursor= */
enum err receipt_corrections_handle(struct request *rq)
{
    int64_t receipt = 0;
    struct list list;
    struct text of = request_query(rq, "receipt");
    list_ask(rq, &list);
    if (of.at && (!text_to_int64(of, &receipt) || receipt < 1))
        faults_add(&rq->faults, "receipt", ERR_FIELD_FORMAT, NULL);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_text(&args, request_query(rq, "state"));
    if (receipt)
        db_arg_int(&args, receipt);
    else
        db_arg_null(&args);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, item_write);
}
