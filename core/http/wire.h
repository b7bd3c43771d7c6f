/* Readers of what stands on the wire: paths, queries, cookies, media types, forwarded addresses. Pure; fuzzed. */
#ifndef LEPHI_CORE_HTTP_WIRE_H
#define LEPHI_CORE_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include "core/base/err.h"
#include "core/base/text.h"

enum { WIRE_SEGMENTS_MAX = 16 };

struct wire_path {
    struct text decoded; /* the whole path */
    size_t count;
    struct text segments[WIRE_SEGMENTS_MAX]; /* decoded; a segment may hold a slash that came as %2F */
};

/* A request target as received: origin form ("/a?b") or absolute form ("http://host/a?b"). */
MUST_CHECK enum err wire_target_split(struct text target, struct text *ret_path, struct text *ret_query);

/* Decodes a path segment by segment into `room` (raw.length bytes). Returns ERR_BAD_REQUEST (bad escapes, control
 * characters), ERR_UTF8, ERR_NOT_FOUND (dot segments, too many segments). */
MUST_CHECK enum err wire_path_read(struct text raw, char *room, struct wire_path *ret_path);

enum wire_plus { PLUS_IS_PLUS, PLUS_IS_SPACE };
/* Percent-decoding (RFC 3986 §2.1) into `room` (raw.length bytes); false on a broken escape. May decode in place. */
bool wire_decode(struct text raw, enum wire_plus plus, char *room, size_t *ret_length);

/* The raw value of a query field whose decoded name is `name`; at NULL when absent. */
struct text wire_query_find(struct text query, const char *name);
struct text wire_cookie_find(struct text header, const char *name);

/* Whether a Content-Type is one of `allowed` (separated by spaces, "*" any). A charset other than UTF-8 is none. */
bool wire_media_is(struct text content_type, const char *allowed);

bool wire_is_token(struct text text);  /* RFC 9110 §5.6.2 */
bool wire_is_digits(struct text text); /* one to eighteen decimal digits */

/* Rightmost address of one X-Forwarded-For value, cut off `list`; at NULL when none is left. */
struct text wire_forwarded_last(struct text *list);
bool wire_is_address(struct text text); /* numeric IPv4 or IPv6 */

#endif
