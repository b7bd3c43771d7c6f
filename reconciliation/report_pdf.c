/* Printed books: A4 across, one table over as many pages as it needs, every Vietnamese letter from the embedded font.
 */
#include "reconciliation/report_table.h"

#include <cairo/cairo-pdf.h>
#include <pango/pangocairo.h>

enum { PAGE_WIDTH = 842, PAGE_HEIGHT = 595, MARGIN = 36, LINE_HEIGHT = 14, PAGES_MAX = 2000 }; /* points */

struct paper {
    cairo_t *cairo;
    PangoLayout *layout;
    const struct report_table *table;
    double left[REPORT_COLUMNS_MAX + 1];
    int page;
    double y;
};

static void put(struct paper *paper, double x, double width, struct text text, const char *font, PangoAlignment align)
{
    PangoFontDescription *described = pango_font_description_from_string(font);
    pango_layout_set_font_description(paper->layout, described);
    pango_font_description_free(described);
    pango_layout_set_width(paper->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_alignment(paper->layout, align);
    pango_layout_set_ellipsize(paper->layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_text(paper->layout, text.at ? text.at : "", (int)text.length);
    cairo_move_to(paper->cairo, x, paper->y);
    pango_cairo_show_layout(paper->cairo, paper->layout);
}

static void page_begin(struct paper *paper)
{
    char number[24];
    const struct report_table *table = paper->table;
    paper->y = MARGIN;
    put(paper, MARGIN, PAGE_WIDTH - 2 * MARGIN - 60, table->title, "DejaVu Sans Bold 12", PANGO_ALIGN_LEFT);
    snprintf(number, sizeof number, "Trang %d", ++paper->page);
    put(paper, PAGE_WIDTH - MARGIN - 60, 60, text_of(number), "DejaVu Sans 8", PANGO_ALIGN_RIGHT);
    paper->y += 20;
    if (table->note.length) {
        put(paper, MARGIN, PAGE_WIDTH - 2 * MARGIN, table->note, "DejaVu Sans 8", PANGO_ALIGN_LEFT);
        paper->y += LINE_HEIGHT;
    }
    for (size_t c = 0; c < table->column_count; c++)
        put(paper, paper->left[c], paper->left[c + 1] - paper->left[c] - 6, text_of(table->columns[c].title),
            "DejaVu Sans Bold 8", table->columns[c].number ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    paper->y += LINE_HEIGHT + 2;
}

static void row_put(struct paper *paper, size_t row)
{
    const struct report_table *table = paper->table;
    for (size_t c = 0; c < table->column_count; c++) {
        struct text cell = table->cells[row * table->column_count + c];
        char money[MONEY_TEXT_SIZE];
        int64_t amount;
        if (table->columns[c].number && text_to_int64(cell, &amount)) {
            money_format(amount, money);
            cell = text_of(money);
        }
        put(paper, paper->left[c], paper->left[c + 1] - paper->left[c] - 6, cell, "DejaVu Sans 8",
            table->columns[c].number ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    }
    paper->y += LINE_HEIGHT;
}

static cairo_status_t collect(void *with, const unsigned char *bytes, unsigned length)
{
    buf_put(with, bytes, length);
    return CAIRO_STATUS_SUCCESS;
}

static void columns_lay(struct paper *paper)
{
    double units = 0, at = MARGIN;
    for (size_t c = 0; c < paper->table->column_count; c++)
        units += paper->table->columns[c].number ? 2 : 4;
    for (size_t c = 0; c < paper->table->column_count; c++) {
        paper->left[c] = at;
        at += (PAGE_WIDTH - 2 * MARGIN) * (paper->table->columns[c].number ? 2 : 4) / units;
    }
    paper->left[paper->table->column_count] = at;
}

enum err report_table_pdf(const struct report_table *table, struct arena *arena, struct text *ret_bytes)
{
    struct buf bytes = {0};
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(collect, &bytes, PAGE_WIDTH, PAGE_HEIGHT);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, arena_copy(arena, table->title));
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                   "2026-01-01T00:00:00Z"); /* same report, same bytes */
    struct paper paper = {.cairo = cairo_create(surface), .table = table};
    paper.layout = pango_cairo_create_layout(paper.cairo);
    pango_cairo_context_set_resolution(pango_layout_get_context(paper.layout), 72);
    columns_lay(&paper);
    page_begin(&paper);
    for (size_t r = 0; r < table->row_count && paper.page < PAGES_MAX; r++) {
        if (paper.y > PAGE_HEIGHT - MARGIN - LINE_HEIGHT) {
            cairo_show_page(paper.cairo);
            page_begin(&paper);
        }
        row_put(&paper, r);
    }
    g_object_unref(paper.layout);
    cairo_destroy(paper.cairo);
    cairo_surface_finish(surface);
    enum err err = cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS ? OK : ERR_IO;
    cairo_surface_destroy(surface);
    if (!err)
        *ret_bytes = arena_text(arena, buf_view(&bytes));
    buf_done(&bytes);
    return err;
}
