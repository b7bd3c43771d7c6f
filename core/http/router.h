/* From method and path to a route: a tree of path segments, built once, read by every loop. */
#ifndef LEPHI_CORE_HTTP_ROUTER_H
#define LEPHI_CORE_HTTP_ROUTER_H

#include "core/http/http.h"
#include "core/http/wire.h"

struct router;

struct route_match {
    const struct route *route;
    unsigned allowed; /* ERR_METHOD: which methods the path knows, for router_allow */
    size_t count;
    const char *const *names; /* of the captures */
    struct text values[HTTP_CAPTURES_MAX];
};

/* ERR_CONFIG: a pattern that is malformed, twice the same method and pattern, or an unknown method. */
MUST_CHECK enum err router_new(const struct route *routes, size_t count, struct router **ret_router);
void router_free(struct router *router);
/* ERR_NOT_FOUND, ERR_METHOD. HEAD finds GET. Values point into `path`. */
MUST_CHECK enum err router_find(const struct router *router, const char *method, const struct wire_path *path,
                                struct route_match *ret_match);
/* "GET, HEAD, POST" */
enum { ROUTER_ALLOW_SIZE = 64 };
void router_allow(unsigned allowed, char ret_allow[ROUTER_ALLOW_SIZE]);

#endif
