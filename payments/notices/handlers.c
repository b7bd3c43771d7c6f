/* What was told, to be looked at and told again; and what people said about being written to. */
#include <string.h>
#include "core/http/list.h"
#include "payments/notices/parts.h"
#include "payments/requests/requests.h"

enum { PHONE_MAX = 20, EMAIL_MAX = 254 };

static const struct db_statement
    list_sql = {"notices", "SELECT id, kind, channel, state, dossier, request_id, language, contact, tries, created_at,"
                           " done_at, run_at, provider_id, problem FROM notice WHERE id > $1 AND ($3::text IS NULL OR"
                           " dossier = $3) AND ($4::text IS NULL OR state = $4) AND ($5::bigint IS NULL OR request_id ="
                           " $5) ORDER BY id LIMIT $2"},
    resend_sql = {"notice_resend",
                  "UPDATE notice SET state = 'waiting', run_at = $2, tries = 0, problem = NULL, done_at"
                  " = NULL WHERE id = $1 AND state IN ('refused', 'unknown', 'failed') AND occasion NOT"
                  " LIKE 'receipt %' RETURNING occasion"},
    there_sql = {"notice_there", "SELECT state FROM notice WHERE id = $1"},
    choice_sql = {"contact_choice",
                  "SELECT language, array_to_string(channels, ' '), email, phone, receipt_files, said_at,"
                  " said_by FROM contact_choice WHERE dossier = $1"},
    choose_sql = {
        "contact_choose",
        "INSERT INTO contact_choice (dossier, language, channels, email, phone, receipt_files, said_at, said_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (dossier) DO UPDATE SET language ="
        " excluded.language, channels = excluded.channels, email = excluded.email, phone = excluded.phone,"
        " receipt_files = excluded.receipt_files, said_at = excluded.said_at, said_by = excluded.said_by"};

/* --- the log ------------------------------------------------------------------------------------------------------ */

static void put_instant(struct json *json, const char *key, const struct db_rows *rows, int i, int column)
{
    json_put_instant(json, key, db_null(rows, i, column) ? INSTANT_NONE : db_instant(rows, i, column));
}

static void notice_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_text(json, "kind", db_text(rows, i, 1));
    json_put_text(json, "channel", db_text(rows, i, 2));
    json_put_text(json, "state", db_text(rows, i, 3));
    json_put_text_or_null(json, "dossier", db_text(rows, i, 4));
    if (db_null(rows, i, 5))
        json_put_null(json, "payment_request");
    else
        json_put_int(json, "payment_request", db_int(rows, i, 5));
    json_put_text(json, "language", db_text(rows, i, 6));
    json_put_text_or_null(json, "contact", db_text(rows, i, 7));
    json_put_int(json, "tries", db_int(rows, i, 8));
    put_instant(json, "created_at", rows, i, 9);
    put_instant(json, "done_at", rows, i, 10);
    json_put_instant(json, "next_at", text_is(db_text(rows, i, 3), "waiting") ? db_instant(rows, i, 11) : INSTANT_NONE);
    json_put_text_or_null(json, "provider_id", db_text(rows, i, 12));
    json_put_text_or_null(json, "problem", db_text(rows, i, 13));
    json_put_end(json);
}

/* GET /v1/notices?dossier=&payment_request=&state=&limit=&cursor= */
enum err notices_list_handle(struct request *rq)
{
    static const char *const states[] = {"waiting", "sent", "refused", "unknown", "cancelled", "failed"};
    struct list list;
    struct text state = request_query(rq, "state"), of = request_query(rq, "payment_request");
    int64_t request = 0;
    bool known = !state.at;
    list_ask(rq, &list);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known = known || text_is(state, states[i]);
    if (!known)
        faults_add(&rq->faults, "state", ERR_FIELD_VALUE, "waiting, sent, refused, unknown, cancelled hoặc failed");
    if (of.at && (!text_to_int64(of, &request) || request < 1))
        faults_add(&rq->faults, "payment_request", ERR_FIELD_FORMAT, "Phải là số của yêu cầu");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_text(&args, request_query(rq, "dossier"));
    db_arg_text(&args, state);
    if (request)
        db_arg_int(&args, request);
    else
        db_arg_null(&args);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, notice_write);
}

static enum err resend(struct request *rq, void *with, struct act_reply *reply)
{
    const int64_t *id = with;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows, there;
    db_arg_int(&args, *id);
    enum err err = db_query(rq->db, &there_sql, &args, &there);
    if (err || !there.count)
        return err ? err : ERR_NOT_FOUND;
    db_arg_instant(&args, rq->at);
    err = db_query(rq->db, &resend_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_CONFLICT; /* it waits, was sent, or no longer holds */
    err = audit_record(rq->db, &rq->arena, rq->at, auth_actor(rq), "notice.resend", db_text(&rows, 0, 0), TEXT("{}"));
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    json_put_object(&json, NULL);
    json_put_int(&json, "id", *id);
    json_put_string(&json, "state", "waiting");
    json_put_end(&json);
    reply->status = 202;
    return OK;
}

/* A person takes it upon himself that somebody may be told twice. */
enum err notice_resend_handle(struct request *rq)
{
    int64_t id;
    if (!text_to_int64(request_capture(rq, "id"), &id) || id < 1)
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = request_once(rq, resend, &id);
    return err ? reply_error(rq, err) : OK;
}

/* --- what people chose -------------------------------------------------------------------------------------------- */

struct choice {
    struct text dossier, language, email, phone, channels[POST_CHANNELS];
    size_t channel_count;
    bool receipt_files;
    instant_us said_at;
    struct text said_by;
};

static void choice_write(struct json *json, const void *what)
{
    const struct choice *c = what;
    json_put_object(json, NULL);
    json_put_text(json, "dossier", c->dossier);
    json_put_text(json, "language", c->language);
    json_put_array(json, "channels");
    for (size_t i = 0; i < c->channel_count; i++)
        json_put_text(json, NULL, c->channels[i]);
    json_put_end(json);
    json_put_text_or_null(json, "email", c->email);
    json_put_text_or_null(json, "phone", c->phone);
    json_put_bool(json, "receipt_files", c->receipt_files);
    json_put_instant(json, "said_at", c->said_at);
    json_put_text_or_null(json, "said_by", c->said_by);
    json_put_end(json);
}

static size_t split(struct text words, struct text ret_words[POST_CHANNELS])
{
    size_t count = 0;
    while (words.length && count < POST_CHANNELS) {
        struct text word = text_until(words, ' ', &words);
        if (word.length)
            ret_words[count++] = word;
    }
    return count;
}

enum err contact_get_handle(struct request *rq)
{
    const struct notices_config *config = notices_in_use();
    struct choice c = {
        .dossier = request_capture(rq, "code"), .language = TEXT("vi"), .receipt_files = true, .said_at = INSTANT_NONE};
    struct dossier dossier;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = dossier_find(rq->db, &rq->arena, c.dossier, &dossier);
    db_arg_text(&args, c.dossier);
    if (!err)
        err = db_query(rq->db, &choice_sql, &args, &rows);
    if (err)
        return reply_error(rq, err);
    if (!rows.count) {
        c.channel_count = split(text_of(config ? config->channels : ""), c.channels);
        return reply_json(rq, 200, choice_write, &c);
    }
    c.language = db_text(&rows, 0, 0);
    c.channel_count = split(db_text(&rows, 0, 1), c.channels);
    c.email = db_text(&rows, 0, 2);
    c.phone = db_text(&rows, 0, 3);
    c.receipt_files = db_bool(&rows, 0, 4);
    c.said_at = db_instant(&rows, 0, 5);
    c.said_by = db_text(&rows, 0, 6);
    return reply_json(rq, 200, choice_write, &c);
}

static enum err choose(struct request *rq, void *with, struct act_reply *reply)
{
    struct choice *c = with;
    struct db_args args = db_args(&rq->arena);
    c->said_at = rq->at;
    c->said_by = text_of(auth_actor(rq));
    db_arg_text(&args, c->dossier);
    db_arg_text(&args, c->language);
    db_arg_text_array(&args, c->channels, c->channel_count);
    db_arg_text(&args, c->email.length ? c->email : TEXT_NONE);
    db_arg_text(&args, c->phone.length ? c->phone : TEXT_NONE);
    db_arg_bool(&args, c->receipt_files);
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, c->said_by);
    enum err err = db_run(rq->db, &choose_sql, &args);
    if (!err)
        err = audit_record(rq->db, &rq->arena, rq->at, auth_actor(rq), "contact.choose", c->dossier,
                           arena_textf(&rq->arena, "{\"channels\":%zu,\"language\":\"%.*s\"}", c->channel_count,
                                       TEXT_ARGS(c->language)));
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    choice_write(&json, c);
    reply->status = 200;
    return OK;
}

static enum err read_choice(struct request *rq, struct choice *c)
{
    static const char *const tongues[] = {"vi", "en", NULL};
    struct json_fields in;
    char phone84[POST_PHONE_SIZE];
    int tongue = 0;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    json_read_enum(&in, "language", OPTIONAL, tongues, &tongue);
    c->language = text_of(tongues[tongue]);
    size_t count = json_read_array(&in, "channels", REQUIRED, 0, POST_CHANNELS);
    for (size_t i = 0; i < count && i < POST_CHANNELS; i++) {
        struct text word = TEXT_NONE;
        json_item_text(&in, "channels", i, 1, 10, &word);
        bool known = false, again = false;
        for (int k = 0; k < POST_CHANNELS; k++)
            known = known || text_is(word, post_channel_names[k]);
        for (size_t k = 0; k < c->channel_count; k++)
            again = again || text_equal(word, c->channels[k]);
        if (!known || again)
            json_fault(&in, "channels", ERR_FIELD_VALUE, "email, sms, zalo, mỗi cách một lần");
        else
            c->channels[c->channel_count++] = word;
    }
    json_read_text(&in, "email", OPTIONAL, 0, EMAIL_MAX, &c->email);
    if (c->email.length && !post_address_good(c->email))
        json_fault(&in, "email", ERR_FIELD_FORMAT, "Địa chỉ thư không đúng");
    json_read_text(&in, "phone", OPTIONAL, 0, PHONE_MAX, &c->phone);
    if (c->phone.length && !post_phone(c->phone, phone84))
        json_fault(&in, "phone", ERR_FIELD_FORMAT, "Số điện thoại Việt Nam, như 0912345678");
    json_read_bool(&in, "receipt_files", OPTIONAL, &c->receipt_files);
    return json_close(&in);
}

/* {channels: ["email", "sms", "zalo"], language?, email?, phone?, receipt_files?}: channels empty means "do not write".
 */
enum err contact_put_handle(struct request *rq)
{
    struct choice c = {.dossier = request_capture(rq, "code"), .receipt_files = true};
    struct dossier dossier;
    enum err err = dossier_find(rq->db, &rq->arena, c.dossier, &dossier);
    if (err)
        return reply_error(rq, err);
    err = read_choice(rq, &c);
    if (err)
        return reply_faults(rq, err);
    err = request_once(rq, choose, &c);
    return err ? reply_error(rq, err) : OK;
}
