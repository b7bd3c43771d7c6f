/* `kill -9` across New Year (NĐ 254/2026 art. 23.2 c: numbers restart at 1 on 1 January): money comes in before and
 * after midnight while the service is killed and started again; neither year has a gap or a repeat. TEST_KILLS kills
 * (8), TEST_SEED for their moments. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/service.h"

enum { REQUESTS = 160, BEFORE_MIDNIGHT_S = 14, AFTER_MIDNIGHT_S = 12, RETRY_MS = 20, DRAIN_S = 90 };

static struct db *db;
static struct arena arena;
static struct service_under_test service;
static struct payment_asked asked[REQUESTS];
static atomic_bool over;
static int paid, old_year;
static instant_us midnight;

/* New Year of the business day's clock. */
static instant_us next_new_year(void)
{
    instant_us at;
    old_year = civil_of(clock_now()).year;
    const char *text = arena_printf(&arena, "%04d-01-01T00:00:00+07:00", old_year + 1);
    assert_true(instant_parse(text_of(text), &at));
    return at;
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    for (int i = 0; i < REQUESTS; i++)
        asked[i] = service_request(&service, &arena, arena_printf(&arena, "NY-%d", i + 1), 1);
    service_stop(&service);
    midnight = next_new_year();
    service.clock_offset_s = (int)((midnight - clock_now()) / SECOND_US) - BEFORE_MIDNIGHT_S;
    service_start(&service); /* and the clock of this program with it */
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

/* The bank tells of one payment after the other, evenly over midnight, each until it hears success. */
static void *bank(void *with)
{
    int64_t pause_ms = (int64_t)(BEFORE_MIDNIGHT_S + AFTER_MIDNIGHT_S) * 1000 / REQUESTS;
    while (!atomic_load(&over) && paid < REQUESTS) {
        struct arena own;
        arena_init(&own);
        const struct bank_notice notice = {
            .id = 1000 + paid, .amount = asked[paid].amount, .memo = asked[paid].reference, .booked_at = 0};
        struct text body = bank_body(&own, &notice);
        struct service_answer answer = bank_posts(&service, &own, body);
        while (!bank_accepted(&answer) && !atomic_load(&over)) {
            test_sleep_ms(RETRY_MS);
            answer = bank_posts(&service, &own, body);
        }
        paid += bank_accepted(&answer);
        arena_done(&own);
        test_sleep_ms((int)pause_ms);
    }
    return NULL;
}

static void kill_and_start_again(void)
{
    service_kill(&service);
    /* The dead hold their jobs until the lease ends: let that time pass at once. */
    test_sql(
        db, "UPDATE job SET run_at = created_at WHERE state = 'waiting' AND kind IN ('receipt.issue', 'receipt.sign')");
    service_start(&service);
}

static int64_t in_year(const char *what, int year)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT %s FROM receipt_number n JOIN receipt_book b ON b.id = n.book_id WHERE "
                                     "b.year = %d AND b.form = 'EBL01'",
                                     what, year));
}

static void the_numbers_of_both_years_are_dense_whatever_dies(void **state)
{
    pthread_t thread;
    struct dice dice = {test_seed()};
    int kills = test_count("TEST_KILLS", 8), done = 0;
    assert_int_equal(pthread_create(&thread, NULL, bank, NULL), 0);
    /* half of the blows fall around midnight */
    for (; done < kills; done++) {
        int64_t left_ms = (midnight + AFTER_MIDNIGHT_S * SECOND_US - clock_now()) / 1000;
        int pause_ms = left_ms > 0 ? (int)(left_ms / (kills - done)) : 1;
        test_sleep_ms(pause_ms / 2 + dice_below(&dice, pause_ms / 2 + 1));
        kill_and_start_again();
    }
    for (int i = 0; i < DRAIN_S * 10 && paid < REQUESTS; i++)
        test_sleep_ms(100);
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_int_equal(paid, REQUESTS);
    test_sql(
        db, "UPDATE job SET run_at = created_at WHERE state = 'waiting' AND kind IN ('receipt.issue', 'receipt.sign')");
    for (int i = 0;
         i < DRAIN_S * 10 && test_int(db, "SELECT count(*) FROM receipt WHERE signed_xml IS NOT NULL") < REQUESTS; i++)
        test_sleep_ms(100);
    for (int year = old_year; year <= old_year + 1; year++) {
        int64_t count = in_year("count(*)", year);
        assert_true(count > 0);
        assert_int_equal(in_year("min(number)", year), 1);
        assert_int_equal(in_year("max(number)", year), count);
        printf("%d: numbers 1 to %lld\n", year, (long long)count);
    }
    assert_int_equal(in_year("count(*)", old_year) + in_year("count(*)", old_year + 1), REQUESTS);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt r JOIN receipt_book b ON b.id = r.book_id WHERE "
                                  "extract(year FROM r.issued_on) <> b.year OR r.signed_xml IS NULL"),
                     0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_audit()"), 0);
    /* the money was collected in the old year: the books show both days */
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM receipt_book_of('%d-01-01', '%d-01-02') WHERE "
                                               "extract(year FROM collected_on) = %d AND symbol LIKE '%02d%%'",
                                               old_year + 1, old_year + 1, old_year, (old_year + 1) % 100)),
                     in_year("count(*)", old_year + 1));
    printf("%d kills\n", done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_numbers_of_both_years_are_dense_whatever_dies)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
