/* What a statement reader tells, as text: one event a line, so that a test reads like the file it is about.
 *
 *   begin ACCOUNT CURRENCY NUMBER OPENING
 *   BOOKED VALUE AMOUNT[ R] type|customer|bank|counterparty|its account|memo|supplementary
 *   end CLOSING complete|incomplete DIFFERENCE
 *   warn LINE CODE */
#ifndef LEPHI_TEST_TOLD_H
#define LEPHI_TEST_TOLD_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/reconciliation.h"

static void told_money(struct buf *out, bool known, int64_t amount)
{
    if (known)
        buf_printf(out, "%" PRId64, amount);
    else
        buf_string(out, "?");
}

static void told_begin(void *with, const struct statement_head *head)
{
    buf_printf(with, "begin %.*s %.*s %.*s ", TEXT_ARGS(head->account), TEXT_ARGS(head->currency),
               TEXT_ARGS(head->number));
    told_money(with, head->has_opening, head->opening);
    buf_char(with, '\n');
}

static void told_line(void *with, const struct statement_line *line)
{
    char booked[DATE_TEXT_SIZE] = "-", value[DATE_TEXT_SIZE] = "-";
    if (line->booked_on != DATE_NONE)
        date_format(line->booked_on, booked);
    if (line->value_on != DATE_NONE)
        date_format(line->value_on, value);
    buf_printf(with, "%s %s %" PRId64 "%s ", booked, value, line->amount, line->reversal ? " R" : "");
    buf_printf(with, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s\n", TEXT_ARGS(line->type), TEXT_ARGS(line->customer_reference),
               TEXT_ARGS(line->bank_reference), TEXT_ARGS(line->counterparty), TEXT_ARGS(line->counterparty_account),
               TEXT_ARGS(line->memo), TEXT_ARGS(line->supplementary));
}

static void told_end(void *with, const struct statement_tail *tail)
{
    buf_string(with, "end ");
    told_money(with, tail->has_closing, tail->closing);
    buf_printf(with, " %s %" PRId64 "\n", tail->complete ? "complete" : "incomplete", tail->difference);
}

static void told_warning(void *with, const struct statement_warning *warning)
{
    buf_printf(with, "warn %d %s\n", warning->line, warning->code);
}

static enum err told(enum statement_format format, struct text bytes, size_t piece, struct buf *out)
{
    const struct statement_sink sink = {out, told_begin, told_line, told_end, told_warning};
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    for (size_t at = 0; at < bytes.length && !err; at += piece)
        err = statement_reader_feed(reader, text_slice(bytes, at, piece));
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    return err ? err : ended;
}

/* The file tells exactly this. */
static void tells_as(enum statement_format format, struct text file, const char *expected)
{
    struct buf out = {0};
    enum err err = told(format, file, file.length ? file.length : 1, &out);
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(err, OK);
    buf_done(&out);
}

/* … and the same when it arrives in pieces of any size. */
static void tells_in_pieces(enum statement_format format, struct text file, const char *expected)
{
    tells_as(format, file, expected);
    for (size_t piece = 1; piece < 12; piece += 2) {
        struct buf out = {0};
        assert_int_equal(told(format, file, piece, &out), OK);
        assert_string_equal(buf_cstr(&out), expected);
        buf_done(&out);
    }
}

#endif
