#include "payments/ledger/asking.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { WRITERS_MAX = 2 };

struct confirmer {
    struct confirmer_config config;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct confirm_ticket *first, **last;
    size_t count;
    int64_t first_us; /* monotonic, when the oldest waiting ticket came */
    int busy;         /* writers inside a commit */
    bool stopping;
    int thread_count;
    pthread_t threads[WRITERS_MAX];
};

static bool ready(const struct confirmer *c)
{
    bool waited = clock_monotonic_us() - c->first_us >= c->config.wait_ms * INT64_C(1000);
    return c->count && (c->stopping || !c->busy || c->count >= c->config.batch_max || waited);
}

static void wait_a_little(struct confirmer *c)
{
    if (!c->count) {
        pthread_cond_wait(&c->arrived, &c->lock);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 1000000; /* the window is a few milliseconds; a millisecond is fine enough a grain */
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&c->arrived, &c->lock, &until);
}

/* Takes a batch; 0 when it is time to stop. */
static size_t take(struct confirmer *c, struct confirm_ticket *ret_tickets[CONFIRM_BATCH_MAX])
{
    pthread_mutex_lock(&c->lock);
    while (!ready(c) && !(c->stopping && !c->count))
        wait_a_little(c);
    size_t taken = 0;
    while (c->first && taken < c->config.batch_max) {
        ret_tickets[taken++] = c->first;
        c->first = c->first->next;
    }
    if (!c->first)
        c->last = &c->first;
    c->count -= taken;
    c->first_us = clock_monotonic_us();
    c->busy += taken > 0;
    pthread_mutex_unlock(&c->lock);
    return taken;
}

static void release(struct confirmer *c)
{
    pthread_mutex_lock(&c->lock);
    c->busy--;
    pthread_cond_signal(&c->arrived);
    pthread_mutex_unlock(&c->lock);
}

/* Claims are stored one by one (they are few), everything else is confirmed in one commit. */
static void write_all(struct db *db, struct arena *arena, struct confirm_ticket **tickets, size_t count,
                      struct notice *notices, struct text *raws, struct confirmation *confirmations)
{
    size_t *places = ARENA_ARRAY(arena, size_t, count), certain = 0;
    struct confirmation *made = ARENA_ARRAY(arena, struct confirmation, count);
    instant_us at = clock_now();
    for (size_t i = 0; i < count; i++) {
        if (tickets[i]->proof == PROOF_CLAIM) {
            claim_store(db, arena, tickets[i]->notice, tickets[i]->account, tickets[i]->raw, at, &confirmations[i]);
            continue;
        }
        notices[certain] = *tickets[i]->notice;
        raws[certain] = tickets[i]->raw;
        places[certain++] = i;
    }
    if (certain)
        ledger_confirm_all(db, arena, notices, raws, certain, at, made);
    for (size_t k = 0; k < certain; k++) {
        confirmations[places[k]] = made[k];
        confirmed_note(db, arena, &notices[k], &made[k], at);
    }
}

static void confirm_batch(struct confirmer *c, struct db *db, struct confirm_ticket **tickets, size_t count)
{
    struct arena arena;
    arena_init(&arena);
    struct notice *notices = ARENA_ARRAY(&arena, struct notice, count);
    struct text *raws = ARENA_ARRAY(&arena, struct text, count);
    struct confirmation *confirmations = ARENA_ARRAY(&arena, struct confirmation, count);
    for (size_t i = 0; i < count; i++)
        confirmations[i].err = ERR_DATABASE;
    if (db)
        write_all(db, &arena, tickets, count, notices, raws, confirmations);
    release(c);
    if (c->config.committed)
        c->config.committed(c->config.with);
    for (size_t i = 0; i < count; i++) {
        tickets[i]->confirmation = confirmations[i];
        tickets[i]->done(tickets[i]);
    }
    arena_done(&arena);
}

static bool open_accounts(struct db *db)
{
    struct arena arena;
    arena_init(&arena);
    bool done = db && !gateway_accounts_open(db, &arena);
    arena_done(&arena);
    return done;
}

static void *write_batches(void *with)
{
    struct confirmer *c = with;
    struct db *db = NULL;
    struct confirm_ticket *tickets[CONFIRM_BATCH_MAX];
    size_t count;
    bool accounts_open = false;
    while ((count = take(c, tickets)) > 0) {
        const struct db_options options = {.url = c->config.database_url, .name = "lephi confirmer"};
        if (!db && db_open(&options, &db))
            db = NULL;
        accounts_open = accounts_open || open_accounts(db);
        confirm_batch(c, db, tickets, count);
    }
    db_close(db);
    return NULL;
}

enum err confirmer_start(const struct confirmer_config *config, struct confirmer **ret_confirmer)
{
    struct confirmer *c = memory_new(sizeof *c);
    c->config = *config;
    c->config.writers = config->writers ? config->writers : WRITERS_MAX;
    c->config.wait_ms = config->wait_ms ? config->wait_ms : 3;
    c->config.queue_max = config->queue_max ? config->queue_max : 4096;
    c->config.batch_max = config->batch_max ? config->batch_max : CONFIRM_BATCH_MAX;
    assert(c->config.batch_max <= CONFIRM_BATCH_MAX);
    assert(c->config.writers >= 1 && c->config.writers <= WRITERS_MAX);
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (int i = 0; i < c->config.writers; i++) {
        if (pthread_create(&c->threads[i], NULL, write_batches, c)) {
            confirmer_stop(c);
            return ERR_UNAVAILABLE;
        }
        c->thread_count++;
    }
    *ret_confirmer = c;
    return OK;
}

enum err confirmer_submit(struct confirmer *c, struct confirm_ticket *ticket)
{
    enum err err = OK;
    pthread_mutex_lock(&c->lock);
    if (c->stopping || c->count >= c->config.queue_max) {
        err = ERR_UNAVAILABLE;
    } else {
        if (!c->count)
            c->first_us = clock_monotonic_us();
        ticket->next = NULL;
        *c->last = ticket;
        c->last = &ticket->next;
        c->count++;
        pthread_cond_signal(&c->arrived);
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

void confirmer_stop(struct confirmer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_broadcast(&c->arrived);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->thread_count; i++)
        pthread_join(c->threads[i], NULL);
    pthread_cond_destroy(&c->arrived);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
