/* POST /v1/postal/bookings: reads and checks everything, prices it, and commits the wish with its job. The carrier is
 * called by the job, so that no caller waits for it and no answer is lost with the connection. */
#include <string.h>
#include "postal/room.h"
#include "postal/wish.h"

static const struct db_statement dossier_sql = {
    "postal_dossier",
    "SELECT a.name_vi, a.phone, a.address, d.applicant_name, d.applicant_phone, d.applicant_address,"
    " d.applicant_commune, d.procedure FROM dossier d JOIN agency a ON a.code = d.agency WHERE d.code = $1"};

static const struct db_statement transit_sql = {"parcel_transit", "UPDATE parcel SET transit_days = $2 WHERE id = $1"};

struct booking {
    const struct postal_room *room;
    struct text dossier;
    struct postal_ask ask;
    struct party person;
    struct text note;
    bool pick_up;
    struct carrier_order order;
    struct postal_price price;
};

static bool is_phone(struct text phone)
{
    size_t digits = 0;
    for (size_t i = 0; i < phone.length; i++) {
        char c = phone.at[i];
        digits += c >= '0' && c <= '9';
        if (!(c >= '0' && c <= '9') && c != ' ' && c != '.' && !(c == '+' && i == 0))
            return false;
    }
    return digits >= 9 && digits <= 12;
}

static bool is_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length > 0;
}

static void person_read(struct json_fields *in, struct party *person)
{
    struct json_fields fields;
    json_read_object(in, "person", OPTIONAL, &fields);
    if (!fields.object)
        return;
    json_read_text(&fields, "name", OPTIONAL, 1, 100, &person->name);
    json_read_text(&fields, "phone", OPTIONAL, 1, 20, &person->phone);
    json_read_text(&fields, "address", OPTIONAL, 1, 250, &person->address);
    (void)!json_close(&fields);
}

static enum err body_read(struct request *rq, struct booking *booking)
{
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    json_read_text(&in, "dossier", REQUIRED, 3, 60, &booking->dossier);
    postal_ask_read(&in, booking->room, &booking->ask);
    if (booking->ask.service == POSTAL_BOTH)
        json_fault(&in, "service", ERR_FIELD_VALUE, "Mỗi chiều đặt một lần: send hoặc receive");
    person_read(&in, &booking->person);
    json_read_text(&in, "note", OPTIONAL, 0, 200, &booking->note);
    json_read_bool(&in, "pick_up", OPTIONAL, &booking->pick_up);
    return json_close(&in);
}

/* QĐ 45/2016/QĐ-TTg, Điều 1 khoản 2 leaves out procedures that need the citizen in person; which ones is the
 * catalogue's column `postal`. What it does not say yet is allowed. */
static void eligible_check(struct request *rq, struct text procedure, enum postal_service service)
{
    struct catalogue *catalogue = catalogue_in_force_hold();
    const struct procedure *found = catalogue ? catalogue_procedure(catalogue, procedure) : NULL;
    struct text allowed = found ? found->postal : TEXT_NONE;
    if (text_is(allowed, "none"))
        faults_add(&rq->faults, "/dossier", ERR_NOT_BY_POST,
                   "Thủ tục %.*s phải làm trực tiếp: không gửi hồ sơ và không trả kết quả qua bưu chính",
                   TEXT_ARGS(procedure));
    else if (text_is(allowed, "receive") && service == POSTAL_SEND)
        faults_add(&rq->faults, "/service", ERR_NOT_BY_POST,
                   "Thủ tục %.*s chỉ được nhận kết quả qua bưu chính, hồ sơ phải nộp trực tiếp", TEXT_ARGS(procedure));
    else if (text_is(allowed, "send") && service == POSTAL_RECEIVE)
        faults_add(&rq->faults, "/service", ERR_NOT_BY_POST,
                   "Thủ tục %.*s chỉ được gửi hồ sơ qua bưu chính, kết quả phải nhận trực tiếp", TEXT_ARGS(procedure));
    catalogue_drop(catalogue);
}

/* What the body left out is the dossier's. */
static enum err dossier_read(struct request *rq, struct booking *booking, struct party *ret_office)
{
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_text(&args, booking->dossier);
    enum err err = db_query(rq->db, &dossier_sql, &args, &rows);
    if (err)
        return err;
    if (!rows.count)
        return ERR_DOSSIER_UNKNOWN;
    *ret_office = (struct party){.name = db_text(&rows, 0, 0),
                                 .phone = db_text(&rows, 0, 1),
                                 .address = db_text(&rows, 0, 2),
                                 .province = text_of(booking->room->config.home),
                                 .commune = booking->ask.office};
    struct party *person = &booking->person;
    if (!person->name.length)
        person->name = db_text(&rows, 0, 3);
    if (!person->phone.length)
        person->phone = db_text(&rows, 0, 4);
    if (!person->address.length) {
        person->address = db_text(&rows, 0, 5);
        if (!booking->ask.commune.length)
            booking->ask.commune = db_text(&rows, 0, 6);
    }
    eligible_check(rq, db_text(&rows, 0, 7), booking->ask.service);
    person->commune = booking->ask.commune;
    person->province = booking->ask.province.length ? booking->ask.province : text_of(booking->room->config.home);
    return OK;
}

static void parties_check(struct request *rq, const struct booking *booking, const struct party *office)
{
    const struct party *person = &booking->person;
    if (!is_phone(person->phone))
        faults_add(&rq->faults, "/person/phone", ERR_FIELD_FORMAT, "Cần số điện thoại từ 9 đến 12 chữ số");
    if (!person->address.length)
        faults_add(&rq->faults, "/person/address", ERR_FIELD_MISSING, NULL);
    if (!is_digits(person->province))
        faults_add(&rq->faults, "/province", ERR_FIELD_FORMAT, "Mã tỉnh có hai chữ số");
    if (!is_digits(person->commune))
        faults_add(&rq->faults, "/commune", ERR_FIELD_MISSING, "Cần mã xã, phường năm chữ số");
    if (!is_phone(office->phone) || !office->address.length)
        faults_add(&rq->faults, "/dossier", ERR_FIELD_MISSING, "Cơ quan tiếp nhận chưa có địa chỉ hoặc số điện thoại");
}

static enum err booking_prepare(struct request *rq, struct booking *booking)
{
    struct party office;
    enum err err = dossier_read(rq, booking, &office);
    if (err)
        return err;
    parties_check(rq, booking, &office);
    err = postal_tariff_quote(booking->room->tariff, &booking->ask, date_of(rq->at), "", &rq->faults, &booking->price);
    if (err || rq->faults.count)
        return ERR_INVALID;
    bool receive = booking->ask.service == POSTAL_RECEIVE;
    booking->order = (struct carrier_order){.sender = receive ? office : booking->person,
                                            .receiver = receive ? booking->person : office,
                                            .weight_g = booking->ask.weight_g,
                                            .length_cm = booking->ask.length_cm,
                                            .width_cm = booking->ask.width_cm,
                                            .height_cm = booking->ask.height_cm,
                                            .collect = booking->ask.collect,
                                            .note = booking->note.at ? booking->note : TEXT("Hồ sơ hành chính"),
                                            .pick_up = booking->pick_up || !receive};
    return OK;
}

static void parcel_write(struct json *json, const void *what)
{
    const struct parcel *parcel = what;
    json_put_object(json, NULL);
    json_put_int(json, "id", parcel->id);
    json_put_text(json, "code", parcel->code);
    json_put_text(json, "carrier", parcel->carrier);
    json_put_text(json, "dossier", parcel->dossier);
    json_put_text(json, "service", parcel->direction);
    json_put_text(json, "state", parcel->state);
    json_put_text_or_null(json, "item_code", parcel->item);
    json_put_text(json, "status", parcel->status);
    json_put_instant(json, "status_at", parcel->status_at);
    json_put_int(json, "weight_g", parcel->weight_g);
    json_put_int(json, "collect", parcel->collect);
    if (parcel->quoted >= 0)
        json_put_int(json, "quoted", parcel->quoted);
    if (parcel->fee >= 0)
        json_put_int(json, "carrier_fee", parcel->fee);
    if (parcel->collected_paid >= 0)
        json_put_int(json, "remitted", parcel->collected_paid);
    json_put_text_or_null(json, "problem", parcel->problem);
    json_put_instant(json, "created_at", parcel->created_at);
    json_put_instant(json, "changed_at", parcel->changed_at);
    json_put_end(json);
}

static enum err book(struct request *rq, void *with, struct act_reply *reply)
{
    struct booking *booking = with;
    struct parcel parcel;
    int64_t id = 0;
    enum err err = parcel_want(rq->db, &rq->arena, rq->at, auth_actor(rq), &booking->order, "vnpost", booking->dossier,
                               postal_service_names[booking->ask.service], booking->price.total, &id);
    if (!err && booking->price.lines[0].transit_days > 0) {
        struct db_args args = db_args(&rq->arena);
        db_arg_int(&args, id);
        db_arg_int(&args, booking->price.lines[0].transit_days);
        err = db_run(rq->db, &transit_sql, &args);
    }
    if (!err)
        err = parcel_find(rq->db, &rq->arena, id, &parcel);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    parcel_write(&json, &parcel);
    reply->status = 202; /* wanted; the carrier's answer follows by event and by GET */
    return OK;
}

enum err postal_book_handle(struct request *rq)
{
    struct booking booking = {.room = postal_room()};
    if (!booking.room || !booking.room->vnpost)
        return reply_error(rq, ERR_SOURCE_OFF);
    enum err err = body_read(rq, &booking);
    if (!err)
        err = booking_prepare(rq, &booking);
    if (rq->faults.count)
        return reply_faults(rq, err == ERR_JSON_SYNTAX ? err : ERR_INVALID);
    if (!err)
        err = request_once(rq, book, &booking);
    return err ? reply_error(rq, err) : OK;
}

/* The parcel of the path's id, or an error that was replied (then `ret_parcel` is untouched). */
static enum err parcel_of_path(struct request *rq, struct parcel *ret_parcel)
{
    int64_t id = 0;
    if (!text_to_int64(request_capture(rq, "id"), &id) || id < 1)
        return ERR_NOT_FOUND;
    return parcel_find(rq->db, &rq->arena, id, ret_parcel);
}

enum err postal_booking_handle(struct request *rq)
{
    struct parcel parcel;
    enum err err = parcel_of_path(rq, &parcel);
    return err ? reply_error(rq, err) : reply_json(rq, 200, parcel_write, &parcel);
}

static const struct db_statement cancel_sql = {"parcel_cancel", "SELECT parcel_cancel($1, $2, $3)"};

static enum err cancel(struct request *rq, void *with, struct act_reply *reply)
{
    struct parcel *parcel = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    db_arg_int(&args, parcel->id);
    enum err err = db_query(rq->db, &cancel_sql, &args, &rows);
    if (err)
        return err;
    struct text state = db_text(&rows, 0, 0);
    if (!text_is(state, "cancelling") && !text_is(state, "cancelled"))
        return ERR_CONFLICT; /* on its way, unknown or refused: nothing to cancel */
    err = parcel_find(rq->db, &rq->arena, parcel->id, parcel);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    parcel_write(&json, parcel);
    reply->status = text_is(state, "cancelled") ? 200 : 202;
    return OK;
}

enum err postal_cancel_handle(struct request *rq)
{
    struct parcel parcel;
    enum err err = parcel_of_path(rq, &parcel);
    if (!err)
        err = request_once(rq, cancel, &parcel);
    return err ? reply_error(rq, err) : OK;
}
