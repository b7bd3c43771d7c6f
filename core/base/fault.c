#include "core/base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void faults_init(struct faults *faults, struct arena *arena)
{
    faults->arena = arena;
    faults->count = faults->dropped = 0;
}

/* Words too long for the buffer are cut; the cut must not leave half a character for the JSON of the reply. */
static size_t whole_characters(const char *words)
{
    size_t length = strlen(words), start = length;
    while (start > 0 && length - start < 4 && ((unsigned char)words[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)words[start - 1] < 0xC0)
        return length;
    unsigned char lead = (unsigned char)words[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    return length - (start - 1) < wanted ? start - 1 : length;
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
        fault->detail = arena_copy(faults->arena, (struct text){words, whole_characters(words)});
    }
    return code;
}
