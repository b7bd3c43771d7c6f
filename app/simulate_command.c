/* `lephi simulate`: what a draft would have cost, from the real quotes of a period. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "payments/requests/requests.h"

static enum err draft_find(struct db *db, const char *given, struct faults *faults, struct catalogue **ret_draft)
{
    struct stat about;
    if (!stat(given, &about))
        return catalogue_load(given, faults, ret_draft);
    return catalogue_version_hold(db, faults->arena, text_of(given), ret_draft);
}

static int simulate(const char *catalogue, struct simulation_order *order, struct db *db, struct arena *arena)
{
    struct faults faults;
    struct simulation simulation = {0};
    struct catalogue *draft = NULL, *base = NULL;
    faults_init(&faults, arena);
    int64_t started_us = clock_monotonic_us();
    enum err err = catalogue_start(db, config_text(CONFIG_PATHS_CATALOGUE), clock_now(), &faults);
    if (!err)
        err = draft_find(db, catalogue, &faults, &draft);
    base = catalogue_in_force_hold();
    order->draft = draft;
    order->base = base;
    if (!err)
        err = simulation_run(db, order, arena, &simulation);
    app_print_faults(&faults);
    if (err && !faults.count)
        fprintf(stderr, "lephi simulate: %s (%s)\n", err_info(err)->vi, err_info(err)->code);
    if (!err) {
        struct buf out = {0};
        struct json json = json_to(&out);
        simulation_write(&json, &simulation);
        printf("%s\n", buf_cstr(&out));
        buf_done(&out);
        fprintf(stderr, "%lld báo giá trong %lld ms\n",
                (long long)simulation.all.quotes + (long long)simulation.unpriced,
                ((long long)clock_monotonic_us() - (long long)started_us) / 1000);
    }
    catalogue_drop(draft);
    catalogue_drop(base);
    catalogue_in_force_set(NULL);
    catalogue_versions_forget();
    return err ? EXIT_FAILED : EXIT_DONE;
}

int command_simulate(int argc, char **argv)
{
    struct simulation_order order = {.from = DATE_NONE, .to = DATE_NONE, .as_of = DATE_NONE};
    const char *catalogue = NULL;
    bool good = argc % 2 == 1;
    for (int i = 1; good && i + 1 < argc; i += 2) {
        date_days *day = !strcmp(argv[i], "--from")    ? &order.from
                         : !strcmp(argv[i], "--to")    ? &order.to
                         : !strcmp(argv[i], "--as-of") ? &order.as_of
                                                       : NULL;
        if (!strcmp(argv[i], "--catalogue"))
            catalogue = argv[i + 1];
        else
            good = day && date_parse(text_of(argv[i + 1]), day);
    }
    if (!good || !catalogue || order.from == DATE_NONE || order.to == DATE_NONE || order.to < order.from)
        return app_usage(argv[0], NULL);
    int status = app_configure();
    struct db *db = status ? NULL : app_db();
    if (!db)
        return status ? status : EXIT_FAILED;
    struct arena arena;
    arena_init(&arena);
    status = simulate(catalogue, &order, db, &arena);
    arena_done(&arena);
    db_close(db);
    return status;
}
