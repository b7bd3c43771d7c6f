#include "payments/fees/quote_memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

/* At most SETS × WAYS × (BODY_MAX + REPLY_MAX), 9.4 MB, and that only for two thousand different long quotes. */
enum { SETS = 512, WAYS = 4, LOCKS = 16, BODY_MAX = 512, REPLY_MAX = 4096 };

struct slot {
    uint64_t hash;
    date_days day;
    size_t body_length, reply_length;
    char *bytes; /* body, then reply; NULL when free */
};

/* Where a body may stand: any slot of one set. */
struct set {
    struct slot slots[WAYS];
    unsigned next_slot; /* the next to be given up */
    uint64_t missed[WAYS];
    int times[WAYS]; /* how often the last missed ones were asked for */
    unsigned next_missed;
};

struct quote_memo {
    pthread_mutex_t locks[LOCKS]; /* set i belongs to lock i % LOCKS */
    struct set sets[SETS];
};

struct quote_memo *quote_memo_new(void)
{
    struct quote_memo *memo = memory_new(sizeof *memo);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&memo->locks[i], NULL);
    return memo;
}

void quote_memo_free(struct quote_memo *memo)
{
    if (!memo)
        return;
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&memo->locks[i]);
    for (int i = 0; i < SETS * WAYS; i++)
        free(memo->sets[i / WAYS].slots[i % WAYS].bytes);
    free(memo);
}

/* Whoever seeks collisions only makes quotes be computed again. */
static uint64_t hash_of(struct text body)
{
    uint64_t hash = body.length;
    while (body.length) {
        uint64_t word = 0;
        size_t step = body.length < sizeof word ? body.length : sizeof word;
        memcpy(&word, body.at, step);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
        body = (struct text){body.at + step, body.length - step};
    }
    hash *= UINT64_C(0xBF58476D1CE4E5B9); /* the last letters of a body must move the lowest bits too */
    return hash ^ hash >> 32;
}

static struct slot *slot_of(struct set *set, uint64_t hash, date_days day, struct text body)
{
    for (int i = 0; i < WAYS; i++) {
        struct slot *slot = &set->slots[i];
        if (slot->hash == hash && slot->bytes && slot->day == day && slot->body_length == body.length &&
            !memcmp(slot->bytes, body.at, body.length))
            return slot;
    }
    return NULL;
}

static void miss(struct set *set, uint64_t hash)
{
    for (int i = 0; i < WAYS; i++)
        if (set->missed[i] == hash && set->times[i]) {
            set->times[i]++;
            return;
        }
    unsigned oldest = set->next_missed++ % WAYS;
    set->missed[oldest] = hash;
    set->times[oldest] = 1;
}

static bool missed_before(struct set *set, uint64_t hash)
{
    for (int i = 0; i < WAYS; i++)
        if (set->missed[i] == hash && set->times[i] > 1) {
            set->times[i] = 0;
            return true;
        }
    return false;
}

bool quote_memo_find(struct quote_memo *memo, date_days day, struct text body, struct arena *arena,
                     struct text *ret_reply)
{
    if (!body.length || body.length > BODY_MAX)
        return false;
    uint64_t hash = hash_of(body);
    size_t place = hash % SETS;
    struct set *set = &memo->sets[place];
    pthread_mutex_lock(&memo->locks[place % LOCKS]);
    const struct slot *slot = slot_of(set, hash, day, body);
    if (slot)
        *ret_reply = arena_text(arena, (struct text){slot->bytes + slot->body_length, slot->reply_length});
    else
        miss(set, hash);
    pthread_mutex_unlock(&memo->locks[place % LOCKS]);
    return slot;
}

static void keep(struct set *set, uint64_t hash, date_days day, struct text body, struct text reply)
{
    struct slot *slot = &set->slots[set->next_slot++ % WAYS];
    slot->hash = hash;
    slot->day = day;
    slot->body_length = body.length;
    slot->reply_length = reply.length;
    slot->bytes = memory_grow(slot->bytes, body.length + reply.length);
    memcpy(slot->bytes, body.at, body.length);
    memcpy(slot->bytes + body.length, reply.at, reply.length);
}

void quote_memo_keep(struct quote_memo *memo, date_days day, struct text body, struct text reply)
{
    if (!body.length || body.length > BODY_MAX || reply.length > REPLY_MAX)
        return;
    uint64_t hash = hash_of(body);
    size_t place = hash % SETS;
    struct set *set = &memo->sets[place];
    pthread_mutex_lock(&memo->locks[place % LOCKS]);
    if (missed_before(set, hash) && !slot_of(set, hash, day, body))
        keep(set, hash, day, body, reply);
    pthread_mutex_unlock(&memo->locks[place % LOCKS]);
}
