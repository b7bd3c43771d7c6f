/* Rows that may be headers of a layout nobody knew, for the person who will say what their columns mean. */
#include "reconciliation/mapping.h"
#include "reconciliation/table/table.h"

#include <stdlib.h>

enum { HEADERS_MAX = 20, EXAMPLE_ROWS = 3 };

struct headers {
    struct json *json;
    struct header_keys *keys;
    int rows;     /* of this sheet so far */
    int found;    /* headers told */
    int examples; /* rows still to be told behind the last header; -1: none open */
};

static void put_cells(struct headers *h, const char *key, const struct grid_row *row)
{
    json_put_array(h->json, key);
    for (size_t i = 0; i < row->count; i++)
        json_put_text(h->json, NULL, text_head(row->cells[i], 200));
    json_put_end(h->json);
}

static void close_last(struct headers *h)
{
    if (h->examples < 0)
        return;
    json_put_end(h->json); /* rows */
    json_put_end(h->json); /* header */
    h->examples = -1;
}

static void on_sheet(void *with)
{
    struct headers *h = with;
    close_last(h);
    h->rows = 0;
}

static bool on_header(void *with, const struct grid_row *row)
{
    return table_row_in_words(row);
}

static void on_row(void *with, const struct grid_row *row)
{
    struct headers *h = with;
    if (++h->rows > PREAMBLE_MAX + EXAMPLE_ROWS)
        return;
    if (h->rows <= PREAMBLE_MAX && h->found < HEADERS_MAX && table_row_in_words(row)) {
        uint8_t fingerprint[STATEMENT_FINGERPRINT_SIZE];
        char hex[2 * STATEMENT_FINGERPRINT_SIZE + 1];
        struct table_roles roles;
        close_last(h);
        header_keys_of(row, h->keys);
        header_fingerprint(h->keys, fingerprint);
        hex_encode(fingerprint, sizeof fingerprint, hex);
        const struct profile *known = profile_find(h->keys, 0, &roles);
        json_put_object(h->json, NULL);
        json_put_int(h->json, "row", row->number);
        json_put_string(h->json, "fingerprint", hex);
        if (known)
            json_put_string(h->json, "profile", known->name);
        else
            json_put_null(h->json, "profile");
        put_cells(h, "cells", row);
        json_put_array(h->json, "rows");
        h->found++;
        h->examples = EXAMPLE_ROWS;
    } else if (h->examples > 0) {
        put_cells(h, NULL, row);
        h->examples--;
    }
}

enum err statement_headers_put(enum statement_format format, struct text file, struct json *json)
{
    const struct grid_reader *does = format == STATEMENT_CSV    ? &grid_csv
                                     : format == STATEMENT_HTML ? &grid_html
                                     : format == STATEMENT_XLSX ? &grid_xlsx
                                     : format == STATEMENT_XLS  ? &grid_xls
                                                                : NULL;
    if (!does)
        return ERR_STATEMENT_FORMAT;
    struct statement_gate gate = {0};
    struct headers h = {.json = json, .keys = memory_new(sizeof *h.keys), .examples = -1};
    const struct grid_sink sink = {&h, on_sheet, on_row, on_header, &gate};
    void *grid = does->make(&sink);
    json_put_array(json, "headers");
    enum err err = does->feed(grid, file), ended = does->end(grid);
    close_last(&h);
    json_put_end(json);
    does->free(grid);
    free(h.keys);
    return err ? err : ended;
}
