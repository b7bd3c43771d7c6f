/* What a statement reader tells, as text: one event a line, so that a test reads like the file it is about.
 *
 *   begin ACCOUNT CURRENCY NUMBER OPENING
 *   BOOKED VALUE AMOUNT[ R] type|customer|bank|counterparty|its account|memo|supplementary
 *   end CLOSING complete|incomplete DIFFERENCE[ opened OPENING]   (the last when it stood behind the lines)
 *   settle KIND PROFILE ISSUER FROM TO
 *   TABLE STATUS OPERATION PAID_ON@SECOND SETTLED_ON GROSS-DISCOUNT-FEE=NET id|order|terminal|method
 *   settled GROSS DISCOUNT FEE NET CREDIT complete|incomplete
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

static bool told_opening; /* of the statement under way was known when it began */

static void told_begin(void *with, const struct statement_head *head)
{
    told_opening = head->has_opening;
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
    buf_printf(with, " %s %" PRId64, tail->complete ? "complete" : "incomplete", tail->difference);
    if (!told_opening && tail->has_opening)
        buf_printf(with, " opened %" PRId64, tail->opening);
    buf_char(with, '\n');
}

static void told_date(struct buf *out, date_days date)
{
    char text[DATE_TEXT_SIZE] = "-";
    if (date != DATE_NONE)
        date_format(date, text);
    buf_string(out, text);
}

static void told_settlement_begin(void *with, const struct settlement_head *head)
{
    buf_printf(with, "settle %s %.*s %.*s ", settlement_kind_name(head->kind), TEXT_ARGS(head->profile),
               TEXT_ARGS(head->issuer));
    told_date(with, head->from);
    buf_char(with, ' ');
    told_date(with, head->to);
    buf_char(with, '\n');
}

static void told_settlement_line(void *with, const struct settlement_line *line)
{
    static const char *const status[] = {"paid", "failed", "unsaid"}, *const operation[] = {"payment", "void", "other"};
    buf_printf(with, "%d %s %s ", line->table, status[line->status], operation[line->operation]);
    told_date(with, line->paid_on);
    buf_printf(with, "@%d ", line->paid_at_s);
    told_date(with, line->settled_on);
    buf_printf(with, " %" PRId64 "-%" PRId64 "-%" PRId64 "=%" PRId64 " %.*s|%.*s|%.*s|%.*s\n", line->gross,
               line->discount, line->fee, line->net, TEXT_ARGS(line->external_id), TEXT_ARGS(line->order),
               TEXT_ARGS(line->terminal), TEXT_ARGS(line->method));
}

static void told_settlement_end(void *with, const struct settlement_tail *tail)
{
    buf_printf(with, "settled %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " ", tail->gross, tail->discount, tail->fee,
               tail->net);
    told_money(with, tail->has_credit, tail->credit);
    buf_printf(with, " %s\n", tail->complete ? "complete" : "incomplete");
}

static void told_warning(void *with, const struct statement_warning *warning)
{
    buf_printf(with, "warn %d %s\n", warning->line, warning->code);
}

static enum err told(enum statement_format format, struct text bytes, size_t piece, struct buf *out)
{
    const struct statement_sink sink = {out,
                                        told_begin,
                                        told_line,
                                        told_end,
                                        told_warning,
                                        told_settlement_begin,
                                        told_settlement_line,
                                        told_settlement_end};
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    for (size_t at = 0; at < bytes.length && !err; at += piece)
        err = statement_reader_feed(reader, text_slice(bytes, at, piece));
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    return err ? err : ended;
}

/* The file tells exactly this. */
static inline void tells_as(enum statement_format format, struct text file, const char *expected)
{
    struct buf out = {0};
    enum err err = told(format, file, file.length ? file.length : 1, &out);
    assert_string_equal(buf_cstr(&out), expected);
    assert_int_equal(err, OK);
    buf_done(&out);
}

/* … and the same when it arrives in pieces of any size. */
static inline void tells_in_pieces(enum statement_format format, struct text file, const char *expected)
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
