/* Found again by receipt number, dossier code or phone. Without the token of the link only words about the state;
 * content after a one-time code to the contact on file. A miss looks, costs and is counted like a hit. */
#include <stdio.h>
#include <string.h>
#include "receipts/office.h"

static const struct db_statement find_sql = {"receipt_lookup",
                                             "SELECT id, email, phone FROM receipt_lookup($1, $2, $3, $4, $5)"};
static const struct db_statement status_sql = {
    "receipt_lookup_status", "SELECT EXISTS (SELECT FROM receipt x WHERE x.replaces = $1), EXISTS (SELECT FROM "
                             "receipt_notice t WHERE t.receipt_id = $1)"};
static const struct db_statement make_sql = {"receipt_code_make",
                                             "SELECT receipt_code_make($1, $2, $3, $4, $5::bigint[])"};
static const struct db_statement job_sql = {
    "receipt_code_job", "INSERT INTO job (kind, key, body, run_at, created_at) VALUES ('receipt.code', $2, "
                        "jsonb_build_object('sealed', $3::text), $1, $1)"};
static const struct db_statement open_sql = {"receipt_code_open", "SELECT unnest(receipt_code_open($1, $2, $3))"};

enum { CODE_S = 600 };

/* "26TAA/15", "EBL01/26TAA/15" */
static bool read_number(struct text number, struct text *ret_form, struct text *ret_symbol, int64_t *ret_number)
{
    struct text rest, more, first = text_until(number, '/', &rest), second = text_until(rest, '/', &more);
    *ret_form = more.at ? first : TEXT_NONE;
    *ret_symbol = more.at ? second : first;
    return receipt_symbol_valid(*ret_symbol) && text_to_int64(more.at ? more : second, ret_number) && *ret_number > 0 &&
           *ret_number <= RECEIPT_NUMBER_MAX;
}

static enum err find(struct db *db, struct arena *arena, const struct receipt_question *q, struct db_rows *ret_rows)
{
    struct db_args args = db_args(arena);
    struct text form = TEXT_NONE, symbol = TEXT_NONE;
    int64_t number = 0;
    bool by_number = q->number.length && read_number(text_trim(q->number), &form, &symbol, &number);
    db_arg_text(&args, form);
    db_arg_text(&args, symbol);
    if (by_number)
        db_arg_int(&args, number);
    else
        db_arg_null(&args);
    db_arg_text(&args, q->dossier.length ? text_trim(q->dossier) : TEXT_NONE);
    db_arg_text(&args, by_number || q->dossier.length ? TEXT_NONE : text_trim(q->phone));
    return db_query(db, &find_sql, &args, ret_rows);
}

enum err receipt_lookup_status(struct db *db, struct arena *arena, const struct receipt_question *q,
                               const char **ret_status)
{
    struct db_rows rows, state;
    *ret_status = "unknown";
    if (q->phone.length) /* whether a phone number is known to us is nobody's business */
        return OK;
    enum err err = find(db, arena, q, &rows);
    if (err || !rows.count)
        return err;
    struct db_args args = db_args(arena);
    db_arg_int(&args, db_int(&rows, 0, 0));
    err = db_query(db, &status_sql, &args, &state);
    if (!err)
        *ret_status = db_bool(&state, 0, 0) ? "replaced" : db_bool(&state, 0, 1) ? "notified" : "issued";
    return err;
}

const char *receipt_lookup_words(const char *status)
{
    return !strcmp(status, "issued")     ? "Biên lai đã lập, còn hiệu lực."
           : !strcmp(status, "notified") ? "Biên lai đã lập, còn hiệu lực; có thông báo sai sót."
           : !strcmp(status, "replaced") ? "Biên lai đã được thay thế bằng biên lai khác."
                                         : "Chưa có thông tin. Nếu đã nộp đủ tiền, biên lai được lập trong ngày.";
}

static void digest_of(const char *purpose, struct text text, uint8_t ret[SHA256_SIZE])
{
    server_secret_derive(purpose, text, ret);
}

struct sending {
    const struct receipt_question *question;
    struct arena *arena;
    instant_us at;
    struct text challenge; /* text form */
    bool refused;
};

static enum err make_code(struct db *db, void *with)
{
    struct sending *s = with;
    const struct receipt_question *q = s->question;
    struct db_rows rows, made;
    uint8_t challenge[SHA256_SIZE], contact_hash[SHA256_SIZE], code_hash[SHA256_SIZE], key[SHA256_SIZE];
    int64_t ids[32];
    uint32_t random;
    enum err err = find(db, s->arena, q, &rows);
    if (err)
        return err;
    /* The contact on file of the newest; everything else found must have the same one. */
    struct text contact = TEXT_NONE;
    if (rows.count && post_has(POST_EMAIL) && post_address_good(db_text(&rows, 0, 1)))
        contact = db_text(&rows, 0, 1);
    else if (rows.count && post_has(POST_SMS))
        contact = db_text(&rows, 0, 2);
    size_t count = 0;
    for (int i = 0; contact.length && i < rows.count && count < 32; i++)
        if (text_equal(db_text(&rows, i, 1), contact) || text_equal(db_text(&rows, i, 2), contact))
            ids[count++] = db_int(&rows, i, 0);
    struct text asked =
        arena_textf(s->arena, "%.*s|%.*s|%.*s", TEXT_ARGS(q->number), TEXT_ARGS(q->dossier), TEXT_ARGS(q->phone));
    digest_of("receipt code contact", contact.length ? contact : asked, contact_hash);
    crypto_random(&random, sizeof random);
    const char *code = arena_printf(s->arena, "%06u", random % 1000000);
    crypto_sha256(s->challenge, challenge);
    crypto_sha256(arena_textf(s->arena, "%.*s %s", TEXT_ARGS(s->challenge), code), code_hash);
    struct db_args args = db_args(s->arena);
    db_arg_instant(&args, s->at);
    db_arg_bytes(&args, challenge, sizeof challenge);
    db_arg_bytes(&args, contact_hash, sizeof contact_hash);
    db_arg_bytes(&args, code_hash, sizeof code_hash);
    db_arg_int_array(&args, ids, count);
    err = db_query(db, &make_sql, &args, &made);
    s->refused = !err && !db_bool(&made, 0, 0);
    if (err || s->refused || !count)
        return err;
    struct buf sealed = {0}, text = {0};
    digest_of("receipt code", TEXT("job"), key);
    crypto_seal(key, arena_textf(s->arena, "%s %.*s", code, TEXT_ARGS(contact)), &sealed);
    base64_encode(sealed.at, sealed.length, &text);
    args = db_args(s->arena);
    db_arg_instant(&args, s->at);
    db_arg_text(&args, s->challenge);
    db_arg_text(&args, buf_view(&text));
    err = db_run(db, &job_sql, &args);
    buf_done(&sealed);
    buf_done(&text);
    return err;
}

enum err receipt_lookup_send(struct db *db, struct arena *arena, instant_us at, const struct receipt_question *q,
                             struct text *ret_challenge)
{
    enum { DEADLINE_US = 5 * 1000 * 1000 };
    uint8_t random[TOKEN_SIZE];
    struct buf text = {0};
    crypto_random(random, sizeof random);
    base64url_encode(random, sizeof random, &text);
    struct sending sending = {.question = q, .arena = arena, .at = at, .challenge = arena_text(arena, buf_view(&text))};
    buf_done(&text);
    enum err err = db_transact(db, clock_monotonic_us() + DEADLINE_US, make_code, &sending);
    if (!err && sending.refused)
        err = ERR_RATE_LIMIT;
    if (!err)
        *ret_challenge = sending.challenge;
    return err;
}

enum err receipt_lookup_open(struct db *db, struct arena *arena, instant_us at, struct text challenge, struct text code,
                             const char **ret_links, size_t max, size_t *ret_count)
{
    uint8_t challenge_hash[SHA256_SIZE], code_hash[SHA256_SIZE];
    struct db_args args = db_args(arena);
    struct db_rows rows;
    crypto_sha256(challenge, challenge_hash);
    crypto_sha256(arena_textf(arena, "%.*s %.*s", TEXT_ARGS(challenge), TEXT_ARGS(text_trim(code))), code_hash);
    db_arg_instant(&args, at);
    db_arg_bytes(&args, challenge_hash, sizeof challenge_hash);
    db_arg_bytes(&args, code_hash, sizeof code_hash);
    enum err err = db_query(db, &open_sql, &args, &rows);
    if (!err && !rows.count)
        err = ERR_LOOKUP_CODE;
    size_t count = 0;
    for (int i = 0; !err && i < rows.count && count < max; i++)
        err = receipt_link(db, arena, db_int(&rows, i, 0), &ret_links[count++]);
    if (!err)
        *ret_count = count;
    return err;
}

/* HTTP ---------------------------------------------------------------------------------------------------------------
 */

static enum err read_question(struct request *rq, struct receipt_question *ret)
{
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    json_read_text(&in, "number", OPTIONAL, 7, 20, &ret->number);
    json_read_text(&in, "dossier", OPTIONAL, 3, 60, &ret->dossier);
    json_read_text(&in, "phone", OPTIONAL, 8, 15, &ret->phone);
    if ((ret->number.length > 0) + (ret->dossier.length > 0) + (ret->phone.length > 0) != 1)
        json_fault(&in, "number", ERR_FIELD_MISSING, "Cần đúng một trong number, dossier, phone");
    return json_close(&in);
}

static void status_write(struct json *json, const void *what)
{
    json_put_object(json, NULL);
    json_put_string(json, "status", what);
    json_put_string(json, "words", receipt_lookup_words(what));
    json_put_end(json);
}

enum err receipt_lookup_handle(struct request *rq)
{
    struct receipt_question question = {0};
    const char *status;
    enum err err = read_question(rq, &question);
    if (err)
        return reply_faults(rq, err);
    err = receipt_lookup_status(rq->db, &rq->arena, &question, &status);
    return err ? reply_error(rq, err) : reply_json(rq, 200, status_write, status);
}

static void challenge_write(struct json *json, const void *what)
{
    const struct text *challenge = what;
    json_put_object(json, NULL);
    json_put_text(json, "challenge", *challenge);
    json_put_int(json, "expires_in_s", CODE_S);
    json_put_string(json, "words", "Nếu có biên lai, mã đã được gửi tới thư điện tử hoặc điện thoại khai trong hồ sơ.");
    json_put_end(json);
}

enum err receipt_lookup_code_handle(struct request *rq)
{
    struct receipt_question question = {0};
    struct text challenge;
    enum err err = read_question(rq, &question);
    if (err)
        return reply_faults(rq, err);
    err = receipt_lookup_send(rq->db, &rq->arena, rq->at, &question, &challenge);
    return err ? reply_error(rq, err) : reply_json(rq, 202, challenge_write, &challenge);
}

struct links {
    const char *list[RECEIPT_LINKS_MAX];
    size_t count;
};

static void links_write(struct json *json, const void *what)
{
    const struct links *links = what;
    json_put_object(json, NULL);
    json_put_array(json, "links");
    for (size_t i = 0; i < links->count; i++)
        json_put_string(json, NULL, links->list[i]);
    json_put_end(json);
    json_put_end(json);
}

enum err receipt_lookup_open_handle(struct request *rq)
{
    struct json_fields in;
    struct text challenge = TEXT_NONE, code = TEXT_NONE;
    struct links links;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "challenge", REQUIRED, 10, 40, &challenge);
        json_read_text(&in, "code", REQUIRED, 6, 6, &code);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    err = receipt_lookup_open(rq->db, &rq->arena, rq->at, challenge, code, links.list, RECEIPT_LINKS_MAX, &links.count);
    return err ? reply_error(rq, err) : reply_json(rq, 200, links_write, &links);
}
