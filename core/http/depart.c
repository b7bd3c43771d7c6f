/* Replies on their way out; on the loop's thread only. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "core/http/exchange.h"

enum { LINGER_US = 2 * 1000 * 1000, SEND_FACTOR = 10 };

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    /* Refused only for characters that reply_header has removed, or by want of memory: then the header is missing. */
    (void)MHD_add_response_header(response, name, value);
}

static enum MHD_Result hand_over(struct exchange *exchange, struct MHD_Response *response, int status)
{
    const struct http_config *config = &exchange->loop->server->config;
    if (exchange->body_coming || atomic_load_explicit(&exchange->loop->server->stop_due_us, memory_order_relaxed))
        add(response, "Connection", "close");
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    exchange->stage = STAGE_ANSWERED;
    exchange->line->exchange = NULL;
    exchange->line->due_us = exchange->loop->now_us + config->idle_timeout_ms * INT64_C(1000) * SEND_FACTOR;
    return result;
}

enum MHD_Result depart_reply(struct exchange *exchange)
{
    struct request *rq = &exchange->rq;
    const struct http_config *config = &exchange->loop->server->config;
    if (config->before_reply)
        config->before_reply(rq, exchange->status, exchange->content_type);
    /* The bytes stay in the exchange until libmicrohttpd says that the request is complete. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(exchange->reply.length, exchange->reply.at, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    if (exchange->content_type)
        add(response, "Content-Type", exchange->content_type);
    add(response, "X-Request-Id", rq->id);
    add(response, "X-Content-Type-Options", "nosniff");
    if (!exchange->content_type || strcmp(exchange->content_type, "application/json") != 0)
        add(response, "Referrer-Policy", "no-referrer"); /* a page's address may hold a token */
    bool cached = false;
    for (size_t i = 0; i < exchange->reply_header_count; i++) {
        add(response, exchange->reply_headers[i].name, exchange->reply_headers[i].value);
        cached = cached || !strcasecmp(exchange->reply_headers[i].name, "Cache-Control");
    }
    if (!cached)
        add(response, "Cache-Control", "no-store");
    return hand_over(exchange, response, exchange->status);
}

/* A problem that needs nothing but the request's id, which never changes. */
static void problem_alone(struct exchange *exchange, enum err err, struct buf *out)
{
    problem_write(out, err, exchange->rq.id, NULL);
}

enum MHD_Result depart_expired(struct exchange *exchange)
{
    struct buf body = {0};
    char seconds[16];
    problem_alone(exchange, ERR_TIMEOUT, &body);
    snprintf(seconds, sizeof seconds, "%d", exchange->loop->server->config.retry_after_s);
    struct MHD_Response *response = MHD_create_response_from_buffer(body.length, body.at, MHD_RESPMEM_MUST_COPY);
    buf_done(&body);
    if (!response)
        return MHD_NO;
    add(response, "Content-Type", "application/problem+json");
    add(response, "X-Request-Id", exchange->rq.id);
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "Cache-Control", "no-store");
    add(response, "Retry-After", seconds);
    return hand_over(exchange, response, err_info(ERR_TIMEOUT)->http_status);
}

/* libmicrohttpd accepts no reply in the middle of a body, and closing with unread bytes makes the kernel reset the
 * connection before a distant client has read the reply. So the reply is written here, our side of the socket closed,
 * and the rest of the body swallowed for a bounded while. */
static void send_now(struct exchange *exchange, enum err err)
{
    const struct http_config *config = &exchange->loop->server->config;
    struct buf body = {0}, out = {0};
    problem_alone(exchange, err, &body);
    exchange->status = err_info(err)->http_status;
    buf_printf(&out,
               "HTTP/1.1 %d Refused\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
               "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
               "Connection: close\r\n",
               exchange->status, body.length, exchange->rq.id);
    if (reply_retry_later(err))
        buf_printf(&out, "Retry-After: %d\r\n", config->retry_after_s);
    for (size_t i = 0; i < exchange->reply_header_count; i++)
        if (!strcasecmp(exchange->reply_headers[i].name, "Allow"))
            buf_printf(&out, "Allow: %s\r\n", exchange->reply_headers[i].value);
    buf_string(&out, "\r\n");
    buf_text(&out, buf_view(&body));
    /* A fresh reply of under 2 KB fits the send buffer; where it does not, the client learns by the closing alone. */
    (void)!send(exchange->line->socket, out.at, out.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(exchange->line->socket, SHUT_WR);
    buf_done(&body);
    buf_done(&out);
    exchange->stage = STAGE_REFUSED;
    exchange->line->due_us = exchange->loop->now_us + LINGER_US;
}

enum MHD_Result depart_refuse(struct exchange *exchange, enum err err)
{
    bool waits = request_header(&exchange->rq, "Expect").at && exchange->stage == STAGE_STARTED;
    if (exchange->body_coming && !waits) {
        send_now(exchange, err);
        return MHD_YES;
    }
    reply_error(&exchange->rq, err);
    return depart_reply(exchange);
}
