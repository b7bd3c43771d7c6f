/* Merkle trees as RFC 9162 §2.1 defines them: hashes, proofs and their checks. Pure functions over SHA-256.
 *
 * Trees are stored as complete subtrees: node (level, index) covers the leaves from index << level up to
 * (index + 1) << level, level 0 being the leaves themselves. Any root or proof is made of a few of them. */
#ifndef LEPHI_RECEIPTS_MERKLE_H
#define LEPHI_RECEIPTS_MERKLE_H

#include "core/core.h"

enum { MERKLE_SIZE = 32, MERKLE_LEVELS = 63, MERKLE_PROOF_MAX = 128 };

struct merkle_hash {
    uint8_t at[MERKLE_SIZE];
};
struct merkle_proof {
    size_t count;
    struct merkle_hash nodes[MERKLE_PROOF_MAX];
};
/* Where complete subtrees come from. `find` returns false when it has none there: then everything below fails. */
struct merkle_source {
    bool (*find)(void *with, int level, int64_t index, struct merkle_hash *ret_hash);
    void *with;
};

void merkle_leaf(struct text entry, struct merkle_hash *ret_hash); /* SHA-256(00 || entry) */
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *ret_hash);

/* Root of the first `size` leaves; of none: SHA-256 of nothing (§2.1.1). */
bool merkle_root(const struct merkle_source *source, int64_t size, struct merkle_hash *ret_root);
/* That leaf `index` is in the tree of `size` leaves (§2.1.3.1). False too when index is not below size. */
bool merkle_inclusion(const struct merkle_source *source, int64_t index, int64_t size, struct merkle_proof *ret_proof);
/* That the tree of `first` leaves is the beginning of that of `second` (§2.1.4.1); empty when they are equal or `first`
 * is 0. */
bool merkle_consistency(const struct merkle_source *source, int64_t first, int64_t second,
                        struct merkle_proof *ret_proof);

/* What anybody can check with heads and a proof in hand (§2.1.3.2, §2.1.4.2). */
bool merkle_inclusion_holds(const struct merkle_hash *leaf, int64_t index, int64_t size,
                            const struct merkle_proof *proof, const struct merkle_hash *root);
bool merkle_consistency_holds(int64_t first, int64_t second, const struct merkle_hash *first_root,
                              const struct merkle_hash *second_root, const struct merkle_proof *proof);

/* Every (level, index) that the three makers above may ask for about these sizes and this leaf (-1: none), so that they
 * can be fetched in one go. At most MERKLE_WANTED_MAX. */
enum { MERKLE_WANTED_MAX = 5 * MERKLE_LEVELS };
size_t merkle_wanted(int64_t index, int64_t first, int64_t second, int64_t ret_levels[MERKLE_WANTED_MAX],
                     int64_t ret_indexes[MERKLE_WANTED_MAX]);

#endif
