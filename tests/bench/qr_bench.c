/* QR payloads and images: writing and reading VietQR, drawing SVG and PNG, beside bare libqrencode. CPU time of one
 * core. */
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "core/core.h"
#include "payments/requests/requests.h"

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const struct vietqr order = {.bank_bin = {"970436", 6},
                                    .account = {"0021000123456", 13},
                                    .service = VIETQR_TO_ACCOUNT,
                                    .amount = 14000,
                                    .memo = {"QN8XPDSV5H4CEJ", 14}};

static void one_payload(struct text payload)
{
    struct arena arena;
    struct faults faults;
    struct vietqr_read read;
    struct buf out = {0};
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (vietqr_encode(&order, &out) || vietqr_decode(buf_view(&out), &faults, &read) || read.qr.amount != order.amount)
        abort();
    buf_done(&out);
    arena_done(&arena);
}

static void one_svg(struct text payload)
{
    struct buf out = {0};
    if (qr_image_svg(payload, TEXT("VietQR"), &out))
        abort();
    buf_done(&out);
}

static void one_png(struct text payload)
{
    struct buf out = {0};
    if (qr_image_png(payload, &out))
        abort();
    buf_done(&out);
}

static void one_bare(struct text payload)
{
    QRcode *code = QRcode_encodeString8bit(payload.at, 0, QR_ECLEVEL_M);
    if (!code)
        abort();
    QRcode_free(code);
}

/* Runs for about a second of CPU; how many a second. */
static double rate(void (*one)(struct text payload), struct text payload)
{
    double start = cpu_s(), spent = 0;
    long done = 0;
    while (spent < 1) {
        for (int i = 0; i < 64; i++)
            one(payload);
        done += 64;
        spent = cpu_s() - start;
    }
    return (double)done / spent;
}

int main(void)
{
    struct buf payload = {0};
    if (vietqr_encode(&order, &payload))
        return EXIT_FAILURE;
    struct text text = text_of(buf_cstr(&payload));
    double pay = rate(one_payload, text), svg = rate(one_svg, text), png = rate(one_png, text),
           bare = rate(one_bare, text);
    printf("{\"bench\": \"qr\", \"payload_per_s\": %.0f, \"svg_per_s\": %.0f, \"png_per_s\": %.0f, "
           "\"libqrencode_per_s\": %.0f}\n",
           pay, svg, png, bare);
    buf_done(&payload);
    return EXIT_SUCCESS;
}
