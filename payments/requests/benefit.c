/* The life of a benefit: claimed with the request, verified at the desk, or rejected and its difference asked for. */
#include "payments/requests/request_parts.h"

#include "payments/fees/fees.h"

static const struct db_statement list_sql = {
    "benefits_of",
    "SELECT id, fee, rule, category, amount, evidence_needed, state, source, document, number, issued_on,"
    " checked_by, checked_at, reason, additional_request FROM request_benefit WHERE request_id = $1"
    " ORDER BY id LIMIT 200"};
static const struct db_statement verify_sql = {"benefit_verify",
                                               "SELECT benefit_verify($1, $2, $3, $4, $5, $6, $7, $8)"};
static const struct db_statement reject_sql = {"benefit_reject", "SELECT benefit_reject($1, $2, $3, $4, $5)"};
static const struct db_statement keep_sql = {"benefits_keep", "SELECT benefits_keep($1, $2, $3, NULL)"};

/* The request is locked, so that two rejections of one request count each other's difference. */
static const struct db_statement lock_sql = {"benefit_request_lock",
                                             "SELECT 1 FROM payment_request WHERE id = $1 FOR UPDATE"};
/* What was asked for the fee so far: by the request, and by what earlier rejections asked in addition. */
static const struct db_statement claim_sql = {
    "benefit_claim",
    "SELECT b.fee, b.category, b.state, r.status, q.quote_id, r.catalogue_version, r.dossier, d.agency, r.reference,"
    " (SELECT coalesce(sum(l.net), 0) FROM request_line l WHERE l.fee = b.fee AND (l.request_id = r.id OR l.request_id "
    "IN"
    " (SELECT o.additional_request FROM request_benefit o JOIN payment_request a ON a.id = o.additional_request"
    " WHERE o.request_id = r.id AND a.status <> 'cancelled'))),"
    " (SELECT coalesce(string_agg(o.category, ' '), '') FROM request_benefit o WHERE o.request_id = r.id AND o.fee = "
    "b.fee"
    " AND o.state = 'rejected'), r.payer::text"
    " FROM request_benefit b JOIN payment_request r ON r.id = b.request_id JOIN dossier d ON d.code = r.dossier"
    " LEFT JOIN request_quote q ON q.request_id = r.id WHERE b.id = $1 AND b.request_id = $2"};

enum err benefits_of(struct db *db, struct arena *arena, int64_t request, struct benefit **ret_benefits,
                     size_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, request);
    enum err err = db_query(db, &list_sql, &args, &rows);
    if (err)
        return err;
    *ret_benefits = ARENA_ARRAY(arena, struct benefit, rows.count + 1);
    *ret_count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++)
        (*ret_benefits)[i] = (struct benefit){.id = db_int(&rows, i, 0),
                                              .fee = db_text(&rows, i, 1),
                                              .rule = db_text(&rows, i, 2),
                                              .category = db_text(&rows, i, 3),
                                              .amount = db_int(&rows, i, 4),
                                              .evidence_needed = db_text(&rows, i, 5),
                                              .state = db_text(&rows, i, 6),
                                              .source = db_text(&rows, i, 7),
                                              .document = db_text(&rows, i, 8),
                                              .number = db_text(&rows, i, 9),
                                              .issued_on = db_date(&rows, i, 10),
                                              .checked_by = db_text(&rows, i, 11),
                                              .checked_at = db_instant(&rows, i, 12),
                                              .reason = db_text(&rows, i, 13),
                                              .additional_request = db_int(&rows, i, 14)};
    return OK;
}

enum err benefit_verify(struct db *db, struct arena *arena, int64_t request, int64_t benefit,
                        const struct evidence *evidence, const char *actor, instant_us at)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_int(&args, request);
    db_arg_int(&args, benefit);
    db_arg_text(&args, evidence->source.length ? evidence->source : TEXT_NONE);
    db_arg_text(&args, evidence->document.length ? evidence->document : TEXT_NONE);
    db_arg_text(&args, evidence->number.length ? evidence->number : TEXT_NONE);
    db_arg_date(&args, evidence->issued_on);
    enum err err = db_query(db, &verify_sql, &args, &rows);
    struct text state = err ? TEXT_NONE : db_text(&rows, 0, 0);
    return err                           ? err
           : text_is(state, "verified")  ? OK
           : text_is(state, "not_found") ? ERR_NOT_FOUND
           : text_is(state, "evidence")  ? ERR_FIELD_MISSING
                                         : ERR_CONFLICT;
}

/* ---- rejecting ------------------------------------------------------------------------------------------------- */

struct claim {
    int64_t request, benefit, asked;
    struct text fee, category, state, status, quote_id, version, dossier, agency, reference, rejected, payer, reason;
    const char *actor;
    instant_us at;
};

static enum err claim_find(struct db *db, struct arena *arena, struct claim *claim)
{
    struct db_args lock = db_args(arena), args = db_args(arena);
    struct db_rows rows = {0};
    db_arg_int(&lock, claim->request);
    enum err err = db_run(db, &lock_sql, &lock);
    db_arg_int(&args, claim->benefit);
    db_arg_int(&args, claim->request);
    if (!err)
        err = db_query(db, &claim_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    struct text *const columns[] = {&claim->fee,     &claim->category, &claim->state,
                                    &claim->status,  &claim->quote_id, &claim->version,
                                    &claim->dossier, &claim->agency,   &claim->reference};
    for (int i = 0; i < 9; i++)
        *columns[i] = db_text(&rows, 0, i);
    claim->asked = db_int(&rows, 0, 9);
    claim->rejected = db_text(&rows, 0, 10);
    claim->payer = db_text(&rows, 0, 11);
    return OK;
}

static bool word_in(struct text words, struct text word)
{
    while (words.length) {
        struct text one = text_until(words, ' ', &words);
        if (text_equal(one, word))
            return true;
    }
    return false;
}

/* The same question, on the same day, under the same version, without what was rejected for this fee. */
static enum err price_without(struct arena *arena, const struct claim *claim, const struct catalogue *catalogue,
                              struct quote *ret_quote)
{
    char version[CATALOGUE_VERSION_SIZE];
    struct quote_request *wanted = ARENA_NEW(arena, struct quote_request);
    struct faults faults;
    size_t kept = 0;
    faults_init(&faults, arena);
    if (quote_id_read(claim->quote_id, arena, wanted, version))
        return ERR_CONFLICT;
    for (size_t i = 0; i < wanted->category_count; i++)
        if (!text_equal(wanted->categories[i], claim->category) && !word_in(claim->rejected, wanted->categories[i]))
            wanted->categories[kept++] = wanted->categories[i];
    wanted->category_count = kept;
    wanted->postal = TEXT_NONE; /* postage knows no benefits */
    return quote_compute(catalogue, wanted, wanted->quoted_on, arena, &faults, ret_quote);
}

static enum err difference_ask(struct db *db, struct arena *arena, const struct claim *claim,
                               const struct quote_line *line, const struct quote *quote, int64_t *ret_additional)
{
    const struct addition_line one = {line, claim->asked};
    struct text why = arena_textf(arena, "diện giảm không được xác nhận: %.*s", TEXT_ARGS(claim->reason));
    const struct request_addition addition = {.dossier = claim->dossier,
                                              .agency = claim->agency,
                                              .payer = claim->payer,
                                              .reference = claim->reference,
                                              .id = arena_textf(arena, "d_%lld", (long long)claim->benefit),
                                              .reason = TEXT("Diện giảm không được xác nhận"),
                                              .why = why,
                                              .why_en = "the claim was rejected",
                                              .quote = quote,
                                              .lines = &one,
                                              .count = 1,
                                              .actor = claim->actor};
    return payment_request_ask_more(db, arena, &addition, claim->at, ret_additional);
}

/* A lower benefit that counts now is a claim of its own. */
static enum err next_keep(struct db *db, struct arena *arena, const struct claim *claim, const struct quote *quote,
                          size_t line)
{
    struct buf benefits = {0};
    struct json json = json_to(&benefits);
    struct quote one = *quote;
    one.lines += line;
    one.line_count = 1;
    benefits_write(&one, &json);
    struct db_args args = db_args(arena);
    db_arg_instant(&args, claim->at);
    db_arg_int(&args, claim->request);
    db_arg_text(&args, buf_view(&benefits));
    enum err err = db_run(db, &keep_sql, &args);
    buf_done(&benefits);
    return err;
}

static enum err ask_again(struct db *db, struct arena *arena, const struct claim *claim, int64_t *ret_additional)
{
    struct catalogue *catalogue;
    struct quote quote;
    enum err err = catalogue_version_hold(db, arena, claim->version, &catalogue);
    if (err)
        return err;
    err = price_without(arena, claim, catalogue, &quote);
    for (size_t i = 0; !err && i < quote.line_count; i++) {
        if (!text_equal(quote.lines[i].code, claim->fee))
            continue;
        if (quote.lines[i].net > claim->asked)
            err = difference_ask(db, arena, claim, &quote.lines[i], &quote, ret_additional);
        if (!err)
            err = next_keep(db, arena, claim, &quote, i);
        break;
    }
    catalogue_drop(catalogue);
    return err;
}

enum err benefit_reject(struct db *db, struct arena *arena, int64_t request, int64_t benefit, struct text reason,
                        const char *actor, instant_us at, int64_t *ret_additional)
{
    struct claim claim = {.request = request, .benefit = benefit, .reason = reason, .actor = actor, .at = at};
    int64_t additional = 0;
    enum err err = claim_find(db, arena, &claim);
    if (!err && (text_is(claim.state, "rejected") || !claim.category.length))
        err = ERR_CONFLICT;
    /* what was cancelled or given back owes nothing any more */
    bool over = text_is(claim.status, "cancelled") || text_is(claim.status, "refunded");
    if (!err && !over)
        err = ask_again(db, arena, &claim, &additional);
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_int(&args, benefit);
    db_arg_text(&args, reason);
    if (additional)
        db_arg_int(&args, additional);
    else
        db_arg_null(&args);
    if (!err)
        err = db_run(db, &reject_sql, &args);
    if (!err)
        *ret_additional = additional;
    return err;
}
