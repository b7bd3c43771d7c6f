/* Signing of frozen documents, and reading of stored ones. */
#include <string.h>
#include "core/db/db.h"
#include "core/jobs/jobs.h"
#include "receipts/issue.h"
#include "receipts/office.h"
#include "receipts/tsa.h"

static const struct db_statement waiting_sql = {
    "receipt_waiting", "SELECT id, collector, delegate_tax_code, xml FROM receipt_waiting($1::bigint[])"};
static const struct db_statement store_sql = {"receipt_store", "SELECT receipt_store($1, $2::bigint[], $3::text[])"};
static const struct db_statement store_for_stamp_sql = {"receipt_store_for_stamp",
                                                        "SELECT receipt_store_for_stamp($1, $2::bigint[], $3::text[])"};

#define LOAD                                                                                                           \
    "SELECT r.id, convert_from(coalesce(r.signed_xml, r.unsigned_xml), 'UTF8'), r.frozen_at, r.signed_at, "            \
    "(SELECT x.id FROM receipt x WHERE x.replaces = r.id), "                                                           \
    "(SELECT count(*) FROM receipt_notice t WHERE t.receipt_id = r.id) FROM receipt r "
static const struct db_statement load_sql = {"receipt_load", LOAD "WHERE r.id = $1"};
static const struct db_statement find_sql = {"receipt_find", LOAD "WHERE r.token_hash = $1"};

/* The preflight of a batch: its answer for a tax code holds for the batch. */
struct preflight {
    struct text tax_code;
    enum err ready;
    const char *problem;
};

/* Signs and checks what was signed before it is kept for ever: each by the pair assertion, the first of a batch as a
 * stranger would. */
static enum err sign_one(const struct receipt_office *office, const struct db_rows *rows, int i, instant_us at,
                         struct arena *arena, struct preflight *flight, struct text *ret_xml, const char **ret_problem)
{
    struct text collector = db_text(rows, i, 1), delegate = db_text(rows, i, 2);
    struct text signs = office_signer(office, collector) || !delegate.length ? collector : delegate;
    if (!text_equal(flight->tax_code, signs)) {
        flight->ready = office_ready(office, signs, at, arena, &flight->problem);
        flight->tax_code = signs;
    }
    *ret_problem = flight->problem;
    if (flight->ready)
        return flight->ready;
    const struct signer *signer = office_signer(office, signs);
    struct buf xml = {0};
    struct faults faults;
    struct receipt_verdict verdict;
    faults_init(&faults, arena);
    *ret_problem = "signing failed";
    enum err err = receipt_sign(signer, db_text(rows, i, 3), at, &xml);
    if (!err) {
        *ret_problem = "the new signature does not verify";
        err = receipt_sign_check(signer, db_text(rows, i, 3), at, buf_view(&xml));
    }
    if (!err && !i)
        err = receipt_verify(buf_view(&xml), NULL, &verdict, &faults);
    if (!err)
        *ret_xml = arena_text(arena, buf_view(&xml));
    buf_done(&xml);
    return err;
}

/* The receipts a job names: {receipts: […]} of one numbering, {receipt} in jobs of before. */
static size_t receipts_of(const struct job *job, struct arena *arena, int64_t ret_ids[JOB_BATCH_MAX])
{
    struct faults faults;
    json_t *body;
    size_t count = 0;
    faults_init(&faults, arena);
    if (json_parse_value(job->body, &body, &faults))
        return 0;
    const json_t *list = json_object_get(body, "receipts"), *one = json_object_get(body, "receipt");
    if (one)
        ret_ids[count++] = json_integer_value(one);
    for (size_t i = 0; i < json_array_size(list) && count < JOB_BATCH_MAX; i++)
        ret_ids[count++] = json_integer_value(json_array_get(list, i));
    return count;
}

/* Signs what waits among these and stores it in one commit; what is signed already is done. The outcome is the last
 * failure: whoever comes again finds only the receipts that are still unsigned. */
static enum err sign_all(struct db *db, const int64_t *ids, size_t count, struct arena *arena, instant_us at,
                         const char **ret_problem)
{
    int64_t signed_ids[JOB_BATCH_MAX];
    struct text signed_xmls[JOB_BATCH_MAX];
    size_t signed_count = 0;
    struct preflight flight = {0};
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int_array(&args, ids, count);
    receipt_turn_take();
    enum err outcome = OK, err = db_query(db, &waiting_sql, &args, &rows);
    receipt_turn_give();
    for (int i = 0; !err && i < rows.count; i++) {
        const char *problem;
        enum err one = sign_one(office_in_use(), &rows, i, at, arena, &flight, &signed_xmls[signed_count], &problem);
        if (!one)
            signed_ids[signed_count++] = db_int(&rows, i, 0);
        else
            *ret_problem = problem;
        outcome = one ? one : outcome;
    }
    if (err || !signed_count)
        return err ? err : outcome;
    args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int_array(&args, signed_ids, signed_count);
    db_arg_text_array(&args, signed_xmls, signed_count);
    receipt_turn_take();
    err = db_run(db, tsa_wanted() ? &store_for_stamp_sql : &store_sql, &args);
    receipt_turn_give();
    if (err)
        *ret_problem = "the signed bytes could not be stored";
    return err ? err : outcome;
}

void receipt_sign_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        struct arena own; /* a job is up to 256 documents */
        int64_t ids[JOB_BATCH_MAX];
        const char *problem = NULL;
        arena_init(&own);
        jobs[i].outcome = sign_all(db, ids, receipts_of(&jobs[i], &own, ids), &own, at, &problem);
        jobs[i].problem = arena_text(arena, text_of(problem));
        arena_done(&own);
    }
}

static enum err read_one(struct db *db, const struct db_statement *statement, const struct db_args *args,
                         struct receipt_stored *ret)
{
    struct db_rows rows;
    enum err err = db_query(db, statement, args, &rows);
    if (err)
        return err;
    if (!rows.count)
        return ERR_NOT_FOUND;
    *ret = (struct receipt_stored){.id = db_int(&rows, 0, 0),
                                   .xml = db_text(&rows, 0, 1),
                                   .frozen_at = db_instant(&rows, 0, 2),
                                   .signed_at = db_null(&rows, 0, 3) ? INSTANT_NONE : db_instant(&rows, 0, 3),
                                   .replaced_by = db_int(&rows, 0, 4),
                                   .notices = db_int(&rows, 0, 5)};
    return OK;
}

enum err receipt_load(struct db *db, struct arena *arena, int64_t id, struct receipt_stored *ret_receipt)
{
    struct db_args args = db_args(arena);
    db_arg_int(&args, id);
    return read_one(db, &load_sql, &args, ret_receipt);
}

enum err receipt_find(struct db *db, struct arena *arena, struct text token, struct receipt_stored *ret_receipt)
{
    uint8_t hash[SHA256_SIZE];
    if (!token_hash(token, hash))
        return ERR_NOT_FOUND;
    struct db_args args = db_args(arena);
    db_arg_bytes(&args, hash, sizeof hash);
    return read_one(db, &find_sql, &args, ret_receipt);
}
