/* The nightly run is killed at any moment, again and again, and still ends as if nobody had touched it.
 * TEST_KILLS (6) kills, TEST_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "payments/requests/requests.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define ACCOUNT "0021000000001"

enum { REQUESTS = 600 };

static struct db *db;
static struct arena arena;
static instant_us at;

/* A third announced, a third lost, the rest nameless; every tenth paid twice. */
static void begin_day(void)
{
    struct buf file = {0};
    int64_t balance = 1000000;
    buf_printf(&file, ":20:S1\n:25:" ACCOUNT "\n:28C:1/1\n:60F:C261122VND1000000,\n");
    test_sql(db, "BEGIN");
    for (int i = 0; i < REQUESTS; i++) {
        struct reference reference;
        char sql[1000];
        reference_new("QN", &reference);
        if (i % 3 < 2)
            test_request(db, reference.text, 16000);
        if (i % 3 == 0) {
            snprintf(
                sql, sizeof sql,
                "SELECT confirm('2026-11-23T03:00Z', '{sandbox-bank}', '{cb%d}', ARRAY[sha256('cb%d')], '{16000}', "
                "'{" ACCOUNT "}', '{vietqr}', '{NULL}', '{%s}', '{2026-11-23T03:00Z}', '{NULL}', '{NULL}', "
                "ARRAY[NULL::bytea], '{1}', '{%s}', '{0}')",
                i, i, reference.text, reference.text);
            test_sql(db, sql);
        }
        for (int k = 0; k < (i % 10 ? 1 : 2); k++) {
            buf_printf(&file, ":61:2611231123C16000,NTRFNONREF//FT%d%d\n:86:%s\n", i, k,
                       i % 3 < 2 ? reference.text : "chuyen tien");
            balance += 16000;
        }
    }
    test_sql(db, "COMMIT");
    buf_printf(&file, ":62F:C261123VND%lld,\n-\n", (long long)balance);
    const struct statement_import_order order = {buf_view(&file), "day", "staff:test", at};
    struct text json;
    assert_int_equal(statement_import(db, &arena, &order, &json), OK);
    buf_done(&file);
}

static pid_t start_run(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execl(getenv("TEST_BINARY"), "lephi", "reconcile", "--date", "2026-11-24", (char *)NULL);
        _exit(127);
    }
    return child;
}

static const char *const outcome =
    "SELECT concat_ws(' ', (SELECT count(*) FROM payment), (SELECT count(*) FROM line_match), (SELECT count(*) FROM "
    "exception_case), (SELECT count(*) FROM statement_journal), (SELECT sum(abs(amount)) FROM entry), (SELECT count(*) "
    "FROM payment_request WHERE settled_at IS NOT NULL), (SELECT string_agg(section || key || count || amount, ';' "
    "ORDER BY "
    "section, key) FROM daily_books('2026-11-23')))";

static void a_run_killed_at_any_moment_is_finished_by_the_next(void **state)
{
    const char *kills_text = getenv("TEST_KILLS"), *seed_text = getenv("TEST_SEED");
    int kills = kills_text ? atoi(kills_text) : 6, died = 0, seen = 0;
    unsigned seed = seed_text ? (unsigned)atoi(seed_text) : 20261123;
    for (int i = 0; i < kills; i++) {
        pid_t child = start_run();
        struct timespec wait = {0, (long)(rand_r(&seed) % 900) * 1000000 + 20000000};
        nanosleep(&wait, NULL);
        seen += test_int(db, "SELECT count(*) FROM reconciliation_run WHERE step IS NOT NULL") > 0; /* how far it is */
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        died += WIFSIGNALED(status);
        assert_int_equal(test_int(db, "SELECT sum(amount) FROM entry"), 0);
    }
    printf("%d runs, %d killed under way, progress seen %d times\n", kills, died, seen);
    for (int tries = 0; tries < 50; tries++) { /* the server notices a dead client within moments */
        pid_t child = start_run();
        int status;
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        sleep(1);
    }
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_pending"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_unposted"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment WHERE source = 'statement'"),
                     REQUESTS / 3 + REQUESTS / 10 - REQUESTS / 30);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_journal"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM reconcile_audit() WHERE problem NOT LIKE 'receipt%'"), 0);
    struct text before = test_value(db, &arena, outcome);
    int64_t run;
    struct text json;
    assert_int_equal(reconcile(db, &arena, date_from(2026, 11, 24), "staff:test", at, &run, &json), OK);
    struct text after = test_value(db, &arena, outcome);
    assert_true(text_equal(before, after));
}

static int begin(void **state)
{
    arena_init(&arena);
    if (!instant_parse(TEXT("2026-11-24T00:30:00+07:00"), &at))
        return 1;
    db = test_db();
    test_province(db);
    begin_day();
    return 0;
}

static int end(void **state)
{
    db_close(db);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_killed_at_any_moment_is_finished_by_the_next),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
