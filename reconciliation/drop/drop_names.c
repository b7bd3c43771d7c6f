/* Listings of a drop are bytes from outside: what is no plain file name is never asked for. */
#include "reconciliation/drop/drop.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATTERN_MAX = 128 };

const char *drop_name_fault(struct text name)
{
    if (!name.length)
        return "an empty name";
    if (name.length > DROP_NAME_MAX)
        return "a name that is too long";
    if (!text_is_utf8(name))
        return "a name that is no UTF-8";
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)name.at[i + 1] < 0xa0)) /* C0, DEL, C1 */
            return "a control character in a name";
        if (c == '/' || c == '\\')
            return "a path instead of a name";
    }
    if (name.at[0] == '.' || text_find(name, TEXT("..")) < name.length)
        return "a hidden name, or one with two dots";
    return NULL;
}

static bool matches(struct arena *arena, struct text name, const char *patterns)
{
    const char *terminated = arena_copy(arena, name);
    struct text rest = text_trim(text_of(patterns));
    if (!rest.length)
        return true;
    while (rest.length) {
        char pattern[PATTERN_MAX];
        struct text one = text_until(rest, ' ', &rest);
        if (!one.length || one.length >= sizeof pattern)
            continue;
        memcpy(pattern, one.at, one.length);
        pattern[one.length] = '\0';
        if (!fnmatch(pattern, terminated, FNM_PERIOD | FNM_CASEFOLD))
            return true;
    }
    return false;
}

static void unfit(struct drop_listing *listing, struct text name, const char *why)
{
    if (listing->unfit++)
        return;
    char shown[64];
    size_t length = 0;
    for (size_t i = 0; i < name.length && length < sizeof shown - 1; i++)
        shown[length++] = (unsigned char)name.at[i] < ' ' || (unsigned char)name.at[i] >= 0x7f ? '?' : name.at[i];
    shown[length] = '\0';
    listing->sample = text_of(arena_printf(listing->arena, "%s: \"%s\"", why, shown));
}

static void name_add(struct drop_listing *listing, struct text name, const char *patterns)
{
    const char *why = drop_name_fault(name);
    if (why) {
        unfit(listing, name, why);
        return;
    }
    if (!matches(listing->arena, name, patterns))
        return;
    if (listing->count == DROP_FILES_MAX) {
        listing->cut = true;
        return;
    }
    listing->names[listing->count++] = arena_text(listing->arena, name);
}

static int by_bytes(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static void listing_begin(struct drop_listing *listing)
{
    struct arena *arena = listing->arena;
    *listing = (struct drop_listing){.arena = arena, .names = arena_alloc(arena, DROP_FILES_MAX * sizeof(struct text))};
}

static void listing_end(struct drop_listing *listing)
{
    size_t kept = 0;
    qsort(listing->names, listing->count, sizeof *listing->names, by_bytes);
    for (size_t i = 0; i < listing->count; i++)
        if (!kept || !text_equal(listing->names[kept - 1], listing->names[i]))
            listing->names[kept++] = listing->names[i];
    listing->count = kept;
}

/* "drwxr-xr-x 2 vcb vcb 4096 Nov 23 08:00 archive" */
static bool is_folder(struct text long_lines, struct text name)
{
    while (long_lines.length) {
        struct text line = text_until(long_lines, '\n', &long_lines);
        if (line.length > name.length && line.at[0] == 'd' && line.at[line.length - name.length - 1] == ' ' &&
            text_equal(text_slice(line, line.length - name.length, name.length), name))
            return true;
    }
    return false;
}

void drop_listing_read_lines(struct text names, struct text long_lines, const char *patterns,
                             struct drop_listing *ret_listing)
{
    enum { LINES_MAX = 20 * DROP_FILES_MAX };
    listing_begin(ret_listing);
    for (int i = 0; names.length && i < LINES_MAX; i++) {
        struct text name = text_until(names, '\n', &names);
        if (name.length && !text_is(name, ".") && !text_is(name, "..") && !is_folder(long_lines, name))
            name_add(ret_listing, name, patterns);
    }
    ret_listing->cut = ret_listing->cut || names.length > 0;
    listing_end(ret_listing);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The target of a link as a name: character references first, then %XX. */
static struct text link_decode(struct arena *arena, struct text raw)
{
    char *out = arena_alloc(arena, raw.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < raw.length; i++) {
        struct text rest = text_slice(raw, i, raw.length);
        if (text_starts(rest, "&amp;")) {
            out[length++] = '&';
            i += 4;
        } else if (rest.length > 2 && raw.at[i] == '%' && hex_digit(raw.at[i + 1]) >= 0 &&
                   hex_digit(raw.at[i + 2]) >= 0) {
            out[length++] = (char)(hex_digit(raw.at[i + 1]) << 4 | hex_digit(raw.at[i + 2]));
            i += 2;
        } else {
            out[length++] = raw.at[i];
        }
    }
    return (struct text){out, length};
}

/* What leads elsewhere, sorts the page or is a folder; judged before it is decoded, so that "..%2f" is no folder. */
static bool leads_away(struct text raw)
{
    return !raw.length || raw.at[0] == '?' || raw.at[0] == '#' || raw.at[0] == '/' || text_ends(raw, "/") ||
           text_find(raw, TEXT(":")) < raw.length;
}

void drop_listing_read_html(struct text page, const char *patterns, struct drop_listing *ret_listing)
{
    static const char href[] = "href=";
    enum { HREF = sizeof href - 1 };
    listing_begin(ret_listing);
    for (size_t at = 0; at + HREF + 1 < page.length; at++) {
        if (strncasecmp(page.at + at, href, HREF) != 0)
            continue;
        at += HREF;
        char quote = page.at[at];
        if (quote != '"' && quote != '\'')
            continue;
        struct text rest = text_slice(page, at + 1, page.length), raw = text_until(rest, quote, &rest);
        if (text_starts(raw, "./"))
            raw = text_slice(raw, 2, raw.length);
        if (!leads_away(raw))
            name_add(ret_listing, link_decode(ret_listing->arena, raw), patterns);
        at += raw.length;
    }
    listing_end(ret_listing);
}
