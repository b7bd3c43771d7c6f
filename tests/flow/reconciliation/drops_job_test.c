/* A drop that failed in the night is visited again by the service's job: what comes late is taken and reconciled. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/http/client.h"
#include "core/jobs/jobs.h"
#include "core/system/config.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"
#include "tests/support/sandbox.h"

#define ACCOUNT "0021000000001"

static const struct job_kind kinds[] = {RECONCILIATION_JOB_KINDS};
static const struct jobs_config jobs = {.kinds = kinds, .kind_count = 1, .threads = 1};

static struct db *db;
static struct arena arena;
static struct test_sandbox sandbox;
static struct http_client *client;

static struct text ask(const char *method, const char *path, const char *body)
{
    const struct http_call call = {
        .method = method, .url = arena_printf(&arena, "%s%s", sandbox.base, path), .body = text_of(body)};
    struct http_answer answer;
    if (http_client_call(client, &call, &arena, &answer) || answer.status != 200)
        fail_msg("%s", path);
    return answer.body;
}

static void configure(const char *url, const char *ca_file, const char *password_file)
{
    struct faults faults;
    faults_init(&faults, &arena);
    setenv("LEPHI_DROP__BANK_URL", url, 1);
    setenv("LEPHI_DROP__BANK_USER", "lephi", 1);
    setenv("LEPHI_DROP__BANK_CA_FILE", ca_file, 1);
    setenv("LEPHI_DROP__BANK_PASSWORD_FILE", password_file, 1);
    setenv("LEPHI_DROP__BANK_SETTLE_S", "0", 1);
    if (config_load("/dev/null", &faults))
        fail_msg("%s: %s", faults.list[0].where, faults.list[0].detail);
}

static void one_round(void)
{
    size_t run;
    test_sql(db, "UPDATE job SET run_at = '2026-01-01'");
    assert_int_equal(jobs_round(db, &jobs, &run), OK);
    assert_int_equal(run, 1);
}

static void a_drop_that_is_gone_keeps_its_job_with_the_reason(void **state)
{
    configure("https://127.0.0.1:1/statements/", "", "");
    test_sql(db, "SELECT statement_fetch_again('bank', '2026-11-23T01:00Z')");
    test_sql(db, "SELECT statement_fetch_again('bank', '2026-11-23T01:00Z')"); /* asked for twice: one job */
    one_round();
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'statement_fetch' AND state = 'waiting'"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_drop_visit WHERE outcome = 'failed'"), 1);
}

static void when_it_is_back_its_lines_are_taken_and_have_a_fate(void **state)
{
    struct text about = ask("GET", "/drop", NULL), rest = about;
    char field[4][200] = {{0}};
    static const char *const keys[] = {"\"url\":\"", "\"ca_file\":\""};
    for (int i = 0; i < 2; i++) {
        size_t at = text_find(rest, text_of(keys[i]));
        assert_true(at < rest.length);
        struct text value = text_until(text_slice(rest, at + strlen(keys[i]), rest.length), '"', &(struct text){0});
        snprintf(field[i], sizeof field[i], "%.*s", TEXT_ARGS(value));
    }
    char password[100];
    snprintf(password, sizeof password, "%s/password", sandbox.folder);
    FILE *file = fopen(password, "w");
    assert_non_null(file);
    fputs("sao-ke\n", file);
    fclose(file);
    char day[DATE_TEXT_SIZE], before[DATE_TEXT_SIZE];
    date_format(date_of(clock_now()) - 1, day);
    date_format(date_of(clock_now()) - 2, before);
#define SWIFT(d) d[2], d[3], d[5], d[6], d[8], d[9]
    ask("POST", "/drop/put?name=late.sta",
        arena_printf(&arena,
                     ":20:S\n:25:" ACCOUNT
                     "\n:28C:1/1\n:60F:C%c%c%c%c%c%cVND1000,\n:61:%c%c%c%c%c%c%c%c%c%cC7000,NTRFNONREF//L1\n"
                     ":86:chuyen tien\n:62F:C%c%c%c%c%c%cVND8000,\n-\n",
                     SWIFT(before), SWIFT(day), day[5], day[6], day[8], day[9], SWIFT(day)));
    configure(field[0], field[1], password);
    one_round();
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'statement_fetch'"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_pending"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case WHERE reason = 'no_reference'"), 1);
    char late[100];
    snprintf(late, sizeof late, "%s/drop/late.sta", sandbox.folder);
    unlink(late);
    unlink(password);
}

static void a_name_that_is_no_longer_configured_says_so(void **state)
{
    test_sql(db, "SELECT statement_fetch_again('nobody', '2026-11-23T01:00Z')");
    one_round();
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE key = 'nobody' AND state = 'waiting'"), 1);
}

int main(void)
{
    db = test_db();
    arena_init(&arena);
    test_province(db);
    const struct http_client_config config = {0};
    if (http_client_start(&config, &client))
        return 1;
    test_sandbox_start(&sandbox, (const char *const[]){NULL});
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drop_that_is_gone_keeps_its_job_with_the_reason),
        cmocka_unit_test(when_it_is_back_its_lines_are_taken_and_have_a_fate),
        cmocka_unit_test(a_name_that_is_no_longer_configured_says_so),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += !test_sandbox_stop(&sandbox, SIGTERM);
    test_sandbox_remove(&sandbox);
    http_client_stop(client);
    arena_done(&arena);
    db_close(db);
    return failed;
}
