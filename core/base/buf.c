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

void buf_clear(struct buf *buf)
{
    buf->length = 0;
}

char *buf_room(struct buf *buf, size_t extra)
{
    if (buf->size - buf->length < extra) {
        size_t size = buf->size ? buf->size : 256;
        while (size - buf->length < extra)
            size *= 2;
        buf->at = memory_grow(buf->at, size);
        buf->size = size;
    }
    return buf->at + buf->length;
}

void buf_put(struct buf *buf, const void *at, size_t length)
{
    char *to = buf_room(buf, length + 1);
    if (length)
        memcpy(to, at, length);
    buf->length += length;
}

void buf_char(struct buf *buf, char c)
{
    *buf_room(buf, 2) = c;
    buf->length++;
}

void buf_text(struct buf *buf, struct text text)
{
    buf_put(buf, text.at, text.length);
}

void buf_string(struct buf *buf, const char *terminated)
{
    buf_text(buf, text_of(terminated));
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

struct text buf_view(const struct buf *buf)
{
    return (struct text){buf->at, buf->length};
}

const char *buf_cstr(struct buf *buf)
{
    *buf_room(buf, 1) = '\0';
    return buf->at;
}
