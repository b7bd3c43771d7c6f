/* A growing piece of bytes on the heap. Set to zero to start; buf_done frees. Never NULL after the first put. */
#ifndef LEPHI_CORE_BUF_H
#define LEPHI_CORE_BUF_H

#include <stddef.h>
#include "core/base/err.h"
#include "core/base/text.h"

struct buf {
    char *at;
    size_t length, size;
};

void buf_done(struct buf *buf);
void buf_clear(struct buf *buf);               /* keeps the memory */
char *buf_room(struct buf *buf, size_t extra); /* at least `extra` bytes behind length; not counted yet */
void buf_put(struct buf *buf, const void *at, size_t length);
void buf_char(struct buf *buf, char c);
void buf_text(struct buf *buf, struct text text);
void buf_string(struct buf *buf, const char *terminated);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF(2, 3);
struct text buf_view(const struct buf *buf); /* valid until the next change */
const char *buf_cstr(struct buf *buf);       /* the same, NUL-terminated */

#endif
