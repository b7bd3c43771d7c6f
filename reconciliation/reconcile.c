/* The nightly run: its steps in order, each a transaction of its own that may be repeated at will. */
#include "reconciliation/reconciliation.h"

enum { MANY_LINES = 1000, HEAL_BATCH = 256, POST_BATCH = 20000, ROUNDS_MAX = 1000000 };

static const struct db_statement lock = {"reconcile_lock",
                                         "SELECT pg_try_advisory_lock(hashtext('reconcile ' || current_schema()))"};
static const struct db_statement unlock = {"reconcile_unlock",
                                           "SELECT pg_advisory_unlock(hashtext('reconcile ' || current_schema()))"};
static const struct db_statement run_begin = {
    "reconcile_run_begin",
    "INSERT INTO reconciliation_run (day, started_at, started_by) VALUES ($1, $2, $3) RETURNING id"};
static const struct db_statement run_end = {
    "reconcile_run_end",
    "UPDATE reconciliation_run r SET finished_at = $2, summary = s.summary FROM reconcile_summary($3) s (summary)"
    " WHERE r.id = $1 RETURNING r.summary"};
static const struct db_statement pending_count = {"reconcile_pending", "SELECT count(*) FROM line_unposted"};
static const struct db_statement match = {"reconcile_match", "SELECT reconcile_match($1, $2, $3)"};
static const struct db_statement set_aside = {"reconcile_set_aside", "SELECT reconcile_set_aside($1, $2)"};
static const struct db_statement next_pending_day = {
    "reconcile_next_pending_day",
    "SELECT min(l.booked_on) FROM line_pending w JOIN statement_line l ON l.id = w.line_id"
    " WHERE l.amount > 0 AND l.booked_on <= $1 AND ($2::date IS NULL OR l.booked_on > $2)"};
static const struct db_statement heal = {"reconcile_heal", "SELECT reconcile_heal($1, $2, $3)"};
static const struct db_statement payments = {"reconcile_payments", "SELECT reconcile_payments($1, $2)"};
static const struct db_statement post = {"reconcile_post", "SELECT reconcile_post($1, $2)"};

struct run {
    struct db *db;
    struct arena *arena;
    date_days day;
    instant_us at;
};

/* One statement, tried again after a deadlock a bounded number of times; its one number. */
static enum err step(struct run *run, const struct db_statement *statement, const struct db_args *args, int64_t *ret)
{
    enum { TRIES = 8 };
    struct db_rows rows;
    enum err err = ERR_RETRY;
    for (int i = 0; i < TRIES && err == ERR_RETRY; i++)
        err = db_query(run->db, statement, args, &rows);
    if (!err)
        *ret = db_int(&rows, 0, 0);
    return err;
}

static struct db_args day_args(struct run *run)
{
    struct db_args args = db_args(run->arena);
    db_arg_instant(&args, run->at);
    db_arg_date(&args, run->day);
    return args;
}

/* From the most certain rule to the least; amount or name alone is no rule. */
static enum err match_all(struct run *run)
{
    static const char *const rules[] = {"bank_reference", "reference", "repaired", "memo"};
    enum err err = OK;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && !err; i++) {
        struct db_args args = day_args(run);
        db_arg_string(&args, rules[i]);
        int64_t made;
        err = step(run, &match, &args, &made);
    }
    return err;
}

static enum err in_batches(struct run *run, const struct db_statement *statement, struct db_args args, int64_t most)
{
    db_arg_int(&args, most);
    int64_t made = 1;
    enum err err = OK;
    for (int i = 0; i < ROUNDS_MAX && !err && made; i++)
        err = step(run, statement, &args, &made);
    return err;
}

/* After a large import the planner knows nothing of the new rows yet and joins them by loops. Only its speed is at
 * stake, so a refusal (another owner) is no error. */
static void tell_planner(struct run *run)
{
    struct db_args none = db_args(run->arena);
    int64_t pending;
    if (step(run, &pending_count, &none, &pending) || pending < MANY_LINES)
        return;
    if (db_script(run->db, "ANALYZE statement_line, statement_line_text, line_candidate, line_pending, line_unposted, "
                           "line_match, payment, journal"))
        return;
}

/* Day by day: money that came first is booked first, however many days are pending, so that several files in one run
 * give the same books as one run for each. */
static enum err heal_all(struct run *run)
{
    enum { DAYS_MAX = 4000 };
    const date_days until = run->day;
    date_days done = DATE_NONE;
    enum err err = OK;
    for (int i = 0; i < DAYS_MAX && !err; i++) {
        struct db_args args = db_args(run->arena);
        db_arg_date(&args, until);
        db_arg_date(&args, done);
        struct db_rows rows;
        err = db_query(run->db, &next_pending_day, &args, &rows);
        if (err || db_null(&rows, 0, 0))
            break;
        run->day = done = db_date(&rows, 0, 0);
        err = in_batches(run, &heal, day_args(run), HEAL_BATCH);
    }
    run->day = until;
    return err;
}

static enum err all_steps(struct run *run)
{
    struct db_args args = day_args(run);
    int64_t ignored;
    tell_planner(run);
    enum err err = match_all(run);
    tell_planner(run);
    if (!err)
        err = step(run, &set_aside, &args, &ignored);
    if (!err)
        err = heal_all(run);
    if (!err)
        err = step(run, &payments, &args, &ignored);
    tell_planner(run);
    if (!err) {
        struct db_args post_args = db_args(run->arena);
        db_arg_instant(&post_args, run->at);
        err = in_batches(run, &post, post_args, POST_BATCH);
    }
    return err;
}

static enum err run_locked(struct run *run, const char *actor, int64_t *ret_run, struct text *ret_json)
{
    struct db_args args = db_args(run->arena);
    db_arg_date(&args, run->day);
    db_arg_instant(&args, run->at);
    db_arg_string(&args, actor);
    int64_t id;
    enum err err = step(run, &run_begin, &args, &id);
    if (!err)
        err = all_steps(run);
    if (err)
        return err;
    args = db_args(run->arena);
    db_arg_int(&args, id);
    db_arg_instant(&args, run->at);
    db_arg_date(&args, run->day);
    struct db_rows rows;
    err = db_query(run->db, &run_end, &args, &rows);
    if (err)
        return err;
    *ret_run = id;
    *ret_json = db_text(&rows, 0, 0);
    return OK;
}

enum err reconcile(struct db *db, struct arena *arena, date_days day, const char *actor, instant_us at,
                   int64_t *ret_run, struct text *ret_json)
{
    struct run run = {db, arena, day, at};
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &lock, &none, &rows);
    if (err)
        return err;
    if (!db_bool(&rows, 0, 0))
        return ERR_RUN_BUSY;
    err = run_locked(&run, actor, ret_run, ret_json);
    enum err unlocked = db_run(db, &unlock, &none); /* a broken connection has given the lock back already */
    return err ? err : unlocked;
}
