/* The transparency log over HTTP. Heads, leaves and consistency are for everybody: they tell nothing about anyone. The
 * proof of one receipt is for who may see it: staff and systems by number, whoever has its link by token. */
#include <stdio.h>
#include "receipts/html.h"
#include "receipts/log.h"
#include "receipts/office.h"

static const struct db_statement leaves_sql = {
    "receipt_log_leaves", "SELECT leaf_index, encode(hash, 'hex') FROM receipt_log_leaf WHERE leaf_index >= $1 "
                          "ORDER BY leaf_index LIMIT $2"};

enum { PAGE_DEFAULT = 50, PAGE_MAX = 500, HEADS_SHOWN = 31 };

/* An optional whole number of the query string; a fault when it is something else. */
static int64_t read_number(struct request *rq, const char *name, int64_t otherwise, int64_t min, int64_t max)
{
    struct text text = request_query(rq, name);
    int64_t value = otherwise;
    if (text.at && (!text_to_int64(text, &value) || value < min || value > max))
        faults_add(&rq->faults, name, ERR_FIELD_RANGE, "Phải là số từ %lld đến %lld", (long long)min, (long long)max);
    return value;
}

static enum err reply_made(struct request *rq, enum err err, struct buf *json)
{
    if (err == ERR_FIELD_RANGE) {
        faults_add(&rq->faults, "size", ERR_FIELD_RANGE, "Nhật ký chưa có kích thước này.");
        err = reply_faults(rq, ERR_INVALID);
    } else {
        err = err ? reply_error(rq, err) : reply_body(rq, 200, "application/json", buf_view(json));
    }
    buf_done(json);
    return err;
}

enum err receipt_log_handle(struct request *rq)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    struct log_head head;
    struct merkle_hash root;
    char hex[HEX_SHA256_SIZE] = "";
    int64_t size = 0;
    enum err err = log_size(rq->db, &rq->arena, &size);
    if (!err)
        err = log_root(rq->db, &rq->arena, size, &root);
    if (!err)
        hex_encode(root.at, MERKLE_SIZE, hex);
    enum err found = err ? err : log_head_load(rq->db, &rq->arena, DATE_NONE, &head);
    json_put_object(&json, NULL);
    json_put_string(&json, "log", log_name());
    json_put_int(&json, "size", size);
    json_put_string(&json, "root", hex);
    if (found)
        json_put_null(&json, "head");
    else
        log_head_write(&json, "head", &head);
    json_put_end(&json);
    return reply_made(rq, found == ERR_NOT_FOUND ? OK : found, &out);
}

enum err receipt_log_heads_handle(struct request *rq)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    struct log_head *heads = NULL;
    size_t count = 0;
    date_days after = date_from(1970, 1, 1);
    struct text cursor = request_query(rq, "cursor");
    int64_t limit = read_number(rq, "limit", PAGE_DEFAULT, 1, PAGE_MAX);
    if (cursor.at && !date_parse(cursor, &after))
        faults_add(&rq->faults, "cursor", ERR_FIELD_FORMAT, NULL);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    enum err err = log_heads_load(rq->db, &rq->arena, after, limit + 1, &heads, &count);
    bool more = count > (size_t)limit; /* one more than the page holds was asked for */
    count -= more;
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    for (size_t i = 0; i < count; i++)
        log_head_write(&json, NULL, &heads[i]);
    json_put_end(&json);
    json_put_date(&json, "next_cursor", more ? heads[count - 1].day : DATE_NONE);
    json_put_end(&json);
    return reply_made(rq, err, &out);
}

static enum err find_head(struct request *rq, struct log_head *ret_head)
{
    date_days day;
    if (!date_parse(request_capture(rq, "day"), &day))
        return ERR_NOT_FOUND;
    return log_head_load(rq->db, &rq->arena, day, ret_head);
}

enum err receipt_log_head_handle(struct request *rq)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    struct log_head head;
    enum err err = find_head(rq, &head);
    if (!err)
        log_head_write(&json, NULL, &head);
    return reply_made(rq, err, &out);
}

enum err receipt_log_head_text_handle(struct request *rq)
{
    struct buf out = {0};
    struct log_head head;
    enum err err = find_head(rq, &head);
    if (!err)
        log_head_text(&head, &out);
    err = err ? reply_error(rq, err) : reply_body(rq, 200, "text/plain; charset=utf-8", buf_view(&out));
    buf_done(&out);
    return err;
}

enum err receipt_log_leaves_handle(struct request *rq)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    struct db_rows rows = {0};
    int64_t from = read_number(rq, "cursor", 0, 0, INT64_MAX / 4);
    int64_t limit = read_number(rq, "limit", PAGE_MAX, 1, PAGE_MAX);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, from);
    db_arg_int(&args, limit + 1);
    enum err err = db_query(rq->db, &leaves_sql, &args, &rows);
    int count = err ? 0 : rows.count < limit ? rows.count : (int)limit;
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    for (int i = 0; i < count; i++)
        json_put_text(&json, NULL, db_text(&rows, i, 1));
    json_put_end(&json);
    if (!err && count < rows.count)
        json_put_textf(&json, "next_cursor", "%lld", (long long)db_int(&rows, count - 1, 0) + 1);
    else
        json_put_null(&json, "next_cursor");
    json_put_end(&json);
    return reply_made(rq, err, &out);
}

enum err receipt_log_consistency_handle(struct request *rq)
{
    struct buf out = {0};
    int64_t first = read_number(rq, "first", -1, 0, INT64_MAX / 4);
    int64_t second = read_number(rq, "second", -1, 0, INT64_MAX / 4);
    if (!request_query(rq, "first").at || !request_query(rq, "second").at)
        faults_add(&rq->faults, "first, second", ERR_FIELD_MISSING, NULL);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    return reply_made(rq, log_prove_consistency(rq->db, &rq->arena, first, second, &out), &out);
}

enum err receipt_proof_handle(struct request *rq)
{
    struct buf out = {0};
    struct receipt_stored stored = {0};
    struct text token = request_capture(rq, "token");
    int64_t id = 0, size = read_number(rq, "size", 0, 1, INT64_MAX / 4);
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    enum err err = OK;
    if (token.at)
        err = receipt_find(rq->db, &rq->arena, token, &stored);
    else if (!text_to_int64(request_capture(rq, "id"), &id))
        err = ERR_NOT_FOUND;
    if (!err)
        err = log_prove(rq->db, &rq->arena, token.at ? stored.id : id, size, &out);
    return reply_made(rq, err, &out);
}

static void put_row(struct buf *html, const struct log_head *head)
{
    char day[DATE_TEXT_SIZE], iso[DATE_TEXT_SIZE], at[INSTANT_TEXT_SIZE], root[HEX_SHA256_SIZE];
    date_format_vi(head->day, day);
    date_format(head->day, iso);
    instant_format_vi(head->at, at);
    hex_encode(head->root.at, MERKLE_SIZE, root);
    buf_printf(html,
               "<tr><th scope=\"row\"><a href=\"/v1/receipt-log/heads/%s.txt\">%s</a></th><td class=\"money\">%lld</td>"
               "<td><code>%s</code></td><td>%s</td></tr>\n",
               iso, day, (long long)head->size, root, at);
}

/* /receipt-log: the heads of the last month, to be read, printed and kept by anybody. */
enum err receipt_log_page_handle(struct request *rq)
{
    struct buf html = {0};
    struct log_head *heads = NULL;
    size_t count = 0;
    enum err err =
        log_heads_load(rq->db, &rq->arena, date_of(rq->at) - HEADS_SHOWN - 1, HEADS_SHOWN + 1, &heads, &count);
    if (err)
        return reply_error(rq, err);
    html_head(&html, "Nhật ký minh bạch biên lai");
    buf_string(
        &html,
        "<h1>Nhật ký minh bạch biên lai <small lang=\"en\">(Receipt transparency log)</small></h1>\n"
        "<p>Mọi biên lai và mọi thay đổi trạng thái của biên lai được ghi nối tiếp vào một nhật ký không sửa, "
        "không xóa được. Cuối mỗi ngày hệ thống ký số và công bố một dòng dưới đây. Ai giữ hai dòng của hai ngày "
        "đều tự chứng minh được rằng giữa hai ngày đó không biên lai nào bị bỏ, bị sửa hay bị ghi lùi ngày. "
        "Bạn có thể in trang này để lưu.</p>\n<p lang=\"en\">Every receipt and every change of its status is "
        "appended to a log that cannot be changed. Keep two of these lines, and you can show that nothing was "
        "removed, changed or backdated between them.</p>\n");
    if (count) {
        buf_string(&html, "<table class=\"heads\">\n<thead><tr><th scope=\"col\">Ngày</th><th scope=\"col\">Số mục</th>"
                          "<th scope=\"col\">Giá trị gốc (SHA-256)</th><th scope=\"col\">Ký lúc</th></tr></thead>\n"
                          "<tbody>\n");
        for (size_t i = count; i-- > 0;)
            put_row(&html, &heads[i]);
        buf_string(&html, "</tbody>\n</table>\n");
    } else {
        buf_string(&html, "<p>Chưa có ngày nào được công bố.</p>\n");
    }
    html_foot(&html);
    reply_header(rq, "Cache-Control", TEXT("public, max-age=60"));
    err = reply_body(rq, 200, "text/html; charset=utf-8", buf_view(&html));
    buf_done(&html);
    return err;
}
