/* A day of an account as the three files a bank gives: MT940, camt.053.001.08 and CSV (ACB's columns). */
#include "tests/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>
#include "core/base/csv.h"
#include "core/base/money.h"

struct day {
    const struct account *account;
    date_days date;
    const struct transfer **list;
    size_t count;
    int64_t opening, closing;
};

static bool day_read(struct visit *visit, struct day *day)
{
    struct text date = visit_query(visit, "date");
    day->account = bank_account(visit->sandbox->bank, visit_query(visit, "account"));
    day->date = date_of(clock_now());
    if (!day->account || (date.at && !date_parse(date, &day->date))) {
        visit_refuse(visit, 404, "not_found", "Không có tài khoản này, hoặc ngày sai (YYYY-MM-DD)");
        return false;
    }
    day->count = bank_day(visit->sandbox->bank, day->account, day->date, &visit->arena, &day->list, &day->opening);
    day->closing = day->opening;
    for (size_t i = 0; i < day->count; i++)
        day->closing += day->list[i]->amount;
    return true;
}

static int day_of_year(date_days date)
{
    return date - date_from(civil_of_date(date).year, 1, 1) + 1;
}

static int64_t size_of(int64_t amount)
{
    return amount < 0 ? -amount : amount;
}

/* MT940 ------------------------------------------------------------------------------------------------------------*/

static void mt940_balance(struct buf *out, const char *tag, const struct day *day, int64_t amount, int shift)
{
    struct civil date = civil_of_date(day->date + shift);
    buf_printf(out, ":%s:%c%02d%02d%02dVND%lld,\r\n", tag, amount < 0 ? 'D' : 'C', date.year % 100, date.month,
               date.day, (long long)size_of(amount));
}

/* Field 86 has six lines of 65: ?20–?29 carry 27 characters of the memo each, ?31 and ?32 the other side. */
static void mt940_details(struct buf *out, const struct transfer *transfer)
{
    char flat[700];
    size_t length = (size_t)snprintf(flat, sizeof flat, "%s",
                                     transfer->amount < 0 ? "177?00CHUYEN TIEN DI" : "166?00CHUYEN TIEN DEN");
    struct text memo = text_of(transfer->memo);
    for (size_t part = 0; part * 27 < memo.length && part < 10; part++) {
        struct text piece = text_slice(memo, part * 27, 27);
        length += (size_t)snprintf(flat + length, sizeof flat - length, "?%zu", 20 + part);
        for (size_t i = 0; i < piece.length; i++)
            flat[length++] = piece.at[i] == '?' || (unsigned char)piece.at[i] < ' ' ? ' ' : piece.at[i];
        flat[length] = '\0';
    }
    length += (size_t)snprintf(flat + length, sizeof flat - length, "?31%.34s?32%.27s", transfer->counterparty_account,
                               transfer->counterparty_name);
    buf_string(out, ":86:");
    for (size_t at = 0, line; at < length; at += line) {
        /* No line of a field may begin with ':' or '-' (SWIFT: they end the field). */
        for (line = length - at < 65 ? length - at : 65; flat[at + line] == ':' || flat[at + line] == '-'; line--)
            ;
        buf_printf(out, "%.*s\r\n", (int)line, flat + at);
    }
}

static void mt940(struct visit *visit, const struct day *day)
{
    struct buf *out = &visit->reply;
    struct civil date = civil_of_date(day->date);
    visit->content_type = "text/plain; charset=utf-8";
    buf_string(out, "{1:F01SANDBOXVXXXX0000000000}{2:I940LEPHIVNXXXXXN}{4:\r\n");
    buf_printf(out, ":20:SB%02d%02d%02d%06llu\r\n:25:%s\r\n:28C:%05d/001\r\n", date.year % 100, date.month, date.day,
               (unsigned long long)day->count % 1000000, day->account->number, day_of_year(day->date));
    mt940_balance(out, "60F", day, day->opening, -1);
    for (size_t i = 0; i < day->count; i++) {
        const struct transfer *transfer = day->list[i];
        buf_printf(out, ":61:%02d%02d%02d%02d%02d%c%lld,NTRFNONREF//%s\r\n", date.year % 100, date.month, date.day,
                   date.month, date.day, transfer->amount < 0 ? 'D' : 'C', (long long)size_of(transfer->amount),
                   transfer->reference);
        mt940_details(out, transfer);
    }
    mt940_balance(out, "62F", day, day->closing, 0);
    buf_string(out, "-}\r\n");
}

/* camt.053.001.08 --------------------------------------------------------------------------------------------------*/

static void element(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "<%s>", name);
    for (const char *c = value; *c; c++)
        buf_string(out, *c == '&' ? "&amp;" : *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : (char[]){*c, '\0'});
    buf_printf(out, "</%s>", name);
}

static void camt_balance(struct buf *out, const char *code, int64_t amount, date_days date)
{
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    buf_printf(out,
               "<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy=\"VND\">%lld</Amt><CdtDbtInd>%s</CdtDbtInd>"
               "<Dt><Dt>%s</Dt></Dt></Bal>\n",
               code, (long long)size_of(amount), amount < 0 ? "DBIT" : "CRDT", text);
}

static void camt_entry(struct buf *out, const struct transfer *transfer, const char *date)
{
    char at[INSTANT_TEXT_SIZE];
    const char *side = transfer->amount < 0 ? "Cdtr" : "Dbtr";
    instant_format(transfer->booked_at, at);
    buf_printf(
        out,
        "<Ntry><NtryRef>%lld</NtryRef><Amt Ccy=\"VND\">%lld</Amt><CdtDbtInd>%s</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        "<BookgDt><DtTm>%s</DtTm></BookgDt><ValDt><Dt>%s</Dt></ValDt><AcctSvcrRef>%s</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>%s</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        "<NtryDtls><TxDtls><Refs><AcctSvcrRef>%s</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        "<Amt Ccy=\"VND\">%lld</Amt><CdtDbtInd>%s</CdtDbtInd>",
        (long long)transfer->id, (long long)size_of(transfer->amount), transfer->amount < 0 ? "DBIT" : "CRDT", at, date,
        transfer->reference, transfer->amount < 0 ? "ICDT" : "RCDT", transfer->reference,
        (long long)size_of(transfer->amount), transfer->amount < 0 ? "DBIT" : "CRDT");
    buf_printf(out, "<RltdPties><%s><Pty>", side);
    element(out, "Nm", transfer->counterparty_name);
    buf_printf(out, "</Pty></%s><%sAcct><Id><Othr>", side, side);
    element(out, "Id", transfer->counterparty_account);
    buf_printf(out, "</Othr></Id></%sAcct></RltdPties><RmtInf>", side);
    char piece[141]; /* Max140Text, as often as needed */
    for (struct text memo = text_of(transfer->memo); memo.length; memo = text_slice(memo, 140, memo.length)) {
        snprintf(piece, sizeof piece, "%.*s", TEXT_ARGS(text_slice(memo, 0, 140)));
        element(out, "Ustrd", piece);
    }
    buf_string(out, "</RmtInf></TxDtls></NtryDtls></Ntry>\n");
}

static void camt053(struct visit *visit, const struct day *day)
{
    struct buf *out = &visit->reply;
    char date[DATE_TEXT_SIZE], now[INSTANT_TEXT_SIZE];
    date_format(day->date, date);
    instant_format(instant_from((struct civil){.year = civil_of_date(day->date).year,
                                               .month = civil_of_date(day->date).month,
                                               .day = civil_of_date(day->date).day,
                                               .hour = 23,
                                               .minute = 59}),
                   now);
    visit->content_type = "application/xml; charset=utf-8";
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\n"
               "<GrpHdr><MsgId>SB%s-%s</MsgId><CreDtTm>%s</CreDtTm></GrpHdr>\n"
               "<Stmt><Id>%s-%s</Id><ElctrncSeqNb>%d</ElctrncSeqNb><CreDtTm>%s</CreDtTm>\n",
               date, day->account->number, now, day->account->number, date, day_of_year(day->date), now);
    buf_printf(out, "<Acct><Id><Othr><Id>%s</Id></Othr></Id><Ccy>VND</Ccy>", day->account->number);
    element(out, "Nm", day->account->name);
    buf_string(out, "</Acct>\n");
    camt_balance(out, "OPBD", day->opening, day->date);
    camt_balance(out, "CLBD", day->closing, day->date);
    for (size_t i = 0; i < day->count; i++)
        camt_entry(out, day->list[i], date);
    buf_string(out, "</Stmt></BkToCstmrStmt></Document>\n");
}

/* CSV --------------------------------------------------------------------------------------------------------------*/

/* 1234567 to "1,234,567", quoted for its commas; nothing for 0 where the column is the other side's. */
static void csv_money(struct buf *out, int64_t amount)
{
    char text[MONEY_TEXT_SIZE];
    money_format(amount, text);
    for (char *c = text; *c; c++)
        if (*c == '.')
            *c = ',';
    buf_printf(out, "\"%s\"", text);
}

static void csv_line(struct buf *out, const struct transfer *transfer, int64_t balance)
{
    struct civil at = civil_of(transfer->booked_at);
    buf_printf(out, "%02d/%02d/%04d,%02d/%02d/%04d %02d:%02d:%02d,%s,", at.day, at.month, at.year, at.day, at.month,
               at.year, at.hour, at.minute, at.second, transfer->reference);
    csv_write(out, text_of(transfer->memo));
    buf_char(out, ',');
    if (transfer->amount < 0)
        csv_money(out, -transfer->amount);
    buf_char(out, ',');
    if (transfer->amount > 0)
        csv_money(out, transfer->amount);
    buf_char(out, ',');
    csv_money(out, balance);
    buf_char(out, ',');
    csv_write(out, text_of(transfer->counterparty_name));
    buf_char(out, ',');
    csv_write(out, text_of(transfer->counterparty_account));
    buf_string(out, "\r\n");
}

static void csv(struct visit *visit, const struct day *day)
{
    struct buf *out = &visit->reply;
    char date[DATE_TEXT_SIZE];
    int64_t in = 0, gone = 0, balance = day->opening;
    date_format_vi(day->date, date);
    for (size_t i = 0; i < day->count; i++)
        *(day->list[i]->amount < 0 ? &gone : &in) += size_of(day->list[i]->amount);
    visit->content_type = "text/csv; charset=utf-8";
    buf_printf(out,
               "\xEF\xBB\xBF"
               "BẢNG SAO KÊ GIAO DỊCH - Số tài khoản (VND): %s\r\nTên tài khoản: ",
               day->account->number);
    csv_write(out, text_of(day->account->name));
    buf_printf(out, "\r\nTừ ngày %s đến ngày %s\r\n\r\n\r\n,,,Số dư đầu,Tổng rút ra,Tổng gửi vào,Số dư cuối\r\n,,,",
               date, date);
    csv_money(out, day->opening);
    buf_char(out, ',');
    csv_money(out, gone);
    buf_char(out, ',');
    csv_money(out, in);
    buf_char(out, ',');
    csv_money(out, day->closing);
    buf_string(out, "\r\nNgày hiệu lực,Ngày giao dịch,Số GD,Nội dung giao dịch,Số tiền rút ra,Số tiền gửi vào,Số dư,"
                    "Tên đối ứng,Tài khoản đối ứng\r\n");
    for (size_t i = 0; i < day->count; i++)
        csv_line(out, day->list[i], balance += day->list[i]->amount);
}

/* GET /bank/statement?account=&date=&format=mt940|camt053|csv */
bool statement_write(struct visit *visit)
{
    struct day day;
    struct text format = visit_query(visit, "format");
    if (!day_read(visit, &day))
        return false;
    if (!format.at || text_is(format, "mt940"))
        mt940(visit, &day);
    else if (text_is(format, "camt053"))
        camt053(visit, &day);
    else if (text_is(format, "csv"))
        csv(visit, &day);
    else
        visit_refuse(visit, 422, "format", "mt940, camt053 hoặc csv");
    return visit->status == 200;
}

static void statement(struct visit *visit)
{
    statement_write(visit);
}

/* GET /bank/transactions?account=&date= */
static void transactions(struct visit *visit)
{
    struct day day;
    if (!day_read(visit, &day))
        return;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "account_number", day.account->number);
    json_put_date(&json, "date", day.date);
    json_put_int(&json, "opening", day.opening);
    json_put_int(&json, "closing", day.closing);
    json_put_array(&json, "items");
    for (size_t i = 0; i < day.count; i++)
        transfer_write(&json, NULL, day.list[i]);
    json_put_end(&json);
    json_put_end(&json);
}

const struct road statement_roads[] = {
    {"GET", "/bank/statement", statement}, {"GET", "/bank/transactions", transactions}, {0}};
