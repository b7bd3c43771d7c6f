/* CSV exports from anywhere: no crash, no leak, and the same story whether they come whole or in pieces, also in the
 * encodings that spreadsheets write: with a mark of UTF-8, and as UTF-16 either way round. */
#include "tests/fuzz/statement_story.h"

static void same_in_pieces(struct text bytes, size_t piece)
{
    if (story_of(STATEMENT_CSV, bytes, bytes.length + 1) != story_of(STATEMENT_CSV, bytes, piece))
        abort();
}

/* Every byte as a character of two bytes: what an ASCII export looks like as UTF-16. */
static void widen(struct text bytes, size_t low, struct buf *out)
{
    const char marks[2][2] = {{'\xff', '\xfe'}, {'\xfe', '\xff'}};
    buf_put(out, marks[low], 2);
    for (size_t i = 0; i < bytes.length; i++) {
        char pair[2] = {0};
        pair[low] = bytes.at[i];
        buf_put(out, pair, 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { SMALL = 600 }; /* bytes: larger ones are read in one way only, to try more of them */
    struct text bytes = {(const char *)data, size};
    statement_detect(bytes);
    same_in_pieces(bytes, 7);
    if (size < SMALL)
        same_in_pieces(bytes, 1);
    for (size_t low = 0; low < 2 && size < SMALL; low++) {
        struct buf wide = {0};
        widen(bytes, low, &wide);
        same_in_pieces(buf_view(&wide), 3);
        buf_done(&wide);
    }
    return 0;
}
