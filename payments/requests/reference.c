#include "payments/requests/reference_code.h"

#include <assert.h>
#include <string.h>
#include "core/base/crypto.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { FIELD = 32, ORDER = 31 };

/* Powers and logarithms of α in GF(32). power[] runs twice so that sums of logarithms need no reduction. */
static const uint8_t power[2 * ORDER] = {
    1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14, 28, 29, 31, 27, 19, 3, 6, 12, 24, 21, 15, 30, 25, 23, 11, 22, 9, 18,
    1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14, 28, 29, 31, 27, 19, 3, 6, 12, 24, 21, 15, 30, 25, 23, 11, 22, 9, 18};
static const uint8_t logarithm[FIELD] = {0, 0,  1,  18, 2, 5,  19, 11, 3,  29, 6, 27, 20, 8,  12, 23,
                                         4, 10, 30, 17, 7, 22, 28, 26, 21, 25, 9, 16, 13, 14, 24, 15};

/* (x−α)(x−α²)(x−α³)(x−α⁴) without its leading 1, highest power first. */
static const uint8_t generator[REFERENCE_CHECKS] = {30, 6, 9, 17};

static char prefix[REFERENCE_PREFIX_LENGTH + 1] = "QN";

static uint8_t multiply(uint8_t a, uint8_t b)
{
    return a && b ? power[logarithm[a] + logarithm[b]] : 0;
}

static uint8_t divide(uint8_t a, uint8_t b)
{
    assert(b);
    return a ? power[logarithm[a] + ORDER - logarithm[b]] : 0;
}

int reference_symbol(char c)
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

const char *reference_prefix(void)
{
    return prefix;
}

/* Where a place stands in the polynomial: the first symbol has the highest power. */
static uint8_t locator(int place)
{
    return power[REFERENCE_SYMBOLS - 1 - place];
}

/* The word as a polynomial at α, α², α³, α⁴. True when all are zero: a code word. */
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

/* The data's remainder by the generator, kept in a shift register of four. */
static void append_checks(uint8_t word[REFERENCE_SYMBOLS])
{
    uint8_t rest[REFERENCE_CHECKS] = {0};
    for (int i = 0; i < REFERENCE_RANDOM; i++) {
        uint8_t head = word[i] ^ rest[0];
        for (int k = 0; k < REFERENCE_CHECKS; k++)
            rest[k] = (k + 1 < REFERENCE_CHECKS ? rest[k + 1] : 0) ^ multiply(head, generator[k]);
    }
    memcpy(word + REFERENCE_RANDOM, rest, sizeof rest);
}

/* Syndromes from which what stands at the erased places, whatever it is, has been taken out (Forney's syndromes): one
 * fewer for each. `except` is an erased place that is left in, or -1. Returns how many remain. */
static int syndromes_without(const uint8_t word[REFERENCE_SYMBOLS], const uint8_t *erased, int erased_count, int except,
                             uint8_t ret[REFERENCE_CHECKS])
{
    int count = REFERENCE_CHECKS;
    syndromes(word, ret);
    for (int i = 0; i < erased_count; i++) {
        if (erased[i] == except)
            continue;
        count--;
        for (int k = 0; k < count; k++)
            ret[k] = ret[k + 1] ^ multiply(locator(erased[i]), ret[k]);
    }
    return count;
}

/* What a symbol of 1 at `place` would leave in the first of those syndromes. */
static uint8_t weight(int place, const uint8_t *erased, int erased_count)
{
    uint8_t product = locator(place);
    for (int i = 0; i < erased_count; i++)
        if (erased[i] != place)
            product = multiply(product, locator(place) ^ locator(erased[i]));
    return product;
}

/* The place of the one wrong symbol: the syndromes it leaves are a geometric row whose ratio is its locator. -1: no
 * single symbol explains them. */
static int place_of_error(const uint8_t *s, int count, const uint8_t *erased, int erased_count)
{
    for (int k = 0; k < count; k++)
        if (!s[k])
            return -1;
    int step = (logarithm[s[1]] - logarithm[s[0]] + ORDER) % ORDER, place = REFERENCE_SYMBOLS - 1 - step;
    for (int k = 1; k + 1 < count; k++)
        if ((logarithm[s[k + 1]] - logarithm[s[k]] + ORDER) % ORDER != step)
            return -1;
    for (int i = 0; i < erased_count; i++)
        if (erased[i] == place)
            return -1;
    return place; /* negative when it would stand outside the word */
}

int reference_restore(uint8_t word[REFERENCE_SYMBOLS], const uint8_t *erased, int erased_count, int wrong_max)
{
    uint8_t s[REFERENCE_CHECKS];
    int wrong = 0, count = syndromes_without(word, erased, erased_count, -1, s);
    assert(erased_count <= 3 && wrong_max <= 1);
    for (int k = 0; k < count && !wrong; k++)
        wrong = s[k] != 0;
    if (wrong) {
        int place = wrong_max && count > 1 ? place_of_error(s, count, erased, erased_count) : -1;
        if (place < 0)
            return -1;
        word[place] ^= divide(s[0], weight(place, erased, erased_count));
    }
    for (int i = 0; i < erased_count; i++) {
        syndromes_without(word, erased, erased_count, erased[i], s);
        word[erased[i]] ^= divide(s[0], weight(erased[i], erased, erased_count));
    }
    assert(syndromes(word, s));
    return wrong;
}

void reference_write(const uint8_t word[REFERENCE_SYMBOLS], const char *with_prefix, struct reference *ret)
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
        word[i] %= FIELD; /* 256 is a multiple of 32: every symbol is equally likely */
    append_checks(word);
    reference_write(word, with_prefix, ret_reference);
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
        word[i] = (uint8_t)reference_symbol(text.at[REFERENCE_PREFIX_LENGTH + i]);
    return text.at[0] >= 'A' && text.at[1] >= 'A' && syndromes(word, s);
}
