/* The finance page of a day: what came, what the bank says, what does not agree, what is owed. Each part stands for
 * itself: one that cannot be read says so and leaves the others. */
#include "app/pages/pages.h"

#include <stdio.h>
#include <string.h>
#include "app/pages/finance_receipts.h"
#include "app/pages/layout.h"
#include "payments/ledger/ledger.h"

enum { BOOKS = ROLE_FINANCE | ROLE_AUDITOR | ROLE_SUPERVISOR | ROLE_ADMIN, ROWS_SHOWN = 200 };

static const struct db_statement totals_sql = {
    "pages_totals",
    "SELECT g.code, g.name_vi, p.method, count(*), sum(p.amount), sum(p.surplus),"
    " coalesce(sum(p.amount) FILTER (WHERE p.request_id IS NULL), 0)"
    " FROM payment p JOIN receiving_account a ON a.id = p.account_id JOIN agency g ON g.code = a.agency"
    " WHERE business_day(p.paid_at) = $1 GROUP BY g.code, g.name_vi, p.method ORDER BY g.code, p.method"};
static const struct db_statement lines_sql = {
    "pages_lines",
    "SELECT a.account_number, count(*), count(m.line_id), count(*) FILTER (WHERE m.healed), count(e.line_id), "
    "count(w.line_id),"
    " coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0), coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)"
    " FROM statement_line l JOIN receiving_account a ON a.id = l.account_id"
    " LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN line_waits w ON w.line_id = l.id"
    " LEFT JOIN exception_case e ON e.line_id = l.id AND e.state <> 'resolved'"
    " WHERE l.booked_on = $1 GROUP BY a.account_number ORDER BY a.account_number"};
static const struct db_statement exceptions_sql = {
    "pages_exceptions",
    "SELECT e.id, e.reason, e.amount, e.booked_on, e.state, e.suggestion::text, a.account_number, coalesce(t.memo, "
    "p.memo, '')"
    " FROM exception_case e JOIN receiving_account a ON a.id = e.account_id"
    " LEFT JOIN statement_line l ON l.id = e.line_id"
    " LEFT JOIN statement_line_text t ON t.line_id = l.id AND t.booked_month = date_trunc('month', l.booked_on)::date"
    " LEFT JOIN payment p ON p.id = e.payment_id"
    " WHERE e.state <> 'resolved' AND e.booked_on <= $1 ORDER BY e.booked_on, e.id LIMIT 201"};
static const struct db_statement unallocated_sql = {
    "pages_unallocated", "SELECT p.paid_at, p.amount, p.memo, p.payer_name, a.account_number FROM payment p"
                         " JOIN receiving_account a ON a.id = p.account_id"
                         " WHERE business_day(p.paid_at) BETWEEN $1::date - 90 AND $1::date AND p.request_id IS NULL "
                         "ORDER BY p.paid_at LIMIT 201"};

struct finance {
    struct page page;
    date_days day;
};

static bool read_rows(struct finance *f, const struct db_statement *statement, struct db_rows *ret_rows)
{
    struct db_args args = db_args(f->page.arena);
    db_arg_date(&args, f->day);
    if (!db_query(f->page.rq->db, statement, &args, ret_rows))
        return true;
    html(f->page.out, "<p class=\"warn\">Chưa đọc được phần này. Các phần khác vẫn đúng.</p>\n");
    return false;
}

/* Wide tables scroll inside their own frame, reachable by keyboard. A column of numbers is named with a # in front. */
static void table_begin(struct finance *f, const char *label, const char *const *columns)
{
    html(f->page.out,
         "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Bảng: %s\"><table>\n<thead><tr>", label);
    for (int i = 0; columns[i]; i++)
        html(f->page.out, *columns[i] == '#' ? "<th scope=\"col\" class=\"n\">%s</th>" : "<th scope=\"col\">%s</th>",
             columns[i] + (*columns[i] == '#'));
    html(f->page.out, "</tr></thead>\n<tbody>\n");
}

static void table_end(struct finance *f)
{
    html(f->page.out, "</tbody></table></div>\n");
}

static void section(struct finance *f, const char *id, const char *title, const char *how)
{
    html(f->page.out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n<p class=\"meta\">%s</p>\n", id, id,
         title, how);
}

static const char *dong(struct finance *f, int64_t amount)
{
    char text[MONEY_TEXT_SIZE];
    money_format(amount, text);
    return arena_printf(f->page.arena, "%s", text);
}

static const char *method_words(struct text method)
{
    static const char *const words[][2] = {{"vietqr", "Chuyển khoản VietQR"},
                                           {"pos", "Thẻ tại quầy"},
                                           {"wallet", "Ví điện tử"},
                                           {"post", "Bưu điện"},
                                           {"portal", "Cổng DVC"},
                                           {"cash", "Tiền mặt"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(method, words[i][0]))
            return words[i][1];
    return "";
}

static void put_totals(struct finance *f)
{
    static const char *const columns[] = {
        "Cơ quan", "Hình thức", "#Số giao dịch", "#Tổng nhận (đ)", "#Thừa (đ)", "#Chưa rõ hồ sơ (đ)", NULL};
    struct db_rows rows;
    struct buf *out = f->page.out;
    int64_t count = 0, amount = 0, surplus = 0, unknown = 0;
    section(f, "totals", "Tiền nhận trong ngày", "Theo ngày ngân hàng ghi có, cộng từ từng khoản đã ghi sổ.");
    if (read_rows(f, &totals_sql, &rows)) {
        table_begin(f, "Tiền nhận trong ngày", columns);
        for (int i = 0; i < rows.count; i++) {
            html(out,
                 "<tr><th scope=\"row\">%.*s</th><td>%s</td><td class=\"n\">%lld</td><td class=\"n\">%s</td>"
                 "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
                 TEXT_ARGS(db_text(&rows, i, 1)), method_words(db_text(&rows, i, 2)), (long long)db_int(&rows, i, 3),
                 dong(f, db_int(&rows, i, 4)), dong(f, db_int(&rows, i, 5)), dong(f, db_int(&rows, i, 6)));
            count += db_int(&rows, i, 3), amount += db_int(&rows, i, 4);
            surplus += db_int(&rows, i, 5), unknown += db_int(&rows, i, 6);
        }
        html(out,
             "<tr class=\"total\"><th scope=\"row\">Tổng cộng</th><td></td><td class=\"n\">%lld</td><td "
             "class=\"n\">%s</td>"
             "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
             (long long)count, dong(f, amount), dong(f, surplus), dong(f, unknown));
        table_end(f);
    }
    html(out, "</section>\n");
}

static void put_lines(struct finance *f)
{
    static const char *const columns[] = {"Tài khoản",   "#Số dòng",    "#Đã khớp", "#Tự tìm thấy", "#Ngoại lệ", "#Chờ",
                                          "#Ghi có (đ)", "#Ghi nợ (đ)", NULL};
    struct db_rows rows;
    section(f, "lines", "Sao kê ngân hàng",
            "Mỗi dòng sao kê phải khớp một khoản, là ngoại lệ, hoặc đang chờ lượt đối soát.");
    bool known = read_rows(f, &lines_sql, &rows);
    if (known && !rows.count)
        html(f->page.out, "<p>Chưa có sao kê của ngày này.</p>\n");
    if (known && rows.count) {
        table_begin(f, "Sao kê ngân hàng", columns);
        for (int i = 0; i < rows.count; i++) {
            html(f->page.out, "<tr><th scope=\"row\" class=\"exact\">%.*s</th>", TEXT_ARGS(db_text(&rows, i, 0)));
            for (int k = 1; k <= 5; k++)
                html(f->page.out, "<td class=\"n\">%lld</td>", (long long)db_int(&rows, i, k));
            html(f->page.out, "<td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", dong(f, db_int(&rows, i, 6)),
                 dong(f, db_int(&rows, i, 7)));
        }
        table_end(f);
    }
    html(f->page.out, "</section>\n");
}

static const char *reason_words(struct text reason)
{
    static const char *const words[][2] = {
        {"no_reference", "Thiếu mã nộp tiền"},   {"unknown_reference", "Mã nộp tiền không có trong hệ thống"},
        {"wrong_amount", "Sai số tiền"},         {"amount_differs", "Số tiền khác thông báo"},
        {"duplicate_line", "Có thể trùng dòng"}, {"may_be_known", "Có thể đã ghi nhận"},
        {"reversal", "Bút toán hoàn"},           {"bank_charge", "Phí ngân hàng"},
        {"bank_interest", "Lãi ngân hàng"},      {"outgoing", "Tiền ra"},
        {"zero_amount", "Dòng không có tiền"},   {"payment_without_line", "Đã ghi nhận, chưa thấy trên sao kê"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(reason, words[i][0]))
            return words[i][1];
    return "Lý do khác";
}

/* What the matcher proposes, in its own short words: every text and number of the suggestion. */
static void put_suggestion(struct finance *f, struct text suggestion_json)
{
    json_t *suggestion = NULL, *value;
    const char *key;
    struct faults *faults = ARENA_NEW(f->page.arena, struct faults);
    faults_init(faults, f->page.arena);
    if (json_parse_value(suggestion_json, &suggestion, faults))
        return;
    json_object_foreach(suggestion, key, value)
    {
        if (json_is_string(value))
            html(f->page.out, "<span class=\"bit\">%s: %s</span> ", key, json_string_value(value));
        else if (json_is_integer(value))
            html(f->page.out, "<span class=\"bit\">%s: %lld</span> ", key, (long long)json_integer_value(value));
    }
}

static void put_exceptions(struct finance *f)
{
    static const char *const columns[] = {"Số",       "Lý do", "#Số tiền (đ)", "Ngày", "#Tuổi (ngày)",
                                          "Nội dung", "Gợi ý", "Trạng thái",   NULL};
    struct db_rows rows;
    struct buf *out = f->page.out;
    section(f, "exceptions", "Ngoại lệ đang mở",
            "Cũ nhất trước. Xử lý qua API hoặc phần mềm kế toán; việc chuyển tiền cần hai người.");
    if (read_rows(f, &exceptions_sql, &rows)) {
        if (!rows.count)
            html(out, "<p>Không có ngoại lệ nào.</p>\n");
        else
            table_begin(f, "Ngoại lệ đang mở", columns);
        for (int i = 0; i < rows.count && i < ROWS_SHOWN; i++) {
            date_days since = db_date(&rows, i, 3);
            html(out,
                 "<tr><th scope=\"row\">%lld</th><td>%s</td><td class=\"n\">%s</td><td>%s</td><td "
                 "class=\"n\">%d</td><td "
                 "class=\"memo\">%.*s</td><td>",
                 (long long)db_int(&rows, i, 0), reason_words(db_text(&rows, i, 1)), dong(f, db_int(&rows, i, 2)),
                 date_words(f->page.arena, PAGE_VI, since), (int)(f->day - since), TEXT_ARGS(db_text(&rows, i, 7)));
            put_suggestion(f, db_text(&rows, i, 5));
            html(out, "</td><td>%s</td></tr>\n",
                 text_is(db_text(&rows, i, 4), "proposed") ? "Đang chờ người khác duyệt" : "Đang mở");
        }
        if (rows.count)
            table_end(f);
        if (rows.count > ROWS_SHOWN)
            html(out, "<p>Còn nữa: xem tất cả ở <a href=\"/v1/exceptions\">danh sách đầy đủ</a>.</p>\n");
    }
    html(out, "</section>\n");
}

static void put_unallocated(struct finance *f)
{
    static const char *const columns[] = {"Lúc", "#Số tiền (đ)", "Nội dung", "Người chuyển", "Tài khoản nhận", NULL};
    struct db_rows rows;
    struct buf *out = f->page.out;
    section(f, "unallocated", "Tiền chưa rõ hồ sơ", "90 ngày gần nhất. Tiền đã ghi sổ, chờ biết của hồ sơ nào.");
    if (read_rows(f, &unallocated_sql, &rows)) {
        if (!rows.count)
            html(out, "<p>Không có khoản nào.</p>\n");
        else
            table_begin(f, "Tiền chưa rõ hồ sơ", columns);
        for (int i = 0; i < rows.count && i < ROWS_SHOWN; i++)
            html(out,
                 "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td><td class=\"memo\">%.*s</td><td>%.*s</td><td "
                 "class=\"exact\">%.*s</td></tr>\n",
                 say_instant(&f->page, db_instant(&rows, i, 0)), dong(f, db_int(&rows, i, 1)),
                 TEXT_ARGS(db_text(&rows, i, 2)), TEXT_ARGS(db_text(&rows, i, 3)), TEXT_ARGS(db_text(&rows, i, 4)));
        if (rows.count)
            table_end(f);
        if (rows.count > ROWS_SHOWN)
            html(out, "<p>Chỉ hiện %d khoản cũ nhất.</p>\n", ROWS_SHOWN);
    }
    html(out, "</section>\n");
}

static const char *account_words(struct text code)
{
    static const char *const words[][2] = {
        {"clearing:", "Đã báo có, chờ sao kê"}, {"bank:", "Đã thấy trên sao kê"},
        {"post:", "Bưu điện đang giữ"},         {"payable:", "Phải nộp cho cơ quan thu"},
        {"deposit:", "Nộp một phần, tạm giữ"},  {"refund_due:", "Phải hoàn người nộp"},
        {"suspense:", "Chưa rõ hồ sơ"},         {"charges:", "Phí ngân hàng"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_starts(code, words[i][0]))
            return words[i][1];
    return "";
}

static void put_ledger(struct finance *f)
{
    static const char *const columns[] = {"Tài khoản sổ cái", "Ý nghĩa", "#Số dư (đ)", NULL};
    struct buf text = {0};
    struct json json = json_to(&text);
    struct request *rq = f->page.rq;
    json_t *balances = NULL, *row;
    size_t index;
    section(f, "ledger", "Số dư sổ cái cuối ngày", "Nợ dương, có âm; tổng mọi tài khoản bằng 0.");
    if (ledger_balances_write(rq->db, &rq->arena, f->day, &json) ||
        json_parse_value(buf_view(&text), &balances, &rq->faults)) {
        html(f->page.out, "<p class=\"warn\">Chưa đọc được phần này. Các phần khác vẫn đúng.</p>\n");
    } else if (!json_array_size(balances)) {
        html(f->page.out, "<p>Chưa có bút toán nào.</p>\n");
    } else {
        table_begin(f, "Số dư sổ cái", columns);
        json_array_foreach(balances, index, row)
        {
            const char *code = json_string_value(json_object_get(row, "account"));
            html(f->page.out, "<tr><th scope=\"row\" class=\"exact\">%s</th><td>%s</td><td class=\"n\">%s</td></tr>\n",
                 code ? code : "", account_words(text_of(code)),
                 dong(f, json_integer_value(json_object_get(row, "balance"))));
        }
        table_end(f);
    }
    html(f->page.out, "</section>\n");
    buf_done(&text);
}

/* A report of the day, or of its month up to the day. */
struct report_link {
    const char *path, *title;
    enum { OF_DAY, OF_MONTH } period;
    const char *formats[5]; /* NULL-terminated */
};

static void put_links(struct finance *f)
{
    static const struct report_link reports[] = {
        {"daily", "Sổ thu trong ngày", OF_DAY, {"csv", "xlsx", "pdf", "json"}},
        {"collections", "Thu trong tháng đến ngày này", OF_MONTH, {"csv", "xlsx", "pdf", "json"}},
        {"treasury", "Bảng kê nộp ngân sách", OF_DAY, {"csv", "xlsx", "pdf", "json"}},
        {"exemptions", "Sổ miễn, giảm trong tháng", OF_MONTH, {"csv", "xlsx", "pdf", "json"}},
        {"indicators", "Chỉ số thanh toán trực tuyến", OF_MONTH, {"csv", "xlsx", "pdf", "json"}},
        {"receipts", "Biên lai lập trong ngày", OF_DAY, {"csv", "json"}}};
    char day[DATE_TEXT_SIZE], first[DATE_TEXT_SIZE];
    date_format(f->day, day);
    snprintf(first, sizeof first, "%.8s01", day);
    html(f->page.out, "<section aria-labelledby=\"reports\"><h2 id=\"reports\">Báo cáo</h2>\n<ul class=\"links\">\n");
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        html(f->page.out, "<li>%s:", reports[i].title);
        for (size_t k = 0; reports[i].formats[k]; k++) {
            const char *format = reports[i].formats[k];
            if (reports[i].period == OF_DAY)
                html(f->page.out, "%s <a href=\"/v1/reports/%s?date=%s&amp;format=%s\">%s</a>", k ? " ·" : "",
                     reports[i].path, day, format, format);
            else
                html(f->page.out, "%s <a href=\"/v1/reports/%s?from=%s&amp;to=%s&amp;format=%s\">%s</a>", k ? " ·" : "",
                     reports[i].path, first, day, format, format);
        }
        html(f->page.out, "</li>\n");
    }
    html(f->page.out, "</ul></section>\n");
}

static void put_day_form(struct finance *f)
{
    char day[DATE_TEXT_SIZE], before[DATE_TEXT_SIZE], after[DATE_TEXT_SIZE];
    date_format(f->day, day);
    date_format(f->day - 1, before);
    date_format(f->day + 1, after);
    html(f->page.out,
         "<form method=\"get\" action=\"/finance\" class=\"stack row\"><label for=\"date\">Ngày</label><input "
         "id=\"date\" name=\"date\" type=\"date\" value=\"%s\"><button class=\"main\">Xem</button></form>\n",
         day);
    html(f->page.out,
         "<p class=\"buttons\"><a class=\"button\" href=\"/finance?date=%s\">Ngày trước</a> <a class=\"button\" "
         "href=\"/finance?date=%s\">Ngày sau</a></p>\n",
         before, after);
}

enum err pages_finance_handle(struct request *rq)
{
    if (page_needs_staff(rq, BOOKS, "/finance"))
        return OK;
    struct buf out = {0};
    struct finance f = {.day = date_of(rq->at)};
    page_init(&f.page, rq, &out);
    f.page.language = PAGE_VI;
    struct text wanted = request_query(rq, "date");
    bool wrong = wanted.length && !date_parse(wanted, &f.day);
    const char *shown = date_words(f.page.arena, PAGE_VI, f.day);
    page_begin(&f.page, &(struct page_head){
                            .title = arena_printf(f.page.arena, "%sĐối soát ngày %s", wrong ? "Lỗi: " : "", shown),
                            .nav = NAV_STAFF});
    page_staff_bar(&f.page);
    html(&out, "<h1>Đối soát ngày %s</h1>\n", shown);
    if (wrong)
        html(&out, "<div class=\"errors\" role=\"alert\"><h2><a href=\"#date\">Ngày không hợp lệ. Đang xem hôm "
                   "nay.</a></h2></div>\n");
    put_day_form(&f);
    put_totals(&f);
    put_lines(&f);
    put_exceptions(&f);
    put_unallocated(&f);
    put_ledger(&f);
    finance_put_receipts(&f.page, f.day);
    put_links(&f);
    page_end(&f.page);
    return page_reply(&f.page, wrong ? 422 : 200);
}
