/* Durable jobs, and the working days of the province. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"

static struct db *db;
static atomic_int runs, failures_left;

static void run_job(struct db *own, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with)
{
    for (size_t i = 0; i < count; i++) {
        atomic_fetch_add(&runs, 1);
        bool fails = atomic_load(&failures_left) > 0;
        if (fails)
            atomic_fetch_sub(&failures_left, 1);
        jobs[i].outcome = fails ? ERR_NETWORK : OK;
        jobs[i].problem = fails ? TEXT("nobody answered") : TEXT_NONE;
    }
}

static const struct job_kind kinds[] = {
    {.name = "test.work", .run = run_job, .batch_max = 8, .tries_max = 3, .lease_s = 30}};
static const struct jobs_config config = {.kinds = kinds, .kind_count = 1, .threads = 1};

static int set_up(void **state)
{
    db = test_db();
    return 0;
}

static int tear_down(void **state)
{
    db_close(db);
    return 0;
}

static void queue(int count)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "INSERT INTO job (kind, key, body, run_at, created_at) SELECT 'test.work', 'thing ' || n, '{}', "
             "'2020-01-01', '2020-01-01'"
             " FROM generate_series(1, %d) n",
             count);
    test_sql(db, sql);
    atomic_store(&runs, 0);
}

static void work(struct db *own, int number, void *with)
{
    size_t run;
    do
        if (jobs_round(own, &config, &run))
            abort();
    while (run);
}

static void every_job_is_done_once_by_eight_workers_and_then_gone(void **state)
{
    queue(500);
    test_clients(8, work, NULL);
    assert_int_equal(atomic_load(&runs), 500);
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'test.work'"), 0);
}

static void the_same_work_is_never_queued_twice(void **state)
{
    queue(1);
    test_sql_refused(db,
                     "INSERT INTO job (kind, key, body, run_at, created_at) VALUES ('test.work', 'thing 1', '{}', "
                     "'2020-01-01', '2020-01-01')",
                     "23505");
    work(db, 0, NULL);
}

static void a_failed_job_waits_longer_each_time_and_dies_for_a_person_to_see(void **state)
{
    struct arena arena;
    arena_init(&arena);
    queue(1);
    atomic_store(&failures_left, 3);
    for (int i = 1; i <= 3; i++) {
        work(db, 0, NULL);
        assert_int_equal(atomic_load(&runs), i);
        assert_true(
            text_is(test_value(db, &arena, "SELECT error FROM job WHERE kind = 'test.work'"), "nobody answered"));
        test_sql(db, "UPDATE job SET run_at = '2020-01-01' WHERE kind = 'test.work'");
    }
    assert_true(text_is(test_value(db, &arena, "SELECT state FROM job WHERE kind = 'test.work'"), "dead"));
    work(db, 0, NULL);
    assert_int_equal(atomic_load(&runs), 3);
    test_sql(db, "UPDATE job SET state = 'waiting', tries = 0 WHERE kind = 'test.work'"); /* played again by a person */
    work(db, 0, NULL);
    assert_int_equal(test_int(db, "SELECT count(*) FROM job WHERE kind = 'test.work'"), 0);
    arena_done(&arena);
}

static void a_worker_that_dies_gives_its_jobs_back_when_the_lease_ends(void **state)
{
    queue(1);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM job_claim('test.work', 8, '2026-11-23T00:00Z', interval '30 s')"), 1);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM job_claim('test.work', 8, '2026-11-23T00:00:29Z', interval '30 s')"), 0);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM job_claim('test.work', 8, '2026-11-23T00:00:31Z', interval '30 s')"), 1);
    test_sql(db, "DELETE FROM job WHERE kind = 'test.work'");
}

static void working_days_skip_weekends_and_holidays_and_count_swapped_days(void **state)
{
    struct calendar *calendar;
    test_sql(db,
             "INSERT INTO calendar_day VALUES ('2026-04-30', 'holiday', 'x', 'y'), ('2026-05-01', 'holiday', 'x', 'y'),"
             " ('2026-05-09', 'working', 'swapped', 'y')");
    assert_int_equal(calendar_load(db, &calendar), OK);
    date_days wednesday = date_from(2026, 4, 29);
    assert_int_equal(calendar_add(calendar, wednesday, 0), wednesday);
    assert_int_equal(calendar_add(calendar, wednesday, 1), date_from(2026, 5, 4));
    assert_int_equal(calendar_add(calendar, date_from(2026, 4, 30), 0), date_from(2026, 5, 4));
    assert_int_equal(calendar_add(calendar, date_from(2026, 5, 8), 1), date_from(2026, 5, 9));
    assert_int_equal(calendar_works(calendar, date_from(2026, 5, 10)), 0);
    calendar_free(calendar);
}

static void the_shipped_province_is_imported_whole_and_twice_the_same(void **state)
{
    struct arena arena;
    struct faults faults;
    int64_t rows;
    arena_init(&arena);
    faults_init(&faults, &arena);
    assert_int_equal(province_import(db, "app/demo", &faults, &rows), OK);
    assert_int_equal(province_import(db, "core/province", &faults, &rows), OK);
    assert_int_equal(province_import(db, "core/province", &faults, &rows), OK);
    assert_int_equal(test_int(db, "SELECT count(*) FROM commune"), 54);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receiving_account"), 10);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_done_once_by_eight_workers_and_then_gone),
        cmocka_unit_test(the_same_work_is_never_queued_twice),
        cmocka_unit_test(a_failed_job_waits_longer_each_time_and_dies_for_a_person_to_see),
        cmocka_unit_test(a_worker_that_dies_gives_its_jobs_back_when_the_lease_ends),
        cmocka_unit_test(working_days_skip_weekends_and_holidays_and_count_swapped_days),
        cmocka_unit_test(the_shipped_province_is_imported_whole_and_twice_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
