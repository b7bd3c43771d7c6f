/* The log of a program: one line on standard error for each thing worth knowing, written with one write(2).
 *
 *   LOG_INFO(rq->id, "request served", log_int("status", 200), log_text("path", rq->path));
 *   {"time":"2026-11-22T09:14:00.125+07:00","level":"info","message":"request served","request":"…","status":200,…}
 *
 * Programs log; library code returns errors and leaves the log to its caller. Messages are fixed English words, what
 * varies goes into fields. Secrets never get here; should one, it is masked (log_hide). Any thread, no locks; a line
 * longer than LOG_LINE_MAX loses its last fields. */
#ifndef LEPHI_CORE_LOG_H
#define LEPHI_CORE_LOG_H

#include <stddef.h>
#include <stdint.h>
#include "core/base/text.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };
enum { LOG_LINE_MAX = 4096, LOG_VALUE_MAX = 1024, LOG_HIDDEN_MAX = 256, LOG_HIDDEN_LEAST = 8 };

struct log_field {
    const char *name;
    struct text text; /* at NULL: the number */
    int64_t number;
};

static inline struct log_field log_text(const char *name, struct text value)
{
    return (struct log_field){name, value.at ? value : (struct text){"", 0}, 0};
}

static inline struct log_field log_string(const char *name, const char *value)
{
    return log_text(name, text_of(value));
}

static inline struct log_field log_int(const char *name, int64_t value)
{
    return (struct log_field){name, {0}, value};
}

void log_init(enum log_level least, enum log_format format); /* once, before threads; else info and JSON */
void log_init_from_config(void);                             /* log.level and log.format */

/* A text no line may ever show, whatever field it comes in: shown as "•••". Copied. Shorter than LOG_HIDDEN_LEAST is
 * ignored, since it would hide common words. Before threads start. */
void log_hide(struct text secret);

/* `request` may be NULL. `fields[0]` is not looked at: see LOG. */
void log_line(enum log_level level, const char *request, const char *message, const struct log_field *fields,
              size_t count);

#define LOG(level, request, message, ...)                                                                              \
    log_line((level), (request), (message), (const struct log_field[]){{0}, ##__VA_ARGS__},                            \
             sizeof((const struct log_field[]){{0}, ##__VA_ARGS__}) / sizeof(struct log_field))
#define LOG_DEBUGGING(request, message, ...) LOG(LOG_LEVEL_DEBUG, request, message, ##__VA_ARGS__)
#define LOG_INFO(request, message, ...)      LOG(LOG_LEVEL_INFO, request, message, ##__VA_ARGS__)
#define LOG_WARNING(request, message, ...)   LOG(LOG_LEVEL_WARNING, request, message, ##__VA_ARGS__)
#define LOG_ERROR(request, message, ...)     LOG(LOG_LEVEL_ERROR, request, message, ##__VA_ARGS__)

#endif
