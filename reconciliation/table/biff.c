/* The records of a BIFF workbook: sheets, shared strings, formats, cells ([MS-XLS]). */
#include "reconciliation/table/biff.h"

#include <stdlib.h>
#include <string.h>

enum record {
    R_FORMULA = 0x0006,
    R_EOF = 0x000A,
    R_DATEMODE = 0x0022,
    R_FILEPASS = 0x002F,
    R_CONTINUE = 0x003C,
    R_BOUNDSHEET = 0x0085,
    R_MULRK = 0x00BD,
    R_RSTRING = 0x00D6,
    R_XF = 0x00E0,
    R_SST = 0x00FC,
    R_LABELSST = 0x00FD,
    R_NUMBER = 0x0203,
    R_LABEL = 0x0204,
    R_STRING = 0x0207,
    R_RK = 0x027E,
    R_FORMAT = 0x041E,
    R_BOF = 0x0809,
};

enum { SHEETS_MAX = 64, STYLES_MAX = 65536, STRINGS_MAX = 128 * 1024 * 1024 };

struct biff {
    struct text stream;
    const struct grid_sink *sink;
    bool biff8, from_1904, too_large;
    struct buf strings, string_ends;
    struct buf date_formats; /* uint16_t */
    struct buf styles;       /* format of each cell style (uint16_t) */
    uint32_t sheets[SHEETS_MAX];
    size_t sheet_count;
    struct grid_build build;
    int row, formula_row;
    size_t formula_column;
};

/* A record and where the next one begins; false at the end of the stream. */
struct cursor {
    size_t at;
    unsigned type;
    struct text body;
};

static bool next_record(const struct biff *b, struct cursor *c)
{
    if (c->at + 4 > b->stream.length)
        return false;
    size_t length = biff_u16(b->stream, c->at + 2);
    c->type = biff_u16(b->stream, c->at);
    c->body = text_slice(b->stream, c->at + 4, length);
    c->at += 4 + length;
    return c->body.length == length;
}

/* ---- strings
 * ------------------------------------------------------------------------------------------------------------- */

/* Characters: low bytes alone, or UTF-16. */
static void put_characters(struct buf *out, struct text bytes, bool wide)
{
    struct grid_utf16 state = {.half = -1};
    if (wide) {
        grid_utf16_put(&state, out, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.length; i++)
        grid_utf16_put(&state, out, (struct text){(const char[]){bytes.at[i], 0}, 2});
}

/* The table of shared strings goes on in CONTINUE records; a string cut in its characters begins there with its flags
 * anew. */
struct sst {
    const struct biff *b;
    struct cursor c;
    size_t at; /* in c.body */
};

static bool sst_more(struct sst *s)
{
    while (s->at >= s->c.body.length) {
        struct cursor next = s->c;
        if (!next_record(s->b, &next) || next.type != R_CONTINUE)
            return false;
        s->c = next;
        s->at = 0;
    }
    return true;
}

static bool sst_bytes(struct sst *s, size_t count, uint32_t *ret)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sst_more(s))
            return false;
        value |= (uint32_t)(unsigned char)s->c.body.at[s->at++] << 8 * i;
    }
    *ret = value;
    return true;
}

static bool sst_skip(struct sst *s, uint64_t count)
{
    while (count) {
        if (!sst_more(s))
            return false;
        size_t left = s->c.body.length - s->at, step = count < left ? (size_t)count : left;
        s->at += step;
        count -= step;
    }
    return true;
}

static bool sst_string(struct sst *s, struct buf *out)
{
    uint32_t count, flags, runs = 0, extra = 0;
    if (!sst_bytes(s, 2, &count) || !sst_bytes(s, 1, &flags) || (flags & 8 && !sst_bytes(s, 2, &runs)) ||
        (flags & 4 && !sst_bytes(s, 4, &extra)))
        return false;
    bool wide = flags & 1;
    while (count) {
        if (s->at >= s->c.body.length) {
            if (!sst_more(s))
                return false;
            wide = s->c.body.at[s->at++] & 1;
        }
        size_t left = (s->c.body.length - s->at) / (wide ? 2 : 1), step = count < left ? count : left;
        if (!step)
            return false; /* half a character */
        put_characters(out, text_slice(s->c.body, s->at, step * (wide ? 2 : 1)), wide);
        s->at += step * (wide ? 2 : 1);
        count -= (uint32_t)step;
    }
    return sst_skip(s, 4 * (uint64_t)runs + extra);
}

static void sst_read(struct biff *b, const struct cursor *from)
{
    struct sst s = {b, *from, 8};
    uint32_t count = biff_u32(from->body, 4);
    for (uint32_t i = 0; i < count && sst_string(&s, &b->strings); i++) {
        if (b->strings.length + b->string_ends.length > STRINGS_MAX) {
            b->too_large = true;
            return;
        }
        uint32_t end = (uint32_t)b->strings.length;
        buf_put(&b->string_ends, &end, sizeof end);
    }
}

static struct text shared_string(const struct biff *b, uint32_t index)
{
    uint32_t from = 0, to;
    if (index >= b->string_ends.length / sizeof to)
        return TEXT_NONE;
    memcpy(&to, b->string_ends.at + index * sizeof to, sizeof to);
    if (index)
        memcpy(&from, b->string_ends.at + (index - 1) * sizeof from, sizeof from);
    return text_slice(buf_view(&b->strings), from, to - from);
}

/* A string inside a record: its length in 16 bits, in BIFF 8 its flags, its characters. */
static void put_string(const struct biff *b, struct buf *out, struct text body, size_t at)
{
    size_t count = biff_u16(body, at);
    if (!b->biff8) {
        buf_text(out, text_slice(body, at + 2, count)); /* in the code page of the machine: windows-1258 */
        return;
    }
    if (at + 3 > body.length)
        return;
    bool wide = body.at[at + 2] & 1;
    put_characters(out, text_slice(body, at + 3, count * (wide ? 2 : 1)), wide);
}

/* ---- globals
 * -------------------------------------------------------------------------------------------------------------- */

static void format_read(struct biff *b, struct text body)
{
    struct buf code = {0};
    uint16_t id = biff_u16(body, 0);
    if (b->biff8)
        put_string(b, &code, body, 2);
    else
        buf_text(&code, text_slice(body, 3, body.length));
    if (grid_format_is_date(buf_cstr(&code)) && b->date_formats.length < STYLES_MAX)
        buf_put(&b->date_formats, &id, sizeof id);
    buf_done(&code);
}

static bool style_is_date(const struct biff *b, unsigned style)
{
    uint16_t format, own;
    if (!b->styles.at || (style + 1) * sizeof format > b->styles.length)
        return false;
    memcpy(&format, b->styles.at + style * sizeof format, sizeof format);
    for (size_t at = 0; at < b->date_formats.length; at += sizeof own) {
        memcpy(&own, b->date_formats.at + at, sizeof own);
        if (own == format)
            return true;
    }
    return grid_builtin_is_date(format);
}

/* False when the workbook is protected by a password. */
static bool globals_read(struct biff *b, struct cursor *c)
{
    while (next_record(b, c) && c->type != R_EOF) {
        uint16_t format = biff_u16(c->body, 2);
        if (c->type == R_FILEPASS)
            return false;
        if (c->type == R_DATEMODE)
            b->from_1904 = biff_u16(c->body, 0) == 1;
        else if (c->type == R_FORMAT)
            format_read(b, c->body);
        else if (c->type == R_XF && b->styles.length < STYLES_MAX)
            buf_put(&b->styles, &format, sizeof format);
        else if (c->type == R_SST)
            sst_read(b, c);
        else if (c->type == R_BOUNDSHEET && b->sheet_count < SHEETS_MAX && !(biff_u16(c->body, 4) & 0xFF03))
            b->sheets[b->sheet_count++] = biff_u32(c->body, 0); /* visible, and a sheet of cells */
    }
    return true;
}

/* ---- cells
 * ---------------------------------------------------------------------------------------------------------------- */

static void row_tell(struct biff *b)
{
    struct grid_row row;
    if (grid_build_row(&b->build, b->row + 1, &row))
        b->sink->row(b->sink->with, &row);
    grid_build_clear(&b->build);
}

static void cell_at(struct biff *b, int row)
{
    if (row == b->row)
        return;
    row_tell(b);
    b->row = row;
}

static void number_put(struct biff *b, size_t column, unsigned style, double value)
{
    char text[32];
    if (!style_is_date(b, style) || !grid_serial_text(value, b->from_1904, text))
        grid_number_text(value, text);
    grid_build_put(&b->build, column, text_of(text));
}

static double double_of(struct text body, size_t at)
{
    uint64_t bits = biff_u32(body, at) | (uint64_t)biff_u32(body, at + 4) << 32;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* RK numbers: 30 bits of an integer or of a double, perhaps in hundredths. */
static double rk_value(uint32_t rk)
{
    double value;
    if (rk & 2) {
        value = (double)((int32_t)rk >> 2);
    } else {
        uint64_t bits = (uint64_t)(rk & ~UINT32_C(3)) << 32;
        memcpy(&value, &bits, sizeof value);
    }
    return rk & 1 ? value / 100 : value;
}

static void string_put(struct biff *b, size_t column, struct text body, size_t at)
{
    struct buf text = {0};
    put_string(b, &text, body, at);
    grid_build_put(&b->build, column, buf_view(&text));
    buf_done(&text);
}

static void formula_put(struct biff *b, struct text body, size_t column)
{
    if (biff_u16(body, 12) != 0xFFFF) {
        number_put(b, column, biff_u16(body, 4), double_of(body, 6));
    } else if (body.length > 6 && body.at[6] == 0) { /* its text stands in the next STRING record */
        b->formula_row = b->row;
        b->formula_column = column;
    } else if (body.length > 6 && body.at[6] == 2) {
        grid_build_put(&b->build, column, TEXT("?")); /* an error such as #REF! */
    }
}

static void cell_read(struct biff *b, const struct cursor *c)
{
    struct text body = c->body;
    if (c->type == R_STRING) {
        if (b->formula_row == b->row && b->formula_row >= 0)
            string_put(b, b->formula_column, body, 0);
        b->formula_row = -1;
        return;
    }
    size_t column = biff_u16(body, 2);
    unsigned style = biff_u16(body, 4);
    if (body.length < 6)
        return;
    switch (c->type) {
    case R_FORMULA: cell_at(b, biff_u16(body, 0)), formula_put(b, body, column); break;
    case R_LABELSST:
        cell_at(b, biff_u16(body, 0)), grid_build_put(&b->build, column, shared_string(b, biff_u32(body, 6)));
        break;
    case R_LABEL:
    case R_RSTRING: cell_at(b, biff_u16(body, 0)), string_put(b, column, body, 6); break;
    case R_NUMBER: cell_at(b, biff_u16(body, 0)), number_put(b, column, style, double_of(body, 6)); break;
    case R_RK: cell_at(b, biff_u16(body, 0)), number_put(b, column, style, rk_value(biff_u32(body, 6))); break;
    case R_MULRK:
        cell_at(b, biff_u16(body, 0));
        for (size_t at = 4; at + 8 <= body.length; at += 6, column++)
            number_put(b, column, biff_u16(body, at), rk_value(biff_u32(body, at + 2)));
        break;
    default: break;
    }
}

static bool sheet_read(struct biff *b, uint32_t from)
{
    struct cursor c = {.at = from};
    if (!next_record(b, &c) || c.type != R_BOF)
        return false;
    b->sink->sheet(b->sink->with);
    b->row = 0;
    b->formula_row = -1;
    int depth = 1; /* charts stand inside sheets */
    bool read = false;
    while (depth && (read = next_record(b, &c))) {
        depth += c.type == R_BOF ? 1 : c.type == R_EOF ? -1 : 0;
        if (depth == 1)
            cell_read(b, &c);
    }
    row_tell(b);
    return read;
}

enum err biff_read(struct text stream, const struct grid_sink *sink)
{
    struct biff b = {.stream = stream, .sink = sink};
    struct cursor c = {0};
    const char *fault = NULL;
    if (!next_record(&b, &c) || c.type != R_BOF)
        fault = "the file is no workbook of Excel 5 to 2003";
    b.biff8 = biff_u16(c.body, 0) == 0x0600;
    if (!fault && !globals_read(&b, &c))
        fault = "the workbook is protected by a password";
    if (!fault && (!b.sheet_count || b.too_large))
        fault = b.too_large ? "the workbook holds more text than can be kept" : "the workbook has no visible sheet";
    for (size_t i = 0; i < b.sheet_count && !fault; i++)
        if (!sheet_read(&b, b.sheets[i]))
            fault = "a sheet of the workbook is cut short";
    if (fault)
        gate_break(sink->gate, b.row + 1, "bad_xls", "%s", fault);
    buf_done(&b.strings);
    buf_done(&b.string_ends);
    buf_done(&b.date_formats);
    buf_done(&b.styles);
    buf_done(&b.build.text);
    return fault ? ERR_STATEMENT_SYNTAX : OK;
}
