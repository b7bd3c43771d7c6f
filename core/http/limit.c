#include "core/http/limit.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/base/memory.h"

enum { SETS = 2048, WAYS = 4 }; /* a set is searched whole; 8192 buckets are 192 KiB */

/* In thousandths of a token, so that a slow rate loses nothing to rounding. */
struct bucket {
    uint64_t key; /* 0: never used */
    int64_t left, at_us;
};

struct limit {
    pthread_mutex_t lock;
    int64_t burst, per_minute;
    uint64_t secret; /* so that nobody can choose addresses that meet in one set */
    struct bucket buckets[SETS][WAYS];
};

struct limit *limit_new(int burst, int per_minute)
{
    assert(burst >= 1 && per_minute >= 1);
    struct limit *limit = memory_new(sizeof *limit);
    limit->burst = burst * INT64_C(1000);
    limit->per_minute = per_minute * INT64_C(1000);
    crypto_random(&limit->secret, sizeof limit->secret);
    pthread_mutex_init(&limit->lock, NULL);
    return limit;
}

void limit_free(struct limit *limit)
{
    if (!limit)
        return;
    pthread_mutex_destroy(&limit->lock);
    free(limit);
}

/* splitmix64 over the bytes, eight at a time. */
static uint64_t mix(uint64_t state, const unsigned char *at, size_t size)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, at + i, size - i < 8 ? size - i : 8);
        state = (state ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
        state = (state ^ state >> 29) * UINT64_C(0x94D049BB133111EB);
        state ^= state >> 32;
    }
    return state;
}

static uint64_t key_of(const struct limit *limit, struct text address)
{
    char terminated[64];
    unsigned char bytes[16];
    snprintf(terminated, sizeof terminated, "%.*s", TEXT_ARGS(address));
    uint64_t key = inet_pton(AF_INET6, terminated, bytes) == 1
                       ? mix(limit->secret, bytes, 8)
                       : mix(~limit->secret, (const unsigned char *)terminated, strlen(terminated));
    return key ? key : 1;
}

/* The bucket of the key, or the one of its set that was idle longest, filled anew. */
static struct bucket *find(struct limit *limit, uint64_t key, int64_t now_us)
{
    struct bucket *set = limit->buckets[key % SETS], *oldest = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (!set[i].key || set[i].at_us < oldest->at_us)
            oldest = &set[i];
        if (!set[i].key)
            break;
    }
    *oldest = (struct bucket){key, limit->burst, now_us};
    return oldest;
}

bool limit_take(struct limit *limit, struct text address, int cost, int64_t now_us)
{
    uint64_t key = key_of(limit, address);
    int64_t wanted = cost * INT64_C(1000), minute_us = 60 * INT64_C(1000000);
    pthread_mutex_lock(&limit->lock);
    struct bucket *bucket = find(limit, key, now_us);
    int64_t idle_us = now_us - bucket->at_us, full_us = limit->burst * minute_us / limit->per_minute + 1;
    int64_t gained = idle_us < full_us ? idle_us * limit->per_minute / minute_us : limit->burst;
    if (gained > 0) { /* else the time is kept for the next look: a fast asker still gains */
        bucket->left = bucket->left + gained < limit->burst ? bucket->left + gained : limit->burst;
        bucket->at_us = now_us;
    }
    bool allowed = bucket->left >= wanted;
    if (allowed)
        bucket->left -= wanted;
    pthread_mutex_unlock(&limit->lock);
    return allowed;
}
