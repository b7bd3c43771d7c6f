/* A growing piece of bytes on the heap. Set to zero to start; buf_done frees. Never NULL after the first put. */
#ifndef LEPHI_CORE_BUF_H
#define LEPHI_CORE_BUF_H

#include <stddef.h>
#include <string.h>
#include "core/base/err.h"
#include "core/base/text.h"

struct buf {
    char *at;
    size_t length, size;
};

void buf_done(struct buf *buf);
void buf_grow(struct buf *buf, size_t extra); /* what buf_room does when there is no room */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF(2, 3);
const char *buf_cstr(struct buf *buf); /* what buf_view gives, NUL-terminated */

/* Keeps the memory. */
static inline void buf_clear(struct buf *buf)
{
    buf->length = 0;
}

/* At least `extra` bytes behind length; not counted yet. */
static inline char *buf_room(struct buf *buf, size_t extra)
{
    if (buf->size - buf->length < extra)
        buf_grow(buf, extra);
    return buf->at + buf->length;
}

static inline void buf_put(struct buf *buf, const void *at, size_t length)
{
    char *to = buf_room(buf, length + 1);
    if (length)
        memcpy(to, at, length);
    buf->length += length;
}

static inline void buf_char(struct buf *buf, char c)
{
    *buf_room(buf, 2) = c;
    buf->length++;
}

static inline void buf_text(struct buf *buf, struct text text)
{
    buf_put(buf, text.at, text.length);
}

static inline void buf_string(struct buf *buf, const char *terminated)
{
    buf_put(buf, terminated, strlen(terminated));
}

/* Valid until the next change. */
static inline struct text buf_view(const struct buf *buf)
{
    return (struct text){buf->at, buf->length};
}

#endif
