/* Pieces of a printed page: paragraphs, labels, lines, a QR code. Lengths in points (1/72 inch), Pango at 72 dpi so
 * that its points are ours. Fonts are embedded as subsets. */
#ifndef LEPHI_CORE_PAPER_PAGE_H
#define LEPHI_CORE_PAPER_PAGE_H

#include <cairo-pdf.h>
#include "core/base/buf.h"
#include "core/base/text.h"

typedef struct _PangoLayout PangoLayout;

enum weight { REGULAR, BOLD, ITALIC }; /* each embedded subset weighs 15 KB: few on one paper */
enum align { LEFT, CENTRE, RIGHT };

struct page {
    cairo_t *cairo;
    PangoLayout *layout;
    const char *fonts;            /* families, the first that is there */
    double width, height, margin; /* height 0: as long as it needs, never broken */
    double size;                  /* of ordinary text */
    double y;
};

void page_open(cairo_surface_t *surface, double width, double height, double margin, double size,
               struct page *ret_page);
bool page_close(struct page *page); /* false when anything could not be drawn */
double page_inner(const struct page *page);

double page_measure(struct page *page, double width, double size, enum weight weight, enum align align,
                    struct text text); /* its height */
double page_text(struct page *page, double x, double width, double size, enum weight weight, enum align align,
                 struct text text); /* drawn at page->y, which stays; its height */
void page_paragraph(struct page *page, double size, enum weight weight, enum align align, const char *text);
void page_need(struct page *page, double height); /* goes to a new page when so much does not fit */
/* "Label: value" over a part of the width; nothing when the value is empty. */
void page_labelled(struct page *page, double x, double width, const char *label, struct text value);
void page_rule(struct page *page, double x1, double y1, double x2, double y2);
void page_qr(struct page *page, double x, double y, double side, const char *text);

/* A PDF of one surface: page_pdf_begin, draw, page_pdf_end. */
cairo_surface_t *page_pdf_begin(double width, double height, struct buf *out);
bool page_pdf_end(cairo_surface_t *surface); /* false when it could not be written */

#endif
