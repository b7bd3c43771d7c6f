/* Listings of a bank's drop from anywhere: whatever stands in them, only plain names come out. */
#include <stdlib.h>
#include "reconciliation/drop/drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text bytes = {(const char *)data, size}, rest;
    struct arena arena;
    arena_init(&arena);
    struct drop_listing listing = {.arena = &arena};
    for (int way = 0; way < 2; way++) {
        struct text names = text_until(bytes, '\f', &rest);
        if (way)
            drop_listing_read_html(bytes, "*.sta *", &listing);
        else
            drop_listing_read_lines(names, rest, "*", &listing);
        if (listing.count > DROP_FILES_MAX)
            abort();
        for (size_t i = 0; i < listing.count; i++)
            if (drop_name_fault(listing.names[i]) || (i && text_compare(listing.names[i - 1], listing.names[i]) >= 0))
                abort();
    }
    arena_done(&arena);
    return 0;
}
