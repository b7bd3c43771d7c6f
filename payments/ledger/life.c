/* What becomes of a dossier's money when the one-stop shop says that it is refused or withdrawn: what is unpaid is
 * cancelled; of each fee that was paid its own rule says whether it is given back, and the case is opened, filled in.
 */
#include "core/jobs/jobs.h"
#include "payments/fees/fees.h"
#include "payments/ledger/ledger.h"

enum { ENDS_TRIES = 3 }; /* then the job comes again by itself */

static const struct db_statement lines_sql = {
    "life_lines",
    "SELECT r.id, l.ordinal, l.fee, coalesce(r.paid_on, r.priced_on), l.legal_basis, r.catalogue_version FROM "
    "payment_request r"
    " JOIN request_line l ON l.request_id = r.id WHERE r.dossier = $1 AND r.status IN ('paid', 'overpaid',"
    " 'partly_refunded') AND l.net > 0 AND l.kind IN ('phi', 'le_phi') ORDER BY r.id, l.ordinal"};
static const struct db_statement state_sql = {"life_state", "SELECT state FROM dossier WHERE code = $1"};
static const struct db_statement ends_sql = {
    "dossier_ends", "SELECT dossier_ends($1, $2, $3, $4::bigint[], $5::integer[], $6::text[], $7::text[])"};
static const struct db_statement goes_on_sql = {"dossier_goes_on", "SELECT dossier_goes_on($1, $2, $3)"};

static const char *const answer_names[] = {"unset", "no", "yes"};

/* By the version that the line was priced by: a later one does not change what was promised. */
static enum err answer_of(struct db *db, struct arena *arena, const struct db_rows *rows, int row, struct text state,
                          enum fee_refund *ret_answer)
{
    struct catalogue *catalogue;
    date_days day;
    enum err err = catalogue_version_hold(db, arena, db_text(rows, row, 5), &catalogue);
    *ret_answer = FEE_REFUND_UNSET;
    if (err)
        return err == ERR_NOT_FOUND ? OK : err; /* a version that is gone says nothing */
    const struct fee *fee =
        date_parse(db_text(rows, row, 3), &day) ? catalogue_fee_on(catalogue, db_text(rows, row, 2), day) : NULL;
    if (fee)
        *ret_answer = fee_refund(fee, state);
    catalogue_drop(catalogue);
    return OK;
}

/* ERR_CONFLICT: a request was settled since its lines were read. */
static enum err ends_once(struct db *db, struct arena *arena, instant_us at, struct text code, struct text state)
{
    struct db_args args = db_args(arena), act = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, code);
    enum err err = db_query(db, &lines_sql, &args, &rows);
    if (err)
        return err;
    size_t count = (size_t)rows.count;
    int64_t *requests = ARENA_ARRAY(arena, int64_t, count + 1), *ordinals = ARENA_ARRAY(arena, int64_t, count + 1);
    struct text *answers = ARENA_ARRAY(arena, struct text, count + 1),
                *bases = ARENA_ARRAY(arena, struct text, count + 1);
    for (size_t i = 0; i < count && !err; i++) {
        enum fee_refund answer;
        err = answer_of(db, arena, &rows, (int)i, state, &answer);
        requests[i] = db_int(&rows, (int)i, 0);
        ordinals[i] = db_int(&rows, (int)i, 1);
        answers[i] = text_of(answer_names[answer]);
        bases[i] = db_text(&rows, (int)i, 4);
    }
    if (err)
        return err;
    db_arg_instant(&act, at);
    db_arg_text(&act, code);
    db_arg_text(&act, state);
    db_arg_int_array(&act, requests, count);
    db_arg_int_array(&act, ordinals, count);
    db_arg_text_array(&act, answers, count);
    db_arg_text_array(&act, bases, count);
    err = db_query(db, &ends_sql, &act, &rows);
    return err ? err : db_bool(&rows, 0, 0) ? OK : ERR_CONFLICT;
}

static enum err ends(struct db *db, struct arena *arena, instant_us at, struct text code, struct text state)
{
    enum err err = ERR_CONFLICT;
    for (int i = 0; i < ENDS_TRIES && err == ERR_CONFLICT; i++)
        err = ends_once(db, arena, at, code, state);
    return err;
}

static enum err follow(struct db *db, const struct job *job, struct arena *arena, instant_us at)
{
    struct faults faults;
    struct json_fields in;
    struct db_args args = db_args(arena), act = db_args(arena);
    struct db_rows rows;
    faults_init(&faults, arena);
    enum err err = json_parse(job->body, &in, &faults);
    if (err)
        return err;
    struct text code = text_of(json_string_value(json_object_get(in.object, "dossier")));
    db_arg_text(&args, code);
    err = db_query(db, &state_sql, &args, &rows);
    if (err || !rows.count)
        return err;
    struct text state = arena_text(arena, db_text(&rows, 0, 0));
    if (text_is(state, "refused") || text_is(state, "withdrawn"))
        return ends(db, arena, at, code, state);
    db_arg_instant(&act, at);
    db_arg_text(&act, code);
    db_arg_text(&act, state);
    return db_run(db, &goes_on_sql, &act);
}

void ledger_life_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = follow(db, &jobs[i], arena, at);
}
