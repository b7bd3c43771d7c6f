#include "core/http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/memory.h"

enum { IDLE_HANDLES_MAX = 32, ANSWER_HEADERS_MAX = 16 * 1024, POLL_MS = 1000 };

/* One call, on the stack of the thread that waits for it. `head`, `body` and `curl` belong to the client's thread until
 * `done`, which is written under the client's lock. */
struct flight {
    struct flight *previous, *next;
    const struct http_call *call;
    CURL *curl;
    struct curl_slist *lines, *recipients;
    struct buf head, body;
    size_t body_max, sent;
    bool done;
    pthread_cond_t landed;
    enum err err;
    long status;
    int64_t started_us;
};

struct http_client {
    struct http_client_config config;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t all_left; /* flying is 0 while stopping */
    struct flight *waiting;  /* not yet with libcurl; under the lock */
    int flying;              /* callers inside http_client_call; under the lock */
    bool stopping;           /* under the lock */
    struct flight *flights;  /* with libcurl; the thread's own */
    CURL *idle[IDLE_HANDLES_MAX];
    int idle_count;
};

static size_t take_head(char *at, size_t size, size_t count, void *with)
{
    struct flight *flight = with;
    if (flight->head.length + size * count > ANSWER_HEADERS_MAX)
        return 0; /* ends the call */
    if (size * count > 5 && !memcmp(at, "HTTP/", 5))
        buf_clear(&flight->head); /* a 100 Continue came before */
    buf_put(&flight->head, at, size * count);
    return size * count;
}

static size_t take_body(char *at, size_t size, size_t count, void *with)
{
    struct flight *flight = with;
    if (flight->body.length + size * count > flight->body_max)
        return 0; /* ends the call */
    buf_put(&flight->body, at, size * count);
    return size * count;
}

static size_t give_mail(char *room, size_t size, size_t count, void *with)
{
    struct flight *flight = with;
    struct text rest = text_slice(flight->call->body, flight->sent, size * count);
    if (rest.length)
        memcpy(room, rest.at, rest.length);
    flight->sent += rest.length;
    return rest.length;
}

static bool is_mail(const struct http_call *call)
{
    return !strncasecmp(call->url, "smtp", 4);
}

static bool is_read(const struct http_call *call)
{
    return !strcmp(call->method, "GET") || !strcmp(call->method, "HEAD");
}

static bool is_one_line(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] == '\r' || text.at[i] == '\n' || text.at[i] == '\0')
            return false;
    return true;
}

static enum err check_call(const struct http_call *call)
{
    static const char *const protocols[] = {"http://", "https://", "smtp://", "smtps://"};
    bool known = false;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        known = known || (call->url && !strncasecmp(call->url, protocols[i], strlen(protocols[i])));
    if (!known || !is_one_line(text_of(call->url)))
        return ERR_CONFIG;
    if (is_mail(call) ? !call->mail_from || !call->mail_to || !call->mail_to[0] : !call->method)
        return ERR_CONFIG;
    for (size_t i = 0; i < call->header_count; i++)
        if (!is_one_line(text_of(call->headers[i].name)) || !is_one_line(call->headers[i].value))
            return ERR_CONFIG;
    return OK;
}

static void line_add(struct flight *flight, const char *name, struct text value)
{
    struct buf line = {0};
    buf_string(&line, name);
    /* libcurl: "Name;" sends a header without a value, "Name:" removes one. */
    buf_string(&line, value.length ? ": " : ";");
    buf_text(&line, value);
    struct curl_slist *longer = curl_slist_append(flight->lines, buf_cstr(&line));
    if (longer)
        flight->lines = longer;
    buf_done(&line);
}

static void set_http(struct flight *flight)
{
    const struct http_call *call = flight->call;
    CURL *curl = flight->curl;
    for (size_t i = 0; i < call->header_count; i++)
        line_add(flight, call->headers[i].name, call->headers[i].value);
    struct curl_slist *longer = curl_slist_append(flight->lines, "Expect:"); /* no extra round trip for big bodies */
    if (longer)
        flight->lines = longer;
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, flight->lines);
    if (call->body.at) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body.at);
    } else if (!strcmp(call->method, "POST")) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
    if (!strcmp(call->method, "HEAD"))
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    /* On a reused connection that breaks before the first byte of an answer libcurl sends the request again by itself,
     * whatever the method (Curl_retry_request). An act must not be sent twice. */
    if (!is_read(call))
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_mail(struct flight *flight)
{
    const struct http_call *call = flight->call;
    for (size_t i = 0; call->mail_to[i]; i++) {
        struct curl_slist *longer = curl_slist_append(flight->recipients, call->mail_to[i]);
        if (longer)
            flight->recipients = longer;
    }
    curl_easy_setopt(flight->curl, CURLOPT_MAIL_FROM, call->mail_from);
    curl_easy_setopt(flight->curl, CURLOPT_MAIL_RCPT, flight->recipients);
    curl_easy_setopt(flight->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(flight->curl, CURLOPT_READFUNCTION, give_mail);
    curl_easy_setopt(flight->curl, CURLOPT_READDATA, flight);
    curl_easy_setopt(flight->curl, CURLOPT_FRESH_CONNECT, 1L);
    if (call->user) {
        curl_easy_setopt(flight->curl, CURLOPT_USERNAME, call->user);
        curl_easy_setopt(flight->curl, CURLOPT_PASSWORD, call->password ? call->password : "");
        curl_easy_setopt(flight->curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL); /* never a password in the clear */
    }
}

static enum err set_up(struct http_client *client, struct flight *flight)
{
    const struct http_call *call = flight->call;
    const char *ca_file = call->ca_file ? call->ca_file : client->config.ca_file;
    flight->curl = client->idle_count ? client->idle[--client->idle_count] : curl_easy_init();
    CURL *curl = flight->curl;
    if (!curl)
        return ERR_UNAVAILABLE;
    /* The total time includes the wait for this thread: the caller's patience counts from its call. */
    int64_t waited_ms = (clock_monotonic_us() - flight->started_us) / 1000;
    int64_t left_ms = (call->total_timeout_ms ? call->total_timeout_ms : 15000) - waited_ms;
    if (left_ms <= 0)
        return ERR_NETWORK;
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, flight);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, is_mail(call) ? "smtp,smtps" : "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(call->connect_timeout_ms ? call->connect_timeout_ms : 5000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_PROXY, client->config.proxy ? client->config.proxy : "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "lephi/" LEPHI_VERSION);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, flight);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, flight);
    if (ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    if (is_mail(call))
        set_mail(flight);
    else
        set_http(flight);
    return curl_multi_add_handle(client->multi, curl) == CURLM_OK ? OK : ERR_UNAVAILABLE;
}

/* Whether any byte of the request, beyond the handshakes below it, may have left us. */
static bool was_sent(const struct flight *flight)
{
    long request_bytes = 0;
    curl_off_t body_bytes = 0;
    curl_easy_getinfo(flight->curl, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl_easy_getinfo(flight->curl, CURLINFO_SIZE_UPLOAD_T, &body_bytes);
    return request_bytes > 0 || body_bytes > 0 || flight->sent > 0 || flight->status > 0;
}

static enum err outcome(const struct flight *flight, CURLcode code)
{
    switch (code) {
    case CURLE_OK: return OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE: return ERR_CONFIG;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: return ERR_NETWORK;
    case CURLE_LOGIN_DENIED: return ERR_CONFIG;
    default: break;
    }
    if (is_mail(flight->call) && flight->status >= 400)
        return OK; /* refused in so many words: an answer */
    /* Mail: until the message itself is under way nothing has been handed over. */
    bool sent = is_mail(flight->call) ? flight->sent > 0 : was_sent(flight);
    return sent ? ERR_UNKNOWN_OUTCOME : ERR_NETWORK;
}

/* Takes a flight out of libcurl and wakes its caller; `flight` is not ours afterwards. */
static void land(struct http_client *client, struct flight *flight, enum err err)
{
    if (flight->curl) {
        curl_easy_reset(flight->curl);
        if (client->idle_count < IDLE_HANDLES_MAX)
            client->idle[client->idle_count++] = flight->curl;
        else
            curl_easy_cleanup(flight->curl);
    }
    curl_slist_free_all(flight->lines);
    curl_slist_free_all(flight->recipients);
    pthread_mutex_lock(&client->lock);
    flight->err = err;
    flight->done = true;
    pthread_cond_signal(&flight->landed);
    pthread_mutex_unlock(&client->lock);
}

static void unlink_flight(struct http_client *client, struct flight *flight)
{
    if (flight->previous)
        flight->previous->next = flight->next;
    else
        client->flights = flight->next;
    if (flight->next)
        flight->next->previous = flight->previous;
}

static void end(struct http_client *client, struct flight *flight, CURLcode code)
{
    curl_easy_getinfo(flight->curl, CURLINFO_RESPONSE_CODE, &flight->status);
    enum err err = outcome(flight, code);
    curl_multi_remove_handle(client->multi, flight->curl);
    unlink_flight(client, flight);
    land(client, flight, err);
}

static bool take_waiting(struct http_client *client)
{
    pthread_mutex_lock(&client->lock);
    struct flight *flight = client->waiting;
    bool stopping = client->stopping;
    client->waiting = NULL;
    pthread_mutex_unlock(&client->lock);
    while (flight) {
        struct flight *next = flight->next;
        enum err err = stopping ? ERR_UNAVAILABLE : set_up(client, flight);
        if (err) {
            land(client, flight, err);
        } else {
            flight->previous = NULL;
            flight->next = client->flights;
            if (flight->next)
                flight->next->previous = flight;
            client->flights = flight;
        }
        flight = next;
    }
    return !stopping;
}

static void *client_run(void *with)
{
    struct http_client *client = with;
    while (take_waiting(client)) {
        int running, left;
        curl_multi_perform(client->multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
            struct flight *flight;
            if (message->msg != CURLMSG_DONE)
                continue;
            CURLcode code = message->data.result; /* the message dies with its handle */
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&flight);
            end(client, flight, code);
        }
        curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
    }
    while (client->flights)
        end(client, client->flights, CURLE_ABORTED_BY_CALLBACK);
    return NULL;
}

static void global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err http_client_start(const struct http_client_config *config, struct http_client **ret_client)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
    struct http_client *client = memory_new(sizeof *client);
    client->config = *config;
    if (!client->config.calls_max)
        client->config.calls_max = 256;
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->all_left, NULL);
    client->multi = curl_multi_init();
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = client->multi && !pthread_create(&client->thread, NULL, client_run, client);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started) {
        curl_multi_cleanup(client->multi);
        pthread_mutex_destroy(&client->lock);
        pthread_cond_destroy(&client->all_left);
        free(client);
        return ERR_IO;
    }
    *ret_client = client;
    return OK;
}

void http_client_close(struct http_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
}

void http_client_stop(struct http_client *client)
{
    if (!client)
        return;
    http_client_close(client);
    pthread_join(client->thread, NULL);
    pthread_mutex_lock(&client->lock);
    while (client->flying) /* they have been told, and still hold our lock one by one */
        pthread_cond_wait(&client->all_left, &client->lock);
    pthread_mutex_unlock(&client->lock);
    for (int i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    pthread_cond_destroy(&client->all_left);
    free(client);
}

static enum err fly(struct http_client *client, struct flight *flight)
{
    pthread_mutex_lock(&client->lock);
    if (client->stopping || client->flying >= client->config.calls_max) {
        pthread_mutex_unlock(&client->lock);
        return ERR_UNAVAILABLE;
    }
    client->flying++;
    flight->next = client->waiting;
    client->waiting = flight;
    curl_multi_wakeup(client->multi);
    while (!flight->done)
        pthread_cond_wait(&flight->landed, &client->lock);
    if (!--client->flying && client->stopping)
        pthread_cond_signal(&client->all_left);
    pthread_mutex_unlock(&client->lock);
    return flight->err;
}

enum err http_client_call(struct http_client *client, const struct http_call *call, struct arena *arena,
                          struct http_answer *ret_answer)
{
    enum err err = check_call(call);
    if (err)
        return err;
    struct flight flight = {.call = call, .started_us = clock_monotonic_us()};
    flight.body_max = call->answer_max ? call->answer_max : (size_t)1 << 20;
    pthread_cond_init(&flight.landed, NULL);
    err = fly(client, &flight);
    if (!err) {
        ret_answer->status = (int)flight.status;
        ret_answer->body = arena_text(arena, buf_view(&flight.body));
        ret_answer->headers = arena_text(arena, buf_view(&flight.head));
        ret_answer->duration_us = clock_monotonic_us() - flight.started_us;
    }
    pthread_cond_destroy(&flight.landed);
    buf_done(&flight.head);
    buf_done(&flight.body);
    return err;
}

struct text http_answer_header(const struct http_answer *answer, const char *name)
{
    struct text rest = answer->headers;
    while (rest.at) {
        struct text value, line = text_until(rest, '\n', &rest);
        struct text key = text_until(line, ':', &value);
        if (value.at && text_is_nocase(key, name))
            return text_trim(value);
    }
    return TEXT_NONE;
}
