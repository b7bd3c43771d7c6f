/* Shifts: opened with a float, counted blind, closed, handed over, released; and what was taken in one. */
#include "payments/counter/parts.h"

#define SHIFT_COLUMNS                                                                                                  \
    "SELECT id, agency, desk, cashier, state, opening_float, coalesce(handed_by, 0), opened_at, coalesce(counted, 0)," \
    " coalesce(expected, 0), counted_at, closed_at, released_by, release_reason FROM shift "
static const struct db_statement
    find_sql = {"shift_find", SHIFT_COLUMNS "WHERE id = $1"},
    of_sql = {"shift_of", SHIFT_COLUMNS "WHERE cashier = $1 AND state <> 'closed'"},
    waiting_sql = {"shifts_waiting", SHIFT_COLUMNS "WHERE state = 'counted' ORDER BY id LIMIT 100"},
    open_sql = {"shift_open", "SELECT id, problem FROM shift_open($1, $2, $3, $4, $5, NULL)"},
    count_sql = {"shift_count", "SELECT shift_count($1, $2, $3, $4)"},
    close_sql = {"shift_close", "SELECT shift_close($1, $2, $3)"},
    release_sql = {"shift_release", "SELECT shift_release($1, $2, $3, $4)"},
    hand_sql = {"shift_hand_over", "SELECT id, problem FROM shift_hand_over($1, $2, $3, $4)"},
    lines_sql = {"shift_lines",
                 "SELECT c.way, coalesce(r.dossier, ''), coalesce(r.reference, p.reference, ''), p.external_id,"
                 " coalesce(t.card, ''), coalesce(p.bank_reference, ''), p.id, p.amount, coalesce(c.tendered, 0),"
                 " coalesce(c.change_due, 0), c.at, coalesce(t.reversal_state = 'done', false)"
                 " FROM counter_payment c JOIN payment p ON p.id = c.payment_id"
                 " LEFT JOIN pos_payment t ON t.payment_id = p.id LEFT JOIN payment_attempt a ON a.id = t.attempt_id"
                 " LEFT JOIN payment_request r ON r.id = coalesce(p.request_id, a.request_id)"
                 " WHERE c.shift_id = $1 ORDER BY c.at, p.id LIMIT $2"},
    undecided_sql = {"shift_undecided", "SELECT dossier FROM shift_undecided($1) LIMIT 100"};

static struct shift row_read(const struct db_rows *rows, int i)
{
    return (struct shift){.id = db_int(rows, i, 0),
                          .agency = db_text(rows, i, 1),
                          .desk = db_text(rows, i, 2),
                          .cashier = db_text(rows, i, 3),
                          .state = db_text(rows, i, 4),
                          .opening_float = db_int(rows, i, 5),
                          .handed_by = db_int(rows, i, 6),
                          .opened_at = db_instant(rows, i, 7),
                          .counted = db_int(rows, i, 8),
                          .expected = db_int(rows, i, 9),
                          .counted_at = db_null(rows, i, 10) ? INSTANT_NONE : db_instant(rows, i, 10),
                          .closed_at = db_null(rows, i, 11) ? INSTANT_NONE : db_instant(rows, i, 11),
                          .released_by = db_text(rows, i, 12),
                          .release_reason = db_text(rows, i, 13)};
}

enum err shift_find(struct db *db, struct arena *arena, int64_t id, struct shift *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(db, &find_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret = row_read(&rows, 0);
    return OK;
}

enum err shift_of(struct db *db, struct arena *arena, const char *actor, struct shift *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_string(&args, actor);
    enum err err = db_query(db, &of_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret = row_read(&rows, 0);
    return OK;
}

enum err shifts_waiting(struct db *db, struct arena *arena, struct shift **ret_list, size_t *ret_count)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &waiting_sql, &none, &rows);
    if (err)
        return err;
    struct shift *list = ARENA_ARRAY(arena, struct shift, rows.count + 1);
    for (int i = 0; i < rows.count; i++)
        list[i] = row_read(&rows, i);
    *ret_list = list;
    *ret_count = (size_t)rows.count;
    return OK;
}

enum err shift_open(struct db *db, struct arena *arena, struct text agency, struct text desk, int64_t opening_float,
                    const char *actor, instant_us at, int64_t *ret_id)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_text(&args, agency);
    db_arg_text(&args, desk);
    db_arg_int(&args, opening_float);
    db_arg_string(&args, actor);
    enum err err = db_query(db, &open_sql, &args, &rows);
    if (!err)
        err = counter_problem(db, arena, 0, db_text(&rows, 0, 1));
    if (!err)
        *ret_id = db_int(&rows, 0, 0);
    return err;
}

/* An act that answers with what forbids it, or nothing. */
static enum err run(struct db *db, struct arena *arena, const struct db_statement *sql, const struct db_args *args)
{
    struct db_rows rows;
    enum err err = db_query(db, sql, args, &rows);
    return err ? err : counter_problem(db, arena, 0, db_text(&rows, 0, 0));
}

enum err shift_count(struct db *db, struct arena *arena, int64_t id, int64_t cash, const char *actor, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_int(&args, cash);
    db_arg_string(&args, actor);
    return run(db, arena, &count_sql, &args);
}

enum err shift_close(struct db *db, struct arena *arena, int64_t id, const char *actor, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_string(&args, actor);
    return run(db, arena, &close_sql, &args);
}

enum err shift_release(struct db *db, struct arena *arena, int64_t id, struct text reason, const char *actor,
                       instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_text(&args, reason);
    db_arg_string(&args, actor);
    return run(db, arena, &release_sql, &args);
}

enum err shift_hand_over(struct db *db, struct arena *arena, int64_t id, struct text login, const char *actor,
                         instant_us at, int64_t *ret_next)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_int(&args, id);
    db_arg_text(&args, login);
    db_arg_string(&args, actor);
    enum err err = db_query(db, &hand_sql, &args, &rows);
    if (!err)
        err = counter_problem(db, arena, 0, db_text(&rows, 0, 1));
    if (!err)
        *ret_next = db_int(&rows, 0, 0);
    return err;
}

static struct shift_line line_read(const struct db_rows *rows, int i)
{
    return (struct shift_line){.way = db_text(rows, i, 0),
                               .dossier = db_text(rows, i, 1),
                               .reference = db_text(rows, i, 2),
                               .order = db_text(rows, i, 3),
                               .card = db_text(rows, i, 4),
                               .bank_reference = db_text(rows, i, 5),
                               .payment = db_int(rows, i, 6),
                               .amount = db_int(rows, i, 7),
                               .tendered = db_int(rows, i, 8),
                               .change = db_int(rows, i, 9),
                               .at = db_instant(rows, i, 10),
                               .reversed = db_bool(rows, i, 11)};
}

static void add_up(struct shift_report *report, const struct shift_line *line)
{
    if (text_is(line->way, "cash")) {
        report->cash_count++;
        report->cash += line->amount;
    } else if (text_is(line->way, "terminal")) {
        report->card_count++;
        report->card += line->amount;
        report->card_back += line->reversed ? line->amount : 0;
    } else {
        report->static_count++;
        report->transferred += line->amount;
    }
}

enum err shift_report_read(struct db *db, struct arena *arena, int64_t id, struct shift_report *ret)
{
    struct shift_report report = {0};
    struct db_args args = db_args(arena), one = db_args(arena);
    struct db_rows rows;
    enum err err = shift_find(db, arena, id, &report.shift);
    db_arg_int(&args, id);
    db_arg_int(&args, SHIFT_LINES_MAX);
    db_arg_int(&one, id);
    if (!err)
        err = db_query(db, &lines_sql, &args, &rows);
    if (err)
        return err;
    report.lines = ARENA_ARRAY(arena, struct shift_line, rows.count + 1);
    report.line_count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++) {
        report.lines[i] = line_read(&rows, i);
        add_up(&report, &report.lines[i]);
    }
    err = db_query(db, &undecided_sql, &one, &rows);
    if (err)
        return err;
    report.undecided = ARENA_ARRAY(arena, struct text, rows.count + 1);
    report.undecided_count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++)
        report.undecided[i] = db_text(&rows, i, 0);
    *ret = report;
    return OK;
}
