/* Payment reference: the code a citizen's bank carries in the transfer memo.
 *
 * Eight random and four Reed-Solomon check symbols over GF(32), in base 32 without I, L, O, U, behind a two-letter
 * prefix of the same alphabet. The field is GF(2)[x] / (x^5 + x^2 + 1) with α = x; the generator has the roots α, α²,
 * α³, α⁴, so the distance is 5. Radius: one wrong symbol and at most two erased at the end; two wrong ones are refused.
 * Erased means absent or not of the alphabet, never a wrong letter. A false match is worse than a miss: what is
 * repaired settles only a request that is open and whose amount agrees (the ledger's business). Pure functions but for
 * reference_new: no allocation, no locale, safe from any thread. */
#ifndef LEPHI_PAYMENTS_REFERENCE_H
#define LEPHI_PAYMENTS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include "core/base/text.h"

enum {
    REFERENCE_PREFIX_LENGTH = 2,
    REFERENCE_RANDOM = 8,
    REFERENCE_CHECKS = 4,
    REFERENCE_SYMBOLS = REFERENCE_RANDOM + REFERENCE_CHECKS,
    REFERENCE_LENGTH = REFERENCE_PREFIX_LENGTH + REFERENCE_SYMBOLS, /* without NUL */
    REFERENCE_CANDIDATES_MAX = 8,
};

struct reference {
    char text[REFERENCE_LENGTH + 1];
};

struct reference_candidate {
    struct reference reference;
    int edits; /* symbols changed or restored; 0: it stood there intact */
};

/* Two letters of the alphabet, not a way banks begin their own codes (FT, MB, CT, TK). */
bool reference_prefix_valid(struct text prefix);

/* The prefix that memos are searched for; "QN" until set. Set once at the start. */
void reference_prefix_set(const char *prefix);

/* A fresh one under `prefix` (valid, asserted). */
void reference_new(const char *prefix, struct reference *ret_reference);

/* Whether these are exactly the characters of a whole, valid reference. */
bool reference_valid(struct text text);

/* Finds every reference a bank memo may hold, as banks and people deliver it: lower-cased, split by spaces and
 * punctuation, wrapped, joined to its neighbours, cut at the end, O for 0, I or L for 1. Best first: intact, then
 * repaired, then restored. Returns how many were found. */
size_t reference_candidates(struct text memo, struct reference_candidate ret_found[REFERENCE_CANDIDATES_MAX]);

/* `lephi reference new | read TEXT`. */
int reference_command(int argc, char **argv);

#endif
