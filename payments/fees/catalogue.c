/* The snapshot: loading a folder, counting holders, look-up, and the one catalogue in force. */
#include "payments/fees/catalogue.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "payments/fees/quote_memo.h"

enum { NAME_SLOTS_MIN = 16 };

/* FNV-1a: short keys, no adversary (keys come from the officer's own files). */
static uint32_t name_hash(struct text name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 16777619u;
    return hash;
}

static const struct text *key_at(const struct name_index *index, size_t at)
{
    return (const struct text *)(const void *)((const char *)index->keys + at * index->stride);
}

void name_index_build(struct name_index *index, struct arena *arena, const void *first_key, size_t stride, size_t count)
{
    size_t size = NAME_SLOTS_MIN;
    while (size < count * 2)
        size *= 2;
    *index = (struct name_index){
        .slots = ARENA_ARRAY(arena, uint32_t, size), .mask = size - 1, .keys = first_key, .stride = stride};
    for (size_t i = 0; i < count; i++) {
        size_t slot = name_hash(*key_at(index, i)) & index->mask;
        while (index->slots[slot])
            slot = (slot + 1) & index->mask;
        index->slots[slot] = (uint32_t)i + 1;
    }
}

int name_index_find(const struct name_index *index, struct text key)
{
    if (!index->slots)
        return -1;
    for (size_t slot = name_hash(key) & index->mask; index->slots[slot]; slot = (slot + 1) & index->mask)
        if (text_equal(*key_at(index, index->slots[slot] - 1), key))
            return (int)index->slots[slot] - 1;
    return -1;
}

const struct fee_entry *catalogue_entry(const struct catalogue *catalogue, struct text code)
{
    int at = name_index_find(&catalogue->entry_index, code);
    return at < 0 ? NULL : &catalogue->entries[at];
}

const struct fee *fee_entry_on(const struct fee_entry *entry, date_days day)
{
    for (size_t i = entry->version_count; i-- > 0;) {
        const struct fee *fee = &entry->versions[i];
        if ((fee->valid_from == DATE_NONE || day >= fee->valid_from) &&
            (fee->valid_to == DATE_NONE || day <= fee->valid_to))
            return fee;
    }
    return NULL;
}

static bool rule_says(struct text rule, const char *words)
{
    return text_find(rule, text_of(words)) < rule.length;
}

enum fee_refund fee_refund(const struct fee *fee, struct text state)
{
    struct text rule = fee->refund_rule;
    bool refused = text_is(state, "refused");
    if (text_is(rule, "always") || rule_says(rule, refused ? "refused_yes" : "abandoned_yes"))
        return FEE_REFUND_YES;
    if (text_is(rule, "never") || rule_says(rule, refused ? "refused_no" : "abandoned_no"))
        return FEE_REFUND_NO;
    return FEE_REFUND_UNSET;
}

const struct fee *catalogue_fee_on(const struct catalogue *catalogue, struct text code, date_days day)
{
    const struct fee_entry *entry = catalogue_entry(catalogue, code);
    return entry ? fee_entry_on(entry, day) : NULL;
}

int catalogue_category(const struct catalogue *catalogue, struct text code)
{
    return name_index_find(&catalogue->category_index, code);
}

void catalogue_category_say(const struct catalogue *catalogue, struct text code, struct text *ret_name,
                            struct text *ret_evidence)
{
    int at = catalogue_category(catalogue, code);
    *ret_name = at < 0 ? TEXT_NONE : catalogue->categories[at].name_vi;
    *ret_evidence = at < 0 ? TEXT_NONE : catalogue->categories[at].evidence_vi;
}

bool quote_line_benefit(const struct quote *quote, size_t line, struct quote_benefit *ret_benefit)
{
    const struct quote_line *of = &quote->lines[line];
    if (!of->reduction_count || of->reductions[0].state != REDUCTION_APPLIED)
        return false;
    const struct reduction *rule = of->reductions[0].rule;
    struct text name, evidence = TEXT_NONE;
    *ret_benefit = (struct quote_benefit){.rule = rule->code};
    for (size_t i = 0; rule->categories && i < quote->request->category_count; i++) {
        int bit = catalogue_category(quote->catalogue, quote->request->categories[i]);
        if (bit >= 0 && rule->categories & UINT64_C(1) << bit && !ret_benefit->category.length)
            ret_benefit->category = quote->request->categories[i];
    }
    catalogue_category_say(quote->catalogue, ret_benefit->category, &name, &evidence);
    ret_benefit->yearly = rule->has_yearly_cap || rule->times_per_year > 0;
    ret_benefit->evidence = rule->evidence_vi.length ? rule->evidence_vi : evidence;
    return true;
}

const struct procedure *catalogue_procedure(const struct catalogue *catalogue, struct text code)
{
    int at = name_index_find(&catalogue->procedure_index, code);
    return at < 0 ? NULL : &catalogue->procedures[at];
}

size_t catalogue_procedure_count(const struct catalogue *catalogue)
{
    return catalogue->procedure_count;
}

const struct procedure *catalogue_procedure_at(const struct catalogue *catalogue, size_t index)
{
    return index < catalogue->procedure_count ? &catalogue->procedures[index] : NULL;
}

const char *catalogue_version(const struct catalogue *catalogue)
{
    return catalogue->version;
}

struct catalogue *catalogue_hold(struct catalogue *catalogue)
{
    atomic_fetch_add_explicit(&catalogue->holds, 1, memory_order_relaxed);
    return catalogue;
}

void catalogue_drop(struct catalogue *catalogue)
{
    if (!catalogue || atomic_fetch_sub_explicit(&catalogue->holds, 1, memory_order_acq_rel) != 1)
        return;
    arena_done(&catalogue->arena);
    quote_memo_free(catalogue->memo);
    free(catalogue);
}

/* Reading the pointer and counting the hold must be one step, or the last holder could free in between. The section is
 * a few instructions, taken once per request, not per line. */
static pthread_mutex_t in_force_lock = PTHREAD_MUTEX_INITIALIZER;
static struct catalogue *in_force;

void catalogue_in_force_set(struct catalogue *catalogue)
{
    pthread_mutex_lock(&in_force_lock);
    struct catalogue *before = in_force;
    in_force = catalogue;
    pthread_mutex_unlock(&in_force_lock);
    catalogue_drop(before);
}

struct catalogue *catalogue_in_force_hold(void)
{
    pthread_mutex_lock(&in_force_lock);
    struct catalogue *held = in_force ? catalogue_hold(in_force) : NULL;
    pthread_mutex_unlock(&in_force_lock);
    return held;
}

enum err catalogue_file_read(const char *path, struct arena *arena, struct text *ret_bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return ERR_IO;
    struct buf bytes = {0};
    size_t got = 1;
    while (got > 0 && bytes.length <= CATALOGUE_FILE_MAX) {
        got = fread(buf_room(&bytes, 65536), 1, 65536, file);
        bytes.length += got;
    }
    enum err err = ferror(file) || bytes.length > CATALOGUE_FILE_MAX ? ERR_IO : OK;
    fclose(file);
    if (!err)
        *ret_bytes = arena_text(arena, buf_view(&bytes));
    buf_done(&bytes);
    return err;
}

const char *const catalogue_file_names[6] = {"fees.csv",       "reductions.csv", "categories.csv",
                                             "procedures.csv", "values.csv",     NULL};

enum err catalogue_files_read(const char *folder, struct arena *arena, struct faults *faults,
                              struct catalogue_files *ret_files)
{
    struct catalogue_files files = {0};
    struct text *const parts[] = {&files.fees, &files.reductions, &files.categories, &files.procedures, &files.values};
    enum err err = OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, catalogue_file_names[i]);
        files.names[i] = catalogue_file_names[i];
        if (catalogue_file_read(path, arena, parts[i]))
            err = faults_add(faults, path, ERR_IO, "Không đọc được tệp %s (%s)", path, strerror(errno));
    }
    if (!err)
        *ret_files = files;
    return err;
}

enum err catalogue_load(const char *folder, struct faults *faults, struct catalogue **ret_catalogue)
{
    struct arena arena;
    arena_init(&arena);
    struct catalogue_files files;
    enum err err = catalogue_files_read(folder, &arena, faults, &files);
    if (!err)
        err = catalogue_read(&files, faults, ret_catalogue);
    arena_done(&arena);
    return err;
}

static bool has_fees(const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/fees.csv", folder);
    return access(path, R_OK) == 0;
}

const char *catalogue_folder(char *buffer, size_t size)
{
    char program[3000];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length > 0) {
        program[length] = '\0';
        char *slash = strrchr(program, '/');
        *(slash ? slash : program) = '\0';
        snprintf(buffer, size, "%s/../payments/catalogue", program);
        if (has_fees(buffer))
            return buffer;
    }
    snprintf(buffer, size, "payments/catalogue");
    if (has_fees(buffer))
        return buffer;
    snprintf(buffer, size, LEPHI_PREFIX "/share/lephi/catalogue");
    return has_fees(buffer) ? buffer : NULL;
}
