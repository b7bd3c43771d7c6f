/* "Is my money there?" asked by a message with the code: the status in plain words, and nothing about the person. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/http/limit.h"
#include "core/webhooks/webhooks.h"
#include "payments/notices/parts.h"
#include "payments/requests/requests.h"

enum { STAMP_WINDOW_S = 300, HOUR_S = 3600 };

static const struct db_statement
    find_sql = {"answer_find",
                "SELECT id, false FROM payment_request WHERE reference = $1 UNION ALL SELECT id, true FROM"
                " payment_basket WHERE reference = $1"},
    job_sql = {"answer_job", "INSERT INTO job (kind, key, body, run_at, created_at) VALUES ('message.answer', $2,"
                             " jsonb_build_object('channel', $3::text, 'to', $4::text, 'text', $5::text), $1, $1)"
                             " ON CONFLICT DO NOTHING"};

static const char *hotline(void)
{
    const struct notices_config *config = notices_in_use();
    return config && config->hotline && *config->hotline ? config->hotline : "bộ phận một cửa";
}

static const char *status_words(struct arena *arena, const struct payment_request *r)
{
    char amount[MONEY_TEXT_SIZE], got[MONEY_TEXT_SIZE], missing[MONEY_TEXT_SIZE], surplus[MONEY_TEXT_SIZE],
        until[DATE_TEXT_SIZE];
    const char *code = arena_copy(arena, r->reference);
    money_format(r->amount, amount);
    money_format(r->allocated, got);
    money_format(r->amount - r->allocated, missing);
    money_format(r->surplus, surplus);
    date_format_vi(date_of(r->expires_at), until);
    switch (r->status) {
    case REQUEST_NOTHING_DUE: return arena_printf(arena, "Mã %s: được miễn, không phải nộp tiền.", code);
    case REQUEST_PENDING:
        return arena_printf(arena,
                            "Mã %s: chưa thấy tiền về. Cần nộp %s đồng, hạn %s. Nếu đã chuyển, không chuyển lại.", code,
                            amount, until);
    case REQUEST_PARTLY_PAID:
        return arena_printf(arena, "Mã %s: đã nhận %s đồng, còn thiếu %s đồng, hạn %s.", code, got, missing, until);
    case REQUEST_PAID: return arena_printf(arena, "Mã %s: đã nhận đủ %s đồng.", code, amount);
    case REQUEST_OVERPAID:
        return arena_printf(arena, "Mã %s: đã nhận đủ %s đồng. Thừa %s đồng, xem cách nhận lại trên trang nộp tiền.",
                            code, amount, surplus);
    case REQUEST_EXPIRED:
        return arena_printf(arena, "Mã %s đã hết hạn. Nếu đã chuyển tiền, không chuyển lại. Cần nộp tiếp: gọi %s.",
                            code, hotline());
    case REQUEST_CANCELLED: return arena_printf(arena, "Mã %s đã hủy. Không nộp tiền theo mã này.", code);
    case REQUEST_REFUNDED: return arena_printf(arena, "Mã %s: đã hoàn lại tiền.", code);
    case REQUEST_PARTLY_REFUNDED: return arena_printf(arena, "Mã %s: đã hoàn lại một phần tiền.", code);
    case REQUEST_STATUS_COUNT: break;
    }
    return "";
}

/* Several requests under one code. */
static enum err basket_words(struct db *db, struct arena *arena, int64_t id, instant_us at, const char **ret_words)
{
    struct basket basket;
    char rest[MONEY_TEXT_SIZE], until[DATE_TEXT_SIZE];
    enum err err = basket_find(db, arena, id, at, &basket);
    if (err)
        return err;
    const char *code = arena_copy(arena, basket.reference);
    money_format(basket.due - basket.held, rest);
    date_format_vi(date_of(basket.expires_at), until);
    *ret_words =
        text_is(basket.status, "paid") ? arena_printf(arena, "Mã %s: đã nhận đủ tiền của các hồ sơ nộp chung.", code)
        : text_is(basket.status, "cancelled")
            ? arena_printf(arena, "Mã %s đã hủy. Không nộp tiền theo mã này.", code)
            : arena_printf(arena, "Mã %s: các hồ sơ nộp chung còn phải nộp %s đồng, hạn %s.", code, rest, until);
    return OK;
}

static enum err one_answer(struct db *db, struct arena *arena, const struct db_rows *rows, instant_us at,
                           const char **ret_words)
{
    struct payment_request request;
    if (db_bool(rows, 0, 1))
        return basket_words(db, arena, db_int(rows, 0, 0), at, ret_words);
    enum err err = payment_request_find(db, arena, db_int(rows, 0, 0), &request);
    if (!err)
        *ret_words = status_words(arena, &request);
    return err;
}

enum err incoming_answer(struct db *db, struct arena *arena, struct text text, instant_us at, const char **ret_answer)
{
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    size_t count = reference_candidates(text, found);
    for (size_t i = 0; i < count; i++) {
        struct db_args args = db_args(arena);
        struct db_rows rows;
        db_arg_string(&args, found[i].reference.text);
        enum err err = db_query(db, &find_sql, &args, &rows);
        if (!err && !rows.count)
            continue;
        return err ? err : one_answer(db, arena, &rows, at, ret_answer);
    }
    *ret_answer =
        count
            ? arena_printf(arena, "Không có yêu cầu nộp tiền mang mã %s. Kiểm tra lại mã trên thông báo. Hỗ trợ: %s.",
                           found[0].reference.text, hotline())
            : arena_printf(arena,
                           "Chưa thấy mã nộp tiền trong tin nhắn. Soạn mã %d ký tự bắt đầu bằng %s, in trên thông báo "
                           "nộp tiền. Hỗ trợ: %s.",
                           REFERENCE_LENGTH, reference_prefix(), hotline());
    return OK;
}

/* --- the door ----------------------------------------------------------------------------------------------------- */

/* HMAC-SHA256 over timestamp "." body, as our own webhooks are signed. */
static enum err check_sms(struct request *rq, const char *secret)
{
    char wanted[WEBHOOK_SIGNATURE_SIZE];
    int64_t at_s;
    struct text stamp = request_header(rq, "X-Lephi-Timestamp"), said = request_header(rq, "X-Lephi-Signature");
    if (!text_to_int64(stamp, &at_s) || at_s < 0 || !said.length)
        return ERR_SIGNATURE;
    webhook_sign(text_of(secret), at_s, rq->body, &rq->arena, wanted);
    if (!text_equal_secret(said, text_of(wanted)))
        return ERR_SIGNATURE;
    return llabs(rq->at / SECOND_US - at_s) > STAMP_WINDOW_S ? ERR_STALE : OK;
}

/* Zalo's official account: "mac=" and the hex SHA-256 of application id, body, its timestamp and the OA secret. */
static enum err check_zalo(struct request *rq, const struct notices_config *config)
{
    struct faults faults;
    json_t *body;
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    faults_init(&faults, &rq->arena);
    if (json_parse_value(rq->body, &body, &faults))
        return ERR_SIGNATURE;
    const json_t *stamp = json_object_get(body, "timestamp");
    struct text at = json_is_string(stamp)    ? text_of(json_string_value(stamp))
                     : json_is_integer(stamp) ? arena_textf(&rq->arena, "%lld", (long long)json_integer_value(stamp))
                                              : TEXT_NONE;
    int64_t at_ms;
    crypto_sha256(arena_textf(&rq->arena, "%s%.*s%.*s%s", config->zalo_app_id, TEXT_ARGS(rq->body), TEXT_ARGS(at),
                              config->zalo_secret),
                  digest);
    hex_encode(digest, sizeof digest, hex);
    struct text wanted = arena_textf(&rq->arena, "mac=%s", hex);
    if (!text_to_int64(at, &at_ms) || !text_equal_secret(request_header(rq, "X-ZEvent-Signature"), wanted))
        return ERR_SIGNATURE;
    return llabs(rq->at / SECOND_US - at_ms / 1000) > STAMP_WINDOW_S ? ERR_STALE : OK;
}

static struct limit *senders;

void answers_open(void)
{
    senders = limit_new(HOUR_S, HOUR_S / 60);
}

void answers_close(void)
{
    limit_free(senders);
    senders = NULL;
}

static enum err later(struct request *rq, enum post_channel channel, const struct incoming *m, const char *words)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, m->id.length ? m->id : text_of(rq->id));
    db_arg_string(&args, post_channel_names[channel]);
    db_arg_text(&args, m->from);
    db_arg_string(&args, words);
    return db_run(rq->db, &job_sql, &args);
}

void notices_answer_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        struct faults faults;
        json_t *body;
        faults_init(&faults, arena);
        jobs[i].outcome = json_parse_value(jobs[i].body, &body, &faults);
        if (jobs[i].outcome)
            continue;
        struct text to = text_of(json_string_value(json_object_get(body, "to")));
        const char *words = json_string_value(json_object_get(body, "text")),
                   *channel = json_string_value(json_object_get(body, "channel"));
        enum err err = channel && !strcmp(channel, "zalo") ? post_answer(arena, to, words) : post_sms(arena, to, words);
        /* Whoever asked and heard nothing asks again: what was refused or may have gone out is let be. */
        jobs[i].outcome = err == ERR_FIELD_VALUE || err == ERR_UNKNOWN_OUTCOME ? OK : err;
    }
}

static void answer_write(struct json *json, const void *what)
{
    json_put_object(json, NULL);
    json_put_string(json, "reply", what);
    json_put_end(json);
}

static enum err respond(struct request *rq, enum post_channel channel, const struct incoming *m)
{
    const struct notices_config *config = notices_in_use();
    const char *words;
    if (!limit_take(senders, arena_textf(&rq->arena, "%s %.*s", post_channel_names[channel], TEXT_ARGS(m->from)),
                    HOUR_S / config->answers_per_hour, clock_monotonic_us()))
        return ERR_RATE_LIMIT;
    enum err err = incoming_answer(rq->db, &rq->arena, m->text, rq->at, &words);
    if (!err && channel == POST_SMS) { /* one part of 160 characters, where marks would make two */
        char *plain = arena_alloc(&rq->arena, strlen(words) + 1);
        text_to_ascii(text_of(words), plain, strlen(words) + 1);
        words = plain;
    }
    if (!err && (channel == POST_ZALO || config->sms_answers_sent))
        err = later(rq, channel, m, words);
    return err ? err : reply_json(rq, 200, answer_write, words);
}

/* POST /v1/messages/incoming/{channel}: sms or zalo, each with its own signature. An event that is no text is taken and
 * let be, so that the gateway does not send it again. */
enum err message_incoming_handle(struct request *rq)
{
    const struct notices_config *config = notices_in_use();
    struct text name = request_capture(rq, "channel");
    enum post_channel channel = text_is(name, "zalo") ? POST_ZALO : POST_SMS;
    struct incoming m;
    if (!config || (channel == POST_SMS && !text_is(name, "sms")))
        return reply_error(rq, ERR_NOT_FOUND);
    const char *secret = channel == POST_ZALO ? config->zalo_secret : config->sms_secret;
    if (!secret || !*secret)
        return reply_error(rq, ERR_SOURCE_OFF);
    enum err err = channel == POST_ZALO ? check_zalo(rq, config) : check_sms(rq, secret);
    if (!err)
        err = incoming_read(channel, rq->body, &m, &rq->faults);
    if (err == ERR_NOT_FOUND)
        return reply_body(rq, 200, "application/json", TEXT("{\"reply\":null}"));
    if (!err)
        err = respond(rq, channel, &m);
    return !err ? OK : rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
}
