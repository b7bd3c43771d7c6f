#include "core/db/db.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/memory.h"

enum { PREPARED_MAX = 512, ERROR_SIZE = 600 };

struct db {
    PGconn *connection;
    char *url, *name;
    int statement_timeout_ms;
    bool in_transaction;
    size_t prepared_count;
    const struct db_statement *prepared[PREPARED_MAX];
    char error[ERROR_SIZE], sqlstate[6], constraint[64];
};

static enum err connect_now(struct db *db)
{
    char options[200];
    snprintf(
        options, sizeof options,
        "-c TimeZone=UTC -c statement_timeout=%d -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000",
        db->statement_timeout_ms);
    const char *keys[] = {"dbname",          "application_name", "options", "client_encoding",
                          "connect_timeout", "tcp_user_timeout", NULL};
    const char *values[] = {db->url, db->name, options, "UTF8", "5", "10000", NULL};
    if (db->connection)
        PQfinish(db->connection);
    db->prepared_count = 0;
    db->in_transaction = false;
    db->connection = PQconnectdbParams(keys, values, 1);
    if (PQstatus(db->connection) == CONNECTION_OK)
        return OK;
    snprintf(db->error, sizeof db->error, "%s", PQerrorMessage(db->connection));
    return ERR_DATABASE;
}

static void ignore_notice(void *with, const char *message)
{
    (void)with;
    (void)message;
}

enum err db_open(const struct db_options *options, struct db **ret_db)
{
    struct db *db = memory_new(sizeof *db);
    db->url = memory_copy(options->url, strlen(options->url));
    db->name = memory_copy(options->name ? options->name : "lephi", strlen(options->name ? options->name : "lephi"));
    db->statement_timeout_ms = options->statement_timeout_ms ? options->statement_timeout_ms : 15000;
    enum err err = connect_now(db);
    if (err) {
        db_close(db);
        return err;
    }
    PQsetNoticeProcessor(db->connection, ignore_notice, NULL);
    *ret_db = db;
    return OK;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->connection);
    free(db->url);
    free(db->name);
    free(db);
}

enum err db_ensure(struct db *db)
{
    if (PQstatus(db->connection) == CONNECTION_OK)
        return OK;
    if (db->in_transaction)
        return ERR_DATABASE;
    enum err err = connect_now(db);
    if (!err)
        PQsetNoticeProcessor(db->connection, ignore_notice, NULL);
    return err;
}

struct db_args db_args(struct arena *arena)
{
    return (struct db_args){.arena = arena};
}

static void add(struct db_args *args, const char *value)
{
    assert(args->count < DB_ARGS_MAX);
    args->values[args->count++] = value;
}

void db_arg_text(struct db_args *args, struct text value)
{
    add(args, value.at ? arena_copy(args->arena, value) : NULL);
}

void db_arg_string(struct db_args *args, const char *value)
{
    add(args, value);
}

void db_arg_int(struct db_args *args, int64_t value)
{
    add(args, arena_printf(args->arena, "%lld", (long long)value));
}

void db_arg_bool(struct db_args *args, bool value)
{
    add(args, value ? "t" : "f");
}

void db_arg_null(struct db_args *args)
{
    add(args, NULL);
}

void db_arg_date(struct db_args *args, date_days date)
{
    char text[DATE_TEXT_SIZE];
    if (date != DATE_NONE)
        date_format(date, text);
    add(args, date == DATE_NONE ? NULL : arena_copy(args->arena, text_of(text)));
}

void db_arg_instant(struct db_args *args, instant_us at)
{
    char text[INSTANT_TEXT_SIZE];
    if (at != INSTANT_NONE)
        instant_format(at, text);
    add(args, at == INSTANT_NONE ? NULL : arena_copy(args->arena, text_of(text)));
}

void db_arg_bytes(struct db_args *args, const void *bytes, size_t size)
{
    char *hex = arena_alloc(args->arena, 2 * size + 3);
    hex[0] = '\\';
    hex[1] = 'x';
    hex_encode(bytes, size, hex + 2);
    add(args, hex);
}

/* An array literal is written into a buffer and copied into the arena when it is whole. */
static void add_array(struct db_args *args, struct buf *literal)
{
    add(args, arena_copy(args->arena, buf_view(literal)));
    buf_done(literal);
}

void db_arg_int_array(struct db_args *args, const int64_t *values, size_t count)
{
    struct buf literal = {0};
    buf_char(&literal, '{');
    for (size_t i = 0; i < count; i++)
        buf_printf(&literal, i ? ",%lld" : "%lld", (long long)values[i]);
    buf_char(&literal, '}');
    add_array(args, &literal);
}

static void put_element(struct buf *literal, struct text value)
{
    if (!value.at) {
        buf_string(literal, "NULL");
        return;
    }
    buf_char(literal, '"');
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\')
            buf_char(literal, '\\');
        buf_char(literal, value.at[i]);
    }
    buf_char(literal, '"');
}

void db_arg_text_array(struct db_args *args, const struct text *values, size_t count)
{
    struct buf literal = {0};
    buf_char(&literal, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_char(&literal, ',');
        put_element(&literal, values[i]);
    }
    buf_char(&literal, '}');
    add_array(args, &literal);
}

void db_arg_instant_array(struct db_args *args, const instant_us *values, size_t count)
{
    struct text *texts = ARENA_ARRAY(args->arena, struct text, count + 1);
    for (size_t i = 0; i < count; i++) {
        char text[INSTANT_TEXT_SIZE];
        if (values[i] == INSTANT_NONE)
            continue;
        instant_format(values[i], text);
        texts[i] = arena_text(args->arena, text_of(text));
    }
    db_arg_text_array(args, texts, count);
}

static enum err classify(const char *state)
{
    if (!strcmp(state, "40001") || !strcmp(state, "40P01") || !strcmp(state, "55P03"))
        return ERR_RETRY;
    if (!strcmp(state, "57014"))
        return ERR_TIMEOUT;
    if (!strncmp(state, "23", 2))
        return ERR_CONFLICT;
    if (!strncmp(state, "08", 2) || !strncmp(state, "57P", 3) || !strncmp(state, "53", 2))
        return ERR_DATABASE;
    return ERR_INTERNAL;
}

static void keep(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static enum err note_failure(struct db *db, const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    keep(db->sqlstate, sizeof db->sqlstate, state);
    keep(db->constraint, sizeof db->constraint, result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL);
    keep(db->error, sizeof db->error,
         result && *PQresultErrorMessage(result) ? PQresultErrorMessage(result) : PQerrorMessage(db->connection));
    return state ? classify(state) : ERR_DATABASE;
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static enum err prepare(struct db *db, const struct db_statement *statement)
{
    for (size_t i = 0; i < db->prepared_count; i++)
        if (db->prepared[i] == statement)
            return OK;
    assert(db->prepared_count < PREPARED_MAX);
    PGresult *result = PQprepare(db->connection, statement->name, statement->sql, 0, NULL);
    enum err err = succeeded(result) ? OK : note_failure(db, result);
    PQclear(result);
    if (!err)
        db->prepared[db->prepared_count++] = statement;
    return err;
}

static void clear_result(void *result)
{
    PQclear(result);
}

enum err db_query(struct db *db, const struct db_statement *statement, const struct db_args *args,
                  struct db_rows *ret_rows)
{
    enum err err = db_ensure(db);
    if (!err)
        err = prepare(db, statement);
    if (err)
        return err;
    PGresult *result = PQexecPrepared(db->connection, statement->name, args->count, args->values, NULL, NULL, 0);
    if (!succeeded(result)) {
        err = note_failure(db, result);
        PQclear(result);
        return err;
    }
    arena_on_done(args->arena, clear_result, result);
    *ret_rows = (struct db_rows){.result = result, .count = PQntuples(result)};
    return OK;
}

enum err db_run(struct db *db, const struct db_statement *statement, const struct db_args *args)
{
    struct db_rows rows;
    return db_query(db, statement, args, &rows);
}

enum err db_script(struct db *db, const char *sql)
{
    enum err err = db_ensure(db);
    if (err)
        return err;
    PGresult *result = PQexec(db->connection, sql);
    err = succeeded(result) ? OK : note_failure(db, result);
    PQclear(result);
    return err;
}

bool db_null(const struct db_rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column);
}

struct text db_text(const struct db_rows *rows, int row, int column)
{
    if (db_null(rows, row, column))
        return TEXT_NONE;
    return (struct text){PQgetvalue(rows->result, row, column), (size_t)PQgetlength(rows->result, row, column)};
}

int64_t db_int(const struct db_rows *rows, int row, int column)
{
    int64_t value = 0;
    bool read = db_null(rows, row, column) || text_to_int64(db_text(rows, row, column), &value);
    assert(read);
    return value;
}

bool db_bool(const struct db_rows *rows, int row, int column)
{
    return text_is(db_text(rows, row, column), "t");
}

date_days db_date(const struct db_rows *rows, int row, int column)
{
    date_days date = DATE_NONE;
    bool read = db_null(rows, row, column) || date_parse(db_text(rows, row, column), &date);
    assert(read);
    return date;
}

/* PostgreSQL writes 2026-11-22 02:14:00.123456+00 (sessions are in UTC); RFC 3339 wants minutes in the offset. */
instant_us db_instant(const struct db_rows *rows, int row, int column)
{
    if (db_null(rows, row, column))
        return INSTANT_NONE;
    struct text value = db_text(rows, row, column);
    char text[48];
    instant_us at = INSTANT_NONE;
    if (text_ends(value, "+00"))
        value.length -= 3;
    snprintf(text, sizeof text, "%.*sZ", TEXT_ARGS(value));
    bool read = instant_parse(text_of(text), &at);
    assert(read);
    return at;
}

struct text db_bytes(const struct db_rows *rows, int row, int column, struct arena *arena)
{
    struct text hex = db_text(rows, row, column);
    if (!hex.at)
        return TEXT_NONE;
    size_t size = hex.length / 2 - 1;
    uint8_t *bytes = arena_alloc(arena, size + 1);
    bool read = text_starts(hex, "\\x") && hex_decode(text_slice(hex, 2, hex.length), bytes, size);
    assert(read);
    return (struct text){(const char *)bytes, size};
}

static void sleep_with_jitter(int attempt)
{
    uint16_t random;
    crypto_random(&random, sizeof random);
    int64_t bound_us = 1000 << (attempt < 7 ? attempt : 7);
    struct timespec pause = {0, (bound_us / 2 + random % (bound_us / 2 + 1)) * 1000};
    nanosleep(&pause, NULL);
}

static enum err one_attempt(struct db *db, enum err (*act)(struct db *db, void *with), void *with)
{
    enum err err = db_script(db, "BEGIN");
    if (err)
        return err;
    db->in_transaction = true;
    err = act(db, with);
    if (!err)
        err = db_script(db, "COMMIT");
    db->in_transaction = false;
    if (err && PQstatus(db->connection) == CONNECTION_OK && PQtransactionStatus(db->connection) != PQTRANS_IDLE) {
        PGresult *result = PQexec(db->connection, "ROLLBACK"); /* keeps what note_failure wrote of the cause */
        PQclear(result);
    }
    return err;
}

enum err db_transact(struct db *db, int64_t deadline_us, enum err (*act)(struct db *db, void *with), void *with)
{
    assert(!db->in_transaction);
    for (int attempt = 0;; attempt++) {
        enum err err = one_attempt(db, act, with);
        if (err != ERR_RETRY || clock_monotonic_us() >= deadline_us)
            return err;
        sleep_with_jitter(attempt);
    }
}

const char *db_error(const struct db *db)
{
    return db->error;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

const char *db_constraint(const struct db *db)
{
    return db->constraint;
}

enum err db_copy_begin(struct db *db, const char *copy_sql)
{
    enum err err = db_ensure(db);
    if (err)
        return err;
    PGresult *result = PQexec(db->connection, copy_sql);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        err = note_failure(db, result);
    PQclear(result);
    return err;
}

enum err db_copy_put(struct db *db, struct text rows)
{
    enum { CHUNK = 1 << 20 };
    for (size_t at = 0; at < rows.length; at += CHUNK) {
        struct text part = text_slice(rows, at, CHUNK);
        if (PQputCopyData(db->connection, part.at, (int)part.length) != 1)
            return ERR_DATABASE;
    }
    return OK;
}

enum err db_copy_end(struct db *db, const char *stopped)
{
    enum err err = OK;
    PGresult *result;
    PQputCopyEnd(db->connection, stopped);
    while ((result = PQgetResult(db->connection))) {
        if (!err && !succeeded(result))
            err = note_failure(db, result);
        PQclear(result);
        if (PQstatus(db->connection) == CONNECTION_BAD)
            break;
    }
    return err;
}

enum err db_copy_in(struct db *db, const char *copy_sql, struct text rows)
{
    enum err err = db_copy_begin(db, copy_sql);
    if (err)
        return err;
    enum err put = db_copy_put(db, rows);
    err = db_copy_end(db, put ? "stopped" : NULL);
    return err ? err : put;
}
