/* What handlers reply; kept in the exchange until its loop sends it. */
#include <assert.h>
#include <string.h>
#include <strings.h>
#include "core/http/exchange.h"

const char *reply_header_find(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->reply_header_count; i++)
        if (!strcasecmp(exchange->reply_headers[i].name, name))
            return exchange->reply_headers[i].value;
    return NULL;
}

void reply_header(struct request *rq, const char *name, struct text value)
{
    struct exchange *exchange = exchange_of(rq);
    char *copy = arena_copy(&rq->arena, value);
    for (size_t i = 0; i < value.length; i++)
        if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7F)
            copy[i] = ' '; /* no second header can be smuggled in by data */
    struct reply_header header = {arena_copy(&rq->arena, text_of(name)), copy};
    bool adds = !strcasecmp(name, "Set-Cookie") || !strcasecmp(name, "Link");
    for (size_t i = 0; !adds && i < exchange->reply_header_count; i++) {
        if (!strcasecmp(exchange->reply_headers[i].name, name)) {
            exchange->reply_headers[i] = header;
            return;
        }
    }
    assert(exchange->reply_header_count < HTTP_REPLY_HEADERS_MAX);
    exchange->reply_headers[exchange->reply_header_count++] = header;
}

static struct exchange *reply_begin(struct request *rq, int status, const char *content_type)
{
    struct exchange *exchange = exchange_of(rq);
    assert(!exchange->replied);
    assert(status >= 200 && status <= 599);
    exchange->replied = true;
    exchange->status = status;
    exchange->content_type = content_type;
    buf_clear(&exchange->reply);
    return exchange;
}

enum err reply_json(struct request *rq, int status, void (*write)(struct json *json, const void *what),
                    const void *what)
{
    struct exchange *exchange = reply_begin(rq, status, "application/json");
    struct json json = json_to(&exchange->reply);
    write(&json, what);
    assert(json.depth == 0);
    return OK;
}

enum err reply_body(struct request *rq, int status, const char *content_type, struct text body)
{
    const char *type = content_type ? arena_copy(&rq->arena, text_of(content_type)) : NULL;
    struct exchange *exchange = reply_begin(rq, status, type);
    buf_text(&exchange->reply, body);
    return OK;
}

struct text reply_written(const struct request *rq)
{
    const struct exchange *exchange = exchange_of(rq);
    assert(exchange->replied);
    return buf_view(&exchange->reply);
}

enum err reply_redirect(struct request *rq, int status, const char *location)
{
    assert(status >= 300 && status <= 399);
    reply_header(rq, "Location", text_of(location));
    reply_begin(rq, status, NULL);
    return OK;
}

static void fault_write(struct json *json, const struct fault *fault)
{
    json_put_object(json, NULL);
    json_put_string(json, "pointer", fault->where);
    json_put_string(json, "code", err_info(fault->code)->code);
    json_put_string(json, "detail", fault->detail);
    json_put_end(json);
}

void problem_write(struct buf *out, enum err err, const char *id, const struct faults *faults)
{
    const struct err_info *info = err_info(err);
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_textf(&json, "type", "/docs/errors#%s", info->code);
    json_put_string(&json, "title", info->vi);
    json_put_int(&json, "status", info->http_status);
    json_put_string(&json, "detail", info->vi);
    json_put_string(&json, "detail_en", info->en);
    json_put_string(&json, "code", info->code);
    json_put_string(&json, "instance", id);
    if (faults) {
        json_put_array(&json, "errors");
        for (size_t i = 0; i < faults->count; i++)
            fault_write(&json, &faults->list[i]);
        json_put_end(&json);
        if (faults->dropped)
            json_put_int(&json, "errors_dropped", (int64_t)faults->dropped);
    }
    json_put_end(&json);
}

bool reply_retry_later(enum err err)
{
    int status = err_info(err)->http_status;
    return status == 503 || status == 429;
}

static enum err reply_problem(struct request *rq, enum err err, const struct faults *faults)
{
    assert(err != OK);
    struct exchange *exchange = exchange_of(rq);
    int status = err_info(err)->http_status;
    if (reply_retry_later(err) && !reply_header_find(exchange, "Retry-After"))
        reply_header(rq, "Retry-After", arena_textf(&rq->arena, "%d", exchange->loop->server->config.retry_after_s));
    if (status == 401 && !reply_header_find(exchange, "WWW-Authenticate"))
        reply_header(rq, "WWW-Authenticate", TEXT("Bearer"));
    reply_begin(rq, status, "application/problem+json");
    problem_write(&exchange->reply, err, rq->id, faults);
    return OK;
}

enum err reply_error(struct request *rq, enum err err)
{
    return reply_problem(rq, err, NULL);
}

enum err reply_faults(struct request *rq, enum err err)
{
    return reply_problem(rq, err, &rq->faults);
}

void request_defer(struct request *rq)
{
    struct exchange *exchange = exchange_of(rq);
    assert(!exchange->deferred && !exchange->replied);
    if (rq->route->place == HTTP_INLINE)
        exchange_own_headers(exchange); /* before anybody else sees them */
    exchange->deferred = true;
    atomic_fetch_add(&exchange->holds, 1);
}

void request_finish(struct request *rq)
{
    struct exchange *exchange = exchange_of(rq);
    assert(exchange->deferred && exchange->replied);
    exchange_let_go(exchange);
}
