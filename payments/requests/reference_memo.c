/* Finding references in what banks make of a memo.
 *
 * Separators are taken out and the rest is read at every place. How much of a fit is luck depends on how many symbols
 * still check the others, so each reading asks for surroundings in proportion (chances per place where the prefix
 * stands, for random symbols behind it):
 *
 *   twelve symbols, none wrong     1e-6   anywhere, even joined to its neighbours on both sides
 *   twelve symbols, one wrong      4e-4   anywhere
 *   eleven or ten, none wrong      3e-5, 1e-3   cut off by a separator or by the memo's end
 *   eleven, one wrong              1 %    as ten
 *   ten, one wrong                 30 %   a word of its own, not all digits, and nothing behind it that could be the
 * rest prefix wrong                   1e-6   at one end of a word
 *
 * The bank's own words behind the citizen's (".CT tu …", " FT26327…") count as the memo's end. */
#include "payments/requests/reference_code.h"

#include <string.h>

enum { MEMO_SYMBOLS_MAX = 1024, PRESENT_MIN = REFERENCE_SYMBOLS - 2 };

/* A memo without its separators. */
struct memo {
    size_t length;
    char character[MEMO_SYMBOLS_MAX]; /* upper case */
    int8_t symbol[MEMO_SYMBOLS_MAX];  /* -1: a letter that is not of the alphabet */
    bool gap[MEMO_SYMBOLS_MAX + 1];   /* a separator stood before it; also at both ends */
};

struct found {
    struct reference_candidate *list;
    size_t count;
};

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void strip(struct text text, struct memo *ret)
{
    bool gap = true;
    ret->length = 0;
    for (size_t i = 0; i < text.length && ret->length < MEMO_SYMBOLS_MAX; i++) {
        char c = upper(text.at[i]);
        if (!is_digit(c) && (c < 'A' || c > 'Z')) {
            gap = true;
            continue;
        }
        ret->character[ret->length] = c;
        ret->symbol[ret->length] = (int8_t)reference_symbol(c);
        ret->gap[ret->length++] = gap;
        gap = false;
    }
    ret->gap[ret->length] = true;
}

/* Whether the bank's own words begin here, or the payer's next ones. '#' stands for a digit. Measured on public
 * statements: README.md. */
static bool is_bank_tail(const struct memo *memo, size_t at)
{
    static const char *const tails[] = {
        "CTTU",  "CTDEN",      "CT####", "CHUYENTIEN", "FT##########", "MAGIAODICH",
        "MAGD",  "THOIGIANGD", "TRACE#", "GD######",   "MOMO#",        "############" /* ddmmyy-hh:mm:ss */,
        "LEPHI", "HOSO" /* two-letter words that would seem to be the rest of a code */};
    if (at == memo->length)
        return true;
    for (size_t t = 0; memo->gap[at] && t < sizeof tails / sizeof *tails; t++) {
        size_t i = 0;
        while (tails[t][i] && at + i < memo->length &&
               (tails[t][i] == '#' ? is_digit(memo->character[at + i]) : tails[t][i] == memo->character[at + i]))
            i++;
        if (!tails[t][i])
            return true;
    }
    return false;
}

static bool better(const struct reference_candidate *a, const struct reference_candidate *b)
{
    return a->state != b->state ? a->state < b->state : a->edits < b->edits;
}

/* Keeps a candidate in its order, the earlier in the memo first; the same reference counts once, as it is best. */
static void keep(struct found *found, const struct reference_candidate *made)
{
    size_t at = 0;
    for (; at < found->count && !better(made, &found->list[at]); at++)
        if (!memcmp(&found->list[at].reference, &made->reference, sizeof made->reference))
            return;
    for (size_t i = at; i < found->count; i++)
        if (!memcmp(&found->list[i].reference, &made->reference, sizeof made->reference)) {
            memmove(&found->list[i], &found->list[i + 1], (found->count - i - 1) * sizeof *made);
            found->count--;
            break;
        }
    if (at == REFERENCE_CANDIDATES_MAX)
        return;
    if (found->count == REFERENCE_CANDIDATES_MAX)
        found->count--;
    memmove(&found->list[at + 1], &found->list[at], (found->count - at) * sizeof *made);
    found->list[at] = *made;
    found->count++;
}

/* How many wrong symbols a reading with erased ones may have where it stands: 0 or 1; -1: it is not to be read there.
 */
static int wrong_allowed(const struct memo *memo, size_t at, size_t present)
{
    size_t from = at + REFERENCE_PREFIX_LENGTH, end = from + present, run = 1, gaps = 0, digits = 0;
    if (!memo->gap[end])
        return -1;
    for (size_t i = at + 1; i < end; i++)
        gaps += memo->gap[i];
    for (size_t i = from; i < end; i++)
        digits += is_digit(memo->character[i]);
    while (end + run < memo->length && !memo->gap[end + run])
        run++; /* the length of the next word */
    bool begins = memo->gap[at], last = is_bank_tail(memo, end), cut = present < REFERENCE_SYMBOLS;
    bool rest_may_follow = cut && !last && run <= REFERENCE_SYMBOLS - present;
    if (cut && !last && gaps && (!begins || run < 3))
        return -1; /* split everywhere: what follows is more of it, or nothing tells where it ends */
    bool alone = begins && !rest_may_follow && (last || !gaps);
    return alone && digits < present ? 1 : 0;
}

/* Reads `present` symbols behind the prefix at `at`; the others are cut off. True when a candidate was kept. */
static bool read_at(const struct memo *memo, size_t at, size_t present, int prefix_wrong, struct found *found)
{
    size_t from = at + REFERENCE_PREFIX_LENGTH;
    uint8_t word[REFERENCE_SYMBOLS] = {0}, erased[REFERENCE_SYMBOLS];
    int erased_count = 0, lost = 0;
    if (from + present > memo->length)
        return false;
    for (size_t i = 0; i < REFERENCE_SYMBOLS; i++) {
        int symbol = i < present ? memo->symbol[from + i] : -1;
        if (symbol >= 0) {
            word[i] = (uint8_t)symbol;
            continue;
        }
        erased[erased_count++] = (uint8_t)i;
        lost += i < PRESENT_MIN; /* a letter that no alphabet of ours has, in the middle: the one wrong symbol */
    }
    int allowed = erased_count == lost ? 1 : wrong_allowed(memo, at, present);
    allowed -= lost + prefix_wrong;
    if (allowed < 0 || (prefix_wrong && erased_count))
        return false;
    int wrong = reference_restore(word, erased, erased_count, allowed);
    if (wrong < 0)
        return false;
    int edits = wrong + prefix_wrong + erased_count;
    struct reference_candidate made = {.edits = edits,
                                       .state = erased_count > lost ? REFERENCE_RESTORED
                                                : edits             ? REFERENCE_REPAIRED
                                                                    : REFERENCE_INTACT};
    reference_write(word, reference_prefix(), &made.reference);
    keep(found, &made);
    return true;
}

size_t reference_candidates(struct text text, struct reference_candidate ret_found[REFERENCE_CANDIDATES_MAX])
{
    struct memo memo;
    struct found found = {.list = ret_found};
    int first = reference_symbol(reference_prefix()[0]), second = reference_symbol(reference_prefix()[1]);
    strip(text, &memo);
    for (size_t i = 0; i + REFERENCE_PREFIX_LENGTH + PRESENT_MIN <= memo.length; i++) {
        int prefix_wrong = (memo.symbol[i] != first) + (memo.symbol[i + 1] != second);
        if (prefix_wrong == 0) {
            for (size_t present = REFERENCE_SYMBOLS; present >= PRESENT_MIN; present--)
                if (read_at(&memo, i, present, 0, &found))
                    break;
        } else if (prefix_wrong == 1 && i + REFERENCE_LENGTH <= memo.length &&
                   (memo.gap[i] || memo.gap[i + REFERENCE_LENGTH])) {
            read_at(&memo, i, REFERENCE_SYMBOLS, 1, &found);
        }
    }
    return found.count;
}
