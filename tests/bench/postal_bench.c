/* How many postage quotes and how many address searches one core answers in process. One JSON object on stdout. Goal:
 * 1,000,000 quotes a second. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "postal/postal.h"

enum { ROUNDS = 5, ROUND_US = 400 * 1000, BATCH = 64, WEIGHT_STEP_G = 97, WEIGHT_MAX_G = 30000 };

static struct text file(struct arena *arena, const char *path)
{
    struct text bytes;
    if (file_read(path, 1 << 20, arena, &bytes)) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    return bytes;
}

/* CPU time of this thread: what else runs on the machine is not counted. */
static int64_t cpu_us(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000000 + spent.tv_nsec / 1000;
}

/* Both ways, all weights, every commune in turn and every third one outside the province, money collected. */
static void quote_batch(const struct postal_tariff *tariff, struct faults *faults, int64_t *weight_g)
{
    static const char *const communes[] = {"06652", "06709", "06994", "06838"};
    for (int i = 0; i < BATCH; i++) {
        struct postal_price price;
        struct postal_ask ask = {.service = POSTAL_BOTH,
                                 .office = TEXT("06688"),
                                 .commune = text_of(communes[i % 4]),
                                 .weight_g = *weight_g,
                                 .collect = 50000};
        if (i % 3 == 0) {
            ask.commune = TEXT_NONE;
            ask.province = i % 2 ? TEXT("01") : TEXT("24");
        }
        if (postal_tariff_quote(tariff, &ask, date_from(2026, 11, 23), "", faults, &price) || price.line_count != 3)
            exit(1);
        *weight_g = (*weight_g + WEIGHT_STEP_G) % WEIGHT_MAX_G + 1;
    }
}

static void search_batch(const struct postal_book *book)
{
    static const char *const asked[] = {"hà tu", "Tổ 5, phường Hà Khẩu, thành phố Hạ Long, Quảng Ninh", "mong c",
                                        "06652"};
    for (int i = 0; i < BATCH; i++) {
        struct postal_matches matches;
        if (postal_address_find(book, text_of(asked[i % 4]), &matches) == POSTAL_CHOICE_NONE)
            exit(1);
    }
}

int main(void)
{
    struct arena arena;
    struct faults faults;
    const struct postal_tariff *tariff;
    const struct postal_book *book;
    int64_t best[2] = {0, 0}, weight_g = 1;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (postal_tariff_read(file(&arena, "postal/tariff.csv"), file(&arena, "postal/zones.csv"),
                           file(&arena, "core/province/communes.csv"), "22", &arena, &faults, &tariff) ||
        postal_book_read(tariff, file(&arena, "core/province/commune_origins.csv"), &arena, &faults, &book))
        return 1;
    for (int what = 0; what < 2; what++)
        for (int round = 0; round < ROUNDS; round++) {
            int64_t began = cpu_us(), count = 0, spent = 0;
            for (; (spent = cpu_us() - began) < ROUND_US; count += BATCH) {
                if (what)
                    search_batch(book);
                else
                    quote_batch(tariff, &faults, &weight_g);
            }
            int64_t rate = count * 1000000 / spent;
            best[what] = rate > best[what] ? rate : best[what];
        }
    printf("{\"quotes_per_s\": %lld, \"searches_per_s\": %lld}\n", (long long)best[0], (long long)best[1]);
    fprintf(stderr, "%-32s %12lld\n%-32s %12lld\n", "postage quotes of 3 lines /s", (long long)best[0],
            "address searches /s", (long long)best[1]);
    arena_done(&arena);
    return 0;
}
