/* The officer's files: what is read, what is refused and where, and how a snapshot is held. */
#include <pthread.h>
#include <unistd.h>
#include "tests/unit/payments/fees/made.h"

static void the_shipped_catalogue_is_clean_and_complete(void **state)
{
    struct catalogue_files files;
    faults_init(&faults, &arena);
    assert_int_equal(catalogue_files_read("payments/catalogue", &arena, &faults, &files), OK);
    assert_int_equal(catalogue_check(shipped, &files, today, &faults), OK);
    assert_int_equal(faults.count, 0);
    assert_true(shipped->entry_count >= 97);
    for (size_t i = 0; i < shipped->fee_count; i++)
        assert_true(shipped->fees[i].legal_basis.length > 0 && shipped->fees[i].collector.length > 0);
}

static void national_procedure_codes_lead_to_their_fees(void **state)
{
    static const char *const pairs[][2] = {
        {"2.000635", "HT-TRICHLUC"},  {"1.004772", "HT-LEPHI"},      {"3.000333", "LLTP"},
        {"1.004222", "CT-THUONGTRU"}, {"1.004194", "CT-TAMTRU"},     {"1.010038", "CT-TACHHO"},
        {"3.000351", "GPLX"},         {"1.013086", "XE-TAM"},        {"1.014425", "DD-TDHS-QN"},
        {"2.002850", "GD-VBCC"},      {"1.007277", "DD-TRUOCBA-NHA"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const struct procedure *procedure = catalogue_procedure(shipped, text_of(pairs[i][0]));
        assert_non_null(procedure);
        assert_true(text_is(procedure->fees[0], pairs[i][1]));
    }
}

static void the_version_follows_the_content(void **state)
{
    char first[CATALOGUE_VERSION_SIZE];
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2026-01-01", "", "TT 1")), OK);
    snprintf(first, sizeof first, "%s", catalogue_version(made));
    assert_true(!strncmp(first, "2026-11-22.", 11) && strlen(first) == 19);
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2026-01-01", "", "TT 1")), OK);
    assert_string_equal(first, catalogue_version(made));
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(2)", "2026-01-01", "", "TT 1")), OK);
    assert_string_not_equal(first, catalogue_version(made));
}

static void periods_that_overlap_or_leave_a_hole_are_named(void **state)
{
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2025-01-01", "2025-12-31", "TT 1")
                                   FEE("A", "fixed(2)", "2026-01-01", "", "TT 2")),
                     OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter','filed_on':'2025-12-31'}"), 1);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter','filed_on':'2026-01-01'}"), 2);
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2025-01-01", "", "TT 1")
                               FEE("A", "fixed(2)", "2026-01-01", "", "TT 2")),
                 "fees.csv:3:8", "chồng");
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2025-01-01", "2025-11-30", "TT 1")
                               FEE("A", "fixed(2)", "2026-01-01", "", "TT 2")),
                 "fees.csv:3:8", "đứt quãng");
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2025-01-02", "2025-01-01", "TT 1")), "fees.csv:2:9",
                 "trước");
}

static void a_row_that_cannot_be_read_is_named_by_line_and_field(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(x)", "2025-01-01", "", "TT 1")), "fees.csv:2:5", "số đồng");
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2025-02-30", "", "TT 1")), "fees.csv:2:8", "ngày");
    assert_fault(make_fees(FEE_HEADER FEE("A", "fixed(1)", "2025-01-01", "", "")), "fees.csv:2:10", "căn cứ");
    assert_fault(make_fees(FEE_HEADER FEE("phí A", "fixed(1)", "2025-01-01", "", "TT 1")), "fees.csv:2:1", "không dấu");
    assert_fault(make_fees(FEE_HEADER "A,Tên\n"), "fees.csv:2:1", "2 ô");
    assert_fault(make_fees("code,color\n"), "fees.csv:1:2", "color");
    assert_fault(make_fees(FEE_HEADER "\"A,Tên\n"), "fees.csv:2:1", "CSV");
    assert_fault(make_fees(""), "fees.csv:1:1", "rỗng");
    assert_fault(make_fees(FEE_HEADER FEE("\xff", "fixed(1)", "", "", "TT 1")), "fees.csv:1:1", "UTF-8");
}

static void the_share_a_collector_keeps_is_read_as_a_number(void **state)
{
    const struct fee *record = catalogue_fee_on(shipped, TEXT("LLTP"), today);
    const struct fee *land = catalogue_fee_on(shipped, TEXT("GDBD-XOA"), today);
    assert_int_equal(record->retention_rate, 3500);
    assert_int_equal(land->retention_rate, 8500);
    assert_true(text_is(land->retention_only, "public_unit"));
    assert_int_equal(catalogue_fee_on(shipped, TEXT("HC-MOI"), today)->retention_rate, 0);
    assert_int_equal(catalogue_fee_on(shipped, TEXT("CT-BANSAO"), today)->retention_rate, -1);
}

static void a_reduction_must_fit_its_fees(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "fixed(1000)", "2025-01-01", "2025-12-31", "TT 1")
        FEE("B", "fixed(1000)", "2025-01-01", "", "TT 1");
    assert_int_equal(
        make(fees, REDUCTION_HEADER REDUCTION("R", "A B", "50%", "2025-01-01", "", "", ""), PROCEDURE_HEADER, VALUES),
        OK);
    assert_fault(
        make(fees, REDUCTION_HEADER REDUCTION("R", "C", "50%", "2025-01-01", "", "", ""), PROCEDURE_HEADER, VALUES),
        "reductions.csv:2:5", "“C”");
    assert_fault(
        make(fees, REDUCTION_HEADER REDUCTION("R", "B", "101%", "2025-01-01", "", "", ""), PROCEDURE_HEADER, VALUES),
        "reductions.csv:2:10", "100%");
    assert_fault(
        make(fees, REDUCTION_HEADER REDUCTION("R", "A", "50%", "2026-01-01", "", "", ""), PROCEDURE_HEADER, VALUES),
        "reductions.csv:2:5", "không có hiệu lực");
    assert_fault(make(fees, REDUCTION_HEADER REDUCTION("R", "B", "50%", "2026-01-01", "", "5 * salary", ""),
                      PROCEDURE_HEADER, VALUES),
                 "reductions.csv:2:12", "salary");
}

static void brackets_that_leave_a_gap_or_fall_are_named(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "bracket(<5: 1; >5: 2)", "unset", "", "TT 1")), "fees.csv:2:5",
                 "khoảng trống");
    assert_fault(make_fees(FEE_HEADER FEE("A", "bracket(<5: 2; >=5: 1)", "unset", "", "TT 1")), "fees.csv:2:5", "giảm");
    assert_fault(make_fees(FEE_HEADER FEE("A", "marginal(<=100: 10%; >100: 5 + 1%)", "unset", "", "TT 1")),
                 "fees.csv:2:5", "giảm");
    assert_fault(make_fees(FEE_HEADER FEE("A", "interp(100: 10%; 200: 1%)", "unset", "", "TT 1")), "fees.csv:2:5",
                 "giảm");
}

static void a_share_of_another_fee_needs_that_fee(void **state)
{
    assert_fault(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", "unset", "", "TT 1")), "fees.csv:2:5", "“B”");
    assert_fault(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", "unset", "", "TT 1")
                               FEE("B", "percent_of(A; 50%)", "unset", "", "TT 1")),
                 "fees.csv:2:5", "vòng");
    assert_fault(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", "unset", "", "TT 1")
                               FEE("B", "fixed(5)", "unset", "2025-12-31", "TT 1")),
                 "fees.csv:2:5", "hết hiệu lực");
    assert_int_equal(make_fees(FEE_HEADER FEE("A", "percent_of(B; 50%)", "unset", "", "TT 1")
                                   FEE("B", "fixed(5)", "unset", "", "TT 1")),
                     OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'counter'}"), 3);
}

static void a_procedure_that_names_an_unknown_or_expired_fee_is_refused(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "fixed(1)", "unset", "2025-12-31", "TT 1")
        FEE("B", "fixed(1)", "unset", "", "TT 1") FEE("C", "abolished()", "unset", "", "TT 1");
    assert_int_equal(make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên,Name,XA,B,,both,,\n", VALUES), OK);
    assert_fault(make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên,Name,XA,D,,both,,\n", VALUES),
                 "procedures.csv:2:5", "“D”");
    assert_fault(make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên,Name,XA,A,,both,,\n", VALUES),
                 "procedures.csv:2:5", "hết hiệu lực");
    assert_fault(make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên,Name,XA,B,C,both,,\n", VALUES),
                 "procedures.csv:2:6", "bãi bỏ");
    assert_fault(
        make(fees, REDUCTION_HEADER, PROCEDURE_HEADER "P,Tên,Name,XA,B,,both,,\nP,Tên,Name,XA,B,,both,,\n", VALUES),
        "procedures.csv:3:1", "trùng");
}

/* Relief on registration fees: once a year and at most five times the base salary (NQ 66.22/2026/NQ-CP). */
static void a_yearly_limit_needs_to_know_what_was_used(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "percent(10%)", "2025-01-01", "", "TT 1");
    static const char rules[] = REDUCTION_HEADER REDUCTION("R", "A", "50%", "2025-01-01", "", "5 * base_salary", "1");
    static const char *const form = "{'fees':['A'],'channel':'online','beneficiary_categories':['digital_citizen'],"
                                    "'quantities':{'value':300000000%s}}";
    char body[300];
    snprintf(body, sizeof body, form, "");
    assert_int_equal(make(fees, rules, PROCEDURE_HEADER, VALUES "base_salary,unset,,,,\n"), OK);
    assert_int_equal(price_with(made, body), 30000000);
    assert_int_equal(quote.lines[0].reductions[0].state, REDUCTION_NOT_QUANTIFIED);

    assert_int_equal(make(fees, rules, PROCEDURE_HEADER,
                          VALUES "base_salary,2000000,2024-07-01,2026-11-30,,\nbase_salary,2500000,2026-12-01,,,\n"),
                     OK);
    assert_int_equal(quote_with(made, body), ERR_INVALID);
    assert_non_null(fault_at("/quantities/relief_used"));
    assert_non_null(fault_at("/quantities/relief_times"));
    snprintf(body, sizeof body, form, ",'relief_used':0,'relief_times':0");
    assert_int_equal(price_with(made, body), 20000000);
    assert_int_equal(quote.lines[0].reductions[0].amount, 10000000);
    assert_int_equal(quote.valid_until, date_from(2026, 11, 30));
    snprintf(body, sizeof body, form, ",'relief_used':9000000,'relief_times':0");
    assert_int_equal(price_with(made, body), 29000000);
    snprintf(body, sizeof body, form, ",'relief_used':0,'relief_times':1");
    assert_int_equal(price_with(made, body), 30000000);
    assert_int_equal(quote.lines[0].reductions[0].state, REDUCTION_USED_UP);
    snprintf(body, sizeof body, form, ",'relief_used':10000000,'relief_times':0");
    assert_int_equal(price_with(made, body), 30000000);
}

static void a_printed_price_beats_a_computed_channel_share(void **state)
{
    static const char fees[] = FEE_HEADER FEE("A", "channel(counter: 15000; online: 7000)", "2025-01-01", "", "TT 1")
        FEE("B", "fixed(15000)", "2025-01-01", "", "TT 1");
    static const char rules[] =
        REDUCTION_HEADER "R,Trực tuyến,Online,channel_share,A B,,,online,,50%,all,,,2025-01-01,,payment,NQ 1,,,,,\n";
    assert_int_equal(make(fees, rules, PROCEDURE_HEADER, VALUES), OK);
    assert_int_equal(price_with(made, "{'fees':['A'],'channel':'online'}"), 7000);
    assert_int_equal(quote.lines[0].reductions[0].state, REDUCTION_PRINTED);
    assert_int_equal(price_with(made, "{'fees':['B'],'channel':'online'}"), 7500);
}

static void a_missing_folder_is_a_fault_and_not_a_catalogue(void **state)
{
    struct catalogue *none = NULL;
    faults_init(&faults, &arena);
    assert_int_equal(catalogue_load("tests/no-such-folder", &faults, &none), ERR_IO);
    assert_null(none);
    assert_int_equal(faults.count, 5);
}

static void *hold_and_drop(void *unused)
{
    for (int i = 0; i < 2000; i++) {
        struct catalogue *held = catalogue_in_force_hold();
        if (!held || !catalogue_procedure(held, TEXT("2.000635")))
            return held;
        catalogue_drop(held);
    }
    return NULL;
}

static void the_catalogue_in_force_can_be_replaced_while_quotes_run(void **state)
{
    pthread_t reader;
    assert_null(catalogue_in_force_hold());
    catalogue_in_force_set(catalogue_hold(shipped));
    assert_int_equal(pthread_create(&reader, NULL, hold_and_drop, NULL), 0);
    for (int i = 0; i < 20; i++) {
        struct catalogue *fresh;
        assert_int_equal(catalogue_load("payments/catalogue", &faults, &fresh), OK);
        catalogue_in_force_set(fresh);
    }
    void *failed;
    pthread_join(reader, &failed);
    assert_null(failed);
    catalogue_in_force_set(NULL);
    assert_null(catalogue_in_force_hold());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_catalogue_is_clean_and_complete),
        cmocka_unit_test(national_procedure_codes_lead_to_their_fees),
        cmocka_unit_test_teardown(the_version_follows_the_content, drop_made),
        cmocka_unit_test_teardown(periods_that_overlap_or_leave_a_hole_are_named, drop_made),
        cmocka_unit_test_teardown(a_row_that_cannot_be_read_is_named_by_line_and_field, drop_made),
        cmocka_unit_test(the_share_a_collector_keeps_is_read_as_a_number),
        cmocka_unit_test_teardown(a_reduction_must_fit_its_fees, drop_made),
        cmocka_unit_test_teardown(brackets_that_leave_a_gap_or_fall_are_named, drop_made),
        cmocka_unit_test_teardown(a_share_of_another_fee_needs_that_fee, drop_made),
        cmocka_unit_test_teardown(a_procedure_that_names_an_unknown_or_expired_fee_is_refused, drop_made),
        cmocka_unit_test_teardown(a_yearly_limit_needs_to_know_what_was_used, drop_made),
        cmocka_unit_test_teardown(a_printed_price_beats_a_computed_channel_share, drop_made),
        cmocka_unit_test(a_missing_folder_is_a_fault_and_not_a_catalogue),
        cmocka_unit_test(the_catalogue_in_force_can_be_replaced_while_quotes_run),
    };
    return cmocka_run_group_tests(tests, shipped_load, shipped_drop);
}
