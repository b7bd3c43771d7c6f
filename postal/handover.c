/* Biên bản giao nhận (QĐ 45/2016/QĐ-TTg, Điều 7): slips that change hands, signed by both sides. */
#include <string.h>
#include "postal/handover.h"

enum { SIGN_NAME_MAX = 100, PLACE_MAX = 200 };

static const char *const direction_names[] = {"send", "receive", NULL};
const char *const handover_side_names[] = {"post", "agency", NULL};

static const struct db_statement make_sql = {
    "postal_handover_make", "SELECT handover, ordinal, fault FROM postal_handover_make($1, $2, $3, $4, $5)"};
static const struct db_statement find_sql = {
    "postal_handover_find", "SELECT h.id, h.direction, h.agency, a.name_vi, a.address, h.carrier, h.place, h.made_at,"
                            " h.signed_at, h.void_at FROM postal_handover h JOIN agency a ON a.code = h.agency"
                            " WHERE h.id = $1"};
static const struct db_statement lines_sql = {
    "postal_handover_lines",
    "SELECT p.id, coalesce(p.item, p.code), p.dossier, d.applicant_name, d.procedure, p.weight_g,"
    " p.collect, (SELECT sum((c->>'copies')::integer) FROM jsonb_array_elements(s.contents) c),"
    " jsonb_array_length(s.contents)"
    " FROM postal_handover_line l JOIN parcel p ON p.id = l.parcel_id"
    " JOIN dossier d ON d.code = p.dossier JOIN postal_slip s ON s.parcel_id = p.id"
    " WHERE l.handover_id = $1 ORDER BY l.n"};
static const struct db_statement signatures_sql = {
    "postal_signatures",
    "SELECT side, name, title, signed_at, recorded_by FROM postal_signature WHERE handover_id = $1 ORDER BY side DESC"};
static const struct db_statement sign_sql = {"postal_handover_sign",
                                             "SELECT postal_handover_sign($1, $2, $3, $4, $5, $6)"};
static const struct db_statement void_sql = {"postal_handover_void", "SELECT postal_handover_void($1, $2, $3)"};

static enum err handover_of(struct request *rq, int64_t id, struct handover *ret)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(rq->db, &find_sql, &args, &rows);
    if (!err && !rows.count)
        err = ERR_NOT_FOUND;
    if (!err)
        err = db_query(rq->db, &lines_sql, &args, &ret->lines);
    if (!err)
        err = db_query(rq->db, &signatures_sql, &args, &ret->signatures);
    if (err)
        return err;
    ret->id = id;
    ret->direction = db_text(&rows, 0, 1);
    ret->agency = db_text(&rows, 0, 2);
    ret->agency_name = db_text(&rows, 0, 3);
    ret->agency_address = db_text(&rows, 0, 4);
    ret->carrier = db_text(&rows, 0, 5);
    ret->place = db_text(&rows, 0, 6);
    ret->made_at = db_instant(&rows, 0, 7);
    ret->signed_at = db_instant(&rows, 0, 8);
    ret->void_at = db_instant(&rows, 0, 9);
    return OK;
}

enum err handover_find(struct request *rq, struct handover *ret_handover)
{
    int64_t id = 0;
    return text_to_int64(request_capture(rq, "id"), &id) ? handover_of(rq, id, ret_handover) : ERR_NOT_FOUND;
}

struct text handover_number(const struct handover *handover, struct arena *arena)
{
    return arena_textf(arena, "BG-%08lld", (long long)handover->id);
}

static void lines_write(struct json *json, const struct db_rows *rows)
{
    json_put_array(json, "slips");
    for (int i = 0; i < rows->count; i++) {
        json_put_object(json, NULL);
        json_put_int(json, "booking", db_int(rows, i, 0));
        json_put_text(json, "item_code", db_text(rows, i, 1));
        json_put_text(json, "dossier", db_text(rows, i, 2));
        json_put_text(json, "applicant", db_text(rows, i, 3));
        json_put_int(json, "papers", db_int(rows, i, 8));
        json_put_int(json, "copies", db_int(rows, i, 7));
        json_put_int(json, "weight_g", db_int(rows, i, 5));
        json_put_int(json, "collect", db_int(rows, i, 6));
        json_put_end(json);
    }
    json_put_end(json);
}

static void handover_write(struct json *json, const struct handover *h, struct arena *arena)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", h->id);
    json_put_text(json, "number", handover_number(h, arena));
    json_put_text(json, "direction", h->direction);
    json_put_text(json, "agency", h->agency);
    json_put_text(json, "carrier", h->carrier);
    json_put_text(json, "place", h->place);
    json_put_string(json, "state",
                    h->void_at != INSTANT_NONE     ? "void"
                    : h->signed_at != INSTANT_NONE ? "signed"
                                                   : "open");
    json_put_instant(json, "made_at", h->made_at);
    json_put_instant(json, "signed_at", h->signed_at);
    lines_write(json, &h->lines);
    json_put_array(json, "signatures");
    for (int i = 0; i < h->signatures.count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "side", db_text(&h->signatures, i, 0));
        json_put_text(json, "name", db_text(&h->signatures, i, 1));
        json_put_text(json, "title", db_text(&h->signatures, i, 2));
        json_put_instant(json, "signed_at", db_instant(&h->signatures, i, 3));
        json_put_text(json, "recorded_by", db_text(&h->signatures, i, 4));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_textf(json, "pdf_url", "/v1/postal/handovers/%lld/record.pdf", (long long)h->id);
    json_put_end(json);
}

static enum err handover_reply(struct request *rq, int64_t id, struct act_reply *reply)
{
    struct handover handover;
    enum err err = handover_of(rq, id, &handover);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    handover_write(&json, &handover, &rq->arena);
    return OK;
}

/* ---- POST /v1/postal/handovers ---- */

struct wanted {
    int direction;
    struct text place;
    size_t count;
    int64_t parcels[HANDOVER_LINES_MAX];
};

static const struct {
    const char *fault, *words;
} fault_words[] = {
    {"unknown", "Không có lần gửi này"},
    {"twice", "Lần gửi có hai lần trong danh sách"},
    {"direction", "Lần gửi theo chiều khác"},
    {"not_booked", "Bưu điện chưa nhận đơn này, hoặc đơn đã hủy"},
    {"other_agency", "Hồ sơ của cơ quan khác: mỗi biên bản giao cho một cơ quan"},
    {"other_carrier", "Đơn của đơn vị bưu chính khác"},
    {"no_slip", "Chưa có phiếu gửi hồ sơ"},
    {"on_another", "Đã có trong một biên bản khác"},
};

static void fault_name(struct request *rq, int64_t ordinal, struct text fault)
{
    const char *words = NULL;
    for (size_t i = 0; i < sizeof fault_words / sizeof *fault_words; i++)
        if (text_is(fault, fault_words[i].fault))
            words = fault_words[i].words;
    faults_add(&rq->faults, arena_printf(&rq->arena, "/bookings/%lld", (long long)ordinal - 1), ERR_FIELD_VALUE, "%s",
               words ? words : "Không ghi được vào biên bản");
}

static enum err make(struct request *rq, void *with, struct act_reply *reply)
{
    struct wanted *wanted = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_string(&args, direction_names[wanted->direction]);
    db_arg_text(&args, wanted->place);
    db_arg_int_array(&args, wanted->parcels, wanted->count);
    enum err err = db_query(rq->db, &make_sql, &args, &rows);
    if (err)
        return err;
    for (int i = 0; i < rows.count; i++)
        if (db_null(&rows, i, 0))
            fault_name(rq, db_int(&rows, i, 1), db_text(&rows, i, 2));
    if (rq->faults.count)
        return ERR_INVALID;
    reply->status = 201;
    return handover_reply(rq, db_int(&rows, 0, 0), reply);
}

enum err postal_handover_handle(struct request *rq)
{
    struct wanted *wanted = ARENA_NEW(&rq->arena, struct wanted);
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_enum(&in, "direction", OPTIONAL, direction_names, &wanted->direction);
    json_read_text(&in, "place", REQUIRED, 1, PLACE_MAX, &wanted->place);
    wanted->count = json_read_array(&in, "bookings", REQUIRED, 1, HANDOVER_LINES_MAX);
    for (size_t i = 0; i < wanted->count; i++)
        json_item_int(&in, "bookings", i, 1, INT64_MAX, &wanted->parcels[i]);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, make, wanted);
    if (err && rq->faults.count)
        return reply_faults(rq, err);
    return err ? reply_error(rq, err) : OK;
}

/* ---- GET /v1/postal/handovers/{id} ---- */

struct shown {
    const struct handover *handover;
    struct arena *arena;
};

static void shown_write(struct json *json, const void *what)
{
    const struct shown *shown = what;
    handover_write(json, shown->handover, shown->arena);
}

enum err postal_handover_show_handle(struct request *rq)
{
    struct handover handover;
    enum err err = handover_find(rq, &handover);
    const struct shown shown = {&handover, &rq->arena};
    return err ? reply_error(rq, err) : reply_json(rq, 200, shown_write, &shown);
}

/* ---- POST /v1/postal/handovers/{id}/signatures, /void ---- */

struct signing {
    int64_t id;
    int side;
    struct text name, title;
};

/* The hour is ours: nobody files a dossier at an hour of his own choice. */
static enum err sign(struct request *rq, void *with, struct act_reply *reply)
{
    const struct signing *signing = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, signing->id);
    db_arg_string(&args, handover_side_names[signing->side]);
    db_arg_text(&args, signing->name);
    db_arg_text(&args, signing->title);
    enum err err = db_query(rq->db, &sign_sql, &args, &rows);
    if (err)
        return err;
    if (db_null(&rows, 0, 0))
        return ERR_NOT_FOUND;
    struct text outcome = db_text(&rows, 0, 0);
    if (text_is(outcome, "same_person")) {
        faults_add(&rq->faults, "/name", ERR_FIELD_VALUE, "Hai bên phải là hai người ký khác nhau");
        return ERR_INVALID;
    }
    if (text_is(outcome, "other") || text_is(outcome, "void"))
        return ERR_CONFLICT;
    reply->status = text_is(outcome, "known") ? 200 : 201;
    return handover_reply(rq, signing->id, reply);
}

enum err postal_sign_handle(struct request *rq)
{
    struct signing signing = {.title = TEXT("")};
    struct json_fields in;
    if (!text_to_int64(request_capture(rq, "id"), &signing.id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return reply_faults(rq, err);
    json_read_enum(&in, "side", REQUIRED, handover_side_names, &signing.side);
    json_read_text(&in, "name", REQUIRED, 2, SIGN_NAME_MAX, &signing.name);
    json_read_text(&in, "title", OPTIONAL, 1, SIGN_NAME_MAX, &signing.title);
    err = json_close(&in);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, sign, &signing);
    if (err && rq->faults.count)
        return reply_faults(rq, err);
    return err ? reply_error(rq, err) : OK;
}

static enum err take_back(struct request *rq, void *with, struct act_reply *reply)
{
    const int64_t *id = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, *id);
    enum err err = db_query(rq->db, &void_sql, &args, &rows);
    if (err)
        return err;
    if (db_null(&rows, 0, 0))
        return ERR_NOT_FOUND;
    if (!db_bool(&rows, 0, 0)) /* both have signed: it stands */
        return ERR_CONFLICT;
    reply->status = 200;
    return handover_reply(rq, *id, reply);
}

enum err postal_handover_void_handle(struct request *rq)
{
    int64_t id = 0;
    if (!text_to_int64(request_capture(rq, "id"), &id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = request_once(rq, take_back, &id);
    return err ? reply_error(rq, err) : OK;
}
