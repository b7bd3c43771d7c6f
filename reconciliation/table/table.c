/* Rows → header → lines, for every kind of sheet. */
#include "reconciliation/table/table.h"

#include <stdlib.h>
#include <string.h>

/* ---- a bounded set of digests: what a file says twice ---------------------------------------------------------------
 */

enum { SEEN_MAX = 1 << 20, SEEN_FIRST = 1 << 10 };

struct seen {
    size_t count, size;
    uint64_t *slots;
};

uint64_t digest_of(uint64_t start, struct text text)
{
    uint64_t digest = start ? start : UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.length; i++)
        digest = (digest ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
    return (digest ^ 0xFF) * UINT64_C(0x100000001b3);
}

static bool slot_take(struct seen *seen, uint64_t digest)
{
    size_t at = (size_t)(digest ^ digest >> 29) & (seen->size - 1);
    while (seen->slots[at] && seen->slots[at] != digest)
        at = (at + 1) & (seen->size - 1);
    bool there = seen->slots[at] == digest;
    seen->slots[at] = digest;
    seen->count += !there;
    return there;
}

static void widen(struct seen *seen)
{
    uint64_t *narrow = seen->slots;
    size_t size = seen->size;
    seen->size = size * 4;
    seen->slots = memory_new(seen->size * sizeof *seen->slots);
    seen->count = 0;
    for (size_t i = 0; i < size; i++)
        if (narrow[i])
            slot_take(seen, narrow[i]);
    free(narrow);
}

bool seen_before(struct seen **ret_seen, uint64_t digest)
{
    if (!*ret_seen) {
        *ret_seen = memory_new(sizeof **ret_seen);
        **ret_seen = (struct seen){0, SEEN_FIRST, memory_new(SEEN_FIRST * sizeof(uint64_t))};
    }
    struct seen *seen = *ret_seen;
    digest += !digest; /* 0 marks a free slot */
    if (seen->count * 2 >= seen->size && seen->size < 2 * SEEN_MAX)
        widen(seen);
    return seen->count < SEEN_MAX && slot_take(seen, digest);
}

void seen_free(struct seen *seen)
{
    if (!seen)
        return;
    free(seen->slots);
    free(seen);
}

/* ---- headers --------------------------------------------------------------------------------------------------------
 */

struct text table_cell(const struct table *t, const struct grid_row *row, enum table_role role)
{
    int column = t->roles.column[role];
    return column >= 0 && (size_t)column < row->count ? row->cells[column] : TEXT_NONE;
}

/* Cheap: most rows are no headers. At least three cells in words. */
bool table_row_in_words(const struct grid_row *row)
{
    size_t words = 0, filled = 0;
    for (size_t i = 0; i < row->count; i++) {
        struct text cell = row->cells[i];
        if (!cell.length)
            continue;
        filled++;
        bool letter = false;
        for (size_t k = 0; k < cell.length && k < 8 && !letter; k++)
            letter = ((unsigned char)cell.at[k] | 32) >= 'a' && ((unsigned char)cell.at[k] | 32) != 0x7F;
        words += letter;
    }
    return words >= 3 && words * 2 >= filled;
}

/* Both rows of a header in two tiers: "Phát sinh" above "Nợ" and "Có". */
static void keys_join(const struct header_keys *upper, const struct header_keys *lower, struct header_keys *ret)
{
    ret->count = upper->count > lower->count ? upper->count : lower->count;
    for (size_t i = 0; i < ret->count; i++) {
        const char *a = i < upper->count ? upper->key[i] : "", *b = i < lower->count ? lower->key[i] : "";
        size_t length = strlen(a);
        memcpy(ret->key[i], a, length + 1);
        if (*a && *b && length + 1 < KEY_SIZE)
            ret->key[i][length++] = ' ';
        size_t rest = strlen(b);
        if (rest > KEY_SIZE - 1 - length)
            rest = KEY_SIZE - 1 - length;
        memcpy(ret->key[i] + length, b, rest);
        ret->key[i][length + rest] = '\0';
    }
}

static const struct profile *header_of(struct table *t, const struct grid_row *row, struct table_roles *ret_roles)
{
    header_keys_of(row, t->keys);
    const struct profile *found = mapping_find(t, ret_roles);
    if (!found)
        found = profile_find(t->keys, t->markers, ret_roles);
    if (!found && t->upper->count) {
        keys_join(t->upper, t->keys, t->joined);
        found = profile_find(t->joined, t->markers, ret_roles);
    }
    return found;
}

static void header_take(struct table *t, const struct profile *profile, const struct table_roles *roles)
{
    bool same_kind = t->profile && (t->profile->kind == PROFILE_STATEMENT) == (profile->kind == PROFILE_STATEMENT);
    if (t->profile && !same_kind) {
        table_section_end(t);
        about_clear(&t->about);
    }
    t->profile = profile;
    t->roles = *roles;
    t->any_header = true;
    if (profile->kind == PROFILE_STATEMENT)
        statement_header(t);
    else
        settlement_header(t);
}

static void markers_read(struct table *t, const struct grid_row *row)
{
    char key[KEY_SIZE];
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].length) {
            text_to_key(row->cells[i], key, sizeof key);
            t->markers |= profile_markers(key);
        }
}

static void about_row(struct table *t, const struct grid_row *row)
{
    struct short_text account;
    if (!about_read(&t->about, row, &account))
        return;
    /* Another account: a section of its own begins here. */
    table_section_end(t);
    struct table_about fresh;
    about_clear(&fresh);
    fresh.account = account;
    fresh.currency = t->about.currency;
    t->about = fresh;
}

static void on_sheet(void *with)
{
    struct table *t = with;
    table_section_end(t);
    t->sheet++;
    t->preamble = 0;
    t->profile = NULL;
    t->upper->count = 0;
    if (t->about.account.length || t->about.opening.said)
        about_clear(&t->about);
}

static bool row_dated(const struct table *t, const struct grid_row *row)
{
    date_days date;
    struct text rest;
    enum table_role role = t->profile->kind == PROFILE_STATEMENT ? ROLE_booked : ROLE_time;
    return cell_date(table_cell(t, row, role), &date, &rest) != DATE_BAD;
}

static void on_row(void *with, const struct grid_row *row)
{
    struct table *t = with;
    t->last_line = row->number;
    if (!t->profile && ++t->preamble > PREAMBLE_MAX)
        return;
    struct table_roles roles;
    const struct profile *found = NULL;
    bool possible = !(t->profile && row_dated(t, row)) && table_row_in_words(row);
    if (possible)
        found = header_of(t, row, &roles);
    if (found && (!t->profile || t->profile->kind != PROFILE_STATEMENT || found->kind == PROFILE_STATEMENT)) {
        header_take(t, found, &roles);
        t->upper->count = 0;
        return;
    }
    if (possible) {
        struct header_keys *keys = t->upper;
        t->upper = t->keys;
        t->keys = keys;
    } else {
        t->upper->count = 0;
    }
    if (!t->profile) {
        markers_read(t, row);
        about_row(t, row);
    } else if (t->profile->kind == PROFILE_STATEMENT) {
        if (!statement_row(t, row))
            about_row(t, row);
    } else if (!settlement_row(t, row)) {
        about_row(t, row);
    }
}

static bool would_be_header(void *with, const struct grid_row *row)
{
    struct table *t = with;
    struct table_roles roles;
    if (!table_row_in_words(row)) {
        t->upper->count = 0;
        return false;
    }
    bool found = header_of(t, row, &roles) != NULL;
    struct header_keys *keys = t->upper;
    t->upper = t->keys;
    t->keys = keys;
    return found;
}

void table_section_end(struct table *t)
{
    if (!t->profile)
        return;
    if (t->profile->kind == PROFILE_STATEMENT)
        statement_section_end(t);
    else
        settlement_section_end(t);
}

/* ---- the reader of a kind of file
 * ------------------------------------------------------------------------------------- */

struct table_reader {
    const struct grid_reader *does;
    void *grid;
    struct arena arena;
    struct table table;
};

static void *reader_make(const struct grid_reader *does, struct statement_gate *gate)
{
    struct table_reader *r = memory_new(sizeof *r);
    struct table *t = &r->table;
    arena_init(&r->arena);
    t->gate = gate;
    t->keys = memory_new(sizeof *t->keys);
    t->upper = memory_new(sizeof *t->upper);
    t->joined = memory_new(sizeof *t->joined);
    about_clear(&t->about);
    const struct grid_sink sink = {t, on_sheet, on_row, would_be_header, gate};
    r->does = does;
    r->grid = does->make(&sink);
    return r;
}

static enum err reader_feed(void *reader, struct text bytes)
{
    struct table_reader *r = reader;
    return r->does->feed(r->grid, bytes);
}

static enum err reader_end(void *reader)
{
    struct table_reader *r = reader;
    struct table *t = &r->table;
    enum err err = r->does->end(r->grid);
    table_section_end(t);
    if (err || t->any_header)
        return err;
    gate_warn(t->gate, 1, "no_header", "no row names a date and amounts within the first %d of a sheet", PREAMBLE_MAX);
    return ERR_STATEMENT_SYNTAX;
}

static void reader_free(void *reader)
{
    struct table_reader *r = reader;
    struct table *t = &r->table;
    r->does->free(r->grid);
    statement_rows_free(t);
    seen_free(t->seen);
    buf_done(&t->clean);
    free(t->keys);
    free(t->upper);
    free(t->joined);
    free(t->mappings);
    arena_done(&r->arena);
    free(r);
}

static void *csv_make(struct statement_gate *gate)
{
    return reader_make(&grid_csv, gate);
}

static void *html_make(struct statement_gate *gate)
{
    return reader_make(&grid_html, gate);
}

static void *xlsx_make(struct statement_gate *gate)
{
    return reader_make(&grid_xlsx, gate);
}

static void *xls_make(struct statement_gate *gate)
{
    return reader_make(&grid_xls, gate);
}

/* Names live as long as the reader. */
static enum err reader_map(void *reader, const struct statement_mapping *mappings, size_t count)
{
    struct table_reader *r = reader;
    struct table *t = &r->table;
    struct table_mapping *made = memory_new((count + 1) * sizeof *made);
    enum err err = OK;
    for (size_t i = 0; i < count && !err; i++) {
        err = mapping_make(&mappings[i], &made[i]);
        if (!err)
            made[i].profile.name = made[i].profile.issuer = arena_copy(&r->arena, mappings[i].name);
    }
    if (err) {
        free(made);
        return err;
    }
    t->mappings = made;
    t->mapping_count = count;
    return OK;
}

#define READER(make)                                                                                                   \
    {                                                                                                                  \
        make, reader_feed, reader_end, reader_free, reader_map                                                         \
    }
const struct statement_reader_vtable table_csv_reader = READER(csv_make);
const struct statement_reader_vtable table_html_reader = READER(html_make);
const struct statement_reader_vtable table_xlsx_reader = READER(xlsx_make);
const struct statement_reader_vtable table_xls_reader = READER(xls_make);
