/* The parts of an XLSX workbook. Private to table/. */
#ifndef LEPHI_RECONCILIATION_TABLE_XLSX_H
#define LEPHI_RECONCILIATION_TABLE_XLSX_H

#include "reconciliation/table/grid.h"

#include <expat.h>
#include <zip.h>

enum { XLSX_INFLATED_MAX = 1024 * 1024 * 1024, XLSX_STRINGS_MAX = 128 * 1024 * 1024, XLSX_SHEETS_MAX = 64 };

struct xlsx {
    zip_t *zip;
    struct grid_sink sink;
    uint64_t inflated;
    bool from_1904;
    struct buf strings, string_ends; /* shared strings one behind the other; where each ends (uint32_t) */
    struct buf date_styles;          /* one byte per cell style: 1 when it shows a date */
    struct buf date_formats;         /* ids of the workbook's own number formats that show dates (uint32_t) */
    struct buf sheets;               /* visible sheets in order: their relation ids, each with its NUL */
    struct grid_build build;
    int row;
};

/* One XML part while it streams by. */
struct xlsx_part {
    struct xlsx *x;
    XML_Parser parser;
    void (*start)(struct xlsx_part *part, const char *name, const char **attributes);
    void (*end)(struct xlsx_part *part, const char *name); /* may be NULL */
    int depth;
    bool refused, too_large, collect;
    struct buf text; /* filled while collect */
    /* sheets */
    size_t column;
    char type; /* of the cell: n, s (shared), i (inline), t (text), b, e */
    bool date, in_cell_xfs, phonetic;
    int next_row;
    const char *wanted; /* relation id looked for */
    char target[256];
};

/* ERR_NOT_FOUND when the archive has no such part; otherwise what went wrong was told. */
enum err xlsx_part_read(struct xlsx *x, const char *name, struct xlsx_part *part);
const char *xlsx_attribute(const char **attributes, const char *name);
enum err xlsx_fault(struct xlsx *x, const char *code, const char *what);
enum err xlsx_workbook_read(struct xlsx *x);

#endif
