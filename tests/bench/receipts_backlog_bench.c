/* A backlog of receipts drains while payments go on: how fast, beside the rate at which one core signs; and what the
 * payments notice. BENCH_BACKLOG receipts (100000), 200 payments a second through the confirmer
 * as the service has it, the jobs of receipts on the threads they have in the service. One JSON object on standard
 * output. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/jobs/jobs.h"
#include "payments/ledger/ledger.h"
#include "payments/requests/requests.h"
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

enum { PAYMENTS_PER_S = 200, QUIET_S = 5, PAYMENTS_MAX = 1 << 16, SIGN_SPAN_MS = 1000, PRICE = 16000, CHUNK = 256 };

static struct arena arena;
static struct faults faults;
static struct db *db;
static atomic_bool stopping;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double taken_ms[PAYMENTS_MAX];
static int sample_count;

static void must(bool worked, const char *what)
{
    if (worked)
        return;
    fprintf(stderr, "receipts_backlog_bench: %s\n", what);
    exit(1);
}

static double wall_s(void)
{
    return (double)clock_monotonic_us() / 1e6;
}

static const struct db_statement dossiers_sql = {
    "bench_dossiers", "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, "
                      "registered_at, changed_at) SELECT 'B-' || r, '2.000635', 'A1', 'online', 'Nguyễn Thị Ánh', "
                      "$2, $2, $2 FROM unnest($1::text[]) r"};
static const struct db_statement requests_sql = {
    "bench_requests",
    "SELECT request_make($2, r, 'B-' || r, 'filing', $3::bigint, (SELECT id FROM receiving_account LIMIT 1), "
    "'5700100001', sha256(r::bytea), '{}', 'test', $4, NULL, 'payload', 'system:test', $2::timestamptz + interval "
    "'9 days', jsonb_build_array(jsonb_build_object('fee', 'HT-TRICHLUC', 'name', 'Phí cấp bản sao trích lục hộ "
    "tịch', 'kind', 'phi', 'gross', $3::bigint, 'reduction', 0, 'net', $3::bigint, 'document', 'state_receipt', "
    "'legal_basis', 'TT 281/2016'))) FROM unnest($1::text[]) r"};

/* One payment: its request, and the notice that tells of it. */
struct payment {
    struct reference reference;
    struct confirm_ticket ticket;
    struct notice notice;
    char id[24];
    double due; /* when it should have been told, by the clock */
};

/* Requests, each with its dossier, in one statement; how they are made is not what is measured. */
static void make_requests(struct payment *made, size_t count)
{
    struct arena own;
    arena_init(&own);
    struct text *texts = ARENA_ARRAY(&own, struct text, count);
    for (size_t i = 0; i < count; i++) {
        static int number;
        struct payment *payment = &made[i];
        reference_new("QN", &payment->reference);
        snprintf(payment->id, sizeof payment->id, "P%d", ++number);
        texts[i] = text_of(payment->reference.text);
        payment->notice = (struct notice){.source = TEXT("sandbox-bank"),
                                          .external_id = text_of(payment->id),
                                          .amount = PRICE,
                                          .account = TEXT("0021000000001"),
                                          .memo = texts[i],
                                          .bank_reference = text_of(payment->id),
                                          .paid_at = clock_now(),
                                          .method = METHOD_VIETQR,
                                          .status = NOTICE_PAID};
        notice_seal(&payment->notice);
    }
    struct db_args dossiers = db_args(&own), requests = db_args(&own);
    db_arg_text_array(&dossiers, texts, count);
    db_arg_instant(&dossiers, clock_now());
    db_arg_text_array(&requests, texts, count);
    db_arg_instant(&requests, clock_now());
    db_arg_int(&requests, PRICE);
    db_arg_date(&requests, date_of(clock_now()));
    must(!db_run(db, &dossiers_sql, &dossiers) && !db_run(db, &requests_sql, &requests), db_error(db));
    arena_done(&own);
}

/* The backlog: requests that were paid while nobody made receipts. */
static void make_backlog(int64_t count)
{
    static struct payment paid[CHUNK];
    static struct confirmation confirmations[CHUNK];
    for (int64_t done = 0; done < count; done += CHUNK) {
        size_t here = (size_t)(count - done < CHUNK ? count - done : CHUNK);
        struct arena own;
        arena_init(&own);
        make_requests(paid, here);
        struct notice *notices = ARENA_ARRAY(&own, struct notice, here);
        struct text *raws = ARENA_ARRAY(&own, struct text, here);
        for (size_t i = 0; i < here; i++)
            notices[i] = paid[i].notice;
        must(ledger_confirm(db, &own, notices, raws, here, clock_now(), confirmations) == OK, db_error(db));
        arena_done(&own);
    }
}

/* Payments of now, as the service takes them: to the confirmer, answered after their commit. */
static struct payment payments[PAYMENTS_MAX];
static int payment_count, next_payment;

static void answered(struct confirm_ticket *ticket)
{
    const struct payment *payment = ticket->with;
    must(!ticket->confirmation.err && ticket->confirmation.outcome == CONFIRM_BOOKED, "a payment was not booked");
    double ms = (wall_s() - payment->due) * 1000;
    pthread_mutex_lock(&lock);
    taken_ms[sample_count++] = ms;
    pthread_mutex_unlock(&lock);
}

/* 200 a second by the clock: a late one does not move the others, and its waiting counts. */
static void *payer(void *with)
{
    struct confirmer *confirmer;
    const struct confirmer_config config = {.database_url = test_database_url()};
    must(confirmer_start(&config, &confirmer) == OK, "confirmer");
    double due = wall_s();
    while (!atomic_load(&stopping) && next_payment < payment_count) {
        double wait = due - wall_s();
        if (wait > 0)
            nanosleep(&(struct timespec){0, (long)(wait * 1e9)}, NULL);
        struct payment *payment = &payments[next_payment++];
        payment->due = due;
        payment->ticket = (struct confirm_ticket){
            .notice = &payment->notice, .proof = PROOF_SIGNATURE, .done = answered, .with = payment};
        must(confirmer_submit(confirmer, &payment->ticket) == OK, "queue");
        due += 1.0 / PAYMENTS_PER_S;
    }
    confirmer_stop(confirmer);
    return NULL;
}

/* Processor time of this program and of every process of its database, which is on this machine. */
static double all_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    double sum = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    struct arena own;
    arena_init(&own);
    struct text pids = test_value(db, &own, "SELECT string_agg(pid::text, ' ') || ' ' FROM pg_stat_activity");
    for (const char *at = pids.at; at < pids.at + pids.length; at = strchr(at, ' ') + 1) {
        long user = 0, kernel = 0;
        FILE *file = fopen(arena_printf(&own, "/proc/%d/stat", atoi(at)), "r");
        must(!file ||
                 fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &kernel) == 2,
             "/proc");
        if (file)
            fclose(file);
        sum += (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
    }
    arena_done(&own);
    return sum;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double p99(void)
{
    qsort(taken_ms, (size_t)sample_count, sizeof *taken_ms, by_value);
    double value = sample_count ? taken_ms[sample_count * 99 / 100] : 0;
    sample_count = 0;
    return value;
}

/* Receipts one thread signs in a second by the clock: whatever else is at work on this machine slows it as it slows the
 * drain. */
static double single_core_rate(const struct signer *signer)
{
    struct receipt_document document = receipt_sample();
    struct buf xml = {0};
    must(receipt_document_write(&document, &xml, &faults) == OK, "document");
    double start = wall_s(), now = start;
    long times = 0;
    while ((now - start) * 1000 < SIGN_SPAN_MS) {
        struct buf out = {0};
        must(receipt_sign(signer, buf_view(&xml), clock_now(), &out) == OK, "receipt_sign");
        buf_done(&out);
        times++;
        now = wall_s();
    }
    buf_done(&xml);
    return (double)times / (now - start);
}

static const struct db_statement numbered_sql = {"bench_numbered", "SELECT coalesce(max(id), 0) FROM receipt"};
static const struct db_statement signed_sql = {"bench_signed",
                                               "SELECT count(*) FROM receipt WHERE signed_xml IS NOT NULL"};

static int64_t number(const struct db_statement *statement)
{
    struct arena own;
    struct db_rows rows;
    arena_init(&own);
    struct db_args none = db_args(&own);
    must(db_query(db, statement, &none, &rows) == OK, db_error(db));
    int64_t value = db_int(&rows, 0, 0);
    arena_done(&own);
    return value;
}

/* How many are signed; exactly near the end, before that what was given a number: counting is no part of the work. */
static int64_t signed_count(int64_t backlog)
{
    return number(&numbered_sql) < backlog ? 0 : number(&signed_sql);
}

static struct signer *open_office(char *folder)
{
    static const uint8_t secret[SERVER_SECRET_SIZE] = {7};
    const char *key = arena_printf(&arena, "%s/key", folder), *certificate = arena_printf(&arena, "%s/cert", folder);
    struct test_authority *authority = test_authority_new("CA");
    struct test_certificate wanted = {TEST_KEY_RSA_2048, "Trung tâm", "5700100001", 1577836800, 7300};
    struct signer *signer;
    server_secret_set(secret);
    test_certificate_write(authority, &wanted, key, certificate);
    test_authority_free(authority);
    must(signer_open_files(key, certificate, &signer, &faults) == OK, "signer");
    struct receipt_office *office = receipt_office_new("https://lephi.example");
    must(receipt_office_add(office, signer) == OK, "office");
    receipt_office_use(office);
    test_province(db);
    struct text symbol = arena_textf(&arena, "%02dTAA", civil_of(clock_now()).year % 100);
    must(receipt_range_open(db, &arena, clock_now(), "bench", TEXT("5700100001"), TEXT("EBL01"), symbol, 1,
                            RECEIPT_NUMBER_MAX) == OK,
         "numbers");
    return signer;
}

int main(void)
{
    const char *asked = getenv("BENCH_BACKLOG");
    int64_t backlog = asked ? atoll(asked) : 100000;
    arena_init(&arena);
    faults_init(&faults, &arena);
    char *folder = test_folder_new();
    db = test_db();
    const struct signer *signer = open_office(folder);
    double bare = single_core_rate(signer);
    make_backlog(backlog);
    payment_count = (int)(backlog / 4) + PAYMENTS_PER_S * (QUIET_S + 15);
    must(payment_count <= PAYMENTS_MAX, "too many payments");
    for (int n = 0; n < payment_count; n += CHUNK)
        make_requests(payments + n, (size_t)(payment_count - n < CHUNK ? payment_count - n : CHUNK));
    test_sql(db, "ANALYZE");

    pthread_t thread;
    double start = wall_s(), start_cpu = all_cpu_s();
    must(!pthread_create(&thread, NULL, payer, NULL), "thread");
    nanosleep(&(struct timespec){QUIET_S, 0}, NULL);
    double payments_cpu = (all_cpu_s() - start_cpu) / (wall_s() - start);
    atomic_store(&stopping, true);
    pthread_join(thread, NULL);
    double quiet = p99();
    atomic_store(&stopping, false);

    fputs("receipts_backlog_bench: the drain begins\n", stderr);
    static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS};
    const struct jobs_config config = {.database_url = test_database_url(),
                                       .kinds = kinds,
                                       .kind_count = 2,
                                       .threads = RECEIPT_JOB_THREADS,
                                       .background = true};
    struct jobs *jobs;
    must(!pthread_create(&thread, NULL, payer, NULL), "thread");
    start = wall_s();
    start_cpu = all_cpu_s();
    must(jobs_start(&config, &jobs) == OK, "jobs");
    int64_t done = 0;
    while (done < backlog) {
        nanosleep(&(struct timespec){0, 200000000}, NULL);
        done = signed_count(backlog);
    }
    double taken = wall_s() - start, cpu = all_cpu_s() - start_cpu, rate = (double)done / taken;
    atomic_store(&stopping, true);
    pthread_join(thread, NULL);
    jobs_stop(jobs);
    bare = (bare + single_core_rate(signer)) / 2;
    printf("{\"bench\": \"receipts_backlog\", \"backlog\": %lld, \"sign_per_s\": %.0f, \"drain_per_s\": %.0f, "
           "\"drain_to_sign\": %.2f, \"cpu_ms_per_receipt\": %.2f, \"payments_cores\": %.2f, \"drain_cores\": %.2f, "
           "\"p99_quiet_ms\": %.1f, \"p99_draining_ms\": %.1f}\n",
           (long long)backlog, bare, rate, rate / bare, (cpu - payments_cpu * taken) * 1000 / (double)done,
           payments_cpu, cpu / taken, quiet, p99());
    db_close(db);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}
