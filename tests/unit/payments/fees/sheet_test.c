/* What an officer's spreadsheet may do to a file and what it may not; each fault by file, line and column. */
#include "tests/unit/payments/fees/made.h"

#define ALWAYS "2026-01-01"

/* The same small sheet as a spreadsheet of Viet Nam exports it: mark of UTF-8, semicolons, its own dates, CR LF, empty
 * columns and rows after the last. */
static const char vietnamese[] =
    "\xEF\xBB\xBF"
    "code;name_vi;name_en;kind;formula;unit_vi;unit_en;valid_from;valid_to;legal_basis;legal_article;issued_by;"
    "collector;beneficiary;budget_item;budget_level;retention;document;refund_rule;decided_by;rounding;confidence;"
    "note;;\r\n"
    "A;Phí A;Fee A;phi;\"page(1-2: 2000; 3-: 1000; cap=200000)\";bản;copy;01/01/2017;31/12/2025;TT 1;Điều 1;;;;;;;;;;;;"
    "\"một; hai\";;\r\n"
    "A;Phí A;Fee A;phi;fixed(9000);bản;copy;1/1/2026;;TT 2;Điều 2;;;;;;;;;;;;;;\r\n"
    ";;;;;;;;;;;;;;;;;;;;;;;;\r\n"
    ";;;;;;;;;;;;;;;;;;;;;;;;\r\n";

static void a_spreadsheet_of_viet_nam_is_read_as_it_was_saved(void **state)
{
    assert_int_equal(make_fees(vietnamese), OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter','filed_on':'2025-12-31','quantities':"
                                      "{'pages':5}}"),
                     7000);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter','filed_on':'2026-01-01'}"), 9000);
}

static const char *changed(const char *from, const char *to)
{
    const char *at = strstr(vietnamese, from);
    assert_non_null(at);
    return arena_printf(&arena, "%.*s%s%s", (int)(at - vietnamese), vietnamese, to, at + strlen(from));
}

static void its_faults_have_the_line_and_column_the_officer_sees(void **state)
{
    assert_fault(make_fees(changed("31/12/2025", "31/11/2025")), "fees.csv:2:9", "ngày có thật");
    assert_fault(make_fees(changed("31/12/2025", "12/31/2025")), "fees.csv:2:9", "ngày có thật");
    assert_fault(make_fees(changed("31/12/2025", "30/12/2025")), "fees.csv:3:8", "đứt quãng");
    assert_fault(make_fees(changed("31/12/2025", "")), "fees.csv:3:8", "chồng");
    assert_fault(make_fees(changed("TT 1", "")), "fees.csv:2:10", "căn cứ");
    assert_fault(make_fees(changed("fixed(9000)", "fixed(9.000)")), "fees.csv:3:5", "số đồng");
    assert_fault(make_fees(changed("1/1/2026;;TT 2;Điều 2;;;;;;;;;;;;;;", "1/1/2026;;TT 2;Điều 2;;;;;;;;;;;;;;lạc")),
                 "fees.csv:3:1", "dòng có 25 ô, tiêu đề có 23");
    assert_fault(make_fees(changed("name_en", "tên")), "fees.csv:1:3", "tên");
}

static void dates_with_strokes_are_refused_where_they_may_be_american(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(1)", "01/02/2026", "", "TT 1")), "fees.csv:2:8", "YYYY-MM-DD");
}

static void tabs_separate_too(void **state)
{
    char *sheet = arena_copy(&arena, TEXT(FEE_HEADER FEE("A", "fixed(7)", ALWAYS, "", "TT 1")));
    for (char *c = sheet; *c; c++)
        if (*c == ',')
            *c = '\t';
    assert_int_equal(make_fees(sheet), OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter'}"), 7);
}

static void rows_that_end_in_cr_alone_are_rows(void **state)
{
    struct buf sheet = {0};
    buf_string(&sheet, FEE_HEADER);
    for (int i = 0; i < 300; i++)
        buf_printf(&sheet, "A%d,Tên,Name,phi,fixed(%d),bản,copy,2026-01-01,,TT 1,Điều 1,,,,,,,,,,,,\n", i, i + 1);
    for (size_t i = 0; i < sheet.length; i++)
        if (sheet.at[i] == '\n')
            sheet.at[i] = '\r';
    assert_int_equal(make_fees(buf_cstr(&sheet)), OK);
    assert_int_equal(made->fee_count, 300);
    assert_int_equal(price_with(made, "{'fees':['A299'],'channel':'counter'}"), 300);
    buf_done(&sheet);
}

/* ---- values.csv ---------------------------------------------------------------------------------------------------
 */

static enum err make_values(const char *values)
{
    return make(FEE_HEADER FEE("A", "foreign(USD; 25.00)", ALWAYS, "", "TT 1"), REDUCTION_HEADER, PROCEDURE_HEADER,
                values);
}

static void a_published_rate_is_of_its_days_and_of_no_other(void **state)
{
    assert_int_equal(make_values(VALUES "rate.USD,26085.5,2026-11-20,2026-11-22,,\n"
                                        "rate.USD,26100,2026-11-23,2026-11-23,,\n"),
                     OK);
    /* 25 × 26.085,5 = 652.137,5 → 652.138; 25 × 26.100 = 652.500 */
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter','paid_on':'2026-11-22'}"), 652138);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter','paid_on':'2026-11-23'}"), 652500);
    assert_int_equal(quote.valid_until, date_from(2026, 11, 23));
    assert_int_equal(quote_with(made, "{'fees':['A'],'channel':'counter','paid_on':'2026-11-24'}"), ERR_INVALID);
    const struct fault *fault = fault_at("/quantities/exchange_rate");
    assert_non_null(fault);
    assert_non_null(strstr(fault->detail, "tỷ giá mua chuyển khoản công bố ngày 24/11/2026"));
    assert_non_null(strstr(fault->detail, "rate.USD"));
}

static void a_rate_row_is_checked(void **state)
{
    assert_fault(make_values(VALUES "rate.USD,26085.5,2026-11-23,,,\n"), "values.csv:3:4", "valid_to");
    assert_fault(make_values(VALUES "rate.USD,26085.5,,2026-11-23,,\n"), "values.csv:3:4", "cả valid_from và valid_to");
    assert_fault(make_values(VALUES "rate.USD,-1,2026-11-23,2026-11-23,,\n"), "values.csv:3:2", "26085.5");
    assert_fault(make_values(VALUES "rate.USD,\"26.085,5\",2026-11-23,2026-11-23,,\n"), "values.csv:3:2", "26085.5");
    assert_fault(make_values(VALUES "rate.USD,0,2026-11-23,2026-11-23,,\n"), "values.csv:3:2", "26085.5");
    assert_fault(make_values(VALUES "rate.USD,26085.12345,2026-11-23,2026-11-23,,\n"), "values.csv:3:2", "bốn số lẻ");
    assert_fault(make_values(VALUES "rate.usd,26085.5,2026-11-23,2026-11-23,,\n"), "values.csv:3:1", "rate.USD");
    assert_fault(make_values(VALUES "rate.USD,1,2026-11-20,2026-11-23,,\nrate.USD,2,2026-11-23,2026-11-24,,\n"),
                 "values.csv:4:3", "chồng lên dòng 3");
}

static void what_a_collector_is_has_two_words(void **state)
{
    assert_int_equal(make_values(VALUES "collector_kind.ubnd_xa,state_agency,,,,\n"), OK);
    assert_int_equal(make_values(VALUES "collector_kind.5700100001,unset,,,,\n"), OK);
    assert_fault(make_values(VALUES "collector_kind.ubnd_xa,đơn vị sự nghiệp,,,,\n"), "values.csv:3:2",
                 "public_unit, state_agency");
    assert_fault(
        make_fees(FEE_HEADER "A,Tên,Name,phi,fixed(1),bản,copy," ALWAYS ",,TT 1,Điều 1,,,,,,85% trường,,,,,,\n"),
        "fees.csv:2:17", "public_unit");
}

static void other_values_are_amounts_and_the_edition_a_day(void **state)
{
    assert_fault(make_values(VALUES "base_salary,2.340.000,,,,\n"), "values.csv:3:2", "số đồng");
    assert_fault(make_values("name,value,valid_from,valid_to,legal_basis,note\nedition,22/11/2026,,,,\n"),
                 "values.csv:2:2", "YYYY-MM-DD");
    assert_fault(make_values("name,value,valid_from,valid_to,legal_basis,note\n"), "values.csv:1:1", "edition");
}

/* ---- what only the whole shows --------------------------------------------------------------------------------------
 */

static void a_table_that_falls_as_the_value_rises_is_named(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "matrix(value<=15e6: 300000; value<=40e6: 200000; else: 100000)", ALWAYS,
                                          "", "TT 1")),
                 "fees.csv:2:5", "giảm khi value tăng, quanh mốc 15000001");
    assert_fault(make_fees(FEE_HEADER FEE("A",
                                          "matrix(area=KV1 & area_m2<100: 1000; area=KV1 & area_m2>=100: 900; area=KV2:"
                                          " 5)",
                                          ALWAYS, "", "TT 1")),
                 "fees.csv:2:5", "giảm khi area_m2 tăng, quanh mốc 100");
    assert_int_equal(
        make_fees(FEE_HEADER FEE("A", "matrix(by=value; value<=15e6: 100000; value<=40e6: 200000; else: 1%)", ALWAYS,
                                 "", "TT 1")),
        OK);
    /* the second registration may cost less than the first: NĐ 10/2022/NĐ-CP */
    assert_int_equal(
        make_fees(FEE_HEADER FEE("A", "matrix(by=value; sequence=1: 10%; sequence>=2: 2%)", ALWAYS, "", "TT 1")), OK);
}

static void a_table_that_leaves_a_gap_is_named(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "matrix(value<=15e6: 100; value>40e6: 300)", ALWAYS, "", "TT 1")),
                 "fees.csv:2:5", "khoảng trống: không có mức thu khi value = 15000001");
    assert_fault(
        make_fees(FEE_HEADER FEE("A", "matrix(area=KV1 & area_m2<100: 1; area=KV1 & area_m2>100: 2; area=KV2: 5)",
                                 ALWAYS, "", "TT 1")),
        "fees.csv:2:5", "khoảng trống: không có mức thu khi area_m2 = 100");
    assert_int_equal(
        make_fees(FEE_HEADER FEE("A", "matrix(value<=15e6: 100; value<=40e6: 300; else: 400)", ALWAYS, "", "TT 1")),
        OK);
}

static void a_share_of_a_fee_that_ends_before_it_is_named(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", ALWAYS, "", "TT 1")
                               FEE("B", "fixed(5)", ALWAYS, "2026-12-31", "TT 1")),
                 "fees.csv:2:5", "khoản gốc “B” không còn hiệu lực từ 01/01/2027");
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", ALWAYS, "2026-12-31", "TT 1")
                                   FEE("B", "fixed(5)", ALWAYS, "2026-12-31", "TT 1")),
                     OK);
}

/* A share of a share holds no longer than what stands at the end. */
static void a_share_of_a_share_ends_with_the_last_of_them(void **state)
{
    static const char sheet[] = FEE_HEADER FEE("A", "percent_of(B; 50%)", ALWAYS, "2026-11-30", "TT 1")
        FEE("B", "percent_of(C; 50%)", ALWAYS, "2026-11-30", "TT 1")
            FEE("C", "fixed(400)", ALWAYS, "2026-11-30", "TT 1");
    assert_int_equal(make_fees(sheet), OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter'}"), 100);
    assert_int_equal(quote.valid_until, date_from(2026, 11, 30));
}

static const char *reductions(int count, const char *first_ends)
{
    struct buf rows = {0};
    buf_string(&rows, REDUCTION_HEADER);
    for (int i = 0; i < count; i++)
        buf_printf(&rows,
                   "R%d,Giảm,Less,relief,A,,digital_citizen,online,,%d%%,all,,,2026-01-01,%s,payment,NQ 1,,,,,\n", i,
                   i + 1, i ? "" : first_ends);
    const char *copy = arena_copy(&arena, buf_view(&rows));
    buf_done(&rows);
    return copy;
}

static void more_reductions_at_once_than_a_line_weighs_are_a_fault_and_never_cut_off(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "fixed(10000)", ALWAYS, "", "TT 1");
    static const char *const asked = "{'fees':['A'],'channel':'online','beneficiary_categories':['digital_citizen']}";
    assert_int_equal(make(fees, reductions(QUOTE_REDUCTIONS_MAX, ""), PROCEDURE_HEADER, VALUES), OK);
    assert_int_equal(price_with(made, asked), 7600); /* the 24th, 24 % */
    assert_int_equal(quote.lines[0].reduction_count, QUOTE_REDUCTIONS_MAX);
    assert_fault(make(fees, reductions(QUOTE_REDUCTIONS_MAX + 1, ""), PROCEDURE_HEADER, VALUES), "reductions.csv:26:5",
                 "“A” có quá 24 mức miễn, giảm cùng một lúc");
    assert_fault(make(fees, reductions(QUOTE_REDUCTIONS_MAX + 1, "2026-01-01"), PROCEDURE_HEADER, VALUES),
                 "reductions.csv:26:5", "24");
    /* two that never meet are one at a time */
    char *apart = arena_copy(&arena, text_of(reductions(QUOTE_REDUCTIONS_MAX + 1, "2026-01-31")));
    for (char *at = apart; (at = strstr(at, "2026-01-01,,")) != NULL; at++)
        memcpy(at, "2026-02-01", 10);
    assert_int_equal(make(fees, apart, PROCEDURE_HEADER, VALUES), OK);
    assert_int_equal(price_with(made, asked), 7500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_spreadsheet_of_viet_nam_is_read_as_it_was_saved, drop_made),
        cmocka_unit_test_teardown(its_faults_have_the_line_and_column_the_officer_sees, drop_made),
        cmocka_unit_test_teardown(dates_with_strokes_are_refused_where_they_may_be_american, drop_made),
        cmocka_unit_test_teardown(tabs_separate_too, drop_made),
        cmocka_unit_test_teardown(rows_that_end_in_cr_alone_are_rows, drop_made),
        cmocka_unit_test_teardown(a_published_rate_is_of_its_days_and_of_no_other, drop_made),
        cmocka_unit_test_teardown(a_rate_row_is_checked, drop_made),
        cmocka_unit_test_teardown(what_a_collector_is_has_two_words, drop_made),
        cmocka_unit_test_teardown(other_values_are_amounts_and_the_edition_a_day, drop_made),
        cmocka_unit_test_teardown(a_table_that_falls_as_the_value_rises_is_named, drop_made),
        cmocka_unit_test_teardown(a_table_that_leaves_a_gap_is_named, drop_made),
        cmocka_unit_test_teardown(a_share_of_a_fee_that_ends_before_it_is_named, drop_made),
        cmocka_unit_test_teardown(a_share_of_a_share_ends_with_the_last_of_them, drop_made),
        cmocka_unit_test_teardown(more_reductions_at_once_than_a_line_weighs_are_a_fault_and_never_cut_off, drop_made),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
