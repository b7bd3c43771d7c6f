#include "core/http/wire.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool wire_decode(struct text raw, enum wire_plus plus, char *room, size_t *ret_length)
{
    size_t written = 0;
    for (size_t i = 0; i < raw.length; i++) {
        char c = raw.at[i];
        if (c == '%') {
            int high = i + 2 < raw.length ? hex_digit(raw.at[i + 1]) : -1;
            int low = i + 2 < raw.length ? hex_digit(raw.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == PLUS_IS_SPACE) {
            c = ' ';
        }
        room[written++] = c;
    }
    *ret_length = written;
    return true;
}

enum err wire_target_split(struct text target, struct text *ret_path, struct text *ret_query)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        if (!text_starts(target, schemes[i]))
            continue;
        size_t from = strlen(schemes[i]);
        while (from < target.length && target.at[from] != '/' && target.at[from] != '?')
            from++;
        target = text_slice(target, from, target.length);
        break;
    }
    if (!target.length || target.at[0] != '/')
        return ERR_BAD_REQUEST;
    *ret_path = text_until(target, '?', ret_query);
    return OK;
}

static bool has_control(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7F)
            return true;
    return false;
}

static bool is_plain(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] == '%' || (unsigned char)text.at[i] >= 0x7F || (unsigned char)text.at[i] < 0x20)
            return false;
    return true;
}

enum err wire_path_read(struct text raw, char *room, struct wire_path *ret_path)
{
    if (!raw.length || raw.at[0] != '/')
        return ERR_BAD_REQUEST;
    bool plain = is_plain(raw);
    struct text rest = {raw.at + 1, raw.length - 1};
    size_t written = 0, count = 0;
    struct text segments[WIRE_SEGMENTS_MAX];
    while (rest.at) {
        room[written++] = '/';
        struct text segment = text_until(rest, '/', &rest);
        size_t length = segment.length;
        if (plain && length)
            memcpy(room + written, segment.at, length);
        else if (!plain && !wire_decode(segment, PLUS_IS_PLUS, room + written, &length))
            return ERR_BAD_REQUEST;
        segment = (struct text){room + written, length};
        written += length;
        if (count == WIRE_SEGMENTS_MAX || text_is(segment, ".") || text_is(segment, ".."))
            return ERR_NOT_FOUND;
        segments[count++] = segment;
    }
    struct text decoded = {room, written};
    if (!plain && has_control(decoded))
        return ERR_BAD_REQUEST;
    if (!plain && !text_is_utf8(decoded))
        return ERR_UTF8;
    ret_path->decoded = decoded;
    ret_path->count = count;
    memcpy(ret_path->segments, segments, count * sizeof *segments);
    return OK;
}

/* Compares a percent-encoded name with a plain one without a copy. */
static bool name_is(struct text raw, const char *name)
{
    size_t i = 0;
    for (; *name && i < raw.length; name++, i++) {
        char c = raw.at[i] == '+' ? ' ' : raw.at[i];
        size_t one = 0;
        if (c == '%') {
            if (!wire_decode(text_slice(raw, i, 3), PLUS_IS_PLUS, &c, &one) || one != 1)
                return false;
            i += 2;
        }
        if (c != *name)
            return false;
    }
    return !*name && i == raw.length;
}

struct text wire_query_find(struct text query, const char *name)
{
    while (query.at) {
        struct text pair = text_until(query, '&', &query), value;
        struct text key = text_until(pair, '=', &value);
        if (key.at && name_is(key, name))
            return value.at ? value : TEXT("");
    }
    return TEXT_NONE;
}

struct text wire_cookie_find(struct text header, const char *name)
{
    while (header.at) {
        struct text value, key = text_until(text_until(header, ';', &header), '=', &value);
        if (!value.at || !text_is(text_trim(key), name))
            continue;
        value = text_trim(value);
        if (value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"')
            value = text_slice(value, 1, value.length - 2);
        return value;
    }
    return TEXT_NONE;
}

/* "; charset=utf-8" or no charset at all. */
static bool charset_is_utf8(struct text parameters)
{
    while (parameters.at) {
        struct text value, key = text_until(text_until(parameters, ';', &parameters), '=', &value);
        if (!text_is_nocase(text_trim(key), "charset"))
            continue;
        value = text_trim(value);
        if (!text_is_nocase(value, "utf-8") && !text_is_nocase(value, "\"utf-8\"") && !text_is_nocase(value, "utf8"))
            return false;
    }
    return true;
}

bool wire_media_is(struct text content_type, const char *allowed)
{
    if (!strcmp(allowed, "*"))
        return true;
    struct text parameters, type = text_trim(text_until(content_type, ';', &parameters));
    struct text list = text_of(allowed);
    while (list.at) {
        struct text one = text_until(list, ' ', &list);
        if (one.length && one.length == type.length && !strncasecmp(one.at, type.at, type.length))
            return charset_is_utf8(parameters);
    }
    return false;
}

bool wire_is_token(struct text text)
{
    static const char marks[] = "-_.!#$%&'*+^`|~";
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr(marks, c, sizeof marks - 1))
            return false;
    }
    return text.length > 0;
}

bool wire_is_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length > 0 && text.length <= 18;
}

struct text wire_forwarded_last(struct text *list)
{
    while (list->at) {
        size_t from = list->length;
        while (from && list->at[from - 1] != ',')
            from--;
        struct text last = text_trim(text_slice(*list, from, list->length));
        *list = from ? text_slice(*list, 0, from - 1) : TEXT_NONE;
        if (last.length)
            return last;
    }
    return TEXT_NONE;
}

bool wire_is_address(struct text text)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (!text.length || text.length >= sizeof copy || memchr(text.at, '\0', text.length))
        return false;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}
