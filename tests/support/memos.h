/* What banks and people do to the memo of a transfer: the shapes that public statements show, and damage to the code.
 * One seed gives the same memos again. */
#ifndef LEPHI_TESTS_MEMOS_H
#define LEPHI_TESTS_MEMOS_H

#include "payments/requests/reference.h"
#include "tests/support/dice.h"

enum damage {
    INTACT,
    LOWER,
    SPLIT,
    SPREAD,
    JOINED,
    LOOKALIKE,
    ONE_WRONG,
    PREFIX_WRONG,
    CUT_1,
    CUT_2,
    CUT_1_WRONG,
    CUT_2_WRONG,
    TWO_WRONG, /* from here on refusal is what is wanted */
    TWO_WRONG_SPLIT,
    SWAPPED,
    ONE_DROPPED,
    CUT_3,
    DAMAGES
};
extern const char *const damage_names[DAMAGES];

enum { MEMO_SIZE = 160, MEMO_LINE_SIZE = 400 };

/* The memo with the damaged code as the payer typed it, with words of the payer's around it or without. */
void memo_write(struct dice *dice, const struct reference *made, enum damage damage, char ret_memo[MEMO_SIZE]);
/* Words without a code. */
void memo_without_code(struct dice *dice, char ret_memo[MEMO_SIZE]);
/* The memo as a bank's statement shows it. */
void memo_fill_shape(struct dice *dice, const char *memo, char ret_line[MEMO_LINE_SIZE]);

#endif
