/* Which addresses may be called: a list of beginnings, compared by whole parts, so that "https://a.vn" does not let
 * "https://a.vn.evil.example" or "https://a.vn@evil.example" through. */
#include "core/webhooks/webhooks.h"

#include <string.h>

/* Printable ASCII without what a URL must escape, a scheme we speak, and an authority without user. */
static bool plain(struct text url)
{
    size_t scheme = text_starts(url, "https://") ? 8 : text_starts(url, "http://") ? 7 : 0;
    if (!scheme || url.length == scheme)
        return false;
    bool in_authority = true;
    for (size_t i = scheme; i < url.length; i++) {
        unsigned char c = (unsigned char)url.at[i];
        if (c <= ' ' || c >= 0x7F || strchr("\"<>\\^`{|}#", c))
            return false;
        if (c == '/' || c == '?')
            in_authority = false;
        if (in_authority && (c == '@' || c == '%'))
            return false;
    }
    /* "/..", also percent-encoded, would leave the allowed folder */
    return text_find(url, TEXT("/..")) == url.length && text_find(url, TEXT("/.%")) == url.length &&
           text_find(url, TEXT("/%2")) == url.length;
}

bool webhook_url_allowed(struct text url, struct text allowed)
{
    if (!plain(url))
        return false;
    while (allowed.length) {
        struct text one = text_until(allowed, ' ', &allowed);
        if (!plain(one) || url.length < one.length || memcmp(url.at, one.at, one.length))
            continue;
        char next = url.length > one.length ? url.at[one.length] : '\0';
        if (!next || next == '/' || next == '?' || one.at[one.length - 1] == '/')
            return true;
    }
    return false;
}
