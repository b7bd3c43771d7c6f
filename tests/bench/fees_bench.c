/* How many five-line quotes one core prices in process, beside the same with JSON and explanations written. One JSON
 * object on stdout. Goal: 1,000,000 a second for pricing alone. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "payments/fees/fees.h"

enum { ROUNDS = 5, ROUND_US = 500 * 1000, BATCH = 64 };

static struct catalogue *catalogue;
static struct quote_request request;

static void prepare(struct arena *arena, struct faults *faults)
{
    static const char body[] =
        "{\"fees\":[\"CT-BANSAO\",\"CC-HDGD\",\"CC-DOI\",\"LLTP\",\"CT-THUONGTRU\"],\"channel\":\"online\","
        "\"quantities\":{\"pages\":5,\"copies\":3,\"value\":4000000000},"
        "\"beneficiary_categories\":[\"digital_citizen\"]}";
    struct json_fields in;
    const char *folder = getenv("LEPHI_BENCH_CATALOGUE");
    if (catalogue_load(folder ? folder : "payments/catalogue", faults, &catalogue) ||
        json_parse(text_of(body), &in, faults) || quote_request_read(&in, &request)) {
        fprintf(stderr, "%s: %s\n", faults->list[0].where, faults->list[0].detail);
        exit(1);
    }
}

/* CPU time of this thread: what else runs on the machine is not counted. */
static int64_t cpu_us(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

/* Quotes a second of one core, best of the rounds. */
static int64_t measure(struct arena *arena, struct faults *faults, struct buf *out)
{
    int64_t best = 0;
    date_days today = date_from(2026, 11, 23);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began = cpu_us(), count = 0, spent = 0;
        while ((spent = cpu_us() - began) < ROUND_US) {
            for (int i = 0; i < BATCH; i++) {
                struct quote quote;
                if (quote_compute(catalogue, &request, today, arena, faults, &quote) || quote.line_count != 5)
                    exit(1);
                if (out) {
                    struct json json = json_to(out);
                    quote_write(&json, &quote);
                    buf_clear(out);
                }
                arena_reset(arena);
            }
            count += BATCH;
        }
        int64_t rate = count * 1000000 / spent;
        best = rate > best ? rate : best;
    }
    return best;
}

int main(void)
{
    struct arena kept, arena;
    static struct faults faults;
    struct buf out = {0};
    arena_init(&kept);
    arena_init(&arena);
    faults_init(&faults, &kept);
    prepare(&kept, &faults);
    int64_t priced = measure(&arena, &faults, NULL), written = measure(&arena, &faults, &out);
    printf("{\"bench\":\"fees\",\"lines\":5,\"quotes_per_s\":%lld,\"quotes_written_per_s\":%lld}\n", (long long)priced,
           (long long)written);
    buf_done(&out);
    catalogue_drop(catalogue);
    arena_done(&arena);
    arena_done(&kept);
    return 0;
}
