/* The finance office's page of the fee catalogue: what is in force, what is proposed, what would change for whom, what
 * it would have cost; and the second person's button. */
#include "app/pages/pages.h"

#include <string.h>
#include "app/pages/layout.h"
#include "payments/requests/requests.h"

enum {
    PUBLISHERS = ROLE_FINANCE | ROLE_SUPERVISOR | ROLE_ADMIN,
    READERS = PUBLISHERS | ROLE_AUDITOR,
    CHANGES_SHOWN = 300,
    VERSIONS_SHOWN = 20,
    BLOCKED_SHOWN = 500,
    GROUPS_SHOWN = 60
};

struct catalogue_page {
    struct page page;
    struct catalogue *now, *chosen; /* chosen: NULL when nothing is looked at */
    const struct catalogue_entry_of_list *entry;
    struct catalogue_entry_of_list *list;
    size_t count;
};

static const char *state_words(struct text state)
{
    static const char *const words[][2] = {{"draft", "Dự thảo, chờ duyệt"},
                                           {"in_force", "Đang áp dụng"},
                                           {"published", "Đã từng áp dụng"},
                                           {"withdrawn", "Đã rút"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(state, words[i][0]))
            return words[i][1];
    return "";
}

static void put_versions(struct catalogue_page *c)
{
    struct buf *out = c->page.out;
    html(
        out,
        "<section aria-labelledby=\"versions\"><h2 id=\"versions\">Các phiên bản</h2>\n<div class=\"scroll\" "
        "role=\"region\" tabindex=\"0\" aria-label=\"Bảng: các phiên bản\"><table><thead><tr><th "
        "scope=\"col\">Phiên bản</th><th scope=\"col\">Trạng thái</th><th scope=\"col\">Người đề xuất</th><th "
        "scope=\"col\">Người duyệt</th><th scope=\"col\">Lúc</th><th scope=\"col\">Ghi chú</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < c->count && i < VERSIONS_SHOWN; i++) {
        const struct catalogue_entry_of_list *e = &c->list[i];
        html(out,
             "<tr><th scope=\"row\" class=\"exact\"><a class=\"button\" "
             "href=\"/finance/catalogue?version=%.*s\">%.*s</a>"
             "</th><td>%s</td><td>%.*s</td><td>%.*s</td><td>%s</td><td>%.*s</td></tr>\n",
             TEXT_ARGS(e->version), TEXT_ARGS(e->version), state_words(e->state), TEXT_ARGS(e->proposed_by),
             TEXT_ARGS(e->approvals),
             say_instant(&c->page, e->decided_at != INSTANT_NONE ? e->decided_at : e->proposed_at), TEXT_ARGS(e->note));
    }
    html(out, "</tbody></table></div></section>\n");
}

static void put_act(struct catalogue_page *c, const char *act, const char *words, const char *more)
{
    html(c->page.out,
         "<form method=\"post\" action=\"/finance/catalogue\" class=\"stack\" data-once><input type=\"hidden\" "
         "name=\"act\" value=\"%s\"><input type=\"hidden\" name=\"version\" value=\"%.*s\">",
         act, TEXT_ARGS(c->entry->version));
    if (*more)
        html(c->page.out,
             "<label for=\"reason\">%s</label><input id=\"reason\" name=\"reason\" required minlength=\"3\" "
             "maxlength=\"500\">",
             more);
    html(c->page.out, "<button class=\"main\">%s</button></form>\n", words);
}

/* Which sentence a finance officer needs: who pays what, from when. */
static void put_difference(struct catalogue_page *c)
{
    struct buf *out = c->page.out, words = {0};
    struct catalogue_difference difference;
    catalogue_compare(c->now, c->chosen, date_of(c->page.rq->at), c->page.arena, &difference);
    html(out,
         "<section aria-labelledby=\"difference\"><h2 id=\"difference\">Phiên bản %s</h2>\n<p>%s. So với bản đang áp "
         "dụng (%s) có %lld thay đổi.</p>\n",
         difference.after, state_words(c->entry->state), difference.before,
         (long long)difference.count + (long long)difference.dropped);
    html(out, difference.count ? "<ul class=\"changes\">\n" : "<p>Không có gì khác.</p>\n");
    for (size_t i = 0; i < difference.count && i < CHANGES_SHOWN; i++) {
        buf_clear(&words);
        catalogue_change_say(&difference.list[i], &words);
        html(out, "<li>%.*s</li>\n", TEXT_ARGS(buf_view(&words)));
    }
    if (difference.count)
        html(out, "</ul>\n");
    if (difference.count > CHANGES_SHOWN)
        html(out, "<p>Chỉ hiện %d thay đổi đầu. Xem đủ bằng lệnh lephi catalogue import --dry-run.</p>\n",
             CHANGES_SHOWN);
    bool draft = text_is(c->entry->state, "draft") && c->page.rq->caller.roles & PUBLISHERS;
    bool own = text_ends(c->entry->proposed_by, c->page.rq->caller.name);
    if (draft && own)
        html(out, "<p class=\"meta\">Người đề xuất không tự duyệt: cần một cán bộ khác.</p>\n");
    if (draft && !own)
        put_act(c, "approve", "Duyệt và công bố", "");
    if (draft)
        put_act(c, "withdraw", "Rút dự thảo", "Lý do rút");
    html(out, "</section>\n");
    buf_done(&words);
}

/* ---- simulation -------------------------------------------------------------------------------------------------- */

static void put_sum(struct buf *out, struct arena *arena, const char *name, const struct simulation_sum *sum)
{
    html(out,
         "<tr><th scope=\"row\">%s</th><td class=\"n\">%lld</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td "
         "class=\"n\">%s</td><td class=\"n\">%lld</td></tr>\n",
         name, (long long)sum->quotes, money_words(arena, PAGE_VI, sum->before),
         money_words(arena, PAGE_VI, sum->after), money_words(arena, PAGE_VI, sum->after - sum->before),
         (long long)sum->people);
}

static void put_group(struct catalogue_page *c, const char *title, const struct simulation_sum *list, size_t count)
{
    struct buf *out = c->page.out;
    html(out,
         "<h3>%s</h3>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Bảng: "
         "%s\"><table><thead><tr><th "
         "scope=\"col\">Nhóm</th><th scope=\"col\" class=\"n\">Báo giá</th><th scope=\"col\" class=\"n\">Trước</th><th "
         "scope=\"col\" class=\"n\">Sau</th><th scope=\"col\" class=\"n\">Chênh lệch</th><th scope=\"col\" "
         "class=\"n\">Số người đổi mức</th></tr></thead><tbody>\n",
         title, title);
    for (size_t i = 0; i < count && i < GROUPS_SHOWN; i++) {
        struct text name = list[i].name.length ? list[i].name : list[i].key.length ? list[i].key : TEXT("Chưa rõ");
        put_sum(out, c->page.arena, arena_copy(c->page.arena, name), &list[i]);
    }
    html(out, "</tbody></table></div>\n");
}

static void put_simulation(struct catalogue_page *c)
{
    struct buf *out = c->page.out;
    struct request *rq = c->page.rq;
    struct text from = request_query(rq, "from"), to = request_query(rq, "to"), as_of = request_query(rq, "as_of");
    struct simulation_order order = {.draft = c->chosen, .base = c->now, .as_of = DATE_NONE};
    struct simulation result;
    html(out,
         "<section aria-labelledby=\"simulation\"><h2 id=\"simulation\">Mô phỏng</h2>\n<p class=\"meta\">Tính lại các "
         "báo "
         "giá thật của một kỳ theo phiên bản này: thu trước, sau, bao nhiêu người đổi mức nộp.</p>\n<form "
         "method=\"get\" "
         "action=\"/finance/catalogue\" class=\"stack\"><input type=\"hidden\" name=\"version\" value=\"%.*s\">",
         TEXT_ARGS(c->entry->version));
    html(out,
         "<label for=\"from\">Từ ngày</label><input id=\"from\" name=\"from\" type=\"date\" required value=\"%.*s\">"
         "<label for=\"to\">Đến ngày</label><input id=\"to\" name=\"to\" type=\"date\" required value=\"%.*s\">",
         TEXT_ARGS(from), TEXT_ARGS(to));
    html(out,
         "<label for=\"as_of\">Coi như nộp vào ngày (để trống: đúng ngày thật)</label><input id=\"as_of\" "
         "name=\"as_of\" "
         "type=\"date\" value=\"%.*s\"><button class=\"main\">Mô phỏng</button></form>\n",
         TEXT_ARGS(as_of));
    if (!from.length) {
        html(out, "</section>\n");
        return;
    }
    bool good = date_parse(from, &order.from) && date_parse(to, &order.to) && order.from <= order.to &&
                (!as_of.length || date_parse(as_of, &order.as_of));
    if (!good || simulation_run(rq->db, &order, c->page.arena, &result)) {
        html(out, "<p class=\"warn\">Kỳ không hợp lệ hoặc chưa đọc được dữ liệu.</p></section>\n");
        return;
    }
    result.all.name = TEXT("Mọi báo giá");
    put_group(c, "Tất cả", &result.all, 1);
    put_group(c, "Theo khoản thu", result.fees.list, result.fees.count);
    put_group(c, "Theo cơ quan", result.agencies.list, result.agencies.count);
    put_group(c, "Theo xã, phường của người nộp", result.communes.list, result.communes.count);
    put_group(c, "Theo diện ưu tiên", result.categories.list, result.categories.count);
    if (result.unpriced)
        html(out, "<p class=\"warn\">%lld báo giá không tính được theo một trong hai bản và không có trong bảng.</p>\n",
             (long long)result.unpriced);
    html(out, "</section>\n");
}

/* ---- what waits, and proposing ----------------------------------------------------------------------------------- */

static void put_blocked(struct catalogue_page *c)
{
    const struct fee **fees = ARENA_ARRAY(c->page.arena, const struct fee *, BLOCKED_SHOWN);
    size_t count = catalogue_remittance_blocked(c->now, date_of(c->page.rq->at), fees, BLOCKED_SHOWN);
    struct buf *out = c->page.out, words = {0};
    html(out,
         "<section aria-labelledby=\"blocked\"><h2 id=\"blocked\">Chưa lập được bảng kê nộp ngân sách</h2>\n<details>"
         "<summary>%lld khoản còn ô chưa xác định</summary><ul>\n",
         (long long)count);
    for (size_t i = 0; i < count && i < BLOCKED_SHOWN; i++) {
        buf_clear(&words);
        fee_facts_say(fee_remittance_unset(c->now, fees[i], (struct fee_collector){.day = date_of(c->page.rq->at)}),
                      &words);
        html(out, "<li>%.*s (%.*s): %.*s</li>\n", TEXT_ARGS(fees[i]->name_vi), TEXT_ARGS(fees[i]->code),
             TEXT_ARGS(buf_view(&words)));
    }
    html(out, "</ul></details></section>\n");
    buf_done(&words);
}

static const char *const sheet_names[5] = {"fees", "reductions", "categories", "procedures", "values"};

static void put_proposal(struct catalogue_page *c)
{
    struct buf *out = c->page.out;
    if (!(c->page.rq->caller.roles & PUBLISHERS))
        return;
    html(out,
         "<section aria-labelledby=\"propose\"><h2 id=\"propose\">Đề xuất phiên bản mới</h2>\n<p class=\"meta\">Tải "
         "bảng "
         "đang áp dụng, sửa bằng bảng tính, lưu dạng CSV UTF-8, mở bằng trình soạn thảo rồi dán vào đây. Bảng để trống "
         "giữ nguyên.</p>\n<p class=\"buttons\">");
    for (int i = 0; i < 5; i++)
        html(out, "<a class=\"button\" href=\"/v1/catalogue/versions/%s/%s.csv\">%s.csv</a> ",
             catalogue_version(c->now), sheet_names[i], sheet_names[i]);
    html(out, "</p>\n<form method=\"post\" action=\"/finance/catalogue\" class=\"stack wide\" data-once><input "
              "type=\"hidden\" name=\"act\" value=\"propose\">\n");
    for (int i = 0; i < 5; i++)
        html(out,
             "<label for=\"sheet-%s\">%s.csv</label><textarea id=\"sheet-%s\" name=\"%s\" rows=\"3\" "
             "spellcheck=\"false\"></textarea>\n",
             sheet_names[i], sheet_names[i], sheet_names[i], sheet_names[i]);
    html(out, "<label for=\"note\">Ghi chú (nghị quyết, lý do)</label><input id=\"note\" name=\"note\" "
              "maxlength=\"500\"><button class=\"main\">Kiểm tra và đề xuất</button></form></section>\n");
}

static void put_faults(struct page *page, const char *problem)
{
    const struct faults *faults = &page->rq->faults;
    if (!problem)
        return;
    html(page->out, "<div class=\"errors\" role=\"alert\"><h2>%s</h2>\n", problem);
    if (faults->count)
        html(page->out, "<ul>\n");
    for (size_t i = 0; i < faults->count; i++)
        html(page->out, "<li>%s: %s</li>\n", faults->list[i].where, faults->list[i].detail);
    if (faults->count)
        html(page->out, "</ul>\n");
    html(page->out, "</div>\n");
}

/* The version of the address, else the newest draft. */
static enum err choose(struct catalogue_page *c, struct text wanted)
{
    enum err err = catalogue_versions(c->page.rq->db, c->page.arena, &c->list, &c->count);
    for (size_t i = 0; !err && i < c->count && !c->entry; i++)
        if (wanted.length ? text_equal(c->list[i].version, wanted) : text_is(c->list[i].state, "draft"))
            c->entry = &c->list[i];
    return !err && c->entry ? catalogue_version_hold(c->page.rq->db, c->page.arena, c->entry->version, &c->chosen)
                            : err;
}

static enum err show(struct request *rq, struct text wanted, const char *problem)
{
    struct buf out = {0};
    struct catalogue_page c = {.now = catalogue_in_force_hold()};
    page_init(&c.page, rq, &out);
    c.page.language = PAGE_VI;
    enum err err = c.now ? choose(&c, wanted) : ERR_UNAVAILABLE;
    if (!err) {
        page_begin(&c.page,
                   &(struct page_head){.title = problem ? "Lỗi: Danh mục phí" : "Danh mục phí", .nav = NAV_STAFF});
        page_staff_bar(&c.page);
        html(&out, "<h1>Danh mục phí, lệ phí</h1>\n");
        put_faults(&c.page, problem);
        html(&out, "<p>Đang áp dụng: <b class=\"exact\">%s</b></p>\n", catalogue_version(c.now));
        put_versions(&c);
        if (c.chosen) {
            put_difference(&c);
            put_simulation(&c);
        }
        put_blocked(&c);
        put_proposal(&c);
        page_end(&c.page);
    }
    catalogue_drop(c.chosen);
    catalogue_drop(c.now);
    if (!err)
        return page_reply(&c.page, problem ? 422 : 200);
    buf_done(&out);
    return page_error(rq, err);
}

enum err pages_catalogue_handle(struct request *rq)
{
    if (page_needs_staff(rq, READERS, "/finance"))
        return OK;
    return show(rq, request_query(rq, "version"), NULL);
}

/* ---- acts -------------------------------------------------------------------------------------------------------- */

/* A text area sends CRLF; the sheets are named by their bytes, so one kind of line end is kept. */
static struct text sheet_field(struct request *rq, const char *name)
{
    struct text field = form_field(&rq->arena, rq->body, name);
    struct buf bytes = {0};
    if (!text_trim(field).length)
        return TEXT_NONE;
    for (size_t i = 0; i < field.length; i++)
        if (field.at[i] != '\r')
            buf_char(&bytes, field.at[i]);
    if (bytes.length && bytes.at[bytes.length - 1] != '\n')
        buf_char(&bytes, '\n');
    struct text text = arena_text(&rq->arena, buf_view(&bytes));
    buf_done(&bytes);
    return text;
}

static enum err propose(struct request *rq, struct text *ret_version)
{
    struct catalogue_files files;
    struct catalogue *now = catalogue_in_force_hold(), *made = NULL;
    enum catalogue_step step;
    struct text version = arena_text(&rq->arena, text_of(now ? catalogue_version(now) : ""));
    catalogue_drop(now);
    enum err err = catalogue_version_files(rq->db, &rq->arena, version, &files);
    struct text *const sheets[] = {&files.fees, &files.reductions, &files.categories, &files.procedures, &files.values};
    for (int i = 0; !err && i < 5; i++) {
        struct text given = sheet_field(rq, sheet_names[i]);
        if (given.at)
            *sheets[i] = given;
    }
    if (!err)
        err = catalogue_read(&files, &rq->faults, &made);
    if (!err)
        err = catalogue_check(made, &files, date_of(rq->at), &rq->faults);
    if (!err)
        err = catalogue_propose(rq->db, &rq->arena, made, &files, auth_actor(rq),
                                text_head(text_trim(form_field(&rq->arena, rq->body, "note")), 500), rq->at, &step);
    if (!err)
        *ret_version = arena_text(&rq->arena, text_of(catalogue_version(made)));
    catalogue_drop(made);
    return err;
}

enum err pages_catalogue_act_handle(struct request *rq)
{
    if (page_needs_staff(rq, PUBLISHERS, "/finance"))
        return OK;
    if (!page_act_is_ours(rq))
        return page_error(rq, ERR_FORBIDDEN);
    struct text act = form_field(&rq->arena, rq->body, "act"), version = form_field(&rq->arena, rq->body, "version");
    struct text reason = text_trim(form_field(&rq->arena, rq->body, "reason"));
    enum catalogue_step step;
    enum err err = ERR_INVALID;
    if (text_is(act, "propose"))
        err = propose(rq, &version);
    else if (text_is(act, "approve"))
        err = catalogue_approve(rq->db, &rq->arena, version, auth_actor(rq), rq->at, &step);
    else if (text_is(act, "withdraw") && reason.length >= 3)
        err = catalogue_withdraw(rq->db, &rq->arena, version, auth_actor(rq), reason, rq->at);
    if (!err)
        err = catalogue_refresh(rq->db, &rq->arena);
    if (err && (rq->faults.count || err_info(err)->http_status < 500))
        return show(rq, text_is(act, "propose") ? TEXT_NONE : version, err_info(err)->vi);
    if (err)
        return page_error(rq, err);
    return page_go(rq, arena_printf(&rq->arena, "/finance/catalogue?version=%s", url_word(&rq->arena, version)));
}
