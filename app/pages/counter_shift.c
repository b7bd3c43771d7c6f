/* The shift on the cashier's page: opened, counted blind, closed, handed over, released; and its printable report. */
#include "app/pages/pages.h"

#include "app/pages/counter_parts.h"

enum { DESK_ROLES = ROLE_CASHIER | ROLE_SUPERVISOR | ROLE_ADMIN, TEXT_MAX = 300 };

static const char *person(struct arena *arena, struct text actor)
{
    return arena_copy(arena, text_starts(actor, "staff:") ? text_slice(actor, 6, actor.length) : actor);
}

static void begin_form(struct page *page, int64_t shift, const char *act)
{
    html(page->out,
         "<form method=\"post\" action=\"/counter/shift\" class=\"stack\" data-once><input type=\"hidden\" "
         "name=\"act\" value=\"%s\"><input type=\"hidden\" name=\"shift\" value=\"%lld\">",
         act, (long long)shift);
}

static void put_money_input(struct page *page, const char *name, const char *label)
{
    html(page->out,
         "<label for=\"%s\">%s</label><input id=\"%s\" name=\"%s\" required inputmode=\"numeric\" "
         "autocomplete=\"off\" maxlength=\"20\">",
         name, label, name, name);
}

static void put_open_form(struct page *page, const struct counter_desk *desk)
{
    struct buf *out = page->out;
    html(out, "<details><summary>Chưa mở ca thu. Mở ca</summary>\n");
    begin_form(page, 0, "open");
    html(out, "<label for=\"agency\">Nơi thu</label><select id=\"agency\" name=\"agency\">");
    for (int i = 0; i < desk->agencies.count; i++)
        html(out, "<option value=\"%.*s\">%.*s</option>", TEXT_ARGS(db_text(&desk->agencies, i, 0)),
             TEXT_ARGS(db_text(&desk->agencies, i, 1)));
    html(out, "</select><label for=\"desk\">Quầy số</label><input id=\"desk\" name=\"desk\" required "
              "maxlength=\"40\" autocomplete=\"off\">");
    put_money_input(page, "float", "Tiền đầu ca (đồng)");
    html(out, "<button class=\"main\">Mở ca</button></form></details>\n");
}

static void put_result(struct page *page, const struct shift *s)
{
    int64_t difference = s->counted - s->expected;
    html(page->out,
         "<dl class=\"facts\"><div><dt>Đếm được</dt><dd>%s</dd></div><div><dt>Phải có</dt><dd>%s</dd></div>"
         "<div><dt>Chênh lệch</dt><dd>%s%s</dd></div></dl>\n",
         say_money(page, s->counted), say_money(page, s->expected),
         difference < 0   ? "thiếu "
         : difference > 0 ? "thừa "
                          : "",
         say_money(page, difference < 0 ? -difference : difference));
}

static void put_counted(struct page *page, const struct shift *s)
{
    put_result(page, s);
    if (s->counted != s->expected) {
        html(page->out, "<p class=\"warn\">Tiền lệch: phụ trách ca phải duyệt mới đóng được.</p>\n");
        return;
    }
    begin_form(page, s->id, "close");
    html(page->out, "<button class=\"main\">Đóng ca</button></form>\n<details><summary>Bàn giao két cho người "
                    "khác</summary>\n");
    begin_form(page, s->id, "hand_over");
    html(page->out, "<label for=\"to\">Tên đăng nhập của người nhận</label><input id=\"to\" name=\"to\" required "
                    "maxlength=\"40\" autocomplete=\"off\" autocapitalize=\"none\"><button>Bàn "
                    "giao</button></form></details>\n");
}

static void put_own(struct page *page, const struct counter_desk *desk)
{
    const struct shift *s = &desk->shift;
    struct buf *out = page->out;
    if (!s->id) {
        put_open_form(page, desk);
        return;
    }
    html(out, "<p>Ca số %lld, %.*s, mở lúc %s, tiền đầu ca %s. <a href=\"/counter/shift/%lld\">Báo cáo ca</a></p>\n",
         (long long)s->id, TEXT_ARGS(s->desk), say_instant(page, s->opened_at), say_money(page, s->opening_float),
         (long long)s->id);
    if (!text_is(s->state, "open")) {
        put_counted(page, s);
        return;
    }
    html(out, "<details><summary>Đếm tiền, đóng ca</summary>\n");
    begin_form(page, s->id, "count");
    put_money_input(page, "cash", "Tiền mặt đếm được trong két (đồng)");
    html(out, "<p class=\"hint\">Ghi một lần, không sửa được. Số phải có chỉ hiện sau khi ghi.</p>"
              "<button>Ghi số đếm được</button></form></details>\n");
}

/* A supervisor sees what waits for a release; the own shift never. */
static void put_waiting(struct page *page, const struct counter_desk *desk)
{
    if (!(page->rq->caller.roles & (ROLE_SUPERVISOR | ROLE_ADMIN)))
        return;
    for (size_t i = 0; i < desk->waiting_count; i++) {
        const struct shift *s = &desk->waiting[i];
        if (text_is(s->cashier, auth_actor(page->rq)))
            continue;
        html(page->out,
             "<details><summary>Ca số %lld của %s chờ đóng</summary>\n<p><a href=\"/counter/shift/%lld\">Báo cáo "
             "ca</a></p>\n",
             (long long)s->id, person(page->arena, s->cashier), (long long)s->id);
        put_result(page, s);
        begin_form(page, s->id, "release");
        html(page->out,
             "<label for=\"release-%lld\">Lý do duyệt đóng</label><input id=\"release-%lld\" name=\"reason\" required "
             "minlength=\"3\" maxlength=\"300\"><button>Duyệt đóng ca</button></form></details>\n",
             (long long)s->id, (long long)s->id);
    }
}

void counter_put_shift(struct page *page, const struct counter_desk *desk)
{
    html(page->out, "<section aria-labelledby=\"shift\"><h2 id=\"shift\">Ca thu</h2>\n");
    put_own(page, desk);
    put_waiting(page, desk);
    html(page->out, "</section>\n");
}

/* ---- acts -------------------------------------------------------------------------------------------------------- */

struct shift_act {
    struct request *rq;
    struct text act, agency, desk, words;
    int64_t shift, money;
};

static struct text typed(struct request *rq, const char *name)
{
    return text_head(text_trim(form_field(&rq->arena, rq->body, name)), TEXT_MAX);
}

static enum err run(struct db *db, void *with)
{
    struct shift_act *a = with;
    struct request *rq = a->rq;
    const char *actor = auth_actor(rq);
    int64_t made;
    if (text_is(a->act, "open"))
        return shift_open(db, &rq->arena, a->agency, a->desk, a->money, actor, rq->at, &made);
    if (text_is(a->act, "count"))
        return shift_count(db, &rq->arena, a->shift, a->money, actor, rq->at);
    if (text_is(a->act, "close"))
        return shift_close(db, &rq->arena, a->shift, actor, rq->at);
    if (text_is(a->act, "hand_over"))
        return shift_hand_over(db, &rq->arena, a->shift, a->words, actor, rq->at, &made);
    return shift_release(db, &rq->arena, a->shift, a->words, actor, rq->at);
}

static bool act_read(struct request *rq, struct shift_act *a)
{
    *a =
        (struct shift_act){.rq = rq, .act = typed(rq, "act"), .agency = typed(rq, "agency"), .desk = typed(rq, "desk")};
    if (text_is(a->act, "open"))
        return a->desk.length && counter_money_typed(rq, "float", &a->money);
    if (!text_to_int64(typed(rq, "shift"), &a->shift))
        return false;
    a->words = typed(rq, text_is(a->act, "hand_over") ? "to" : "reason");
    if (text_is(a->act, "count"))
        return counter_money_typed(rq, "cash", &a->money);
    if (text_is(a->act, "release"))
        return a->words.length >= 3;
    return text_is(a->act, "close") || (text_is(a->act, "hand_over") && a->words.length);
}

/* Which dossiers hold the shift. */
static const char *undecided_words(struct request *rq, int64_t shift)
{
    struct shift_report report;
    if (shift_report_read(rq->db, &rq->arena, shift, &report) || !report.undecided_count)
        return err_info(ERR_SHIFT_UNDECIDED)->vi;
    return arena_printf(&rq->arena, "Chưa đóng được ca: hồ sơ %.*s còn một giao dịch thẻ chưa rõ kết quả.",
                        TEXT_ARGS(report.undecided[0]));
}

enum err pages_counter_shift_handle(struct request *rq)
{
    struct shift_act a;
    if (page_needs_staff(rq, DESK_ROLES, "/counter"))
        return OK;
    if (!page_act_is_ours(rq))
        return page_error(rq, ERR_FORBIDDEN);
    enum err err = act_read(rq, &a) ? OK : ERR_INVALID;
    if (!err && text_is(a.act, "release") && !(rq->caller.roles & (ROLE_SUPERVISOR | ROLE_ADMIN)))
        err = ERR_FORBIDDEN;
    if (!err)
        err = db_transact(rq->db, rq->deadline_us, run, &a);
    if (err == ERR_INVALID || err == ERR_FIELD_VALUE)
        return counter_again(rq, TEXT_NONE, "Nội dung chưa đúng. Xem lại rồi làm lại; chưa có gì được ghi.");
    if (err == ERR_SHIFT_UNDECIDED)
        return counter_again(rq, TEXT_NONE, undecided_words(rq, a.shift));
    if (err && err_info(err)->http_status < 500)
        return counter_again(rq, TEXT_NONE, err_info(err)->vi);
    if (err)
        return page_error(rq, err);
    bool ends = text_is(a.act, "close") || text_is(a.act, "release") || text_is(a.act, "hand_over");
    return page_go(rq, ends ? arena_printf(&rq->arena, "/counter/shift/%lld", (long long)a.shift) : "/counter");
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static const char *way_words(struct text way)
{
    return text_is(way, "cash") ? "Tiền mặt" : text_is(way, "terminal") ? "Thẻ" : "Mã in";
}

static void put_lines(struct page *page, const struct shift_report *r)
{
    struct buf *out = page->out;
    html(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Các khoản đã thu\"><table><thead><tr>"
              "<th scope=\"col\">Lúc</th><th scope=\"col\">Cách thu</th><th scope=\"col\">Hồ sơ</th><th scope=\"col\" "
              "class=\"n\">Số tiền</th><th scope=\"col\">Ghi chú</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < r->line_count; i++) {
        const struct shift_line *l = &r->lines[i];
        html(out, "<tr><td>%s</td><td>%s</td><td>%.*s</td><td class=\"n\">%s</td><td>%.*s%.*s%s</td></tr>\n",
             say_instant(page, l->at), way_words(l->way), TEXT_ARGS(l->dossier), say_money(page, l->amount),
             TEXT_ARGS(l->card), TEXT_ARGS(l->bank_reference), l->reversed ? " Đã hủy, trả lại thẻ" : "");
    }
    html(out, "</tbody></table></div>\n");
}

static void put_report(struct page *page, const struct shift_report *r)
{
    const struct shift *s = &r->shift;
    struct buf *out = page->out;
    bool counted = !text_is(s->state, "open");
    html(out, "<h1>Báo cáo ca số %lld</h1>\n<section aria-label=\"Ca thu\"><dl class=\"facts\">\n", (long long)s->id);
    html(out, "<div><dt>Thu ngân</dt><dd>%s, %.*s</dd></div><div><dt>Tiền đầu ca</dt><dd>%s</dd></div>\n",
         person(page->arena, s->cashier), TEXT_ARGS(s->desk), say_money(page, s->opening_float));
    html(out, "<div><dt>Mở lúc</dt><dd>%s</dd></div><div><dt>Đóng lúc</dt><dd>%s</dd></div>\n",
         say_instant(page, s->opened_at), s->closed_at == INSTANT_NONE ? "chưa đóng" : say_instant(page, s->closed_at));
    html(out, "</dl>\n");
    if (s->released_by.length)
        html(out, "<p>%s duyệt đóng: %.*s.</p>\n", person(page->arena, s->released_by), TEXT_ARGS(s->release_reason));
    for (size_t i = 0; i < r->undecided_count; i++)
        html(out, "<p class=\"warn\">Hồ sơ %.*s còn một giao dịch thẻ chưa rõ kết quả.</p>\n",
             TEXT_ARGS(r->undecided[i]));
    if (!counted) {
        html(out, "<p>Các khoản thu và số phải có hiện sau khi đếm tiền.</p></section>\n");
        return;
    }
    put_result(page, s);
    html(out,
         "<dl class=\"facts\"><div><dt>Tiền mặt</dt><dd>%lld khoản, %s</dd></div><div><dt>Thẻ</dt><dd>%lld khoản, "
         "%s</dd></div>",
         (long long)r->cash_count, say_money(page, r->cash), (long long)r->card_count, say_money(page, r->card));
    html(out, "<div><dt>Thẻ đã hủy</dt><dd>%s</dd></div><div><dt>Mã in</dt><dd>%lld khoản, %s</dd></div></dl>\n",
         say_money(page, r->card_back), (long long)r->static_count, say_money(page, r->transferred));
    put_lines(page, r);
    html(out, "<p><a class=\"button\" href=\"/v1/shifts/%lld/report?format=csv\">Tải CSV</a></p></section>\n",
         (long long)s->id);
}

enum err pages_shift_report_handle(struct request *rq)
{
    struct shift_report report;
    struct buf out = {0};
    struct page page;
    int64_t id;
    enum { READERS = DESK_ROLES | ROLE_FINANCE | ROLE_AUDITOR };
    if (page_needs_staff(rq, READERS, "/counter"))
        return OK;
    enum err err = text_to_int64(request_capture(rq, "id"), &id) ? OK : ERR_NOT_FOUND;
    if (!err)
        err = shift_report_read(rq->db, &rq->arena, id, &report);
    if (err)
        return page_error(rq, err);
    page_init(&page, rq, &out);
    page.language = PAGE_VI;
    page_begin(&page, &(struct page_head){.title = arena_printf(&rq->arena, "Báo cáo ca số %lld", (long long)id),
                                          .nav = NAV_STAFF});
    page_staff_bar(&page);
    put_report(&page, &report);
    page_end(&page);
    return page_reply(&page, 200);
}
