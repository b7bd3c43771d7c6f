#include "core/base/csv.h"

#include <string.h>
#include "core/base/buf.h"

void csv_open(struct csv *csv, struct text bytes, char separator, struct arena *arena)
{
    if (text_starts(bytes, "\xEF\xBB\xBF"))
        bytes = text_slice(bytes, 3, bytes.length);
    *csv = (struct csv){.rest = bytes, .arena = arena, .next_line = 1, .separator = separator};
}

static void skip(struct csv *csv, size_t count)
{
    csv->rest = text_slice(csv->rest, count, csv->rest.length);
}

/* A field in quotes: doubled quotes are one, line ends belong to it. */
static enum err quoted(struct csv *csv, struct text *ret_field)
{
    skip(csv, 1);
    char *copy = arena_alloc(csv->arena, csv->rest.length < 256 ? csv->rest.length + 1 : 256);
    size_t length = 0, room = csv->rest.length < 256 ? csv->rest.length + 1 : 256;
    for (size_t i = 0; i < csv->rest.length; i++) {
        char c = csv->rest.at[i];
        if (c == '"') {
            if (i + 1 < csv->rest.length && csv->rest.at[i + 1] == '"') {
                i++;
            } else {
                skip(csv, i + 1);
                *ret_field = (struct text){copy, length};
                return OK;
            }
        }
        csv->next_line += c == '\n';
        if (length + 1 >= room) {
            char *larger = arena_alloc(csv->arena, room * 2);
            memcpy(larger, copy, length);
            copy = larger;
            room *= 2;
        }
        copy[length++] = c;
    }
    return ERR_CSV_SYNTAX;
}

static struct text plain(struct csv *csv)
{
    size_t i = 0;
    while (i < csv->rest.length && csv->rest.at[i] != csv->separator && csv->rest.at[i] != '\n' &&
           csv->rest.at[i] != '\r')
        i++;
    struct text field = text_slice(csv->rest, 0, i);
    skip(csv, i);
    return field;
}

static bool at_line_end(const struct csv *csv)
{
    return !csv->rest.length || csv->rest.at[0] == '\n' || csv->rest.at[0] == '\r';
}

static void skip_line_end(struct csv *csv)
{
    if (csv->rest.length && csv->rest.at[0] == '\r')
        skip(csv, 1);
    if (csv->rest.length && csv->rest.at[0] == '\n')
        skip(csv, 1);
    csv->next_line++;
}

enum err csv_next(struct csv *csv, struct csv_row *ret_row)
{
    while (csv->rest.length && at_line_end(csv))
        skip_line_end(csv);
    csv->line = ret_row->line = csv->next_line;
    ret_row->count = 0;
    if (!csv->rest.length)
        return ERR_NOT_FOUND;
    for (;;) {
        if (ret_row->count == CSV_FIELDS_MAX)
            return ERR_CSV_SYNTAX;
        struct text *field = &ret_row->fields[ret_row->count++];
        if (csv->rest.length && csv->rest.at[0] == '"') {
            if (quoted(csv, field))
                return ERR_CSV_SYNTAX;
        } else {
            *field = plain(csv);
        }
        if (at_line_end(csv)) {
            skip_line_end(csv);
            return OK;
        }
        if (csv->rest.at[0] != csv->separator)
            return ERR_CSV_SYNTAX;
        skip(csv, 1);
    }
}

void csv_write(struct buf *out, struct text field)
{
    bool formula = field.length && strchr("=+@\t\r", field.at[0]) != NULL;
    bool quote = formula;
    for (size_t i = 0; i < field.length && !quote; i++)
        quote = strchr(",;\"\n\r", field.at[i]) != NULL;
    if (!quote) {
        buf_text(out, field);
        return;
    }
    buf_char(out, '"');
    if (formula)
        buf_char(out, '\'');
    for (size_t i = 0; i < field.length; i++) {
        if (field.at[i] == '"')
            buf_char(out, '"');
        buf_char(out, field.at[i]);
    }
    buf_char(out, '"');
}
