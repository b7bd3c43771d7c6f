/* Workbook, styles, shared strings and sheets. */
#include "reconciliation/table/xlsx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(const char *name, const char *wanted)
{
    return !strcmp(name, wanted);
}

static long number_of(const char *text, long most)
{
    if (!text)
        return -1;
    char *end;
    long value = strtol(text, &end, 10);
    return end == text || value < 0 || value > most ? -1 : value;
}

/* ---- styles: which cells show dates -------------------------------------------------------------------------------
 */

static void styles_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct xlsx *x = part->x;
    if (is(name, "numFmt")) {
        long id = number_of(xlsx_attribute(attributes, "numFmtId"), 65535);
        const char *code = xlsx_attribute(attributes, "formatCode");
        uint32_t kept = (uint32_t)id;
        if (id >= 0 && code && grid_format_is_date(code) && x->date_formats.length < 65536 * sizeof kept)
            buf_put(&x->date_formats, &kept, sizeof kept);
    } else if (is(name, "cellXfs")) {
        part->in_cell_xfs = true;
    } else if (is(name, "xf") && part->in_cell_xfs && x->date_styles.length < 65536) {
        long id = number_of(xlsx_attribute(attributes, "numFmtId"), 65535);
        bool date = grid_builtin_is_date(id);
        for (size_t at = 0; at < x->date_formats.length && !date; at += sizeof(uint32_t)) {
            uint32_t own;
            memcpy(&own, x->date_formats.at + at, sizeof own);
            date = (long)own == id;
        }
        buf_char(&x->date_styles, date);
    }
}

static void styles_end(struct xlsx_part *part, const char *name)
{
    if (is(name, "cellXfs"))
        part->in_cell_xfs = false;
}

/* ---- shared strings ------------------------------------------------------------------------------------------------
 */

static void strings_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    if (is(name, "rPh"))
        part->phonetic = true;
    else if (is(name, "si"))
        buf_clear(&part->text);
    part->collect = is(name, "t") && !part->phonetic;
}

static void strings_end(struct xlsx_part *part, const char *name)
{
    struct xlsx *x = part->x;
    part->collect = false;
    if (is(name, "rPh"))
        part->phonetic = false;
    if (!is(name, "si"))
        return;
    if (x->strings.length + x->string_ends.length + part->text.length > XLSX_STRINGS_MAX) {
        part->too_large = true;
        XML_StopParser(part->parser, XML_FALSE);
        return;
    }
    buf_text(&x->strings, buf_view(&part->text));
    uint32_t end = (uint32_t)x->strings.length;
    buf_put(&x->string_ends, &end, sizeof end);
}

static struct text shared_string(const struct xlsx *x, size_t index)
{
    uint32_t from = 0, to;
    if (index >= x->string_ends.length / sizeof to)
        return TEXT_NONE;
    memcpy(&to, x->string_ends.at + index * sizeof to, sizeof to);
    if (index)
        memcpy(&from, x->string_ends.at + (index - 1) * sizeof from, sizeof from);
    return text_slice(buf_view(&x->strings), from, to - from);
}

/* ---- sheets ---------------------------------------------------------------------------------------------------------
 */

/* "XFD12" to column 16383. */
static size_t column_of(const char *reference, size_t otherwise)
{
    size_t column = 0, at = 0;
    for (; reference && reference[at] >= 'A' && reference[at] <= 'Z' && at < 3; at++)
        column = column * 26 + (size_t)(reference[at] - 'A' + 1);
    return at ? column - 1 : otherwise;
}

static void row_tell(struct xlsx_part *part)
{
    struct xlsx *x = part->x;
    struct grid_row row;
    if (grid_build_row(&x->build, x->row, &row))
        x->sink.row(x->sink.with, &row);
    grid_build_clear(&x->build);
}

static void sheet_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct xlsx *x = part->x;
    part->collect = false;
    if (is(name, "row")) {
        long number = number_of(xlsx_attribute(attributes, "r"), 1048576);
        x->row = part->next_row = number > 0 ? (int)number : part->next_row + 1;
        grid_build_clear(&x->build);
        part->column = (size_t)-1;
    } else if (is(name, "c")) {
        part->column = column_of(xlsx_attribute(attributes, "r"), part->column + 1);
        const char *type = xlsx_attribute(attributes, "t");
        part->type = !type                   ? 'n'
                     : is(type, "s")         ? 's'
                     : is(type, "inlineStr") ? 'i'
                     : is(type, "str")       ? 't'
                     : is(type, "n")         ? 'n'
                     : is(type, "d")         ? 't'
                                             : 'e';
        long style = number_of(xlsx_attribute(attributes, "s"), 65535);
        part->date = style >= 0 && (size_t)style < x->date_styles.length && x->date_styles.at[style];
        part->phonetic = false;
        buf_clear(&part->text);
    } else if (is(name, "rPh")) {
        part->phonetic = true;
    } else {
        part->collect = (is(name, "v") || (is(name, "t") && part->type == 'i')) && !part->phonetic;
    }
}

/* The number as written: digits are told as they are, anything else goes through the double that Excel meant. */
static void number_put(struct xlsx_part *part, struct text text)
{
    struct xlsx *x = part->x;
    char number[32], raw[64];
    size_t digits = text_starts(text, "-");
    for (; digits < text.length && text.at[digits] >= '0' && text.at[digits] <= '9';)
        digits++;
    bool plain = digits == text.length && text.length < 16 && text.length;
    if (plain && !part->date) {
        grid_build_put(&x->build, part->column, text);
        return;
    }
    if (!text.length || text.length >= sizeof raw)
        return;
    memcpy(raw, text.at, text.length);
    raw[text.length] = '\0';
    char *end;
    double value = strtod(raw, &end);
    if (*end)
        strcpy(number, "?");
    else if (!part->date || !grid_serial_text(value, x->from_1904, number))
        grid_number_text(value, number);
    grid_build_put(&x->build, part->column, text_of(number));
}

static void sheet_end(struct xlsx_part *part, const char *name)
{
    struct xlsx *x = part->x;
    part->collect = false;
    if (is(name, "rPh"))
        part->phonetic = false;
    if (is(name, "row")) {
        row_tell(part);
    } else if (is(name, "c")) {
        struct text text = text_trim(buf_view(&part->text));
        if (part->type == 's') {
            int64_t index;
            if (text_to_int64(text, &index) && index >= 0)
                grid_build_put(&x->build, part->column, shared_string(x, (size_t)index));
        } else if (part->type == 'n') {
            number_put(part, text);
        } else if (text.length) {
            grid_build_put(&x->build, part->column, part->type == 'e' ? TEXT("?") : text);
        }
    }
}

/* ---- the workbook
 * ---------------------------------------------------------------------------------------------------- */

static void workbook_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct xlsx *x = part->x;
    if (is(name, "workbookPr")) {
        const char *value = xlsx_attribute(attributes, "date1904");
        x->from_1904 = value && (is(value, "1") || is(value, "true"));
    } else if (is(name, "sheet")) {
        const char *state = xlsx_attribute(attributes, "state"), *id = NULL;
        for (size_t i = 0; attributes[i]; i += 2) /* r:id, whatever the prefix; not sheetId */
            if (text_ends(text_of(attributes[i]), ":id"))
                id = attributes[i + 1];
        if (id && (!state || is(state, "visible")) && x->sheets.length < 16384)
            buf_put(&x->sheets, id, strlen(id) + 1);
    }
}

static void relations_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    const char *id = xlsx_attribute(attributes, "Id"), *target = xlsx_attribute(attributes, "Target");
    if (is(name, "Relationship") && id && target && is(id, part->wanted) && strlen(target) < 200)
        snprintf(part->target, sizeof part->target, "%s%s", target[0] == '/' ? "" : "xl/",
                 target[0] == '/' ? target + 1 : target);
}

static enum err sheet_read(struct xlsx *x, const char *relation)
{
    struct xlsx_part relations = {.start = relations_start, .wanted = relation};
    enum err err = xlsx_part_read(x, "xl/_rels/workbook.xml.rels", &relations);
    if (err || !relations.target[0])
        return err ? err : ERR_NOT_FOUND;
    struct xlsx_part sheet = {.start = sheet_start, .end = sheet_end};
    x->row = 0;
    x->sink.sheet(x->sink.with);
    return xlsx_part_read(x, relations.target, &sheet);
}

static enum err part_if_there(enum err err)
{
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err xlsx_workbook_read(struct xlsx *x)
{
    struct xlsx_part workbook = {.start = workbook_start}, styles = {.start = styles_start, .end = styles_end},
                     strings = {.start = strings_start, .end = strings_end};
    enum err err = xlsx_part_read(x, "xl/workbook.xml", &workbook);
    if (!err)
        err = part_if_there(xlsx_part_read(x, "xl/styles.xml", &styles));
    if (!err)
        err = part_if_there(xlsx_part_read(x, "xl/sharedStrings.xml", &strings));
    int read = 0;
    for (size_t at = 0; at < x->sheets.length && !err && read < XLSX_SHEETS_MAX; read++) {
        const char *relation = x->sheets.at + at;
        at += strlen(relation) + 1;
        err = part_if_there(sheet_read(x, relation)); /* a chart sheet has no rows */
    }
    return err;
}
