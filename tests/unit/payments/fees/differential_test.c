/* Thousands of random requests over the whole shipped catalogue, priced here and by an independent slow implementation
 * in another language (slow.mjs: BigInt, sheets read by itself): total, lines, chosen benefit, losers and valid_until
 * must agree to the đồng and the day. TEST_SEED repeats a run, TEST_REQUESTS lengthens it. */
#include <inttypes.h>
#include <unistd.h>
#include "tests/unit/payments/fees/priced.h"

static uint64_t seed;

static int64_t below(int64_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)limit);
}

static int64_t of_environment(const char *name, int64_t otherwise)
{
    int64_t number;
    const char *given = getenv(name);
    return given && text_to_int64(text_of(given), &number) ? number : otherwise;
}

static date_days some_day(void)
{
    static const int edges[][3] = {{2023, 11, 30}, {2023, 12, 1}, {2024, 1, 1},   {2025, 6, 30},  {2025, 7, 1},
                                   {2025, 12, 31}, {2026, 1, 1},  {2026, 8, 14},  {2026, 8, 15},  {2026, 12, 31},
                                   {2027, 1, 1},   {2027, 2, 28}, {2027, 3, 1},   {2030, 12, 31}, {2017, 1, 1},
                                   {2026, 12, 20}, {2027, 2, 20}, {2026, 11, 23}, {2016, 12, 31}};
    const int *edge = edges[below(sizeof edges / sizeof *edges)];
    return below(3) ? date_from(edge[0], edge[1], edge[2]) : date_from(2017, 1, 1) + (date_days)below(5500);
}

static int64_t some_value(void)
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

static void put_words(struct json *json)
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

static void put_request(struct buf *out)
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

static void put_answer(struct buf *out, enum err err)
{
    char day[DATE_TEXT_SIZE];
    if (err) {
        buf_string(out, "refused\n");
        return;
    }
    date_format(quote.valid_until, day);
    buf_printf(out, "%" PRId64 "|%s|", quote.total, day);
    for (size_t i = 0; i < quote.line_count; i++) {
        const struct quote_line *line = &quote.lines[i];
        bool applied = line->reduction_count && line->reductions[0].state == REDUCTION_APPLIED;
        assert_true(line->net >= 0 && line->net <= line->gross);
        buf_printf(out, "%s%.*s=%" PRId64 ",%" PRId64 ",", i ? " " : "", TEXT_ARGS(line->code), line->gross, line->net);
        if (applied)
            buf_text(out, line->reductions[0].reason_vi);
        buf_char(out, ',');
        for (size_t r = applied; r < line->reduction_count; r++) {
            buf_string(out, r > (size_t)applied ? "+" : "");
            buf_text(out, line->reductions[r].reason_vi);
        }
    }
    buf_char(out, '\n');
}

static void a_slow_implementation_in_another_language_agrees_on_every_quote(void **state)
{
    int64_t count = of_environment("TEST_REQUESTS", 4000), priced = 0;
    seed = (uint64_t)of_environment("TEST_SEED", 20261123);
    print_message("TEST_SEED=%" PRIu64 " TEST_REQUESTS=%" PRId64 "\n", seed, count);
    struct buf asked = {0}, answers = {0}, one = {0}, theirs = {0};
    for (int64_t i = 0; i < count; i++) {
        char day[DATE_TEXT_SIZE];
        buf_clear(&one);
        put_request(&one);
        date_format(today, day);
        buf_printf(&asked, "{\"today\":\"%s\",", day);
        buf_text(&asked, text_slice(buf_view(&one), 1, one.length));
        buf_char(&asked, '\n');
        enum err err = quote_with(shipped, buf_cstr(&one));
        put_answer(&answers, err);
        priced += !err;
        arena_reset(&arena);
    }
    assert_true(priced > count / 4);
    char path[] = "/tmp/lephi-quotes-XXXXXX", command[200];
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, asked.at, asked.length) == (ssize_t)asked.length && !close(file));
    snprintf(command, sizeof command, "node tests/unit/payments/fees/slow.mjs payments/catalogue %s", path);
    FILE *slow = popen(command, "r");
    assert_non_null(slow);
    for (size_t got = 1; got > 0; theirs.length += got)
        got = fread(buf_room(&theirs, 65536), 1, 65536, slow);
    assert_int_equal(pclose(slow), 0);
    unlink(path);
    struct text ours = buf_view(&answers), other = buf_view(&theirs), body = buf_view(&asked);
    for (int64_t i = 0; i < count; i++) {
        struct text mine = text_until(ours, '\n', &ours), his = text_until(other, '\n', &other);
        struct text question = text_until(body, '\n', &body);
        if (!text_equal(mine, his))
            fail_msg("request %" PRId64 " %.*s\n ours   %.*s\n theirs %.*s", i, TEXT_ARGS(question), TEXT_ARGS(mine),
                     TEXT_ARGS(his));
    }
    print_message("%" PRId64 " of %" PRId64 " requests had a price\n", priced, count);
    buf_done(&asked);
    buf_done(&answers);
    buf_done(&one);
    buf_done(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_implementation_in_another_language_agrees_on_every_quote),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
