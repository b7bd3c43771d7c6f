#include "core/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum { BLOCK_SIZE = 8192, ALIGNMENT = alignof(max_align_t) };

struct arena_block {
    struct arena_block *previous;
    size_t size, used;
    alignas(max_align_t) char at[];
};

struct arena_cleanup {
    struct arena_cleanup *previous;
    void (*clean)(void *with);
    void *with;
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void run_cleanups(struct arena *arena)
{
    while (arena->cleanups) {
        struct arena_cleanup *last = arena->cleanups;
        arena->cleanups = last->previous;
        last->clean(last->with);
    }
}

void arena_done(struct arena *arena)
{
    run_cleanups(arena);
    while (arena->block) {
        struct arena_block *last = arena->block;
        arena->block = last->previous;
        free(last);
    }
}

void arena_reset(struct arena *arena)
{
    run_cleanups(arena);
    while (arena->block && arena->block->previous) {
        struct arena_block *last = arena->block;
        arena->block = last->previous;
        free(last);
    }
    if (arena->block)
        arena->block->used = 0;
}

static struct arena_block *block_with_room(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->block;
    if (block && block->size - block->used >= size)
        return block;
    size_t wanted = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    block = memory_grow(NULL, sizeof *block + wanted);
    block->previous = arena->block;
    block->size = wanted;
    block->used = 0;
    arena->block = block;
    return block;
}

/* Not zeroed. */
static void *take(struct arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_block *block = block_with_room(arena, size);
    void *at = block->at + block->used;
    block->used += size;
    return at;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

char *arena_copy(struct arena *arena, struct text text)
{
    char *copy = take(arena, text.length + 1);
    if (text.length)
        memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return copy;
}

struct text arena_text(struct arena *arena, struct text text)
{
    return (struct text){arena_copy(arena, text), text.length};
}

static struct text format_into(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    size_t size = length < 0 ? 0 : (size_t)length;
    char *at = take(arena, size + 1);
    vsnprintf(at, size + 1, format, again);
    va_end(again);
    return (struct text){at, size};
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct text made = format_into(arena, format, args);
    va_end(args);
    return (char *)(uintptr_t)made.at;
}

struct text arena_textf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct text made = format_into(arena, format, args);
    va_end(args);
    return made;
}

void arena_on_done(struct arena *arena, void (*clean)(void *with), void *with)
{
    struct arena_cleanup *cleanup = ARENA_NEW(arena, struct arena_cleanup);
    *cleanup = (struct arena_cleanup){arena->cleanups, clean, with};
    arena->cleanups = cleanup;
}
