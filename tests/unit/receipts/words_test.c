/* Amounts in words, as a Vietnamese accountant would write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "receipts/receipts.h"

struct reading {
    int64_t amount;
    const char *words;
};

static void expect(const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char words[RECEIPT_WORDS_SIZE];
        receipt_amount_in_words(readings[i].amount, words);
        assert_string_equal(words, readings[i].words);
    }
}

#define EXPECT(readings) expect(readings, sizeof readings / sizeof *readings)

static void small_numbers_follow_the_rules_of_tens(void **state)
{
    static const struct reading readings[] = {
        {0, "Không đồng"},
        {1, "Một đồng"},
        {4, "Bốn đồng"},
        {5, "Năm đồng"},
        {10, "Mười đồng"},
        {11, "Mười một đồng"},
        {14, "Mười bốn đồng"},
        {15, "Mười lăm đồng"},
        {20, "Hai mươi đồng"},
        {21, "Hai mươi mốt đồng"},
        {24, "Hai mươi tư đồng"},
        {25, "Hai mươi lăm đồng"},
        {44, "Bốn mươi tư đồng"},
        {55, "Năm mươi lăm đồng"},
        {91, "Chín mươi mốt đồng"},
        {100, "Một trăm đồng"},
        {101, "Một trăm linh một đồng"},
        {104, "Một trăm linh bốn đồng"},
        {105, "Một trăm linh năm đồng"},
        {110, "Một trăm mười đồng"},
        {115, "Một trăm mười lăm đồng"},
        {121, "Một trăm hai mươi mốt đồng"},
        {555, "Năm trăm năm mươi lăm đồng"},
        {999, "Chín trăm chín mươi chín đồng"},
    };
    EXPECT(readings);
}

static void thousands_and_millions_say_the_empty_hundreds_inside(void **state)
{
    static const struct reading readings[] = {
        {1000, "Một nghìn đồng"},
        {1001, "Một nghìn không trăm linh một đồng"},
        {1010, "Một nghìn không trăm mười đồng"},
        {1021, "Một nghìn không trăm hai mươi mốt đồng"},
        {7000, "Bảy nghìn đồng"},
        {16000, "Mười sáu nghìn đồng"},
        {135000, "Một trăm ba mươi lăm nghìn đồng"},
        {150000, "Một trăm năm mươi nghìn đồng"},
        {205005, "Hai trăm linh năm nghìn không trăm linh năm đồng"},
        {1000000, "Một triệu đồng"},
        {1000005, "Một triệu không trăm linh năm đồng"},
        {1005000, "Một triệu không trăm linh năm nghìn đồng"},
        {1050000, "Một triệu không trăm năm mươi nghìn đồng"},
        {2500000, "Hai triệu năm trăm nghìn đồng"},
        {21021021, "Hai mươi mốt triệu không trăm hai mươi mốt nghìn không trăm hai mươi mốt đồng"},
        {150000000, "Một trăm năm mươi triệu đồng"},
    };
    EXPECT(readings);
}

static void beyond_a_ty_the_groups_start_again(void **state)
{
    static const struct reading readings[] = {
        {1000000000, "Một tỷ đồng"},
        {1000000001, "Một tỷ không trăm linh một đồng"},
        {1005000000, "Một tỷ không trăm linh năm triệu đồng"},
        {20000000000, "Hai mươi tỷ đồng"},
        {1000000000000, "Một nghìn tỷ đồng"},
        {1001000000000, "Một nghìn không trăm linh một tỷ đồng"},
        {1000000000000000, "Một triệu tỷ đồng"},
        {MONEY_MAX, "Chín triệu không trăm linh bảy nghìn một trăm chín mươi chín tỷ hai trăm năm mươi tư triệu "
                    "bảy trăm bốn mươi nghìn chín trăm chín mươi mốt đồng"},
    };
    EXPECT(readings);
}

/* Reads the words back by rules of their own: what was written for every amount means that amount. */
static int64_t value_of(const char *words)
{
    static const struct {
        const char *word;
        int digit;
    } digits[] = {{"một", 1}, {"mốt", 1}, {"hai", 2}, {"ba", 3},  {"bốn", 4},  {"tư", 4},   {"năm", 5},
                  {"lăm", 5}, {"sáu", 6}, {"bảy", 7}, {"tám", 8}, {"chín", 9}, {"không", 0}};
    int64_t total = 0, below = 0, three = 0, digit = 0;
    struct text rest = text_of(words);
    while (rest.length) {
        struct text word = text_until(rest, ' ', &rest);
        char lower[16] = "";
        for (size_t i = 0; i < word.length && i < sizeof lower - 1; i++)
            lower[i] = i == 0 && word.at[0] >= 'A' && word.at[0] <= 'Z' ? (char)(word.at[0] + 32) : word.at[i];
        struct text w = text_of(lower);
        for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
            if (text_is(w, digits[i].word))
                digit = digits[i].digit;
        if (text_is(w, "trăm"))
            three += digit * 100, digit = 0;
        else if (text_is(w, "mươi"))
            three += digit * 10, digit = 0;
        else if (text_is(w, "mười"))
            three += 10, digit = 0;
        else if (text_is(w, "nghìn"))
            below += (three + digit) * 1000, three = digit = 0;
        else if (text_is(w, "triệu"))
            below += (three + digit) * 1000000, three = digit = 0;
        else if (text_is(w, "tỷ"))
            total = (below + three + digit) * 1000000000, below = three = digit = 0;
        else if (text_is(w, "đồng"))
            return total + below + three + digit;
    }
    return -1;
}

static void what_was_written_reads_back_as_the_same_amount(void **state)
{
    uint64_t seed = 254;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        static const int64_t limits[] = {1000, 1000000, 1000000000, 1000000000000, MONEY_MAX};
        int64_t amount = (int64_t)(seed >> 1) % limits[i % 5];
        if (i % 3 == 0)
            amount -= amount % 1000;
        char words[RECEIPT_WORDS_SIZE];
        receipt_amount_in_words(amount, words);
        assert_int_equal(value_of(words), amount);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_numbers_follow_the_rules_of_tens),
        cmocka_unit_test(thousands_and_millions_say_the_empty_hundreds_inside),
        cmocka_unit_test(beyond_a_ty_the_groups_start_again),
        cmocka_unit_test(what_was_written_reads_back_as_the_same_amount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
