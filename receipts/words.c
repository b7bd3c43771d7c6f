/* Amounts in Vietnamese words. */
#include "receipts/receipts.h"

#include <assert.h>
#include <string.h>

static const char *const digit_words[] = {"không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"};

struct words {
    char *at;
    size_t length;
};

static void say(struct words *words, const char *word)
{
    size_t length = strlen(word);
    assert(words->length + length + 2 < RECEIPT_WORDS_SIZE);
    if (words->length)
        words->at[words->length++] = ' ';
    memcpy(words->at + words->length, word, length + 1);
    words->length += length;
}

/* 1 to 999; after a larger group the hundreds are always said ("không trăm linh năm"). */
static void say_three(struct words *words, int value)
{
    int hundreds = value / 100, tens = value / 10 % 10, units = value % 10;
    bool inner = words->length > 0;
    if (hundreds || inner) {
        say(words, digit_words[hundreds]);
        say(words, "trăm");
    }
    if (tens == 1) {
        say(words, "mười");
    } else if (tens > 1) {
        say(words, digit_words[tens]);
        say(words, "mươi");
    } else if (units && (hundreds || inner)) {
        say(words, "linh");
    }
    if (units == 1 && tens > 1)
        say(words, "mốt");
    else if (units == 4 && tens > 1)
        say(words, "tư");
    else if (units == 5 && tens)
        say(words, "lăm");
    else if (units)
        say(words, digit_words[units]);
}

/* Groups below a tỷ: triệu, nghìn, đơn vị; empty groups are not said. */
static void say_nine(struct words *words, int64_t value)
{
    static const struct {
        int64_t unit;
        const char *name;
    } groups[] = {{1000000, "triệu"}, {1000, "nghìn"}, {1, NULL}};
    for (size_t i = 0; i < 3; i++) {
        int three = (int)(value / groups[i].unit % 1000);
        if (!three)
            continue;
        say_three(words, three);
        if (groups[i].name)
            say(words, groups[i].name);
    }
}

void receipt_amount_in_words(int64_t amount, char ret_words[RECEIPT_WORDS_SIZE])
{
    assert(amount >= 0);
    struct words words = {ret_words, 0};
    ret_words[0] = '\0';
    const int64_t billion = 1000000000;
    int64_t over = amount / billion / billion;
    if (over) {
        say_nine(&words, over);
        say(&words, "tỷ tỷ");
    }
    if (amount / billion % billion) {
        say_nine(&words, amount / billion % billion);
        say(&words, "tỷ");
    }
    say_nine(&words, amount % billion);
    if (!amount)
        say(&words, digit_words[0]);
    say(&words, "đồng");
    /* The first letter is a capital; those of the digit words are k, m, h, b, n, s, t, c and of "mười" m: all ASCII. */
    ret_words[0] = (char)(ret_words[0] - 'a' + 'A');
}
