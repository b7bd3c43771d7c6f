/* Money received, and the books as of a day. */
#include "core/http/list.h"
#include "payments/ledger/ledger.h"

static const struct db_statement list_sql = {
    "payments_list",
    "SELECT p.id, p.source, p.external_id, p.method, p.amount, a.account_number, p.request_id, r.reference, r.dossier,"
    " p.allocated, p.surplus, p.bank_reference, p.memo, p.paid_at, p.booked_at, p.edits,"
    " p.amount - coalesce((SELECT sum(f.amount) FROM refund f WHERE f.payment_id = p.id AND f.state NOT IN ('refused', "
    "'failed')"
    " AND f.state <> 'proposed'), 0)"
    " FROM payment p JOIN receiving_account a ON a.id = p.account_id LEFT JOIN payment_request r ON r.id = p.request_id"
    " WHERE p.id > $1 AND ($3::text IS NULL OR ($3 = 'unallocated') = (p.request_id IS NULL))"
    " ORDER BY p.id LIMIT $2"};
static const struct db_statement balances_sql = {
    "ledger_balances",
    "SELECT a.code, sum(e.amount) FROM entry e"
    " JOIN journal j ON j.booked_month = e.booked_month AND j.id = e.journal_id"
    " JOIN account a ON a.id = e.account_id WHERE j.booked_on <= $1 GROUP BY a.code ORDER BY a.code"};

static void payment_write(struct json *json, const struct db_rows *rows, int i)
{
    json_put_object(json, NULL);
    json_put_int(json, "id", db_int(rows, i, 0));
    json_put_text(json, "source", db_text(rows, i, 1));
    json_put_text(json, "external_id", db_text(rows, i, 2));
    json_put_text(json, "method", db_text(rows, i, 3));
    json_put_int(json, "amount", db_int(rows, i, 4));
    json_put_text(json, "account", db_text(rows, i, 5));
    json_put_string(json, "status", db_null(rows, i, 6) ? "unallocated" : "allocated");
    if (db_null(rows, i, 6))
        json_put_null(json, "payment_request");
    else
        json_put_int(json, "payment_request", db_int(rows, i, 6));
    json_put_text_or_null(json, "reference", db_text(rows, i, 7));
    json_put_text_or_null(json, "dossier", db_text(rows, i, 8));
    json_put_int(json, "allocated", db_int(rows, i, 9));
    json_put_int(json, "surplus", db_int(rows, i, 10));
    json_put_int(json, "refundable", db_int(rows, i, 16));
    json_put_text_or_null(json, "bank_reference", db_text(rows, i, 11));
    json_put_text(json, "memo", db_text(rows, i, 12));
    json_put_instant(json, "paid_at", db_instant(rows, i, 13));
    json_put_instant(json, "booked_at", db_instant(rows, i, 14));
    json_put_int(json, "repaired", db_int(rows, i, 15));
    json_put_end(json);
}

enum err ledger_payments_handle(struct request *rq)
{
    struct list list;
    struct text status = request_query(rq, "status");
    list_ask(rq, &list);
    if (status.at && !text_is(status, "allocated") && !text_is(status, "unallocated"))
        faults_add(&rq->faults, "status", ERR_FIELD_VALUE, "Phải là allocated hoặc unallocated");
    if (rq->faults.count)
        return reply_faults(rq, ERR_INVALID);
    struct db_args args = db_args(&rq->arena);
    struct db_rows rows;
    list_args(&args, &list);
    db_arg_text(&args, status);
    enum err err = db_query(rq->db, &list_sql, &args, &rows);
    return err ? reply_error(rq, err) : list_reply(rq, &list, &rows, payment_write);
}

enum err ledger_balances_write(struct db *db, struct arena *arena, date_days day, struct json *json)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_date(&args, day);
    enum err err = db_query(db, &balances_sql, &args, &rows);
    if (err)
        return err;
    json_put_array(json, NULL);
    for (int i = 0; i < rows.count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "account", db_text(&rows, i, 0));
        json_put_int(json, "balance", db_int(&rows, i, 1));
        json_put_end(json);
    }
    json_put_end(json);
    return OK;
}
