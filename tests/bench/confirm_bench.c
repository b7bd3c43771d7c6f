/* Confirmed payments a second, from the bank's signed call-back to the answer after the commit, over the running
 * service; beside the same confirm() fed by hand with batches of 256 on one connection, in the same run. Receipts are
 * numbered and signed behind both. One JSON object on stdout; the ratio carries over to other machines, the absolute
 * figures do not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "payments/ledger/ledger.h"
#include "payments/requests/requests.h"
#include "tests/support/database.h"
#include "tests/support/service.h"

enum { ROUNDS = 3, NOTICES = 1536, LINES_MAX = 256, PRICE = 16000, DRAIN_S = 300 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "confirm_bench: %s: %s\n", what, errno ? strerror(errno) : db_error(db));
    exit(1);
}

/* Requests, made in one statement: how they are made is not what is measured. ------------------------------------- */

static const struct db_statement dossiers_sql = {
    "bench_dossiers",
    "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, registered_at, changed_at)"
    " SELECT 'B-' || r, '2.000635', '" TEST_AGENCY
    "', 'online', 'Nguyễn Thị Ánh', $2, $2, $2 FROM unnest($1::text[]) r"};
static const struct db_statement requests_sql = {
    "bench_requests",
    "SELECT request_make($2, r, 'B-' || r, 'filing', $3::bigint, a.id, g.tax_code, sha256(r::bytea), '{}', 'bench', "
    "$4, NULL,"
    " 'payload', 'system:bench', $2::timestamptz + interval '30 days', jsonb_build_array(jsonb_build_object('fee',"
    " 'HT-TRICHLUC', 'name', 'Phí cấp bản sao trích lục hộ tịch', 'kind', 'phi', 'gross', $3::bigint, 'reduction', 0, "
    "'net',"
    " $3::bigint, 'document', 'state_receipt', 'legal_basis', 'TT 281/2016')))"
    " FROM unnest($1::text[]) r, receiving_account a JOIN agency g ON g.code = a.agency"
    " WHERE a.account_number = '" TEST_ACCOUNT "'"};

static void make_requests(struct reference *references, size_t count)
{
    struct arena own;
    arena_init(&own);
    struct text *texts = ARENA_ARRAY(&own, struct text, count);
    for (size_t i = 0; i < count; i++) {
        reference_new("QN", &references[i]);
        texts[i] = text_of(references[i].text);
    }
    struct db_args dossiers = db_args(&own), requests = db_args(&own);
    db_arg_text_array(&dossiers, texts, count);
    db_arg_instant(&dossiers, clock_now());
    db_arg_text_array(&requests, texts, count);
    db_arg_instant(&requests, clock_now());
    db_arg_int(&requests, PRICE);
    db_arg_date(&requests, date_of(clock_now()));
    if (db_run(db, &dossiers_sql, &dossiers) || db_run(db, &requests_sql, &requests))
        die("requests");
    arena_done(&own);
}

static int64_t next_id(void)
{
    static int64_t id = 1000000;
    return ++id;
}

/* Through the service -----------------------------------------------------------------------------------------------
 */

struct line {
    int socket;
    int64_t sent_us;
};

static void send_next(struct line *line, struct text message)
{
    line->sent_us = clock_monotonic_us();
    if (send(line->socket, message.at, message.length, MSG_NOSIGNAL) != (ssize_t)message.length)
        die("send");
}

static void take_reply(struct line *line, int64_t *ret_us)
{
    char reply[2048];
    ssize_t got = recv(line->socket, reply, sizeof reply - 1, 0);
    if (got <= 0)
        die("recv");
    reply[got] = 0;
    if (strncmp(reply, "HTTP/1.1 200", 12) || !strstr(reply, "{\"success\":true}")) {
        fputs(reply, stderr);
        die("a call-back was not accepted");
    }
    *ret_us = clock_monotonic_us() - line->sent_us;
}

static struct text *sign_all(struct arena *own, const struct reference *references)
{
    struct text *messages = ARENA_ARRAY(own, struct text, NOTICES);
    int64_t stamp_s = clock_now() / SECOND_US;
    for (int i = 0; i < NOTICES; i++) {
        struct text body =
            bank_body(own, &(struct bank_notice){.id = next_id(), .amount = PRICE, .memo = references[i].text});
        messages[i] = arena_textf(own,
                                  "POST /v1/notifications/sandbox-bank HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                  "application/json\r\n%.*sContent-Length: %zu\r\n\r\n%.*s",
                                  TEXT_ARGS(bank_headers(&service, own, body, stamp_s)), body.length, TEXT_ARGS(body));
    }
    return messages;
}

/* A closed loop: each connection sends its next call-back when it has its answer. Returns payments a second. */
static double over_http(int line_count, int64_t *ret_latencies_us)
{
    static struct reference references[NOTICES];
    struct line lines[LINES_MAX];
    struct arena own;
    arena_init(&own);
    make_requests(references, NOTICES);
    struct text *messages = sign_all(&own, references);
    int poll = epoll_create1(0), next = 0, answered = 0;
    for (int i = 0; i < line_count; i++) {
        lines[i].socket = service_connect(&service);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &lines[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, lines[i].socket, &event);
    }
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < line_count; i++)
        send_next(&lines[i], messages[next++]);
    while (answered < NOTICES) {
        struct epoll_event events[LINES_MAX];
        int count = epoll_wait(poll, events, LINES_MAX, 30000);
        if (count <= 0)
            die("no answer");
        for (int i = 0; i < count; i++) {
            take_reply(events[i].data.ptr, &ret_latencies_us[answered++]);
            if (next < NOTICES)
                send_next(events[i].data.ptr, messages[next++]);
        }
    }
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    for (int i = 0; i < line_count; i++)
        close(lines[i].socket);
    close(poll);
    arena_done(&own);
    return NOTICES / seconds;
}

/* By hand -----------------------------------------------------------------------------------------------------------
 */

static double by_batches(void)
{
    static struct reference references[NOTICES];
    static struct notice notices[NOTICES];
    static struct confirmation confirmations[NOTICES];
    struct text raws[CONFIRM_BATCH_MAX];
    struct arena own;
    arena_init(&own);
    make_requests(references, NOTICES);
    for (int i = 0; i < NOTICES; i++) {
        int64_t id = next_id();
        notices[i] = (struct notice){.source = TEXT("sandbox-bank"),
                                     .external_id = arena_textf(&own, "%lld", (long long)id),
                                     .amount = PRICE,
                                     .account = TEXT(TEST_ACCOUNT),
                                     .memo = text_of(references[i].text),
                                     .bank_reference = arena_textf(&own, "FT%lld", (long long)id),
                                     .paid_at = clock_now(),
                                     .method = METHOD_VIETQR};
        notice_seal(&notices[i]);
    }
    for (int i = 0; i < CONFIRM_BATCH_MAX; i++)
        raws[i] = bank_body(&own, &(struct bank_notice){.id = i, .amount = PRICE, .memo = references[i].text});
    int64_t began = clock_monotonic_us();
    for (int from = 0; from < NOTICES; from += CONFIRM_BATCH_MAX) {
        struct arena batch;
        arena_init(&batch);
        if (ledger_confirm(db, &batch, notices + from, raws, CONFIRM_BATCH_MAX, clock_now(), confirmations + from))
            die("confirm");
        arena_done(&batch);
    }
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    for (int i = 0; i < NOTICES; i++)
        if (confirmations[i].outcome != CONFIRM_BOOKED)
            die("a notice was not booked");
    arena_done(&own);
    return NOTICES / seconds;
}

/* -------------------------------------------------------------------------------------------------------------------
 */

static int by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void settle_down(void)
{
    if (!service_drained(db, DRAIN_S))
        die("jobs do not drain");
    test_sql(db, "CHECKPOINT");
}

int main(void)
{
    static const int lines[] = {64, 256};
    enum { LOADS = sizeof lines / sizeof *lines };
    static int64_t latencies_us[LOADS][ROUNDS][NOTICES];
    double http[LOADS][ROUNDS], batch[ROUNDS];
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    for (int round = 0; round < ROUNDS; round++) { /* interleaved: a neighbour's load falls on all alike */
        settle_down();
        batch[round] = by_batches();
        for (int i = 0; i < LOADS; i++) {
            settle_down();
            http[i][round] = over_http(lines[i], latencies_us[i][round]);
        }
    }
    settle_down();
    int wrong = service_audit(db);
    service_tear_down(&service);

    qsort(batch, ROUNDS, sizeof *batch, by_rate);
    printf("{\"bench\": \"confirm\", \"batch_per_s\": %.0f", batch[ROUNDS / 2]);
    for (int i = 0; i < LOADS; i++) {
        qsort(http[i], ROUNDS, sizeof **http, by_rate);
        qsort(latencies_us[i], (size_t)ROUNDS * NOTICES, sizeof ***latencies_us, by_time);
        const int64_t *sorted = latencies_us[i][0];
        printf(", \"http%d_per_s\": %.0f, \"http%d_ratio\": %.2f, \"http%d_p50_ms\": %.1f, \"http%d_p99_ms\": %.1f",
               lines[i], http[i][ROUNDS / 2], lines[i], http[i][ROUNDS / 2] / batch[ROUNDS / 2], lines[i],
               (double)sorted[ROUNDS * NOTICES / 2] / 1e3, lines[i], (double)sorted[ROUNDS * NOTICES * 99 / 100] / 1e3);
    }
    printf("}\n");
    db_close(db);
    arena_done(&arena);
    return wrong != 0;
}
