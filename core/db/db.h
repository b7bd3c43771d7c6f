/* The database: one libpq connection per thread, named prepared statements, one transaction runner.
 *
 * A statement is a static constant of its room and is prepared on a connection when first used there. Arguments travel
 * as text, results come back as text; arrays are PostgreSQL array literals built by db_arg_*_array. First choice is one
 * statement for one atomic act. Errors come as enum err; the server's words go to the log of whoever asks db_error().
 */
#ifndef LEPHI_CORE_DB_H
#define LEPHI_CORE_DB_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"

struct db;

/* A statement lives as long as the program: `name` is unique in the program, `sql` uses $1…$n. */
struct db_statement {
    const char *name;
    const char *sql;
};

enum { DB_ARGS_MAX = 24 };

/* Arguments of one call, in order. Texts are not copied: they live until the call returns. */
struct db_args {
    struct arena *arena;
    int count;
    const char *values[DB_ARGS_MAX];
};

struct db_rows {
    void *result; /* PGresult; freed with the arena of the arguments */
    int count;
};

struct db_options {
    const char *url;          /* libpq connection string or URI */
    const char *name;         /* application_name, for whoever looks at pg_stat_activity */
    int statement_timeout_ms; /* 0: 15 s */
};

/* Connects with UTC, timeouts and standard_conforming strings set. ERR_DATABASE when it cannot. */
MUST_CHECK enum err db_open(const struct db_options *options, struct db **ret_db);
void db_close(struct db *db); /* NULL is fine */

/* Reconnects when the connection is broken. Called by db_query itself outside transactions. */
MUST_CHECK enum err db_ensure(struct db *db);

struct db_args db_args(struct arena *arena);
void db_arg_text(struct db_args *args,
                 struct text value); /* empty text is the empty string, TEXT_NONE (at NULL) is NULL */
void db_arg_string(struct db_args *args, const char *value); /* NULL is NULL */
void db_arg_int(struct db_args *args, int64_t value);
void db_arg_bool(struct db_args *args, bool value);
void db_arg_null(struct db_args *args);
void db_arg_date(struct db_args *args, date_days date);                  /* DATE_NONE is NULL */
void db_arg_instant(struct db_args *args, instant_us at);                /* INSTANT_NONE is NULL */
void db_arg_bytes(struct db_args *args, const void *bytes, size_t size); /* bytea */
void db_arg_int_array(struct db_args *args, const int64_t *values, size_t count);
void db_arg_text_array(struct db_args *args, const struct text *values, size_t count); /* at NULL is a NULL element */
void db_arg_instant_array(struct db_args *args, const instant_us *values, size_t count);

/* Runs one prepared statement. Errors: ERR_RETRY (40001, 40P01, lock timeout), ERR_TIMEOUT, ERR_CONFLICT (unique,
 * foreign key, check, exclusion: see db_constraint), ERR_DATABASE (connection), ERR_INTERNAL (anything else). */
MUST_CHECK enum err db_query(struct db *db, const struct db_statement *statement, const struct db_args *args,
                             struct db_rows *ret_rows);
/* The same for statements whose rows nobody reads. */
MUST_CHECK enum err db_run(struct db *db, const struct db_statement *statement, const struct db_args *args);

/* Unprepared SQL without arguments, several statements allowed: migrations and tests. */
MUST_CHECK enum err db_script(struct db *db, const char *sql);

bool db_null(const struct db_rows *rows, int row, int column);
struct text db_text(const struct db_rows *rows, int row, int column); /* TEXT_NONE for NULL; lives with the arena */
int64_t db_int(const struct db_rows *rows, int row, int column);      /* 0 for NULL */
bool db_bool(const struct db_rows *rows, int row, int column);
date_days db_date(const struct db_rows *rows, int row, int column);
instant_us db_instant(const struct db_rows *rows, int row, int column);
struct text db_bytes(const struct db_rows *rows, int row, int column, struct arena *arena); /* decoded bytea */

/* Runs `act` between BEGIN and COMMIT; any error rolls back. ERR_RETRY runs it again with jitter until `deadline_us`
 * (monotonic). Nothing inside may touch the network. */
MUST_CHECK enum err db_transact(struct db *db, int64_t deadline_us, enum err (*act)(struct db *db, void *with),
                                void *with);

/* What the server said of the last failed call: text, SQLSTATE, constraint name. Never NULL. */
const char *db_error(const struct db *db);
const char *db_sqlstate(const struct db *db);
const char *db_constraint(const struct db *db);

/* COPY … FROM STDIN of rows already in COPY text format; for bulk loads. */
MUST_CHECK enum err db_copy_in(struct db *db, const char *copy_sql, struct text rows);

/* The same while the rows are still being made: the server works on what it has. Between begin and end nothing else may
 * be asked of the connection; after a begin that succeeded there is always one end (`stopped`: why not, NULL: all is
 * there), whatever put said. */
MUST_CHECK enum err db_copy_begin(struct db *db, const char *copy_sql);
MUST_CHECK enum err db_copy_put(struct db *db, struct text rows);
MUST_CHECK enum err db_copy_end(struct db *db, const char *stopped);

#endif
