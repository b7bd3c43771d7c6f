/* Money that is not (yet) a fee: a part of what is asked, or more than was asked. The payer gets an acknowledgement,
 * its own document: no form, no symbol, no number, no signature, and it says that it is no receipt (NĐ 254/2026 art.
 * 24: a receipt is for a fee collected). Made from the books each time, so that it is always what they say. */
#include <stdio.h>
#include "receipts/html.h"
#include "receipts/receipts.h"

static const struct db_statement find_sql = {
    "acknowledgement",
    "SELECT r.id, r.reference, r.dossier, r.amount, r.allocated, r.surplus, r.settled_at IS NOT NULL, "
    "a.name_vi, a.address FROM payment_request r JOIN dossier d ON d.code = r.dossier LEFT JOIN agency "
    "a ON a.code = d.agency WHERE r.token_hash = $1 OR r.id = $2"};
static const struct db_statement payments_sql = {
    "acknowledgement_payments", "SELECT paid_at, method, amount, allocated, surplus, coalesce(bank_reference, '') FROM "
                                "payment WHERE request_id = $1 ORDER BY paid_at, id LIMIT 100"};

static enum err find(struct request *rq, struct db_rows *ret_rows)
{
    uint8_t hash[SHA256_SIZE];
    int64_t id;
    struct text token = request_capture(rq, "token");
    struct db_args args = db_args(&rq->arena);
    if (token.at) {
        if (!token_hash(token, hash))
            return ERR_NOT_FOUND;
        db_arg_bytes(&args, hash, sizeof hash);
        db_arg_null(&args);
    } else {
        if (!text_to_int64(request_capture(rq, "id"), &id) || id <= 0)
            return ERR_NOT_FOUND;
        db_arg_null(&args);
        db_arg_int(&args, id);
    }
    enum err err = db_query(rq->db, &find_sql, &args, ret_rows);
    if (!err && !ret_rows->count)
        return ERR_NOT_FOUND;
    if (err)
        return err;
    /* Settled to the đồng: there is a receipt, and an acknowledgement beside it would only confuse. */
    return db_bool(ret_rows, 0, 6) && !db_int(ret_rows, 0, 5) ? ERR_NOT_FOUND
           : db_int(ret_rows, 0, 4) + db_int(ret_rows, 0, 5)  ? OK
                                                              : ERR_NOT_FOUND;
}

static void item(struct buf *out, const char *name, struct text value)
{
    if (!value.length)
        return;
    buf_printf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, value);
    buf_string(out, "</dd></div>\n");
}

static void sum(struct buf *out, const char *name, int64_t amount)
{
    char text[MONEY_TEXT_SIZE], words[RECEIPT_WORDS_SIZE];
    money_format(amount, text);
    receipt_amount_in_words(amount, words);
    buf_printf(out, "<div><dt>%s</dt><dd><b>%s đồng</b> (%s)</dd></div>\n", name, text, words);
}

static void put_payments(struct buf *out, const struct db_rows *rows)
{
    char at[INSTANT_TEXT_SIZE], amount[MONEY_TEXT_SIZE];
    enum receipt_method method;
    buf_string(out, "<table>\n<thead><tr><th scope=\"col\">Lúc</th><th scope=\"col\">Hình thức</th><th "
                    "scope=\"col\">Số giao dịch</th><th scope=\"col\">Số tiền (đồng)</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < rows->count; i++) {
        instant_format_vi(db_instant(rows, i, 0), at);
        money_format(db_int(rows, i, 2), amount);
        buf_printf(out, "<tr><td>%s</td><td>%s</td><td>", at,
                   receipt_method_find(db_text(rows, i, 1), &method) ? receipt_method_vi(method) : "");
        html_text(out, db_text(rows, i, 5));
        buf_printf(out, "</td><td class=\"money\">%s</td></tr>\n", amount);
    }
    buf_string(out, "</tbody>\n</table>\n");
}

enum err receipt_acknowledgement_handle(struct request *rq)
{
    struct db_rows request, payments;
    struct buf out = {0};
    enum err err = find(rq, &request);
    if (err)
        return reply_error(rq, err);
    struct db_args args = db_args(&rq->arena);
    db_arg_int(&args, db_int(&request, 0, 0));
    err = db_query(rq->db, &payments_sql, &args, &payments);
    if (err)
        return reply_error(rq, err);
    int64_t asked = db_int(&request, 0, 3), allocated = db_int(&request, 0, 4), surplus = db_int(&request, 0, 5);
    html_head(&out, "Giấy xác nhận đã nhận tiền");
    buf_string(&out,
               "<h1>Giấy xác nhận đã nhận tiền <small lang=\"en\">(Acknowledgement of money received)</small></h1>\n"
               "<div class=\"panel bad\" role=\"note\"><h2>Không phải là biên lai thu phí, lệ phí</h2><p>Giấy này "
               "không thay cho biên lai và không dùng để thanh toán, quyết toán. <span lang=\"en\">(This is not a "
               "receipt.)</span></p></div>\n<article class=\"receipt\">\n<dl>\n");
    item(&out, "Cơ quan nhận tiền", db_text(&request, 0, 7));
    item(&out, "Địa chỉ", db_text(&request, 0, 8));
    item(&out, "Mã hồ sơ", db_text(&request, 0, 2));
    item(&out, "Mã nộp tiền", db_text(&request, 0, 1));
    sum(&out, "Số phải nộp", asked);
    sum(&out, "Đã nhận", allocated + surplus);
    if (allocated < asked)
        sum(&out, "Còn phải nộp", asked - allocated);
    if (surplus)
        sum(&out, "Nộp thừa, sẽ hoàn lại", surplus);
    buf_string(&out, "</dl>\n");
    put_payments(&out, &payments);
    buf_printf(&out, "<p>%s</p>\n</article>\n",
               allocated < asked ? "Biên lai được lập khi hồ sơ nộp đủ phí, lệ phí."
                                 : "Phí, lệ phí của hồ sơ có biên lai riêng; số thừa không ghi trên biên lai.");
    html_foot(&out);
    reply_header(rq, "Cache-Control", TEXT("private, no-store"));
    err = reply_body(rq, 200, "text/html; charset=utf-8", buf_view(&out));
    buf_done(&out);
    return err;
}
