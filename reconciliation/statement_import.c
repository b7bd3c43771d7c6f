/* Statements into the database: read in a stream, copied in pieces, taken or quarantined statement by statement. */
#include "reconciliation/statement_import.h"
#include "reconciliation/settlement_import.h"

#include <stdio.h>
#include <string.h>

enum {
    COPY_PIECE = 64 << 10, /* the database works on one while the next is read */
    READ_PIECE = 1 << 20,
    WARNINGS_TOLD = 100,
    FILE_PIECE = 8 << 20,
    NEIGHBOURS_MAX = 64, /* quarantined files that one import may set free */
    MAPPINGS_MAX = 200,
    DETAIL_MAX = 512,
};

static const struct db_statement file_find = {
    "statement_file_find",
    "SELECT f.id, f.format, count(s.id) FILTER (WHERE s.state = 'quarantined') FROM statement_file f"
    " LEFT JOIN statement s ON s.file_id = f.id WHERE f.sha256 = $1::bytea GROUP BY f.id"};
static const struct db_statement file_add = {
    "statement_file_add", "INSERT INTO statement_file (sha256, name, format, size, imported_at, imported_by)"
                          " VALUES ($1::bytea, $2, $3, $4, $5, $6) RETURNING id"};
/* Statements that stood in quarantine are tried anew; taken ones stay, their lines are known by now. */
static const struct db_statement file_retry = {"statement_file_retry",
                                               "DELETE FROM statement WHERE file_id = $1 AND state = 'quarantined'"};
static const struct db_statement piece_add = {
    "statement_file_piece_add", "INSERT INTO statement_file_piece (file_id, piece, bytes) VALUES ($1, $2, $3::bytea)"};
static const struct db_statement piece_get = {
    "statement_file_piece_get", "SELECT bytes FROM statement_file_piece WHERE file_id = $1 AND piece = $2"};
/* Files whose statement waits for a neighbour of an account that this file brought statements of. */
static const struct db_statement neighbour = {
    "statement_neighbour",
    "SELECT f.id, f.format, f.size, f.name FROM statement_file f WHERE f.id <> $1 AND NOT f.id = ANY ($2::bigint[])"
    " AND EXISTS (SELECT FROM statement s JOIN statement t ON t.account_id = s.account_id AND t.state = 'accepted'"
    "   WHERE s.file_id = f.id AND s.state = 'quarantined' AND s.reason = 'gap' AND (t.closing = s.opening OR "
    "t.opening = s.closing))"
    " ORDER BY f.sha256 LIMIT 1"};
static const struct db_statement mappings_get = {
    "statement_mappings_get", "SELECT DISTINCT ON (fingerprint) fingerprint, name, kind, columns FROM statement_mapping"
                              " ORDER BY fingerprint, version DESC LIMIT 200"};
static const struct db_statement next_ordinal = {"statement_next_ordinal",
                                                 "SELECT coalesce(max(ordinal), 0) FROM statement WHERE file_id = $1"};
static const struct db_statement take = {"statement_take",
                                         "SELECT statement_take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
static const struct db_statement told = {
    "statement_told", "SELECT event_record($1, ARRAY['statement.imported'], ARRAY[NULL::text], ARRAY[NULL::bigint],"
                      " ARRAY[jsonb_build_object('file', $2::text, 'format', $3::text, 'statements', $4::bigint)])"};

static const char work_table[] =
    "CREATE TEMP TABLE IF NOT EXISTS import_line (n bigint, page integer, ordinal bigint, booked_on date, value_on "
    "date,"
    " amount bigint, reversal boolean, fingerprint bytea, type text, bank_reference text, customer_reference text,"
    " counterparty text, counterparty_account text, memo text, supplementary text, candidates text)"
    " ON COMMIT DROP";
static const char copy_sql[] = "COPY import_line FROM STDIN";

struct import {
    struct db *db;
    struct arena *arena;
    const struct statement_import_order *order;
    int64_t file, ordinal, n;
    bool copying; /* a COPY of lines is under way on the connection */
    enum err err; /* the first one; what follows is read but not written */
    struct statement_head head;
    struct text account, currency, number;
    struct buf rows, statements, warnings;
    int warning_count;
    struct settlement_import settlements;
    uint8_t file_key[16]; /* of its SHA-256 */
    struct statement_mapping mappings[MAPPINGS_MAX];
    size_t mapping_count;
    const char *first_detail; /* why the statement under way does not prove itself; in `detail` */
    char detail[DETAIL_MAX];  /* room of its own: a file may hold a million faults */
};

void statement_fingerprint(const struct statement_line *line, struct text statement_number,
                           uint8_t ret_fingerprint[FINGERPRINT_SIZE])
{
    struct buf key = {0};
    bool referenced = line->bank_reference.length && !text_is(line->bank_reference, "NONREF");
    buf_printf(&key, "%d|%lld|", (int)line->booked_on, (long long)line->amount);
    if (referenced) {
        buf_printf(&key, "R%.*s", TEXT_ARGS(line->bank_reference));
    } else {
        buf_printf(&key, "C%.*s|%d|%.*s|%.*s|", TEXT_ARGS(statement_number), (int)line->value_on,
                   TEXT_ARGS(line->customer_reference), TEXT_ARGS(line->counterparty_account));
        for (size_t i = 0; i < line->memo.length; i++) /* joints of wrapped lines are no content */
            if (line->memo.at[i] != ' ')
                buf_char(&key, line->memo.at[i]);
    }
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(buf_view(&key), digest);
    memcpy(ret_fingerprint, digest, FINGERPRINT_SIZE);
    buf_done(&key);
}

void import_copy_text(struct buf *rows, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '\\' || c == '\t' || c == '\n' || c == '\r')
            buf_char(rows, '\\');
        buf_char(rows, c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c);
    }
    buf_char(rows, '\t');
}

void import_copy_date(struct buf *rows, date_days date)
{
    char text[DATE_TEXT_SIZE];
    if (date != DATE_NONE)
        date_format(date, text);
    buf_string(rows, date == DATE_NONE ? "\\N" : text);
    buf_char(rows, '\t');
}

struct settlement_import *settlement_import_of(void *with)
{
    struct import *in = with;
    return &in->settlements;
}

static void rows_flush(struct import *in)
{
    if (!in->err && in->rows.length && !in->copying) {
        in->err = db_copy_begin(in->db, copy_sql);
        in->copying = !in->err;
    }
    if (!in->err && in->rows.length)
        in->err = db_copy_put(in->db, buf_view(&in->rows));
    buf_clear(&in->rows);
}

/* Nothing else can be asked of the connection before. */
static void rows_end(struct import *in)
{
    rows_flush(in);
    if (!in->copying)
        return;
    enum err ended = db_copy_end(in->db, in->err ? "stopped" : NULL);
    in->copying = false;
    if (!in->err)
        in->err = ended;
}

static void on_begin(void *with, const struct statement_head *head)
{
    struct import *in = with;
    in->head = *head;
    in->account = arena_text(in->arena, head->account);
    in->currency = arena_text(in->arena, head->currency);
    in->number = arena_text(in->arena, head->number);
    in->n = 0;
    in->first_detail = NULL;
    if (!in->err)
        in->err = db_script(in->db, "TRUNCATE import_line");
}

static void on_line(void *with, const struct statement_line *line)
{
    struct import *in = with;
    if (in->err)
        return;
    struct buf *rows = &in->rows;
    buf_printf(rows, "%lld\t%d\t%lld\t", (long long)++in->n, line->page, (long long)line->ordinal);
    import_copy_date(rows, line->booked_on);
    import_copy_date(rows, line->value_on);
    uint8_t fingerprint[FINGERPRINT_SIZE];
    char hex[2 * FINGERPRINT_SIZE + 1];
    statement_fingerprint(line, in->number, fingerprint);
    hex_encode(fingerprint, sizeof fingerprint, hex);
    buf_printf(rows, "%lld\t%s\t\\\\x%s\t", (long long)line->amount, line->reversal ? "t" : "f", hex);
    import_copy_text(rows, line->type);
    import_copy_text(rows, text_is(line->bank_reference, "NONREF") ? TEXT_NONE : line->bank_reference);
    import_copy_text(rows, line->customer_reference);
    import_copy_text(rows, line->counterparty);
    import_copy_text(rows, line->counterparty_account);
    import_copy_text(rows, line->memo);
    import_copy_text(rows, line->supplementary);
    statement_references(line, rows);
    buf_char(rows, '\n');
    if (rows->length > COPY_PIECE)
        rows_flush(in);
}

static void arg_money(struct db_args *args, bool known, int64_t amount)
{
    if (known)
        db_arg_int(args, amount);
    else
        db_arg_null(args);
}

static void on_end(void *with, const struct statement_tail *tail)
{
    struct import *in = with;
    rows_end(in);
    if (in->err)
        return;
    struct db_args args = db_args(in->arena);
    db_arg_instant(&args, in->order->at);
    db_arg_int(&args, in->file);
    db_arg_int(&args, ++in->ordinal);
    db_arg_text(&args, in->account);
    db_arg_text(&args, tail->currency.length ? arena_text(in->arena, tail->currency) : in->currency);
    db_arg_text(&args, in->number);
    arg_money(&args, tail->has_opening, tail->opening);
    arg_money(&args, tail->has_closing, tail->closing);
    db_arg_date(&args, tail->closing_on);
    db_arg_bool(&args, tail->complete);
    db_arg_string(&args, !tail->complete && in->first_detail ? in->first_detail : "");
    struct db_rows rows;
    in->err = db_query(in->db, &take, &args, &rows);
    if (in->err)
        return;
    if (in->statements.length)
        buf_char(&in->statements, ',');
    buf_text(&in->statements, db_text(&rows, 0, 0));
}

static void on_warning(void *with, const struct statement_warning *warning)
{
    struct import *in = with;
    bool decides = strcmp(warning->code, "bad_date") != 0 && strcmp(warning->code, "unknown_tag") != 0;
    if (decides) { /* the last one before the end names what broke the statement */
        snprintf(in->detail, sizeof in->detail, "line %d: %s", warning->line, warning->detail);
        in->first_detail = in->detail;
    }
    if (in->warning_count++ >= WARNINGS_TOLD)
        return;
    if (in->warnings.length)
        buf_char(&in->warnings, ',');
    struct json json = json_to(&in->warnings);
    json_put_object(&json, NULL);
    json_put_int(&json, "line", warning->line);
    json_put_string(&json, "code", warning->code);
    json_put_string(&json, "detail", warning->detail);
    json_put_end(&json);
}

static enum err pieces_keep(struct import *in)
{
    struct text bytes = in->order->bytes;
    enum err err = OK;
    int64_t piece = 0;
    for (size_t at = 0; at < bytes.length && !err; at += FILE_PIECE) {
        struct arena arena;
        arena_init(&arena);
        struct text part = text_slice(bytes, at, FILE_PIECE);
        struct db_args args = db_args(&arena);
        db_arg_int(&args, in->file);
        db_arg_int(&args, ++piece);
        db_arg_bytes(&args, part.at, part.length);
        err = db_run(in->db, &piece_add, &args);
        arena_done(&arena);
    }
    return err;
}

static enum err file_enter(struct import *in, enum statement_format format, bool *ret_known)
{
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(in->order->bytes, digest);
    memcpy(in->file_key, digest, sizeof in->file_key);
    struct db_args args = db_args(in->arena);
    db_arg_bytes(&args, digest, sizeof digest);
    struct db_rows rows;
    enum err err = db_query(in->db, &file_find, &args, &rows);
    if (err)
        return err;
    *ret_known = rows.count > 0 && db_int(&rows, 0, 2) == 0;
    if (rows.count > 0) {
        in->file = db_int(&rows, 0, 0);
        args = db_args(in->arena);
        db_arg_int(&args, in->file);
        err = *ret_known ? OK : db_run(in->db, &file_retry, &args);
        if (!err)
            err = db_query(in->db, &next_ordinal, &args, &rows);
        if (!err)
            in->ordinal = db_int(&rows, 0, 0);
        return err;
    }
    db_arg_string(&args, in->order->name);
    db_arg_string(&args, statement_format_name(format));
    db_arg_int(&args, (int64_t)in->order->bytes.length);
    db_arg_instant(&args, in->order->at);
    db_arg_string(&args, in->order->actor);
    err = db_query(in->db, &file_add, &args, &rows);
    if (!err)
        in->file = db_int(&rows, 0, 0);
    return err ? err : pieces_keep(in);
}

static enum err read_statements(struct import *in, struct text bytes, enum statement_format format)
{
    struct statement_sink sink = {.with = in, .begin = on_begin, .line = on_line, .end = on_end, .warning = on_warning};
    settlement_import_sink(&sink);
    in->settlements.ordinal = 0;
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = statement_reader_map(reader, in->mappings, in->mapping_count);
    for (size_t at = 0; at < bytes.length && !err && !in->err; at += READ_PIECE)
        err = statement_reader_feed(reader, text_slice(bytes, at, READ_PIECE));
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    rows_end(in); /* of a statement that never ended */
    if (!in->err)
        in->err = in->settlements.err;
    return in->err ? in->err : err ? err : ended;
}

static enum err pieces_load(struct import *in, int64_t file, int64_t size, struct buf *out)
{
    enum err err = OK;
    for (int64_t piece = 1; (int64_t)out->length < size && !err; piece++) {
        struct arena arena;
        arena_init(&arena);
        struct db_args args = db_args(&arena);
        db_arg_int(&args, file);
        db_arg_int(&args, piece);
        struct db_rows rows;
        err = db_query(in->db, &piece_get, &args, &rows);
        if (!err && !rows.count)
            err = ERR_NOT_FOUND; /* imported before files were kept */
        if (!err)
            buf_text(out, db_bytes(&rows, 0, 0, &arena));
        arena_done(&arena);
    }
    return err;
}

static enum err mappings_load(struct import *in)
{
    struct db_args args = db_args(in->arena);
    struct db_rows rows;
    enum err err = db_query(in->db, &mappings_get, &args, &rows);
    for (int i = 0; !err && i < rows.count && in->mapping_count < MAPPINGS_MAX; i++) {
        struct statement_mapping *m = &in->mappings[in->mapping_count];
        struct text fingerprint = db_bytes(&rows, i, 0, in->arena);
        if (fingerprint.length != sizeof m->fingerprint)
            continue;
        memcpy(m->fingerprint, fingerprint.at, sizeof m->fingerprint);
        m->name = arena_text(in->arena, db_text(&rows, i, 1));
        m->kind = arena_text(in->arena, db_text(&rows, i, 2));
        m->columns = arena_text(in->arena, db_text(&rows, i, 3));
        in->mapping_count++;
    }
    return err;
}

/* A statement that came before its neighbour waits in quarantine; with the neighbour here it is read again from its raw
 * file. So the order in which files come does not matter. */
static enum err neighbours_retry(struct import *in)
{
    int64_t own = in->file, tried[NEIGHBOURS_MAX + 1];
    int own_ordinal = (int)in->ordinal;
    enum err err = OK;
    size_t count = 0;
    while (!err && count < NEIGHBOURS_MAX) {
        struct db_args args = db_args(in->arena);
        db_arg_int(&args, own);
        db_arg_int_array(&args, tried, count);
        struct db_rows rows;
        err = db_query(in->db, &neighbour, &args, &rows);
        if (err || !rows.count)
            break;
        in->file = tried[count++] = db_int(&rows, 0, 0);
        enum statement_format format = statement_format_named(db_text(&rows, 0, 1));
        struct buf bytes = {0};
        args = db_args(in->arena);
        db_arg_int(&args, in->file);
        err = pieces_load(in, in->file, db_int(&rows, 0, 2), &bytes);
        if (!err)
            err = db_run(in->db, &file_retry, &args);
        if (!err)
            err = db_query(in->db, &next_ordinal, &args, &rows);
        in->ordinal = err ? 0 : db_int(&rows, 0, 0);
        if (!err)
            err = read_statements(in, buf_view(&bytes), format);
        buf_done(&bytes);
        err = err == ERR_NOT_FOUND ? OK : err;
    }
    in->file = own;
    in->ordinal = own_ordinal;
    return err;
}

static enum err event_write(struct import *in, enum statement_format format)
{
    struct db_args args = db_args(in->arena);
    db_arg_instant(&args, in->order->at);
    db_arg_string(&args, in->order->name);
    db_arg_string(&args, statement_format_name(format));
    db_arg_int(&args, in->ordinal);
    return db_run(in->db, &told, &args);
}

static struct text report_write(struct import *in, enum statement_format format, bool known)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    json_put_object(&json, NULL);
    json_put_int(&json, "file", in->file);
    json_put_string(&json, "format", statement_format_name(format));
    json_put_bool(&json, "already_known", known);
    const struct {
        const char *key;
        const struct buf *rows;
    } lists[] = {{"statements", &in->statements}, {"settlements", &in->settlements.told}, {"warnings", &in->warnings}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_put_array(&json, lists[i].key);
        if (lists[i].rows->length)
            json_put_raw(&json, NULL, buf_view(lists[i].rows));
        json_put_end(&json);
    }
    json_put_end(&json);
    struct text text = arena_text(in->arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static enum err file_take(struct import *in, enum statement_format format)
{
    enum err err = db_script(in->db, work_table);
    if (!err)
        err = settlement_import_open(&in->settlements);
    if (!err)
        err = mappings_load(in);
    if (!err)
        err = read_statements(in, in->order->bytes, format);
    if (!err)
        err = event_write(in, format);
    return err ? err : neighbours_retry(in);
}

enum err statement_import_within(struct db *db, struct arena *arena, const struct statement_import_order *order,
                                 struct text *ret_json)
{
    enum statement_format format = statement_detect(order->bytes);
    if (format == STATEMENT_UNKNOWN)
        return ERR_STATEMENT_FORMAT;
    struct import *in = ARENA_NEW(arena, struct import); /* too wide for a stack */
    in->db = db;
    in->arena = arena;
    in->order = order;
    bool known = false;
    enum err err = file_enter(in, format, &known);
    in->settlements.db = db;
    in->settlements.arena = arena;
    in->settlements.file = &in->file;
    in->settlements.detail = &in->first_detail;
    in->settlements.file_key = in->file_key;
    if (!err && !known)
        err = file_take(in, format);
    if (!err)
        *ret_json = report_write(in, format, known);
    buf_done(&in->rows);
    buf_done(&in->statements);
    buf_done(&in->warnings);
    settlement_import_close(&in->settlements);
    return err;
}

struct import_act {
    struct arena *arena;
    const struct statement_import_order *order;
    struct text json;
};

static enum err import_act(struct db *db, void *with)
{
    struct import_act *act = with;
    return statement_import_within(db, act->arena, act->order, &act->json);
}

enum err statement_import(struct db *db, struct arena *arena, const struct statement_import_order *order,
                          struct text *ret_json)
{
    enum { TRY_S = 30 };
    struct import_act act = {.arena = arena, .order = order};
    enum err err = db_transact(db, clock_monotonic_us() + TRY_S * SECOND_US, import_act, &act);
    if (!err)
        *ret_json = act.json;
    return err;
}
