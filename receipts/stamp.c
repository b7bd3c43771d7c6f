/* Time stamps of stored receipts: asked for as a durable job after signing, kept beside the receipt. An authority that
 * does not answer holds up nothing: the job comes back, later each time, and says why it waits. */
#include <stdatomic.h>
#include "receipts/office.h"
#include "receipts/tsa.h"

static const struct db_statement unstamped_sql = {
    "receipt_unstamped",
    "SELECT convert_from(signed_xml, 'UTF8') FROM receipt r WHERE id = $1 AND signed_xml IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM receipt_timestamp t WHERE t.receipt_id = r.id)"};
static const struct db_statement keep_sql = {
    "receipt_stamp_keep", "INSERT INTO receipt_timestamp (receipt_id, at, stored_at, reply) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT DO NOTHING"};
static const struct db_statement state_sql = {
    "receipt_stamp_state",
    "SELECT t.at, t.stored_at, t.reply, j.state, j.error, j.tries FROM receipt r "
    "LEFT JOIN receipt_timestamp t ON t.receipt_id = r.id "
    "LEFT JOIN job j ON j.kind = 'receipt.stamp' AND j.key = 'receipt ' || r.id WHERE r.id = $1"};

enum { TSA_TIMEOUT_MS = 8000, TSA_CONNECT_MS = 3000 };

static _Atomic(struct http_client *) client_in_use;
static _Atomic(const struct receipt_trust *) trust_in_use;

bool tsa_wanted(void)
{
    return atomic_load(&client_in_use) && *config_text(CONFIG_RECEIPTS_TSA_URL);
}

enum err receipt_stamps_use(struct http_client *client, struct faults *faults)
{
    static struct receipt_trust *trust; /* for as long as the program runs */
    const char *path = client ? config_text(CONFIG_RECEIPTS_TSA_TRUST) : "";
    enum err err = *path && !trust ? receipt_trust_open(path, &trust) : OK;
    if (err)
        return faults_add(faults, path, err, NULL);
    atomic_store(&trust_in_use, *path ? trust : NULL);
    atomic_store(&client_in_use, client);
    return OK;
}

static enum err ask(struct text file, struct arena *arena, struct tsa_verdict *ret_verdict, struct text *ret_reply,
                    const char **ret_problem)
{
    static const struct http_pair headers[] = {{"Content-Type", TEXT("application/timestamp-query")},
                                               {"Accept", TEXT("application/timestamp-reply")}};
    struct buf request = {0};
    struct http_answer answer;
    struct faults faults;
    faults_init(&faults, arena);
    enum err err = tsa_request(file, &request);
    struct text body = arena_text(arena, buf_view(&request));
    buf_done(&request);
    const struct http_call call = {.method = "POST",
                                   .url = config_text(CONFIG_RECEIPTS_TSA_URL),
                                   .headers = headers,
                                   .header_count = sizeof headers / sizeof *headers,
                                   .body = body,
                                   .connect_timeout_ms = TSA_CONNECT_MS,
                                   .total_timeout_ms = TSA_TIMEOUT_MS,
                                   .answer_max = TSA_REPLY_MAX};
    *ret_problem = "the time-stamping authority does not answer";
    if (!err)
        err = http_client_call(atomic_load(&client_in_use), &call, arena, &answer);
    if (err)
        return err;
    *ret_problem = arena_printf(arena, "the time-stamping authority answers %d", answer.status);
    if (answer.status != 200)
        return ERR_NETWORK;
    err = tsa_check(answer.body, file, body, atomic_load(&trust_in_use), ret_verdict, &faults);
    if (err && faults.count)
        *ret_problem = arena_printf(arena, "the stamp is not good: %s", faults.list[0].detail);
    *ret_reply = answer.body;
    return err;
}

static enum err stamp_one(struct db *db, int64_t receipt, struct arena *arena, instant_us at, const char **ret_problem)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    struct tsa_verdict verdict;
    struct text reply;
    *ret_problem = "no time-stamping authority is configured any more";
    if (!tsa_wanted())
        return ERR_CONFIG;
    *ret_problem = NULL;
    db_arg_int(&args, receipt);
    enum err err = db_query(db, &unstamped_sql, &args, &rows);
    if (err || !rows.count)
        return err; /* stamped already */
    err = ask(db_text(&rows, 0, 0), arena, &verdict, &reply, ret_problem);
    if (err)
        return err;
    args = db_args(arena);
    db_arg_int(&args, receipt);
    db_arg_instant(&args, verdict.at);
    db_arg_instant(&args, at);
    db_arg_bytes(&args, reply.at, reply.length);
    *ret_problem = NULL;
    return db_run(db, &keep_sql, &args);
}

void receipt_stamp_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    const char *problem = NULL;
    enum err down = OK;
    for (size_t i = 0; i < count; i++) {
        int64_t receipt = 0;
        if (!text_to_int64(text_slice(jobs[i].key, 8, jobs[i].key.length), &receipt)) /* "receipt 17" */
            jobs[i].outcome = ERR_INTERNAL;
        else if (down) /* it did not answer a moment ago: the others wait, too, without asking */
            jobs[i].outcome = down;
        else
            jobs[i].outcome = stamp_one(db, receipt, arena, at, &problem);
        if (jobs[i].outcome == ERR_NETWORK || jobs[i].outcome == ERR_UNKNOWN_OUTCOME)
            down = jobs[i].outcome;
        jobs[i].problem = text_of(jobs[i].outcome ? problem : NULL);
    }
}

enum err stamp_load(struct db *db, struct arena *arena, int64_t receipt, struct stamp *ret_stamp)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, receipt);
    enum err err = db_query(db, &state_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret_stamp = (struct stamp){.at = db_null(&rows, 0, 0) ? INSTANT_NONE : db_instant(&rows, 0, 0),
                                .reply = db_bytes(&rows, 0, 2, arena),
                                .state = !db_null(&rows, 0, 0)  ? "stamped"
                                         : db_null(&rows, 0, 3) ? "none"
                                                                : arena_copy(arena, db_text(&rows, 0, 3)),
                                .problem = db_text(&rows, 0, 4),
                                .tries = db_int(&rows, 0, 5)};
    return OK;
}

static enum err find(struct request *rq, struct stamp *ret_stamp)
{
    struct receipt_stored stored = {0};
    struct text token = request_capture(rq, "token");
    int64_t id = 0;
    enum err err = OK;
    if (token.at)
        err = receipt_find(rq->db, &rq->arena, token, &stored);
    else if (!text_to_int64(request_capture(rq, "id"), &id))
        err = ERR_NOT_FOUND;
    return err ? err : stamp_load(rq->db, &rq->arena, token.at ? stored.id : id, ret_stamp);
}

enum err receipt_stamp_handle(struct request *rq)
{
    struct stamp stamp;
    enum err err = find(rq, &stamp);
    if (!err && stamp.at == INSTANT_NONE)
        err = ERR_NOT_FOUND;
    return err ? reply_error(rq, err) : reply_body(rq, 200, "application/timestamp-reply", stamp.reply);
}

static void state_write(struct json *json, const void *what)
{
    const struct stamp *stamp = what;
    json_put_object(json, NULL);
    json_put_string(json, "state", stamp->state);
    json_put_instant(json, "at", stamp->at);
    json_put_int(json, "tries", stamp->tries);
    json_put_text_or_null(json, "problem", stamp->problem);
    json_put_end(json);
}

enum err receipt_stamp_state_handle(struct request *rq)
{
    struct stamp stamp;
    enum err err = find(rq, &stamp);
    return err ? reply_error(rq, err) : reply_json(rq, 200, state_write, &stamp);
}
