/* camt.052, .053 and .054 in every version from .02 to .14: the same words say the same thing, whatever shape the
 * version gave to status, return information, party and account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/reconciliation/told.h"

enum { FIRST = 2, LAST = 14 };
static const struct {
    int message;
    const char *root, *group;
} messages[] = {
    {52, "BkToCstmrAcctRpt", "Rpt"}, {53, "BkToCstmrStmt", "Stmt"}, {54, "BkToCstmrDbtCdtNtfctn", "Ntfctn"}};

/* .02 to .03 write <Sts>BOOK</Sts> and the party at once; later <Sts><Cd>BOOK</Cd></Sts> and <Pty> around it. */
static struct text document(struct buf *out, size_t kind, int version)
{
    bool coded = version >= 4, party = version >= 4;
    const char *ns = "urn:iso:std:iso:20022:tech:xsd:camt";
    buf_clear(out);
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"%s.%03d.001.%02d\"><%s>"
               "<GrpHdr><MsgId>M1</MsgId><MsgPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></MsgPgntn></GrpHdr><%s>"
               "<Id>77</Id><Acct><Id><Othr><Id>0021000000001</Id></Othr></Id><Ccy>VND</Ccy></Acct>",
               ns, messages[kind].message, version, messages[kind].root, messages[kind].group);
    if (messages[kind].message != 54)
        buf_string(out, "<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"VND\">1000</Amt>"
                        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>"
                        "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"VND\">18700</Amt>"
                        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>");
    const char *book = coded ? "<Sts><Cd>BOOK</Cd></Sts>" : "<Sts>BOOK</Sts>";
    const char *before = party ? "<Pty>" : "", *after = party ? "</Pty>" : "";
    buf_printf(out,
               "<Ntry><Amt Ccy=\"VND\">16000</Amt><CdtDbtInd>CRDT</CdtDbtInd>%s<BookgDt><Dt>2026-11-21</Dt></BookgDt>"
               "<ValDt><Dt>2026-11-21</Dt></ValDt><AcctSvcrRef>FT1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E1"
               "</EndToEndId></Refs><RltdPties><Dbtr>%s<Nm>Nguyễn Thị Ánh</Nm>%s</Dbtr><DbtrAcct><Id><Othr><Id>100200"
               "</Id></Othr></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>QNWCGZQFVXPEV6 lệ phí</Ustrd></RmtInf></TxDtls>"
               "</NtryDtls></Ntry>",
               book, before, after);
    buf_printf(out,
               "<Ntry><Amt Ccy=\"VND\">3000</Amt><CdtDbtInd>CRDT</CdtDbtInd>%s<BookgDt><Dt>2026-11-21</Dt></BookgDt>"
               "<AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>"
               "<TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs>%s</TxDtls>"
               "<TxDtls><Refs><EndToEndId>E3</EndToEndId></Refs>%s</TxDtls></NtryDtls></Ntry>",
               book,
               version >= 4 ? "<Amt Ccy=\"VND\">1000</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
                            : "<AmtDtls><TxAmt><Amt Ccy=\"VND\">1000</Amt></TxAmt></AmtDtls>",
               version >= 4 ? "<Amt Ccy=\"VND\">2000</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
                            : "<AmtDtls><TxAmt><Amt Ccy=\"VND\">2000</Amt></TxAmt></AmtDtls>");
    buf_printf(out,
               "<Ntry><Amt Ccy=\"VND\">1300</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>%s<BookgDt><Dt>"
               "2026-11-21</Dt></BookgDt><AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls><RtrInf><Rsn><Cd>AC04</Cd>"
               "</Rsn></RtrInf></TxDtls></NtryDtls></Ntry></%s></%s></Document>\n",
               book, messages[kind].group, messages[kind].root);
    return buf_view(out);
}

static void holds(struct text story, const char *words, int message, int version)
{
    if (text_find(story, text_of(words)) == story.length)
        fail_msg("camt.%03d.001.%02d: '%s' is missing in\n%.*s", message, version, words, TEXT_ARGS(story));
}

static void every_message_in_every_version_tells_the_same(void **state)
{
    struct buf file = {0};
    for (size_t kind = 0; kind < sizeof messages / sizeof *messages; kind++)
        for (int version = FIRST; version <= LAST; version++) {
            struct text bytes = document(&file, kind, version);
            assert_int_equal(statement_detect(bytes), STATEMENT_CAMT);
            struct buf out = {0};
            assert_int_equal(told(STATEMENT_CAMT, bytes, 97, &out), OK);
            int message = messages[kind].message;
            holds(buf_view(&out), "begin 0021000000001 VND 77 ", message, version);
            holds(buf_view(&out), "2026-11-21 2026-11-21 16000 ", message, version);
            holds(buf_view(&out), "|FT1|Nguyễn Thị Ánh|100200|QNWCGZQFVXPEV6 lệ phí|", message, version);
            holds(buf_view(&out), " 1000 ", message, version);
            holds(buf_view(&out), " 2000 ", message, version);
            holds(buf_view(&out), " -1300 R ", message, version);
            if (message != 54) { /* a notification has no balances to prove itself by */
                holds(buf_view(&out), "end 18700 complete 0", message, version);
                if (text_find(buf_view(&out), TEXT("warn")) < out.length)
                    fail_msg("camt.%03d.001.%02d:\n%.*s", message, version, TEXT_ARGS(buf_view(&out)));
            }
            buf_done(&out);
        }
    buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_message_in_every_version_tells_the_same)};
    return cmocka_run_group_tests_name("camt versions", tests, NULL, NULL);
}
