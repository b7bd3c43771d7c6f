/* Jobs receipt.summary and tax.send: made in the evening, signed, handed over, asked for when no answer came.
 *
 * Who answers is behind struct tax_adapter. An answer that got lost is its own state: the authority is asked by the
 * message's code before anything is sent again, and it knows the code when it comes twice. */
#include <stdatomic.h>
#include "receipts/concern.h"
#include "receipts/office.h"
#include "receipts/tax.h"

static const struct db_statement load_sql = {
    "tax_message_load", "SELECT code, kind, collector, day, state, convert_from(coalesce(signed_xml, unsigned_xml), "
                        "'UTF8'), form FROM tax_message WHERE id = $1"};
static const struct db_statement signed_sql = {"tax_message_signed", "SELECT tax_message_signed($1, $2, $3)"};
static const struct db_statement tried_sql = {"tax_message_tried", "SELECT tax_message_tried($1, $2, $3, $4, $5, $6)"};
static const struct db_statement queue_sql = {
    "tax_queue", "INSERT INTO job (kind, key, body, run_at, created_at) SELECT 'tax.send', m.code, "
                 "jsonb_build_object('message', m.id), $1, $1 FROM tax_message m WHERE m.state NOT IN ('accepted', "
                 "'refused') ON CONFLICT DO NOTHING"};

enum { RESEND_WORKING_DAYS = 3 }; /* NĐ 254/2026 art. 27, 29: after the outage has ended */

static const struct tax_adapter *_Atomic adapter_in_use;

void receipt_tax_use(const struct tax_adapter *adapter)
{
    atomic_store(&adapter_in_use, adapter);
}

enum err receipt_tax_queue(struct db *db, struct arena *arena, instant_us at)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    return db_run(db, &queue_sql, &args);
}

struct message {
    int64_t id;
    struct text code, kind, collector, state, xml, form;
    date_days day;
};

static json_t *body_of(const struct job *job, struct arena *arena)
{
    struct faults faults;
    json_t *body;
    faults_init(&faults, arena);
    return json_parse_value(job->body, &body, &faults) ? NULL : body;
}

static enum err load(struct db *db, struct arena *arena, int64_t id, struct message *ret)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_int(&args, id);
    enum err err = db_query(db, &load_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret = (struct message){id,
                            db_text(&rows, 0, 0),
                            db_text(&rows, 0, 1),
                            db_text(&rows, 0, 2),
                            db_text(&rows, 0, 4),
                            db_text(&rows, 0, 5),
                            db_text(&rows, 0, 6),
                            db_date(&rows, 0, 3)};
    return OK;
}

/* Signs, verifies what was signed, keeps it. */
static enum err sign(struct db *db, struct arena *arena, instant_us at, struct message *message,
                     const char **ret_problem)
{
    const struct receipt_office *office = office_in_use();
    enum err err = office_ready(office, message->collector, at, arena, ret_problem);
    if (err)
        return err;
    const struct envelope *envelope = text_is(message->kind, "summary") ? &tax_summary_envelope : &tax_notice_envelope;
    struct buf xml = {0};
    struct faults faults;
    struct receipt_verdict verdict;
    xmlNode *data;
    faults_init(&faults, arena);
    *ret_problem = "signing failed";
    err = envelope_sign(envelope, office_signer(office, message->collector), message->xml, at, &xml);
    if (!err)
        err = envelope_verify(envelope, buf_view(&xml), NULL, &verdict, &data, &faults);
    if (!err) {
        struct db_args args = db_args(arena);
        message->xml = arena_text(arena, buf_view(&xml));
        db_arg_instant(&args, at);
        db_arg_int(&args, message->id);
        db_arg_text(&args, message->xml);
        err = db_run(db, &signed_sql, &args);
        message->state = TEXT("queued");
    }
    buf_done(&xml);
    return err;
}

static enum err tried(struct db *db, struct arena *arena, instant_us at, const struct message *message,
                      const char *state, struct text problem, struct text answer, date_days due)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_int(&args, message->id);
    db_arg_string(&args, state);
    db_arg_text(&args, problem.length ? text_head(problem, 400) : TEXT_NONE);
    db_arg_text(&args, answer.length ? answer : TEXT_NONE);
    db_arg_date(&args, due);
    return db_run(db, &tried_sql, &args);
}

/* The outage is not over: three working days run from its end, which is today at the earliest. */
static date_days resend_by(struct db *db, instant_us at)
{
    struct calendar *calendar;
    if (calendar_load(db, &calendar))
        return DATE_NONE;
    date_days due = calendar_add(calendar, date_of(at), RESEND_WORKING_DAYS);
    calendar_free(calendar);
    return due;
}

static enum err hand_over(struct db *db, struct arena *arena, instant_us at, const struct message *message,
                          const char **ret_problem)
{
    const struct tax_adapter *adapter = atomic_load(&adapter_in_use);
    if (!adapter) /* waits in its table until somebody says where to (receipt_tax_queue) */
        return tried(db, arena, at, message, "queued", TEXT("Chưa cấu hình địa chỉ của cơ quan thuế."), TEXT_NONE,
                     DATE_NONE);
    struct tax_answer answer = {0};
    const struct tax_letter letter = {message->code, message->kind, message->form, message->collector, message->xml};
    enum err err = ERR_NOT_FOUND;
    if (text_is(message->state, "unknown"))
        err = adapter->ask(adapter->with, message->code, arena, &answer);
    if (err == ERR_NOT_FOUND)
        err = adapter->send(adapter->with, &letter, arena, &answer);
    if (!err && answer.verdict != TAX_PENDING)
        return tried(db, arena, at, message, answer.verdict == TAX_ACCEPTED ? "accepted" : "refused", answer.words,
                     answer.raw, DATE_NONE);
    bool unsent = err == ERR_NETWORK || err == ERR_UNAVAILABLE || err == ERR_CONFIG;
    unsent = unsent && !text_is(message->state, "unknown");
    *ret_problem = err ? err_info(err)->en : "the tax authority has not decided yet";
    enum err kept = tried(db, arena, at, message, unsent ? "queued" : "unknown", text_of(*ret_problem), answer.raw,
                          err ? resend_by(db, at) : DATE_NONE);
    return kept ? kept : err ? err : ERR_RETRY;
}

void receipt_tax_send_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        struct message message;
        const char *problem = NULL;
        json_t *body = body_of(&jobs[i], arena);
        enum err err = load(db, arena, json_integer_value(json_object_get(body, "message")), &message);
        if (!err && text_is(message.state, "unsigned")) {
            err = sign(db, arena, at, &message, &problem);
            if (err)
                concern_open(db, arena, at, "tax_unsigned", message.code, problem);
            else
                concern_gone(db, arena, at, "tax_unsigned", message.code);
        }
        if (!err && (text_is(message.state, "queued") || text_is(message.state, "unknown")))
            err = hand_over(db, arena, at, &message, &problem);
        jobs[i].outcome = err == ERR_NOT_FOUND ? OK : err;
        jobs[i].problem = text_of(problem);
    }
}

void receipt_summary_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        int64_t made;
        date_days day;
        json_t *body = body_of(&jobs[i], arena);
        struct text collector = text_of(json_string_value(json_object_get(body, "collector")));
        jobs[i].outcome = OK;
        if (!date_parse(text_of(json_string_value(json_object_get(body, "day"))), &day))
            continue;
        jobs[i].outcome = tax_summary_make(db, arena, at, "machine", collector, day, &made);
        if (jobs[i].outcome)
            jobs[i].problem = text_of(db_error(db));
    }
}
