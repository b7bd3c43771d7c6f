/* The receipt on a strip of 80 mm: everything of the form, one below the other. */
#include <stdio.h>
#include "receipts/pdf_roll.h"

static void item(struct page *page, const char *label, struct text value)
{
    page_labelled(page, page->margin, page_inner(page), label, value);
}

static void dashes(struct page *page)
{
    const double dash[] = {2, 2};
    page->y += 3;
    cairo_set_dash(page->cairo, dash, 2, 0);
    page_rule(page, page->margin, page->y, page->width - page->margin, page->y);
    cairo_set_dash(page->cairo, NULL, 0, 0);
    page->y += 4;
}

static void put_head(struct page *page, const struct receipt_document *document)
{
    char line[160];
    struct civil day = civil_of_date(document->issued_on);
    page->y += page_text(page, page->margin, page_inner(page), 9.5, BOLD, CENTRE, document->collector.name) + 2;
    item(page, "MST:", document->collector.tax_code);
    item(page, "Địa chỉ:", document->collector.address);
    item(page, "Điện thoại:", document->collector.phone);
    item(page, "Số tài khoản:", document->collector.account);
    item(page, "Đơn vị được ủy nhiệm lập:", document->delegate.name);
    item(page, "MST:", document->delegate.tax_code);
    item(page, "Địa chỉ:", document->delegate.address);
    dashes(page);
    page_paragraph(page, 12, BOLD, CENTRE, "BIÊN LAI THU PHÍ, LỆ PHÍ");
    snprintf(line, sizeof line, "Ngày %02d tháng %02d năm %04d", day.day, day.month, day.year);
    page_paragraph(page, 8.5, REGULAR, CENTRE, line);
    snprintf(line, sizeof line, "Mẫu số %.*s · Ký hiệu %.*s · Số %lld", TEXT_ARGS(document->form),
             TEXT_ARGS(document->symbol), (long long)document->number);
    page_paragraph(page, 8.5, BOLD, CENTRE, line);
    dashes(page);
}

static void put_lines(struct page *page, const struct receipt_document *document)
{
    const double amount_width = 62, name_width = page_inner(page) - amount_width - 4;
    char amount[MONEY_TEXT_SIZE], name[800];
    for (size_t i = 0; i < document->line_count; i++) {
        const struct receipt_line *line = &document->lines[i];
        money_format(line->amount, amount);
        snprintf(name, sizeof name, "%zu. %.*s%s%.*s%s", i + 1, TEXT_ARGS(line->name),
                 line->quantity.length ? " (" : "", TEXT_ARGS(line->quantity), line->quantity.length ? ")" : "");
        double height = page_text(page, page->margin, name_width, page->size, REGULAR, LEFT, text_of(name));
        page_text(page, page->width - page->margin - amount_width, amount_width, page->size, REGULAR, RIGHT,
                  text_of(amount));
        page->y += height + 2;
    }
    dashes(page);
    money_format(document->total, amount);
    snprintf(name, sizeof name, "%s đồng", amount);
    page_text(page, page->margin, page_inner(page), 10, BOLD, LEFT, TEXT("Tổng cộng"));
    page->y += page_text(page, page->margin, page_inner(page), 10, BOLD, RIGHT, text_of(name)) + 2;
}

static void put_payer(struct page *page, const struct receipt_document *document)
{
    char line[400], day[DATE_TEXT_SIZE];
    item(page, "Người nộp:", document->payer.name);
    item(page, "MST:", document->payer.tax_code);
    item(page, "Số định danh:", document->payer.id_number);
    item(page, "Hộ chiếu:", document->payer.passport);
    item(page, "Địa chỉ:", document->payer.address);
    item(page, "Nộp cho hồ sơ của:", document->applicant);
    item(page, "Mã hồ sơ:", document->dossier);
    item(page, "Mã thanh toán:", document->reference);
    if (document->replaces.issued_on != DATE_NONE) {
        date_format_vi(document->replaces.issued_on, day);
        snprintf(line, sizeof line, "%.*s %.*s số %.*s ngày %s", TEXT_ARGS(document->replaces.form),
                 TEXT_ARGS(document->replaces.symbol), TEXT_ARGS(document->replaces.number), day);
        item(page, "Thay thế biên lai:", text_of(line));
    }
    dashes(page);
}

void pdf_roll_draw(struct page *page, const struct receipt_verdict *verdict, const char *link)
{
    const struct receipt_document *document = &verdict->document;
    const double qr_side = 100;
    char words[RECEIPT_WORDS_SIZE], day[DATE_TEXT_SIZE], line[96];
    put_head(page, document);
    put_payer(page, document);
    put_lines(page, document);
    receipt_amount_in_words(document->total, words);
    item(page, "Bằng chữ:", text_of(words));
    item(page, "Thanh toán:", text_of(receipt_method_vi(document->method)));
    date_format_vi(document->collected_on, day);
    item(page, "Ngày thu tiền:", text_of(day));
    dashes(page);
    item(page, "Ký số bởi:", verdict->signer_name);
    struct civil t = civil_of(verdict->signed_at);
    snprintf(line, sizeof line, "%02d-%02d-%04d", t.day, t.month, t.year);
    item(page, "Ngày ký:", text_of(line));
    if (link) {
        page->y += 6;
        page_qr(page, (page->width - qr_side) / 2, page->y, qr_side, link);
        page->y += qr_side + 4;
        page_paragraph(page, 8, REGULAR, CENTRE, "Quét mã để kiểm tra biên lai");
        page_paragraph(page, 6.5, REGULAR, CENTRE, link);
    }
    page->y += 2;
    page_paragraph(page, 6.5, REGULAR, CENTRE,
                   "Bản thể hiện của biên lai điện tử. Bản gốc là tệp XML đính kèm trong tệp PDF này.");
}
