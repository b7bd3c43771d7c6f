/* The other ways to pay: wallets, gateways and the national portal, as plain forms and links.
 *
 * Choosing one opens an attempt and comes back to this page, which then shows the link to the wallet. Whoever returns
 * from there sees what our own server knows, never what an address claims. */
#include "app/pages/pages.h"

#include "app/pages/pay_parts.h"
#include "payments/ledger/ledger.h"

static const char *title_of(struct text name)
{
    const struct source *source = source_by_name(name);
    if (text_is(name, "post"))
        return "tiền mặt khi bưu điện đến nhà";
    if (terminal_driver_find(name))
        return "thẻ tại quầy";
    return source && source->title ? source->title : "";
}

static void put_open(struct pay_view *view, const struct attempt *a)
{
    struct page *page = &view->page;
    struct buf *out = page->out;
    const char *title = title_of(a->source);
    html(out, "<p>%s %s.</p>\n",
         say(page, "Đang chờ kết quả thanh toán bằng", "Waiting for the outcome of paying with"), title);
    if (page->rq->at < a->expires_at && a->redirect_url.length)
        html(out,
             "<p><a class=\"button main\" rel=\"noreferrer\" href=\"%.*s\">%s %s</a></p>\n<p class=\"meta\">%s "
             "%s.</p>\n",
             TEXT_ARGS(a->redirect_url), say(page, "Mở", "Open"), title,
             say(page, "Liên kết dùng được đến", "The link works until"), say_instant(page, a->expires_at));
    html(out, "<p class=\"meta\">%s</p>\n",
         say(page, "Nếu đã trả tiền ở đó, đừng trả lại. Mã QR vẫn dùng được nếu chưa trả.",
             "If you have paid there, do not pay again. The QR code still works if you have not."));
}

void pay_put_ways(struct pay_view *view)
{
    struct page *page = &view->page;
    const struct payment_request *r = &view->request;
    struct way ways[WAYS_MAX];
    struct attempt open;
    if (r->status != REQUEST_PENDING && r->status != REQUEST_PARTLY_PAID)
        return;
    enum err err = attempt_of(page->rq->db, page->arena, r->id, &open);
    size_t count = ways_of(r->amount - r->allocated, r->account_number, page->arena, ways);
    if (err && !count)
        return;
    html(page->out, "<section aria-labelledby=\"ways\" class=\"ways\">\n<h2 id=\"ways\">%s</h2>\n",
         say(page, "Cách nộp khác", "Other ways to pay"));
    if (!err)
        put_open(view, &open);
    for (size_t i = 0; err && i < count; i++)
        html(page->out,
             "<form method=\"post\" action=\"/p/%s/ways/%s%s\"><button class=\"button\">%s %s</button></form>\n",
             view->token, ways[i].source->name, say(page, "", "?lang=en"), say(page, "Thanh toán bằng", "Pay with"),
             ways[i].source->title);
    html(page->out, "</section>\n");
}

enum err pages_pay_with_handle(struct request *rq)
{
    struct payment_request r;
    struct source_told told = {0};
    struct text token = request_capture(rq, "token");
    enum err err = page_act_is_ours(rq) ? payment_request_by_token(rq->db, &rq->arena, token, &r) : ERR_FORBIDDEN;
    if (!err)
        err = attempt_start(rq->db, &rq->arena, &r, request_capture(rq, "source"),
                            text_of(payment_request_url(&rq->arena, &r)), request_peer(rq), "citizen", rq->at, &told);
    if (err && err != ERR_ATTEMPT_OPEN && err != ERR_REQUEST_SETTLED && err != ERR_UNKNOWN_OUTCOME)
        return page_error(rq, err);
    bool english = text_is(request_query(rq, "lang"), "en");
    return page_go(rq, arena_printf(&rq->arena, "/p/%.*s%s#ways", TEXT_ARGS(token), english ? "?lang=en" : ""));
}
