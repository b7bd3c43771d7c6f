/* lephi statement fetch [NAME], the fetching before the nightly run, and the job that goes back to a drop that failed.
 */
#include "core/system/config.h"
#include "reconciliation/drop/drop.h"
#include "reconciliation/drop/fetch.h"

#include <stdio.h>
#include <string.h>

static const struct db_statement again = {"statement_fetch_again", "SELECT statement_fetch_again($1, $2)"};

static enum err come_back(struct db *db, struct arena *arena, const char *name)
{
    struct db_args args = db_args(arena);
    db_arg_string(&args, name);
    db_arg_instant(&args, clock_now());
    return db_run(db, &again, &args);
}

static void print_faults(const char *command, const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "%s: %s: %s\n", command, faults->list[i].where, faults->list[i].detail);
}

static bool needs_people(struct text told)
{
    return text_find(told, TEXT("\"outcome\":\"quarantined\"")) < told.length ||
           text_find(told, TEXT("\"outcome\":\"refused\"")) < told.length ||
           text_find(told, TEXT("\"outcome\":\"partial\"")) < told.length;
}

static enum err fetch_one(struct db *db, struct arena *arena, const char *name, struct text *ret_told)
{
    struct faults faults;
    struct drop drop;
    int64_t taken;
    faults_init(&faults, arena);
    if (!drop_read(name, &faults, &drop)) {
        print_faults("lephi statement fetch", &faults);
        return ERR_CONFIG;
    }
    enum err err = drop_visit(db, arena, &drop, "system:command", &taken, ret_told);
    if (err)
        fprintf(stderr, "lephi statement fetch: %s: %s\n", name,
                err == ERR_NETWORK       ? "not received, see detail"
                : err == ERR_UNAVAILABLE ? "not everything was taken, see detail"
                                         : db_error(db));
    return err;
}

int statement_fetch_command(struct db *db, int argc, char **argv)
{
    const char *names[DROPS_MAX];
    size_t count = config_accounts("drop", names, DROPS_MAX), fetched = 0;
    if (argc > 3 || (argc == 3 && argv[2][0] == '-')) {
        fputs("Usage: lephi statement fetch [NAME]\n", stderr);
        return 2;
    }
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        if (argc == 3 && strcmp(argv[2], names[i]) != 0)
            continue;
        struct arena arena;
        struct text told = TEXT_NONE;
        arena_init(&arena);
        enum err err = fetch_one(db, &arena, names[i], &told);
        if (told.length)
            printf("%.*s\n", TEXT_ARGS(told));
        if (err == ERR_CONFIG)
            code = 2;
        else if (!code)
            code = err || needs_people(told);
        fetched++;
        arena_done(&arena);
    }
    if (fetched)
        return code;
    fprintf(stderr,
            argc == 3 ? "lephi statement fetch: no [drop.%s] in the configuration\n"
                      : "lephi statement fetch: no [drop.NAME] in the configuration%s\n",
            argc == 3 ? argv[2] : "");
    return 2;
}

void drops_fetch_nightly(struct db *db)
{
    const char *names[DROPS_MAX];
    size_t count = config_accounts("drop", names, DROPS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        struct text told = TEXT_NONE;
        arena_init(&arena);
        enum err err = fetch_one(db, &arena, names[i], &told);
        fprintf(stderr, "lephi reconcile: drop %s: %.*s\n", names[i], TEXT_ARGS(told));
        if (err && come_back(db, &arena, names[i]))
            fprintf(stderr, "lephi reconcile: drop %s: the retry was not written: %s\n", names[i], db_error(db));
        arena_done(&arena);
    }
}

/* A statement that came late is reconciled at once: only what it touches moves. */
static enum err fetch_and_reconcile(struct db *db, struct arena *arena, const struct drop *drop, struct job *job)
{
    int64_t taken = 0, run;
    struct text told = TEXT_NONE, summary;
    enum err err = drop_visit(db, arena, drop, "system:jobs", &taken, &told);
    if (err)
        job->problem = told;
    if (!taken)
        return err;
    enum err reconciled = reconcile(db, arena, date_of(clock_now()) - 1, "system:jobs", clock_now(), &run, &summary);
    return err ? err : reconciled;
}

void statement_fetch_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        struct faults faults;
        struct drop drop;
        faults_init(&faults, arena);
        const char *name = arena_copy(arena, jobs[i].key);
        if (drop_read(name, &faults, &drop)) {
            jobs[i].outcome = fetch_and_reconcile(db, arena, &drop, &jobs[i]);
        } else {
            jobs[i].outcome = ERR_CONFIG;
            jobs[i].problem = faults.count ? text_of(faults.list[0].detail) : TEXT_NONE;
        }
    }
}
