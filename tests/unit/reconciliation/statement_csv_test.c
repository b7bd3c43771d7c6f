/* Bank exports as CSV: columns found by their words, balances by theirs. The files are synthetic, laid out as public
 * readers of real exports describe them. */
#include "tests/unit/reconciliation/told.h"

#include <stdio.h>

static void file_tells(const char *name, struct buf *out)
{
    char path[200];
    snprintf(path, sizeof path, "tests/data/statements/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct buf bytes = {0};
    bytes.length = fread(buf_room(&bytes, 1 << 16), 1, 1 << 16, file);
    fclose(file);
    assert_int_equal(statement_detect(buf_view(&bytes)), STATEMENT_CSV);
    assert_int_equal(told(STATEMENT_CSV, buf_view(&bytes), 100, out), OK);
    buf_done(&bytes);
}

static int lines_of(const char *told_text)
{
    int count = 0;
    for (const char *at = told_text; (at = strstr(at, "\n2026-09-0")); at++)
        count++;
    return count;
}

static void every_bank_layout_closes(void **state)
{
    static const struct {
        const char *file, *must_hold;
        int lines;
    } cases[] = {
        {"02-vcb-statement-7col.csv", "|5211.10037|||TN26A7K2M9Q", 8},
        {"06-tcb-business-history.csv", "2026-09-02 2026-09-02 -3300 ||FT26245139595|", 8},
        {"08-bidv-corporate.csv", "|178001IBT1a0311|", 8},
        {"11-agribank-ebanking.csv", "2026-09-02 2026-09-02 80000 ||VBA2600006|", 8},
        {"13-mb-biz.csv", "|FT26244107919|NGUYEN VAN MAU|9990000000011|", 8},
        {"15-acb.csv", "|TN26A7K2M9Q", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        file_tells(cases[i].file, &out);
        const char *text = buf_cstr(&out);
        if (!strstr(text, "end 22450700 complete 0\n") || !strstr(text, "begin 9990000000001 VND  20500000\n") ||
            !strstr(text, cases[i].must_hold) || lines_of(text) != cases[i].lines)
            fail_msg("%s tells\n%s", cases[i].file, text);
        buf_done(&out);
    }
}

static void plain_english_columns_are_read(void **state)
{
    tells_in_pieces(STATEMENT_CSV,
                    TEXT("Account,0071000888\nCurrency,VND\nOpening balance,1000\n"
                         "Booking date;x\nBooked on,Value date,Bank reference,Amount,Description\n"
                         "2026-11-21,2026-11-20,B1,500,\"memo, quoted\"\n2026-11-21,,B2,-200,out\n"
                         "Closing balance,1300\n"),
                    "begin 0071000888 VND  1000\n2026-11-21 2026-11-20 500 ||B1|||memo, quoted|\n"
                    "2026-11-21 2026-11-21 -200 ||B2|||out|\nend 1300 complete 0\n");
}

static void running_balances_stand_in_for_printed_ones(void **state)
{
    tells_in_pieces(STATEMENT_CSV,
                    TEXT("Ngày;Số GD;Ghi nợ;Ghi có;Số dư;Nội dung\n22/11/2026;2;;500;1.700;sau\n"
                         "21/11/2026;1;300;;1.200;trước\n"),
                    "begin  VND  ?\n2026-11-22 2026-11-22 500 ||2|||sau|\n2026-11-21 2026-11-21 -300 ||1|||trước|\n"
                    "warn 3 opening_derived\nend 1700 complete 0 opened 1500\n");
}

static void what_cannot_be_read_is_told(void **state)
{
    tells_as(
        STATEMENT_CSV,
        TEXT("Opening balance,0\nDate,Debit,Credit,Description\n21/11/2026,,DW,x\n30/02/2026,,5,y\n99/99/2026,,5,z\n"
             "Closing balance,10\n"),
        "begin  VND  0\nwarn 3 bad_amount\nwarn 4 bad_date\n2026-02-28 2026-02-28 5 |||||y|\nwarn 5 bad_date\n"
        "- - 5 |||||z|\nend 10 incomplete 0\n");
    struct buf out = {0};
    assert_int_equal(told(STATEMENT_CSV, TEXT("a,b\nc,d\n"), 100, &out), ERR_STATEMENT_SYNTAX);
    assert_string_equal(buf_cstr(&out), "warn 1 no_header\n");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bank_layout_closes),
        cmocka_unit_test(plain_english_columns_are_read),
        cmocka_unit_test(running_balances_stand_in_for_printed_ones),
        cmocka_unit_test(what_cannot_be_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
