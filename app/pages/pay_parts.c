#include "app/pages/pay_parts.h"

#include <string.h>

enum { MEMO_GROUP = 4 };

static const struct db_statement payments_sql = {
    "pages_payments", "SELECT paid_at, booked_at, amount, method, surplus FROM payment WHERE request_id = $1"
                      " ORDER BY paid_at, id LIMIT 50"};
static const struct db_statement refunds_sql = {
    "pages_refunds",
    "SELECT f.amount, f.state, f.changed_at, right(coalesce(f.to_account, p.payer_account), 4) FROM refund f"
    " JOIN payment p ON p.id = f.payment_id WHERE f.request_id = $1 ORDER BY f.id LIMIT 50"};
static const struct db_statement answers_sql = {
    "pages_refund_answers",
    "SELECT a.answer, a.state, l.name, a.legal_basis, a.at, coalesce(' (' || d.state_reason || ')', '') FROM"
    " refund_answer a JOIN request_line l ON l.request_id = a.request_id AND l.ordinal = a.ordinal"
    " JOIN payment_request r ON r.id = a.request_id JOIN dossier d ON d.code = r.dossier WHERE a.request_id = $1 AND "
    "a.void_at"
    " IS NULL ORDER BY l.ordinal LIMIT 50"};
static const struct db_statement adjustments_sql = {
    "pages_adjustments",
    "SELECT reason, before, after, lowered, coalesce(additional_request, replaced_by, 0), at FROM request_adjustment"
    " WHERE request_id = $1 ORDER BY id LIMIT 50"};
static const struct db_statement moves_sql = {
    "pages_moves", "SELECT amount, decided_at, to_request = $1 FROM payment_move WHERE state = 'done' AND"
                   " (from_request = $1 OR to_request = $1) ORDER BY id LIMIT 50"};
static const struct db_statement receipts_sql = {"pages_receipts",
                                                 "SELECT id FROM receipt WHERE request_id = $1 ORDER BY id LIMIT 20"};

static enum err rows_of(struct request *rq, const struct db_statement *statement, int64_t request, struct db_rows *ret)
{
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, request);
    return db_query(rq->db, statement, &args, ret);
}

/* Number, symbol and the link's code stand in the signed bytes. */
static enum err read_receipt(struct pay_view *view, int64_t id)
{
    struct arena *arena = view->page.arena;
    struct receipt_stored stored;
    struct receipt_document document;
    struct faults *faults = ARENA_NEW(arena, struct faults);
    faults_init(faults, arena);
    enum err err = receipt_load(view->page.rq->db, arena, id, &stored);
    if (err || stored.signed_at == INSTANT_NONE || stored.replaced_by)
        return err;
    err = receipt_document_read(stored.xml, &document, faults);
    if (!err)
        view->receipts[view->receipt_count++] = (struct pay_receipt){.symbol = document.symbol,
                                                                     .number = document.number,
                                                                     .code = document.lookup_code,
                                                                     .signed_at = stored.signed_at};
    return err;
}

static enum err read_receipts(struct request *rq, struct pay_view *view)
{
    struct db_rows rows;
    enum err err = rows_of(rq, &receipts_sql, view->request.id, &rows);
    if (err)
        return err;
    view->receipts = ARENA_ARRAY(&rq->arena, struct pay_receipt, rows.count + 1);
    for (int i = 0; !err && i < rows.count; i++)
        err = read_receipt(view, db_int(&rows, i, 0));
    return err;
}

enum err pay_view_of(struct request *rq, const struct payment_request *request, struct pay_view *ret_view)
{
    ret_view->request = *request;
    payment_request_token(request, ret_view->token);
    enum err err = agency_by_tax_code(rq->db, &rq->arena, request->collector, &ret_view->collector);
    if (err == ERR_NOT_FOUND)
        err = OK;
    if (!err)
        err = rows_of(rq, &payments_sql, request->id, &ret_view->payments);
    if (!err)
        err = rows_of(rq, &refunds_sql, request->id, &ret_view->refunds);
    if (!err)
        err = rows_of(rq, &answers_sql, request->id, &ret_view->answers);
    if (!err)
        err = rows_of(rq, &adjustments_sql, request->id, &ret_view->adjustments);
    if (!err)
        err = rows_of(rq, &moves_sql, request->id, &ret_view->moves);
    if (!err)
        err = pay_post_read(rq, request->id, ret_view);
    if (!err)
        err = read_receipts(rq, ret_view);
    if (!err)
        err = payment_request_repricing(rq->db, &rq->arena, request->id, &ret_view->repricing);
    if (!err && request->status == REQUEST_EXPIRED)
        err = payment_request_price_today(&rq->arena, request, rq->at, &ret_view->price_today);
    ret_view->exempt = request->amount == 0 && quote_view_reduced(&ret_view->page, request->quote);
    return err;
}

enum err pay_view_read(struct request *rq, struct pay_view *ret_view)
{
    struct payment_request request;
    enum err err = payment_request_by_token(rq->db, &rq->arena, request_capture(rq, "token"), &request);
    return err ? err : pay_view_of(rq, &request, ret_view);
}

void pay_put_receipt_link(struct pay_view *view)
{
    struct page *page = &view->page;
    for (int i = 0; i < view->receipt_count; i++)
        html(page->out, "<p><a class=\"button main\" href=\"/r/%.*s\">%s %.*s %s %lld</a></p>\n",
             TEXT_ARGS(view->receipts[i].code), say(page, "Tải biên lai", "Get receipt"),
             TEXT_ARGS(view->receipts[i].symbol), say(page, "số", "no."), (long long)view->receipts[i].number);
}

/* The request that took this one's place has a link of its own. */
static void put_successor(struct pay_view *view)
{
    struct page *page = &view->page;
    struct payment_request next;
    char token[TOKEN_TEXT_SIZE];
    if (payment_request_find(page->rq->db, page->arena, view->repricing.new_request, &next))
        return;
    payment_request_token(&next, token);
    html(page->out, "<p><a class=\"button main\" href=\"/p/%s%s\">%s</a></p>\n", token, say(page, "", "?lang=en"),
         say(page, "Mở yêu cầu theo giá mới", "Open the request at the new price"));
}

void pay_put_prices(struct pay_view *view)
{
    struct page *page = &view->page;
    struct buf *out = page->out;
    const struct payment_request *r = &view->request;
    bool expired = r->status == REQUEST_EXPIRED, changed = expired && view->price_today != r->amount;
    if (changed || view->repricing.new_request)
        html(out,
             say(page, "<p>Giá khi lập: <s>%s</s>. Giá hiện nay: <b>%s</b>.</p>\n",
                 "<p>Price then: <s>%s</s>. Price now: <b>%s</b>.</p>\n"),
             say_money(page, changed ? r->amount : view->repricing.before),
             say_money(page, changed ? view->price_today : view->repricing.after));
    if (view->repricing.new_request && view->repricing.new_request != r->id)
        put_successor(view);
    if (!expired)
        return;
    html(out, "<form method=\"post\" action=\"/p/%s/renew%s\">", view->token, say(page, "", "?lang=en"));
    if (changed)
        html(out, "<input type=\"hidden\" name=\"accept\" value=\"%lld\"><button class=\"main\">%s %s</button>",
             (long long)view->price_today, say(page, "Đồng ý, tạo mã mới", "Agree, make a new code for"),
             say_money(page, view->price_today));
    else
        html(out, "<button class=\"main\">%s</button>", say(page, "Tạo mã mới", "Make a new code"));
    html(out, "</form>\n");
}

void pay_put_qr(struct pay_view *view)
{
    struct page *page = &view->page;
    struct buf payload = {0};
    if (payment_request_vietqr(&view->request, &payload)) {
        html(page->out, "<div class=\"qr\">");
        struct text title = text_of(say(page,
                                        "Mã VietQR để chuyển khoản phí, lệ phí. Số tài khoản, số tiền và nội "
                                        "dung ghi ở bên cạnh.",
                                        "VietQR code to pay the fee. Account, amount and memo are written beside it."));
        if (qr_image_svg(buf_view(&payload), title, page->out))
            html(page->out, "<p>%s</p>", say(page, "Chưa vẽ được mã QR.", "The QR code cannot be drawn."));
        html(page->out, "</div>\n");
    }
    buf_done(&payload);
}

/* A value that must be typed into a bank's app exactly; the button is there only with a script. */
static void put_field(struct pay_view *view, const char *name, struct text shown, struct text exact)
{
    struct page *page = &view->page;
    html(page->out, "<div><dt>%s</dt><dd><span class=\"exact\">%.*s</span>", name, TEXT_ARGS(shown));
    if (exact.length)
        html(page->out,
             "<button type=\"button\" class=\"copy\" data-copy=\"%.*s\" data-done=\"%s\" hidden>%s<span "
             "class=\"unseen\"> %s</span></button>",
             TEXT_ARGS(exact), say(page, "Đã chép", "Copied"), say(page, "Chép", "Copy"), name);
    html(page->out, "</dd></div>\n");
}

static struct text grouped(struct arena *arena, struct text memo)
{
    char *to = arena_alloc(arena, memo.length * 2 + 1);
    size_t length = 0;
    for (size_t i = 0; i < memo.length; i++) {
        if (i && i % MEMO_GROUP == 0)
            to[length++] = ' ';
        to[length++] = memo.at[i];
    }
    return (struct text){to, length};
}

static bool awaits_money(const struct payment_request *r)
{
    return r->status == REQUEST_PENDING || r->status == REQUEST_PARTLY_PAID;
}

void pay_put_transfer(struct pay_view *view)
{
    struct page *page = &view->page;
    struct buf *out = page->out;
    const struct payment_request *r = &view->request;
    if (!awaits_money(r))
        return;
    int64_t missing = r->amount - r->allocated;
    html(out, "<section aria-labelledby=\"transfer\" class=\"transfer\">\n<h2 id=\"transfer\">%s</h2>\n",
         say(page, "Quét mã bằng ứng dụng ngân hàng", "Scan with your bank's app"));
    pay_put_qr(view);
    if (missing < VIETQR_AMOUNT_LIMIT)
        html(out, "<p><a class=\"button\" href=\"/p/%s/qr.png\" download=\"lephi-%.*s.png\">%s</a></p>\n<p>%s</p>\n",
             view->token, TEXT_ARGS(r->reference), say(page, "Lưu ảnh QR", "Save QR image"),
             say(page, "Đang xem trên điện thoại: lưu ảnh, mở ứng dụng ngân hàng, chọn ảnh để quét.",
                 "On this same phone: save the image, open your bank's app and scan it from your photos."));
    else
        html(out, "<p>%s</p>\n",
             say(page, "Số tiền từ 500 triệu đồng không dùng được mã QR. Chuyển khoản theo thông tin dưới đây.",
                 "Amounts of 500 million dong and above cannot use a QR code. Transfer with the details below."));
    html(out, "<p><a href=\"/p/%s/notice.pdf\">%s</a></p>\n", view->token,
         say(page, "In thông báo nộp tiền (nửa tờ A5)", "Print the payment notice (half an A5 sheet)"));
    html(out, "<h3>%s</h3>\n<dl class=\"account\">\n", say(page, "Hoặc nhập thông tin chuyển khoản", "Or type these"));
    put_field(view, say(page, "Ngân hàng", "Bank"), text_of(bank_name(page->arena, r->bank_bin)), TEXT_NONE);
    put_field(view, say(page, "Số tài khoản", "Account number"), r->account_number, r->account_number);
    put_field(view, say(page, "Chủ tài khoản", "Account name"), r->account_name, TEXT_NONE);
    put_field(view, say(page, "Số tiền", "Amount"), text_of(say_money(page, missing)),
              arena_textf(page->arena, "%lld", (long long)missing));
    put_field(view, say(page, "Nội dung", "Memo"), grouped(page->arena, r->reference), r->reference);
    html(out, "</dl>\n<p class=\"meta\">%s</p>\n",
         say(page, "Ghi đúng nội dung để tiền về đúng hồ sơ. Có dấu cách hay không đều được.",
             "Type the memo exactly, with or without spaces: it tells us which dossier you pay for."));
    html(out,
         say(page, "<p class=\"meta\">Nộp trước %s.</p>\n</section>\n",
             "<p class=\"meta\">Pay before %s.</p>\n</section>\n"),
         say_instant(page, r->expires_at));
}

void pay_put_fees(struct pay_view *view)
{
    struct page *page = &view->page;
    html(page->out, "<section aria-labelledby=\"fees\">\n<h2 id=\"fees\">%s</h2>\n",
         say(page, "Các khoản phải nộp", "What the fees are"));
    quote_view(page, view->request.quote);
    if (view->request.amount && !view->receipt_count && view->request.status != REQUEST_CANCELLED)
        html(
            page->out, "<p><a href=\"/p/%s/payer%s\">%s</a></p>\n", view->token, say(page, "", "?lang=en"),
            say(page, "Biên lai ghi tên công ty hoặc người khác", "Receipt in the name of a company or somebody else"));
    html(page->out, "</section>\n");
}

static void put_event(struct page *page, const char *done, const char *what, const char *when)
{
    html(page->out, "<li class=\"%s\"><b>%s</b><span>%s</span></li>\n", done, what, when);
}

static const char *method_words(const struct page *page, struct text method)
{
    static const char *const words[][3] = {{"vietqr", "chuyển khoản", "bank transfer"},
                                           {"pos", "thẻ", "card"},
                                           {"wallet", "ví điện tử", "e-wallet"},
                                           {"post", "bưu điện", "post office"},
                                           {"portal", "cổng dịch vụ công", "public service portal"},
                                           {"cash", "tiền mặt", "cash"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(method, words[i][0]))
            return say(page, words[i][1], words[i][2]);
    return "";
}

/* "Hoàn 8.000 đồng về tài khoản …3456: ngân hàng đã trả". */
static const char *refund_words(struct page *page, struct text state)
{
    if (text_is(state, "paid"))
        return say(page, "ngân hàng đã trả", "paid by the bank");
    if (text_is(state, "refused"))
        return say(page, "không được duyệt", "not approved");
    if (text_is(state, "failed"))
        return say(page, "ngân hàng không trả được, sẽ làm lại", "the bank could not pay it; it is done again");
    if (text_is(state, "approved") || text_is(state, "sent"))
        return say(page, "đã duyệt, đang chuyển tiền", "approved, on its way");
    return say(page, "đang chờ duyệt", "waits for approval");
}

static void put_refund_events(struct pay_view *view)
{
    struct page *page = &view->page;
    for (int i = 0; i < view->refunds.count; i++) {
        struct text state = db_text(&view->refunds, i, 1), account = db_text(&view->refunds, i, 3);
        const char *amount = say_money(page, db_int(&view->refunds, i, 0));
        const char *where =
            account.length
                ? arena_printf(page->arena, say(page, " về tài khoản …%.*s", " to account …%.*s"), TEXT_ARGS(account))
                : "";
        const char *what = arena_printf(page->arena, say(page, "Hoàn %s%s: %s", "Refund of %s%s: %s"), amount, where,
                                        refund_words(page, state));
        put_event(page, text_is(state, "paid") ? "done" : "wait", what,
                  say_instant(page, db_instant(&view->refunds, i, 2)));
    }
}

/* What the rule of each fee says when its dossier was refused or withdrawn. */
static void put_refund_answers(struct pay_view *view)
{
    struct page *page = &view->page;
    for (int i = 0; i < view->answers.count; i++) {
        struct text answer = db_text(&view->answers, i, 0), fee = db_text(&view->answers, i, 2);
        bool refused = text_is(db_text(&view->answers, i, 1), "refused");
        const char *why = refused ? say(page, "Hồ sơ bị từ chối", "The dossier was refused")
                                  : say(page, "Hồ sơ đã rút", "The dossier was withdrawn");
        const char *what =
            text_is(answer, "yes") ? say(page, "được hoàn", "is given back")
            : text_is(answer, "no")
                ? say(page, "không được hoàn theo quy định", "is not given back by the rule")
                : say(page, "cơ quan thu sẽ quyết định việc hoàn", "the agency decides on giving it back");
        put_event(page, text_is(answer, "unset") ? "wait" : "done",
                  arena_printf(page->arena, "%s%.*s: %.*s %s (%.*s)", why, TEXT_ARGS(db_text(&view->answers, i, 5)),
                               TEXT_ARGS(fee), what, TEXT_ARGS(db_text(&view->answers, i, 3))),
                  say_instant(page, db_instant(&view->answers, i, 4)));
    }
}

/* Money that two people moved because it was another dossier's. */
static void put_moves(struct pay_view *view)
{
    struct page *page = &view->page;
    for (int i = 0; i < view->moves.count; i++) {
        const char *words = db_bool(&view->moves, i, 2)
                                ? say(page, "ghi nhầm hồ sơ khác đã được chuyển về hồ sơ này",
                                      "that stood on another dossier by mistake was moved here")
                                : say(page, "ghi nhầm vào hồ sơ này đã được chuyển về đúng hồ sơ của người nộp",
                                      "that stood here by mistake was moved to the dossier it was paid for");
        put_event(page, "done", arena_printf(page->arena, "%s %s", say_money(page, db_int(&view->moves, i, 0)), words),
                  say_instant(page, db_instant(&view->moves, i, 1)));
    }
}

/* What was asked beside this request, and what comes back; the link is the citizen's own, of the same dossier. */
static void put_adjustments(struct pay_view *view)
{
    struct page *page = &view->page;
    const struct db_rows *rows = &view->adjustments;
    for (int i = 0; i < rows->count; i++) {
        struct payment_request next;
        char token[TOKEN_TEXT_SIZE];
        const char *what = arena_printf(
            page->arena,
            say(page, "Điều chỉnh: %.*s. Đã yêu cầu %s, mức đúng %s", "Adjusted: %.*s. Asked %s, right %s"),
            TEXT_ARGS(db_text(rows, i, 0)), say_money(page, db_int(rows, i, 1)), say_money(page, db_int(rows, i, 2)));
        if (db_int(rows, i, 3))
            what = arena_printf(page->arena, say(page, "%s. Phần được hoàn: %s", "%s. To be given back: %s"), what,
                                say_money(page, db_int(rows, i, 3)));
        put_event(page, "done", what, say_instant(page, db_instant(rows, i, 5)));
        if (!db_int(rows, i, 4) || payment_request_find(page->rq->db, page->arena, db_int(rows, i, 4), &next))
            continue;
        payment_request_token(&next, token);
        view->more_to_pay = view->more_to_pay || awaits_money(&next);
        html(page->out, "<li class=\"%s\"><b><a href=\"/p/%s%s\">%s</a></b><span>%s</span></li>\n",
             awaits_money(&next) ? "wait" : "done", token, say(page, "", "?lang=en"),
             i == rows->count - 1 && awaits_money(&next)
                 ? say(page, "Mở yêu cầu còn phải nộp", "Open what is still to pay")
                 : say(page, "Xem yêu cầu ấy", "See that request"),
             say_money(page, next.amount));
    }
}

static void put_receipt_events(struct pay_view *view)
{
    struct page *page = &view->page;
    const struct payment_request *r = &view->request;
    for (int i = 0; i < view->receipt_count; i++)
        put_event(page, "done",
                  arena_printf(page->arena, say(page, "Đã có biên lai số %lld", "Receipt no. %lld issued"),
                               (long long)view->receipts[i].number),
                  say_instant(page, view->receipts[i].signed_at));
    if (!view->receipt_count && (r->status == REQUEST_PAID || r->status == REQUEST_OVERPAID))
        put_event(page, "wait", say(page, "Đang lập biên lai", "The receipt is being made"),
                  say(page, "Thường trong vài phút", "Usually within minutes"));
    else if (!view->receipt_count && awaits_money(r))
        put_event(page, "todo", say(page, "Biên lai", "Receipt"),
                  say(page, "Có sau khi nhận đủ tiền", "After full payment"));
}

void pay_put_timeline(struct pay_view *view)
{
    struct page *page = &view->page;
    const struct payment_request *r = &view->request;
    struct buf *out = page->out;
    if (r->status == REQUEST_NOTHING_DUE)
        return;
    html(out, "<section aria-labelledby=\"money\">\n<h2 id=\"money\">%s</h2>\n<ol class=\"timeline\">\n",
         say(page, "Tiền của tôi đang ở đâu", "Where is my money"));
    put_event(page, "done", say(page, "Đã lập yêu cầu nộp tiền", "Payment request made"),
              say_instant(page, r->created_at));
    for (int i = 0; i < view->payments.count; i++) {
        put_event(page, "done",
                  arena_printf(page->arena, say(page, "Đã thấy tiền về: %s qua %s", "%s arrived by %s"),
                               say_money(page, db_int(&view->payments, i, 2)),
                               method_words(page, db_text(&view->payments, i, 3))),
                  say_instant(page, db_instant(&view->payments, i, 0)));
        put_event(page, "done", say(page, "Đã ghép với hồ sơ", "Matched with your dossier"),
                  say_instant(page, db_instant(&view->payments, i, 1)));
    }
    if (awaits_money(r))
        put_event(page, "wait",
                  view->payments.count ? say(page, "Chờ phần tiền còn thiếu", "Waiting for the rest")
                                       : say(page, "Chưa thấy tiền về", "No transfer seen yet"),
                  say(page, "Chuyển khoản thường về trong vài phút", "Transfers usually arrive within minutes"));
    put_moves(view);
    put_adjustments(view);
    put_receipt_events(view);
    put_refund_answers(view);
    put_refund_events(view);
    html(out, "</ol>\n</section>\n");
}

static const char *next_words(const struct pay_view *view)
{
    const struct page *page = &view->page;
    switch (view->request.status) {
    case REQUEST_PENDING:
    case REQUEST_PARTLY_PAID:
        return say(
            page,
            "Khi tiền về, trang này báo đã nhận và có biên lai. Không dùng được ngân hàng: mang giấy báo này đến bộ "
            "phận một cửa.",
            "When the money arrives this page says so and gives the receipt. Without a bank account: take this "
            "notice to the one-stop desk.");
    case REQUEST_PAID:
        if (view->more_to_pay)
            return say(page, "Còn một khoản phải nộp thêm: mở yêu cầu ghi ở trên.",
                       "There is more to pay: open the request named above.");
        if (view->answers.count)
            return say(page,
                       "Hồ sơ đã kết thúc, không có kết quả. Việc hoàn tiền ghi ở trên. Giữ đường dẫn này để theo dõi.",
                       "Your dossier has ended without a result. What becomes of the money stands above. Keep this "
                       "address to follow it.");
        return say(page, "Không phải làm gì thêm. Hồ sơ được xử lý tiếp. Giữ đường dẫn này để xem lại biên lai.",
                   "Nothing more to do. Your dossier goes on. Keep this address to see the receipt again.");
    case REQUEST_OVERPAID:
        return say(
            page,
            "Tiền thừa được hoàn về đúng tài khoản đã chuyển, sau khi được duyệt. Không cần làm gì thêm. Có thể gọi "
            "cơ quan thu để hỏi.",
            "The surplus goes back to the account it came from, after approval. You need not do anything. You may "
            "call the collecting agency.");
    case REQUEST_EXPIRED:
        return say(page, "Tiền đã chuyển theo mã cũ vẫn được ghi nhận. Bấm “Kiểm tra lại” sau vài phút.",
                   "Money sent with the old code is still booked. Press “Check again” after some minutes.");
    case REQUEST_CANCELLED:
        return say(page, "Gọi cơ quan thu nếu vẫn cần nộp tiền cho hồ sơ này.",
                   "Call the collecting agency if this dossier still needs a payment.");
    case REQUEST_NOTHING_DUE: return say(page, "Hồ sơ được xử lý tiếp.", "Your dossier goes on.");
    default:
        return say(page, "Gọi cơ quan thu nếu chưa nhận được tiền hoàn.",
                   "Call the collecting agency if the refund has not reached you.");
    }
}

void pay_put_next(struct pay_view *view)
{
    struct page *page = &view->page;
    struct buf *out = page->out;
    const struct agency *agency = &view->collector;
    html(out, "<section aria-labelledby=\"next\">\n<h2 id=\"next\">%s</h2>\n<p>%s</p>\n",
         say(page, "Tiếp theo", "What happens next"), next_words(view));
    if (agency->code.length) {
        struct text name = page->language == PAGE_EN && agency->name_en.length ? agency->name_en : agency->name_vi;
        html(out, "<p>%s: <b>%.*s</b>", say(page, "Cơ quan thu", "Collecting agency"), TEXT_ARGS(name));
        if (agency->phone.length)
            html(out, ", %s <b class=\"exact\">%.*s</b>", say(page, "điện thoại", "phone"), TEXT_ARGS(agency->phone));
        html(out, "</p>\n");
    }
    html(out, "</section>\n");
}
