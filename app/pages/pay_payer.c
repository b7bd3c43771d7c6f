/* Whose name stands on the receipt: a company with its tax code, a foreigner with a passport, a parent. A form of its
 * own without a script, open until the receipt has its number. */
#include <jansson.h>
#include "app/pages/pages.h"
#include "app/pages/pay_parts.h"

struct payer_field {
    const char *name, *vi, *en, *hint_vi, *hint_en, *autocomplete;
    size_t least, most; /* characters; least 0: may be left out */
};
static const struct payer_field fields[] = {
    {"name", "Tên người nộp hoặc đơn vị", "Name of person or company", "Để trống thì ghi tên người nộp hồ sơ",
     "Left empty, the applicant's name stands there", "name", 0, 200},
    {"tax_code", "Mã số thuế", "Tax code", "10 hoặc 13 số, nếu là đơn vị", "10 or 13 digits, for a company", "off", 10,
     14},
    {"address", "Địa chỉ", "Address", "", "", "street-address", 1, 300},
    {"id_number", "Số định danh cá nhân", "Personal identification number", "", "", "off", 5, 30},
    {"passport", "Số hộ chiếu", "Passport number", "Nếu là người nước ngoài", "For a foreigner", "off", 5, 20}};
enum { FIELDS = sizeof fields / sizeof *fields };

struct payer_form {
    struct page page;
    struct payment_request request;
    char token[TOKEN_TEXT_SIZE];
    struct text values[FIELDS];
    const char *wrong[FIELDS]; /* NULL: nothing */
    const char *problem;       /* of the whole */
    bool saved;
};

static void read_kept(struct payer_form *form)
{
    struct faults faults;
    json_t *kept;
    faults_init(&faults, form->page.arena);
    if (!form->request.payer.at || json_parse_value(form->request.payer, &kept, &faults))
        return;
    for (size_t i = 0; i < FIELDS; i++)
        form->values[i] = text_of(json_string_value(json_object_get(kept, fields[i].name)));
}

static bool read_told(struct payer_form *form)
{
    bool good = true;
    for (size_t i = 0; i < FIELDS; i++) {
        struct text value = text_trim(form_field(form->page.arena, form->page.rq->body, fields[i].name));
        size_t length = text_characters(value);
        form->values[i] = value;
        if (length && (length < fields[i].least || length > fields[i].most))
            form->wrong[i] =
                arena_printf(form->page.arena, say(&form->page, "Từ %d đến %d ký tự", "%d to %d characters"),
                             (int)(fields[i].least ? fields[i].least : 1), (int)fields[i].most);
    }
    if (form->values[1].length && !form->wrong[1] && !tax_code_valid(form->values[1]))
        form->wrong[1] = say(&form->page, "Mã số thuế không đúng: xem lại từng số", "Not a tax code: check each digit");
    for (size_t i = 1; i < FIELDS; i++)
        if (form->values[i].length && !form->values[0].length)
            form->wrong[0] = say(&form->page, "Cần tên khi có các mục dưới", "A name is needed with what stands below");
    for (size_t i = 0; i < FIELDS; i++)
        good = good && !form->wrong[i];
    return good;
}

static void put_field(struct payer_form *form, size_t i)
{
    struct page *page = &form->page;
    const struct payer_field *f = &fields[i];
    const char *hint = say(page, f->hint_vi, f->hint_en);
    html(page->out, "<label for=\"%s\">%s</label>", f->name, say(page, f->vi, f->en));
    if (form->wrong[i])
        html(page->out, "<p class=\"error\" id=\"%s-wrong\">%s</p>", f->name, form->wrong[i]);
    html(page->out, "<input id=\"%s\" name=\"%s\" maxlength=\"%d\" autocomplete=\"%s\" value=\"%.*s\"", f->name,
         f->name, (int)f->most, f->autocomplete, TEXT_ARGS(form->values[i]));
    if (form->wrong[i])
        html(page->out, " aria-invalid=\"true\" aria-describedby=\"%s-wrong\"", f->name);
    html(page->out, ">");
    if (*hint)
        html(page->out, "<p class=\"meta\">%s</p>", hint);
    html(page->out, "\n");
}

static enum err show(struct payer_form *form, int status)
{
    struct page *page = &form->page;
    const char *lang = say(page, "", "?lang=en");
    page_begin(page, &(struct page_head){.title = say(page, "Tên trên biên lai", "Name on the receipt"),
                                         .other_language = true});
    html(page->out, "<h1>%s</h1>\n<p>%s <b>%.*s</b>.</p>\n", say(page, "Tên trên biên lai", "Name on the receipt"),
         say(page, "Dùng khi người nộp tiền không phải người nộp hồ sơ. Hồ sơ",
             "For when the payer is not the applicant. Dossier"),
         TEXT_ARGS(form->request.dossier));
    if (form->saved)
        html(page->out, "<p role=\"status\" class=\"state good\">%s</p>\n", say(page, "Đã lưu.", "Saved."));
    if (form->problem)
        html(page->out, "<div class=\"errors\" role=\"alert\"><h2>%s</h2></div>\n", form->problem);
    html(page->out, "<form method=\"post\" action=\"/p/%s/payer%s\" class=\"stack\">\n", form->token, lang);
    for (size_t i = 0; i < FIELDS; i++)
        put_field(form, i);
    html(page->out, "<button class=\"main\">%s</button></form>\n<p><a class=\"button\" href=\"/p/%s%s\">%s</a></p>\n",
         say(page, "Lưu", "Save"), form->token, lang, say(page, "Về trang nộp tiền", "Back to the payment"));
    page_end(page);
    return page_reply(page, status);
}

static enum err open_form(struct request *rq, struct payer_form *form, struct buf *out)
{
    page_init(&form->page, rq, out);
    enum err err = payment_request_by_token(rq->db, &rq->arena, request_capture(rq, "token"), &form->request);
    if (!err)
        payment_request_token(&form->request, form->token);
    return err;
}

enum err pages_payer_handle(struct request *rq)
{
    struct buf out = {0};
    struct payer_form form = {.saved = request_query(rq, "saved").at != NULL};
    enum err err = open_form(rq, &form, &out);
    if (err)
        return page_error(rq, err);
    read_kept(&form);
    return show(&form, 200);
}

enum err pages_payer_save_handle(struct request *rq)
{
    struct buf out = {0};
    struct payer_form form = {.saved = false};
    enum err err = page_act_is_ours(rq) ? open_form(rq, &form, &out) : ERR_FORBIDDEN;
    if (err)
        return page_error(rq, err);
    if (!read_told(&form)) {
        form.problem = say(&form.page, "Có mục chưa đúng", "Some entries are not right");
        return show(&form, 422);
    }
    const struct receipt_party payer = {.name = form.values[0],
                                        .tax_code = form.values[1],
                                        .address = form.values[2],
                                        .id_number = form.values[3],
                                        .passport = form.values[4]};
    err = receipt_payer_set(rq->db, &rq->arena, form.request.id, &payer, "citizen", rq->at);
    if (err == ERR_CONFLICT) {
        form.problem = say(&form.page, "Biên lai đã lập. Muốn sửa tên, gọi cơ quan thu để được thông báo sai sót.",
                           "The receipt is made. To correct the name call the collecting agency.");
        return show(&form, 409);
    }
    if (err)
        return page_error(rq, err);
    return page_go(rq, arena_printf(&rq->arena, "/p/%s/payer?saved=1%s", form.token, say(&form.page, "", "&lang=en")));
}
