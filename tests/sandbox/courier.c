/* Carries call-backs to lephi: signed, tried again at growing distances like SePay's (1, 1, 2, 3, 5, 8, 13 units), each
 * try kept for whoever asks GET /bank/webhooks. What was not delivered when the program ended is sent again when it
 * starts: the letters are in a journal. */
#include "tests/sandbox/sandbox.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/crypto.h"
#include "core/base/memory.h"

enum { THREADS = 2, TRIES_MAX = 8, ANSWER_KEEP = 512, TIMEOUT_MS = 10000, CONNECT_MS = 5000, URL_MAX = 512 };
enum { REORDER_FALLBACK_MS = 5000, REORDER_AFTER_MS = 300, LIST_MAX = 500 };

enum state { WAITING, UNDER_WAY, DELIVERED, GIVEN_UP };
static const char *const state_names[] = {"waiting", "under_way", "delivered", "given_up"};

struct posted {
    int64_t id;
    char kind[8];
    const char *subject, *url; /* url: NULL for those of the bank and the post office */
    struct text body;
    instant_us signed_at;
    bool wrong_signature, reorder;
    enum state state;
    int tries, status; /* HTTP status of the last answer, 0 none */
    int64_t due_us;    /* monotonic */
    char answer[ANSWER_KEEP];
};

struct courier {
    struct sandbox *sandbox;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct posted **letters;
    size_t count, size, first_open; /* everything before first_open is delivered or given up */
    char bank_url[URL_MAX], post_url[URL_MAX];
    int64_t retry_base_ms;
    struct journal *journal;
    bool stopping;
    pthread_t threads[THREADS];
};

static struct posted *letter_add(struct courier *courier, const struct letter *letter)
{
    struct posted *posted = memory_new(sizeof *posted);
    snprintf(posted->kind, sizeof posted->kind, "%s", letter->kind);
    posted->subject = memory_copy(letter->subject, strlen(letter->subject));
    posted->url = letter->url ? memory_copy(letter->url, strlen(letter->url)) : NULL;
    posted->body = (struct text){memory_copy(letter->body.at, letter->body.length), letter->body.length};
    posted->signed_at = letter->signed_at;
    posted->wrong_signature = letter->wrong_signature;
    posted->reorder = letter->reorder;
    posted->due_us = clock_monotonic_us() + (letter->reorder ? REORDER_FALLBACK_MS : letter->delay_ms) * 1000;
    if (courier->count == courier->size) {
        courier->size = courier->size ? courier->size * 2 : 256;
        courier->letters = memory_grow(courier->letters, courier->size * sizeof *courier->letters);
    }
    posted->id = (int64_t)courier->count + 1;
    courier->letters[courier->count++] = posted;
    return posted;
}

static void letter_record(struct courier *courier, const struct posted *posted)
{
    struct buf line = {0};
    struct json json = json_to(&line);
    json_put_object(&json, NULL);
    json_put_int(&json, "letter", posted->id);
    json_put_string(&json, "kind", posted->kind);
    json_put_string(&json, "subject", posted->subject);
    json_put_text(&json, "body", posted->body);
    json_put_text_or_null(&json, "url", posted->url ? text_of(posted->url) : TEXT_NONE);
    json_put_instant(&json, "signed_at", posted->signed_at);
    json_put_bool(&json, "wrong_signature", posted->wrong_signature);
    json_put_end(&json);
    if (journal_append(courier->journal, buf_view(&line), JOURNAL_SOON))
        fprintf(stderr, "sandbox: cannot write the letters\n");
    buf_done(&line);
}

void courier_send(struct courier *courier, const struct letter *letter)
{
    pthread_mutex_lock(&courier->lock);
    /* Whoever waited to be overtaken goes soon after this one. */
    for (size_t i = courier->first_open; i < courier->count; i++)
        if (courier->letters[i]->reorder && courier->letters[i]->state == WAITING) {
            courier->letters[i]->reorder = false;
            courier->letters[i]->due_us = clock_monotonic_us() + (letter->delay_ms + REORDER_AFTER_MS) * 1000;
        }
    struct posted *posted = letter_add(courier, letter);
    letter_record(courier, posted);
    pthread_cond_broadcast(&courier->filled);
    pthread_mutex_unlock(&courier->lock);
}

static void replayed(void *with, json_t *record)
{
    struct courier *courier = with;
    int64_t id = json_integer_value(json_object_get(record, "letter"));
    const char *state = json_string_value(json_object_get(record, "state"));
    if (state && id > 0 && (size_t)id <= courier->count) {
        courier->letters[id - 1]->state = strcmp(state, "delivered") ? GIVEN_UP : DELIVERED;
        return;
    }
    const char *kind = json_string_value(json_object_get(record, "kind"));
    const char *subject = json_string_value(json_object_get(record, "subject"));
    const char *body = json_string_value(json_object_get(record, "body"));
    struct letter letter = {.kind = kind ? kind : "",
                            .url = json_string_value(json_object_get(record, "url")),
                            .subject = subject ? subject : "",
                            .body = text_of(body)};
    if (!instant_parse(text_of(json_string_value(json_object_get(record, "signed_at"))), &letter.signed_at))
        letter.signed_at = INSTANT_NONE;
    letter.wrong_signature = json_is_true(json_object_get(record, "wrong_signature"));
    letter_add(courier, &letter);
}

/* The next letter that is due; NULL when stopping. Holds the lock. */
static struct posted *letter_take(struct courier *courier)
{
    while (!courier->stopping) {
        int64_t now = clock_monotonic_us(), next = now + SECOND_US;
        for (size_t i = courier->first_open; i < courier->count; i++) {
            struct posted *posted = courier->letters[i];
            if (i == courier->first_open && posted->state >= DELIVERED)
                courier->first_open++;
            if (posted->state != WAITING)
                continue;
            if (posted->due_us <= now) {
                posted->state = UNDER_WAY;
                return posted;
            }
            next = posted->due_us < next ? posted->due_us : next;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t wait_ns = (next - now) * 1000 + until.tv_nsec;
        until.tv_sec += wait_ns / 1000000000;
        until.tv_nsec = wait_ns % 1000000000;
        pthread_cond_timedwait(&courier->filled, &courier->lock, &until);
    }
    return NULL;
}

struct answer {
    char text[ANSWER_KEEP];
    size_t length;
};

static size_t answer_take(char *data, size_t one, size_t count, void *with)
{
    struct answer *answer = with;
    size_t room = sizeof answer->text - 1 - answer->length, take = count < room ? count : room;
    memcpy(answer->text + answer->length, data, take);
    answer->length += take;
    return count;
}

/* Wallets end their repeats at 2xx; VNPAY wants RspCode 00 or 02, ZaloPay a return_code that is not 0. */
static bool wallet_is_content(const struct answer *answer, long status)
{
    json_t *json = json_loadb(answer->text, answer->length, 0, NULL);
    const char *code = json_string_value(json_object_get(json, "RspCode"));
    const json_t *number = json_object_get(json, "return_code");
    bool content = status >= 200 && status < 300 && (!code || !strcmp(code, "00") || !strcmp(code, "02")) &&
                   (!number || json_integer_value(number) != 0);
    json_decref(json);
    return content;
}

static bool is_success(const struct answer *answer, long status)
{
    json_t *json = json_loadb(answer->text, answer->length, 0, NULL);
    bool success = status >= 200 && status <= 201 && json_is_true(json_object_get(json, "success"));
    json_decref(json);
    return success;
}

/* SePay's scheme: sha256=<hex HMAC-SHA256(secret, timestamp "." body)>. */
static struct curl_slist *headers_make(const struct courier *courier, const struct posted *posted)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    if (posted->signed_at == INSTANT_NONE)
        return headers;
    struct buf signed_text = {0};
    char line[160], hex[HEX_SHA256_SIZE];
    uint8_t mac[SHA256_SIZE];
    /* Each try has a fresh time stamp: receivers refuse old ones. */
    long long seconds = clock_now() / SECOND_US;
    buf_printf(&signed_text, "%lld.", seconds);
    buf_text(&signed_text, posted->body);
    struct text key = posted->wrong_signature ? TEXT("a secret the bank does not have") : courier->sandbox->secret;
    crypto_hmac_sha256(key, buf_view(&signed_text), mac);
    hex_encode(mac, sizeof mac, hex);
    buf_done(&signed_text);
    snprintf(line, sizeof line, "X-Sandbox-Timestamp: %lld", seconds);
    headers = curl_slist_append(headers, line);
    snprintf(line, sizeof line, "X-Sandbox-Signature: sha256=%s", hex);
    return curl_slist_append(headers, line);
}

static bool carry(CURL *curl, const struct courier *courier, const struct posted *posted, const char *url,
                  struct answer *answer, long *ret_status)
{
    struct curl_slist *headers = headers_make(courier, posted);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (posted->body.length) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)posted->body.length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, posted->body.at);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        answer->length = (size_t)snprintf(answer->text, sizeof answer->text, "%s", curl_easy_strerror(code));
    return code == CURLE_OK && (posted->url ? wallet_is_content(answer, *ret_status) : is_success(answer, *ret_status));
}

static void settle(struct courier *courier, struct posted *posted, bool success, long status,
                   const struct answer *answer)
{
    static const int units[TRIES_MAX] = {1, 1, 2, 3, 5, 8, 13, 0};
    posted->status = (int)status;
    snprintf(posted->answer, sizeof posted->answer, "%.*s", (int)answer->length, answer->text);
    posted->due_us = clock_monotonic_us() + courier->retry_base_ms * units[posted->tries] * 1000;
    posted->tries++;
    posted->state = success ? DELIVERED : posted->tries == TRIES_MAX ? GIVEN_UP : WAITING;
    if (posted->state == WAITING)
        return;
    char line[96];
    snprintf(line, sizeof line, "{\"letter\":%lld,\"state\":\"%s\"}", (long long)posted->id,
             state_names[posted->state]);
    if (journal_append(courier->journal, text_of(line), JOURNAL_SOON))
        fprintf(stderr, "sandbox: cannot write the letters\n");
}

static void *deliver(void *with)
{
    struct courier *courier = with;
    CURL *curl = curl_easy_init();
    struct posted *posted;
    pthread_mutex_lock(&courier->lock);
    while ((posted = letter_take(courier))) {
        char url[2048];
        struct answer answer = {0};
        long status = 0;
        snprintf(url, sizeof url, "%s",
                 posted->url                    ? posted->url
                 : strcmp(posted->kind, "bank") ? courier->post_url
                                                : courier->bank_url);
        pthread_mutex_unlock(&courier->lock);
        bool success = url[0] && carry(curl, courier, posted, url, &answer, &status);
        pthread_mutex_lock(&courier->lock);
        if (url[0]) {
            settle(courier, posted, success, status, &answer);
        } else { /* nobody to tell yet: no try is used up */
            posted->state = WAITING;
            posted->due_us = clock_monotonic_us() + SECOND_US;
        }
    }
    pthread_mutex_unlock(&courier->lock);
    curl_easy_cleanup(curl);
    return NULL;
}

enum err courier_start(struct sandbox *sandbox, const char *bank_url, const char *post_url, int64_t retry_base_ms)
{
    struct courier *courier = memory_new(sizeof *courier);
    courier->sandbox = sandbox;
    courier->retry_base_ms = retry_base_ms;
    snprintf(courier->bank_url, sizeof courier->bank_url, "%s", bank_url ? bank_url : "");
    snprintf(courier->post_url, sizeof courier->post_url, "%s", post_url ? post_url : "");
    pthread_mutex_init(&courier->lock, NULL);
    pthread_cond_init(&courier->filled, NULL);
    enum err err = journal_open(sandbox->folder, "letters.jsonl", replayed, courier, &courier->journal);
    if (err)
        return err;
    sandbox->courier = courier;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&courier->threads[i], NULL, deliver, courier))
            return ERR_IO;
    return OK;
}

void courier_stop(struct courier *courier)
{
    if (!courier)
        return;
    pthread_mutex_lock(&courier->lock);
    courier->stopping = true;
    pthread_cond_broadcast(&courier->filled);
    pthread_mutex_unlock(&courier->lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(courier->threads[i], NULL);
}

/* GET /bank/webhooks, /vnpost/webhooks: newest last, at most LIST_MAX. */
static void list(struct visit *visit, const char *kind)
{
    struct courier *courier = visit->sandbox->courier;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&courier->lock);
    size_t from = courier->count > LIST_MAX ? courier->count - LIST_MAX : 0;
    for (size_t i = from; i < courier->count; i++) {
        const struct posted *posted = courier->letters[i];
        if (strcmp(posted->kind, kind))
            continue;
        json_put_object(&json, NULL);
        json_put_int(&json, "id", posted->id);
        json_put_string(&json, "subject", posted->subject);
        json_put_string(&json, "state", state_names[posted->state]);
        json_put_int(&json, "tries", posted->tries);
        json_put_int(&json, "status", posted->status);
        json_put_string(&json, "answer", posted->answer);
        json_put_text(&json, "body", posted->body);
        json_put_end(&json);
    }
    pthread_mutex_unlock(&courier->lock);
    json_put_end(&json);
    json_put_end(&json);
}

static void list_bank(struct visit *visit)
{
    list(visit, "bank");
}

static void list_post(struct visit *visit)
{
    list(visit, "vnpost");
}

static void list_wallets(struct visit *visit)
{
    list(visit, "wallet");
}

/* POST /settings {bank_webhook?, vnpost_webhook?, retry_base_ms?}: for tests that start lephi after the sandbox. */
static void settings(struct visit *visit)
{
    struct courier *courier = visit->sandbox->courier;
    struct json_fields in;
    struct text bank = TEXT_NONE, post = TEXT_NONE;
    int64_t base = -1;
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (!err) {
        json_read_text(&in, "bank_webhook", OPTIONAL, 0, URL_MAX - 1, &bank);
        json_read_text(&in, "vnpost_webhook", OPTIONAL, 0, URL_MAX - 1, &post);
        json_read_int(&in, "retry_base_ms", OPTIONAL, 1, 3600000, &base);
        err = json_close(&in);
    }
    if (err) {
        visit_refuse(visit, 422, "invalid_request", "bank_webhook, vnpost_webhook, retry_base_ms");
        return;
    }
    pthread_mutex_lock(&courier->lock);
    if (bank.at)
        snprintf(courier->bank_url, sizeof courier->bank_url, "%.*s", TEXT_ARGS(bank));
    if (post.at)
        snprintf(courier->post_url, sizeof courier->post_url, "%.*s", TEXT_ARGS(post));
    if (base > 0)
        courier->retry_base_ms = base;
    pthread_cond_broadcast(&courier->filled);
    pthread_mutex_unlock(&courier->lock);
    buf_string(&visit->reply, "{\"saved\":true}");
}

const struct road courier_roads[] = {{"GET", "/bank/webhooks", list_bank},
                                     {"GET", "/vnpost/webhooks", list_post},
                                     {"GET", "/wallet/webhooks", list_wallets},
                                     {"POST", "/settings", settings},
                                     {0}};
