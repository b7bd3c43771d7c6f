/* Delegates (NĐ 254/2026 art. 25): their ranges, where a request is receipted, and the lists they hand in. */
#include "receipts/delegate_list.h"

#include <string.h>

static const struct db_statement take_sql = {
    "receipt_list_take",
    "SELECT n, outcome FROM receipt_list_take($1, $2, $3, $4, $5::text[], $6::text[], $7::text[], $8::integer[], "
    "$9::date[], $10::date[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[], "
    "$17::text[], $18::integer[])"};
static const struct db_statement delegate_sql = {
    "receipt_range_delegate", "SELECT receipt_range_delegate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
static const struct db_statement close_sql = {"receipt_range_close", "SELECT receipt_range_close($1, $2, $3, $4)"};
static const struct db_statement rule_sql = {
    "receipt_outlet_rule", "INSERT INTO receipt_outlet_rule (collector, kind, value, outlet, set_at, set_by) VALUES "
                           "($3, $4, $5, $6, $1, $2) ON CONFLICT (collector, kind, value) DO UPDATE SET outlet = "
                           "excluded.outlet, set_at = excluded.set_at, set_by = excluded.set_by"};
static const struct db_statement ranges_sql = {
    "receipt_ranges",
    "SELECT g.id, b.collector, b.form, b.symbol, b.year, g.outlet, g.delegate::text, g.first_number, g.last_number, "
    "receipt_range_used(g.id), g.numbered_by, g.agreement::text, g.opened_at, g.closed_at, g.closed_after, g.reason "
    "FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id ORDER BY b.collector, b.year, b.form, b.symbol, "
    "g.first_number LIMIT 1000"};

struct taking {
    struct arena *arena;
    instant_us at;
    const char *actor, *name;
    const uint8_t *digest;
    const struct delegate_list *list;
    struct db_rows rows;
};

enum { COLUMN_COUNT = 14, TAKE_DEADLINE_US = 60 * 1000 * 1000 };

static enum err take(struct db *db, void *with)
{
    struct taking *t = with;
    size_t count = t->list->count;
    struct text *columns[COLUMN_COUNT];
    for (int c = 0; c < COLUMN_COUNT; c++)
        columns[c] = ARENA_ARRAY(t->arena, struct text, count);
    for (size_t i = 0; i < count; i++) {
        const struct list_line *l = &t->list->lines[i];
        char issued[DATE_TEXT_SIZE], collected[DATE_TEXT_SIZE];
        date_format(l->issued_on, issued);
        date_format(l->collected_on, collected);
        const struct text values[COLUMN_COUNT] = {l->collector,
                                                  l->form,
                                                  l->symbol,
                                                  arena_textf(t->arena, "%lld", (long long)l->number),
                                                  arena_text(t->arena, text_of(issued)),
                                                  arena_text(t->arena, text_of(collected)),
                                                  l->parcel,
                                                  l->dossier,
                                                  l->reference,
                                                  l->fees,
                                                  arena_textf(t->arena, "%lld", (long long)l->amount),
                                                  l->payer,
                                                  l->payer_tax,
                                                  l->replaces ? arena_textf(t->arena, "%lld", (long long)l->replaces)
                                                              : TEXT_NONE};
        for (int c = 0; c < COLUMN_COUNT; c++)
            columns[c][i] = values[c];
    }
    struct db_args args = db_args(t->arena);
    db_arg_instant(&args, t->at);
    db_arg_string(&args, t->actor);
    db_arg_string(&args, t->name);
    db_arg_bytes(&args, t->digest, SHA256_SIZE);
    for (int c = 0; c < COLUMN_COUNT; c++)
        db_arg_text_array(&args, columns[c], count);
    return db_query(db, &take_sql, &args, &t->rows);
}

static void write_outcomes(struct json *json, const struct db_rows *rows, const struct delegate_list *list)
{
    static const char *const outcomes[] = {"new", "known", "other_content", "no_range"};
    int64_t counts[4] = {0};
    for (int i = 0; i < rows->count; i++)
        for (int k = 0; k < 4; k++)
            counts[k] += text_is(db_text(rows, i, 1), outcomes[k]);
    json_put_object(json, NULL);
    json_put_int(json, "lines", (int64_t)list->count);
    json_put_bool(json, "known_file", !rows->count);
    for (int k = 0; k < 4; k++)
        json_put_int(json, outcomes[k], counts[k]);
    json_put_array(json, "refused");
    for (int i = 0; i < rows->count; i++) {
        struct text outcome = db_text(rows, i, 1);
        int64_t n = db_int(rows, i, 0);
        if ((!text_is(outcome, "other_content") && !text_is(outcome, "no_range")) || n < 1 || (size_t)n > list->count)
            continue;
        json_put_object(json, NULL);
        json_put_int(json, "line", n);
        json_put_text(json, "symbol", list->lines[n - 1].symbol);
        json_put_int(json, "number", list->lines[n - 1].number);
        json_put_text(json, "reason", outcome);
        json_put_end(json);
    }
    json_put_end(json);
    json_put_end(json);
}

enum err receipt_list_import(struct db *db, struct arena *arena, instant_us at, const char *actor, const char *name,
                             struct text bytes, struct faults *faults, struct json *json)
{
    struct delegate_list list;
    uint8_t digest[SHA256_SIZE];
    enum err err = delegate_list_read(bytes, &list, faults);
    if (err)
        return ERR_INVALID;
    crypto_sha256(bytes, digest);
    struct taking t = {arena, at, actor, name, digest, &list, {0}};
    err = db_transact(db, clock_monotonic_us() + TAKE_DEADLINE_US, take, &t);
    if (!err)
        write_outcomes(json, &t.rows, &list);
    return err;
}

/* POST /v1/receipts/lists?name=: the file itself. */
enum err receipt_list_import_handle(struct request *rq)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    struct text name = request_query(rq, "name");
    const char *called = name.length && text_characters(name) <= 200 ? arena_copy(&rq->arena, name) : "API";
    enum err err =
        receipt_list_import(rq->db, &rq->arena, rq->at, auth_actor(rq), called, rq->body, &rq->faults, &json);
    if (!err)
        err = reply_body(rq, 200, "application/json", buf_view(&out));
    else
        err = rq->faults.count ? reply_faults(rq, err) : reply_error(rq, err);
    buf_done(&out);
    return err;
}

enum err receipt_range_delegate(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                const struct receipt_delegation *d, int64_t *ret_range)
{
    struct buf delegate = {0}, agreement = {0};
    struct json json = json_to(&delegate);
    json_put_object(&json, NULL);
    json_put_text(&json, "name", d->delegate.name);
    json_put_text_or_null(&json, "tax_code", d->delegate.tax_code);
    json_put_text(&json, "address", d->delegate.address);
    json_put_end(&json);
    json = json_to(&agreement);
    json_put_object(&json, NULL);
    json_put_text(&json, "number", d->agreement);
    json_put_text(&json, "purpose", d->purpose);
    json_put_date(&json, "from", d->from);
    json_put_date(&json, "to", d->to);
    json_put_date(&json, "notified_on", d->notified_on);
    json_put_end(&json);
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, d->collector);
    db_arg_text(&args, d->form);
    db_arg_text(&args, d->symbol);
    db_arg_text(&args, d->outlet);
    db_arg_text(&args, buf_view(&delegate));
    db_arg_int(&args, d->first);
    db_arg_int(&args, d->last);
    db_arg_string(&args, d->numbered_by == RECEIPT_NUMBERED_BY_DELEGATE ? "delegate" : "us");
    db_arg_text(&args, buf_view(&agreement));
    enum err err = receipt_symbol_valid(d->symbol) ? db_query(db, &delegate_sql, &args, &rows) : ERR_CONFLICT;
    buf_done(&delegate);
    buf_done(&agreement);
    if (!err)
        *ret_range = db_int(&rows, 0, 0);
    return err;
}

enum err receipt_range_close(struct db *db, struct arena *arena, instant_us at, const char *actor, int64_t range,
                             struct text reason, int64_t *ret_after)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_int(&args, range);
    db_arg_text(&args, reason);
    enum err err = db_query(db, &close_sql, &args, &rows);
    if (!err && db_null(&rows, 0, 0))
        err = ERR_NOT_FOUND;
    if (!err)
        *ret_after = db_int(&rows, 0, 0);
    return err;
}

enum err receipt_outlet_set(struct db *db, struct arena *arena, instant_us at, const char *actor, struct text collector,
                            struct text kind, struct text value, struct text outlet)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, collector);
    db_arg_text(&args, kind);
    db_arg_text(&args, value);
    db_arg_text(&args, outlet);
    return db_run(db, &rule_sql, &args);
}

enum err receipt_ranges_write(struct db *db, struct arena *arena, struct json *json)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &ranges_sql, &none, &rows);
    if (err)
        return err;
    json_put_object(json, NULL);
    json_put_array(json, "items");
    for (int i = 0; i < rows.count; i++) {
        json_put_object(json, NULL);
        json_put_int(json, "id", db_int(&rows, i, 0));
        json_put_text(json, "collector", db_text(&rows, i, 1));
        json_put_text(json, "form", db_text(&rows, i, 2));
        json_put_text(json, "symbol", db_text(&rows, i, 3));
        json_put_int(json, "year", db_int(&rows, i, 4));
        json_put_text_or_null(json, "outlet", db_text(&rows, i, 5));
        json_put_raw(json, "delegate", db_null(&rows, i, 6) ? TEXT("null") : db_text(&rows, i, 6));
        json_put_int(json, "first", db_int(&rows, i, 7));
        json_put_int(json, "last", db_int(&rows, i, 8));
        json_put_int(json, "used", db_int(&rows, i, 9) - db_int(&rows, i, 7) + 1);
        json_put_text(json, "numbered_by", db_text(&rows, i, 10));
        json_put_raw(json, "agreement", db_null(&rows, i, 11) ? TEXT("null") : db_text(&rows, i, 11));
        json_put_instant(json, "opened_at", db_instant(&rows, i, 12));
        json_put_instant(json, "closed_at", db_null(&rows, i, 13) ? INSTANT_NONE : db_instant(&rows, i, 13));
        if (!db_null(&rows, i, 14))
            json_put_int(json, "closed_after", db_int(&rows, i, 14));
        json_put_text_or_null(json, "reason", db_text(&rows, i, 15));
        json_put_end(json);
    }
    json_put_end(json);
    json_put_null(json, "next_cursor");
    json_put_end(json);
    return OK;
}

/* GET /v1/receipts/ranges: public, as art. 25 asks of a delegation; it names offices, never a citizen. */
enum err receipt_ranges_handle(struct request *rq)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    enum err err = receipt_ranges_write(rq->db, &rq->arena, &json);
    err = err ? reply_error(rq, err) : reply_body(rq, 200, "application/json", buf_view(&out));
    buf_done(&out);
    return err;
}
