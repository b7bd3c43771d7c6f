/* The payment references the words of a line may hold, as the database keeps them. */
#include "reconciliation/statement_import.h"

#include "payments/requests/requests.h"

void statement_references(const struct statement_line *line, struct buf *out)
{
    struct buf words = {0};
    const struct text fields[] = {line->memo, line->supplementary, line->customer_reference};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buf_text(&words, fields[i]);
        buf_char(&words, '\n');
    }
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    size_t count = reference_candidates(buf_view(&words), found);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s%s", i ? " " : "", found[i].reference.text);
        if (found[i].edits)
            buf_printf(out, "+%d", (int)found[i].edits);
    }
    buf_done(&words);
}
