/* A small HTTP server: libmicrohttpd with a thread for every connection, so that a road may simply wait. */
#include "tests/sandbox/sandbox.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum { BODY_MAX = 4 << 20, CONNECTIONS_MAX = 512, IDLE_S = 75 };

struct server {
    struct MHD_Daemon *daemon;
};

static const struct road *const road_lists[] = {
    bank_roads, statement_roads, post_roads,    sink_roads,   courier_roads,  mischief_roads, page_roads, tax_roads,
    tsa_roads,  smtp_roads,      gateway_roads, wallet_roads, terminal_roads, receiver_roads, drop_roads};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static struct text form_decode(struct arena *arena, struct text raw)
{
    char *out = arena_alloc(arena, raw.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < raw.length; i++) {
        if (raw.at[i] == '%' && i + 2 < raw.length && hex_digit(raw.at[i + 1]) >= 0 && hex_digit(raw.at[i + 2]) >= 0) {
            out[length++] = (char)(hex_digit(raw.at[i + 1]) << 4 | hex_digit(raw.at[i + 2]));
            i += 2;
        } else {
            out[length++] = raw.at[i] == '+' ? ' ' : raw.at[i];
        }
    }
    return (struct text){out, length};
}

struct text visit_form(struct visit *visit, const char *name)
{
    struct text rest = buf_view(&visit->body);
    while (rest.length) {
        struct text value, pair = text_until(rest, '&', &rest);
        struct text key = text_until(pair, '=', &value);
        if (text_is(form_decode(&visit->arena, key), name))
            return text_trim(form_decode(&visit->arena, value));
    }
    return TEXT_NONE;
}

struct text visit_query(struct visit *visit, const char *name)
{
    return text_of(MHD_lookup_connection_value(visit->connection, MHD_GET_ARGUMENT_KIND, name));
}

struct text visit_header(struct visit *visit, const char *name)
{
    return text_of(MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, name));
}

void visit_refuse(struct visit *visit, int status, const char *code, const char *detail)
{
    visit->status = status;
    buf_clear(&visit->reply);
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_string(&json, "error", code);
    json_put_string(&json, "detail", detail);
    json_put_array(&json, "errors");
    for (size_t i = 0; i < visit->faults.count; i++) {
        json_put_object(&json, NULL);
        json_put_string(&json, "pointer", visit->faults.list[i].where);
        json_put_string(&json, "code", err_info(visit->faults.list[i].code)->code);
        json_put_string(&json, "detail", visit->faults.list[i].detail);
        json_put_end(&json);
    }
    json_put_end(&json);
    json_put_end(&json);
}

static void walk(struct visit *visit)
{
    bool known = false;
    for (size_t list = 0; list < sizeof road_lists / sizeof *road_lists; list++)
        for (const struct road *road = road_lists[list]; road->path; road++) {
            if (strcmp(road->path, visit->path))
                continue;
            known = true;
            if (!strcmp(road->method, visit->method)) {
                road->visit(visit);
                return;
            }
        }
    visit_refuse(visit, known ? 405 : 404, known ? "method_not_allowed" : "not_found", visit->path);
}

/* Mischief around any road: before it acts, or after it has acted (the caller cannot know which). */
static void go(struct visit *visit)
{
    enum mischief_kind kind = mischief_take(visit->sandbox->mischief, visit->path);
    if (kind == MISCHIEF_HANG)
        mischief_hang();
    if (kind == MISCHIEF_REFUSE) {
        visit_refuse(visit, 400, "refused", "Sandbox được yêu cầu từ chối");
        return;
    }
    if (kind == MISCHIEF_EXPIRE) {
        visit_refuse(visit, 401, "Unauthorized", "Token expired");
        return;
    }
    walk(visit);
    if (kind == MISCHIEF_HANG_AFTER)
        mischief_hang();
    if (kind == MISCHIEF_ANSWER_500)
        visit_refuse(visit, 500, "internal", "Sandbox được yêu cầu trả lời lỗi");
}

static enum MHD_Result reply(struct visit *visit)
{
    if (visit->hang_up)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(visit->reply.length, visit->reply.at, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", visit->content_type);
    if (visit->location)
        MHD_add_response_header(response, "Location", visit->location);
    enum MHD_Result sent = MHD_queue_response(visit->connection, (unsigned)visit->status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result arrive(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    struct visit *visit = *context;
    if (!visit) {
        *context = visit = memory_new(sizeof *visit);
        visit->sandbox = cls;
        visit->connection = connection;
        visit->status = 200;
        visit->content_type = "application/json; charset=utf-8";
        arena_init(&visit->arena);
        faults_init(&visit->faults, &visit->arena);
        visit->method = arena_copy(&visit->arena, text_of(method));
        visit->path = arena_copy(&visit->arena, text_of(url));
        return MHD_YES;
    }
    if (*size) {
        if (visit->body.length + *size > BODY_MAX)
            return MHD_NO;
        buf_put(&visit->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    go(visit);
    return reply(visit);
}

static void completed(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode how)
{
    struct visit *visit = *context;
    if (!visit)
        return;
    buf_done(&visit->body);
    buf_done(&visit->reply);
    arena_done(&visit->arena);
    free(visit);
    *context = NULL;
}

enum err server_start(struct sandbox *sandbox, int port, struct server **ret_server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, (uint16_t)port, NULL, NULL,
        arrive, sandbox, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (!daemon)
        return ERR_IO;
    *ret_server = memory_new(sizeof **ret_server);
    (*ret_server)->daemon = daemon;
    return OK;
}

int server_port(const struct server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
