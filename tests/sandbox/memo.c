/* Transfer memos as they arrive: what people do when they type them, and what each bank wraps around them. The shapes
 * were counted on published statements (some 300,000 rows of three banks); digits vary with the serial. */
#include "tests/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>

const char *const memo_words[] = {"none",
                                  "lower",
                                  "split",
                                  "wrap",
                                  "cut2",
                                  "swap_one",
                                  "no_reference",
                                  "vietcombank",
                                  "mbvcb",
                                  "vcb_napas",
                                  "vcb_card",
                                  "vietinbank",
                                  "vietinbank_napas",
                                  "agribank",
                                  "mbbank",
                                  "momo",
                                  "acb",
                                  "bidv",
                                  "techcombank",
                                  NULL};

enum { LONGEST = 210 }; /* characters a bank keeps of the whole */

static uint64_t scramble(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static unsigned long long number(const struct memo_case *of, unsigned salt, unsigned digits)
{
    unsigned long long bound = 1;
    for (unsigned i = 0; i < digits; i++)
        bound *= 10;
    return scramble(of->serial * 31 + salt) % bound;
}

static bool is_code(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The word that looks like a payment code: the longest run of letters and digits that has a digit. */
static size_t code_find(const char *memo, size_t *ret_from)
{
    size_t best = 0;
    for (size_t i = 0; memo[i];) {
        size_t from = i;
        bool digit = false;
        for (; is_code(memo[i]); i++)
            digit |= memo[i] <= '9';
        if (digit && i - from > best) {
            best = i - from;
            *ret_from = from;
        }
        if (i == from)
            i++;
    }
    return best;
}

static void put_in(char memo[MEMO_MAX], size_t at, char c)
{
    size_t length = strlen(memo);
    if (length + 1 >= MEMO_MAX)
        return;
    memmove(memo + at + 1, memo + at, length - at + 1);
    memo[at] = c;
}

static void mangle(char memo[MEMO_MAX], struct text how, const struct memo_case *of)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    size_t from = 0, length = code_find(memo, &from);
    if (text_is(how, "lower")) {
        for (char *c = memo; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c | 32);
    } else if (text_is(how, "no_reference")) {
        snprintf(memo, MEMO_MAX, "Nop phi ho so");
    } else if (length < 3) {
        return;
    } else if (text_is(how, "split")) {
        for (size_t at = from + (length - 1) / 4 * 4; at > from; at -= 4)
            put_in(memo, at, ' ');
    } else if (text_is(how, "wrap")) {
        put_in(memo, from + 1 + scramble(of->serial) % (length - 1), '\n');
    } else if (text_is(how, "cut2")) {
        memmove(memo + from + length - 2, memo + from + length, strlen(memo + from + length) + 1);
    } else if (text_is(how, "swap_one")) {
        char *c = memo + from + scramble(of->serial) % length, was = *c;
        for (uint64_t step = scramble(of->serial + 1); *c == was; step++)
            *c = alphabet[step % 32];
    }
}

struct shape {
    const char *name, *bin; /* the bank that uses it for what it receives; NULL: only when asked for */
    void (*put)(const struct memo_case *of, const char *memo, const struct civil *t, char *out, size_t size);
};

#define SHAPE(name)                                                                                                    \
    static void name(const struct memo_case *of, const char *memo, const struct civil *t, char *out, size_t size)

SHAPE(vietcombank)
{
    snprintf(out, size, "MBVCB.%010llu.%s.CT tu %s %s toi %s %s", number(of, 1, 10), memo, of->payer_account,
             of->payer_name, of->account, of->account_name);
}
SHAPE(vcb_napas)
{
    snprintf(out, size, "0200%s%02d%02d%02d%02d%02d %dQ7N%llu .%05llu.%02d%02d%02d.%s", "970422", t->month, t->day,
             t->hour, t->minute, t->second, t->year, number(of, 2, 6), number(of, 3, 5), t->hour, t->minute, t->second,
             memo);
}
SHAPE(vcb_card)
{
    snprintf(out, size, "%06llu.%02d%02d%02d.%02d%02d%02d.%s", number(of, 4, 6), t->day, t->month, t->year % 100,
             t->hour, t->minute, t->second, memo);
}
SHAPE(vietinbank)
{
    snprintf(out, size, "CT nhanh 247 den: %s; thoi gian GD:%02d/%02d/%04d %02d:%02d:%02d", memo, t->day, t->month,
             t->year, t->hour, t->minute, t->second);
}
SHAPE(vietinbank_napas)
{
    snprintf(out, size, "Chuyen tien den tu NAPAS Noi dung: %s", memo);
}
SHAPE(agribank)
{
    snprintf(out, size, "MBVCB.%010llu.%06llu.%s.CT tu %s %s toi %s %s tai AGRIBANK", number(of, 5, 10),
             number(of, 6, 6), memo, of->payer_account, of->payer_name, of->account, of->account_name);
}
SHAPE(mbbank)
{
    snprintf(out, size, "%s FT%014llu   Ma giao dich  Trace%06llu Trace %06llu", memo, number(of, 7, 14),
             number(of, 8, 6), number(of, 8, 6));
}
SHAPE(momo)
{
    snprintf(out, size, "%012llu-%s-CHUYEN TIEN-OQCH000%04llu-MOMO%012lluMOMO", number(of, 9, 12), memo,
             number(of, 10, 4), number(of, 9, 12));
}
SHAPE(acb)
{
    snprintf(out, size,
             "MBVCB.%010llu.%06llu.%s.CT tu %s %s toi %s %s (ACB) A Chau GD %06llu-%02d%02d%02d %02d:%02d:%02d",
             number(of, 11, 10), number(of, 12, 6), memo, of->payer_account, of->payer_name, of->account,
             of->account_name, number(of, 13, 6), t->day, t->month, t->year % 100, t->hour, t->minute, t->second);
}
SHAPE(bidv)
{
    snprintf(out, size, "REM Tfr Ac:%s O@L_080005_%06llu_0_0_%09llu_%llu_%s", of->account, number(of, 14, 6),
             number(of, 15, 9), number(of, 16, 8), memo);
}
SHAPE(techcombank)
{
    snprintf(out, size, "%s FT%014llu", memo, number(of, 17, 14));
}

static const struct shape shapes[] = {
    {"vietcombank", "970436", vietcombank},
    {"mbvcb", NULL, vietcombank},
    {"vcb_napas", NULL, vcb_napas},
    {"vcb_card", NULL, vcb_card},
    {"vietinbank", "970415", vietinbank},
    {"vietinbank_napas", NULL, vietinbank_napas},
    {"agribank", "970405", agribank},
    {"mbbank", "970422", mbbank},
    {"momo", NULL, momo},
    {"acb", "970416", acb},
    {"bidv", "970418", bidv},
    {"techcombank", "970407", techcombank},
};

static bool known(struct text word)
{
    for (const char *const *name = memo_words; *name; name++)
        if (text_is(word, *name))
            return true;
    return false;
}

bool memo_deliver(struct text memo, struct text how, const struct memo_case *of, char ret_memo[MEMO_MAX])
{
    char plain[MEMO_MAX];
    text_to_ascii(text_slice(memo, 0, LONGEST), plain, sizeof plain);
    const struct shape *shape = NULL;
    bool bare = false;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (shapes[i].bin && !strcmp(shapes[i].bin, of->bank_bin))
            shape = &shapes[i];
    while (how.length) {
        struct text word = text_trim(text_until(how, '+', &how));
        if (!known(word))
            return false;
        bare |= text_is(word, "none");
        mangle(plain, word, of);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            if (text_is(word, shapes[i].name))
                shape = &shapes[i];
    }
    struct civil at = civil_of(of->at);
    char shaped[MEMO_MAX + 400];
    if (shape && !bare)
        shape->put(of, plain, &at, shaped, sizeof shaped);
    else
        snprintf(shaped, sizeof shaped, "%s", plain);
    snprintf(ret_memo, LONGEST + 1, "%s", shaped);
    return true;
}
