/* What would have gone to people by mail, SMS or Zalo, kept to be looked at. */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"

enum { KEEP_MAX = 2000 };

struct message {
    int64_t id;
    instant_us at;
    const char *channel;
    json_t *body;
};

struct sink {
    pthread_mutex_t lock;
    struct message messages[KEEP_MAX]; /* ring */
    int64_t count;
};

enum err sink_open(struct sandbox *sandbox)
{
    sandbox->sink = memory_new(sizeof *sandbox->sink);
    pthread_mutex_init(&sandbox->sink->lock, NULL);
    return OK;
}

/* Returns the message's number, 0 when the body is no JSON object. */
int64_t sink_keep(struct sink *sink, const char *channel, struct text object)
{
    json_t *body = json_loadb(object.at ? object.at : "", object.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(body)) {
        json_decref(body);
        return 0;
    }
    pthread_mutex_lock(&sink->lock);
    int64_t id = ++sink->count;
    struct message *message = &sink->messages[id % KEEP_MAX];
    json_decref(message->body);
    *message = (struct message){.id = id, .at = clock_now(), .channel = channel, .body = body};
    pthread_mutex_unlock(&sink->lock);
    return id;
}

static int64_t keep(struct visit *visit, const char *channel)
{
    return sink_keep(visit->sandbox->sink, channel, buf_view(&visit->body));
}

static void mail(struct visit *visit)
{
    int64_t id = keep(visit, "mail");
    if (id)
        buf_printf(&visit->reply, "{\"accepted\":true,\"id\":%lld}", (long long)id);
    else
        visit_refuse(visit, 400, "json_syntax", "JSON");
}

/* eSMS: CodeResult "100" accepted. */
static void sms(struct visit *visit)
{
    int64_t id = keep(visit, "sms");
    if (id)
        buf_printf(&visit->reply, "{\"CodeResult\":\"100\",\"CountRegenerate\":0,\"SMSID\":\"sandbox-%lld\"}",
                   (long long)id);
    else
        buf_string(&visit->reply, "{\"CodeResult\":\"99\",\"ErrorMessage\":\"JSON\"}");
}

/* Zalo ZNS: error 0 accepted; the token is in a header. */
static void zalo(struct visit *visit)
{
    int64_t id = 0;
    if (!visit_header(visit, "access_token").length)
        buf_string(&visit->reply, "{\"error\":-124,\"message\":\"Access token invalid\"}");
    else if (!(id = keep(visit, "zalo")))
        buf_string(&visit->reply, "{\"error\":-108,\"message\":\"Invalid body\"}");
    else
        buf_printf(&visit->reply, "{\"error\":0,\"message\":\"Success\",\"data\":{\"msg_id\":\"sandbox-%lld\"}}",
                   (long long)id);
}

/* GET /sink/messages?after=: oldest first. */
static void messages(struct visit *visit)
{
    struct sink *sink = visit->sandbox->sink;
    int64_t after = 0;
    (void)!text_to_int64(visit_query(visit, "after"), &after);
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&sink->lock);
    int64_t first = sink->count >= KEEP_MAX ? sink->count - KEEP_MAX + 1 : 1;
    for (int64_t id = after + 1 > first ? after + 1 : first; id <= sink->count; id++) {
        const struct message *message = &sink->messages[id % KEEP_MAX];
        char *body = json_dumps(message->body, JSON_COMPACT | JSON_PRESERVE_ORDER);
        json_put_object(&json, NULL);
        json_put_int(&json, "id", message->id);
        json_put_string(&json, "channel", message->channel);
        json_put_instant(&json, "at", message->at);
        json_put_raw(&json, "message", text_of(body));
        json_put_end(&json);
        free(body);
    }
    pthread_mutex_unlock(&sink->lock);
    json_put_end(&json);
    json_put_end(&json);
}

void sink_messages_html(struct sink *sink, struct buf *out)
{
    pthread_mutex_lock(&sink->lock);
    for (int64_t id = sink->count; id > 0 && id > sink->count - 20; id--) {
        const struct message *message = &sink->messages[id % KEEP_MAX];
        char at[INSTANT_TEXT_SIZE], *body = json_dumps(message->body, JSON_COMPACT | JSON_PRESERVE_ORDER);
        instant_format_vi(message->at, at);
        buf_printf(out, "<tr><td>%s<td>%s<td>", at, message->channel);
        html_text(out, text_of(body));
        free(body);
    }
    pthread_mutex_unlock(&sink->lock);
}

const struct road sink_roads[] = {{"POST", "/sink/mail", mail},
                                  {"POST", "/sink/sms", sms},
                                  {"POST", "/MainService.svc/json/SendMultipleMessage_V4_post_json/", sms},
                                  {"POST", "/sink/zalo", zalo},
                                  {"POST", "/message/template", zalo},
                                  {"POST", "/v3.0/oa/message/cs", zalo},
                                  {"GET", "/sink/messages", messages},
                                  {0}};
