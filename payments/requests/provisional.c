/* With the one-stop shop silent the desk goes on: a dossier under a provisional code, priced and paid like any other,
 * and tied to the real code later, once. */
#include "payments/fees/fees.h"
#include "payments/requests/request_parts.h"

static const struct db_statement make_sql = {
    "dossier_provisional",
    "WITH made AS (INSERT INTO dossier (code, procedure, agency, channel, state, applicant_name, applicant_phone,"
    " applicant_email, applicant_id_number, applicant_address, applicant_commune, submitted_at, registered_at, "
    "changed_at,"
    " provisional) VALUES ($1, $2, $3, $4, 'filed', $5, $6, $7, $8, $9, $10, $11, $12, $12, true) RETURNING code)"
    " SELECT event_record($12, ARRAY['dossier.provisional'], ARRAY[code], ARRAY[NULL::bigint], ARRAY['{}'::jsonb]),"
    " audit_record($12, $13, 'dossier.provisional', code, '{}') FROM made"};
static const struct db_statement tie_sql = {"dossier_tie", "SELECT dossier_tie($1, $2, $3, $4)"};
static const struct db_statement open_sql = {
    "dossiers_provisional",
    "SELECT code, procedure, agency, applicant_name, registered_at FROM dossier WHERE provisional"
    " AND tied_to IS NULL ORDER BY registered_at, code LIMIT 500"};

/* "TAM-20261123-7K2M9QX4": no code of the one-stop shop looks like it. */
static struct text code_make(struct arena *arena, instant_us at)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct civil day = civil_of(at);
    uint8_t random[8];
    char tail[sizeof random + 1];
    crypto_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        tail[i] = alphabet[random[i] & 31];
    tail[sizeof random] = '\0';
    return arena_textf(arena, "TAM-%04d%02d%02d-%s", day.year, day.month, day.day, tail);
}

static enum err make(struct request *rq, void *with, struct act_reply *reply)
{
    struct dossier *d = with;
    struct db_args args = db_args(&rq->arena);
    d->code = code_make(&rq->arena, rq->at);
    const struct text columns[] = {d->code,
                                   d->procedure,
                                   d->agency,
                                   d->channel,
                                   d->applicant_name,
                                   d->applicant_phone,
                                   d->applicant_email,
                                   d->applicant_id_number,
                                   d->applicant_address,
                                   d->applicant_commune};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        db_arg_text(&args, columns[i]);
    db_arg_instant(&args, d->submitted_at);
    db_arg_instant(&args, rq->at);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_run(rq->db, &make_sql, &args);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    dossier_write(&json, d);
    reply->status = 201;
    return OK;
}

enum err dossier_provisional_handle(struct request *rq)
{
    struct dossier dossier = {.code = TEXT("TAM-00000000-00000000"), .state_at = INSTANT_NONE};
    enum err err = dossier_read(rq, &dossier);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, make, &dossier);
    return err ? reply_error(rq, err) : OK;
}

struct tie {
    struct text code, real;
};

static enum err tie(struct request *rq, void *with, struct act_reply *reply)
{
    static const struct {
        const char *said;
        enum err err;
    } outcomes[] = {{"tied", OK},
                    {"not_found", ERR_DOSSIER_UNKNOWN},
                    {"not_provisional", ERR_DOSSIER_NOT_PROVISIONAL},
                    {"tied_already", ERR_DOSSIER_TIED}};
    const struct tie *t = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, t->code);
    db_arg_text(&args, t->real);
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &tie_sql, &args, &rows);
    if (err)
        return err;
    struct text said = db_text(&rows, 0, 0);
    err = ERR_INVALID;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (text_is(said, outcomes[i].said))
            err = outcomes[i].err;
    if (err == ERR_INVALID && text_is(said, "differs"))
        faults_add(&rq->faults, "/code", ERR_PROCEDURE_CONTRADICTS,
                   "Thủ tục, cơ quan hoặc hình thức nộp khác với hồ sơ tạm: lập lại yêu cầu nộp");
    else if (err == ERR_INVALID)
        faults_add(&rq->faults, "/code", ERR_FIELD_VALUE, "Hệ thống một cửa chưa đăng ký mã hồ sơ này");
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_text(&json, "provisional", t->code);
    json_put_text(&json, "code", t->real);
    json_put_end(&json);
    reply->status = 200;
    return OK;
}

enum err dossier_tie_handle(struct request *rq)
{
    struct tie t = {.code = request_capture(rq, "code")};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "code", REQUIRED, 3, 60, &t.real);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, tie, &t);
    if (!err)
        return OK;
    return rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
}

static void open_write(struct json *json, const void *what)
{
    const struct db_rows *rows = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows->count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "code", db_text(rows, i, 0));
        json_put_text(json, "procedure", db_text(rows, i, 1));
        json_put_text(json, "agency", db_text(rows, i, 2));
        json_put_text(json, "applicant_name", db_text(rows, i, 3));
        json_put_instant(json, "registered_at", db_instant(rows, i, 4));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err dossiers_provisional_handle(struct request *rq)
{
    struct db_args none = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = db_query(rq->db, &open_sql, &none, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, open_write, &rows);
}
