/* Calls to MyVNPost. A refused token is renewed once per call; a call that may have arrived is never repeated here. */
#include "postal/vnpost.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 3000, TOTAL_MS = 8000, LABEL_MAX = 4 << 20 };

struct vnpost {
    const struct postal_config *config;
    pthread_mutex_t lock; /* of the token */
    char token[2048];
    int64_t token_until_us; /* monotonic */
};

enum err vnpost_new(const struct postal_config *config, struct vnpost **ret_vnpost)
{
    if (!config->client || !config->base_url || !*config->base_url)
        return ERR_CONFIG;
    struct vnpost *vnpost = memory_new(sizeof *vnpost);
    vnpost->config = config;
    pthread_mutex_init(&vnpost->lock, NULL);
    *ret_vnpost = vnpost;
    return OK;
}

void vnpost_free(struct vnpost *vnpost)
{
    if (!vnpost)
        return;
    pthread_mutex_destroy(&vnpost->lock);
    free(vnpost);
}

static enum err call(struct vnpost *vnpost, const char *method, const char *path, const char *token, struct text body,
                     struct arena *arena, struct http_answer *ret_answer)
{
    const struct http_pair headers[] = {{"Content-Type", TEXT("application/json")}, {"token", text_of(token)}};
    const struct http_call call = {.method = method,
                                   .url = arena_printf(arena, "%s/customer-partner%s", vnpost->config->base_url, path),
                                   .headers = headers,
                                   .header_count = token ? 2 : 1,
                                   .body = body,
                                   .connect_timeout_ms = CONNECT_MS,
                                   .total_timeout_ms = TOTAL_MS,
                                   .answer_max = LABEL_MAX};
    return http_client_call(vnpost->config->client, &call, arena, ret_answer);
}

/* Signs in. Nothing is ordered by it, so every failure is ERR_NETWORK but a refusal (ERR_CARRIER_REFUSED). */
static enum err token_renew(struct vnpost *vnpost, struct arena *arena)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_string(&json, "username", vnpost->config->username);
    json_put_string(&json, "password", vnpost->config->password);
    json_put_string(&json, "customerCode", vnpost->config->customer_code);
    json_put_end(&json);
    struct http_answer answer;
    struct text token;
    enum err err = call(vnpost, "POST", "/GetAccessToken", NULL, buf_view(&body), arena, &answer);
    buf_done(&body);
    if (err || answer.status >= 500)
        return ERR_NETWORK;
    err = vnpost_token_read(answer.body, arena, &token);
    if (err || token.length >= sizeof vnpost->token)
        return ERR_CARRIER_REFUSED;
    pthread_mutex_lock(&vnpost->lock);
    memcpy(vnpost->token, token.at, token.length);
    vnpost->token[token.length] = '\0';
    vnpost->token_until_us = clock_monotonic_us() + vnpost->config->token_life_s * SECOND_US;
    pthread_mutex_unlock(&vnpost->lock);
    return OK;
}

static const char *token_now(struct vnpost *vnpost, struct arena *arena)
{
    pthread_mutex_lock(&vnpost->lock);
    const char *token =
        clock_monotonic_us() < vnpost->token_until_us ? arena_copy(arena, text_of(vnpost->token)) : NULL;
    pthread_mutex_unlock(&vnpost->lock);
    return token;
}

/* With a token. 401 and 403 mean that nothing was done, so one renewal and one repeat are safe for every call. */
static enum err signed_call(struct vnpost *vnpost, const char *method, const char *path, struct text body,
                            struct arena *arena, struct http_answer *ret_answer)
{
    for (int round = 0;; round++) {
        const char *token = token_now(vnpost, arena);
        enum err err = token ? OK : token_renew(vnpost, arena);
        if (err)
            return err;
        if (!token)
            token = token_now(vnpost, arena);
        if (!token) /* a life of no seconds */
            return ERR_CONFIG;
        struct http_answer answer;
        err = call(vnpost, method, path, token, body, arena, &answer);
        if (err)
            return err;
        if ((answer.status == 401 || answer.status == 403) && round == 0) {
            pthread_mutex_lock(&vnpost->lock);
            if (!strcmp(token, vnpost->token))
                vnpost->token_until_us = 0;
            pthread_mutex_unlock(&vnpost->lock);
            continue;
        }
        *ret_answer = answer;
        return OK;
    }
}

/* Letters that may stand in a query as they are; our codes and items have no others. */
static const char *query_escape(struct text text, struct arena *arena)
{
    struct buf out = {0};
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
        buf_printf(&out, plain ? "%c" : "%%%02X", c);
    }
    const char *escaped = arena_copy(arena, buf_view(&out));
    buf_done(&out);
    return escaped;
}

/* ---- writing an order --------------------------------------------------------------------------------------- */

/* Two-level addresses since 1 July 2025: the district is the word VNPOST. */
static void party_put(struct json *json, const char *who, const struct party *party)
{
    char key[40];
    const struct {
        const char *name;
        struct text value;
    } fields[] = {{"Name", party->name},
                  {"Phone", party->phone},
                  {"Address", party->address},
                  {"ProvinceCode", party->province},
                  {"DistrictCode", TEXT("VNPOST")},
                  {"CommuneCode", party->commune}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        snprintf(key, sizeof key, "%s%s", who, fields[i].name);
        json_put_text(json, key, fields[i].value);
    }
}

static void parcel_put(const struct vnpost *vnpost, struct json *json, const struct carrier_order *order)
{
    json_put_string(json, "serviceCode", vnpost->config->service_code);
    json_put_textf(json, "weight", "%lld", (long long)order->weight_g);
    json_put_textf(json, "length", "%lld", (long long)order->length_cm);
    json_put_textf(json, "width", "%lld", (long long)order->width_cm);
    json_put_textf(json, "height", "%lld", (long long)order->height_cm);
    json_put_array(json, "addonService");
    if (order->collect > 0) { /* cash on delivery */
        json_put_object(json, NULL);
        json_put_string(json, "code", "GTG021");
        json_put_textf(json, "propValue", "PROP0018:%lld", (long long)order->collect);
        json_put_end(json);
    }
    json_put_end(json);
}

static struct text order_body(const struct vnpost *vnpost, const struct carrier_order *order, struct arena *arena)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_int(&json, "orderCreationStatus", 1);
    json_put_string(&json, "type", "GUI");
    json_put_string(&json, "customerCode", vnpost->config->customer_code);
    json_put_string(&json, "contractCode", vnpost->config->contract_code);
    json_put_object(&json, "informationOrder");
    party_put(&json, "sender", &order->sender);
    party_put(&json, "receiver", &order->receiver);
    parcel_put(vnpost, &json, order);
    json_put_array(&json, "additionRequest");
    json_put_end(&json);
    json_put_text(&json, "saleOrderCode", order->code);
    json_put_text(&json, "contentNote", order->note);
    json_put_string(&json, "vehicle", "BO");
    json_put_string(&json, "sendType", order->pick_up ? "1" : "2");
    json_put_string(&json, "isBroken", "0");
    json_put_string(&json, "deliveryTime", "N");
    json_put_string(&json, "deliveryRequire", "1");
    json_put_string(&json, "deliveryInstruction", "");
    json_put_end(&json);
    json_put_end(&json);
    struct text text = arena_text(arena, buf_view(&body));
    buf_done(&body);
    return text;
}

/* ---- the carrier's verbs ------------------------------------------------------------------------------------ */

static enum err vnpost_ready(void *self, struct arena *arena)
{
    return token_now(self, arena) ? OK : token_renew(self, arena);
}

static enum err vnpost_quote(void *self, const struct carrier_order *order, struct arena *arena, int64_t *ret_fee)
{
    struct vnpost *vnpost = self;
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_int(&json, "scope", 1);
    json_put_string(&json, "customerCode", vnpost->config->customer_code);
    json_put_string(&json, "contractCode", vnpost->config->contract_code);
    json_put_object(&json, "data");
    party_put(&json, "sender", &order->sender);
    party_put(&json, "receiver", &order->receiver);
    parcel_put(vnpost, &json, order);
    json_put_end(&json);
    json_put_end(&json);
    struct http_answer answer;
    enum err err = signed_call(vnpost, "POST", "/ServicesCharge", buf_view(&body), arena, &answer);
    buf_done(&body);
    if (err || answer.status != 200)
        return err ? err : ERR_CARRIER_REFUSED;
    return vnpost_charge_read(answer.body, text_of(vnpost->config->service_code), arena, ret_fee);
}

static enum err vnpost_book(void *self, const struct carrier_order *order, struct arena *arena,
                            struct carrier_booking *ret_booking, struct text *ret_problem)
{
    struct http_answer answer;
    enum err err = signed_call(self, "POST", "/CreateOrder", order_body(self, order, arena), arena, &answer);
    if (err)
        return err;
    if (answer.status == 200 || answer.status == 201)
        err = vnpost_order_read(answer.body, TEXT_NONE, arena, ret_booking);
    else /* 4xx is an answer; anything else may come from something in between */
        err = answer.status >= 400 && answer.status < 500 ? ERR_CARRIER_REFUSED : ERR_UNKNOWN_OUTCOME;
    if (err == ERR_NOT_FOUND) /* 200 without an order: a refusal if it says why */
        err = vnpost_problem_read(answer.body, arena).length ? ERR_CARRIER_REFUSED : ERR_UNKNOWN_OUTCOME;
    if (err == ERR_CARRIER_REFUSED)
        *ret_problem = vnpost_problem_read(answer.body, arena);
    return err;
}

static enum err vnpost_find(void *self, struct text code, struct arena *arena, struct carrier_booking *ret_booking)
{
    struct vnpost *vnpost = self;
    struct http_answer answer;
    const char *path =
        arena_printf(arena, "/getOrder?type=%s&code=%s", vnpost->config->find_type, query_escape(code, arena));
    enum err err = signed_call(vnpost, "GET", path, TEXT_NONE, arena, &answer);
    if (err)
        return err;
    if (answer.status == 404)
        return ERR_NOT_FOUND;
    return answer.status == 200 ? vnpost_order_read(answer.body, code, arena, ret_booking) : ERR_UNKNOWN_OUTCOME;
}

static enum err vnpost_cancel(void *self, struct text carrier_id, struct arena *arena, struct text *ret_problem)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_text(&json, "OriginalId", carrier_id);
    json_put_end(&json);
    struct http_answer answer;
    enum err err = signed_call(self, "POST", "/orderCancel", buf_view(&body), arena, &answer);
    buf_done(&body);
    if (err)
        return err;
    if (answer.status >= 400 && answer.status < 500) {
        *ret_problem = vnpost_problem_read(answer.body, arena);
        return ERR_CARRIER_REFUSED;
    }
    return answer.status == 200 ? vnpost_case_read(answer.body, arena, ret_problem) : ERR_UNKNOWN_OUTCOME;
}

static enum err vnpost_track(void *self, struct text item, struct arena *arena, struct carrier_step *ret_steps,
                             size_t *ret_count)
{
    struct http_answer answer;
    const char *path = arena_printf(arena, "/GetStatusHistoryOrder?itemCode=%s", query_escape(item, arena));
    enum err err = signed_call(self, "GET", path, TEXT_NONE, arena, &answer);
    if (err)
        return err;
    if (answer.status == 404)
        return ERR_NOT_FOUND;
    return answer.status == 200 ? vnpost_history_read(answer.body, arena, ret_steps, ret_count) : ERR_UNKNOWN_OUTCOME;
}

static enum err vnpost_label(void *self, struct text item, struct arena *arena, struct buf *ret_pdf)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_array(&json, "listItemCode");
    json_put_text(&json, NULL, item);
    json_put_end(&json);
    json_put_end(&json);
    struct http_answer answer;
    enum err err = signed_call(self, "POST", "/exportListReport", buf_view(&body), arena, &answer);
    buf_done(&body);
    if (err)
        return err;
    return answer.status == 200 ? vnpost_label_read(answer.body, arena, ret_pdf) : ERR_CARRIER_REFUSED;
}

struct carrier vnpost_carrier(struct vnpost *vnpost)
{
    return (struct carrier){.name = "vnpost",
                            .self = vnpost,
                            .ready = vnpost_ready,
                            .quote = vnpost_quote,
                            .book = vnpost_book,
                            .find = vnpost_find,
                            .cancel = vnpost_cancel,
                            .track = vnpost_track,
                            .label = vnpost_label};
}
