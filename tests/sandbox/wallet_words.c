/* Call-backs of MoMo, ZaloPay, VNPAY and the national portal, each signed as that source signs; written from their
 * documents a second time, apart from lephi's own readers. */
#include "tests/sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/crypto.h"

static void hmac256(struct text secret, struct text message, char ret_hex[HEX_SHA256_SIZE])
{
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_sha256(secret, message, mac);
    hex_encode(mac, sizeof mac, ret_hex);
}

static int64_t millis(instant_us at)
{
    return at / 1000;
}

/* "20261123090000", Vietnam's time. */
static const char *stamp14(instant_us at, struct arena *arena)
{
    struct civil c = civil_of(at);
    return arena_printf(arena, "%04d%02d%02d%02d%02d%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

static void momo(const struct gateway_order *o, struct text secret, struct arena *arena, struct wallet_call *ret)
{
    char hex[HEX_SHA256_SIZE];
    int code = o->state == GATEWAY_PAID ? 0 : 1006;
    long long time = millis(o->paid_at), amount = o->amount;
    const char *text =
        arena_printf(arena,
                     "accessKey=sandbox&amount=%lld&extraData=&message=Successful.&orderId=%s&orderInfo=%s&"
                     "orderType=momo_wallet&partnerCode=SANDBOX&payType=qr&requestId=%s&responseTime=%lld&"
                     "resultCode=%d&transId=%s",
                     amount, o->id, o->words, o->id, time, code, o->transaction);
    hmac256(secret, text_of(text), hex);
    struct json json = json_to(&ret->body);
    json_put_object(&json, NULL);
    json_put_string(&json, "partnerCode", "SANDBOX");
    json_put_string(&json, "orderId", o->id);
    json_put_string(&json, "requestId", o->id);
    json_put_int(&json, "amount", amount);
    json_put_string(&json, "orderInfo", o->words);
    json_put_string(&json, "orderType", "momo_wallet");
    json_put_raw(&json, "transId", text_of(o->transaction));
    json_put_int(&json, "resultCode", code);
    json_put_string(&json, "message", "Successful.");
    json_put_string(&json, "payType", "qr");
    json_put_int(&json, "responseTime", time);
    json_put_string(&json, "extraData", "");
    json_put_string(&json, "signature", hex);
    json_put_end(&json);
}

static void zalopay(const struct gateway_order *o, struct text secret, struct wallet_call *ret)
{
    char hex[HEX_SHA256_SIZE];
    struct buf data = {0};
    struct json inner = json_to(&data), json = json_to(&ret->body);
    json_put_object(&inner, NULL);
    json_put_int(&inner, "app_id", 2553);
    json_put_string(&inner, "app_trans_id", o->id);
    json_put_int(&inner, "amount", o->amount);
    json_put_raw(&inner, "zp_trans_id", text_of(o->transaction));
    json_put_int(&inner, "server_time", millis(o->paid_at));
    json_put_end(&inner);
    hmac256(secret, buf_view(&data), hex);
    json_put_object(&json, NULL);
    json_put_text(&json, "data", buf_view(&data));
    json_put_string(&json, "mac", hex);
    json_put_int(&json, "type", 1);
    json_put_end(&json);
    buf_done(&data);
}

static void url_encode(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-_.", c);
        if (plain)
            buf_char(out, (char)c);
        else if (c == ' ')
            buf_char(out, '+');
        else
            buf_printf(out, "%%%02X", c);
    }
}

const char *vnpay_sign(const char *const *values, size_t count, struct text secret, struct arena *arena)
{
    uint8_t mac[SHA512_SIZE];
    char hex[2 * SHA512_SIZE + 1];
    struct buf message = {0};
    for (size_t i = 0; i < count; i++)
        buf_printf(&message, "%s%s", i ? "|" : "", values[i]);
    crypto_hmac_sha512(secret, buf_view(&message), mac);
    hex_encode(mac, sizeof mac, hex);
    buf_done(&message);
    return arena_printf(arena, "%s", hex);
}

static void vnpay(const struct gateway_order *o, struct text secret, struct arena *arena, struct wallet_call *ret)
{
    bool paid = o->state == GATEWAY_PAID;
    const char *const pairs[][2] = {{"vnp_Amount", arena_printf(arena, "%lld", (long long)o->amount * 100)},
                                    {"vnp_BankCode", "NCB"},
                                    {"vnp_OrderInfo", o->words},
                                    {"vnp_PayDate", stamp14(o->paid_at, arena)},
                                    {"vnp_ResponseCode", paid ? "00" : "24"},
                                    {"vnp_TmnCode", "SANDBOX1"},
                                    {"vnp_TransactionNo", o->transaction},
                                    {"vnp_TransactionStatus", paid ? "00" : "02"},
                                    {"vnp_TxnRef", o->id}};
    uint8_t mac[SHA512_SIZE];
    char hex[2 * SHA512_SIZE + 1];
    struct buf query = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buf_printf(&query, "%s%s=", i ? "&" : "", pairs[i][0]);
        url_encode(&query, pairs[i][1]);
    }
    crypto_hmac_sha512(secret, buf_view(&query), mac);
    hex_encode(mac, sizeof mac, hex);
    ret->url = arena_printf(arena, "%s?%.*s&vnp_SecureHash=%s", o->notify, TEXT_ARGS(buf_view(&query)), hex);
    buf_done(&query);
}

/* MaXacThuc: SHA-256 over values joined by '|', the secret last; the order is the one lephi is configured with. */
static void portal(const struct gateway_order *o, struct text secret, struct arena *arena, struct wallet_call *ret)
{
    const char *const pairs[][2] = {{"LoaiBanTin", "CONFIRM"},
                                    {"MaLoi", o->state == GATEWAY_PAID ? "00" : "99"},
                                    {"MaDoiTac", "SANDBOX"},
                                    {"MaThamChieu", o->id},
                                    {"SoTien", arena_printf(arena, "%lld", (long long)o->amount)},
                                    {"MaTienTe", "VND"},
                                    {"MaGiaoDich", o->transaction},
                                    {"MaNganHang", "SANDBOX"},
                                    {"ThoiGianGD", stamp14(o->paid_at, arena)},
                                    {"ThongTinGiaoDich", o->words}};
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    struct buf message = {0};
    struct json json = json_to(&ret->body);
    json_put_object(&json, NULL);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buf_printf(&message, "%s|", pairs[i][1]);
        json_put_string(&json, pairs[i][0], pairs[i][1]);
    }
    buf_text(&message, secret);
    crypto_sha256(buf_view(&message), digest);
    hex_encode(digest, sizeof digest, hex);
    json_put_string(&json, "MaXacThuc", hex);
    json_put_end(&json);
    buf_done(&message);
}

void wallet_call_write(const struct gateway_order *order, struct text secret, struct arena *arena,
                       struct wallet_call *ret_call)
{
    *ret_call = (struct wallet_call){.url = order->notify};
    if (!strcmp(order->source, "momo"))
        momo(order, secret, arena, ret_call);
    else if (!strcmp(order->source, "zalopay"))
        zalopay(order, secret, ret_call);
    else if (!strcmp(order->source, "vnpay"))
        vnpay(order, secret, arena, ret_call);
    else
        portal(order, secret, arena, ret_call);
}
