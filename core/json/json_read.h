/* JSON field readers that name every fault by JSON pointer (RFC 6901), not only the first.
 *
 *   struct json_fields in;
 *   if (json_parse(body, JSON_BODY, &in, faults)) …
 *   json_read_text(&in, "procedure", REQUIRED, 1, 40, &procedure);
 *   json_read_money(&in, "amount", OPTIONAL, 1, MONEY_MAX, &amount);
 *   return json_close(&in);        // unknown fields are faults too; OK or ERR_INVALID
 *
 * A missing optional field leaves the output untouched. Texts live as long as the arena of the faults.
 * Numbers: only integers are read; 1.0, 1e5 and anything else jansson reads as real is a wrong type. */
#ifndef LEPHI_CORE_JSON_READ_H
#define LEPHI_CORE_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/base/clock.h"
#include "core/base/fault.h"
#include "core/base/text.h"

enum json_need { OPTIONAL, REQUIRED };
enum { JSON_PARSE_DEPTH_MAX = 16 };

struct json_member {
    const char *key;
    const json_t *value;
    bool known; /* somebody asked for it */
};

struct json_fields {
    const json_t *object; /* NULL after a fault: readers then do nothing */
    const char *pointer;  /* "" at the root */
    struct faults *faults;
    size_t member_count;
    struct json_member *members; /* an object's few fields are found faster one by one than by their hash */
    size_t faults_before;
};

/* Parses a whole body as one JSON object; duplicate keys, bad UTF-8, trailing bytes and depth over
 * JSON_PARSE_DEPTH_MAX are refused; a number beyond 2^63 is named by its pointer. The tree is freed with the arena of
 * `faults`. */
MUST_CHECK enum err json_parse(struct text body, struct json_fields *ret_fields, struct faults *faults);
/* Any JSON value. */
MUST_CHECK enum err json_parse_value(struct text body, json_t **ret_value, struct faults *faults);

bool json_has(struct json_fields *in, const char *key); /* present and not null; counts as known */
void json_read_text(struct json_fields *in, const char *key, enum json_need need, size_t min, size_t max,
                    struct text *ret); /* characters */
/* Text of several lines, as a file's; `max` in bytes. */
void json_read_sheet(struct json_fields *in, const char *key, enum json_need need, size_t max, struct text *ret);
void json_read_int(struct json_fields *in, const char *key, enum json_need need, int64_t min, int64_t max,
                   int64_t *ret);
void json_read_bool(struct json_fields *in, const char *key, enum json_need need, bool *ret);
void json_read_date(struct json_fields *in, const char *key, enum json_need need, date_days *ret);
void json_read_instant(struct json_fields *in, const char *key, enum json_need need, instant_us *ret);
/* One of `names` (NULL-terminated); writes its index. */
void json_read_enum(struct json_fields *in, const char *key, enum json_need need, const char *const *names, int *ret);

/* An object inside; `ret` has object NULL when absent or wrong. Close it as any other. */
void json_read_object(struct json_fields *in, const char *key, enum json_need need, struct json_fields *ret);
/* How many items an array has (0 when absent or wrong). */
size_t json_read_array(struct json_fields *in, const char *key, enum json_need need, size_t min, size_t max);
void json_item_text(struct json_fields *in, const char *key, size_t index, size_t min, size_t max, struct text *ret);
void json_item_int(struct json_fields *in, const char *key, size_t index, int64_t min, int64_t max, int64_t *ret);
void json_item_object(struct json_fields *in, const char *key, size_t index, struct json_fields *ret);

/* Adds a fault at a field of this object. */
void json_fault(struct json_fields *in, const char *key, enum err code, const char *format, ...) PRINTF(4, 5);

/* Names fields that nobody read. Returns ERR_INVALID when this object or anything in it had a fault. */
MUST_CHECK enum err json_close(struct json_fields *in);

#endif
