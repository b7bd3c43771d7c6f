#include "core/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *memory)
{
    if (memory)
        return memory;
    fputs("lephi: out of memory\n", stderr);
    abort();
}

void *memory_new(size_t size)
{
    return or_end(calloc(1, size ? size : 1));
}

void *memory_grow(void *memory, size_t size)
{
    return or_end(realloc(memory, size ? size : 1));
}

char *memory_copy(const char *at, size_t size)
{
    char *copy = or_end(malloc(size + 1));
    if (size)
        memcpy(copy, at, size);
    copy[size] = '\0';
    return copy;
}
