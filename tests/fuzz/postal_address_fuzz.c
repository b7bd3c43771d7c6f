/* Any bytes as an address. */
#include <stdlib.h>
#include "postal/postal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    static const struct postal_book *book;
    struct postal_matches matches;
    if (!book) {
        struct faults faults;
        struct text tariff, zones, communes, origins;
        const struct postal_tariff *read;
        arena_init(&arena);
        faults_init(&faults, &arena);
        if (file_read("postal/tariff.csv", 1 << 20, &arena, &tariff) ||
            file_read("postal/zones.csv", 1 << 20, &arena, &zones) ||
            file_read("core/province/communes.csv", 1 << 20, &arena, &communes) ||
            file_read("core/province/commune_origins.csv", 1 << 20, &arena, &origins) ||
            postal_tariff_read(tariff, zones, communes, "22", &arena, &faults, &read) ||
            postal_book_read(read, origins, &arena, &faults, &book))
            abort();
    }
    const struct text query = {(const char *)data, size};
    enum postal_choice choice = postal_address_find(book, query, &matches);
    if ((choice == POSTAL_CHOICE_NONE) != (matches.count == 0) || matches.count > POSTAL_MATCHES_MAX)
        abort();
    return 0;
}
