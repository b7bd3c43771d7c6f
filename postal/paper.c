#include "postal/paper.h"

#include <stdio.h>
#include <string.h>
#include <zint.h>

#define FONTS "Noto Serif, DejaVu Serif"

enum { TOP = 42, BOTTOM = 50, CELL = 4, BARCODE_MAX = 40 };

static void foot_put(struct paper *paper)
{
    char number[24];
    double y = paper->page.y;
    paper->page.y = PAPER_HEIGHT - BOTTOM + 18;
    paper_put(paper, PAPER_LEFT, PAPER_INNER - 60, 8, ITALIC, LEFT, text_of(paper->foot));
    snprintf(number, sizeof number, "Trang %d", paper->sheet);
    paper_put(paper, PAPER_LEFT, PAPER_INNER, 8, REGULAR, RIGHT, text_of(number));
    paper->page.y = y;
}

void paper_open(struct paper *paper, const char *title, instant_us at, const char *foot)
{
    char made[INSTANT_TEXT_SIZE];
    *paper = (struct paper){.sheet = 1, .foot = foot};
    instant_format(at, made);
    paper->surface = page_pdf_begin(PAPER_WIDTH, PAPER_HEIGHT, &paper->pdf);
    cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_CREATOR, "lephi");
    cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_CREATE_DATE, made);
    page_open(paper->surface, PAPER_WIDTH, PAPER_HEIGHT, TOP, 11.5, &paper->page);
    paper->page.fonts = FONTS;
}

enum err paper_close(struct paper *paper, struct buf *out)
{
    foot_put(paper);
    bool drawn = page_close(&paper->page), written = page_pdf_end(paper->surface);
    if (drawn && written)
        buf_text(out, buf_view(&paper->pdf));
    buf_done(&paper->pdf);
    return drawn && written ? OK : ERR_INTERNAL;
}

double paper_put(struct paper *paper, double x, double width, double size, enum weight weight, enum align align,
                 struct text text)
{
    return page_text(&paper->page, x, width, size, weight, align, text);
}

void paper_need(struct paper *paper, double height)
{
    if (paper->page.y + height <= PAPER_HEIGHT - BOTTOM)
        return;
    foot_put(paper);
    cairo_show_page(paper->page.cairo);
    paper->sheet++;
    paper->page.y = TOP;
}

void paper_line(struct paper *paper, double size, enum weight weight, enum align align, struct text text)
{
    double height = page_measure(&paper->page, PAPER_INNER, size, weight, align, text);
    paper_need(paper, height);
    paper->page.y += paper_put(paper, PAPER_LEFT, PAPER_INNER, size, weight, align, text) + 3;
}

void paper_field(struct paper *paper, const char *label, struct text value)
{
    struct buf line = {0};
    buf_printf(&line, "%s: ", label);
    buf_text(&line, value.length ? value : TEXT("......................................................"));
    paper_line(paper, paper->page.size, REGULAR, LEFT, buf_view(&line));
    buf_done(&line);
}

void paper_head(struct paper *paper, const char *above, struct text issuer)
{
    const double left = PAPER_INNER * 0.42, right = PAPER_INNER - left;
    double y = paper->page.y, x = PAPER_LEFT + left;
    paper->page.y += paper_put(paper, PAPER_LEFT, left, 11, REGULAR, CENTRE, text_of(above));
    paper->page.y += paper_put(paper, PAPER_LEFT, left, 11, BOLD, CENTRE, issuer) + 2;
    page_rule(&paper->page, PAPER_LEFT + left / 2 - 30, paper->page.y, PAPER_LEFT + left / 2 + 30, paper->page.y);
    double low = paper->page.y;
    paper->page.y = y;
    paper->page.y += paper_put(paper, x, right, 11, BOLD, CENTRE, TEXT("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"));
    paper->page.y += paper_put(paper, x, right, 12, BOLD, CENTRE, TEXT("Độc lập - Tự do - Hạnh phúc")) + 2;
    page_rule(&paper->page, x + right / 2 - 76, paper->page.y, x + right / 2 + 76, paper->page.y);
    paper->page.y = (low > paper->page.y ? low : paper->page.y) + 16;
}

static void box(struct paper *paper, const struct paper_table *table, double height)
{
    double x = PAPER_LEFT;
    for (size_t i = 0; i < table->columns; i++) {
        cairo_rectangle(paper->page.cairo, x, paper->page.y, PAPER_INNER * table->list[i].share, height);
        x += PAPER_INNER * table->list[i].share;
    }
    cairo_stroke(paper->page.cairo);
    paper->page.y += height;
}

static double row_height(struct paper *paper, const struct paper_table *table, const struct text *cells,
                         enum weight weight)
{
    double highest = 0;
    for (size_t i = 0; i < table->columns; i++) {
        double height =
            page_measure(&paper->page, PAPER_INNER * table->list[i].share - 2 * CELL, 10.5, weight, LEFT, cells[i]);
        highest = height > highest ? height : highest;
    }
    return highest + 2 * CELL;
}

static void row_put(struct paper *paper, const struct paper_table *table, const struct text *cells, enum weight weight,
                    int barcode, double height)
{
    double x = PAPER_LEFT, top = paper->page.y;
    for (size_t i = 0; i < table->columns; i++) {
        double width = PAPER_INNER * table->list[i].share;
        paper->page.y = top + CELL;
        if ((int)i == barcode)
            paper_barcode(paper, x + 2, width - 4, 22, cells[i]);
        else
            paper_put(paper, x + CELL, width - 2 * CELL, 10.5, weight, weight == BOLD ? CENTRE : table->list[i].align,
                      cells[i]);
        x += width;
    }
    paper->page.y = top;
    box(paper, table, height);
}

void paper_table_head(struct paper *paper, const struct paper_table *table)
{
    struct text titles[PAPER_COLUMNS_MAX];
    for (size_t i = 0; i < table->columns; i++)
        titles[i] = text_of(table->list[i].title);
    double height = row_height(paper, table, titles, BOLD);
    paper_need(paper, height + 60);
    row_put(paper, table, titles, BOLD, -1, height);
}

void paper_table_row(struct paper *paper, const struct paper_table *table, const struct text *cells, int barcode)
{
    double height = row_height(paper, table, cells, REGULAR);
    if (barcode >= 0 && height < 46)
        height = 46;
    if (paper->page.y + height > PAPER_HEIGHT - BOTTOM) { /* a new sheet repeats the head of the table */
        paper_need(paper, height);
        paper_table_head(paper, table);
    }
    row_put(paper, table, cells, REGULAR, barcode, height);
}

/* ISO/IEC 15417: ten modules of quiet zone on either align. */
static void bars_put(struct paper *paper, const struct zint_symbol *symbol, double x, double width, double height)
{
    double module = width / (symbol->width + 20);
    for (int i = 0; i < symbol->width; i++)
        if (symbol->encoded_data[0][i / 8] >> (i % 8) & 1)
            cairo_rectangle(paper->page.cairo, x + (i + 10) * module, paper->page.y, module, height);
    cairo_set_antialias(paper->page.cairo, CAIRO_ANTIALIAS_NONE);
    cairo_fill(paper->page.cairo);
    cairo_set_antialias(paper->page.cairo, CAIRO_ANTIALIAS_DEFAULT);
}

double paper_barcode(struct paper *paper, double x, double width, double height, struct text text)
{
    unsigned char bytes[BARCODE_MAX + 1] = "";
    double y = paper->page.y;
    if (text.length && text.length <= BARCODE_MAX) {
        struct zint_symbol *symbol = ZBarcode_Create();
        memcpy(bytes, text.at, text.length);
        if (symbol) {
            symbol->symbology = BARCODE_CODE128;
            if (ZBarcode_Encode(symbol, bytes, (int)text.length) < ZINT_ERROR)
                bars_put(paper, symbol, x, width, height);
            ZBarcode_Delete(symbol);
        }
        paper->page.y += height + 1;
    }
    double below = paper_put(paper, x, width, 9.5, REGULAR, CENTRE, text);
    below += paper->page.y - y;
    paper->page.y = y;
    return below;
}

void paper_signers(struct paper *paper, const struct paper_signer signers[2])
{
    const double half = PAPER_INNER / 2;
    char when[INSTANT_TEXT_SIZE + 24], at[INSTANT_TEXT_SIZE];
    double low = 0;
    paper_need(paper, 120);
    double top = paper->page.y;
    for (int i = 0; i < 2; i++) {
        double x = PAPER_LEFT + i * half;
        paper->page.y = top;
        paper->page.y += paper_put(paper, x, half, 11.5, BOLD, CENTRE, text_of(signers[i].role));
        paper->page.y += paper_put(paper, x, half, 10.5, ITALIC, CENTRE, TEXT("(ký, ghi rõ họ tên)")) + 50;
        if (signers[i].name.length) {
            paper->page.y += paper_put(paper, x, half, 11.5, BOLD, CENTRE, signers[i].name);
            paper->page.y += paper_put(paper, x, half, 10, REGULAR, CENTRE, signers[i].title);
            instant_format_vi(signers[i].at, at);
            snprintf(when, sizeof when, "Đã ký lúc %s", at);
            paper->page.y += paper_put(paper, x, half, 10, ITALIC, CENTRE, text_of(when));
        }
        low = paper->page.y > low ? paper->page.y : low;
    }
    paper->page.y = low + 6;
}
