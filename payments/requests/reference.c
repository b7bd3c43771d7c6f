#include "payments/requests/reference.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include "core/base/crypto.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { FIELD = 32, ORDER = 31, MEMO_SYMBOLS_MAX = 1024 };

/* Powers and logarithms of α in GF(32). power[] runs twice so that sums of logarithms need no reduction. */
static const uint8_t power[2 * ORDER] = {
    1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14, 28, 29, 31, 27, 19, 3, 6, 12, 24, 21, 15, 30, 25, 23, 11, 22, 9, 18,
    1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14, 28, 29, 31, 27, 19, 3, 6, 12, 24, 21, 15, 30, 25, 23, 11, 22, 9, 18};
static const uint8_t logarithm[FIELD] = {0, 0,  1,  18, 2, 5,  19, 11, 3,  29, 6, 27, 20, 8,  12, 23,
                                         4, 10, 30, 17, 7, 22, 28, 26, 21, 25, 9, 16, 13, 14, 24, 15};

static char prefix[REFERENCE_PREFIX_LENGTH + 1] = "QN";

static uint8_t multiply(uint8_t a, uint8_t b)
{
    return a && b ? power[logarithm[a] + logarithm[b]] : 0;
}

/* The value of a character as people and banks write it; -1: not of the alphabet. */
static int symbol_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return 0;
    if (c == 'I' || c == 'L')
        return 1;
    const char *found = c ? strchr(alphabet + 10, c) : NULL;
    return found ? (int)(found - alphabet) : -1;
}

bool reference_prefix_valid(struct text text)
{
    static const char *const taken[] = {"FT", "MB", "CT", "TK"};
    if (text.length != REFERENCE_PREFIX_LENGTH)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < 'A' || !strchr(alphabet + 10, text.at[i]))
            return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (text_is(text, taken[i]))
            return false;
    return true;
}

void reference_prefix_set(const char *wanted)
{
    assert(reference_prefix_valid(text_of(wanted)));
    memcpy(prefix, wanted, sizeof prefix);
}

/* Syndromes: the word read as a polynomial (first symbol highest) at α, α², α³, α⁴. All zero: a code word. */
static bool syndromes(const uint8_t word[REFERENCE_SYMBOLS], uint8_t ret[REFERENCE_CHECKS])
{
    uint8_t any = 0;
    for (int k = 0; k < REFERENCE_CHECKS; k++) {
        uint8_t value = 0;
        for (int i = 0; i < REFERENCE_SYMBOLS; i++)
            value = multiply(value, power[k + 1]) ^ word[i];
        ret[k] = value;
        any |= value;
    }
    return any == 0;
}

/* Remainder of the data by the generator, kept in a shift register of four. (x−α)(x−α²)(x−α³)(x−α⁴) is worked out once
 * per call: it is four products. */
static void append_checks(uint8_t word[REFERENCE_SYMBOLS])
{
    uint8_t generator[REFERENCE_CHECKS + 1] = {1};
    for (int k = 0; k < REFERENCE_CHECKS; k++)
        for (int i = k + 1; i > 0; i--)
            generator[i] ^= multiply(generator[i - 1], power[k + 1]);
    uint8_t rest[REFERENCE_CHECKS] = {0};
    for (int i = 0; i < REFERENCE_RANDOM; i++) {
        uint8_t head = word[i] ^ rest[0];
        for (int k = 0; k < REFERENCE_CHECKS; k++)
            rest[k] = (k + 1 < REFERENCE_CHECKS ? rest[k + 1] : 0) ^ multiply(head, generator[k + 1]);
    }
    memcpy(word + REFERENCE_RANDOM, rest, sizeof rest);
}

/* Mends one wrong symbol: with error e at position p, S1 = e·α^p', S2 = S1·α^p' and so on. How many symbols were
 * changed, 0 or 1; -1 when it takes more. */
static int mend(uint8_t word[REFERENCE_SYMBOLS])
{
    uint8_t s[REFERENCE_CHECKS];
    if (syndromes(word, s))
        return 0;
    if (!s[0] || !s[1] || !s[2] || !s[3])
        return -1;
    int step = (logarithm[s[1]] - logarithm[s[0]] + ORDER) % ORDER;
    for (int k = 1; k + 1 < REFERENCE_CHECKS; k++)
        if ((logarithm[s[k + 1]] - logarithm[s[k]] + ORDER) % ORDER != step)
            return -1;
    if (step >= REFERENCE_SYMBOLS)
        return -1; /* the error would stand outside the word */
    word[REFERENCE_SYMBOLS - 1 - step] ^= power[(logarithm[s[0]] - step + ORDER) % ORDER];
    return 1;
}

static void write_text(const uint8_t word[REFERENCE_SYMBOLS], const char *with_prefix, struct reference *ret)
{
    memcpy(ret->text, with_prefix, REFERENCE_PREFIX_LENGTH);
    for (int i = 0; i < REFERENCE_SYMBOLS; i++)
        ret->text[REFERENCE_PREFIX_LENGTH + i] = alphabet[word[i]];
    ret->text[REFERENCE_LENGTH] = '\0';
}

void reference_new(const char *with_prefix, struct reference *ret_reference)
{
    assert(reference_prefix_valid(text_of(with_prefix)));
    uint8_t word[REFERENCE_SYMBOLS];
    crypto_random(word, REFERENCE_RANDOM);
    for (int i = 0; i < REFERENCE_RANDOM; i++)
        word[i] %= FIELD;
    append_checks(word);
    write_text(word, with_prefix, ret_reference);
}

bool reference_valid(struct text text)
{
    uint8_t word[REFERENCE_SYMBOLS], s[REFERENCE_CHECKS];
    if (text.length != REFERENCE_LENGTH)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (!memchr(alphabet, text.at[i], FIELD))
            return false;
    for (int i = 0; i < REFERENCE_SYMBOLS; i++)
        word[i] = (uint8_t)symbol_of(text.at[REFERENCE_PREFIX_LENGTH + i]);
    return text.at[0] >= 'A' && text.at[1] >= 'A' && syndromes(word, s);
}

/* A memo without its separators: the value of each character, and whether a separator stood before it. */
struct memo {
    size_t length;
    int8_t symbol[MEMO_SYMBOLS_MAX]; /* -1: a letter that is not of the alphabet */
    bool gap[MEMO_SYMBOLS_MAX + 1];
};

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void strip(struct text text, struct memo *ret)
{
    ret->length = 0;
    bool gap = true;
    for (size_t i = 0; i < text.length && ret->length < MEMO_SYMBOLS_MAX; i++) {
        if (!is_letter_or_digit(text.at[i])) {
            gap = true;
            continue;
        }
        ret->symbol[ret->length] = (int8_t)symbol_of(text.at[i]);
        ret->gap[ret->length++] = gap;
        gap = false;
    }
    ret->gap[ret->length] = true;
}

struct found {
    struct reference_candidate *list;
    size_t count;
};

/* Keeps a candidate in order of edits, the earlier in the memo first; the same reference counts with its fewest edits.
 */
static void keep(struct found *found, const uint8_t word[REFERENCE_SYMBOLS], int edits)
{
    struct reference_candidate made = {.edits = edits};
    write_text(word, prefix, &made.reference);
    size_t at = 0;
    while (at < found->count && found->list[at].edits <= edits) {
        if (!memcmp(&found->list[at].reference, &made.reference, sizeof made.reference))
            return;
        at++;
    }
    for (size_t i = at; i < found->count; i++)
        if (!memcmp(&found->list[i].reference, &made.reference, sizeof made.reference)) {
            memmove(&found->list[i], &found->list[i + 1], (found->count - i - 1) * sizeof made);
            found->count--;
        }
    if (at == REFERENCE_CANDIDATES_MAX)
        return;
    if (found->count == REFERENCE_CANDIDATES_MAX)
        found->count--;
    memmove(&found->list[at + 1], &found->list[at], (found->count - at) * sizeof made);
    found->list[at] = made;
    found->count++;
}

static int unknown_symbols(const struct memo *memo, size_t from, size_t count)
{
    int unknown = 0;
    for (size_t i = from; i < from + count; i++)
        unknown += memo->symbol[i] < 0;
    return unknown;
}

/* The twelve symbols at `from`, whole: intact or with one wrong. `spent` are edits already made to the prefix. A letter
 * that the alphabet lacks is a wrong symbol whose place is known. */
static void try_whole(const struct memo *memo, size_t from, int spent, struct found *found)
{
    if (from + REFERENCE_SYMBOLS > memo->length || unknown_symbols(memo, from, REFERENCE_SYMBOLS) > 1 - spent)
        return;
    uint8_t word[REFERENCE_SYMBOLS];
    for (int i = 0; i < REFERENCE_SYMBOLS; i++)
        word[i] = memo->symbol[from + (size_t)i] < 0 ? 0 : (uint8_t)memo->symbol[from + (size_t)i];
    int edits = mend(word);
    if (edits < 0 || edits + spent > 1)
        return;
    bool mapped = unknown_symbols(memo, from, REFERENCE_SYMBOLS) > 0;
    keep(found, word, mapped ? 1 : edits + spent);
}

/* The last one or two symbols are missing: every filling is tried; the distance of 5 leaves room for one wrong symbol
 * more. */
static void try_cut(const struct memo *memo, size_t from, size_t present, struct found *found)
{
    size_t erased = REFERENCE_SYMBOLS - present;
    if (from + present > memo->length || unknown_symbols(memo, from, present))
        return;
    int fillings = erased == 1 ? FIELD : FIELD * FIELD;
    for (int filling = 0; filling < fillings; filling++) {
        uint8_t word[REFERENCE_SYMBOLS], before[REFERENCE_SYMBOLS];
        for (size_t i = 0; i < present; i++)
            word[i] = (uint8_t)memo->symbol[from + i];
        word[present] = (uint8_t)(filling % FIELD);
        if (erased == 2)
            word[present + 1] = (uint8_t)(filling / FIELD);
        memcpy(before, word, sizeof before);
        int edits = mend(word);
        /* A symbol mended in the filled part would be the same word by another filling. */
        if (edits >= 0 && !memcmp(before + present, word + present, erased))
            keep(found, word, edits + (int)erased);
    }
}

size_t reference_candidates(struct text text, struct reference_candidate ret_found[REFERENCE_CANDIDATES_MAX])
{
    struct memo memo;
    struct found found = {.list = ret_found};
    int first = symbol_of(prefix[0]), second = symbol_of(prefix[1]);
    strip(text, &memo);
    for (size_t i = 0; i + REFERENCE_PREFIX_LENGTH < memo.length; i++) {
        bool has_first = memo.symbol[i] == first, has_second = memo.symbol[i + 1] == second;
        size_t from = i + REFERENCE_PREFIX_LENGTH;
        if (has_first || has_second)
            try_whole(&memo, from, has_first && has_second ? 0 : 1, &found);
        if (!has_first || !has_second)
            continue;
        /* Cut off: by the end of the memo, or by a separator behind which something else begins. */
        for (size_t present = REFERENCE_SYMBOLS - 2; present < REFERENCE_SYMBOLS; present++)
            if (from + present <= memo.length && memo.gap[from + present])
                try_cut(&memo, from, present, &found);
    }
    return found.count;
}
