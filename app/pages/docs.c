/* The API reference: the same description that machines read, set out for people. */
#include "app/pages/pages.h"

#include <string.h>
#include "app/pages/docs.h"
#include "app/pages/layout.h"

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const char *const verbs[] = {"get", "post", "put"};
enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

static void put_operation(struct page *page, const char *path, const char *verb, const json_t *operation)
{
    struct buf *out = page->out;
    size_t index;
    json_t *parameter, *reply;
    const char *status;
    html(out, "<article class=\"call\"><h3><code><b class=\"verb\">%s</b> %s</code></h3>\n<p>%s</p>\n", verb, path,
         text_at(operation, "summary"));
    if (*text_at(operation, "description"))
        html(out, "<p class=\"meta\">%s</p>\n", text_at(operation, "description"));
    if (json_array_size(json_object_get(operation, "parameters"))) {
        html(out, "<ul class=\"bare\">\n");
        json_array_foreach(json_object_get(operation, "parameters"), index, parameter)
        {
            if (*text_at(parameter, "name"))
                html(out, "<li><code>%s</code> %s</li>\n", text_at(parameter, "name"),
                     text_at(parameter, "description"));
        }
        html(out, "</ul>\n");
    }
    html(out, "<p class=\"meta\">");
    json_object_foreach(json_object_get(operation, "responses"), status, reply)
    {
        html(out, "<span class=\"bit\"><b>%s</b> %s</span> ", status, text_at(reply, "description"));
    }
    html(out, "</p></article>\n");
}

static bool has_tag(const json_t *operation, const char *tag)
{
    size_t index;
    json_t *one;
    json_array_foreach(json_object_get(operation, "tags"), index, one)
    {
        if (json_is_string(one) && !strcmp(json_string_value(one), tag))
            return true;
    }
    return false;
}

/* A tag of nothing would be a heading over emptiness. */
static bool tag_used(const json_t *api, const char *tag)
{
    const char *path;
    json_t *item;
    json_object_foreach(json_object_get(api, "paths"), path, item)
    {
        for (int i = 0; i < VERB_COUNT; i++)
            if (has_tag(json_object_get(item, verbs[i]), tag))
                return true;
    }
    return false;
}

static void put_tag(struct page *page, const json_t *api, const json_t *tag)
{
    const char *path, *name = text_at(tag, "name");
    json_t *item;
    if (!tag_used(api, name))
        return;
    html(page->out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\">%s</h2>\n", name, name, text_at(tag, "description"));
    json_object_foreach(json_object_get(api, "paths"), path, item)
    {
        for (int i = 0; i < VERB_COUNT; i++) {
            json_t *operation = json_object_get(item, verbs[i]);
            if (operation && has_tag(operation, name))
                put_operation(page, path, verbs[i], operation);
        }
    }
    html(page->out, "</section>\n");
}

enum err pages_docs_handle(struct request *rq)
{
    struct buf out = {0};
    struct page page;
    json_t *api, *tag;
    size_t index;
    page_init(&page, rq, &out);
    page.language = PAGE_VI;
    if (json_parse_value(pages_openapi_text(), &api, &rq->faults))
        return page_error(rq, ERR_INTERNAL);
    page_begin(&page, &(struct page_head){.title = "Tài liệu API", .nav = NAV_STAFF});
    html(&out,
         "<h1>Tài liệu API</h1>\n<p>%s</p>\n<p><a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1) là bản mô tả "
         "cho máy đọc.</p>\n<ul class=\"links\">\n",
         text_at(json_object_get(api, "info"), "description"));
    json_array_foreach(json_object_get(api, "tags"), index, tag)
    {
        if (tag_used(api, text_at(tag, "name")))
            html(&out, "<li><a href=\"#%s\">%s</a></li>\n", text_at(tag, "name"), text_at(tag, "description"));
    }
    html(&out, "</ul>\n");
    json_array_foreach(json_object_get(api, "tags"), index, tag)
    {
        put_tag(&page, api, tag);
    }
    page_end(&page);
    return page_reply(&page, 200);
}
