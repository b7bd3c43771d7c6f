/* MT940 and MT942: messages, the pages and statements they make, and their entries. */
#include "reconciliation/mt940_state.h"

#include <inttypes.h>
#include <string.h>

struct text mt940_currency(const struct mt940 *m)
{
    return short_text_view(&m->currency);
}

/* ---- currency: amounts cannot be scaled without it, and some statements name it only in :62: -------------------- */

static bool look_ahead(struct mt940 *m)
{
    struct text currency;
    if (mt940_currency_ahead(&m->lines, &currency) != MT940_AHEAD_FOUND)
        return false;
    short_text_set(&m->currency, currency, STATEMENT_CURRENCY_MAX);
    return true;
}

bool mt940_line_waits(void *with, struct text line)
{
    struct mt940 *m = with;
    struct text tag, rest, currency;
    if (m->currency_known)
        return false;
    while (line.length && ((unsigned char)line.at[0] <= ' ' || line.at[0] == 0x7F))
        line = text_slice(line, 1, line.length);
    return mt940_tag(line, &tag, &rest) && text_is(tag, "61") &&
           mt940_currency_ahead(&m->lines, &currency) == MT940_AHEAD_WAIT;
}

/* ":25:NL08DEUT0319809633EUR": the account names the currency when nothing else does. */
static bool account_suffix(struct mt940 *m)
{
    struct text account = short_text_view(&m->message.account);
    static const char known[] = "VND EUR USD GBP CHF PLN CZK HUF JPY SEK NOK DKK ";
    if (account.length < 8)
        return false;
    char key[5] = {0};
    memcpy(key, account.at + account.length - 3, 3);
    key[3] = ' ';
    if (!strstr(known, key))
        return false;
    short_text_set(&m->currency, text_slice(account, account.length - 3, 3), STATEMENT_CURRENCY_MAX);
    return true;
}

static void need_currency(struct mt940 *m, int line)
{
    if (m->currency_known)
        return;
    m->currency_known = true;
    if (look_ahead(m) || account_suffix(m))
        return;
    m->currency_guessed = true;
    short_text_set(&m->currency, TEXT_NONE, STATEMENT_CURRENCY_MAX);
    gate_warn(m->gate, line, "currency_missing", "no balance names the currency before the first amount: two decimals");
}

void mt940_currency_says(struct mt940 *m, struct text currency)
{
    struct text known = mt940_currency(m);
    if (!m->currency_known) {
        short_text_set(&m->currency, currency, STATEMENT_CURRENCY_MAX);
        m->currency_known = true;
    } else if (!text_equal(known, currency) && (known.length || currency_decimals(currency) != 2)) {
        gate_break(m->gate, m->line, "currency_mismatch", "currency was '%.*s' and is now '%.*s'", TEXT_ARGS(known),
                   TEXT_ARGS(currency));
    }
}

/* ---- statements ------------------------------------------------------------------------------------------------- */

void mt940_statement_close(struct mt940 *m)
{
    gate_end(m->gate, m->line);
    m->held = false;
    m->page = 0;
}

void mt940_statement_begin(struct mt940 *m, bool has_opening, int64_t opening)
{
    mt940_statement_close(m);
    m->message.begun = true;
    m->page = 1;
    m->ordinal = 0;
    struct statement_head head = {
        .line = m->line,
        .account = short_text_view(m->message.has_account ? &m->message.account : &m->last_account),
        .currency = mt940_currency(m),
        .number = short_text_view(&m->message.number),
        .has_opening = has_opening,
        .opening = opening,
    };
    gate_begin(m->gate, &head);
}

void mt940_statement_need(struct mt940 *m)
{
    if (m->message.begun)
        return;
    need_currency(m, m->line);
    mt940_statement_begin(m, false, 0);
}

bool mt940_continues(const struct mt940 *m)
{
    const struct message *message = &m->message;
    const struct statement_gate *gate = m->gate;
    const struct short_text *account = message->has_account ? &message->account : &m->last_account;
    return m->held && text_equal(short_text_view(account), short_text_view(&gate->account)) &&
           text_equal(mt940_currency(m), short_text_view(&gate->currency)) &&
           (!message->has_number || text_equal(short_text_view(&message->number), short_text_view(&gate->number)));
}

static void totals_check(struct mt940 *m)
{
    if (m->total_in >= 0 && m->total_in != m->message_in)
        gate_break(m->gate, m->line, "total_mismatch", ":90C: says %" PRId64 ", the lines add up to %" PRId64,
                   m->total_in, m->message_in);
    if (m->total_out >= 0 && m->total_out != m->message_out)
        gate_break(m->gate, m->line, "total_mismatch", ":90D: says %" PRId64 ", the lines add up to %" PRId64,
                   m->total_out, m->message_out);
    m->total_in = m->total_out = -1;
    m->message_in = m->message_out = 0;
}

void mt940_message_end(struct mt940 *m)
{
    mt940_entry_flush(m);
    totals_check(m);
    m->lines.ahead = TEXT_NONE; /* what comes is another message's */
    struct message *message = &m->message;
    bool worth_telling = message->there && (message->has_number || message->has_closing) && message->has_account;
    if (worth_telling && !message->begun)
        mt940_statement_need(m); /* a statement without entries or opening is a statement still */
    if (message->begun) {
        if (message->closing_is_page)
            m->held = true;
        else
            mt940_statement_close(m);
    }
    if (message->has_account)
        m->last_account = message->account;
    *message = (struct message){0};
    m->currency_known = m->currency_guessed = false;
    m->currency.length = 0;
    m->context = OUTSIDE;
}

void mt940_message_need(struct mt940 *m)
{
    m->message.there = true;
    m->context = IN_MESSAGE;
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

static void dates_tell(struct mt940 *m, struct statement_line *line)
{
    const struct mt940_entry *entry = &m->entry;
    line->value_on = entry->value_on;
    line->booked_on = entry->entry_on != DATE_NONE ? entry->entry_on : entry->value_on;
    if (entry->value_quality != DATE_GOOD)
        gate_warn(m->gate, m->entry_line, "bad_date", "there is no such value date: %.*s%s", 10, m->entry_text,
                  entry->value_quality == DATE_MOVED ? "; read as the last day of that month" : "");
    if (entry->has_entry_date && entry->entry_quality != DATE_GOOD)
        gate_warn(m->gate, m->entry_line, "bad_date", "there is no such entry date: %.*s", 10, m->entry_text);
}

void mt940_entry_flush(struct mt940 *m)
{
    if (!m->pending)
        return;
    m->pending = false;
    const struct mt940_entry *entry = &m->entry;
    struct statement_line line = {.line = m->entry_line, .page = m->page, .reversal = entry->reversal};
    int64_t amount;
    if (!amount_parse(entry->amount, currency_decimals(mt940_currency(m)), &amount)) {
        gate_break(m->gate, m->entry_line, "bad_amount", "'%.*s' is no amount of currency '%.*s'",
                   TEXT_ARGS(entry->amount), TEXT_ARGS(mt940_currency(m)));
        return;
    }
    dates_tell(m, &line);
    line.amount = entry->money_in ? amount : -amount;
    line.ordinal = ++m->ordinal;
    if (__builtin_add_overflow(entry->money_in ? m->message_in : m->message_out, amount,
                               entry->money_in ? &m->message_in : &m->message_out))
        gate_break(m->gate, m->entry_line, "sum_overflow", "the sum of the lines does not fit");

    struct mt940_memo_parts parts;
    mt940_memo_read(&m->memo, &m->memo_clean, &parts);
    if (m->memo.cut)
        gate_warn(m->gate, m->entry_line, "memo_cut", "the text is longer than %d bytes", STATEMENT_MEMO_MAX);
    buf_clear(&m->clean);
    buf_room(&m->clean, 4 * (sizeof m->entry_text + m->extra.length)); /* so that the slices below stay put */
    struct text *fields[] = {&line.type, &line.customer_reference, &line.bank_reference, &line.supplementary};
    const struct text raw[] = {entry->type, entry->customer_reference, entry->bank_reference, buf_view(&m->extra)};
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
        size_t from = m->clean.length;
        text_put_clean(&m->clean, raw[i]);
        *fields[i] = text_trim((struct text){m->clean.at + from, m->clean.length - from});
    }
    line.memo = parts.memo.length ? parts.memo : line.supplementary;
    line.counterparty = parts.counterparty;
    line.counterparty_account = parts.counterparty_account;
    gate_line(m->gate, &line);
}

void mt940_entry_begin(struct mt940 *m, struct text rest)
{
    mt940_statement_need(m);
    m->context = IN_ENTRY;
    mt940_memo_clear(&m->memo);
    buf_clear(&m->extra);
    size_t length = rest.length < sizeof m->entry_text ? rest.length : sizeof m->entry_text;
    memcpy(m->entry_text, rest.at, length);
    m->entry_line = m->line;
    m->pending = mt940_entry_parse((struct text){m->entry_text, length}, &m->entry);
    if (!m->pending)
        gate_break(m->gate, m->line, "bad_line", ":61: without a date, mark and amount where they belong: %.*s",
                   (int)(length < 80 ? length : 80), m->entry_text);
}
