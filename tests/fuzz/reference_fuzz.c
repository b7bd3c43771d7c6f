/* Memos from anywhere: no crash; what is found is valid, in order, without repeats; and a reference put behind the memo
 * is found whatever stands before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/buf.h"
#include "payments/requests/reference.h"

#define KNOWN "QN8XPDSV5H4CQJ"

static size_t checked(struct text memo, struct reference_candidate *found)
{
    size_t count = reference_candidates(memo, found);
    if (count > REFERENCE_CANDIDATES_MAX)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (!reference_valid(text_of(found[i].reference.text)) || found[i].edits < 0 || found[i].edits > 3 ||
            (found[i].state == REFERENCE_INTACT) != (found[i].edits == 0) || (i && found[i].state < found[i - 1].state))
            abort();
        for (size_t k = 0; k < i; k++)
            if (!strcmp(found[i].reference.text, found[k].reference.text))
                abort();
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reference_candidate found[REFERENCE_CANDIDATES_MAX];
    struct text memo = {(const char *)data, size};
    size_t intact = 0, count = checked(memo, found);
    for (size_t i = 0; i < count; i++)
        intact += found[i].state == REFERENCE_INTACT;
    if (size > 900 || intact >= REFERENCE_CANDIDATES_MAX - 1)
        return 0; /* beyond the bounds there is no promise */
    struct buf longer = {0};
    buf_text(&longer, memo);
    buf_string(&longer, " " KNOWN);
    bool there = false;
    count = checked(buf_view(&longer), found);
    for (size_t i = 0; i < count; i++)
        there = there || !strcmp(found[i].reference.text, KNOWN);
    if (!there)
        abort();
    buf_done(&longer);
    return 0;
}
