/* The receipt on paper: form 01/PLPĐT (TT 91/2026/TT-BTC appendix V, for reference) by Cairo and Pango.
 *
 * Lengths in points (1/72 inch), Pango at 72 dpi so that its points are ours. Fonts are embedded as subsets. */
#include "receipts/pdf.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include "receipts/profile.h"
#include "receipts/qr.h"
#include "receipts/receipts.h"

#define PAGE_WIDTH  595.28
#define PAGE_HEIGHT 841.89
#define MARGIN      48.0
#define INNER       (PAGE_WIDTH - 2 * MARGIN)
#define FONT        "Noto Sans, DejaVu Sans"
#define LINE_WIDTH  0.6

enum weight { REGULAR, BOLD }; /* two faces: each embedded subset weighs 15 KB */
enum align { LEFT, CENTRE, RIGHT };

struct page {
    cairo_t *cairo;
    PangoLayout *layout;
    double y;
};

static cairo_status_t write_bytes(void *with, const unsigned char *bytes, unsigned int length)
{
    buf_put(with, bytes, length);
    return CAIRO_STATUS_SUCCESS;
}

/* Sets one paragraph at (x, page->y), `width` wide; returns its height and does not move. */
static double measure(struct page *page, double width, double size, enum weight weight, enum align align,
                      struct text text)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, FONT);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, weight == BOLD ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
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

static double set_text(struct page *page, double x, double width, double size, enum weight weight, enum align align,
                       struct text text)
{
    double height = measure(page, width, size, weight, align, text);
    cairo_move_to(page->cairo, x, page->y);
    pango_cairo_show_layout(page->cairo, page->layout);
    return height;
}

static void paragraph(struct page *page, double size, enum weight weight, enum align align, const char *text)
{
    page->y += set_text(page, MARGIN, INNER, size, weight, align, text_of(text)) + 2;
}

static void need(struct page *page, double height)
{
    if (page->y + height <= PAGE_HEIGHT - MARGIN)
        return;
    cairo_show_page(page->cairo);
    page->y = MARGIN;
}

/* "Label: value" over the whole width or a part of it; nothing when the value is empty. */
static void labelled(struct page *page, double x, double width, const char *label, struct text value)
{
    if (!value.length)
        return;
    double label_width = 0;
    measure(page, width, 10, REGULAR, LEFT, text_of(label));
    int pixels;
    pango_layout_get_size(page->layout, &pixels, NULL);
    label_width = (double)pixels / PANGO_SCALE + 4;
    need(page, 16);
    set_text(page, x, width, 10, REGULAR, LEFT, text_of(label));
    page->y += set_text(page, x + label_width, width - label_width, 10, BOLD, LEFT, value) + 2;
}

static void rule(struct page *page, double x1, double y1, double x2, double y2)
{
    cairo_move_to(page->cairo, x1, y1);
    cairo_line_to(page->cairo, x2, y2);
    cairo_stroke(page->cairo);
}

static void put_head(struct page *page, const struct receipt_document *document)
{
    const double right_width = 150, left_width = INNER - right_width - 12;
    char number[64];
    double top = page->y;
    page->y += set_text(page, MARGIN, left_width, 11, BOLD, LEFT, document->collector.name) + 2;
    labelled(page, MARGIN, left_width, "Mã số thuế:", document->collector.tax_code);
    labelled(page, MARGIN, left_width, "Địa chỉ:", document->collector.address);
    labelled(page, MARGIN, left_width, "Điện thoại:", document->collector.phone);
    labelled(page, MARGIN, left_width, "Số tài khoản:", document->collector.account);
    labelled(page, MARGIN, left_width, "Đơn vị được ủy nhiệm lập:", document->delegate.name);
    labelled(page, MARGIN, left_width, "Mã số thuế:", document->delegate.tax_code);
    labelled(page, MARGIN, left_width, "Địa chỉ:", document->delegate.address);
    double below = page->y;
    page->y = top;
    double x = PAGE_WIDTH - MARGIN - right_width;
    labelled(page, x, right_width, "Mẫu số:", document->form);
    labelled(page, x, right_width, "Ký hiệu:", document->symbol);
    snprintf(number, sizeof number, "%lld", (long long)document->number);
    labelled(page, x, right_width, "Số:", text_of(number));
    page->y = (page->y > below ? page->y : below) + 14;

    struct civil day = civil_of_date(document->issued_on);
    char line[96];
    paragraph(page, 16, BOLD, CENTRE, "BIÊN LAI THU PHÍ, LỆ PHÍ");
    paragraph(page, 9, REGULAR, CENTRE, "(Bản thể hiện của biên lai điện tử – Fee receipt)");
    snprintf(line, sizeof line, "Ngày %02d tháng %02d năm %04d", day.day, day.month, day.year);
    paragraph(page, 10, REGULAR, CENTRE, line);
    page->y += 10;
}

static void put_payer(struct page *page, const struct receipt_document *document)
{
    const struct receipt_party *payer = &document->payer;
    labelled(page, MARGIN, INNER, "Tên người nộp:", payer->name);
    labelled(page, MARGIN, INNER, "Mã số thuế:", payer->tax_code);
    labelled(page, MARGIN, INNER, "Số định danh:", payer->id_number);
    labelled(page, MARGIN, INNER, "Số hộ chiếu:", payer->passport);
    labelled(page, MARGIN, INNER, "Địa chỉ:", payer->address);
    labelled(page, MARGIN, INNER, "Số tài khoản:", payer->account);
    labelled(page, MARGIN, INNER, "Mã hồ sơ:", document->dossier);
    labelled(page, MARGIN, INNER, "Người có hồ sơ:", document->applicant);
    labelled(page, MARGIN, INNER, "Mã thanh toán:", document->reference);
    if (document->replaces.issued_on != DATE_NONE) {
        char line[512], day[DATE_TEXT_SIZE];
        date_format_vi(document->replaces.issued_on, day);
        snprintf(line, sizeof line, "mẫu số %.*s, ký hiệu %.*s, số %.*s, ngày %s (%.*s)",
                 TEXT_ARGS(document->replaces.form), TEXT_ARGS(document->replaces.symbol),
                 TEXT_ARGS(document->replaces.number), day, TEXT_ARGS(document->replaces.reason));
        labelled(page, MARGIN, INNER, "Thay thế biên lai:", text_of(line));
    }
    page->y += 6;
}

static const double columns[] = {0, 30, 300, 385, INNER}; /* STT, name, quantity, amount; left edges and the end */

static void put_row(struct page *page, enum weight weight, const struct text cells[4])
{
    static const enum align aligns[] = {CENTRE, LEFT, CENTRE, RIGHT};
    double height = 0;
    for (int i = 0; i < 4; i++) {
        double cell = measure(page, columns[i + 1] - columns[i] - 8, 10, weight, LEFT, cells[i]);
        height = cell > height ? cell : height;
    }
    height += 6;
    need(page, height);
    double top = page->y;
    page->y += 3;
    for (int i = 0; i < 4; i++)
        set_text(page, MARGIN + columns[i] + 4, columns[i + 1] - columns[i] - 8, 10, weight, aligns[i], cells[i]);
    page->y = top + height;
    for (int i = 0; i < 5; i++)
        rule(page, MARGIN + columns[i], top, MARGIN + columns[i], page->y);
    rule(page, MARGIN, top, MARGIN + INNER, top);
    rule(page, MARGIN, page->y, MARGIN + INNER, page->y);
}

static void put_lines(struct page *page, const struct receipt_document *document)
{
    char ordinal[16], amount[MONEY_TEXT_SIZE];
    const struct text head[4] = {TEXT("STT"), TEXT("Tên khoản phí, lệ phí"), TEXT("Số lượng"), TEXT("Số tiền (đồng)")};
    put_row(page, BOLD, head);
    for (size_t i = 0; i < document->line_count; i++) {
        snprintf(ordinal, sizeof ordinal, "%zu", i + 1);
        money_format(document->lines[i].amount, amount);
        const struct text cells[4] = {text_of(ordinal), document->lines[i].name, document->lines[i].quantity,
                                      text_of(amount)};
        put_row(page, REGULAR, cells);
    }
    money_format(document->total, amount);
    const struct text total[4] = {TEXT(""), TEXT("Tổng cộng"), TEXT(""), text_of(amount)};
    put_row(page, BOLD, total);
    page->y += 8;
}

static void put_payment(struct page *page, const struct receipt_document *document)
{
    char amount[MONEY_TEXT_SIZE], line[64], words[RECEIPT_WORDS_SIZE], day[DATE_TEXT_SIZE];
    money_format(document->total, amount);
    snprintf(line, sizeof line, "%s đồng", amount);
    labelled(page, MARGIN, INNER, "Số tiền:", text_of(line));
    receipt_amount_in_words(document->total, words);
    labelled(page, MARGIN, INNER, "Bằng chữ:", text_of(words));
    labelled(page, MARGIN, INNER, "Hình thức thanh toán:", text_of(receipt_method_vi(document->method)));
    date_format_vi(document->collected_on, day);
    labelled(page, MARGIN, INNER, "Ngày thu tiền:", text_of(day));
    page->y += 10;
}

static void put_dark(void *with, int x, int y, int length)
{
    cairo_rectangle(with, x, y, length, 1);
}

/* On the left the code to check the receipt with, on the right who signed it (NĐ 254/2026 art. 23.2 g, 24.5). */
static void put_foot(struct page *page, const struct receipt_verdict *verdict, const char *link)
{
    const double qr_side = 92, box_width = 250;
    need(page, qr_side + 30);
    double top = page->y;
    if (link) {
        struct qr *qr = memory_new(sizeof *qr);
        qr_make(link, qr);
        if (qr->side) {
            cairo_save(page->cairo);
            cairo_translate(page->cairo, MARGIN, top);
            cairo_scale(page->cairo, qr_side / qr->side, qr_side / qr->side);
            qr_runs(qr, put_dark, page->cairo);
            cairo_fill(page->cairo);
            cairo_restore(page->cairo);
        }
        free(qr);
        page->y = top + qr_side + 4;
        set_text(page, MARGIN, INNER - box_width - 10, 8, REGULAR, LEFT, text_of("Quét mã để kiểm tra biên lai"));
        page->y += 11;
        set_text(page, MARGIN, INNER - box_width - 10, 7, REGULAR, LEFT, text_of(link));
    }
    double x = PAGE_WIDTH - MARGIN - box_width;
    char at[INSTANT_TEXT_SIZE];
    struct civil t = civil_of(verdict->signed_at);
    snprintf(at, sizeof at, "%02d-%02d-%04d", t.day, t.month, t.year);
    page->y = top;
    page->y += set_text(page, x, box_width, 10, BOLD, CENTRE, TEXT("ĐƠN VỊ THU PHÍ, LỆ PHÍ")) + 2;
    page->y += set_text(page, x, box_width, 9, REGULAR, CENTRE, TEXT("(Chữ ký số)")) + 6;
    double box_top = page->y;
    page->y += 6;
    page->y += set_text(page, x + 8, box_width - 16, 9, REGULAR, LEFT, TEXT("Ký bởi:")) + 1;
    page->y += set_text(page, x + 8, box_width - 16, 9, BOLD, LEFT, verdict->signer_name) + 1;
    char line[96];
    snprintf(line, sizeof line, "Ngày ký: %s", at);
    page->y += set_text(page, x + 8, box_width - 16, 9, REGULAR, LEFT, text_of(line)) + 6;
    cairo_rectangle(page->cairo, x, box_top, box_width, page->y - box_top);
    cairo_stroke(page->cairo);
}

static void set_metadata(cairo_surface_t *surface, const struct receipt_verdict *verdict)
{
    char title[160], at[INSTANT_TEXT_SIZE];
    snprintf(title, sizeof title, RECEIPT_TITLE " %.*s %.*s %lld", TEXT_ARGS(verdict->document.form),
             TEXT_ARGS(verdict->document.symbol), (long long)verdict->document.number);
    instant_format(verdict->signed_at, at);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "lephi");
    /* The same receipt gives the same bytes, whenever it is printed. */
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, at);
}

enum err receipt_pdf(const struct receipt_verdict *verdict, struct text signed_xml, const char *link, struct buf *out)
{
    struct buf pdf = {0};
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(write_bytes, &pdf, PAGE_WIDTH, PAGE_HEIGHT);
    set_metadata(surface, verdict);
    struct page page = {.cairo = cairo_create(surface), .y = MARGIN};
    page.layout = pango_cairo_create_layout(page.cairo);
    pango_cairo_context_set_resolution(pango_layout_get_context(page.layout), 72);
    pango_layout_context_changed(page.layout);
    cairo_set_line_width(page.cairo, LINE_WIDTH);
    put_head(&page, &verdict->document);
    put_payer(&page, &verdict->document);
    put_lines(&page, &verdict->document);
    put_payment(&page, &verdict->document);
    put_foot(&page, verdict, link);
    g_object_unref(page.layout);
    bool drawn = cairo_status(page.cairo) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(page.cairo);
    cairo_surface_finish(surface);
    drawn = drawn && cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
    char name[64];
    snprintf(name, sizeof name, "bien-lai-%.*s-%lld.xml", TEXT_ARGS(verdict->document.symbol),
             (long long)verdict->document.number);
    enum err err = drawn ? pdf_attach(&pdf, name, signed_xml) : ERR_INTERNAL;
    if (!err)
        buf_text(out, buf_view(&pdf));
    buf_done(&pdf);
    return err;
}
