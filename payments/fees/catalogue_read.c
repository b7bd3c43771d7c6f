/* Rows of the officer's files to the snapshot's structures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "payments/fees/quote_memo.h"
#include "payments/fees/sheet.h"

static const char *const fee_columns[] = {"code",          "name_vi",    "name_en",    "kind",        "formula",
                                          "unit_vi",       "unit_en",    "valid_from", "valid_to",    "legal_basis",
                                          "legal_article", "issued_by",  "collector",  "beneficiary", "budget_item",
                                          "budget_level",  "retention",  "document",   "refund_rule", "decided_by",
                                          "rounding",      "confidence", "note",       NULL};
static const char *const reduction_columns[] = {
    "code",           "name_vi",     "name_en",    "kind",       "fees",        "procedures",
    "categories",     "channels",    "condition",  "rate",       "scope",       "yearly_cap",
    "times_per_year", "valid_from",  "valid_to",   "decided_by", "legal_basis", "legal_article",
    "evidence_vi",    "evidence_en", "confidence", "note",       NULL};
static const char *const category_columns[] = {"code",        "name_vi",     "name_en", "legal_basis",
                                               "evidence_vi", "evidence_en", NULL};
static const char *const procedure_columns[] = {"code",          "name_vi", "name_en",    "agency_level", "fees",
                                                "optional_fees", "postal",  "confidence", "note",         NULL};

static const char *const kind_names[] = {"phi", "le_phi", NULL};
static const char *const document_names[] = {"state_receipt", "invoice_elsewhere", "none", "unset", NULL};
static const char *const day_names[] = {"filing", "payment", NULL};
static const char *const scope_names[] = {"all", "from_second", NULL};
static const char *const reduction_kind_names[] = {"relief", "channel_share", NULL};

/* A row may end in LF, CR LF or, as old spreadsheets write, CR alone. */
size_t catalogue_rows_in(struct text bytes)
{
    size_t lines = 1;
    for (size_t i = 0; i < bytes.length; i++)
        lines += bytes.at[i] == '\n' || (bytes.at[i] == '\r' && (i + 1 == bytes.length || bytes.at[i + 1] != '\n'));
    return lines < CATALOGUE_ROWS_MAX ? lines : CATALOGUE_ROWS_MAX;
}

/* "35%", "85% public_unit" */
static void retention_read(struct sheet *sheet, struct fee *fee)
{
    int64_t ppb;
    fee->retention_rate = -1;
    if (!fee->retention.length)
        return;
    struct text share = text_until(fee->retention, ' ', &fee->retention_only);
    fee->retention_only = text_trim(fee->retention_only);
    if (share_read(share, &ppb) && ppb <= PPB && ppb % (PPB / RATE_ONE) == 0)
        fee->retention_rate = ppb / (PPB / RATE_ONE);
    else
        sheet_fault(sheet, "retention", ERR_FIELD_FORMAT, "phải là tỷ lệ từ 0%% đến 100%%, hoặc unset");
    if (fee->retention_only.length && !collector_kind_ok(fee->retention_only))
        sheet_fault(sheet, "retention", ERR_FIELD_VALUE, "sau tỷ lệ chỉ có thể là public_unit hoặc state_agency");
}

static void fee_row(struct sheet *sheet, struct fee *fee)
{
    struct formula *formula = ARENA_NEW(sheet->arena, struct formula);
    const char *why = "";
    *fee = (struct fee){
        .code = sheet_code(sheet, "code"),
        .name_vi = sheet_needed(sheet, "name_vi"),
        .name_en = sheet_needed(sheet, "name_en"),
        .kind = (enum fee_kind)sheet_enum(sheet, "kind", kind_names, FEE_PHI),
        .formula_text = sheet_needed(sheet, "formula"),
        .formula = formula,
        .unit_vi = sheet_cell(sheet, "unit_vi"),
        .unit_en = sheet_cell(sheet, "unit_en"),
        .legal_basis = sheet_basis(sheet),
        .issued_by = sheet_cell(sheet, "issued_by"),
        .collector = sheet_cell(sheet, "collector"),
        .beneficiary = sheet_cell(sheet, "beneficiary"),
        .budget_item = sheet_cell(sheet, "budget_item"),
        .budget_level = sheet_cell(sheet, "budget_level"),
        .retention = sheet_cell(sheet, "retention"),
        .refund_rule = sheet_cell(sheet, "refund_rule"),
        .document = (enum fee_document)sheet_enum(sheet, "document", document_names, DOCUMENT_UNSET),
        .decided_by = (enum fee_day)sheet_enum(sheet, "decided_by", day_names, DAY_OF_PAYMENT),
        .rounding = sheet_cell(sheet, "rounding"),
        .confidence = sheet_cell(sheet, "confidence"),
        .note = sheet_cell(sheet, "note"),
        .line = sheet->row.line,
    };
    sheet_needed(sheet, "kind");
    retention_read(sheet, fee);
    sheet_period_begun(sheet);
    sheet_period(sheet, &fee->valid_from, &fee->valid_to);
    int rounding = sheet_enum(sheet, "rounding", rounding_names, ROUND_DONG_HALF_UP);
    if (!fee->rounding.length)
        fee->rounding = text_of(rounding_names[rounding]);
    if (fee->formula_text.length &&
        formula_read(fee->formula_text, (enum rounding)rounding, sheet->arena, &why, formula))
        sheet_fault(sheet, "formula", ERR_CATALOGUE, "%s", why);
}

static unsigned cell_channels(struct sheet *sheet)
{
    struct words words = sheet_words(sheet, "channels", CHANNEL_COUNT);
    unsigned bits = 0;
    for (size_t i = 0; i < words.count; i++) {
        int at = 0;
        while (channel_names[at] && !text_is(words.list[i], channel_names[at]))
            at++;
        if (at == CHANNEL_COUNT)
            sheet_fault(sheet, "channels", ERR_FIELD_VALUE, "phải là counter, online, online_part, post");
        else
            bits |= 1u << at;
    }
    return bits ? bits : (1u << CHANNEL_COUNT) - 1;
}

/* "50%" or "unset" */
static int64_t cell_rate(struct sheet *sheet)
{
    struct text value = sheet_cell(sheet, "rate");
    int64_t ppb;
    if (!value.length)
        return RATE_UNSET;
    if (!share_read(value, &ppb) || ppb % (PPB / RATE_ONE)) {
        sheet_fault(sheet, "rate", ERR_FIELD_FORMAT, "phải là tỷ lệ như 50%% (tối đa hai số lẻ), hoặc unset");
        return RATE_UNSET;
    }
    if (ppb > PPB) {
        sheet_fault(sheet, "rate", ERR_FIELD_RANGE, "giảm quá 100%%");
        return RATE_UNSET;
    }
    return ppb / (PPB / RATE_ONE);
}

/* "5 * base_salary", "2000000" */
static void cell_yearly_cap(struct sheet *sheet, struct reduction *reduction)
{
    struct text name, times = text_trim(text_until(sheet_cell(sheet, "yearly_cap"), '*', &name));
    if (!times.length)
        return;
    reduction->has_yearly_cap = true;
    reduction->cap_value = text_trim(name);
    if (!number_read(times, &reduction->cap_times) || (name.at && !sheet_code_ok(reduction->cap_value)))
        sheet_fault(sheet, "yearly_cap", ERR_FIELD_FORMAT, "phải là số đồng hoặc 5 * base_salary");
}

static void reduction_row(struct sheet *sheet, struct reduction *reduction)
{
    const char *why = "";
    *reduction = (struct reduction){
        .code = sheet_code(sheet, "code"),
        .name_vi = sheet_needed(sheet, "name_vi"),
        .name_en = sheet_needed(sheet, "name_en"),
        .kind = (enum reduction_kind)sheet_enum(sheet, "kind", reduction_kind_names, REDUCTION_RELIEF),
        .fees = sheet_words(sheet, "fees", REDUCTION_LIST_MAX),
        .procedures = sheet_words(sheet, "procedures", REDUCTION_LIST_MAX),
        .category_words = sheet_words(sheet, "categories", CATEGORIES_MAX),
        .channels = cell_channels(sheet),
        .rate = cell_rate(sheet),
        .scope = (enum reduction_scope)sheet_enum(sheet, "scope", scope_names, SCOPE_ALL),
        .decided_by = (enum fee_day)sheet_enum(sheet, "decided_by", day_names, DAY_OF_PAYMENT),
        .legal_basis = sheet_basis(sheet),
        .evidence_vi = sheet_cell(sheet, "evidence_vi"),
        .evidence_en = sheet_cell(sheet, "evidence_en"),
        .confidence = sheet_cell(sheet, "confidence"),
        .line = sheet->row.line,
    };
    sheet_period_begun(sheet);
    sheet_period(sheet, &reduction->valid_from, &reduction->valid_to);
    cell_yearly_cap(sheet, reduction);
    if (!reduction->fees.count)
        sheet_fault(sheet, "fees", ERR_FIELD_MISSING, "phải nêu mã khoản thu");
    struct text times = sheet_cell(sheet, "times_per_year");
    if (times.length && !number_read(times, &reduction->times_per_year))
        sheet_fault(sheet, "times_per_year", ERR_FIELD_FORMAT, "phải là số nguyên");
    if (conditions_read(sheet_cell(sheet, "condition"), sheet->arena, &why, &reduction->when))
        sheet_fault(sheet, "condition", ERR_CATALOGUE, "%s", why);
}

static void procedure_row(struct sheet *sheet, struct procedure *procedure)
{
    *procedure = (struct procedure){
        .code = sheet_code(sheet, "code"),
        .name_vi = sheet_needed(sheet, "name_vi"),
        .name_en = sheet_needed(sheet, "name_en"),
        .agency_level = sheet_cell(sheet, "agency_level"),
        .postal = sheet_cell(sheet, "postal"),
        .confidence = sheet_cell(sheet, "confidence"),
        .note = sheet_cell(sheet, "note"),
        .line = sheet->row.line,
    };
    struct words usual = sheet_words(sheet, "fees", PROCEDURE_FEES_MAX);
    struct words chosen = sheet_words(sheet, "optional_fees", PROCEDURE_FEES_MAX);
    if (usual.count + chosen.count > PROCEDURE_FEES_MAX) {
        sheet_fault(sheet, "optional_fees", ERR_FIELD_LENGTH, "tối đa %d khoản thu", PROCEDURE_FEES_MAX);
        chosen.count = PROCEDURE_FEES_MAX - usual.count;
    }
    for (size_t i = 0; i < usual.count; i++)
        procedure->fees[procedure->fee_count++] = usual.list[i];
    procedure->usual_count = usual.count;
    for (size_t i = 0; i < chosen.count; i++)
        procedure->fees[procedure->fee_count++] = chosen.list[i];
    size_t length = text_to_key(procedure->code, procedure->key, sizeof procedure->key);
    if (length + 2 < sizeof procedure->key) {
        procedure->key[length++] = ' ';
        text_to_key(procedure->name_vi, procedure->key + length, sizeof procedure->key - length);
    }
}

static int by_code_and_day(const void *left, const void *right)
{
    const struct fee *a = *(const struct fee *const *)left, *b = *(const struct fee *const *)right;
    int order = text_compare(a->code, b->code);
    return order ? order : (a->valid_from > b->valid_from) - (a->valid_from < b->valid_from);
}

static int by_procedure_code(const void *left, const void *right)
{
    return text_compare(((const struct procedure *)left)->code, ((const struct procedure *)right)->code);
}

/* Places are sorted, not rows: a row has half a kilobyte. */
static void fees_sort(struct catalogue *catalogue)
{
    size_t count = catalogue->fee_count;
    struct fee *sorted = ARENA_ARRAY(&catalogue->arena, struct fee, count + 1);
    const struct fee **places = memory_grow(NULL, (count + 1) * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = &catalogue->fees[i];
    qsort(places, count, sizeof *places, by_code_and_day);
    for (size_t i = 0; i < count; i++)
        sorted[i] = *places[i];
    catalogue->fees = sorted;
    free(places);
}

static void fees_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->fees = ARENA_ARRAY(&catalogue->arena, struct fee, catalogue_rows_in(files->fees));
    if (!sheet_open(&sheet, files->fees, files->names[0], fee_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->fee_count))
        fee_row(&sheet, &catalogue->fees[catalogue->fee_count++]);
    fees_sort(catalogue);
    catalogue->entries = ARENA_ARRAY(&catalogue->arena, struct fee_entry, catalogue->fee_count + 1);
    for (size_t i = 0; i < catalogue->fee_count; i++) {
        struct fee *fee = &catalogue->fees[i];
        struct fee_entry *entry = catalogue->entry_count ? &catalogue->entries[catalogue->entry_count - 1] : NULL;
        if (!entry || !text_equal(entry->code, fee->code)) {
            entry = &catalogue->entries[catalogue->entry_count++];
            *entry = (struct fee_entry){.code = fee->code, .versions = fee};
        }
        entry->version_count++;
    }
    name_index_build(&catalogue->entry_index, &catalogue->arena, catalogue->entries, sizeof *catalogue->entries,
                     catalogue->entry_count);
}

static void categories_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->categories = ARENA_ARRAY(&catalogue->arena, struct category, CATEGORIES_MAX);
    if (!sheet_open(&sheet, files->categories, files->names[2], category_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->category_count)) {
        if (catalogue->category_count == CATEGORIES_MAX) {
            sheet_fault(&sheet, NULL, ERR_FIELD_LENGTH, "tối đa %d diện", CATEGORIES_MAX);
            break;
        }
        struct category *category = &catalogue->categories[catalogue->category_count++];
        *category = (struct category){
            .code = sheet_code(&sheet, "code"),
            .name_vi = sheet_needed(&sheet, "name_vi"),
            .name_en = sheet_needed(&sheet, "name_en"),
            .legal_basis = sheet_cell(&sheet, "legal_basis"),
            .evidence_vi = sheet_cell(&sheet, "evidence_vi"),
            .evidence_en = sheet_cell(&sheet, "evidence_en"),
            .line = sheet.row.line,
        };
        for (size_t i = 0; i + 1 < catalogue->category_count; i++)
            if (text_equal(catalogue->categories[i].code, category->code))
                sheet_fault(&sheet, "code", ERR_FIELD_VALUE, "trùng với dòng %d", catalogue->categories[i].line);
    }
    name_index_build(&catalogue->category_index, &catalogue->arena, catalogue->categories,
                     sizeof *catalogue->categories, catalogue->category_count);
}

/* Hangs each reduction on its fees: counted first, then placed, so that 20,000 rules take a moment and not a minute. */
static void reductions_link(struct catalogue *catalogue)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t r = 0; r < catalogue->reduction_count; r++) {
            const struct reduction *reduction = &catalogue->reductions[r];
            for (size_t f = 0; f < reduction->fees.count; f++) {
                int at = name_index_find(&catalogue->entry_index, reduction->fees.list[f]);
                bool twice = false;
                for (size_t before = 0; before < f && !twice; before++)
                    twice = text_equal(reduction->fees.list[before], reduction->fees.list[f]);
                if (at < 0 || twice)
                    continue;
                struct fee_entry *entry = &catalogue->entries[at];
                if (pass)
                    entry->reductions[entry->reduction_count] = reduction;
                entry->reduction_count++;
            }
        }
        for (size_t e = 0; e < catalogue->entry_count && !pass; e++) {
            struct fee_entry *entry = &catalogue->entries[e];
            entry->reductions = ARENA_ARRAY(&catalogue->arena, const struct reduction *, entry->reduction_count + 1);
            entry->reduction_count = 0;
        }
    }
}

static int by_beginning(const void *left, const void *right)
{
    const struct reduction *a = *(const struct reduction *const *)left, *b = *(const struct reduction *const *)right;
    int order = (a->valid_from > b->valid_from) - (a->valid_from < b->valid_from);
    return order ? order : a->line - b->line;
}

static int by_day(const void *left, const void *right)
{
    date_days a = *(const date_days *)left, b = *(const date_days *)right;
    return (a > b) - (a < b);
}

/* A line weighs at most QUOTE_REDUCTIONS_MAX rules; one more would be lost without a word. Days are swept in order: on
 * each beginning, those begun less those ended are in force. */
static void reductions_count(struct sheet *sheet, const struct fee_entry *entry)
{
    size_t count = entry->reduction_count, ended = 0;
    if (count <= QUOTE_REDUCTIONS_MAX)
        return;
    const struct reduction **begun = memory_grow(NULL, count * sizeof *begun);
    date_days *ends = memory_grow(NULL, count * sizeof *ends);
    for (size_t i = 0; i < count; i++) {
        begun[i] = entry->reductions[i];
        ends[i] = begun[i]->valid_to == DATE_NONE ? INT32_MAX : begun[i]->valid_to;
    }
    qsort(begun, count, sizeof *begun, by_beginning); /* DATE_NONE, “always”, comes first */
    qsort(ends, count, sizeof *ends, by_day);
    for (size_t i = 0; i < count; i++) {
        while (ended < i && ends[ended] < begun[i]->valid_from)
            ended++;
        if (i + 1 - ended <= QUOTE_REDUCTIONS_MAX)
            continue;
        sheet->row.line = begun[i]->line;
        sheet_fault(sheet, "fees", ERR_FIELD_LENGTH, "khoản “%.*s” có quá %d mức miễn, giảm cùng một lúc",
                    TEXT_ARGS(entry->code), QUOTE_REDUCTIONS_MAX);
        break;
    }
    free(begun);
    free(ends);
}

static void reductions_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->reductions = ARENA_ARRAY(&catalogue->arena, struct reduction, catalogue_rows_in(files->reductions));
    if (!sheet_open(&sheet, files->reductions, files->names[1], reduction_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->reduction_count)) {
        struct reduction *reduction = &catalogue->reductions[catalogue->reduction_count++];
        reduction_row(&sheet, reduction);
        for (size_t c = 0; c < reduction->category_words.count && files->categories.at; c++) {
            int bit = catalogue_category(catalogue, reduction->category_words.list[c]);
            if (bit < 0)
                sheet_fault(&sheet, "categories", ERR_CATEGORY_UNKNOWN, "không có diện “%.*s” trong categories.csv",
                            TEXT_ARGS(reduction->category_words.list[c]));
            else
                reduction->categories |= UINT64_C(1) << bit;
        }
        for (size_t f = 0; f < reduction->fees.count && files->fees.at; f++)
            if (!catalogue_entry(catalogue, reduction->fees.list[f]))
                sheet_fault(&sheet, "fees", ERR_FEE_UNKNOWN, "không có khoản “%.*s” trong fees.csv",
                            TEXT_ARGS(reduction->fees.list[f]));
    }
    reductions_link(catalogue);
    for (size_t e = 0; e < catalogue->entry_count; e++)
        reductions_count(&sheet, &catalogue->entries[e]);
}

static void procedures_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->procedures = ARENA_ARRAY(&catalogue->arena, struct procedure, catalogue_rows_in(files->procedures));
    if (!sheet_open(&sheet, files->procedures, files->names[3], procedure_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->procedure_count)) {
        struct procedure *procedure = &catalogue->procedures[catalogue->procedure_count++];
        procedure_row(&sheet, procedure);
        for (size_t f = 0; f < procedure->fee_count && files->fees.at; f++)
            if (!catalogue_entry(catalogue, procedure->fees[f]))
                sheet_fault(&sheet, f < procedure->usual_count ? "fees" : "optional_fees", ERR_FEE_UNKNOWN,
                            "không có khoản “%.*s” trong fees.csv", TEXT_ARGS(procedure->fees[f]));
    }
    qsort(catalogue->procedures, catalogue->procedure_count, sizeof *catalogue->procedures, by_procedure_code);
    for (size_t i = 1; i < catalogue->procedure_count; i++)
        if (text_equal(catalogue->procedures[i].code, catalogue->procedures[i - 1].code)) {
            sheet.row.line = catalogue->procedures[i].line;
            sheet_fault(&sheet, "code", ERR_FIELD_VALUE, "mã thủ tục trùng với dòng %d",
                        catalogue->procedures[i - 1].line);
        }
    name_index_build(&catalogue->procedure_index, &catalogue->arena, catalogue->procedures,
                     sizeof *catalogue->procedures, catalogue->procedure_count);
}

void catalogue_digest(const struct catalogue_files *files, uint8_t ret_digest[SHA256_SIZE])
{
    struct buf all = {0};
    const struct text parts[] = {files->fees, files->reductions, files->categories, files->procedures, files->values};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_printf(&all, "%zu:", parts[i].length);
        buf_text(&all, parts[i]);
    }
    crypto_sha256(buf_view(&all), ret_digest);
    buf_done(&all);
}

static void version_write(struct catalogue *catalogue, const struct catalogue_files *files)
{
    uint8_t digest[SHA256_SIZE];
    catalogue_digest(files, digest);
    struct text edition = TEXT("0000-00-00");
    for (size_t i = 0; i < catalogue->value_count; i++)
        if (text_is(catalogue->values[i].name, "edition") && catalogue->values[i].value.length == 10)
            edition = catalogue->values[i].value;
    char hex[9];
    hex_encode(digest, 4, hex);
    snprintf(catalogue->version, sizeof catalogue->version, "%.*s.%s", TEXT_ARGS(edition), hex);
}

enum err catalogue_read(const struct catalogue_files *given, struct faults *faults, struct catalogue **ret_catalogue)
{
    size_t faults_before = faults->count + faults->dropped;
    struct catalogue *catalogue = memory_new(sizeof *catalogue);
    atomic_init(&catalogue->holds, 1);
    arena_init(&catalogue->arena);
    catalogue->memo = quote_memo_new();
    struct catalogue_files files = *given;
    struct text *const parts[] = {&files.fees, &files.reductions, &files.categories, &files.procedures, &files.values};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i]->at)
            *parts[i] = arena_text(&catalogue->arena, *parts[i]);
    if (files.fees.at)
        fees_read(catalogue, &files, faults);
    if (files.categories.at)
        categories_read(catalogue, &files, faults);
    if (files.reductions.at)
        reductions_read(catalogue, &files, faults);
    if (files.procedures.at)
        procedures_read(catalogue, &files, faults);
    if (files.values.at)
        catalogue_values_read(catalogue, &files, faults);
    version_write(catalogue, &files);
    if (faults->count + faults->dropped != faults_before) {
        catalogue_drop(catalogue);
        return ERR_CATALOGUE;
    }
    *ret_catalogue = catalogue;
    return OK;
}
