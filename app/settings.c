/* From the configuration to a program that can work. */
#include "app/app.h"

#include <stdio.h>
#include <string.h>
#include "payments/requests/requests.h"

static const char *config_file;

void app_config_file_set(const char *path)
{
    config_file = path;
}

int app_usage(const char *name, const char *problem)
{
    if (problem)
        fprintf(stderr, "lephi %s: %s\n", name, problem);
    for (size_t i = 0; i < command_count; i++)
        if (!strcmp(commands[i].name, name))
            fprintf(stderr, "Usage: lephi %s %s\n", name, commands[i].usage);
    return EXIT_USAGE;
}

void app_print_faults(const struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        fprintf(stderr, "lephi: %s: %s (%s)\n", faults->list[i].where, faults->list[i].detail,
                err_info(faults->list[i].code)->code);
    if (faults->dropped)
        fprintf(stderr, "lephi: and %zu more\n", faults->dropped);
}

/* Commands that make no links need no secret; serve refuses to start without one (serve.c). */
static void set_secret(void)
{
    uint8_t secret[SERVER_SECRET_SIZE];
    if (config_set(CONFIG_SERVER_SECRET) &&
        hex_decode(text_of(config_text(CONFIG_SERVER_SECRET)), secret, sizeof secret))
        server_secret_set(secret);
}

int app_configure(void)
{
    static bool done;
    if (done)
        return EXIT_DONE;
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = config_load(config_file, &faults);
    if (!err)
        err = bank_table_load(config_text(CONFIG_PATHS_BANKS), &faults);
    if (err)
        app_print_faults(&faults);
    arena_done(&arena);
    if (err)
        return EXIT_USAGE;
    if (!reference_prefix_valid(text_of(config_text(CONFIG_REFERENCE_PREFIX)))) {
        fputs("lephi: reference.prefix: hai chữ hoa, không dùng I, L, O, U, không phải FT, MB, CT, TK (two capital "
              "letters but I, L, O, U; not FT, MB, CT, TK)\n",
              stderr);
        return EXIT_USAGE;
    }
    set_secret();
    clock_shift(config_int(CONFIG_CLOCK_OFFSET));
    log_init_from_config();
    reference_prefix_set(config_text(CONFIG_REFERENCE_PREFIX));
    const struct requests_settings requests = {.public_url = config_text(CONFIG_HTTP_PUBLIC_URL),
                                               .prefix = config_text(CONFIG_REFERENCE_PREFIX),
                                               .expiry_days = (int)config_int(CONFIG_REQUEST_EXPIRY)};
    requests_configure(&requests);
    done = true;
    return EXIT_DONE;
}

struct db *app_db(void)
{
    struct db *db;
    const struct db_options options = {
        .url = config_text(CONFIG_DATABASE_URL), .name = "lephi command", .statement_timeout_ms = 3600000};
    if (!options.url || !*options.url) {
        fputs("lephi: no database is configured (database.url, LEPHI_DATABASE_URL or DATABASE_URL)\n", stderr);
        return NULL;
    }
    if (!db_open(&options, &db))
        return db;
    fputs("lephi: the database does not answer\n", stderr);
    return NULL;
}
