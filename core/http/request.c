/* What handlers read from a request. */
#include <string.h>
#include <strings.h>
#include "core/http/exchange.h"

struct text request_capture(const struct request *rq, const char *name)
{
    const struct route_match *match = &exchange_of(rq)->match;
    for (size_t i = 0; i < match->count; i++)
        if (!strcmp(match->names[i], name))
            return match->values[i];
    return TEXT_NONE;
}

struct text request_query_string(const struct request *rq)
{
    return exchange_of(rq)->raw_query;
}

struct text request_query(const struct request *rq, const char *name)
{
    struct exchange *exchange = exchange_of(rq);
    struct text raw = wire_query_find(exchange->raw_query, name);
    if (!raw.length)
        return raw;
    char *room = arena_alloc(&exchange->rq.arena, raw.length + 1);
    size_t length;
    if (!wire_decode(raw, PLUS_IS_SPACE, room, &length))
        return TEXT_NONE;
    struct text value = {room, length};
    return text_is_utf8(value) ? value : TEXT_NONE;
}

struct text request_header(const struct request *rq, const char *name)
{
    const struct exchange *exchange = exchange_of(rq);
    size_t length = strlen(name);
    for (size_t i = 0; i < exchange->header_count; i++) {
        const struct header *header = &exchange->headers[i];
        if (header->name.length == length && !strncasecmp(header->name.at, name, length))
            return header->value;
    }
    return TEXT_NONE;
}

struct text request_cookie(const struct request *rq, const char *name)
{
    const struct exchange *exchange = exchange_of(rq);
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (!text_is_nocase(exchange->headers[i].name, "Cookie"))
            continue;
        struct text value = wire_cookie_find(exchange->headers[i].value, name);
        if (value.at)
            return value;
    }
    return TEXT_NONE;
}

static bool is_proxy(const struct http_config *config, struct text address)
{
    for (size_t i = 0; i < config->proxy_count; i++)
        if (text_is(address, config->proxies[i]))
            return true;
    return false;
}

struct text request_peer(const struct request *rq)
{
    const struct exchange *exchange = exchange_of(rq);
    const struct http_config *config = &exchange->loop->server->config;
    struct text peer = text_of(exchange->peer);
    /* Nearest hop first: the last header, its last address. The first that is no proxy is the caller; what stands
     * before it was written by the caller and proves nothing. */
    for (size_t i = exchange->header_count; i > 0 && is_proxy(config, peer); i--) {
        const struct header *header = &exchange->headers[i - 1];
        if (!text_is_nocase(header->name, "X-Forwarded-For"))
            continue;
        struct text list = header->value;
        while (list.at && is_proxy(config, peer)) {
            struct text hop = wire_forwarded_last(&list);
            if (!hop.at || !wire_is_address(hop))
                return peer;
            peer = hop;
        }
    }
    return peer;
}
