/* Gives what happened its notices: follows the feed and the ends of requests, one batch a round, on one host at a time.
 */
#include "payments/notices/parts.h"

enum { EVENTS_AT_ONCE = 500 };

static const struct db_statement
    lock_sql = {"notices_lock", "SELECT pg_try_advisory_xact_lock(hashtext('notices ' || current_schema()))"},
    /* What was before the first start is not told; what ends soon is. */
    begin_sql = {"notices_begin",
                 "INSERT INTO notice_cursor (position, reminded_to) SELECT coalesce(max(position), 0), $1::timestamptz"
                 " FROM feed ON CONFLICT DO NOTHING"},
    /* A receipt's letter is the receipts room's own, with the files: here it is told by the other channels only, and
     * that letter is asked for where the address was given for notices alone (the applicant's own it knows). Fees
     * without a state receipt have no receipt to wait for. */
    plan_sql =
        {"notices_plan",
         "WITH part AS (SELECT f.position, e.id, e.kind, e.dossier, e.request_id, e.body FROM feed f JOIN event e ON"
         " (e.booked_month, e.id) = (f.booked_month, f.event_id) WHERE f.position > (SELECT position FROM "
         "notice_cursor)"
         " ORDER BY f.position LIMIT $2),"
         " told AS (SELECT 'event ' || p.id AS occasion, p.dossier, p.request_id, p.body, p.kind = 'receipt.issued' AS"
         " by_receipt, CASE p.kind WHEN 'request.created' THEN 'request_made' WHEN 'receipt.issued' THEN 'paid'"
         " WHEN 'refund.paid' THEN 'refund_made'"
         " WHEN 'request.paid' THEN CASE WHEN NOT EXISTS (SELECT FROM request_line l WHERE l.request_id = p.request_id"
         " AND l.document = 'state_receipt' AND l.net > 0) THEN 'paid' END"
         " WHEN 'payment.settled' THEN CASE WHEN EXISTS (SELECT FROM payment_request r WHERE r.id = p.request_id AND"
         " r.status = 'partly_paid') THEN 'shortage' END"
         " WHEN 'parcel.status' THEN CASE p.body ->> 'status' WHEN 'delivered' THEN 'parcel_delivered'"
         " WHEN 'failed_attempt' THEN 'parcel_attempted' END END AS kind FROM part p),"
         " made AS (INSERT INTO notice (occasion, channel, kind, dossier, request_id, facts, language, run_at, "
         "created_at)"
         " SELECT t.occasion, c.channel, t.kind, d.code, t.request_id, t.body, coalesce(k.language, 'vi'),"
         " CASE c.channel WHEN 'email' THEN $1::timestamptz ELSE $3::timestamptz END, $1 FROM told t JOIN dossier d ON "
         "d.code = t.dossier"
         " LEFT JOIN contact_choice k ON k.dossier = d.code CROSS JOIN unnest($4::text[]) AS c (channel)"
         " WHERE t.kind IS NOT NULL AND c.channel = ANY (coalesce(k.channels, $5::text[]))"
         " AND coalesce(CASE c.channel WHEN 'email' THEN coalesce(k.email, d.applicant_email) ELSE coalesce(k.phone,"
         " d.applicant_phone) END, '') <> '' AND NOT (t.by_receipt AND c.channel = 'email')"
         " AND (c.channel <> 'zalo' OR t.kind = ANY ($6::text[]))"
         " ON CONFLICT (occasion, channel) DO NOTHING RETURNING id),"
         " letters AS (INSERT INTO job (kind, key, body, run_at, created_at) SELECT 'receipt.deliver', 'receipt ' || "
         "r.id,"
         " jsonb_build_object('receipt', r.id), $1, $1 FROM told t JOIN contact_choice k ON k.dossier = t.dossier JOIN"
         " dossier d ON d.code = t.dossier JOIN receipt r ON r.request_id = t.request_id WHERE t.by_receipt AND "
         "'email' ="
         " ANY (k.channels) AND k.email <> '' AND coalesce(d.applicant_email, '') = '' AND 'email' = ANY ($4::text[])"
         " ON CONFLICT DO NOTHING),"
         " moved AS (UPDATE notice_cursor SET position = (SELECT max(position) FROM part) WHERE EXISTS (SELECT FROM "
         "part)"
         " RETURNING position)"
         " SELECT (SELECT count(*) FROM made) + (SELECT count(*) FROM part)"},
    remind_sql = {
        "notices_remind",
        "WITH due AS (SELECT r.id, r.dossier, r.expires_at FROM payment_request r, notice_cursor c WHERE r.status IN"
        " ('pending', 'partly_paid') AND r.expires_at > greatest(c.reminded_to, $1::timestamptz) AND r.expires_at <= "
        "$2::timestamptz),"
        " made AS (INSERT INTO notice (occasion, channel, kind, dossier, request_id, language, run_at, created_at)"
        " SELECT 'reminder ' || r.id || ' ' || extract(epoch FROM r.expires_at)::bigint, c.channel, 'reminder', d.code,"
        " r.id, coalesce(k.language, 'vi'), CASE c.channel WHEN 'email' THEN $1::timestamptz ELSE $3::timestamptz END, "
        "$1 FROM due r JOIN "
        "dossier d"
        " ON d.code = r.dossier LEFT JOIN contact_choice k ON k.dossier = d.code CROSS JOIN unnest($4::text[]) AS c"
        " (channel) WHERE c.channel = ANY (coalesce(k.channels, $5::text[])) AND coalesce(CASE c.channel WHEN 'email'"
        " THEN coalesce(k.email, d.applicant_email) ELSE coalesce(k.phone, d.applicant_phone) END, '') <> ''"
        " AND (c.channel <> 'zalo' OR 'reminder' = ANY ($6::text[])) ON CONFLICT (occasion, channel) DO NOTHING"
        " RETURNING id), moved AS (UPDATE notice_cursor SET reminded_to = $2 WHERE reminded_to < $2)"
        " SELECT count(*) FROM made"};

/* Words separated by spaces, or the names before '=' of such words. */
static size_t words_of(struct text rest, struct text *ret_words, size_t max)
{
    size_t count = 0;
    while (rest.length && count < max) {
        struct text value, word = text_until(text_until(rest, ' ', &rest), '=', &value);
        if (word.length)
            ret_words[count++] = word;
    }
    return count;
}

struct planning {
    const struct notices_config *config;
    struct arena *arena;
    instant_us at;
    int64_t count;
};

static void common_args(struct db_args *args, const struct planning *p)
{
    struct text open[POST_CHANNELS], chosen[POST_CHANNELS], templates[TELL_KINDS];
    size_t open_count = 0;
    for (int c = 0; c < POST_CHANNELS; c++)
        if (post_has((enum post_channel)c))
            open[open_count++] = text_of(post_channel_names[c]);
    db_arg_instant(args, quiet_hours_after(&p->config->quiet, p->at));
    db_arg_text_array(args, open, open_count);
    db_arg_text_array(args, chosen, words_of(text_of(p->config->channels), chosen, POST_CHANNELS));
    db_arg_text_array(args, templates, words_of(text_of(p->config->zalo_templates), templates, TELL_KINDS));
}

static enum err plan(struct db *db, void *with)
{
    struct planning *p = with;
    struct db_args none = db_args(p->arena), args = db_args(p->arena);
    struct db_rows rows;
    p->count = 0;
    enum err err = db_query(db, &lock_sql, &none, &rows);
    if (err || !db_bool(&rows, 0, 0))
        return err; /* another thread or host is at it */
    db_arg_instant(&args, p->at);
    err = db_run(db, &begin_sql, &args);
    if (!err) {
        db_arg_int(&args, EVENTS_AT_ONCE);
        common_args(&args, p);
        err = db_query(db, &plan_sql, &args, &rows);
    }
    if (err)
        return err;
    p->count = db_int(&rows, 0, 0);
    if (!p->config->remind_h)
        return OK;
    args = db_args(p->arena);
    db_arg_instant(&args, p->at);
    db_arg_instant(&args, p->at + p->config->remind_h * INT64_C(3600) * SECOND_US);
    common_args(&args, p);
    err = db_query(db, &remind_sql, &args, &rows);
    if (!err)
        p->count += db_int(&rows, 0, 0);
    return err;
}

enum err notices_plan(struct db *db, struct arena *arena, const struct notices_config *config, instant_us at,
                      int64_t *ret_count)
{
    enum { DEADLINE_US = 10000000 };
    struct planning p = {.config = config, .arena = arena, .at = at};
    enum err err = db_transact(db, clock_monotonic_us() + DEADLINE_US, plan, &p);
    if (!err)
        *ret_count = p.count;
    return err;
}
