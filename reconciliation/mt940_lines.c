/* MT940 in a stream: bytes of any cut → lines, and what lies ahead of them. Bounded: one line, and at most AHEAD_MAX
 * bytes behind a line that has to wait for what comes after it. */
#include "reconciliation/mt940.h"

#include <string.h>

enum {
    AHEAD_MAX = 256 * 1024, /* how far a missing currency is looked for */
    AHEAD_FIRST = 4096,     /* bytes behind a waiting line before it is tried for the first time */
};

static bool enough_ahead(const struct mt940_lines *lines)
{
    return lines->over || lines->ahead.length >= AHEAD_MAX;
}

enum mt940_ahead mt940_currency_ahead(const struct mt940_lines *lines, struct text *ret_currency)
{
    struct text rest = text_slice(lines->ahead, 0, AHEAD_MAX);
    bool final = enough_ahead(lines);
    while (rest.length) {
        size_t stop = 0;
        while (stop < rest.length && rest.at[stop] != '\n' && rest.at[stop] != '\r')
            stop++;
        if (stop == rest.length && !final)
            break; /* the line is not whole yet */
        struct text tag, value;
        struct mt940_balance balance;
        bool is_field = mt940_tag(text_slice(rest, 0, stop), &tag, &value);
        rest = text_slice(rest, stop + 1, rest.length);
        if (!is_field)
            continue;
        if (text_is(tag, "20"))
            return MT940_AHEAD_NONE;
        if ((text_starts(tag, "62") || text_starts(tag, "64")) && mt940_balance_parse(value, &balance)) {
            *ret_currency = balance.currency;
            return MT940_AHEAD_FOUND;
        }
    }
    return final ? MT940_AHEAD_NONE : MT940_AHEAD_WAIT;
}

static void carry_put(struct mt940_lines *lines, struct text part)
{
    size_t room = MT940_LINE_MAX + 1 - lines->carry.length; /* one more, so that a cut is noticed */
    buf_text(&lines->carry, text_slice(part, 0, part.length < room ? part.length : room));
}

/* The line, whole, and everything behind it wait for more bytes. */
static void hold(struct mt940_lines *lines, struct text line)
{
    struct buf held = {0};
    buf_text(&held, line);
    buf_char(&held, '\n');
    buf_text(&held, lines->ahead);
    lines->wait_until = 2 * held.length > AHEAD_FIRST ? 2 * held.length : AHEAD_FIRST;
    buf_done(&lines->waiting);
    lines->waiting = held;
    buf_clear(&lines->carry);
}

/* False: the line and what is behind it are held. */
static bool whole_line(struct mt940_lines *lines, struct text line)
{
    if (lines->carry.length) {
        carry_put(lines, line);
        line = buf_view(&lines->carry);
    }
    if (lines->waits(lines->with, line)) {
        hold(lines, line);
        return false;
    }
    lines->arrived(lines->with, line);
    buf_clear(&lines->carry);
    return true;
}

static void lines_read(struct mt940_lines *lines, struct text bytes)
{
    const char *at = bytes.at, *end = bytes.at + bytes.length, *newline = NULL;
    bool newlines_left = true; /* searched once per newline, so that a file of bare CR stays linear */
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
            carry_put(lines, line);
            return;
        }
        at = stop + 1;
        if (*stop == '\r') {
            if (at < end && *at == '\n')
                at++;
            else if (at == end)
                lines->skip_newline = true;
        }
        lines->ahead = (struct text){at, (size_t)(end - at)};
        if (!whole_line(lines, line))
            return;
    }
}

static void waiting_read(struct mt940_lines *lines)
{
    struct buf held = lines->waiting;
    lines->waiting = (struct buf){0};
    lines_read(lines, buf_view(&held));
    buf_done(&held);
}

void mt940_lines_feed(struct mt940_lines *lines, struct text bytes)
{
    if (!bytes.length)
        return;
    if (lines->skip_newline && bytes.at[0] == '\n')
        bytes = text_slice(bytes, 1, bytes.length);
    lines->skip_newline = false;
    if (!lines->waiting.length) {
        lines_read(lines, bytes);
        return;
    }
    buf_text(&lines->waiting, bytes);
    if (lines->waiting.length >= lines->wait_until)
        waiting_read(lines);
}

void mt940_lines_end(struct mt940_lines *lines)
{
    lines->over = true;
    if (lines->waiting.length)
        waiting_read(lines);
    lines->ahead = TEXT_NONE;
    if (lines->carry.length)
        lines->arrived(lines->with, buf_view(&lines->carry));
    buf_clear(&lines->carry);
}

void mt940_lines_done(struct mt940_lines *lines)
{
    buf_done(&lines->carry);
    buf_done(&lines->waiting);
}
