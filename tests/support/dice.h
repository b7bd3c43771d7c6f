/* Numbers from a seed, the same on every machine (splitmix64). */
#ifndef LEPHI_TESTS_DICE_H
#define LEPHI_TESTS_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};
uint64_t dice_next(struct dice *dice);
int dice_below(struct dice *dice, int bound); /* 0 … bound - 1 */

#endif
