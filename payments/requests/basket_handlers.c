/* The routes of baskets. */
#include "payments/requests/request_parts.h"

#include "payments/requests/reference.h"

enum { BASKET_DAYS = 30 };

static const struct db_statement make_sql = {
    "basket_make", "SELECT id, problem, ordinal FROM basket_make($1, $2, $3, $4::bytea, $5::bigint[], $6)"};
static const struct db_statement cancel_sql = {"basket_cancel", "SELECT basket_cancel($1, $2, $3, $4)"};

struct chosen {
    int64_t basket, requests[BASKET_REQUESTS_MAX];
    size_t count;
    struct text reason;
};

static enum err read_requests(struct request *rq, struct chosen *ret)
{
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    ret->count = json_read_array(&in, "requests", REQUIRED, 1, BASKET_REQUESTS_MAX);
    for (size_t i = 0; i < ret->count && i < BASKET_REQUESTS_MAX; i++) {
        json_item_int(&in, "requests", i, 1, INT64_MAX, &ret->requests[i]);
        for (size_t k = 0; ret->requests[i] && k < i; k++)
            if (ret->requests[k] == ret->requests[i]) {
                faults_add(&rq->faults, arena_printf(&rq->arena, "/requests/%zu", i), ERR_FIELD_VALUE,
                           "Trùng với yêu cầu thứ %zu", k + 1);
                break;
            }
    }
    return json_close(&in);
}

static enum err told(struct request *rq, int64_t id, int status, struct act_reply *reply)
{
    struct basket basket;
    enum err err = basket_find(rq->db, &rq->arena, id, rq->at, &basket);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    basket_write(&json, &basket);
    reply->status = status;
    return OK;
}

static enum err problem_of(struct text problem)
{
    return text_is(problem, "not_open")        ? ERR_REQUEST_SETTLED
           : text_is(problem, "other_account") ? ERR_BASKET_ACCOUNT
           : text_is(problem, "in_basket")     ? ERR_BASKET_OTHER
                                               : ERR_REQUEST_UNKNOWN;
}

static enum err create(struct request *rq, void *with, struct act_reply *reply)
{
    struct chosen *c = with;
    struct reference reference;
    char token[TOKEN_TEXT_SIZE];
    uint8_t hash[SHA256_SIZE];
    reference_new(reference_prefix(), &reference);
    token_derive("pay", text_of(reference.text), token, hash);
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_string(&args, reference.text);
    db_arg_bytes(&args, hash, sizeof hash);
    db_arg_int_array(&args, c->requests, c->count);
    db_arg_instant(&args, rq->at + BASKET_DAYS * DAY_US);
    struct db_rows rows;
    enum err err = db_query(rq->db, &make_sql, &args, &rows);
    if (err)
        return err;
    for (int i = 0; i < rows.count; i++)
        if (!db_null(&rows, i, 1))
            err =
                faults_add(&rq->faults, arena_printf(&rq->arena, "/requests/%lld", (long long)db_int(&rows, i, 2) - 1),
                           problem_of(db_text(&rows, i, 1)), NULL);
    return err ? ERR_INVALID : told(rq, db_int(&rows, 0, 0), 201, reply);
}

static enum err settle(struct request *rq, void *with, struct act_reply *reply)
{
    struct chosen *c = with;
    enum err err = basket_choose(rq->db, &rq->arena, c->basket, c->requests, c->count, auth_actor(rq), rq->at);
    return err ? err : told(rq, c->basket, 200, reply);
}

static enum err cancel(struct request *rq, void *with, struct act_reply *reply)
{
    struct chosen *c = with;
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_int(&args, c->basket);
    db_arg_string(&args, auth_actor(rq));
    db_arg_text(&args, c->reason.at ? c->reason : TEXT(""));
    struct db_rows rows;
    enum err err = db_query(rq->db, &cancel_sql, &args, &rows);
    if (err)
        return err;
    struct text status = db_text(&rows, 0, 0);
    if (!status.at)
        return ERR_NOT_FOUND;
    if (!text_is(status, "cancelled"))
        return text_is(status, "paid") ? ERR_REQUEST_SETTLED : ERR_BASKET_HOLDS_MONEY;
    return told(rq, c->basket, 200, reply);
}

static bool basket_id(struct request *rq, int64_t *ret)
{
    return text_to_int64(request_capture(rq, "id"), ret) && *ret > 0;
}

static enum err once(struct request *rq, request_act act, struct chosen *chosen)
{
    enum err err = request_once(rq, act, chosen);
    if (!err)
        return OK;
    return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
}

enum err basket_create_handle(struct request *rq)
{
    struct chosen chosen = {0};
    enum err err = read_requests(rq, &chosen);
    return err ? reply_faults(rq, err) : once(rq, create, &chosen);
}

enum err basket_settle_handle(struct request *rq)
{
    struct chosen chosen = {0};
    if (!basket_id(rq, &chosen.basket))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = read_requests(rq, &chosen);
    return err ? reply_faults(rq, err) : once(rq, settle, &chosen);
}

enum err basket_cancel_handle(struct request *rq)
{
    struct chosen chosen = {0};
    if (!basket_id(rq, &chosen.basket))
        return reply_error(rq, ERR_NOT_FOUND);
    if (rq->body.length) {
        struct json_fields in;
        enum err err = json_parse(rq->body, &in, &rq->faults);
        if (!err) {
            json_read_text(&in, "reason", OPTIONAL, 1, 300, &chosen.reason);
            err = json_close(&in);
        }
        if (err)
            return reply_faults(rq, err);
    }
    return once(rq, cancel, &chosen);
}

static enum err find(struct request *rq, struct basket *ret)
{
    int64_t id;
    return basket_id(rq, &id) ? basket_find(rq->db, &rq->arena, id, rq->at, ret) : ERR_NOT_FOUND;
}

enum err basket_get_handle(struct request *rq)
{
    struct basket basket;
    enum err err = find(rq, &basket);
    return err ? reply_error(rq, err) : reply_json(rq, 200, basket_write, &basket);
}

static enum err picture(struct request *rq, enum qr_picture picture)
{
    struct basket basket;
    struct buf payload = {0};
    enum err err = find(rq, &basket);
    bool drawn = !err && payment_request_vietqr(&basket.as_request, &payload);
    err = err ? reply_error(rq, err) : qr_reply(rq, drawn ? buf_view(&payload) : TEXT_NONE, picture);
    buf_done(&payload);
    return err;
}

enum err basket_qr_svg_handle(struct request *rq)
{
    return picture(rq, QR_SVG);
}

enum err basket_qr_png_handle(struct request *rq)
{
    return picture(rq, QR_PNG);
}
