/* Routes of card payments and of terminals. */
#include "core/http/list.h"
#include "payments/counter/parts.h"

enum { NAME_MAX_LENGTH = 40, ADDRESS_MAX = 300, REASON_MAX = 300 };

/* Card payments --------------------------------------------------------------------------------------------------- */

static void number_or_null(struct json *json, const char *key, int64_t number)
{
    if (number)
        json_put_int(json, key, number);
    else
        json_put_null(json, key);
}

static void put_reversal(struct json *json, const struct pos_payment *p)
{
    if (!p->reversal_state.length) {
        json_put_null(json, "reversal");
        return;
    }
    json_put_object(json, "reversal");
    json_put_text(json, "status", p->reversal_state);
    json_put_text(json, "reason", p->reversal_reason);
    json_put_text(json, "requested_by", p->reversal_by);
    json_put_text_or_null(json, "approved_by", p->reversal_approved);
    json_put_text_or_null(json, "code", p->reversal_code);
    json_put_end(json);
}

static void pos_write(struct json *json, const void *what)
{
    const struct pos_payment *p = what;
    json_put_object(json, NULL);
    json_put_int(json, "id", p->number);
    json_put_int(json, "number", p->number);
    json_put_int(json, "payment_request", p->request);
    json_put_text(json, "terminal", p->terminal);
    json_put_text(json, "status", p->status);
    json_put_string(json, "detail", pos_status_words(p));
    json_put_int(json, "amount", p->amount);
    number_or_null(json, "approved_amount", p->approved_amount);
    json_put_string(json, "currency", "VND");
    json_put_text(json, "order", p->order);
    json_put_text_or_null(json, "code", p->code);
    json_put_text_or_null(json, "card", p->card);
    json_put_text_or_null(json, "approval_code", p->approval);
    json_put_text_or_null(json, "transaction", p->transaction);
    number_or_null(json, "payment", p->payment);
    number_or_null(json, "shift", p->shift);
    json_put_bool(json, "abort_requested", p->abort_asked);
    put_reversal(json, p);
    json_put_instant(json, "made_at", p->made_at);
    json_put_instant(json, "changed_at", p->changed_at);
    json_put_end(json);
}

struct pos_act {
    int64_t request, number, shift;
    struct text terminal, reason;
};

static enum err reply_payment(struct request *rq, int64_t request, int64_t number, int status, struct act_reply *reply)
{
    struct pos_payment p;
    enum err err = pos_find(rq->db, &rq->arena, request, number, &p);
    struct json json = json_to(&reply->body);
    if (!err)
        pos_write(&json, &p);
    reply->status = status;
    return err;
}

static enum err begin(struct request *rq, void *with, struct act_reply *reply)
{
    struct pos_act *a = with;
    enum err err = pos_begin(rq->db, &rq->arena, a->request, a->terminal, a->shift, auth_actor(rq), rq->at, &a->number);
    if (err == ERR_FIELD_VALUE)
        faults_add(&rq->faults, "/terminal", ERR_FIELD_VALUE, "Không có máy thẻ này hoặc máy đã ngừng dùng");
    return err ? err : reply_payment(rq, a->request, a->number, 201, reply);
}

enum err pos_begin_handle(struct request *rq)
{
    struct pos_act a = {0};
    struct json_fields in;
    struct payment_request r;
    if (!capture_number(rq, "id", &a.request))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "terminal", REQUIRED, 1, NAME_MAX_LENGTH, &a.terminal);
        json_read_int(&in, "shift", OPTIONAL, 1, INT64_MAX, &a.shift);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    err = payment_request_find(rq->db, &rq->arena, a.request, &r);
    if (!err)
        err = request_once(rq, begin, &a);
    if (err)
        return counter_refuse(rq, err);
    counter_wake();
    return OK;
}

enum err pos_get_handle(struct request *rq)
{
    int64_t request, number;
    struct pos_payment p;
    enum err err = capture_number(rq, "id", &request) && capture_number(rq, "n", &number) ? OK : ERR_NOT_FOUND;
    if (!err)
        err = pos_find(rq->db, &rq->arena, request, number, &p);
    return err ? reply_error(rq, err) : reply_json(rq, 200, pos_write, &p);
}

struct pos_page {
    struct pos_payment *list;
    size_t count;
};

static void page_write(struct json *json, const void *what)
{
    const struct pos_page *page = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (size_t i = 0; i < page->count; i++)
        pos_write(json, &page->list[i]);
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err pos_list_handle(struct request *rq)
{
    struct pos_page page;
    struct payment_request r;
    int64_t request;
    enum err err = capture_number(rq, "id", &request) ? OK : ERR_NOT_FOUND;
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, request, &r);
    if (!err)
        err = pos_list(rq->db, &rq->arena, request, &page.list, &page.count);
    return err ? reply_error(rq, err) : reply_json(rq, 200, page_write, &page);
}

static enum err abort_act(struct request *rq, void *with, struct act_reply *reply)
{
    struct pos_act *a = with;
    enum err err = pos_abort(rq->db, &rq->arena, a->request, a->number, auth_actor(rq), rq->at);
    return err ? err : reply_payment(rq, a->request, a->number, 202, reply);
}

static enum err act_on(struct request *rq, request_act act, struct pos_act *a)
{
    enum err err = capture_number(rq, "id", &a->request) && capture_number(rq, "n", &a->number) ? OK : ERR_NOT_FOUND;
    if (!err)
        err = request_once(rq, act, a);
    if (err)
        return counter_refuse(rq, err);
    counter_wake();
    return OK;
}

enum err pos_abort_handle(struct request *rq)
{
    return act_on(rq, abort_act, &(struct pos_act){0});
}

static enum err reversal_ask(struct request *rq, void *with, struct act_reply *reply)
{
    struct pos_act *a = with;
    enum err err = pos_reversal_ask(rq->db, &rq->arena, a->request, a->number, a->reason, auth_actor(rq), rq->at);
    return err ? err : reply_payment(rq, a->request, a->number, 201, reply);
}

static enum err reversal_approve(struct request *rq, void *with, struct act_reply *reply)
{
    struct pos_act *a = with;
    enum err err = pos_reversal_approve(rq->db, &rq->arena, a->request, a->number, auth_actor(rq), rq->at);
    return err ? err : reply_payment(rq, a->request, a->number, 202, reply);
}

enum err pos_reversal_handle(struct request *rq)
{
    struct pos_act a = {0};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "reason", REQUIRED, 3, REASON_MAX, &a.reason);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : act_on(rq, reversal_ask, &a);
}

enum err pos_reversal_approve_handle(struct request *rq)
{
    return act_on(rq, reversal_approve, &(struct pos_act){0});
}

/* The attempt under way ------------------------------------------------------------------------------------------- */

static const struct db_statement attempts_sql = {
    "counter_attempts",
    "SELECT a.number, a.source, a.amount, a.state, a.made_at, a.actor, t.name FROM payment_attempt a"
    " LEFT JOIN pos_payment p ON p.attempt_id = a.id LEFT JOIN terminal t ON t.id = p.terminal_id"
    " WHERE a.request_id = $1"
    " UNION ALL SELECT number, source, amount, state, made_at, actor, NULL FROM attempt_at_door($1)"
    " ORDER BY 1 DESC LIMIT 50"};

static void attempts_write(struct json *json, const void *what)
{
    const struct db_rows *rows = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows->count; i++) {
        struct text state = db_text(rows, i, 3);
        json_put_object(json, NULL);
        json_put_int(json, "number", db_int(rows, i, 0));
        json_put_text(json, "source", db_text(rows, i, 1));
        json_put_text_or_null(json, "terminal", db_text(rows, i, 6));
        json_put_int(json, "amount", db_int(rows, i, 2));
        json_put_text(json, "status", state);
        json_put_bool(json, "under_way", text_is(state, "sent") || text_is(state, "unknown"));
        json_put_text(json, "begun_by", db_text(rows, i, 5));
        json_put_instant(json, "made_at", db_instant(rows, i, 4));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err counter_attempts_handle(struct request *rq)
{
    struct payment_request r;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    int64_t request;
    enum err err = capture_number(rq, "id", &request) ? OK : ERR_NOT_FOUND;
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, request, &r);
    db_arg_int(&args, err ? 0 : request);
    if (!err)
        err = db_query(rq->db, &attempts_sql, &args, &rows);
    return err ? reply_error(rq, err) : reply_json(rq, 200, attempts_write, &rows);
}

/* Terminals ------------------------------------------------------------------------------------------------------- */

static void terminal_write(struct json *json, const struct terminal *t)
{
    json_put_object(json, NULL);
    json_put_text(json, "name", t->name);
    json_put_text(json, "driver", t->driver);
    json_put_text(json, "agency", t->agency);
    json_put_text_or_null(json, "desk", t->desk);
    json_put_text(json, "address", t->address);
    json_put_text(json, "clearing_account", t->clearing);
    json_put_bool(json, "active", t->active);
    json_put_end(json);
}

struct terminal_page {
    struct terminal *list;
    size_t count;
};

static void terminals_write(struct json *json, const void *what)
{
    const struct terminal_page *page = what;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (size_t i = 0; i < page->count; i++)
        terminal_write(json, &page->list[i]);
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
}

enum err terminals_handle(struct request *rq)
{
    struct terminal_page page;
    enum err err = terminals_list(rq->db, &rq->arena, &page.list, &page.count);
    return err ? reply_error(rq, err) : reply_json(rq, 200, terminals_write, &page);
}

static const struct db_statement put_sql = {"terminal_put", "SELECT terminal_put($1, $2, $3, $4, $5, $6, $7, $8, $9)"};

static void one_terminal_write(struct json *json, const void *what)
{
    terminal_write(json, what);
}

static bool name_valid(struct text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return name.length && name.length <= NAME_MAX_LENGTH;
}

static enum err terminal_read(struct request *rq, struct terminal *t, struct json_fields *in)
{
    enum err err = json_parse(rq->body, in, &rq->faults);
    if (err)
        return err;
    t->driver = TEXT("nexo");
    t->active = true;
    json_read_text(in, "driver", OPTIONAL, 1, NAME_MAX_LENGTH, &t->driver);
    json_read_text(in, "agency", REQUIRED, 1, NAME_MAX_LENGTH, &t->agency);
    json_read_text(in, "desk", OPTIONAL, 1, NAME_MAX_LENGTH, &t->desk);
    json_read_text(in, "address", REQUIRED, 8, ADDRESS_MAX, &t->address);
    json_read_text(in, "clearing_account", OPTIONAL, 1, 19, &t->clearing);
    json_read_bool(in, "active", OPTIONAL, &t->active);
    if (!name_valid(t->name))
        faults_add(&rq->faults, "name", ERR_FIELD_FORMAT, "Chỉ gồm chữ, số, dấu chấm và gạch, nhiều nhất 40 ký tự");
    if (t->address.length && !text_starts(t->address, "http://") && !text_starts(t->address, "https://"))
        json_fault(in, "address", ERR_FIELD_FORMAT, "Phải là địa chỉ http:// hoặc https://");
    if (!terminal_driver_find(t->driver))
        json_fault(in, "driver", ERR_FIELD_VALUE, NULL);
    return json_close(in) || rq->faults.count ? ERR_INVALID : OK;
}

enum err terminal_put_handle(struct request *rq)
{
    struct terminal t = {.name = request_capture(rq, "name")};
    struct json_fields in;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = terminal_read(rq, &t, &in);
    if (err)
        return reply_faults(rq, err);
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, t.name);
    db_arg_text(&args, t.driver);
    db_arg_text(&args, t.agency);
    db_arg_text(&args, t.desk.at ? t.desk : TEXT(""));
    db_arg_text(&args, t.address);
    db_arg_text(&args, t.clearing);
    db_arg_bool(&args, t.active);
    db_arg_string(&args, auth_actor(rq));
    err = db_query(rq->db, &put_sql, &args, &rows);
    if (err)
        return reply_error(rq, err);
    struct text problem = db_text(&rows, 0, 0);
    if (problem.length) {
        json_fault(&in, text_is(problem, "no_agency") ? "agency" : "clearing_account", ERR_FIELD_VALUE, NULL);
        return reply_faults(rq, ERR_INVALID);
    }
    struct terminal_page page;
    err = terminals_list(rq->db, &rq->arena, &page.list, &page.count);
    for (size_t i = 0; !err && i < page.count; i++)
        if (text_equal(page.list[i].name, t.name))
            return reply_json(rq, 200, one_terminal_write, &page.list[i]);
    return reply_error(rq, err ? err : ERR_NOT_FOUND);
}

/* The end of a terminal's day ------------------------------------------------------------------------------------- */

#define DAY_COLUMNS                                                                                                    \
    "SELECT x.id, t.name, x.state, x.asked_at, x.asked_by, x.answered_at, x.reference, x.our_count, x.our_amount,"     \
    " x.our_reversed_count, x.our_reversed_amount, x.their_count, x.their_amount, x.their_reversed_count,"             \
    " x.their_reversed_amount, x.undecided FROM terminal_reconciliation x JOIN terminal t ON t.id = x.terminal_id "
static const struct db_statement day_ask_sql = {"terminal_day_ask",
                                                "SELECT id, problem FROM terminal_reconcile_ask($1, $2, $3)"},
                                 day_one_sql = {"terminal_day_one", DAY_COLUMNS "WHERE x.id = $1"},
                                 day_list_sql = {"terminal_day_list",
                                                 DAY_COLUMNS "WHERE x.id > $1 AND t.name = $3 ORDER BY x.id LIMIT $2"};

static void put_side(struct json *json, const char *key, const struct db_rows *rows, int row, int first)
{
    if (db_null(rows, row, first)) {
        json_put_null(json, key);
        return;
    }
    json_put_object(json, key);
    json_put_int(json, "count", db_int(rows, row, first));
    json_put_int(json, "amount", db_int(rows, row, first + 1));
    json_put_int(json, "reversed_count", db_int(rows, row, first + 2));
    json_put_int(json, "reversed_amount", db_int(rows, row, first + 3));
    json_put_end(json);
}

static void day_write(struct json *json, const struct db_rows *rows, int row)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, row, 0));
    json_put_text(json, "terminal", db_text(rows, row, 1));
    json_put_text(json, "status", db_text(rows, row, 2));
    json_put_instant(json, "asked_at", db_instant(rows, row, 3));
    json_put_text(json, "asked_by", db_text(rows, row, 4));
    json_put_instant(json, "answered_at", db_null(rows, row, 5) ? INSTANT_NONE : db_instant(rows, row, 5));
    json_put_text_or_null(json, "reference", db_text(rows, row, 6));
    put_side(json, "ours", rows, row, 7);
    put_side(json, "terminals", rows, row, 11);
    if (db_null(rows, row, 15))
        json_put_null(json, "undecided");
    else
        json_put_int(json, "undecided", db_int(rows, row, 15));
    json_put_end(json);
}

static enum err day_ask(struct request *rq, void *with, struct act_reply *reply)
{
    struct db_args args = db_args(&rq->arena), one = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_instant(&args, rq->at);
    db_arg_text(&args, request_capture(rq, "name"));
    db_arg_string(&args, auth_actor(rq));
    enum err err = db_query(rq->db, &day_ask_sql, &args, &rows);
    if (!err && text_is(db_text(&rows, 0, 1), "no_terminal"))
        return ERR_NOT_FOUND;
    if (err)
        return err;
    db_arg_int(&one, db_int(&rows, 0, 0)); /* one that is under way already is that one */
    err = db_query(rq->db, &day_one_sql, &one, &rows);
    struct json json = json_to(&reply->body);
    if (!err)
        day_write(&json, &rows, 0);
    reply->status = 202;
    return err;
}

enum err terminal_reconcile_handle(struct request *rq)
{
    enum err err = request_once(rq, day_ask, NULL);
    if (err)
        return counter_refuse(rq, err);
    counter_wake();
    return OK;
}

enum err terminal_reconciliations_handle(struct request *rq)
{
    struct list list;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_ask(rq, &list);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    list_args(&args, &list);
    db_arg_text(&args, request_capture(rq, "name"));
    enum err err = db_query(rq->db, &day_list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, day_write);
}
