/* POST /v1/payment-requests: from a quote's id, or from the quote's own fields. */
#include "payments/requests/requests.h"

#include "payments/fees/fees.h"

static const char *const stage_names[] = {"filing", "additional", "result", NULL};

struct creation {
    struct text dossier_code, quote_id, payer, evidence, reason;
    int stage;
    struct quote_request wanted;
    char version[CATALOGUE_VERSION_SIZE]; /* of the quote's id; empty when fields were given */
    struct catalogue *catalogue;
};

/* The payer when it is not the applicant: {name, tax_code, address, id_number, passport}; kept as canonical JSON. */
static void read_payer(struct json_fields *in, struct creation *ret)
{
    struct json_fields payer;
    struct text name = TEXT_NONE, tax_code = TEXT_NONE, address = TEXT_NONE, id_number = TEXT_NONE,
                passport = TEXT_NONE;
    json_read_object(in, "payer", OPTIONAL, &payer);
    if (!payer.object)
        return;
    json_read_text(&payer, "name", REQUIRED, 1, 200, &name);
    json_read_text(&payer, "tax_code", OPTIONAL, 10, 14, &tax_code);
    json_read_text(&payer, "address", OPTIONAL, 1, 300, &address);
    json_read_text(&payer, "id_number", OPTIONAL, 5, 30, &id_number);
    json_read_text(&payer, "passport", OPTIONAL, 5, 20, &passport);
    if (tax_code.length && !tax_code_valid(tax_code)) /* a receipt could never be made of it */
        json_fault(&payer, "tax_code", ERR_FIELD_FORMAT, NULL);
    if (json_close(&payer))
        return;
    struct buf text = {0};
    struct json json = json_to(&text);
    json_put_object(&json, NULL);
    json_put_text(&json, "name", name);
    json_put_text_or_null(&json, "tax_code", tax_code);
    json_put_text_or_null(&json, "address", address);
    json_put_text_or_null(&json, "id_number", id_number);
    json_put_text_or_null(&json, "passport", passport);
    json_put_end(&json);
    ret->payer = arena_text(in->faults->arena, buf_view(&text));
    buf_done(&text);
}

/* What proves a claimed category, for the desk to look at; kept as canonical JSON. */
static void read_evidence(struct json_fields *in, struct creation *ret)
{
    static const char *const sources[] = {"paper", "database", NULL};
    size_t count = json_read_array(in, "evidence", OPTIONAL, 1, QUOTE_CATEGORIES_MAX);
    struct buf text = {0};
    struct json json = json_to(&text);
    json_put_array(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        struct json_fields item;
        struct text category = TEXT_NONE, document = TEXT_NONE, number = TEXT_NONE;
        date_days issued_on = DATE_NONE;
        int source = 0;
        json_item_object(in, "evidence", i, &item);
        json_read_text(&item, "category", REQUIRED, 1, QUOTE_WORD_MAX, &category);
        json_read_enum(&item, "source", REQUIRED, sources, &source);
        json_read_text(&item, "document", REQUIRED, 1, 200, &document);
        json_read_text(&item, "number", REQUIRED, 1, 60, &number);
        json_read_date(&item, "issued_on", OPTIONAL, &issued_on);
        if (!item.object || json_close(&item))
            continue; /* its faults stand in the list that the caller looks at */
        json_put_object(&json, NULL);
        json_put_text(&json, "category", category);
        json_put_string(&json, "source", sources[source]);
        json_put_text(&json, "document", document);
        json_put_text(&json, "number", number);
        json_put_date(&json, "issued_on", issued_on);
        json_put_end(&json);
    }
    json_put_end(&json);
    if (count)
        ret->evidence = arena_text(in->faults->arena, buf_view(&text));
    buf_done(&text);
}

static enum err read_body(struct request *rq, struct creation *ret)
{
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    json_read_text(&in, "dossier", REQUIRED, 3, 60, &ret->dossier_code);
    json_read_enum(&in, "stage", OPTIONAL, stage_names, &ret->stage);
    json_read_text(&in, "reason", OPTIONAL, 1, 300, &ret->reason);
    read_payer(&in, ret);
    read_evidence(&in, ret);
    quote_request_init(&ret->wanted);
    if (!json_has(&in, "quote")) {
        quote_request_read_fields(&in, &ret->wanted);
        return json_close(&in);
    }
    json_read_text(&in, "quote", REQUIRED, 3, QUOTE_ID_MAX, &ret->quote_id);
    if (ret->quote_id.length && quote_id_read(ret->quote_id, &rq->arena, &ret->wanted, ret->version))
        json_fault(&in, "quote", ERR_FIELD_FORMAT, "Không phải mã báo giá");
    return json_close(&in);
}

/* The dossier says what was filed, when and how; a request that says otherwise is wrong. */
static enum err hold_to_dossier(struct request *rq, const struct dossier *dossier, struct creation *c)
{
    enum err err = OK;
    for (int i = 0; c->wanted.channel == CHANNEL_COUNT && i < CHANNEL_COUNT; i++)
        if (text_is(dossier->channel, channel_names[i]))
            c->wanted.channel = (enum fee_channel)i;
    if (!text_is(dossier->channel, channel_names[c->wanted.channel]))
        err = faults_add(&rq->faults, "/channel", ERR_CHANNEL_CONTRADICTS, "Hồ sơ nộp theo hình thức %.*s",
                         TEXT_ARGS(dossier->channel));
    if (c->wanted.procedure.length && !text_equal(dossier->procedure, c->wanted.procedure))
        err = faults_add(&rq->faults, "/procedure", ERR_PROCEDURE_CONTRADICTS, "Hồ sơ thuộc thủ tục %.*s",
                         TEXT_ARGS(dossier->procedure));
    date_days filed_on = date_of(dossier->submitted_at);
    if (c->wanted.filed_on != DATE_NONE && c->wanted.filed_on != filed_on) {
        char text[DATE_TEXT_SIZE];
        date_format(filed_on, text);
        err = faults_add(&rq->faults, "/filed_on", ERR_FIELD_VALUE, "Hồ sơ nộp ngày %s", text);
    }
    if (!c->wanted.procedure.length && !c->wanted.fee_count)
        c->wanted.procedure = dossier->procedure;
    return err;
}

/* The price of today under the catalogue in force; a quote of another day or version must still come to the same sum.
 */
static enum err price(struct request *rq, const struct dossier *dossier, struct creation *c, struct quote *ret_quote)
{
    date_days today = date_of(rq->at);
    struct quote shown;
    bool from_id = c->version[0] != '\0';
    struct catalogue *made_by = NULL;
    enum err err = from_id ? catalogue_version_hold(rq->db, &rq->arena, text_of(c->version), &made_by) : OK;
    if (err)
        return err == ERR_NOT_FOUND ? ERR_QUOTE_CHANGED : err;
    if (from_id)
        err = quote_compute(made_by, &c->wanted, c->wanted.quoted_on, &rq->arena, &rq->faults, &shown);
    catalogue_drop(made_by); /* of what it shows, only day and sum are looked at below */
    if (!err && from_id && quote_valid_until(&shown) < rq->at)
        return ERR_QUOTE_CHANGED;
    c->wanted.filed_on = date_of(dossier->submitted_at);
    if (c->wanted.paid_on == DATE_NONE || from_id)
        c->wanted.paid_on = today;
    struct quote_request *kept = ARENA_NEW(&rq->arena, struct quote_request);
    *kept = c->wanted;
    if (!err)
        err = quote_compute(c->catalogue, kept, today, &rq->arena, &rq->faults, ret_quote);
    if (!err && from_id && shown.total != ret_quote->total)
        return ERR_QUOTE_CHANGED;
    return err;
}

static enum err create(struct request *rq, void *with, struct act_reply *reply)
{
    struct creation *c = with;
    struct dossier dossier;
    struct quote quote;
    int64_t id = 0;
    enum err err = dossier_hold(rq->db, &rq->arena, c->dossier_code, &dossier);
    if (err == ERR_DOSSIER_UNKNOWN)
        return faults_add(&rq->faults, "/dossier", err, NULL), ERR_INVALID;
    if (!err && (text_is(dossier.state, "refused") || text_is(dossier.state, "withdrawn")))
        return ERR_DOSSIER_ENDED;
    if (!err)
        err = hold_to_dossier(rq, &dossier, c) ? ERR_INVALID : OK;
    if (!err)
        err = price(rq, &dossier, c, &quote);
    const struct payment_request_order order = {.dossier = &dossier,
                                                .quote = &quote,
                                                .stage = text_of(stage_names[c->stage]),
                                                .payer = c->payer,
                                                .evidence = c->evidence,
                                                .reason = c->reason,
                                                .actor = auth_actor(rq),
                                                .faults = &rq->faults};
    if (!err)
        err = payment_request_make(rq->db, &rq->arena, &order, rq->at, &id);
    struct payment_request made;
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, id, &made);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    payment_request_write(&json, &made);
    reply->status = 201;
    return OK;
}

enum err payment_request_create_handle(struct request *rq)
{
    struct creation creation = {0};
    enum err err = read_body(rq, &creation);
    if (err)
        return reply_faults(rq, err);
    creation.catalogue = catalogue_in_force_hold();
    if (!creation.catalogue)
        return reply_error(rq, ERR_UNAVAILABLE);
    err = request_once(rq, create, &creation);
    catalogue_drop(creation.catalogue);
    if (!err)
        return OK;
    return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
}
