/* Versions of the catalogue in the database: proposed by one person, published by another, in force everywhere. */
#include <pthread.h>
#include <string.h>
#include "payments/fees/catalogue.h"

const char *const catalogue_step_names[] = {"proposed", "open", "in_force", "approved", "published", NULL};

static const struct db_statement in_force_sql = {"catalogue_in_force", "SELECT catalogue_in_force()"};
static const struct db_statement files_sql = {
    "catalogue_files",
    "SELECT fees, reductions, categories, procedures, \"values\" FROM catalogue_version WHERE version = $1"};
static const struct db_statement adopt_sql = {"catalogue_adopt",
                                              "SELECT catalogue_adopt($1, $2, $3, $4, $5, $6, $7, $8)"};
static const struct db_statement propose_sql = {"catalogue_propose",
                                                "SELECT catalogue_propose($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
static const struct db_statement approve_sql = {"catalogue_approve", "SELECT catalogue_approve($1, $2, $3)"};
static const struct db_statement withdraw_sql = {"catalogue_withdraw", "SELECT catalogue_withdraw($1, $2, $3, $4)"};
static const struct db_statement list_sql = {
    "catalogue_versions",
    "SELECT p.version, p.base_version, p.note, p.proposed_by, p.proposed_at, d.decided_by, d.decided_at, d.reason,"
    " CASE WHEN d.outcome IS NULL THEN 'draft' WHEN d.outcome = 'withdrawn' THEN 'withdrawn'"
    " WHEN d.ordinal = (SELECT max(ordinal) FROM catalogue_decision) THEN 'in_force' ELSE 'published' END,"
    " (SELECT string_agg(a.approved_by, ', ' ORDER BY a.approved_at) FROM catalogue_approval a WHERE a.proposal_id = "
    "p.id)"
    " FROM catalogue_proposal p LEFT JOIN catalogue_decision d ON d.proposal_id = p.id ORDER BY p.id DESC LIMIT 500"};

static void arg_sheets(struct db_args *args, const struct catalogue_files *files)
{
    const struct text sheets[] = {files->fees, files->reductions, files->categories, files->procedures, files->values};
    uint8_t digest[SHA256_SIZE];
    catalogue_digest(files, digest);
    db_arg_bytes(args, digest, sizeof digest);
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++)
        db_arg_bytes(args, sheets[i].at, sheets[i].length);
}

enum err catalogue_version_files(struct db *db, struct arena *arena, struct text version,
                                 struct catalogue_files *ret_files)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, version);
    enum err err = db_query(db, &files_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    struct text *const sheets[] = {&ret_files->fees, &ret_files->reductions, &ret_files->categories,
                                   &ret_files->procedures, &ret_files->values};
    for (int i = 0; i < 5; i++) {
        *sheets[i] = db_bytes(&rows, 0, i, arena);
        ret_files->names[i] = catalogue_file_names[i];
    }
    return OK;
}

/* A stored version was checked before it was stored; a program that reads it otherwise than the one that stored it says
 * so and keeps what it has. */
static enum err version_read(struct db *db, struct arena *arena, struct text version, struct catalogue **ret_catalogue)
{
    struct catalogue_files files;
    struct catalogue *catalogue;
    struct faults faults;
    faults_init(&faults, arena);
    enum err err = catalogue_version_files(db, arena, version, &files);
    if (!err)
        err = catalogue_read(&files, &faults, &catalogue);
    if (err)
        return err;
    if (!text_is(version, catalogue_version(catalogue))) {
        catalogue_drop(catalogue);
        return ERR_CATALOGUE;
    }
    *ret_catalogue = catalogue;
    return OK;
}

/* ---- in force here --------------------------------------------------------------------------------------------- */

enum err catalogue_refresh(struct db *db, struct arena *arena)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &in_force_sql, &args, &rows);
    if (err || db_null(&rows, 0, 0))
        return err;
    struct text version = db_text(&rows, 0, 0);
    struct catalogue *now = catalogue_in_force_hold(), *next;
    bool known = now && text_is(version, catalogue_version(now));
    catalogue_drop(now);
    if (known)
        return OK;
    err = catalogue_version_hold(db, arena, version, &next);
    if (!err)
        catalogue_in_force_set(next);
    return err;
}

enum err catalogue_start(struct db *db, const char *folder, instant_us at, struct faults *faults)
{
    struct catalogue_files files;
    struct catalogue *shipped;
    enum err err = catalogue_files_read(folder, faults->arena, faults, &files);
    if (!err)
        err = catalogue_read(&files, faults, &shipped);
    if (err)
        return err;
    struct db_args args = db_args(faults->arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, catalogue_version(shipped));
    arg_sheets(&args, &files);
    err = db_query(db, &adopt_sql, &args, &rows);
    if (!err && text_is(db_text(&rows, 0, 0), catalogue_version(shipped))) {
        catalogue_in_force_set(shipped);
        return OK;
    }
    catalogue_drop(shipped);
    return err ? err : catalogue_refresh(db, faults->arena);
}

/* ---- versions of old quotes ------------------------------------------------------------------------------------ */

/* The last few versions asked for: old quotes come in runs, and a stranger who names versions at random must not make
 * the database work for each. */
enum { KEPT_MAX = 4 };
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct catalogue *kept[KEPT_MAX]; /* newest first */

static struct catalogue *kept_hold(struct text version)
{
    struct catalogue *found = NULL;
    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < KEPT_MAX && !found; i++)
        if (kept[i] && text_is(version, catalogue_version(kept[i])))
            found = catalogue_hold(kept[i]);
    pthread_mutex_unlock(&kept_lock);
    return found;
}

static void keep(struct catalogue *catalogue)
{
    pthread_mutex_lock(&kept_lock);
    catalogue_drop(kept[KEPT_MAX - 1]);
    memmove(kept + 1, kept, (KEPT_MAX - 1) * sizeof *kept);
    kept[0] = catalogue_hold(catalogue);
    pthread_mutex_unlock(&kept_lock);
}

void catalogue_versions_forget(void)
{
    pthread_mutex_lock(&kept_lock);
    for (int i = 0; i < KEPT_MAX; i++) {
        catalogue_drop(kept[i]);
        kept[i] = NULL;
    }
    pthread_mutex_unlock(&kept_lock);
}

enum err catalogue_version_hold(struct db *db, struct arena *arena, struct text version,
                                struct catalogue **ret_catalogue)
{
    struct catalogue *now = catalogue_in_force_hold();
    if (now && text_is(version, catalogue_version(now))) {
        *ret_catalogue = now;
        return OK;
    }
    catalogue_drop(now);
    *ret_catalogue = kept_hold(version);
    if (*ret_catalogue)
        return OK;
    enum err err = version_read(db, arena, version, ret_catalogue);
    if (!err)
        keep(*ret_catalogue);
    return err;
}

/* ---- two people ------------------------------------------------------------------------------------------------ */

static enum err step_of(struct text word, enum catalogue_step *ret_step)
{
    for (int i = 0; catalogue_step_names[i]; i++)
        if (text_is(word, catalogue_step_names[i])) {
            *ret_step = (enum catalogue_step)i;
            return OK;
        }
    return text_is(word, "second_person") ? ERR_SECOND_PERSON : text_is(word, "stale") ? ERR_CONFLICT : ERR_NOT_FOUND;
}

enum err catalogue_propose(struct db *db, struct arena *arena, const struct catalogue *catalogue,
                           const struct catalogue_files *files, const char *actor, struct text note, instant_us at,
                           enum catalogue_step *ret_step)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_string(&args, catalogue_version(catalogue));
    arg_sheets(&args, files);
    db_arg_text(&args, note.at ? note : TEXT(""));
    enum err err = db_query(db, &propose_sql, &args, &rows);
    return err ? err : step_of(db_text(&rows, 0, 0), ret_step);
}

enum err catalogue_approve(struct db *db, struct arena *arena, struct text version, const char *actor, instant_us at,
                           enum catalogue_step *ret_step)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, version);
    enum err err = db_query(db, &approve_sql, &args, &rows);
    return err ? err : step_of(db_text(&rows, 0, 0), ret_step);
}

enum err catalogue_withdraw(struct db *db, struct arena *arena, struct text version, const char *actor,
                            struct text reason, instant_us at)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, version);
    db_arg_text(&args, reason);
    enum err err = db_query(db, &withdraw_sql, &args, &rows);
    return err ? err : text_is(db_text(&rows, 0, 0), "withdrawn") ? OK : ERR_NOT_FOUND;
}

enum err catalogue_versions(struct db *db, struct arena *arena, struct catalogue_entry_of_list **ret_list,
                            size_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &list_sql, &args, &rows);
    if (err)
        return err;
    *ret_list = ARENA_ARRAY(arena, struct catalogue_entry_of_list, rows.count + 1);
    *ret_count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++)
        (*ret_list)[i] = (struct catalogue_entry_of_list){.version = db_text(&rows, i, 0),
                                                          .base_version = db_text(&rows, i, 1),
                                                          .note = db_text(&rows, i, 2),
                                                          .proposed_by = db_text(&rows, i, 3),
                                                          .proposed_at = db_instant(&rows, i, 4),
                                                          .decided_by = db_text(&rows, i, 5),
                                                          .decided_at = db_instant(&rows, i, 6),
                                                          .reason = db_text(&rows, i, 7),
                                                          .state = db_text(&rows, i, 8),
                                                          .approvals = db_text(&rows, i, 9)};
    return OK;
}
