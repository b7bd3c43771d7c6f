/* A year of a province replayed under a draft: 480,000 dossiers with two priced requests each, written as the service
 * writes them (request_quote), then simulated as `lephi simulate` does. One JSON object on stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/system/places.h"
#include "payments/requests/requests.h"
#include "tests/support/database.h"
#include "tests/support/service.h"

enum { DOSSIERS = 480000, EACH = 2, YEAR_DAYS = 365, COMMUNES = 54, BATCH = 20000 };

static struct db *db;
static struct arena arena;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "simulate_bench: %s: %s\n", what, db_error(db));
    exit(1);
}

static const struct {
    const char *procedure;
    enum quantity quantity;
    int most;
} kinds[] = {{"2.000635", QUANTITY_COPIES, 5},
             {"2.000815", QUANTITY_PAGES, 12},
             {"1.004222", QUANTITY_PERSONS, 1},
             {"2.001035", QUANTITY_COPIES, 1},
             {"3.000333", QUANTITY_COPIES, 3}};
static const char *const categories[] = {"child", "poor_household", "elderly", "disabled"};

/* A citizen asks for something on a day, at a counter or online, one in five of a category. */
static void put_quote(const struct catalogue *catalogue, struct dice *dice, date_days day, int64_t number,
                      struct buf *rows)
{
    struct quote_request wanted;
    struct quote quote;
    struct faults faults;
    char id[QUOTE_ID_SIZE], date[DATE_TEXT_SIZE];
    struct arena own;
    arena_init(&own);
    faults_init(&faults, &own);
    int kind = dice_below(dice, sizeof kinds / sizeof *kinds);
    quote_request_init(&wanted);
    wanted.procedure = text_of(kinds[kind].procedure);
    wanted.channel = dice_below(dice, 3) ? CHANNEL_ONLINE : CHANNEL_COUNTER;
    wanted.filed_on = wanted.paid_on = day;
    wanted.quantities[QUANTITY_COPIES] = 1;
    wanted.quantities[kinds[kind].quantity] = 1 + dice_below(dice, kinds[kind].most);
    if (dice_below(dice, 5) == 0)
        wanted.categories[wanted.category_count++] = text_of(categories[dice_below(dice, 4)]);
    if (quote_compute(catalogue, &wanted, day, &own, &faults, &quote)) {
        fprintf(stderr, "simulate_bench: %s: %s\n", faults.list[0].where, faults.list[0].detail);
        exit(1);
    }
    quote_id_write(&quote, id);
    date_format(day, date);
    buf_printf(rows, "%lld\t%s\t%s\t%s\t%lld\tQN-%02d\t%05d\t%lld\n", (long long)number, date,
               catalogue_version(catalogue), id, (long long)quote.total, dice_below(dice, COMMUNES),
               dice_below(dice, COMMUNES), (long long)(dice_next(dice) % 300000));
    arena_done(&own);
}

static int64_t generate(const struct catalogue *catalogue, date_days last)
{
    struct dice dice = {20261123};
    struct buf rows = {0};
    int64_t number = 0, started = clock_monotonic_us();
    /* what is measured reads this table alone: requests and dossiers behind it would cost minutes and change nothing */
    if (db_script(db, "SET session_replication_role = replica"))
        die("replica");
    for (int i = 0; i < DOSSIERS * EACH; i++) {
        put_quote(catalogue, &dice, last - YEAR_DAYS + 1 + (date_days)((int64_t)i * YEAR_DAYS / (DOSSIERS * EACH)),
                  ++number, &rows);
        if (number % BATCH && i + 1 < DOSSIERS * EACH)
            continue;
        if (db_copy_in(db, "COPY request_quote FROM STDIN", buf_view(&rows)))
            die("copy");
        buf_clear(&rows);
    }
    if (db_script(db, "SET session_replication_role = origin; ANALYZE request_quote"))
        die("analyze");
    buf_done(&rows);
    return (clock_monotonic_us() - started) / 1000;
}

/* The shipped catalogue and half price online for everything that is asked for here. */
static void drafts(struct catalogue **ret_now, struct catalogue **ret_draft, struct faults *faults)
{
    struct catalogue_files files;
    if (catalogue_files_read(place_find(&arena, "payments/catalogue", "catalogue"), &arena, faults, &files) ||
        catalogue_read(&files, faults, ret_now))
        die("catalogue");
    files.reductions =
        arena_textf(&arena,
                    "%.*sQN-ONLINE,Giảm một nửa khi nộp trực tuyến,Half price online,relief,HT-TRICHLUC "
                    "CT-BANSAO CT-HDGD LLTP,,,online,,50%%,all,,,2020-01-01,,payment,NQ 1/2026/NQ-HĐND,Điều "
                    "1,,,H,\n",
                    TEXT_ARGS(files.reductions));
    if (catalogue_read(&files, faults, ret_draft))
        die("draft");
}

int main(void)
{
    struct catalogue *now, *draft;
    struct simulation simulation;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    db = test_db();
    if (catalogue_start(db, place_find(&arena, "payments/catalogue", "catalogue"), clock_now(), &faults))
        die("start");
    drafts(&now, &draft, &faults);
    date_days last = date_of(clock_now());
    int64_t generate_ms = generate(now, last), started = clock_monotonic_us();
    const struct simulation_order order = {
        .draft = draft, .base = now, .from = last - YEAR_DAYS + 1, .to = last, .as_of = DATE_NONE};
    if (simulation_run(db, &order, &arena, &simulation))
        die("simulation");
    int64_t run_ms = (clock_monotonic_us() - started) / 1000;
    printf("{\"quotes\": %lld, \"unpriced\": %lld, \"mismatched\": %lld, \"before\": %lld, \"after\": "
           "%lld, \"affected_people\": %lld, \"generate_ms\": %lld, \"run_ms\": %lld}\n",
           (long long)simulation.all.quotes, (long long)simulation.unpriced, (long long)simulation.mismatched,
           (long long)simulation.all.before, (long long)simulation.all.after, (long long)simulation.all.people,
           (long long)generate_ms, (long long)run_ms);
    catalogue_drop(now);
    catalogue_drop(draft);
    catalogue_in_force_set(NULL);
    catalogue_versions_forget();
    db_close(db);
    arena_done(&arena);
    return simulation.mismatched != 0;
}
