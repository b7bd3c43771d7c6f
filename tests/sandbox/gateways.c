/* Plays wallets, gateways and the national portal, as far as we ask them: orders are made, asked for and given back.
 *
 * What the other side knows of an order is told by POST /gateways/orders {order, amount, state, transaction}; states
 * are paid, pending, failed and absent. Whatever was made here by an INIT or create is pending until told otherwise.
 * Any road can be made to hang, refuse or answer 500 by POST /mischief. */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ORDERS_MAX = 512 };

static const char *const states[] = {"paid", "pending", "failed", "absent", NULL};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gateway_order orders[ORDERS_MAX];
static size_t order_count;

struct gateway_order gateway_look(struct text id)
{
    struct gateway_order found = {.state = GATEWAY_ABSENT};
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < order_count; i++)
        if (text_is(id, orders[i].id))
            found = orders[i];
    pthread_mutex_unlock(&lock);
    return found;
}

bool gateway_keep(const struct gateway_order *order)
{
    size_t place = 0;
    pthread_mutex_lock(&lock);
    while (place < order_count && strcmp(order->id, orders[place].id) != 0)
        place++;
    bool kept = order->id[0] && place < ORDERS_MAX;
    if (kept) {
        orders[place] = *order;
        order_count += place == order_count;
    }
    pthread_mutex_unlock(&lock);
    return kept;
}

static void copy(char *to, size_t size, struct text from)
{
    snprintf(to, size, "%.*s", TEXT_ARGS(from));
}

/* An order that somebody asked us to take the money of; false when it cannot be kept. */
static bool begin(const char *source, struct text id, int64_t amount, struct text notify, struct text back,
                  struct text words, struct gateway_order *ret)
{
    *ret = (struct gateway_order){.amount = amount, .state = GATEWAY_PENDING};
    copy(ret->source, sizeof ret->source, text_of(source));
    copy(ret->id, sizeof ret->id, id);
    copy(ret->notify, sizeof ret->notify, notify);
    copy(ret->back, sizeof ret->back, back);
    copy(ret->words, sizeof ret->words, words);
    return amount > 0 && id.length < sizeof ret->id && gateway_keep(ret);
}

static void tell(struct visit *visit)
{
    struct json_fields in;
    struct text id = TEXT_NONE, transaction = TEXT_NONE;
    int state = GATEWAY_PENDING;
    int64_t amount = 0;
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (!err) {
        json_read_text(&in, "order", REQUIRED, 1, 127, &id);
        json_read_text(&in, "transaction", OPTIONAL, 0, 127, &transaction);
        json_read_int(&in, "amount", REQUIRED, 0, INT64_MAX, &amount);
        json_read_enum(&in, "state", REQUIRED, states, &state);
        err = json_close(&in);
    }
    struct gateway_order order = gateway_look(id);
    order.amount = amount;
    order.state = state;
    copy(order.id, sizeof order.id, id);
    copy(order.transaction, sizeof order.transaction, transaction);
    if (err || !gateway_keep(&order))
        visit_refuse(visit, 422, "invalid_request", "order, amount, state, transaction");
    else
        buf_string(&visit->reply, "{\"kept\":true}");
}

/* A field of the JSON we were sent; at NULL when absent. */
static struct text said(struct visit *visit, const char *name)
{
    struct json_fields in;
    if (json_parse(buf_view(&visit->body), &in, &visit->faults))
        return TEXT_NONE;
    const json_t *value = json_object_get(in.object, name);
    if (json_is_integer(value))
        return arena_textf(&visit->arena, "%lld", (long long)json_integer_value(value));
    return text_of(json_string_value(value));
}

static int64_t amount_said(struct visit *visit, const char *name)
{
    int64_t amount = 0;
    return text_to_int64(said(visit, name), &amount) ? amount : 0;
}

static void portal_init(struct visit *visit)
{
    struct gateway_order order;
    const char *base = visit->sandbox->notifications;
    struct text notify = base ? arena_textf(&visit->arena, "%s/dvcqg", base) : TEXT("");
    if (!begin("dvcqg", said(visit, "MaThamChieu"), amount_said(visit, "SoTien"), notify, TEXT(""),
               said(visit, "ThongTinGiaoDich"), &order))
        buf_string(&visit->reply, "{\"error_code\":\"1\",\"message\":\"\"}");
    else
        buf_printf(&visit->reply, "{\"error_code\":\"0\",\"message\":\"{\\\"UrlThanhToan\\\":\\\"%s\\\"}\"}",
                   wallet_page(visit, &order));
}

static void portal_query(struct visit *visit)
{
    struct text id = said(visit, "MaThamChieu");
    struct gateway_order o = gateway_look(id);
    static const char *const codes[] = {"1", "3", "4", "3"};
    buf_printf(&visit->reply, "{\"MaLoi\":\"%s\",\"MaThamChieu\":\"%.*s\",\"SoTien\":\"%lld\",\"TrangThaiGD\":\"%s\"}",
               o.state == GATEWAY_ABSENT ? "99" : "00", TEXT_ARGS(id), (long long)o.amount, codes[o.state]);
}

static void momo_create(struct visit *visit)
{
    struct gateway_order order;
    struct text id = said(visit, "orderId");
    bool kept = begin("momo", id, amount_said(visit, "amount"), said(visit, "ipnUrl"), said(visit, "redirectUrl"),
                      said(visit, "orderInfo"), &order);
    buf_printf(&visit->reply, "{\"orderId\":\"%.*s\",\"resultCode\":%d,\"payUrl\":\"%s\"}", TEXT_ARGS(id),
               kept ? 0 : 41, wallet_page(visit, &order));
}

static void momo_query(struct visit *visit)
{
    struct text id = said(visit, "orderId"), partner = said(visit, "partnerCode");
    struct gateway_order o = gateway_look(id);
    static const int codes[] = {0, 1000, 1006, 42};
    buf_printf(&visit->reply,
               "{\"partnerCode\":\"%.*s\",\"orderId\":\"%.*s\",\"resultCode\":%d,\"amount\":%lld,\"transId\":\"%s\"}",
               TEXT_ARGS(partner), TEXT_ARGS(id), codes[o.state], (long long)o.amount, o.transaction);
}

/* {"redirecturl": …} inside embed_data. */
static struct text zalopay_back(struct visit *visit)
{
    struct text embedded = visit_form(visit, "embed_data");
    struct json_fields in;
    if (!embedded.length || json_parse(embedded, &in, &visit->faults))
        return TEXT("");
    return text_of(json_string_value(json_object_get(in.object, "redirecturl")));
}

static void zalopay_create(struct visit *visit)
{
    struct gateway_order order;
    int64_t amount = 0;
    bool kept = text_to_int64(visit_form(visit, "amount"), &amount) &&
                begin("zalopay", visit_form(visit, "app_trans_id"), amount, visit_form(visit, "callback_url"),
                      zalopay_back(visit), visit_form(visit, "description"), &order);
    buf_printf(&visit->reply, "{\"return_code\":%d,\"order_url\":\"%s\"}", kept ? 1 : 2,
               kept ? wallet_page(visit, &order) : "");
}

static void zalopay_query(struct visit *visit)
{
    struct gateway_order o = gateway_look(visit_form(visit, "app_trans_id"));
    static const int codes[] = {1, 3, 2, 2};
    buf_printf(&visit->reply, "{\"return_code\":%d,\"amount\":%lld,\"zp_trans_id\":\"%s\"}", codes[o.state],
               (long long)o.amount, o.transaction);
}

/* Refunds: each number is carried out once; asked again, it is known. Never more than was paid. */
enum { REFUNDS_MAX = 256 };
static struct {
    char number[128], transaction[128];
    int64_t amount;
} refunds[REFUNDS_MAX];
static size_t refund_count;

enum refund_answer gateway_refund(struct text number, struct text transaction, int64_t amount)
{
    enum refund_answer answer = REFUND_NEVER;
    int64_t paid = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < order_count; i++)
        if (text_is(transaction, orders[i].transaction) && orders[i].state == GATEWAY_PAID)
            paid = orders[i].amount;
    for (size_t i = 0; i < refund_count; i++) {
        if (text_is(number, refunds[i].number))
            answer = REFUND_KNOWN;
        if (text_is(transaction, refunds[i].transaction))
            paid -= refunds[i].amount;
    }
    if (answer != REFUND_KNOWN && amount > 0 && amount <= paid && refund_count < REFUNDS_MAX) {
        copy(refunds[refund_count].number, sizeof refunds[0].number, number);
        copy(refunds[refund_count].transaction, sizeof refunds[0].transaction, transaction);
        refunds[refund_count++].amount = amount;
        answer = REFUND_DONE;
    }
    pthread_mutex_unlock(&lock);
    return answer;
}

static void refund_list(struct visit *visit)
{
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < refund_count; i++) {
        json_put_object(&json, NULL);
        json_put_string(&json, "number", refunds[i].number);
        json_put_string(&json, "transaction", refunds[i].transaction);
        json_put_int(&json, "amount", refunds[i].amount);
        json_put_end(&json);
    }
    pthread_mutex_unlock(&lock);
    json_put_end(&json);
    json_put_end(&json);
}

static void momo_refund(struct visit *visit)
{
    static const int codes[] = {0, 41, 1080};
    struct text number = said(visit, "orderId");
    enum refund_answer answer = gateway_refund(number, said(visit, "transId"), amount_said(visit, "amount"));
    buf_printf(&visit->reply, "{\"orderId\":\"%.*s\",\"resultCode\":%d}", TEXT_ARGS(number), codes[answer]);
}

/* Known again is told as done: a number is carried out once. */
static void zalopay_refund(struct visit *visit)
{
    int64_t amount = 0;
    bool good = text_to_int64(visit_form(visit, "amount"), &amount);
    enum refund_answer answer =
        good ? gateway_refund(visit_form(visit, "m_refund_id"), visit_form(visit, "zp_trans_id"), amount)
             : REFUND_NEVER;
    buf_printf(&visit->reply, "{\"return_code\":%d}", answer == REFUND_NEVER ? 2 : 1);
}

static void keypay_query(struct visit *visit)
{
    struct text id = said(visit, "transaction_id");
    struct gateway_order o = gateway_look(id);
    buf_printf(&visit->reply,
               "{\"return_code\":\"%s\",\"transaction_id\":\"%.*s\",\"trans_amount\":\"%lld\",\"status\":\"%s\"}",
               o.state == GATEWAY_ABSENT ? "-1" : "0", TEXT_ARGS(id), (long long)o.amount,
               o.state == GATEWAY_PAID ? "2" : "1");
}

const struct road gateway_roads[] = {{"POST", "/gateways/orders", tell},
                                     {"POST", "/dvcqg/init", portal_init},
                                     {"POST", "/dvcqg/query", portal_query},
                                     {"POST", "/momo/v2/gateway/api/create", momo_create},
                                     {"POST", "/momo/v2/gateway/api/query", momo_query},
                                     {"POST", "/momo/v2/gateway/api/refund", momo_refund},
                                     {"POST", "/zalopay/refund", zalopay_refund},
                                     {"GET", "/gateways/refunds", refund_list},
                                     {"POST", "/zalopay/create", zalopay_create},
                                     {"POST", "/zalopay/query", zalopay_query},
                                     {"POST", "/keypay/query", keypay_query},
                                     {0}};
