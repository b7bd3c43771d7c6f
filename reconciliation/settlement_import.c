/* Settlements into the database: copied in pieces, taken or quarantined batch by batch. */
#include "reconciliation/settlement_import.h"

#include <string.h>

enum { COPY_PIECE = 1 << 20, KEY_BYTES = 16 };

static const char work_table[] =
    "CREATE TEMP TABLE IF NOT EXISTS import_settlement (table_no integer, ordinal bigint, fingerprint bytea, status "
    "text,"
    " operation text, paid_on date, paid_at_s integer, settled_on date, gross bigint, discount bigint, fee bigint, net "
    "bigint,"
    " external_id text, order_ref text, batch text, trace text, approval text, terminal text, store text, account text,"
    " method text, memo text) ON COMMIT DROP";
static const char copy_sql[] = "COPY import_settlement FROM STDIN";
static const struct db_statement take = {
    "settlement_take",
    "SELECT settlement_take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
    " $19, $20)"};

static void rows_flush(struct settlement_import *in)
{
    if (!in->err && in->rows.length)
        in->err = db_copy_in(in->db, copy_sql, buf_view(&in->rows));
    buf_clear(&in->rows);
}

static void on_begin(void *with, const struct settlement_head *head)
{
    struct settlement_import *in = settlement_import_of(with);
    in->head = *head;
    in->head.issuer = arena_text(in->arena, head->issuer);
    in->head.profile = arena_text(in->arena, head->profile);
    in->head.number = arena_text(in->arena, head->number);
    in->head.account = arena_text(in->arena, head->account);
    in->head.currency = arena_text(in->arena, head->currency);
    *in->detail = NULL;
    if (!in->err)
        in->err = db_script(in->db, "TRUNCATE import_settlement");
}

/* What makes two lines the same: everything they say. A carrier's parcel stands on each of its lists, so the list
 * counts too. */
static void fingerprint(const struct settlement_import *in, const struct settlement_line *line,
                        char ret_hex[2 * KEY_BYTES + 1])
{
    struct buf key = {0};
    if (in->head.kind == SETTLEMENT_COLLECTION)
        buf_put(&key, in->file_key, KEY_BYTES);
    buf_printf(&key, "%d|%d|%d|%d|%d|%lld|%lld|%lld|", line->table, line->status, line->operation, (int)line->paid_on,
               line->paid_at_s, (long long)line->gross, (long long)line->fee, (long long)line->net);
    const struct text texts[] = {line->external_id, line->order, line->batch, line->trace, line->terminal};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_text(&key, texts[i]);
        buf_char(&key, '|');
    }
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(buf_view(&key), digest);
    hex_encode(digest, KEY_BYTES, ret_hex);
    buf_done(&key);
}

static void on_line(void *with, const struct settlement_line *line)
{
    static const char *const status[] = {"paid", "failed", "unsaid"}, *const operation[] = {"payment", "void", "other"};
    struct settlement_import *in = settlement_import_of(with);
    if (in->err)
        return;
    struct buf *rows = &in->rows;
    char hex[2 * KEY_BYTES + 1];
    fingerprint(in, line, hex);
    buf_printf(rows, "%d\t%lld\t\\\\x%s\t%s\t%s\t", line->table, (long long)line->ordinal, hex, status[line->status],
               operation[line->operation]);
    import_copy_date(rows, line->paid_on);
    if (line->paid_at_s >= 0)
        buf_printf(rows, "%d\t", line->paid_at_s);
    else
        buf_string(rows, "\\N\t");
    import_copy_date(rows, line->settled_on);
    buf_printf(rows, "%lld\t%lld\t%lld\t%lld\t", (long long)line->gross, (long long)line->discount,
               (long long)line->fee, (long long)line->net);
    const struct text texts[] = {line->external_id, line->order, line->batch,   line->trace,  line->approval,
                                 line->terminal,    line->store, line->account, line->method, line->memo};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        import_copy_text(rows, texts[i]);
    rows->length--; /* no tab behind the last field */
    buf_char(rows, '\n');
    if (rows->length > COPY_PIECE)
        rows_flush(in);
}

static void on_end(void *with, const struct settlement_tail *tail)
{
    struct settlement_import *in = settlement_import_of(with);
    rows_flush(in);
    if (in->err)
        return;
    const struct settlement_head *head = &in->head;
    struct db_args args = db_args(in->arena);
    db_arg_int(&args, *in->file);
    db_arg_int(&args, ++in->ordinal);
    db_arg_string(&args, settlement_kind_name(head->kind));
    db_arg_text(&args, head->issuer);
    db_arg_text(&args, head->profile);
    db_arg_text(&args, head->number);
    db_arg_text(&args, head->account);
    db_arg_text(&args, head->currency);
    db_arg_date(&args, head->from);
    db_arg_date(&args, head->to);
    const int64_t numbers[] = {tail->lines,    tail->failed, tail->unsaid, tail->gross,
                               tail->discount, tail->fee,    tail->net};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        db_arg_int(&args, numbers[i]);
    if (tail->has_credit)
        db_arg_int(&args, tail->credit);
    else
        db_arg_null(&args);
    db_arg_bool(&args, tail->complete);
    db_arg_string(&args, !tail->complete && *in->detail ? *in->detail : "");
    struct db_rows rows;
    in->err = db_query(in->db, &take, &args, &rows);
    if (in->err)
        return;
    if (in->told.length)
        buf_char(&in->told, ',');
    buf_text(&in->told, db_text(&rows, 0, 0));
}

void settlement_import_sink(struct statement_sink *sink)
{
    sink->settlement_begin = on_begin;
    sink->settlement_line = on_line;
    sink->settlement_end = on_end;
}

enum err settlement_import_open(struct settlement_import *in)
{
    return db_script(in->db, work_table);
}

void settlement_import_close(struct settlement_import *in)
{
    buf_done(&in->rows);
    buf_done(&in->told);
}
