/* A piece of bytes that somebody else owns: never NUL-terminated by promise, never longer than it says.
 *
 * No locale is used anywhere; case means ASCII case. Text for people is UTF-8 in NFC. */
#ifndef LEPHI_CORE_TEXT_H
#define LEPHI_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *at;
    size_t length;
};

#define TEXT(literal) ((struct text){"" literal, sizeof(literal) - 1})
#define TEXT_NONE     ((struct text){0})
/* For printf: "%.*s", TEXT_ARGS(text) */
#define TEXT_ARGS(t) (int)(t).length, (t).at ? (t).at : ""

struct text text_of(const char *terminated);                          /* NULL gives the empty text */
struct text text_slice(struct text text, size_t from, size_t length); /* clamped to the text */
struct text text_head(struct text text, size_t bytes); /* at most that many, never half a UTF-8 character */
bool text_equal(struct text a, struct text b);
bool text_is(struct text text, const char *terminated);
bool text_is_nocase(struct text text, const char *terminated);
int text_compare(struct text a, struct text b); /* by bytes, as memcmp */
bool text_starts(struct text text, const char *prefix);
bool text_ends(struct text text, const char *suffix);
struct text text_trim(struct text text);                /* ASCII white space at both ends */
size_t text_find(struct text text, struct text needle); /* text.length when absent */

/* Cuts the text before the first `separator`; `rest` is what follows it (empty, at NULL, when there is none). */
struct text text_until(struct text text, char separator, struct text *rest);

/* Decimal digits with an optional minus, nothing else, no overflow. */
bool text_to_int64(struct text text, int64_t *ret_value);

/* Well-formed UTF-8 without NUL, surrogates or overlong forms. */
bool text_is_utf8(struct text text);

/* How many characters (code points) a valid UTF-8 text has. */
size_t text_characters(struct text text);

/* Compares secrets: time depends on the lengths only. */
bool text_equal_secret(struct text a, struct text b);

/* Vietnamese (NFC or NFD) to plain ASCII: marks removed, đ to d, other non-ASCII dropped; keeps case.
 * Writes at most size-1 characters and a NUL; returns the number written. */
size_t text_to_ascii(struct text text, char *ret_ascii, size_t size);

/* A search key: as text_to_ascii, lower case, every run of other characters one space, none at the ends. */
size_t text_to_key(struct text text, char *ret_key, size_t size);

#endif
