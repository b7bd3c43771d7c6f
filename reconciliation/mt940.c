/* MT940 and MT942 in a stream: bytes → lines → fields → events. Every buffer is bounded and used again. */
#include "reconciliation/mt940.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 4096,   /* a line that is longer is cut: SWIFT allows 65 characters, exports a few hundred */
    LOOK_AHEAD = 256 * 1024, /* how far a missing currency is looked for in the bytes at hand */
    EXTRA_MAX = 1024,        /* supplementary details of one entry */
};

enum context { OUTSIDE, IN_MESSAGE, IN_ENTRY, IN_MEMO, IN_STATEMENT_MEMO };

/* One message, ":20:" to "-": a whole statement, or one page of it. */
struct message {
    struct short_text account, number;
    bool there, has_account, has_number, has_opening, begun, has_closing, closing_is_page;
};

struct mt940 {
    struct statement_gate *gate;
    /* lines */
    struct buf carry; /* the beginning of a line whose end has not come */
    bool carry_cut, skip_newline;
    int line;
    struct text ahead; /* of the chunk, behind the current line */
    /* messages */
    enum context context;
    struct message message;
    struct short_text last_account, currency;
    bool currency_known, currency_guessed;
    bool held; /* a page ended with :62M:; the statement waits for the next one */
    int page;
    int64_t ordinal;
    int64_t total_in, total_out; /* :90C: and :90D: of this message, -1 unknown */
    int64_t message_in, message_out;
    /* the entry that waits for its :86: */
    bool pending;
    int entry_line;
    char entry_text[LINE_MAX_BYTES];
    struct mt940_entry entry;
    struct buf extra, clean, memo_clean;
    struct mt940_memo memo;
};

static struct text currency_of(const struct mt940 *m)
{
    return short_text_view(&m->currency);
}

/* ---- currency: amounts cannot be scaled without it, and some statements name it only in :62: -------------------- */

static bool look_ahead(struct mt940 *m)
{
    struct text rest = text_slice(m->ahead, 0, LOOK_AHEAD);
    while (rest.length) {
        struct text line = text_until(rest, '\n', &rest);
        struct mt940_balance balance;
        struct text tag, value;
        if (!mt940_tag(line, &tag, &value))
            continue;
        if (text_is(tag, "20"))
            return false;
        if ((text_starts(tag, "62") || text_starts(tag, "64")) && mt940_balance_parse(value, &balance)) {
            short_text_set(&m->currency, balance.currency, STATEMENT_CURRENCY_MAX);
            return true;
        }
    }
    return false;
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

static void currency_says(struct mt940 *m, struct text currency)
{
    struct text known = currency_of(m);
    if (!m->currency_known) {
        short_text_set(&m->currency, currency, STATEMENT_CURRENCY_MAX);
        m->currency_known = true;
    } else if (!text_equal(known, currency) && (known.length || currency_decimals(currency) != 2)) {
        gate_break(m->gate, m->line, "currency_mismatch", "currency was '%.*s' and is now '%.*s'", TEXT_ARGS(known),
                   TEXT_ARGS(currency));
    }
}

/* ---- statements ------------------------------------------------------------------------------------------------- */

static void statement_close(struct mt940 *m)
{
    gate_end(m->gate, m->line);
    m->held = false;
    m->page = 0;
}

static void statement_begin(struct mt940 *m, bool has_opening, int64_t opening)
{
    statement_close(m);
    m->message.begun = true;
    m->page = 1;
    m->ordinal = 0;
    struct statement_head head = {
        .line = m->line,
        .account = short_text_view(m->message.has_account ? &m->message.account : &m->last_account),
        .currency = currency_of(m),
        .number = short_text_view(&m->message.number),
        .has_opening = has_opening,
        .opening = opening,
    };
    gate_begin(m->gate, &head);
}

static void need_statement(struct mt940 *m)
{
    if (m->message.begun)
        return;
    need_currency(m, m->line);
    statement_begin(m, false, 0);
}

/* The same statement cut into pages: same account, same number, same currency, opening marked intermediate. */
static bool continues(const struct mt940 *m)
{
    const struct message *message = &m->message;
    const struct statement_gate *gate = m->gate;
    const struct short_text *account = message->has_account ? &message->account : &m->last_account;
    return m->held && text_equal(short_text_view(account), short_text_view(&gate->account)) &&
           text_equal(currency_of(m), short_text_view(&gate->currency)) &&
           (!message->has_number || text_equal(short_text_view(&message->number), short_text_view(&gate->number)));
}

static void entry_flush(struct mt940 *m);

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

static void message_end(struct mt940 *m)
{
    entry_flush(m);
    totals_check(m);
    struct message *message = &m->message;
    bool worth_telling = message->there && (message->has_number || message->has_closing) && message->has_account;
    if (worth_telling && !message->begun)
        need_statement(m); /* a statement without entries or opening is a statement still */
    if (message->begun) {
        if (message->closing_is_page)
            m->held = true;
        else
            statement_close(m);
    }
    if (message->has_account)
        m->last_account = message->account;
    *message = (struct message){0};
    m->currency_known = m->currency_guessed = false;
    m->currency.length = 0;
    m->context = OUTSIDE;
}

static void message_need(struct mt940 *m)
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

static void entry_flush(struct mt940 *m)
{
    if (!m->pending)
        return;
    m->pending = false;
    const struct mt940_entry *entry = &m->entry;
    struct statement_line line = {.line = m->entry_line, .page = m->page, .reversal = entry->reversal};
    int64_t amount;
    if (!amount_parse(entry->amount, currency_decimals(currency_of(m)), &amount)) {
        gate_break(m->gate, m->entry_line, "bad_amount", "'%.*s' is no amount of currency '%.*s'",
                   TEXT_ARGS(entry->amount), TEXT_ARGS(currency_of(m)));
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

static void entry_begin(struct mt940 *m, struct text rest)
{
    need_statement(m);
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

/* ---- fields ----------------------------------------------------------------------------------------------------- */

static void account_field(struct mt940 *m, struct text rest)
{
    struct message *message = &m->message;
    if (message->begun || message->has_closing)
        message_end(m); /* another account without a new :20: */
    message_need(m);
    message->has_account = true;
    short_text_set(&message->account, rest, STATEMENT_ACCOUNT_MAX);
}

static void number_field(struct mt940 *m, struct text rest)
{
    struct message *message = &m->message;
    if (message->has_closing) {
        struct short_text account = message->account;
        message_end(m);
        m->message.account = account;
        m->message.has_account = true;
    }
    message_need(m);
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
    currency_says(m, balance.currency);
    int64_t amount;
    if (!amount_parse(balance.amount, currency_decimals(currency_of(m)), &amount)) {
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
        message_end(m);
        m->message.account = account;
        m->message.has_account = account.length > 0;
    }
    message_need(m);
    if (message->begun) {
        gate_break(m->gate, m->line, "bad_balance", ":60: stands behind the entries");
        return;
    }
    int64_t opening;
    date_days on;
    if (!balance_read(m, rest, intermediate ? "60M" : "60F", &opening, &on))
        return;
    message->has_opening = true;
    if (intermediate && continues(m)) {
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
    statement_begin(m, true, opening);
}

static void closing_field(struct mt940 *m, struct text rest, bool intermediate)
{
    struct message *message = &m->message;
    message_need(m);
    int64_t closing;
    date_days on;
    bool known = balance_read(m, rest, intermediate ? "62M" : "62F", &closing, &on);
    need_statement(m);
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
    entry_flush(m);
    message_need(m);
    if (text_is(tag, "61")) {
        entry_begin(m, rest);
    } else if (text_is(tag, "20")) {
        message_end(m);
        message_need(m);
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

static bool is_known_tag(struct text tag)
{
    static const char *const known[] = {"20",  "21",  "25", "25P", "28", "28C", "60",  "60F", "60M", "61",  "62",
                                        "62F", "62M", "64", "65",  "86", "13",  "13D", "34F", "90C", "90D", "NS"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(tag, known[i]))
            return true;
    return false;
}

/* SWIFT envelope "{1:…}{2:…}{4:" and its end "-}{5:…}"; returns what is left of the line to read. */
static struct text without_envelope(struct mt940 *m, struct text line)
{
    if (text_starts(line, "-}")) {
        message_end(m);
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
    } else if (m->context == IN_ENTRY && m->pending && m->extra.length + line.length < EXTRA_MAX) {
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
        message_end(m);
        return;
    }
    entry_flush(m);
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
    } else if (is_known_tag(tag)) {
        field(m, tag, rest);
    } else {
        gate_warn(m->gate, m->line, "unknown_tag", ":%.*s: is no field of MT940 or MT942", TEXT_ARGS(tag));
        continuation(m, bare); /* its text is kept where it stands */
    }
}

static void line_arrived(struct mt940 *m, struct text line)
{
    m->line++;
    if (line.length > LINE_MAX_BYTES) {
        gate_warn(m->gate, m->line, "line_cut", "the line is longer than %d bytes", LINE_MAX_BYTES);
        line = text_slice(line, 0, LINE_MAX_BYTES);
    }
    line_read(m, line);
}

static void carry_put(struct mt940 *m, struct text part)
{
    size_t room = LINE_MAX_BYTES + 1 - m->carry.length; /* one more, so that a cut is noticed */
    buf_text(&m->carry, text_slice(part, 0, part.length < room ? part.length : room));
}

static enum err mt940_feed(void *reader, struct text bytes)
{
    struct mt940 *m = reader;
    const char *at = bytes.at, *end = bytes.at + bytes.length, *newline = NULL;
    bool newlines_left = true; /* searched once per newline, so that a file of bare CR stays linear */
    if (at < end && m->skip_newline && *at == '\n')
        at++;
    if (bytes.length)
        m->skip_newline = false;
    while (at < end) {
        if (newlines_left && (!newline || newline < at)) {
            newline = memchr(at, '\n', (size_t)(end - at));
            newlines_left = newline != NULL;
        }
        const char *limit = newline ? newline : end;
        const char *stop = memchr(at, '\r', (size_t)(limit - at));
        if (!stop)
            stop = limit;
        struct text line = {at, (size_t)(stop - at)};
        if (stop == end) {
            carry_put(m, line);
            break;
        }
        at = stop + 1;
        if (*stop == '\r') {
            if (at < end && *at == '\n')
                at++;
            else if (at == end)
                m->skip_newline = true;
        }
        m->ahead = (struct text){at, (size_t)(end - at)};
        if (m->carry.length) {
            carry_put(m, line);
            line_arrived(m, buf_view(&m->carry));
            buf_clear(&m->carry);
        } else {
            line_arrived(m, line);
        }
    }
    return OK;
}

static enum err mt940_end(void *reader)
{
    struct mt940 *m = reader;
    m->ahead = TEXT_NONE;
    if (m->carry.length)
        line_arrived(m, buf_view(&m->carry));
    buf_clear(&m->carry);
    message_end(m);
    statement_close(m);
    return OK;
}

static void *mt940_make(struct statement_gate *gate)
{
    struct mt940 *m = memory_new(sizeof *m);
    m->gate = gate;
    m->total_in = m->total_out = -1;
    return m;
}

static void mt940_free(void *reader)
{
    struct mt940 *m = reader;
    buf_done(&m->carry);
    buf_done(&m->extra);
    buf_done(&m->clean);
    buf_done(&m->memo_clean);
    buf_done(&m->memo.text);
    free(m);
}

const struct statement_reader_vtable mt940_reader = {mt940_make, mt940_feed, mt940_end, mt940_free, NULL};
