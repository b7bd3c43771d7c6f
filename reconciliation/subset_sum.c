/* Sets of payments that add up to one line: bounded, and only a suggestion. */
#include "reconciliation/desk.h"

size_t subset_sum(const int64_t *amounts, size_t count, int64_t total, uint32_t ret_sets[SUBSET_SOLUTIONS_MAX])
{
    if (count > SUBSET_CANDIDATES_MAX)
        return 0;
    size_t found = 0;
    int64_t sum = 0;
    uint32_t set = 0;
    /* Gray code: each step adds or takes away one amount. */
    for (uint32_t step = 1; step < (uint32_t)1 << count && found < SUBSET_SOLUTIONS_MAX; step++) {
        int bit = __builtin_ctz(step);
        set ^= (uint32_t)1 << bit;
        sum += set >> bit & 1 ? amounts[bit] : -amounts[bit];
        if (sum == total && (set & (set - 1)))
            ret_sets[found++] = set;
    }
    return found;
}
