/* XLSX (ECMA-376) by libzip and expat: shared strings in memory, sheets in a stream. A ZIP that holds workbooks (MoMo's
 * daily report) is read workbook by workbook. Bombs are refused by size and ratio, document types by rule. */
#include "reconciliation/table/xlsx.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 * 1024, DEPTH_MAX = 64, WORKBOOKS_MAX = 32 };

enum err xlsx_fault(struct xlsx *x, const char *code, const char *what)
{
    gate_break(x->sink.gate, x->row, code, "%s", what);
    return ERR_STATEMENT_SYNTAX;
}

/* ---- parts of the archive ------------------------------------------------------------------------------------------
 */

static void XMLCALL on_doctype(void *with, const XML_Char *name, const XML_Char *system, const XML_Char *public_id,
                               int has_internal)
{
    struct xlsx_part *part = with;
    part->refused = true;
    XML_StopParser(part->parser, XML_FALSE);
}

static void XMLCALL on_start(void *with, const XML_Char *name, const XML_Char **attributes)
{
    struct xlsx_part *part = with;
    if (++part->depth > DEPTH_MAX) {
        part->refused = true;
        XML_StopParser(part->parser, XML_FALSE);
        return;
    }
    const char *colon = strrchr(name, ':');
    part->start(part, colon ? colon + 1 : name, attributes);
}

static void XMLCALL on_end(void *with, const XML_Char *name)
{
    struct xlsx_part *part = with;
    const char *colon = strrchr(name, ':');
    part->depth--;
    if (part->end)
        part->end(part, colon ? colon + 1 : name);
}

static void XMLCALL on_text(void *with, const XML_Char *at, int length)
{
    struct xlsx_part *part = with;
    if (part->collect && part->text.length < GRID_CELL_MAX)
        buf_put(&part->text, at, (size_t)length);
}

const char *xlsx_attribute(const char **attributes, const char *name)
{
    for (size_t i = 0; attributes[i]; i += 2) {
        const char *colon = strrchr(attributes[i], ':');
        if (!strcmp(colon ? colon + 1 : attributes[i], name))
            return attributes[i + 1];
    }
    return NULL;
}

/* Counts what is inflated: a sheet of a bank shrinks ten to forty times, a bomb a thousand. */
static bool bomb(struct xlsx *x, zip_uint64_t compressed, zip_uint64_t inflated)
{
    enum { RATIO_MAX = 300, SMALL = 8 * 1024 * 1024 };
    return x->inflated > XLSX_INFLATED_MAX || (inflated > SMALL && inflated / RATIO_MAX > compressed);
}

static enum err part_stream(struct xlsx *x, struct xlsx_part *part, zip_file_t *file, zip_uint64_t compressed)
{
    zip_uint64_t inflated = 0;
    for (;;) {
        void *room = XML_GetBuffer(part->parser, PIECE);
        zip_int64_t got = room ? zip_fread(file, room, PIECE) : -1;
        if (got < 0)
            return xlsx_fault(x, "bad_zip", "the archive is damaged or cut short");
        inflated += (zip_uint64_t)got;
        x->inflated += (zip_uint64_t)got;
        if (bomb(x, compressed, inflated))
            return xlsx_fault(x, "too_large", "the archive unpacks to more than a workbook can hold");
        if (XML_ParseBuffer(part->parser, (int)got, got == 0) == XML_STATUS_ERROR)
            return xlsx_fault(x, part->too_large ? "too_large" : "bad_xml",
                              part->refused     ? "a document type or nesting deeper than 64 is refused"
                              : part->too_large ? "the workbook holds more text than can be kept"
                                                : XML_ErrorString(XML_GetErrorCode(part->parser)));
        if (got == 0)
            return OK;
    }
}

enum err xlsx_part_read(struct xlsx *x, const char *name, struct xlsx_part *part)
{
    zip_stat_t stat;
    zip_file_t *file = NULL;
    if (zip_stat(x->zip, name, ZIP_FL_NOCASE, &stat) || !(file = zip_fopen(x->zip, name, ZIP_FL_NOCASE)))
        return ERR_NOT_FOUND;
    part->x = x;
    part->parser = XML_ParserCreate(NULL);
    if (!part->parser)
        abort(); /* out of memory: see core/base/err.h */
    XML_SetUserData(part->parser, part);
    XML_SetElementHandler(part->parser, on_start, on_end);
    XML_SetCharacterDataHandler(part->parser, on_text);
    XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
    enum err err = part_stream(x, part, file, stat.comp_size);
    XML_ParserFree(part->parser);
    zip_fclose(file);
    buf_done(&part->text);
    return err;
}

/* ---- archives
 * -------------------------------------------------------------------------------------------------------- */

static zip_t *archive_open(struct text bytes)
{
    zip_source_t *source = zip_source_buffer_create(bytes.at, bytes.length, 0, NULL);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, NULL) : NULL;
    if (source && !zip)
        zip_source_free(source);
    return zip;
}

static void workbook_done(struct xlsx *x)
{
    buf_done(&x->strings);
    buf_done(&x->string_ends);
    buf_done(&x->date_styles);
    buf_done(&x->date_formats);
    buf_done(&x->sheets);
    buf_done(&x->build.text);
}

/* A workbook inside the archive. */
static enum err member_read(zip_t *zip, zip_uint64_t index, const struct grid_sink *sink, struct xlsx *outer)
{
    zip_stat_t stat;
    if (zip_stat_index(zip, index, 0, &stat))
        return xlsx_fault(outer, "bad_zip", "the archive is damaged or cut short");
    if (stat.size > GRID_FILE_MAX || bomb(outer, stat.comp_size, stat.size))
        return xlsx_fault(outer, "too_large", "a workbook inside the archive is too large");
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    struct buf bytes = {0};
    zip_int64_t got = file ? 1 : -1;
    while (got > 0 && bytes.length <= stat.size) {
        got = zip_fread(file, buf_room(&bytes, PIECE), PIECE);
        bytes.length += got > 0 ? (size_t)got : 0;
    }
    if (file)
        zip_fclose(file);
    enum err err = got < 0 ? xlsx_fault(outer, "bad_zip", "the archive is damaged or cut short") : OK;
    zip_t *inner = err ? NULL : archive_open(buf_view(&bytes));
    struct xlsx x = {.zip = inner, .sink = *sink, .inflated = outer->inflated + bytes.length};
    if (!err)
        err = inner ? xlsx_workbook_read(&x) : xlsx_fault(outer, "bad_zip", "a workbook inside is no ZIP archive");
    outer->inflated = x.inflated;
    if (inner)
        zip_discard(inner);
    workbook_done(&x);
    buf_done(&bytes);
    return err;
}

enum err xlsx_read(struct text bytes, const struct grid_sink *sink)
{
    struct xlsx x = {.sink = *sink};
    if (bytes.length > GRID_FILE_MAX)
        return xlsx_fault(&x, "too_large", "a workbook may have 128 MiB");
    x.zip = archive_open(bytes);
    if (!x.zip)
        return xlsx_fault(&x, "bad_zip", "the archive is damaged or cut short");
    enum err err = ERR_NOT_FOUND;
    if (zip_name_locate(x.zip, "xl/workbook.xml", ZIP_FL_NOCASE) >= 0) {
        err = xlsx_workbook_read(&x);
    } else {
        zip_int64_t count = zip_get_num_entries(x.zip, 0);
        int read = 0;
        for (zip_int64_t i = 0; i < count && read < WORKBOOKS_MAX && (!err || err == ERR_NOT_FOUND); i++) {
            const char *name = zip_get_name(x.zip, (zip_uint64_t)i, 0);
            if (!name || !text_ends(text_of(name), ".xlsx"))
                continue;
            read++;
            err = member_read(x.zip, (zip_uint64_t)i, sink, &x);
        }
    }
    zip_discard(x.zip);
    workbook_done(&x);
    return err == ERR_NOT_FOUND ? xlsx_fault(&x, "bad_zip", "the archive holds no workbook") : err;
}

/* ---- the reader: a workbook's table of contents stands at its end, so the file is held, within bounds --------------
 */

struct held {
    struct grid_sink sink;
    struct buf bytes;
};

static void *xlsx_make(const struct grid_sink *sink)
{
    struct held *held = memory_new(sizeof *held);
    held->sink = *sink;
    return held;
}

static enum err xlsx_feed(void *grid, struct text bytes)
{
    struct held *held = grid;
    if (held->bytes.length + bytes.length > GRID_FILE_MAX) {
        gate_break(held->sink.gate, 0, "too_large", "a workbook may have %d bytes", GRID_FILE_MAX);
        return ERR_STATEMENT_SYNTAX;
    }
    buf_text(&held->bytes, bytes);
    return OK;
}

static enum err xlsx_end(void *grid)
{
    struct held *held = grid;
    return xlsx_read(buf_view(&held->bytes), &held->sink);
}

static void xlsx_free(void *grid)
{
    struct held *held = grid;
    buf_done(&held->bytes);
    free(held);
}

const struct grid_reader grid_xlsx = {xlsx_make, xlsx_feed, xlsx_end, xlsx_free};
