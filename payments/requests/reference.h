/* Payment reference: the code a citizen's bank carries in the transfer memo.
 *
 * Eight random and four Reed-Solomon check symbols over GF(32), in base 32 without I, L, O, U (values in Crockford's
 * order), behind a two-letter prefix of the same alphabet. The field is GF(2)[x] / (x^5 + x^2 + 1) with α = x; the
 * generator (x−α)(x−α²)(x−α³)(x−α⁴) = x⁴ + 30x³ + 6x² + 9x + 17 gives a distance of 5. Radius: one wrong symbol and at
 * most two erased at the end; two wrong ones are refused. Erased means absent or not of the alphabet, never a wrong
 * letter. The prefix is not covered by the checks: one wrong letter in it uses up the radius.
 *
 * A false match is worse than a miss: what is repaired or restored settles only a request that is open and whose amount
 * and account agree (the ledger's business). Pure functions but for reference_new and reference_prefix_set: no
 * allocation, no locale, safe from any thread. */
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

/* How a candidate stood in the memo, best first. */
enum reference_state { REFERENCE_INTACT, REFERENCE_REPAIRED, REFERENCE_RESTORED };

struct reference_candidate {
    struct reference reference;
    enum reference_state state;
    int edits; /* characters changed or restored; 0: intact */
};

/* Two letters of the alphabet, not a way banks begin their own codes (FT, MB, CT, TK). */
bool reference_prefix_valid(struct text prefix);

/* The prefix that memos are searched for; "QN" until set. Set once at the start, before any thread (valid, asserted).
 */
void reference_prefix_set(const char *prefix);
const char *reference_prefix(void);

/* A fresh one under `prefix` (valid, asserted), from the system's randomness. */
void reference_new(const char *prefix, struct reference *ret_reference);

/* Whether these are exactly the characters of a whole, valid reference, under any prefix. */
bool reference_valid(struct text text);

/* Finds every reference a bank memo may hold, as banks and people deliver it: lower-cased, split by spaces and
 * punctuation, wrapped, joined to its neighbours, cut at the end, O for 0, I or L for 1. Best first: intact, then
 * repaired, then restored; among equals the earlier in the memo. The weaker the evidence, the more its surroundings
 * must agree (reference_memo.c). Reads the first 1,024 letters and digits. Returns how many were found. Shapes:
 * measured on public statements, see README.md. */
size_t reference_candidates(struct text memo, struct reference_candidate ret_found[REFERENCE_CANDIDATES_MAX]);

/* `lephi reference new | read TEXT`. */
int reference_command(int argc, char **argv);

#endif
