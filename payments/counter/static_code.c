/* Printed codes: registered, drawn, and their money given to a dossier by a cashier, once. */
#include "payments/counter/parts.h"

enum { CODE_MIN = 4, CODE_MAX = 12, PLACE_MAX = 120, BANK_REFERENCE_MAX = 60 };

static const struct db_statement
    list_sql = {"static_codes",
                "SELECT s.code, s.agency, s.place, a.account_number, s.payload, s.active FROM static_code s"
                " JOIN receiving_account a ON a.id = s.account_id ORDER BY s.code LIMIT 500"},
    put_sql =
        {"static_code_put",
         "INSERT INTO static_code (code, agency, account_id, place, payload, active, registered_at, registered_by)"
         " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (code) DO UPDATE SET place = $4, active = $6"
         " WHERE static_code.agency = $2 AND static_code.account_id = $3 RETURNING code"},
    account_sql = {"static_account", "SELECT id, bank_bin, account_number FROM receiving_account"
                                     " WHERE agency = $1 AND active"},
    claim_sql = {"static_claim_make", "SELECT problem, payment FROM static_claim_make($1, $2, $3, $4, $5, $6)"};

enum err static_codes_list(struct db *db, struct arena *arena, struct static_code **ret_list, size_t *ret_count)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &list_sql, &none, &rows);
    if (err)
        return err;
    struct static_code *list = ARENA_ARRAY(arena, struct static_code, rows.count + 1);
    for (int i = 0; i < rows.count; i++)
        list[i] = (struct static_code){.code = db_text(&rows, i, 0),
                                       .agency = db_text(&rows, i, 1),
                                       .place = db_text(&rows, i, 2),
                                       .account_number = db_text(&rows, i, 3),
                                       .payload = db_text(&rows, i, 4),
                                       .active = db_bool(&rows, i, 5)};
    *ret_list = list;
    *ret_count = (size_t)rows.count;
    return OK;
}

enum err static_claim(struct db *db, struct arena *arena, int64_t request, struct text code, struct text bank_reference,
                      int64_t shift, const char *actor, instant_us at, int64_t *ret_payment)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_int(&args, request);
    db_arg_text(&args, code);
    db_arg_text(&args, bank_reference);
    if (shift)
        db_arg_int(&args, shift);
    else
        db_arg_null(&args);
    db_arg_string(&args, actor);
    enum err err = db_query(db, &claim_sql, &args, &rows);
    if (!err)
        err = counter_problem(db, arena, request, db_text(&rows, 0, 0));
    if (!err)
        *ret_payment = db_int(&rows, 0, 1);
    return err;
}

static void code_write(struct json *json, const struct static_code *c)
{
    json_put_object(json, NULL);
    json_put_text(json, "code", c->code);
    json_put_text(json, "agency", c->agency);
    json_put_text(json, "place", c->place);
    json_put_text(json, "account", c->account_number);
    json_put_text(json, "payload", c->payload);
    json_put_bool(json, "active", c->active);
    json_put_textf(json, "svg_url", "/v1/static-codes/%.*s.svg", TEXT_ARGS(c->code));
    json_put_end(json);
}

struct code_page {
    struct static_code *list;
    size_t count;
};

static void codes_write(struct json *json, const void *what)
{
    const struct code_page *page = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (size_t i = 0; i < page->count; i++)
        code_write(json, &page->list[i]);
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

static void one_write(struct json *json, const void *what)
{
    code_write(json, what);
}

enum err static_codes_handle(struct request *rq)
{
    struct code_page page;
    enum err err = static_codes_list(rq->db, &rq->arena, &page.list, &page.count);
    return err ? reply_error(rq, err) : reply_json(rq, 200, codes_write, &page);
}

static enum err code_find(struct request *rq, struct text code, struct static_code *ret)
{
    struct code_page page;
    enum err err = static_codes_list(rq->db, &rq->arena, &page.list, &page.count);
    for (size_t i = 0; !err && i < page.count; i++)
        if (text_equal(page.list[i].code, code)) {
            *ret = page.list[i];
            return OK;
        }
    return err ? err : ERR_NOT_FOUND;
}

enum err static_code_svg_handle(struct request *rq)
{
    struct static_code code;
    struct buf image = {0};
    enum err err = code_find(rq, request_capture(rq, "code"), &code);
    if (!err)
        err = qr_image_svg(code.payload, TEXT("Mã VietQR đặt tại quầy"), &image);
    err = err ? reply_error(rq, err) : reply_body(rq, 200, "image/svg+xml", buf_view(&image));
    buf_done(&image);
    return err;
}

struct code_act {
    struct text code, agency, place;
    bool active;
};

static enum err put(struct request *rq, void *with, struct act_reply *reply)
{
    const struct code_act *a = with;
    struct db_args find = db_args(&rq->arena), args = db_args(&rq->arena);
    struct db_rows account, rows;
    struct static_code made;
    db_arg_text(&find, a->agency);
    enum err err = db_query(rq->db, &account_sql, &find, &account);
    if (!err && !account.count) {
        faults_add(&rq->faults, "/agency", ERR_ACCOUNT_MISSING, NULL);
        return ERR_FIELD_VALUE;
    }
    if (err)
        return err;
    struct buf payload = {0};
    const struct vietqr qr = {.bank_bin = db_text(&account, 0, 1), .account = db_text(&account, 0, 2), .memo = a->code};
    err = vietqr_encode(&qr, &payload);
    db_arg_text(&args, a->code);
    db_arg_text(&args, a->agency);
    db_arg_int(&args, db_int(&account, 0, 0));
    db_arg_text(&args, a->place);
    db_arg_text(&args, buf_view(&payload));
    db_arg_bool(&args, a->active);
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    if (!err)
        err = db_query(rq->db, &put_sql, &args, &rows);
    buf_done(&payload);
    if (!err && !rows.count)
        err = ERR_CONFLICT; /* the code is printed already, for another agency or account */
    if (!err)
        err = audit_record(rq->db, &rq->arena, rq->at, auth_actor(rq), "static_code.put", a->code, TEXT_NONE);
    if (!err)
        err = code_find(rq, a->code, &made);
    struct json json = json_to(&reply->body);
    if (!err)
        one_write(&json, &made);
    reply->status = 200;
    return err;
}

static bool code_valid(struct text code)
{
    for (size_t i = 0; i < code.length; i++)
        if (!((code.at[i] >= '0' && code.at[i] <= '9') || (code.at[i] >= 'A' && code.at[i] <= 'Z')))
            return false;
    return code.length >= CODE_MIN && code.length <= CODE_MAX;
}

enum err static_code_put_handle(struct request *rq)
{
    struct code_act a = {.code = request_capture(rq, "code"), .active = true};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "agency", REQUIRED, 1, 40, &a.agency);
        json_read_text(&in, "place", REQUIRED, 1, PLACE_MAX, &a.place);
        json_read_bool(&in, "active", OPTIONAL, &a.active);
        if (!code_valid(a.code))
            faults_add(&rq->faults, "code", ERR_FIELD_FORMAT, "Từ 4 đến 12 chữ hoa và chữ số");
        err = json_close(&in) || rq->faults.count ? ERR_INVALID : OK;
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, put, &a);
    return err ? counter_refuse(rq, err) : OK;
}

/* POST /v1/payment-requests/{id}/static-claims {code, bank_reference, shift?} -----------------------------------------
 */

struct claim_act {
    int64_t request, shift;
    struct text code, bank_reference;
};

static enum err claim(struct request *rq, void *with, struct act_reply *reply)
{
    const struct claim_act *a = with;
    struct payment_request r;
    int64_t payment;
    enum err err = static_claim(rq->db, &rq->arena, a->request, a->code, a->bank_reference, a->shift, auth_actor(rq),
                                rq->at, &payment);
    if (err == ERR_FIELD_VALUE)
        faults_add(&rq->faults, "/code", ERR_FIELD_VALUE, "Không có mã in này hoặc mã đã thôi dùng");
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, a->request, &r);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "payment", payment);
    json_put_int(&json, "payment_request", r.id);
    json_put_text(&json, "code", a->code);
    json_put_text(&json, "bank_reference", a->bank_reference);
    json_put_string(&json, "status", request_status_names[r.status]);
    json_put_end(&json);
    reply->status = 201;
    return OK;
}

enum err static_claim_handle(struct request *rq)
{
    struct claim_act a = {0};
    struct json_fields in;
    struct payment_request r;
    if (!capture_number(rq, "id", &a.request))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "code", REQUIRED, CODE_MIN, CODE_MAX, &a.code);
        json_read_text(&in, "bank_reference", REQUIRED, 1, BANK_REFERENCE_MAX, &a.bank_reference);
        json_read_int(&in, "shift", OPTIONAL, 1, INT64_MAX, &a.shift);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    err = payment_request_find(rq->db, &rq->arena, a.request, &r);
    if (!err)
        err = request_once(rq, claim, &a);
    return err ? counter_refuse(rq, err) : OK;
}
