/* From bank files to the finished report: a month of statements against payments that are already stored, beside the
 * bare SQL of the same work in the same run (COPY of the same rows, indexes, the join, both anti-joins and one insert
 * of the same match rows). Then the same for ten times as much, to see that it grows linearly.
 *
 *   build/tests/bench/reconcile_bench [LINES…]      default 100000 and 1000000
 *
 * DATABASE_URL names a migrated database that is thrown away; it is emptied between sizes. One JSON object on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "payments/requests/reference.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

enum { DAYS = 20, PRICE = 15000, COPY_PIECE = 1 << 20, SIZES_MAX = 8, PATIENCE_S = 3600 };

static struct db *db;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "reconcile_bench: %s: %s\n", what, db_error(db));
    exit(1);
}

static void sql(const char *script)
{
    if (db_script(db, script))
        die(script);
}

static void copy(const char *into, struct buf *rows)
{
    if (rows->length && db_copy_in(db, into, buf_view(rows)))
        die(into);
    buf_clear(rows);
}

static date_days day_of(long line)
{
    return date_from(2026, 11, 1) + (date_days)(line % DAYS);
}

/* What is known of line `i`; the same every time it is asked. */
struct known {
    char bank_reference[32];
    int64_t amount;
};

static struct known known_of(long i)
{
    struct known known = {.amount = PRICE + 500 * (i % 97)};
    snprintf(known.bank_reference, sizeof known.bank_reference, "FT26%010ld", i);
    return known;
}

/* Payments as call-backs left them: how they were booked is not what is measured.
 * -------------------------------------- */

/* Of a million references some are alike (40 random bits); the later one is drawn again. */
static void alike_draw_again(char (*references)[REFERENCE_LENGTH + 1])
{
    int64_t n;
    while (
        (n = test_int(
             db, "SELECT coalesce(min(n), 0) FROM (SELECT n, row_number() OVER (PARTITION BY reference ORDER BY n) AS k"
                 " FROM told) t WHERE k > 1"))) {
        struct reference made;
        char update[100];
        reference_new("QN", &made);
        memcpy(references[n - 1], made.text, sizeof made.text);
        snprintf(update, sizeof update, "UPDATE told SET reference = '%s' WHERE n = %lld", made.text, (long long)n);
        sql(update);
    }
}

static void payments_store(long lines, char (*references)[REFERENCE_LENGTH + 1])
{
    struct buf rows = {0};
    sql("CREATE TEMP TABLE told (n bigint, reference text, bank_reference text, amount bigint, day date)");
    for (long i = 0; i < lines; i++) {
        struct reference made;
        struct known known = known_of(i);
        char day[DATE_TEXT_SIZE];
        reference_new("QN", &made);
        memcpy(references[i], made.text, sizeof made.text);
        date_format(day_of(i), day);
        buf_printf(&rows, "%ld\t%s\t%s\t%lld\t%s\n", i + 1, made.text, known.bank_reference, (long long)known.amount,
                   day);
        if (rows.length > COPY_PIECE)
            copy("COPY told FROM STDIN", &rows);
    }
    copy("COPY told FROM STDIN", &rows);
    buf_done(&rows);
    alike_draw_again(references);
    sql("SET session_replication_role = replica;"
        "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, registered_at, "
        "changed_at)"
        " SELECT 'B-' || n, '2.000635', 'A1', 'online', 'Nguyễn Thị Ánh', day, day, day FROM told;"
        "INSERT INTO payment_request (reference, dossier, stage, status, amount, allocated, account_id, collector, "
        "token_hash, quote,"
        " catalogue_version, priced_on, created_at, created_by, expires_at, settled_at, paid_on, changed_at)"
        " SELECT reference, 'B-' || n, 'filing', 'paid', amount, amount, (SELECT min(id) FROM receiving_account), "
        "'5700100001',"
        " sha256(reference::bytea), '{}', 'bench', day, day, 'bench', day + 30, day, day, day FROM told ORDER BY n;"
        "INSERT INTO request_line SELECT r.id, 1, 'HT-TRICHLUC', 'Phí', 'phi', r.amount, 0, r.amount, 'state_receipt', "
        "'TT 281/2016'"
        " FROM payment_request r;"
        "INSERT INTO payment (id, source, external_id, method, amount, account_id, request_id, allocated, reference, "
        "bank_reference, memo,"
        " paid_at, booked_at, booked_month) SELECT n, 'sandbox-bank', 'X' || n, 'vietqr', t.amount, r.account_id, "
        "r.id, t.amount,"
        " t.reference, t.bank_reference, t.reference || ' nop le phi', day + time '10:00', day + time '10:00', "
        "'2026-11-01'"
        " FROM told t JOIN payment_request r USING (reference) ORDER BY n;"
        "RESET session_replication_role; DROP TABLE told; ANALYZE");
}

/* One MT940 file with a statement for each day.
 * ------------------------------------------------------------------------- */

static void swift_amount(struct buf *out, int64_t amount)
{
    buf_printf(out, "%lld,00", (long long)amount);
}

static void statement_write(struct buf *out, long lines, int nth, int64_t *balance,
                            char (*references)[REFERENCE_LENGTH + 1])
{
    char day[DATE_TEXT_SIZE], swift[8];
    date_format(day_of(nth), day);
    snprintf(swift, sizeof swift, "%.2s%.2s%.2s", day + 2, day + 5, day + 8);
    buf_printf(out, ":20:BENCH\n:25:0021000000001\n:28C:%d/1\n:60F:C%sVND", nth + 1, swift);
    swift_amount(out, *balance);
    for (long i = nth; i < lines; i += DAYS) {
        struct known known = known_of(i);
        buf_printf(out, "\n:61:%s%.4sC", swift, swift + 2);
        swift_amount(out, known.amount);
        buf_printf(out, "NTRFNONREF//%s\n:86:MBVCB.%010ld.%s nop le phi.CT tu 0011", known.bank_reference, i,
                   references[i]);
        *balance += known.amount;
    }
    buf_printf(out, "\n:62F:C%sVND", swift);
    swift_amount(out, *balance);
    buf_string(out, "\n-\n");
}

/* The bare work.
 * -------------------------------------------------------------------------------------------------------- */

static double bare(long lines, char (*references)[REFERENCE_LENGTH + 1])
{
    struct buf rows = {0}, all = {0};
    for (long i = 0; i < lines; i++) {
        struct known known = known_of(i);
        char day[DATE_TEXT_SIZE];
        date_format(day_of(i), day);
        buf_printf(&all, "%ld\t1\t%s\t%lld\t%s\t%s\tMBVCB.%010ld.%s nop le phi.CT tu 0011\n", i + 1, day,
                   (long long)known.amount, known.bank_reference, references[i], i, references[i]);
    }
    sql("CREATE TABLE bare_line (id bigint, account_id integer, booked_on date, amount bigint, bank_reference text, "
        "reference text, memo text);"
        "CREATE TABLE bare_match (line_id bigint PRIMARY KEY, payment_id bigint UNIQUE, rule text, version integer, "
        "healed boolean,"
        " edits integer, actor text, at timestamptz)");
    int64_t began = clock_monotonic_us();
    sql("BEGIN");
    for (size_t at = 0; at < all.length;) {
        struct text piece = text_slice(buf_view(&all), at, COPY_PIECE);
        while (piece.length && piece.at[piece.length - 1] != '\n')
            piece.length--;
        buf_text(&rows, piece);
        at += piece.length;
        copy("COPY bare_line FROM STDIN", &rows);
    }
    sql("CREATE UNIQUE INDEX ON bare_line (id); CREATE INDEX ON bare_line (account_id, bank_reference); ANALYZE "
        "bare_line;"
        "INSERT INTO bare_match SELECT l.id, p.id, 'bank_reference', 1, false, 0, 'machine', now() FROM bare_line l "
        "JOIN payment p"
        " ON p.account_id = l.account_id AND p.bank_reference = l.bank_reference AND p.amount = l.amount;"
        "SELECT count(*) FROM bare_line l WHERE NOT EXISTS (SELECT FROM bare_match m WHERE m.line_id = l.id);"
        "SELECT count(*) FROM payment p WHERE NOT EXISTS (SELECT FROM bare_match m WHERE m.payment_id = p.id);"
        "COMMIT");
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    buf_done(&rows);
    buf_done(&all);
    sql("DROP TABLE bare_line, bare_match");
    return seconds;
}

/* The whole work.
 * ------------------------------------------------------------------------------------------------------- */

struct took {
    double import, run, report;
};

static double lap(int64_t *began)
{
    int64_t now = clock_monotonic_us();
    double seconds = (double)(now - *began) / 1e6;
    *began = now;
    return seconds;
}

static struct took ours(long lines, char (*references)[REFERENCE_LENGTH + 1])
{
    struct buf file = {0};
    int64_t balance = 1000000000, run;
    for (int nth = 0; nth < DAYS; nth++)
        statement_write(&file, lines, nth, &balance, references);
    struct arena arena;
    arena_init(&arena);
    struct text told;
    struct took took;
    const struct statement_import_order order = {buf_view(&file), "bench.sta", "bench", clock_now()};
    int64_t began = clock_monotonic_us();
    if (statement_import(db, &arena, &order, &told))
        die("import");
    took.import = lap(&began);
    if (reconcile(db, &arena, day_of(DAYS - 1), "bench", clock_now(), &run, &told))
        die("reconcile");
    took.run = lap(&began);
    if (report_daily(db, &arena, day_of(DAYS - 1), REPORT_JSON, &told))
        die("report");
    took.report = lap(&began);
    if (test_int(db, "SELECT count(*) FROM line_match") != lines || test_int(db, "SELECT count(*) FROM exception_case"))
        die("not every line is matched");
    arena_done(&arena);
    buf_done(&file);
    return took;
}

static void empty(void)
{
    sql("SET session_replication_role = replica;"
        "TRUNCATE statement_file, dossier, payment, payment_request, journal, entry, account, reconciliation_run "
        "CASCADE;"
        "RESET session_replication_role");
}

static void measure(long lines, const char *comma)
{
    char(*references)[REFERENCE_LENGTH + 1] = calloc((size_t)lines, sizeof *references);
    if (!references)
        die("memory");
    payments_store(lines, references);
    double alone = bare(lines, references);
    struct took took = ours(lines, references);
    double all = took.import + took.run + took.report;
    fprintf(stderr,
            "%8ld lines: import %.2f s, run %.2f s, report %.2f s = %.2f s, %.0f lines/s; bare SQL %.2f s: x %.2f\n",
            lines, took.import, took.run, took.report, all, (double)lines / all, alone, all / alone);
    printf("%s{\"lines\": %ld, \"import_s\": %.2f, \"run_s\": %.2f, \"report_s\": %.2f, \"bare_s\": %.2f, \"ratio\": "
           "%.2f, \"lines_per_s\": %.0f}",
           comma, lines, took.import, took.run, took.report, alone, all / alone, (double)lines / all);
    free(references);
    if (!getenv("BENCH_KEEP"))
        empty();
}

int main(int argc, char **argv)
{
    const struct db_options options = {
        .url = test_database_url(), .name = "bench", .statement_timeout_ms = PATIENCE_S * 1000};
    if (db_open(&options, &db))
        return 1;
    test_province(db);
    printf("{\"sizes\": [");
    if (argc > 1)
        for (int i = 1; i < argc && i <= SIZES_MAX; i++)
            measure(atol(argv[i]), i > 1 ? ", " : "");
    else {
        measure(100000, "");
        measure(1000000, ", ");
    }
    printf("]}\n");
    db_close(db);
    return 0;
}
