#include "core/auth/idempotency.h"

#include "core/auth/auth.h"
#include "core/base/crypto.h"
#include "core/db/db.h"

enum { KEY_MAX = 255, KEEP_DAYS = 7 };

static const struct db_statement lock_sql = {"idempotency_lock",
                                             "SELECT pg_try_advisory_xact_lock(hashtextextended(concat_ws(chr(31), "
                                             "$1::text, $2::text, $3::text, $4::text), 0))"};
static const struct db_statement find_sql = {"idempotency_find",
                                             "SELECT body_hash = $5, status, reply FROM idempotency"
                                             " WHERE caller = $1 AND method = $2 AND path = $3 AND key = $4"};
static const struct db_statement keep_sql = {
    "idempotency_keep",
    "INSERT INTO idempotency (caller, method, path, key, body_hash, status, content_type, reply, at)"
    " VALUES ($1, $2, $3, $4, $5, $6, 'application/json', $7, $8)"};
static const struct db_statement purge_sql = {
    "idempotency_purge", "WITH gone AS (DELETE FROM idempotency WHERE at < $1 RETURNING 1) SELECT count(*) FROM gone"};

struct once {
    struct request *rq;
    request_act act;
    void *with;
    struct text key;
    struct act_reply reply;
    bool replayed;
};

static struct db_args identity(struct once *once)
{
    struct db_args args = db_args(&once->rq->arena);
    db_arg_string(&args, auth_actor(once->rq));
    db_arg_string(&args, once->rq->method);
    db_arg_text(&args, once->rq->path);
    db_arg_text(&args, once->key);
    return args;
}

static void body_hash_arg(struct once *once, struct db_args *args)
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(once->rq->body, hash);
    db_arg_bytes(args, hash, sizeof hash);
}

static void reply_key(uint8_t ret_key[SHA256_SIZE])
{
    server_secret_derive("idempotency reply", TEXT_NONE, ret_key);
}

/* OK with `replayed` set when the same was answered before. */
static enum err find_stored(struct once *once)
{
    struct db_args args = identity(once);
    struct db_rows rows;
    enum err err = db_query(once->rq->db, &lock_sql, &args, &rows);
    if (err)
        return err;
    if (!db_bool(&rows, 0, 0))
        return ERR_IDEMPOTENCY_BUSY;
    body_hash_arg(once, &args);
    err = db_query(once->rq->db, &find_sql, &args, &rows);
    if (err || !rows.count)
        return err;
    if (!db_bool(&rows, 0, 0))
        return ERR_IDEMPOTENCY_REUSED;
    uint8_t key[SHA256_SIZE];
    reply_key(key);
    once->reply.status = (int)db_int(&rows, 0, 1);
    if (!crypto_open(key, db_bytes(&rows, 0, 2, &once->rq->arena), &once->reply.body))
        return ERR_INTERNAL;
    once->replayed = true;
    return OK;
}

static enum err keep(struct once *once)
{
    uint8_t key[SHA256_SIZE];
    struct buf sealed = {0};
    reply_key(key);
    crypto_seal(key, buf_view(&once->reply.body), &sealed);
    struct db_args args = identity(once);
    body_hash_arg(once, &args);
    db_arg_int(&args, once->reply.status);
    db_arg_bytes(&args, sealed.at, sealed.length);
    db_arg_instant(&args, once->rq->at);
    buf_done(&sealed);
    return db_run(once->rq->db, &keep_sql, &args);
}

static enum err run(struct db *db, void *with)
{
    struct once *once = with;
    buf_clear(&once->reply.body);
    once->replayed = false;
    enum err err = once->key.length ? find_stored(once) : OK;
    if (err || once->replayed)
        return err;
    err = once->act(once->rq, once->with, &once->reply);
    return err || !once->key.length ? err : keep(once);
}

enum err request_once(struct request *rq, request_act act, void *with)
{
    struct once once = {.rq = rq, .act = act, .with = with, .key = request_header(rq, "Idempotency-Key")};
    if (once.key.length > KEY_MAX)
        return faults_add(&rq->faults, "Idempotency-Key", ERR_FIELD_LENGTH, "Nhiều nhất %d ký tự", KEY_MAX);
    enum err err = db_transact(rq->db, rq->deadline_us, run, &once);
    if (!err) {
        if (once.replayed)
            reply_header(rq, "Idempotent-Replayed", TEXT("true"));
        err = reply_body(rq, once.reply.status, "application/json", buf_view(&once.reply.body));
    }
    buf_done(&once.reply.body);
    return err;
}

enum err idempotency_purge(struct db *db, struct arena *arena, instant_us at, int64_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at - KEEP_DAYS * DAY_US);
    enum err err = db_query(db, &purge_sql, &args, &rows);
    if (!err)
        *ret_count = db_int(&rows, 0, 0);
    return err;
}
