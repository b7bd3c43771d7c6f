/* BIFF .xls: the file is held, within bounds, because its table of sectors stands anywhere in it. libfreexl 1.0.6 was
 * tried and read outside its memory within seconds of fuzzing; these files come from outside into the serving process.
 */
#include "reconciliation/table/biff.h"

#include <stdlib.h>

struct xls_grid {
    struct grid_sink sink;
    struct buf bytes;
};

static void *xls_make(const struct grid_sink *sink)
{
    struct xls_grid *g = memory_new(sizeof *g);
    g->sink = *sink;
    return g;
}

static enum err xls_feed(void *grid, struct text bytes)
{
    struct xls_grid *g = grid;
    if (g->bytes.length + bytes.length > GRID_FILE_MAX) {
        gate_break(g->sink.gate, 0, "too_large", "a workbook may have %d bytes", GRID_FILE_MAX);
        return ERR_STATEMENT_SYNTAX;
    }
    buf_text(&g->bytes, bytes);
    return OK;
}

static enum err xls_end(void *grid)
{
    struct xls_grid *g = grid;
    struct buf stream = {0};
    enum err err = ERR_STATEMENT_SYNTAX;
    if (biff_stream(buf_view(&g->bytes), &stream))
        err = biff_read(buf_view(&stream), &g->sink);
    else
        gate_break(g->sink.gate, 0, "bad_xls", "the workbook is damaged or cut short");
    buf_done(&stream);
    return err;
}

static void xls_free(void *grid)
{
    struct xls_grid *g = grid;
    buf_done(&g->bytes);
    free(g);
}

const struct grid_reader grid_xls = {xls_make, xls_feed, xls_end, xls_free};
