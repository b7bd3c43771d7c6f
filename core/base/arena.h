/* Memory by lifetime: an arena per request, job or file, given back in one go.
 *
 * An arena belongs to one thread at a time. Clean-up callbacks run in reverse order of registration. */
#ifndef LEPHI_CORE_ARENA_H
#define LEPHI_CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include "core/base/err.h"
#include "core/base/text.h"

struct arena_block;
struct arena_cleanup;

struct arena {
    struct arena_block *block;
    struct arena_cleanup *cleanups;
};

void arena_init(struct arena *arena);
void arena_done(struct arena *arena);  /* frees everything; the arena may be used again as after init */
void arena_reset(struct arena *arena); /* like done, but keeps one block to work with */

void *arena_alloc(struct arena *arena, size_t size);     /* zeroed, aligned for any type; never NULL */
char *arena_copy(struct arena *arena, struct text text); /* NUL-terminated */
struct text arena_text(struct arena *arena, struct text text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3);
struct text arena_textf(struct arena *arena, const char *format, ...) PRINTF(2, 3);

/* Runs `clean(with)` when the arena is reset or done. */
void arena_on_done(struct arena *arena, void (*clean)(void *with), void *with);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(count)))

#endif
