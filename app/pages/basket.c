/* The page of a basket: one QR for several dossiers, each with its own line and its own receipt. */
#include "app/pages/pages.h"

#include <string.h>

#include "app/pages/pay_parts.h"

static const char *status_words(const struct page *page, struct text status)
{
    static const char *const words[][3] = {{"pending", "Chờ nộp", "Waiting"},
                                           {"partly_paid", "Nộp thiếu", "Part paid"},
                                           {"paid", "Đã nộp đủ", "Paid"},
                                           {"expired", "Hết hạn", "Expired"},
                                           {"cancelled", "Đã hủy", "Cancelled"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(status, words[i][0]))
            return say(page, words[i][1], words[i][2]);
    return "";
}

static const char *request_words(const struct page *page, struct text status)
{
    for (int i = 0; request_status_names[i]; i++)
        if (text_is(status, request_status_names[i]))
            return request_status_words(page, (enum request_status)i);
    return "";
}

static void put_state(struct page *page, const struct basket *b, const char *token)
{
    struct buf *out = page->out;
    bool paid = text_is(b->status, "paid"), open = text_is(b->status, "pending") || text_is(b->status, "partly_paid");
    html(out, "<section class=\"state %s\" aria-labelledby=\"state\">\n<p class=\"tag\">%s</p>\n<h1 id=\"state\">%s",
         paid   ? "good"
         : open ? "plain"
                : "warn",
         status_words(page, b->status),
         paid   ? say(page, "Đã nhận đủ tiền cho", "Paid in full:")
         : open ? say(page, "Cần nộp", "Please pay")
                : say(page, "Mã QR này không còn dùng được", "This QR code is no longer valid"));
    if (open)
        html(out, " <span class=\"money\">%s</span>", say_money(page, b->due > b->held ? b->due - b->held : 0));
    if (open || paid)
        html(out, say(page, " (%d hồ sơ)", " (%d dossiers)"), b->items.count);
    html(out, "</h1>\n");
    if (b->held)
        html(out,
             say(page, "<p>Đã nhận %s, chưa đủ %s. Nộp phần còn thiếu, hoặc chọn bên dưới hồ sơ được nộp trước.</p>\n",
                 "<p>%s received of %s. Pay the rest, or choose below what it is for.</p>\n"),
             say_money(page, b->held), say_money(page, b->due));
    else if (open)
        html(out, "<p>%s</p>\n",
             say(page, "Một lần chuyển khoản nộp cho tất cả hồ sơ dưới đây. Mỗi hồ sơ có biên lai riêng.",
                 "One transfer pays for all dossiers below. Each has its own receipt."));
    else if (!paid)
        html(out, "<p>%s</p>\n",
             say(page, "Nếu đã chuyển tiền, đừng chuyển lại. Vẫn nộp được từng hồ sơ theo trang riêng của hồ sơ đó.",
                 "If you have paid, do not pay again. Each dossier can still be paid on its own page."));
    html(out, "<p class=\"meta\">%s %s.</p>\n<p><a class=\"button\" href=\"/p/%s%s\">%s</a></p>\n</section>\n",
         say(page, "Thông tin cập nhật lúc", "As of"), say_instant(page, page->rq->at), token,
         say(page, "", "?lang=en"), say(page, "Kiểm tra lại", "Check again"));
}

/* The dossiers; while money is held, each open one can be chosen. */
static void put_items(struct page *page, const struct basket *b, const char *token)
{
    struct buf *out = page->out;
    html(out, "<section aria-labelledby=\"items\">\n<h2 id=\"items\">%s</h2>\n",
         say(page, "Các hồ sơ trong lần nộp này", "The dossiers of this payment"));
    if (b->held)
        html(out, "<form method=\"post\" action=\"/p/%s/choose%s\">\n", token, say(page, "", "?lang=en"));
    html(out,
         "<table>\n<thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th><th "
         "scope=\"col\">%s</th></tr></thead>\n<tbody>\n",
         say(page, "Hồ sơ", "Dossier"), say(page, "Số tiền", "Amount"), say(page, "Tình trạng", "State"));
    for (int i = 0; i < b->items.count; i++) {
        long long id = (long long)db_int(&b->items, i, 0);
        struct text dossier = db_text(&b->items, i, 2);
        html(out, "<tr><th scope=\"row\">");
        if (b->held && db_int(&b->items, i, 4))
            html(out, "<label><input type=\"checkbox\" name=\"r%lld\" value=\"1\"> %.*s</label>", id,
                 TEXT_ARGS(dossier));
        else
            html(out, "%.*s", TEXT_ARGS(dossier));
        html(out, "</th><td class=\"money\">%s</td><td>%s</td></tr>\n", say_money(page, db_int(&b->items, i, 3)),
             request_words(page, db_text(&b->items, i, 5)));
    }
    html(out, "</tbody>\n</table>\n");
    if (b->held)
        html(out, "<p><button class=\"main\">%s</button></p>\n</form>\n",
             say(page, "Dùng tiền đã nhận cho hồ sơ đã chọn", "Use the money for what is chosen"));
    html(out, "</section>\n");
}

enum err basket_page(struct request *rq)
{
    struct basket basket;
    enum err err = basket_by_token(rq->db, &rq->arena, request_capture(rq, "token"), rq->at, &basket);
    if (err)
        return err;
    struct buf out = {0};
    struct pay_view view = {.request = basket.as_request};
    struct page *page = &view.page;
    page_init(page, rq, &out);
    payment_request_token(&basket.as_request, view.token);
    page_begin(page,
               &(struct page_head){.title = arena_printf(page->arena, "%s – %d %s", status_words(page, basket.status),
                                                         basket.items.count, say(page, "hồ sơ", "dossiers")),
                                   .other_language = true});
    put_state(page, &basket, view.token);
    html(page->out, "<div class=\"columns\">\n");
    pay_put_transfer(&view);
    html(page->out, "<div>\n");
    put_items(page, &basket, view.token);
    html(page->out, "</div>\n</div>\n");
    page_end(page);
    return page_reply(page, 200);
}

enum err pages_basket_choose_handle(struct request *rq)
{
    struct basket basket;
    struct text token = request_capture(rq, "token");
    enum err err = page_act_is_ours(rq) ? basket_by_token(rq->db, &rq->arena, token, rq->at, &basket) : ERR_FORBIDDEN;
    int64_t chosen[BASKET_REQUESTS_MAX];
    size_t count = 0;
    for (int i = 0; !err && i < basket.items.count && count < BASKET_REQUESTS_MAX; i++) {
        int64_t id = db_int(&basket.items, i, 0);
        if (text_is(form_field(&rq->arena, rq->body, arena_printf(&rq->arena, "r%lld", (long long)id)), "1"))
            chosen[count++] = id;
    }
    if (!err && count)
        err = basket_choose(rq->db, &rq->arena, basket.id, chosen, count, "citizen", rq->at);
    if (err)
        return page_error(rq, err);
    bool english = text_is(request_query(rq, "lang"), "en");
    return page_go(rq, arena_printf(&rq->arena, "/p/%.*s%s", TEXT_ARGS(token), english ? "?lang=en" : ""));
}
