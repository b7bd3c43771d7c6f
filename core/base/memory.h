/* Heap memory that is there or ends the process. See err.h for why. */
#ifndef LEPHI_CORE_MEMORY_H
#define LEPHI_CORE_MEMORY_H

#include <stddef.h>

void *memory_new(size_t size);                  /* zeroed; free() releases it */
void *memory_grow(void *memory, size_t size);   /* as realloc; the new part is not zeroed */
char *memory_copy(const char *at, size_t size); /* size bytes and a NUL */

/* Gives back what only starting needed: free heap, and the clean pages of programs and libraries that relocation and
 * initialisation walked through (the kernel brings back those that are used). For long-running programs, once. */
void memory_give_back(void);

#endif
