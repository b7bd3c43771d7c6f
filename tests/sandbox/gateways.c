/* Plays wallets, gateways and the national portal, as far as we ask them: orders are made, asked for and given back.
 *
 * What the other side knows of an order is told by POST /gateways/orders {order, amount, state, transaction}; states
 * are paid, pending, failed and absent. Whatever was made here by an INIT or create is pending until told otherwise.
 * Any road can be made to hang, refuse or answer 500 by POST /mischief. */
#include "tests/sandbox/sandbox.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ORDERS_MAX = 512, ID_SIZE = 128 };

static const char *const states[] = {"paid", "pending", "failed", "absent", NULL};
enum state { PAID, PENDING, FAILED, ABSENT };

struct order {
    char id[ID_SIZE], transaction[ID_SIZE];
    int64_t amount;
    int state;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct order orders[ORDERS_MAX];
static size_t order_count;

static struct order look(struct text id)
{
    struct order found = {.state = ABSENT};
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < order_count; i++)
        if (text_is(id, orders[i].id))
            found = orders[i];
    pthread_mutex_unlock(&lock);
    return found;
}

/* False when the book is full or the id too long. */
static bool keep(struct text id, struct text transaction, int64_t amount, int state)
{
    size_t place = 0;
    bool kept = id.length && id.length < ID_SIZE && transaction.length < ID_SIZE;
    pthread_mutex_lock(&lock);
    while (place < order_count && !text_is(id, orders[place].id))
        place++;
    kept = kept && place < ORDERS_MAX;
    if (kept) {
        struct order *o = &orders[place];
        snprintf(o->id, sizeof o->id, "%.*s", TEXT_ARGS(id));
        snprintf(o->transaction, sizeof o->transaction, "%.*s", TEXT_ARGS(transaction));
        o->amount = amount;
        o->state = state;
        order_count += place == order_count;
    }
    pthread_mutex_unlock(&lock);
    return kept;
}

static void tell(struct visit *visit)
{
    struct json_fields in;
    struct text id = TEXT_NONE, transaction = TEXT_NONE;
    int state = PENDING;
    int64_t amount = 0;
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (!err) {
        json_read_text(&in, "order", REQUIRED, 1, ID_SIZE - 1, &id);
        json_read_text(&in, "transaction", OPTIONAL, 0, ID_SIZE - 1, &transaction);
        json_read_int(&in, "amount", REQUIRED, 0, INT64_MAX, &amount);
        json_read_enum(&in, "state", REQUIRED, states, &state);
        err = json_close(&in);
    }
    if (err || !keep(id, transaction, amount, state))
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
    struct text id = said(visit, "MaThamChieu");
    if (!keep(id, TEXT(""), amount_said(visit, "SoTien"), PENDING))
        buf_string(&visit->reply, "{\"error_code\":\"1\",\"message\":\"\"}");
    else
        buf_printf(&visit->reply,
                   "{\"error_code\":\"0\",\"message\":\"{\\\"UrlThanhToan\\\":\\\"http://127.0.0.1/pay/%.*s\\\"}\"}",
                   TEXT_ARGS(id));
}

static void portal_query(struct visit *visit)
{
    struct text id = said(visit, "MaThamChieu");
    struct order o = look(id);
    static const char *const codes[] = {"1", "3", "4", "3"};
    buf_printf(&visit->reply, "{\"MaLoi\":\"%s\",\"MaThamChieu\":\"%.*s\",\"SoTien\":\"%lld\",\"TrangThaiGD\":\"%s\"}",
               o.state == ABSENT ? "99" : "00", TEXT_ARGS(id), (long long)o.amount, codes[o.state]);
}

static void momo_create(struct visit *visit)
{
    struct text id = said(visit, "orderId");
    bool kept = keep(id, TEXT(""), amount_said(visit, "amount"), PENDING);
    buf_printf(&visit->reply, "{\"orderId\":\"%.*s\",\"resultCode\":%d,\"payUrl\":\"http://127.0.0.1/momo/%.*s\"}",
               TEXT_ARGS(id), kept ? 0 : 41, TEXT_ARGS(id));
}

static void momo_query(struct visit *visit)
{
    struct text id = said(visit, "orderId"), partner = said(visit, "partnerCode");
    struct order o = look(id);
    static const int codes[] = {0, 1000, 1006, 42};
    buf_printf(&visit->reply,
               "{\"partnerCode\":\"%.*s\",\"orderId\":\"%.*s\",\"resultCode\":%d,\"amount\":%lld,\"transId\":\"%s\"}",
               TEXT_ARGS(partner), TEXT_ARGS(id), codes[o.state], (long long)o.amount, o.transaction);
}

static void zalopay_create(struct visit *visit)
{
    struct text id = visit_form(visit, "app_trans_id");
    int64_t amount = 0;
    bool kept = text_to_int64(visit_form(visit, "amount"), &amount) && keep(id, TEXT(""), amount, PENDING);
    buf_printf(&visit->reply, "{\"return_code\":%d,\"order_url\":\"http://127.0.0.1/zalopay/%.*s\"}", kept ? 1 : 2,
               TEXT_ARGS(id));
}

static void zalopay_query(struct visit *visit)
{
    struct order o = look(visit_form(visit, "app_trans_id"));
    static const int codes[] = {1, 3, 2, 2};
    buf_printf(&visit->reply, "{\"return_code\":%d,\"amount\":%lld,\"zp_trans_id\":\"%s\"}", codes[o.state],
               (long long)o.amount, o.transaction);
}

static void keypay_query(struct visit *visit)
{
    struct text id = said(visit, "transaction_id");
    struct order o = look(id);
    buf_printf(&visit->reply,
               "{\"return_code\":\"%s\",\"transaction_id\":\"%.*s\",\"trans_amount\":\"%lld\",\"status\":\"%s\"}",
               o.state == ABSENT ? "-1" : "0", TEXT_ARGS(id), (long long)o.amount, o.state == PAID ? "2" : "1");
}

const struct road gateway_roads[] = {{"POST", "/gateways/orders", tell},
                                     {"POST", "/dvcqg/init", portal_init},
                                     {"POST", "/dvcqg/query", portal_query},
                                     {"POST", "/momo/v2/gateway/api/create", momo_create},
                                     {"POST", "/momo/v2/gateway/api/query", momo_query},
                                     {"POST", "/zalopay/create", zalopay_create},
                                     {"POST", "/zalopay/query", zalopay_query},
                                     {"POST", "/keypay/query", keypay_query},
                                     {0}};
