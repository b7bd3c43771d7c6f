/* Opening an expired request again: priced anew under the rules of the day. The same sum opens the same reference;
 * another sum is shown beside the old one, and only who accepts it gets a new request in place of the old. */
#include <inttypes.h>
#include <string.h>
#include "payments/fees/fees.h"
#include "payments/requests/request_parts.h"

static const struct db_statement hold_sql = {"request_hold", "SELECT request_hold($1)"};
static const struct db_statement reopen_sql = {"request_reopen", "SELECT request_reopen($1, $2, $3, $4)"};
static const struct db_statement replace_sql = {"request_replace", "SELECT request_replace($1, $2, $3, $4)"};
static const struct db_statement repricing_sql = {
    "request_repricing", "SELECT before, after, request_id, replaced_by FROM request_repricing"
                         " WHERE request_id = $1 OR replaced_by = $1 ORDER BY request_id LIMIT 1"};

/* The question the request was priced from, asked again today. False for the difference of a rejected benefit, which
 * has no question of its own: what is owed stays owed. */
static enum err price_again(struct arena *arena, const struct payment_request *request, struct catalogue *catalogue,
                            instant_us at, bool *ret_priced, struct quote *ret_quote)
{
    char version[CATALOGUE_VERSION_SIZE];
    json_t *shown;
    struct faults faults;
    faults_init(&faults, arena);
    enum err err = json_parse_value(request->quote, &shown, &faults);
    const char *id = err ? NULL : json_string_value(json_object_get(shown, "id"));
    if (!id)
        return ERR_INTERNAL;
    *ret_priced = strncmp(id, "d_", 2) != 0;
    if (!*ret_priced)
        return OK;
    struct quote_request *wanted = ARENA_NEW(arena, struct quote_request);
    if (quote_id_read(text_of(id), arena, wanted, version))
        return ERR_INTERNAL;
    wanted->paid_on = date_of(at);
    wanted->quoted_on = DATE_NONE;
    return quote_compute(catalogue, wanted, date_of(at), arena, &faults, ret_quote);
}

enum err payment_request_price_today(struct arena *arena, const struct payment_request *request, instant_us at,
                                     int64_t *ret_amount)
{
    struct quote quote;
    bool priced = false;
    struct catalogue *catalogue = catalogue_in_force_hold();
    if (!catalogue)
        return ERR_UNAVAILABLE;
    enum err err = price_again(arena, request, catalogue, at, &priced, &quote);
    if (!err)
        *ret_amount = priced ? quote.total : request->amount;
    catalogue_drop(catalogue);
    return err;
}

static enum err open_same(struct db *db, struct arena *arena, const struct payment_request *request, instant_us until,
                          const char *actor, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, request->id);
    db_arg_string(&args, actor);
    db_arg_instant(&args, until);
    return db_run(db, &reopen_sql, &args);
}

static enum err ask_anew(struct db *db, struct arena *arena, const struct payment_request *request,
                         const struct quote *quote, const char *actor, instant_us at, int64_t *ret_id)
{
    struct dossier dossier;
    int64_t made = 0;
    enum err err = dossier_find(db, arena, request->dossier, &dossier);
    const struct payment_request_order order = {.dossier = &dossier,
                                                .quote = quote,
                                                .stage = request->stage,
                                                .payer = request->payer,
                                                .evidence = TEXT_NONE,
                                                .actor = actor};
    if (!err)
        err = payment_request_make(db, arena, &order, at, &made);
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, request->id);
    db_arg_int(&args, made);
    db_arg_string(&args, actor);
    if (!err)
        err = db_run(db, &replace_sql, &args);
    if (!err)
        *ret_id = made;
    return err;
}

static enum err refusal_of(enum request_status status)
{
    switch (status) {
    case REQUEST_CANCELLED: return ERR_REQUEST_CANCELLED;
    case REQUEST_PARTLY_PAID: return ERR_REQUEST_PARTLY_PAID;
    case REQUEST_NOTHING_DUE: return ERR_REQUEST_NOTHING_DUE;
    default: return ERR_REQUEST_SETTLED;
    }
}

/* Under today's catalogue; `accepted` is the sum the caller saw and took, -1 when it named none. */
static enum err reopen_priced(struct db *db, struct arena *arena, const struct payment_request *request,
                              struct catalogue *catalogue, int64_t accepted, const char *actor, instant_us at,
                              struct reopening *ret)
{
    struct quote quote;
    bool priced = false;
    enum err err = price_again(arena, request, catalogue, at, &priced, &quote);
    if (err)
        return err;
    ret->today = priced ? quote.total : request->amount;
    if (accepted >= 0 && accepted != ret->today)
        return ERR_QUOTE_CHANGED;
    if (ret->today == request->amount) {
        instant_us until = at + QUOTE_VALID_DAYS * DAY_US;
        if (priced && quote_valid_until(&quote) < until)
            until = quote_valid_until(&quote);
        return open_same(db, arena, request, until, actor, at);
    }
    return accepted < 0 ? ERR_QUOTE_CHANGED : ask_anew(db, arena, request, &quote, actor, at, &ret->request);
}

enum err payment_request_reopen(struct db *db, struct arena *arena, int64_t id, int64_t accepted, const char *actor,
                                instant_us at, struct reopening *ret_reopening)
{
    struct payment_request request;
    struct db_args args = db_args(arena);
    db_arg_int(&args, id);
    enum err err = db_run(db, &hold_sql, &args);
    if (!err)
        err = payment_request_find(db, arena, id, &request);
    if (err)
        return err;
    *ret_reopening = (struct reopening){.request = id, .asked = request.amount, .today = request.amount};
    if (request.status == REQUEST_PENDING)
        return OK; /* open already */
    if (request.status != REQUEST_EXPIRED)
        return refusal_of(request.status);
    struct catalogue *catalogue = catalogue_in_force_hold();
    if (!catalogue)
        return ERR_UNAVAILABLE;
    err = reopen_priced(db, arena, &request, catalogue, accepted, actor, at, ret_reopening);
    catalogue_drop(catalogue);
    return err;
}

enum err payment_request_repricing(struct db *db, struct arena *arena, int64_t id, struct repricing *ret_repricing)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(db, &repricing_sql, &args, &rows);
    if (err)
        return err;
    *ret_repricing = (struct repricing){0};
    if (rows.count)
        *ret_repricing =
            (struct repricing){db_int(&rows, 0, 0), db_int(&rows, 0, 1), db_int(&rows, 0, 2), db_int(&rows, 0, 3)};
    return OK;
}

/* POST /v1/payment-requests/{id}/reopen ------------------------------------------------------------------------------
 */

struct asking {
    int64_t id, accepted;
};

static enum err act(struct request *rq, void *with, struct act_reply *reply)
{
    const struct asking *asking = with;
    struct reopening opened = {0};
    enum err err =
        payment_request_reopen(rq->db, &rq->arena, asking->id, asking->accepted, auth_actor(rq), rq->at, &opened);
    if (err == ERR_QUOTE_CHANGED)
        faults_add(&rq->faults, "/accept_amount", err,
                   "Giá khi lập %" PRId64 " đồng, giá hôm nay %" PRId64
                   " đồng: đồng ý thì gửi accept_amount bằng giá hôm nay",
                   opened.asked, opened.today);
    struct payment_request request;
    if (!err)
        err = payment_request_find(rq->db, &rq->arena, opened.request, &request);
    if (err)
        return err;
    struct json json = json_to(&reply->body);
    payment_request_write(&json, &request);
    reply->body.length--; /* one object: the request, and what reopening found */
    buf_printf(&reply->body,
               ",\"reopening\":{\"request\":%" PRId64 ",\"amount_before\":%" PRId64 ",\"amount_today\":%" PRId64 "}}",
               asking->id, opened.asked, opened.today);
    reply->status = 200;
    return OK;
}

enum err payment_request_reopen_handle(struct request *rq)
{
    struct asking asking = {.accepted = -1};
    struct text reason;
    if (!text_to_int64(request_capture(rq, "id"), &asking.id) || asking.id <= 0)
        return reply_error(rq, ERR_NOT_FOUND);
    if (rq->body.length) {
        struct json_fields in;
        enum err err = json_parse(rq->body, &in, &rq->faults);
        if (!err) {
            json_read_int(&in, "accept_amount", OPTIONAL, 0, MONEY_MAX, &asking.accepted);
            json_read_text(&in, "reason", OPTIONAL, 1, 300, &reason);
            err = json_close(&in);
        }
        if (err)
            return reply_faults(rq, err);
    }
    enum err err = request_once(rq, act, &asking);
    return err && rq->faults.count ? reply_faults(rq, err) : err;
}
