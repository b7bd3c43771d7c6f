/* The receipt over HTTP: by number for systems and staff, by the token of its link for citizens, and for anybody who
 * holds a file the question whether it holds. */
#include <stdio.h>
#include <string.h>
#include "receipts/html.h"
#include "receipts/office.h"

/* By number, or by the token of the link; the same answer for a wrong token as for none. */
static enum err find(struct request *rq, struct receipt_stored *ret)
{
    struct text token = request_capture(rq, "token");
    if (token.at)
        return receipt_find(rq->db, &rq->arena, token, ret);
    int64_t id;
    if (!text_to_int64(request_capture(rq, "id"), &id) || id <= 0)
        return ERR_NOT_FOUND;
    return receipt_load(rq->db, &rq->arena, id, ret);
}

/* Finds a receipt that has its signature, and verifies again what is stored. */
static enum err find_signed(struct request *rq, struct receipt_stored *ret, struct receipt_verdict *ret_verdict)
{
    enum err err = find(rq, ret);
    if (err)
        return err;
    if (ret->signed_at == INSTANT_NONE)
        return ERR_RETRY; /* numbered, not signed yet: a matter of seconds */
    return receipt_verify(ret->xml, NULL, ret_verdict, &rq->faults);
}

/* Signed bytes never change: whoever has them need not get them again. */
static bool still_fresh(struct request *rq, struct text xml, const char *kind)
{
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    crypto_sha256(xml, digest);
    hex_encode(digest, sizeof digest, hex);
    struct text tag = arena_textf(&rq->arena, "\"%.32s-%s\"", hex, kind);
    reply_header(rq, "ETag", tag);
    reply_header(rq, "Cache-Control", TEXT("private, no-cache"));
    struct text held = request_header(rq, "If-None-Match");
    return held.at && text_find(held, tag) < held.length;
}

static void name_file(struct request *rq, const struct receipt_document *document, const char *extension)
{
    reply_header(rq, "Content-Disposition",
                 arena_textf(&rq->arena, "inline; filename=\"bien-lai-%.*s-%lld.%s\"", TEXT_ARGS(document->symbol),
                             (long long)document->number, extension));
    reply_header(rq, "X-Content-Type-Options", TEXT("nosniff"));
}

struct shown {
    const struct receipt_stored *stored;
    const struct receipt_document *document;
};

static void receipt_write(struct json *json, const void *what)
{
    const struct shown *shown = what;
    json_put_object(json, NULL);
    json_put_int(json, "id", shown->stored->id);
    json_put_string(json, "status",
                    shown->stored->replaced_by                 ? "replaced"
                    : shown->stored->signed_at == INSTANT_NONE ? "awaiting_signature"
                    : shown->stored->notices                   ? "notified_error"
                                                               : "issued");
    json_put_instant(json, "numbered_at", shown->stored->frozen_at);
    json_put_instant(json, "signed_at", shown->stored->signed_at);
    if (shown->stored->replaced_by)
        json_put_int(json, "replaced_by", shown->stored->replaced_by);
    else
        json_put_null(json, "replaced_by");
    receipt_document_json(json, "receipt", shown->document);
    json_put_textf(json, "xml_url", "/v1/receipts/%lld.xml", (long long)shown->stored->id);
    json_put_textf(json, "pdf_url", "/v1/receipts/%lld.pdf", (long long)shown->stored->id);
    json_put_textf(json, "html_url", "/v1/receipts/%lld.html", (long long)shown->stored->id);
    json_put_end(json);
}

enum err receipt_get_handle(struct request *rq)
{
    struct receipt_stored stored;
    struct receipt_document document;
    enum err err = find(rq, &stored);
    if (!err)
        err = receipt_document_read(stored.xml, &document, &rq->faults);
    if (err)
        return reply_error(rq, err);
    return reply_json(rq, 200, receipt_write, &(struct shown){&stored, &document});
}

enum err receipt_xml_handle(struct request *rq)
{
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    enum err err = find_signed(rq, &stored, &verdict);
    if (err)
        return reply_error(rq, err);
    if (still_fresh(rq, stored.xml, "xml"))
        return reply_body(rq, 304, NULL, TEXT_NONE);
    name_file(rq, &verdict.document, "xml");
    return reply_body(rq, 200, "application/xml", stored.xml);
}

/* ?paper=a4 (when nothing is asked) or roll, for the 80 mm printers of counters. */
static bool read_paper(struct request *rq, enum receipt_paper *ret_paper)
{
    struct text paper = request_query(rq, "paper");
    *ret_paper = text_is(paper, "roll") ? RECEIPT_ROLL : RECEIPT_A4;
    return !paper.at || *ret_paper == RECEIPT_ROLL || text_is(paper, "a4");
}

enum err receipt_pdf_handle(struct request *rq)
{
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    enum receipt_paper paper;
    if (!read_paper(rq, &paper)) {
        faults_add(&rq->faults, "paper", ERR_FIELD_VALUE, NULL);
        return reply_faults(rq, ERR_INVALID);
    }
    enum err err = find_signed(rq, &stored, &verdict);
    if (err)
        return reply_error(rq, err);
    if (still_fresh(rq, stored.xml, paper == RECEIPT_A4 ? "pdf" : "roll"))
        return reply_body(rq, 304, NULL, TEXT_NONE);
    struct buf pdf = {0};
    const char *link = office_link(office_in_use(), verdict.document.lookup_code, &rq->arena);
    err = receipt_pdf(&verdict, stored.xml, link, paper, &pdf);
    if (!err) {
        name_file(rq, &verdict.document, "pdf");
        err = reply_body(rq, 200, "application/pdf", buf_view(&pdf));
    } else {
        err = reply_error(rq, err);
    }
    buf_done(&pdf);
    return err;
}

static enum err reply_page(struct request *rq, int status, struct buf *html)
{
    reply_header(rq, "Cache-Control", TEXT("private, no-store"));
    enum err err = reply_body(rq, status, "text/html; charset=utf-8", buf_view(html));
    buf_done(html);
    return err;
}

enum err receipt_html_handle(struct request *rq)
{
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    struct buf html = {0};
    enum err err = find_signed(rq, &stored, &verdict);
    if (err)
        return reply_error(rq, err);
    receipt_html(&verdict, office_link(office_in_use(), verdict.document.lookup_code, &rq->arena), &html);
    return reply_page(rq, 200, &html);
}

static void panel(struct buf *out, const char *kind, const char *title, const char *words)
{
    buf_printf(out, "<div class=\"panel %s\" role=\"status\"><h2>%s</h2><p>%s</p></div>\n", kind, title, words);
}

/* /r/{token}: what the citizen sees behind the code on the receipt. */
enum err receipt_page_handle(struct request *rq)
{
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    struct buf html = {0};
    enum err err = find_signed(rq, &stored, &verdict);
    html_head(&html, "Biên lai thu phí, lệ phí");
    if (err == ERR_NOT_FOUND) {
        panel(&html, "bad", "Không tìm thấy biên lai",
              "Vui lòng kiểm tra lại liên kết hoặc mã QR. <span lang=\"en\">(Receipt not found.)</span>");
    } else if (err == ERR_RETRY) {
        panel(&html, "", "Biên lai đang được ký số", "Vui lòng mở lại liên kết này sau ít phút.");
    } else if (err) {
        panel(&html, "bad", "Chưa hiển thị được biên lai", err_info(err)->vi);
    } else {
        if (stored.replaced_by) {
            const char *newer;
            panel(&html, "bad", "Biên lai này đã được thay thế", "Chỉ biên lai thay thế có giá trị.");
            if (!receipt_link(rq->db, &rq->arena, stored.replaced_by, &newer)) {
                buf_string(&html, "<p><a href=\"");
                html_text(&html, text_of(newer));
                buf_string(&html, "\">Xem biên lai thay thế</a></p>\n");
            }
        } else
            panel(&html, "good", "Biên lai có trong hệ thống, chữ ký số khớp với nội dung",
                  "<span lang=\"en\">(This receipt is genuine.)</span>");
        struct text token = request_capture(rq, "token");
        buf_string(&html, "<p class=\"actions\"><a class=\"button\" href=\"/r/");
        html_text(&html, token);
        buf_string(&html, ".pdf\">Tải bản in (PDF)</a> <a class=\"button\" href=\"/r/");
        html_text(&html, token);
        buf_string(&html, ".xml\">Tải tệp gốc (XML)</a></p>\n");
        html_receipt(&verdict, NULL, &html);
    }
    html_foot(&html);
    reply_header(rq, "Referrer-Policy", TEXT("no-referrer"));
    return reply_page(rq, err == ERR_RETRY ? 200 : err_info(err)->http_status, &html);
}

/* The document in what was sent: the XML itself, one file of a form (RFC 7578), or a PDF of ours with the XML attached.
 * The last root element counts: an update of a PDF comes after what it updates. */
static struct text document_in(struct text body)
{
    static const char start[] = "<BienLai>", end[] = "</BienLai>";
    if (text_starts(body, "--")) {
        struct text head = text_slice(body, 0, text_find(body, TEXT("\r\n")));
        size_t content = text_find(body, TEXT("\r\n\r\n")) + 4;
        struct text rest = text_slice(body, content, body.length);
        rest.length = text_find(rest, head);
        body = rest.length >= 2 ? text_slice(rest, 0, rest.length - 2) : rest;
    }
    if (!text_starts(body, "%PDF-"))
        return body;
    struct text found = TEXT_NONE, rest = body;
    for (;;) {
        size_t at = text_find(rest, text_of(start));
        if (at == rest.length)
            return found;
        rest = text_slice(rest, at, rest.length);
        size_t to = text_find(rest, text_of(end));
        if (to == rest.length)
            return found;
        found = text_slice(rest, 0, to + sizeof end - 1);
        rest = text_slice(rest, to, rest.length);
    }
}

static const struct receipt_trust *trust_in_use(void)
{
    const struct receipt_office *office = office_in_use();
    return office ? office->trust : NULL;
}

enum err receipt_verify_handle(struct request *rq)
{
    struct receipt_verdict verdict;
    enum err err = receipt_verify(document_in(rq->body), trust_in_use(), &verdict, &rq->faults);
    return err ? reply_faults(rq, err) : reply_json(rq, 200, receipt_verdict_write, &verdict);
}

static void put_form(struct buf *html)
{
    buf_string(html,
               "<h1>Kiểm tra biên lai <small lang=\"en\">(Verify a receipt)</small></h1>\n"
               "<form class=\"panel\" method=\"post\" action=\"/verify\" enctype=\"multipart/form-data\">\n"
               "<p><label for=\"file\">Chọn tệp biên lai (XML hoặc PDF) do cơ quan thu phí gửi cho bạn.</label></p>\n"
               "<p><input id=\"file\" name=\"file\" type=\"file\" required accept=\".xml,.pdf,application/xml,text/xml,"
               "application/pdf\"></p>\n<p><button>Kiểm tra</button></p>\n</form>\n");
}

/* GET /verify shows the form; POST /verify answers on the same page, without script. */
enum err receipt_verify_page_handle(struct request *rq)
{
    struct buf html = {0};
    html_head(&html, "Kiểm tra biên lai");
    put_form(&html);
    if (text_is(text_of(rq->method), "POST")) {
        struct receipt_verdict verdict;
        enum err err = receipt_verify(document_in(rq->body), trust_in_use(), &verdict, &rq->faults);
        if (err) {
            buf_printf(&html, "<div class=\"panel bad\" role=\"alert\"><h2>Không hợp lệ: %s</h2><ul>\n",
                       err_info(err)->vi);
            for (size_t i = 0; i < rq->faults.count; i++) {
                buf_string(&html, "<li>");
                html_text(&html, text_of(rq->faults.list[i].where));
                buf_string(&html, ": ");
                html_text(&html, text_of(rq->faults.list[i].detail));
                buf_string(&html, "</li>\n");
            }
            buf_string(&html, "</ul></div>\n");
        } else {
            panel(&html, "good", "Chữ ký số khớp với nội dung",
                  verdict.chain == RECEIPT_CHAIN_TRUSTED
                      ? "Chứng thư số của đơn vị ký được tin cậy."
                      : "Chưa kiểm tra được đơn vị cấp chứng thư số; hãy đối chiếu tên đơn vị ký dưới đây.");
            html_receipt(&verdict, NULL, &html);
        }
    }
    html_foot(&html);
    return reply_page(rq, 200, &html);
}

enum err receipt_style_handle(struct request *rq)
{
    reply_header(rq, "Cache-Control", TEXT("public, max-age=3600"));
    return reply_body(rq, 200, "text/css; charset=utf-8", text_of(html_style));
}
