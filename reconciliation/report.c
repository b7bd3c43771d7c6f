/* The reports: rows of natural keys from the database, named, and written as JSON, CSV, XLSX or PDF. */
#include "reconciliation/report_table.h"

#include <inttypes.h>
#include <string.h>
#include "payments/fees/fees.h"

static const struct db_statement books = {"daily_books", "SELECT section, key, count, amount FROM daily_books($1)"};
static const struct db_statement books_lines = {
    "daily_lines",
    "SELECT substr(section, 4), key, item, amount FROM daily_lines($1) WHERE ($2 = '' OR substr(section, 4) "
    "= $2) AND ($3 = '' OR key = $3) ORDER BY section COLLATE \"C\", key COLLATE \"C\", item COLLATE \"C\", "
    "amount"};
static const struct db_statement periods = {
    "period_books",
    "SELECT b.collector, fee, name, opening, collected, refunded, remitted, retained, closing, c.chapter FROM "
    "period_books($1, $2) b LEFT JOIN collector_chapter c ON c.collector = b.collector"};
static const struct db_statement remittances = {
    "treasury_due",
    "SELECT t.collector, fee, name, since, until, collected, c.chapter FROM treasury_due($1) t LEFT JOIN "
    "collector_chapter c ON c.collector = t.collector"};
static const struct db_statement indicator_rows = {
    "indicators", "SELECT indicator, agency, numerator, denominator, share, counted FROM indicators($1, $2)"};

static const struct db_statement breaks = {"reconcile_audit",
                                           "SELECT problem, subject, difference FROM reconcile_audit()"
                                           " UNION ALL SELECT problem, subject, difference FROM postal_audit()"};

static const struct db_statement suspense_rows = {
    "suspense_list",
    "SELECT reason, account, item, amount, booked_on, age_days, owner, state, decision_possible_on FROM "
    "suspense_list($1)"};
static const struct db_statement charge_rows = {
    "charges_list", "SELECT kind, collector, account, item, day, amount FROM charges_list($1, $2)"};

static const struct db_statement exemption_rows = {
    "exemption_register",
    "SELECT day, reference, dossier, procedure, agency, fee, name, gross, reduction, net, basis, category, proof,"
    " state, checked_by FROM exemption_register($1, $2)"};

static const struct db_statement post_ageing_rows = {
    "postal_ageing", "SELECT carrier, outlet, collected_on, parcels, amount, age_days FROM postal_ageing($1)"};
static const struct db_statement post_concern_rows = {
    "postal_concerns", "SELECT concern, parcel, dossier, since, days, amount FROM postal_concerns($1)"};
static const struct db_statement post_rows = {"postal_report",
                                              "SELECT figure, service, amount FROM postal_report($1, $2)"};

static const struct db_statement period_line_rows = {
    "period_lines", "SELECT collector, fee, figure, item, day, amount FROM period_lines($1, $2)"};
static const struct db_statement indicator_line_rows = {
    "indicator_lines",
    "SELECT indicator, agency, item, method, CASE WHEN counted THEN 'yes' ELSE 'no' END, amount FROM "
    "indicator_lines($1, $2)"};

static const struct report_column period_line_columns[] = {{"collector", "Cơ quan thu (MST)", false},
                                                           {"fee", "Mã khoản thu", false},
                                                           {"figure", "Chỉ tiêu", false},
                                                           {"item", "Dòng", false},
                                                           {"day", "Ngày", false},
                                                           {"amount", "Số tiền (đồng)", true}};
static const struct report_column indicator_line_columns[] = {
    {"indicator", "Chỉ số", false}, {"agency", "Cơ quan", false},    {"item", "Dòng", false},
    {"method", "Cách thức", false}, {"counted", "Được tính", false}, {"amount", "Số", true}};
static const struct report_column suspense_columns[] = {{"reason", "Lý do", false},
                                                        {"account", "Tài khoản", false},
                                                        {"item", "Khoản", false},
                                                        {"amount", "Số tiền (đồng)", true},
                                                        {"booked_on", "Ngày", false},
                                                        {"age_days", "Tuổi (ngày)", true},
                                                        {"owner", "Người phụ trách", false},
                                                        {"state", "Trạng thái", false},
                                                        {"decision_possible_on", "Quyết định sớm nhất", false}};
static const struct report_column post_ageing_columns[] = {
    {"carrier", "Đơn vị bưu chính", false}, {"outlet", "Bưu cục", false},       {"collected_on", "Ngày thu", false},
    {"parcels", "Số bưu gửi", true},        {"amount", "Số tiền (đồng)", true}, {"age_days", "Tuổi (ngày)", true}};
static const struct report_column post_concern_columns[] = {
    {"concern", "Vấn đề", false}, {"parcel", "Bưu gửi", false}, {"dossier", "Hồ sơ", false},
    {"since", "Từ ngày", false},  {"days", "Số ngày", true},    {"amount", "Số tiền (đồng)", true}};
static const struct report_column post_columns[] = {
    {"figure", "Chỉ tiêu", false}, {"service", "Chiều gửi", false}, {"amount", "Giá trị", true}};
static const struct report_column charge_columns[] = {
    {"kind", "Loại", false},         {"collector", "Cơ quan thu", false},
    {"account", "Tài khoản", false}, {"item", "Dòng", false},
    {"day", "Ngày", false},          {"amount", "Số tiền (đồng)", true}};
static const struct report_column exemption_columns[] = {{"day", "Ngày", false},
                                                         {"reference", "Mã nộp tiền", false},
                                                         {"dossier", "Hồ sơ", false},
                                                         {"procedure", "Thủ tục", false},
                                                         {"agency", "Cơ quan", false},
                                                         {"fee", "Mã khoản thu", false},
                                                         {"name", "Khoản thu", false},
                                                         {"gross", "Mức thu", true},
                                                         {"reduction", "Được miễn, giảm", true},
                                                         {"net", "Phải nộp", true},
                                                         {"legal_basis", "Căn cứ", false},
                                                         {"category", "Diện", false},
                                                         {"proof", "Giấy tờ chứng minh", false},
                                                         {"state", "Trạng thái", false},
                                                         {"checked_by", "Người kiểm tra", false}};
static const struct report_column break_columns[] = {
    {"problem", "Sai lệch", false}, {"subject", "Ở đâu", false}, {"difference", "Chênh lệch (đồng)", true}};
static const struct report_column book_columns[] = {{"date", "Ngày", false},
                                                    {"section", "Mục", false},
                                                    {"key", "Chỉ tiêu", false},
                                                    {"count", "Số lượng", true},
                                                    {"amount", "Số tiền (đồng)", true}};
static const struct report_column line_columns[] = {
    {"section", "Mục", false}, {"key", "Chỉ tiêu", false}, {"item", "Dòng", false}, {"amount", "Số tiền (đồng)", true}};
static const struct report_column period_columns[] = {{"collector", "Cơ quan thu (MST)", false},
                                                      {"fee", "Mã khoản thu", false},
                                                      {"name", "Khoản thu", false},
                                                      {"opening", "Đầu kỳ", true},
                                                      {"collected", "Đã thu", true},
                                                      {"refunded", "Đã hoàn", true},
                                                      {"remitted", "Đã nộp", true},
                                                      {"retained", "Để lại", true},
                                                      {"closing", "Cuối kỳ", true},
                                                      {"budget_level", "Cấp ngân sách", false},
                                                      {"chapter", "Chương", false},
                                                      {"budget_item", "Tiểu mục", false}};
static const struct report_column treasury_columns[] = {{"collector", "Cơ quan thu (MST)", false},
                                                        {"fee", "Mã khoản thu", false},
                                                        {"name", "Khoản thu", false},
                                                        {"since", "Từ ngày", false},
                                                        {"until", "Đến ngày", false},
                                                        {"collected", "Đã thu", true},
                                                        {"retained", "Để lại", true},
                                                        {"remit", "Phải nộp", true},
                                                        {"budget_level", "Cấp ngân sách", false},
                                                        {"budget_item", "Tiểu mục", false},
                                                        {"due_on", "Hạn nộp", false},
                                                        {"blocked", "Chưa lập được vì", false},
                                                        {"chapter", "Chương", false}};
static const struct report_column indicator_columns[] = {
    {"indicator", "Chỉ số", false},  {"agency", "Cơ quan", false},  {"numerator", "Tử số", true},
    {"denominator", "Mẫu số", true}, {"share", "Tỷ lệ (%)", false}, {"counted", "Cách thức được tính", false}};

#define COLUMNS(of) of, sizeof of / sizeof *of

static struct report_table table_of(struct arena *arena, const struct report_column *columns, size_t column_count,
                                    int rows)
{
    struct report_table table = {.columns = columns, .column_count = column_count, .row_count = (size_t)rows};
    table.cells = ARENA_ARRAY(arena, struct text, column_count * (size_t)(rows ? rows : 1));
    return table;
}

/* Cells as the database gave them, from `first` on. */
static void rows_copy(struct report_table *table, struct text *cells, const struct db_rows *rows, size_t first,
                      size_t count)
{
    for (int r = 0; r < rows->count; r++)
        for (size_t c = 0; c < count; c++)
            cells[(size_t)r * table->column_count + first + c] = db_text(rows, r, (int)c);
}

/* "collections by method" → "collections_by_method" */
static const char *section_key(struct arena *arena, struct text section)
{
    char *key = arena_copy(arena, section);
    for (char *at = key; *at; at++)
        if (*at == ' ')
            *at = '_';
    return key;
}

static void books_json(const struct db_rows *rows, date_days day, struct arena *arena, struct buf *out)
{
    struct json json = json_to(out);
    struct text section = TEXT_NONE;
    bool agrees = true;
    json_put_object(&json, NULL);
    json_put_date(&json, "date", day);
    for (int i = 0; i < rows->count; i++) {
        struct text now = db_text(rows, i, 0);
        if (!text_equal(now, section)) {
            if (section.length)
                json_put_end(&json);
            json_put_array(&json, section_key(arena, now));
            section = now;
        }
        agrees = agrees && !text_is(now, "differences");
        json_put_object(&json, NULL);
        json_put_text(&json, "key", db_text(rows, i, 1));
        json_put_int(&json, "count", db_int(rows, i, 2));
        json_put_int(&json, "amount", db_int(rows, i, 3));
        json_put_end(&json);
    }
    if (section.length)
        json_put_end(&json);
    json_put_bool(&json, "agrees", agrees);
    json_put_end(&json);
    buf_char(out, '\n');
}

enum err report_daily(struct db *db, struct arena *arena, date_days day, enum report_format format,
                      struct text *ret_bytes)
{
    struct db_args args = db_args(arena);
    db_arg_date(&args, day);
    struct db_rows rows;
    enum err err = db_query(db, &books, &args, &rows);
    if (err)
        return err;
    if (format == REPORT_JSON) {
        struct buf out = {0};
        books_json(&rows, day, arena, &out);
        *ret_bytes = arena_text(arena, buf_view(&out));
        buf_done(&out);
        return OK;
    }
    char date[DATE_TEXT_SIZE];
    date_format(day, date);
    struct report_table table = table_of(arena, COLUMNS(book_columns), rows.count);
    struct text *cells = ARENA_ARRAY(arena, struct text, table.column_count * (table.row_count + 1));
    rows_copy(&table, cells, &rows, 1, 4);
    for (size_t r = 0; r < table.row_count; r++)
        cells[r * table.column_count] = text_of(arena_copy(arena, text_of(date)));
    table.cells = cells;
    table.title = arena_textf(arena, "Sổ thu phí, lệ phí ngày %s", date);
    return report_table_write(&table, format, arena, ret_bytes);
}

enum err report_daily_lines(struct db *db, struct arena *arena, date_days day, struct text section, struct text key,
                            enum report_format format, struct text *ret_bytes)
{
    struct db_args args = db_args(arena);
    db_arg_date(&args, day);
    db_arg_text(&args, section.length ? section : TEXT(""));
    db_arg_text(&args, key.length ? key : TEXT(""));
    struct db_rows rows;
    enum err err = db_query(db, &books_lines, &args, &rows);
    if (err)
        return err;
    struct report_table table = table_of(arena, COLUMNS(line_columns), rows.count);
    struct text *cells = ARENA_ARRAY(arena, struct text, table.column_count * (table.row_count + 1));
    rows_copy(&table, cells, &rows, 0, 4);
    table.cells = cells;
    table.title = TEXT("Các dòng đứng sau số liệu sổ thu trong ngày");
    return report_table_write(&table, format, arena, ret_bytes);
}

/* The catalogue's facts of a fee on a day; a fee the catalogue does not know (any more) has none. */
static const struct fee *fee_on(const struct catalogue *catalogue, struct text code, date_days day)
{
    return catalogue ? catalogue_fee_on(catalogue, code, day) : NULL;
}

static enum err report_of(struct db *db, struct arena *arena, const struct db_statement *statement, date_days from,
                          date_days to, struct db_rows *ret_rows)
{
    struct db_args args = db_args(arena);
    db_arg_date(&args, from);
    if (to != DATE_NONE)
        db_arg_date(&args, to);
    return db_query(db, statement, &args, ret_rows);
}

enum err report_collections(struct db *db, struct arena *arena, date_days from, date_days to, enum report_format format,
                            struct text *ret_bytes)
{
    struct db_rows rows;
    enum err err = report_of(db, arena, &periods, from, to, &rows);
    if (err)
        return err;
    struct catalogue *catalogue = catalogue_in_force_hold();
    struct report_table table = table_of(arena, COLUMNS(period_columns), rows.count);
    struct text *cells = ARENA_ARRAY(arena, struct text, table.column_count * (table.row_count + 1));
    rows_copy(&table, cells, &rows, 0, 9);
    for (int r = 0; r < rows.count; r++) {
        const struct fee *fee = fee_on(catalogue, db_text(&rows, r, 1), to);
        cells[(size_t)r * table.column_count + 9] = fee ? arena_text(arena, fee->budget_level) : TEXT("");
        cells[(size_t)r * table.column_count + 10] = db_text(&rows, r, 9); /* chapter */
        cells[(size_t)r * table.column_count + 11] = fee ? arena_text(arena, fee->budget_item) : TEXT("");
    }
    catalogue_drop(catalogue);
    table.cells = cells;
    table.title = TEXT("Tổng hợp thu, nộp, để lại theo cơ quan và khoản thu");
    return report_table_write(&table, format, arena, ret_bytes);
}

/* One row of the list: split by the catalogue's rate, or blocked by name where a fact is missing. */
static void treasury_row(struct arena *arena, const struct catalogue *catalogue, const struct fee *fee, date_days day,
                         int64_t collected, struct text *cells)
{
    const struct fee_collector collector = {cells[0], day};
    int64_t retained = 0;
    struct buf why = {0};
    unsigned unset = fee ? fee_remittance_unset(catalogue, fee, collector) : 0;
    if (!fee)
        buf_string(&why, "khoản thu không có trong danh mục");
    else if (unset)
        fee_facts_say(unset, &why);
    else if (money_ratio(collected, fee_retention_of(catalogue, fee, collector), 10000, &retained))
        buf_string(&why, "số tiền quá lớn");
    bool blocked = why.length > 0;
    cells[6] = blocked ? TEXT("") : arena_textf(arena, "%" PRId64, retained);
    cells[7] = blocked ? TEXT("") : arena_textf(arena, "%" PRId64, collected - retained);
    cells[8] = fee ? arena_text(arena, fee->budget_level) : TEXT("");
    cells[9] = fee ? arena_text(arena, fee->budget_item) : TEXT("");
    cells[11] = blocked ? arena_text(arena, buf_view(&why)) : TEXT("");
    buf_done(&why);
}

enum err report_treasury(struct db *db, struct arena *arena, date_days day, enum report_format format,
                         struct text *ret_bytes)
{
    struct db_rows rows;
    enum err err = report_of(db, arena, &remittances, day, DATE_NONE, &rows);
    if (err)
        return err;
    struct catalogue *catalogue = catalogue_in_force_hold();
    struct report_table table = table_of(arena, COLUMNS(treasury_columns), rows.count);
    struct text *cells = ARENA_ARRAY(arena, struct text, table.column_count * (table.row_count + 1));
    table.row_count = 0;
    for (int r = 0; r < rows.count; r++) {
        const struct fee *fee = fee_on(catalogue, db_text(&rows, r, 1), day);
        if (fee && !fee_remitted(fee))
            continue; /* a notary's own invoice is no budget money */
        struct text *row = cells + table.row_count++ * table.column_count;
        for (int c = 0; c < 6; c++)
            row[c] = db_text(&rows, r, c);
        treasury_row(arena, catalogue, fee, day, db_int(&rows, r, 5), row);
        /* By the 5th of the next month to the account of fees waiting (TT 89/2026, TT 85/2019). */
        struct civil until = civil_of_date(db_date(&rows, r, 4));
        char due[DATE_TEXT_SIZE];
        date_format(until.month == 12 ? date_from(until.year + 1, 1, 5) : date_from(until.year, until.month + 1, 5),
                    due);
        row[12] = db_text(&rows, r, 6); /* chapter */
        row[10] = arena_text(arena, text_of(due));
    }
    catalogue_drop(catalogue);
    table.cells = cells;
    table.title = TEXT("Bảng kê nộp ngân sách theo tiểu mục");
    return report_table_write(&table, format, arena, ret_bytes);
}

/* A report whose every cell comes from the database. */
struct plain_report {
    const struct db_statement *statement;
    const struct report_column *columns;
    size_t column_count;
    const char *title, *note; /* Vietnamese */
};

static enum err plain_report(struct db *db, struct arena *arena, const struct plain_report *report, date_days from,
                             date_days to, enum report_format format, struct text *ret_bytes)
{
    struct db_rows rows;
    enum err err = report_of(db, arena, report->statement, from, to, &rows);
    if (err)
        return err;
    struct report_table table = table_of(arena, report->columns, report->column_count, rows.count);
    struct text *cells = ARENA_ARRAY(arena, struct text, table.column_count * (table.row_count + 1));
    rows_copy(&table, cells, &rows, 0, report->column_count);
    table.cells = cells;
    table.title = text_of(report->title);
    table.note = text_of(report->note);
    return report_table_write(&table, format, arena, ret_bytes);
}

enum err report_indicators(struct db *db, struct arena *arena, date_days from, date_days to, enum report_format format,
                           struct text *ret_bytes)
{
    static const struct plain_report report = {
        &indicator_rows, COLUMNS(indicator_columns),
        "Chỉ số thanh toán không dùng tiền mặt và thanh toán trực tuyến (QĐ 766/QĐ-TTg)",
        "Hai chỉ số khác nhau, mỗi chỉ số có danh sách cách thức được tính riêng."};
    return plain_report(db, arena, &report, from, to, format, ret_bytes);
}

enum err report_indicator_lines(struct db *db, struct arena *arena, date_days from, date_days to,
                                enum report_format format, struct text *ret_bytes)
{
    static const struct plain_report report = {&indicator_line_rows, COLUMNS(indicator_line_columns),
                                               "Từng khoản và hồ sơ đứng sau mỗi chỉ số", ""};
    return plain_report(db, arena, &report, from, to, format, ret_bytes);
}

enum err report_period_lines(struct db *db, struct arena *arena, date_days from, date_days to,
                             enum report_format format, struct text *ret_bytes)
{
    static const struct plain_report report = {&period_line_rows, COLUMNS(period_line_columns),
                                               "Từng khoản đứng sau mỗi số của kỳ", ""};
    return plain_report(db, arena, &report, from, to, format, ret_bytes);
}

enum err report_breaks(struct db *db, struct arena *arena, enum report_format format, struct text *ret_bytes)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &breaks, &none, &rows);
    if (err)
        return err;
    struct report_table table = table_of(arena, COLUMNS(break_columns), rows.count);
    struct text *cells = ARENA_ARRAY(arena, struct text, table.column_count * (table.row_count + 1));
    rows_copy(&table, cells, &rows, 0, 3);
    table.cells = cells;
    table.title = TEXT("Hồ sơ, biên lai và tiền: những chỗ không khớp");
    return report_table_write(&table, format, arena, ret_bytes);
}

enum err report_suspense(struct db *db, struct arena *arena, date_days day, enum report_format format,
                         struct text *ret_bytes)
{
    static const struct plain_report report = {
        &suspense_rows, COLUMNS(suspense_columns), "Tài khoản chờ xử lý: từng khoản, người phụ trách và tuổi",
        "Khoản nhỏ hoặc không ai nhận chỉ rời tài khoản này bằng văn bản quyết định và hai người."};
    return plain_report(db, arena, &report, day, DATE_NONE, format, ret_bytes);
}

enum err report_charges(struct db *db, struct arena *arena, date_days from, date_days to, enum report_format format,
                        struct text *ret_bytes)
{
    static const struct plain_report report = {
        &charge_rows, COLUMNS(charge_columns),
        "Phí ngân hàng và cổng thanh toán (đòi kinh phí hoạt động), lãi tiền gửi",
        "Phí, lệ phí ghi thu đủ; phí dịch vụ thanh toán là khoản đòi kinh phí của cơ quan thu. Lãi đi theo quỹ của tài "
        "khoản."};
    return plain_report(db, arena, &report, from, to, format, ret_bytes);
}

enum err report_exemptions(struct db *db, struct arena *arena, date_days from, date_days to, enum report_format format,
                           struct text *ret_bytes)
{
    static const struct plain_report report = {&exemption_rows, COLUMNS(exemption_columns),
                                               "Sổ theo dõi miễn, giảm phí, lệ phí",
                                               "Chỉ ghi khoản đã có hiệu lực: hồ sơ không phải nộp, hoặc đã nộp phần "
                                               "còn lại. Mức thu 0 đồng không phải là miễn."};
    return plain_report(db, arena, &report, from, to, format, ret_bytes);
}

enum err report_postal_ageing(struct db *db, struct arena *arena, date_days day, enum report_format format,
                              struct text *ret_bytes)
{
    static const struct plain_report report = {
        &post_ageing_rows, COLUMNS(post_ageing_columns), "Tiền thu hộ còn ở bưu điện, theo bưu cục và ngày thu",
        "Tiền phí, lệ phí thu tại nhà dân; bưu điện nộp đủ, đúng hạn (QĐ 45/2016/QĐ-TTg, Điều 15)."};
    return plain_report(db, arena, &report, day, DATE_NONE, format, ret_bytes);
}

enum err report_postal_concerns(struct db *db, struct arena *arena, date_days day, enum report_format format,
                                struct text *ret_bytes)
{
    static const struct plain_report report = {&post_concern_rows, COLUMNS(post_concern_columns),
                                               "Bưu gửi cần người xem: chậm, trạng thái lạ, tiền lệch",
                                               "Danh sách này không tự thay đổi gì; mỗi dòng hết khi việc đã xong."};
    return plain_report(db, arena, &report, day, DATE_NONE, format, ret_bytes);
}

enum err report_postal(struct db *db, struct arena *arena, date_days from, date_days to, enum report_format format,
                       struct text *ret_bytes)
{
    static const struct plain_report report = {
        &post_rows, COLUMNS(post_columns), "Báo cáo gửi hồ sơ, trả kết quả qua bưu chính",
        "Cước là giá của đơn vị bưu chính, không phải phí, lệ phí. Tỷ lệ hồ sơ qua bưu chính tính theo phần nghìn."};
    return plain_report(db, arena, &report, from, to, format, ret_bytes);
}
