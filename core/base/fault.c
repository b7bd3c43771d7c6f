#include "core/base/fault.h"

#include <stdarg.h>
#include <stdio.h>

void faults_init(struct faults *faults, struct arena *arena)
{
    faults->arena = arena;
    faults->count = faults->dropped = 0;
}

enum err faults_add(struct faults *faults, const char *where, enum err code, const char *format, ...)
{
    if (faults->count == FAULTS_MAX) {
        faults->dropped++;
        return code;
    }
    struct fault *fault = &faults->list[faults->count++];
    *fault =
        (struct fault){.where = arena_copy(faults->arena, text_of(where)), .code = code, .detail = err_info(code)->vi};
    if (format) {
        char words[512];
        va_list args;
        va_start(args, format);
        vsnprintf(words, sizeof words, format, args);
        va_end(args);
        fault->detail = arena_copy(faults->arena, text_of(words));
    }
    return code;
}
