#include "core/jobs/feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/memory.h"

static const struct db_statement advance_sql = {"feed_advance", "SELECT feed_advance(1000) + audit_advance(1000)"};

struct feed {
    char *url;
    int pause_ms;
    atomic_bool stopping;
    pthread_t thread;
};

enum err feed_round(struct db *db, struct arena *arena, int64_t *ret_placed)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &advance_sql, &none, &rows);
    if (!err)
        *ret_placed = db_int(&rows, 0, 0);
    return err;
}

static void *run(void *with)
{
    struct feed *feed = with;
    struct db *db = NULL;
    while (!atomic_load(&feed->stopping)) {
        int64_t placed = 0;
        const struct db_options options = {.url = feed->url, .name = "lephi sequencer"};
        if (db || !db_open(&options, &db)) {
            struct arena arena;
            arena_init(&arena);
            if (feed_round(db, &arena, &placed))
                placed = 0;
            arena_done(&arena);
        }
        if (placed)
            continue;
        struct timespec pause = {feed->pause_ms / 1000, feed->pause_ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
    }
    db_close(db);
    return NULL;
}

enum err feed_start(const char *database_url, int pause_ms, struct feed **ret_feed)
{
    struct feed *feed = memory_new(sizeof *feed);
    feed->url = memory_copy(database_url, strlen(database_url));
    feed->pause_ms = pause_ms;
    if (pthread_create(&feed->thread, NULL, run, feed)) {
        free(feed->url);
        free(feed);
        return ERR_UNAVAILABLE;
    }
    *ret_feed = feed;
    return OK;
}

void feed_stop(struct feed *feed)
{
    if (!feed)
        return;
    atomic_store(&feed->stopping, true);
    pthread_join(feed->thread, NULL);
    free(feed->url);
    free(feed);
}
