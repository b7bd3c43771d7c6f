/* The citizen's page of one request: what to pay and how, where the money is, what comes next.
 *
 * Every state has its own heading and its own next step; the state is read from the database, never from the address.
 */
#include "app/pages/pages.h"

#include <string.h>

#include "app/pages/pay_parts.h"

/* The state in words, then the amount it is about (0: none), which is never broken across lines. */
static const char *heading(struct pay_view *view, int64_t *ret_amount)
{
    struct page *page = &view->page;
    const struct payment_request *r = &view->request;
    *ret_amount = 0;
    switch (r->status) {
    case REQUEST_NOTHING_DUE:
        return view->exempt ? say(page, "Hồ sơ này được miễn lệ phí", "This dossier is exempt from fees")
                            : say(page, "Hồ sơ này không phải nộp tiền", "Nothing to pay for this dossier");
    case REQUEST_PENDING: *ret_amount = r->amount; return say(page, "Cần nộp", "Please pay");
    case REQUEST_PARTLY_PAID: *ret_amount = r->amount - r->allocated; return say(page, "Còn thiếu", "Still to pay:");
    case REQUEST_PAID: *ret_amount = r->amount; return say(page, "Đã nhận đủ", "Paid in full:");
    case REQUEST_OVERPAID:
        *ret_amount = r->surplus;
        return say(page, "Đã nhận đủ phí. Thừa", "Paid in full. Too much:");
    case REQUEST_EXPIRED: return say(page, "Mã QR này đã hết hạn", "This QR code has expired");
    case REQUEST_CANCELLED: return say(page, "Yêu cầu nộp tiền này đã hủy", "This payment request was cancelled");
    case REQUEST_REFUNDED: return say(page, "Khoản tiền đã được hoàn", "The money was refunded");
    case REQUEST_PARTLY_REFUNDED: return say(page, "Đã hoàn một phần tiền", "Part of the money was refunded");
    default: return "";
    }
}

/* One or two sentences under the heading: fact, money, next step. */
static void put_lead(struct pay_view *view)
{
    struct page *page = &view->page;
    const struct payment_request *r = &view->request;
    struct buf *out = page->out;
    switch (r->status) {
    case REQUEST_NOTHING_DUE: html(out, "<p>%s</p>", say(page, "Không cần nộp tiền.", "No payment is needed.")); break;
    case REQUEST_PENDING:
        html(out, "<p>%s</p>",
             say(page, "Chưa thấy tiền về. Nếu đã chuyển, đừng chuyển lại. Bấm “Kiểm tra lại”.",
                 "No money has arrived yet. If you have paid, do not pay again. Press “Check again”."));
        break;
    case REQUEST_PARTLY_PAID:
        html(out,
             say(page, "<p>Đã nhận %s, còn thiếu %s. Quét mã mới để nộp phần còn thiếu.</p>",
                 "<p>%s received, %s missing. Scan the new code to pay the rest.</p>"),
             say_money(page, r->allocated), say_money(page, r->amount - r->allocated));
        break;
    case REQUEST_PAID:
    case REQUEST_OVERPAID:
        if (r->settled_at != INSTANT_NONE)
            html(out, say(page, "<p>Đã nhận đủ %s lúc %s.</p>", "<p>%s received at %s.</p>"),
                 say_money(page, r->amount), say_instant(page, r->settled_at));
        break;
    case REQUEST_EXPIRED:
        html(out, "<p>%s</p>",
             say(page, "Bấm “Tạo mã mới”. Nếu đã chuyển theo mã cũ, đừng chuyển lại.",
                 "Press “Make a new code”. If you paid with the old code, do not pay again."));
        break;
    case REQUEST_CANCELLED:
        html(out, "<p>%s</p>",
             say(page, "Đừng chuyển tiền theo yêu cầu này. Nếu đã chuyển, tiền sẽ được hoàn lại.",
                 "Do not pay this request. Money already sent will be returned."));
        break;
    default:
        html(out, "<p>%s</p>",
             say(page, "Xem từng khoản ở mục “Tiền của tôi đang ở đâu”.", "See “Where is my money” for each amount."));
    }
}

static const char *tone(enum request_status status)
{
    switch (status) {
    case REQUEST_PAID:
    case REQUEST_NOTHING_DUE: return "good";
    case REQUEST_OVERPAID:
    case REQUEST_PARTLY_PAID:
    case REQUEST_EXPIRED: return "warn";
    default: return "plain";
    }
}

static const char *status_words(const struct page *page, enum request_status status)
{
    static const char *const vi[REQUEST_STATUS_COUNT] = {"Không phải nộp", "Chờ nộp",      "Nộp thiếu",
                                                         "Đã nộp đủ",      "Nộp thừa",     "Hết hạn",
                                                         "Đã hủy",         "Đã hoàn tiền", "Đã hoàn một phần"};
    static const char *const en[REQUEST_STATUS_COUNT] = {
        "Nothing due", "Waiting", "Part paid", "Paid", "Overpaid", "Expired", "Cancelled", "Refunded", "Part refunded"};
    return say(page, vi[status], en[status]);
}

const char *request_status_words(const struct page *page, enum request_status status)
{
    return status_words(page, status);
}

static void put_status(struct pay_view *view)
{
    struct page *page = &view->page;
    struct buf *out = page->out;
    const struct payment_request *r = &view->request;
    int64_t amount;
    const char *words = heading(view, &amount);
    html(out, "<section class=\"state %s\" aria-labelledby=\"state\">\n", tone(r->status));
    html(out, "<p class=\"tag\">%s</p>\n<h1 id=\"state\">%s", status_words(page, r->status), words);
    if (amount)
        html(out, " <span class=\"money\">%s</span>", say_money(page, amount));
    html(out, "</h1>\n");
    put_lead(view);
    pay_put_receipt_link(view);
    html(out, "\n<p class=\"meta\">%s <b>%.*s</b>. %s %s.</p>\n", say(page, "Hồ sơ", "Dossier"), TEXT_ARGS(r->dossier),
         say(page, "Thông tin cập nhật lúc", "As of"), say_instant(page, page->rq->at));
    if (r->reason.length)
        html(out, "<p class=\"meta\">%s: %.*s</p>\n", say(page, "Lý do nộp", "Why it is asked"), TEXT_ARGS(r->reason));
    pay_put_prices(view);
    if (r->status != REQUEST_NOTHING_DUE)
        html(out, "<p><a class=\"button\" href=\"/p/%s%s\" id=\"check\">%s</a></p>\n", view->token,
             say(page, "", "?lang=en"), say(page, "Kiểm tra lại", "Check again"));
    html(out, "<p role=\"status\" aria-atomic=\"true\" id=\"live\" data-watching=\"%s\" data-offline=\"%s\"></p>\n",
         say(page, "Trang tự kiểm tra khi có tiền về.", "This page checks by itself for your money."),
         say(page, "Đang mất mạng. Thông tin trên là của lần cập nhật trước.",
             "You are offline. What you see is from the last update."));
    html(out, "</section>\n");
}

static enum err show(struct request *rq, struct pay_view *view)
{
    struct page *page = &view->page;
    struct buf *out = page->out;
    const struct payment_request *r = &view->request;
    const char *title = arena_printf(page->arena, "%s – %s %.*s", status_words(page, r->status),
                                     say(page, "hồ sơ", "dossier"), TEXT_ARGS(r->dossier));
    page_begin(page, &(struct page_head){.title = title, .script = "pay.js", .other_language = true});
    html(out, "<div id=\"pay\" data-token=\"%s\" data-status=\"%s\" data-received=\"%lld\" data-receipts=\"%d\">\n",
         view->token, request_status_names[r->status], (long long)r->allocated + r->surplus, view->receipt_count);
    put_status(view);
    html(out, "<div class=\"columns\">\n");
    pay_put_transfer(view);
    html(out, "<div>\n");
    pay_put_ways(view);
    pay_put_fees(view);
    pay_put_timeline(view);
    pay_put_post(view);
    html(out, "</div>\n</div>\n");
    pay_put_next(view);
    html(out, "</div>\n");
    page_end(page);
    return page_reply(page, 200);
}

enum err pages_pay_handle(struct request *rq)
{
    struct buf out = {0};
    struct pay_view view = {0};
    page_init(&view.page, rq, &out);
    enum err err = pay_view_read(rq, &view);
    if (err == ERR_NOT_FOUND)
        err = basket_page(rq);
    else if (!err)
        return show(rq, &view);
    return err ? page_error(rq, err) : OK;
}

struct renewal {
    struct request *rq;
    int64_t id, accepted;
    struct reopening opened;
};

static enum err renew(struct db *db, void *with)
{
    struct renewal *r = with;
    return payment_request_reopen(db, &r->rq->arena, r->id, r->accepted, "citizen", r->rq->at, &r->opened);
}

/* An old code is renewed while it comes to the same sum; another sum is only taken by the button that names it. */
enum err pages_renew_handle(struct request *rq)
{
    struct payment_request request;
    struct text token = request_capture(rq, "token");
    struct renewal renewal = {.rq = rq, .accepted = -1};
    enum err err = page_act_is_ours(rq) ? payment_request_by_token(rq->db, &rq->arena, token, &request) : ERR_FORBIDDEN;
    struct text accepted = form_field(&rq->arena, rq->body, "accept");
    if (!err && accepted.at && (!text_to_int64(accepted, &renewal.accepted) || renewal.accepted < 0))
        err = ERR_INVALID;
    if (!err && request.status == REQUEST_EXPIRED) {
        renewal.id = request.id;
        err = db_transact(rq->db, rq->deadline_us, renew, &renewal);
        if (!err)
            err = payment_request_find(rq->db, &rq->arena, renewal.opened.request, &request);
    }
    if (err && err != ERR_QUOTE_CHANGED) /* then the page shows both prices and asks again */
        return page_error(rq, err);
    char now[TOKEN_TEXT_SIZE];
    payment_request_token(&request, now);
    bool english = text_is(request_query(rq, "lang"), "en");
    return page_go(rq, arena_printf(&rq->arena, "/p/%s%s", now, english ? "?lang=en" : ""));
}
