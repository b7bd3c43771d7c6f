/* The front door and the calculator. */
#include "app/pages/pages.h"

#include "app/pages/quote_view.h"

static void put_card(struct page *page, const char *id, const char *title, const char *words)
{
    html(page->out, "<section class=\"card\" aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2><p>%s</p>\n", id, id, title,
         words);
}

static void put_link(struct page *page, const char *path, const char *words)
{
    html(page->out, "<p><a class=\"button\" href=\"%s\">%s</a></p></section>\n", path, words);
}

static void put_pay_card(struct page *page)
{
    put_card(page, "pay", say(page, "Nộp phí, lệ phí", "Pay a fee"),
             say(page, "Quét mã QR trên giấy báo nộp tiền, hoặc mở đường dẫn trong tin nhắn của bộ phận một cửa.",
                 "Scan the QR code on your payment notice, or open the link in the message of the one-stop desk."));
    html(page->out, "<p class=\"meta\">%s</p></section>\n",
         say(page, "Không có giấy báo: hỏi bộ phận một cửa nơi nộp hồ sơ. Không ai được đòi phí ngoài biểu mức thu.",
             "No notice: ask the desk where you filed. Nobody may ask for more than the published fee."));
}

static void put_quote_card(struct page *page)
{
    put_card(page, "quote", say(page, "Tính phí", "Work out a fee"),
             say(page, "Xem trước số tiền, cách tính, căn cứ và mức giảm của từng thủ tục.",
                 "See the amount, how it is worked out, its legal basis and reductions (in Vietnamese)."));
    html(page->out,
         "<form method=\"get\" action=\"/quote\" class=\"stack\"><label for=\"query\">%s</label><input "
         "id=\"query\" name=\"query\" maxlength=\"80\" autocomplete=\"off\"><button class=\"main\">%s"
         "</button></form></section>\n",
         say(page, "Tên hoặc mã thủ tục", "Name or code of the procedure"), say(page, "Tìm thủ tục", "Search"));
}

enum err pages_front_handle(struct request *rq)
{
    struct buf out = {0};
    struct page page;
    page_init(&page, rq, &out);
    page_begin(&page, &(struct page_head){.title = say(&page, "Trang đầu", "Front page"), .other_language = true});
    html(&out, "<h1>%s</h1>\n<p class=\"lead\">%s</p>\n<div class=\"cards\">\n",
         say(&page, "Nộp phí, lệ phí thủ tục hành chính", "Fees for public services"),
         say(&page, "Nộp bằng mã QR, nhận biên lai điện tử, tự kiểm tra được.",
             "Pay by QR code, get an electronic receipt, check it yourself."));
    put_pay_card(&page);
    put_card(&page, "verify", say(&page, "Kiểm tra biên lai", "Check a receipt"),
             say(&page, "Kiểm tra chữ ký số và nội dung của biên lai điện tử.",
                 "Check the digital signature and content of an electronic receipt."));
    put_link(&page, "/verify", say(&page, "Kiểm tra biên lai", "Check a receipt"));
    put_quote_card(&page);
    html(&out, "</div>\n<h2>%s</h2>\n<ul class=\"links\">\n",
         say(&page, "Dành cho cán bộ và hệ thống", "For staff and systems"));
    html(&out, "<li><a href=\"/counter\">%s</a></li>\n", say(&page, "Quầy thu", "Counter"));
    html(&out, "<li><a href=\"/finance\">%s</a></li>\n", say(&page, "Đối soát", "Reconciliation"));
    html(&out, "<li><a href=\"/docs\">%s</a></li>\n</ul>\n", say(&page, "Tài liệu API", "API reference"));
    page_end(&page);
    return page_reply(&page, 200);
}

/* Every word of the query occurs in the procedure's key, as in the API's search: order and marks do not matter. */
static bool matches(const struct procedure *procedure, struct text words)
{
    struct text has = text_of(procedure->key);
    while (words.length) {
        struct text word = text_until(words, ' ', &words);
        if (text_find(has, word) == has.length)
            return false;
    }
    return true;
}

static void put_matches(struct page *page, const struct catalogue *catalogue, struct text query)
{
    struct buf *out = page->out;
    char key[200];
    text_to_key(query, key, sizeof key);
    size_t shown = 0;
    html(out, "<ul class=\"links\">\n");
    for (size_t i = 0; i < catalogue_procedure_count(catalogue); i++) {
        const struct procedure *p = catalogue_procedure_at(catalogue, i);
        if (!matches(p, text_of(key)))
            continue;
        html(out, "<li><a href=\"/quote?procedure=%.*s\">%.*s</a> <span class=\"basis\">%.*s</span></li>\n",
             TEXT_ARGS(p->code), TEXT_ARGS(p->name_vi), TEXT_ARGS(p->code));
        shown++;
    }
    html(out, "</ul>\n");
    if (!shown)
        html(out, "<p>Không có thủ tục nào khớp. Thử ít chữ hơn, hoặc bỏ trống để xem tất cả.</p>\n");
}

static void put_search(struct page *page, struct text query)
{
    html(page->out,
         "<form method=\"get\" action=\"/quote\" class=\"stack\"><label for=\"query\">Tên hoặc mã thủ tục</label>"
         "<input id=\"query\" name=\"query\" maxlength=\"80\" autocomplete=\"off\" value=\"%.*s\"><button "
         "class=\"main\">Tìm thủ tục</button></form>\n",
         TEXT_ARGS(query));
}

static void put_channels(struct page *page, const struct quote_form *form)
{
    static const char *const words[CHANNEL_COUNT] = {"Nộp trực tiếp tại quầy", "Trực tuyến toàn trình",
                                                     "Trực tuyến một phần", "Qua bưu chính"};
    html(page->out, "<fieldset id=\"channel\"><legend>Cách nộp hồ sơ</legend>\n");
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        html(page->out, "<label class=\"box\"><input type=\"radio\" name=\"channel\" value=\"%s\"", channel_names[i]);
        if ((int)form->wanted.channel == i)
            html(page->out, " checked");
        html(page->out, "> %s</label>\n", words[i]);
    }
    html(page->out, "</fieldset>\n");
}

static void put_calculator(struct page *page, const struct catalogue *catalogue, const struct quote_form *form)
{
    struct buf *out = page->out;
    const struct procedure *procedure = catalogue_procedure(catalogue, form->wanted.procedure);
    if (procedure)
        html(out, "<h2>%.*s <span class=\"basis\">%.*s</span></h2>\n", TEXT_ARGS(procedure->name_vi),
             TEXT_ARGS(procedure->code));
    quote_form_faults(page, form);
    if (form->json.at) {
        html(out,
             "<section aria-label=\"Kết quả\" class=\"state plain\"><p class=\"tag\">Số tiền</p><p class=\"figure\">%s"
             "</p></section>\n",
             say_money(page, form->quote.total));
        quote_view(page, form->json);
        html(out, "<p class=\"meta\">Giá này giữ đến hết %s.</p>\n",
             date_words(page->arena, PAGE_VI, form->quote.valid_until));
    }
    html(out,
         "<form method=\"get\" action=\"/quote\" class=\"stack wide\">\n<input type=\"hidden\" name=\"procedure\" "
         "value=\"%.*s\">\n",
         TEXT_ARGS(form->wanted.procedure));
    put_channels(page, form);
    quote_form_fields(page, form);
    html(out, "<button class=\"main\">Tính lại</button>\n</form>\n<h2>Thủ tục khác</h2>\n");
}

enum err pages_quote_handle(struct request *rq)
{
    struct buf out = {0};
    struct page page;
    struct quote_form form = {0};
    page_init(&page, rq, &out);
    page.language = PAGE_VI;
    struct catalogue *catalogue = catalogue_in_force_hold();
    if (!catalogue)
        return page_error(rq, ERR_UNAVAILABLE);
    struct text query = text_trim(request_query(rq, "query"));
    quote_form_read(&page, request_query_string(rq), DATE_NONE, catalogue, &form);
    bool wrong = form.asked && rq->faults.count;
    page_begin(&page, &(struct page_head){.title = wrong ? "Lỗi: Tính phí" : "Tính phí"});
    html(&out, "<h1>Tính phí, lệ phí</h1>\n");
    if (form.asked)
        put_calculator(&page, catalogue, &form);
    put_search(&page, query);
    if (!form.asked)
        put_matches(&page, catalogue, query);
    html(&out, "<p class=\"meta\">Biểu phí phiên bản %s.</p>\n", catalogue_version(catalogue));
    page_end(&page);
    catalogue_drop(catalogue);
    return page_reply(&page, wrong ? 422 : 200);
}
