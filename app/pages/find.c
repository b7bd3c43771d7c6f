/* /receipts: a citizen finds a receipt again. Three steps without a script: what is known of it, a code to the contact
 * on file, the links. The page says the same to whoever guesses. */
#include <string.h>
#include "app/pages/layout.h"
#include "app/pages/pages.h"
#include "receipts/receipts.h"

static const char *const kinds[][2] = {{"number", "Ký hiệu và số biên lai (26TAA/15)"},
                                       {"dossier", "Mã hồ sơ"},
                                       {"phone", "Số điện thoại khai trong hồ sơ"}};
enum { KINDS = sizeof kinds / sizeof *kinds, VALUE_MAX = 60 };

struct asked {
    struct text kind, value, step;
    struct receipt_question question;
    bool good;
};

static struct asked read_asked(struct request *rq)
{
    struct asked a = {.kind = form_field(&rq->arena, rq->body, "kind"),
                      .value = text_trim(form_field(&rq->arena, rq->body, "value")),
                      .step = form_field(&rq->arena, rq->body, "step")};
    struct text *const places[KINDS] = {&a.question.number, &a.question.dossier, &a.question.phone};
    for (size_t i = 0; i < KINDS; i++)
        if (text_is(a.kind, kinds[i][0]) && a.value.length && text_characters(a.value) <= VALUE_MAX) {
            *places[i] = a.value;
            a.good = true;
        }
    return a;
}

static void put_question(struct page *page, const struct asked *a)
{
    html(page->out,
         "<form method=\"post\" action=\"/receipts\" class=\"stack\"><label for=\"kind\">Tìm theo</label><select "
         "id=\"kind\" name=\"kind\">");
    for (size_t i = 0; i < KINDS; i++)
        html(page->out, "<option value=\"%s\"%s>%s</option>", kinds[i][0],
             text_is(a->kind, kinds[i][0]) ? " selected" : "", kinds[i][1]);
    html(page->out,
         "</select><label for=\"value\">Nội dung</label><input id=\"value\" name=\"value\" required maxlength=\"60\" "
         "value=\"%.*s\" autocomplete=\"off\"><p class=\"buttons\"><button class=\"main\" name=\"step\" "
         "value=\"status\">Xem "
         "trạng thái</button> <button name=\"step\" value=\"code\">Nhận mã để xem biên lai</button></p></form>\n",
         TEXT_ARGS(a->value));
}

static void put_code_form(struct page *page, struct text challenge)
{
    html(page->out,
         "<p role=\"status\">Nếu có biên lai, mã gồm 6 chữ số đã được gửi tới thư điện tử hoặc điện thoại khai trong "
         "hồ sơ. Mã "
         "có hiệu lực 10 phút.</p>\n<form method=\"post\" action=\"/receipts\" class=\"stack\"><input type=\"hidden\" "
         "name=\"challenge\" value=\"%.*s\"><label for=\"code\">Mã 6 chữ số</label><input id=\"code\" name=\"code\" "
         "required "
         "inputmode=\"numeric\" maxlength=\"6\" autocomplete=\"one-time-code\"><button class=\"main\" name=\"step\" "
         "value=\"open\">Xem biên lai</button></form>\n",
         TEXT_ARGS(challenge));
}

static void say_error(struct page *page, enum err err)
{
    html(page->out, "<div class=\"errors\" role=\"alert\"><h2>%s</h2></div>\n", err_info(err)->vi);
}

static enum err open_links(struct page *page)
{
    struct request *rq = page->rq;
    const char *links[RECEIPT_LINKS_MAX];
    size_t count;
    struct text challenge = form_field(&rq->arena, rq->body, "challenge"),
                code = form_field(&rq->arena, rq->body, "code");
    enum err err = receipt_lookup_open(rq->db, &rq->arena, rq->at, challenge, code, links, RECEIPT_LINKS_MAX, &count);
    if (err) {
        say_error(page, err);
        put_code_form(page, challenge);
        return err;
    }
    html(page->out, "<ul class=\"links\">\n");
    for (size_t i = 0; i < count; i++)
        html(page->out, "<li><a href=\"%s\">Biên lai %d</a></li>\n", links[i], (int)i + 1);
    html(page->out, "</ul>\n");
    return OK;
}

static enum err answer(struct page *page, const struct asked *a)
{
    struct request *rq = page->rq;
    struct text challenge;
    const char *status;
    if (text_is(a->step, "open"))
        return open_links(page);
    put_question(page, a);
    if (!a->good) {
        say_error(page, ERR_INVALID);
        return ERR_INVALID;
    }
    bool wants_code = text_is(a->step, "code");
    enum err err = wants_code ? receipt_lookup_send(rq->db, &rq->arena, rq->at, &a->question, &challenge)
                              : receipt_lookup_status(rq->db, &rq->arena, &a->question, &status);
    if (err)
        say_error(page, err);
    else if (wants_code)
        put_code_form(page, challenge);
    else
        html(page->out, "<p role=\"status\"><b>%s</b></p>\n", receipt_lookup_words(status));
    return err;
}

enum err pages_find_receipt_handle(struct request *rq)
{
    struct buf out = {0};
    struct page page;
    struct asked none = {0};
    enum err err = OK;
    page_init(&page, rq, &out);
    page.language = PAGE_VI;
    page_begin(&page, &(struct page_head){.title = "Tìm lại biên lai", .nav = NAV_CITIZEN});
    html(&out, "<h1>Tìm lại biên lai</h1>\n");
    if (!strcmp(rq->method, "POST")) {
        struct asked a = read_asked(rq);
        err = answer(&page, &a);
    } else {
        put_question(&page, &none);
    }
    page_end(&page);
    return page_reply(&page, err ? err_info(err)->http_status : 200);
}
