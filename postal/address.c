/* Addresses as people write them: with and without marks, abbreviated, by the names of before 1 July 2025. */
#include "postal/address.h"

#include <string.h>
#include "postal/room.h"

enum { ORIGINS_MAX = 1024, PHRASES_MAX = 16, FOUND_MAX = 256 };

const char *const postal_choice_names[] = {"none", "one", "choose", NULL};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void name_add(struct postal_book *book, const struct postal_commune *commune, const struct csv_row *origin)
{
    struct address_name *name = &book->names[book->count++];
    struct text called = origin ? text_trim(origin->fields[2]) : commune->name;
    name->commune = commune;
    if (origin) {
        name->old_kind = text_trim(origin->fields[1]);
        name->old_name = called;
        name->share = text_trim(origin->fields[3]);
    } else { /* the kind stands before the name: "Phường Hà Tu", "Đặc khu Cô Tô" */
        size_t kind = text_starts(called, "Đặc khu ") ? sizeof "Đặc khu " - 1 : 0;
        struct text rest = TEXT_NONE;
        if (!kind) {
            text_until(called, ' ', &rest);
            kind = called.length - rest.length;
        }
        called = text_slice(called, kind, called.length);
    }
    text_to_key(called, name->key, sizeof name->key);
    text_to_key(commune->old_district, name->district, sizeof name->district);
}

enum err postal_book_read(const struct postal_tariff *tariff, struct text origins_csv, struct arena *arena,
                          struct faults *faults, const struct postal_book **ret_book)
{
    static const char *const columns[] = {"code", "old_kind", "old_name", "part"};
    struct postal_book *book = ARENA_NEW(arena, struct postal_book);
    struct csv *csv = ARENA_NEW(arena, struct csv);
    struct csv_row *row = ARENA_NEW(arena, struct csv_row);
    size_t before = faults->count + faults->dropped;
    enum err err;
    book->tariff = tariff;
    memcpy(book->home, tariff->home, sizeof book->home);
    book->names = ARENA_ARRAY(arena, struct address_name, tariff->commune_count + ORIGINS_MAX);
    for (size_t i = 0; i < tariff->commune_count; i++)
        name_add(book, &tariff->communes[i], NULL);
    csv_open(csv, origins_csv, ',', arena);
    for (bool header = true; !(err = csv_next(csv, row)); header = false) {
        const struct postal_commune *commune = row->count >= 4 ? postal_commune_find(tariff, row->fields[0]) : NULL;
        bool good = row->count >= 4 && (header || commune) && book->count < tariff->commune_count + ORIGINS_MAX;
        for (size_t i = 0; header && good && i < 4; i++)
            good = text_is(row->fields[i], columns[i]);
        if (!good)
            faults_add(faults, arena_printf(faults->arena, "commune_origins.csv:%d", row->line), ERR_COMMUNE_UNKNOWN,
                       "Cần các cột code, old_kind, old_name, part và mã của một xã, phường đang có");
        else if (!header)
            name_add(book, commune, row);
    }
    if (err != ERR_NOT_FOUND)
        faults_add(faults, arena_printf(faults->arena, "commune_origins.csv:%d", csv->line), err, NULL);
    if (faults->count + faults->dropped > before)
        return ERR_CONFIG;
    *ret_book = book;
    return OK;
}

/* ---- understanding ---------------------------------------------------------------------------------------------- */

enum phrase_kind { PHRASE_BARE, PHRASE_COMMUNE, PHRASE_DISTRICT, PHRASE_PROVINCE };

/* "phuong ha khau": `words` is "ha khau", `whole` begins at the word that says the kind, for it may belong to the name
 * ("Phương Nam", "Xã Tắc"). */
struct phrase {
    enum phrase_kind kind;
    char whole[POSTAL_QUERY_MAX + 1];
    size_t words; /* where in `whole` */
};

struct kind_word {
    const char *text;
    enum phrase_kind kind;
    size_t only_first; /* an abbreviation that is also an ordinary letter: only where a phrase begins */
};

static const struct kind_word kind_words[] = {
    {"thi tran", PHRASE_COMMUNE, 0}, {"dac khu", PHRASE_COMMUNE, 0}, {"phuong", PHRASE_COMMUNE, 0},
    {"xa", PHRASE_COMMUNE, 0},       {"tt", PHRASE_COMMUNE, 1},      {"p", PHRASE_COMMUNE, 1},
    {"x", PHRASE_COMMUNE, 1},        {"dk", PHRASE_COMMUNE, 1},      {"thanh pho", PHRASE_DISTRICT, 0},
    {"thi xa", PHRASE_DISTRICT, 0},  {"huyen", PHRASE_DISTRICT, 0},  {"tp", PHRASE_DISTRICT, 0},
    {"tx", PHRASE_DISTRICT, 0},      {"h", PHRASE_DISTRICT, 1},      {"tinh", PHRASE_PROVINCE, 0},
};

/* The kind word that the key begins with, or NULL. */
static const struct kind_word *kind_at(const char *key, size_t first)
{
    for (size_t i = 0; i < sizeof kind_words / sizeof *kind_words; i++) {
        size_t length = strlen(kind_words[i].text);
        if (!strncmp(key, kind_words[i].text, length) && (!key[length] || key[length] == ' ') &&
            (first || !kind_words[i].only_first))
            return &kind_words[i];
    }
    return NULL;
}

static void phrase_append(struct phrase *phrase, const char *word, size_t length)
{
    size_t at = strlen(phrase->whole);
    if (at + length + 2 > sizeof phrase->whole)
        return;
    if (at)
        phrase->whole[at++] = ' ';
    memcpy(phrase->whole + at, word, length);
    phrase->whole[at + length] = '\0';
}

/* Cuts one part between commas at its kind words. */
static void part_cut(const char *key, struct phrase *phrases, size_t *count)
{
    struct phrase *phrase = NULL;
    for (const char *at = key; *at && *count <= PHRASES_MAX;) {
        const struct kind_word *kind = kind_at(at, !phrase);
        size_t length = kind ? strlen(kind->text) : strcspn(at, " ");
        bool named = phrase && (phrase->kind == PHRASE_BARE || phrase->whole[phrase->words]);
        const char *next = at + length + (at[length] == ' ');
        if (named && kind && (!*next || kind_at(next, 0)))
            kind = NULL; /* "xã Điền Xá", "xã Điền Xá huyện Tiên Yên": the last syllable of a name */
        if (!phrase || (kind && named)) {
            if (*count == PHRASES_MAX)
                return;
            phrase = &phrases[(*count)++];
            *phrase = (struct phrase){.kind = kind ? kind->kind : PHRASE_BARE};
            phrase_append(phrase, at, length);
            if (kind)
                phrase->words = length + (at[length] == ' ');
        } else { /* "phường Phương Nam": after a kind word the same letters are a name */
            phrase_append(phrase, at, length);
        }
        at += length;
        at += *at == ' ';
    }
}

static size_t phrases_cut(struct text query, struct phrase phrases[PHRASES_MAX])
{
    char key[POSTAL_QUERY_MAX + 1];
    size_t count = 0;
    for (struct text rest = query; rest.length;) {
        size_t length = 0;
        while (length < rest.length && !strchr(",;\n", rest.at[length]))
            length++;
        text_to_key(text_slice(rest, 0, length), key, sizeof key);
        part_cut(key, phrases, &count);
        rest = text_slice(rest, length + 1, rest.length);
    }
    return count;
}

/* How much of `words` the name is: all of it, its first words ("bai chay ha long"), or what is typed so far. */
enum fit { FIT_NONE, FIT_BEGINS, FIT_FIRST_WORDS, FIT_WHOLE };

static enum fit fit(const char *name, const char *words)
{
    size_t name_length = strlen(name), length = strlen(words);
    if (!length)
        return FIT_NONE;
    if (!strcmp(name, words))
        return FIT_WHOLE;
    if (!strncmp(name, words, name_length) && words[name_length] == ' ')
        return FIT_FIRST_WORDS;
    return length >= 2 && !strncmp(name, words, length) ? FIT_BEGINS : FIT_NONE;
}

/* Whether a name stands in a text as whole words. */
static bool holds(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
        if ((at == text || at[-1] == ' ') && (!at[length] || at[length] == ' '))
            return true;
    return false;
}

static void match_add(const struct address_name *name, struct postal_matches *matches)
{
    for (size_t i = 0; i < matches->count; i++)
        if (matches->list[i].commune == name->commune)
            return;
    if (matches->count < POSTAL_MATCHES_MAX)
        matches->list[matches->count++] =
            (struct postal_match){name->commune, name->old_kind, name->old_name, name->share};
}

/* What follows the place in the address, and the former districts it names. */
struct tail {
    char text[POSTAL_QUERY_MAX + 1];
    bool names_district;
};

static void tail_make(const struct postal_book *book, const struct phrase *phrases, size_t count, size_t place,
                      const char *rest, struct tail *tail)
{
    *tail = (struct tail){.text = ""};
    struct phrase joined = {.kind = PHRASE_BARE};
    phrase_append(&joined, rest, strlen(rest));
    for (size_t i = place + 1; i < count; i++)
        phrase_append(&joined, phrases[i].whole + phrases[i].words, strlen(phrases[i].whole + phrases[i].words));
    memcpy(tail->text, joined.whole, sizeof tail->text);
    for (size_t i = 0; i < book->count; i++)
        tail->names_district |= holds(tail->text, book->names[i].district);
}

/* Collects the best fits of one phrase; false when none fits at least so well. */
static bool collect(const struct postal_book *book, const struct phrase *phrase, enum fit least, const char **ret_rest,
                    const struct address_name **names, size_t *ret_count)
{
    const char *ways[] = {phrase->whole + phrase->words, phrase->whole};
    enum fit best = least;
    size_t count = 0, longest = 0;
    for (int way = 0; way < (phrase->words ? 2 : 1); way++)
        for (size_t i = 0; i < book->count; i++) {
            enum fit how = fit(book->names[i].key, ways[way]);
            size_t length = how == FIT_FIRST_WORDS ? strlen(book->names[i].key) : 0;
            if (how < best || (how == best && length < longest))
                continue;
            if (how > best || length > longest)
                count = 0;
            best = how;
            longest = length;
            *ret_rest = how == FIT_FIRST_WORDS ? ways[way] + length : "";
            if (count < FOUND_MAX)
                names[count++] = &book->names[i];
        }
    *ret_count = count;
    return count > 0;
}

static bool place_find(const struct postal_book *book, const struct phrase *phrases, size_t count,
                       const struct address_name **names, size_t *ret_count, struct tail *tail)
{
    static const struct {
        enum phrase_kind kind;
        enum fit least;
    } rounds[] = {{PHRASE_COMMUNE, FIT_FIRST_WORDS}, {PHRASE_BARE, FIT_WHOLE}};
    const char *rest = "";
    for (size_t round = 0; round < sizeof rounds / sizeof *rounds; round++)
        for (size_t i = 0; i < count; i++)
            if (phrases[i].kind == rounds[round].kind &&
                collect(book, &phrases[i], rounds[round].least, &rest, names, ret_count)) {
                tail_make(book, phrases, count, i, rest, tail);
                return true;
            }
    *tail = (struct tail){.text = ""};
    return count == 1 && phrases[0].kind != PHRASE_DISTRICT && phrases[0].kind != PHRASE_PROVINCE &&
           collect(book, &phrases[0], FIT_BEGINS, &rest, names, ret_count);
}

/* "huyện Ba Chẽ" alone: every commune of that former district. */
static void district_find(const struct postal_book *book, const struct phrase *phrases, size_t count,
                          struct postal_matches *matches)
{
    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; phrases[i].kind == PHRASE_DISTRICT && n < book->tariff->commune_count; n++)
            if (!strcmp(book->names[n].district, phrases[i].whole + phrases[i].words))
                match_add(&book->names[n], matches);
}

enum postal_choice postal_address_find(const struct postal_book *book, struct text query,
                                       struct postal_matches *ret_matches)
{
    struct phrase phrases[PHRASES_MAX];
    const struct address_name *names[FOUND_MAX];
    struct tail tail;
    size_t count = phrases_cut(text_slice(query, 0, POSTAL_QUERY_MAX), phrases), found = 0;
    bool agreed = true;
    *ret_matches = (struct postal_matches){.count = 0};
    const struct postal_commune *coded = postal_commune_find(book->tariff, text_trim(query));
    for (size_t i = 0; coded && i < book->tariff->commune_count; i++)
        if (book->names[i].commune == coded)
            match_add(&book->names[i], ret_matches);
    if (!coded && place_find(book, phrases, count, names, &found, &tail)) {
        for (size_t i = 0; i < found; i++)
            if (!tail.names_district || holds(tail.text, names[i]->district))
                match_add(names[i], ret_matches);
        agreed = ret_matches->count > 0; /* a district that contradicts: shown, never decided for anybody */
        for (size_t i = 0; !agreed && i < found; i++)
            match_add(names[i], ret_matches);
    } else if (!coded) {
        district_find(book, phrases, count, ret_matches);
    }
    return !ret_matches->count                 ? POSTAL_CHOICE_NONE
           : ret_matches->count == 1 && agreed ? POSTAL_CHOICE_ONE
                                               : POSTAL_CHOICE_MANY;
}

/* ---- GET /v1/postal/communes?query= ----------------------------------------------------------------------------- */

struct answer {
    const struct postal_book *book;
    struct text query;
    enum postal_choice choice;
    struct postal_matches matches;
};

static void match_write(struct json *json, const struct postal_book *book, const struct postal_match *match)
{
    json_put_object(json, NULL);
    json_put_text(json, "code", match->commune->code);
    json_put_text(json, "name", match->commune->name);
    json_put_string(json, "province", book->home);
    json_put_text(json, "old_district", match->commune->old_district);
    if (match->old_name.length) {
        json_put_object(json, "former");
        json_put_text(json, "kind", match->old_kind);
        json_put_text(json, "name", match->old_name);
        json_put_text(json, "share", match->share);
        json_put_end(json);
    } else {
        json_put_null(json, "former");
    }
    json_put_end(json);
}

static void answer_write(struct json *json, const void *what)
{
    const struct answer *answer = what;
    json_put_object(json, NULL);
    json_put_text(json, "query", answer->query);
    json_put_string(json, "choice", postal_choice_names[answer->choice]);
    if (answer->choice == POSTAL_CHOICE_MANY) {
        json_put_string(json, "notice", "Có nhiều xã, phường phù hợp (tên cũ có thể đã chia cho nhiều nơi): hãy chọn.");
        json_put_string(json, "notice_en", "Several communes fit (a former one may have been divided): please choose.");
    }
    json_put_array(json, "items");
    for (size_t i = 0; i < answer->matches.count; i++)
        match_write(json, answer->book, &answer->matches.list[i]);
    json_put_end(json);
    json_put_end(json);
}

enum err postal_communes_handle(struct request *rq)
{
    const struct postal_room *room = postal_room();
    const struct postal_book *book = room ? room->book : NULL;
    struct answer answer = {.book = book, .query = text_trim(request_query(rq, "query"))};
    if (!book)
        return reply_error(rq, ERR_UNAVAILABLE);
    if (!answer.query.length)
        faults_add(&rq->faults, "?query", ERR_FIELD_MISSING, NULL);
    else if (answer.query.length > POSTAL_QUERY_MAX)
        faults_add(&rq->faults, "?query", ERR_FIELD_RANGE, "Nhiều nhất %d byte", POSTAL_QUERY_MAX);
    bool plain = text_is_utf8(answer.query);
    for (size_t i = 0; i < answer.query.length; i++)
        plain &= (unsigned char)answer.query.at[i] >= ' ' && answer.query.at[i] != 127;
    if (!plain)
        faults_add(&rq->faults, "?query", ERR_FIELD_FORMAT, "Có ký tự điều khiển hoặc không phải UTF-8");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    answer.choice = postal_address_find(book, answer.query, &answer.matches);
    return reply_json(rq, 200, answer_write, &answer);
}
