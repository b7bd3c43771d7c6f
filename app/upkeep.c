/* What an operator does to an installation: migrate, load the province, publish the catalogue, look whether all is
 * well. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include "payments/fees/fees.h"
#include "receipts/receipts.h"

int command_migrate(int argc, char **argv)
{
    if (argc != 1)
        return app_usage(argv[0], NULL);
    int status = app_configure();
    struct db *db = status ? NULL : app_db();
    if (!db)
        return status ? status : EXIT_FAILED;
    struct arena arena;
    struct faults faults;
    struct migrate_result result;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = migrate(db, config_text(CONFIG_PATHS_SQL), clock_now(), &faults, &result);
    if (err)
        app_print_faults(&faults);
    else
        printf("{\"applied\": %d, \"present\": %d}\n", result.applied, result.present);
    arena_done(&arena);
    db_close(db);
    return err ? EXIT_FAILED : EXIT_DONE;
}

int command_province(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "import"))
        return app_usage(argv[0], NULL);
    int status = app_configure();
    struct db *db = status ? NULL : app_db();
    if (!db)
        return status ? status : EXIT_FAILED;
    struct arena arena;
    struct faults faults;
    int64_t rows;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = province_import(db, argv[2], &faults, &rows);
    if (err)
        app_print_faults(&faults);
    else
        printf("{\"rows\": %lld}\n", (long long)rows);
    arena_done(&arena);
    db_close(db);
    return err ? EXIT_FAILED : EXIT_DONE;
}

/* One line of `lephi check`. */
static int told(const char *what, enum err err, const char *detail)
{
    printf("%-14s %s  %s\n", what, err ? "FAILED" : "ok", detail);
    return err ? EXIT_FAILED : EXIT_DONE;
}

static int check_database(struct arena *arena, struct faults *faults)
{
    struct db *db = app_db();
    if (!db)
        return told("database", ERR_DATABASE, "");
    int pending = 0;
    enum err err = migrate_pending(db, config_text(CONFIG_PATHS_SQL), faults, &pending);
    db_close(db);
    if (!err && pending)
        err = ERR_CONFIG;
    return told("database", err, pending ? arena_printf(arena, "%d migrations to apply: lephi migrate", pending) : "");
}

static int check_catalogue(struct arena *arena, struct faults *faults)
{
    struct catalogue *catalogue;
    enum err err = catalogue_load(config_text(CONFIG_PATHS_CATALOGUE), faults, &catalogue);
    const char *version =
        err ? config_text(CONFIG_PATHS_CATALOGUE) : arena_copy(arena, text_of(catalogue_version(catalogue)));
    if (!err)
        catalogue_drop(catalogue);
    return told("catalogue", err, version);
}

static int check_clock(struct arena *arena)
{
    char now[INSTANT_TEXT_SIZE];
    instant_format(clock_now(), now);
    long long shift_s = config_int(CONFIG_CLOCK_OFFSET);
    return told("clock", OK,
                shift_s ? arena_printf(arena, "%s, shifted by %lld s: a training system", now, shift_s) : now);
}

static int check_disk(struct arena *arena)
{
    struct statvfs disk;
    enum { FREE_MIN_MIB = 512 };
    const char *folder = config_text(CONFIG_PATHS_DATA);
    if (statvfs(folder && *folder ? folder : ".", &disk))
        return told("disk", ERR_IO, folder);
    unsigned long long free_mib = (unsigned long long)disk.f_bavail * disk.f_frsize >> 20;
    return told("disk", free_mib < FREE_MIN_MIB ? ERR_IO : OK, arena_printf(arena, "%llu MiB free", free_mib));
}

/* One line for each key that receipts are signed with. */
static int check_keys(struct arena *arena)
{
    struct faults faults;
    struct receipt_office *office;
    struct buf words = {0};
    faults_init(&faults, arena);
    (void)!receipt_office_open(&office, &faults);
    enum err err = receipt_office_check(office, clock_now(), arena, &faults, &words);
    int status = told("receipt keys", err, buf_cstr(&words));
    app_print_faults(&faults);
    buf_done(&words);
    receipt_office_free(office);
    return status;
}

int command_check(int argc, char **argv)
{
    if (argc != 1)
        return app_usage(argv[0], NULL);
    int status = app_configure();
    if (status)
        return status;
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    status |= told("configuration", config_check(&faults), "");
    status |= check_database(&arena, &faults);
    status |= check_catalogue(&arena, &faults);
    status |= told("secret", config_set(CONFIG_SERVER_SECRET) ? OK : ERR_CONFIG, "");
    status |= check_keys(&arena);
    status |= check_clock(&arena);
    status |= check_disk(&arena);
    app_print_faults(&faults);
    arena_done(&arena);
    return status;
}
