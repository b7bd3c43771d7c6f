/* Whole files, with a bound. */
#ifndef LEPHI_CORE_FILE_H
#define LEPHI_CORE_FILE_H

#include <stddef.h>
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"

/* Reads a whole file ("-" is standard input); ERR_NOT_FOUND, ERR_IO, ERR_BODY_TOO_LARGE beyond `max` bytes. */
MUST_CHECK enum err file_read(const char *path, size_t max, struct arena *arena, struct text *ret_bytes);

/* Writes a whole file by way of a temporary one beside it, flushed to disk, then renamed over. */
MUST_CHECK enum err file_write(const char *path, struct text bytes, unsigned mode);

#endif
