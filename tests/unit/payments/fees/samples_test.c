/* Typical requests reach every case of a formula: both sides of each mark, each cell of a table, each multiplier. */
#include "payments/fees/difference.h"
#include "tests/unit/payments/fees/made.h"

static struct sample samples[SAMPLES_MAX];
static size_t count;

static void samples_for(const char *formula)
{
    assert_int_equal(make_fees(arena_printf(&arena,
                                            FEE_HEADER FEE("A", "%s", "2026-01-01", "", "TT 1")
                                                FEE("B", "fixed(1)", "2026-01-01", "", "TT 1"),
                                            formula)),
                     OK);
    count = 0;
    samples_of(made, &made->fees[0], &arena, samples, &count);
}

/* The words of all samples, "; " between them. */
static const char *words(void)
{
    struct buf all = {0};
    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%s%.*s", i ? "; " : "", TEXT_ARGS(samples[i].words));
    const char *copy = arena_copy(&arena, buf_view(&all));
    buf_done(&all);
    return copy;
}

static void a_price_that_asks_nothing_has_one_sample(void **state)
{
    samples_for("fixed(1)");
    assert_int_equal(count, 1);
    assert_string_equal(words(), "");
    assert_int_equal(samples[0].channels, (1u << CHANNEL_COUNT) - 1);
}

static void pages_reach_each_band_and_the_cap(void **state)
{
    samples_for("page(1-2: 2000; 3-: 1000; cap=200000)");
    assert_string_equal(words(), "2 trang; 10 trang; 500 trang");
}

static void brackets_are_asked_on_each_mark_and_beyond_the_last(void **state)
{
    samples_for("marginal(by=value; <50e6: 50000; <=100e6: 100000; >100e6: 100000 + 0.1%)");
    assert_string_equal(words(), "giá trị 50.000.000 đ; giá trị 100.000.000 đ; giá trị 200.000.000 đ");
    samples_for("bracket(by=hectares; <=100: 4000000; >100: 10000000)");
    assert_string_equal(words(), "100 ha; 200 ha");
}

static void included_copies_are_asked_with_and_without_more(void **state)
{
    samples_for("extra(base=200000; included=2; each=5000; per=copies)");
    assert_string_equal(words(), "2 bản; 5 bản");
}

static void a_table_is_asked_cell_by_cell_in_the_channel_of_the_cell(void **state)
{
    samples_for(
        "matrix(role_default=new; channel=online|online_part: 0; role=new & area=phuong: 80000; value>15e6: 7)");
    assert_string_equal(words(), "; trường hợp new, địa bàn phuong; giá trị 15.000.001 đ");
    assert_int_equal(samples[0].channels, 1u << CHANNEL_ONLINE | 1u << CHANNEL_ONLINE_PART);
    assert_int_equal(samples[1].channels, (1u << CHANNEL_COUNT) - 1);
}

static void each_multiplier_is_a_case_of_its_own(void **state)
{
    samples_for("interp(by=value; 15e9: 0.0190%; 25e9: 0.0170%; times.combined=150%; times.adjusted=50%)");
    assert_string_equal(words(), "giá trị 15.000.000.000 đ; giá trị 25.000.000.000 đ; giá trị 50.000.000.000 đ; trường "
                                 "hợp combined; trường hợp adjusted");
}

static void a_share_of_another_fee_is_asked_as_that_fee_is(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", "2026-01-01", "", "TT 1")
                                   FEE("B", "extra(base=2; included=2; each=5; per=copies)", "2026-01-01", "", "TT 1")),
                     OK);
    count = 0;
    samples_of(made, &made->fees[0], &arena, samples, &count);
    assert_string_equal(words(), "2 bản; 5 bản");
}

static void every_shipped_formula_has_samples_that_can_be_priced(void **state)
{
    date_days day = date_from(2026, 11, 23);
    for (size_t i = 0; i < shipped->entry_count; i++) {
        const struct fee *fee = fee_entry_on(&shipped->entries[i], day);
        if (!fee || fee->formula->kind >= FORMULA_LOCAL)
            continue;
        size_t priced = 0;
        count = 0;
        samples_of(shipped, fee, &arena, samples, &count);
        for (size_t s = 0; s < count; s++) {
            struct quote_request asked = samples[s].request;
            asked.fees[0] = fee->code;
            asked.fee_count = 1;
            asked.channel = (enum fee_channel)__builtin_ctz(samples[s].channels);
            faults_init(&faults, &arena);
            priced += !quote_compute(shipped, &asked, day, &arena, &faults, &quote);
        }
        if (priced != count || !count)
            fail_msg("%.*s: %zu of %zu samples have a price", TEXT_ARGS(fee->code), priced, count);
        assert_true(count < SAMPLES_MAX);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_price_that_asks_nothing_has_one_sample, drop_made),
        cmocka_unit_test_teardown(pages_reach_each_band_and_the_cap, drop_made),
        cmocka_unit_test_teardown(brackets_are_asked_on_each_mark_and_beyond_the_last, drop_made),
        cmocka_unit_test_teardown(included_copies_are_asked_with_and_without_more, drop_made),
        cmocka_unit_test_teardown(a_table_is_asked_cell_by_cell_in_the_channel_of_the_cell, drop_made),
        cmocka_unit_test_teardown(each_multiplier_is_a_case_of_its_own, drop_made),
        cmocka_unit_test_teardown(a_share_of_another_fee_is_asked_as_that_fee_is, drop_made),
        cmocka_unit_test(every_shipped_formula_has_samples_that_can_be_priced),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
