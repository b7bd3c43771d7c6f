#include "postal/postal.h"

#include <assert.h>
#include <string.h>

char postal_s10_check(const char digits[8])
{
    static const int weights[8] = {8, 6, 4, 2, 3, 5, 9, 7};
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        assert(digits[i] >= '0' && digits[i] <= '9');
        sum += (digits[i] - '0') * weights[i];
    }
    int check = 11 - sum % 11;
    return (char)('0' + (check == 10 ? 0 : check == 11 ? 5 : check));
}

bool postal_s10_read(struct text text, char ret_item[S10_LENGTH + 1])
{
    char item[S10_LENGTH + 1] = "";
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == ' ' || c == '\t')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'Z';
        bool want_digit = length >= 2 && length < 11;
        if (length == S10_LENGTH || (want_digit ? !digit : !letter))
            return false;
        item[length++] = c;
    }
    if (length != S10_LENGTH || item[10] != postal_s10_check(item + 2))
        return false;
    memcpy(ret_item, item, sizeof item);
    return true;
}
