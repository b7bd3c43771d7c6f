/* `lephi vietqr encode` and `lephi vietqr decode`. */
#include "payments/requests/vietqr.h"

#include <stdio.h>
#include <string.h>
#include "core/base/file.h"
#include "core/json/json_write.h"
#include "payments/requests/qr_image.h"

static int usage(void)
{
    fputs("Usage: lephi vietqr encode --bank BIN --account NO [--amount N] [--memo TEXT] [--bill TEXT] [--service "
          "QRIBFTTA|QRIBFTTC]"
          " [--svg FILE] [--png FILE]\n       lephi vietqr decode PAYLOAD\n",
          stderr);
    return 2;
}

static int decode(struct text payload)
{
    struct arena arena;
    struct faults faults;
    struct vietqr_read read;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = vietqr_decode(payload, &faults, &read);
    struct buf out = {0};
    struct json json = json_to(&out);
    if (err) {
        fprintf(stderr, "lephi: %s: %s\n", faults.count ? faults.list[0].where : "",
                faults.count ? faults.list[0].detail : err_info(err)->vi);
    } else {
        json_put_object(&json, NULL);
        json_put_text_or_null(&json, "point_of_initiation", read.point_of_initiation);
        json_put_text(&json, "bank_bin", read.qr.bank_bin);
        json_put_text(&json, "account", read.qr.account);
        json_put_text(&json, "service", read.service_code);
        if (read.amount_text.at)
            json_put_int(&json, "amount", read.qr.amount);
        else
            json_put_null(&json, "amount");
        json_put_text(&json, "currency", read.currency);
        json_put_text_or_null(&json, "memo", read.qr.memo);
        json_put_text_or_null(&json, "bill", read.qr.bill);
        json_put_text_or_null(&json, "merchant_name", read.merchant_name);
        json_put_text_or_null(&json, "merchant_city", read.merchant_city);
        json_put_end(&json);
        puts(buf_cstr(&out));
    }
    buf_done(&out);
    arena_done(&arena);
    return err ? 1 : 0;
}

struct order {
    struct vietqr qr;
    const char *svg, *png;
};

/* False when an option is unknown or its value is wrong. */
static bool read_option(const char *name, const char *value, struct order *order)
{
    struct text text = text_of(value);
    if (!strcmp(name, "--bank"))
        order->qr.bank_bin = text;
    else if (!strcmp(name, "--account"))
        order->qr.account = text;
    else if (!strcmp(name, "--memo"))
        order->qr.memo = text;
    else if (!strcmp(name, "--bill"))
        order->qr.bill = text;
    else if (!strcmp(name, "--svg"))
        order->svg = value;
    else if (!strcmp(name, "--png"))
        order->png = value;
    else if (!strcmp(name, "--amount"))
        return text_to_int64(text, &order->qr.amount) && order->qr.amount > 0;
    else if (!strcmp(name, "--service") && text_is(text, vietqr_service_code(VIETQR_TO_ACCOUNT)))
        order->qr.service = VIETQR_TO_ACCOUNT;
    else if (!strcmp(name, "--service") && text_is(text, vietqr_service_code(VIETQR_TO_CARD)))
        order->qr.service = VIETQR_TO_CARD;
    else
        return false;
    return true;
}

static enum err draw(const struct order *order, struct text payload)
{
    struct buf image = {0};
    enum err err = OK;
    if (order->svg) {
        err = qr_image_svg(payload, TEXT("VietQR"), &image);
        if (!err)
            err = file_write(order->svg, buf_view(&image), 0644);
    }
    buf_clear(&image);
    if (!err && order->png) {
        err = qr_image_png(payload, &image);
        if (!err)
            err = file_write(order->png, buf_view(&image), 0644);
    }
    buf_done(&image);
    return err;
}

static int encode(int argc, char **argv)
{
    struct order order = {0};
    for (int i = 2; i < argc; i += 2)
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1], &order))
            return usage();
    if (!order.qr.bank_bin.length || !order.qr.account.length)
        return usage();
    char memo[VIETQR_MEMO_MAX * 4 + 1], bill[VIETQR_MEMO_MAX * 4 + 1];
    order.qr.memo = (struct text){memo, text_to_ascii(order.qr.memo, memo, sizeof memo)};
    order.qr.bill = (struct text){bill, text_to_ascii(order.qr.bill, bill, sizeof bill)};
    struct buf payload = {0};
    enum err err = vietqr_encode(&order.qr, &payload);
    if (!err)
        err = draw(&order, buf_view(&payload));
    if (err)
        fprintf(stderr, "lephi: %s\n", err_info(err)->en);
    else
        puts(buf_cstr(&payload));
    buf_done(&payload);
    return err ? 1 : 0;
}

int vietqr_command(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "decode"))
        return decode(text_of(argv[2]));
    if (argc > 2 && !strcmp(argv[1], "encode"))
        return encode(argc, argv);
    return usage();
}
