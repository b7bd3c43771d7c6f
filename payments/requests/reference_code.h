/* The code behind references: symbols, words and their repair. Private to this room. */
#ifndef LEPHI_PAYMENTS_REFERENCE_CODE_H
#define LEPHI_PAYMENTS_REFERENCE_CODE_H

#include <stdint.h>
#include "payments/requests/reference.h"

/* The value of a character as people and banks write it: either case, O for 0, I and L for 1. -1: not of the alphabet.
 */
int reference_symbol(char c);

/* Puts right a word whose `erased` places (at most three, strictly ascending) hold nothing of worth and of whose other
 * symbols at most `wrong_max` (0 or 1) are wrong. Returns how many were wrong; -1 when it takes more, the word is then
 * as before. */
int reference_restore(uint8_t word[REFERENCE_SYMBOLS], const uint8_t *erased, int erased_count, int wrong_max);

void reference_write(const uint8_t word[REFERENCE_SYMBOLS], const char *prefix, struct reference *ret_reference);

#endif
