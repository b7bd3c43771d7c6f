/* Card payments: begun, looked at, given up. Sending and asking are jobs (terminal_jobs.c). */
#include "payments/counter/parts.h"

#define POS_COLUMNS                                                                                                    \
    "SELECT a.id, a.request_id, a.number, a.amount, coalesce(p.approved_amount, 0), coalesce(p.payment_id, 0),"        \
    " coalesce(p.shift_id, 0), t.name, a.state, a.code, p.card, p.approval, p.poi_transaction, a.order_id,"            \
    " p.reversal_state, p.reversal_reason, p.reversal_by, p.reversal_approved, p.reversal_code, a.abort_asked,"        \
    " a.made_at, a.changed_at FROM payment_attempt a JOIN pos_payment p ON p.attempt_id = a.id"                        \
    " JOIN terminal t ON t.id = p.terminal_id WHERE a.request_id = $1 "
static const struct db_statement
    find_sql = {"pos_find", POS_COLUMNS "AND a.number = $2"},
    list_sql = {"pos_list", POS_COLUMNS "ORDER BY a.number DESC LIMIT 50"},
    open_sql = {"pos_open", "SELECT problem, number FROM pos_open($1, $2, $3, $4, $5, make_interval(secs => $6),"
                            " make_interval(secs => $7))"},
    abort_sql = {"pos_abort", "SELECT pos_abort($1, $2, $3)"},
    reversal_ask_sql = {"pos_reversal_ask", "SELECT pos_reversal_ask($1, $2, $4, $3)"},
    reversal_approve_sql = {"pos_reversal_approve", "SELECT pos_reversal_approve($1, $2, $3)"},
    terminals_sql = {"terminals_list",
                     "SELECT t.name, t.driver, t.agency, t.desk, t.address, a.account_number, t.active"
                     " FROM terminal t JOIN receiving_account a ON a.id = t.account_id"
                     " ORDER BY t.name LIMIT 500"};

static struct pos_payment row_read(const struct db_rows *rows, int i)
{
    return (struct pos_payment){.attempt = db_int(rows, i, 0),
                                .request = db_int(rows, i, 1),
                                .number = db_int(rows, i, 2),
                                .amount = db_int(rows, i, 3),
                                .approved_amount = db_int(rows, i, 4),
                                .payment = db_int(rows, i, 5),
                                .shift = db_int(rows, i, 6),
                                .terminal = db_text(rows, i, 7),
                                .status = db_text(rows, i, 8),
                                .code = db_text(rows, i, 9),
                                .card = db_text(rows, i, 10),
                                .approval = db_text(rows, i, 11),
                                .transaction = db_text(rows, i, 12),
                                .order = db_text(rows, i, 13),
                                .reversal_state = db_text(rows, i, 14),
                                .reversal_reason = db_text(rows, i, 15),
                                .reversal_by = db_text(rows, i, 16),
                                .reversal_approved = db_text(rows, i, 17),
                                .reversal_code = db_text(rows, i, 18),
                                .abort_asked = db_bool(rows, i, 19),
                                .made_at = db_instant(rows, i, 20),
                                .changed_at = db_instant(rows, i, 21)};
}

enum err terminals_list(struct db *db, struct arena *arena, struct terminal **ret_list, size_t *ret_count)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &terminals_sql, &none, &rows);
    if (err)
        return err;
    struct terminal *list = ARENA_ARRAY(arena, struct terminal, rows.count + 1);
    for (int i = 0; i < rows.count; i++)
        list[i] = (struct terminal){.name = db_text(&rows, i, 0),
                                    .driver = db_text(&rows, i, 1),
                                    .agency = db_text(&rows, i, 2),
                                    .desk = db_text(&rows, i, 3),
                                    .address = db_text(&rows, i, 4),
                                    .clearing = db_text(&rows, i, 5),
                                    .active = db_bool(&rows, i, 6)};
    *ret_list = list;
    *ret_count = (size_t)rows.count;
    return OK;
}

enum err pos_begin(struct db *db, struct arena *arena, int64_t request, struct text terminal, int64_t shift,
                   const char *actor, instant_us at, int64_t *ret_number)
{
    const struct counter_config *settings = counter_settings();
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_int(&args, request);
    db_arg_text(&args, terminal);
    if (shift)
        db_arg_int(&args, shift);
    else
        db_arg_null(&args);
    db_arg_string(&args, actor);
    db_arg_int(&args, settings->answer_timeout_s);
    db_arg_int(&args, settings->ask_after_s);
    enum err err = db_query(db, &open_sql, &args, &rows);
    if (!err)
        err = counter_problem(db, arena, request, db_text(&rows, 0, 0));
    if (!err)
        *ret_number = db_int(&rows, 0, 1);
    return err;
}

enum err pos_find(struct db *db, struct arena *arena, int64_t request, int64_t number, struct pos_payment *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, request);
    db_arg_int(&args, number);
    enum err err = db_query(db, &find_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret = row_read(&rows, 0);
    return OK;
}

enum err pos_list(struct db *db, struct arena *arena, int64_t request, struct pos_payment **ret_list, size_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, request);
    enum err err = db_query(db, &list_sql, &args, &rows);
    if (err)
        return err;
    struct pos_payment *list = ARENA_ARRAY(arena, struct pos_payment, rows.count + 1);
    for (int i = 0; i < rows.count; i++)
        list[i] = row_read(&rows, i);
    *ret_list = list;
    *ret_count = (size_t)rows.count;
    return OK;
}

/* An act on one of the request's payments: $1 at, $2 attempt, $3 actor, $4 reason where there is one. */
static enum err act_on(struct db *db, struct arena *arena, const struct db_statement *sql, int64_t request,
                       int64_t number, const char *actor, struct text reason, instant_us at)
{
    struct pos_payment p;
    struct db_rows rows;
    enum err err = pos_find(db, arena, request, number, &p);
    if (err)
        return err;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, p.attempt);
    db_arg_string(&args, actor);
    if (reason.at)
        db_arg_text(&args, reason);
    err = db_query(db, sql, &args, &rows);
    return err ? err : counter_problem(db, arena, request, db_text(&rows, 0, 0));
}

enum err pos_abort(struct db *db, struct arena *arena, int64_t request, int64_t number, const char *actor,
                   instant_us at)
{
    return act_on(db, arena, &abort_sql, request, number, actor, TEXT_NONE, at);
}

enum err pos_reversal_ask(struct db *db, struct arena *arena, int64_t request, int64_t number, struct text reason,
                          const char *actor, instant_us at)
{
    return act_on(db, arena, &reversal_ask_sql, request, number, actor, reason, at);
}

enum err pos_reversal_approve(struct db *db, struct arena *arena, int64_t request, int64_t number, const char *actor,
                              instant_us at)
{
    return act_on(db, arena, &reversal_approve_sql, request, number, actor, TEXT_NONE, at);
}

const char *pos_status_words(const struct pos_payment *p)
{
    static const struct {
        const char *code, *words;
    } declined[] = {{"Busy", "Máy đang bận giao dịch khác. Chờ máy rảnh rồi làm lại."},
                    {"WrongPIN", "Sai mã PIN. Có thể dùng thẻ khác hoặc mã QR."},
                    {"InvalidCard", "Thẻ không dùng được. Có thể dùng thẻ khác hoặc mã QR."},
                    {"UnreachableHost", "Máy không liên lạc được với ngân hàng. Chưa trừ tiền."}};
    if (text_is(p->reversal_state, "done"))
        return "Đã hủy giao dịch thẻ, tiền trả lại thẻ.";
    if (text_is(p->status, "sent"))
        return p->abort_asked ? "Đã yêu cầu máy thẻ dừng. Chờ máy trả lời." : "Mời đưa thẻ vào máy. Đang chờ kết quả.";
    if (text_is(p->status, "unknown"))
        return "Chưa rõ thẻ đã bị trừ tiền hay chưa. Đừng quẹt lại. Đang hỏi lại máy thẻ.";
    if (text_is(p->status, "approved"))
        return "Thẻ đã thanh toán.";
    if (text_is(p->status, "aborted"))
        return text_is(p->code, "Unreachable") ? "Không kết nối được máy thẻ. Chưa trừ tiền, có thể làm lại."
                                               : "Đã dừng, thẻ chưa bị trừ tiền. Có thể làm lại.";
    for (size_t i = 0; i < sizeof declined / sizeof *declined; i++)
        if (text_is(p->code, declined[i].code))
            return declined[i].words;
    return "Thẻ bị từ chối. Có thể dùng thẻ khác hoặc mã QR.";
}
