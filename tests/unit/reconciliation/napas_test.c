/* The interbank switch's file: fixed widths behind tags, amounts with two implied decimals, days without a year. */
#include "tests/unit/reconciliation/told.h"

#define HEAD "HR[REV]97045400[DATE]02012027\n"
#define TAIL(count)                                                                                                    \
    "TR[NOT]" count "[CRE]NAPAS               [TIME]235959[DATE]02012027[CSF]0123456789abcdef0123456789abcdef\n"
#define RECORD(mti, amount, currency, at, day, number, code)                                                           \
    "DR[MTI]" mti "[F2]9704xxxxxxxxxxx1234[F3]912020[SVC]IF_INQ    [TCC]99[F4]" amount                                 \
    "[RTA]000000000000[F49]" currency "[F11]123456[F12]" at "[F13]" day "[F15]" day                                    \
    "[F18]6011[F41]TERM0001[MID]TTHCC          [F102]" ACCOUNT_FROM "[F103]" ACCOUNT_TO "[F37]" number                 \
    "[F38]APPR01[TRN]" number "TRN [RRC]" code "\n"
#define ACCOUNT_FROM "0011000000001               "
#define ACCOUNT_TO   "0021000000001               "

static void amounts_have_two_implied_decimals_and_december_is_last_years(void **state)
{
    tells_in_pieces(
        STATEMENT_DAT,
        TEXT(HEAD RECORD("0210", "000010000000", "704", "083015", "1231", "612345678901", "0000")
                 RECORD("0210", "000000500000", "704", "000000", "0102", "612345678902", "0000") TAIL("000000002")),
        "settle gateway napas-dat NAPAS 2027-01-02 2027-01-02\n"
        "1 paid payment 2026-12-31@30615 2026-12-31 100000-0-0=100000 "
        "612345678901|612345678901TRN|TERM0001|IF_INQ\n"
        "1 paid payment 2027-01-02@0 2027-01-02 5000-0-0=5000 612345678902|612345678902TRN|TERM0001|IF_INQ\n"
        "settled 105000 0 0 105000 ? complete\n");
    assert_int_equal(statement_detect(TEXT(HEAD)), STATEMENT_DAT);
}

static void what_is_not_said_to_be_approved_or_is_no_payment_counts_for_itself(void **state)
{
    tells_as(
        STATEMENT_DAT,
        TEXT(HEAD RECORD("0210", "000010000000", "704", "083015", "0101", "612345678901", "0068")
                 RECORD("0420", "000010000000", "704", "083015", "0101", "612345678901", "0000") TAIL("000000002")),
        "settle gateway napas-dat NAPAS 2027-01-02 2027-01-02\n"
        "1 unsaid payment 2027-01-01@30615 2027-01-01 100000-0-0=100000 612345678901|612345678901TRN|TERM0001|IF_INQ\n"
        "1 paid other 2027-01-01@30615 2027-01-01 100000-0-0=100000 612345678901|612345678901TRN|TERM0001|IF_INQ\n"
        "settled 100000 0 0 100000 ? complete\n");
}

static void each_fault_is_named_and_leaves_the_file_incomplete(void **state)
{
    static const struct {
        struct text file;
        const char *told;
    } cases[] = {
        {TEXT(HEAD RECORD("0210", "000010000001", "704", "083015", "0101", "612345678901", "0000") TAIL("000000001")),
         "warn 2 bad_amount\n"},
        {TEXT(HEAD RECORD("0210", "000010000000", "840", "083015", "0101", "612345678901", "0000") TAIL("000000001")),
         "warn 2 currency_mismatch\n"},
        {TEXT(HEAD TAIL("000000001")), "warn 2 total_mismatch\n"},
        {TEXT(HEAD), "warn 1 closing_missing\n"},
        {TEXT(HEAD "DR[MTI]02\n" TAIL("000000000")), "warn 2 bad_line\n"},
        {TEXT(HEAD "DR[MTI]0210[F99]1\n" TAIL("000000000")), "warn 2 bad_line\n"},
        {TEXT(HEAD "XX[MTI]0210\n" TAIL("000000000")), "warn 2 bad_line\n"},
        {TEXT(HEAD HEAD TAIL("000000000")), "warn 2 bad_line\n"},
        {TEXT(HEAD TAIL("000000000") TAIL("000000000")), "warn 3 bad_line\n"},
        {TEXT(HEAD RECORD("0210", "000010000000", "704", "083015", "1340", "612345678901", "0000") TAIL("000000001")),
         "warn 2 bad_date\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        assert_int_equal(told(STATEMENT_DAT, cases[i].file, 5, &out), OK);
        if (!strstr(buf_cstr(&out), cases[i].told) || !strstr(buf_cstr(&out), " incomplete\n"))
            fail_msg("case %zu: '%s' is missing in\n%s", i, cases[i].told, buf_cstr(&out));
        buf_done(&out);
    }
}

static void a_file_without_a_header_is_no_file(void **state)
{
    struct buf out = {0};
    assert_int_equal(told(STATEMENT_DAT, TEXT("HR[REV]97045400[DATE]31022027\n"), 3, &out), ERR_STATEMENT_SYNTAX);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_have_two_implied_decimals_and_december_is_last_years),
        cmocka_unit_test(what_is_not_said_to_be_approved_or_is_no_payment_counts_for_itself),
        cmocka_unit_test(each_fault_is_named_and_leaves_the_file_incomplete),
        cmocka_unit_test(a_file_without_a_header_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
