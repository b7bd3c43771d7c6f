/* A wrong receipt (TT 91/2026/TT-BTC art. 20): an error notice when neither tax code nor amount is touched, else a
 * replacement under a number of its own. Nothing is cancelled or deleted. Amounts follow the money: an amount that was
 * collected wrongly goes through a refund, so a replacement here corrects who paid. */
#include <string.h>
#include "receipts/issue.h"

static const struct db_statement notify_sql = {"receipt_notify", "SELECT receipt_notify($1, $2, $3, $4, $5)"};
static const struct db_statement lock_sql = {
    "receipt_lock_one", "SELECT q.id, r.collector, convert_from(r.signed_xml, 'UTF8'), "
                        "EXISTS (SELECT FROM receipt x WHERE x.replaces = r.id) FROM receipt r "
                        "JOIN payment_request q ON q.id = r.request_id WHERE r.id = $1 FOR NO KEY UPDATE OF q"};
static const struct db_statement made_sql = {"receipt_replacement", "SELECT id FROM receipt WHERE replaces = $1"};

enum { WORDS_MAX = 400, REASON_MAX = 255, NAME_LONGEST = 400 };

struct correction {
    int64_t id;
    struct text wrong, right; /* of a notice */
    struct text reason;       /* of a replacement */
    struct receipt_party payer;
};

static bool capture_id(struct request *rq, int64_t *ret_id)
{
    return text_to_int64(request_capture(rq, "id"), ret_id) && *ret_id > 0;
}

static enum err notice_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct correction *in = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, in->id);
    db_arg_text(&args, in->wrong);
    db_arg_text(&args, in->right);
    enum err err = db_query(rq->db, &notify_sql, &args, &rows);
    if (err)
        return err;
    if (db_null(&rows, 0, 0)) {
        struct receipt_stored stored;
        err = receipt_load(rq->db, &rq->arena, in->id, &stored);
        return err ? err : ERR_CONFLICT;
    }
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "receipt", in->id);
    json_put_string(&json, "status", "notified_error");
    json_put_int(&json, "notice", db_int(&rows, 0, 0));
    json_put_string(&json, "form", "04/SS-CTĐT");
    json_put_instant(&json, "at", rq->at);
    json_put_end(&json);
    reply->status = 201;
    return OK;
}

enum err receipt_notice_handle(struct request *rq)
{
    struct correction in = {0};
    struct json_fields fields;
    if (!capture_id(rq, &in.id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "wrong", REQUIRED, 1, WORDS_MAX, &in.wrong);
        json_read_text(&fields, "right", REQUIRED, 1, WORDS_MAX, &in.right);
        err = json_close(&fields);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, notice_act, &in);
    return err ? reply_error(rq, err) : OK;
}

static struct text either(struct text given, struct text before)
{
    return given.at ? given : before;
}

static enum err replace_act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct correction *in = with;
    struct receipt_document document;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows, made;
    db_arg_int(&args, in->id);
    enum err err = db_query(rq->db, &lock_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    if (db_null(&rows, 0, 2) || db_bool(&rows, 0, 3))
        return ERR_CONFLICT; /* not signed yet, or replaced already: the newest one is what may be replaced */
    err = receipt_document_read(db_text(&rows, 0, 2), &document, &rq->faults);
    if (err)
        return ERR_INTERNAL;
    document.replaces = (struct receipt_related){document.form, document.symbol,
                                                 arena_textf(&rq->arena, "%lld", (long long)document.number),
                                                 in->reason, document.issued_on};
    document.payer.name = either(in->payer.name, document.payer.name);
    document.payer.tax_code = either(in->payer.tax_code, document.payer.tax_code);
    document.payer.address = either(in->payer.address, document.payer.address);
    document.payer.id_number = either(in->payer.id_number, document.payer.id_number);
    document.payer.passport = either(in->payer.passport, document.payer.passport);
    err = receipt_document_check(&document, &rq->faults); /* with the old number: a bad one takes none */
    if (err)
        return err;
    document.issued_on = date_of(rq->at);
    document.delegate = (struct receipt_party){0};
    err = issue_replacement(rq->db, &rq->arena, rq->at, db_int(&rows, 0, 0), in->id, &document);
    if (!err)
        err = db_query(rq->db, &made_sql, &args, &made);
    if (!err)
        err = audit_record(rq->db, &rq->arena, rq->at, auth_actor(rq), "receipt.replace",
                           arena_textf(&rq->arena, "receipt %lld", (long long)in->id), TEXT_NONE);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", db_int(&made, 0, 0));
    json_put_string(&json, "status", "awaiting_signature");
    json_put_int(&json, "replaces", in->id);
    receipt_document_json(&json, "receipt", &document);
    json_put_end(&json);
    reply->status = 201;
    return OK;
}

enum err receipt_replace_handle(struct request *rq)
{
    struct correction in = {0};
    struct json_fields fields, payer;
    if (!capture_id(rq, &in.id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "reason", REQUIRED, 1, REASON_MAX, &in.reason);
        json_read_object(&fields, "payer", REQUIRED, &payer);
        json_read_text(&payer, "name", OPTIONAL, 1, NAME_LONGEST, &in.payer.name);
        json_read_text(&payer, "tax_code", OPTIONAL, 10, 14, &in.payer.tax_code);
        json_read_text(&payer, "address", OPTIONAL, 1, NAME_LONGEST, &in.payer.address);
        json_read_text(&payer, "id_number", OPTIONAL, 1, 20, &in.payer.id_number);
        json_read_text(&payer, "passport", OPTIONAL, 5, 20, &in.payer.passport);
        (void)!json_close(&payer);
        err = json_close(&fields);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, replace_act, &in);
    if (err && rq->faults.count)
        return reply_faults(rq, err);
    return err ? reply_error(rq, err) : OK;
}
