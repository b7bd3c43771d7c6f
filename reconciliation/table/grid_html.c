/* HTML tables named .xls, in a stream: rows are what stands between <tr> and the next one, tables one after the other.
 */
#include "reconciliation/table/grid.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_MAX = 1024, ENTITY_MAX = 10, COLSPAN_MAX = 64 };

struct html_grid {
    struct grid_sink sink;
    bool charset_known, utf16;
    struct grid_utf16 utf16_state;
    struct buf first; /* bytes that wait until the charset is known */
    int line, row_line;
    bool in_tag, in_cell, in_row, comment, last_cr, sheet_told;
    char tag_quote;
    const char *skip_until; /* "/style", "/script": their text is none */
    struct buf tag, cell;
    struct grid_build build;
    size_t column, colspan;
};

static void put_entity(struct buf *out, struct text name)
{
    static const struct {
        const char *name, *text;
    } named[] = {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (text_is(name, named[i].name)) {
            buf_string(out, named[i].text);
            return;
        }
    uint32_t point = 0;
    bool hex = name.length > 2 && (name.at[1] == 'x' || name.at[1] == 'X');
    for (size_t i = hex ? 2 : 1; i < name.length && name.at[0] == '#' && point < 0x110000; i++) {
        char c = name.at[i];
        uint32_t digit = c >= '0' && c <= '9'                        ? (uint32_t)(c - '0')
                         : hex && (c | 32) >= 'a' && (c | 32) <= 'f' ? (uint32_t)((c | 32) - 'a' + 10)
                                                                     : 99;
        if (digit == 99)
            return;
        point = point * (hex ? 16 : 10) + digit;
    }
    if (point < 0x20 || point >= 0x10000 || (point >= 0xD800 && point < 0xE000))
        return; /* Vietnamese and its signs stand in the first plane */
    char units[2] = {(char)(point & 0xFF), (char)(point >> 8)};
    struct grid_utf16 state = {.half = -1};
    grid_utf16_put(&state, out, (struct text){units, 2});
}

/* Text of a cell with its entities read; done once per cell, over the raw bytes. */
static void cell_text(struct buf *out, struct text raw)
{
    /* A file in windows-1258 holds bytes that are no UTF-8: make it so before entities add their own. */
    struct buf clean = {0};
    grid_text_put(&clean, raw);
    struct text text = buf_view(&clean);
    for (size_t at = 0; at < text.length;) {
        if (text.at[at] == '&') {
            size_t end = at + 1;
            while (end < text.length && end - at <= ENTITY_MAX && text.at[end] != ';' && text.at[end] != '&')
                end++;
            if (end < text.length && text.at[end] == ';') {
                put_entity(out, text_slice(text, at + 1, end - at - 1));
                at = end + 1;
                continue;
            }
        }
        buf_char(out, text.at[at++]);
    }
    buf_done(&clean);
}

static void cell_end(struct html_grid *g)
{
    if (!g->in_cell)
        return;
    g->in_cell = false;
    struct buf text = {0};
    cell_text(&text, buf_view(&g->cell));
    grid_build_put(&g->build, g->column, buf_view(&text));
    buf_done(&text);
    g->column += g->colspan;
    buf_clear(&g->cell);
}

static void row_end(struct html_grid *g)
{
    cell_end(g);
    struct grid_row row;
    if (g->in_row && grid_build_row(&g->build, g->row_line, &row))
        g->sink.row(g->sink.with, &row);
    g->in_row = false;
    grid_build_clear(&g->build);
    g->column = 0;
}

static bool tag_is(struct text tag, const char *name)
{
    size_t length = strlen(name);
    if (tag.length < length || (tag.length > length && tag.at[length] > ' ' && tag.at[length] != '/'))
        return false;
    return text_is_nocase(text_slice(tag, 0, length), name);
}

static size_t attribute_number(struct text tag, const char *name)
{
    char low[TAG_MAX];
    size_t length = tag.length < sizeof low - 1 ? tag.length : sizeof low - 1;
    for (size_t i = 0; i < length; i++)
        low[i] = tag.at[i] >= 'A' && tag.at[i] <= 'Z' ? (char)(tag.at[i] | 32) : tag.at[i] ? tag.at[i] : ' ';
    low[length] = '\0';
    const char *at = strstr(low, name);
    if (!at)
        return 0;
    at += strlen(name);
    while (*at == ' ' || *at == '=' || *at == '"' || *at == '\'')
        at++;
    size_t value = 0;
    while (*at >= '0' && *at <= '9' && value < 100000)
        value = value * 10 + (size_t)(*at++ - '0');
    return value;
}

static void tag_read(struct html_grid *g)
{
    struct text tag = buf_view(&g->tag);
    if (g->skip_until) {
        if (tag_is(tag, g->skip_until))
            g->skip_until = NULL;
        return;
    }
    if (tag_is(tag, "tr") || tag_is(tag, "/tr") || tag_is(tag, "/table") || tag_is(tag, "table")) {
        row_end(g);
        g->in_row = tag_is(tag, "tr");
        g->row_line = g->line;
    } else if (tag_is(tag, "td") || tag_is(tag, "th")) {
        cell_end(g);
        if (!g->in_row) { /* tables without <tr> are seen too */
            g->in_row = true;
            g->row_line = g->line;
        }
        g->in_cell = true;
        size_t span = attribute_number(tag, "colspan");
        g->colspan = span < 1 ? 1 : span > COLSPAN_MAX ? COLSPAN_MAX : span;
    } else if (tag_is(tag, "/td") || tag_is(tag, "/th")) {
        cell_end(g);
    } else if (tag_is(tag, "style")) {
        g->skip_until = "/style";
    } else if (tag_is(tag, "script")) {
        g->skip_until = "/script";
    } else if (g->in_cell && (tag_is(tag, "br") || tag_is(tag, "br/") || tag_is(tag, "/p") || tag_is(tag, "/div"))) {
        buf_char(&g->cell, ' ');
    }
}

static void tag_byte(struct html_grid *g, char c)
{
    struct buf *tag = &g->tag;
    if (g->comment) {
        buf_char(tag, c);
        if (c == '>' && tag->length >= 3 && !memcmp(tag->at + tag->length - 3, "-->", 3))
            g->comment = g->in_tag = false;
        if (tag->length > TAG_MAX)
            memmove(tag->at, tag->at + tag->length - 3, 3), tag->length = 3;
        return;
    }
    if (g->tag_quote) {
        if (c == g->tag_quote)
            g->tag_quote = 0;
    } else if ((c == '"' || c == '\'') && tag->length && tag->at[tag->length - 1] == '=') {
        g->tag_quote = c;
    } else if (c == '>') {
        g->in_tag = false;
        tag_read(g);
        return;
    }
    if (tag->length < TAG_MAX)
        buf_char(tag, c);
    g->comment = tag->length == 3 && !memcmp(tag->at, "!--", 3);
}

static void byte_read(struct html_grid *g, char c)
{
    if (c == '\r' || (c == '\n' && !g->last_cr))
        g->line++;
    g->last_cr = c == '\r';
    if (g->in_tag) {
        tag_byte(g, c);
    } else if (c == '<') {
        g->in_tag = true;
        g->tag_quote = 0;
        buf_clear(&g->tag);
    } else if (g->in_cell && !g->skip_until && g->cell.length < GRID_CELL_MAX) {
        buf_char(&g->cell, c);
    }
}

static void html_bytes(struct html_grid *g, struct text bytes)
{
    if (!g->sheet_told)
        g->sink.sheet(g->sink.with);
    g->sheet_told = true;
    struct buf utf8 = {0};
    if (g->utf16) {
        grid_utf16_put(&g->utf16_state, &utf8, bytes);
        bytes = buf_view(&utf8);
    }
    for (size_t i = 0; i < bytes.length; i++)
        byte_read(g, bytes.at[i]);
    buf_done(&utf8);
}

static void charset_choose(struct html_grid *g)
{
    struct text t = buf_view(&g->first);
    bool little = text_starts(t, "\xFF\xFE"), big = text_starts(t, "\xFE\xFF");
    g->utf16 = little || big;
    g->utf16_state = (struct grid_utf16){.big_endian = big, .half = -1};
    g->charset_known = true;
}

static void *html_make(const struct grid_sink *sink)
{
    struct html_grid *g = memory_new(sizeof *g);
    g->sink = *sink;
    g->line = 1;
    return g;
}

static enum err html_feed(void *grid, struct text bytes)
{
    struct html_grid *g = grid;
    if (g->charset_known) {
        html_bytes(g, bytes);
        return OK;
    }
    buf_text(&g->first, bytes);
    if (g->first.length < 2)
        return OK;
    charset_choose(g);
    html_bytes(g, buf_view(&g->first));
    buf_done(&g->first);
    return OK;
}

static enum err html_end(void *grid)
{
    struct html_grid *g = grid;
    row_end(g);
    return OK;
}

static void html_free(void *grid)
{
    struct html_grid *g = grid;
    buf_done(&g->first);
    buf_done(&g->tag);
    buf_done(&g->cell);
    buf_done(&g->build.text);
    free(g);
}

const struct grid_reader grid_html = {html_make, html_feed, html_end, html_free};
