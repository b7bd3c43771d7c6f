/* One file of the officer: header-driven columns, typed cells, every fault named file:line:field. */
#include "payments/fees/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Rows are read in the order of their columns, mostly: the search goes on where the last one ended. */
static int column(struct sheet *sheet, const char *name)
{
    for (int tried = 0; tried < sheet->column_count; tried++) {
        int i = sheet->next_column;
        sheet->next_column = i + 1 < sheet->column_count ? i + 1 : 0;
        if (!strcmp(sheet->columns[i], name))
            return sheet->field_of[i];
    }
    return -1;
}

void sheet_fault(struct sheet *sheet, const char *name, enum err code, const char *format, ...)
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
struct text sheet_cell(struct sheet *sheet, const char *name)
{
    int field = column(sheet, name);
    if (field < 0 || (size_t)field >= sheet->row.count)
        return TEXT_NONE;
    struct text value = text_trim(sheet->row.fields[field]);
    if (value.length > 1 && value.at[0] == '\'' && value.at[1] == '=')
        value = text_slice(value, 1, value.length);
    return text_equal(value, TEXT("unset")) ? TEXT_NONE : value;
}

struct text sheet_needed(struct sheet *sheet, const char *name)
{
    struct text value = sheet_cell(sheet, name);
    if (!value.length)
        sheet_fault(sheet, name, ERR_FIELD_MISSING, "không được để trống");
    return value;
}

int sheet_enum(struct sheet *sheet, const char *name, const char *const *names, int otherwise)
{
    struct text value = sheet_cell(sheet, name);
    char list[160] = "";
    if (!value.length)
        return otherwise;
    for (int i = 0; names[i]; i++)
        if (text_is(value, names[i]))
            return i;
    for (int i = 0; names[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    sheet_fault(sheet, name, ERR_FIELD_VALUE, "phải là một trong: %s", list);
    return otherwise;
}

/* 31/12/2026, as a Vietnamese spreadsheet writes dates. Read only in files it wrote (";" between cells): in others the
 * same digits may be an American month. */
static bool date_vi_parse(struct text value, date_days *ret_date)
{
    struct text rest, year, day = text_until(value, '/', &rest), month = text_until(rest, '/', &year);
    int64_t numbers[3];
    const struct text parts[] = {day, month, year};
    for (int i = 0; i < 3; i++)
        if (parts[i].length < 1 || parts[i].length > 4 || !text_to_int64(parts[i], &numbers[i]) || numbers[i] < 1)
            return false;
    date_days date = year.length == 4 ? date_from((int)numbers[2], (int)numbers[1], (int)numbers[0]) : DATE_NONE;
    if (date == DATE_NONE)
        return false;
    *ret_date = date;
    return true;
}

date_days sheet_date(struct sheet *sheet, const char *name)
{
    struct text value = sheet_cell(sheet, name);
    date_days date = DATE_NONE;
    if (value.length && !date_parse(value, &date) && !(sheet->csv.separator == ';' && date_vi_parse(value, &date)))
        sheet_fault(sheet, name, ERR_FIELD_FORMAT, "phải là ngày có thật dạng YYYY-MM-DD, hoặc unset");
    return date;
}

void sheet_period_begun(struct sheet *sheet)
{
    for (int i = 0; sheet->columns[i]; i++)
        if (!strcmp(sheet->columns[i], "valid_from") && sheet->field_of[i] >= 0 &&
            (size_t)sheet->field_of[i] < sheet->row.count && !text_trim(sheet->row.fields[sheet->field_of[i]]).length)
            sheet_fault(sheet, "valid_from", ERR_FIELD_MISSING, "thiếu ngày bắt đầu hiệu lực; chưa biết thì ghi unset");
}

void sheet_period(struct sheet *sheet, date_days *ret_from, date_days *ret_to)
{
    *ret_from = sheet_date(sheet, "valid_from");
    *ret_to = sheet_date(sheet, "valid_to");
    if (*ret_from != DATE_NONE && *ret_to != DATE_NONE && *ret_to < *ret_from)
        sheet_fault(sheet, "valid_to", ERR_FIELD_RANGE, "trước valid_from");
}

bool sheet_code_ok(struct text code)
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

struct text sheet_code(struct sheet *sheet, const char *name)
{
    struct text code = sheet_needed(sheet, name);
    if (code.length && !sheet_code_ok(code))
        sheet_fault(sheet, name, ERR_FIELD_FORMAT, "mã chỉ gồm chữ không dấu, số, - _ . và tối đa %d ký tự",
                    QUOTE_WORD_MAX);
    return code;
}

/* Codes separated by spaces. */
struct words sheet_words(struct sheet *sheet, const char *name, size_t max)
{
    struct words words = {0};
    struct text left = sheet_cell(sheet, name);
    size_t most = 1;
    for (size_t i = 0; i < left.length; i++)
        most += left.at[i] == ' ';
    words.list = ARENA_ARRAY(sheet->arena, struct text, most < max ? most : max);
    while (left.at) {
        struct text rest, word = text_trim(text_until(left, ' ', &rest));
        left = rest;
        if (!word.length)
            continue;
        if (words.count == max || !sheet_code_ok(word)) {
            sheet_fault(sheet, name, ERR_FIELD_FORMAT, "phải là các mã cách nhau bằng dấu cách, tối đa %zu", max);
            break;
        }
        words.list[words.count++] = word;
    }
    return words;
}

/* "TT 226/2016/TT-BTC" and "Điều 4.1" as one citation. */
struct text sheet_basis(struct sheet *sheet)
{
    struct text number = sheet_cell(sheet, "legal_basis"), article = sheet_cell(sheet, "legal_article");
    if (!number.length) {
        sheet_fault(sheet, "legal_basis", ERR_FIELD_MISSING, "thiếu căn cứ pháp lý");
        return number;
    }
    if (!article.length)
        return number;
    char *both = arena_alloc(sheet->arena, number.length + 2 + article.length + 1), *to = both;
    memcpy(to, number.at, number.length);
    to += number.length;
    *to++ = ',';
    *to++ = ' ';
    memcpy(to, article.at, article.length);
    return (struct text){both, number.length + 2 + article.length};
}

/* Spreadsheets write what their country writes: a comma, in Viet Nam a semicolon, or a tab. */
static char separator_of(struct text bytes)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    for (size_t i = 0; i < bytes.length && bytes.at[i] != '\n' && bytes.at[i] != '\r'; i++) {
        commas += bytes.at[i] == ',';
        semicolons += bytes.at[i] == ';';
        tabs += bytes.at[i] == '\t';
    }
    return semicolons > commas && semicolons > tabs ? ';' : tabs > commas ? '\t' : ',';
}

int sheet_field_of(struct text bytes, const char *column, struct arena *arena)
{
    struct csv csv;
    struct csv_row row;
    csv_open(&csv, bytes, separator_of(bytes), arena);
    if (csv_next(&csv, &row))
        return 0;
    for (size_t i = 0; i < row.count; i++)
        if (text_is(text_trim(row.fields[i]), column))
            return (int)i + 1;
    return 0;
}

static bool blank_from(const struct csv_row *row, size_t first)
{
    for (size_t i = first; i < row->count; i++)
        if (text_trim(row->fields[i]).length)
            return false;
    return true;
}

bool sheet_open(struct sheet *sheet, struct text bytes, const char *name, const char *const *columns,
                struct arena *arena, struct faults *faults)
{
    *sheet = (struct sheet){.name = name, .columns = columns, .arena = arena, .faults = faults};
    sheet->row.line = 1;
    while (columns[sheet->column_count])
        sheet->column_count++;
    for (int i = 0; i < SHEET_COLUMNS_MAX; i++)
        sheet->field_of[i] = -1;
    if (!text_is_utf8(bytes)) {
        sheet_fault(sheet, NULL, ERR_UTF8, "tệp phải là UTF-8: lưu lại với dạng “CSV UTF-8”");
        return false;
    }
    csv_open(&sheet->csv, bytes, separator_of(bytes), arena);
    if (csv_next(&sheet->csv, &sheet->row)) {
        sheet->row.line = sheet->csv.line ? sheet->csv.line : 1;
        sheet_fault(sheet, NULL, ERR_CSV_SYNTAX, "tệp rỗng hoặc dòng tiêu đề sai");
        return false;
    }
    sheet->width = sheet->row.count; /* empty columns on the right are a spreadsheet's, not the officer's */
    while (sheet->width > 1 && !text_trim(sheet->row.fields[sheet->width - 1]).length)
        sheet->width--;
    for (size_t f = 0; f < sheet->width; f++) {
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
                       TEXT_ARGS(text_head(sheet->row.fields[f], 60)));
        }
    }
    bool whole = true;
    for (int i = 0; columns[i]; i++)
        if (sheet->field_of[i] < 0) {
            sheet_fault(sheet, NULL, ERR_FIELD_MISSING, "thiếu cột %s", columns[i]);
            whole = false;
        }
    return whole;
}

bool sheet_next(struct sheet *sheet, size_t rows)
{
    enum err err;
    sheet->next_column = 0;
    do
        err = csv_next(&sheet->csv, &sheet->row);
    while (!err && blank_from(&sheet->row, 0)); /* rows of nothing but separators, too */
    if (err == ERR_NOT_FOUND)
        return false;
    if (err || rows == CATALOGUE_ROWS_MAX) {
        sheet->row.line = sheet->csv.line;
        sheet_fault(sheet, NULL, err ? err : ERR_FIELD_LENGTH, err ? "sai cú pháp CSV" : "quá nhiều dòng");
        return false;
    }
    if (sheet->row.count < sheet->width || !blank_from(&sheet->row, sheet->width))
        sheet_fault(sheet, NULL, ERR_CSV_SYNTAX, "dòng có %zu ô, tiêu đề có %zu", sheet->row.count, sheet->width);
    return true;
}
