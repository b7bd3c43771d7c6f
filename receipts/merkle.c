#include "receipts/merkle.h"

#include <string.h>

static void digest(uint8_t prefix, struct text first, struct text second, struct merkle_hash *ret_hash)
{
    struct buf bytes = {0};
    buf_char(&bytes, (char)prefix);
    buf_text(&bytes, first);
    buf_text(&bytes, second);
    crypto_sha256(buf_view(&bytes), ret_hash->at);
    buf_done(&bytes);
}

static struct text view(const struct merkle_hash *hash)
{
    return (struct text){(const char *)hash->at, MERKLE_SIZE};
}

static bool same(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return !memcmp(a->at, b->at, MERKLE_SIZE);
}

void merkle_leaf(struct text entry, struct merkle_hash *ret_hash)
{
    digest(0, entry, TEXT_NONE, ret_hash);
}

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *ret_hash)
{
    digest(1, view(left), view(right), ret_hash);
}

/* Largest power of two smaller than `size` (size at least 2), as its exponent: where RFC 9162 splits a tree. */
static int split_level(int64_t size)
{
    int level = 0;
    while ((INT64_C(2) << level) < size)
        level++;
    return level;
}

/* Hash of leaves `from` up to `to`; `from` is a multiple of every complete subtree taken on the way. */
static bool range_hash(const struct merkle_source *source, int64_t from, int64_t to, struct merkle_hash *ret_hash)
{
    struct merkle_hash parts[MERKLE_LEVELS];
    size_t count = 0;
    while (from < to) { /* the largest complete subtree each time, left to right */
        int level = 0;
        while (level + 1 < MERKLE_LEVELS - 1 && from + (INT64_C(2) << level) <= to)
            level++;
        if (count == MERKLE_LEVELS || !source->find(source->with, level, from >> level, &parts[count++]))
            return false;
        from += INT64_C(1) << level;
    }
    if (!count)
        return false;
    *ret_hash = parts[--count];
    while (count) {
        struct merkle_hash right = *ret_hash;
        merkle_node(&parts[--count], &right, ret_hash);
    }
    return true;
}

bool merkle_root(const struct merkle_source *source, int64_t size, struct merkle_hash *ret_root)
{
    if (size < 0)
        return false;
    if (!size) {
        crypto_sha256(TEXT_NONE, ret_root->at);
        return true;
    }
    return range_hash(source, 0, size, ret_root);
}

static bool add(const struct merkle_source *source, int64_t from, int64_t to, struct merkle_proof *proof)
{
    return proof->count < MERKLE_PROOF_MAX && range_hash(source, from, to, &proof->nodes[proof->count++]);
}

static void turn_round(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        struct merkle_hash other = proof->nodes[proof->count - 1 - i];
        proof->nodes[proof->count - 1 - i] = proof->nodes[i];
        proof->nodes[i] = other;
    }
}

/* Down from the root to the leaf: on each step the other half is a node of the proof. Proofs are written from the leaf
 * upwards, so the order is turned at the end. */
bool merkle_inclusion(const struct merkle_source *source, int64_t index, int64_t size, struct merkle_proof *ret_proof)
{
    struct merkle_proof proof = {0};
    int64_t from = 0, to = size;
    if (index < 0 || index >= size)
        return false;
    while (to - from > 1) {
        int64_t middle = from + (INT64_C(1) << split_level(to - from));
        bool left = index < middle;
        if (!add(source, left ? middle : from, left ? to : middle, &proof))
            return false;
        from = left ? from : middle;
        to = left ? middle : to;
    }
    turn_round(&proof);
    *ret_proof = proof;
    return true;
}

bool merkle_consistency(const struct merkle_source *source, int64_t first, int64_t second,
                        struct merkle_proof *ret_proof)
{
    struct merkle_proof proof = {0};
    if (first < 0 || first > second)
        return false;
    if (first && first < second) {
        int64_t from = 0, to = second;
        while (first != to) { /* SUBPROOF(first, leaves from..to) */
            int64_t middle = from + (INT64_C(1) << split_level(to - from));
            bool left = first <= middle;
            if (!add(source, left ? middle : from, left ? to : middle, &proof))
                return false;
            from = left ? from : middle;
            to = left ? middle : to;
        }
        if (from && !add(source, from, to, &proof)) /* the old tree itself is known to who asks */
            return false;
        turn_round(&proof);
    }
    *ret_proof = proof;
    return true;
}

bool merkle_inclusion_holds(const struct merkle_hash *leaf, int64_t index, int64_t size,
                            const struct merkle_proof *proof, const struct merkle_hash *root)
{
    if (index < 0 || index >= size || proof->count > MERKLE_PROOF_MAX)
        return false;
    struct merkle_hash hash = *leaf, made;
    int64_t fn = index, sn = size - 1;
    for (size_t i = 0; i < proof->count; i++) {
        if (!sn)
            return false;
        if (fn & 1 || fn == sn) {
            merkle_node(&proof->nodes[i], &hash, &made);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&hash, &proof->nodes[i], &made);
        }
        hash = made;
        fn >>= 1;
        sn >>= 1;
    }
    return !sn && same(&hash, root);
}

bool merkle_consistency_holds(int64_t first, int64_t second, const struct merkle_hash *first_root,
                              const struct merkle_hash *second_root, const struct merkle_proof *proof)
{
    struct merkle_hash empty;
    if (first < 0 || first > second || proof->count > MERKLE_PROOF_MAX)
        return false;
    if (first == second)
        return !proof->count && same(first_root, second_root);
    if (!first) {
        crypto_sha256(TEXT_NONE, empty.at);
        return !proof->count && same(first_root, &empty);
    }
    bool whole = !(first & (first - 1)); /* a power of two: the old root is itself a node of the new tree */
    size_t next = 0;
    if (!whole && !proof->count)
        return false;
    struct merkle_hash fr = whole ? *first_root : proof->nodes[next++], sr = fr, made;
    int64_t fn = first - 1, sn = second - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    for (; next < proof->count; next++) {
        if (!sn)
            return false;
        if (fn & 1 || fn == sn) {
            merkle_node(&proof->nodes[next], &fr, &made);
            fr = made;
            merkle_node(&proof->nodes[next], &sr, &made);
            sr = made;
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(&sr, &proof->nodes[next], &made);
            sr = made;
        }
        fn >>= 1;
        sn >>= 1;
    }
    return !sn && same(&fr, first_root) && same(&sr, second_root);
}

size_t merkle_wanted(int64_t index, int64_t first, int64_t second, int64_t ret_levels[MERKLE_WANTED_MAX],
                     int64_t ret_indexes[MERKLE_WANTED_MAX])
{
    size_t count = 0;
    for (int level = 0; level < MERKLE_LEVELS - 1; level++) {
        const int64_t wanted[] = {
            index >= 0 ? (index >> level) ^ 1 : -1, /* beside the way up from the leaf */
            index >= 0 ? index >> level : -1,
            first > 0 ? ((first - 1) >> level) ^ 1 : -1, /* beside the right edge of the old tree */
            first > 0 ? (first - 1) >> level : -1,
            second > 0 ? (second >> level) - 1 : -1, /* the right edge of the new one */
        };
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (wanted[i] < 0 || (wanted[i] + 1) > (second >> level))
                continue; /* none, or not complete in this tree */
            ret_levels[count] = level;
            ret_indexes[count++] = wanted[i];
        }
    }
    return count;
}
