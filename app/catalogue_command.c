/* `lephi catalogue`: from a folder of sheets to what citizens are charged. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "payments/fees/fees.h"

enum { FILES_MAX = 16 };

struct options {
    int count;
    char *words[FILES_MAX]; /* files, or a version */
    const char *by, *note;
    bool dry_run, json;
};

static bool options_read(int argc, char **argv, struct options *ret)
{
    *ret = (struct options){.by = NULL};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--dry-run"))
            ret->dry_run = true;
        else if (!strcmp(argv[i], "--json"))
            ret->json = true;
        else if (!strcmp(argv[i], "--by") && i + 1 < argc)
            ret->by = argv[++i];
        else if (!strcmp(argv[i], "--note") && i + 1 < argc)
            ret->note = argv[++i];
        else if (argv[i][0] == '-' || ret->count == FILES_MAX)
            return false;
        else
            ret->words[ret->count++] = argv[i];
    }
    return true;
}

/* The member of staff who acts at this terminal, proven by the password; "operator:name" when nobody is named. */
static enum err actor_of(struct db *db, struct arena *arena, const char *login, const char **ret_actor)
{
    char password[256] = "", token[TOKEN_TEXT_SIZE];
    if (!login) {
        *ret_actor = arena_printf(arena, "operator:%lld", (long long)getuid());
        return OK;
    }
    if (!fgets(password, sizeof password, stdin))
        return ERR_UNAUTHENTICATED;
    password[strcspn(password, "\r\n")] = '\0';
    instant_us at = clock_now();
    enum err err = auth_login(db, arena, text_of(login), text_of(password), at, token);
    struct caller caller = {0};
    if (!err)
        err = auth_session_find(db, arena, text_of(token), at, &caller);
    if (!err)
        err = auth_logout(db, arena, text_of(token), at);
    if (!err && !(caller.roles & (ROLE_FINANCE | ROLE_SUPERVISOR | ROLE_ADMIN)))
        err = ERR_FORBIDDEN;
    if (!err)
        *ret_actor = arena_printf(arena, "staff:%s", login);
    return err;
}

/* A folder is its five sheets; files alone replace those of the version in force, by what their header says. */
static enum err sheets_read(struct db *db, const struct options *options, struct faults *faults,
                            struct catalogue_files *ret_files)
{
    struct stat about;
    struct arena *arena = faults->arena;
    if (options->count == 1 && !stat(options->words[0], &about) && S_ISDIR(about.st_mode))
        return catalogue_files_read(options->words[0], arena, faults, ret_files);
    struct catalogue *now = catalogue_in_force_hold();
    struct text version = arena_text(arena, text_of(now ? catalogue_version(now) : ""));
    catalogue_drop(now);
    enum err err = catalogue_version_files(db, arena, version, ret_files);
    return err ? err : catalogue_files_replace(options->words, (size_t)options->count, faults, ret_files);
}

static void print_difference(const struct catalogue_difference *difference, bool as_json)
{
    struct buf out = {0};
    if (as_json) {
        struct json json = json_to(&out);
        catalogue_difference_write_as(&json, NULL, difference);
        printf("%s\n", buf_cstr(&out));
        buf_done(&out);
        return;
    }
    printf("Đang áp dụng %s, bản mới %s: %zu thay đổi\n", difference->before, difference->after,
           difference->count + difference->dropped);
    for (size_t i = 0; i < difference->count; i++) {
        buf_clear(&out);
        catalogue_change_say(&difference->list[i], &out);
        printf("- %s\n", buf_cstr(&out));
    }
    if (difference->dropped)
        printf("… và %zu thay đổi nữa\n", difference->dropped);
    buf_done(&out);
}

static int import(struct db *db, const struct options *options, struct arena *arena, struct faults *faults)
{
    struct catalogue_files files;
    struct catalogue *catalogue = NULL, *now = NULL;
    struct catalogue_difference difference;
    enum catalogue_step step = CATALOGUE_OPEN;
    const char *actor = NULL;
    date_days today = date_of(clock_now());
    enum err err = sheets_read(db, options, faults, &files);
    if (!err)
        err = catalogue_read(&files, faults, &catalogue);
    if (!err)
        err = catalogue_check(catalogue, &files, today, faults);
    if (!err) {
        now = catalogue_in_force_hold();
        catalogue_compare(now ? now : catalogue, catalogue, today, arena, &difference);
        print_difference(&difference, options->json);
    }
    if (!err && !options->dry_run)
        err = actor_of(db, arena, options->by, &actor);
    if (!err && !options->dry_run)
        err = catalogue_propose(db, arena, catalogue, &files, actor, text_of(options->note ? options->note : ""),
                                clock_now(), &step);
    if (!err && !options->dry_run)
        fprintf(stderr, "%s: %s\n", catalogue_version(catalogue),
                step == CATALOGUE_IN_FORCE ? "đang áp dụng, không có gì thay đổi"
                                           : "bản dự thảo, chờ người khác duyệt: lephi catalogue approve");
    catalogue_drop(catalogue);
    catalogue_drop(now);
    return err;
}

static int approve(struct db *db, const struct options *options, struct arena *arena)
{
    const char *actor;
    enum catalogue_step step;
    enum err err = actor_of(db, arena, options->by, &actor);
    if (!err)
        err = catalogue_approve(db, arena, text_of(options->words[0]), actor, clock_now(), &step);
    if (!err)
        printf("{\"version\": \"%s\", \"state\": \"%s\"}\n", options->words[0],
               step == CATALOGUE_PUBLISHED ? "in_force" : "draft");
    return err;
}

static int withdraw(struct db *db, const struct options *options, struct arena *arena)
{
    const char *actor;
    enum err err = actor_of(db, arena, options->by, &actor);
    if (!err)
        err = catalogue_withdraw(db, arena, text_of(options->words[0]), actor, text_of(options->note), clock_now());
    if (!err)
        printf("{\"version\": \"%s\", \"state\": \"withdrawn\"}\n", options->words[0]);
    return err;
}

static int list(struct db *db, struct arena *arena)
{
    struct catalogue_entry_of_list *entries;
    size_t count = 0;
    enum err err = catalogue_versions(db, arena, &entries, &count);
    for (size_t i = 0; !err && i < count; i++) {
        char when[INSTANT_TEXT_SIZE];
        instant_format_vi(entries[i].decided_at != INSTANT_NONE ? entries[i].decided_at : entries[i].proposed_at, when);
        printf("%.*s  %-9.*s  %s  %.*s  %.*s  %.*s\n", TEXT_ARGS(entries[i].version), TEXT_ARGS(entries[i].state), when,
               TEXT_ARGS(entries[i].proposed_by), TEXT_ARGS(entries[i].decided_by), TEXT_ARGS(entries[i].note));
    }
    return err;
}

static int requote(struct db *db, const struct options *options, struct arena *arena, struct faults *faults)
{
    struct quote quote;
    struct catalogue *catalogue;
    enum err err = quote_again(db, text_of(options->words[0]), arena, faults, &quote, &catalogue);
    if (err)
        return err;
    struct buf out = {0};
    struct json json = json_to(&out);
    quote_write(&json, &quote);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    catalogue_drop(catalogue);
    return OK;
}

static int act(const char *word, const struct options *options)
{
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    int status = app_configure();
    struct db *db = status ? NULL : app_db();
    if (!db) {
        arena_done(&arena);
        return status ? status : EXIT_FAILED;
    }
    enum err err = catalogue_start(db, config_text(CONFIG_PATHS_CATALOGUE), clock_now(), &faults);
    if (!err)
        err = !strcmp(word, "import")    ? import(db, options, &arena, &faults)
              : !strcmp(word, "approve") ? approve(db, options, &arena)
              : !strcmp(word, "list")    ? list(db, &arena)
              : !strcmp(word, "requote") ? requote(db, options, &arena, &faults)
                                         : withdraw(db, options, &arena);
    app_print_faults(&faults);
    if (err && !faults.count)
        fprintf(stderr, "lephi catalogue: %s (%s)\n", err_info(err)->vi, err_info(err)->code);
    catalogue_in_force_set(NULL);
    catalogue_versions_forget();
    db_close(db);
    arena_done(&arena);
    return err == ERR_IO ? EXIT_USAGE : err ? EXIT_FAILED : EXIT_DONE;
}

int command_catalogue(int argc, char **argv)
{
    struct options options;
    const char *word = argc > 1 ? argv[1] : "";
    if (!strcmp(word, "check"))
        return fees_catalogue_check_command(argc - 1, argv + 1);
    if (argc < 2 || !options_read(argc - 1, argv + 1, &options))
        return app_usage(argv[0], NULL);
    bool one = options.count == 1;
    bool right = !strcmp(word, "import")     ? options.count > 0
                 : !strcmp(word, "approve")  ? one && options.by
                 : !strcmp(word, "withdraw") ? one && options.by && options.note
                 : !strcmp(word, "list")     ? options.count == 0
                                             : !strcmp(word, "requote") && one;
    return right ? act(word, &options) : app_usage(argv[0], NULL);
}
