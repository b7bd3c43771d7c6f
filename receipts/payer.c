/* PUT /v1/payment-requests/{id}/payer: who pays, when it is not the applicant: a company with its tax code, a foreigner
 * with a passport. Editable until the receipt is numbered, for what is numbered is signed as it stands. */
#include "receipts/receipts.h"

static const struct db_statement set_sql = {"receipt_payer_set", "SELECT receipt_payer_set($1, $2, $3, $4::jsonb)"};

static void payer_write(const struct receipt_party *payer, struct buf *out)
{
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_text(&json, "name", payer->name);
    json_put_text_or_null(&json, "tax_code", payer->tax_code);
    json_put_text_or_null(&json, "address", payer->address);
    json_put_text_or_null(&json, "id_number", payer->id_number);
    json_put_text_or_null(&json, "passport", payer->passport);
    json_put_end(&json);
}

enum err receipt_payer_set(struct db *db, struct arena *arena, int64_t request, const struct receipt_party *payer,
                           const char *actor, instant_us at)
{
    struct buf text = {0};
    struct db_args args = db_args(arena);
    struct db_rows rows;
    payer_write(payer, &text);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_int(&args, request);
    db_arg_text(&args, payer->name.length ? buf_view(&text) : TEXT_NONE);
    enum err err = db_query(db, &set_sql, &args, &rows);
    buf_done(&text);
    if (!err && db_null(&rows, 0, 0))
        return ERR_NOT_FOUND;
    if (!err && text_is(db_text(&rows, 0, 0), "numbered"))
        return ERR_CONFLICT; /* from here on: error notice or replacement */
    return err;
}

struct change {
    int64_t request;
    struct receipt_party payer;
};

static enum err set_payer(struct request *rq, void *with, struct act_reply *reply)
{
    const struct change *in = with;
    enum err err = receipt_payer_set(rq->db, &rq->arena, in->request, &in->payer, auth_actor(rq), rq->at);
    if (err)
        return err;
    struct buf payer = {0};
    struct json json = json_to(&reply->body);
    payer_write(&in->payer, &payer);
    json_put_object(&json, NULL);
    json_put_int(&json, "payment_request", in->request);
    json_put_raw(&json, "payer", buf_view(&payer));
    json_put_end(&json);
    buf_done(&payer);
    reply->status = 200;
    return OK;
}

enum err receipt_payer_handle(struct request *rq)
{
    struct change in = {0};
    struct json_fields fields;
    if (!text_to_int64(request_capture(rq, "id"), &in.request) || in.request <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &fields, &rq->faults);
    if (!err) {
        json_read_text(&fields, "name", REQUIRED, 1, 200, &in.payer.name);
        json_read_text(&fields, "tax_code", OPTIONAL, 10, 14, &in.payer.tax_code);
        json_read_text(&fields, "address", OPTIONAL, 1, 300, &in.payer.address);
        json_read_text(&fields, "id_number", OPTIONAL, 5, 30, &in.payer.id_number);
        json_read_text(&fields, "passport", OPTIONAL, 5, 20, &in.payer.passport);
        if (in.payer.tax_code.length && !tax_code_valid(in.payer.tax_code))
            json_fault(&fields, "tax_code", ERR_FIELD_FORMAT, NULL);
        err = json_close(&fields);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, set_payer, &in);
    return err ? reply_error(rq, err) : OK;
}
