/* Files that never change while the program runs: read once, served from memory, cached for ever under their hash. */
#include "app/pages/docs.h"
#include "app/pages/layout.h"
#include "app/pages/pages.h"

#include <stdio.h>
#include <string.h>

enum { ASSET_MAX = 512 * 1024, ASSET_PATH_SIZE = 64, HASH_LENGTH = 12 };

struct asset {
    const char *name, *type;
    struct text bytes;
    char path[ASSET_PATH_SIZE]; /* /static/HASH/name */
};

static struct asset assets[] = {{"style.css", "text/css; charset=utf-8", TEXT_NONE, ""},
                                {"pay.js", "text/javascript; charset=utf-8", TEXT_NONE, ""},
                                {"counter.js", "text/javascript; charset=utf-8", TEXT_NONE, ""},
                                {"icon.svg", "image/svg+xml", TEXT_NONE, ""},
                                {"openapi.json", "application/json", TEXT_NONE, ""}};
enum { ASSET_COUNT = sizeof assets / sizeof *assets };
static struct arena memory;

enum err pages_open(const char *folder, struct faults *faults)
{
    arena_init(&memory);
    for (int i = 0; i < ASSET_COUNT; i++) {
        struct asset *asset = &assets[i];
        const char *path = arena_printf(&memory, "%s/static/%s", folder, asset->name);
        enum err err = file_read(path, ASSET_MAX, &memory, &asset->bytes);
        if (err)
            return faults_add(faults, path, err, NULL);
        uint8_t digest[SHA256_SIZE];
        char hex[HEX_SHA256_SIZE];
        crypto_sha256(asset->bytes, digest);
        hex_encode(digest, sizeof digest, hex);
        snprintf(asset->path, sizeof asset->path, "/static/%.*s/%s", HASH_LENGTH, hex, asset->name);
    }
    return OK;
}

void pages_close(void)
{
    for (int i = 0; i < ASSET_COUNT; i++)
        assets[i].bytes = TEXT_NONE;
    arena_done(&memory);
}

const char *asset_path(const char *name)
{
    for (int i = 0; i < ASSET_COUNT; i++)
        if (!strcmp(assets[i].name, name))
            return assets[i].path;
    return "/static/missing";
}

static enum err serve(struct request *rq, const struct asset *asset, struct text cache)
{
    struct text etag = arena_textf(&rq->arena, "\"%.*s\"", HASH_LENGTH, asset->path + strlen("/static/"));
    reply_header(rq, "Cache-Control", cache);
    reply_header(rq, "ETag", etag);
    if (text_equal(request_header(rq, "If-None-Match"), etag))
        return reply_body(rq, 304, NULL, TEXT_NONE);
    return reply_body(rq, 200, asset->type, asset->bytes);
}

/* With the right hash the bytes can never change; an old page's hash gets today's bytes, but not for ever. */
enum err pages_static_handle(struct request *rq)
{
    struct text name, path = request_capture(rq, "path");
    text_until(path, '/', &name);
    for (int i = 0; i < ASSET_COUNT; i++)
        if (text_is(name, assets[i].name) && assets[i].bytes.at)
            return serve(rq, &assets[i],
                         text_is(rq->path, assets[i].path) ? TEXT("public, max-age=31536000, immutable")
                                                           : TEXT("no-cache"));
    return reply_error(rq, ERR_NOT_FOUND);
}

static const struct asset *openapi(void)
{
    return &assets[ASSET_COUNT - 1];
}

enum err pages_openapi_handle(struct request *rq)
{
    return openapi()->bytes.at ? serve(rq, openapi(), TEXT("no-cache")) : reply_error(rq, ERR_NOT_FOUND);
}

struct text pages_openapi_text(void)
{
    return openapi()->bytes;
}
