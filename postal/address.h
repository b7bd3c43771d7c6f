/* The address book in memory: shared by its reader, its search and the room. */
#ifndef LEPHI_POSTAL_ADDRESS_H
#define LEPHI_POSTAL_ADDRESS_H

#include "postal/tariff.h"

enum { NAME_KEY_MAX = 64 };

/* One way to call a commune: its own name, or a former commune all or part of which it took in. */
struct address_name {
    const struct postal_commune *commune;
    struct text old_kind, old_name, share; /* empty: its own name */
    char key[NAME_KEY_MAX], district[NAME_KEY_MAX];
};

struct postal_book {
    const struct postal_tariff *tariff;
    char home[3];
    size_t count;
    struct address_name *names; /* own names by code, then former ones in the order of their file */
};

#endif
