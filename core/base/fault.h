/* What is wrong with an input, fault by fault: where (JSON pointer, or "file:line:column"), which code, in words. */
#ifndef LEPHI_CORE_FAULT_H
#define LEPHI_CORE_FAULT_H

#include <stddef.h>
#include "core/base/arena.h"
#include "core/base/err.h"

enum { FAULTS_MAX = 64 };

struct fault {
    const char *where; /* in the arena */
    enum err code;
    const char *detail; /* Vietnamese first; in the arena */
};

struct faults {
    struct arena *arena;
    size_t count, dropped; /* beyond FAULTS_MAX only the number is kept */
    struct fault list[FAULTS_MAX];
};

void faults_init(struct faults *faults, struct arena *arena);

/* Adds one fault. `format` NULL gives the registry's own words. Returns `code`, so that a reader can `return` it. */
enum err faults_add(struct faults *faults, const char *where, enum err code, const char *format, ...) PRINTF(4, 5);

#endif
