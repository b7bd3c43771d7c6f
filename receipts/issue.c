/* From a paid request to a frozen document: preflight, then one short transaction that gives numbers. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "core/db/db.h"
#include "core/jobs/jobs.h"
#include "receipts/concern.h"
#include "receipts/issue.h"
#include "receipts/office.h"

static const struct db_statement wanted_sql = {
    "receipt_wanted", "SELECT request, collector, outlet FROM receipt_wanted($1, $2::bigint[])"};
static const struct db_statement due_sql = {
    "receipt_due",
    "SELECT request, reference, dossier, collector, collector_name, collector_address, collector_phone, "
    "account, payer ->> 'name', payer ->> 'tax_code', payer ->> 'address', payer ->> 'id_number', applicant, "
    "applicant_address, applicant_id, methods[1], cardinality(methods), paid_on, total, lines, payer ->> 'passport', "
    "outlet "
    "FROM receipt_due($1, $2::bigint[])"};
static const struct db_statement lock_sql = {
    "receipt_lock", "SELECT id FROM payment_request WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"};
static const struct db_statement reserve_sql = {"receipt_reserve",
                                                "SELECT book, range, first_number, last_number, form, symbol, number, "
                                                "delegate ->> 'name', delegate ->> 'tax_code', delegate ->> 'address' "
                                                "FROM receipt_reserve($1, $2, $3, $4) ORDER BY range, number"};
static const struct db_statement freeze_sql = {
    "receipt_freeze",
    "SELECT receipt_freeze($1, $2::integer[], $3::integer[], $4::integer[], $5::integer[], "
    "$6::integer[], $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::bigint[])"};
static const struct db_statement open_sql = {"receipt_range_open",
                                             "SELECT receipt_range_open($1, $2, $3, $4, $5, '', NULL, $6, $7, true)"};

static const struct db_statement delegate_sql = {
    "receipt_delegate", "SELECT g.delegate ->> 'tax_code' FROM receipt_range g JOIN receipt_book b ON b.id = g.book_id "
                        "WHERE b.collector = $1 AND g.outlet = $2 AND g.closed_at IS NULL AND g.delegate IS NOT NULL "
                        "ORDER BY g.id DESC LIMIT 1"};

enum { NUMBERING_DEADLINE_US = 10 * 1000 * 1000 };

struct due {
    int64_t request;
    struct receipt_document document;
    struct text outlet; /* whose range numbers it; empty: the collector's own desk */
    enum err outcome;
    const char *problem;
};

/* The requests of one collector and outlet, numbered in one transaction. */
struct round {
    const struct receipt_office *office;
    struct arena *arena;
    instant_us at;
    struct text collector, outlet;
    int64_t *requests;
    size_t count;
    struct due *due; /* what was found under the lock, with its outcome */
    size_t due_count;
    bool exhausted; /* some found no number */
};

static void read_lines(struct text json, struct arena *arena, struct receipt_document *ret)
{
    struct faults faults;
    json_t *array, *line;
    size_t index;
    faults_init(&faults, arena);
    if (json_parse_value(json, &array, &faults))
        return;
    struct receipt_line *lines = ARENA_ARRAY(arena, struct receipt_line, json_array_size(array) + 1);
    json_array_foreach(array, index, line)
    {
        const char *kind = json_string_value(json_object_get(line, "kind"));
        lines[index] = (struct receipt_line){
            .fee = arena_text(arena, text_of(json_string_value(json_object_get(line, "fee")))),
            .name = arena_text(arena, text_of(json_string_value(json_object_get(line, "name")))),
            .kind = kind && !strcmp(kind, "phi") ? RECEIPT_PHI : RECEIPT_LE_PHI,
            .quantity = arena_text(arena, text_of(json_string_value(json_object_get(line, "quantity")))),
            .amount = json_integer_value(json_object_get(line, "amount")),
        };
    }
    ret->lines = lines;
    ret->line_count = json_array_size(array);
}

static void read_due(const struct db_rows *rows, int i, struct arena *arena, instant_us at, struct due *ret)
{
    bool payer_named = !db_null(rows, i, 8);
    struct receipt_document *document = &ret->document;
    *ret = (struct due){.request = db_int(rows, i, 0)};
    document->issued_on = date_of(at);
    document->reference = db_text(rows, i, 1);
    document->dossier = db_text(rows, i, 2);
    document->collector = (struct receipt_party){.name = db_text(rows, i, 4),
                                                 .tax_code = db_text(rows, i, 3),
                                                 .address = db_text(rows, i, 5),
                                                 .phone = db_text(rows, i, 6),
                                                 .account = db_text(rows, i, 7)};
    document->payer = payer_named ? (struct receipt_party){.name = db_text(rows, i, 8),
                                                           .tax_code = db_text(rows, i, 9),
                                                           .address = db_text(rows, i, 10),
                                                           .id_number = db_text(rows, i, 11),
                                                           .passport = db_text(rows, i, 20)}
                                  : (struct receipt_party){.name = db_text(rows, i, 12),
                                                           .address = db_text(rows, i, 13),
                                                           .id_number = db_text(rows, i, 14)};
    if (payer_named && !text_equal(document->payer.name, db_text(rows, i, 12)))
        document->applicant = db_text(rows, i, 12);
    if (db_int(rows, i, 16) != 1 || !receipt_method_find(db_text(rows, i, 15), &document->method))
        document->method = RECEIPT_METHOD_MIXED;
    document->collected_on = db_date(rows, i, 17);
    document->total = db_int(rows, i, 18);
    document->replaces.issued_on = DATE_NONE;
    document->signed_at = INSTANT_NONE;
    ret->outlet = db_text(rows, i, 21);
    read_lines(db_text(rows, i, 19), arena, document);
}

static enum err find_due(struct db *db, struct arena *arena, const int64_t *requests, size_t count, instant_us at,
                         struct due **ret_due, size_t *ret_count)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_instant(&args, at);
    db_arg_int_array(&args, requests, count);
    enum err err = db_query(db, &due_sql, &args, &rows);
    if (err)
        return err;
    *ret_due = ARENA_ARRAY(arena, struct due, rows.count + 1);
    *ret_count = (size_t)rows.count;
    for (int i = 0; i < rows.count; i++)
        read_due(&rows, i, arena, at, &(*ret_due)[i]);
    return OK;
}

/* Can this document be issued at all? Judged with a number that stands for any: a document that fails takes none. */
static void judge(struct due *due, struct arena *arena, instant_us at)
{
    struct faults faults;
    struct receipt_document trial = due->document;
    char symbol[8];
    faults_init(&faults, arena);
    snprintf(symbol, sizeof symbol, "%02dTAA", civil_of(at).year % 100);
    trial.form = TEXT("EBL01");
    trial.symbol = text_of(symbol);
    trial.number = RECEIPT_NUMBER_MAX;
    due->outcome = receipt_document_check(&trial, &faults);
    if (due->outcome)
        due->problem = arena_printf(arena, "%s: %s", faults.list[0].where, faults.list[0].detail);
}

struct numbers {
    int64_t *books, *ranges, *firsts, *lasts, *numbers, *requests, *totals;
    struct text *collectors, *tokens, *xmls, *replaced;
    size_t count;
};

static struct numbers numbers_new(struct arena *arena, size_t count)
{
    return (struct numbers){.books = ARENA_ARRAY(arena, int64_t, count + 1),
                            .ranges = ARENA_ARRAY(arena, int64_t, count + 1),
                            .firsts = ARENA_ARRAY(arena, int64_t, count + 1),
                            .lasts = ARENA_ARRAY(arena, int64_t, count + 1),
                            .numbers = ARENA_ARRAY(arena, int64_t, count + 1),
                            .requests = ARENA_ARRAY(arena, int64_t, count + 1),
                            .totals = ARENA_ARRAY(arena, int64_t, count + 1),
                            .collectors = ARENA_ARRAY(arena, struct text, count + 1),
                            .tokens = ARENA_ARRAY(arena, struct text, count + 1),
                            .xmls = ARENA_ARRAY(arena, struct text, count + 1),
                            .replaced = ARENA_ARRAY(arena, struct text, count + 1)};
}

/* Writes one document with the number in row `i` and adds it to the arrays. */
static enum err number_one(struct round *round, struct due *due, const struct db_rows *rows, int i,
                           struct numbers *numbers)
{
    struct receipt_document *document = &due->document;
    document->form = db_text(rows, i, 4);
    document->symbol = db_text(rows, i, 5);
    document->number = db_int(rows, i, 6);
    if (!db_null(rows, i, 7))
        document->delegate = (struct receipt_party){
            .name = db_text(rows, i, 7), .tax_code = db_text(rows, i, 8), .address = db_text(rows, i, 9)};
    /* The code of the link follows from the number, so that it need not be kept in clear. */
    char token[TOKEN_TEXT_SIZE], hex[HEX_SHA256_SIZE];
    uint8_t hash[SHA256_SIZE];
    const char *key = arena_printf(round->arena, "%.*s/%.*s/%.*s/%lld", TEXT_ARGS(round->collector),
                                   TEXT_ARGS(document->form), TEXT_ARGS(document->symbol), (long long)document->number);
    token_derive("receipt", text_of(key), token, hash);
    hex_encode(hash, sizeof hash, hex);
    document->lookup_code = arena_text(round->arena, text_of(token));
    struct buf xml = {0};
    struct faults faults;
    faults_init(&faults, round->arena);
    enum err err = receipt_document_write(document, &xml, &faults);
    if (!err) {
        size_t n = numbers->count++;
        numbers->books[n] = db_int(rows, i, 0);
        numbers->ranges[n] = db_int(rows, i, 1);
        numbers->firsts[n] = db_int(rows, i, 2);
        numbers->lasts[n] = db_int(rows, i, 3);
        numbers->numbers[n] = document->number;
        numbers->requests[n] = due->request;
        numbers->totals[n] = document->total;
        numbers->collectors[n] = round->collector;
        numbers->tokens[n] = arena_text(round->arena, text_of(hex));
        numbers->xmls[n] = arena_text(round->arena, buf_view(&xml));
        numbers->replaced[n] = TEXT_NONE;
    }
    buf_done(&xml);
    return err;
}

static enum err freeze(struct db *db, const struct round *round, const struct numbers *n)
{
    struct db_args args = db_args(round->arena);
    db_arg_instant(&args, round->at);
    const int64_t *const columns[] = {n->books, n->ranges, n->firsts, n->lasts, n->numbers, n->requests};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        db_arg_int_array(&args, columns[i], n->count);
    db_arg_text_array(&args, n->collectors, n->count);
    db_arg_int_array(&args, n->totals, n->count);
    db_arg_text_array(&args, n->tokens, n->count);
    db_arg_text_array(&args, n->xmls, n->count);
    db_arg_text_array(&args, n->replaced, n->count);
    return db_run(db, &freeze_sql, &args);
}

/* Inside the transaction; may run again. Lock order: requests by id, then ranges by id. */
static enum err number_round(struct db *db, void *with)
{
    struct round *round = with;
    struct db_args args = db_args(round->arena);
    round->exhausted = false;
    db_arg_int_array(&args, round->requests, round->count);
    enum err err = db_run(db, &lock_sql, &args);
    if (!err)
        err = find_due(db, round->arena, round->requests, round->count, round->at, &round->due, &round->due_count);
    if (err || !round->due_count)
        return err;
    size_t good = 0;
    for (size_t i = 0; i < round->due_count; i++) {
        judge(&round->due[i], round->arena, round->at);
        good += round->due[i].outcome == OK;
    }
    struct db_rows rows;
    args = db_args(round->arena);
    db_arg_instant(&args, round->at);
    db_arg_text(&args, round->collector);
    db_arg_text(&args, round->outlet);
    db_arg_int(&args, (int64_t)good);
    err = db_query(db, &reserve_sql, &args, &rows);
    struct numbers numbers = numbers_new(round->arena, good);
    int next = 0;
    for (size_t i = 0; i < round->due_count && !err; i++) {
        struct due *due = &round->due[i];
        if (due->outcome)
            continue;
        if (next == rows.count) {
            due->outcome = ERR_SERIES_EXHAUSTED;
            due->problem = "no open number range for this collector, outlet and year";
            round->exhausted = true;
        } else {
            err = number_one(round, due, &rows, next++, &numbers);
        }
    }
    if (!err && numbers.count)
        err = freeze(db, round, &numbers);
    return err;
}

enum err issue_replacement(struct db *db, struct arena *arena, instant_us at, int64_t request, int64_t replaced,
                           struct receipt_document *document)
{
    struct due due = {.request = request, .document = *document};
    struct round round = {
        .office = office_in_use(), .arena = arena, .at = at, .collector = document->collector.tax_code};
    const char *problem;
    enum err err = office_ready(round.office, round.collector, at, arena, &problem);
    if (err)
        return err;
    struct db_rows rows;
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_text(&args, round.collector);
    db_arg_string(&args, "");
    db_arg_int(&args, 1);
    err = db_query(db, &reserve_sql, &args, &rows);
    if (!err && !rows.count)
        err = ERR_SERIES_EXHAUSTED;
    struct numbers numbers = numbers_new(arena, 1);
    if (!err)
        err = number_one(&round, &due, &rows, 0, &numbers);
    if (!err) {
        numbers.replaced[0] = arena_textf(arena, "%lld", (long long)replaced);
        err = freeze(db, &round, &numbers);
    }
    if (!err)
        *document = due.document;
    return err;
}

static int64_t request_of(const struct job *job, struct arena *arena)
{
    struct faults faults;
    json_t *body;
    faults_init(&faults, arena);
    if (json_parse_value(job->body, &body, &faults))
        return 0;
    return json_integer_value(json_object_get(body, "request"));
}

static void set_outcome(struct job *jobs, const int64_t *requests, size_t count, int64_t request, enum err outcome,
                        const char *problem)
{
    for (size_t i = 0; i < count; i++) {
        if (requests[i] != request)
            continue;
        jobs[i].outcome = outcome;
        jobs[i].problem = text_of(problem);
    }
}

/* A person hears of what keeps receipts waiting, and that it is over. */
static void tell(struct db *db, const struct round *round, const char *unusable)
{
    struct text key = round->collector;
    struct text desk = arena_textf(round->arena, "%.*s%s%.*s", TEXT_ARGS(round->collector),
                                   round->outlet.length ? "/" : "", TEXT_ARGS(round->outlet));
    if (unusable) {
        concern_open(db, round->arena, round->at, "signing_key", key, unusable);
        return;
    }
    concern_gone(db, round->arena, round->at, "signing_key", key);
    if (round->exhausted)
        concern_open(db, round->arena, round->at, "no_numbers", desk,
                     "Hết số biên lai trong các dải đang mở; biên lai đang chờ số. Cần mở dải số mới.");
    else
        concern_gone(db, round->arena, round->at, "no_numbers", desk);
}

/* The delegate that issues at this outlet; its key serves when the collector has none here (NĐ 254/2026 art. 25). */
static struct text delegate_of(struct db *db, const struct round *round)
{
    struct db_args args = db_args(round->arena);
    struct db_rows rows;
    db_arg_text(&args, round->collector);
    db_arg_text(&args, round->outlet);
    if (!round->outlet.length || db_query(db, &delegate_sql, &args, &rows) || !rows.count)
        return TEXT_NONE;
    return db_text(&rows, 0, 0);
}

/* Midnight lies between numbering and signing too rarely to matter and too often to forget: in the last seconds of a
 * day nothing is numbered, so that a receipt is dated on the day it is signed (art. 24.5). */
static bool too_near_midnight(instant_us at)
{
    enum { STILL_S = 5 };
    struct civil now = civil_of(at);
    return now.hour == 23 && now.minute == 59 && now.second >= 60 - STILL_S;
}

/* One collector and outlet: preflight, then its transaction. */
static void issue_for(struct db *db, struct round *round, struct job *jobs, const int64_t *requests, size_t job_count)
{
    const char *problem = NULL;
    enum err err = office_ready(round->office, round->collector, round->at, round->arena, &problem);
    struct text delegate = err ? delegate_of(db, round) : TEXT_NONE;
    if (delegate.length)
        err = office_ready(round->office, delegate, round->at, round->arena, &problem);
    const char *unusable = err ? problem : NULL;
    if (!err && too_near_midnight(round->at)) {
        err = ERR_RETRY;
        problem = "waits for the new day";
    }
    if (!err) {
        err = db_transact(db, clock_monotonic_us() + NUMBERING_DEADLINE_US, number_round, round);
        problem = err ? arena_copy(round->arena, text_of(db_error(db))) : NULL;
    }
    tell(db, round, unusable);
    for (size_t i = 0; i < round->count; i++)
        set_outcome(jobs, requests, job_count, round->requests[i], err, problem);
    for (size_t i = 0; i < round->due_count && !err; i++)
        set_outcome(jobs, requests, job_count, round->due[i].request, round->due[i].outcome, round->due[i].problem);
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

void receipt_turn_take(void)
{
    pthread_mutex_lock(&turn);
}

void receipt_turn_give(void)
{
    pthread_mutex_unlock(&turn);
}

static void issue_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at)
{
    int64_t requests[JOB_BATCH_MAX] = {0};
    struct db_args args = db_args(arena);
    struct db_rows wanted;
    for (size_t i = 0; i < count; i++)
        requests[i] = request_of(&jobs[i], arena);
    db_arg_instant(&args, at);
    db_arg_int_array(&args, requests, count);
    enum err err = db_query(db, &wanted_sql, &args, &wanted);
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = err; /* what is not due is done */
    if (err)
        return;
    int64_t *mine = ARENA_ARRAY(arena, int64_t, wanted.count + 1);
    bool *taken = ARENA_ARRAY(arena, bool, wanted.count + 1);
    for (int i = 0; i < wanted.count; i++) {
        if (taken[i])
            continue;
        struct round round = {.office = office_in_use(),
                              .arena = arena,
                              .at = at,
                              .collector = db_text(&wanted, i, 1),
                              .outlet = db_text(&wanted, i, 2),
                              .requests = mine};
        for (int k = i; k < wanted.count; k++) {
            if (!text_equal(db_text(&wanted, k, 1), round.collector) ||
                !text_equal(db_text(&wanted, k, 2), round.outlet))
                continue;
            taken[k] = true;
            mine[round.count++] = db_int(&wanted, k, 0);
        }
        issue_for(db, &round, jobs, requests, count);
    }
}

void receipt_issue_run(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    receipt_turn_take();
    issue_run(db, jobs, count, arena, at);
    receipt_turn_give();
}

enum err receipt_range_open(struct db *db, struct arena *arena, instant_us at, const char *actor, struct text collector,
                            struct text form, struct text symbol, int64_t first, int64_t last)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, at);
    db_arg_string(&args, actor);
    db_arg_text(&args, collector);
    db_arg_text(&args, form);
    db_arg_text(&args, symbol);
    db_arg_int(&args, first);
    db_arg_int(&args, last);
    return receipt_symbol_valid(symbol) ? db_run(db, &open_sql, &args) : ERR_CONFLICT;
}
