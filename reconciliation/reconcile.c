/* The nightly run: its steps in order, each a transaction of its own that may be repeated at will. */
#include "reconciliation/reconciliation.h"

#include <stdio.h>

enum {
    MANY_LINES = 1000,
    HEAL_BATCH = 256,
    POST_BATCH = 1000, /* statements */
    ROUNDS_MAX = 1000000,
    PAIRINGS_MAX = 20,
    STEP_TIMEOUT_S = 3600, /* pairing a whole province's backlog is one statement */
};

static const struct db_statement lock = {"reconcile_lock",
                                         "SELECT pg_try_advisory_lock(hashtext('reconcile ' || current_schema()))"};
static const struct db_statement unlock = {"reconcile_unlock",
                                           "SELECT pg_advisory_unlock(hashtext('reconcile ' || current_schema()))"};
static const struct db_statement run_begin = {
    "reconcile_run_begin",
    "INSERT INTO reconciliation_run (day, started_at, started_by) VALUES ($1, $2, $3) RETURNING id"};
static const struct db_statement run_end = {
    "reconcile_run_end",
    "UPDATE reconciliation_run r SET finished_at = $2, summary = s.summary, step = NULL FROM reconcile_summary($3) s "
    "(summary)"
    " WHERE r.id = $1 RETURNING r.summary"};
static const struct db_statement progress = {
    "reconcile_progress",
    "UPDATE reconciliation_run SET done = CASE WHEN step = $2 THEN done + 1 ELSE 1 END, step = $2, step_at = "
    "clock_timestamp() WHERE id = $1"};
static const struct db_statement unposted_count = {
    "reconcile_unposted", "SELECT coalesce(sum(last_line - first_line + 1), 0)::bigint FROM statement_fresh"};
static const struct db_statement waiting = {"reconcile_waiting",
                                            "SELECT count(*) FROM (SELECT FROM line_pending LIMIT 1) w"};
static const struct db_statement batches = {"reconcile_batches", "SELECT reconcile_batches($1, $2)"};
static const struct db_statement pay_outs = {"pay_outs_take", "SELECT pay_outs_take($1)"};
static const struct db_statement undo = {"reversals_undo", "SELECT reversals_undo($1)"};
static const struct db_statement plain = {"match_plain", "SELECT match_plain($1, $2)"};
static const struct db_statement match = {"reconcile_match", "SELECT reconcile_match($1, $2)"};
static const struct db_statement baskets = {"reconcile_baskets", "SELECT reconcile_baskets($1, $2)"};
static const struct db_statement set_aside = {"reconcile_set_aside", "SELECT reconcile_set_aside($1, $2)"};
static const struct db_statement heal = {"reconcile_heal", "SELECT reconcile_heal($1, $2, $3)"};
static const struct db_statement reverse = {"reconcile_reverse", "SELECT reconcile_reverse($1)"};
static const struct db_statement reclassify = {"reconcile_reclassify", "SELECT reconcile_reclassify($1, $2)"};
static const struct db_statement payments = {"reconcile_payments", "SELECT reconcile_payments($1, $2)"};
static const struct db_statement post = {"reconcile_post", "SELECT reconcile_post($1, $2)"};

struct run {
    struct db *db;
    struct arena *arena;
    int64_t id;
    date_days day;
    instant_us at;
};

/* One statement, tried again after a deadlock a bounded number of times; its one number. What it is is told first, so
 * that everybody can see how far the run is. */
static enum err step(struct run *run, const struct db_statement *statement, const struct db_args *args, int64_t *ret)
{
    enum { TRIES = 8 };
    struct db_args told = db_args(run->arena);
    db_arg_int(&told, run->id);
    db_arg_string(&told, statement->name);
    struct db_rows rows;
    enum err err = db_run(run->db, &progress, &told);
    if (err)
        return err;
    err = ERR_RETRY;
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

static enum err in_batches(struct run *run, const struct db_statement *statement, struct db_args args, int64_t most)
{
    db_arg_int(&args, most);
    int64_t made = 1;
    enum err err = OK;
    for (int i = 0; i < ROUNDS_MAX && !err && made; i++)
        err = step(run, statement, &args, &made);
    return err;
}

static enum err one_number(struct run *run, const struct db_statement *statement, int64_t *ret)
{
    struct db_args none = db_args(run->arena);
    struct db_rows rows;
    enum err err = db_query(run->db, statement, &none, &rows);
    if (!err)
        *ret = db_int(&rows, 0, 0);
    return err;
}

/* After a large import the planner knows nothing of the new rows yet and joins them by loops. Only its speed is at
 * stake, so a refusal (another owner) is no error. */
static void tell_planner(struct run *run)
{
    int64_t lines;
    if (one_number(run, &unposted_count, &lines) || lines < MANY_LINES)
        return;
    if (db_script(run->db, "SET default_statistics_target = 10; ANALYZE statement_line, statement_line_text; "
                           "RESET default_statistics_target"))
        return;
}

/* What healing booked can change which line is which payment, so pairing and healing take turns until nothing moves. */
static enum err pair_and_heal(struct run *run)
{
    enum err err = OK;
    int64_t moved = 1, ignored;
    for (int i = 0; i < PAIRINGS_MAX && !err && moved; i++) {
        struct db_args args = day_args(run);
        err = step(run, &batches, &args, &ignored);
        if (!err)
            err = step(run, &plain, &args, &ignored);
        if (!err)
            err = step(run, &match, &args, &moved);
        int64_t rest = 0;
        if (!err)
            err = one_number(run, &waiting, &rest);
        if (!err && rest)
            err = step(run, &baskets, &args, &ignored);
        if (!err && rest)
            err = step(run, &set_aside, &args, &ignored);
        if (!err && rest)
            err = in_batches(run, &heal, day_args(run), HEAL_BATCH);
        if (i == 0)
            moved = 1; /* the first healing may have made payments that lines seen before belong to */
    }
    return err;
}

static enum err all_steps(struct run *run)
{
    struct db_args args = day_args(run), at = db_args(run->arena);
    db_arg_instant(&at, run->at);
    int64_t ignored;
    tell_planner(run);
    enum err err = step(run, &pay_outs, &at, &ignored);
    if (!err)
        err = step(run, &undo, &at, &ignored);
    if (!err)
        err = pair_and_heal(run);
    if (!err)
        err = step(run, &undo, &at, &ignored);
    if (!err)
        err = step(run, &reverse, &at, &ignored);
    if (!err)
        err = step(run, &reclassify, &args, &ignored);
    if (!err)
        err = step(run, &payments, &args, &ignored);
    if (!err)
        err = in_batches(run, &post, at, POST_BATCH);
    return err;
}

static enum err run_locked(struct run *run, const char *actor, int64_t *ret_run, struct text *ret_json)
{
    struct db_args args = db_args(run->arena);
    db_arg_date(&args, run->day);
    db_arg_instant(&args, run->at);
    db_arg_string(&args, actor);
    struct db_rows rows;
    enum err err = db_query(run->db, &run_begin, &args, &rows);
    if (err)
        return err;
    run->id = db_int(&rows, 0, 0);
    err = all_steps(run);
    if (err)
        return err;
    args = db_args(run->arena);
    db_arg_int(&args, run->id);
    db_arg_instant(&args, run->at);
    db_arg_date(&args, run->day);
    err = db_query(run->db, &run_end, &args, &rows);
    if (err)
        return err;
    *ret_run = run->id;
    *ret_json = db_text(&rows, 0, 0);
    return OK;
}

/* How long one statement may take, and room to join a night's lines without going through files; 0 gives the
 * connection back its own measure. */
static enum err patience(struct db *db, int seconds)
{
    char sql[100];
    snprintf(sql, sizeof sql,
             seconds ? "SET statement_timeout = '%ds'; SET work_mem = '64MB'"
                     : "RESET statement_timeout; RESET work_mem",
             seconds);
    return db_script(db, sql);
}

enum err reconcile(struct db *db, struct arena *arena, date_days day, const char *actor, instant_us at,
                   int64_t *ret_run, struct text *ret_json)
{
    struct run run = {db, arena, 0, day, at};
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &lock, &none, &rows);
    if (err)
        return err;
    if (!db_bool(&rows, 0, 0))
        return ERR_RUN_BUSY;
    err = patience(db, STEP_TIMEOUT_S);
    if (!err)
        err = run_locked(&run, actor, ret_run, ret_json);
    enum err calmed = patience(db, 0), unlocked = db_run(db, &unlock, &none); /* a broken connection gave both back */
    return err ? err : calmed ? calmed : unlocked;
}
