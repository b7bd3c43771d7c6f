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

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static uint64_t state;

static uint32_t dice(uint32_t sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % sides;
}

/* Shapes of Vietcombank, VietinBank, Agribank, MB, ACB, BIDV, MoMo and ZaloPay; '#' a digit, '@' the payer's memo. */
static const char *const shapes[] = {
    "@",
    "######.221126.######.@",
    "0200970405#########2026JDC5######.##### .######.Vietcombank:##########:NGUYE N VAN A @",
    "MBVCB.##########.@.CT tu ########## NGUYEN VAN A toi ########## SO TU PHAP",
    "MBVCB.##########.######.@.CT tu ########## NGUYEN VAN A toi########## SO TU PHAP",
    "PARTNER.DIRECT_DEBITS_VCB.MSE.###########.20261122.###########-09########_@",
    "PARTNER.DIRECT_DEBITS_VCB.ZLP.ZP6R 34H953F5.20261122.@",
    "IBBIZ##########.@",
    "SHGD:########.DD:221126.BO:CTY TNHH A.Remark:@",
    "CT nhanh 247 den: @",
    "CT nhanh 247 den: @; thoi gian GD:22/11/2026 09:14:00",
    "Chuyen tien den tu NAPAS Noi dung: @ FT############## (CT1111)",
    "@-221126-09:14:00 ######",
    "MB(######)(@)",
    "###########-09########-@",
    "IBFT @",
    "@ FT############## Ma giao dich Trace###### Trace ######",
    "NG CHUYEN:CUSTOMER @- Ma giao dich/ Trace ######",
    "############-@-CHUYEN TIEN-OQCH000BMyrx-MOMO############MOMO",
    "REM Tfr Ac:########## O@L_080005_211601_0_0_######_@",
    "CT DEN:############ @",
    "BankAPINotify @",
};
static const char *const words[] = {"nop le phi",
                                    "nop phi ho so",
                                    "NGUYEN VAN A nop phi",
                                    "ho so 000.00.12.H49-261122-0001",
                                    "le phi dat dai",
                                    "Quang Ninh",
                                    "lan 1",
                                    "cap ban sao",
                                    "thanh toan",
                                    "dang ky kinh doanh"};
enum { SHAPES = sizeof shapes / sizeof *shapes, WORDS = sizeof words / sizeof *words };

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
    TWO_WRONG,
    TWO_WRONG_SPLIT,
    SWAPPED,
    ONE_DROPPED,
    CUT_3,
    DAMAGES
};
static const char *const damage_names[DAMAGES] = {"intact",
                                                  "lower case",
                                                  "split by separators",
                                                  "a space between all",
                                                  "joined to neighbours",
                                                  "O, I, L written",
                                                  "one symbol wrong",
                                                  "prefix letter wrong",
                                                  "cut by 1",
                                                  "cut by 2",
                                                  "cut by 1, one wrong",
                                                  "cut by 2, one wrong",
                                                  "two wrong",
                                                  "two wrong, split",
                                                  "two swapped",
                                                  "one dropped",
                                                  "cut by 3"};

static void wrong_at(char *code, int at)
{
    char before = code[at];
    while (code[at] == before)
        code[at] = alphabet[dice(32)];
}

static void separate(const char *code, uint32_t chance, char *ret)
{
    for (; *code; code++) {
        *ret++ = *code;
        if (code[1] && dice(chance) == 0)
            *ret++ = " -._/"[dice(5)];
    }
    *ret = '\0';
}

static void two_wrong(char *code)
{
    int a = 2 + (int)dice(REFERENCE_SYMBOLS), b;
    do
        b = 2 + (int)dice(REFERENCE_SYMBOLS);
    while (b == a);
    wrong_at(code, a);
    wrong_at(code, b);
}

/* The code as the payer typed it. */
static void damage_code(const struct reference *made, enum damage damage, char ret[64])
{
    char code[REFERENCE_LENGTH + 1];
    memcpy(code, made->text, sizeof code);
    switch (damage) {
    case ONE_WRONG: wrong_at(code, 2 + (int)dice(REFERENCE_SYMBOLS)); break;
    case PREFIX_WRONG: wrong_at(code, (int)dice(2)); break;
    case CUT_1_WRONG:
    case CUT_2_WRONG: wrong_at(code, 2 + (int)dice(10)); break;
    case TWO_WRONG:
    case TWO_WRONG_SPLIT: two_wrong(code); break;
    case SWAPPED:
    case ONE_DROPPED: {
        uint32_t at = 2 + dice(REFERENCE_SYMBOLS - 1);
        char c = code[at];
        if (damage == SWAPPED)
            code[at] = code[at + 1], code[at + 1] = c;
        else
            memmove(code + at, code + at + 1, REFERENCE_LENGTH - at);
        break;
    }
    default: break;
    }
    if (damage == CUT_1 || damage == CUT_1_WRONG)
        code[REFERENCE_LENGTH - 1] = '\0';
    if (damage == CUT_2 || damage == CUT_2_WRONG)
        code[REFERENCE_LENGTH - 2] = '\0';
    if (damage == CUT_3)
        code[REFERENCE_LENGTH - 3] = '\0';
    for (char *c = code; damage == LOOKALIKE && *c; c++)
        *c = *c == '0' ? 'O' : *c == '1' ? "Il"[dice(2)] : *c;
    bool split = damage == SPLIT || damage == TWO_WRONG_SPLIT;
    separate(code, split ? 4 : damage == SPREAD ? 1 : UINT32_MAX, ret);
    for (char *c = ret; (damage == LOWER || dice(4) == 0) && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
}

/* The payer's words around it: nothing, before, behind. */
static void write_memo(const char *code, enum damage damage, char ret[160])
{
    const char *glue = damage == JOINED ? "" : " ";
    switch (dice(3)) {
    case 0: snprintf(ret, 160, "%s", code); break;
    case 1: snprintf(ret, 160, "%s%s%s", words[dice(WORDS)], glue, code); break;
    default: snprintf(ret, 160, "%s%s%s", code, glue, words[dice(WORDS)]); break;
    }
}

static void fill_shape(const char *memo, char ret[400])
{
    size_t length = 0;
    for (const char *shape = shapes[dice(SHAPES)]; *shape; shape++) {
        if (*shape == '@')
            length += (size_t)snprintf(ret + length, 400 - length, "%s", memo);
        else
            ret[length++] = *shape == '#' ? (char)('0' + dice(10)) : *shape;
    }
    ret[length] = '\0';
}

static void measure_damaged(long memos)
{
    long tried[DAMAGES] = {0}, right[DAMAGES] = {0}, nothing[DAMAGES] = {0};
    for (long i = 0; i < memos; i++) {
        enum damage damage = (enum damage)dice(DAMAGES);
        struct reference made;
        struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
        char code[64], memo[160], line[400];
        reference_new("QN", &made);
        damage_code(&made, damage, code);
        write_memo(code, damage, memo);
        fill_shape(memo, line);
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

static void write_noise(enum noise noise, char ret[400])
{
    char memo[160] = "";
    if (noise == BANK_LINES) {
        snprintf(memo, sizeof memo, "%s %s", words[dice(WORDS)], words[dice(WORDS)]);
        fill_shape(memo, ret);
        return;
    }
    size_t length = 0;
    for (int word = 0; word < 6; word++) {
        uint32_t letters = 1 + dice(16);
        if (noise == PREFIXED_WORDS && word == 2)
            length += (size_t)snprintf(ret + length, 8, "QN");
        for (uint32_t i = 0; i < letters; i++)
            ret[length++] = alphabet[dice(32)];
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
            char line[400];
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
    state = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    int64_t began = clock_monotonic_us();
    measure_damaged(memos);
    int64_t damaged_us = clock_monotonic_us() - began;
    measure_noise(memos);
    printf("%.2f µs a memo with making it\n", (double)damaged_us / (double)memos);
    return 0;
}
