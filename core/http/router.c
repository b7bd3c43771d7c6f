#include "core/http/router.h"

#include <stdio.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_COUNT };
static const char *const method_names[METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

/* In the order in which they are tried. */
enum kind { FIXED, BESIDE, BARE, REST };

struct node {
    enum kind kind;
    struct text prefix, suffix;   /* FIXED: prefix is the whole segment */
    struct node *next, *children; /* FIXED ones first */
    struct node **fixed;          /* the FIXED children in order of by_name */
    size_t fixed_count;
    struct node *others; /* the first child that is not FIXED */
    const struct route *routes[METHOD_COUNT];
};

struct names {
    const char *list[HTTP_CAPTURES_MAX];
};

struct router {
    struct arena arena;
    struct node root;
    const struct route *routes;
    struct names *names; /* by index of route */
};

static int method_of(const char *method)
{
    if (!strcmp(method, "HEAD"))
        return METHOD_GET;
    for (int i = 0; i < METHOD_COUNT; i++)
        if (!strcmp(method, method_names[i]))
            return i;
    return -1;
}

/* Reads one segment of a pattern; `ret_name` is at NULL when it captures nothing. */
static enum err segment_read(struct text segment, struct node *ret_node, struct text *ret_name)
{
    size_t open = text_find(segment, TEXT("{")), close = text_find(segment, TEXT("}"));
    *ret_node = (struct node){.kind = FIXED, .prefix = segment};
    *ret_name = TEXT_NONE;
    if (open == segment.length)
        return close == segment.length ? OK : ERR_CONFIG;
    if (close == segment.length || close < open + 2)
        return ERR_CONFIG;
    *ret_name = text_slice(segment, open + 1, close - open - 1);
    ret_node->prefix = text_slice(segment, 0, open);
    ret_node->suffix = text_slice(segment, close + 1, segment.length);
    ret_node->kind = ret_node->prefix.length || ret_node->suffix.length ? BESIDE : BARE;
    if (text_ends(*ret_name, "*")) {
        if (ret_node->kind != BARE)
            return ERR_CONFIG;
        ret_node->kind = REST;
        ret_name->length--;
    }
    return OK;
}

static bool tried_before(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind;
    return a->prefix.length + a->suffix.length >= b->prefix.length + b->suffix.length;
}

static struct node *child(struct router *router, struct node *parent, const struct node *wanted)
{
    struct node **at = &parent->children;
    for (; *at; at = &(*at)->next)
        if ((*at)->kind == wanted->kind && text_equal((*at)->prefix, wanted->prefix) &&
            text_equal((*at)->suffix, wanted->suffix))
            return *at;
    at = &parent->children;
    while (*at && tried_before(*at, wanted))
        at = &(*at)->next;
    struct node *made = ARENA_NEW(&router->arena, struct node);
    *made = *wanted;
    made->next = *at;
    *at = made;
    return made;
}

static enum err route_add(struct router *router, size_t index)
{
    const struct route *route = &router->routes[index];
    int method = method_of(route->method);
    if (method < 0 || !strcmp(route->method, "HEAD") || !route->handle || route->pattern[0] != '/')
        return ERR_CONFIG;
    struct node *node = &router->root;
    struct text rest = text_of(route->pattern + 1);
    size_t captures = 0, depth = 0;
    while (rest.at) {
        struct node wanted;
        struct text name, segment = text_until(rest, '/', &rest);
        if (segment_read(segment, &wanted, &name) || ++depth > WIRE_SEGMENTS_MAX || (wanted.kind == REST && rest.at))
            return ERR_CONFIG;
        if (name.at && captures == HTTP_CAPTURES_MAX)
            return ERR_CONFIG;
        if (name.at)
            router->names[index].list[captures++] = arena_copy(&router->arena, name);
        node = child(router, node, &wanted);
    }
    if (node->routes[method])
        return ERR_CONFIG;
    node->routes[method] = route;
    return OK;
}

static int name_compare(struct text a, struct text b)
{
    return a.length != b.length ? (a.length > b.length ? 1 : -1) : memcmp(a.at, b.at, a.length);
}

static int by_name(const void *a, const void *b)
{
    return name_compare((*(struct node *const *)a)->prefix, (*(struct node *const *)b)->prefix);
}

/* Once all routes stand; depth is bounded by WIRE_SEGMENTS_MAX. */
static void node_seal(struct router *router, struct node *node)
{
    size_t count = 0;
    for (node->others = node->children; node->others && node->others->kind == FIXED; node->others = node->others->next)
        count++;
    node->fixed = ARENA_ARRAY(&router->arena, struct node *, count);
    for (struct node *child = node->children; child; child = child->next) {
        if (child->kind == FIXED)
            node->fixed[node->fixed_count++] = child;
        node_seal(router, child);
    }
    qsort(node->fixed, node->fixed_count, sizeof *node->fixed, by_name);
}

enum err router_new(const struct route *routes, size_t count, struct router **ret_router)
{
    struct router *router = memory_new(sizeof *router);
    arena_init(&router->arena);
    router->routes = routes;
    router->names = ARENA_ARRAY(&router->arena, struct names, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = route_add(router, i);
        if (err) {
            router_free(router);
            return err;
        }
    }
    node_seal(router, &router->root);
    *ret_router = router;
    return OK;
}

void router_free(struct router *router)
{
    if (!router)
        return;
    arena_done(&router->arena);
    free(router);
}

struct search {
    const struct wire_path *path;
    int method;
    struct route_match *match;
};

static struct text rest_of(const struct wire_path *path, size_t from)
{
    size_t offset = (size_t)(path->segments[from].at - path->decoded.at);
    return text_slice(path->decoded, offset, path->decoded.length);
}

/* A slash that came as %2F must not become a separator of file names. */
static bool rest_is_plain(const struct wire_path *path, size_t from)
{
    for (size_t i = from; i < path->count; i++)
        if (path->segments[i].length && memchr(path->segments[i].at, '/', path->segments[i].length))
            return false;
    return true;
}

static bool segment_fits(const struct node *node, struct text segment, struct text *ret_value)
{
    size_t fixed = node->prefix.length + node->suffix.length;
    if (segment.length <= fixed || !text_equal(text_slice(segment, 0, node->prefix.length), node->prefix) ||
        !text_equal(text_slice(segment, segment.length - node->suffix.length, node->suffix.length), node->suffix))
        return false;
    *ret_value = text_slice(segment, node->prefix.length, segment.length - fixed);
    return true;
}

static bool node_ends(const struct node *node, const struct search *search)
{
    for (int i = 0; i < METHOD_COUNT; i++)
        if (node->routes[i])
            search->match->allowed |= 1u << i;
    if (search->method >= 0)
        search->match->route = node->routes[search->method];
    return search->match->route;
}

static const struct node *fixed_find(const struct node *parent, struct text segment)
{
    size_t from = 0, to = parent->fixed_count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        int side = name_compare(segment, parent->fixed[middle]->prefix);
        if (!side)
            return parent->fixed[middle];
        if (side < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

/* Depth is bounded by WIRE_SEGMENTS_MAX. */
static bool node_find(const struct node *parent, const struct search *search, size_t depth)
{
    struct route_match *match = search->match;
    if (depth == search->path->count)
        return node_ends(parent, search);
    const struct node *fixed = fixed_find(parent, search->path->segments[depth]);
    if (fixed && node_find(fixed, search, depth + 1))
        return true;
    size_t count = match->count;
    for (const struct node *node = parent->others; node; node = node->next) {
        struct text value = TEXT_NONE;
        match->count = count;
        if (node->kind == REST) {
            if (!rest_is_plain(search->path, depth))
                continue;
            match->values[match->count++] = rest_of(search->path, depth);
            if (node_ends(node, search))
                return true;
            continue;
        }
        if (!segment_fits(node, search->path->segments[depth], &value))
            continue;
        if (value.at)
            match->values[match->count++] = value;
        if (node_find(node, search, depth + 1))
            return true;
    }
    match->count = count;
    return false;
}

enum err router_find(const struct router *router, const char *method, const struct wire_path *path,
                     struct route_match *ret_match)
{
    ret_match->route = NULL;
    ret_match->allowed = 0;
    ret_match->count = 0;
    const struct search search = {path, method_of(method), ret_match};
    if (!node_find(&router->root, &search, 0))
        return ret_match->allowed ? ERR_METHOD : ERR_NOT_FOUND;
    ret_match->names = router->names[ret_match->route - router->routes].list;
    return OK;
}

void router_allow(unsigned allowed, char ret_allow[ROUTER_ALLOW_SIZE])
{
    size_t length = 0;
    ret_allow[0] = '\0';
    for (int i = 0; i < METHOD_COUNT; i++) {
        if (!(allowed & 1u << i))
            continue;
        length += (size_t)snprintf(ret_allow + length, ROUTER_ALLOW_SIZE - length, "%s%s", length ? ", " : "",
                                   i == METHOD_GET ? "GET, HEAD" : method_names[i]);
        assert(length < ROUTER_ALLOW_SIZE);
    }
}
