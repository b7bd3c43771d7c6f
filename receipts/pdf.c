/* The receipt on paper: form 01/PLPĐT (TT 91/2026/TT-BTC appendix V, for reference) by Cairo and Pango, as a sheet of
 * A4 and as a strip for an 80 mm printer. */
#include "receipts/pdf.h"

#include <stdio.h>
#include "receipts/pdf_roll.h"
#include "receipts/profile.h"

#define PAGE_WIDTH  595.28
#define PAGE_HEIGHT 841.89
#define MARGIN      48.0
#define INNER       (PAGE_WIDTH - 2 * MARGIN)
#define FOOT        24.0   /* of every sheet: what it is */
#define ROLL_WIDTH  226.77 /* 80 mm; printers leave 4 mm on each side */
#define ROLL_MARGIN 12.0
#define ROLL_SIZE   8.5

static void put_head(struct page *page, const struct receipt_document *document)
{
    const double right_width = 150, left_width = INNER - right_width - 12;
    char number[64];
    double top = page->y;
    page->y += page_text(page, MARGIN, left_width, 11, BOLD, LEFT, document->collector.name) + 2;
    page_labelled(page, MARGIN, left_width, "Mã số thuế:", document->collector.tax_code);
    page_labelled(page, MARGIN, left_width, "Địa chỉ:", document->collector.address);
    page_labelled(page, MARGIN, left_width, "Điện thoại:", document->collector.phone);
    page_labelled(page, MARGIN, left_width, "Số tài khoản:", document->collector.account);
    page_labelled(page, MARGIN, left_width, "Đơn vị được ủy nhiệm lập:", document->delegate.name);
    page_labelled(page, MARGIN, left_width, "Mã số thuế:", document->delegate.tax_code);
    page_labelled(page, MARGIN, left_width, "Địa chỉ:", document->delegate.address);
    double below = page->y;
    page->y = top;
    double x = PAGE_WIDTH - MARGIN - right_width;
    page_labelled(page, x, right_width, "Mẫu số:", document->form);
    page_labelled(page, x, right_width, "Ký hiệu:", document->symbol);
    snprintf(number, sizeof number, "%lld", (long long)document->number);
    cairo_set_source_rgb(page->cairo, 0.70, 0.08, 0.12); /* as on printed forms */
    page_labelled(page, x, right_width, "Số:", text_of(number));
    cairo_set_source_rgb(page->cairo, 0, 0, 0);
    page->y = (page->y > below ? page->y : below) + 14;

    struct civil day = civil_of_date(document->issued_on);
    char line[96];
    page_paragraph(page, 16, BOLD, CENTRE, "BIÊN LAI THU PHÍ, LỆ PHÍ");
    page_paragraph(page, 9, REGULAR, CENTRE, "(Bản thể hiện của biên lai điện tử – Fee receipt)");
    snprintf(line, sizeof line, "Ngày %02d tháng %02d năm %04d", day.day, day.month, day.year);
    page_paragraph(page, 10, REGULAR, CENTRE, line);
    page->y += 10;
}

static void put_payer(struct page *page, const struct receipt_document *document)
{
    const struct receipt_party *payer = &document->payer;
    page_labelled(page, MARGIN, INNER, "Tên người nộp:", payer->name);
    page_labelled(page, MARGIN, INNER, "Mã số thuế:", payer->tax_code);
    page_labelled(page, MARGIN, INNER, "Số định danh:", payer->id_number);
    page_labelled(page, MARGIN, INNER, "Số hộ chiếu:", payer->passport);
    page_labelled(page, MARGIN, INNER, "Địa chỉ:", payer->address);
    page_labelled(page, MARGIN, INNER, "Số tài khoản:", payer->account);
    page_labelled(page, MARGIN, INNER, "Mã hồ sơ:", document->dossier);
    page_labelled(page, MARGIN, INNER, "Người có hồ sơ:", document->applicant);
    page_labelled(page, MARGIN, INNER, "Mã thanh toán:", document->reference);
    if (document->replaces.issued_on != DATE_NONE) {
        char line[512], day[DATE_TEXT_SIZE];
        date_format_vi(document->replaces.issued_on, day);
        snprintf(line, sizeof line, "mẫu số %.*s, ký hiệu %.*s, số %.*s, ngày %s (%.*s)",
                 TEXT_ARGS(document->replaces.form), TEXT_ARGS(document->replaces.symbol),
                 TEXT_ARGS(document->replaces.number), day, TEXT_ARGS(document->replaces.reason));
        page_labelled(page, MARGIN, INNER, "Thay thế biên lai:", text_of(line));
    }
    page->y += 6;
}

static const double columns[] = {0, 30, 300, 385, INNER}; /* STT, name, quantity, amount; left edges and the end */

static void put_row(struct page *page, enum weight weight, const struct text cells[4])
{
    static const enum align aligns[] = {CENTRE, LEFT, CENTRE, RIGHT};
    double height = 0;
    for (int i = 0; i < 4; i++) {
        double cell = page_measure(page, columns[i + 1] - columns[i] - 8, 10, weight, LEFT, cells[i]);
        height = cell > height ? cell : height;
    }
    height += 6;
    page_need(page, height);
    double top = page->y;
    page->y += 3;
    for (int i = 0; i < 4; i++)
        page_text(page, MARGIN + columns[i] + 4, columns[i + 1] - columns[i] - 8, 10, weight, aligns[i], cells[i]);
    page->y = top + height;
    for (int i = 0; i < 5; i++)
        page_rule(page, MARGIN + columns[i], top, MARGIN + columns[i], page->y);
    page_rule(page, MARGIN, top, MARGIN + INNER, top);
    page_rule(page, MARGIN, page->y, MARGIN + INNER, page->y);
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
    page_labelled(page, MARGIN, INNER, "Số tiền:", text_of(line));
    receipt_amount_in_words(document->total, words);
    page_labelled(page, MARGIN, INNER, "Bằng chữ:", text_of(words));
    page_labelled(page, MARGIN, INNER, "Hình thức thanh toán:", text_of(receipt_method_vi(document->method)));
    date_format_vi(document->collected_on, day);
    page_labelled(page, MARGIN, INNER, "Ngày thu tiền:", text_of(day));
    page->y += 10;
}

/* A green frame with a tick, as readers know it from signed documents. */
static void put_seal(struct page *page, double x, double y, double width, double height)
{
    cairo_save(page->cairo);
    cairo_set_source_rgb(page->cairo, 0.10, 0.42, 0.24);
    cairo_set_line_width(page->cairo, 1.2);
    cairo_rectangle(page->cairo, x, y, width, height);
    cairo_stroke(page->cairo);
    cairo_set_line_width(page->cairo, 3);
    cairo_move_to(page->cairo, x + width - 30, y + height / 2);
    cairo_rel_line_to(page->cairo, 6, 7);
    cairo_rel_line_to(page->cairo, 13, -17);
    cairo_stroke(page->cairo);
    cairo_restore(page->cairo);
}

/* On the left the code to check the receipt with, on the right who signed it (NĐ 254/2026 art. 23.2 g, 24.5). */
static void put_foot(struct page *page, const struct receipt_verdict *verdict, const char *link)
{
    const double qr_side = 92, box_width = 250;
    page_need(page, qr_side + 30);
    double top = page->y;
    if (link) {
        page_qr(page, MARGIN, top, qr_side, link);
        page->y = top + qr_side + 4;
        page_text(page, MARGIN, INNER - box_width - 10, 8, REGULAR, LEFT, text_of("Quét mã để kiểm tra biên lai"));
        page->y += 11;
        page_text(page, MARGIN, INNER - box_width - 10, 7, REGULAR, LEFT, text_of(link));
    }
    double x = PAGE_WIDTH - MARGIN - box_width;
    char at[INSTANT_TEXT_SIZE];
    struct civil t = civil_of(verdict->signed_at);
    snprintf(at, sizeof at, "%02d-%02d-%04d", t.day, t.month, t.year);
    page->y = top;
    page->y += page_text(page, x, box_width, 10, BOLD, CENTRE, TEXT("ĐƠN VỊ THU PHÍ, LỆ PHÍ")) + 2;
    page->y += page_text(page, x, box_width, 9, REGULAR, CENTRE, TEXT("(Chữ ký số)")) + 6;
    double box_top = page->y;
    page->y += 6;
    page->y += page_text(page, x + 8, box_width - 16, 9, REGULAR, LEFT, TEXT("Ký bởi:")) + 1;
    page->y += page_text(page, x + 8, box_width - 46, 9, BOLD, LEFT, verdict->signer_name) + 1;
    char line[96];
    snprintf(line, sizeof line, "Ngày ký: %s", at);
    page->y += page_text(page, x + 8, box_width - 16, 9, REGULAR, LEFT, text_of(line)) + 6;
    put_seal(page, x, box_top, box_width, page->y - box_top);
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

/* Two frames round the sheet and, at its foot, what the sheet is. */
static void put_frame(struct page *page)
{
    const double edge = MARGIN - 16;
    cairo_rectangle(page->cairo, edge, edge, PAGE_WIDTH - 2 * edge, PAGE_HEIGHT - 2 * edge);
    cairo_rectangle(page->cairo, edge + 2.5, edge + 2.5, PAGE_WIDTH - 2 * edge - 5, PAGE_HEIGHT - 2 * edge - 5);
    cairo_stroke(page->cairo);
    page->y = PAGE_HEIGHT - MARGIN - 16;
    page_rule(page, MARGIN, page->y - 4, MARGIN + INNER, page->y - 4);
    page_text(page, MARGIN, INNER, 7.5, REGULAR, CENTRE,
              TEXT("Bản thể hiện của biên lai điện tử. Bản gốc có chữ ký số là tệp XML đính kèm trong tệp PDF này.\n"
                   "Printed view of an electronic receipt; the signed XML attached to this file is the original."));
}

static void draw_sheet(struct page *page, const struct receipt_verdict *verdict, const char *link)
{
    put_head(page, &verdict->document);
    put_payer(page, &verdict->document);
    put_lines(page, &verdict->document);
    put_payment(page, &verdict->document);
    put_foot(page, verdict, link);
    put_frame(page);
}

enum { ROLL_LENGTH_MAX = 14000 }; /* a page of PDF 1.5 is at most 14,400 points (ISO 32000-1 annex C) */

/* How long the strip must be: drawn once into nothing. */
static double roll_length(const struct receipt_verdict *verdict, const char *link)
{
    struct page page;
    cairo_surface_t *nothing = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, NULL);
    page_open(nothing, ROLL_WIDTH, 0, ROLL_MARGIN, ROLL_SIZE, &page);
    pdf_roll_draw(&page, verdict, link);
    double length = page.y + ROLL_MARGIN;
    (void)page_close(&page);
    cairo_surface_destroy(nothing);
    return length < ROLL_LENGTH_MAX ? length : ROLL_LENGTH_MAX;
}

enum err receipt_pdf(const struct receipt_verdict *verdict, struct text signed_xml, const char *link,
                     enum receipt_paper paper, struct buf *out)
{
    struct buf pdf = {0};
    struct page page;
    double width = paper == RECEIPT_A4 ? PAGE_WIDTH : ROLL_WIDTH,
           height = paper == RECEIPT_A4 ? PAGE_HEIGHT : roll_length(verdict, link);
    cairo_surface_t *surface = page_pdf_begin(width, height, &pdf);
    set_metadata(surface, verdict);
    if (paper == RECEIPT_A4) {
        page_open(surface, width, height - FOOT, MARGIN, 10, &page);
        draw_sheet(&page, verdict, link);
    } else {
        page_open(surface, width, 0, ROLL_MARGIN, ROLL_SIZE, &page);
        pdf_roll_draw(&page, verdict, link);
    }
    bool drawn = page_close(&page);
    drawn = page_pdf_end(surface) && drawn;
    char name[64];
    snprintf(name, sizeof name, "bien-lai-%.*s-%lld.xml", TEXT_ARGS(verdict->document.symbol),
             (long long)verdict->document.number);
    enum err err = drawn ? pdf_attach(&pdf, name, signed_xml) : ERR_INTERNAL;
    if (!err)
        buf_text(out, buf_view(&pdf));
    buf_done(&pdf);
    return err;
}
