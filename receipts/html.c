/* The receipt as a page: the same content and order as the paper form, no script, its style a file of its own. */
#include "receipts/html.h"

#include <stdio.h>
#include <stdlib.h>
#include "payments/requests/requests.h"
#include "receipts/profile.h"

void html_text(struct buf *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        switch (text.at[i]) {
        case '&': buf_string(out, "&amp;"); break;
        case '<': buf_string(out, "&lt;"); break;
        case '>': buf_string(out, "&gt;"); break;
        case '"': buf_string(out, "&quot;"); break;
        case '\'': buf_string(out, "&#39;"); break;
        default: buf_char(out, text.at[i]);
        }
    }
}

void html_head(struct buf *out, const char *title)
{
    buf_string(out, "<!doctype html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
                    "<link rel=\"stylesheet\" href=\"/assets/receipt.css\">\n<title>");
    html_text(out, text_of(title));
    buf_string(out, "</title>\n</head>\n<body>\n<main>\n");
}

void html_foot(struct buf *out)
{
    buf_string(out, "</main>\n</body>\n</html>\n");
}

void html_item(struct buf *out, const char *label, struct text value)
{
    if (!value.length)
        return;
    buf_printf(out, "<div><dt>%s</dt><dd>", label);
    html_text(out, value);
    buf_string(out, "</dd></div>\n");
}

static void put_party(struct buf *out, const struct receipt_party *party, const char *name_label)
{
    html_item(out, name_label, party->name);
    html_item(out, "Mã số thuế", party->tax_code);
    html_item(out, "Số định danh", party->id_number);
    html_item(out, "Số hộ chiếu", party->passport);
    html_item(out, "Địa chỉ", party->address);
    html_item(out, "Điện thoại", party->phone);
    html_item(out, "Số tài khoản", party->account);
}

static void put_lines(struct buf *out, const struct receipt_document *document)
{
    char amount[MONEY_TEXT_SIZE];
    buf_string(out, "<table>\n<thead><tr><th scope=\"col\">STT</th><th scope=\"col\">Tên khoản phí, lệ phí</th>"
                    "<th scope=\"col\">Số lượng</th><th scope=\"col\">Số tiền (đồng)</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < document->line_count; i++) {
        const struct receipt_line *line = &document->lines[i];
        money_format(line->amount, amount);
        buf_printf(out, "<tr><td>%zu</td><td>", i + 1);
        html_text(out, line->name);
        buf_string(out, "</td><td>");
        html_text(out, line->quantity);
        buf_printf(out, "</td><td class=\"money\">%s</td></tr>\n", amount);
    }
    money_format(document->total, amount);
    buf_printf(out,
               "</tbody>\n<tfoot><tr><th scope=\"row\" colspan=\"3\">Tổng cộng</th><td class=\"money\">%s</td></tr>"
               "</tfoot>\n</table>\n",
               amount);
}

static void put_qr(struct buf *out, const char *link)
{
    buf_string(out, "<div class=\"qr\">");
    if (qr_image_svg(text_of(link), TEXT("Mã QR để kiểm tra biên lai"), out))
        buf_string(out, "–"); /* a link too long for any QR code stands below all the same */
    buf_string(out, "</div>\n");
    buf_string(out, "<p class=\"link\"><a href=\"");
    html_text(out, text_of(link));
    buf_string(out, "\">");
    html_text(out, text_of(link));
    buf_string(out, "</a></p>\n");
}

static void put_related(struct buf *out, const struct receipt_related *related)
{
    if (related->issued_on == DATE_NONE)
        return;
    char day[DATE_TEXT_SIZE];
    date_format_vi(related->issued_on, day);
    buf_string(out, "<div><dt>Thay thế biên lai</dt><dd>");
    html_text(out, related->form);
    buf_char(out, ' ');
    html_text(out, related->symbol);
    buf_string(out, " số ");
    html_text(out, related->number);
    buf_printf(out, " ngày %s: ", day);
    html_text(out, related->reason);
    buf_string(out, "</dd></div>\n");
}

void html_receipt(const struct receipt_verdict *verdict, const char *link, struct buf *out)
{
    const struct receipt_document *document = &verdict->document;
    struct civil day = civil_of_date(document->issued_on);
    char words[RECEIPT_WORDS_SIZE], date[DATE_TEXT_SIZE], at[INSTANT_TEXT_SIZE];
    buf_string(out, "<article class=\"receipt\">\n<header>\n<dl>\n");
    put_party(out, &document->collector, "Đơn vị thu");
    if (document->delegate.name.length)
        put_party(out, &document->delegate, "Đơn vị được ủy nhiệm lập");
    buf_string(out, "</dl>\n<dl class=\"number\">\n");
    html_item(out, "Mẫu số", document->form);
    html_item(out, "Ký hiệu", document->symbol);
    buf_printf(out, "<div><dt>Số</dt><dd>%lld</dd></div>\n</dl>\n</header>\n", (long long)document->number);
    buf_printf(out,
               "<h1>Biên lai thu phí, lệ phí <small lang=\"en\">(Fee receipt)</small></h1>\n"
               "<p class=\"day\">Ngày %02d tháng %02d năm %04d</p>\n<dl>\n",
               day.day, day.month, day.year);
    put_party(out, &document->payer, "Tên người nộp");
    html_item(out, "Mã hồ sơ", document->dossier);
    html_item(out, "Người có hồ sơ", document->applicant);
    html_item(out, "Mã thanh toán", document->reference);
    put_related(out, &document->replaces);
    buf_string(out, "</dl>\n");
    put_lines(out, document);
    buf_string(out, "<dl>\n");
    receipt_amount_in_words(document->total, words);
    html_item(out, "Bằng chữ", text_of(words));
    html_item(out, "Hình thức thanh toán", text_of(receipt_method_vi(document->method)));
    date_format_vi(document->collected_on, date);
    html_item(out, "Ngày thu tiền", text_of(date));
    buf_string(out, "</dl>\n<footer>\n<section class=\"signature\">\n<h2>Chữ ký số của đơn vị thu</h2>\n<dl>\n");
    html_item(out, "Ký bởi", verdict->signer_name);
    instant_format_vi(verdict->signed_at, at);
    html_item(out, "Thời điểm ký", text_of(at));
    html_item(out, "Chứng thư", verdict->issuer);
    buf_string(out, "</dl>\n</section>\n");
    if (link)
        put_qr(out, link);
    buf_string(out, "</footer>\n</article>\n");
}

void receipt_html(const struct receipt_verdict *verdict, const char *link, struct buf *out)
{
    char title[128];
    snprintf(title, sizeof title, "Biên lai %.*s số %lld", TEXT_ARGS(verdict->document.symbol),
             (long long)verdict->document.number);
    html_head(out, title);
    html_receipt(verdict, link, out);
    html_foot(out);
}
