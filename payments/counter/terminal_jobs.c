/* What is said to card terminals, as durable jobs.
 *
 * A payment is sent once for ever: the right to send is committed before the first byte leaves. Whoever dies after
 * that, and whoever gets no answer, leaves an attempt that the asking job follows by TransactionStatus until it is
 * known. An answer of "approved", from wherever it comes, goes the one way of confirmation under the attempt's own
 * name, so it counts once. */
#include "payments/counter/parts.h"

enum { ASK_TIMEOUT_MS = 8000, ANSWER_MAX = 256 * 1024, CLOCK_TRUST_S = 86400 };

struct subject {
    int64_t attempt;
    const struct terminal_driver *driver;
    const char *address;
    struct text terminal, state, order, service, clearing, reversal_state, reversal_service;
    struct text transaction, transaction_at;
    struct text request_status;
    int64_t amount, approved;
    instant_us sent_at, reversal_sent_at;
    bool abort_asked;
};

static const struct db_statement
    read_sql =
        {"terminal_subject",
         "SELECT a.state, t.driver, t.address, t.name, a.order_id, p.service_id, c.account_number, a.amount,"
         " p.sent_at, r.status, a.abort_asked, p.reversal_state, p.reversal_service, p.reversal_sent_at,"
         " p.poi_transaction, p.poi_time, coalesce(p.approved_amount, 0)"
         " FROM payment_attempt a JOIN pos_payment p ON p.attempt_id = a.id JOIN terminal t ON t.id = p.terminal_id"
         " JOIN receiving_account c ON c.id = t.account_id JOIN payment_request r ON r.id = a.request_id"
         " WHERE a.id = $1"},
    number_sql = {"terminal_message", "SELECT nextval('terminal_message')"},
    take_sql = {"pos_take", "SELECT pos_take($1, $2)"},
    become_sql = {"pos_become", "SELECT attempt_become($1, $2, $3, $4, $5)"},
    unknown_sql = {"pos_unknown", "SELECT attempt_become($1, $2, 'unknown', NULL, NULL) FROM payment_attempt"
                                  " WHERE id = $2 AND state = 'sent'"},
    approve_sql = {"pos_approve", "SELECT pos_approve($1, $2, $3, $4, $5, $6, $7, $8)"},
    again_sql = {"pos_ask_again", "SELECT pos_ask_again($1, $2, $3, make_interval(secs => $4))"},
    withdraw_sql = {"pos_withdraw", "SELECT pos_abort($1, $2, 'machine')"},
    reversal_take_sql =
        {"pos_reversal_take",
         "UPDATE pos_payment SET reversal_sent_at = $1 WHERE attempt_id = $2 AND reversal_sent_at IS NULL"},
    reversal_again_sql = {"pos_reversal_again", "UPDATE pos_payment SET reversal_sent_at = NULL,"
                                                " reversal_service = nextval('terminal_message')::text"
                                                " WHERE attempt_id = $1 AND reversal_state IN ('sent', 'unknown')"},
    reversal_unknown_sql = {"pos_reversal_unknown", "UPDATE pos_payment SET reversal_state = 'unknown'"
                                                    " WHERE attempt_id = $1 AND reversal_state = 'sent'"},
    reversal_end_sql = {"pos_reversal_end", "SELECT pos_reversal_end($1, $2, $3, $4)"};

static enum err number_of(const struct job *job, struct arena *arena, const char *key, int64_t *ret, int64_t *ret_n)
{
    struct faults faults;
    struct json_fields in;
    int64_t number = 0, n = 0;
    faults_init(&faults, arena);
    if (json_parse(job->body, &in, &faults))
        return ERR_INTERNAL;
    json_read_int(&in, key, REQUIRED, 1, INT64_MAX, &number);
    json_read_int(&in, "n", OPTIONAL, 0, INT64_MAX, &n);
    *ret = number;
    *ret_n = n;
    return json_close(&in) ? ERR_INTERNAL : OK;
}

static enum err subject_read(struct db *db, struct arena *arena, int64_t attempt, struct subject *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, attempt);
    enum err err = db_query(db, &read_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret = (struct subject){.attempt = attempt,
                            .state = db_text(&rows, 0, 0),
                            .driver = terminal_driver_find(db_text(&rows, 0, 1)),
                            .address = arena_copy(arena, db_text(&rows, 0, 2)),
                            .terminal = db_text(&rows, 0, 3),
                            .order = db_text(&rows, 0, 4),
                            .service = db_text(&rows, 0, 5),
                            .clearing = db_text(&rows, 0, 6),
                            .amount = db_int(&rows, 0, 7),
                            .sent_at = db_null(&rows, 0, 8) ? INSTANT_NONE : db_instant(&rows, 0, 8),
                            .request_status = db_text(&rows, 0, 9),
                            .abort_asked = db_bool(&rows, 0, 10),
                            .reversal_state = db_text(&rows, 0, 11),
                            .reversal_service = db_text(&rows, 0, 12),
                            .reversal_sent_at = db_null(&rows, 0, 13) ? INSTANT_NONE : db_instant(&rows, 0, 13),
                            .transaction = db_text(&rows, 0, 14),
                            .transaction_at = db_text(&rows, 0, 15),
                            .approved = db_int(&rows, 0, 16)};
    return ret->driver ? OK : ERR_SOURCE_OFF;
}

static enum err new_number(struct db *db, struct arena *arena, struct text *ret)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &number_sql, &none, &rows);
    if (!err)
        *ret = db_text(&rows, 0, 0);
    return err;
}

/* One exchange with a terminal. OK: it answered this message; ERR_NETWORK and its kin: nothing was sent; anything else:
 * nothing is known. */
static enum err speak(const struct terminal_driver *driver, const char *address, enum terminal_act act,
                      const struct terminal_order *order, int timeout_ms, struct arena *arena, struct text *ret_raw,
                      struct terminal_told *ret_told)
{
    const struct counter_config *settings = counter_settings();
    const struct http_pair type = {"Content-Type", text_of(driver->content_type)};
    struct buf body = {0};
    struct http_answer answer;
    struct faults faults;
    if (!settings->client)
        return ERR_UNAVAILABLE;
    faults_init(&faults, arena);
    driver->write(act, order, &body);
    const struct http_call call = {.method = "POST",
                                   .url = address,
                                   .headers = &type,
                                   .header_count = 1,
                                   .body = buf_view(&body),
                                   .total_timeout_ms = timeout_ms,
                                   .answer_max = ANSWER_MAX,
                                   .ca_file = settings->ca_file};
    enum err err = http_client_call(settings->client, &call, arena, &answer);
    buf_done(&body);
    if (err)
        return err;
    if (answer.status != 200)
        return ERR_UNKNOWN_OUTCOME;
    *ret_raw = answer.body;
    err = driver->read(act, order, answer.body, arena, &faults, ret_told);
    if (err && faults.count)
        LOG_WARNING(NULL, "card terminal's answer not understood", log_text("terminal", order->terminal),
                    log_string("where", faults.list[0].where));
    return err ? ERR_UNKNOWN_OUTCOME : OK;
}

static bool surely_not_sent(enum err err)
{
    return err == ERR_NETWORK || err == ERR_UNAVAILABLE || err == ERR_CONFIG;
}

static enum err become(struct db *db, struct arena *arena, const struct subject *s, const char *state, struct text code,
                       instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, s->attempt);
    db_arg_string(&args, state);
    db_arg_text(&args, code.length ? code : TEXT_NONE);
    db_arg_null(&args);
    return db_run(db, &become_sql, &args);
}

static enum err become_unknown(struct db *db, struct arena *arena, const struct subject *s, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, s->attempt);
    return db_run(db, &unknown_sql, &args);
}

/* The terminal's own time, unless its clock is plainly wrong. */
static instant_us paid_at(const struct terminal_told *told, instant_us at)
{
    instant_us said;
    bool near = instant_parse(told->transaction_at, &said) && said > at - CLOCK_TRUST_S * SECOND_US && said <= at;
    return near ? said : at;
}

static enum err approve(struct db *db, struct arena *arena, const struct subject *s, const struct terminal_told *told,
                        struct text raw, instant_us at)
{
    struct notice notice = {.source = text_of(s->driver->name),
                            .external_id = s->order,
                            .amount = told->amount,
                            .account = s->clearing,
                            .memo = s->order,
                            .paid_at = paid_at(told, at),
                            .order = s->order,
                            .method = METHOD_POS,
                            .status = NOTICE_PAID};
    struct confirmation c = {0};
    notice_seal(&notice);
    ledger_confirm_all(db, arena, &notice, &raw, 1, at, &c);
    if (c.err)
        return c.err;
    if (!c.payment)
        return ERR_INTERNAL; /* its clearing account is gone */
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, s->attempt);
    db_arg_int(&args, c.payment);
    db_arg_int(&args, told->amount);
    db_arg_text(&args, told->transaction);
    db_arg_text(&args, told->transaction_at.length ? told->transaction_at : TEXT_NONE);
    db_arg_text(&args, told->card.length ? told->card : TEXT_NONE);
    db_arg_text(&args, told->approval.length ? told->approval : TEXT_NONE);
    return db_run(db, &approve_sql, &args);
}

/* OK and `ret_known`: what the terminal said of the payment is written down. */
static enum err settle(struct db *db, struct arena *arena, const struct subject *s, const struct terminal_told *told,
                       struct text raw, instant_us at, bool *ret_known)
{
    *ret_known = true;
    switch (told->state) {
    case TERMINAL_DONE: return approve(db, arena, s, told, raw, at);
    case TERMINAL_DECLINED: return become(db, arena, s, "declined", told->code, at);
    case TERMINAL_ABORTED: return become(db, arena, s, "aborted", told->code, at);
    case TERMINAL_ABSENT: /* a message on its way may still arrive until nobody waits for its answer any more */
        if (at >= s->sent_at + counter_settings()->answer_timeout_s * SECOND_US)
            return become(db, arena, s, "aborted", TEXT("NotFound"), at);
        break;
    case TERMINAL_PENDING:
    case TERMINAL_UNTOLD: break;
    }
    *ret_known = false;
    return OK;
}

/* Sending -----------------------------------------------------------------------------------------------------------
 */

static enum err pay(struct db *db, struct arena *arena, int64_t attempt, instant_us at)
{
    struct subject s;
    struct db_args args = db_args(arena);
    struct db_rows rows;
    struct text raw = TEXT_NONE;
    struct terminal_told told = {0};
    bool known;
    db_arg_instant(&args, at);
    db_arg_int(&args, attempt);
    enum err err = counter_settings()->client ? subject_read(db, arena, attempt, &s) : ERR_UNAVAILABLE;
    if (!err)
        err = db_query(db, &take_sql, &args, &rows);
    if (err || !db_bool(&rows, 0, 0))
        return err;
    s.sent_at = at;
    const struct terminal_order order = {.sale = text_of(counter_settings()->sale_id),
                                         .terminal = s.terminal,
                                         .service = s.service,
                                         .order = s.order,
                                         .amount = s.amount,
                                         .at = at};
    err = speak(s.driver, s.address, TERMINAL_PAY, &order, counter_settings()->answer_timeout_s * 1000, arena, &raw,
                &told);
    at = clock_now();
    if (surely_not_sent(err))
        return become(db, arena, &s, "aborted", TEXT("Unreachable"), at);
    if (err)
        return become_unknown(db, arena, &s, at);
    return settle(db, arena, &s, &told, raw, at, &known);
}

void terminal_pay_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        int64_t attempt, n;
        jobs[i].outcome = number_of(&jobs[i], arena, "attempt", &attempt, &n);
        if (!jobs[i].outcome)
            jobs[i].outcome = pay(db, arena, attempt, at);
    }
}

/* Asking ------------------------------------------------------------------------------------------------------------
 */

static struct terminal_order about(const struct subject *s, enum terminal_act act, struct text service, struct text of)
{
    return (struct terminal_order){.sale = text_of(counter_settings()->sale_id),
                                   .terminal = s->terminal,
                                   .service = service,
                                   .about = of,
                                   .about_act = act,
                                   .order = s->order,
                                   .amount = s->approved,
                                   .transaction = s->transaction,
                                   .transaction_at = s->transaction_at};
}

static bool is_open(const struct subject *s)
{
    return text_is(s->state, "sent") || text_is(s->state, "unknown");
}

/* Somebody paid by QR meanwhile: the terminal should not take the money a second time. */
static enum err withdraw_when_paid(struct db *db, struct arena *arena, const struct subject *s, instant_us at)
{
    bool over = text_is(s->request_status, "paid") || text_is(s->request_status, "overpaid") ||
                text_is(s->request_status, "cancelled");
    if (s->abort_asked || !over)
        return OK;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, s->attempt);
    return db_run(db, &withdraw_sql, &args);
}

static enum err ask(struct db *db, struct arena *arena, int64_t attempt, int64_t n, instant_us at)
{
    struct subject s;
    struct text service, raw = TEXT_NONE;
    struct terminal_told told = {.state = TERMINAL_UNTOLD};
    bool known = false;
    enum err err = subject_read(db, arena, attempt, &s);
    if (err || !is_open(&s))
        return err;
    err = withdraw_when_paid(db, arena, &s, at);
    if (!err && s.sent_at != INSTANT_NONE) {
        err = new_number(db, arena, &service);
        struct terminal_order order = about(&s, TERMINAL_PAY, err ? TEXT_NONE : service, s.service);
        enum err spoken =
            err ? err : speak(s.driver, s.address, TERMINAL_STATUS, &order, ASK_TIMEOUT_MS, arena, &raw, &told);
        at = clock_now();
        if (!err && !spoken)
            err = settle(db, arena, &s, &told, raw, at, &known);
        if (!err && !known && at >= s.sent_at + counter_settings()->answer_timeout_s * SECOND_US)
            err = become_unknown(db, arena, &s, at);
    }
    if (err || known)
        return err;
    struct db_args args =
        db_args(arena); /* soon while the card is in the hand, then ever less often, never not at all */
    db_arg_instant(&args, at);
    db_arg_int(&args, attempt);
    db_arg_int(&args, n + 1);
    db_arg_int(&args, n < 60 ? 2 : n < 200 ? 15 : 60);
    return db_run(db, &again_sql, &args);
}

void terminal_ask_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        int64_t attempt, n;
        jobs[i].outcome = number_of(&jobs[i], arena, "attempt", &attempt, &n);
        if (!jobs[i].outcome)
            jobs[i].outcome = ask(db, arena, attempt, n, at);
    }
}

/* No promise: whatever comes of it, the payment's own answer decides. */
static enum err abort_one(struct db *db, struct arena *arena, int64_t attempt)
{
    struct subject s;
    struct text service, raw;
    struct terminal_told told;
    enum err err = subject_read(db, arena, attempt, &s);
    if (err || !is_open(&s) || s.sent_at == INSTANT_NONE)
        return err;
    err = new_number(db, arena, &service);
    struct terminal_order order = about(&s, TERMINAL_PAY, err ? TEXT_NONE : service, s.service);
    return err ? err : speak(s.driver, s.address, TERMINAL_ABORT, &order, ASK_TIMEOUT_MS, arena, &raw, &told);
}

void terminal_abort_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        int64_t attempt, n;
        jobs[i].outcome = number_of(&jobs[i], arena, "attempt", &attempt, &n);
        if (!jobs[i].outcome)
            jobs[i].outcome = abort_one(db, arena, attempt);
    }
}

/* Reversals ---------------------------------------------------------------------------------------------------------
 */

static enum err reversal_run(struct db *db, struct arena *arena, const struct db_statement *sql, int64_t attempt)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, attempt);
    return db_run(db, sql, &args);
}

static enum err reversal_end(struct db *db, struct arena *arena, const struct subject *s,
                             const struct terminal_told *told, instant_us at)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_int(&args, s->attempt);
    db_arg_string(&args, told->state == TERMINAL_DONE ? "done" : "refused");
    db_arg_text(&args, told->code.length ? told->code : TEXT_NONE);
    enum err err = db_query(db, &reversal_end_sql, &args, &rows);
    return err ? err : db_bool(&rows, 0, 0) ? OK : ERR_CONFLICT;
}

static enum err reverse(struct db *db, struct arena *arena, int64_t attempt, instant_us at)
{
    struct subject s;
    struct text service, raw;
    struct terminal_told told;
    struct db_args args = db_args(arena);
    enum err err = subject_read(db, arena, attempt, &s);
    if (err || (!text_is(s.reversal_state, "sent") && !text_is(s.reversal_state, "unknown")))
        return err;
    bool sent = s.reversal_sent_at != INSTANT_NONE;
    struct terminal_order order = about(&s, TERMINAL_REVERSE, s.reversal_service, TEXT_NONE);
    order.at = at;
    if (sent) {
        err = new_number(db, arena, &service);
        if (err)
            return err;
        order = about(&s, TERMINAL_REVERSE, service, s.reversal_service);
    } else {
        db_arg_instant(&args, at);
        db_arg_int(&args, attempt);
        err = db_run(db, &reversal_take_sql, &args);
        if (err)
            return err;
    }
    err = speak(s.driver, s.address, sent ? TERMINAL_STATUS : TERMINAL_REVERSE, &order,
                sent ? ASK_TIMEOUT_MS : ASK_TIMEOUT_MS * 4, arena, &raw, &told);
    at = clock_now();
    bool gone = !err && told.state == TERMINAL_ABSENT &&
                at >= s.reversal_sent_at + counter_settings()->answer_timeout_s * SECOND_US;
    if ((!sent && surely_not_sent(err)) || gone) {
        enum err again = reversal_run(db, arena, &reversal_again_sql, attempt);
        return again ? again : ERR_RETRY;
    }
    if (!err && (told.state == TERMINAL_DONE || told.state == TERMINAL_DECLINED || told.state == TERMINAL_ABORTED))
        return reversal_end(db, arena, &s, &told, at);
    err = reversal_run(db, arena, &reversal_unknown_sql, attempt);
    return err ? err : ERR_UNKNOWN_OUTCOME;
}

void terminal_reverse_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        int64_t attempt, n;
        jobs[i].outcome = number_of(&jobs[i], arena, "attempt", &attempt, &n);
        if (!jobs[i].outcome)
            jobs[i].outcome = reverse(db, arena, attempt, at);
    }
}

/* The end of a terminal's day ---------------------------------------------------------------------------------------
 */

static const struct db_statement
    day_sql = {"terminal_day",
               "SELECT t.driver, t.address, t.name, x.state, x.sent_at,"
               " coalesce((SELECT y.reference FROM terminal_reconciliation y WHERE y.terminal_id = t.id"
               " AND y.reference IS NOT NULL ORDER BY y.id DESC LIMIT 1), '')"
               " FROM terminal_reconciliation x JOIN terminal t ON t.id = x.terminal_id WHERE x.id = $1"},
    day_take_sql = {"terminal_day_take", "UPDATE terminal_reconciliation SET sent_at = $2 WHERE id = $1"},
    day_unknown_sql = {"terminal_day_unknown", "UPDATE terminal_reconciliation SET state = 'unknown' WHERE id = $1"
                                               " AND state = 'sent'"},
    day_end_sql = {"terminal_day_end", "SELECT terminal_reconcile_end($1, $2, $3, $4, $5, $6, $7)"};

static enum err day_mark(struct db *db, struct arena *arena, int64_t id, instant_us sent_at)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, id);
    db_arg_instant(&args, sent_at);
    return db_run(db, &day_take_sql, &args);
}

static enum err day_end(struct db *db, struct arena *arena, int64_t id, const struct terminal_told *told, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_text(&args, told->reference);
    db_arg_int(&args, told->totals.count);
    db_arg_int(&args, told->totals.amount);
    db_arg_int(&args, told->totals.reversed_count);
    db_arg_int(&args, told->totals.reversed_amount);
    return db_run(db, &day_end_sql, &args);
}

/* A reconciliation begins a new period at the terminal, so a lost answer is not asked for by a second one: the totals
 * of the last are asked for, and only when they are still those we know was ours never received. */
static enum err reconcile(struct db *db, struct arena *arena, int64_t id, instant_us at)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    struct text service, raw;
    struct terminal_told told;
    db_arg_int(&args, id);
    enum err err = db_query(db, &day_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    const struct terminal_driver *driver = terminal_driver_find(db_text(&rows, 0, 0));
    if (!driver || (!text_is(db_text(&rows, 0, 3), "sent") && !text_is(db_text(&rows, 0, 3), "unknown")))
        return driver ? OK : ERR_SOURCE_OFF;
    bool sent = !db_null(&rows, 0, 4);
    err = new_number(db, arena, &service);
    if (!err && !sent)
        err = day_mark(db, arena, id, at);
    if (err)
        return err;
    const struct terminal_order order = {
        .sale = text_of(counter_settings()->sale_id), .terminal = db_text(&rows, 0, 2), .service = service, .at = at};
    err = speak(driver, arena_copy(arena, db_text(&rows, 0, 1)), sent ? TERMINAL_TOTALS : TERMINAL_RECONCILE, &order,
                ASK_TIMEOUT_MS * (sent ? 1 : 4), arena, &raw, &told);
    if (!sent && (surely_not_sent(err) || (!err && told.state == TERMINAL_UNTOLD)))
        return day_mark(db, arena, id, INSTANT_NONE) ? ERR_DATABASE : ERR_RETRY;
    if (!err && told.state == TERMINAL_DONE) {
        bool old = sent && text_equal(told.reference, db_text(&rows, 0, 5));
        if (!old)
            return day_end(db, arena, id, &told, clock_now());
        return day_mark(db, arena, id, INSTANT_NONE) ? ERR_DATABASE : ERR_RETRY;
    }
    if (!err && sent && told.state == TERMINAL_UNTOLD && text_is(told.code, "NotFound")) /* it has none at all */
        return day_mark(db, arena, id, INSTANT_NONE) ? ERR_DATABASE : ERR_RETRY;
    struct db_args unknown = db_args(arena);
    db_arg_int(&unknown, id);
    err = db_run(db, &day_unknown_sql, &unknown);
    return err ? err : ERR_UNKNOWN_OUTCOME;
}

void terminal_reconcile_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at,
                            void *with)
{
    for (size_t i = 0; i < count; i++) {
        int64_t id, n;
        jobs[i].outcome = number_of(&jobs[i], arena, "reconciliation", &id, &n);
        if (!jobs[i].outcome)
            jobs[i].outcome = reconcile(db, arena, id, at);
    }
}
