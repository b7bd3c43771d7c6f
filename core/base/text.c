#include "core/base/text.h"

#include <string.h>
#include <strings.h>

struct text text_of(const char *terminated)
{
    return (struct text){terminated, terminated ? strlen(terminated) : 0};
}

struct text text_slice(struct text text, size_t from, size_t length)
{
    if (from > text.length)
        from = text.length;
    if (length > text.length - from)
        length = text.length - from;
    return (struct text){text.at ? text.at + from : NULL, length};
}

struct text text_head(struct text text, size_t bytes)
{
    if (text.length <= bytes)
        return text;
    while (bytes > 0 && ((unsigned char)text.at[bytes] & 0xC0) == 0x80)
        bytes--;
    return (struct text){text.at, bytes};
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (!a.length || !memcmp(a.at, b.at, a.length));
}

bool text_is(struct text text, const char *terminated)
{
    return text_equal(text, text_of(terminated));
}

bool text_is_nocase(struct text text, const char *terminated)
{
    return text.length == strlen(terminated) && !strncasecmp(text.at, terminated, text.length);
}

int text_compare(struct text a, struct text b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

bool text_starts(struct text text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && !memcmp(text.at, prefix, length);
}

bool text_ends(struct text text, const char *suffix)
{
    size_t length = strlen(suffix);
    return text.length >= length && !memcmp(text.at + text.length - length, suffix, length);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text text)
{
    while (text.length && is_space(text.at[0]))
        text = (struct text){text.at + 1, text.length - 1};
    while (text.length && is_space(text.at[text.length - 1]))
        text.length--;
    return text;
}

size_t text_find(struct text text, struct text needle)
{
    if (!needle.length)
        return 0;
    const char *found = text.length ? memmem(text.at, text.length, needle.at, needle.length) : NULL;
    return found ? (size_t)(found - text.at) : text.length;
}

struct text text_until(struct text text, char separator, struct text *rest)
{
    const char *found = text.length ? memchr(text.at, separator, text.length) : NULL;
    if (!found) {
        *rest = TEXT_NONE;
        return text;
    }
    size_t length = (size_t)(found - text.at);
    *rest = (struct text){found + 1, text.length - length - 1};
    return (struct text){text.at, length};
}

bool text_to_int64(struct text text, int64_t *ret_value)
{
    bool negative = text.length && text.at[0] == '-';
    size_t i = negative;
    if (i == text.length || text.length - i > 19)
        return false;
    int64_t value = 0;
    for (; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        int digit = text.at[i] - '0';
        if (__builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_sub_overflow(value, (int64_t)digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *ret_value = negative ? value : -value;
    return true;
}

/* Reads one code point; returns its length in bytes, 0 when it is not well-formed. */
static size_t utf8_read(struct text text, uint32_t *ret_point)
{
    const unsigned char *at = (const unsigned char *)text.at;
    if (!text.length || at[0] == 0)
        return 0;
    if (at[0] < 0x80) {
        *ret_point = at[0];
        return 1;
    }
    size_t length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : at[0] >= 0xC2 ? 2 : 0;
    if (!length || at[0] > 0xF4 || text.length < length)
        return 0;
    uint32_t point = at[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (at[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    *ret_point = point;
    return length;
}

/* Eight bytes of ASCII without a NUL among them. */
static bool eight_plain(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return !((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080));
}

bool text_is_utf8(struct text text)
{
    uint32_t point;
    while (text.length) {
        if (text.length >= 8 && eight_plain(text.at)) {
            text = (struct text){text.at + 8, text.length - 8};
            continue;
        }
        size_t length = utf8_read(text, &point);
        if (!length)
            return false;
        text = (struct text){text.at + length, text.length - length};
    }
    return true;
}

size_t text_characters(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.at[i] & 0xC0) != 0x80;
    return count;
}

bool text_equal_secret(struct text a, struct text b)
{
    if (a.length != b.length)
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a.length; i++)
        difference |= (unsigned char)(a.at[i] ^ b.at[i]);
    return difference == 0;
}

/* The base letter of a Vietnamese code point, 0 for combining marks and for what is not Vietnamese. */
static char base_letter(uint32_t point)
{
    static const struct {
        uint32_t from, to;
        const char *letters; /* one letter for the whole range, or one per code point */
    } ranges[] = {
        {0x00C0, 0x00C3, "A"},  {0x00C8, 0x00CA, "E"},  {0x00CC, 0x00CD, "I"},  {0x00D2, 0x00D5, "O"},
        {0x00D9, 0x00DA, "U"},  {0x00DD, 0x00DD, "Y"},  {0x00E0, 0x00E3, "a"},  {0x00E8, 0x00EA, "e"},
        {0x00EC, 0x00ED, "i"},  {0x00F2, 0x00F5, "o"},  {0x00F9, 0x00FA, "u"},  {0x00FD, 0x00FD, "y"},
        {0x0102, 0x0103, "Aa"}, {0x0110, 0x0111, "Dd"}, {0x0128, 0x0129, "Ii"}, {0x0168, 0x0169, "Uu"},
        {0x01A0, 0x01A1, "Oo"}, {0x01AF, 0x01B0, "Uu"},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (point >= ranges[i].from && point <= ranges[i].to)
            return ranges[i].letters[1] ? ranges[i].letters[point - ranges[i].from] : ranges[i].letters[0];
    if (point < 0x1EA0 || point > 0x1EF9)
        return 0;
    /* Latin Extended Additional: Vietnamese letters alternate upper and lower case. */
    static const struct {
        uint32_t last;
        char upper;
    } block[] = {{0x1EB7, 'A'}, {0x1EC7, 'E'}, {0x1ECB, 'I'}, {0x1EE3, 'O'}, {0x1EF1, 'U'}, {0x1EF9, 'Y'}};
    for (size_t i = 0; i < sizeof block / sizeof *block; i++)
        if (point <= block[i].last)
            return (char)(block[i].upper + (point & 1 ? 'a' - 'A' : 0));
    return 0;
}

size_t text_to_ascii(struct text text, char *ret_ascii, size_t size)
{
    size_t written = 0;
    while (text.length && written + 1 < size) {
        uint32_t point = 0;
        size_t length = utf8_read(text, &point);
        char c = !length ? 0 : point < 0x80 ? (char)point : base_letter(point);
        if (c)
            ret_ascii[written++] = c;
        length = length ? length : 1;
        text = (struct text){text.at + length, text.length - length};
    }
    if (size)
        ret_ascii[written] = '\0';
    return written;
}

size_t text_to_key(struct text text, char *ret_key, size_t size)
{
    size_t length = text_to_ascii(text, ret_key, size), written = 0;
    bool gap = false;
    for (size_t i = 0; i < length; i++) {
        char c = ret_key[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
            gap = true;
            continue;
        }
        if (gap && written)
            ret_key[written++] = ' ';
        gap = false;
        ret_key[written++] = c;
    }
    if (size)
        ret_key[written] = '\0';
    return written;
}
