#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

void buf_done(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){0};
}

void buf_grow(struct buf *buf, size_t extra)
{
    size_t size = buf->size ? buf->size : 256;
    while (size - buf->length < extra)
        size *= 2;
    buf->at = memory_grow(buf->at, size);
    buf->size = size;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        vsnprintf(buf_room(buf, (size_t)length + 1), (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

const char *buf_cstr(struct buf *buf)
{
    *buf_room(buf, 1) = '\0';
    return buf->at;
}
