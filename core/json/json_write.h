/* A small JSON writer for hot replies: commas by itself, UTF-8 passed through, control characters escaped.
 *
 *   struct json json = json_to(&buf);
 *   json_put_object(&json, NULL);
 *   json_put_int(&json, "total", 16000);
 *   json_put_array(&json, "lines");  … json_put_end(&json);
 *   json_put_end(&json);
 *
 * `key` is NULL inside arrays and at the root. Nesting deeper than JSON_DEPTH_MAX is a programming error (asserted). */
#ifndef LEPHI_CORE_JSON_WRITE_H
#define LEPHI_CORE_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/buf.h"
#include "core/base/clock.h"

enum { JSON_DEPTH_MAX = 32 };

struct json {
    struct buf *out;
    int depth;
    bool comma; /* something stands before the next value on this level */
    char closers[JSON_DEPTH_MAX];
};

struct json json_to(struct buf *out);
void json_put_object(struct json *json, const char *key);
void json_put_array(struct json *json, const char *key);
void json_put_end(struct json *json); /* closes the innermost object or array */
void json_put_text(struct json *json, const char *key, struct text value);
void json_put_string(struct json *json, const char *key, const char *value);       /* NULL writes null */
void json_put_text_or_null(struct json *json, const char *key, struct text value); /* empty writes null */
void json_put_int(struct json *json, const char *key, int64_t value);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);
void json_put_date(struct json *json, const char *key, date_days date);   /* DATE_NONE writes null */
void json_put_instant(struct json *json, const char *key, instant_us at); /* INSTANT_NONE writes null */
void json_put_raw(struct json *json, const char *key, struct text value); /* already JSON */
void json_put_textf(struct json *json, const char *key, const char *format, ...) PRINTF(3, 4);

#endif
