#include "core/province/province.h"

#include <string.h>
#include "core/base/csv.h"
#include "core/base/file.h"

enum { FILE_MAX = 8 << 20, COLUMNS_MAX = 8 };

/* One file: its columns in the order of the statement's arguments. */
struct sheet {
    const char *file;
    const char *columns[COLUMNS_MAX + 1];
    struct db_statement statement;
};

static const struct sheet sheets[] = {
    {"agencies.csv",
     {"code", "name_vi", "name_en", "tax_code", "address", "phone", "level"},
     {"import_agency",
      "INSERT INTO agency (code, name_vi, name_en, tax_code, address, phone, level) VALUES ($1,$2,$3,$4,$5,$6,$7)"
      " ON CONFLICT (code) DO UPDATE SET name_vi = excluded.name_vi, name_en = excluded.name_en,"
      " tax_code = excluded.tax_code, address = excluded.address, phone = excluded.phone, level = excluded.level"}},
    {"accounts.csv",
     {"agency", "bank_bin", "account_number", "account_name", "source"},
     {"import_account",
      "INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source) VALUES ($1,$2,$3,$4,$5)"
      " ON CONFLICT (account_number) DO UPDATE SET agency = excluded.agency, bank_bin = excluded.bank_bin,"
      " account_name = excluded.account_name, source = excluded.source"}},
    {"calendar.csv",
     {"day", "kind", "name", "basis"},
     {"import_calendar",
      "INSERT INTO calendar_day (day, kind, name, basis) VALUES ($1,$2,$3,$4)"
      " ON CONFLICT (day) DO UPDATE SET kind = excluded.kind, name = excluded.name, basis = excluded.basis"}},
    {"communes.csv",
     {"code", "province", "name", "kind", "name_key"},
     {"import_commune", "INSERT INTO commune (code, province, name, kind, name_key) VALUES ($1,$2,$3,$4,$5)"
                        " ON CONFLICT (code) DO UPDATE SET province = excluded.province, name = excluded.name,"
                        " kind = excluded.kind, name_key = excluded.name_key"}},
};

struct import {
    const char *folder;
    struct faults *faults;
    int64_t rows;
};

static size_t column_of(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++)
        if (text_is(text_trim(header->fields[i]), name))
            return i;
    return CSV_FIELDS_MAX;
}

/* name_key is made here when the file has none: the search key of the name. */
static struct text cell(const struct csv_row *header, const struct csv_row *row, const char *name, struct arena *arena)
{
    size_t column = column_of(header, name);
    if (column < row->count)
        return text_trim(row->fields[column]);
    if (strcmp(name, "name_key"))
        return TEXT("");
    char key[256];
    size_t length = text_to_key(cell(header, row, "name", arena), key, sizeof key);
    return arena_text(arena, (struct text){key, length});
}

static enum err import_row(struct db *db, const struct sheet *sheet, const struct csv_row *header,
                           const struct csv_row *row, struct import *import)
{
    struct db_args args = db_args(import->faults->arena);
    for (size_t i = 0; sheet->columns[i]; i++)
        db_arg_text(&args, cell(header, row, sheet->columns[i], import->faults->arena));
    enum err err = db_run(db, &sheet->statement, &args);
    if (err)
        return faults_add(import->faults, arena_printf(import->faults->arena, "%s:%d", sheet->file, row->line),
                          ERR_INVALID, "%s", db_error(db));
    import->rows++;
    return OK;
}

static enum err import_sheet(struct db *db, const struct sheet *sheet, struct import *import)
{
    struct arena *arena = import->faults->arena;
    struct text bytes;
    enum err err = file_read(arena_printf(arena, "%s/%s", import->folder, sheet->file), FILE_MAX, arena, &bytes);
    if (err)
        return err == ERR_NOT_FOUND ? OK : faults_add(import->faults, sheet->file, err, NULL);
    struct csv csv;
    struct csv_row header, row;
    csv_open(&csv, bytes, ',', arena);
    err = csv_next(&csv, &header);
    for (size_t i = 0; !err && sheet->columns[i]; i++)
        if (strcmp(sheet->columns[i], "name_key") && column_of(&header, sheet->columns[i]) == CSV_FIELDS_MAX)
            err = faults_add(import->faults, sheet->file, ERR_FIELD_MISSING, "Thiếu cột %s", sheet->columns[i]);
    while (!err && !(err = csv_next(&csv, &row)))
        err = import_row(db, sheet, &header, &row, import);
    if (err == ERR_CSV_SYNTAX)
        faults_add(import->faults, arena_printf(arena, "%s:%d", sheet->file, csv.line), err, NULL);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err import_all(struct db *db, void *with)
{
    struct import *import = with;
    import->rows = 0;
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++) {
        enum err err = import_sheet(db, &sheets[i], import);
        if (err)
            return err;
    }
    return OK;
}

enum err province_import(struct db *db, const char *folder, struct faults *faults, int64_t *ret_rows)
{
    struct import import = {.folder = folder, .faults = faults};
    enum err err = db_transact(db, clock_monotonic_us() + 10 * SECOND_US, import_all, &import);
    if (!err)
        *ret_rows = import.rows;
    return err;
}
