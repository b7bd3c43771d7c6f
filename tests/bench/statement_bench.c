/* Statements of one gigabyte through the readers, in pieces as a file is read: lines per second of this process's CPU
 * and the most memory it ever held. Every sum is checked, so that nothing is skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "reconciliation/reconciliation.h"

enum { GIGABYTE = 1000000000, LINES_A_BLOCK = 1000, PIECE = 256 * 1024 };

struct counted {
    int64_t lines, sum, complete, statements;
};

static void on_line(void *with, const struct statement_line *line)
{
    struct counted *counted = with;
    counted->lines++;
    counted->sum += line->amount;
}

static void on_end(void *with, const struct statement_tail *tail)
{
    struct counted *counted = with;
    counted->statements++;
    counted->complete += tail->complete;
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long peak_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* 1,000 credits of 1,000 đồng from a balance of nought; the same block again is the next statement. */
static void mt940_block(struct buf *out)
{
    buf_string(out, ":20:LEPHI\n:25:0021000123456\n:28C:1/1\n:60F:C261122VND0,\n");
    for (int i = 0; i < LINES_A_BLOCK; i++)
        buf_printf(out,
                   ":61:2611231123C1000,NTRFNONREF//FT2632%08d\n:86:QN8XPDSV5H4CEJ NGUYEN VAN MAU nop le phi dat dai\n",
                   i);
    buf_string(out, ":62F:C261123VND1000000,\n-\n");
}

static const char camt_head[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">"
    "<BkToCstmrStmt>";
static const char camt_tail[] = "</BkToCstmrStmt></Document>";

static void camt_block(struct buf *out)
{
    buf_string(out, "<Stmt><Id>1</Id><Acct><Id><Othr><Id>0021000123456</Id></Othr></Id><Ccy>VND</Ccy></Acct>");
    const char *const codes[] = {"OPBD", "CLBD"};
    for (int i = 0; i < 2; i++)
        buf_printf(
            out,
            "<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy=\"VND\">%d</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
            "<Dt><Dt>2026-11-23</Dt></Dt></Bal>",
            codes[i], i * LINES_A_BLOCK * 1000);
    for (int i = 0; i < LINES_A_BLOCK; i++)
        buf_printf(
            out,
            "<Ntry><Amt "
            "Ccy=\"VND\">1000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-23</Dt>"
            "</BookgDt><ValDt><Dt>2026-11-23</Dt></ValDt><AcctSvcrRef>FT2632%08d</"
            "AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>"
            "NOTPROVIDED</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>NGUYEN VAN "
            "MAU</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>"
            "QN8XPDSV5H4CEJ nop le phi dat dai</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
            i);
    buf_string(out, "</Stmt>");
}

static void feed(struct statement_reader *reader, struct text bytes)
{
    for (size_t at = 0; at < bytes.length; at += PIECE)
        if (statement_reader_feed(reader, text_slice(bytes, at, PIECE)))
            abort();
}

/* Lines per second over a gigabyte. */
static double rate(enum statement_format format, const char *head, const char *tail, void (*block)(struct buf *out),
                   long *ret_kb)
{
    struct counted counted = {0};
    const struct statement_sink sink = {.with = &counted, .line = on_line, .end = on_end};
    struct buf bytes = {0};
    block(&bytes);
    int64_t blocks = GIGABYTE / (int64_t)bytes.length + 1;
    double from = cpu_s();
    struct statement_reader *reader = statement_reader_new(format, &sink);
    feed(reader, text_of(head));
    for (int64_t i = 0; i < blocks; i++)
        feed(reader, buf_view(&bytes));
    feed(reader, text_of(tail));
    if (statement_reader_end(reader))
        abort();
    statement_reader_free(reader);
    double took = cpu_s() - from;
    if (counted.lines != blocks * LINES_A_BLOCK || counted.sum != counted.lines * 1000 || counted.complete != blocks)
        abort();
    *ret_kb = peak_kb();
    fprintf(stderr, "  %-8s %10lld lines in %zu bytes each block, %6.2f s, %9.0f a second, peak %ld KiB\n",
            statement_format_name(format), (long long)counted.lines, bytes.length, took, (double)counted.lines / took,
            *ret_kb);
    buf_done(&bytes);
    return (double)counted.lines / took;
}

int main(void)
{
    long mt940_kb, camt_kb;
    double mt940 = rate(STATEMENT_MT940, "", "", mt940_block, &mt940_kb);
    double camt = rate(STATEMENT_CAMT, camt_head, camt_tail, camt_block, &camt_kb);
    printf("{\"mt940_per_s\": %.0f, \"mt940_peak_kb\": %ld, \"camt_per_s\": %.0f, \"camt_peak_kb\": %ld}\n", mt940,
           mt940_kb, camt, camt_kb);
    return 0;
}
