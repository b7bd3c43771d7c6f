#include "reconciliation/report_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

const char *report_media(enum report_format format)
{
    switch (format) {
    case REPORT_CSV: return "text/csv; charset=utf-8";
    case REPORT_XLSX: return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    case REPORT_PDF: return "application/pdf";
    case REPORT_JSON: break;
    }
    return "application/json";
}

void report_table_csv(const struct report_table *table, struct buf *out)
{
    for (size_t c = 0; c < table->column_count; c++)
        buf_printf(out, "%s%s", c ? "," : "", table->columns[c].key);
    buf_string(out, "\r\n");
    for (size_t r = 0; r < table->row_count; r++) {
        for (size_t c = 0; c < table->column_count; c++) {
            struct text cell = table->cells[r * table->column_count + c];
            if (c)
                buf_char(out, ',');
            if (table->columns[c].number)
                buf_text(out, cell);
            else
                csv_write(out, cell);
        }
        buf_string(out, "\r\n");
    }
}

void report_table_json(const struct report_table *table, struct buf *out)
{
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_text(&json, "title", table->title);
    json_put_text_or_null(&json, "note", table->note);
    json_put_array(&json, "items");
    for (size_t r = 0; r < table->row_count; r++) {
        json_put_object(&json, NULL);
        for (size_t c = 0; c < table->column_count; c++) {
            struct text cell = table->cells[r * table->column_count + c];
            int64_t number;
            if (!table->columns[c].number)
                json_put_text(&json, table->columns[c].key, cell);
            else if (text_to_int64(cell, &number))
                json_put_int(&json, table->columns[c].key, number);
            else
                json_put_null(&json, table->columns[c].key);
        }
        json_put_end(&json);
    }
    json_put_end(&json);
    json_put_end(&json);
    buf_char(out, '\n');
}

static void sheet_fill(const struct report_table *table, lxw_workbook *book, struct arena *arena)
{
    lxw_worksheet *sheet = workbook_add_worksheet(book, NULL);
    lxw_format *bold = workbook_add_format(book), *money = workbook_add_format(book);
    format_set_bold(bold);
    format_set_num_format(money, "#,##0");
    worksheet_write_string(sheet, 0, 0, arena_copy(arena, table->title), bold);
    if (table->note.length)
        worksheet_write_string(sheet, 1, 0, arena_copy(arena, table->note), NULL);
    for (size_t c = 0; c < table->column_count; c++) {
        worksheet_set_column(sheet, (lxw_col_t)c, (lxw_col_t)c, table->columns[c].number ? 16 : 34, NULL);
        worksheet_write_string(sheet, 2, (lxw_col_t)c, table->columns[c].title, bold);
    }
    for (size_t r = 0; r < table->row_count; r++)
        for (size_t c = 0; c < table->column_count; c++) {
            struct text cell = table->cells[r * table->column_count + c];
            int64_t number;
            /* A workbook's numbers are doubles: whole đồng are exact up to 2^53, more stands as text. */
            if (table->columns[c].number && text_to_int64(cell, &number) && number <= MONEY_MAX && number >= -MONEY_MAX)
                worksheet_write_number(sheet, (lxw_row_t)(r + 3), (lxw_col_t)c, (double)number, money);
            else
                worksheet_write_string(sheet, (lxw_row_t)(r + 3), (lxw_col_t)c, arena_copy(arena, cell), NULL);
        }
    worksheet_freeze_panes(sheet, 3, 0);
}

enum err report_table_xlsx(const struct report_table *table, struct arena *arena, struct text *ret_bytes)
{
    const char *folder = getenv("TMPDIR");
    char *path = arena_printf(arena, "%s/lephi-report-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return ERR_IO;
    lxw_workbook_options options = {.constant_memory = LXW_FALSE};
    lxw_workbook *book = workbook_new_opt(path, &options);
    lxw_doc_properties about = {.created = 1}; /* the same report is the same bytes, whenever it is printed */
    workbook_set_properties(book, &about);
    sheet_fill(table, book, arena);
    enum err err = workbook_close(book) == LXW_NO_ERROR ? OK : ERR_IO;
    FILE *file = err ? NULL : fopen(path, "rb");
    struct buf bytes = {0};
    for (size_t got = 1; file && got;) {
        got = fread(buf_room(&bytes, 65536), 1, 65536, file);
        bytes.length += got;
    }
    if (file)
        fclose(file);
    close(fd);
    unlink(path);
    if (!err)
        *ret_bytes = arena_text(arena, buf_view(&bytes));
    buf_done(&bytes);
    return err;
}

enum err report_table_write(const struct report_table *table, enum report_format format, struct arena *arena,
                            struct text *ret_bytes)
{
    if (format == REPORT_XLSX)
        return report_table_xlsx(table, arena, ret_bytes);
    if (format == REPORT_PDF)
        return report_table_pdf(table, arena, ret_bytes);
    struct buf out = {0};
    if (format == REPORT_CSV)
        report_table_csv(table, &out);
    else
        report_table_json(table, &out);
    *ret_bytes = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return OK;
}
