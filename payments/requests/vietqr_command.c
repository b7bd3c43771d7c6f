/* `lephi vietqr encode` and `lephi vietqr decode`. */
#include "payments/requests/vietqr.h"

#include <stdio.h>
#include <string.h>
#include "core/base/file.h"
#include "core/json/json_write.h"
#include "payments/requests/bank.h"
#include "payments/requests/qr_image.h"

static int usage(void)
{
    fputs("Usage: lephi vietqr encode --bank BIN --account NO [--amount N] [--memo TEXT] [--bill TEXT] [--service "
          "QRIBFTTA|QRIBFTTC]"
          " [--svg FILE] [--png FILE]\n       lephi vietqr decode PAYLOAD\n",
          stderr);
    return 2;
}

/* `mark` is "--" where faults name fields of the order, which are options to the caller. */
static void print_faults(const struct faults *faults, const char *mark)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->list[i];
        fprintf(stderr, "lephi: %s%s: %s (%s)\n", mark, strcmp(fault->where, "bank_bin") ? fault->where : "bank",
                fault->detail, err_info(fault->code)->code);
    }
}

static void put_if_there(struct json *json, const char *key, struct text value)
{
    if (value.at)
        json_put_text(json, key, value);
}

static void write_read(struct json *json, const struct vietqr_read *read)
{
    static const char *const additional[VIETQR_ADDITIONAL_COUNT] = {
        [VIETQR_MOBILE] = "mobile",     [VIETQR_STORE] = "store",       [VIETQR_LOYALTY] = "loyalty",
        [VIETQR_REFERENCE] = "label",   [VIETQR_CUSTOMER] = "customer", [VIETQR_TERMINAL] = "terminal",
        [VIETQR_CONSUMER_DATA] = "asks"};
    const struct bank *bank = bank_by_bin(read->qr.bank_bin);
    json_put_object(json, NULL);
    json_put_text_or_null(json, "point_of_initiation", read->point_of_initiation);
    json_put_text(json, "bank_bin", read->qr.bank_bin);
    json_put_text_or_null(json, "bank", bank ? bank->name : TEXT_NONE);
    json_put_text(json, "account", read->qr.account);
    json_put_text(json, "service", read->service_code);
    if (read->amount_text.at)
        json_put_int(json, "amount", read->qr.amount);
    else
        json_put_null(json, "amount");
    json_put_text(json, "currency", read->currency);
    json_put_text_or_null(json, "memo", read->qr.memo);
    json_put_text_or_null(json, "bill", read->qr.bill);
    put_if_there(json, "category", read->category);
    put_if_there(json, "merchant_name", read->merchant_name);
    put_if_there(json, "merchant_city", read->merchant_city);
    for (int i = 0; i < VIETQR_ADDITIONAL_COUNT; i++)
        if (additional[i])
            put_if_there(json, additional[i], read->additional[i]);
    json_put_end(json);
}

static int decode(struct text payload)
{
    struct arena arena;
    struct faults faults;
    struct vietqr_read read;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = vietqr_decode(payload, &faults, &read);
    if (err) {
        print_faults(&faults, "");
    } else {
        struct buf out = {0};
        struct json json = json_to(&out);
        write_read(&json, &read);
        puts(buf_cstr(&out));
        buf_done(&out);
    }
    arena_done(&arena);
    return err ? 1 : 0;
}

enum { PLAIN_SIZE = 128 }; /* more than may be written, so that what is too long is refused and not cut */

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

/* Vietnamese as people type it becomes what bank apps can show. False when nothing of it is left. */
static bool make_plain(struct text *text, char *ret_plain, size_t size)
{
    struct text plain = {ret_plain, text_to_ascii(*text, ret_plain, size)};
    bool good = plain.length || !text->length;
    *text = plain;
    return good;
}

static int write_payload(const struct order *order)
{
    struct arena arena;
    struct faults faults;
    struct buf payload = {0};
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = vietqr_check(&order->qr, &faults);
    if (err) {
        print_faults(&faults, "--");
    } else {
        err = vietqr_encode(&order->qr, &payload);
        if (!err)
            err = draw(order, buf_view(&payload));
        if (err)
            fprintf(stderr, "lephi: %s (%s)\n", err_info(err)->vi, err_info(err)->en);
    }
    if (!err) {
        puts(buf_cstr(&payload));
        if (order->qr.amount >= VIETQR_AMOUNT_LIMIT)
            fputs(
                "lephi: NAPAS247 chỉ chuyển số tiền dưới 500.000.000 đồng (NAPAS247 moves less than that at a time)\n",
                stderr);
    }
    buf_done(&payload);
    arena_done(&arena);
    return err ? 1 : 0;
}

static int encode(int argc, char **argv)
{
    struct order order = {0};
    for (int i = 2; i < argc; i += 2)
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1], &order))
            return usage();
    if (!order.qr.bank_bin.length || !order.qr.account.length)
        return usage();
    char memo[PLAIN_SIZE], bill[PLAIN_SIZE];
    if (!make_plain(&order.qr.memo, memo, sizeof memo) || !make_plain(&order.qr.bill, bill, sizeof bill)) {
        fputs("lephi: --memo, --bill: không còn chữ nào đọc được sau khi bỏ dấu (no Latin letters in it)\n", stderr);
        return 1;
    }
    return write_payload(&order);
}

int vietqr_command(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "decode"))
        return decode(text_of(argv[2]));
    if (argc > 2 && !strcmp(argv[1], "encode"))
        return encode(argc, argv);
    return usage();
}
