/* Rows of the officer's files to the snapshot's structures; every fault is named file:line:field. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "payments/fees/catalogue.h"

enum { COLUMNS_MAX = 32 };

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
static const char *const value_columns[] = {"name", "value", "valid_from", "valid_to", "legal_basis", "note", NULL};

static const char *const kind_names[] = {"phi", "le_phi", NULL};
static const char *const document_names[] = {"state_receipt", "invoice_elsewhere", "none", "unset", NULL};
static const char *const day_names[] = {"filing", "payment", NULL};
static const char *const scope_names[] = {"all", "from_second", NULL};
static const char *const reduction_kind_names[] = {"relief", "channel_share", NULL};

/* One file being read. */
struct sheet {
    struct csv csv;
    struct csv_row row;
    const char *name;
    const char *const *columns;
    int field_of[COLUMNS_MAX]; /* column → field, -1 absent */
    struct arena *arena;
    struct faults *faults;
};

static int column(const struct sheet *sheet, const char *name)
{
    for (int i = 0; sheet->columns[i]; i++)
        if (!strcmp(sheet->columns[i], name))
            return sheet->field_of[i];
    return -1;
}

static void fault(struct sheet *sheet, const char *name, enum err code, const char *format, ...) PRINTF(4, 5);
static void fault(struct sheet *sheet, const char *name, enum err code, const char *format, ...)
{
    char words[400], where[160];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    int field = name ? column(sheet, name) : 0;
    snprintf(where, sizeof where, "%s:%d:%d", sheet->name, sheet->row.line, field < 0 ? 1 : field + 1);
    faults_add(sheet->faults, where, code, "%s%s%s", name ? name : "", name ? ": " : "", words);
}

/* A cell, trimmed; "unset" is the empty text. An apostrophe that guards a spreadsheet cell is dropped. */
static struct text cell(struct sheet *sheet, const char *name)
{
    int field = column(sheet, name);
    if (field < 0 || (size_t)field >= sheet->row.count)
        return TEXT_NONE;
    struct text value = text_trim(sheet->row.fields[field]);
    if (text_starts(value, "'="))
        value = text_slice(value, 1, value.length);
    return text_is(value, "unset") ? TEXT_NONE : value;
}

static struct text cell_needed(struct sheet *sheet, const char *name)
{
    struct text value = cell(sheet, name);
    if (!value.length)
        fault(sheet, name, ERR_FIELD_MISSING, "không được để trống");
    return value;
}

static int cell_enum(struct sheet *sheet, const char *name, const char *const *names, int otherwise)
{
    struct text value = cell(sheet, name);
    char list[160] = "";
    if (!value.length)
        return otherwise;
    for (int i = 0; names[i]; i++) {
        if (text_is(value, names[i]))
            return i;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    fault(sheet, name, ERR_FIELD_VALUE, "phải là một trong: %s", list);
    return otherwise;
}

static date_days cell_date(struct sheet *sheet, const char *name)
{
    struct text value = cell(sheet, name);
    date_days date = DATE_NONE;
    if (value.length && !date_parse(value, &date))
        fault(sheet, name, ERR_FIELD_FORMAT, "phải là ngày có thật dạng YYYY-MM-DD, hoặc unset");
    return date;
}

static void cell_period(struct sheet *sheet, date_days *ret_from, date_days *ret_to)
{
    *ret_from = cell_date(sheet, "valid_from");
    *ret_to = cell_date(sheet, "valid_to");
    if (*ret_from != DATE_NONE && *ret_to != DATE_NONE && *ret_to < *ret_from)
        fault(sheet, "valid_to", ERR_FIELD_RANGE, "trước valid_from");
}

static bool code_ok(struct text code)
{
    if (!code.length || code.length > QUOTE_WORD_MAX)
        return false;
    for (size_t i = 0; i < code.length; i++) {
        char c = code.at[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !strchr("_-.", c))
            return false;
    }
    return true;
}

static struct text cell_code(struct sheet *sheet, const char *name)
{
    struct text code = cell_needed(sheet, name);
    if (code.length && !code_ok(code))
        fault(sheet, name, ERR_FIELD_FORMAT, "mã chỉ gồm chữ không dấu, số, - _ . và tối đa %d ký tự", QUOTE_WORD_MAX);
    return code;
}

/* Codes separated by spaces. */
static struct words cell_words(struct sheet *sheet, const char *name, size_t max)
{
    struct words words = {0};
    struct text left = cell(sheet, name);
    if (left.length)
        words.list = ARENA_ARRAY(sheet->arena, struct text, max);
    while (left.at) {
        struct text rest, word = text_trim(text_until(left, ' ', &rest));
        left = rest;
        if (!word.length)
            continue;
        if (words.count == max || !code_ok(word)) {
            fault(sheet, name, ERR_FIELD_FORMAT, "phải là các mã cách nhau bằng dấu cách, tối đa %zu", max);
            break;
        }
        words.list[words.count++] = word;
    }
    return words;
}

/* "TT 226/2016/TT-BTC" and "Điều 4.1" as one citation. */
static struct text cell_basis(struct sheet *sheet)
{
    struct text number = cell(sheet, "legal_basis"), article = cell(sheet, "legal_article");
    if (!number.length) {
        fault(sheet, "legal_basis", ERR_FIELD_MISSING, "thiếu căn cứ pháp lý");
        return number;
    }
    return article.length ? arena_textf(sheet->arena, "%.*s, %.*s", TEXT_ARGS(number), TEXT_ARGS(article)) : number;
}

static bool sheet_open(struct sheet *sheet, struct text bytes, const char *name, const char *const *columns,
                       struct arena *arena, struct faults *faults)
{
    *sheet = (struct sheet){.name = name, .columns = columns, .arena = arena, .faults = faults};
    sheet->row.line = 1;
    for (int i = 0; i < COLUMNS_MAX; i++)
        sheet->field_of[i] = -1;
    if (!text_is_utf8(bytes)) {
        fault(sheet, NULL, ERR_UTF8, "tệp phải là UTF-8");
        return false;
    }
    csv_open(&sheet->csv, bytes, ',', arena);
    if (csv_next(&sheet->csv, &sheet->row)) {
        sheet->row.line = sheet->csv.line ? sheet->csv.line : 1;
        fault(sheet, NULL, ERR_CSV_SYNTAX, "tệp rỗng hoặc dòng tiêu đề sai");
        return false;
    }
    for (size_t f = 0; f < sheet->row.count; f++) {
        bool known = false;
        for (int i = 0; columns[i]; i++)
            if (text_is(text_trim(sheet->row.fields[f]), columns[i])) {
                known = sheet->field_of[i] < 0;
                sheet->field_of[i] = (int)f;
            }
        if (!known) {
            char where[160];
            snprintf(where, sizeof where, "%s:%d:%zu", name, sheet->row.line, f + 1);
            faults_add(faults, where, ERR_FIELD_UNKNOWN, "cột “%.*s” không được biết đến hoặc lặp lại",
                       TEXT_ARGS(text_slice(sheet->row.fields[f], 0, 60)));
        }
    }
    bool whole = true;
    for (int i = 0; columns[i]; i++)
        if (sheet->field_of[i] < 0) {
            fault(sheet, NULL, ERR_FIELD_MISSING, "thiếu cột %s", columns[i]);
            whole = false;
        }
    return whole;
}

static bool sheet_next(struct sheet *sheet, size_t rows)
{
    size_t header = 0;
    for (int i = 0; sheet->columns[i]; i++)
        header++;
    enum err err = csv_next(&sheet->csv, &sheet->row);
    if (err == ERR_NOT_FOUND)
        return false;
    if (err || rows == CATALOGUE_ROWS_MAX) {
        sheet->row.line = sheet->csv.line;
        fault(sheet, NULL, err ? err : ERR_FIELD_LENGTH, err ? "sai cú pháp CSV" : "quá nhiều dòng");
        return false;
    }
    if (sheet->row.count != header)
        fault(sheet, NULL, ERR_CSV_SYNTAX, "dòng có %zu ô, tiêu đề có %zu", sheet->row.count, header);
    return true;
}

static size_t rows_in(struct text bytes)
{
    size_t lines = 1;
    for (size_t i = 0; i < bytes.length; i++)
        lines += bytes.at[i] == '\n';
    return lines < CATALOGUE_ROWS_MAX ? lines : CATALOGUE_ROWS_MAX;
}

static void fee_row(struct sheet *sheet, struct fee *fee)
{
    struct formula *formula = ARENA_NEW(sheet->arena, struct formula);
    const char *why = "";
    *fee = (struct fee){
        .code = cell_code(sheet, "code"),
        .name_vi = cell_needed(sheet, "name_vi"),
        .name_en = cell_needed(sheet, "name_en"),
        .kind = (enum fee_kind)cell_enum(sheet, "kind", kind_names, FEE_PHI),
        .formula_text = cell_needed(sheet, "formula"),
        .formula = formula,
        .unit_vi = cell(sheet, "unit_vi"),
        .unit_en = cell(sheet, "unit_en"),
        .legal_basis = cell_basis(sheet),
        .issued_by = cell(sheet, "issued_by"),
        .collector = cell(sheet, "collector"),
        .beneficiary = cell(sheet, "beneficiary"),
        .budget_item = cell(sheet, "budget_item"),
        .budget_level = cell(sheet, "budget_level"),
        .retention = cell(sheet, "retention"),
        .refund_rule = cell(sheet, "refund_rule"),
        .document = (enum fee_document)cell_enum(sheet, "document", document_names, DOCUMENT_UNSET),
        .decided_by = (enum fee_day)cell_enum(sheet, "decided_by", day_names, DAY_OF_PAYMENT),
        .rounding = cell(sheet, "rounding"),
        .confidence = cell(sheet, "confidence"),
        .note = cell(sheet, "note"),
        .line = sheet->row.line,
    };
    cell_needed(sheet, "kind");
    cell_period(sheet, &fee->valid_from, &fee->valid_to);
    int rounding = cell_enum(sheet, "rounding", rounding_names, ROUND_DONG_HALF_UP);
    if (!fee->rounding.length)
        fee->rounding = text_of(rounding_names[rounding]);
    if (fee->formula_text.length &&
        formula_read(fee->formula_text, (enum rounding)rounding, sheet->arena, &why, formula))
        fault(sheet, "formula", ERR_CATALOGUE, "%s", why);
}

static unsigned cell_channels(struct sheet *sheet)
{
    struct words words = cell_words(sheet, "channels", CHANNEL_COUNT);
    unsigned bits = 0;
    for (size_t i = 0; i < words.count; i++) {
        int at = 0;
        while (channel_names[at] && !text_is(words.list[i], channel_names[at]))
            at++;
        if (at == CHANNEL_COUNT)
            fault(sheet, "channels", ERR_FIELD_VALUE, "phải là counter, online, online_part, post");
        else
            bits |= 1u << at;
    }
    return bits ? bits : (1u << CHANNEL_COUNT) - 1;
}

/* "50%" or "unset" */
static int64_t cell_rate(struct sheet *sheet)
{
    struct text value = cell(sheet, "rate");
    int64_t ppb;
    if (!value.length)
        return RATE_UNSET;
    if (!share_read(value, &ppb) || ppb % (PPB / RATE_ONE)) {
        fault(sheet, "rate", ERR_FIELD_FORMAT, "phải là tỷ lệ như 50%% (tối đa hai số lẻ), hoặc unset");
        return RATE_UNSET;
    }
    if (ppb > PPB) {
        fault(sheet, "rate", ERR_FIELD_RANGE, "giảm quá 100%%");
        return RATE_UNSET;
    }
    return ppb / (PPB / RATE_ONE);
}

/* "5 * base_salary", "2000000" */
static void cell_yearly_cap(struct sheet *sheet, struct reduction *reduction)
{
    struct text name, times = text_trim(text_until(cell(sheet, "yearly_cap"), '*', &name));
    if (!times.length)
        return;
    reduction->has_yearly_cap = true;
    reduction->cap_value = text_trim(name);
    if (!number_read(times, &reduction->cap_times) || (name.at && !code_ok(reduction->cap_value)))
        fault(sheet, "yearly_cap", ERR_FIELD_FORMAT, "phải là số đồng hoặc 5 * base_salary");
}

static void reduction_row(struct sheet *sheet, struct reduction *reduction)
{
    const char *why = "";
    *reduction = (struct reduction){
        .code = cell_code(sheet, "code"),
        .name_vi = cell_needed(sheet, "name_vi"),
        .name_en = cell_needed(sheet, "name_en"),
        .kind = (enum reduction_kind)cell_enum(sheet, "kind", reduction_kind_names, REDUCTION_RELIEF),
        .fees = cell_words(sheet, "fees", REDUCTION_LIST_MAX),
        .procedures = cell_words(sheet, "procedures", REDUCTION_LIST_MAX),
        .category_words = cell_words(sheet, "categories", CATEGORIES_MAX),
        .channels = cell_channels(sheet),
        .rate = cell_rate(sheet),
        .scope = (enum reduction_scope)cell_enum(sheet, "scope", scope_names, SCOPE_ALL),
        .decided_by = (enum fee_day)cell_enum(sheet, "decided_by", day_names, DAY_OF_PAYMENT),
        .legal_basis = cell_basis(sheet),
        .evidence_vi = cell(sheet, "evidence_vi"),
        .evidence_en = cell(sheet, "evidence_en"),
        .confidence = cell(sheet, "confidence"),
        .line = sheet->row.line,
    };
    cell_period(sheet, &reduction->valid_from, &reduction->valid_to);
    cell_yearly_cap(sheet, reduction);
    if (!reduction->fees.count)
        fault(sheet, "fees", ERR_FIELD_MISSING, "phải nêu mã khoản thu");
    struct text times = cell(sheet, "times_per_year");
    if (times.length && !number_read(times, &reduction->times_per_year))
        fault(sheet, "times_per_year", ERR_FIELD_FORMAT, "phải là số nguyên");
    if (conditions_read(cell(sheet, "condition"), sheet->arena, &why, &reduction->when))
        fault(sheet, "condition", ERR_CATALOGUE, "%s", why);
}

static void procedure_row(struct sheet *sheet, struct procedure *procedure)
{
    *procedure = (struct procedure){
        .code = cell_code(sheet, "code"),
        .name_vi = cell_needed(sheet, "name_vi"),
        .name_en = cell_needed(sheet, "name_en"),
        .agency_level = cell(sheet, "agency_level"),
        .postal = cell(sheet, "postal"),
        .confidence = cell(sheet, "confidence"),
        .note = cell(sheet, "note"),
        .line = sheet->row.line,
    };
    struct words usual = cell_words(sheet, "fees", PROCEDURE_FEES_MAX);
    struct words chosen = cell_words(sheet, "optional_fees", PROCEDURE_FEES_MAX);
    if (usual.count + chosen.count > PROCEDURE_FEES_MAX) {
        fault(sheet, "optional_fees", ERR_FIELD_LENGTH, "tối đa %d khoản thu", PROCEDURE_FEES_MAX);
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
    const struct fee *a = left, *b = right;
    int order = text_compare(a->code, b->code);
    return order ? order : (a->valid_from > b->valid_from) - (a->valid_from < b->valid_from);
}

static int by_procedure_code(const void *left, const void *right)
{
    return text_compare(((const struct procedure *)left)->code, ((const struct procedure *)right)->code);
}

static void fees_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->fees = ARENA_ARRAY(&catalogue->arena, struct fee, rows_in(files->fees));
    if (!sheet_open(&sheet, files->fees, files->names[0], fee_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->fee_count))
        fee_row(&sheet, &catalogue->fees[catalogue->fee_count++]);
    qsort(catalogue->fees, catalogue->fee_count, sizeof *catalogue->fees, by_code_and_day);
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
            fault(&sheet, NULL, ERR_FIELD_LENGTH, "tối đa %d diện", CATEGORIES_MAX);
            break;
        }
        struct category *category = &catalogue->categories[catalogue->category_count++];
        *category = (struct category){
            .code = cell_code(&sheet, "code"),
            .name_vi = cell_needed(&sheet, "name_vi"),
            .name_en = cell_needed(&sheet, "name_en"),
            .legal_basis = cell(&sheet, "legal_basis"),
            .evidence_vi = cell(&sheet, "evidence_vi"),
            .evidence_en = cell(&sheet, "evidence_en"),
            .line = sheet.row.line,
        };
        for (size_t i = 0; i + 1 < catalogue->category_count; i++)
            if (text_equal(catalogue->categories[i].code, category->code))
                fault(&sheet, "code", ERR_FIELD_VALUE, "trùng với dòng %d", catalogue->categories[i].line);
    }
    name_index_build(&catalogue->category_index, &catalogue->arena, catalogue->categories,
                     sizeof *catalogue->categories, catalogue->category_count);
}

/* Hangs each reduction on its fees and turns category names into bits. */
static void reductions_link(struct catalogue *catalogue)
{
    for (size_t e = 0; e < catalogue->entry_count; e++) {
        struct fee_entry *entry = &catalogue->entries[e];
        for (int pass = 0; pass < 2; pass++) {
            size_t count = 0;
            for (size_t r = 0; r < catalogue->reduction_count; r++) {
                struct reduction *reduction = &catalogue->reductions[r];
                bool mine = false;
                for (size_t f = 0; f < reduction->fees.count && !mine; f++)
                    mine = text_equal(reduction->fees.list[f], entry->code);
                if (mine && pass)
                    entry->reductions[count] = reduction;
                count += mine;
            }
            if (!pass)
                entry->reductions = ARENA_ARRAY(&catalogue->arena, const struct reduction *, count + 1);
            entry->reduction_count = count;
        }
    }
}

static void reductions_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->reductions = ARENA_ARRAY(&catalogue->arena, struct reduction, rows_in(files->reductions));
    if (!sheet_open(&sheet, files->reductions, files->names[1], reduction_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->reduction_count)) {
        struct reduction *reduction = &catalogue->reductions[catalogue->reduction_count++];
        reduction_row(&sheet, reduction);
        for (size_t c = 0; c < reduction->category_words.count && files->categories.at; c++) {
            int bit = catalogue_category(catalogue, reduction->category_words.list[c]);
            if (bit < 0)
                fault(&sheet, "categories", ERR_CATEGORY_UNKNOWN, "không có diện “%.*s” trong categories.csv",
                      TEXT_ARGS(reduction->category_words.list[c]));
            else
                reduction->categories |= UINT64_C(1) << bit;
        }
        for (size_t f = 0; f < reduction->fees.count && files->fees.at; f++)
            if (!catalogue_entry(catalogue, reduction->fees.list[f]))
                fault(&sheet, "fees", ERR_FEE_UNKNOWN, "không có khoản “%.*s” trong fees.csv",
                      TEXT_ARGS(reduction->fees.list[f]));
    }
    reductions_link(catalogue);
}

static void procedures_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->procedures = ARENA_ARRAY(&catalogue->arena, struct procedure, rows_in(files->procedures));
    if (!sheet_open(&sheet, files->procedures, files->names[3], procedure_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->procedure_count)) {
        struct procedure *procedure = &catalogue->procedures[catalogue->procedure_count++];
        procedure_row(&sheet, procedure);
        for (size_t f = 0; f < procedure->fee_count && files->fees.at; f++)
            if (!catalogue_entry(catalogue, procedure->fees[f]))
                fault(&sheet, f < procedure->usual_count ? "fees" : "optional_fees", ERR_FEE_UNKNOWN,
                      "không có khoản “%.*s” trong fees.csv", TEXT_ARGS(procedure->fees[f]));
    }
    qsort(catalogue->procedures, catalogue->procedure_count, sizeof *catalogue->procedures, by_procedure_code);
    for (size_t i = 1; i < catalogue->procedure_count; i++)
        if (text_equal(catalogue->procedures[i].code, catalogue->procedures[i - 1].code)) {
            sheet.row.line = catalogue->procedures[i].line;
            fault(&sheet, "code", ERR_FIELD_VALUE, "mã thủ tục trùng với dòng %d", catalogue->procedures[i - 1].line);
        }
    name_index_build(&catalogue->procedure_index, &catalogue->arena, catalogue->procedures,
                     sizeof *catalogue->procedures, catalogue->procedure_count);
}

static void values_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->values = ARENA_ARRAY(&catalogue->arena, struct value_row, rows_in(files->values));
    if (!sheet_open(&sheet, files->values, files->names[4], value_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->value_count)) {
        struct value_row *row = &catalogue->values[catalogue->value_count++];
        *row = (struct value_row){.name = cell_code(&sheet, "name"),
                                  .value = cell(&sheet, "value"),
                                  .legal_basis = cell(&sheet, "legal_basis"),
                                  .line = sheet.row.line};
        cell_period(&sheet, &row->valid_from, &row->valid_to);
        int64_t number;
        date_days date;
        if (text_is(row->name, "edition") ? !date_parse(row->value, &date)
                                          : row->value.length && !number_read(row->value, &number))
            fault(&sheet, "value", ERR_FIELD_FORMAT, "phải là số đồng (edition: ngày YYYY-MM-DD)");
    }
}

static void version_write(struct catalogue *catalogue, const struct catalogue_files *files)
{
    struct buf all = {0};
    uint8_t digest[SHA256_SIZE];
    const struct text parts[] = {files->fees, files->reductions, files->categories, files->procedures, files->values};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_printf(&all, "%zu:", parts[i].length);
        buf_text(&all, parts[i]);
    }
    crypto_sha256(buf_view(&all), digest);
    buf_done(&all);
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
        values_read(catalogue, &files, faults);
    version_write(catalogue, &files);
    if (faults->count + faults->dropped != faults_before) {
        catalogue_drop(catalogue);
        return ERR_CATALOGUE;
    }
    *ret_catalogue = catalogue;
    return OK;
}
