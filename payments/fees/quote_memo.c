#include "payments/fees/quote_memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

/* At most SLOTS × (BODY_MAX + REPLY_MAX), 4.6 MB, and that only for a thousand different long quotes. */
enum { SLOTS = 1024, LOCKS = 16, BODY_MAX = 512, REPLY_MAX = 4096 };

struct slot {
    uint64_t missed; /* hash of the last body that was not found here */
    int misses;      /* how often it was that one, running */
    date_days day;
    size_t body_length, reply_length;
    char *bytes; /* body, then reply; NULL when free */
};

struct quote_memo {
    pthread_mutex_t locks[LOCKS]; /* slot i belongs to lock i % LOCKS */
    struct slot slots[SLOTS];
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
    for (int i = 0; i < SLOTS; i++)
        free(memo->slots[i].bytes);
    free(memo);
}

/* One place per body and no chains: whoever seeks collisions only makes quotes be computed again. */
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
    return hash;
}

bool quote_memo_find(struct quote_memo *memo, date_days day, struct text body, struct arena *arena,
                     struct text *ret_reply)
{
    if (!body.length || body.length > BODY_MAX)
        return false;
    uint64_t hash = hash_of(body);
    size_t place = hash % SLOTS;
    struct slot *slot = &memo->slots[place];
    pthread_mutex_lock(&memo->locks[place % LOCKS]);
    bool found = slot->bytes && slot->day == day && slot->body_length == body.length &&
                 !memcmp(slot->bytes, body.at, body.length);
    if (found)
        *ret_reply = arena_text(arena, (struct text){slot->bytes + slot->body_length, slot->reply_length});
    if (!found) {
        slot->misses = slot->missed == hash ? slot->misses + 1 : 1;
        slot->missed = hash;
    }
    pthread_mutex_unlock(&memo->locks[place % LOCKS]);
    return found;
}

void quote_memo_keep(struct quote_memo *memo, date_days day, struct text body, struct text reply)
{
    if (!body.length || body.length > BODY_MAX || reply.length > REPLY_MAX)
        return;
    uint64_t hash = hash_of(body);
    size_t place = hash % SLOTS;
    struct slot *slot = &memo->slots[place];
    pthread_mutex_lock(&memo->locks[place % LOCKS]);
    if (slot->missed == hash && slot->misses > 1) {
        slot->day = day;
        slot->body_length = body.length;
        slot->reply_length = reply.length;
        slot->bytes = memory_grow(slot->bytes, body.length + reply.length);
        memcpy(slot->bytes, body.at, body.length);
        memcpy(slot->bytes + body.length, reply.at, reply.length);
    }
    pthread_mutex_unlock(&memo->locks[place % LOCKS]);
}
