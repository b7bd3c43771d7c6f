/* The receipt over HTTP: by number for systems and staff, by the token of its link for citizens. */
#include <stdio.h>
#include <string.h>
#include "receipts/handlers.h"
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
enum err handle_find_signed(struct request *rq, struct receipt_stored *ret, struct receipt_verdict *ret_verdict)
{
    enum err err = find(rq, ret);
    if (err)
        return err;
    if (ret->signed_at == INSTANT_NONE)
        return ERR_RETRY; /* numbered, not signed yet: a matter of seconds */
    enum err verified = receipt_verify(ret->xml, NULL, ret_verdict, &rq->faults);
    return verified == ERR_SIGNATURE_MISSING ? ERR_ERASED : verified; /* only retention leaves one without */
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
                    shown->stored->replaced_by                   ? "replaced"
                    : shown->stored->signed_at == INSTANT_NONE   ? "awaiting_signature"
                    : shown->document->signed_at == INSTANT_NONE ? "erased"
                    : shown->stored->notices                     ? "notified_error"
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
    enum err err = handle_find_signed(rq, &stored, &verdict);
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
    enum err err = handle_find_signed(rq, &stored, &verdict);
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

enum err handle_reply_page(struct request *rq, int status, struct buf *html)
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
    enum err err = handle_find_signed(rq, &stored, &verdict);
    if (err)
        return reply_error(rq, err);
    receipt_html(&verdict, office_link(office_in_use(), verdict.document.lookup_code, &rq->arena), &html);
    return handle_reply_page(rq, 200, &html);
}

enum err receipt_style_handle(struct request *rq)
{
    reply_header(rq, "Cache-Control", TEXT("public, max-age=3600"));
    return reply_body(rq, 200, "text/css; charset=utf-8", text_of(html_style));
}
