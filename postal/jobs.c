/* What happens with carriers behind the counter's back: booking, cancelling, asking. Each job commits what it is about
 * to do, calls outside any transaction, and commits what it learned; run again after a crash it asks before it acts. */
#include <string.h>
#include "postal/room.h"

static const struct db_statement attempt_sql = {"parcel_attempt",
                                                "SELECT before, code, wish, last_attempt FROM parcel_attempt($1, $2)"};
static const struct db_statement not_there_sql = {"parcel_not_there", "SELECT parcel_not_there($1, $2)"};
static const struct db_statement booked_sql = {"parcel_booked", "SELECT parcel_booked($1, $2, $3, $4, $5)"};
static const struct db_statement refused_sql = {"parcel_refused", "SELECT parcel_refused($1, $2, $3)"};
static const struct db_statement cancelled_sql = {"parcel_cancelled", "SELECT parcel_cancelled($1, $2, $3, $4)"};
static const struct db_statement again_sql = {"parcel_track_again", "SELECT parcel_track_again($1, $2, $3)"};

static const struct db_statement control_sql = {
    "parcel_control", "SELECT p.code FROM parcel p JOIN parcel o ON o.carrier = p.carrier WHERE o.id = $1"
                      " AND p.state IN ('booked', 'cancelling') ORDER BY p.id DESC LIMIT 1"};

/* One job under way. */
struct errand {
    const struct postal_room *room;
    struct db *db;
    struct arena *arena;
    instant_us at;
    int64_t parcel, round;
    struct text problem;
};

static enum err run(struct errand *errand, const struct db_statement *statement)
{
    struct db_args args = db_args(errand->arena);
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, errand->parcel);
    if (statement == &refused_sql)
        db_arg_text(&args, errand->problem.at ? errand->problem : TEXT(""));
    if (statement == &again_sql)
        db_arg_int(&args, errand->round);
    return db_run(errand->db, statement, &args);
}

static enum err booked(struct errand *errand, const struct carrier_booking *booking)
{
    struct db_args args = db_args(errand->arena);
    char item[S10_LENGTH + 1];
    bool s10 = postal_s10_read(booking->item, item);
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, errand->parcel);
    db_arg_text(&args, s10 ? text_of(item) : booking->item);
    db_arg_text(&args, booking->carrier_id);
    if (booking->fee < 0)
        db_arg_null(&args);
    else
        db_arg_int(&args, booking->fee);
    return db_run(errand->db, &booked_sql, &args);
}

static enum err send(struct errand *errand, struct text code, struct text wish)
{
    const struct carrier *carrier = &errand->room->carrier;
    struct carrier_order order;
    struct carrier_booking booking;
    enum err err = order_read(wish, code, errand->arena, &order);
    if (err)
        return err;
    err = carrier->book(carrier->self, &order, errand->arena, &booking, &errand->problem);
    if (!err)
        return booked(errand, &booking);
    if (err == ERR_CARRIER_REFUSED)
        return run(errand, &refused_sql);
    if (err != ERR_UNKNOWN_OUTCOME) { /* certainly nothing was sent */
        enum err back = run(errand, &not_there_sql);
        return back ? back : err;
    }
    return err; /* the next try finds the parcel 'sent' and asks */
}

/* Before "not found" is believed: a parcel that is certainly there must be found by the same question. A wrong search
 * parameter or a search that is down would otherwise book everything twice. */
static enum err control(struct errand *errand)
{
    const struct carrier *carrier = &errand->room->carrier;
    struct carrier_booking booking;
    struct db_args args = db_args(errand->arena);
    struct db_rows rows;
    db_arg_int(&args, errand->parcel);
    enum err err = db_query(errand->db, &control_sql, &args, &rows);
    if (!err)
        err = rows.count ? carrier->find(carrier->self, db_text(&rows, 0, 0), errand->arena, &booking) : ERR_NOT_FOUND;
    if (err != ERR_NOT_FOUND)
        return err;
    errand->problem = TEXT("Tra cứu của bưu điện không tìm thấy cả đơn chắc chắn đã có: cần người kiểm tra");
    return ERR_UNKNOWN_OUTCOME;
}

/* An attempt was made whose outcome we do not know. "Not found" right after it proves nothing: the order may still be
 * on its way through their queues, so it is believed only after a while. */
static enum err ask(struct errand *errand, struct text code, instant_us last_attempt)
{
    const struct carrier *carrier = &errand->room->carrier;
    struct carrier_booking booking;
    enum err err = carrier->find(carrier->self, code, errand->arena, &booking);
    if (!err)
        return booked(errand, &booking);
    if (err != ERR_NOT_FOUND)
        return err;
    if (clock_now() - last_attempt < errand->room->config.ask_again_s * SECOND_US)
        return ERR_UNKNOWN_OUTCOME;
    err = control(errand);
    if (!err)
        err = run(errand, &not_there_sql);
    return err ? err : ERR_RETRY;
}

static enum err book_one(struct errand *errand)
{
    const struct carrier *carrier = &errand->room->carrier;
    enum err err = carrier->ready(carrier->self, errand->arena);
    if (err)
        return err;
    struct db_args args = db_args(errand->arena);
    struct db_rows rows;
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, errand->parcel);
    err = db_query(errand->db, &attempt_sql, &args, &rows); /* committed before the call */
    if (err || !rows.count)
        return err;
    struct text before = db_text(&rows, 0, 0), code = db_text(&rows, 0, 1);
    if (text_is(before, "wanted"))
        return send(errand, code, db_text(&rows, 0, 2));
    return text_is(before, "sent") ? ask(errand, code, db_instant(&rows, 0, 3)) : OK;
}

static enum err cancel_one(struct errand *errand)
{
    const struct carrier *carrier = &errand->room->carrier;
    struct parcel parcel;
    enum err err = parcel_find(errand->db, errand->arena, errand->parcel, &parcel);
    if (err || !text_is(parcel.state, "cancelling"))
        return err;
    /* Cancelling twice is harmless: the second answer says that it is cancelled already, which tracking shows. */
    err = carrier->cancel(carrier->self, parcel.carrier_id, errand->arena, &errand->problem);
    if (err && err != ERR_CARRIER_REFUSED)
        return err;
    struct db_args args = db_args(errand->arena);
    db_arg_instant(&args, clock_now());
    db_arg_int(&args, errand->parcel);
    db_arg_bool(&args, !err);
    db_arg_text(&args, err ? errand->problem : TEXT_NONE);
    return db_run(errand->db, &cancelled_sql, &args);
}

static enum err track_one(struct errand *errand)
{
    const struct carrier *carrier = &errand->room->carrier;
    struct carrier_step *steps = ARENA_ARRAY(errand->arena, struct carrier_step, CARRIER_STEPS_MAX);
    struct parcel parcel;
    size_t count = 0;
    enum err err = parcel_find(errand->db, errand->arena, errand->parcel, &parcel);
    if (err || !parcel.item.length)
        return err;
    err = carrier->track(carrier->self, parcel.item, errand->arena, steps, &count);
    if (!err && count)
        err = parcel_learn(errand->db, errand->arena, clock_now(), parcel.id, "asked", steps, count, NULL);
    return err ? err : run(errand, &again_sql);
}

static bool errand_read(struct job *job, struct arena *arena, struct errand *errand)
{
    struct faults *faults = ARENA_NEW(arena, struct faults);
    struct json_fields in;
    faults_init(faults, arena);
    if (json_parse(job->body, &in, faults))
        return false;
    json_read_int(&in, "parcel", REQUIRED, 1, INT64_MAX, &errand->parcel);
    json_read_int(&in, "round", OPTIONAL, 0, 100000, &errand->round);
    return !json_close(&in);
}

static void run_all(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at,
                    enum err (*act)(struct errand *errand))
{
    for (size_t i = 0; i < count; i++) {
        struct errand errand = {.room = postal_room(), .db = db, .arena = arena, .at = at};
        if (!errand.room || !errand.room->vnpost)
            jobs[i].outcome = ERR_SOURCE_OFF;
        else if (!errand_read(&jobs[i], arena, &errand))
            jobs[i].outcome = ERR_INTERNAL;
        else
            jobs[i].outcome = act(&errand);
        jobs[i].problem = errand.problem;
    }
}

void postal_job_book(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    run_all(db, jobs, count, arena, at, book_one);
}

void postal_job_cancel(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    run_all(db, jobs, count, arena, at, cancel_one);
}

void postal_job_track(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    run_all(db, jobs, count, arena, at, track_one);
}
