/* Every formula at the boundaries its law names. Amounts are worked out by hand from the provision cited. */
#include "tests/unit/payments/fees/priced.h"

struct point {
    int64_t at, due;
};

static void assert_prices(const char *fee, const char *quantity, const struct point *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t due = price_of(fee, arena_printf(&arena, "'%s':%lld", quantity, (long long)points[i].at));
        if (due != points[i].due)
            fail_msg("%s at %lld: %lld, not %lld", fee, (long long)points[i].at, (long long)due,
                     (long long)points[i].due);
    }
}
#define ASSERT_PRICES(fee, quantity, ...)                                                                              \
    do {                                                                                                               \
        const struct point points[] = {__VA_ARGS__};                                                                   \
        assert_prices(fee, quantity, points, sizeof points / sizeof *points);                                          \
    } while (0)

/* TT 226/2016/TT-BTC Điều 4.1 */
static void a_certified_copy_costs_two_thousand_for_two_pages_then_one_and_never_over_the_cap(void **state)
{
    ASSERT_PRICES("CT-BANSAO", "pages", {1, 2000}, {2, 4000}, {3, 5000}, {197, 199000}, {198, 200000}, {199, 200000},
                  {1000, 200000});
    assert_int_equal(price_of("CT-BANSAO", "'pages':5,'copies':2"), 14000);
    assert_int_equal(price_of("CT-BANSAO", "'pages':1000,'copies':3"), 600000);
}

/* TT 257/2016/TT-BTC Điều 4.2a */
static void notarisation_is_marginal_and_continuous_at_each_bracket(void **state)
{
    ASSERT_PRICES("CC-HDGD", "value", {0, 50000}, {49999999, 50000}, {50000000, 100000}, {100000000, 100000},
                  {100000001, 100000}, {100000500, 100001}, {500000000, 500000}, {1000000000, 1000000},
                  {1000000001, 1000000}, {3000000000, 2200000}, {3000000001, 2200000}, {5000000000, 3200000},
                  {10000000000, 5200000}, {100000000000, 32200000}, {100000010000, 32200002}, {289000000000, 70000000},
                  {289000000001, 70000000}, {MONEY_MAX, 70000000});
}

/* TT 257/2016/TT-BTC Điều 4.2b */
static void a_lease_follows_its_own_scale_with_a_lower_cap(void **state)
{
    ASSERT_PRICES("CC-THUE", "value", {49999999, 40000}, {50000000, 80000}, {100000000, 80000}, {1000000000, 800000},
                  {3000000000, 2000000}, {5000000000, 3000000}, {10000000000, 5000000}, {20000000000, 8000000},
                  {20000000001, 8000000});
}

/* TT 257/2016/TT-BTC Điều 4.2c: "đến dưới 20 tỷ", "trên 20 tỷ"; the catalogue says lower for exactly 20 tỷ. */
static void an_auction_of_exactly_twenty_billion_follows_the_stated_policy(void **state)
{
    ASSERT_PRICES("CC-DAUGIA", "value", {4999999999, 90000}, {5000000000, 270000}, {19999999999, 270000},
                  {20000000000, 270000}, {20000000001, 450000});
}

/* TT 28/2023/TT-BTC Điều 4 */
static void a_project_appraisal_interpolates_the_rate_and_clamps_the_fee(void **state)
{
    ASSERT_PRICES("XD-TDDA", "value", {0, 500000}, {1000000000, 500000}, {2631578947, 500000}, {2700000000, 513000},
                  {15000000000, 2850000}, {20000000000, 3600000}, {25000000000, 4250000}, {75000000000, 10312500},
                  {1000000000000, 47000000}, {5000000000000, 100000000}, {10000000000000, 100000000},
                  {15000000000000, 150000000}, {20000000000000, 150000000});
}

/* TT 28/2023/TT-BTC Điều 4.3–6: on the rate, so before the clamp. */
static void the_multiplier_acts_before_the_clamp(void **state)
{
    assert_int_equal(price_of("XD-TDDA", "'value':20000000000,'role':'combined'"), 5400000);
    assert_int_equal(price_of("XD-TDDA", "'value':20000000000,'role':'adjusted'"), 1800000);
    assert_int_equal(price_of("XD-TDDA", "'value':20000000000000,'role':'adjusted'"), 100000000);
    assert_int_equal(price_of("XD-TDDA", "'value':3000000000,'role':'adjusted'"), 500000);
    assert_int_equal(price_of("XD-TDDA", "'value':9999999999999,'role':'combined'"), 150000000);
}

/* TT 35/2023/TT-BTC Điều 4 prints the same straight line with a and b exchanged. */
static void a_plan_appraisal_uses_the_first_and_last_rate_outside_its_table(void **state)
{
    ASSERT_PRICES("QH-TDDOAN", "value", {100000000, 12300000}, {200000000, 24600000}, {350000000, 38500000},
                  {500000000, 48500000}, {10000000000, 280000000}, {20000000000, 560000000});
}

static void an_extract_costs_eight_thousand_a_copy(void **state)
{
    ASSERT_PRICES("HT-TRICHLUC", "copies", {1, 8000}, {2, 16000}, {10, 80000});
}

static void two_certificates_are_included_and_each_further_one_costs_five_thousand(void **state)
{
    assert_int_equal(price_of("LLTP", ""), 200000);
    ASSERT_PRICES("LLTP", "copies", {1, 200000}, {2, 200000}, {3, 205000}, {5, 215000});
    ASSERT_PRICES("LLTP-UUTIEN", "copies", {2, 100000}, {4, 110000});
}

static void a_price_printed_for_online_filing_is_taken_as_printed(void **state)
{
    assert_int_equal(price("{'fees':['CT-TAMTRU'],'channel':'counter'}"), 15000);
    assert_int_equal(price("{'fees':['CT-TAMTRU'],'channel':'online'}"), 7000);
    assert_int_equal(price("{'fees':['CT-TAMTRU'],'channel':'post'}"), 15000);
    assert_int_equal(price("{'fees':['CT-TAMTRU-DS'],'channel':'online','quantities':{'persons':4}}"), 20000);
    assert_int_equal(price("{'fees':['XD-GPXD-GL-GH'],'channel':'online'}"), 7000);
}

static void a_reissue_is_half_of_the_first_issue(void **state)
{
    assert_int_equal(price_of("XD-CCNL-LAI", ""), 500000);
    assert_int_equal(price_of("XD-CCHN-LAI", ""), 150000);
}

static void registration_fees_are_a_share_that_depends_on_which_time(void **state)
{
    assert_int_equal(price_of_value("DD-TRUOCBA-NHA", 2000000000), 10000000);
    assert_int_equal(price_of_value("DD-TRUOCBA-NHA", 101), 1);
    assert_int_equal(price_of_value("DD-TRUOCBA-NHA", 99), 0);
    assert_int_equal(price_of("DD-TRUOCBA-OTO", "'value':500000000,'sequence':1"), 50000000);
    assert_int_equal(price_of("DD-TRUOCBA-OTO", "'value':500000000,'sequence':1,'role':'pickup'"), 30000000);
    assert_int_equal(price_of("DD-TRUOCBA-OTO", "'value':500000000,'sequence':2"), 10000000);
    assert_int_equal(price_of("DD-TRUOCBA-OTO", "'value':500000000,'sequence':7"), 10000000);
    assert_int_equal(price_of("DD-TRUOCBA-XM", "'value':40000000,'sequence':1"), 800000);
    assert_int_equal(price_of("DD-TRUOCBA-XM", "'value':40000000,'sequence':1,'area_class':'urban'"), 2000000);
    assert_int_equal(price_of("DD-TRUOCBA-XM", "'value':40000000,'sequence':3"), 400000);
}

static void a_matrix_finds_its_cell_by_area_role_and_the_unit_before_the_merger(void **state)
{
    assert_int_equal(price_of("XE-OTO9-KV2", ""), 140000);
    assert_int_equal(price_of("XE-OTO9-KV2", "'area_class':'KV1'"), 14000000);
    assert_int_equal(price_of("CT-KDDK-DN", "'area_class':'urban'"), 1200000);
    assert_int_equal(price_of("CT-KDDK-DN", "'area_class':'other'"), 600000);
    assert_int_equal(price_of("XD-GPXD-LD-PHUONG", "'area_class':'phuong'"), 80000);
    assert_int_equal(price_of("XD-GPXD-LD-PHUONG", "'area_class':'xa','role':'extend'"), 10000);
    assert_int_equal(price_of("XD-GPXD-DL-GH", "'legacy_area':'PhuYen_cu','area_class':'xa'"), 15000);
    assert_int_equal(price_of("XD-GPXD-DL-GH", "'area_class':'DakLak_cu'"), 30000);
    assert_int_equal(price("{'fees':['XD-GPXD-DL-GH'],'channel':'online'}"), 0);
}

static void brackets_by_area_of_land_are_closed_above(void **state)
{
    ASSERT_PRICES("KS-GPTD", "hectares", {100, 4000000}, {101, 10000000}, {50000, 10000000}, {50001, 15000000});
}

/* ---- formulas that no shipped fee uses yet, read from their text --------------------------------------------- */

static int64_t evaluated(const char *text, enum rounding rounding, const char *quantities)
{
    struct formula formula;
    const char *why = "";
    struct json_fields in;
    struct formula_result result;
    faults_init(&faults, &arena);
    if (formula_read(text_of(text), rounding, &arena, &why, &formula)) {
        fprintf(stderr, "%s\n", why);
        return -2;
    }
    char *body = arena_printf(&arena, "{'fees':['X'],'channel':'counter','quantities':{%s}}", quantities);
    for (char *c = body; *c; c++)
        if (*c == '\'')
            *c = '"';
    assert_int_equal(json_parse(text_of(body), &in, &faults), OK);
    assert_int_equal(quote_request_read(&in, &request), OK);
    struct formula_input input = {shipped, &request, TEXT("X"), "/fees/0", today, 0};
    return formula_evaluate(&formula, &input, &faults, &result) ? -1 : result.gross;
}

static void foreign_money_is_converted_at_the_rate_the_caller_brings(void **state)
{
    assert_int_equal(evaluated("foreign(USD; 25.00)", ROUND_DONG_HALF_UP, "'exchange_rate':'26085.5'"), 652138);
    assert_int_equal(evaluated("foreign(USD; 25.00)", ROUND_DONG_DOWN, "'exchange_rate':'26085.5'"), 652137);
    assert_int_equal(evaluated("foreign(EUR; 0.10)", ROUND_DONG_HALF_UP, "'exchange_rate':'29512.3456'"), 2951);
    assert_int_equal(evaluated("foreign(USD; 25.00)", ROUND_DONG_HALF_UP, ""), -1);
    assert_non_null(fault_at("/quantities/exchange_rate"));
}

static void the_next_items_may_cost_less(void **state)
{
    assert_int_equal(evaluated("unit(9000000; next=4500000; per=persons)", 0, "'persons':1"), 9000000);
    assert_int_equal(evaluated("unit(9000000; next=4500000; per=persons)", 0, "'persons':3"), 18000000);
}

static void rounding_follows_the_policy_of_the_rule(void **state)
{
    assert_int_equal(evaluated("percent(0.5%)", ROUND_DONG_HALF_UP, "'value':300"), 2);
    assert_int_equal(evaluated("percent(0.5%)", ROUND_DONG_HALF_UP, "'value':299"), 1);
    assert_int_equal(evaluated("percent(0.5%)", ROUND_DONG_DOWN, "'value':399"), 1);
    assert_int_equal(evaluated("percent(0.5%)", ROUND_DONG_UP, "'value':201"), 2);
    assert_int_equal(evaluated("percent(50%)", ROUND_THOUSAND_DOWN, "'value':15000"), 7000);
    assert_int_equal(evaluated("percent(50%)", ROUND_THOUSAND_HALF_UP, "'value':15000"), 8000);
}

static void a_value_the_brackets_do_not_name_can_be_refused(void **state)
{
    const char *text = "bracket(by=value; <5: 1; >5: 2; gap=refuse)";
    assert_int_equal(evaluated(text, 0, "'value':4"), 1);
    assert_int_equal(evaluated(text, 0, "'value':5"), -1);
    assert_int_equal(evaluated(text, 0, "'value':6"), 2);
    assert_int_equal(evaluated("bracket(by=value; <5: 1; >5: 2; gap=upper)", 0, "'value':5"), 2);
}

static void a_product_beyond_the_limit_is_refused_not_wrapped(void **state)
{
    assert_int_equal(evaluated("unit(8000; per=copies)", 0, "'copies':9007199254740991"), -1);
    assert_int_equal(faults.list[0].code, ERR_MONEY_OVERFLOW);
    assert_int_equal(evaluated("percent(100%)", 0, "'value':9007199254740991"), MONEY_MAX);
    assert_int_equal(evaluated("interp(1: 100%; 9007199254740991: 99%)", 0, "'value':9007199254740990"), -1);
}

static void a_formula_that_is_wrong_says_what_would_be_right(void **state)
{
    static const char *const bad[] = {"",
                                      "fixed",
                                      "fixed()",
                                      "fixed(-1)",
                                      "fixed(1.5)",
                                      "fixed(1; 2)",
                                      "fixed(1",
                                      "fixed(9007199254740992)",
                                      "fixed(1e16)",
                                      "fixde(1)",
                                      "unit(1; per=apples)",
                                      "unit(1; per=copies; per=pages)",
                                      "page(1-2: 2000; 4-: 1000)",
                                      "page(2-: 1000)",
                                      "page(1-2: 2000)",
                                      "page(1-: 1%)",
                                      "extra(base=1; included=2)",
                                      "channel(online: 5)",
                                      "channel(counter: 5; counter: 6)",
                                      "channel(counter: 5; mail: 6)",
                                      "bracket(<5: 1; >5: 2)",
                                      "bracket(<5: 1)",
                                      "bracket(<=5: 1; >=5: 2)",
                                      "bracket(<6: 1; <5: 2; >=6: 3)",
                                      "percent(101%)",
                                      "percent(5)",
                                      "interp(5: 1%)",
                                      "interp(5: 1%; 5: 2%)",
                                      "interp(1: 1%; 5: 2%; min=5; max=4)",
                                      "percent_of(50%)",
                                      "matrix(area: 5)",
                                      "matrix(area=: 5)",
                                      "matrix(color=red: 5)",
                                      "matrix(channel=mail: 5)",
                                      "foreign(USD)",
                                      "foreign(DOLLAR; 5)",
                                      "foreign(USD; 5.123)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct formula formula;
        const char *why = NULL;
        if (formula_read(text_of(bad[i]), 0, &arena, &why, &formula) != ERR_CATALOGUE || !why || !*why)
            fail_msg("accepted: %s", bad[i]);
    }
}

/* ---- properties ----------------------------------------------------------------------------------------------- */

static uint64_t dice_state = 88172645463325252u;
static int64_t dice(int64_t below)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (int64_t)(dice_state % (uint64_t)below);
}

static void prices_never_fall_as_the_value_rises_and_stay_within_their_cap(void **state)
{
    static const struct {
        const char *fee, *quantity;
        int64_t cap;
    } rising[] = {{"CC-HDGD", "value", 70000000},         {"CC-THUE", "value", 8000000},
                  {"CC-DAUGIA", "value", 450000},         {"CT-BANSAO", "pages", 200000},
                  {"DD-TRUOCBA-NHA", "value", 500000000}, {"KS-GPTD", "hectares", 15000000}};
    for (size_t r = 0; r < sizeof rising / sizeof *rising; r++)
        for (int i = 0; i < 300; i++) {
            int64_t low = 1 + dice(INT64_C(1) << (1 + dice(40))), high = low + dice(INT64_C(1) << (1 + dice(40)));
            int64_t a = price_of(rising[r].fee, arena_printf(&arena, "'%s':%lld", rising[r].quantity, (long long)low));
            int64_t b = price_of(rising[r].fee, arena_printf(&arena, "'%s':%lld", rising[r].quantity, (long long)high));
            if (a < 0 || a > b || b > rising[r].cap)
                fail_msg("%s: %lld → %lld, %lld → %lld", rising[r].fee, (long long)low, (long long)a, (long long)high,
                         (long long)b);
        }
}

/* tests/data/fees/prices.csv was made by a second implementation in exact fractions, with the boundaries among random
 * values. */
static void prices_agree_with_an_independent_calculation(void **state)
{
    struct text bytes;
    struct csv csv;
    struct csv_row head, row;
    size_t compared = 0;
    assert_int_equal(catalogue_file_read("tests/data/fees/prices.csv", &arena, &bytes), OK);
    csv_open(&csv, bytes, ',', &arena);
    assert_int_equal(csv_next(&csv, &head), OK);
    while (csv_next(&csv, &row) == OK) {
        const struct text *f = row.fields;
        for (size_t column = 4; column < row.count; column++, compared++) {
            const char *role = f[1].length ? arena_printf(&arena, ",'role':'%.*s'", TEXT_ARGS(f[1])) : "";
            int64_t due;
            assert_true(text_to_int64(f[column], &due));
            int64_t got = price_of(arena_copy(&arena, head.fields[column]),
                                   arena_printf(&arena, "'value':%.*s,'pages':%.*s,'copies':%.*s%s", TEXT_ARGS(f[0]),
                                                TEXT_ARGS(f[2]), TEXT_ARGS(f[3]), role));
            if (got != due)
                fail_msg("line %d, %.*s: %lld, not %lld", row.line, TEXT_ARGS(head.fields[column]), (long long)got,
                         (long long)due);
        }
    }
    assert_int_equal(compared, 800);
}

static void an_interpolated_fee_stays_within_its_bounds_for_any_project(void **state)
{
    static const char *const roles[] = {"", ",'role':'combined'", ",'role':'adjusted'"};
    for (int i = 0; i < 600; i++) {
        int64_t due = price_of("XD-TDDA", arena_printf(&arena, "'value':%lld%s",
                                                       (long long)dice(INT64_C(1) << (1 + dice(52))), roles[i % 3]));
        assert_in_range(due, 500000, 150000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certified_copy_costs_two_thousand_for_two_pages_then_one_and_never_over_the_cap),
        cmocka_unit_test(notarisation_is_marginal_and_continuous_at_each_bracket),
        cmocka_unit_test(a_lease_follows_its_own_scale_with_a_lower_cap),
        cmocka_unit_test(an_auction_of_exactly_twenty_billion_follows_the_stated_policy),
        cmocka_unit_test(a_project_appraisal_interpolates_the_rate_and_clamps_the_fee),
        cmocka_unit_test(the_multiplier_acts_before_the_clamp),
        cmocka_unit_test(a_plan_appraisal_uses_the_first_and_last_rate_outside_its_table),
        cmocka_unit_test(an_extract_costs_eight_thousand_a_copy),
        cmocka_unit_test(two_certificates_are_included_and_each_further_one_costs_five_thousand),
        cmocka_unit_test(a_price_printed_for_online_filing_is_taken_as_printed),
        cmocka_unit_test(a_reissue_is_half_of_the_first_issue),
        cmocka_unit_test(registration_fees_are_a_share_that_depends_on_which_time),
        cmocka_unit_test(a_matrix_finds_its_cell_by_area_role_and_the_unit_before_the_merger),
        cmocka_unit_test(brackets_by_area_of_land_are_closed_above),
        cmocka_unit_test(foreign_money_is_converted_at_the_rate_the_caller_brings),
        cmocka_unit_test(the_next_items_may_cost_less),
        cmocka_unit_test(rounding_follows_the_policy_of_the_rule),
        cmocka_unit_test(a_value_the_brackets_do_not_name_can_be_refused),
        cmocka_unit_test(a_product_beyond_the_limit_is_refused_not_wrapped),
        cmocka_unit_test(a_formula_that_is_wrong_says_what_would_be_right),
        cmocka_unit_test(prices_never_fall_as_the_value_rises_and_stay_within_their_cap),
        cmocka_unit_test(prices_agree_with_an_independent_calculation),
        cmocka_unit_test(an_interpolated_fee_stays_within_its_bounds_for_any_project),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
