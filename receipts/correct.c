/* A wrong receipt (TT 91/2026/TT-BTC art. 20): an error notice when neither tax code nor amount is touched, else a
 * replacement under a number of its own. Nothing is cancelled or deleted. Here one person proposes; correct_decide.c is
 * the other one. Amounts follow the money: a receipt shrinks by what was approved for giving back, and never grows. */
#include "receipts/correct.h"

static const struct db_statement propose_sql = {"receipt_correction_propose",
                                                "SELECT receipt_correction_propose($1, $2, $3, $4, $5)"};
static const struct db_statement given_sql = {"receipt_given_back",
                                              "SELECT receipt_given_back(r.request_id) FROM receipt r WHERE r.id = $1"};

enum { WORDS_MAX = 400, REASON_MAX = 255, NAME_LONGEST = 400 };

static bool capture_id(struct request *rq, int64_t *ret_id)
{
    return text_to_int64(request_capture(rq, "id"), ret_id) && *ret_id > 0;
}

struct proposal {
    struct correction in;
    const char *kind, *form;
};

static enum err propose(struct request *rq, void *with, struct act_reply *reply)
{
    const struct proposal *p = with;
    struct buf content = {0};
    struct json kept = json_to(&content);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    correction_write(&kept, &p->in);
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, p->in.receipt);
    db_arg_string(&args, p->kind);
    db_arg_text(&args, buf_view(&content));
    enum err err = db_query(rq->db, &propose_sql, &args, &rows);
    buf_done(&content);
    if (err)
        return err;
    if (db_null(&rows, 0, 0)) {
        struct receipt_stored stored;
        err = receipt_load(rq->db, &rq->arena, p->in.receipt, &stored);
        return err ? err : ERR_CONFLICT;
    }
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", db_int(&rows, 0, 0));
    json_put_int(&json, "receipt", p->in.receipt);
    json_put_string(&json, "kind", p->kind);
    json_put_string(&json, "status", "proposed");
    json_put_string(&json, "form", p->form);
    json_put_text(&json, "proposed_by", text_of(auth_actor(rq)));
    json_put_textf(&json, "approve_url", "/v1/receipts/corrections/%lld/approve", (long long)db_int(&rows, 0, 0));
    json_put_end(&json);
    reply->status = 201;
    return OK;
}

static enum err answer(struct request *rq, struct proposal *p)
{
    enum err err = request_once(rq, propose, p);
    return err ? reply_error(rq, err) : OK;
}

enum err receipt_notice_handle(struct request *rq)
{
    struct proposal p = {.kind = "notice", .form = "04/SS-CTĐT"};
    struct json_fields fields;
    if (!capture_id(rq, &p.in.receipt))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "wrong", REQUIRED, 1, WORDS_MAX, &p.in.wrong);
        json_read_text(&fields, "right", REQUIRED, 1, WORDS_MAX, &p.in.right);
        err = json_close(&fields);
    }
    return err ? reply_faults(rq, err) : answer(rq, &p);
}

static void read_payer(struct json_fields *fields, struct correction *ret)
{
    struct json_fields payer;
    json_read_object(fields, "payer", OPTIONAL, &payer);
    if (!payer.object)
        return;
    json_read_text(&payer, "name", OPTIONAL, 1, NAME_LONGEST, &ret->payer.name);
    json_read_text(&payer, "tax_code", OPTIONAL, 10, 14, &ret->payer.tax_code);
    json_read_text(&payer, "address", OPTIONAL, 1, NAME_LONGEST, &ret->payer.address);
    json_read_text(&payer, "id_number", OPTIONAL, 1, 20, &ret->payer.id_number);
    json_read_text(&payer, "passport", OPTIONAL, 5, 20, &ret->payer.passport);
    (void)!json_close(&payer);
}

static void read_amounts(struct json_fields *fields, struct arena *arena, struct correction *ret)
{
    size_t count = json_read_array(fields, "amounts", OPTIONAL, 1, RECEIPT_LINES_MAX);
    ret->amounts = ARENA_ARRAY(arena, struct fee_amount, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct json_fields item;
        json_item_object(fields, "amounts", i, &item);
        json_read_text(&item, "fee", REQUIRED, 1, 60, &ret->amounts[i].fee);
        json_read_int(&item, "amount", REQUIRED, 0, MONEY_MAX, &ret->amounts[i].amount);
        (void)!json_close(&item);
    }
    ret->amount_count = count;
}

/* A proposal that could not be carried out is refused to the one who makes it. */
static enum err try_on(struct request *rq, const struct correction *in)
{
    struct receipt_stored stored;
    struct receipt_document before, after;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = receipt_load(rq->db, &rq->arena, in->receipt, &stored);
    if (!err && (stored.signed_at == INSTANT_NONE || stored.replaced_by))
        err = ERR_CONFLICT;
    if (!err)
        err = receipt_document_read(stored.xml, &before, &rq->faults);
    db_arg_int(&args, in->receipt);
    if (!err)
        err = db_query(rq->db, &given_sql, &args, &rows);
    return err ? err : correction_apply(in, &before, db_int(&rows, 0, 0), &rq->arena, &after, &rq->faults);
}

enum err receipt_replace_handle(struct request *rq)
{
    struct proposal p = {.kind = "replacement", .form = "biên lai thay thế"};
    struct json_fields fields;
    if (!capture_id(rq, &p.in.receipt))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "reason", REQUIRED, 1, REASON_MAX, &p.in.reason);
        read_payer(&fields, &p.in);
        read_amounts(&fields, &rq->arena, &p.in);
        err = json_close(&fields);
    }
    if (!err)
        err = try_on(rq, &p.in);
    if (err)
        return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
    return answer(rq, &p);
}
