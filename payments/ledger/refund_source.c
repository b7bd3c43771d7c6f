/* Refunds that the source itself carries out. The number it is asked under is committed before the call and never
 * changes: a call without an answer is made again under the same number, which the source knows and does not carry out
 * twice. */
#include "core/jobs/jobs.h"
#include "payments/ledger/asking.h"

static const struct db_statement read_sql = {
    "refund_source_read",
    "SELECT source, source_account, order_id, transaction, amount, refund, reference, made_at, source_call,"
    " actor FROM refund_source_read($1)"};
static const struct db_statement ask_sql = {"refund_source_ask", "SELECT refund_source_ask($1, $2, $3)"};
static const struct db_statement close_sql = {"refund_source_close", "SELECT refund_close($1, $2, $3, $4, $5, $6, $7)"};

struct giving {
    int64_t id;
    const struct source *source;
    const struct source_account *account;
    struct source_order order;
    bool asked; /* before, under order.call_id */
};

/* "HT17"; where orders bear a day, so does this: "261123_2553_HT17". */
static struct text call_number(const struct giving *g, struct arena *arena, instant_us at)
{
    const char *app = source_setting(g->account, "app_id");
    struct civil day = civil_of(at);
    if (!g->source->dated_orders)
        return arena_textf(arena, "HT%lld", (long long)g->id);
    return arena_textf(arena, "%02d%02d%02d_%s_HT%lld", day.year % 100, day.month, day.day, app ? app : "0",
                       (long long)g->id);
}

static enum err giving_read(struct db *db, struct job *job, struct arena *arena, instant_us at, struct giving *ret)
{
    struct faults faults;
    struct json_fields in;
    struct giving g = {0};
    faults_init(&faults, arena);
    if (json_parse(job->body, &in, &faults))
        return ERR_INTERNAL;
    g.id = json_integer_value(json_object_get(in.object, "refund"));
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, g.id);
    enum err err = db_query(db, &read_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    g.source = source_by_name(db_text(&rows, 0, 0));
    g.account = g.source ? source_account_find(g.source, db_text(&rows, 0, 1)) : NULL;
    if (!g.account || !g.source->refund.ask)
        return ERR_SOURCE_OFF;
    g.asked = !db_null(&rows, 0, 8);
    g.order =
        (struct source_order){.id = db_text(&rows, 0, 2),
                              .transaction = db_text(&rows, 0, 3),
                              .amount = db_int(&rows, 0, 4),
                              .refund = db_int(&rows, 0, 5),
                              .words = db_text(&rows, 0, 6),
                              .refund_words = arena_textf(arena, "Hoan phi %.*s", TEXT_ARGS(db_text(&rows, 0, 6))),
                              .payer_address = TEXT("127.0.0.1"),
                              .made_at = db_instant(&rows, 0, 7),
                              .at = at,
                              .actor = db_text(&rows, 0, 9)};
    g.order.call_id = g.asked ? db_text(&rows, 0, 8) : call_number(&g, arena, at);
    *ret = g;
    return OK;
}

static enum err ask_noted(struct db *db, struct arena *arena, const struct giving *g, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, g->id);
    db_arg_text(&args, g->order.call_id);
    return db_run(db, &ask_sql, &args);
}

static enum err closed(struct db *db, struct arena *arena, const struct giving *g, const struct source_told *told,
                       instant_us at)
{
    bool paid = told->state == TOLD_DONE;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, g->id);
    db_arg_string(&args, paid ? "paid" : "failed");
    db_arg_text(&args, g->order.call_id);
    db_arg_date(&args, date_of(at));
    db_arg_text(&args, paid ? TEXT_NONE : arena_textf(arena, "%s: %.*s", g->source->title, TEXT_ARGS(told->code)));
    db_arg_string(&args, "system:refund");
    return db_run(db, &close_sql, &args);
}

static enum err give_back(struct db *db, struct job *job, struct arena *arena, instant_us at)
{
    struct giving g;
    struct source_told told;
    enum err err = giving_read(db, job, arena, at, &g);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err; /* a person has ended it */
    if (!g.asked)
        err = ask_noted(db, arena, &g, at);
    if (!err)
        err = source_do(&g.source->refund, g.account, &g.order, arena, &told);
    if (err)
        return err;
    return told.state == TOLD_PENDING ? ERR_RETRY : closed(db, arena, &g, &told, at);
}

void ledger_refund_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    (void)with;
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = give_back(db, &jobs[i], arena, at);
}
