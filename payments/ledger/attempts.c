/* Attempts: a wallet, gateway or portal asked to take the money of a request. One open at a time; the QR stays payable
 * all the while, and whoever comes second is a surplus with its refund case. */
#include "payments/ledger/asking.h"

#include "payments/requests/requests.h"

static bool takes(const struct source *source, const struct source_account *account, int64_t amount,
                  struct text account_number)
{
    const char *own = source_setting(account, "receiving_account"), *base = source_setting(account, "base_url");
    bool ours = !own || !*own || text_is(account_number, own);
    return ours && base && *base && amount >= source->amount_min &&
           (!source->amount_max || amount <= source->amount_max);
}

size_t ways_of(int64_t amount, struct text account_number, struct arena *arena, struct way ret_ways[WAYS_MAX])
{
    enum { ACCOUNTS = 16 };
    size_t count = 0;
    for (size_t i = 0; i < source_count() && count < WAYS_MAX; i++) {
        const struct source *source = source_at(i);
        const char *names[ACCOUNTS] = {""};
        size_t name_count = 1 + config_accounts(source->name, names + 1, ACCOUNTS - 1);
        bool found = !source->title || !source->create.ask;
        for (size_t k = name_count; k > 0 && !found; k--) { /* an agency's own account before the province's */
            const struct source_account *account = source_account_find(source, text_of(names[k - 1]));
            if (!account || !takes(source, account, amount, account_number))
                continue;
            ret_ways[count++] = (struct way){source, text_of(account->name)};
            found = true;
        }
    }
    return count;
}

static struct attempt row_read(const struct db_rows *rows)
{
    return (struct attempt){.id = db_int(rows, 0, 0),
                            .number = db_int(rows, 0, 1),
                            .source = db_text(rows, 0, 2),
                            .order = db_text(rows, 0, 3),
                            .amount = db_int(rows, 0, 4),
                            .state = db_text(rows, 0, 5),
                            .redirect_url = db_text(rows, 0, 6),
                            .made_at = db_instant(rows, 0, 7),
                            .expires_at = db_instant(rows, 0, 8)};
}

enum err attempt_of(struct db *db, struct arena *arena, int64_t request, struct attempt *ret_attempt)
{
    static const struct db_statement sql = {
        "attempt_of", "SELECT id, number, source, order_id, amount, state, redirect_url, made_at, expires_at"
                      " FROM payment_attempt WHERE request_id = $1 AND state IN ('sent', 'unknown')"
                      " UNION ALL SELECT id, number, source, order_id, amount, state, redirect_url, made_at, NULL FROM"
                      " attempt_at_door($1) LIMIT 1"};
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, request);
    enum err err = db_query(db, &sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret_attempt = row_read(&rows);
    return OK;
}

static enum err open_one(struct db *db, struct arena *arena, int64_t request, const struct way *way, const char *actor,
                         instant_us at, struct attempt *ret, bool *ret_made)
{
    static const struct db_statement sql = {
        "attempt_open", "SELECT id, number, source, order_id, amount, state, redirect_url, made_at, expires_at, made"
                        " FROM attempt_open($1, $2, $3, $4, $5, make_interval(secs => $6),"
                        " make_interval(secs => $6 + 60), 'source.ask', $7)"};
    struct civil day = civil_of(at);
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_int(&args, request);
    db_arg_string(&args, way->source->name);
    db_arg_text(&args, way->account.at ? way->account : TEXT(""));
    db_arg_string(&args, way->source->dated_orders
                             ? arena_printf(arena, "%02d%02d%02d_", day.year % 100, day.month, day.day)
                             : "");
    db_arg_int(&args, way->source->life_s);
    db_arg_string(&args, actor);
    enum err err = db_query(db, &sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_REQUEST_SETTLED;
    *ret = row_read(&rows);
    *ret_made = db_bool(&rows, 0, 9);
    return OK;
}

static enum err keep(struct db *db, struct arena *arena, const struct attempt *a, const struct source_told *told,
                     instant_us at)
{
    static const struct db_statement url_sql = {"attempt_url",
                                                "UPDATE payment_attempt SET redirect_url = $2 WHERE id = $1"},
                                     end_sql = {"attempt_declined",
                                                "SELECT attempt_become($1, $2, 'declined', $3, NULL)"};
    struct db_args args = db_args(arena);
    if (told->state == TOLD_DONE) {
        db_arg_int(&args, a->id);
        db_arg_text(&args, told->redirect_url);
        return db_run(db, &url_sql, &args);
    }
    db_arg_instant(&args, at);
    db_arg_int(&args, a->id);
    db_arg_text(&args, told->code);
    return db_run(db, &end_sql, &args);
}

enum err attempt_start(struct db *db, struct arena *arena, const struct payment_request *r, struct text source,
                       struct text return_url, struct text peer, const char *actor, instant_us at,
                       struct source_told *ret_told)
{
    struct way ways[WAYS_MAX], *way = NULL;
    size_t count = ways_of(r->amount - r->allocated, r->account_number, arena, ways);
    for (size_t i = 0; i < count && !way; i++)
        way = text_is(source, ways[i].source->name) ? &ways[i] : NULL;
    if (!way)
        return ERR_FIELD_VALUE;
    struct attempt a;
    bool made;
    enum err err = open_one(db, arena, r->id, way, actor, at, &a, &made);
    if (err)
        return err;
    if (!made) {
        *ret_told = (struct source_told){.state = TOLD_DONE, .redirect_url = a.redirect_url};
        return text_equal(a.source, source) && a.redirect_url.length ? OK : ERR_ATTEMPT_OPEN;
    }
    const struct source_account *account = source_account_find(way->source, way->account);
    const char *suffix = way->account.length ? arena_printf(arena, "?account=%.*s", TEXT_ARGS(way->account)) : "";
    const struct source_order order = {
        .id = a.order,
        .dossier = r->dossier,
        .amount = a.amount,
        .words = arena_textf(arena, "Nop phi le phi %.*s", TEXT_ARGS(r->reference)),
        .return_url = return_url,
        .notify_url = arena_textf(arena, "%s/v1/notifications/%s%s", ledger_public_url(), way->source->name, suffix),
        .payer_address = peer,
        .made_at = a.made_at,
        .expires_at = a.expires_at,
        .at = at,
        .call_id = a.order};
    err = source_do(&way->source->create, account, &order, arena, ret_told);
    if (!err)
        err = keep(db, arena, &a, ret_told, at);
    else if (err == ERR_NETWORK || err == ERR_CONFIG || err == ERR_FIELD_RANGE) /* certainly nothing was sent */
        return keep(db, arena, &a, &(struct source_told){.state = TOLD_FAILED}, at) ? ERR_DATABASE : err;
    return !err && ret_told->state != TOLD_DONE ? ERR_NETWORK : err;
}

static void told_write(struct json *json, const void *what)
{
    const struct source_told *told = what;
    json_put_object(json, NULL);
    json_put_text(json, "redirect_url", told->redirect_url);
    json_put_text_or_null(json, "qr", told->qr);
    json_put_text_or_null(json, "deeplink", told->deeplink);
    json_put_end(json);
}

enum err ledger_wallet_handle(struct request *rq)
{
    struct json_fields in;
    struct text wallet = TEXT_NONE, back = TEXT_NONE;
    int64_t id;
    if (!text_to_int64(request_capture(rq, "id"), &id))
        return reply_error(rq, ERR_NOT_FOUND);
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (!err) {
        json_read_text(&in, "wallet", REQUIRED, 1, 40, &wallet);
        json_read_text(&in, "return_url", OPTIONAL, 1, 500, &back);
        if (back.length && !text_starts(back, "https://") && !text_starts(back, "http://"))
            json_fault(&in, "return_url", ERR_FIELD_FORMAT, NULL);
        err = json_close(&in);
    }
    if (err)
        return reply_faults(rq, err);
    struct payment_request r;
    struct source_told told = {0};
    err = payment_request_find(rq->db, &rq->arena, id, &r);
    if (err)
        return reply_error(rq, err);
    if (!back.length)
        back = text_of(payment_request_url(&rq->arena, &r));
    err = attempt_start(rq->db, &rq->arena, &r, wallet, back, request_peer(rq), rq->caller.name, rq->at, &told);
    if (err == ERR_FIELD_VALUE) {
        json_fault(&in, "wallet", ERR_FIELD_VALUE, "Không có cách nộp tiền này cho yêu cầu");
        return reply_faults(rq, ERR_INVALID);
    }
    return err ? reply_error(rq, err) : reply_json(rq, 201, told_write, &told);
}
