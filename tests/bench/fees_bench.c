/* How many five-line quotes one core prices in process, beside the same with JSON and explanations written. One JSON
 * object on stdout. Goals: 1,000,000 a second for pricing alone; a catalogue of 20,000 rules loads in under ten times
 * the time of parsing its CSV. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "payments/fees/catalogue.h"

enum { ROUNDS = 5, ROUND_US = 500 * 1000, BATCH = 64, RULES = 20000 };

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

/* A province's catalogue ten times over: 20,000 rules, half of them fees, half reductions that meet them. */
static void rules_write(struct buf *fees, struct buf *reductions)
{
    buf_string(fees, "code,name_vi,name_en,kind,formula,unit_vi,unit_en,valid_from,valid_to,legal_basis,legal_article,"
                     "issued_by,collector,beneficiary,budget_item,budget_level,retention,document,refund_rule,"
                     "decided_by,rounding,confidence,note\n");
    buf_string(reductions, "code,name_vi,name_en,kind,fees,procedures,categories,channels,condition,rate,scope,"
                           "yearly_cap,times_per_year,valid_from,valid_to,decided_by,legal_basis,legal_article,"
                           "evidence_vi,evidence_en,confidence,note\n");
    for (int i = 0; i < RULES / 2; i++) {
        buf_printf(fees,
                   "F%d,Phí thẩm định số %d,Appraisal fee %d,phi,\"bracket(by=value; <5e9: 90000; <20e9: 270000; "
                   ">20e9: 450000; gap=lower)\",hồ sơ,file,2026-01-01,,NQ %d/2025/NQ-HĐND,Điều 4,hdnd,so_xay_dung,"
                   "so_xay_dung,2716,local,unset,state_receipt,unset,payment,dong_half_up,H,\n",
                   i, i, i, i);
        buf_printf(reductions,
                   "R%d,Giảm khi nộp trực tuyến số %d,Less online %d,relief,F%d F%d,,digital_citizen,online,,50%%,all,,"
                   ",2026-01-01,2026-12-31,payment,NQ %d/2025/NQ-HĐND,Điều 5,,,H,\n",
                   i, i, i, i, (i * 7) % (RULES / 2), i);
    }
}

static void csv_walk(struct text bytes, struct arena *arena)
{
    struct csv csv;
    struct csv_row row;
    size_t rows = 0;
    csv_open(&csv, bytes, ',', arena);
    while (!csv_next(&csv, &row))
        rows++;
    if (rows != RULES / 2 + 1)
        exit(1);
}

/* Loading 20,000 rules against parsing their CSV alone, µs of CPU, the best of the rounds. */
static void measure_load(struct faults *faults, int64_t *ret_load_us, int64_t *ret_csv_us)
{
    struct buf fees = {0}, reductions = {0};
    struct arena arena;
    *ret_load_us = *ret_csv_us = INT64_MAX;
    arena_init(&arena);
    rules_write(&fees, &reductions);
    struct catalogue_files files = {.fees = buf_view(&fees),
                                    .reductions = buf_view(&reductions),
                                    .categories = TEXT("code,name_vi,name_en,legal_basis,evidence_vi,evidence_en\n"
                                                       "digital_citizen,Công dân số,Digital,,,\n"),
                                    .names = {"fees.csv", "reductions.csv", "categories.csv", "", ""}};
    for (int round = 0; round < ROUNDS; round++) {
        struct catalogue *loaded;
        int64_t began = cpu_us();
        csv_walk(files.fees, &arena);
        csv_walk(files.reductions, &arena);
        int64_t parsed = cpu_us();
        if (catalogue_read(&files, faults, &loaded)) {
            fprintf(stderr, "%s: %s\n", faults->list[0].where, faults->list[0].detail);
            exit(1);
        }
        int64_t done = cpu_us();
        catalogue_drop(loaded);
        arena_reset(&arena);
        *ret_csv_us = parsed - began < *ret_csv_us ? parsed - began : *ret_csv_us;
        *ret_load_us = done - parsed < *ret_load_us ? done - parsed : *ret_load_us;
    }
    arena_done(&arena);
    buf_done(&fees);
    buf_done(&reductions);
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
    int64_t load_us, csv_us;
    measure_load(&faults, &load_us, &csv_us);
    printf("{\"bench\":\"fees\",\"lines\":5,\"quotes_per_s\":%lld,\"quotes_written_per_s\":%lld,\"rules\":%d,"
           "\"load_us\":%lld,\"csv_us\":%lld,\"load_to_csv\":%.2f}\n",
           (long long)priced, (long long)written, RULES, (long long)load_us, (long long)csv_us,
           (double)load_us / (double)csv_us);
    buf_done(&out);
    catalogue_drop(catalogue);
    arena_done(&arena);
    arena_done(&kept);
    return 0;
}
