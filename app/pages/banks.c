/* Names of banks as citizens know them, from the one table of the requests' room; what is not listed is shown by its
 * BIN. */
#include "app/pages/layout.h"
#include "payments/requests/requests.h"

const char *bank_name(struct arena *arena, struct text bin)
{
    const struct bank *bank = bank_by_bin(bin);
    return arena_copy(arena, bank ? bank->name : bin);
}
