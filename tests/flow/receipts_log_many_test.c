/* The transparency log in bulk: several writers at once, and TEST_LEAVES leaves (3000; test-full: a million), with
 * proofs that stay short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "core/jobs/feed.h"
#include "core/jobs/jobs.h"
#include "receipts/log.h"
#include "tests/support/database.h"
#include "tests/support/receipt_world.h"
#include "tests/support/service.h"

enum { CLIENTS = 8, EACH = 6, CHUNK = 20000, PROOF_US_MAX = 2 * 1000 * 1000 };

static struct receipt_world world;

static int set_up(void **state)
{
    receipt_world_open(&world);
    return 0;
}

static int tear_down(void **state)
{
    receipt_world_close(&world);
    return 0;
}

static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS, RECEIPT_LOG_JOB_KINDS};

static void work_on(struct db *db)
{
    const struct jobs_config config = {
        .database_url = test_database_url(), .kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    struct arena arena;
    size_t some = 1;
    int64_t placed, asked;
    arena_init(&arena);
    for (int i = 0; i < 60 && some; i++) {
        assert_int_equal(jobs_round(db, &config, &some), OK);
        assert_int_equal(feed_round(db, &arena, &placed), OK);
        assert_int_equal(receipt_log_tick(db, &arena, clock_now(), &asked), OK);
        some += (size_t)(placed + asked);
    }
    arena_done(&arena);
}

/* Everybody makes receipts and everybody reads the feed into the log, at the same time. */
static void client(struct db *mine, int number, void *with)
{
    struct arena arena;
    arena_init(&arena);
    for (int i = 0; i < EACH; i++) {
        const char *reference = arena_printf(&arena, "QN%06d%06d", number, i);
        test_request(mine, reference, 16000);
        test_sql(mine, arena_printf(&arena,
                                    "SELECT outcome FROM confirm('2026-11-23T05:00Z', ARRAY['sandbox-bank'], "
                                    "ARRAY['T%s'], ARRAY[sha256('%s')], ARRAY[16000::bigint], ARRAY['0021000000001'], "
                                    "ARRAY['vietqr'], ARRAY['B%s'], ARRAY['memo'], ARRAY['2026-11-23T05:00Z'::"
                                    "timestamptz], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::bytea], "
                                    "ARRAY[1], ARRAY['%s'], ARRAY[0])",
                                    reference, reference, reference, reference));
        work_on(mine);
    }
    arena_done(&arena);
}

static void many_writers_leave_one_dense_log(void **state)
{
    test_clients(CLIENTS, client, NULL);
    for (int i = 0; i < 20 && receipt_world_count(&world, "receipt_log_leaf") < CLIENTS * EACH; i++) {
        receipt_world_hurry(&world);
        work_on(world.db);
    }
    assert_int_equal(receipt_world_count(&world, "receipt_log_leaf WHERE status = 'issued'"), CLIENTS * EACH);
    assert_int_equal(test_int(world.db, "SELECT count(DISTINCT receipt_id) FROM receipt_log_leaf"), CLIENTS * EACH);
    assert_int_equal(test_int(world.db, "SELECT max(leaf_index) FROM receipt_log_leaf"), CLIENTS * EACH - 1);
    assert_int_equal(test_int(world.db,
                              "SELECT count(*) FROM (SELECT position < lag(position) OVER (ORDER BY leaf_index) "
                              "AS back FROM receipt_log_leaf) l WHERE back"),
                     0);
    assert_int_equal(receipt_world_count(&world, "receipt_log_audit(0)"), 0);
    struct buf proof = {0}, told = {0};
    assert_int_equal(log_prove(world.db, &world.arena, test_int(world.db, "SELECT max(id) FROM receipt"), 0, &proof),
                     OK);
    assert_int_equal(log_check_proof(buf_view(&proof), TEXT_NONE, NULL, NULL, &told, &world.faults), OK);
    buf_done(&proof);
    buf_done(&told);
}

/* Notices about one receipt, as events; the log does not ask how they came about. */
static void make_events(int64_t first, int64_t count)
{
    test_sql(
        world.db,
        arena_printf(
            &world.arena,
            "SELECT event_record('2026-11-23T06:00Z', array_agg('receipt.notified'::text), array_agg('H00001'::text), "
            "array_agg(NULL::bigint), array_agg(jsonb_build_object('collector', '" WORLD_COLLECTOR
            "', 'form', 'EBL01', 'symbol', '26TAA', 'number', 1, 'wrong', n::text, 'right', 'x'))) FROM "
            "generate_series(%lld, %lld) n",
            (long long)first, (long long)(first + count - 1)));
}

static void a_very_large_log_gives_short_proofs_quickly(void **state)
{
    int64_t wanted = test_count("TEST_LEAVES", 3000), before = receipt_world_count(&world, "receipt_log_leaf");
    int64_t started_us = clock_monotonic_us();
    for (int64_t n = 0; n < wanted; n += CHUNK)
        make_events(n + 1, wanted - n < CHUNK ? wanted - n : CHUNK);
    while (test_int(world.db, "SELECT feed_advance(20000)") > 0)
        ;
    while (test_int(world.db, "SELECT receipt_log_advance(20000)") > 0)
        ;
    assert_int_equal(receipt_world_count(&world, "receipt_log_leaf"), before + wanted);
    int64_t made_us = clock_monotonic_us() - started_us;

    struct buf proof = {0}, growth = {0}, told = {0};
    int64_t receipt = test_int(world.db, "SELECT max(id) FROM receipt WHERE number > 1"); /* has one entry */
    struct log_head old = {.log = text_of(log_name()), .size = before}, new = {.log = old.log, .size = before + wanted};
    started_us = clock_monotonic_us();
    assert_int_equal(log_prove(world.db, &world.arena, receipt, 0, &proof), OK);
    assert_int_equal(log_prove_consistency(world.db, &world.arena, old.size, new.size, &growth), OK);
    int64_t proved_us = clock_monotonic_us() - started_us;
    assert_int_equal(log_check_proof(buf_view(&proof), TEXT_NONE, NULL, NULL, &told, &world.faults), OK);
    assert_int_equal(log_root(world.db, &world.arena, old.size, &old.root), OK);
    assert_int_equal(log_root(world.db, &world.arena, new.size, &new.root), OK);
    assert_int_equal(log_check_growth(&old, &new, buf_view(&growth), &told, &world.faults), OK);
    assert_true(proved_us < PROOF_US_MAX && proof.length < 8192);
    assert_int_equal(receipt_world_count(&world, "receipt_log_audit(0)"), 0);
    printf("%lld leaves in %.1f s; inclusion and consistency proved in %.1f ms, %zu bytes\n", (long long)new.size,
           (double)made_us / 1e6, (double)proved_us / 1e3, proof.length);
    buf_done(&proof);
    buf_done(&growth);
    buf_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_writers_leave_one_dense_log),
        cmocka_unit_test(a_very_large_log_gives_short_proofs_quickly),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
