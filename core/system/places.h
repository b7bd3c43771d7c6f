/* Where the program's data files are: beside the checkout it was built in, or where it was installed.
 * Private to core/system. */
#ifndef LEPHI_CORE_PLACES_H
#define LEPHI_CORE_PLACES_H

#include "core/base/arena.h"

/* The folder `in_checkout` of the checkout the program stands in, else PREFIX/share/lephi/`installed`. Looks from the
 * program's own file upwards; never at the working folder. */
const char *place_find(struct arena *arena, const char *in_checkout, const char *installed);
/* Folder for what is written: .run/data of the checkout, or /var/lib/lephi. */
const char *place_of_data(struct arena *arena);

#endif
