/* A backlog of receipts drains while payments go on: how fast, beside the rate at which one core signs; and what the
 * payments notice. BENCH_BACKLOG receipts (5000; the real size is 100000), 200 payments a second, one thread of jobs.
 * One JSON object on standard output. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/jobs/jobs.h"
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"
#include "tests/support/receipt_sample.h"

enum { PAYMENTS_PER_S = 200, QUIET_S = 5, SAMPLES_MAX = 1 << 18, SIGN_SPAN_MS = 1000 };

static struct arena arena;
static struct faults faults;
static struct db *db;
static atomic_bool stopping;
static double taken_ms[SAMPLES_MAX];
static int sample_count;
static int64_t next_payment, last_payment;

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

/* Requests first to last, each with its dossier; references QN and twelve hex digits. */
static void make_requests(int64_t first, int64_t last)
{
    test_sql(db, arena_printf(&arena,
                              "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, "
                              "registered_at, changed_at) SELECT 'B' || lpad(n::text, 9, '0'), '2.000635', 'A1', "
                              "'online', 'Nguyễn Thị Ánh', now(), now(), now() FROM generate_series(%lld, %lld) n",
                              (long long)first, (long long)last));
    test_sql(db, arena_printf(&arena,
                              "SELECT count(request_make(now(), 'QN' || lpad(upper(to_hex(n)), 12, '0'), 'B' || "
                              "lpad(n::text, 9, '0'), 'filing', 16000, (SELECT id FROM receiving_account LIMIT 1), "
                              "'5700100001', sha256(n::text::bytea), '{}', 'test', business_day(now()), NULL, "
                              "'payload', 'system:test', now() + interval '9 days', "
                              "jsonb_build_array(jsonb_build_object('fee', 'HT-TRICHLUC', 'name', 'Phí cấp bản sao "
                              "trích lục hộ tịch', 'kind', 'phi', 'gross', 16000, 'reduction', 0, 'net', 16000, "
                              "'document', 'state_receipt', 'legal_basis', 'TT 281/2016')))) "
                              "FROM generate_series(%lld, %lld) n",
                              (long long)first, (long long)last));
}

static void pay(struct db *on, int64_t first, int64_t last)
{
    test_sql(on,
             arena_printf(&arena,
                          "SELECT count(*) FROM (SELECT array_agg('T' || n) AS t, array_agg(sha256(n::text::bytea)) "
                          "AS h, array_agg('QN' || lpad(upper(to_hex(n)), 12, '0')) AS r, "
                          "array_agg((n - %lld + 1)::integer) AS i FROM generate_series(%lld, %lld) n) a "
                          "CROSS JOIN LATERAL confirm(now(), array_fill('sandbox-bank'::text, "
                          "ARRAY[cardinality(a.i)]), a.t, a.h, array_fill(16000::bigint, ARRAY[cardinality(a.i)]), "
                          "array_fill('0021000000001'::text, ARRAY[cardinality(a.i)]), array_fill('vietqr'::text, "
                          "ARRAY[cardinality(a.i)]), a.t, a.r, array_fill(now(), ARRAY[cardinality(a.i)]), "
                          "array_fill(NULL::text, ARRAY[cardinality(a.i)]), array_fill(NULL::text, "
                          "ARRAY[cardinality(a.i)]), array_fill(NULL::bytea, ARRAY[cardinality(a.i)]), a.i, a.r, "
                          "array_fill(0, ARRAY[cardinality(a.i)]))",
                          (long long)first, (long long)first, (long long)last));
}

static const struct db_statement pay_sql = {
    "bench_pay", "SELECT outcome FROM confirm(now(), ARRAY['sandbox-bank'], ARRAY['T' || $1::bigint], "
                 "ARRAY[sha256($1::text::bytea)], ARRAY[16000::bigint], ARRAY['0021000000001'], ARRAY['vietqr'], "
                 "ARRAY['T' || $1::bigint], ARRAY['memo'], ARRAY[now()], ARRAY[NULL::text], ARRAY[NULL::text], "
                 "ARRAY[NULL::bytea], ARRAY[1], ARRAY['QN' || lpad(upper(to_hex($1::bigint)), 12, '0')], ARRAY[0])"};

/* 200 a second by the clock: a late one does not move the others, and its waiting counts. */
static void *payer(void *with)
{
    struct db *mine;
    must(db_open(&(struct db_options){.url = test_database_url(), .name = "payer"}, &mine) == OK, "payer");
    double due = wall_s();
    while (!atomic_load(&stopping) && next_payment <= last_payment && sample_count < SAMPLES_MAX) {
        double wait = due - wall_s();
        if (wait > 0)
            nanosleep(&(struct timespec){0, (long)(wait * 1e9)}, NULL);
        struct arena own;
        arena_init(&own);
        struct db_args args = db_args(&own);
        db_arg_int(&args, next_payment++);
        must(db_run(mine, &pay_sql, &args) == OK, db_error(mine));
        arena_done(&own);
        taken_ms[sample_count++] = (wall_s() - due) * 1000;
        due += 1.0 / PAYMENTS_PER_S;
    }
    db_close(mine);
    return NULL;
}

/* Of this whole program: jobs and payments, without the database's part. */
static double program_cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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

static double single_core_rate(const struct signer *signer)
{
    struct receipt_document document = receipt_sample();
    struct buf xml = {0};
    must(receipt_document_write(&document, &xml, &faults) == OK, "document");
    struct timespec t;
    double start, now;
    long times = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    start = now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    while ((now - start) * 1000 < SIGN_SPAN_MS) {
        struct buf out = {0};
        must(receipt_sign(signer, buf_view(&xml), clock_now(), &out) == OK, "receipt_sign");
        buf_done(&out);
        times++;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    }
    buf_done(&xml);
    return (double)times / (now - start);
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
    int64_t backlog = asked ? atoll(asked) : 5000, chunk = 1000;
    arena_init(&arena);
    faults_init(&faults, &arena);
    char *folder = test_folder_new();
    db = test_db();
    const struct signer *signer = open_office(folder);
    double bare = single_core_rate(signer);
    last_payment = backlog + backlog / 2 + PAYMENTS_PER_S * (QUIET_S + 30);
    next_payment = backlog + 1;
    for (int64_t n = 1; n <= last_payment; n += chunk)
        make_requests(n, n + chunk - 1 < last_payment ? n + chunk - 1 : last_payment);
    for (int64_t n = 1; n <= backlog; n += 256)
        pay(db, n, n + 255 < backlog ? n + 255 : backlog);
    test_sql(db, "ANALYZE");

    pthread_t thread;
    must(!pthread_create(&thread, NULL, payer, NULL), "thread");
    nanosleep(&(struct timespec){QUIET_S, 0}, NULL);
    atomic_store(&stopping, true);
    pthread_join(thread, NULL);
    double quiet = p99();
    atomic_store(&stopping, false);

    static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS};
    const struct jobs_config config = {
        .database_url = test_database_url(), .kinds = kinds, .kind_count = 2, .threads = 1};
    struct jobs *jobs;
    must(!pthread_create(&thread, NULL, payer, NULL), "thread");
    double start = wall_s(), start_cpu = program_cpu_s();
    must(jobs_start(&config, &jobs) == OK, "jobs");
    int64_t done = 0;
    while (done < backlog) {
        nanosleep(&(struct timespec){0, 200000000}, NULL);
        done = test_int(db, "SELECT count(*) FROM receipt WHERE signed_xml IS NOT NULL");
    }
    double rate = (double)done / (wall_s() - start), cpu_rate = (double)done / (program_cpu_s() - start_cpu);
    atomic_store(&stopping, true);
    pthread_join(thread, NULL);
    jobs_stop(jobs);
    printf("{\"bench\": \"receipts_backlog\", \"backlog\": %lld, \"sign_per_s\": %.0f, \"drain_per_s\": %.0f, "
           "\"drain_per_cpu_s\": %.0f, \"drain_to_sign\": %.2f, \"p99_quiet_ms\": %.1f, \"p99_draining_ms\": %.1f}\n",
           (long long)backlog, bare, rate, cpu_rate, rate / bare, quiet, p99());
    db_close(db);
    test_folder_remove(folder);
    arena_done(&arena);
    return 0;
}
