/* Everything core/http reads from the wire by itself, and the router behind it. Input: request target, line feed,
 * a header value that is read as cookies, media type and forwarded addresses. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/core.h"
#include "core/http/router.h"
#include "core/http/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err nothing(struct request *rq)
{
    return OK;
}

#define ROUTE(m, p)                                                                                                    \
    {                                                                                                                  \
        m, p, nothing, HTTP_INLINE, .access = ACCESS_PUBLIC                                                            \
    }

static const struct route table[] = {
    ROUTE("GET", "/"),
    ROUTE("POST", "/v1/quotes"),
    ROUTE("GET", "/v1/receipts/{id}"),
    ROUTE("GET", "/v1/receipts/{id}.xml"),
    ROUTE("POST", "/v1/receipts/{id}/replace"),
    ROUTE("GET", "/v1/{a}/{b}/x{c}y"),
    ROUTE("GET", "/assets/{path*}"),
};

static void read_target(const struct router *router, struct text target)
{
    struct text raw_path, query;
    if (wire_target_split(target, &raw_path, &query))
        return;
    char *room = malloc(raw_path.length ? raw_path.length : 1);
    struct wire_path path;
    if (!wire_path_read(raw_path, room, &path)) {
        struct route_match match;
        assert(text_is_utf8(path.decoded) && path.decoded.length <= raw_path.length);
        assert(path.count >= 1 && path.count <= WIRE_SEGMENTS_MAX);
        if (!router_find(router, "GET", &path, &match)) {
            assert(match.route && match.count <= HTTP_CAPTURES_MAX);
            for (size_t i = 0; i < match.count; i++)
                assert(match.names[i] && match.values[i].at >= room &&
                       match.values[i].at + match.values[i].length <= room + raw_path.length);
        }
    }
    free(room);
    struct text value = wire_query_find(query, "q");
    if (value.length) {
        size_t length;
        char *decoded = malloc(value.length);
        assert(!wire_decode(value, PLUS_IS_SPACE, decoded, &length) || length <= value.length);
        free(decoded);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct router *router;
    if (!router && router_new(table, sizeof table / sizeof *table, &router))
        abort();
    struct text input = {(const char *)data, size}, header;
    struct text target = text_until(input, '\n', &header);
    read_target(router, target);
    struct text cookie = wire_cookie_find(header, "session");
    assert(cookie.length <= header.length);
    (void)wire_media_is(header, "application/json text/csv");
    (void)wire_is_token(header);
    (void)wire_is_digits(header);
    size_t hops = 0;
    for (struct text hop; (hop = wire_forwarded_last(&header)).at; hops++)
        (void)wire_is_address(hop);
    assert(hops <= size);
    return 0;
}
