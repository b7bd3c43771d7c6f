#include "payments/ledger/adjustment.h"

const char *const adjustment_causes[] = {"quantities", "payment_day"};

static const struct db_statement hold_sql = {"adjustment_hold", "SELECT request_hold($1)"};
static const struct db_statement question_sql = {
    "adjustment_question",
    "SELECT coalesce((SELECT c.quote_id FROM request_adjustment c WHERE c.request_id = $1 ORDER BY c.id DESC LIMIT 1),"
    " (SELECT q.quote_id FROM request_quote q WHERE q.request_id = $1))"};
static const struct db_statement drop_sql = {"adjustment_drop", "SELECT request_additions_drop($1, $2, $3, $4, $5)"};
static const struct db_statement asked_sql = {"adjustment_asked", "SELECT fee, name, asked FROM request_asked($1)"};
static const struct db_statement rejected_sql = {
    "adjustment_rejected", "SELECT fee, category FROM request_benefit WHERE request_id = $1 AND state = 'rejected' AND"
                           " category IS NOT NULL ORDER BY id"};
static const struct db_statement evidence_sql = {
    "adjustment_evidence",
    "SELECT json_agg(json_build_object('category', category, 'source', source, 'document', document, 'number', number,"
    " 'issued_on', issued_on) ORDER BY category)::text FROM (SELECT DISTINCT ON (category) * FROM request_benefit WHERE"
    " request_id = $1 AND category IS NOT NULL AND number IS NOT NULL AND state <> 'rejected' ORDER BY category, id) "
    "b"};
static const struct db_statement cancel_sql = {"adjustment_cancel", "SELECT request_cancel($1, $2, $3, $4)"};
static const struct db_statement keep_sql = {
    "adjustment_keep", "SELECT request_adjust($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};

static enum err read_question(struct db *db, struct arena *arena, struct adjustment *c)
{
    char version[CATALOGUE_VERSION_SIZE];
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, c->request.id);
    enum err err = db_query(db, &question_sql, &args, &rows);
    if (err)
        return err;
    if (db_null(&rows, 0, 0))
        return ERR_ADJUSTMENT_OF_ADDITION;
    c->wanted = ARENA_NEW(arena, struct quote_request);
    if (quote_id_read(db_text(&rows, 0, 0), arena, c->wanted, version))
        return ERR_INTERNAL;
    c->wanted->postal = TEXT_NONE; /* the carrier's price is corrected with the carrier */
    return catalogue_version_hold(db, arena, text_of(version), &c->own);
}

enum err adjustment_begin(struct db *db, struct arena *arena, int64_t request, struct adjustment *ret)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, request);
    enum err err = db_run(db, &hold_sql, &args);
    if (!err)
        err = payment_request_find(db, arena, request, &ret->request);
    if (!err)
        err = dossier_hold(db, arena, ret->request.dossier, &ret->dossier);
    if (!err && (text_is(ret->dossier.state, "refused") || text_is(ret->dossier.state, "withdrawn")))
        err = ERR_DOSSIER_ENDED;
    return err ? err : read_question(db, arena, ret);
}

void adjustment_end(struct adjustment *c)
{
    catalogue_drop(c->own);
    c->own = NULL;
}

static bool unpaid(const struct adjustment *c)
{
    return c->request.status == REQUEST_PENDING || c->request.status == REQUEST_EXPIRED;
}

static bool rejected(const struct db_rows *rows, struct text fee, struct text category)
{
    for (int i = 0; i < rows->count; i++)
        if (text_equal(db_text(rows, i, 0), fee) && (!category.length || text_equal(db_text(rows, i, 1), category)))
            return true;
    return false;
}

/* A request that is asked anew as a whole is asked without what was rejected. */
static void forget_rejected(struct quote_request *wanted, const struct db_rows *refused)
{
    size_t kept = 0;
    for (size_t i = 0; i < wanted->category_count; i++) {
        bool refused_here = false;
        for (int k = 0; k < refused->count && !refused_here; k++)
            refused_here = text_equal(db_text(refused, k, 1), wanted->categories[i]);
        if (!refused_here)
            wanted->categories[kept++] = wanted->categories[i];
    }
    wanted->category_count = kept;
}

/* The line of a fee for which a claim was rejected, as it is without that claim. */
static enum err line_without(struct arena *arena, const struct adjustment *c, const struct db_rows *refused,
                             struct faults *faults, struct quote_line *line)
{
    struct quote_request *asked = ARENA_NEW(arena, struct quote_request);
    struct quote quote;
    size_t kept = 0;
    *asked = *c->wanted;
    for (size_t i = 0; i < asked->category_count; i++)
        if (!rejected(refused, line->code, asked->categories[i]))
            asked->categories[kept++] = asked->categories[i];
    asked->category_count = kept;
    enum err err = quote_compute(c->quote.catalogue, asked, c->quote.quoted_on, arena, faults, &quote);
    for (size_t i = 0; !err && i < quote.line_count; i++)
        if (text_equal(quote.lines[i].code, line->code)) {
            *line = quote.lines[i];
            break;
        }
    return err;
}

enum err adjustment_price(struct db *db, struct arena *arena, struct adjustment *c, struct catalogue *catalogue,
                          date_days day, struct faults *faults)
{
    struct db_args args = db_args(arena);
    struct db_rows refused;
    db_arg_int(&args, c->request.id);
    enum err err = db_query(db, &rejected_sql, &args, &refused);
    if (!err && unpaid(c))
        forget_rejected(c->wanted, &refused);
    if (!err)
        err = quote_compute(catalogue, c->wanted, day, arena, faults, &c->quote);
    if (err)
        return err;
    c->lines = ARENA_ARRAY(arena, struct quote_line, c->quote.line_count + 1);
    c->count = 0;
    c->after = 0;
    for (size_t i = 0; !err && i < c->quote.line_count; i++) {
        struct quote_line *line = &c->lines[c->count++];
        *line = c->quote.lines[i];
        if (rejected(&refused, line->code, TEXT_NONE))
            err = line_without(arena, c, &refused, faults, line);
        c->after += line->net;
    }
    return err;
}

/* What rises and what falls, fee by fee; nothing is netted. */
struct changes {
    struct buf json;
    struct addition_line *rising;
    size_t rising_count;
    int64_t lowered;
};

static int64_t asked_for(const struct db_rows *asked, struct text fee)
{
    for (int i = 0; i < asked->count; i++)
        if (text_equal(db_text(asked, i, 0), fee))
            return db_int(asked, i, 2);
    return 0;
}

static enum err compare(struct db *db, struct arena *arena, struct adjustment *c, struct changes *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows asked;
    db_arg_int(&args, c->request.id);
    enum err err = db_query(db, &asked_sql, &args, &asked);
    if (err)
        return err;
    c->before = 0;
    for (int i = 0; i < asked.count; i++)
        c->before += db_int(&asked, i, 2);
    ret->rising = ARENA_ARRAY(arena, struct addition_line, c->count + 1);
    struct json json = json_to(&ret->json);
    json_put_array(&json, NULL);
    for (size_t i = 0; i < c->count; i++) {
        const struct quote_line *line = &c->lines[i];
        int64_t before = asked_for(&asked, line->code);
        if (before == line->net)
            continue;
        json_put_object(&json, NULL);
        json_put_text(&json, "fee", line->code);
        json_put_text(&json, "name", line->name_vi);
        json_put_int(&json, "before", before);
        json_put_int(&json, "after", line->net);
        json_put_end(&json);
        if (line->net > before)
            ret->rising[ret->rising_count++] = (struct addition_line){line, before};
        else
            ret->lowered += before - line->net;
    }
    json_put_end(&json);
    return OK;
}

/* Additions that wait unpaid give way before what is asked is counted. */
static enum err drop_additions(struct db *db, struct arena *arena, const struct adjustment *c)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    if (c->cause != ADJUSTMENT_QUANTITIES)
        return OK;
    db_arg_instant(&args, c->at);
    db_arg_int(&args, c->request.id);
    db_arg_bool(&args, unpaid(c));
    db_arg_string(&args, c->actor);
    db_arg_text(&args, c->reason);
    enum err err = db_query(db, &drop_sql, &args, &rows);
    return err ? err : unpaid(c) && db_int(&rows, 0, 0) ? ERR_REQUEST_PARTLY_PAID : OK;
}

static enum err ask_more(struct db *db, struct arena *arena, const struct adjustment *c, const struct changes *changes,
                         int64_t *ret_additional)
{
    if (!changes->rising_count)
        return OK;
    const struct request_addition addition = {.dossier = c->dossier.code,
                                              .agency = c->dossier.agency,
                                              .payer = c->request.payer,
                                              .reference = c->request.reference,
                                              .id = arena_textf(arena, "d_c%lld", (long long)c->request.id),
                                              .reason = c->reason,
                                              .why = c->reason,
                                              .why_en = "adjusted",
                                              .quote = &c->quote,
                                              .lines = changes->rising,
                                              .count = changes->rising_count,
                                              .actor = c->actor};
    return payment_request_ask_more(db, arena, &addition, c->at, ret_additional);
}

/* Nothing was paid: the whole is asked anew. The old one ends first, so that its relief counts no more. */
static enum err replace(struct db *db, struct arena *arena, const struct adjustment *c, struct faults *faults,
                        int64_t *ret_new)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, c->at);
    db_arg_int(&args, c->request.id);
    db_arg_string(&args, c->actor);
    db_arg_text(&args, c->reason);
    enum err err = db_run(db, &cancel_sql, &args);
    struct db_args of = db_args(arena);
    struct db_rows evidence;
    db_arg_int(&of, c->request.id);
    if (!err)
        err = db_query(db, &evidence_sql, &of, &evidence);
    if (err)
        return err;
    const struct payment_request_order order = {.dossier = &c->dossier,
                                                .quote = &c->quote,
                                                .stage = c->request.stage,
                                                .payer = c->request.payer,
                                                .evidence = db_text(&evidence, 0, 0),
                                                .reason = c->reason,
                                                .actor = c->actor,
                                                .faults = faults};
    return payment_request_make(db, arena, &order, c->at, ret_new);
}

static void arg_id(struct db_args *args, int64_t id)
{
    if (id)
        db_arg_int(args, id);
    else
        db_arg_null(args);
}

static enum err keep(struct db *db, struct arena *arena, const struct adjustment *c, const struct changes *changes,
                     int64_t additional, int64_t replacement, int64_t *ret_id)
{
    char quote_id[QUOTE_ID_SIZE];
    struct db_args args = db_args(arena);
    struct db_rows rows;
    quote_id_write(&c->quote, quote_id);
    db_arg_instant(&args, c->at);
    db_arg_int(&args, c->request.id);
    db_arg_string(&args, adjustment_causes[c->cause]);
    db_arg_text(&args, c->reason);
    db_arg_string(&args, quote_id);
    db_arg_int(&args, c->before);
    db_arg_int(&args, c->after);
    db_arg_text(&args, buf_view(&changes->json));
    db_arg_int(&args, replacement ? 0 : changes->lowered);
    arg_id(&args, additional);
    arg_id(&args, replacement);
    db_arg_string(&args, c->actor);
    enum err err = db_query(db, &keep_sql, &args, &rows);
    if (!err)
        *ret_id = db_null(&rows, 0, 0) ? 0 : db_int(&rows, 0, 0);
    return err;
}

static enum err refusal_of(const struct adjustment *c, const struct changes *changes)
{
    switch (c->request.status) {
    case REQUEST_CANCELLED: return ERR_REQUEST_CANCELLED;
    case REQUEST_REFUNDED: return ERR_REQUEST_SETTLED;
    case REQUEST_PARTLY_PAID: return changes->lowered ? ERR_REQUEST_PARTLY_PAID : OK;
    default: return OK;
    }
}

enum err adjustment_apply(struct db *db, struct arena *arena, struct adjustment *c, struct faults *faults,
                          int64_t *ret_id)
{
    struct changes changes = {0};
    int64_t additional = 0, replacement = 0;
    enum err err = drop_additions(db, arena, c);
    if (!err)
        err = compare(db, arena, c, &changes);
    bool same = !changes.rising_count && !changes.lowered;
    if (!err && same && c->cause == ADJUSTMENT_PAYMENT_DAY) {
        buf_done(&changes.json);
        *ret_id = 0; /* the day decides nothing */
        return OK;
    }
    if (!err)
        err = refusal_of(c, &changes);
    if (!err)
        err = unpaid(c) ? replace(db, arena, c, faults, &replacement) : ask_more(db, arena, c, &changes, &additional);
    if (!err)
        err = keep(db, arena, c, &changes, additional, replacement, ret_id);
    buf_done(&changes.json);
    return err;
}
