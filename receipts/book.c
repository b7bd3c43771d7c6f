/* The book of receipts: every receipt of some days, ours and the delegates', with the day it was signed and the day the
 * money was collected. JSON, or CSV for whoever adds up. */
#include "receipts/receipts.h"

static const struct db_statement book_sql = {
    "receipt_book_of",
    "SELECT collector, form, symbol, number, issued_on, collected_on, total, dossier, reference, outlet, "
    "issued_by, replaces FROM receipt_book_of($1, $2)"};

enum { DAYS_MAX = 366 };

static void csv(const struct db_rows *rows, struct buf *out)
{
    buf_string(out, "collector,form,symbol,number,issued_on,collected_on,total,dossier,reference,outlet,issued_by,"
                    "replaces\r\n");
    for (int i = 0; i < rows->count; i++)
        for (int k = 0; k < 12; k++) {
            csv_write(out, db_text(rows, i, k));
            buf_string(out, k == 11 ? "\r\n" : ",");
        }
}

static void json_rows(const struct db_rows *rows, date_days from, date_days to, struct json *json)
{
    int64_t total = 0;
    json_put_object(json, NULL);
    json_put_string(json, "form", "01/TH-BLĐT");
    json_put_date(json, "from", from);
    json_put_date(json, "to", to);
    json_put_array(json, "receipts");
    for (int i = 0; i < rows->count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "collector", db_text(rows, i, 0));
        json_put_text(json, "form", db_text(rows, i, 1));
        json_put_text(json, "symbol", db_text(rows, i, 2));
        json_put_int(json, "number", db_int(rows, i, 3));
        json_put_date(json, "issued_on", db_date(rows, i, 4));
        json_put_date(json, "collected_on", db_null(rows, i, 5) ? DATE_NONE : db_date(rows, i, 5));
        json_put_int(json, "total", db_int(rows, i, 6));
        json_put_text_or_null(json, "dossier", db_text(rows, i, 7));
        json_put_text_or_null(json, "reference", db_text(rows, i, 8));
        json_put_text_or_null(json, "outlet", db_text(rows, i, 9));
        json_put_text(json, "issued_by", db_text(rows, i, 10));
        json_put_text_or_null(json, "replaces", db_text(rows, i, 11));
        json_put_end(json);
        total += db_int(rows, i, 6);
    }
    json_put_end(json);
    json_put_int(json, "count", rows->count);
    json_put_int(json, "total", total);
    json_put_end(json);
}

static date_days read_day(struct request *rq, const char *name, date_days otherwise)
{
    struct text text = request_query(rq, name);
    if (text.at && !date_parse(text, &otherwise))
        faults_add(&rq->faults, name, ERR_FIELD_FORMAT, "Phải là ngày có thật, dạng YYYY-MM-DD");
    return otherwise;
}

/* GET /v1/reports/receipts?date= or ?from=&to=, &format=json|csv */
enum err receipt_book_handle(struct request *rq)
{
    date_days day = read_day(rq, "date", date_of(rq->at));
    date_days from = read_day(rq, "from", day), to = read_day(rq, "to", day);
    struct text format = request_query(rq, "format");
    if (to < from || to - from >= DAYS_MAX)
        faults_add(&rq->faults, "to", ERR_FIELD_RANGE, "Từ 1 đến %d ngày", DAYS_MAX);
    if (format.at && !text_is(format, "json") && !text_is(format, "csv"))
        faults_add(&rq->faults, "format", ERR_FIELD_VALUE, "json hoặc csv");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    db_arg_date(&args, from);
    db_arg_date(&args, to);
    enum err err = db_query(rq->db, &book_sql, &args, &rows);
    if (err)
        return reply_error(rq, err);
    struct buf out = {0};
    if (text_is(format, "csv")) {
        csv(&rows, &out);
        err = reply_body(rq, 200, "text/csv; charset=utf-8", buf_view(&out));
    } else {
        struct json json = json_to(&out);
        json_rows(&rows, from, to, &json);
        err = reply_body(rq, 200, "application/json", buf_view(&out));
    }
    buf_done(&out);
    return err;
}
