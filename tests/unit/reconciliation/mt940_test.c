/* MT940 as banks write it: each test is one dialect seen in public statements. */
#include "tests/unit/reconciliation/told.h"

#define HEAD "begin 0071000888 VND 21 1000000\n"
#define TOP  ":20:STMT\n:25:0071000888\n:28C:21/1\n:60F:C261120VND1000000,\n"

#define TELLS(file, expected) tells_in_pieces(STATEMENT_MT940, TEXT(file), expected)

static void a_plain_statement_tells_its_lines_and_closes(void **state)
{
    TELLS(TOP ":61:2611211121C150000,NTRFNONREF//FT26325001\n:86:LP7K2M9QAB NGUYEN VAN MAU nop le phi\n"
              ":61:2611211121D50000,NCHG//PHI01\n:86:PHI SMS\n"
              ":62F:C261121VND1100000,\n-\n",
          HEAD "2026-11-21 2026-11-21 150000 NTRF|NONREF|FT26325001|||LP7K2M9QAB NGUYEN VAN MAU nop le phi|\n"
               "2026-11-21 2026-11-21 -50000 NCHG||PHI01|||PHI SMS|\n"
               "end 1100000 complete 0\n");
}

static void the_memo_may_run_over_lines(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:86:first words\nsecond line\n- third begins with a dash\n:fourth with a colon\n"
              ":62F:C261121VND1000001,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||first words second line - third begins with a dash :fourth with a "
               "colon|\nend 1000001 complete 0\n");
}

static void a_full_line_is_glued_without_a_space(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:86:12345678901234567890123456789012345678901234567890123456789 LP7K2\nM9QAB le phi\n"
              ":62F:C261121VND1000001,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||12345678901234567890123456789012345678901234567890123456789 "
               "LP7K2M9QAB le phi|\nend 1000001 complete 0\n");
}

static void a_file_without_terminator_ends_at_its_end(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:86:x\n:62F:C261121VND1000001,",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||x|\nend 1000001 complete 0\n");
}

static void a_preamble_before_the_message_is_no_text(void **state)
{
    TELLS("ABNANL2A\n940\nABNANL2A\n" TOP ":61:261121C1,NTRF\n:86:x\n:62F:C261121VND1000001,\n-\n"
          "ABNANL2A\n940\nABNANL2A\n:20:NEXT\n:25:0071000888\n:28C:22/1\n:60F:C261121VND1000001,\n"
          ":62F:C261121VND1000001,\n-\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||x|\nend 1000001 complete 0\n"
               "begin 0071000888 VND 22 1000001\nend 1000001 complete 0\n");
}

static void a_supplementary_line_belongs_to_its_entry(void **state)
{
    TELLS(TOP ":61:261121C1,NTRFREF1//B1\n/TRCD/00100/\n:86:x\n:61:261121C2,NTRFREF2\nLP7K2M9QAB\n"
              ":62F:C261121VND1000003,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|REF1|B1|||x|/TRCD/00100/\n"
               "2026-11-21 2026-11-21 2 NTRF|REF2||||LP7K2M9QAB|LP7K2M9QAB\nend 1000003 complete 0\n");
}

static void a_letter_of_the_currency_may_follow_the_mark(void **state)
{
    TELLS(":20:A\n:25:ACC\n:28C:1\n:60F:C230101EUR1000,00\n:61:230102CR500,NTRF\n:61:230102DD212,39NTRF\n"
          ":61:230102RCR0,01NTRF\n:62F:C230102EUR1287,60\n",
          "begin ACC EUR 1 100000\n2023-01-02 2023-01-02 50000 NTRF||||||\n2023-01-02 2023-01-02 -21239 NTRF||||||\n"
          "2023-01-02 2023-01-02 -1 R NTRF||||||\nend 128760 complete 0\n");
}

static void an_amount_without_a_separator_is_whole(void **state)
{
    TELLS(TOP ":61:2611211121C500NTRFNONREF\n:61:261121C12NTRF\n:62F:C261121VND1000512\n",
          HEAD "2026-11-21 2026-11-21 500 NTRF|NONREF|||||\n2026-11-21 2026-11-21 12 NTRF||||||\n"
               "end 1000512 complete 0\n");
}

static void one_decimal_and_a_point_are_exact(void **state)
{
    TELLS(":20:A\n:25:ACC\n:28C:1\n:60F:C230101EUR0,\n:61:230102C12,5NTRF\n:61:230102C7.25NTRF\n:61:230102C3,NTRF\n"
          ":62F:C230102EUR22,75\n",
          "begin ACC EUR 1 0\n2023-01-02 2023-01-02 1250 NTRF||||||\n2023-01-02 2023-01-02 725 NTRF||||||\n"
          "2023-01-02 2023-01-02 300 NTRF||||||\nend 2275 complete 0\n");
}

static void dong_have_no_decimals_but_may_be_written_with_them(void **state)
{
    TELLS(TOP ":61:261121C150000,00NTRF\n:61:261121C12.000NTRF\n:62F:C261121VND1.162.000\n",
          HEAD "2026-11-21 2026-11-21 150000 NTRF||||||\n2026-11-21 2026-11-21 12000 NTRF||||||\n"
               "end 1162000 complete 0\n");
}

static void half_a_dong_is_refused_loudly(void **state)
{
    TELLS(TOP ":61:261121C150000,50NTRF\n:62F:C261121VND1150000,\n",
          HEAD "warn 5 bad_amount\nwarn 6 balance_mismatch\nend 1150000 incomplete 150000\n");
}

static void a_reversed_credit_is_money_out_and_a_reversed_debit_money_in(void **state)
{
    TELLS(TOP ":61:261121RC300,NTRF\n:61:261121RD100,NTRF\n:62F:C261121VND999800,\n",
          HEAD "2026-11-21 2026-11-21 -300 R NTRF||||||\n2026-11-21 2026-11-21 100 R NTRF||||||\n"
               "end 999800 complete 0\n");
}

static void several_accounts_stand_in_one_file(void **state)
{
    TELLS(":20:A\n:25:ONE\n:28C:1\n:60F:C261120VND5,\n:62F:C261121VND5,\n:20:B\n:25:TWO\n:28C:1\n:60F:D261120VND7,\n"
          ":61:261121C7,NTRF\n:62F:C261121VND0,\n-\n",
          "begin ONE VND 1 5\nend 5 complete 0\nbegin TWO VND 1 -7\n2026-11-21 2026-11-21 7 NTRF||||||\n"
          "end 0 complete 0\n");
}

static void pages_join_into_one_statement(void **state)
{
    TELLS(":20:A\n:25:ONE\n:28C:9/1\n:60F:C261120VND5,\n:61:261121C1,NTRF\n:62M:C261121VND6,\n-\n"
          ":20:A\n:25:ONE\n:28C:9/2\n:60M:C261121VND6,\n:61:261121C2,NTRF\n:62F:C261121VND8,\n-\n",
          "begin ONE VND 9 5\n2026-11-21 2026-11-21 1 NTRF||||||\n2026-11-21 2026-11-21 2 NTRF||||||\n"
          "end 8 complete 0\n");
}

static void pages_that_do_not_join_are_incomplete(void **state)
{
    TELLS(":20:A\n:25:ONE\n:28C:9/1\n:60F:C261120VND5,\n:61:261121C1,NTRF\n:62M:C261121VND6,\n-\n"
          ":20:A\n:25:ONE\n:28C:9/3\n:60M:C261121VND9,\n:61:261121C2,NTRF\n:62F:C261121VND11,\n-\n",
          "begin ONE VND 9 5\n2026-11-21 2026-11-21 1 NTRF||||||\nwarn 11 page_mismatch\n"
          "2026-11-21 2026-11-21 2 NTRF||||||\nwarn 14 balance_mismatch\nend 11 incomplete 3\n");
}

static void a_page_alone_is_a_statement_of_its_own(void **state)
{
    TELLS(":20:A\n:25:ONE\n:28C:9/1\n:60M:C261120VND5,\n:61:261121C1,NTRF\n:62M:C261121VND6,\n-\n"
          ":20:A\n:25:TWO\n:28C:9/2\n:60M:C261121VND6,\n:62F:C261121VND6,\n-\n",
          "begin ONE VND 9 5\n2026-11-21 2026-11-21 1 NTRF||||||\nend 6 complete 0\n"
          "begin TWO VND 9 6\nend 6 complete 0\n");
}

static void structured_subfields_give_purpose_name_and_account(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:86:166?00GUTSCHRIFT?109310?20EREF+LP7K2M9QAB?21SVWZ+abcdefghijklmnopqrstu\n"
              "v?22wx yz?30VIETVNVX?310071000111?32NGUYEN VAN?33 MAU\n:62F:C261121VND1000001,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||NGUYEN VAN MAU|0071000111|EREF+LP7K2M9QAB "
               "SVWZ+abcdefghijklmnopqrstuvwx yz|\nend 1000001 complete 0\n");
}

static void slash_keys_give_name_and_account(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:86:/TRTP/SEPA/IBAN/NL08DEUT0319809633/NAME/TRAN THI VI DU/REMI/LP7K2M9QAB/EREF/E1\n"
              ":62F:C261121VND1000001,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||TRAN THI VI DU|NL08DEUT0319809633|/TRTP/SEPA/IBAN/NL08DEUT0319809633/"
               "NAME/TRAN THI VI DU/REMI/LP7K2M9QAB/EREF/E1|\nend 1000001 complete 0\n");
}

static void carriage_returns_alone_or_with_newlines_end_lines(void **state)
{
    const char *expected = HEAD "2026-11-21 2026-11-21 1 NTRF|||||x y|\nend 1000001 complete 0\n";
    TELLS(":20:STMT\r\n:25:0071000888\r\n:28C:21/1\r\n:60F:C261120VND1000000,\r\n:61:261121C1,NTRF\r\n:86:x\r\ny\r\n"
          ":62F:C261121VND1000001,\r\n-\r\n",
          expected);
    TELLS(":20:STMT\r:25:0071000888\r:28C:21/1\r:60F:C261120VND1000000,\r:61:261121C1,NTRF\r:86:x\ry\r"
          ":62F:C261121VND1000001,\r-\r",
          expected);
}

static void swift_blocks_and_control_bytes_are_an_envelope(void **state)
{
    TELLS("\x01{1:F01VIETVNVXAXXX0000000000}{2:I940VIETVNVXXXXXN}{4:\r\n" TOP ":61:261121C1,NTRF\n:86:x\n"
          ":62F:C261121VND1000001,\n-}{5:{CHK:0}}\x03\x01{1:F01VIETVNVXAXXX0000000000}{2:I940VIETVNVXXXXXN}{4:\n"
          ":20:NEXT\n:25:0071000888\n:28C:22/1\n:60F:C261121VND1000001,\n:62F:C261121VND1000001,\n-}\x03",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||x|\nend 1000001 complete 0\n"
               "begin 0071000888 VND 22 1000001\nend 1000001 complete 0\n");
}

static void the_old_number_field_counts(void **state)
{
    TELLS(":20:A\n:25:ACC\n:28:00012/001\n:60F:C261120VND5,\n:62F:C261121VND5,\n",
          "begin ACC VND 00012 5\nend 5 complete 0\n");
}

static void an_entry_without_type_code_is_not_lost(void **state)
{
    TELLS(TOP ":61:261121C1,\n:61:261121D2,//B2\n:61:261121C3,REF3\n:62F:C261121VND1000002,\n",
          HEAD "2026-11-21 2026-11-21 1 ||||||\n2026-11-21 2026-11-21 -2 ||B2||||\n"
               "2026-11-21 2026-11-21 3 |REF3|||||\nend 1000002 complete 0\n");
}

static void balances_that_are_missing_prove_nothing(void **state)
{
    TELLS(":20:A\n:25:ACC\n:28C:1\n:60F:C261120VND5,\n:61:261121C1,NTRF\n:86:x\n-\n",
          "begin ACC VND 1 5\n2026-11-21 2026-11-21 1 NTRF|||||x|\nwarn 7 closing_missing\nend ? incomplete 0\n");
    /* The currency of the amounts is found in the balance that follows, so only whole pieces see it. */
    tells_as(STATEMENT_MT940,
             TEXT(":20:A\n:25:ACC\n:28C:1\n:61:261121C150000,NTRF\n:86:x\n:62F:C261121VND150005,\n-\n"),
             "begin ACC VND 1 ?\n2026-11-21 2026-11-21 150000 NTRF|||||x|\nwarn 7 opening_missing\n"
             "end 150005 incomplete 0\n");
}

static void balances_that_do_not_close_are_told_and_never_adjusted(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:62F:C261121VND1000002,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF||||||\nwarn 6 balance_mismatch\nend 1000002 incomplete 1\n");
}

static void entries_are_dated_across_the_year_end(void **state)
{
    TELLS(TOP ":61:2612310102C1,NTRF\n:61:2701021231C1,NTRF\n:62F:C270102VND1000002,\n",
          HEAD "2027-01-02 2026-12-31 1 NTRF||||||\n2026-12-31 2027-01-02 1 NTRF||||||\nend 1000002 complete 0\n");
}

static void the_thirtieth_of_february_is_told_and_the_line_kept(void **state)
{
    TELLS(TOP ":61:2602300302C1,NTRF\n:61:269999C1,NTRF\n:62F:C260302VND1000002,\n",
          HEAD "warn 5 bad_date\n2026-03-02 2026-02-28 1 NTRF||||||\nwarn 6 bad_date\n- - 1 NTRF||||||\n"
               "end 1000002 complete 0\n");
}

static void a_malformed_entry_fails_the_gate_loudly(void **state)
{
    TELLS(TOP ":61:garbage\n:86:x\n:61:261121X5,NTRF\n:62F:C261121VND1000000,\n",
          HEAD "warn 5 bad_line\nwarn 7 bad_line\nend 1000000 incomplete 0\n");
}

static void two_memos_and_memos_of_the_statement_find_their_place(void **state)
{
    TELLS(TOP ":86:of the statement\n:61:261121C1,NTRF\n:86:020\n:86:020~20first~21second\n:61:261121C1,NTRF\n:86:one\n"
              ":86:two\n:62F:C261121VND1000002,\n:86:of the statement again\nand more\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||first second|\n2026-11-21 2026-11-21 1 NTRF|||||one two|\n"
               "end 1000002 complete 0\n");
}

static void other_alphabets_become_utf8(void **state)
{
    TELLS("\xEF\xBB\xBF" TOP ":61:261121C1,NTRF\n:86:L\xE9on \x80 5\n:61:261121C1,NTRF\n:86:phí địa chính\x01\n"
          ":62F:C261121VND1000002,\n",
          HEAD "2026-11-21 2026-11-21 1 NTRF|||||Léon € 5|\n2026-11-21 2026-11-21 1 NTRF|||||phí địa chính|\n"
               "end 1000002 complete 0\n");
}

static void an_unknown_field_is_told_and_its_text_kept(void **state)
{
    TELLS(TOP ":61:261121C1,NTRF\n:86:paid at\n:12:30 by card\n:NS:22more\n:62F:C261121VND1000001,\n:64:C261121VND1,\n"
              ":65:C261122VND1,\n",
          HEAD "warn 7 unknown_tag\n2026-11-21 2026-11-21 1 NTRF|||||paid at :12:30 by card 22more|\n"
               "end 1000001 complete 0\n");
}

static void a_balance_nobody_can_read_is_told(void **state)
{
    tells_as(STATEMENT_MT940, TEXT(":20:A\n:25:ACC\n:28C:1\n:60F:nothing\n:61:261121C1,00NTRF\n:62F:C261121EUR1,\n"),
             "warn 4 bad_balance\nbegin ACC EUR 1 ?\n2026-11-21 2026-11-21 100 NTRF||||||\n"
             "warn 6 opening_missing\nend 100 incomplete 0\n");
    TELLS(":20:A\n:25:ACC\n:28C:1\n:61:261121C1,00NTRF\n",
          "warn 4 currency_missing\nbegin ACC  1 ?\n2026-11-21 2026-11-21 100 NTRF||||||\n"
          "warn 4 opening_missing\nwarn 4 closing_missing\nend ? incomplete 0\n");
}

static void an_interim_report_is_weighed_by_its_totals(void **state)
{
    tells_in_pieces(STATEMENT_MT942,
                    TEXT(":20:A\n:25:ACC\n:28C:1\n:34F:VND0,\n:13D:2611211500+0700\n:61:261121C5,NTRF\n:86:x\n"
                         ":90D:0VND0,\n:90C:1VND5,\n-\n:20:B\n:25:ACC\n:28C:2\n:34F:VND0,\n:61:261121C5,NTRF\n"
                         ":90C:2VND9,\n-\n"),
                    "begin ACC VND 1 ?\n2026-11-21 2026-11-21 5 NTRF|||||x|\nend ? incomplete 0\n"
                    "begin ACC VND 2 ?\n2026-11-21 2026-11-21 5 NTRF||||||\nwarn 17 total_mismatch\n"
                    "end ? incomplete 0\n");
}

static void nothing_to_read_is_an_error(void **state)
{
    struct buf out = {0};
    assert_int_equal(told(STATEMENT_MT940, TEXT("hello\nworld\n"), 100, &out), ERR_STATEMENT_SYNTAX);
    assert_int_equal(out.length, 0);
    buf_done(&out);
}

static void formats_are_told_apart_by_their_first_bytes(void **state)
{
    assert_int_equal(statement_detect(TEXT("ABNANL2A\n940\n" TOP)), STATEMENT_MT940);
    assert_int_equal(statement_detect(TEXT("{1:F01X}{2:O9421200}{4:\n:20:A\n:25:B\n:61:261121C1,N")), STATEMENT_MT942);
    assert_int_equal(statement_detect(TEXT("\xEF\xBB\xBF<?xml version=\"1.0\"?><Document "
                                           "xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">")),
                     STATEMENT_CAMT);
    assert_int_equal(statement_detect(TEXT("STT,Ngày,Ghi nợ,Ghi có\n")), STATEMENT_CSV);
    assert_int_equal(statement_detect(TEXT("PK\x03\x04 workbook, with commas")), STATEMENT_XLSX);
    assert_int_equal(statement_detect(TEXT("<html><table>camt.053")), STATEMENT_HTML);
    assert_int_equal(statement_detect(TEXT("\xD0\xCF\x11\xE0")), STATEMENT_XLS);
    assert_int_equal(statement_detect(TEXT("{\"transactions\": []}")), STATEMENT_JSON);
    assert_int_equal(statement_detect(TEXT("%PDF-1.7 print, with commas")), STATEMENT_UNKNOWN);
    assert_int_equal(statement_detect(TEXT("")), STATEMENT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_statement_tells_its_lines_and_closes),
        cmocka_unit_test(the_memo_may_run_over_lines),
        cmocka_unit_test(a_full_line_is_glued_without_a_space),
        cmocka_unit_test(a_file_without_terminator_ends_at_its_end),
        cmocka_unit_test(a_preamble_before_the_message_is_no_text),
        cmocka_unit_test(a_supplementary_line_belongs_to_its_entry),
        cmocka_unit_test(a_letter_of_the_currency_may_follow_the_mark),
        cmocka_unit_test(an_amount_without_a_separator_is_whole),
        cmocka_unit_test(one_decimal_and_a_point_are_exact),
        cmocka_unit_test(dong_have_no_decimals_but_may_be_written_with_them),
        cmocka_unit_test(half_a_dong_is_refused_loudly),
        cmocka_unit_test(a_reversed_credit_is_money_out_and_a_reversed_debit_money_in),
        cmocka_unit_test(several_accounts_stand_in_one_file),
        cmocka_unit_test(pages_join_into_one_statement),
        cmocka_unit_test(pages_that_do_not_join_are_incomplete),
        cmocka_unit_test(a_page_alone_is_a_statement_of_its_own),
        cmocka_unit_test(structured_subfields_give_purpose_name_and_account),
        cmocka_unit_test(slash_keys_give_name_and_account),
        cmocka_unit_test(carriage_returns_alone_or_with_newlines_end_lines),
        cmocka_unit_test(swift_blocks_and_control_bytes_are_an_envelope),
        cmocka_unit_test(the_old_number_field_counts),
        cmocka_unit_test(an_entry_without_type_code_is_not_lost),
        cmocka_unit_test(balances_that_are_missing_prove_nothing),
        cmocka_unit_test(balances_that_do_not_close_are_told_and_never_adjusted),
        cmocka_unit_test(entries_are_dated_across_the_year_end),
        cmocka_unit_test(the_thirtieth_of_february_is_told_and_the_line_kept),
        cmocka_unit_test(a_malformed_entry_fails_the_gate_loudly),
        cmocka_unit_test(two_memos_and_memos_of_the_statement_find_their_place),
        cmocka_unit_test(other_alphabets_become_utf8),
        cmocka_unit_test(an_unknown_field_is_told_and_its_text_kept),
        cmocka_unit_test(a_balance_nobody_can_read_is_told),
        cmocka_unit_test(an_interim_report_is_weighed_by_its_totals),
        cmocka_unit_test(nothing_to_read_is_an_error),
        cmocka_unit_test(formats_are_told_apart_by_their_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
