#include "core/base/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* Read-only segments are never changed in memory, so dropping their pages loses nothing. */
static int drop_read_only(struct dl_phdr_info *info, size_t size, void *with)
{
    uintptr_t page = *(const uintptr_t *)with;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
            continue;
        uintptr_t from = (info->dlpi_addr + segment->p_vaddr + page - 1) / page * page;
        uintptr_t to = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz) / page * page;
        if (from < to)
            madvise((void *)from, to - from, MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
    }
    return 0;
}

void memory_give_back(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    malloc_trim(0);
    dl_iterate_phdr(drop_read_only, &page);
}
