/* A sheet of A4 that is signed by hand: paragraphs, tables, a Code 128 barcode. Lengths in points (1/72 inch). */
#ifndef LEPHI_POSTAL_PAPER_H
#define LEPHI_POSTAL_PAPER_H

#include "core/core.h"
#include "core/paper/page.h"

enum { PAPER_COLUMNS_MAX = 8 };

struct paper {
    struct page page;
    cairo_surface_t *surface;
    struct buf pdf;
    int sheet; /* from 1 */
    const char *foot;
};

#define PAPER_WIDTH  595.28
#define PAPER_HEIGHT 841.89
#define PAPER_LEFT   56.7 /* 20 mm, as NĐ 30/2020/NĐ-CP, appendix I */
#define PAPER_RIGHT  42.5
#define PAPER_INNER  (PAPER_WIDTH - PAPER_LEFT - PAPER_RIGHT)

/* `at` stands in the file as its date of making, so that the same paper has the same bytes. `foot` is on every sheet.
 */
void paper_open(struct paper *paper, const char *title, instant_us at, const char *foot);
/* ERR_INTERNAL when anything could not be drawn; the paper is closed either way. */
MUST_CHECK enum err paper_close(struct paper *paper, struct buf *out);

/* Draws at paper->page.y, which stays; returns the height. */
double paper_put(struct paper *paper, double x, double width, double size, enum weight weight, enum align align,
                 struct text text);
void paper_line(struct paper *paper, double size, enum weight weight, enum align align, struct text text);
/* "Label: value"; dots to be filled in by hand when the value is empty. */
void paper_field(struct paper *paper, const char *label, struct text value);
void paper_need(struct paper *paper, double height); /* a new sheet when so much does not fit */
/* The head of an official paper: who issues it on the left, the nation and its motto on the right. */
void paper_head(struct paper *paper, const char *above, struct text issuer);

struct paper_table {
    size_t columns;
    struct {
        const char *title;
        double share; /* of the inner width; together 1 */
        enum align align;
    } list[PAPER_COLUMNS_MAX];
};
void paper_table_head(struct paper *paper, const struct paper_table *table);
/* A row; `barcode` is a column whose text also stands as bars above it, -1 for none. */
void paper_table_row(struct paper *paper, const struct paper_table *table, const struct text *cells, int barcode);

/* Code 128 of ASCII text, with quiet zones inside the width and the text below it; returns the height. */
double paper_barcode(struct paper *paper, double x, double width, double height, struct text text);

/* Two places to sign, side by side. */
struct paper_signer {
    const char *role;
    struct text name, title; /* empty: not signed yet */
    instant_us at;
};
void paper_signers(struct paper *paper, const struct paper_signer signers[2]);

#endif
