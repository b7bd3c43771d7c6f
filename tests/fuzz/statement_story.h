/* What every reader of bank files must hold for any bytes: statements never overlap, what is told is clean UTF-8, and a
 * statement that is called complete adds up. Gives a digest of the story. */
#ifndef LEPHI_FUZZ_STATEMENT_STORY_H
#define LEPHI_FUZZ_STATEMENT_STORY_H

#include <stdlib.h>
#include "reconciliation/reconciliation.h"

struct story {
    int64_t opened, ended, settlements, settled;
    uint64_t digest;
};

static void story_text(struct story *story, struct text text)
{
    if (!text_is_utf8(text))
        abort();
    for (size_t i = 0; i < text.length; i++)
        story->digest = (story->digest ^ (unsigned char)text.at[i]) * 1099511628211u;
    story->digest = (story->digest ^ 0x1FF) * 1099511628211u;
}

static void story_number(struct story *story, int64_t number)
{
    story->digest = (story->digest ^ (uint64_t)number) * 1099511628211u;
}

static void story_begun(void *with, const struct statement_head *head)
{
    struct story *story = with;
    if (++story->opened != story->ended + 1)
        abort();
    story_text(story, head->account);
}

static void story_line(void *with, const struct statement_line *line)
{
    struct story *story = with;
    if (story->opened != story->ended + 1)
        abort();
    story_number(story, line->amount);
    story_number(story, line->booked_on);
    story_text(story, line->memo);
    story_text(story, line->bank_reference);
    story_text(story, line->customer_reference);
    story_text(story, line->counterparty);
    story_text(story, line->supplementary);
}

static void story_over(void *with, const struct statement_tail *tail)
{
    struct story *story = with;
    story->ended++;
    story_number(story, tail->closing);
    if (tail->complete && tail->opening + tail->sum_in - tail->sum_out != tail->closing)
        abort();
}

static void story_warned(void *with, const struct statement_warning *warning)
{
    if (!text_is_utf8(text_of(warning->detail)))
        abort();
}

static void story_settlement(void *with, const struct settlement_head *head)
{
    struct story *story = with;
    if (++story->settlements != story->settled + 1)
        abort();
    story_text(story, head->number);
}

static void story_settlement_line(void *with, const struct settlement_line *line)
{
    struct story *story = with;
    story_number(story, line->gross);
    story_text(story, line->external_id);
    story_text(story, line->order);
    story_text(story, line->memo);
}

static void story_settlement_over(void *with, const struct settlement_tail *tail)
{
    struct story *story = with;
    story->settled++;
    story_number(story, tail->net);
}

static uint64_t story_of(enum statement_format format, struct text bytes, size_t piece)
{
    struct story story = {.digest = 14695981039346656037u};
    const struct statement_sink sink = {
        &story,           story_begun,           story_line,           story_over, story_warned,
        story_settlement, story_settlement_line, story_settlement_over};
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    for (size_t at = 0; at < bytes.length && !err; at += piece)
        err = statement_reader_feed(reader, text_slice(bytes, at, piece));
    err = statement_reader_end(reader);
    if (story.opened != story.ended || story.settlements != story.settled ||
        (!err && !story.opened && !story.settlements))
        abort();
    statement_reader_free(reader);
    return story.digest;
}

#endif
