#include "tests/support/receipt_world.h"

#include <stdio.h>
#include <stdlib.h>
#include "core/jobs/jobs.h"

static void must(bool held, const char *what)
{
    if (held)
        return;
    fprintf(stderr, "receipt world: %s\n", what);
    exit(1);
}

void receipt_world_clock(const char *instant)
{
    instant_us wanted;
    must(instant_parse(text_of(instant), &wanted), "clock");
    clock_shift(0);
    clock_shift((wanted - clock_now()) / SECOND_US + 2); /* never a moment before it */
}

void receipt_world_key(struct receipt_world *world, const char *name, const char *tax_code, int64_t from_s,
                       int64_t days)
{
    struct test_certificate wanted = {TEST_KEY_P256, "Trung tâm thử nghiệm", tax_code, from_s, days};
    test_certificate_write(world->authority, &wanted, arena_printf(&world->arena, "%s/%s.key", world->folder, name),
                           arena_printf(&world->arena, "%s/%s.pem", world->folder, name));
}

struct signer *receipt_world_signer(struct receipt_world *world, const char *name)
{
    struct signer *signer = NULL;
    enum err err =
        signer_open_files(arena_printf(&world->arena, "%s/%s.key", world->folder, name),
                          arena_printf(&world->arena, "%s/%s.pem", world->folder, name), &signer, &world->faults);
    must(!err, "signer");
    return signer;
}

void receipt_world_open(struct receipt_world *world)
{
    static const uint8_t secret[SERVER_SECRET_SIZE] = {1, 2, 3};
    arena_init(&world->arena);
    faults_init(&world->faults, &world->arena);
    server_secret_set(secret);
    world->folder = test_folder_new();
    world->authority = test_authority_new("CA thử nghiệm");
    world->db = test_db();
    test_province(world->db);
    receipt_world_clock("2026-11-23T05:00:00Z");
    receipt_world_key(world, "own", WORLD_COLLECTOR, 1577836800, 7300);
    world->office = receipt_office_new("https://lephi.example");
    must(!receipt_office_add(world->office, receipt_world_signer(world, "own")), "office");
    receipt_office_use(world->office);
    must(!receipt_range_open(world->db, &world->arena, clock_now(), "staff:test", TEXT(WORLD_COLLECTOR), TEXT("EBL01"),
                             TEXT("26TAA"), 1, 5000),
         "range");
}

void receipt_world_close(struct receipt_world *world)
{
    receipt_office_free(world->office);
    test_authority_free(world->authority);
    db_close(world->db);
    test_folder_remove(world->folder);
    arena_done(&world->arena);
}

void receipt_world_pay(struct receipt_world *world, const char *reference, int64_t amount, const char *method,
                       const char *at)
{
    char now[INSTANT_TEXT_SIZE];
    static int serial;
    instant_format(clock_now(), now);
    serial++;
    test_sql(world->db,
             arena_printf(&world->arena,
                          "SELECT outcome FROM confirm('%s', ARRAY['sandbox-bank'], ARRAY['T%d'], ARRAY[sha256('%d')], "
                          "ARRAY[%lld::bigint], ARRAY['0021000000001'], ARRAY['%s'], ARRAY['B%d'], ARRAY['memo'], "
                          "ARRAY['%s'::timestamptz], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY[NULL::bytea], "
                          "ARRAY[1], ARRAY['%s'], ARRAY[0])",
                          now, serial, serial, (long long)amount, method, serial, at, reference));
}

int64_t receipt_world_paid(struct receipt_world *world, const char *reference, int64_t amount)
{
    char now[INSTANT_TEXT_SIZE];
    int64_t request = test_request(world->db, reference, amount);
    instant_format(clock_now(), now);
    receipt_world_pay(world, reference, amount, "vietqr", now);
    return request;
}

void receipt_world_work(struct receipt_world *world)
{
    static const struct job_kind kinds[] = {RECEIPT_JOB_KINDS, RECEIPT_OUTSIDE_JOB_KINDS};
    const struct jobs_config config = {
        .database_url = test_database_url(), .kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    size_t some = 1;
    for (int i = 0; i < 60 && some; i++)
        must(!jobs_round(world->db, &config, &some), "jobs");
}

void receipt_world_hurry(struct receipt_world *world)
{
    test_sql(world->db, "UPDATE job SET run_at = '2020-01-01' WHERE state = 'waiting'");
}

int64_t receipt_world_count(struct receipt_world *world, const char *what)
{
    return test_int(world->db, arena_printf(&world->arena, "SELECT count(*) FROM %s", what));
}
