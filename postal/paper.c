#include "postal/paper.h"

#include <pango/pangocairo.h>
#include <stdio.h>
#include <string.h>
#include <zint.h>

#define FONT "Noto Serif, DejaVu Serif"

enum { TOP = 42, BOTTOM = 50, CELL = 4, BARCODE_MAX = 40 };

static cairo_status_t write_bytes(void *with, const unsigned char *data, unsigned length)
{
    buf_put(with, data, length);
    return CAIRO_STATUS_SUCCESS;
}

static void foot_put(struct paper *paper)
{
    char number[24];
    double y = paper->y;
    paper->y = PAPER_HEIGHT - BOTTOM + 18;
    paper_put(paper, PAPER_LEFT, PAPER_INNER - 60, 8, FACE_ITALIC, SIDE_LEFT, text_of(paper->foot));
    snprintf(number, sizeof number, "Trang %d", paper->sheet);
    paper_put(paper, PAPER_LEFT, PAPER_INNER, 8, FACE_PLAIN, SIDE_RIGHT, text_of(number));
    paper->y = y;
}

void paper_open(struct paper *paper, const char *title, instant_us at, const char *foot)
{
    char made[INSTANT_TEXT_SIZE];
    *paper = (struct paper){.y = TOP, .sheet = 1, .foot = foot};
    instant_format(at, made);
    paper->surface = cairo_pdf_surface_create_for_stream(write_bytes, &paper->pdf, PAPER_WIDTH, PAPER_HEIGHT);
    cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_CREATOR, "lephi");
    cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_CREATE_DATE, made);
    paper->cairo = cairo_create(paper->surface);
    cairo_set_line_width(paper->cairo, 0.6);
    paper->layout = pango_cairo_create_layout(paper->cairo);
    pango_cairo_context_set_resolution(pango_layout_get_context(paper->layout), 72);
    pango_layout_context_changed(paper->layout);
}

enum err paper_close(struct paper *paper, struct buf *out)
{
    foot_put(paper);
    bool drawn = cairo_status(paper->cairo) == CAIRO_STATUS_SUCCESS;
    g_object_unref(paper->layout);
    cairo_destroy(paper->cairo);
    cairo_surface_finish(paper->surface);
    drawn = drawn && cairo_surface_status(paper->surface) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(paper->surface);
    if (drawn)
        buf_text(out, buf_view(&paper->pdf));
    buf_done(&paper->pdf);
    return drawn ? OK : ERR_INTERNAL;
}

static double set(struct paper *paper, double width, double size, enum face face, enum side side, struct text text)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, FONT);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, face == FACE_BOLD ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_style(font, face == FACE_ITALIC ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    pango_layout_set_font_description(paper->layout, font);
    pango_font_description_free(font);
    pango_layout_set_width(paper->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(paper->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(paper->layout, side == SIDE_LEFT     ? PANGO_ALIGN_LEFT
                                              : side == SIDE_CENTRE ? PANGO_ALIGN_CENTER
                                                                    : PANGO_ALIGN_RIGHT);
    pango_layout_set_text(paper->layout, text.length ? text.at : "", (int)text.length);
    int height;
    pango_layout_get_size(paper->layout, NULL, &height);
    return (double)height / PANGO_SCALE;
}

double paper_put(struct paper *paper, double x, double width, double size, enum face face, enum side side,
                 struct text text)
{
    double height = set(paper, width, size, face, side, text);
    cairo_move_to(paper->cairo, x, paper->y);
    pango_cairo_show_layout(paper->cairo, paper->layout);
    return height;
}

void paper_need(struct paper *paper, double height)
{
    if (paper->y + height <= PAPER_HEIGHT - BOTTOM)
        return;
    foot_put(paper);
    cairo_show_page(paper->cairo);
    paper->sheet++;
    paper->y = TOP;
}

void paper_line(struct paper *paper, double size, enum face face, enum side side, struct text text)
{
    double height = set(paper, PAPER_INNER, size, face, side, text);
    paper_need(paper, height);
    paper->y += paper_put(paper, PAPER_LEFT, PAPER_INNER, size, face, side, text) + 3;
}

void paper_field(struct paper *paper, const char *label, struct text value)
{
    struct buf line = {0};
    buf_printf(&line, "%s: ", label);
    buf_text(&line, value.length ? value : TEXT("......................................................"));
    paper_line(paper, 11.5, FACE_PLAIN, SIDE_LEFT, buf_view(&line));
    buf_done(&line);
}

static void rule(struct paper *paper, double x1, double x2, double y)
{
    cairo_move_to(paper->cairo, x1, y);
    cairo_line_to(paper->cairo, x2, y);
    cairo_stroke(paper->cairo);
}

void paper_head(struct paper *paper, const char *above, struct text issuer)
{
    const double left = PAPER_INNER * 0.42, right = PAPER_INNER - left;
    double y = paper->y, x = PAPER_LEFT + left;
    paper->y += paper_put(paper, PAPER_LEFT, left, 11, FACE_PLAIN, SIDE_CENTRE, text_of(above));
    paper->y += paper_put(paper, PAPER_LEFT, left, 11, FACE_BOLD, SIDE_CENTRE, issuer) + 2;
    rule(paper, PAPER_LEFT + left / 2 - 30, PAPER_LEFT + left / 2 + 30, paper->y);
    double low = paper->y;
    paper->y = y;
    paper->y += paper_put(paper, x, right, 11, FACE_BOLD, SIDE_CENTRE, TEXT("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"));
    paper->y += paper_put(paper, x, right, 12, FACE_BOLD, SIDE_CENTRE, TEXT("Độc lập - Tự do - Hạnh phúc")) + 2;
    rule(paper, x + right / 2 - 76, x + right / 2 + 76, paper->y);
    paper->y = (low > paper->y ? low : paper->y) + 16;
}

static void box(struct paper *paper, const struct paper_table *table, double height)
{
    double x = PAPER_LEFT;
    for (size_t i = 0; i < table->columns; i++) {
        cairo_rectangle(paper->cairo, x, paper->y, PAPER_INNER * table->list[i].share, height);
        x += PAPER_INNER * table->list[i].share;
    }
    cairo_stroke(paper->cairo);
    paper->y += height;
}

static double row_height(struct paper *paper, const struct paper_table *table, const struct text *cells, enum face face)
{
    double highest = 0;
    for (size_t i = 0; i < table->columns; i++) {
        double height = set(paper, PAPER_INNER * table->list[i].share - 2 * CELL, 10.5, face, SIDE_LEFT, cells[i]);
        highest = height > highest ? height : highest;
    }
    return highest + 2 * CELL;
}

static void row_put(struct paper *paper, const struct paper_table *table, const struct text *cells, enum face face,
                    int barcode, double height)
{
    double x = PAPER_LEFT, top = paper->y;
    for (size_t i = 0; i < table->columns; i++) {
        double width = PAPER_INNER * table->list[i].share;
        paper->y = top + CELL;
        if ((int)i == barcode)
            paper_barcode(paper, x + 2, width - 4, 22, cells[i]);
        else
            paper_put(paper, x + CELL, width - 2 * CELL, 10.5, face,
                      face == FACE_BOLD ? SIDE_CENTRE : table->list[i].side, cells[i]);
        x += width;
    }
    paper->y = top;
    box(paper, table, height);
}

void paper_table_head(struct paper *paper, const struct paper_table *table)
{
    struct text titles[PAPER_COLUMNS_MAX];
    for (size_t i = 0; i < table->columns; i++)
        titles[i] = text_of(table->list[i].title);
    double height = row_height(paper, table, titles, FACE_BOLD);
    paper_need(paper, height + 60);
    row_put(paper, table, titles, FACE_BOLD, -1, height);
}

void paper_table_row(struct paper *paper, const struct paper_table *table, const struct text *cells, int barcode)
{
    double height = row_height(paper, table, cells, FACE_PLAIN);
    if (barcode >= 0 && height < 46)
        height = 46;
    if (paper->y + height > PAPER_HEIGHT - BOTTOM) { /* a new sheet repeats the head of the table */
        paper_need(paper, height);
        paper_table_head(paper, table);
    }
    row_put(paper, table, cells, FACE_PLAIN, barcode, height);
}

/* ISO/IEC 15417: ten modules of quiet zone on either side. */
static void bars_put(struct paper *paper, const struct zint_symbol *symbol, double x, double width, double height)
{
    double module = width / (symbol->width + 20);
    for (int i = 0; i < symbol->width; i++)
        if (symbol->encoded_data[0][i / 8] >> (i % 8) & 1)
            cairo_rectangle(paper->cairo, x + (i + 10) * module, paper->y, module, height);
    cairo_set_antialias(paper->cairo, CAIRO_ANTIALIAS_NONE);
    cairo_fill(paper->cairo);
    cairo_set_antialias(paper->cairo, CAIRO_ANTIALIAS_DEFAULT);
}

double paper_barcode(struct paper *paper, double x, double width, double height, struct text text)
{
    unsigned char bytes[BARCODE_MAX + 1] = "";
    double y = paper->y;
    if (text.length && text.length <= BARCODE_MAX) {
        struct zint_symbol *symbol = ZBarcode_Create();
        memcpy(bytes, text.at, text.length);
        if (symbol) {
            symbol->symbology = BARCODE_CODE128;
            if (ZBarcode_Encode(symbol, bytes, (int)text.length) < ZINT_ERROR)
                bars_put(paper, symbol, x, width, height);
            ZBarcode_Delete(symbol);
        }
        paper->y += height + 1;
    }
    double below = paper_put(paper, x, width, 9.5, FACE_PLAIN, SIDE_CENTRE, text);
    below += paper->y - y;
    paper->y = y;
    return below;
}

void paper_signers(struct paper *paper, const struct paper_signer signers[2])
{
    const double half = PAPER_INNER / 2;
    char when[INSTANT_TEXT_SIZE + 24], at[INSTANT_TEXT_SIZE];
    double low = 0;
    paper_need(paper, 120);
    double top = paper->y;
    for (int i = 0; i < 2; i++) {
        double x = PAPER_LEFT + i * half;
        paper->y = top;
        paper->y += paper_put(paper, x, half, 11.5, FACE_BOLD, SIDE_CENTRE, text_of(signers[i].role));
        paper->y += paper_put(paper, x, half, 10.5, FACE_ITALIC, SIDE_CENTRE, TEXT("(ký, ghi rõ họ tên)")) + 50;
        if (signers[i].name.length) {
            paper->y += paper_put(paper, x, half, 11.5, FACE_BOLD, SIDE_CENTRE, signers[i].name);
            paper->y += paper_put(paper, x, half, 10, FACE_PLAIN, SIDE_CENTRE, signers[i].title);
            instant_format_vi(signers[i].at, at);
            snprintf(when, sizeof when, "Đã ký lúc %s", at);
            paper->y += paper_put(paper, x, half, 10, FACE_ITALIC, SIDE_CENTRE, text_of(when));
        }
        low = paper->y > low ? paper->y : low;
    }
    paper->y = low + 6;
}
