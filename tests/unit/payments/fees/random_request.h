/* Shared by tests that need thousands of requests: any procedure or fees of the shipped catalogue, days and values
 * around the marks of the law, some words wrong. TEST_SEED repeats a run. */
#ifndef LEPHI_TEST_RANDOM_REQUEST_H
#define LEPHI_TEST_RANDOM_REQUEST_H

#include "tests/unit/payments/fees/priced.h"

static uint64_t seed;

static inline int64_t below(int64_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)limit);
}

static inline int64_t of_environment(const char *name, int64_t otherwise)
{
    int64_t number;
    const char *given = getenv(name);
    return given && text_to_int64(text_of(given), &number) ? number : otherwise;
}

static inline date_days some_day(void)
{
    static const int edges[][3] = {{2023, 11, 30}, {2023, 12, 1}, {2024, 1, 1},   {2025, 6, 30},  {2025, 7, 1},
                                   {2025, 12, 31}, {2026, 1, 1},  {2026, 8, 14},  {2026, 8, 15},  {2026, 12, 31},
                                   {2027, 1, 1},   {2027, 2, 28}, {2027, 3, 1},   {2030, 12, 31}, {2017, 1, 1},
                                   {2026, 12, 20}, {2027, 2, 20}, {2026, 11, 23}, {2016, 12, 31}};
    const int *edge = edges[below(sizeof edges / sizeof *edges)];
    return below(3) ? date_from(edge[0], edge[1], edge[2]) : date_from(2017, 1, 1) + (date_days)below(5500);
}

static inline int64_t some_value(void)
{
    static const int64_t edges[] = {50000000,    100000000,       1000000000,    3000000000,     5000000000,
                                    10000000000, 100000000000,    20000000000,   15000000000,    200000000,
                                    25000000000, 500000000,       1000000000000, 10000000000000, 100,
                                    50000,       9007199254740991};
    int64_t value = edges[below(sizeof edges / sizeof *edges)];
    if (!below(3))
        return 1 + below(INT64_C(1) << (1 + below(31))) * (1 + below(2000));
    return value + below(3) - (value == MONEY_MAX ? 2 : 1);
}

static inline void put_words(struct json *json)
{
    static const char *const areas[] = {"KV1", "KV2", "KV3", "phuong", "xa", "urban", "other", "central_city"};
    static const char *const units[] = {"DakLak_cu", "PhuYen_cu", "elsewhere"};
    static const char *const roles[] = {"new",      "reissue",  "extend",   "giahan",  "pickup", "van",
                                        "combined", "adjusted", "exchange", "certify", "copy",   "nonsense"};
    if (below(2))
        json_put_string(json, "area_class", areas[below(8)]);
    if (!below(4))
        json_put_string(json, "legacy_area", units[below(3)]);
    if (!below(3))
        json_put_string(json, "role", roles[below(12)]);
}

static inline void put_request(struct buf *out)
{
    struct json json = json_to(out);
    char day[DATE_TEXT_SIZE];
    today = some_day();
    json_put_object(&json, NULL);
    const struct procedure *procedure = &shipped->procedures[below((int64_t)shipped->procedure_count)];
    if (below(3) == 0) {
        json_put_text(&json, "procedure", procedure->code);
    } else {
        json_put_array(&json, "fees");
        int64_t at = below((int64_t)shipped->entry_count), count = 1 + below(2);
        for (int64_t i = 0; i < count; i++)
            json_put_text(&json, NULL, shipped->entries[(size_t)(at + i * 7) % shipped->entry_count].code);
        json_put_end(&json);
    }
    json_put_string(&json, "channel", channel_names[below(CHANNEL_COUNT)]);
    if (below(2)) {
        date_format(some_day(), day);
        json_put_string(&json, "filed_on", day);
    }
    if (!below(3)) {
        date_format(some_day(), day);
        json_put_string(&json, "paid_on", day);
    }
    json_put_object(&json, "quantities");
    for (int i = 0; i < QUANTITY_COUNT; i++)
        if (below(12))
            json_put_int(&json, quantity_names[i],
                         i == QUANTITY_VALUE         ? some_value()
                         : i == QUANTITY_PAGES       ? 1 + below(210)
                         : i == QUANTITY_HECTARES    ? 1 + below(60000)
                         : i == QUANTITY_RELIEF_USED ? below(20000000)
                                                     : 1 + below(4));
    put_words(&json);
    json_put_end(&json);
    json_put_array(&json, "beneficiary_categories");
    for (int64_t count = below(4), at = below((int64_t)shipped->category_count); count-- > 0; at++)
        json_put_text(&json, NULL, shipped->categories[(size_t)at % shipped->category_count].code);
    if (below(2))
        json_put_string(&json, NULL, "digital_citizen");
    json_put_end(&json);
    json_put_end(&json);
}

#endif
