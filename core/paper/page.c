#include "core/paper/page.h"

#include <pango/pangocairo.h>
#include <stdlib.h>
#include "core/base/memory.h"
#include "core/paper/qr.h"

#define FONT "Noto Sans, DejaVu Sans"

/* Sets one paragraph at (x, page->y), `width` wide; returns its height and does not move. */
double page_measure(struct page *page, double width, double size, enum weight weight, enum align align,
                    struct text text)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, page->fonts);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, weight == BOLD ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_style(font, weight == ITALIC ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    pango_layout_set_font_description(page->layout, font);
    pango_font_description_free(font);
    pango_layout_set_width(page->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(page->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(page->layout, align == LEFT     ? PANGO_ALIGN_LEFT
                                             : align == CENTRE ? PANGO_ALIGN_CENTER
                                                               : PANGO_ALIGN_RIGHT);
    pango_layout_set_text(page->layout, text.length ? text.at : "", (int)text.length);
    int height;
    pango_layout_get_size(page->layout, NULL, &height);
    return (double)height / PANGO_SCALE;
}

double page_text(struct page *page, double x, double width, double size, enum weight weight, enum align align,
                 struct text text)
{
    double height = page_measure(page, width, size, weight, align, text);
    cairo_move_to(page->cairo, x, page->y);
    pango_cairo_show_layout(page->cairo, page->layout);
    return height;
}

void page_paragraph(struct page *page, double size, enum weight weight, enum align align, const char *text)
{
    page->y += page_text(page, page->margin, page_inner(page), size, weight, align, text_of(text)) + 2;
}

void page_need(struct page *page, double height)
{
    if (!page->height || page->y + height <= page->height - page->margin)
        return;
    cairo_show_page(page->cairo);
    page->y = page->margin;
}

/* "Label: value" over the whole width or a part of it; nothing when the value is empty. */
void page_labelled(struct page *page, double x, double width, const char *label, struct text value)
{
    if (!value.length)
        return;
    double label_width = 0;
    page_measure(page, width, page->size, REGULAR, LEFT, text_of(label));
    int pixels;
    pango_layout_get_size(page->layout, &pixels, NULL);
    label_width = (double)pixels / PANGO_SCALE + 4;
    page_need(page, 16);
    page_text(page, x, width, page->size, REGULAR, LEFT, text_of(label));
    page->y += page_text(page, x + label_width, width - label_width, page->size, BOLD, LEFT, value) + 2;
}

void page_rule(struct page *page, double x1, double y1, double x2, double y2)
{
    cairo_move_to(page->cairo, x1, y1);
    cairo_line_to(page->cairo, x2, y2);
    cairo_stroke(page->cairo);
}

double page_inner(const struct page *page)
{
    return page->width - 2 * page->margin;
}

static void put_dark(void *with, int x, int y, int length)
{
    cairo_rectangle(with, x, y, length, 1);
}

void page_qr(struct page *page, double x, double y, double side, const char *text)
{
    struct qr *qr = memory_new(sizeof *qr);
    qr_make(text, qr);
    if (qr->side) {
        cairo_save(page->cairo);
        cairo_translate(page->cairo, x, y);
        cairo_scale(page->cairo, side / qr->side, side / qr->side);
        qr_runs(qr, put_dark, page->cairo);
        cairo_fill(page->cairo);
        cairo_restore(page->cairo);
    }
    free(qr);
}

void page_open(cairo_surface_t *surface, double width, double height, double margin, double size, struct page *ret_page)
{
    *ret_page = (struct page){.cairo = cairo_create(surface),
                              .fonts = FONT,
                              .width = width,
                              .height = height,
                              .margin = margin,
                              .size = size,
                              .y = margin};
    ret_page->layout = pango_cairo_create_layout(ret_page->cairo);
    pango_cairo_context_set_resolution(pango_layout_get_context(ret_page->layout), 72);
    pango_layout_context_changed(ret_page->layout);
    cairo_set_line_width(ret_page->cairo, 0.6);
}

bool page_close(struct page *page)
{
    bool drawn = cairo_status(page->cairo) == CAIRO_STATUS_SUCCESS;
    g_object_unref(page->layout);
    cairo_destroy(page->cairo);
    return drawn;
}

static cairo_status_t write_bytes(void *with, const unsigned char *bytes, unsigned int length)
{
    buf_put(with, bytes, length);
    return CAIRO_STATUS_SUCCESS;
}

cairo_surface_t *page_pdf_begin(double width, double height, struct buf *out)
{
    return cairo_pdf_surface_create_for_stream(write_bytes, out, width, height);
}

bool page_pdf_end(cairo_surface_t *surface)
{
    cairo_surface_finish(surface);
    bool written = cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
    return written;
}
