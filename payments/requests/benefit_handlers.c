/* Benefits and the channel of a dossier over HTTP. */
#include "payments/requests/requests.h"

enum { REASON_MAX = 500, NUMBER_MAX = 60, DOCUMENT_MAX = 200 };

static const char *const source_names[] = {"paper", "database", NULL};

static bool number_of(const struct request *rq, const char *name, int64_t *ret)
{
    return text_to_int64(request_capture(rq, name), ret) && *ret > 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct benefits_view {
    struct benefit *list;
    size_t count;
};

static void benefits_write_items(struct json *json, const void *what)
{
    const struct benefits_view *view = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (size_t i = 0; i < view->count; i++) {
        const struct benefit *b = &view->list[i];
        json_put_object(json, NULL);
        json_put_int(json, "id", b->id);
        json_put_text(json, "fee", b->fee);
        json_put_text(json, "rule", b->rule);
        json_put_text_or_null(json, "category", b->category);
        json_put_int(json, "amount", b->amount);
        json_put_text(json, "state", b->state);
        json_put_text_or_null(json, "evidence_needed", b->evidence_needed);
        json_put_text_or_null(json, "source", b->source);
        json_put_text_or_null(json, "document", b->document);
        json_put_text_or_null(json, "number", b->number);
        json_put_date(json, "issued_on", b->issued_on);
        json_put_text_or_null(json, "checked_by", b->checked_by);
        json_put_instant(json, "checked_at", b->checked_at);
        json_put_text_or_null(json, "reason", b->reason);
        if (b->additional_request)
            json_put_int(json, "additional_request", b->additional_request);
        else
            json_put_null(json, "additional_request");
        json_put_end(json);
    }
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err benefits_handle(struct request *rq)
{
    int64_t id;
    struct payment_request request;
    struct benefits_view view;
    enum err err = number_of(rq, "id", &id) ? payment_request_find(rq->db, &rq->arena, id, &request) : ERR_NOT_FOUND;
    if (!err)
        err = benefits_of(rq->db, &rq->arena, id, &view.list, &view.count);
    return err ? reply_error(rq, err) : reply_json(rq, 200, benefits_write_items, &view);
}

/* ---- deciding ---------------------------------------------------------------------------------------------------- */

struct deciding {
    int64_t request, benefit;
    struct evidence evidence;
    struct text reason;
};

static enum err write_benefits(struct request *rq, int64_t request, struct act_reply *reply)
{
    struct benefits_view view;
    enum err err = benefits_of(rq->db, &rq->arena, request, &view.list, &view.count);
    struct json json = json_to(&reply->body);
    if (!err)
        benefits_write_items(&json, &view);
    reply->status = 200;
    return err;
}

static enum err verify(struct request *rq, void *with, struct act_reply *reply)
{
    const struct deciding *d = with;
    enum err err = benefit_verify(rq->db, &rq->arena, d->request, d->benefit, &d->evidence, auth_actor(rq), rq->at);
    return err ? err : write_benefits(rq, d->request, reply);
}

enum err benefit_verify_handle(struct request *rq)
{
    struct deciding d = {.evidence = {.issued_on = DATE_NONE}};
    struct json_fields in;
    int source = -1;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_enum(&in, "source", OPTIONAL, source_names, &source);
    json_read_text(&in, "document", OPTIONAL, 1, DOCUMENT_MAX, &d.evidence.document);
    json_read_text(&in, "number", OPTIONAL, 1, NUMBER_MAX, &d.evidence.number);
    json_read_date(&in, "issued_on", OPTIONAL, &d.evidence.issued_on);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    d.evidence.source = source >= 0 ? text_of(source_names[source]) : TEXT_NONE;
    err = number_of(rq, "id", &d.request) && number_of(rq, "benefit", &d.benefit) ? request_once(rq, verify, &d)
                                                                                  : ERR_NOT_FOUND;
    if (err != ERR_FIELD_MISSING)
        return err ? reply_error(rq, err) : OK;
    faults_add(&rq->faults, "/number", err,
               "Cần đủ nguồn (source), giấy tờ (document), số (number) và ngày (issued_on)");
    return reply_faults(rq, ERR_INVALID);
}

static enum err reject(struct request *rq, void *with, struct act_reply *reply)
{
    const struct deciding *d = with;
    int64_t additional;
    enum err err =
        benefit_reject(rq->db, &rq->arena, d->request, d->benefit, d->reason, auth_actor(rq), rq->at, &additional);
    return err ? err : write_benefits(rq, d->request, reply);
}

static enum err read_reason(struct json_fields *in, struct text *ret_reason)
{
    json_read_text(in, "reason", REQUIRED, 3, REASON_MAX, ret_reason);
    return json_close(in);
}

enum err benefit_reject_handle(struct request *rq)
{
    struct deciding d = {.request = 0};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err)
        err = read_reason(&in, &d.reason);
    if (err)
        return reply_faults(rq, err);
    err = number_of(rq, "id", &d.request) && number_of(rq, "benefit", &d.benefit) ? request_once(rq, reject, &d)
                                                                                  : ERR_NOT_FOUND;
    return err ? reply_error(rq, err) : OK;
}

/* ---- the channel of a dossier ------------------------------------------------------------------------------------ */

struct changing {
    struct text dossier, reason;
    int channel;
    int64_t id;
};

static void change_write(struct json *json, int64_t id, const struct changing *c, const char *state)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", id);
    json_put_text(json, "dossier", c->dossier);
    json_put_string(json, "state", state);
    json_put_end(json);
}

static enum err change_ask(struct request *rq, void *with, struct act_reply *reply)
{
    const struct changing *c = with;
    int64_t id;
    struct dossier dossier;
    enum err err = dossier_find(rq->db, &rq->arena, c->dossier, &dossier);
    if (!err)
        err = channel_change_ask(rq->db, &rq->arena, c->dossier, (enum fee_channel)c->channel, c->reason,
                                 auth_actor(rq), rq->at, &id);
    struct json json = json_to(&reply->body);
    if (!err)
        change_write(&json, id, c, "waiting");
    reply->status = 201;
    return err;
}

enum err channel_change_ask_handle(struct request *rq)
{
    struct changing c = {.dossier = request_capture(rq, "code")};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_enum(&in, "channel", REQUIRED, channel_names, &c.channel);
        err = read_reason(&in, &c.reason);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, change_ask, &c);
    return err ? reply_error(rq, err) : OK;
}

static enum err change_approve(struct request *rq, void *with, struct act_reply *reply)
{
    const struct changing *c = with;
    enum err err = channel_change_approve(rq->db, &rq->arena, c->dossier, c->id, auth_actor(rq), rq->at);
    struct json json = json_to(&reply->body);
    if (!err)
        change_write(&json, c->id, c, "changed");
    reply->status = 200;
    return err;
}

enum err channel_change_approve_handle(struct request *rq)
{
    struct changing c = {.dossier = request_capture(rq, "code")};
    enum err err = number_of(rq, "id", &c.id) ? request_once(rq, change_approve, &c) : ERR_NOT_FOUND;
    return err ? reply_error(rq, err) : OK;
}
