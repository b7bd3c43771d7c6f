#include "core/jobs/rounds.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/memory.h"

struct rounds {
    char *url, *name;
    struct rounds_config config;
    atomic_bool stopping;
    pthread_t thread;
};

enum { REST_STEP_MS = 50 }; /* a stop is noticed so soon */

static void rest(struct rounds *rounds)
{
    for (int left = rounds->config.pause_ms; left > 0 && !atomic_load(&rounds->stopping); left -= REST_STEP_MS) {
        int step = left < REST_STEP_MS ? left : REST_STEP_MS;
        struct timespec pause = {0, step * 1000000L};
        nanosleep(&pause, NULL);
    }
}

static void *run(void *with)
{
    struct rounds *rounds = with;
    const struct db_options options = {.url = rounds->url, .name = rounds->name};
    struct db *db = NULL;
    while (!atomic_load(&rounds->stopping)) {
        int64_t done = 0;
        if (db || !db_open(&options, &db)) {
            struct arena arena;
            arena_init(&arena);
            done = rounds->config.round(db, &arena, rounds->config.with);
            arena_done(&arena);
        }
        if (!done)
            rest(rounds);
    }
    db_close(db);
    return NULL;
}

static void free_rounds(struct rounds *rounds)
{
    free(rounds->url);
    free(rounds->name);
    free(rounds);
}

enum err rounds_start(const struct rounds_config *config, struct rounds **ret_rounds)
{
    struct rounds *rounds = memory_new(sizeof *rounds);
    rounds->config = *config;
    rounds->url = memory_copy(config->database_url, strlen(config->database_url));
    rounds->name = memory_copy(config->name, strlen(config->name));
    if (pthread_create(&rounds->thread, NULL, run, rounds)) {
        free_rounds(rounds);
        return ERR_UNAVAILABLE;
    }
    *ret_rounds = rounds;
    return OK;
}

void rounds_ask_to_stop(struct rounds *rounds)
{
    atomic_store(&rounds->stopping, true);
}

void rounds_stop(struct rounds *rounds)
{
    if (!rounds)
        return;
    atomic_store(&rounds->stopping, true);
    pthread_join(rounds->thread, NULL);
    free_rounds(rounds);
}
