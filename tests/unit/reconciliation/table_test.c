/* Workbooks, HTML tables, encodings and settlement files. The workbooks were written by SheetJS, not by us. */
#include "tests/unit/reconciliation/told.h"

#include <stdio.h>

static void file_tells(const char *name, enum statement_format expected, struct buf *out)
{
    enum { FILE_MAX = 1 << 18 };
    char path[200];
    snprintf(path, sizeof path, "tests/data/statements/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct buf bytes = {0};
    bytes.length = fread(buf_room(&bytes, FILE_MAX), 1, FILE_MAX, file);
    fclose(file);
    assert_int_equal(statement_detect(buf_view(&bytes)), expected);
    assert_int_equal(told(expected, buf_view(&bytes), 1000, out), OK);
    buf_done(&bytes);
}

static void the_same_statement_closes_in_every_kind_of_file(void **state)
{
    static const struct {
        const char *file;
        enum statement_format format;
        const char *must_hold;
    } cases[] = {
        {"02-vcb.xls", STATEMENT_XLS, "|5211.10037|||TN26A7K2M9Q"},
        {"02-vcb.xlsx", STATEMENT_XLSX, "|5211.10037|||TN26A7K2M9Q"},
        {"08-bidv.xlsx", STATEMENT_XLSX, "|178001IBT1a0311|"},
        {"15-acb.xls", STATEMENT_XLS, "|9461|NGUYEN VAN MAU|9990000000011|"},
        {"11-agribank.xls.html", STATEMENT_HTML, "2026-09-02 2026-09-02 80000 ||VBA2600006|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        file_tells(cases[i].file, cases[i].format, &out);
        const char *text = buf_cstr(&out);
        if (!strstr(text, "end 22450700 complete 0\n") || !strstr(text, "begin 9990000000001 VND  20500000\n") ||
            !strstr(text, cases[i].must_hold) || strstr(text, "warn"))
            fail_msg("%s tells\n%s", cases[i].file, text);
        buf_done(&out);
    }
}

static void settlement_files_give_gross_fee_and_net(void **state)
{
    static const struct {
        const char *file;
        enum statement_format format;
        const char *must_hold[3];
    } cases[] = {
        {"30-vnpay-portal-transactions.csv",
         STATEMENT_CSV,
         {"settle gateway vnpay-transactions VNPAY 2026-09-01 2026-09-02\n",
          "1 unsaid payment 2026-09-01@30045 - 150000-10000-0=140000 14900002|TN26V00002|TTHCC01|\n",
          "settled 1310000 10000 0 1300000 ? complete\n"}},
        {"32-momo-daily-report-ms.csv",
         STATEMENT_CSV,
         {"settle wallet momo-daily MoMo", "1 failed payment", "settled 1340000 0 0 1340000 ? complete\n"}},
        {"35-payoo-pos-report.csv", /* the void takes its payment back */
         STATEMENT_CSV,
         {"1 paid void 2026-09-01@50400 - -500000-0--5500=-494500 621416783803|DV000004||\n",
          "settle terminal payoo Payoo 2026-09-01 2026-09-01\n", "settled 840000 0 9240 830760 ? complete\n"}},
        {"39-treasury-reconcile.json",
         STATEMENT_JSON,
         {"settle treasury treasury KBNN 2026-09-02 2026-09-02\n", "settled 2104000 0 0 2104000 2104000 complete\n",
          ""}},
        {"39-treasury-reconcile.csv", STATEMENT_CSV, {"settled 2104000 0 0 2104000 2104000 complete\n", "", ""}},
        {"50-vtp-bangkechicod-email.csv", /* net of postage; return legs stand in the second table alone */
         STATEMENT_CSV,
         {"1 paid payment 2026-09-01@-1 2026-09-03 150000-0-0=150000 MAU1599000001|||\n",
          "2 paid payment 2026-09-02@-1 - 0-0-8501=-8501 MAU15990000071P1|||\n",
          "settled 520500 0 100001 420499 420499 complete\n"}},
        {"53-ghn-phien-chuyen-tien-cod.csv", /* a header in two tiers, fees written negative */
         STATEMENT_CSV,
         {"1 paid payment 2026-09-01@-1 2026-09-03 30000-0-16500=13500 G9MAU004|TN26G00004||\n",
          "settled 460000 0 91250 368750 ? complete\n", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        file_tells(cases[i].file, cases[i].format, &out);
        for (int k = 0; k < 3; k++)
            if (!strstr(buf_cstr(&out), cases[i].must_hold[k]))
                fail_msg("%s: '%s' is missing in\n%s", cases[i].file, cases[i].must_hold[k], buf_cstr(&out));
        buf_done(&out);
    }
}

static void a_total_that_the_rows_do_not_reach_is_named(void **state)
{
    tells_as(STATEMENT_JSON,
             TEXT("{\"reconcileDate\":\"02/09/2026\",\"totalTransaction\":2,\"totalAmount\":5,"
                  "\"transactions\":[{\"transId\":\"A\",\"amount\":4}]}"),
             "settle treasury treasury KBNN 2026-09-02 2026-09-02\n"
             "1 paid payment 2026-09-02@-1 2026-09-02 4-0-0=4 A|||\nwarn 1 total_mismatch\nwarn 1 total_mismatch\n"
             "settled 4 0 0 4 5 incomplete\n");
    tells_in_pieces(STATEMENT_CSV,
                    TEXT("Opening balance,0\nDate,Debit,Credit,Balance,Description\n21/11/2026,,5,5,x\nTotal,0,6,,\n"
                         "Closing balance,5\n"),
                    "begin  VND  0\n2026-11-21 2026-11-21 5 |||||x|\nwarn 5 total_mismatch\nend 5 incomplete 0\n");
}

#define TABLE "Date,Credit,Debit,Description\n21/11/2026,5,,"

static void vietnamese_is_read_in_every_encoding(void **state)
{
    const char *expected =
        "begin  VND  ?\n2026-11-21 2026-11-21 5 |||||lệ phí|\nwarn 2 opening_missing\nwarn 2 closing_missing\n"
        "end ? incomplete 0\n";
    tells_in_pieces(STATEMENT_CSV, TEXT("\xEF\xBB\xBF" TABLE "lệ phí\n"), expected);
    /* combining accents: NFD, and windows-1258 (ê is a letter there, the dot below and the acute are marks) */
    tells_in_pieces(STATEMENT_CSV, TEXT(TABLE "le\xCC\xA3\xCC\x82 phi\xCC\x81\n"), expected);
    tells_in_pieces(STATEMENT_CSV, TEXT(TABLE "l\xEA\xF2 phi\xEC\n"), expected);
    struct buf wide = {0};
    const char *ascii = TABLE;
    buf_put(&wide, "\xFF\xFE", 2);
    for (size_t i = 0; ascii[i]; i++)
        buf_put(&wide, (const char[]){ascii[i], 0}, 2);
    buf_put(&wide, "l\0\xC7\x1E \0p\0h\0\xED\0\n\0", 14);
    tells_in_pieces(STATEMENT_CSV, buf_view(&wide), expected);
    buf_done(&wide);
}

static void bad_files_are_named(void **state)
{
    static const struct {
        struct text file;
        enum statement_format format;
        const char *told;
    } cases[] = {
        {TEXT("PK\x03\x04 cut short"), STATEMENT_XLSX, "warn 0 bad_zip\n"},
        {TEXT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 cut short"), STATEMENT_XLS, "warn 0 bad_xls\n"},
        {TEXT("<html><body>Please log in</body></html>"), STATEMENT_HTML, "warn 1 no_header\n"},
        {TEXT("{\"transactions\": [1"), STATEMENT_JSON, "warn 1 bad_json\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        assert_int_equal(told(cases[i].format, cases[i].file, 5, &out), ERR_STATEMENT_SYNTAX);
        assert_string_equal(buf_cstr(&out), cases[i].told);
        buf_done(&out);
    }
}

static void a_bare_carriage_return_ends_a_row_and_a_repeated_row_is_read_once(void **state)
{
    tells_in_pieces(
        STATEMENT_CSV,
        TEXT("Date,Ref no,Credit,Debit,Balance,Description\r21/11/2026,R1,5,,5,x\r21/11/2026,R1,5,,5,x\r"
             "21/11/2026,R1,5,,10,x\r"),
        "warn 3 repeated_row\nbegin  VND  ?\n2026-11-21 2026-11-21 5 ||R1|||x|\n2026-11-21 2026-11-21 5 ||R1|||x|\n"
        "warn 2 opening_derived\nend 10 complete 0 opened 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_statement_closes_in_every_kind_of_file),
        cmocka_unit_test(settlement_files_give_gross_fee_and_net),
        cmocka_unit_test(a_total_that_the_rows_do_not_reach_is_named),
        cmocka_unit_test(vietnamese_is_read_in_every_encoding),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(a_bare_carriage_return_ends_a_row_and_a_repeated_row_is_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
