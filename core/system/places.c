#include "core/system/places.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LEVELS_MAX = 8 }; /* build/san/tests/unit/core/system/x_test stands seven folders deep */

/* The checkout's top folder, or "" when the program stands in none. */
static void checkout_of(char ret_top[PATH_MAX])
{
    char mark[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", ret_top, PATH_MAX - 1);
    ret_top[length > 0 ? length : 0] = 0;
    for (int level = 0; level < LEVELS_MAX && *ret_top; level++) {
        char *slash = strrchr(ret_top, '/');
        if (!slash)
            break;
        *slash = 0;
        snprintf(mark, sizeof mark, "%s/core/system/keys.def", ret_top);
        if (!access(mark, F_OK))
            return;
    }
    *ret_top = 0;
}

const char *place_find(struct arena *arena, const char *in_checkout, const char *installed)
{
    char top[PATH_MAX];
    checkout_of(top);
    if (*top)
        return arena_printf(arena, "%s/%s", top, in_checkout);
    /* A staged or moved installation: bin/lephi and share/lephi move together. */
    ssize_t length = readlink("/proc/self/exe", top, sizeof top - 1);
    top[length > 0 ? length : 0] = 0;
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(top, '/');
        if (slash)
            *slash = 0;
    }
    const char *moved = arena_printf(arena, "%s/share/lephi/%s", top, installed);
    return !access(moved, F_OK) ? moved : arena_printf(arena, LEPHI_PREFIX "/share/lephi/%s", installed);
}

const char *place_of_data(struct arena *arena)
{
    char top[PATH_MAX];
    checkout_of(top);
    return *top ? arena_printf(arena, "%s/.run/data", top) : "/var/lib/lephi";
}
