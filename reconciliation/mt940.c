/* MT940 and MT942 in a stream: lines → fields; mt940_message.c makes events of them. Every buffer is bounded and used
 * again. */
#include "reconciliation/mt940_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields ----------------------------------------------------------------------------------------------------- */

static void account_field(struct mt940 *m, struct text rest)
{
    struct message *message = &m->message;
    if (message->begun || message->has_closing)
        mt940_message_end(m); /* another account without a new :20: */
    mt940_message_need(m);
    message->has_account = true;
    short_text_set(&message->account, rest, STATEMENT_ACCOUNT_MAX);
}

static void number_field(struct mt940 *m, struct text rest)
{
    struct message *message = &m->message;
    if (message->has_closing) {
        struct short_text account = message->account;
        mt940_message_end(m);
        m->message.account = account;
        m->message.has_account = true;
    }
    mt940_message_need(m);
    message->has_number = true;
    struct text page;
    short_text_set(&message->number, text_until(rest, '/', &page), STATEMENT_NUMBER_MAX);
}

static bool balance_read(struct mt940 *m, struct text rest, const char *name, int64_t *ret_amount, date_days *ret_on)
{
    struct mt940_balance balance;
    if (!mt940_balance_parse(rest, &balance)) {
        gate_break(m->gate, m->line, "bad_balance", ":%s: is no balance: %.*s", name,
                   (int)(rest.length < 80 ? rest.length : 80), rest.at);
        return false;
    }
    mt940_currency_says(m, balance.currency);
    int64_t amount;
    if (!amount_parse(balance.amount, currency_decimals(mt940_currency(m)), &amount)) {
        gate_break(m->gate, m->line, "bad_balance", ":%s: '%.*s' is no amount of currency '%.*s'", name,
                   TEXT_ARGS(balance.amount), TEXT_ARGS(balance.currency));
        return false;
    }
    *ret_amount = balance.debit ? -amount : amount;
    *ret_on = balance.on;
    return true;
}

static void opening_field(struct mt940 *m, struct text rest, bool intermediate)
{
    struct message *message = &m->message;
    if (message->has_closing || message->has_opening) {
        struct short_text account = message->account; /* the next statement of the same account, without :20: */
        mt940_message_end(m);
        m->message.account = account;
        m->message.has_account = account.length > 0;
    }
    mt940_message_need(m);
    if (message->begun) {
        gate_break(m->gate, m->line, "bad_balance", ":60: stands behind the entries");
        return;
    }
    int64_t opening;
    date_days on;
    if (!balance_read(m, rest, intermediate ? "60M" : "60F", &opening, &on))
        return;
    message->has_opening = true;
    if (intermediate && mt940_continues(m)) {
        if (opening != m->gate->tail.closing)
            gate_break(m->gate, m->line, "page_mismatch",
                       "page %d ended at %" PRId64 ", the next one begins at %" PRId64, m->page, m->gate->tail.closing,
                       opening);
        m->held = false;
        message->begun = true;
        m->page++;
        m->ordinal = 0;
        return;
    }
    mt940_statement_begin(m, true, opening);
}

static void closing_field(struct mt940 *m, struct text rest, bool intermediate)
{
    struct message *message = &m->message;
    mt940_message_need(m);
    int64_t closing;
    date_days on;
    bool known = balance_read(m, rest, intermediate ? "62M" : "62F", &closing, &on);
    mt940_statement_need(m);
    message->has_closing = true;
    message->closing_is_page = intermediate;
    if (known)
        gate_closing(m->gate, closing, on);
}

/* :90C:16VND42200, — number and sum of the entries of an interim report. */
static void total_field(struct mt940 *m, struct text rest, bool in)
{
    size_t at = 0;
    while (at < rest.length && rest.at[at] >= '0' && rest.at[at] <= '9')
        at++;
    int64_t total;
    struct text currency = text_slice(rest, at, 3), amount = text_trim(text_slice(rest, at + 3, rest.length));
    if (currency.length != 3 || !amount_parse(amount, currency_decimals(currency), &total)) {
        gate_warn(m->gate, m->line, "bad_total", "no control total: %.*s", (int)(rest.length < 80 ? rest.length : 80),
                  rest.at);
        return;
    }
    *(in ? &m->total_in : &m->total_out) = total;
}

static void memo_field(struct mt940 *m, struct text rest)
{
    if ((m->context == IN_ENTRY || m->context == IN_MEMO) && m->pending) {
        m->context = IN_MEMO;
        mt940_memo_field(&m->memo, rest);
    } else {
        m->context = m->message.there ? IN_STATEMENT_MEMO : OUTSIDE; /* speaks of the statement as a whole */
    }
}

/* :34F: floor limit of an interim report: the only place that names its currency. */
static void floor_field(struct mt940 *m, struct text rest)
{
    if (rest.length >= 3 && !m->currency_known && !m->message.begun) {
        short_text_set(&m->currency, text_slice(rest, 0, 3), STATEMENT_CURRENCY_MAX);
        m->currency_known = true;
    }
}

/* Fields without a branch (:13:, :21:, :64:, :65:) carry nothing that is read here. */
static void field(struct mt940 *m, struct text tag, struct text rest)
{
    if (text_is(tag, "86")) {
        memo_field(m, rest);
        return;
    }
    if (text_is(tag, "NS")) { /* non-SWIFT details belong to what they follow */
        if (m->pending)
            mt940_memo_more(&m->memo, rest);
        return;
    }
    mt940_entry_flush(m);
    mt940_message_need(m);
    if (text_is(tag, "61")) {
        mt940_entry_begin(m, rest);
    } else if (text_is(tag, "20")) {
        mt940_message_end(m);
        mt940_message_need(m);
    } else if (text_is(tag, "25") || text_is(tag, "25P")) {
        account_field(m, rest);
    } else if (text_is(tag, "28") || text_is(tag, "28C")) {
        number_field(m, rest);
    } else if (text_is(tag, "60F") || text_is(tag, "60M") || text_is(tag, "60")) {
        opening_field(m, rest, text_is(tag, "60M"));
    } else if (text_is(tag, "62F") || text_is(tag, "62M") || text_is(tag, "62")) {
        closing_field(m, rest, text_is(tag, "62M"));
    } else if (text_is(tag, "90C") || text_is(tag, "90D")) {
        total_field(m, rest, text_is(tag, "90C"));
    } else if (text_is(tag, "34F")) {
        floor_field(m, rest);
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* SWIFT envelope "{1:…}{2:…}{4:" and its end "-}{5:…}"; returns what is left of the line to read. */
static struct text without_envelope(struct mt940 *m, struct text line)
{
    if (text_starts(line, "-}")) {
        mt940_message_end(m);
        line = text_slice(line, 2, line.length);
    }
    if (!text_starts(line, "{"))
        return line;
    size_t block = text_find(line, TEXT("{4:"));
    return block < line.length ? text_trim(text_slice(line, block + 3, line.length)) : TEXT_NONE;
}

static void continuation(struct mt940 *m, struct text line)
{
    if (m->context == IN_MEMO && m->pending) {
        mt940_memo_more(&m->memo, line);
    } else if (m->context == IN_ENTRY && m->pending && m->extra.length + line.length < MT940_EXTRA_MAX) {
        if (m->extra.length)
            buf_char(&m->extra, ' ');
        buf_text(&m->extra, line);
    }
    /* Elsewhere: preamble of a bank's own header, further lines of :25P:, statement-level text. */
}

/* "-" ends a message. Without a closing balance before it, it may as well be a line of somebody's text: the entry ends,
 * the statement goes on until the next one begins. */
static void terminator(struct mt940 *m)
{
    if (m->message.has_closing || !m->message.begun) {
        mt940_message_end(m);
        return;
    }
    mt940_entry_flush(m);
    m->context = IN_MESSAGE;
}

static void line_read(struct mt940 *m, struct text line)
{
    /* Control bytes around messages (SOH, ETX), blanks before a tag, a byte order mark. */
    struct text bare = line;
    while (bare.length && ((unsigned char)bare.at[0] <= ' ' || bare.at[0] == 0x7F))
        bare = text_slice(bare, 1, bare.length);
    if (text_starts(bare, "\xEF\xBB\xBF"))
        bare = text_slice(bare, 3, bare.length);
    if (!bare.length)
        return;
    if (bare.at[0] == '{' || text_starts(bare, "-}")) {
        bool envelope = text_starts(bare, "-}") || text_starts(bare, "{1:") || text_starts(bare, "{2:") ||
                        text_starts(bare, "{3:") || text_starts(bare, "{4:") || text_starts(bare, "{5:");
        if (envelope) {
            bare = without_envelope(m, bare);
            if (!bare.length)
                return;
        }
    }
    struct text tag, rest;
    if (text_is(text_trim(bare), "-")) {
        terminator(m);
    } else if (!mt940_tag(bare, &tag, &rest)) {
        continuation(m, line.at[0] == ' ' ? line : bare);
    } else if (mt940_tag_known(tag)) {
        field(m, tag, rest);
    } else {
        gate_warn(m->gate, m->line, "unknown_tag", ":%.*s: is no field of MT940 or MT942", TEXT_ARGS(tag));
        continuation(m, bare); /* its text is kept where it stands */
    }
}

static void line_arrived(void *with, struct text line)
{
    struct mt940 *m = with;
    m->line++;
    if (line.length > MT940_LINE_MAX) {
        gate_warn(m->gate, m->line, "line_cut", "the line is longer than %d bytes", MT940_LINE_MAX);
        line = text_slice(line, 0, MT940_LINE_MAX);
    }
    line_read(m, line);
}

static enum err mt940_feed(void *reader, struct text bytes)
{
    struct mt940 *m = reader;
    mt940_lines_feed(&m->lines, bytes);
    return OK;
}

static enum err mt940_end(void *reader)
{
    struct mt940 *m = reader;
    mt940_lines_end(&m->lines);
    mt940_message_end(m);
    mt940_statement_close(m);
    return OK;
}

static void *mt940_make(struct statement_gate *gate)
{
    struct mt940 *m = memory_new(sizeof *m);
    m->gate = gate;
    m->lines = (struct mt940_lines){.with = m, .waits = mt940_line_waits, .arrived = line_arrived};
    m->total_in = m->total_out = -1;
    return m;
}

static void mt940_free(void *reader)
{
    struct mt940 *m = reader;
    mt940_lines_done(&m->lines);
    buf_done(&m->extra);
    buf_done(&m->clean);
    buf_done(&m->memo_clean);
    buf_done(&m->memo.text);
    free(m);
}

const struct statement_reader_vtable mt940_reader = {mt940_make, mt940_feed, mt940_end, mt940_free, NULL};
