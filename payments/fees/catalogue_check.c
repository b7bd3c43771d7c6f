/* What an officer should hear before a catalogue is published: rules that are each readable and yet wrong together. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "payments/fees/sheet.h"

struct check {
    const struct catalogue *catalogue;
    const struct catalogue_files *files;
    date_days today;
    struct faults *faults;
};

enum file { FILE_FEES, FILE_REDUCTIONS, FILE_CATEGORIES, FILE_PROCEDURES, FILE_VALUES };

static void fault(const struct check *check, enum file file, int line, const char *column, const char *format, ...)
    PRINTF(5, 6);
static void fault(const struct check *check, enum file file, int line, const char *column, const char *format, ...)
{
    const struct text parts[] = {check->files->fees, check->files->reductions, check->files->categories,
                                 check->files->procedures, check->files->values};
    char words[400], where[160];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    int found = sheet_field_of(parts[file], column, check->faults->arena);
    snprintf(where, sizeof where, "%s:%d:%d", check->files->names[file], line, found ? found : 1);
    faults_add(check->faults, where, ERR_CATALOGUE, "%s: %s", column, words);
}

/* Versions of one fee: no overlap; a hole between two is named too, because a quote would fail there. */
static void check_periods(const struct check *check, const struct fee_entry *entry)
{
    for (size_t i = 1; i < entry->version_count; i++) {
        const struct fee *before = &entry->versions[i - 1], *fee = &entry->versions[i];
        if (before->valid_to == DATE_NONE || fee->valid_from == DATE_NONE || fee->valid_from <= before->valid_to)
            fault(check, FILE_FEES, fee->line, "valid_from", "hiệu lực của %.*s chồng lên dòng %d",
                  TEXT_ARGS(fee->code), before->line);
        else if (fee->valid_from > before->valid_to + 1)
            fault(check, FILE_FEES, fee->line, "valid_from", "hiệu lực của %.*s đứt quãng sau dòng %d",
                  TEXT_ARGS(fee->code), before->line);
    }
}

/* Prices that fall while the value rises: lump or marginal brackets at their joints, interpolated rates at points. */
static void check_rising(const struct check *check, const struct fee *fee)
{
    const struct formula *f = fee->formula;
    if (f->kind != FORMULA_BRACKET && f->kind != FORMULA_INTERP)
        return;
    struct quote_request request;
    struct formula_input in = {check->catalogue, &request, fee->code, "", check->today, 0};
    struct arena arena;
    struct faults ignored;
    int64_t before = -1;
    arena_init(&arena);
    faults_init(&ignored, &arena);
    quote_request_init(&request);
    int64_t around = f->kind == FORMULA_BRACKET ? 1 : 0, probed = -1;
    for (size_t i = 0; i < f->case_count; i++)
        for (int64_t value = f->cases[i].bound - around; value <= f->cases[i].bound + around; value++) {
            struct formula_result result;
            if (value <= probed)
                continue;
            probed = value;
            request.quantities[f->by] = value;
            if (formula_evaluate(f, &in, &ignored, &result))
                continue;
            if (result.gross < before)
                fault(check, FILE_FEES, fee->line, "formula", "mức thu giảm khi giá trị tăng, quanh mốc %lld",
                      (long long)f->cases[i].bound);
            before = result.gross;
        }
    arena_done(&arena);
}

static int by_number(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* One cell's words given, the number it names walks over every bound the matrix has for it. */
static void check_cell_rising(const struct check *check, const struct fee *fee, const struct conditions *cell,
                              enum quantity number, struct arena *arena, struct faults *ignored)
{
    const struct formula *f = fee->formula;
    int64_t probes[FORMULA_CASES_MAX * CONDITIONS_MAX * 3] = {0}, before = -1;
    size_t count = 0;
    struct quote_request request;
    quote_request_init(&request);
    for (int i = 0; i < QUANTITY_COUNT; i++)
        request.quantities[i] = 1;
    for (size_t i = 0; i < cell->count; i++) {
        const struct condition *one = &cell->list[i];
        if (one->subject == SUBJECT_AREA)
            request.area_class = one->words[0];
        else if (one->subject == SUBJECT_ROLE)
            request.role = one->words[0];
        else if (one->subject == SUBJECT_LEGACY)
            request.legacy_area = one->words[0];
        else if (one->subject == SUBJECT_CHANNEL)
            request.channel = (enum fee_channel)__builtin_ctz(one->channels | 1u << CHANNEL_COUNT);
        else if (one->number != number)
            request.quantities[one->number] = one->order == ORDER_GREATER ? one->bound + 1
                                              : one->order == ORDER_LESS  ? one->bound - 1
                                                                          : one->bound;
    }
    for (size_t i = 0; i < f->case_count; i++)
        for (size_t c = 0; c < f->cases[i].when.count; c++)
            for (int64_t near = -1; near <= 1; near++)
                if (f->cases[i].when.list[c].subject == SUBJECT_NUMBER && f->cases[i].when.list[c].number == number)
                    probes[count++] = f->cases[i].when.list[c].bound + near;
    qsort(probes, count, sizeof *probes, by_number);
    struct formula_input in = {check->catalogue, &request, fee->code, "", check->today, 0};
    int64_t hole = QUANTITY_NONE;
    for (size_t i = 0; i < count; i++) {
        struct formula_result result;
        request.quantities[number] = probes[i] < 1 ? 1 : probes[i];
        faults_init(ignored, arena);
        if (formula_evaluate(f, &in, ignored, &result)) {
            hole = before >= 0 && hole == QUANTITY_NONE ? request.quantities[number] : hole;
            continue;
        }
        if (hole != QUANTITY_NONE) {
            fault(check, FILE_FEES, fee->line, "formula", "có khoảng trống: không có mức thu khi %s = %lld",
                  quantity_names[number], (long long)hole);
            return;
        }
        if (result.gross < before) {
            fault(check, FILE_FEES, fee->line, "formula", "mức thu giảm khi %s tăng, quanh mốc %lld",
                  quantity_names[number], (long long)request.quantities[number]);
            return;
        }
        before = result.gross;
    }
}

/* A table by value may not fall either. "Which time" may: the second registration is cheaper by law (NĐ 10/2022). */
static void check_matrix_rising(const struct check *check, const struct fee *fee)
{
    const struct formula *f = fee->formula;
    struct arena arena;
    struct faults ignored;
    size_t before = check->faults->count;
    if (f->kind != FORMULA_MATRIX)
        return;
    arena_init(&arena);
    for (size_t i = 0; i < f->case_count && check->faults->count == before; i++)
        for (size_t c = 0; c < f->cases[i].when.count && check->faults->count == before; c++) {
            const struct condition *one = &f->cases[i].when.list[c];
            if (one->subject == SUBJECT_NUMBER && one->number < QUANTITY_RELIEF_USED &&
                one->number != QUANTITY_SEQUENCE)
                check_cell_rising(check, fee, &f->cases[i].when, one->number, &arena, &ignored);
        }
    arena_done(&arena);
}

/* The budget sub-items (tiểu mục) are rows `budget_item.2716` of values.csv: a fee may name none but those. */
static void check_budget_item(const struct check *check, const struct fee *fee)
{
    char name[QUOTE_WORD_MAX + 16];
    bool listed = false, found = false;
    if (!fee->budget_item.length)
        return;
    snprintf(name, sizeof name, "budget_item.%.*s", TEXT_ARGS(text_head(fee->budget_item, QUOTE_WORD_MAX)));
    for (size_t i = 0; i < check->catalogue->value_count && !found; i++) {
        listed |= text_starts(check->catalogue->values[i].name, "budget_item.");
        found = text_is(check->catalogue->values[i].name, name);
    }
    if (listed && !found)
        fault(check, FILE_FEES, fee->line, "budget_item", "không có tiểu mục “%.*s” trong values.csv",
              TEXT_ARGS(fee->budget_item));
}

static void check_other(const struct check *check, const struct fee *fee)
{
    const struct formula *f = fee->formula;
    if (f->kind != FORMULA_PERCENT_OF)
        return;
    const struct fee_entry *other = catalogue_entry(check->catalogue, f->other);
    if (!other) {
        fault(check, FILE_FEES, fee->line, "formula", "không có khoản gốc “%.*s”", TEXT_ARGS(f->other));
        return;
    }
    struct text seen = f->other;
    for (int depth = 0; depth < 4; depth++) {
        const struct fee_entry *next = catalogue_entry(check->catalogue, seen);
        if (!next || next->versions[0].formula->kind != FORMULA_PERCENT_OF)
            break;
        seen = next->versions[0].formula->other;
        if (text_equal(seen, fee->code) || depth == 3) {
            fault(check, FILE_FEES, fee->line, "formula", "tính theo nhau thành vòng");
            break;
        }
    }
    if ((fee->valid_to == DATE_NONE || fee->valid_to >= check->today) && !fee_entry_on(other, check->today) &&
        (fee->valid_from == DATE_NONE || fee->valid_from <= check->today)) {
        fault(check, FILE_FEES, fee->line, "formula", "khoản gốc “%.*s” đã hết hiệu lực", TEXT_ARGS(f->other));
        return;
    }
    for (size_t v = 0; v < other->version_count; v++) { /* it ends while this one goes on */
        date_days next = other->versions[v].valid_to + 1;
        char day[DATE_TEXT_SIZE];
        if (other->versions[v].valid_to == DATE_NONE || next <= check->today || fee_entry_on(other, next) ||
            (fee->valid_to != DATE_NONE && next > fee->valid_to) ||
            (fee->valid_from != DATE_NONE && next < fee->valid_from))
            continue;
        date_format_vi(next, day);
        fault(check, FILE_FEES, fee->line, "formula", "khoản gốc “%.*s” không còn hiệu lực từ %s", TEXT_ARGS(f->other),
              day);
    }
}

static void check_reduction(const struct check *check, const struct reduction *reduction)
{
    for (size_t i = 0; i < reduction->procedures.count && check->files->procedures.at; i++)
        if (!catalogue_procedure(check->catalogue, reduction->procedures.list[i]))
            fault(check, FILE_REDUCTIONS, reduction->line, "procedures", "không có thủ tục “%.*s”",
                  TEXT_ARGS(reduction->procedures.list[i]));
    bool named = !reduction->cap_value.length || !check->files->values.at;
    for (size_t i = 0; i < check->catalogue->value_count && !named; i++)
        named = text_equal(check->catalogue->values[i].name, reduction->cap_value);
    if (!named)
        fault(check, FILE_REDUCTIONS, reduction->line, "yearly_cap", "không có giá trị “%.*s” trong values.csv",
              TEXT_ARGS(reduction->cap_value));
    for (size_t i = 0; i < check->catalogue->reduction_count; i++) {
        const struct reduction *other = &check->catalogue->reductions[i];
        if (other->line < reduction->line && text_equal(other->code, reduction->code))
            fault(check, FILE_REDUCTIONS, reduction->line, "code", "trùng với dòng %d", other->line);
    }
    for (size_t i = 0; i < reduction->fees.count && check->files->fees.at; i++) {
        const struct fee_entry *entry = catalogue_entry(check->catalogue, reduction->fees.list[i]);
        bool met = !entry;
        for (size_t v = 0; entry && v < entry->version_count; v++) {
            const struct fee *fee = &entry->versions[v];
            met |= (fee->valid_to == DATE_NONE || reduction->valid_from == DATE_NONE ||
                    fee->valid_to >= reduction->valid_from) &&
                   (fee->valid_from == DATE_NONE || reduction->valid_to == DATE_NONE ||
                    fee->valid_from <= reduction->valid_to);
        }
        if (!met)
            fault(check, FILE_REDUCTIONS, reduction->line, "fees",
                  "khoản “%.*s” không có hiệu lực lúc mức giảm áp dụng", TEXT_ARGS(reduction->fees.list[i]));
    }
}

static void check_procedure(const struct check *check, const struct procedure *procedure)
{
    for (size_t i = 0; i < procedure->fee_count && check->files->fees.at; i++) {
        const struct fee_entry *entry = catalogue_entry(check->catalogue, procedure->fees[i]);
        bool alive = !entry;
        for (size_t v = 0; entry && v < entry->version_count; v++)
            alive |= (entry->versions[v].valid_to == DATE_NONE || entry->versions[v].valid_to >= check->today) &&
                     entry->versions[v].formula->kind != FORMULA_ABOLISHED;
        if (!alive)
            fault(check, FILE_PROCEDURES, procedure->line, i < procedure->usual_count ? "fees" : "optional_fees",
                  "khoản “%.*s” đã hết hiệu lực hoặc bị bãi bỏ", TEXT_ARGS(procedure->fees[i]));
        for (size_t before = 0; before < i; before++)
            if (text_equal(procedure->fees[before], procedure->fees[i]))
                fault(check, FILE_PROCEDURES, procedure->line, i < procedure->usual_count ? "fees" : "optional_fees",
                      "khoản “%.*s” được nêu hai lần", TEXT_ARGS(procedure->fees[i]));
    }
}

static void check_values(const struct check *check)
{
    const struct catalogue *catalogue = check->catalogue;
    bool edition = false;
    for (size_t i = 0; i < catalogue->value_count; i++) {
        const struct value_row *row = &catalogue->values[i];
        edition |= text_is(row->name, "edition");
        for (size_t before = 0; before < i; before++) {
            const struct value_row *other = &catalogue->values[before];
            if (text_equal(row->name, other->name) &&
                (row->valid_from == DATE_NONE || other->valid_to == DATE_NONE || other->valid_to >= row->valid_from) &&
                (other->valid_from == DATE_NONE || row->valid_to == DATE_NONE || row->valid_to >= other->valid_from))
                fault(check, FILE_VALUES, row->line, "valid_from", "chồng lên dòng %d", other->line);
        }
    }
    if (check->files->values.at && !edition)
        fault(check, FILE_VALUES, 1, "name", "thiếu dòng edition (ngày biên tập)");
}

enum err catalogue_check(const struct catalogue *catalogue, const struct catalogue_files *files, date_days today,
                         struct faults *faults)
{
    const struct check check = {catalogue, files, today, faults};
    size_t before = faults->count + faults->dropped;
    for (size_t i = 0; i < catalogue->entry_count; i++)
        check_periods(&check, &catalogue->entries[i]);
    for (size_t i = 0; i < catalogue->fee_count; i++) {
        check_rising(&check, &catalogue->fees[i]);
        check_matrix_rising(&check, &catalogue->fees[i]);
        check_budget_item(&check, &catalogue->fees[i]);
        check_other(&check, &catalogue->fees[i]);
    }
    for (size_t i = 0; i < catalogue->reduction_count; i++)
        check_reduction(&check, &catalogue->reductions[i]);
    for (size_t i = 0; i < catalogue->procedure_count; i++)
        check_procedure(&check, &catalogue->procedures[i]);
    check_values(&check);
    return faults->count + faults->dropped == before ? OK : ERR_CATALOGUE;
}
