/* GET /v1/receipts?payment_request=&dossier=&date=&limit=&cursor=: which receipts there are, newest numbers last. */
#include "core/http/list.h"
#include "receipts/receipts.h"

static const struct db_statement list_sql = {
    "receipt_list",
    "SELECT r.id, r.request_id, q.dossier, q.reference, r.collector, b.form, b.symbol, r.number, r.issued_on, r.total,"
    " r.signed_at, (SELECT x.id FROM receipt x WHERE x.replaces = r.id), (SELECT count(*) FROM receipt_notice t WHERE "
    "t.receipt_id = r.id)"
    " FROM receipt r JOIN receipt_book b ON b.id = r.book_id JOIN payment_request q ON q.id = r.request_id"
    " WHERE r.id > $1 AND ($3::bigint IS NULL OR r.request_id = $3) AND ($4::text IS NULL OR q.dossier = $4)"
    " AND ($5::date IS NULL OR r.issued_on = $5) ORDER BY r.id LIMIT $2"};

static const char *status_of(const struct db_rows *rows, int i)
{
    if (db_null(rows, i, 10))
        return "signing";
    if (!db_null(rows, i, 11))
        return "replaced";
    return db_int(rows, i, 12) ? "notified" : "issued";
}

static void item_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_int(json, "payment_request", db_int(rows, i, 1));
    json_put_text(json, "dossier", db_text(rows, i, 2));
    json_put_text(json, "reference", db_text(rows, i, 3));
    json_put_text(json, "collector", db_text(rows, i, 4));
    json_put_text(json, "form", db_text(rows, i, 5));
    json_put_text(json, "symbol", db_text(rows, i, 6));
    json_put_int(json, "number", db_int(rows, i, 7));
    json_put_date(json, "issued_on", db_date(rows, i, 8));
    json_put_int(json, "total", db_int(rows, i, 9));
    json_put_instant(json, "signed_at", db_instant(rows, i, 10));
    json_put_string(json, "status", status_of(rows, i));
    json_put_end(json);
}

enum err receipt_list_handle(struct request *rq)
{
    struct list list;
    int64_t request = 0;
    struct text of = request_query(rq, "payment_request"), date_text = request_query(rq, "date");
    date_days date = DATE_NONE;
    list_ask(rq, &list);
    if (of.at && (!text_to_int64(of, &request) || request < 1))
        faults_add(&rq->faults, "payment_request", ERR_FIELD_FORMAT, NULL);
    if (date_text.at && !date_parse(date_text, &date))
        faults_add(&rq->faults, "date", ERR_FIELD_FORMAT, "Phải là ngày có thật, dạng YYYY-MM-DD");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    if (request)
        db_arg_int(&args, request);
    else
        db_arg_null(&args);
    db_arg_text(&args, request_query(rq, "dossier"));
    db_arg_date(&args, date);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, item_write);
}
