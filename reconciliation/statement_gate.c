/* The balance gate: opening + lines = closing, in integers, for every statement of every format. */
#include "reconciliation/statement.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void tell(struct statement_gate *gate, int line, const char *code, const char *format, va_list args)
{
    char detail[400];
    struct buf clean = {0};
    vsnprintf(detail, sizeof detail, format, args);
    text_put_clean(&clean, text_of(detail)); /* it may quote bytes of the file */
    struct statement_warning warning = {.line = line, .code = code, .detail = buf_cstr(&clean)};
    if (gate->sink.warning)
        gate->sink.warning(gate->sink.with, &warning);
    buf_done(&clean);
}

void gate_warn(struct statement_gate *gate, int line, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(gate, line, code, format, args);
    va_end(args);
}

void gate_break(struct statement_gate *gate, int line, const char *code, const char *format, ...)
{
    gate->broken = true;
    va_list args;
    va_start(args, format);
    tell(gate, line, code, format, args);
    va_end(args);
}

void gate_begin(struct statement_gate *gate, const struct statement_head *head)
{
    short_text_set(&gate->account, head->account, STATEMENT_ACCOUNT_MAX);
    short_text_set(&gate->currency, head->currency, STATEMENT_CURRENCY_MAX);
    short_text_set(&gate->number, head->number, STATEMENT_NUMBER_MAX);
    gate->tail =
        (struct statement_tail){.has_opening = head->has_opening, .opening = head->opening, .closing_on = DATE_NONE};
    gate->open = true;
    gate->statements++;
    struct statement_head clean = *head;
    clean.account = short_text_view(&gate->account);
    clean.currency = short_text_view(&gate->currency);
    clean.number = short_text_view(&gate->number);
    if (gate->sink.begin)
        gate->sink.begin(gate->sink.with, &clean);
}

void gate_line(struct statement_gate *gate, const struct statement_line *line)
{
    struct statement_tail *tail = &gate->tail;
    tail->lines++;
    bool out = line->amount < 0;
    int64_t *sum = out ? &tail->sum_out : &tail->sum_in;
    if (__builtin_add_overflow(*sum, out ? -line->amount : line->amount, sum))
        gate_break(gate, line->line, "sum_overflow", "the sum of the lines does not fit");
    if (gate->sink.line)
        gate->sink.line(gate->sink.with, line);
}

void gate_closing(struct statement_gate *gate, int64_t closing, date_days on)
{
    gate->tail.has_closing = true;
    gate->tail.closing = closing;
    gate->tail.closing_on = on;
}

static void weigh(struct statement_gate *gate, int line)
{
    struct statement_tail *tail = &gate->tail;
    if (!tail->has_opening && !gate->interim)
        gate_warn(gate, line, "opening_missing", "the statement has no opening balance, so nothing proves it whole");
    if (!tail->has_closing && !gate->interim)
        gate_warn(gate, line, "closing_missing", "the statement has no closing balance, so nothing proves it whole");
    if (!tail->has_opening || !tail->has_closing)
        return;
    __int128 expected = (__int128)tail->opening + tail->sum_in - tail->sum_out;
    __int128 difference = tail->closing - expected;
    if (difference > INT64_MAX || difference < -INT64_MAX) {
        gate_break(gate, line, "sum_overflow", "the balances do not fit");
        return;
    }
    tail->difference = (int64_t)difference;
    if (difference)
        gate_warn(gate, line, "balance_mismatch",
                  "opening %" PRId64 " + in %" PRId64 " - out %" PRId64 " = %" PRId64 ", but closing is %" PRId64
                  ": difference %" PRId64,
                  tail->opening, tail->sum_in, tail->sum_out, (int64_t)expected, tail->closing, tail->difference);
    tail->complete = !difference && !gate->broken;
}

void gate_end(struct statement_gate *gate, int line)
{
    if (!gate->open)
        return;
    gate->tail.line = line;
    gate->tail.currency = short_text_view(&gate->currency);
    weigh(gate, line);
    gate->open = false;
    gate->broken = false;
    if (gate->sink.end)
        gate->sink.end(gate->sink.with, &gate->tail);
}
