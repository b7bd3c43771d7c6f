/* The transparency log over the database: reading the feed onwards, the day's signed head, proofs. */
#include "receipts/log.h"

#include <string.h>
#include "receipts/office.h"

static const struct db_statement advance_sql = {"receipt_log_advance", "SELECT receipt_log_advance(2000)"};
static const struct db_statement wake_sql = {"receipt_log_wake", "SELECT receipt_log_wake($1)"};
static const struct db_statement size_sql = {"receipt_log_size",
                                             "SELECT coalesce(max(leaf_index) + 1, 0) FROM receipt_log_leaf"};
static const struct db_statement hashes_sql = {
    "receipt_log_hashes", "SELECT level, node_index, hash FROM receipt_log_hashes($1::integer[], $2::bigint[])"};
static const struct db_statement audit_sql = {"receipt_log_audit",
                                              "SELECT leaf, problem FROM receipt_log_audit($1) LIMIT 1"};
static const struct db_statement heads_sql = {
    "receipt_log_heads",
    "SELECT day, size, encode(root, 'hex'), at, body, algorithm, replace(encode(signature, 'base64'), E'\\n', ''), "
    "certificate FROM receipt_log_head WHERE day > $1 ORDER BY day LIMIT $2"};
static const struct db_statement newest_sql = {
    "receipt_log_newest", "SELECT day, size, encode(root, 'hex'), at, body, algorithm, replace(encode(signature, "
                          "'base64'), E'\\n', ''), certificate "
                          "FROM receipt_log_head WHERE $1::date IS NULL OR day = $1 ORDER BY day DESC LIMIT 1"};
static const struct db_statement publish_sql = {
    "receipt_log_publish",
    "INSERT INTO receipt_log_head (day, size, root, at, body, algorithm, signature, certificate) "
    "VALUES ($1, $2, decode($3, 'hex'), $4, $5, $6, decode($7, 'base64'), $8) ON CONFLICT (day) DO NOTHING"};
static const struct db_statement entries_sql = {
    "receipt_log_entries_of",
    "SELECT leaf_index, status, entry FROM receipt_log_entries WHERE receipt_id = $1 ORDER BY leaf_index LIMIT 100"};

enum { ROUNDS_MAX = 500 };

const char *log_name(void)
{
    const struct receipt_office *office = office_in_use();
    return office ? office->public_url : "";
}

static enum err read_on(struct db *db, struct arena *arena)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct db_args none = db_args(arena);
        struct db_rows rows;
        enum err err = db_query(db, &advance_sql, &none, &rows);
        if (err || !db_int(&rows, 0, 0))
            return err;
    }
    return ERR_RETRY; /* a million events: the rest next time */
}

enum err receipt_log_tick(struct db *db, struct arena *arena, instant_us at, int64_t *ret_made)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    enum err err = db_query(db, &wake_sql, &args, &rows);
    if (!err)
        *ret_made = db_int(&rows, 0, 0);
    return err;
}

void receipt_log_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    enum err err = read_on(db, arena);
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = err;
}

enum err log_size(struct db *db, struct arena *arena, int64_t *ret_size)
{
    struct db_args none = db_args(arena);
    struct db_rows rows;
    enum err err = db_query(db, &size_sql, &none, &rows);
    if (!err)
        *ret_size = db_int(&rows, 0, 0);
    return err;
}

/* The subtrees that were fetched for one answer. */
struct fetched {
    size_t count;
    int level[MERKLE_WANTED_MAX];
    int64_t index[MERKLE_WANTED_MAX];
    struct merkle_hash hash[MERKLE_WANTED_MAX];
};

static bool find_fetched(void *with, int level, int64_t index, struct merkle_hash *ret_hash)
{
    const struct fetched *fetched = with;
    for (size_t i = 0; i < fetched->count; i++) {
        if (fetched->level[i] == level && fetched->index[i] == index) {
            *ret_hash = fetched->hash[i];
            return true;
        }
    }
    return false;
}

enum err log_source(struct db *db, struct arena *arena, int64_t index, int64_t first, int64_t second,
                    struct merkle_source *ret_source)
{
    int64_t levels[MERKLE_WANTED_MAX], indexes[MERKLE_WANTED_MAX];
    size_t wanted = merkle_wanted(index, first, second, levels, indexes);
    struct fetched *fetched = ARENA_NEW(arena, struct fetched);
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int_array(&args, levels, wanted);
    db_arg_int_array(&args, indexes, wanted);
    enum err err = db_query(db, &hashes_sql, &args, &rows);
    for (int i = 0; !err && i < rows.count && fetched->count < MERKLE_WANTED_MAX; i++) {
        fetched->level[fetched->count] = (int)db_int(&rows, i, 0);
        fetched->index[fetched->count] = db_int(&rows, i, 1);
        if (!hex_decode(db_text(&rows, i, 2), fetched->hash[fetched->count].at, MERKLE_SIZE))
            return ERR_INTERNAL;
        fetched->count++;
    }
    *ret_source = (struct merkle_source){find_fetched, fetched};
    return err;
}

enum err log_root(struct db *db, struct arena *arena, int64_t size, struct merkle_hash *ret_root)
{
    struct merkle_source source;
    enum err err = log_source(db, arena, -1, 0, size, &source);
    if (!err && !merkle_root(&source, size, ret_root))
        err = ERR_FIELD_RANGE;
    return err;
}

static enum err read_head(const struct db_rows *rows, int i, struct log_head *ret)
{
    *ret = (struct log_head){.day = db_date(rows, i, 0),
                             .size = db_int(rows, i, 1),
                             .at = db_instant(rows, i, 3),
                             .body = db_text(rows, i, 4),
                             .algorithm = db_text(rows, i, 5),
                             .signature = db_text(rows, i, 6),
                             .certificate = db_text(rows, i, 7)};
    struct text rest = ret->body;
    text_until(rest, '\n', &rest);
    struct text log = text_until(rest, '\n', &rest);
    ret->log = text_slice(log, 4, log.length); /* "log …" */
    return hex_decode(db_text(rows, i, 2), ret->root.at, MERKLE_SIZE) ? OK : ERR_INTERNAL;
}

enum err log_head_load(struct db *db, struct arena *arena, date_days day, struct log_head *ret_head)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_date(&args, day);
    enum err err = db_query(db, &newest_sql, &args, &rows);
    if (err)
        return err;
    return rows.count ? read_head(&rows, 0, ret_head) : ERR_NOT_FOUND;
}

enum err log_heads_load(struct db *db, struct arena *arena, date_days after, int64_t most, struct log_head **ret_heads,
                        size_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_date(&args, after);
    db_arg_int(&args, most);
    enum err err = db_query(db, &heads_sql, &args, &rows);
    if (err)
        return err;
    struct log_head *heads = ARENA_ARRAY(arena, struct log_head, rows.count + 1);
    for (int i = 0; i < rows.count && !err; i++)
        err = read_head(&rows, i, &heads[i]);
    *ret_heads = heads;
    *ret_count = (size_t)rows.count;
    return err;
}

/* Any collector's key will do: what counts is that a key of the province, known from its receipts, says it. */
static const struct signer *somebody(const struct receipt_office *office, instant_us at)
{
    for (size_t i = 0; office && i < office->count; i++)
        if (!signer_check(office->signers[i], office->signers[i]->tax_code, at))
            return office->signers[i];
    return NULL;
}

/* Everything up to now is read and looked through again since the last head; only then somebody signs for it. */
static enum err publish(struct db *db, struct arena *arena, date_days day, instant_us at, const char **ret_problem)
{
    const struct signer *signer = somebody(office_in_use(), at);
    struct log_head before = {0}, head = {.day = day, .at = at, .log = text_of(log_name())};
    struct db_rows rows;
    *ret_problem = "nobody to sign the head: no usable key is configured";
    if (!signer)
        return ERR_KEY;
    *ret_problem = NULL;
    enum err err = read_on(db, arena);
    if (!err)
        err = log_head_load(db, arena, DATE_NONE, &before);
    err = err == ERR_NOT_FOUND ? OK : err;
    if (!err)
        err = log_size(db, arena, &head.size);
    struct db_args args = db_args(arena);
    db_arg_int(&args, before.size);
    if (!err)
        err = db_query(db, &audit_sql, &args, &rows);
    if (!err && rows.count) {
        *ret_problem = arena_printf(arena, "leaf %lld of the receipt log: the %.*s is not what it was",
                                    (long long)db_int(&rows, 0, 0), TEXT_ARGS(db_text(&rows, 0, 1)));
        return ERR_CONFLICT;
    }
    if (!err)
        err = log_root(db, arena, head.size, &head.root);
    struct buf body = {0};
    log_head_body(&head, &body);
    head.body = arena_text(arena, buf_view(&body));
    buf_done(&body);
    if (!err)
        err = log_head_sign(signer, &head, arena);
    if (err)
        return err;
    char hex[HEX_SHA256_SIZE];
    hex_encode(head.root.at, MERKLE_SIZE, hex);
    args = db_args(arena);
    db_arg_date(&args, head.day);
    db_arg_int(&args, head.size);
    db_arg_string(&args, hex);
    db_arg_instant(&args, head.at);
    db_arg_text(&args, head.body);
    db_arg_text(&args, head.algorithm);
    db_arg_text(&args, head.signature);
    db_arg_text(&args, head.certificate);
    return db_run(db, &publish_sql, &args);
}

void receipt_head_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        date_days day;
        const char *problem = "the job names no day";
        jobs[i].outcome = date_parse(text_slice(jobs[i].key, 4, jobs[i].key.length), &day)
                              ? publish(db, arena, day, at / SECOND_US * SECOND_US, &problem)
                              : ERR_INTERNAL;
        jobs[i].problem = text_of(jobs[i].outcome ? problem : NULL);
    }
}

static void put_hash(struct json *json, const char *key, const struct merkle_hash *hash)
{
    char hex[HEX_SHA256_SIZE];
    hex_encode(hash->at, MERKLE_SIZE, hex);
    json_put_string(json, key, hex);
}

static void put_proof(struct json *json, const struct merkle_proof *proof)
{
    json_put_array(json, "proof");
    for (size_t i = 0; i < proof->count; i++)
        put_hash(json, NULL, &proof->nodes[i]);
    json_put_end(json);
}

static enum err put_entry(struct db *db, struct arena *arena, const struct db_rows *rows, int i, int64_t size,
                          struct json *json)
{
    struct merkle_source source;
    struct merkle_proof proof;
    int64_t index = db_int(rows, i, 0);
    enum err err = log_source(db, arena, index, 0, size, &source);
    if (!err && !merkle_inclusion(&source, index, size, &proof))
        err = ERR_FIELD_RANGE;
    if (err)
        return err;
    json_put_object(json, NULL);
    json_put_int(json, "index", index);
    json_put_text(json, "status", db_text(rows, i, 1));
    json_put_text(json, "entry", db_text(rows, i, 2));
    put_proof(json, &proof);
    json_put_end(json);
    return OK;
}

enum err log_prove(struct db *db, struct arena *arena, int64_t receipt, int64_t size, struct buf *out)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    struct log_head head = {0};
    struct merkle_hash root;
    int64_t now = 0;
    db_arg_int(&args, receipt);
    enum err err = db_query(db, &entries_sql, &args, &rows);
    if (!err && !rows.count)
        return ERR_NOT_FOUND;
    if (!err)
        err = log_size(db, arena, &now);
    if (!err)
        err = log_head_load(db, arena, DATE_NONE, &head);
    err = err == ERR_NOT_FOUND ? OK : err;
    if (!err && size > now)
        return ERR_FIELD_RANGE;
    if (!size)
        size = head.size > db_int(&rows, rows.count - 1, 0) ? head.size : now;
    if (!err)
        err = log_root(db, arena, size, &root);
    struct buf made = {0};
    struct json json = json_to(&made);
    json_put_object(&json, NULL);
    json_put_string(&json, "log", log_name());
    json_put_int(&json, "size", size);
    if (!err)
        put_hash(&json, "root", &root);
    json_put_array(&json, "entries");
    for (int i = 0; i < rows.count && !err; i++)
        if (db_int(&rows, i, 0) < size)
            err = put_entry(db, arena, &rows, i, size, &json);
    json_put_end(&json);
    if (!err && head.size == size)
        log_head_write(&json, "head", &head);
    else
        json_put_null(&json, "head"); /* tonight's head will cover it */
    json_put_end(&json);
    if (!err)
        buf_text(out, buf_view(&made));
    buf_done(&made);
    return err;
}

enum err log_prove_consistency(struct db *db, struct arena *arena, int64_t first, int64_t second, struct buf *out)
{
    struct merkle_source source;
    struct merkle_proof proof;
    struct merkle_hash roots[2];
    int64_t now;
    enum err err = log_size(db, arena, &now);
    if (!err && (first < 0 || first > second || second > now))
        err = ERR_FIELD_RANGE;
    if (!err)
        err = log_source(db, arena, -1, first, second, &source);
    if (!err && (!merkle_consistency(&source, first, second, &proof) || !merkle_root(&source, first, &roots[0]) ||
                 !merkle_root(&source, second, &roots[1])))
        err = ERR_INTERNAL;
    if (err)
        return err;
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_string(&json, "log", log_name());
    json_put_int(&json, "first_size", first);
    put_hash(&json, "first_root", &roots[0]);
    json_put_int(&json, "second_size", second);
    put_hash(&json, "second_root", &roots[1]);
    put_proof(&json, &proof);
    json_put_end(&json);
    return OK;
}

static const struct db_statement named_sql = {
    "receipt_named", "SELECT r.id FROM receipt r JOIN receipt_book b ON b.id = r.book_id "
                     "WHERE b.collector || '/' || b.form || '/' || b.symbol || '/' || r.number = $1 "
                     "AND r.number = $2 AND b.symbol = $3"};

enum err receipt_prove(struct db *db, struct arena *arena, struct text name, int64_t size, struct buf *out)
{
    int64_t id, number;
    if (text_to_int64(name, &id))
        return log_prove(db, arena, id, size, out);
    struct text part[4], rest = name;
    for (int i = 0; i < 4; i++)
        part[i] = text_until(rest, '/', &rest);
    if (!text_to_int64(part[3], &number) || number < 1 || number > RECEIPT_NUMBER_MAX)
        return ERR_NOT_FOUND;
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, name);
    db_arg_int(&args, number);
    db_arg_text(&args, part[2]);
    enum err err = db_query(db, &named_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    return log_prove(db, arena, db_int(&rows, 0, 0), size, out);
}
