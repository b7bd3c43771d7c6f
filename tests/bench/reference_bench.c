/* How well references survive what banks and people do to memos: recall, repairs and false matches over the shapes that
 * public statements show, and how often text without a reference seems to hold one.
 *
 *   build/tests/bench/reference_bench [MEMOS [SEED]]     default 1,000,000 and 1
 *
 * "False" is the figure that matters: a first candidate that is not what the payer was given. In the ledger it must
 * besides name a request that is open for the very amount and account: with N open requests of that amount a false
 * candidate is another's with probability N / 2^40. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "payments/requests/reference.h"
#include "tests/support/memos.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static struct dice dice;

static void measure_damaged(long memos)
{
    long tried[DAMAGES] = {0}, right[DAMAGES] = {0}, nothing[DAMAGES] = {0};
    for (long i = 0; i < memos; i++) {
        enum damage damage = (enum damage)dice_below(&dice, DAMAGES);
        struct reference made;
        struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
        char memo[MEMO_SIZE], line[MEMO_LINE_SIZE];
        reference_new("QN", &made);
        memo_write(&dice, &made, damage, memo);
        memo_fill_shape(&dice, memo, line);
        size_t count = reference_candidates(text_of(line), found);
        tried[damage]++;
        nothing[damage] += count == 0;
        bool is_right = count && !strcmp(found[0].reference.text, made.text);
        right[damage] += is_right;
        if (count && !is_right && getenv("SHOW_FALSE"))
            printf("    %s: '%s' is %s, read as %s\n", damage_names[damage], line, made.text, found[0].reference.text);
    }
    printf("%-22s %9s %9s %9s %9s %9s\n", "damage", "memos", "found", "missed", "false", "found %");
    for (int d = 0; d < DAMAGES; d++)
        printf("%-22s %9ld %9ld %9ld %9ld %9.4f%s\n", damage_names[d], tried[d], right[d], nothing[d],
               tried[d] - right[d] - nothing[d], tried[d] ? 100.0 * (double)right[d] / (double)tried[d] : 0,
               d == TWO_WRONG ? "   from here on refusal is what is wanted" : "");
}

enum noise { BANK_LINES, BASE_32_WORDS, PREFIXED_WORDS, NOISES };

static void write_noise(enum noise noise, char ret[MEMO_LINE_SIZE])
{
    if (noise == BANK_LINES) {
        char memo[MEMO_SIZE];
        memo_without_code(&dice, memo);
        memo_fill_shape(&dice, memo, ret);
        return;
    }
    size_t length = 0;
    for (int word = 0; word < 6; word++) {
        int letters = 1 + dice_below(&dice, 16);
        if (noise == PREFIXED_WORDS && word == 2)
            length += (size_t)snprintf(ret + length, 8, "QN");
        for (int i = 0; i < letters; i++)
            ret[length++] = alphabet[dice_below(&dice, 32)];
        ret[length++] = ' ';
    }
    ret[length] = '\0';
}

static void measure_noise(long memos)
{
    static const char *const names[NOISES] = {"bank lines without code", "random base-32 words",
                                              "one word begins with QN"};
    for (int noise = 0; noise < NOISES; noise++) {
        long seen[3] = {0};
        for (long i = 0; i < memos; i++) {
            struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
            char line[MEMO_LINE_SIZE];
            write_noise((enum noise)noise, line);
            if (reference_candidates(text_of(line), found))
                seen[found[0].state]++;
        }
        printf("%-24s %9ld memos: %ld seem intact, %ld repaired, %ld restored\n", names[noise], memos, seen[0], seen[1],
               seen[2]);
    }
}

int main(int argc, char **argv)
{
    long memos = argc > 1 ? atol(argv[1]) : 1000000;
    dice.state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int64_t began = clock_monotonic_us();
    measure_damaged(memos);
    int64_t damaged_us = clock_monotonic_us() - began;
    measure_noise(memos);
    printf("%.2f µs a memo with making it\n", (double)damaged_us / (double)memos);
    return 0;
}
