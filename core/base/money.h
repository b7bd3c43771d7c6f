/* Money: whole đồng in int64. The đồng has no minor unit in use; no floating point ever touches an amount. */
#ifndef LEPHI_CORE_MONEY_H
#define LEPHI_CORE_MONEY_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/err.h"
#include "core/base/text.h"

/* The largest amount any field may carry: JSON readers of other systems hold integers exactly up to 2^53. */
#define MONEY_MAX INT64_C(9007199254740991)

MUST_CHECK enum err money_add(int64_t a, int64_t b, int64_t *ret_sum);
MUST_CHECK enum err money_multiply(int64_t amount, int64_t by, int64_t *ret_product);

/* amount × numerator ÷ denominator, rounded half up (away from zero); the product may need 128 bits. */
MUST_CHECK enum err money_ratio(int64_t amount, int64_t numerator, int64_t denominator, int64_t *ret_part);

enum { MONEY_TEXT_SIZE = 32 };
/* "150.000", as Vietnamese readers expect; the unit is not included. */
void money_format(int64_t amount, char ret_text[MONEY_TEXT_SIZE]);

#endif
