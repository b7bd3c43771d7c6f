/* What a finance officer is told before a version is published: who pays what, from when, before and after; and every
 * cell that changes beside a price. */
#include "payments/fees/difference.h"
#include "tests/unit/payments/fees/made.h"

static struct catalogue_difference told;
static struct catalogue *before;

static int drop_both(void **state)
{
    catalogue_drop(before);
    before = NULL;
    return drop_made(state);
}

/* Keeps what was made last as "before". */
static void keep(void)
{
    catalogue_drop(before);
    before = catalogue_hold(made);
}

static void compare(void)
{
    catalogue_compare(before, made, date_from(2026, 11, 23), &arena, &told);
}

static const char *said(size_t index)
{
    struct buf words = {0};
    catalogue_change_say(&told.list[index], &words);
    const char *copy = arena_copy(&arena, buf_view(&words));
    buf_done(&words);
    return copy;
}

static bool says(const char *words)
{
    for (size_t i = 0; i < told.count; i++)
        if (strstr(said(i), words))
            return true;
    return false;
}

static void assert_told(const char *words)
{
    if (says(words))
        return;
    for (size_t i = 0; i < told.count; i++)
        print_message("%s\n", said(i));
    fail_msg("nobody says %s", words);
}

static void the_same_sheets_differ_in_nothing(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(10000)", "2026-01-01", "", "TT 1")), OK);
    keep();
    compare();
    assert_int_equal(told.count, 0);
    assert_int_equal(told.dropped, 0);
}

static void a_new_price_is_told_with_procedures_day_and_both_amounts(void **state)
{
    static const char procedures[] = PROCEDURE_HEADER "P,Thủ tục P,Procedure,XA,A,,both,,\n";
    assert_int_equal(
        make(FEE_HEADER FEE("A", "fixed(10000)", "2026-01-01", "", "TT 1"), REDUCTION_HEADER, procedures, VALUES), OK);
    keep();
    assert_int_equal(make(FEE_HEADER FEE("A", "fixed(10000)", "2026-01-01", "2026-12-31", "TT 1")
                              FEE("A", "fixed(12000)", "2027-01-01", "", "TT 2"),
                          REDUCTION_HEADER, procedures, VALUES),
                     OK);
    compare();
    assert_int_equal(told.list[0].kind, CHANGE_PRICE);
    assert_int_equal(told.list[0].before, 10000);
    assert_int_equal(told.list[0].after, 12000);
    assert_int_equal(told.list[0].from, date_from(2027, 1, 1));
    assert_int_equal(told.list[0].channels, (1u << CHANNEL_COUNT) - 1);
    assert_string_equal(said(0), "Tên (A): 10.000 đ → 12.000 đ; từ 01/01/2027; mọi người; mọi hình thức nộp; thủ tục: "
                                 "Thủ tục P (P)");
    assert_told("Tên (A), dòng mới: “” → “fixed(12000)”");
    assert_told("Tên (A), valid_to: “” → “31/12/2026”");
}

static void a_price_for_one_channel_names_that_channel_alone(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "channel(counter: 15000; online: 7000)", "2026-01-01", "", "TT 1")),
                     OK);
    keep();
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "channel(counter: 15000; online: 0)", "2026-01-01", "", "TT 1")),
                     OK);
    compare();
    assert_string_equal(said(0), "Tên (A): 7.000 đ → 0 đ; từ 23/11/2026; mọi người; nộp trực tuyến toàn trình");
}

static void a_benefit_is_told_of_those_who_have_it_and_of_the_day_it_ends(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "fixed(10000)", "2026-01-01", "", "TT 1");
    assert_int_equal(make(fees, REDUCTION_HEADER, PROCEDURE_HEADER, VALUES), OK);
    keep();
    assert_int_equal(make(fees, REDUCTION_HEADER REDUCTION("R", "A", "50%", "2026-12-01", "2027-02-28", "", ""),
                          PROCEDURE_HEADER, VALUES),
                     OK);
    compare();
    assert_string_equal(said(0), "Tên (A): 10.000 đ → 5.000 đ; từ 01/12/2026; Công dân số; nộp trực tuyến toàn trình");
    assert_told("Giảm (R), mức giảm mới");
}

static void a_table_is_told_cell_by_cell(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "page(1-2: 2000; 3-: 1000; cap=200000)", "2026-01-01", "", "TT 1")),
                     OK);
    keep();
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "page(1-2: 2000; 3-: 1500; cap=200000)", "2026-01-01", "", "TT 1")),
                     OK);
    compare();
    assert_string_equal(said(0), "Tên (A): 12.000 đ → 16.000 đ; từ 23/11/2026; mọi người; mọi hình thức nộp; ví dụ 10 "
                                 "trang");
    assert_false(says("ví dụ 2 trang"));   /* unchanged */
    assert_false(says("ví dụ 500 trang")); /* at the cap under both */
}

static void a_fee_that_comes_or_goes_or_becomes_known_is_told(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(1000)", "2026-01-01", "", "TT 1")
                                   FEE("B", "local()", "unset", "", "TT 1")),
                     OK);
    keep();
    assert_int_equal(make_fees(FEE_HEADER FEE("B", "fixed(70000)", "unset", "", "TT 1")
                                   FEE("C", "fixed(5)", "2027-01-01", "", "TT 1")),
                     OK);
    compare();
    assert_told("(A): 1.000 đ → không có khoản này; từ 23/11/2026");
    assert_told("(B): Mức thu do Hội đồng nhân dân tỉnh quy định, chưa được nhập. → 70.000 đ; từ 23/11/2026");
    assert_told("(C): không có khoản này → 5 đ; từ 01/01/2027");
}

static void a_share_of_another_fee_moves_with_it(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(1000)", "2026-01-01", "", "TT 1")
                                   FEE("B", "percent_of(A; 50%)", "2026-01-01", "", "TT 1")),
                     OK);
    keep();
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(3000)", "2026-01-01", "", "TT 1")
                                   FEE("B", "percent_of(A; 50%)", "2026-01-01", "", "TT 1")),
                     OK);
    compare();
    assert_told("(B): 500 đ → 1.500 đ");
}

static void every_cell_that_changes_is_told_even_when_no_price_does(void **state)
{
    static const char *const row = FEE_HEADER "A,%s,%s,%s,fixed(5),bản,copy,2026-01-01,,TT "
                                              "1,%s,%s,%s,ubnd_xa,2716,local,%s,%s,unset,payment,dong_half_up,H,\n";
    assert_int_equal(
        make_fees(arena_printf(&arena, row, "Tên", "Name", "phi", "Điều 1", "hdnd", "ubnd_xa", "0%", "state_receipt")),
        OK);
    keep();
    assert_int_equal(make_fees(arena_printf(&arena, row, "Tên mới", "New", "le_phi", "Điều 2", "chinh_phu",
                                            "so_tu_phap", "35%", "none")),
                     OK);
    compare();
    static const char *const expected[] = {
        "name_vi: “Tên” → “Tên mới”",      "name_en: “Name” → “New”",
        "kind: “phi” → “le_phi”",          "legal_basis: “TT 1, Điều 1” → “TT 1, Điều 2”",
        "issued_by: “hdnd” → “chinh_phu”", "collector: “ubnd_xa” → “so_tu_phap”",
        "retention: “0%” → “35%”",         "document: “state_receipt” → “none”"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_told(expected[i]);
    assert_int_equal(told.count, sizeof expected / sizeof *expected);
}

static void named_values_are_told_because_prices_and_remittances_hang_on_them(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "percent(10%)", "2026-01-01", "", "TT 1");
    static const char rules[] = REDUCTION_HEADER REDUCTION("R", "A", "50%", "2026-01-01", "", "5 * base_salary", "1");
    assert_int_equal(
        make(fees, rules, PROCEDURE_HEADER, VALUES "base_salary,2340000,,,,\ncollector_kind.x,unset,,,,\n"), OK);
    keep();
    assert_int_equal(make(fees, rules, PROCEDURE_HEADER,
                          VALUES
                          "base_salary,2500000,,,,\ncollector_kind.x,public_unit,,,,\nrate.USD,26085.5,2026-11-23,"
                          "2026-11-23,,\n"),
                     OK);
    compare();
    assert_told("(base_salary), value: “2340000” → “2500000”");
    assert_told("(collector_kind.x), value: “” → “public_unit”");
    assert_told("(rate.USD), giá trị mới: “” → “26085.5”");
    /* 10 % of 1 tỷ is 100 million; half, at most 5 × base salary: 11.700.000 before, 12.500.000 after */
    assert_told("(A): 88.300.000 đ → 87.500.000 đ; từ 23/11/2026; Công dân số; nộp trực tuyến toàn trình");
}

static void procedures_that_come_go_or_change_are_told(void **state)
{
    static const char fees[] =
        FEE_HEADER FEE("A", "fixed(1)", "2026-01-01", "", "TT 1") FEE("B", "fixed(1)", "2026-01-01", "", "TT 1");
    assert_int_equal(
        make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên P,P,XA,A,,both,,\nQ,Tên Q,Q,XA,A,,both,,\n", VALUES), OK);
    keep();
    assert_int_equal(
        make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên P,P,TINH,A,B,none,,\nR,Tên R,R,XA,,,both,,\n", VALUES),
        OK);
    compare();
    assert_told("Tên P (P), khoản thu: “A” → “A, B (tùy chọn)”");
    assert_told("Tên P (P), agency_level: “XA” → “TINH”");
    assert_told("Tên P (P), postal: “both” → “none”");
    assert_told("Tên Q (Q), thủ tục bị bỏ: “A” → “không còn”");
    assert_told("Tên R (R), thủ tục mới: “chưa có” → “không thu”");
}

static void more_changes_than_fit_are_counted(void **state)
{
    struct buf rows = {0};
    buf_string(&rows, FEE_HEADER);
    for (int i = 0; i < CATALOGUE_CHANGES_MAX + 50; i++)
        buf_printf(&rows, "F%d,Tên,Name,phi,fixed(1),bản,copy,2026-01-01,,TT 1,Điều 1,,,,,,,,,,,,\n", i);
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2026-01-01", "", "TT 1")), OK);
    keep();
    assert_int_equal(make_fees(buf_cstr(&rows)), OK);
    compare();
    assert_int_equal(told.count, CATALOGUE_CHANGES_MAX);
    assert_true(told.dropped >= 50);
    buf_done(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_same_sheets_differ_in_nothing, drop_both),
        cmocka_unit_test_teardown(a_new_price_is_told_with_procedures_day_and_both_amounts, drop_both),
        cmocka_unit_test_teardown(a_price_for_one_channel_names_that_channel_alone, drop_both),
        cmocka_unit_test_teardown(a_benefit_is_told_of_those_who_have_it_and_of_the_day_it_ends, drop_both),
        cmocka_unit_test_teardown(a_table_is_told_cell_by_cell, drop_both),
        cmocka_unit_test_teardown(a_fee_that_comes_or_goes_or_becomes_known_is_told, drop_both),
        cmocka_unit_test_teardown(a_share_of_another_fee_moves_with_it, drop_both),
        cmocka_unit_test_teardown(every_cell_that_changes_is_told_even_when_no_price_does, drop_both),
        cmocka_unit_test_teardown(named_values_are_told_because_prices_and_remittances_hang_on_them, drop_both),
        cmocka_unit_test_teardown(procedures_that_come_go_or_change_are_told, drop_both),
        cmocka_unit_test_teardown(more_changes_than_fit_are_counted, drop_both),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
