/* The payment notice on paper: half an A5 sheet, to take home or to hold to a telephone. Large figures, the QR code,
 * account and code in groups of four so that they can be read aloud and typed. */
#include <stdio.h>
#include "core/paper/page.h"
#include "payments/notices/parts.h"
#include "payments/requests/requests.h"

#define WIDTH   419.53 /* 148 mm */
#define HEIGHT  297.64 /* 105 mm */
#define MARGIN  17.0   /* 6 mm: what printers leave white */
#define QR_SIDE 138.0  /* 48 mm: one millimetre a module */
#define QR_FREE 12.0   /* four modules */

struct paper {
    const struct payment_request *request;
    const struct agency *agency;
    const char *hotline, *bank;
    struct buf payload; /* empty: no code */
};

/* "QN8X PDSV 5H4C QJ" */
static struct text in_fours(struct arena *arena, struct text text)
{
    struct buf out = {0};
    for (size_t i = 0; i < text.length; i += 4) {
        if (i)
            buf_char(&out, ' ');
        buf_text(&out, text_slice(text, i, 4));
    }
    struct text grouped = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return grouped;
}

/* The largest size that keeps a text on one line: a long name must not push the last line off the sheet. */
static double one_line(struct page *page, double width, double size, enum weight weight, struct text text)
{
    const double least = 6; /* points; below it two lines are better */
    while (size > least && page_measure(page, width, size, weight, LEFT, text) > 2 * size)
        size -= 0.5;
    return size;
}

/* A small label over a large value. */
static void put_large(struct page *page, double width, const char *label, struct text value, double size)
{
    page->y += page_text(page, MARGIN, width, 8, REGULAR, LEFT, text_of(label));
    size = one_line(page, width, size, BOLD, value);
    page->y += page_text(page, MARGIN, width, size, BOLD, LEFT, value) + 3;
}

static void put_side(struct page *page, const struct paper *paper, double left)
{
    const double width = WIDTH - MARGIN - left;
    double top = page->y;
    if (paper->payload.length) {
        page_qr(page, left + (width - QR_SIDE) / 2, top + QR_FREE, QR_SIDE, paper->payload.at);
        page->y = top + QR_SIDE + 2 * QR_FREE;
        page_text(page, left, width, 8, REGULAR, CENTRE, TEXT("Quét bằng ứng dụng ngân hàng"));
    } else {
        page_text(page, left, width, 9, REGULAR, CENTRE,
                  TEXT("Số tiền này không dùng được mã QR.\nChuyển khoản theo thông tin bên trái."));
    }
    page->y = top;
}

static void draw(struct page *page, struct arena *arena, const struct paper *paper)
{
    const struct payment_request *r = paper->request;
    const double left = WIDTH - MARGIN - QR_SIDE - 2 * QR_FREE, width = left - MARGIN - 8;
    char amount[MONEY_TEXT_SIZE], until[DATE_TEXT_SIZE];
    money_format(r->amount - r->allocated, amount);
    date_format_vi(date_of(r->expires_at), until);
    double size = one_line(page, page_inner(page), 9, REGULAR, paper->agency->name_vi);
    page->y += page_text(page, MARGIN, page_inner(page), size, REGULAR, LEFT, paper->agency->name_vi) + 1;
    page->y += page_text(page, MARGIN, page_inner(page), 14, BOLD, LEFT, TEXT("THÔNG BÁO NỘP PHÍ, LỆ PHÍ")) + 4;
    put_side(page, paper, left);
    put_large(page, width, "Số tiền phải nộp", arena_textf(arena, "%s đồng", amount), 22);
    put_large(page, width, "Nội dung chuyển khoản (mã nộp tiền)", in_fours(arena, r->reference), 16);
    put_large(page, width, "Số tài khoản", in_fours(arena, r->account_number), 16);
    put_large(page, width, paper->bank, r->account_name, 9.5);
    put_large(page, width, "Hạn cuối", text_of(until), 14);
    struct text dossier = arena_textf(arena, "Hồ sơ %.*s", TEXT_ARGS(r->dossier));
    page_text(page, MARGIN, width, one_line(page, width, 8, REGULAR, dossier), REGULAR, LEFT, dossier);
    page->y = HEIGHT - MARGIN - 22;
    page_rule(page, MARGIN, page->y - 3, WIDTH - MARGIN, page->y - 3);
    page->y += page_text(page, MARGIN, page_inner(page), 8, REGULAR, LEFT,
                         arena_textf(arena, "Hỗ trợ: %s. Nếu đã chuyển tiền, không chuyển lại.", paper->hotline));
    page_text(page, MARGIN, page_inner(page), 7, REGULAR, LEFT, text_of(payment_request_url(arena, r)));
}

static enum err make(struct arena *arena, const struct paper *paper, struct buf *out)
{
    struct page page;
    cairo_surface_t *surface = page_pdf_begin(WIDTH, HEIGHT, out);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, "Thông báo nộp phí, lệ phí");
    page_open(surface, WIDTH, HEIGHT, MARGIN, 9, &page);
    draw(&page, arena, paper);
    bool drawn = page_close(&page);
    return page_pdf_end(surface) && drawn ? OK : ERR_INTERNAL;
}

static enum err find(struct request *rq, struct payment_request *ret)
{
    struct text token = request_capture(rq, "token");
    int64_t id;
    if (token.at)
        return payment_request_by_token(rq->db, &rq->arena, token, ret);
    if (!text_to_int64(request_capture(rq, "id"), &id) || id < 1)
        return ERR_NOT_FOUND;
    return payment_request_find(rq->db, &rq->arena, id, ret);
}

/* Only what waits for money has a notice. */
static enum err payable(const struct payment_request *r)
{
    switch (r->status) {
    case REQUEST_PENDING:
    case REQUEST_PARTLY_PAID: return OK;
    case REQUEST_EXPIRED: return ERR_REQUEST_EXPIRED;
    case REQUEST_CANCELLED: return ERR_REQUEST_CANCELLED;
    case REQUEST_NOTHING_DUE: return ERR_REQUEST_NOTHING_DUE;
    default: return ERR_REQUEST_SETTLED;
    }
}

enum err notice_pdf_handle(struct request *rq)
{
    const struct notices_config *config = notices_in_use();
    struct payment_request r;
    struct dossier dossier = {0};
    struct agency agency;
    struct buf pdf = {0};
    enum err err = find(rq, &r);
    if (!err)
        err = payable(&r);
    if (!err)
        err = dossier_find(rq->db, &rq->arena, r.dossier, &dossier);
    if (!err)
        err = agency_find(rq->db, &rq->arena, dossier.agency, &agency);
    if (err)
        return reply_error(rq, err);
    const struct bank *bank = bank_by_bin(r.bank_bin);
    const char *hotline = config && *config->hotline ? config->hotline : arena_copy(&rq->arena, agency.phone);
    struct paper paper = {.request = &r,
                          .agency = &agency,
                          .hotline = hotline,
                          .bank =
                              arena_printf(&rq->arena, "Ngân hàng %.*s", TEXT_ARGS(bank ? bank->name : r.bank_bin))};
    if (payment_request_vietqr(&r, &paper.payload))
        (void)buf_cstr(&paper.payload);
    else
        buf_clear(&paper.payload);
    err = make(&rq->arena, &paper, &pdf);
    if (!err) {
        reply_header(rq, "Content-Disposition",
                     arena_textf(&rq->arena, "inline; filename=\"thong-bao-%.*s.pdf\"", TEXT_ARGS(r.reference)));
        reply_header(rq, "Cache-Control", TEXT("private, no-store"));
        err = reply_body(rq, 200, "application/pdf", buf_view(&pdf));
    } else {
        err = reply_error(rq, err);
    }
    buf_done(&paper.payload);
    buf_done(&pdf);
    return err;
}
