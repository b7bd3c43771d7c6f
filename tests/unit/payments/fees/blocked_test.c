/* Which facts a remittance needs and a row leaves unset; what a collector keeps. */
#include "tests/unit/payments/fees/made.h"

/* collector, beneficiary, budget_item, budget_level, retention, document */
#define ROW "A,Tên,Name,phi,fixed(5),bản,copy,2026-01-01,,TT 1,Điều 1,hdnd,%s,%s,%s,%s,%s,%s,unset,payment,,H,\n"

static unsigned unset_of(const char *const cells[6], const char *values, const char *tax_code)
{
    assert_int_equal(
        make(arena_printf(&arena, FEE_HEADER ROW, cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]),
             REDUCTION_HEADER, PROCEDURE_HEADER, values),
        OK);
    return fee_remittance_unset(made, &made->fees[0],
                                (struct fee_collector){text_of(tax_code), date_from(2026, 11, 23)});
}

static const char *words_of(unsigned facts)
{
    struct buf words = {0};
    fee_facts_say(facts, &words);
    const char *copy = arena_copy(&arena, buf_view(&words));
    buf_done(&words);
    return copy;
}

static void each_unset_cell_is_named_and_a_whole_row_is_free(void **state)
{
    static const struct {
        enum fee_fact fact;
        const char *words;
    } facts[] = {{FACT_COLLECTOR, "cơ quan thu"},  {FACT_BENEFICIARY, "cơ quan thụ hưởng"},
                 {FACT_BUDGET_ITEM, "tiểu mục"},   {FACT_BUDGET_LEVEL, "cấp ngân sách"},
                 {FACT_RETENTION, "tỷ lệ để lại"}, {FACT_DOCUMENT, "loại chứng từ"}};
    const char *whole[6] = {"ubnd_xa", "ubnd_xa", "2716", "local", "0%", "state_receipt"};
    assert_int_equal(unset_of(whole, VALUES, ""), 0);
    for (size_t i = 0; i < 6; i++) {
        const char *cells[6];
        memcpy(cells, whole, sizeof cells);
        cells[i] = "unset";
        assert_int_equal(unset_of(cells, VALUES, ""), facts[i].fact);
        assert_string_equal(words_of(facts[i].fact), facts[i].words);
    }
    assert_string_equal(words_of(FACT_BUDGET_ITEM | FACT_RETENTION), "tiểu mục, tỷ lệ để lại");
}

static void invoices_of_others_and_abolished_fees_need_nothing(void **state)
{
    static const char *const invoiced[6] = {"x", "x", "unset", "unset", "unset", "invoice_elsewhere"};
    assert_int_equal(unset_of(invoiced, VALUES, ""), 0);
    assert_false(fee_remitted(&made->fees[0]));
    const struct fee *gone = catalogue_fee_on(shipped, TEXT("MONBAI"), today);
    assert_int_equal(fee_remittance_unset(shipped, gone, (struct fee_collector){.day = today}), 0);
}

static void a_share_for_public_units_needs_to_know_the_collector(void **state)
{
    static const char *const cells[6] = {"van_phong", "van_phong", "2718", "local", "85% public_unit", "state_receipt"};
    const struct fee_collector anybody = {.day = date_from(2026, 11, 23)}, one = {TEXT("5700100002"), anybody.day};
    assert_int_equal(unset_of(cells, VALUES, "5700100002"), FACT_COLLECTOR_KIND);
    assert_int_equal(fee_retention_of(made, &made->fees[0], one), -1);
    assert_string_equal(words_of(FACT_COLLECTOR_KIND),
                        "loại hình của cơ quan thu (đơn vị sự nghiệp hay cơ quan nhà nước)");

    assert_int_equal(unset_of(cells, VALUES "collector_kind.van_phong,public_unit,,,,\n", ""), 0);
    assert_int_equal(fee_retention_of(made, &made->fees[0], anybody), 8500);
    assert_int_equal(unset_of(cells, VALUES "collector_kind.van_phong,state_agency,,,,\n", ""), 0);
    assert_int_equal(fee_retention_of(made, &made->fees[0], anybody), 0);

    assert_int_equal(unset_of(cells, VALUES "collector_kind.5700100002,public_unit,,,,\n", ""), FACT_COLLECTOR_KIND);
    assert_int_equal(fee_retention_of(made, &made->fees[0], one), 8500);
    assert_int_equal(unset_of(cells,
                              VALUES "collector_kind.van_phong,public_unit,,,,\ncollector_kind.5700100002,state_agency,"
                                     "2026-11-01,2026-11-30,,\n",
                              ""),
                     0);
    assert_int_equal(fee_retention_of(made, &made->fees[0], one), 0);
    assert_int_equal(
        fee_retention_of(made, &made->fees[0], (struct fee_collector){TEXT("5700100002"), date_from(2026, 12, 1)}),
        8500);
}

static void a_share_for_anybody_needs_no_kind(void **state)
{
    static const char *const cells[6] = {"cong_an", "cong_an", "2764", "central", "35%", "state_receipt"};
    assert_int_equal(unset_of(cells, VALUES, ""), 0);
    assert_int_equal(fee_retention_of(made, &made->fees[0], (struct fee_collector){.day = today}), 3500);
}

static void the_shipped_catalogue_blocks_what_the_law_leaves_open_and_counts_all(void **state)
{
    const struct fee *few[3], *all[200];
    size_t count = catalogue_remittance_blocked(shipped, today, all, 200);
    assert_int_equal(count, 40);
    assert_int_equal(catalogue_remittance_blocked(shipped, today, few, 3), count);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(few[i], all[i]);
    bool copy = false, passport = false, land = false;
    for (size_t i = 0; i < count; i++) {
        copy |= text_is(all[i]->code, "CT-BANSAO"); /* chứng thực: 0 or 50 % */
        land |= text_is(all[i]->code, "GDBD-LANDAU");
        passport |= text_is(all[i]->code, "HC-MOI");
    }
    assert_true(copy && land && !passport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_unset_cell_is_named_and_a_whole_row_is_free, drop_made),
        cmocka_unit_test_teardown(invoices_of_others_and_abolished_fees_need_nothing, drop_made),
        cmocka_unit_test_teardown(a_share_for_public_units_needs_to_know_the_collector, drop_made),
        cmocka_unit_test_teardown(a_share_for_anybody_needs_no_kind, drop_made),
        cmocka_unit_test(the_shipped_catalogue_blocks_what_the_law_leaves_open_and_counts_all),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
