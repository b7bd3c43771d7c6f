/* The page on which a person pays an order of a wallet, a gateway or the national portal, well or badly; afterwards the
 * source's own signed call-back goes out, and the source knows what became of the order when it is asked. */
#include "tests/sandbox/sandbox.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "core/base/money.h"

enum { REPEATS = 3, LATE_MS = 10000 };

static const char *title_of(const char *source)
{
    static const char *const titles[][2] = {
        {"momo", "MoMo"}, {"zalopay", "ZaloPay"}, {"vnpay", "VNPAY"}, {"dvcqg", "Cổng dịch vụ công quốc gia"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (!strcmp(source, titles[i][0]))
            return titles[i][1];
    return "?";
}

const char *wallet_page(struct visit *visit, const struct gateway_order *order)
{
    struct text host = visit_header(visit, "Host");
    return arena_printf(&visit->arena, "http://%.*s/wallet?order=%s", TEXT_ARGS(host), order->id);
}

void wallet_show(struct visit *visit, const struct gateway_order *order)
{
    static const char *const ways[][2] = {{"well", "Trả tiền"},
                                          {"lost", "Trả tiền, thông báo bị mất"},
                                          {"late", "Trả tiền, thông báo chậm 10 giây"},
                                          {"thrice", "Trả tiền, thông báo ba lần"},
                                          {"forged", "Trả tiền, thông báo ký sai"},
                                          {"short", "Trả thiếu 1.000 đồng"},
                                          {"failed", "Không trả (thất bại)"}};
    struct buf *out = &visit->reply;
    char money[MONEY_TEXT_SIZE];
    page_open(visit);
    money_format(order->amount, money);
    buf_printf(out, "<h1>%s giả lập</h1><table><tr><th>Đơn<td>%s<tr><th>Số tiền<td>%s đồng<tr><th>Nội dung<td>",
               title_of(order->source), order->id, money);
    html_text(out, text_of(order->words));
    buf_string(out, "</table>");
    if (order->state != GATEWAY_PENDING) {
        buf_printf(out, "<p>Đơn này %s.", order->state == GATEWAY_PAID ? "đã trả" : "đã hủy");
    } else {
        buf_printf(out, "<form method=post action=/wallet/pay><input type=hidden name=order value='%s'>", order->id);
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            buf_printf(out, "<p><button name=way value=%s>%s</button>", ways[i][0], ways[i][1]);
        buf_string(out, "</form>");
    }
    if (order->back[0]) {
        buf_string(out, "<p><a href=\"");
        html_text(out, text_of(order->back));
        buf_string(out, "\">Về trang nộp phí</a>");
    }
}

static void show(struct visit *visit)
{
    struct gateway_order order = gateway_look(visit_query(visit, "order"));
    if (order.state == GATEWAY_ABSENT || !order.source[0])
        visit_refuse(visit, 404, "not_found", "no such order");
    else
        wallet_show(visit, &order);
}

static void tell(struct visit *visit, const struct gateway_order *order, struct text way)
{
    struct wallet_call call;
    bool forged = text_is(way, "forged");
    if (text_is(way, "lost") || !order->notify[0])
        return;
    wallet_call_write(order, forged ? TEXT("a secret nobody gave us") : visit->sandbox->secret, &visit->arena, &call);
    const struct letter letter = {.kind = "wallet",
                                  .url = call.url,
                                  .body = buf_view(&call.body),
                                  .subject = order->id,
                                  .signed_at = INSTANT_NONE,
                                  .delay_ms = text_is(way, "late") ? LATE_MS : 0};
    for (int i = 0; i < (text_is(way, "thrice") ? REPEATS : 1); i++)
        courier_send(visit->sandbox->courier, &letter);
    buf_done(&call.body);
}

/* POST /wallet/pay: order, way. Back to where the payer came from. */
static void pay(struct visit *visit)
{
    static atomic_long number = 4000000000;
    struct text way = visit_form(visit, "way");
    struct gateway_order order = gateway_look(visit_form(visit, "order"));
    if (order.state != GATEWAY_PENDING || !order.source[0]) {
        visit_refuse(visit, 409, "conflict", "no such order, or it has ended");
        return;
    }
    order.state = text_is(way, "failed") ? GATEWAY_FAILED : GATEWAY_PAID;
    order.amount -= text_is(way, "short") ? 1000 : 0;
    order.paid_at = clock_now();
    snprintf(order.transaction, sizeof order.transaction, "%ld", (long)atomic_fetch_add(&number, 1));
    if (!gateway_keep(&order)) {
        visit_refuse(visit, 409, "conflict", "the book is full");
        return;
    }
    tell(visit, &order, way);
    visit->status = 303;
    visit->location = order.back[0] ? arena_printf(&visit->arena, "%s", order.back) : wallet_page(visit, &order);
}

/* VNPAY's page is reached by an address that holds the whole order. */
static void vnpay_page(struct visit *visit)
{
    struct gateway_order order = gateway_look(visit_query(visit, "vnp_TxnRef"));
    const char *base = visit->sandbox->notifications;
    int64_t hundredths = 0;
    if (order.state == GATEWAY_ABSENT) {
        struct text id = visit_query(visit, "vnp_TxnRef"), back = visit_query(visit, "vnp_ReturnUrl"),
                    words = visit_query(visit, "vnp_OrderInfo");
        bool good = text_to_int64(visit_query(visit, "vnp_Amount"), &hundredths) && hundredths > 0;
        order = (struct gateway_order){.source = "vnpay", .amount = hundredths / 100, .state = GATEWAY_PENDING};
        snprintf(order.id, sizeof order.id, "%.*s", TEXT_ARGS(id));
        snprintf(order.back, sizeof order.back, "%.*s", TEXT_ARGS(back));
        snprintf(order.words, sizeof order.words, "%.*s", TEXT_ARGS(words));
        snprintf(order.notify, sizeof order.notify, "%s%s", base ? base : "", base ? "/vnpay" : "");
        if (!good || !gateway_keep(&order)) {
            visit_refuse(visit, 422, "invalid_request", "vnp_TxnRef, vnp_Amount");
            return;
        }
    }
    wallet_show(visit, &order);
}

static const char *field_of(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* POST …/transaction: querydr and refund, answered with the signature over the fields in VNPAY's order; one amount
 * field is đồng × 100. */
static void vnpay_api(struct visit *visit)
{
    struct json_fields in;
    if (json_parse(buf_view(&visit->body), &in, &visit->faults)) {
        visit_refuse(visit, 400, "invalid_request", "JSON");
        return;
    }
    struct text id = text_of(field_of(in.object, "vnp_TxnRef"));
    bool refund = !strcmp(field_of(in.object, "vnp_Command"), "refund");
    struct gateway_order o = gateway_look(id);
    int64_t hundredths = 0;
    const char *code = o.state == GATEWAY_ABSENT ? "91" : "00", *status = o.state == GATEWAY_PAID      ? "00"
                                                                          : o.state == GATEWAY_PENDING ? "01"
                                                                                                       : "02";
    if (refund) {
        static const char *const codes[] = {"00", "94", "95"};
        bool good = text_to_int64(text_of(field_of(in.object, "vnp_Amount")), &hundredths);
        code = codes[good ? gateway_refund(text_of(field_of(in.object, "vnp_RequestId")), text_of(o.transaction),
                                           hundredths / 100)
                          : REFUND_NEVER];
    }
    const char *amount = arena_printf(&visit->arena, "%lld", (long long)(refund ? hundredths : o.amount * 100));
    const char *const names[] = {"vnp_ResponseId", "vnp_Command",       "vnp_ResponseCode",    "vnp_Message",
                                 "vnp_TmnCode",    "vnp_TxnRef",        "vnp_Amount",          "vnp_BankCode",
                                 "vnp_PayDate",    "vnp_TransactionNo", "vnp_TransactionType", "vnp_TransactionStatus",
                                 "vnp_OrderInfo",  "vnp_PromotionCode", "vnp_PromotionAmount"};
    const char *const values[] = {"R1",
                                  refund ? "refund" : "querydr",
                                  code,
                                  "ok",
                                  "SANDBOX1",
                                  arena_copy(&visit->arena, id),
                                  amount,
                                  "NCB",
                                  "",
                                  o.transaction,
                                  refund ? "02" : "01",
                                  status,
                                  o.words,
                                  "",
                                  ""};
    size_t count = refund ? 13 : 15;
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    for (size_t i = 0; i < count; i++)
        json_put_string(&json, names[i], values[i]);
    json_put_string(&json, "vnp_SecureHash", vnpay_sign(values, count, visit->sandbox->secret, &visit->arena));
    json_put_end(&json);
}

const struct road wallet_roads[] = {{"GET", "/wallet", show},
                                    {"POST", "/wallet/pay", pay},
                                    {"GET", "/vnpay/paymentv2/vpcpay.html", vnpay_page},
                                    {"POST", "/vnpay/merchant_webapi/api/transaction", vnpay_api},
                                    {0}};
