/* Taking money at the desk: card terminal, cash, a printed code. One way at a time; what is under way is seen on every
 * screen, and nobody can declare what became of a card. */
#include "app/pages/pages.h"

#include "app/pages/counter_parts.h"

enum { DESK_ROLES = ROLE_CASHIER | ROLE_SUPERVISOR | ROLE_ADMIN, TEXT_MAX = 300, CODE_MAX = 60 };

static const struct db_statement
    taken_sql = {"pages_counter_taken", "SELECT c.way, p.amount, c.tendered, c.change_due, c.at FROM counter_payment c"
                                        " JOIN payment p ON p.id = c.payment_id WHERE p.request_id = $1 ORDER BY c.at"},
    agencies_sql = {"pages_agencies", "SELECT code, name_vi FROM agency WHERE active ORDER BY name_vi LIMIT 500"};

enum err counter_desk_read(struct request *rq, struct counter_desk *ret)
{
    struct counter_desk desk = {0};
    struct db_args none = db_args(&rq->arena);
    enum err err = shift_of(rq->db, &rq->arena, auth_actor(rq), &desk.shift);
    if (err == ERR_NOT_FOUND)
        err = OK;
    if (!err)
        err = terminals_list(rq->db, &rq->arena, &desk.terminals, &desk.terminal_count);
    if (!err)
        err = static_codes_list(rq->db, &rq->arena, &desk.codes, &desk.code_count);
    if (!err)
        err = shifts_waiting(rq->db, &rq->arena, &desk.waiting, &desk.waiting_count);
    if (!err)
        err = db_query(rq->db, &agencies_sql, &none, &desk.agencies);
    if (!err)
        *ret = desk;
    return err;
}

static void begin_form(struct page *page, const struct payment_request *r, const char *act)
{
    html(page->out,
         "<form method=\"post\" action=\"/counter/take\" class=\"stack\" data-once><input type=\"hidden\" "
         "name=\"code\" value=\"%.*s\"><input type=\"hidden\" name=\"request\" value=\"%lld\"><input type=\"hidden\" "
         "name=\"act\" value=\"%s\">",
         TEXT_ARGS(r->dossier), (long long)r->id, act);
}

static void put_number(struct page *page, int64_t number)
{
    html(page->out, "<input type=\"hidden\" name=\"number\" value=\"%lld\">", (long long)number);
}

static void put_reversal(struct page *page, const struct payment_request *r, const struct pos_payment *p)
{
    bool may_approve = page->rq->caller.roles & (ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN);
    if (text_is(p->reversal_state, "requested")) {
        html(page->out, "<p>Chờ người khác duyệt hủy: %.*s.</p>\n", TEXT_ARGS(p->reversal_reason));
        if (may_approve && !text_is(p->reversal_by, auth_actor(page->rq))) {
            begin_form(page, r, "reversal_approve");
            put_number(page, p->number);
            html(page->out, "<button>Duyệt hủy lượt thẻ</button></form>\n");
        }
        return;
    }
    if (text_is(p->reversal_state, "sent") || text_is(p->reversal_state, "unknown")) {
        html(page->out, "<p>Đang hủy ở máy thẻ, chưa có kết quả.</p>\n");
        return;
    }
    if (text_is(p->reversal_state, "done"))
        return;
    html(page->out, "<details><summary>Hủy lượt thẻ, trả tiền lại thẻ</summary>\n");
    begin_form(page, r, "reversal");
    put_number(page, p->number);
    html(page->out,
         "<label for=\"reason-%lld\">Lý do (người khác sẽ duyệt)</label><input id=\"reason-%lld\" name=\"reason\" "
         "required minlength=\"3\" maxlength=\"300\"><button>Đề nghị hủy</button></form></details>\n",
         (long long)r->id, (long long)r->id);
}

static bool under_way(struct text state)
{
    return text_is(state, "sent") || text_is(state, "unknown");
}

/* The latest card payment, and the one that is still under way. */
static void put_card(struct page *page, const struct payment_request *r, const struct pos_payment *p)
{
    struct buf *out = page->out;
    html(out, "<div class=\"%s\" role=\"status\"", under_way(p->status) ? "attempt" : "");
    if (under_way(p->status))
        html(out, " data-attempt=\"/v1/payment-requests/%lld/pos-payments/%lld\" data-attempt-status=\"%.*s\"",
             (long long)r->id, (long long)p->number, TEXT_ARGS(p->status));
    html(out, "><p class=\"%s\"><b>Máy %.*s, %s:</b> %s</p>\n", under_way(p->status) ? "warn" : "",
         TEXT_ARGS(p->terminal), say_money(page, p->amount), pos_status_words(p));
    if (p->approved_amount && p->approved_amount != p->amount)
        html(out, "<p class=\"warn\">Thẻ đã trả %s, khác số yêu cầu. Báo phụ trách ca.</p>\n",
             say_money(page, p->approved_amount));
    if (p->card.length)
        html(out, "<p class=\"meta\">Thẻ %.*s, mã chuẩn chi %.*s</p>\n", TEXT_ARGS(p->card), TEXT_ARGS(p->approval));
    html(out, "</div>\n");
    if (under_way(p->status)) {
        html(out, "<p class=\"buttons\"><a class=\"button main\" href=\"/counter?code=%s\">Xem lại kết quả</a></p>\n",
             url_word(page->arena, r->dossier));
        if (!p->abort_asked) {
            begin_form(page, r, "abort");
            put_number(page, p->number);
            html(out, "<button>Yêu cầu máy thẻ dừng</button></form>\n");
        }
    } else if (text_is(p->status, "approved")) {
        put_reversal(page, r, p);
    }
}

static enum err put_taken(struct page *page, const struct payment_request *r)
{
    struct db_args args = db_args(page->arena);
    struct db_rows rows;
    db_arg_int(&args, r->id);
    enum err err = db_query(page->rq->db, &taken_sql, &args, &rows);
    for (int i = 0; !err && i < rows.count; i++)
        if (text_is(db_text(&rows, i, 0), "cash"))
            html(page->out, "<p class=\"lead\">Tiền mặt %s: khách đưa %s, <b>thối lại %s</b>.</p>\n",
                 say_money(page, db_int(&rows, i, 1)), say_money(page, db_int(&rows, i, 2)),
                 say_money(page, db_int(&rows, i, 3)));
    return err;
}

static void put_terminal_form(struct page *page, const struct payment_request *r, const struct counter_desk *desk)
{
    struct buf *out = page->out;
    size_t shown = 0;
    for (size_t i = 0; i < desk->terminal_count; i++)
        shown += desk->terminals[i].active && text_equal(desk->terminals[i].agency, desk->shift.agency);
    if (!shown)
        return;
    begin_form(page, r, "pos");
    html(out, "<label for=\"terminal-%lld\">Máy thẻ</label><select id=\"terminal-%lld\" name=\"terminal\">",
         (long long)r->id, (long long)r->id);
    for (size_t i = 0; i < desk->terminal_count; i++) {
        const struct terminal *t = &desk->terminals[i];
        if (t->active && text_equal(t->agency, desk->shift.agency))
            html(out, "<option value=\"%.*s\">%.*s %.*s</option>", TEXT_ARGS(t->name), TEXT_ARGS(t->name),
                 TEXT_ARGS(t->desk));
    }
    html(out, "</select><button class=\"main\">Thu %s bằng thẻ</button></form>\n",
         say_money(page, r->amount - r->allocated));
}

static void put_cash_form(struct page *page, const struct payment_request *r)
{
    if (!counter_takes_cash())
        return;
    begin_form(page, r, "cash");
    html(page->out,
         "<label for=\"tendered-%lld\">Khách đưa (đồng)</label><input id=\"tendered-%lld\" name=\"tendered\" "
         "required inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"20\"><button>Nhận %s tiền "
         "mặt</button></form>\n",
         (long long)r->id, (long long)r->id, say_money(page, r->amount - r->allocated));
}

static void put_static_form(struct page *page, const struct payment_request *r, const struct counter_desk *desk)
{
    struct buf *out = page->out;
    size_t shown = 0;
    for (size_t i = 0; i < desk->code_count; i++)
        shown += desk->codes[i].active && text_equal(desk->codes[i].account_number, r->account_number);
    if (!shown)
        return;
    html(out, "<details><summary>Khách đã chuyển qua mã in ở quầy</summary>\n");
    begin_form(page, r, "static");
    html(out, "<label for=\"static-%lld\">Mã in</label><select id=\"static-%lld\" name=\"static\">", (long long)r->id,
         (long long)r->id);
    for (size_t i = 0; i < desk->code_count; i++)
        if (desk->codes[i].active && text_equal(desk->codes[i].account_number, r->account_number))
            html(out, "<option value=\"%.*s\">%.*s, %.*s</option>", TEXT_ARGS(desk->codes[i].code),
                 TEXT_ARGS(desk->codes[i].code), TEXT_ARGS(desk->codes[i].place));
    html(out,
         "</select><label for=\"bank-%lld\">Mã giao dịch của ngân hàng</label><input id=\"bank-%lld\" "
         "name=\"bank_reference\" required maxlength=\"60\" autocomplete=\"off\" "
         "autocapitalize=\"characters\"><button>Ghi nhận cho hồ sơ</button></form></details>\n",
         (long long)r->id, (long long)r->id);
}

enum err counter_put_ways(struct page *page, const struct payment_request *r, const struct counter_desk *desk)
{
    struct pos_payment *list;
    struct attempt open;
    size_t count;
    enum err err = pos_list(page->rq->db, page->arena, r->id, &list, &count);
    if (!err)
        err = put_taken(page, r);
    if (err)
        return err;
    if (count)
        put_card(page, r, &list[0]);
    bool due = r->status == REQUEST_PENDING || r->status == REQUEST_PARTLY_PAID;
    if (!due && r->status != REQUEST_EXPIRED)
        return OK;
    err = attempt_of(page->rq->db, page->arena, r->id, &open);
    if (!err) { /* another way is under way: a second one is not offered */
        if (!count || open.number != list[0].number)
            html(page->out,
                 "<p class=\"warn\" role=\"status\">Đang chờ kết quả thanh toán qua %.*s. Chưa dùng cách khác "
                 "được.</p>\n",
                 TEXT_ARGS(open.source));
        return OK;
    }
    if (err != ERR_NOT_FOUND)
        return err;
    if (!desk->shift.id || !text_is(desk->shift.state, "open")) {
        html(page->out, "<p class=\"meta\">Mở ca thu ở đầu trang để nhận thẻ hoặc ghi nhận chuyển khoản qua mã "
                        "in.</p>\n");
        return OK;
    }
    if (due) {
        put_terminal_form(page, r, desk);
        put_cash_form(page, r);
    }
    put_static_form(page, r, desk);
    return OK;
}

/* ---- acts -------------------------------------------------------------------------------------------------------- */

struct taking {
    struct request *rq;
    struct text act, terminal, code, bank_reference, reason;
    int64_t request, number, tendered;
};

static struct text typed(struct request *rq, const char *name)
{
    return text_head(text_trim(form_field(&rq->arena, rq->body, name)), TEXT_MAX);
}

bool counter_money_typed(struct request *rq, const char *name, int64_t *ret)
{
    struct text value = typed(rq, name);
    char digits[32];
    size_t length = 0;
    for (size_t i = 0; i < value.length && length < sizeof digits; i++)
        if (value.at[i] != '.' && value.at[i] != ' ' && value.at[i] != ',')
            digits[length++] = value.at[i];
    return text_to_int64((struct text){digits, length}, ret) && *ret >= 0 && *ret <= MONEY_MAX;
}

static enum err take(struct db *db, void *with)
{
    struct taking *t = with;
    struct request *rq = t->rq;
    const char *actor = auth_actor(rq);
    struct cash_taken taken;
    int64_t number;
    if (text_is(t->act, "pos"))
        return pos_begin(db, &rq->arena, t->request, t->terminal, 0, actor, rq->at, &number);
    if (text_is(t->act, "abort"))
        return pos_abort(db, &rq->arena, t->request, t->number, actor, rq->at);
    if (text_is(t->act, "cash"))
        return cash_take(db, &rq->arena, t->request, 0, t->tendered, 0, actor, rq->at, &taken);
    if (text_is(t->act, "static"))
        return static_claim(db, &rq->arena, t->request, t->code, t->bank_reference, 0, actor, rq->at, &number);
    if (text_is(t->act, "reversal"))
        return pos_reversal_ask(db, &rq->arena, t->request, t->number, t->reason, actor, rq->at);
    return pos_reversal_approve(db, &rq->arena, t->request, t->number, actor, rq->at);
}

static bool taking_read(struct request *rq, struct taking *t)
{
    static const char *const acts[] = {"pos", "abort", "cash", "static", "reversal", "reversal_approve"};
    bool known = false;
    *t = (struct taking){.rq = rq,
                         .act = typed(rq, "act"),
                         .terminal = typed(rq, "terminal"),
                         .code = typed(rq, "static"),
                         .bank_reference = typed(rq, "bank_reference"),
                         .reason = typed(rq, "reason")};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        known = known || text_is(t->act, acts[i]);
    if (!known || !text_to_int64(typed(rq, "request"), &t->request))
        return false;
    if (text_is(t->act, "cash"))
        return counter_money_typed(rq, "tendered", &t->tendered) && t->tendered > 0;
    if (text_is(t->act, "static"))
        return t->code.length && t->bank_reference.length;
    if (text_is(t->act, "reversal") && t->reason.length < 3)
        return false;
    return text_is(t->act, "pos") || text_to_int64(typed(rq, "number"), &t->number);
}

enum err pages_counter_take_handle(struct request *rq)
{
    struct taking t;
    if (page_needs_staff(rq, DESK_ROLES, "/counter"))
        return OK;
    if (!page_act_is_ours(rq))
        return page_error(rq, ERR_FORBIDDEN);
    struct text code = text_slice(typed(rq, "code"), 0, CODE_MAX);
    bool approves = text_is(typed(rq, "act"), "reversal_approve");
    enum err err = taking_read(rq, &t) ? OK : ERR_FIELD_RANGE;
    if (!err && approves && !(rq->caller.roles & (ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN)))
        err = ERR_FORBIDDEN;
    if (!err)
        err = db_transact(rq->db, rq->deadline_us, take, &t);
    if (err == ERR_FIELD_RANGE)
        return counter_again(rq, code, "Số tiền hoặc nội dung chưa đúng. Xem lại rồi làm lại; chưa có gì được ghi.");
    if (err && err_info(err)->http_status < 500)
        return counter_again(rq, code, err_info(err)->vi);
    if (err)
        return page_error(rq, err);
    counter_wake();
    return page_go(rq, arena_printf(&rq->arena, "/counter?code=%s", url_word(&rq->arena, code)));
}
