/* The adapter that speaks HTTPS: POST {url}/messages hands a message over, GET {url}/messages?code= asks for it.
 *
 * The body is the invoice system's envelope (TDiep of QĐ 1450/QĐ-TCT: who, what kind, which code) around the signed
 * document. The answer is JSON {status: accepted|refused|pending, reason}. The official channel (TT 91/2026 art. 3.4: a
 * leased line and SOAP) has the same two questions; it is another adapter, not another caller. */
#include <stdlib.h>
#include <string.h>
#include "receipts/envelope.h"
#include "receipts/receipts.h"

enum { CONNECT_MS = 5000, TOTAL_MS = 20000, ANSWER_MAX = 64 * 1024 };

struct https {
    struct tax_adapter adapter;
    struct http_client *client;
    const char *url, *token, *ca_file;
};

static void wrap(const struct tax_letter *letter, struct buf *out)
{
    element_open(out, "TDiep");
    element_open(out, "TTChung");
    element_text(out, "PBan", TEXT("1.0"));
    element_text(out, "MNGui", letter->collector);
    element_text(out, "MLTDiep", letter->form);
    element_text(out, "MTDiep", letter->code);
    element_text(out, "MST", letter->collector);
    element_int(out, "SLuong", 1);
    element_close(out, "TTChung");
    element_open(out, "DLieu");
    buf_text(out, letter->xml);
    element_close(out, "DLieu");
    element_close(out, "TDiep");
}

static enum err read_answer(const struct http_answer *answer, struct arena *arena, struct tax_answer *ret)
{
    struct faults faults;
    json_t *json;
    faults_init(&faults, arena);
    if (answer->status >= 500 || json_parse_value(answer->body, &json, &faults))
        return ERR_UNKNOWN_OUTCOME;
    struct text status = text_of(json_string_value(json_object_get(json, "status")));
    if (answer->status == 401 || answer->status == 403 || answer->status == 429)
        return ERR_UNAVAILABLE; /* not taken: who we are, or how often */
    *ret = (struct tax_answer){.words = arena_text(arena, text_of(json_string_value(json_object_get(json, "reason")))),
                               .raw = text_head(answer->body, 4000)};
    if (text_is(status, "accepted"))
        ret->verdict = TAX_ACCEPTED;
    else if (text_is(status, "refused") || (answer->status >= 400 && answer->status < 500))
        ret->verdict = TAX_REFUSED;
    else if (text_is(status, "pending"))
        ret->verdict = TAX_PENDING;
    else
        return ERR_UNKNOWN_OUTCOME;
    return OK;
}

static enum err call(const struct https *https, const struct http_call *what, struct arena *arena,
                     struct http_answer *ret)
{
    const struct http_pair headers[] = {
        {"Content-Type", TEXT("application/xml; charset=utf-8")},
        {"Authorization", arena_textf(arena, "Bearer %s", https->token)},
    };
    struct http_call call = *what;
    call.headers = headers;
    call.header_count = https->token[0] ? 2 : 1;
    call.connect_timeout_ms = CONNECT_MS;
    call.total_timeout_ms = TOTAL_MS;
    call.answer_max = ANSWER_MAX;
    call.ca_file = https->ca_file[0] ? https->ca_file : NULL;
    return http_client_call(https->client, &call, arena, ret);
}

static enum err https_send(void *with, const struct tax_letter *letter, struct arena *arena, struct tax_answer *ret)
{
    struct buf body = {0};
    struct http_answer answer;
    wrap(letter, &body);
    const struct https *https = with;
    struct http_call post = {
        .method = "POST", .url = arena_printf(arena, "%s/messages", https->url), .body = buf_view(&body)};
    enum err err = call(https, &post, arena, &answer);
    buf_done(&body);
    return err ? err : read_answer(&answer, arena, ret);
}

static enum err https_ask(void *with, struct text code, struct arena *arena, struct tax_answer *ret)
{
    const struct https *https = with;
    struct http_answer answer;
    struct http_call get = {.method = "GET",
                            .url = arena_printf(arena, "%s/messages?code=%.*s", https->url, TEXT_ARGS(code))};
    const enum err failed = call(https, &get, arena, &answer);
    if (!failed && answer.status != 404)
        return read_answer(&answer, arena, ret);
    return failed ? failed : ERR_NOT_FOUND;
}

const struct tax_adapter *tax_https_new(struct http_client *client, const char *url, const char *token,
                                        const char *ca_file)
{
    struct https *https = memory_new(sizeof *https);
    *https = (struct https){{https_send, https_ask, https}, client, url, token, ca_file};
    return &https->adapter;
}

void tax_https_free(const struct tax_adapter *adapter)
{
    if (adapter)
        free(adapter->with);
}
