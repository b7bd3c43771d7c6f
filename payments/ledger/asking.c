/* What a source says to our own question: for call-backs that prove too little, and for orders whose call-back may have
 * been lost. Nothing here decides: an answer of "paid" goes the one way of confirmation, no answer means ask again. */
#include "payments/ledger/asking.h"

#include <string.h>
#include "core/jobs/jobs.h"

enum { CALL_TIMEOUT_MS = 8000, ANSWER_MAX = 64 * 1024 };

static struct http_client *client;
static const char *public_url = "";

void ledger_asking_use(struct http_client *wanted, const char *url)
{
    client = wanted;
    public_url = url ? url : "";
}

struct http_client *ledger_client(void)
{
    return client;
}

const char *ledger_public_url(void)
{
    return public_url;
}

enum err gateway_accounts_open(struct db *db, struct arena *arena)
{
    static const struct db_statement sql = {"gateway_accounts_open", "SELECT gateway_accounts_open($1, $2)"};
    enum { MOST = 128, ACCOUNTS = 16 };
    struct text numbers[MOST], sources[MOST];
    size_t count = 0;
    for (size_t i = 0; i < source_count(); i++) {
        const struct source *source = source_at(i);
        const char *names[ACCOUNTS] = {""};
        size_t name_count = 1 + config_accounts(source->name, names + 1, ACCOUNTS - 1);
        for (size_t k = 0; source->method != METHOD_VIETQR && k < name_count && count < MOST; k++) {
            const struct source_account *account = source_account_find(source, text_of(names[k]));
            if (!account)
                continue;
            numbers[count] = source_account_number(account, arena);
            sources[count++] = text_of(source->name);
        }
    }
    struct db_args args = db_args(arena);
    db_arg_text_array(&args, numbers, count);
    db_arg_text_array(&args, sources, count);
    return count ? db_run(db, &sql, &args) : OK;
}

void claim_store(struct db *db, struct arena *arena, const struct notice *n, struct text account, struct text raw,
                 instant_us at, struct confirmation *ret)
{
    static const struct db_statement sql = {"claim_store", "SELECT claim_store($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_text(&args, n->source);
    db_arg_text(&args, account.at ? account : TEXT(""));
    db_arg_text(&args, n->external_id);
    db_arg_text(&args, n->order.at ? n->order : TEXT(""));
    db_arg_int(&args, n->amount);
    db_arg_bytes(&args, n->content_hash, sizeof n->content_hash);
    db_arg_text(&args, n->memo.at ? n->memo : TEXT(""));
    db_arg_bytes(&args, raw.at ? raw.at : "", raw.length);
    *ret = (struct confirmation){.err = db_query(db, &sql, &args, &rows)};
    if (ret->err)
        return;
    struct text outcome = db_text(&rows, 0, 0);
    ret->outcome = text_is(outcome, "booked")     ? CONFIRM_BOOKED
                   : text_is(outcome, "replayed") ? CONFIRM_REPLAYED
                                                  : CONFIRM_CONFLICT;
}

void confirmed_note(struct db *db, struct arena *arena, const struct notice *n, const struct confirmation *c,
                    instant_us at)
{
    static const struct db_statement
        close_sql = {"attempt_close", "SELECT attempt_become($1, id, 'approved', NULL, $2) FROM payment_attempt"
                                      " WHERE source = $3 AND order_id = $4 AND state IN ('sent', 'unknown')"},
        outside_sql = {"outside_payment_note", "SELECT outside_payment_note($1, $2, $3, $4)"};
    if (c->err || c->outcome > CONFIRM_REPLAYED || !n->order.length)
        return;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_text(&args, n->external_id);
    db_arg_text(&args, n->source);
    db_arg_text(&args, n->order);
    if (db_run(db, &close_sql, &args))
        LOG_WARNING(NULL, "attempt not closed; its job will", log_text("order", n->order));
    if (!n->dossier.length || c->request || !c->payment)
        return;
    args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, c->payment);
    db_arg_text(&args, n->dossier);
    db_arg_text(&args, n->source);
    if (db_run(db, &outside_sql, &args))
        LOG_ERROR(NULL, "money begun elsewhere not noted", log_text("dossier", n->dossier));
}

enum err source_do(const struct source_act *act, const struct source_account *account, const struct source_order *order,
                   struct arena *arena, struct source_told *ret_told)
{
    struct source_call call = {0};
    struct http_answer answer;
    struct faults faults;
    faults_init(&faults, arena);
    if (!act->ask)
        return ERR_CONFIG;
    enum err err = act->ask(account, order, arena, &call, ret_told);
    if (err || !call.url)
        return err;
    if (!client)
        return ERR_UNAVAILABLE;
    const struct http_call http = {.method = call.method,
                                   .url = call.url,
                                   .headers = call.headers,
                                   .header_count = call.header_count,
                                   .body = call.body,
                                   .total_timeout_ms = CALL_TIMEOUT_MS,
                                   .answer_max = ANSWER_MAX};
    err = http_client_call(client, &http, arena, &answer);
    if (!err && (answer.status < 200 || answer.status > 299))
        err = ERR_UNKNOWN_OUTCOME;
    return err ? err : act->read(account, order, answer.body, arena, &faults, ret_told);
}

/* The job --------------------------------------------------------------------------------------------------------- */

struct subject {
    bool claim;
    int64_t id;
    struct text state;
    const struct source *source;
    const struct source_account *account;
    struct source_order order;
};

static const struct db_statement
    claim_sql = {"claim_read",
                 "SELECT state, source, source_account, order_id, external_id, amount, words, made_at, made_at"
                 " FROM notice_claim WHERE id = $1"},
    attempt_sql = {"attempt_read",
                   "SELECT a.state, a.source, a.source_account, a.order_id, coalesce(a.transaction_id, ''),"
                   " a.amount, r.reference, a.made_at, a.expires_at FROM payment_attempt a"
                   " JOIN payment_request r ON r.id = a.request_id WHERE a.id = $1"};

static enum err subject_read(struct db *db, struct job *job, struct arena *arena, instant_us at, struct subject *ret)
{
    struct faults faults;
    struct json_fields in;
    struct subject s = {0};
    faults_init(&faults, arena);
    if (json_parse(job->body, &in, &faults))
        return ERR_INTERNAL;
    s.claim = json_has(&in, "claim");
    json_read_int(&in, s.claim ? "claim" : "attempt", REQUIRED, 1, INT64_MAX, &s.id);
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, s.id);
    enum err err = db_query(db, s.claim ? &claim_sql : &attempt_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    s.state = db_text(&rows, 0, 0);
    s.source = source_by_name(db_text(&rows, 0, 1));
    s.account = s.source ? source_account_find(s.source, db_text(&rows, 0, 2)) : NULL;
    s.order = (struct source_order){.id = db_text(&rows, 0, 3),
                                    .transaction = db_text(&rows, 0, 4),
                                    .amount = db_int(&rows, 0, 5),
                                    .words = db_text(&rows, 0, 6),
                                    .payer_address = TEXT("127.0.0.1"),
                                    .made_at = db_instant(&rows, 0, 7),
                                    .expires_at = db_instant(&rows, 0, 8),
                                    .at = at,
                                    .call_id = arena_textf(arena, "Q%lld-%d", (long long)job->id, job->tries)};
    *ret = s;
    return s.account ? OK : ERR_SOURCE_OFF;
}

static enum err subject_end(struct db *db, struct arena *arena, const struct subject *s, instant_us at,
                            const struct source_told *told)
{
    static const struct db_statement claim_end = {"claim_become", "SELECT claim_become($1, $2, $3)"},
                                     attempt_end = {"attempt_become", "SELECT attempt_become($1, $2, $3, $4, $5)"};
    bool paid = told->state == TOLD_DONE;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, s->id);
    if (s->claim) {
        db_arg_string(&args, paid ? "confirmed" : "denied");
        return db_run(db, &claim_end, &args);
    }
    db_arg_string(&args, paid ? "approved" : "declined");
    db_arg_text(&args, told->code);
    db_arg_text(&args, paid ? told->notice.external_id : TEXT_NONE);
    return db_run(db, &attempt_end, &args);
}

static enum err ask_one(struct db *db, struct job *job, struct arena *arena, instant_us at)
{
    struct subject s;
    struct source_told told;
    enum err err = subject_read(db, job, arena, at, &s);
    if (err)
        return err;
    if (!text_is(s.state, "claimed") && !text_is(s.state, "sent") && !text_is(s.state, "unknown"))
        return OK;
    err = gateway_accounts_open(db, arena);
    if (!err)
        err = source_do(&s.source->query, s.account, &s.order, arena, &told);
    if (err)
        return err;
    if (told.state == TOLD_PENDING)
        return ERR_RETRY;
    if (told.state == TOLD_DONE) {
        struct confirmation c = {0};
        ledger_confirm_all(db, arena, &told.notice, &job->body, 1, at, &c);
        if (c.err)
            return c.err;
        confirmed_note(db, arena, &told.notice, &c, at);
    }
    return subject_end(db, arena, &s, at, &told);
}

void ledger_ask_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = ask_one(db, &jobs[i], arena, at);
}
