#include "core/base/money.h"

#include <stdio.h>
#include <string.h>

static enum err in_range(__int128 value, int64_t *ret)
{
    if (value > MONEY_MAX || value < -MONEY_MAX)
        return ERR_MONEY_OVERFLOW;
    *ret = (int64_t)value;
    return OK;
}

enum err money_add(int64_t a, int64_t b, int64_t *ret_sum)
{
    return in_range((__int128)a + b, ret_sum);
}

enum err money_multiply(int64_t amount, int64_t by, int64_t *ret_product)
{
    return in_range((__int128)amount * by, ret_product);
}

enum err money_ratio(int64_t amount, int64_t numerator, int64_t denominator, int64_t *ret_part)
{
    __int128 product = (__int128)amount * numerator;
    __int128 half = denominator / 2;
    return in_range((product + (product < 0 ? -half : half)) / denominator, ret_part);
}

void money_format(int64_t amount, char ret_text[MONEY_TEXT_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu",
                          amount < 0 ? 0ULL - (unsigned long long)amount : (unsigned long long)amount);
    char *to = ret_text;
    if (amount < 0)
        *to++ = '-';
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = '.';
        *to++ = digits[i];
    }
    *to = '\0';
}
