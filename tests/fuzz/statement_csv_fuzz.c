/* CSV exports from anywhere: no crash, no leak, and the same story whether they come whole or in pieces. */
#include "reconciliation/reconciliation.h"

#include <stdlib.h>

static int64_t opened, ended;

static void begun(void *with, const struct statement_head *head)
{
    opened++;
    if (opened != ended + 1)
        abort(); /* statements never overlap */
}

static void told(void *with, const struct statement_line *line)
{
    if (opened != ended + 1 || !text_is_utf8(line->memo) || !text_is_utf8(line->customer_reference))
        abort();
}

static void over(void *with, const struct statement_tail *tail)
{
    ended++;
    if (tail->complete && tail->opening + tail->sum_in - tail->sum_out != tail->closing)
        abort();
}

static void read_in_pieces(enum statement_format format, struct text bytes, size_t piece)
{
    const struct statement_sink sink = {NULL, begun, told, over, NULL};
    opened = ended = 0;
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    for (size_t at = 0; at < bytes.length && !err; at += piece)
        err = statement_reader_feed(reader, text_slice(bytes, at, piece));
    err = statement_reader_end(reader);
    if (opened != ended || (!err && !opened))
        abort();
    statement_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size};
    statement_detect(bytes);
    read_in_pieces(STATEMENT_CSV, bytes, size + 1);
    read_in_pieces(STATEMENT_CSV, bytes, 7);
    return 0;
}
