#include "payments/requests/request_parts.h"

#include "payments/fees/fees.h"

static const char *const state_names[] = {"filed", "supplement", "refused", "withdrawn", "done", NULL};

#define STATE_SKEW_US (5 * 60 * SECOND_US) /* so far another system's clock may be ahead of ours */

#define DOSSIER_COLUMNS                                                                                                \
    "code, procedure, agency, channel, state, applicant_name, applicant_phone, applicant_email, applicant_id_number,"  \
    " applicant_address, applicant_commune, submitted_at, state_reason, state_at"

static const struct db_statement find_sql = {"dossier_find", "SELECT " DOSSIER_COLUMNS " FROM dossier WHERE code = $1"};

static const struct db_statement hold_sql = {"dossier_hold",
                                             "SELECT " DOSSIER_COLUMNS " FROM dossier WHERE code = $1 FOR SHARE"};

/* A dossier that already has an open or paid request keeps the channel and procedure its price was made for. Staff
 * never change a channel here: that takes two of them and a reason (channel.c). */
static const struct db_statement put_sql = {
    "dossier_put",
    "WITH put AS (INSERT INTO dossier (code, procedure, agency, channel, state, applicant_name, applicant_phone, "
    "applicant_email,"
    " applicant_id_number, applicant_address, applicant_commune, submitted_at, state_reason, state_at, registered_at,"
    " changed_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)"
    " ON CONFLICT (code) DO UPDATE SET procedure = excluded.procedure, agency = excluded.agency, channel = "
    "excluded.channel,"
    " state = excluded.state, applicant_name = excluded.applicant_name, applicant_phone = excluded.applicant_phone,"
    " applicant_email = excluded.applicant_email, applicant_id_number = excluded.applicant_id_number,"
    " applicant_address = excluded.applicant_address, applicant_commune = excluded.applicant_commune,"
    " submitted_at = coalesce(dossier.handed_over_at, excluded.submitted_at), changed_at = excluded.changed_at,"
    " state_reason = coalesce(excluded.state_reason, CASE WHEN dossier.state = excluded.state THEN "
    "dossier.state_reason END),"
    " state_at = coalesce(excluded.state_at, CASE WHEN dossier.state = excluded.state THEN dossier.state_at END)"
    " WHERE (dossier.procedure, dossier.agency, dossier.channel) = (excluded.procedure, excluded.agency, "
    "excluded.channel)"
    " OR (($16 NOT LIKE 'staff:%' OR dossier.channel = excluded.channel)"
    " AND NOT EXISTS (SELECT FROM payment_request r WHERE r.dossier = dossier.code AND r.status <> 'cancelled'))"
    " RETURNING code, state, channel, procedure, xmax = 0 AS fresh),"
    " told AS (SELECT event_record($15, ARRAY['dossier.changed'], ARRAY[code], ARRAY[NULL::bigint],"
    " ARRAY[jsonb_build_object('state', state)]) FROM put),"
    " noted AS (SELECT audit_record($15, $16, 'dossier.put', code, jsonb_build_object('state', state, 'channel', "
    "channel,"
    " 'procedure', procedure)) FROM put)"
    " SELECT fresh FROM put, told, noted"};

static enum err find_by(struct db *db, const struct db_statement *statement, struct arena *arena, struct text code,
                        struct dossier *ret_dossier)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, code);
    enum err err = db_query(db, statement, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_DOSSIER_UNKNOWN;
    *ret_dossier = (struct dossier){.code = db_text(&rows, 0, 0),
                                    .procedure = db_text(&rows, 0, 1),
                                    .agency = db_text(&rows, 0, 2),
                                    .channel = db_text(&rows, 0, 3),
                                    .state = db_text(&rows, 0, 4),
                                    .applicant_name = db_text(&rows, 0, 5),
                                    .applicant_phone = db_text(&rows, 0, 6),
                                    .applicant_email = db_text(&rows, 0, 7),
                                    .applicant_id_number = db_text(&rows, 0, 8),
                                    .applicant_address = db_text(&rows, 0, 9),
                                    .applicant_commune = db_text(&rows, 0, 10),
                                    .submitted_at = db_instant(&rows, 0, 11),
                                    .state_reason = db_text(&rows, 0, 12),
                                    .state_at = db_instant(&rows, 0, 13)};
    return OK;
}

enum err dossier_find(struct db *db, struct arena *arena, struct text code, struct dossier *ret_dossier)
{
    return find_by(db, &find_sql, arena, code, ret_dossier);
}

enum err dossier_hold(struct db *db, struct arena *arena, struct text code, struct dossier *ret_dossier)
{
    return find_by(db, &hold_sql, arena, code, ret_dossier);
}

static bool dossier_code_is_good(struct text code)
{
    if (code.length < 3 || code.length > 60)
        return false;
    for (size_t i = 0; i < code.length; i++) {
        char c = code.at[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
                    c == '-' || c == '_';
        if (!good)
            return false;
    }
    return true;
}

static void read_applicant(struct json_fields *in, struct dossier *ret)
{
    struct json_fields applicant;
    json_read_object(in, "applicant", REQUIRED, &applicant);
    json_read_text(&applicant, "name", REQUIRED, 1, 200, &ret->applicant_name);
    json_read_text(&applicant, "phone", OPTIONAL, 8, 20, &ret->applicant_phone);
    json_read_text(&applicant, "email", OPTIONAL, 3, 200, &ret->applicant_email);
    json_read_text(&applicant, "id_number", OPTIONAL, 5, 30, &ret->applicant_id_number);
    json_read_text(&applicant, "address", OPTIONAL, 1, 300, &ret->applicant_address);
    json_read_text(&applicant, "commune", OPTIONAL, 5, 5, &ret->applicant_commune);
    if (applicant.object && json_close(&applicant))
        return; /* its faults stand in the list that the caller looks at */
}

enum err dossier_read(struct request *rq, struct dossier *ret)
{
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    int channel = CHANNEL_COUNTER, state = 0;
    json_read_text(&in, "procedure", REQUIRED, 1, 40, &ret->procedure);
    json_read_text(&in, "agency", REQUIRED, 2, 40, &ret->agency);
    json_read_enum(&in, "channel", REQUIRED, channel_names, &channel);
    json_read_enum(&in, "state", OPTIONAL, state_names, &state);
    json_read_instant(&in, "submitted_at", REQUIRED, &ret->submitted_at);
    json_read_text(&in, "state_reason", OPTIONAL, 1, 500, &ret->state_reason);
    json_read_instant(&in, "state_at", OPTIONAL, &ret->state_at);
    if (ret->state_at != INSTANT_NONE && ret->state_at > rq->at + STATE_SKEW_US)
        json_fault(&in, "state_at", ERR_FIELD_VALUE, "Không được ở tương lai");
    read_applicant(&in, ret);
    if (!dossier_code_is_good(ret->code))
        faults_add(&rq->faults, "code", ERR_FIELD_FORMAT, "Mã hồ sơ có từ 3 đến 60 chữ, số, dấu chấm, gạch");
    ret->channel = text_of(channel_names[channel]);
    ret->state = text_of(state_names[state]);

    struct catalogue *catalogue = catalogue_in_force_hold();
    if (ret->procedure.length && !catalogue_procedure(catalogue, ret->procedure))
        json_fault(&in, "procedure", ERR_PROCEDURE_UNKNOWN, NULL);
    catalogue_drop(catalogue);
    struct agency agency;
    err = ret->agency.length ? agency_find(rq->db, &rq->arena, ret->agency, &agency) : OK;
    if (err == ERR_NOT_FOUND)
        json_fault(&in, "agency", ERR_FIELD_VALUE, "Không có cơ quan này");
    else if (err)
        return err;
    return json_close(&in);
}

void dossier_write(struct json *json, const void *what)
{
    const struct dossier *d = what;
    json_put_object(json, NULL);
    json_put_text(json, "code", d->code);
    json_put_text(json, "procedure", d->procedure);
    json_put_text(json, "agency", d->agency);
    json_put_text(json, "channel", d->channel);
    json_put_text(json, "state", d->state);
    json_put_text_or_null(json, "state_reason", d->state_reason);
    json_put_instant(json, "state_at", d->state_at);
    json_put_object(json, "applicant");
    json_put_text(json, "name", d->applicant_name);
    json_put_text_or_null(json, "phone", d->applicant_phone);
    json_put_text_or_null(json, "email", d->applicant_email);
    json_put_text_or_null(json, "id_number", d->applicant_id_number);
    json_put_text_or_null(json, "address", d->applicant_address);
    json_put_text_or_null(json, "commune", d->applicant_commune);
    json_put_end(json);
    json_put_instant(json, "submitted_at", d->submitted_at);
    json_put_end(json);
}

/* Names what is not as the dossier says. */
static enum err refuse_contradiction(struct request *rq, const struct dossier *wanted)
{
    struct dossier now;
    enum err err = dossier_find(rq->db, &rq->arena, wanted->code, &now);
    if (err)
        return reply_error(rq, err);
    if (!text_equal(now.channel, wanted->channel))
        faults_add(&rq->faults, "/channel", ERR_CHANNEL_CONTRADICTS,
                   "Hồ sơ nộp theo hình thức %.*s; chỉ đổi được khi có lý do và hai người (channel-changes)",
                   TEXT_ARGS(now.channel));
    if (!text_equal(now.procedure, wanted->procedure))
        faults_add(&rq->faults, "/procedure", ERR_PROCEDURE_CONTRADICTS,
                   "Hồ sơ thuộc thủ tục %.*s và đã có yêu cầu nộp", TEXT_ARGS(now.procedure));
    if (!text_equal(now.agency, wanted->agency))
        faults_add(&rq->faults, "/agency", ERR_FIELD_VALUE, "Hồ sơ nộp tại %.*s và đã có yêu cầu nộp",
                   TEXT_ARGS(now.agency));
    return reply_faults(rq, ERR_CHANNEL_CONTRADICTS);
}

enum err dossier_put_handle(struct request *rq)
{
    struct dossier dossier = {.code = request_capture(rq, "code"), .state_at = INSTANT_NONE};
    enum err err = dossier_read(rq, &dossier);
    if (err)
        return reply_faults(rq, err);

    struct db_args args = db_args(&rq->arena);
    const struct text columns[] = {dossier.code,
                                   dossier.procedure,
                                   dossier.agency,
                                   dossier.channel,
                                   dossier.state,
                                   dossier.applicant_name,
                                   dossier.applicant_phone,
                                   dossier.applicant_email,
                                   dossier.applicant_id_number,
                                   dossier.applicant_address,
                                   dossier.applicant_commune};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        db_arg_text(&args, columns[i]);
    db_arg_instant(&args, dossier.submitted_at);
    db_arg_text(&args, dossier.state_reason);
    db_arg_instant(&args, dossier.state_at);
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    struct db_rows rows;
    err = db_query(rq->db, &put_sql, &args, &rows);
    if (err)
        return reply_error(rq, err);
    if (!rows.count)
        return refuse_contradiction(rq, &dossier);
    return reply_json(rq, db_bool(&rows, 0, 0) ? 201 : 200, dossier_write, &dossier);
}

static const struct db_statement states_sql = {
    "dossier_states", "SELECT state, at, reason, since FROM dossier_state WHERE dossier = $1 ORDER BY id LIMIT 200"};
static const struct db_statement answers_sql = {
    "dossier_answers",
    "SELECT r.reference, l.fee, l.name, l.net, a.state, a.answer, a.legal_basis, a.at FROM refund_answer a"
    " JOIN payment_request r ON r.id = a.request_id JOIN request_line l ON l.request_id = a.request_id"
    " AND l.ordinal = a.ordinal WHERE r.dossier = $1 AND a.void_at IS NULL ORDER BY r.id, l.ordinal"};

struct dossier_view {
    struct dossier dossier;
    struct db_rows states, answers;
    struct payment_request *requests;
    size_t count;
};

static void life_write(struct json *json, const struct dossier_view *view)
{
    json_put_array(json, "states");
    for (int i = 0; i < view->states.count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "state", db_text(&view->states, i, 0));
        json_put_instant(json, "at", db_instant(&view->states, i, 1));
        json_put_text_or_null(json, "reason", db_text(&view->states, i, 2));
        json_put_instant(json, "since", db_instant(&view->states, i, 3));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_array(json, "refund_answers");
    for (int i = 0; i < view->answers.count; i++) {
        const struct db_rows *rows = &view->answers;
        json_put_object(json, NULL);
        json_put_text(json, "reference", db_text(rows, i, 0));
        json_put_text(json, "fee", db_text(rows, i, 1));
        json_put_text(json, "name", db_text(rows, i, 2));
        json_put_int(json, "amount", db_int(rows, i, 3));
        json_put_text(json, "state", db_text(rows, i, 4));
        json_put_text(json, "answer", db_text(rows, i, 5));
        json_put_text(json, "legal_basis", db_text(rows, i, 6));
        json_put_instant(json, "at", db_instant(rows, i, 7));
        json_put_end(json);
    }
    json_put_end(json);
}

static void view_write(struct json *json, const void *what)
{
    const struct dossier_view *view = what;
    json_put_object(json, NULL);
    struct buf dossier = {0};
    struct json inner = json_to(&dossier);
    dossier_write(&inner, &view->dossier);
    json_put_raw(json, "dossier", buf_view(&dossier));
    buf_done(&dossier);
    json_put_array(json, "payment_requests");
    for (size_t i = 0; i < view->count; i++)
        payment_request_write(json, &view->requests[i]);
    json_put_end(json);
    life_write(json, view);
    json_put_end(json);
}

enum err dossier_get_handle(struct request *rq)
{
    struct dossier_view view;
    enum err err = dossier_find(rq->db, &rq->arena, request_capture(rq, "code"), &view.dossier);
    if (!err)
        err = payment_requests_of(rq->db, &rq->arena, view.dossier.code, &view.requests, &view.count);
    struct db_args args = db_args(&rq->arena);
    db_arg_text(&args, request_capture(rq, "code"));
    if (!err)
        err = db_query(rq->db, &states_sql, &args, &view.states);
    if (!err)
        err = db_query(rq->db, &answers_sql, &args, &view.answers);
    return err ? reply_error(rq, err) : reply_json(rq, 200, view_write, &view);
}
