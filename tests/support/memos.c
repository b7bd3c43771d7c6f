#include "tests/support/memos.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

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

const char *const damage_names[DAMAGES] = {"intact",
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

static void wrong_at(struct dice *dice, char *code, int at)
{
    char before = code[at];
    while (code[at] == before)
        code[at] = alphabet[dice_below(dice, 32)];
}

static void separate(struct dice *dice, const char *code, int chance, char *ret)
{
    for (; *code; code++) {
        *ret++ = *code;
        if (code[1] && dice_below(dice, chance) == 0)
            *ret++ = " -._/"[dice_below(dice, 5)];
    }
    *ret = '\0';
}

static void two_wrong(struct dice *dice, char *code)
{
    int a = 2 + dice_below(dice, REFERENCE_SYMBOLS), b;
    do
        b = 2 + dice_below(dice, REFERENCE_SYMBOLS);
    while (b == a);
    wrong_at(dice, code, a);
    wrong_at(dice, code, b);
}

/* The code as the payer typed it. */
static void damage_code(struct dice *dice, const struct reference *made, enum damage damage, char ret[64])
{
    char code[REFERENCE_LENGTH + 1];
    memcpy(code, made->text, sizeof code);
    switch (damage) {
    case ONE_WRONG: wrong_at(dice, code, 2 + dice_below(dice, REFERENCE_SYMBOLS)); break;
    case PREFIX_WRONG: wrong_at(dice, code, dice_below(dice, 2)); break;
    case CUT_1_WRONG:
    case CUT_2_WRONG: wrong_at(dice, code, 2 + dice_below(dice, 10)); break;
    case TWO_WRONG:
    case TWO_WRONG_SPLIT: two_wrong(dice, code); break;
    case SWAPPED:
    case ONE_DROPPED: {
        int at = 2 + dice_below(dice, REFERENCE_SYMBOLS - 1);
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
        *c = *c == '0' ? 'O' : *c == '1' ? "Il"[dice_below(dice, 2)] : *c;
    bool split = damage == SPLIT || damage == TWO_WRONG_SPLIT;
    separate(dice, code, split ? 4 : damage == SPREAD ? 1 : INT_MAX, ret);
    for (char *c = ret; (damage == LOWER || dice_below(dice, 4) == 0) && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
}

void memo_write(struct dice *dice, const struct reference *made, enum damage damage, char ret_memo[MEMO_SIZE])
{
    const char *glue = damage == JOINED ? "" : " ";
    char code[64];
    damage_code(dice, made, damage, code);
    switch (dice_below(dice, 3)) {
    case 0: snprintf(ret_memo, MEMO_SIZE, "%s", code); break;
    case 1: snprintf(ret_memo, MEMO_SIZE, "%s%s%s", words[dice_below(dice, WORDS)], glue, code); break;
    default: snprintf(ret_memo, MEMO_SIZE, "%s%s%s", code, glue, words[dice_below(dice, WORDS)]); break;
    }
}

void memo_without_code(struct dice *dice, char ret_memo[MEMO_SIZE])
{
    const char *first = words[dice_below(dice, WORDS)];
    snprintf(ret_memo, MEMO_SIZE, "%s %s", first, words[dice_below(dice, WORDS)]);
}

void memo_fill_shape(struct dice *dice, const char *memo, char ret_line[MEMO_LINE_SIZE])
{
    size_t length = 0;
    for (const char *shape = shapes[dice_below(dice, SHAPES)]; *shape; shape++) {
        if (*shape == '@')
            length += (size_t)snprintf(ret_line + length, MEMO_LINE_SIZE - length, "%s", memo);
        else
            ret_line[length++] = *shape == '#' ? (char)('0' + dice_below(dice, 10)) : *shape;
    }
    ret_line[length] = '\0';
}
