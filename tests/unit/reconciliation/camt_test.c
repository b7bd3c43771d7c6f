/* camt.05x: versions, batches, reversals, wrappers and hostile XML. */
#include "tests/unit/reconciliation/told.h"

#define TELLS(file, expected) tells_in_pieces(STATEMENT_CAMT, TEXT(file), expected)
#define OPEN                                                                                                           \
    "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>"        \
    "<GrpHdr><MsgId>m</MsgId></GrpHdr><Stmt><Id>S1</Id><Acct><Id><Othr><Id>0071000888</Id></Othr></Id>"                \
    "<Ccy>VND</Ccy></Acct>"
#define BALANCE(code, amount)                                                                                          \
    "<Bal><Tp><CdOrPrtry><Cd>" code "</Cd></CdOrPrtry></Tp><Amt Ccy=\"VND\">" amount                                   \
    "</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>"
#define DATES "<BookgDt><Dt>2026-11-21</Dt></BookgDt><ValDt><Dt>2026-11-22</Dt></ValDt>"
#define CLOSE "</Stmt></BkToCstmrStmt></Document>"
#define BEGIN "begin 0071000888 VND S1 1000\n"

static void an_entry_tells_its_detail(void **state)
{
    TELLS(
        OPEN BALANCE("OPBD", "1000") BALANCE(
            "CLBD", "1500.00") "<Ntry><NtryRef>1</NtryRef><Amt "
                               "Ccy=\"VND\">500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>" DATES
                               "<AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>"
                               "<RltdPties><Dbtr><Pty><Nm>NGUYEN VAN "
                               "MAU</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>XX1</IBAN></Id></DbtrAcct>"
                               "<Cdtr><Nm>TINH</Nm></Cdtr></RltdPties><RmtInf><Ustrd>LP7K2M9QAB</Ustrd><Ustrd>le phi "
                               "&amp; phí</Ustrd></RmtInf>"
                               "</TxDtls></NtryDtls></Ntry>" CLOSE,
        BEGIN "2026-11-21 2026-11-22 500 |E1|B1|NGUYEN VAN MAU|XX1|LP7K2M9QAB le phi & phí|\nend 1500 complete 0\n");
}

static void a_batch_is_told_by_its_details_when_they_add_up(void **state)
{
    TELLS(OPEN BALANCE("OPBD", "1000")
              BALANCE("CLBD", "1500") "<Ntry><Amt Ccy=\"VND\">500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>" DATES
                                      "<NtryDtls>"
                                      "<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt "
                                      "Ccy=\"VND\">200</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>"
                                      "<TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs><AmtDtls><TxAmt><Amt "
                                      "Ccy=\"VND\">300</Amt></TxAmt></AmtDtls>"
                                      "</TxDtls></NtryDtls></Ntry>" CLOSE,
          BEGIN "2026-11-21 2026-11-22 200 |E1|||||\n2026-11-21 2026-11-22 300 |E2|||||\nend 1500 complete 0\n");
}

static void a_batch_that_does_not_add_up_stays_one_line(void **state)
{
    TELLS(OPEN BALANCE("OPBD", "1000") BALANCE(
              "CLBD", "1500") "<Ntry><Amt Ccy=\"VND\">500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>" DATES
                              "<NtryDtls>"
                              "<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><Amt Ccy=\"VND\">200</Amt></TxDtls>"
                              "<TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs><Amt Ccy=\"VND\">301</Amt></TxDtls>"
                              "</NtryDtls></Ntry>" CLOSE,
          BEGIN "warn 1 detail_mismatch\n2026-11-21 2026-11-22 500 |||||E1 E2|\nend 1500 complete 0\n");
}

static void a_reversal_keeps_the_direction_that_is_written(void **state)
{
    TELLS(OPEN BALANCE("OPBD", "1000") BALANCE(
              "CLBD",
              "700") "<Ntry><Amt "
                     "Ccy=\"VND\">300</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts>" DATES
                     "<AddtlNtryInf>hoàn</AddtlNtryInf></Ntry>" CLOSE,
          BEGIN "2026-11-21 2026-11-22 -300 R |||||hoàn|\nend 700 complete 0\n");
}

static void announced_entries_are_left_out_loudly(void **state)
{
    TELLS(
        OPEN BALANCE("OPBD", "1000") BALANCE(
            "CLBD",
            "1000") "<Ntry><Amt Ccy=\"VND\">300</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts></Ntry>" CLOSE,
        BEGIN "warn 1 not_booked\nend 1000 complete 0\n");
}

static void pages_and_prefixes_and_wrappers_are_looked_through(void **state)
{
    TELLS("<s:Envelope xmlns:s=\"x\"><s:Body><n:Document xmlns:n=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\">"
          "<n:BkToCstmrStmt><n:Stmt><n:Id>S</n:Id><n:Acct><n:Id><n:IBAN>XX2</n:IBAN></n:Id></n:Acct>"
          "<n:Bal><n:Tp><n:CdOrPrtry><n:Cd>ITBD</n:Cd></n:CdOrPrtry></n:Tp><n:Amt Ccy=\"EUR\">1.5</n:Amt>"
          "<n:CdtDbtInd>DBIT</n:CdtDbtInd></n:Bal><n:Bal><n:Tp><n:CdOrPrtry><n:Cd>ITBD</n:Cd></n:CdOrPrtry></n:Tp>"
          "<n:Amt Ccy=\"EUR\">1.00000</n:Amt><n:CdtDbtInd>DBIT</n:CdtDbtInd></n:Bal><n:TxsSummry><n:TtlNtries>"
          "<n:NbOfNtries>2</n:NbOfNtries></n:TtlNtries></n:TxsSummry><n:Ntry><n:Amt Ccy=\"EUR\">.50</n:Amt>"
          "<n:CdtDbtInd>CRDT</n:CdtDbtInd><n:Sts>BOOK</n:Sts><n:ValDt><n:DtTm>2026-11-22T10:00:00</n:DtTm></n:ValDt>"
          "</n:Ntry></n:Stmt></n:BkToCstmrStmt></n:Document></s:Body></s:Envelope>",
          "begin XX2 EUR S -150\n2026-11-22 2026-11-22 50 ||||||\nwarn 1 total_mismatch\nend -100 complete 0\n");
}

static void amounts_nobody_can_read_fail_the_gate(void **state)
{
    TELLS(OPEN BALANCE("OPBD", "1000") BALANCE(
              "CLBD",
              "1000") "<Ntry><Amt Ccy=\"VND\">12..34</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>" DATES "</Ntry>"
                      "<Ntry><Amt Ccy=\"VND\">100.0000000000005</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>" DATES
                      "</Ntry>" CLOSE,
          BEGIN "warn 1 bad_amount\nwarn 1 bad_line\nwarn 1 bad_amount\nwarn 1 bad_line\nend 1000 incomplete 0\n");
}

static void refused(struct text file, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(told(STATEMENT_CAMT, file, 64, &out), ERR_STATEMENT_SYNTAX);
    assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
}

static void broken_and_hostile_files_are_refused(void **state)
{
    refused(TEXT("<!DOCTYPE d [<!ENTITY a \"aaaa\">]><Document>&a;</Document>"), "warn 1 bad_xml\n");
    refused(TEXT("<Document>{{ template }}</Document>"), "");
    refused(TEXT(""), "warn 1 bad_xml\n");
    refused(TEXT(OPEN BALANCE("OPBD", "1000") "<Ntry><Amt Ccy=\"VND\">1</Amt>"),
            BEGIN "warn 1 bad_xml\nwarn 1 closing_missing\nend ? incomplete 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_tells_its_detail),
        cmocka_unit_test(a_batch_is_told_by_its_details_when_they_add_up),
        cmocka_unit_test(a_batch_that_does_not_add_up_stays_one_line),
        cmocka_unit_test(a_reversal_keeps_the_direction_that_is_written),
        cmocka_unit_test(announced_entries_are_left_out_loudly),
        cmocka_unit_test(pages_and_prefixes_and_wrappers_are_looked_through),
        cmocka_unit_test(amounts_nobody_can_read_fail_the_gate),
        cmocka_unit_test(broken_and_hostile_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
