#include "payments/requests/request_parts.h"

#include <assert.h>
#include "payments/fees/fees.h"

const char *const request_status_names[REQUEST_STATUS_COUNT + 1] = {
    "nothing_due", "pending",  "partly_paid",     "paid", "overpaid", "expired",
    "cancelled",   "refunded", "partly_refunded", NULL};

#define REQUEST_SELECT                                                                                                 \
    "SELECT r.id, r.reference, r.dossier, r.stage, r.status, r.amount, r.allocated, r.surplus, r.collector, "          \
    "a.bank_bin,"                                                                                                      \
    " a.account_number, a.account_name, r.vietqr_payload, r.quote, r.payer, r.created_at, r.expires_at, "              \
    "r.settled_at, r.paid_on, r.reason"                                                                                \
    " FROM payment_request r LEFT JOIN receiving_account a ON a.id = r.account_id "

static const struct db_statement find_sql = {"request_find", REQUEST_SELECT "WHERE r.id = $1"};
static const struct db_statement by_token_sql = {"request_by_token", REQUEST_SELECT "WHERE r.token_hash = $1"};
static const struct db_statement of_dossier_sql = {"requests_of_dossier",
                                                   REQUEST_SELECT "WHERE r.dossier = $1 ORDER BY r.id LIMIT 500"};
static const struct db_statement make_sql = {
    "request_make",
    "SELECT benefits_keep($1, request_make($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
    "$16), $17, $18)"};
static const struct db_statement reason_sql = {"request_reason",
                                               "UPDATE payment_request SET reason = $2 WHERE id = $1"};
static const struct db_statement expire_sql = {"request_expire", "SELECT request_expire($1, 500)"};

static struct requests_settings settings = {.public_url = "http://127.0.0.1:8080", .prefix = "QN", .expiry_days = 15};

void requests_configure(const struct requests_settings *wanted)
{
    settings = *wanted;
}

static enum request_status status_of(struct text name)
{
    for (int i = 0; i < REQUEST_STATUS_COUNT; i++)
        if (text_is(name, request_status_names[i]))
            return i;
    assert(!"a status that the table's constraint does not allow");
    return REQUEST_CANCELLED;
}

static void read_row(const struct db_rows *rows, int row, struct payment_request *ret)
{
    *ret = (struct payment_request){.id = db_int(rows, row, 0),
                                    .reference = db_text(rows, row, 1),
                                    .dossier = db_text(rows, row, 2),
                                    .stage = db_text(rows, row, 3),
                                    .status = status_of(db_text(rows, row, 4)),
                                    .amount = db_int(rows, row, 5),
                                    .allocated = db_int(rows, row, 6),
                                    .surplus = db_int(rows, row, 7),
                                    .collector = db_text(rows, row, 8),
                                    .bank_bin = db_text(rows, row, 9),
                                    .account_number = db_text(rows, row, 10),
                                    .account_name = db_text(rows, row, 11),
                                    .vietqr_payload = db_text(rows, row, 12),
                                    .quote = db_text(rows, row, 13),
                                    .payer = db_text(rows, row, 14),
                                    .created_at = db_instant(rows, row, 15),
                                    .expires_at = db_instant(rows, row, 16),
                                    .settled_at = db_instant(rows, row, 17),
                                    .paid_on = db_date(rows, row, 18),
                                    .reason = db_text(rows, row, 19)};
}

static enum err one_row(struct db *db, const struct db_statement *statement, const struct db_args *args,
                        struct payment_request *ret)
{
    struct db_rows rows;
    enum err err = db_query(db, statement, args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    read_row(&rows, 0, ret);
    return OK;
}

enum err payment_request_find(struct db *db, struct arena *arena, int64_t id, struct payment_request *ret_request)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, id);
    return one_row(db, &find_sql, &args, ret_request);
}

enum err payment_request_by_token(struct db *db, struct arena *arena, struct text token,
                                  struct payment_request *ret_request)
{
    uint8_t hash[SHA256_SIZE];
    if (!token_hash(token, hash))
        return ERR_NOT_FOUND;
    struct db_args args = db_args(arena);
    db_arg_bytes(&args, hash, sizeof hash);
    return one_row(db, &by_token_sql, &args, ret_request);
}

enum err payment_requests_of(struct db *db, struct arena *arena, struct text dossier,
                             struct payment_request **ret_requests, size_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, dossier);
    enum err err = db_query(db, &of_dossier_sql, &args, &rows);
    if (err)
        return err;
    *ret_requests = ARENA_ARRAY(arena, struct payment_request, rows.count + 1);
    *ret_count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++)
        read_row(&rows, i, &(*ret_requests)[i]);
    return OK;
}

void payment_request_token(const struct payment_request *request, char ret_token[TOKEN_TEXT_SIZE])
{
    uint8_t hash[SHA256_SIZE];
    token_derive("pay", request->reference, ret_token, hash);
}

const char *payment_request_url(struct arena *arena, const struct payment_request *request)
{
    char token[TOKEN_TEXT_SIZE];
    payment_request_token(request, token);
    return arena_printf(arena, "%s/p/%s", settings.public_url, token);
}

static bool takes_money(enum request_status status)
{
    return status == REQUEST_PENDING || status == REQUEST_PARTLY_PAID || status == REQUEST_EXPIRED;
}

bool payment_request_vietqr(const struct payment_request *request, struct buf *ret_payload)
{
    int64_t missing = request->amount - request->allocated;
    if (!takes_money(request->status) || missing <= 0 || missing >= VIETQR_AMOUNT_LIMIT || !request->bank_bin.at)
        return false;
    struct vietqr qr = {.bank_bin = request->bank_bin,
                        .account = request->account_number,
                        .service = VIETQR_TO_ACCOUNT,
                        .amount = missing,
                        .memo = request->reference};
    return vietqr_encode(&qr, ret_payload) == OK;
}

void request_vietqr_write(struct json *json, const struct payment_request *r, const char *token, struct text absent)
{
    struct buf payload = {0};
    if (payment_request_vietqr(r, &payload)) {
        json_put_object(json, "vietqr");
        json_put_text(json, "payload", buf_view(&payload));
        const struct bank *bank = bank_by_bin(r->bank_bin);
        json_put_text(json, "bank_bin", r->bank_bin);
        json_put_text_or_null(json, "bank_name", bank ? bank->name : TEXT_NONE);
        json_put_text(json, "account", r->account_number);
        json_put_text(json, "account_name", r->account_name);
        json_put_text(json, "memo", r->reference);
        json_put_textf(json, "svg_url", "%s/p/%s/qr.svg", settings.public_url, token);
        json_put_textf(json, "png_url", "%s/p/%s/qr.png", settings.public_url, token);
        json_put_end(json);
    } else {
        bool over = takes_money(r->status) && r->amount - r->allocated >= VIETQR_AMOUNT_LIMIT;
        json_put_null(json, "vietqr");
        json_put_text(json, "vietqr_absent_reason", over ? TEXT("over_napas_limit") : absent);
    }
    buf_done(&payload);
}

static const char *vietqr_absent(const struct payment_request *r)
{
    return r->amount == 0 ? "nothing_due" : !takes_money(r->status) ? request_status_names[r->status] : "no_account";
}

void payment_request_write(struct json *json, const void *what)
{
    const struct payment_request *r = what;
    char token[TOKEN_TEXT_SIZE];
    payment_request_token(r, token);
    json_put_object(json, NULL);
    json_put_int(json, "id", r->id);
    json_put_text(json, "reference", r->reference);
    json_put_text(json, "dossier", r->dossier);
    json_put_text(json, "stage", r->stage);
    json_put_text_or_null(json, "reason", r->reason);
    json_put_int(json, "amount", r->amount);
    json_put_string(json, "currency", "VND");
    json_put_string(json, "status", request_status_names[r->status]);
    json_put_int(json, "received", r->allocated + r->surplus);
    json_put_int(json, "missing", takes_money(r->status) ? r->amount - r->allocated : 0);
    json_put_int(json, "surplus", r->surplus);
    json_put_text(json, "collector", r->collector);
    json_put_instant(json, "created_at", r->created_at);
    json_put_instant(json, "expires_at", r->expires_at);
    json_put_instant(json, "settled_at", r->settled_at);
    json_put_date(json, "paid_on", r->paid_on);
    json_put_textf(json, "pay_url", "%s/p/%s", settings.public_url, token);
    request_vietqr_write(json, r, token, text_of(vietqr_absent(r)));
    json_put_textf(json, "events_url", "%s/v1/payment-requests/%lld/events", settings.public_url, (long long)r->id);
    json_put_raw(json, "quote", r->quote);
    json_put_raw(json, "payer", r->payer.at ? r->payer : TEXT("null"));
    json_put_end(json);
}

/* Lines of different collectors never share a request unless a collecting centre takes them together. */
static bool several_collectors(const struct quote *quote)
{
    struct text first = TEXT_NONE;
    for (size_t i = 0; i < quote->line_count; i++) {
        const struct quote_line *line = &quote->lines[i];
        if (line->document != DOCUMENT_STATE_RECEIPT || !line->collector.length)
            continue;
        if (first.length && !text_equal(first, line->collector))
            return true;
        first = line->collector;
    }
    return false;
}

static const char *document_name(enum fee_document document)
{
    return document == DOCUMENT_INVOICE_ELSEWHERE ? "invoice_elsewhere"
           : document == DOCUMENT_NONE            ? "none"
                                                  : "state_receipt";
}

static void write_lines(const struct quote *quote, struct buf *out)
{
    static const char *const kinds[] = {[FEE_PHI] = "phi", [FEE_LE_PHI] = "le_phi", [FEE_POSTAL] = "postal"};
    struct json json = json_to(out);
    json_put_array(&json, NULL);
    for (size_t i = 0; i < quote->line_count; i++) {
        const struct quote_line *line = &quote->lines[i];
        bool reduced = line->reduction_count && line->reductions[0].state == REDUCTION_APPLIED;
        json_put_object(&json, NULL);
        json_put_text(&json, "fee", line->code);
        json_put_text(&json, "name", line->name_vi);
        json_put_string(&json, "kind", kinds[line->kind]);
        json_put_int(&json, "gross", line->gross);
        json_put_int(&json, "reduction", line->reduced);
        json_put_int(&json, "net", line->net);
        json_put_string(&json, "document", document_name(line->document));
        json_put_text(&json, "legal_basis", line->legal_basis);
        json_put_text_or_null(&json, "reduction_basis", reduced ? line->reductions[0].legal_basis : TEXT_NONE);
        json_put_end(&json);
    }
    json_put_end(&json);
}

void benefits_write(const struct quote *quote, struct json *json)
{
    json_put_array(json, NULL);
    for (size_t i = 0; i < quote->line_count; i++) {
        struct quote_benefit benefit;
        if (!quote_line_benefit(quote, i, &benefit))
            continue;
        json_put_object(json, NULL);
        json_put_text(json, "fee", quote->lines[i].code);
        json_put_text(json, "rule", benefit.rule);
        json_put_text_or_null(json, "category", benefit.category);
        json_put_int(json, "amount", quote->lines[i].reduced);
        json_put_text_or_null(json, "evidence_needed", benefit.evidence);
        json_put_end(json);
    }
    json_put_end(json);
}

static enum err keep_reason(struct db *db, struct arena *arena, int64_t request, struct text reason)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, request);
    db_arg_text(&args, reason);
    return reason.length ? db_run(db, &reason_sql, &args) : OK;
}

enum err payment_request_store(struct db *db, struct arena *arena, const struct request_writing *w, instant_us at,
                               int64_t *ret_id)
{
    struct agency agency;
    struct receiving_account account = {0};
    enum err err = agency_find(db, arena, w->agency, &agency);
    if (!err && w->total)
        err = receiving_account_of(db, arena, w->agency, &account);
    if (err)
        return err;
    struct payment_request made = {.status = w->total ? REQUEST_PENDING : REQUEST_NOTHING_DUE,
                                   .amount = w->total,
                                   .bank_bin = account.bank_bin,
                                   .account_number = account.number};
    struct reference reference;
    char token[TOKEN_TEXT_SIZE];
    uint8_t hash[SHA256_SIZE];
    reference_new(settings.prefix, &reference);
    made.reference = text_of(reference.text);
    token_derive("pay", made.reference, token, hash);
    struct buf payload = {0};
    bool has_qr = payment_request_vietqr(&made, &payload);
    instant_us by_settings = at + settings.expiry_days * DAY_US;

    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_text(&args, made.reference);
    db_arg_text(&args, w->dossier);
    db_arg_text(&args, w->stage);
    db_arg_int(&args, w->total);
    if (w->total)
        db_arg_int(&args, account.id);
    else
        db_arg_null(&args);
    db_arg_text(&args, agency.tax_code);
    db_arg_bytes(&args, hash, sizeof hash);
    db_arg_text(&args, w->shown);
    db_arg_string(&args, w->version);
    db_arg_date(&args, w->priced_on);
    db_arg_text(&args, w->payer);
    db_arg_text(&args, has_qr ? buf_view(&payload) : TEXT_NONE);
    db_arg_string(&args, w->actor);
    db_arg_instant(&args, w->holds_until < by_settings ? w->holds_until : by_settings);
    db_arg_text(&args, w->lines);
    db_arg_text(&args, w->benefits);
    db_arg_text(&args, w->evidence);
    struct db_rows rows;
    err = db_query(db, &make_sql, &args, &rows);
    buf_done(&payload);
    if (err)
        return err;
    *ret_id = db_int(&rows, 0, 0);
    return keep_reason(db, arena, *ret_id, w->reason);
}

enum err payment_request_make(struct db *db, struct arena *arena, const struct payment_request_order *order,
                              instant_us at, int64_t *ret_id)
{
    const struct quote *quote = order->quote;
    if (several_collectors(quote))
        return ERR_SPLIT_BY_AGENCY;
    enum err err = relief_check(db, arena, order, at);
    if (err)
        return err;
    struct buf shown = {0}, lines = {0}, benefits = {0};
    struct json json = json_to(&shown), claims = json_to(&benefits);
    quote_write(&json, quote);
    write_lines(quote, &lines);
    benefits_write(quote, &claims);
    const struct request_writing writing = {.dossier = order->dossier->code,
                                            .agency = order->dossier->agency,
                                            .stage = order->stage,
                                            .total = quote->total,
                                            .shown = buf_view(&shown),
                                            .lines = buf_view(&lines),
                                            .benefits = buf_view(&benefits),
                                            .evidence = order->evidence,
                                            .payer = order->payer,
                                            .reason = order->reason,
                                            .version = catalogue_version(quote->catalogue),
                                            .priced_on = quote->quoted_on,
                                            .holds_until = quote_valid_until(quote),
                                            .actor = order->actor};
    err = payment_request_store(db, arena, &writing, at, ret_id);
    buf_done(&shown);
    buf_done(&lines);
    buf_done(&benefits);
    return err;
}

enum err payment_requests_expire(struct db *db, struct arena *arena, instant_us at, int64_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    enum err err = db_query(db, &expire_sql, &args, &rows);
    if (!err)
        *ret_count = db_int(&rows, 0, 0);
    return err;
}
