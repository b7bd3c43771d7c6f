/* Labels of 100 × 150 mm with Code 128 bars drawn from the symbol table of ISO/IEC 15417. */
#include "tests/sandbox/sandbox.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <string.h>
#include "core/base/money.h"

/* Widths of bars and spaces, values 0 to 105; stop is apart. */
static const char *const code128[] = {
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232"};

enum { START_B = 104, WIDTH_PT = 283, HEIGHT_PT = 425 };

static double bars(cairo_t *cr, double x, double y, double module, const char *widths)
{
    for (int i = 0; widths[i]; i++) {
        double width = (widths[i] - '0') * module;
        if (i % 2 == 0) {
            cairo_rectangle(cr, x, y, width, 54);
            cairo_fill(cr);
        }
        x += width;
    }
    return x;
}

static void barcode(cairo_t *cr, double x, double y, const char *text)
{
    int sum = START_B;
    x = bars(cr, x, y, 1.2, code128[START_B]);
    for (int i = 0; text[i]; i++) {
        int value = (unsigned char)text[i] - ' ';
        if (value < 0 || value > 94)
            return;
        sum += value * (i + 1);
        x = bars(cr, x, y, 1.2, code128[value]);
    }
    x = bars(cr, x, y, 1.2, code128[sum % 103]);
    bars(cr, x, y, 1.2, "2331112");
}

static double line(cairo_t *cr, double y, const char *font, const char *text)
{
    PangoLayout *layout = pango_cairo_create_layout(cr);
    PangoFontDescription *description = pango_font_description_from_string(font);
    int height = 0;
    pango_layout_set_font_description(layout, description);
    pango_layout_set_width(layout, (WIDTH_PT - 32) * PANGO_SCALE);
    pango_layout_set_text(layout, text, -1);
    cairo_move_to(cr, 16, y);
    pango_cairo_show_layout(cr, layout);
    pango_layout_get_pixel_size(layout, NULL, &height);
    pango_font_description_free(description);
    g_object_unref(layout);
    return y + height + 4;
}

static cairo_status_t collect(void *with, const unsigned char *data, unsigned length)
{
    buf_put(with, data, length);
    return CAIRO_STATUS_SUCCESS;
}

void post_label_pdf(const struct label *labels, size_t count, struct buf *out)
{
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(collect, out, WIDTH_PT, HEIGHT_PT);
    cairo_t *cr = cairo_create(surface);
    for (size_t i = 0; i < count; i++) {
        const struct label *label = &labels[i];
        char text[256], money[MONEY_TEXT_SIZE];
        money_format(label->cod, money);
        double y = line(cr, 14, "Sans Bold 13", "PHIẾU GỬI (BƯU ĐIỆN GIẢ LẬP)");
        barcode(cr, 24, y + 4, label->item);
        y = line(cr, y + 64, "Monospace Bold 13", label->item);
        y = line(cr, y + 6, "Sans 9", "Người gửi / Sender");
        y = line(cr, y, "Sans Bold 11", label->sender);
        y = line(cr, y, "Sans 10", label->sender_address);
        y = line(cr, y + 6, "Sans 9", "Người nhận / Receiver");
        y = line(cr, y, "Sans Bold 12", label->receiver);
        y = line(cr, y, "Sans 10", label->receiver_phone);
        y = line(cr, y, "Sans 10", label->receiver_address);
        snprintf(text, sizeof text, "Khối lượng %lld g · Thu hộ %s đ", (long long)label->weight_g, money);
        y = line(cr, y + 6, "Sans 10", text);
        line(cr, y, "Sans 9", label->order);
        cairo_show_page(cr);
    }
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
}
