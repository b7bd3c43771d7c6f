/* CSV in a stream (RFC 4180 as exports really write it): any of , ; tab |, UTF-8, UTF-16 or windows-1258, LF, CRLF or a
 * bare CR. One record is in memory at a time. */
#include "reconciliation/table/grid.h"

#include <stdlib.h>
#include <string.h>

enum { PRELUDE = 64 * 1024 }; /* bytes looked at before the separator is chosen */

enum state { FIELD_START, PLAIN, QUOTED, QUOTE_SEEN };

struct csv_grid {
    struct grid_sink sink;
    bool utf16, charset_known, separator_known, skip_newline;
    struct grid_utf16 utf16_state;
    struct buf bytes, prelude; /* prelude: UTF-8 that waits until the separator is known */
    /* the record under way */
    enum state state;
    char separator;
    struct buf raw;
    struct grid_build build;
    size_t column;
    int line, record_line;
    bool too_long;
    bool (*told)(struct csv_grid *g, const struct grid_row *row); /* trial: counts, else tells */
    size_t trial_cells;
    bool trial_header;
};

static void field_end(struct csv_grid *g)
{
    grid_build_put(&g->build, g->column++, buf_view(&g->raw));
    buf_clear(&g->raw);
    g->state = FIELD_START;
}

static void record_start(struct csv_grid *g)
{
    grid_build_clear(&g->build);
    buf_clear(&g->raw);
    g->column = 0;
    g->state = FIELD_START;
    g->record_line = g->line;
}

static void record_end(struct csv_grid *g)
{
    field_end(g);
    struct grid_row row;
    if (grid_build_row(&g->build, g->record_line, &row))
        g->told(g, &row);
}

static void byte_read(struct csv_grid *g, char c)
{
    bool newline = c == '\n' || c == '\r';
    if (g->skip_newline && c == '\n') {
        g->skip_newline = false;
        return;
    }
    g->skip_newline = c == '\r';
    if (newline)
        g->line++;
    if (g->state == QUOTED) {
        if (c == '"')
            g->state = QUOTE_SEEN;
        else
            buf_char(&g->raw, c);
    } else if (g->state == QUOTE_SEEN && c == '"') {
        buf_char(&g->raw, c);
        g->state = QUOTED;
    } else if (c == g->separator) {
        field_end(g);
    } else if (newline) {
        record_end(g);
        record_start(g);
    } else if (g->state == FIELD_START && c == '"') {
        g->state = QUOTED;
    } else {
        if (g->state == FIELD_START || g->state == QUOTE_SEEN)
            g->state = PLAIN;
        buf_char(&g->raw, c);
    }
    g->too_long = g->too_long || g->raw.length + g->build.text.length > GRID_ROW_MAX;
}

static void bytes_read(struct csv_grid *g, struct text bytes)
{
    for (size_t i = 0; i < bytes.length && !g->too_long; i++)
        byte_read(g, bytes.at[i]);
}

static bool told_row(struct csv_grid *g, const struct grid_row *row)
{
    g->sink.row(g->sink.with, row);
    return true;
}

static bool told_trial(struct csv_grid *g, const struct grid_row *row)
{
    if (row->count > 1)
        g->trial_cells += row->count;
    if (!g->trial_header)
        g->trial_header = g->sink.header(g->sink.with, row);
    return true;
}

static void state_reset(struct csv_grid *g)
{
    g->line = 1;
    g->skip_newline = g->too_long = false;
    record_start(g);
}

/* The separator that makes a header row readable; else the one that makes the most cells. */
static void separator_choose(struct csv_grid *g)
{
    static const char separators[] = {',', ';', '\t', '|'};
    size_t most = 0;
    char best = ',';
    g->told = told_trial;
    for (size_t i = 0; i < sizeof separators; i++) {
        g->separator = separators[i];
        g->trial_cells = 0;
        g->trial_header = false;
        state_reset(g);
        bytes_read(g, buf_view(&g->prelude));
        if (!g->too_long)
            record_end(g);
        if (g->trial_header) {
            best = separators[i];
            break;
        }
        if (g->trial_cells > most) {
            most = g->trial_cells;
            best = separators[i];
        }
    }
    g->separator = best;
    g->separator_known = true;
    g->told = told_row;
    state_reset(g);
    g->sink.sheet(g->sink.with);
    bytes_read(g, buf_view(&g->prelude));
    buf_done(&g->prelude);
}

/* A byte order mark, or every second byte zero. */
static void charset_choose(struct csv_grid *g, bool over)
{
    struct text t = buf_view(&g->bytes);
    if (t.length < 4 && !over)
        return;
    g->charset_known = true;
    bool little = text_starts(t, "\xFF\xFE") || (t.length >= 4 && t.at[0] && !t.at[1] && t.at[2] && !t.at[3]);
    bool big = text_starts(t, "\xFE\xFF") || (t.length >= 4 && !t.at[0] && t.at[1] && !t.at[2] && t.at[3]);
    g->utf16 = little || big;
    g->utf16_state = (struct grid_utf16){.big_endian = big, .half = -1};
    if (text_starts(t, "\xEF\xBB\xBF")) { /* it must not hide a quote behind it */
        memmove(g->bytes.at, g->bytes.at + 3, g->bytes.length - 3);
        g->bytes.length -= 3;
    }
}

static enum err csv_push(struct csv_grid *g, struct text utf8, bool over)
{
    if (g->separator_known) {
        bytes_read(g, utf8);
    } else {
        buf_text(&g->prelude, utf8);
        if (g->prelude.length >= PRELUDE || over)
            separator_choose(g);
    }
    if (g->too_long) {
        gate_break(g->sink.gate, g->record_line, "line_cut",
                   "a record of more than %d bytes begins here: a quote is not closed", GRID_ROW_MAX);
        return ERR_STATEMENT_SYNTAX;
    }
    return OK;
}

static enum err csv_decode(struct csv_grid *g, bool over)
{
    if (!g->charset_known)
        charset_choose(g, over);
    if (!g->charset_known)
        return OK;
    enum err err;
    if (g->utf16) {
        struct buf utf8 = {0};
        grid_utf16_put(&g->utf16_state, &utf8, buf_view(&g->bytes));
        err = csv_push(g, buf_view(&utf8), over);
        buf_done(&utf8);
    } else {
        err = csv_push(g, buf_view(&g->bytes), over);
    }
    buf_clear(&g->bytes);
    return err;
}

static void *csv_make(const struct grid_sink *sink)
{
    struct csv_grid *g = memory_new(sizeof *g);
    g->sink = *sink;
    return g;
}

static enum err csv_feed(void *grid, struct text bytes)
{
    struct csv_grid *g = grid;
    buf_text(&g->bytes, bytes);
    return csv_decode(g, false);
}

static enum err csv_end(void *grid)
{
    struct csv_grid *g = grid;
    if (g->too_long)
        return ERR_STATEMENT_SYNTAX;
    enum err err = csv_decode(g, true);
    if (err)
        return err;
    if (g->state == QUOTED)
        gate_break(g->sink.gate, g->record_line, "bad_line", "the file ends inside quotes that begin in this record");
    if (g->column || g->raw.length || g->state != FIELD_START)
        record_end(g);
    return OK;
}

static void csv_free(void *grid)
{
    struct csv_grid *g = grid;
    buf_done(&g->bytes);
    buf_done(&g->prelude);
    buf_done(&g->raw);
    buf_done(&g->build.text);
    free(g);
}

const struct grid_reader grid_csv = {csv_make, csv_feed, csv_end, csv_free};
