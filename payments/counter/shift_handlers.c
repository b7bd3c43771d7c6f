/* Routes of shifts. Before the count nobody is told what should be there: neither the shift nor its report says it. */
#include "payments/counter/parts.h"

#include "core/http/list.h"

enum { DESK_MAX = 40, CODE_MAX = 40, REASON_MAX = 300 };

static void put_person_or_null(struct json *json, const char *key, struct text actor)
{
    json_put_text_or_null(json, key, actor);
}

/* The members of a shift, without its braces. */
static void put_shift(struct json *json, const struct shift *s)
{
    bool counted = !text_is(s->state, "open");
    json_put_int(json, "id", s->id);
    json_put_text(json, "agency", s->agency);
    json_put_text(json, "desk", s->desk);
    json_put_text(json, "cashier", s->cashier);
    json_put_text(json, "status", s->state);
    json_put_int(json, "float", s->opening_float);
    if (s->handed_by)
        json_put_int(json, "handed_over_from", s->handed_by);
    else
        json_put_null(json, "handed_over_from");
    json_put_instant(json, "opened_at", s->opened_at);
    if (counted) {
        json_put_int(json, "counted", s->counted);
        json_put_int(json, "expected", s->expected);
        json_put_int(json, "difference", s->counted - s->expected);
    } else {
        json_put_null(json, "counted");
        json_put_null(json, "expected");
        json_put_null(json, "difference");
    }
    json_put_instant(json, "counted_at", s->counted_at);
    json_put_instant(json, "closed_at", s->closed_at);
    put_person_or_null(json, "released_by", s->released_by);
    json_put_text_or_null(json, "release_reason", s->release_reason);
}

static void shift_write(struct json *json, const void *what)
{
    json_put_object(json, NULL);
    put_shift(json, what);
    json_put_end(json);
}

struct shift_act {
    int64_t id, amount;
    struct text agency, desk, words;
    enum err (*run)(struct request *rq, struct shift_act *act);
    int status;
};

static enum err act_once(struct request *rq, void *with, struct act_reply *reply)
{
    struct shift_act *a = with;
    struct shift s;
    enum err err = a->run(rq, a);
    if (!err)
        err = shift_find(rq->db, &rq->arena, a->id, &s);
    struct json json = json_to(&reply->body);
    if (!err)
        shift_write(&json, &s);
    reply->status = a->status;
    return err;
}

/* The cashier may only wait for the outcome: says which dossiers it is about. */
static enum err name_undecided(struct request *rq, int64_t id)
{
    struct shift_report report;
    enum err err = shift_report_read(rq->db, &rq->arena, id, &report);
    for (size_t i = 0; !err && i < report.undecided_count; i++)
        faults_add(&rq->faults, "/undecided", ERR_SHIFT_UNDECIDED, "Hồ sơ %.*s còn một giao dịch thẻ chưa rõ kết quả",
                   TEXT_ARGS(report.undecided[i]));
    return err;
}

static enum err finish(struct request *rq, struct shift_act *a)
{
    enum err err = request_once(rq, act_once, a);
    if (err == ERR_SHIFT_UNDECIDED && name_undecided(rq, a->id))
        return reply_error(rq, ERR_DATABASE);
    return err ? counter_refuse(rq, err) : OK;
}

static enum err open_run(struct request *rq, struct shift_act *a)
{
    enum err err = shift_open(rq->db, &rq->arena, a->agency, a->desk, a->amount, auth_actor(rq), rq->at, &a->id);
    if (err == ERR_FIELD_VALUE)
        faults_add(&rq->faults, "/agency", ERR_FIELD_VALUE, "Không có cơ quan này");
    return err;
}

enum err shift_open_handle(struct request *rq)
{
    struct shift_act a = {.run = open_run, .status = 201};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "agency", REQUIRED, 1, CODE_MAX, &a.agency);
        json_read_text(&in, "desk", REQUIRED, 1, DESK_MAX, &a.desk);
        json_read_int(&in, "float", REQUIRED, 0, MONEY_MAX, &a.amount);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : finish(rq, &a);
}

static enum err with_id(struct request *rq, struct shift_act *a)
{
    return capture_number(rq, "id", &a->id) ? finish(rq, a) : reply_error(rq, ERR_NOT_FOUND);
}

static enum err count_run(struct request *rq, struct shift_act *a)
{
    return shift_count(rq->db, &rq->arena, a->id, a->amount, auth_actor(rq), rq->at);
}

enum err shift_count_handle(struct request *rq)
{
    struct shift_act a = {.run = count_run, .status = 200};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_int(&in, "cash", REQUIRED, 0, MONEY_MAX, &a.amount);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : with_id(rq, &a);
}

static enum err close_run(struct request *rq, struct shift_act *a)
{
    return shift_close(rq->db, &rq->arena, a->id, auth_actor(rq), rq->at);
}

enum err shift_close_handle(struct request *rq)
{
    return with_id(rq, &(struct shift_act){.run = close_run, .status = 200});
}

static enum err release_run(struct request *rq, struct shift_act *a)
{
    return shift_release(rq->db, &rq->arena, a->id, a->words, auth_actor(rq), rq->at);
}

enum err shift_release_handle(struct request *rq)
{
    struct shift_act a = {.run = release_run, .status = 200};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "reason", REQUIRED, 3, REASON_MAX, &a.words);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : with_id(rq, &a);
}

/* The answer is the next cashier's shift. */
static enum err hand_run(struct request *rq, struct shift_act *a)
{
    int64_t next;
    enum err err = shift_hand_over(rq->db, &rq->arena, a->id, a->words, auth_actor(rq), rq->at, &next);
    if (err == ERR_FIELD_VALUE)
        faults_add(&rq->faults, "/to", ERR_FIELD_VALUE, "Không có thu ngân này, hoặc là chính mình");
    if (!err)
        a->id = next;
    return err;
}

enum err shift_hand_over_handle(struct request *rq)
{
    struct shift_act a = {.run = hand_run, .status = 201};
    struct json_fields in;
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "to", REQUIRED, 1, CODE_MAX, &a.words);
        err = json_close(&in);
    }
    return err ? reply_faults(rq, err) : with_id(rq, &a);
}

enum err shift_get_handle(struct request *rq)
{
    int64_t id;
    struct shift s;
    enum err err = capture_number(rq, "id", &id) ? shift_find(rq->db, &rq->arena, id, &s) : ERR_NOT_FOUND;
    return err ? reply_error(rq, err) : reply_json(rq, 200, shift_write, &s);
}

static const struct db_statement list_sql = {
    "shift_page", "SELECT id, agency, desk, cashier, state, opened_at, closed_at FROM shift WHERE id > $1"
                  " AND ($3::text IS NULL OR state = $3) ORDER BY id LIMIT $2"};

static void item_write(struct json *json, const struct db_rows *rows, int row)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, row, 0));
    json_put_text(json, "agency", db_text(rows, row, 1));
    json_put_text(json, "desk", db_text(rows, row, 2));
    json_put_text(json, "cashier", db_text(rows, row, 3));
    json_put_text(json, "status", db_text(rows, row, 4));
    json_put_instant(json, "opened_at", db_instant(rows, row, 5));
    json_put_instant(json, "closed_at", db_null(rows, row, 6) ? INSTANT_NONE : db_instant(rows, row, 6));
    json_put_end(json);
}

enum err shifts_handle(struct request *rq)
{
    struct list list;
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    struct text status = request_query(rq, "status");
    list_ask(rq, &list);
    if (status.at && !text_is(status, "open") && !text_is(status, "counted") && !text_is(status, "closed"))
        faults_add(&rq->faults, "status", ERR_FIELD_VALUE, "open, counted, closed");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    list_args(&args, &list);
    db_arg_text(&args, status);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, item_write);
}

/* The report ------------------------------------------------------------------------------------------------------ */

static void put_total(struct json *json, const char *key, int64_t count, int64_t amount)
{
    json_put_object(json, key);
    json_put_int(json, "count", count);
    json_put_int(json, "amount", amount);
    json_put_end(json);
}

/* While the count is blind the report holds no sums and no cash: whoever adds up the rest learns nothing of the box. */
static void report_write(struct json *json, const void *what)
{
    const struct shift_report *r = what;
    bool counted = !text_is(r->shift.state, "open");
    json_put_object(json, NULL);
    put_shift(json, &r->shift);
    if (counted) {
        json_put_object(json, "totals");
        put_total(json, "cash", r->cash_count, r->cash);
        put_total(json, "terminal", r->card_count, r->card);
        put_total(json, "static", r->static_count, r->transferred);
        json_put_int(json, "terminal_reversed", r->card_back);
        json_put_end(json);
    } else {
        json_put_null(json, "totals");
    }
    json_put_array(json, "undecided");
    for (size_t i = 0; i < r->undecided_count; i++)
        json_put_text(json, NULL, r->undecided[i]);
    json_put_end(json);
    json_put_array(json, "payments");
    for (size_t i = 0; counted && i < r->line_count; i++) {
        const struct shift_line *l = &r->lines[i];
        json_put_object(json, NULL);
        json_put_int(json, "payment", l->payment);
        json_put_instant(json, "at", l->at);
        json_put_text(json, "way", l->way);
        json_put_text_or_null(json, "dossier", l->dossier);
        json_put_text_or_null(json, "reference", l->reference);
        json_put_int(json, "amount", l->amount);
        json_put_int(json, "tendered", l->tendered);
        json_put_int(json, "change", l->change);
        json_put_text_or_null(json, "card", l->card);
        json_put_text_or_null(json, "bank_reference", l->bank_reference);
        json_put_bool(json, "reversed", l->reversed);
        json_put_end(json);
    }
    json_put_end(json);
    json_put_end(json);
}

static void csv_line(struct buf *out, const struct text *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_char(out, ',');
        csv_write(out, fields[i]);
    }
    buf_string(out, "\r\n");
}

static void report_csv(const struct shift_report *r, struct arena *arena, struct buf *out)
{
    static const struct text head[] = {TEXT("time"),           TEXT("way"),      TEXT("dossier"), TEXT("reference"),
                                       TEXT("amount"),         TEXT("tendered"), TEXT("change"),  TEXT("card"),
                                       TEXT("bank_reference"), TEXT("reversed")};
    enum { COLUMNS = sizeof head / sizeof *head };
    csv_line(out, head, COLUMNS);
    for (size_t i = 0; i < r->line_count; i++) {
        const struct shift_line *l = &r->lines[i];
        char at[INSTANT_TEXT_SIZE];
        instant_format(l->at, at);
        const struct text fields[COLUMNS] = {text_of(at),
                                             l->way,
                                             l->dossier,
                                             l->reference,
                                             arena_textf(arena, "%lld", (long long)l->amount),
                                             arena_textf(arena, "%lld", (long long)l->tendered),
                                             arena_textf(arena, "%lld", (long long)l->change),
                                             l->card,
                                             l->bank_reference,
                                             l->reversed ? TEXT("yes") : TEXT("no")};
        csv_line(out, fields, COLUMNS);
    }
}

enum err shift_report_handle(struct request *rq)
{
    int64_t id;
    struct shift_report report;
    struct text format = request_query(rq, "format");
    if (format.at && !text_is(format, "json") && !text_is(format, "csv")) {
        faults_add(&rq->faults, "format", ERR_FIELD_VALUE, "json, csv");
        return reply_faults(rq, ERR_INVALID);
    }
    enum err err = capture_number(rq, "id", &id) ? shift_report_read(rq->db, &rq->arena, id, &report) : ERR_NOT_FOUND;
    if (err)
        return reply_error(rq, err);
    if (!text_is(format, "csv"))
        return reply_json(rq, 200, report_write, &report);
    if (text_is(report.shift.state, "open"))
        return reply_error(rq, ERR_SHIFT_NOT_COUNTED);
    struct buf out = {0};
    report_csv(&report, &rq->arena, &out);
    reply_header(rq, "Content-Disposition",
                 arena_textf(&rq->arena, "attachment; filename=\"ca-%lld.csv\"", (long long)id));
    err = reply_body(rq, 200, "text/csv; charset=utf-8", buf_view(&out));
    buf_done(&out);
    return err;
}
