/* The receipts' part of the finance page: what waits for a person, corrections that wait for a second one, and what was
 * told to the tax authority. The forms go to the API's own acts under the session; a script is not needed. */
#include "app/pages/finance_receipts.h"

#include <string.h>
#include "app/pages/pages.h"
#include "receipts/receipts.h"

static const struct db_statement concerns_sql = {
    "pages_concerns",
    "SELECT opened_at, words, subject FROM receipt_concern WHERE state = 'open' ORDER BY opened_at, id "
    "LIMIT 201"};
static const struct db_statement corrections_sql = {
    "pages_corrections",
    "SELECT c.id, c.kind, c.proposed_by, c.proposed_at, b.symbol || ' số ' || r.number, c.content ->> "
    "'wrong', c.content ->> 'right', c.content ->> 'reason' FROM receipt_correction c JOIN receipt r "
    "ON r.id = c.receipt_id JOIN receipt_book b ON b.id = r.book_id WHERE c.state = 'proposed' ORDER "
    "BY c.id LIMIT 201"};
static const struct db_statement tax_sql = {
    "pages_tax",
    "SELECT code, form, day, ordinal, lines, amount, state, due_on, coalesce(problem, '') FROM tax_message "
    "WHERE day BETWEEN $1::date - 7 AND $1::date OR state NOT IN ('accepted') ORDER BY day DESC, id DESC LIMIT "
    "201"};

enum { ROWS_SHOWN = 200 };

static bool rows_of(struct page *page, const struct db_statement *statement, date_days day, struct db_rows *ret_rows)
{
    struct db_args args = db_args(page->arena);
    if (day != DATE_NONE)
        db_arg_date(&args, day);
    if (!db_query(page->rq->db, statement, &args, ret_rows))
        return true;
    html(page->out, "<p class=\"warn\">Chưa đọc được phần này. Các phần khác vẫn đúng.</p>\n");
    return false;
}

static void begin(struct page *page, const char *label, const char *head)
{
    html(page->out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Bảng: %s\"><table>\n<thead><tr>",
         label);
    struct text rest = text_of(head);
    while (rest.length) {
        struct text column = text_until(rest, '|', &rest);
        html(page->out, "<th scope=\"col\">%.*s</th>", TEXT_ARGS(column));
    }
    html(page->out, "</tr></thead>\n<tbody>\n");
}

static void end(struct page *page)
{
    html(page->out, "</tbody></table></div>\n");
}

static void put_concerns(struct page *page)
{
    struct db_rows rows;
    html(page->out,
         "<section aria-labelledby=\"concerns\"><h2 id=\"concerns\">Biên lai cần người xem</h2>\n<p "
         "class=\"meta\">Khóa ký, dải số, bảng kê ủy nhiệm, cơ quan thuế. Tự hết khi nguyên nhân hết.</p>\n");
    if (rows_of(page, &concerns_sql, DATE_NONE, &rows)) {
        if (!rows.count)
            html(page->out, "<p>Không có việc nào.</p>\n");
        else
            begin(page, "Biên lai cần người xem", "Từ lúc|Việc|Đối tượng");
        for (int i = 0; i < rows.count && i < ROWS_SHOWN; i++)
            html(page->out, "<tr><td>%s</td><td>%.*s</td><td class=\"exact\">%.*s</td></tr>\n",
                 instant_words(page->arena, PAGE_VI, db_instant(&rows, i, 0)), TEXT_ARGS(db_text(&rows, i, 1)),
                 TEXT_ARGS(db_text(&rows, i, 2)));
        if (rows.count)
            end(page);
    }
    html(page->out, "</section>\n");
}

static void put_corrections(struct page *page)
{
    struct db_rows rows;
    html(page->out,
         "<section aria-labelledby=\"corrections\"><h2 id=\"corrections\">Sai sót biên lai chờ duyệt</h2>\n<p "
         "class=\"meta\">Người lập không được tự duyệt.</p>\n");
    if (rows_of(page, &corrections_sql, DATE_NONE, &rows)) {
        if (!rows.count)
            html(page->out, "<p>Không có đề nghị nào.</p>\n");
        else
            begin(page, "Sai sót biên lai chờ duyệt", "Biên lai|Cách xử lý|Nội dung|Người lập|Lúc|Quyết định");
        for (int i = 0; i < rows.count && i < ROWS_SHOWN; i++) {
            bool notice = text_is(db_text(&rows, i, 1), "notice");
            html(page->out, "<tr><th scope=\"row\">%.*s</th><td>%s</td><td>", TEXT_ARGS(db_text(&rows, i, 4)),
                 notice ? "Thông báo 04/SS-CTĐT" : "Biên lai thay thế");
            if (notice)
                html(page->out, "%.*s → %.*s", TEXT_ARGS(db_text(&rows, i, 5)), TEXT_ARGS(db_text(&rows, i, 6)));
            else
                html(page->out, "%.*s", TEXT_ARGS(db_text(&rows, i, 7)));
            html(
                page->out,
                "</td><td>%.*s</td><td>%s</td><td><form method=\"post\" action=\"/finance/corrections\"><input "
                "type=\"hidden\" name=\"id\" value=\"%lld\"><button name=\"decision\" value=\"approve\">Duyệt</button> "
                "<button name=\"decision\" value=\"refuse\">Từ chối</button></form></td></tr>\n",
                TEXT_ARGS(db_text(&rows, i, 2)), instant_words(page->arena, PAGE_VI, db_instant(&rows, i, 3)),
                (long long)db_int(&rows, i, 0));
        }
        if (rows.count)
            end(page);
    }
    html(page->out, "</section>\n");
}

static const char *state_words(struct text state)
{
    static const char *const words[][2] = {{"unsigned", "Chờ ký"},
                                           {"queued", "Chờ gửi"},
                                           {"unknown", "Đã gửi, chưa có trả lời: đang hỏi lại"},
                                           {"accepted", "Cơ quan thuế đã nhận"},
                                           {"refused", "Cơ quan thuế từ chối"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(state, words[i][0]))
            return words[i][1];
    return "";
}

static void put_tax(struct page *page, date_days day)
{
    struct db_rows rows;
    html(page->out,
         "<section aria-labelledby=\"tax\"><h2 id=\"tax\">Gửi cơ quan thuế</h2>\n<p class=\"meta\">Bảy ngày gần "
         "nhất, và mọi thông điệp chưa được nhận.</p>\n");
    if (rows_of(page, &tax_sql, day, &rows)) {
        if (!rows.count)
            html(page->out, "<p>Chưa có thông điệp nào.</p>\n");
        else
            begin(page, "Gửi cơ quan thuế", "Mã|Mẫu|Ngày|Lần|Số dòng|Số tiền (đ)|Trạng thái|Hạn gửi|Lý do");
        for (int i = 0; i < rows.count && i < ROWS_SHOWN; i++) {
            char amount[MONEY_TEXT_SIZE];
            money_format(db_int(&rows, i, 5), amount);
            html(page->out, "<tr><th scope=\"row\" class=\"exact\">%.*s</th><td>%.*s</td><td>%s</td><td>",
                 TEXT_ARGS(db_text(&rows, i, 0)), TEXT_ARGS(db_text(&rows, i, 1)),
                 date_words(page->arena, PAGE_VI, db_date(&rows, i, 2)));
            if (db_int(&rows, i, 3))
                html(page->out, "Bổ sung %lld", (long long)db_int(&rows, i, 3));
            else
                html(page->out, "Đầu");
            html(page->out,
                 "</td><td class=\"n\">%lld</td><td class=\"n\">%s</td><td>%s</td><td>%s</td><td>%.*s</td></tr>\n",
                 (long long)db_int(&rows, i, 4), amount, state_words(db_text(&rows, i, 6)),
                 date_words(page->arena, PAGE_VI, db_date(&rows, i, 7)), TEXT_ARGS(db_text(&rows, i, 8)));
        }
        if (rows.count)
            end(page);
    }
    html(page->out, "</section>\n");
}

void finance_put_receipts(struct page *page, date_days day)
{
    put_concerns(page);
    put_corrections(page);
    put_tax(page, day);
}

/* POST /finance/corrections: the second person's answer. */
enum err pages_correction_handle(struct request *rq)
{
    int64_t id = 0;
    if (page_needs_staff(rq, ROLE_SUPERVISOR | ROLE_FINANCE | ROLE_ADMIN, "/finance"))
        return OK;
    struct text decision = form_field(&rq->arena, rq->body, "decision");
    bool approves = text_is(decision, "approve");
    if (!text_to_int64(form_field(&rq->arena, rq->body, "id"), &id) || (!approves && !text_is(decision, "refuse")))
        return reply_error(rq, ERR_INVALID);
    enum err err = receipt_correction_decide(rq, id, approves ? RECEIPT_APPROVE : RECEIPT_REFUSE);
    if (err && rq->faults.count)
        return reply_faults(rq, err);
    return err ? reply_error(rq, err) : page_go(rq, "/finance#corrections");
}
