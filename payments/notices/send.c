/* Sends what is due by one channel. A notice that no longer holds (paid meanwhile, consent taken back, nothing to write
 * to) is cancelled. Whether a short message or a Zalo notice went out may stay unknown: then it is not sent again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "payments/notices/parts.h"
#include "payments/requests/requests.h"

enum { AT_ONCE = 8, LEASE_S = 120, TRIES_MAX = 12, PAUSE_MS = 300 };

static const struct db_statement
    claim_sql = {"notice_claim",
                 "SELECT n.id, n.kind, n.dossier, n.request_id, n.language, n.tries, n.facts ->> 'amount', n.facts ->>"
                 " 'item', (n.facts ->> 'collector') || '/' || (n.facts ->> 'form') || '/' || (n.facts ->> 'symbol') ||"
                 " '/' || (n.facts ->> 'number'), n.problem = 'sending',"
                 " CASE $1 WHEN 'email' THEN coalesce(k.email, d.applicant_email) ELSE coalesce(k.phone,"
                 " d.applicant_phone) END, $1 = ANY (coalesce(k.channels, string_to_array($5, ' '))), n.facts ->>"
                 " 'reference' FROM notice_claim($1, $2, $3, make_interval(secs => $4::bigint)) n JOIN dossier d ON"
                 " d.code = n.dossier LEFT JOIN contact_choice k ON k.dossier = d.code ORDER BY n.id"},
    mark_sql = {"notice_mark", "UPDATE notice SET problem = 'sending', contact = $2 WHERE id = $1"},
    finish_sql = {"notice_finish",
                  "UPDATE notice SET state = $3, problem = $4, provider_id = $5, contact = $6, run_at ="
                  " coalesce($7, run_at), done_at = CASE $3 WHEN 'waiting' THEN NULL ELSE"
                  " $2::timestamptz END WHERE id = $1 AND state = 'waiting'"};

/* What is known of one notice. */
struct telling {
    int64_t id;
    enum notice_kind kind;
    enum tongue tongue;
    int tries;
    struct text dossier, contact, item, receipt;
    bool agreed, was_sending;
    int64_t amount;                 /* đồng, of the event */
    struct payment_request request; /* id 0: the event has none */
};

static int kind_of(struct text name)
{
    for (int i = 0; i < TELL_KINDS; i++)
        if (text_is(name, notice_kind_names[i]))
            return i;
    return -1;
}

/* Why it need not be told any more; NULL when it must. */
static const char *out_of_date(const struct telling *t)
{
    enum request_status status = t->request.status;
    bool open = status == REQUEST_PENDING || status == REQUEST_PARTLY_PAID;
    if (!t->contact.length || !t->agreed)
        return "không còn địa chỉ hoặc không còn đồng ý (no contact or no consent)";
    if (t->request.id && (t->kind == TELL_REQUEST_MADE || t->kind == TELL_REMINDER) && !open)
        return "yêu cầu không còn chờ nộp (no longer due)";
    if (t->request.id && t->kind == TELL_SHORTAGE && status != REQUEST_PARTLY_PAID)
        return "không còn thiếu tiền (no longer short)";
    return NULL;
}

static const char *template_of(struct arena *arena, const struct notices_config *config, enum notice_kind kind)
{
    struct text rest = text_of(config->zalo_templates);
    while (rest.length) {
        struct text number, name = text_until(text_until(rest, ' ', &rest), '=', &number);
        if (text_is(name, notice_kind_names[kind]))
            return arena_copy(arena, number);
    }
    return "";
}

/* Every value a pattern may name; returns how many. */
static size_t values_of(struct arena *arena, const struct notices_config *config, const struct telling *t,
                        struct post_value *v)
{
    char amount[MONEY_TEXT_SIZE], missing[MONEY_TEXT_SIZE], until[DATE_TEXT_SIZE] = "";
    const struct payment_request *r = &t->request;
    size_t count = 0;
    money_format(t->amount ? t->amount : r->amount, amount);
    money_format(r->amount - r->allocated, missing);
    if (r->id)
        date_format_vi(date_of(r->expires_at), until);
    const char *link = r->id ? payment_request_url(arena, r) : "";
    if (t->kind == TELL_PAID && t->receipt.length && config->receipt_link)
        link = config->receipt_link(arena, t->receipt);
    v[count++] = (struct post_value){"dossier", t->dossier};
    v[count++] = (struct post_value){"code", r->reference};
    v[count++] = (struct post_value){"amount", arena_text(arena, text_of(amount))};
    v[count++] = (struct post_value){"missing", arena_text(arena, text_of(missing))};
    v[count++] = (struct post_value){"until", arena_text(arena, text_of(until))};
    v[count++] = (struct post_value){"link", text_of(link)};
    v[count++] = (struct post_value){"item", t->item};
    v[count++] = (struct post_value){"id", arena_textf(arena, "lephi-%lld", (long long)t->id)};
    v[count++] = (struct post_value){"template", text_of(template_of(arena, config, t->kind))};
    v[count++] = (struct post_value){"status", text_of(notice_words(t->kind, t->tongue)->status)};
    return count;
}

static enum err tell(struct arena *arena, const struct notices_config *config, enum post_channel channel,
                     const struct telling *t, instant_us at, struct text *ret_id)
{
    struct post_value values[POST_VALUES_MAX];
    const struct notice_words *words = notice_words(t->kind, t->tongue);
    size_t count = values_of(arena, config, t, values);
    struct buf text = {0}, subject = {0};
    enum err err;
    if (channel == POST_EMAIL) {
        post_fill(&subject, text_of(words->subject), values, count, POST_TEXT);
        post_fill(&text, text_of(words->letter), values, count, POST_TEXT);
        err = post_mail(arena, at, t->contact, buf_cstr(&subject), buf_view(&text), NULL, 0);
    } else {
        post_fill(&text, text_of(words->brief), values, count, POST_TEXT);
        char *plain = arena_alloc(arena, text.length + 1); /* one part of 160 characters, where marks would make two */
        text_to_ascii(buf_view(&text), plain, text.length + 1);
        values[count++] = (struct post_value){"text", text_of(plain)};
        const struct post_message message = {.phone = t->contact, .values = values, .count = count};
        err = post_message(arena, channel, &message, ret_id);
    }
    buf_done(&text);
    buf_done(&subject);
    return err;
}

/* The state after a try, and when the next one is; INSTANT_NONE: none. */
static const char *state_after(enum err err, enum post_channel channel, const struct telling *t, instant_us at,
                               const struct quiet_hours *quiet, instant_us *ret_next)
{
    *ret_next = INSTANT_NONE;
    if (!err)
        return "sent";
    if (err == ERR_FIELD_VALUE)
        return "refused";
    if (err == ERR_UNKNOWN_OUTCOME && channel != POST_EMAIL)
        return "unknown";
    if (t->tries >= TRIES_MAX)
        return "failed";
    int64_t wait_s = t->tries < 11 ? INT64_C(2) << t->tries : 3600;
    *ret_next = at + wait_s * SECOND_US;
    if (channel != POST_EMAIL)
        *ret_next = quiet_hours_after(quiet, *ret_next);
    return "waiting";
}

static enum err finish(struct db *db, struct arena *arena, const struct telling *t, const char *state,
                       const char *problem, struct text id, instant_us next)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, t->id);
    db_arg_instant(&args, clock_now());
    db_arg_string(&args, state);
    db_arg_string(&args, problem);
    db_arg_text(&args, id.length ? id : TEXT_NONE);
    db_arg_text(&args, t->contact.length ? post_mask(arena, t->contact) : TEXT(""));
    db_arg_instant(&args, next);
    return db_run(db, &finish_sql, &args);
}

static enum err one(struct db *db, struct arena *arena, const struct notices_config *config, enum post_channel channel,
                    const struct telling *t, instant_us at)
{
    struct text id = TEXT_NONE;
    instant_us next;
    const char *why = out_of_date(t);
    if (why)
        return finish(db, arena, t, "cancelled", why, id, INSTANT_NONE);
    if (t->was_sending && channel != POST_EMAIL) /* whoever sent it ended before it was noted */
        return finish(db, arena, t, "unknown", "dừng giữa chừng khi đang gửi (ended while sending)", id, INSTANT_NONE);
    struct db_args args = db_args(arena);
    db_arg_int(&args, t->id);
    db_arg_text(&args, post_mask(arena, t->contact));
    enum err err = db_run(db, &mark_sql, &args);
    if (err)
        return err;
    err = tell(arena, config, channel, t, at, &id);
    const char *state = state_after(err, channel, t, at, &config->quiet, &next);
    return finish(db, arena, t, state, err ? err_info(err)->vi : NULL, id, next);
}

static enum err read_row(struct db *db, struct arena *arena, const struct db_rows *rows, int i, struct telling *ret)
{
    int kind = kind_of(db_text(rows, i, 1));
    *ret = (struct telling){.id = db_int(rows, i, 0),
                            .kind = (enum notice_kind)(kind < 0 ? 0 : kind),
                            .tongue = text_is(db_text(rows, i, 4), "en") ? ENGLISH : VIETNAMESE,
                            .tries = (int)db_int(rows, i, 5),
                            .dossier = db_text(rows, i, 2),
                            .item = db_text(rows, i, 7),
                            .receipt = db_text(rows, i, 8),
                            .was_sending = db_bool(rows, i, 9),
                            .contact = db_text(rows, i, 10),
                            .agreed = db_bool(rows, i, 11)};
    if (!text_to_int64(db_text(rows, i, 6), &ret->amount))
        ret->amount = 0;
    if (kind < 0)
        return ERR_INTERNAL;
    return db_null(rows, i, 3) ? OK : payment_request_find(db, arena, db_int(rows, i, 3), &ret->request);
}

enum err notices_send(struct db *db, struct arena *arena, const struct notices_config *config,
                      enum post_channel channel, instant_us at, int64_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_string(&args, post_channel_names[channel]);
    db_arg_instant(&args, at);
    db_arg_int(&args, AT_ONCE);
    db_arg_int(&args, LEASE_S);
    db_arg_string(&args, config->channels);
    enum err err = db_query(db, &claim_sql, &args, &rows);
    int64_t count = 0;
    for (int i = 0; !err && i < rows.count; i++) {
        struct telling telling;
        err = read_row(db, arena, &rows, i, &telling);
        if (!err)
            err = one(db, arena, config, channel, &telling, at);
        count++;
    }
    if (!err)
        *ret_count = count;
    return err;
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

struct notices {
    struct sender {
        struct notices *notices;
        enum post_channel channel;
        struct rounds *rounds;
    } senders[POST_CHANNELS];
    struct notices_config config;
};

static int64_t sender_round(struct db *db, struct arena *arena, void *with)
{
    const struct sender *sender = with;
    int64_t planned = 0, sent = 0;
    if (notices_plan(db, arena, &sender->notices->config, clock_now(), &planned)) {
        LOG_WARNING(NULL, "notices not planned", log_string("error", db_error(db)));
        planned = 0;
    }
    if (notices_send(db, arena, &sender->notices->config, sender->channel, clock_now(), &sent)) {
        LOG_WARNING(NULL, "notices not sent", log_string("error", db_error(db)));
        sent = 0;
    }
    return planned + sent;
}

enum err notices_start(const struct notices_config *config, struct notices **ret_notices)
{
    struct notices *notices = memory_new(sizeof *notices);
    notices->config = *config;
    for (int c = 0; c < POST_CHANNELS; c++) {
        struct sender *sender = &notices->senders[c];
        *sender = (struct sender){.notices = notices, .channel = (enum post_channel)c};
        const struct rounds_config rounds = {.database_url = config->database_url,
                                             .name = "lephi notices",
                                             .pause_ms = PAUSE_MS,
                                             .round = sender_round,
                                             .with = sender};
        if (post_has(sender->channel) && rounds_start(&rounds, &sender->rounds)) {
            notices_stop(notices);
            return ERR_UNAVAILABLE;
        }
    }
    *ret_notices = notices;
    return OK;
}

void notices_stop(struct notices *notices)
{
    if (!notices)
        return;
    for (int c = 0; c < POST_CHANNELS; c++)
        if (notices->senders[c].rounds)
            rounds_ask_to_stop(notices->senders[c].rounds);
    for (int c = 0; c < POST_CHANNELS; c++)
        rounds_stop(notices->senders[c].rounds);
    free(notices);
}
