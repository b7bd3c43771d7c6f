#include "payments/requests/bank.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/csv.h"
#include "core/base/file.h"
#include "core/base/memory.h"

enum { BANKS_MAX = 512, FILE_MAX = 1 << 20, NAME_MAX_BYTES = 120 };

static struct {
    size_t count;
    struct bank *banks; /* ascending by BIN */
    struct arena arena; /* their names */
} table;

static int by_bin(const void *a, const void *b)
{
    return strcmp(((const struct bank *)a)->bin, ((const struct bank *)b)->bin);
}

static bool is_bin(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length == 6;
}

/* NULL when the row is right, else what is wrong with it. */
static const char *read_row(const struct csv_row *row, struct arena *arena, struct bank *ret)
{
    if (row->count != 5)
        return "Cần 5 cột: bin,name,former_name,confidence,source";
    const struct text *f = row->fields;
    if (!is_bin(f[0]))
        return "bin phải có 6 chữ số";
    if (!f[1].length || f[1].length > NAME_MAX_BYTES || !text_is_utf8(f[1]) || !text_is_utf8(f[2]))
        return "Tên ngân hàng trống, quá dài hoặc không phải UTF-8";
    if (f[3].length != 1 || f[3].at[0] < 'A' || f[3].at[0] > 'C')
        return "confidence phải là A, B hoặc C";
    *ret = (struct bank){.name = arena_text(arena, f[1]),
                         .former_name = arena_text(arena, f[2]),
                         .confidence = (enum bank_confidence)(f[3].at[0] - 'A')};
    memcpy(ret->bin, f[0].at, 6);
    return NULL;
}

static void add_fault(struct faults *faults, const char *path, int line, const char *problem)
{
    faults_add(faults, arena_printf(faults->arena, "%s:%d", path, line), ERR_CONFIG, "%s", problem);
}

static void read_rows(const char *path, struct text bytes, struct arena *arena, struct bank *banks, size_t *ret_count,
                      struct faults *faults)
{
    struct csv csv;
    struct csv_row row;
    enum err err;
    csv_open(&csv, bytes, ',', arena);
    err = csv_next(&csv, &row);
    if (err || row.count != 5 || !text_is(row.fields[0], "bin"))
        add_fault(faults, path, csv.line, "Dòng đầu phải là bin,name,former_name,confidence,source");
    while (!err && !(err = csv_next(&csv, &row))) {
        const char *problem =
            *ret_count == BANKS_MAX ? "Quá nhiều ngân hàng" : read_row(&row, arena, &banks[*ret_count]);
        if (problem)
            add_fault(faults, path, row.line, problem);
        else
            ++*ret_count;
        if (*ret_count == BANKS_MAX && problem)
            return;
    }
    if (err != ERR_NOT_FOUND)
        add_fault(faults, path, csv.line, err_info(err)->vi);
}

enum err bank_table_load(const char *path, struct faults *faults)
{
    struct arena arena;
    struct text bytes;
    size_t count = 0, before = faults->count + faults->dropped;
    arena_init(&arena);
    enum err err = file_read(path, FILE_MAX, &arena, &bytes);
    if (err) {
        arena_done(&arena);
        return faults_add(faults, path, err, NULL);
    }
    struct bank *banks = memory_new(sizeof *banks * BANKS_MAX);
    read_rows(path, bytes, &arena, banks, &count, faults);
    qsort(banks, count, sizeof *banks, by_bin);
    for (size_t i = 1; i < count; i++)
        if (!strcmp(banks[i].bin, banks[i - 1].bin))
            faults_add(faults, path, ERR_CONFIG, "BIN %s có hai lần", banks[i].bin);
    if (faults->count + faults->dropped > before) {
        arena_done(&arena);
        free(banks);
        return ERR_CONFIG;
    }
    arena_done(&table.arena);
    free(table.banks);
    table.arena = arena;
    table.banks = banks;
    table.count = count;
    return OK;
}

const struct bank *bank_by_bin(struct text bin)
{
    if (!is_bin(bin) || !table.count)
        return NULL;
    struct bank wanted = {0};
    memcpy(wanted.bin, bin.at, 6);
    return bsearch(&wanted, table.banks, table.count, sizeof wanted, by_bin);
}
