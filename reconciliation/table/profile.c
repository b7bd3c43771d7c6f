/* The built-in profiles, and how a header finds its own. */
#include "reconciliation/table/profile.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The two files as they stand in the source tree. */
#define EMBED(name, path)                                                                                              \
    __asm__(".section .rodata\n.global " #name "\n" #name ":\n.incbin \"" path "\"\n.global " #name "_end\n" #name     \
            "_end:\n.byte 0\n.previous\n");                                                                            \
    extern const char name[], name##_end[]
EMBED(lephi_profiles_csv, "reconciliation/profiles/profiles.csv");
EMBED(lephi_columns_csv, "reconciliation/profiles/columns.csv");

enum { RULES_MAX = 1024 };

enum match { MATCH_WORDS, MATCH_EXACT, MATCH_START };

struct rule {
    int profile; /* -1: a label */
    enum table_role role;
    enum match match;
    const char *words; /* one alternative */
};

/* Filled once, never changed after. */
static struct {
    pthread_once_t once;
    struct arena arena;
    struct profile profiles[PROFILES_MAX];
    size_t profile_count;
    struct rule rules[RULES_MAX];
    size_t rule_count;
    int base; /* the profile "bank": words that any bank may use */
} book = {.once = PTHREAD_ONCE_INIT};

static const char *const role_names[] = {
#define X(name) #name,
    TABLE_ROLES(X)
#undef X
};

enum table_role table_role_named(struct text name)
{
    size_t role = 0;
    while (role < TABLE_ROLE_COUNT && !text_is(name, role_names[role]))
        role++;
    return (enum table_role)role;
}

const char *table_role_name(enum table_role role)
{
    return role < TABLE_ROLE_COUNT ? role_names[role] : "";
}

/* ---- reading the files: what is wrong in them is a fault of the build, found by the tests ---------------------------
 */

static const char *kept(struct text text)
{
    return text.length ? arena_copy(&book.arena, text) : "";
}

static int kind_named(struct text name)
{
    static const char *const kinds[] = {"statement",  "gateway", "wallet",  "terminal",
                                        "collection", "orders",  "treasury"};
    for (int i = 0; i < 7; i++)
        if (text_is(name, kinds[i]))
            return i;
    abort();
}

static void profile_read(const struct csv_row *row)
{
    if (row->count != 10 || book.profile_count == PROFILES_MAX)
        abort();
    struct profile *p = &book.profiles[book.profile_count++];
    const struct text *f = row->fields;
    *p = (struct profile){.name = kept(f[0]),
                          .kind = (enum profile_kind)kind_named(f[1]),
                          .issuer = kept(f[2]),
                          .marker = kept(f[4]),
                          .paid = kept(f[5]),
                          .failed = kept(f[6]),
                          .cancelled = kept(f[7]),
                          .other = kept(f[8])};
    for (struct text rest = f[3]; rest.length;) {
        enum table_role role = table_role_named(text_until(rest, ' ', &rest));
        if (role == TABLE_ROLE_COUNT)
            abort();
        p->needs |= UINT64_C(1) << role;
    }
    static const char *const flags[] = {"once", "fee_negative", "table1", "table2"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (words_in(kept(f[9]), flags[i]) || text_is(f[9], flags[i]))
            p->flags |= 1u << i;
    if (text_is(f[0], "bank"))
        book.base = (int)book.profile_count - 1;
}

static void rules_read(const struct csv_row *row)
{
    const struct text *f = row->fields;
    if (row->count != 4)
        abort();
    int profile = -1;
    for (size_t i = 0; i < book.profile_count; i++)
        if (text_is(f[0], book.profiles[i].name))
            profile = (int)i;
    enum table_role role = table_role_named(f[1]);
    if ((profile < 0 && !text_is(f[0], "label")) || role == TABLE_ROLE_COUNT)
        abort();
    enum match match = text_is(f[2], "exact") ? MATCH_EXACT : text_is(f[2], "start") ? MATCH_START : MATCH_WORDS;
    for (struct text rest = f[3]; rest.length;) {
        if (book.rule_count == RULES_MAX)
            abort();
        book.rules[book.rule_count++] = (struct rule){profile, role, match, kept(text_until(rest, '|', &rest))};
    }
}

static void csv_each(const char *from, const char *to, void (*read)(const struct csv_row *row))
{
    struct csv csv;
    struct csv_row row;
    csv_open(&csv, (struct text){from, (size_t)(to - from)}, ',', &book.arena);
    if (csv_next(&csv, &row)) /* names of the columns */
        abort();
    while (!csv_next(&csv, &row))
        read(&row);
}

static void book_open(void)
{
    arena_init(&book.arena);
    csv_each(lephi_profiles_csv, lephi_profiles_csv_end, profile_read);
    csv_each(lephi_columns_csv, lephi_columns_csv_end, rules_read);
}

static void book_need(void)
{
    pthread_once(&book.once, book_open);
}

/* ---- words ----------------------------------------------------------------------------------------------------------
 */

static bool has_words(const char *key, const char *words, size_t length)
{
    for (const char *at = key; (at = strstr(at, words)); at++)
        if ((at == key || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

bool words_in(const char *key, const char *alternatives)
{
    char words[KEY_SIZE];
    for (struct text rest = text_of(alternatives); rest.length;) {
        struct text one = text_until(rest, '|', &rest);
        if (!one.length || one.length >= sizeof words)
            continue;
        memcpy(words, one.at, one.length);
        words[one.length] = '\0';
        if (has_words(key, words, one.length))
            return true;
    }
    return false;
}

static bool rule_fits(const struct rule *rule, const char *key)
{
    size_t length = strlen(rule->words);
    switch (rule->match) {
    case MATCH_EXACT: return !strcmp(key, rule->words);
    case MATCH_START: return !strncmp(key, rule->words, length) && (key[length] == ' ' || !key[length]);
    case MATCH_WORDS: return has_words(key, rule->words, length);
    }
    return false;
}

bool label_is(const char *key, enum table_role role)
{
    book_need();
    for (size_t i = 0; i < book.rule_count; i++)
        if (book.rules[i].profile < 0 && book.rules[i].role == role && rule_fits(&book.rules[i], key))
            return true;
    return false;
}

uint64_t profile_markers(const char *key)
{
    book_need();
    uint64_t found = 0;
    for (size_t i = 0; i < book.profile_count; i++)
        if (*book.profiles[i].marker && words_in(key, book.profiles[i].marker))
            found |= UINT64_C(1) << i;
    return found;
}

const struct profile *profile_named(struct text name)
{
    book_need();
    for (size_t i = 0; i < book.profile_count; i++)
        if (text_is(name, book.profiles[i].name))
            return &book.profiles[i];
    return NULL;
}

/* ---- headers --------------------------------------------------------------------------------------------------------
 */

void header_keys_of(const struct grid_row *row, struct header_keys *ret_keys)
{
    ret_keys->count = row->count;
    for (size_t i = 0; i < row->count; i++)
        text_to_key(row->cells[i], ret_keys->key[i], KEY_SIZE);
}

/* Gives the columns that are still free to the roles that a profile's words name. An earlier rule names its column
 * better than a later one, and a cell belongs to the first rule that fits it. Returns how well the words fit. */
static int roles_take(int profile, const struct header_keys *keys, bool *taken, struct table_roles *roles,
                      uint64_t *found)
{
    size_t strength[TABLE_ROLE_COUNT];
    uint64_t own = 0;
    int score = 0;
    for (size_t c = 0; c < keys->count; c++) {
        if (taken[c] || !keys->key[c][0])
            continue;
        for (size_t r = 0; r < book.rule_count; r++) {
            const struct rule *rule = &book.rules[r];
            uint64_t bit = UINT64_C(1) << rule->role;
            if (rule->profile != profile || !rule_fits(rule, keys->key[c]) || (*found & bit && !(own & bit)))
                continue;
            if (!(own & bit) || r < strength[rule->role]) {
                roles->column[rule->role] = (int)c;
                strength[rule->role] = r;
            }
            score += own & bit ? 0 : rule->match == MATCH_EXACT ? 3 : 2;
            own |= bit;
            taken[c] = true;
            break;
        }
    }
    *found |= own;
    return score;
}

static bool moves_money(const struct table_roles *roles)
{
    return (roles->column[ROLE_debit] >= 0 && roles->column[ROLE_credit] >= 0) || roles->column[ROLE_amount] >= 0;
}

/* A statement needs a date and money; when only a value date is there, the bank counts by it. */
static bool statement_complete(struct table_roles *roles)
{
    if (roles->column[ROLE_booked] < 0) {
        roles->column[ROLE_booked] = roles->column[ROLE_value];
        roles->column[ROLE_value] = -1;
    }
    return roles->column[ROLE_booked] >= 0 && moves_money(roles);
}

const struct profile *profile_find(const struct header_keys *keys, uint64_t markers, struct table_roles *ret_roles)
{
    enum { MARKED = 50 };
    book_need();
    const struct profile *best = NULL;
    int best_score = -1;
    for (size_t i = 0; i < book.profile_count; i++) {
        const struct profile *p = &book.profiles[i];
        bool marked = markers >> i & 1, taken[GRID_COLUMNS_MAX] = {false};
        if (!p->needs && !marked)
            continue;
        struct table_roles roles;
        for (int r = 0; r < TABLE_ROLE_COUNT; r++)
            roles.column[r] = -1;
        uint64_t found = 0;
        int score = roles_take((int)i, keys, taken, &roles, &found);
        bool base = (int)i == book.base;
        if (!base && (found & p->needs) != p->needs)
            continue;
        if (p->kind == PROFILE_STATEMENT) {
            if (!base)
                roles_take(book.base, keys, taken, &roles, &found);
            if (!statement_complete(&roles))
                continue;
        }
        score = base ? 1 : score + (marked ? MARKED : 0);
        if (score > best_score) {
            best = p;
            best_score = score;
            *ret_roles = roles;
        }
    }
    return best;
}
