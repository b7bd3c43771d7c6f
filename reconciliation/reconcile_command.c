/* lephi statement import FILE and lephi reconcile [--date D]. */
#include "reconciliation/drop/fetch.h"
#include "reconciliation/statement_import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int said_no(const char *name, const char *what, enum err err, const struct db *db)
{
    bool of_database = err == ERR_DATABASE || err == ERR_INTERNAL || err == ERR_TIMEOUT || err == ERR_RETRY;
    fprintf(stderr, "%s: %s%s%s%s%s\n", name, what, *what ? ": " : "", err_info(err)->en, of_database ? ": " : "",
            of_database ? db_error(db) : "");
    return 1;
}

static int import_bytes(struct db *db, const char *path, struct text bytes, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    const struct statement_import_order order = {bytes, slash ? slash + 1 : path, "system:command", clock_now()};
    struct text json;
    enum err err = statement_import(db, arena, &order, &json);
    if (err == ERR_STATEMENT_FORMAT || err == ERR_STATEMENT_SYNTAX) {
        struct faults faults;
        faults_init(&faults, arena);
        statement_why(bytes, &faults);
        for (size_t i = 0; i < faults.count; i++)
            fprintf(stderr, "lephi statement import: %s: %s: %s\n", path, faults.list[i].where, faults.list[i].detail);
    }
    if (err)
        return said_no("lephi statement import", path, err, db);
    printf("%.*s\n", TEXT_ARGS(json));
    return text_find(json, TEXT("\"state\": \"quarantined\"")) < json.length;
}

/* The file is mapped, not read: a gigabyte stays on disk until its page is parsed. */
static int import_file(struct db *db, const char *path)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat)) {
        fprintf(stderr, "lephi statement import: %s: %s\n", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return 1;
    }
    size_t size = S_ISREG(stat.st_mode) ? (size_t)stat.st_size : 0;
    void *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (at == MAP_FAILED || !size) {
        fprintf(stderr, "lephi statement import: %s: %s\n", path, size ? strerror(errno) : "empty, or no regular file");
        return 1;
    }
    struct arena arena;
    arena_init(&arena);
    int code = import_bytes(db, path, (struct text){at, size}, &arena);
    arena_done(&arena);
    munmap(at, size);
    return code;
}

int statement_import_command(struct db *db, int argc, char **argv)
{
    if (argc != 3 || (argv[2][0] == '-')) {
        fputs("Usage: lephi statement import FILE\n", stderr);
        return 2;
    }
    return import_file(db, argv[2]);
}

/* After each night the whole house is looked at: what breaks is kept (`lephi report daily`, GET /v1/days/{date}) until
 * a night finds it no more, and told by problem; `lephi report breaks` names each row. The summary itself stays a
 * function of the day. Receipts still being signed count as breaks until they are there. */
static void audit_tell(struct db *db, struct arena *arena, date_days day)
{
    static const struct db_statement audit = {"audit_findings_take",
                                              "SELECT problem, count FROM audit_findings_take($1, $2)"};
    struct db_args args = db_args(arena);
    db_arg_instant(&args, clock_now());
    db_arg_date(&args, day);
    struct db_rows rows;
    enum err err = db_query(db, &audit, &args, &rows);
    if (err) {
        fprintf(stderr, "lephi reconcile: the audit did not run: %s\n", err_info(err)->en);
        return;
    }
    fprintf(stderr, "lephi reconcile: audit: %s\n", rows.count ? "breaks, see `lephi report breaks`" : "no break");
    for (int i = 0; i < rows.count; i++)
        fprintf(stderr, "lephi reconcile: audit: %.*s %lld\n", TEXT_ARGS(db_text(&rows, i, 0)),
                (long long)db_int(&rows, i, 1));
}

int reconcile_command(struct db *db, int argc, char **argv)
{
    date_days day = date_of(clock_now()) - 1;
    for (int at = 1; at < argc; at += 2)
        if (at + 1 == argc || strcmp(argv[at], "--date") != 0 || !date_parse(text_of(argv[at + 1]), &day)) {
            fputs("Usage: lephi reconcile [--date YYYY-MM-DD]\n", stderr);
            return 2;
        }
    struct arena arena;
    arena_init(&arena);
    int64_t run;
    struct text json;
    drops_fetch_nightly(db);
    enum err err = reconcile(db, &arena, day, "system:command", clock_now(), &run, &json);
    int code = err ? said_no("lephi reconcile", "", err, db) : 0;
    if (!err)
        printf("%.*s\n", TEXT_ARGS(json));
    if (!err)
        audit_tell(db, &arena, day);
    arena_done(&arena);
    return code;
}
