/* values.csv: the edition, named amounts, published rates of the day, budget sub-items, what a collector is. */
#include "payments/fees/sheet.h"

static const char *const value_columns[] = {"name", "value", "valid_from", "valid_to", "legal_basis", "note", NULL};

const char *const collector_kind_names[] = {"public_unit", "state_agency", NULL};

bool collector_kind_ok(struct text word)
{
    for (int i = 0; collector_kind_names[i]; i++)
        if (text_is(word, collector_kind_names[i]))
            return true;
    return false;
}

bool exchange_rate_read(struct text text, int64_t *ret_rate)
{
    int64_t rate;
    if (!decimal_read(text, 4, &rate) || rate <= 0 || rate > MONEY_MAX)
        return false;
    *ret_rate = rate;
    return true;
}

/* "rate.USD": three capital letters. */
static bool rate_name_ok(struct text name)
{
    bool letters = name.length == 8;
    for (size_t i = 5; letters && i < 8; i++)
        letters = name.at[i] >= 'A' && name.at[i] <= 'Z';
    return letters;
}

/* What a value must look like hangs on its name. */
static void value_row_check(struct sheet *sheet, const struct value_row *row)
{
    int64_t number;
    date_days date;
    bool given = row->value.length > 0;
    if (text_is(row->name, "edition")) {
        if (!date_parse(row->value, &date))
            sheet_fault(sheet, "value", ERR_FIELD_FORMAT, "edition phải là ngày YYYY-MM-DD");
    } else if (text_starts(row->name, "rate.")) {
        if (!rate_name_ok(row->name))
            sheet_fault(sheet, "name", ERR_FIELD_FORMAT, "tỷ giá phải có tên như rate.USD (mã tiền tệ ba chữ in hoa)");
        if (given && !exchange_rate_read(row->value, &number))
            sheet_fault(sheet, "value", ERR_FIELD_FORMAT,
                        "phải là số đồng cho một đơn vị ngoại tệ, như 26085.5 (tối đa bốn số lẻ)");
        if (row->valid_from == DATE_NONE || row->valid_to == DATE_NONE)
            sheet_fault(sheet, "valid_to", ERR_FIELD_MISSING,
                        "tỷ giá là của từng ngày công bố: cần cả valid_from và valid_to");
    } else if (text_starts(row->name, COLLECTOR_KIND)) {
        if (given && !collector_kind_ok(row->value))
            sheet_fault(sheet, "value", ERR_FIELD_VALUE, "phải là public_unit, state_agency, hoặc unset");
    } else if (given && !number_read(row->value, &number)) {
        sheet_fault(sheet, "value", ERR_FIELD_FORMAT, "phải là số đồng");
    }
}

void catalogue_values_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults)
{
    struct sheet sheet;
    catalogue->values = ARENA_ARRAY(&catalogue->arena, struct value_row, catalogue_rows_in(files->values));
    if (!sheet_open(&sheet, files->values, files->names[4], value_columns, &catalogue->arena, faults))
        return;
    while (sheet_next(&sheet, catalogue->value_count)) {
        struct value_row *row = &catalogue->values[catalogue->value_count++];
        *row = (struct value_row){.name = sheet_code(&sheet, "name"),
                                  .value = sheet_cell(&sheet, "value"),
                                  .legal_basis = sheet_cell(&sheet, "legal_basis"),
                                  .line = sheet.row.line};
        sheet_period(&sheet, &row->valid_from, &row->valid_to);
        value_row_check(&sheet, row);
    }
}

bool catalogue_value_text(const struct catalogue *catalogue, struct text name, date_days day, struct text *ret_value,
                          date_days *ret_valid_to)
{
    for (size_t i = 0; i < catalogue->value_count; i++) {
        const struct value_row *row = &catalogue->values[i];
        if (!text_equal(row->name, name) || (row->valid_from != DATE_NONE && day < row->valid_from) ||
            (row->valid_to != DATE_NONE && day > row->valid_to))
            continue;
        *ret_valid_to = row->valid_to;
        *ret_value = row->value;
        return row->value.length > 0;
    }
    return false;
}

bool catalogue_value(const struct catalogue *catalogue, struct text name, date_days day, int64_t *ret_value,
                     date_days *ret_valid_to)
{
    struct text value;
    return catalogue_value_text(catalogue, name, day, &value, ret_valid_to) && number_read(value, ret_value);
}
