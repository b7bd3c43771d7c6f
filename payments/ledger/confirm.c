#include "payments/ledger/ledger.h"

#include <assert.h>
#include <string.h>
#include "payments/requests/requests.h"

static const struct db_statement confirm_sql = {
    "ledger_confirm",
    "SELECT n, outcome, payment, request FROM confirm($1, $2, $3, $4::text[]::bytea[], $5, $6, $7, $8, $9, $10, $11,"
    " $12, $13::text[]::bytea[], $14, $15, $16)"};

static const char *const outcome_names[] = {[CONFIRM_BOOKED] = "booked",
                                            [CONFIRM_UNALLOCATED] = "unallocated",
                                            [CONFIRM_REPLAYED] = "replayed",
                                            [CONFIRM_CONFLICT] = "conflict",
                                            [CONFIRM_REFUSED] = "refused"};

static struct text bytea_text(struct arena *arena, const void *bytes, size_t size)
{
    char *hex = arena_alloc(arena, 2 * size + 3);
    hex[0] = '\\';
    hex[1] = 'x';
    hex_encode(bytes, size, hex + 2);
    return (struct text){hex, 2 * size + 2};
}

/* The references every memo may hold, flattened: which notice, which reference, how many symbols were repaired. */
struct candidates {
    size_t count;
    int64_t *of, *edits;
    struct text *references;
};

static void find_candidates(struct arena *arena, const struct notice *notices, size_t count, struct candidates *ret)
{
    size_t most = count * REFERENCE_CANDIDATES_MAX + 1;
    *ret = (struct candidates){.of = ARENA_ARRAY(arena, int64_t, most),
                               .edits = ARENA_ARRAY(arena, int64_t, most),
                               .references = ARENA_ARRAY(arena, struct text, most)};
    for (size_t i = 0; i < count; i++) {
        struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
        size_t found_count = reference_candidates(notices[i].memo, found);
        for (size_t k = 0; k < found_count; k++) {
            ret->of[ret->count] = (int64_t)i + 1;
            ret->edits[ret->count] = found[k].edits;
            ret->references[ret->count] = arena_text(arena, text_of(found[k].reference.text));
            ret->count++;
        }
    }
}

/* One column of the batch: the field of every notice, empty optional fields as NULL. */
enum column { SOURCE, EXTERNAL_ID, CONTENT, ACCOUNT, METHOD, BANK_REFERENCE, MEMO, PAYER_NAME, PAYER_ACCOUNT, RAW };

static struct text or_null(struct text text)
{
    return text.length ? text : TEXT_NONE;
}

static struct text field(struct arena *arena, const struct notice *n, struct text raw, enum column column)
{
    switch (column) {
    case SOURCE: return n->source;
    case EXTERNAL_ID: return n->external_id;
    case CONTENT: return bytea_text(arena, n->content_hash, sizeof n->content_hash);
    case ACCOUNT: return n->account;
    case METHOD: return text_of(method_name(n->method));
    case BANK_REFERENCE: return or_null(n->bank_reference);
    case MEMO: return n->memo.at ? n->memo : TEXT("");
    case PAYER_NAME: return or_null(n->payer_name);
    case PAYER_ACCOUNT: return or_null(n->payer_account);
    case RAW: return raw.at ? bytea_text(arena, raw.at, raw.length) : TEXT_NONE;
    }
    return TEXT_NONE;
}

static void add_column(struct db_args *args, const struct notice *notices, const struct text *raws, size_t count,
                       enum column column)
{
    struct text *values = ARENA_ARRAY(args->arena, struct text, count);
    for (size_t i = 0; i < count; i++)
        values[i] = field(args->arena, &notices[i], raws ? raws[i] : TEXT_NONE, column);
    db_arg_text_array(args, values, count);
}

static struct db_args batch_args(struct arena *arena, const struct notice *notices, const struct text *raws,
                                 size_t count, instant_us at)
{
    int64_t *amounts = ARENA_ARRAY(arena, int64_t, count);
    instant_us *paid_ats = ARENA_ARRAY(arena, instant_us, count);
    for (size_t i = 0; i < count; i++) {
        amounts[i] = notices[i].amount;
        paid_ats[i] = notices[i].paid_at;
    }
    struct candidates candidates;
    find_candidates(arena, notices, count, &candidates);

    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    add_column(&args, notices, raws, count, SOURCE);
    add_column(&args, notices, raws, count, EXTERNAL_ID);
    add_column(&args, notices, raws, count, CONTENT);
    db_arg_int_array(&args, amounts, count);
    add_column(&args, notices, raws, count, ACCOUNT);
    add_column(&args, notices, raws, count, METHOD);
    add_column(&args, notices, raws, count, BANK_REFERENCE);
    add_column(&args, notices, raws, count, MEMO);
    db_arg_instant_array(&args, paid_ats, count);
    add_column(&args, notices, raws, count, PAYER_NAME);
    add_column(&args, notices, raws, count, PAYER_ACCOUNT);
    add_column(&args, notices, raws, count, RAW);
    db_arg_int_array(&args, candidates.of, candidates.count);
    db_arg_text_array(&args, candidates.references, candidates.count);
    db_arg_int_array(&args, candidates.edits, candidates.count);
    return args;
}

static enum confirm_outcome outcome_of(struct text name)
{
    for (int i = 0; i <= CONFIRM_REFUSED; i++)
        if (text_is(name, outcome_names[i]))
            return i;
    assert(!"an outcome that confirm() does not know");
    return CONFIRM_CONFLICT;
}

enum err ledger_confirm(struct db *db, struct arena *arena, const struct notice *notices, const struct text *raws,
                        size_t count, instant_us at, struct confirmation *ret_confirmations)
{
    assert(count && count <= CONFIRM_BATCH_MAX);
    struct db_args args = batch_args(arena, notices, raws, count, at);
    struct db_rows rows;
    enum err err = db_query(db, &confirm_sql, &args, &rows);
    if (err)
        return err;
    assert((size_t)rows.count == count);
    for (int i = 0; i < rows.count; i++)
        ret_confirmations[i] = (struct confirmation){.outcome = outcome_of(db_text(&rows, i, 1)),
                                                     .payment = db_int(&rows, i, 2),
                                                     .request = db_int(&rows, i, 3)};
    return OK;
}

/* One statement is one transaction: it is tried again after a deadlock or serialization failure, a bounded number of
 * times. */
static enum err confirm_with_retries(struct db *db, struct arena *arena, const struct notice *notices,
                                     const struct text *raws, size_t count, instant_us at,
                                     struct confirmation *ret_confirmations)
{
    enum { TRIES = 8 };
    enum err err = ERR_RETRY;
    for (int i = 0; i < TRIES && err == ERR_RETRY; i++)
        err = ledger_confirm(db, arena, notices, raws, count, at, ret_confirmations);
    return err;
}

void ledger_confirm_all(struct db *db, struct arena *arena, const struct notice *notices, const struct text *raws,
                        size_t count, instant_us at, struct confirmation *ret_confirmations)
{
    enum err err = confirm_with_retries(db, arena, notices, raws, count, at, ret_confirmations);
    bool of_the_data = err == ERR_INTERNAL || err == ERR_CONFLICT;
    if (of_the_data && count > 1) {
        size_t half = count / 2;
        ledger_confirm_all(db, arena, notices, raws, half, at, ret_confirmations);
        ledger_confirm_all(db, arena, notices + half, raws ? raws + half : NULL, count - half, at,
                           ret_confirmations + half);
        return;
    }
    for (size_t i = 0; err && i < count; i++)
        ret_confirmations[i] = (struct confirmation){.err = err};
}
