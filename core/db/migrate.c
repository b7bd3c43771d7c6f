#include "core/db/migrate.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/base/file.h"

enum { MIGRATIONS_MAX = 1000, MIGRATION_SIZE_MAX = 4 << 20 };

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migration ("
                                " number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
                                " applied_at timestamptz NOT NULL)";
/* One lock per schema, held by the session while it migrates. */
static const struct db_statement lock_sql = {"migrate_lock",
                                             "SELECT pg_advisory_lock(hashtext('migrate ' || current_schema()))"};
static const struct db_statement unlock_sql = {"migrate_unlock",
                                               "SELECT pg_advisory_unlock(hashtext('migrate ' || current_schema()))"};
static const struct db_statement known_sql = {"migrate_known",
                                              "SELECT number, name, sha256 FROM schema_migration ORDER BY number"};
static const struct db_statement record_sql = {"migrate_record",
                                               "INSERT INTO schema_migration VALUES ($1, $2, $3, $4)"};
static const struct db_statement exists_sql = {"migrate_exists", "SELECT to_regclass('schema_migration') IS NOT NULL"};

struct migration {
    int number; /* of its name; rooms take numbers ahead, so there may be holes, filled in order when they come */
    bool applied;
    const char *name;
    const char *sql;
    char sha256[HEX_SHA256_SIZE];
};

struct folder {
    struct arena *arena;
    int count;
    struct migration list[MIGRATIONS_MAX];
};

static int is_migration(const struct dirent *entry)
{
    struct text name = text_of(entry->d_name);
    for (size_t i = 0; i < 4; i++)
        if (name.length < 10 || name.at[i] < '0' || name.at[i] > '9')
            return 0;
    return name.at[4] == '-' && text_ends(name, ".sql");
}

static enum err read_one(struct folder *folder, const char *path, const char *name, struct faults *faults)
{
    struct migration *m = &folder->list[folder->count];
    struct text sql;
    enum err err = file_read(arena_printf(folder->arena, "%s/%s", path, name), MIGRATION_SIZE_MAX, folder->arena, &sql);
    if (err)
        return faults_add(faults, name, err, NULL);
    m->number = atoi(name);
    if (folder->count && m->number == folder->list[folder->count - 1].number)
        return faults_add(faults, name, ERR_CONFIG, "Hai tệp có cùng số thứ tự %04d", m->number);
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(sql, digest);
    hex_encode(digest, sizeof digest, m->sha256);
    m->name = arena_copy(folder->arena, text_of(name));
    m->sql = sql.at;
    folder->count++;
    return OK;
}

static enum err read_folder(const char *path, struct faults *faults, struct folder *folder)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_migration, alphasort);
    if (count < 0)
        return faults_add(faults, path, ERR_IO, NULL);
    enum err err = count > MIGRATIONS_MAX ? ERR_CONFIG : OK;
    for (int i = 0; i < count; i++) {
        if (!err)
            err = read_one(folder, path, entries[i]->d_name, faults);
        free(entries[i]);
    }
    free(entries);
    return err;
}

/* Compares what was applied with what lies here; writes how many were applied. */
static enum err compare(struct db *db, struct folder *folder, struct faults *faults, int *ret_present)
{
    struct db_args none = db_args(folder->arena);
    struct db_rows rows;
    enum err err = db_query(db, &known_sql, &none, &rows);
    if (err)
        return err;
    for (int i = 0; i < rows.count; i++) {
        struct text name = db_text(&rows, i, 1);
        struct migration *m = NULL;
        for (int k = 0; k < folder->count && !m; k++)
            m = text_is(name, folder->list[k].name) ? &folder->list[k] : NULL;
        if (!m)
            err = faults_add(faults, arena_copy(folder->arena, name), ERR_CONFIG,
                             "Đã chạy trên cơ sở dữ liệu nhưng thiếu tệp ở đây");
        else if (!text_is(db_text(&rows, i, 2), m->sha256))
            err = faults_add(faults, m->name, ERR_CONFIG, "Tệp đã bị sửa sau khi chạy");
        else
            m->applied = true;
    }
    *ret_present = rows.count;
    return err;
}

struct application {
    const struct migration *migration;
    struct arena *arena;
    instant_us at;
};

static enum err apply(struct db *db, void *with)
{
    struct application *a = with;
    enum err err = db_script(db, a->migration->sql);
    if (err)
        return err;
    struct db_args args = db_args(a->arena);
    db_arg_int(&args, a->migration->number);
    db_arg_string(&args, a->migration->name);
    db_arg_string(&args, a->migration->sha256);
    db_arg_instant(&args, a->at);
    return db_run(db, &record_sql, &args);
}

static enum err apply_missing(struct db *db, struct folder *folder, instant_us at, struct faults *faults,
                              struct migrate_result *result)
{
    enum err err = compare(db, folder, faults, &result->present);
    for (int i = 0; !err && i < folder->count; i++) {
        if (folder->list[i].applied)
            continue;
        struct application one = {&folder->list[i], folder->arena, at};
        err = db_transact(db, clock_monotonic_us(), apply, &one);
        if (err)
            faults_add(faults, folder->list[i].name, err, "%s", db_error(db));
        else
            result->applied++;
    }
    return err;
}

enum err migrate(struct db *db, const char *path, instant_us at, struct faults *faults,
                 struct migrate_result *ret_result)
{
    struct folder *folder = ARENA_NEW(faults->arena, struct folder);
    folder->arena = faults->arena;
    enum err err = read_folder(path, faults, folder);
    if (err)
        return err;
    struct db_args none = db_args(faults->arena);
    err = db_script(db, "SET lock_timeout = 0; SET statement_timeout = 0");
    if (!err)
        err = db_run(db, &lock_sql, &none);
    if (!err)
        err = db_script(db, table_sql);
    struct migrate_result result = {0};
    if (!err)
        err = apply_missing(db, folder, at, faults, &result);
    if (db_run(db, &unlock_sql, &none) && !err)
        err = ERR_DATABASE;
    if (!err)
        *ret_result = result;
    else if (!faults->count)
        faults_add(faults, "database", err, "%s", db_error(db));
    return err;
}

enum err migrate_pending(struct db *db, const char *path, struct faults *faults, int *ret_pending)
{
    struct folder *folder = ARENA_NEW(faults->arena, struct folder);
    folder->arena = faults->arena;
    struct db_args none = db_args(faults->arena);
    struct db_rows rows;
    int present = 0;
    enum err err = read_folder(path, faults, folder);
    if (!err)
        err = db_query(db, &exists_sql, &none, &rows);
    if (!err && db_bool(&rows, 0, 0))
        err = compare(db, folder, faults, &present);
    if (!err)
        *ret_pending = folder->count - present;
    return err;
}
