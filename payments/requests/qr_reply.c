/* A QR as an image over HTTP. */
#include "payments/requests/qr_image.h"
#include "payments/requests/request_parts.h"

/* An image changes only when what is missing changes; its payload is its ETag. */
enum err qr_reply(struct request *rq, struct text payload, enum qr_picture picture)
{
    if (!payload.length)
        return reply_error(rq, ERR_NOT_FOUND);
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SHA256_SIZE];
    crypto_sha256(payload, digest);
    hex_encode(digest, sizeof digest, hex);
    struct text etag = arena_textf(&rq->arena, "\"%.32s\"", hex);
    reply_header(rq, "ETag", etag);
    reply_header(rq, "Cache-Control", TEXT("private, no-cache"));
    if (text_equal(request_header(rq, "If-None-Match"), etag))
        return reply_body(rq, 304, NULL, TEXT_NONE);
    struct buf image = {0};
    enum err err = picture == QR_SVG ? qr_image_svg(payload, TEXT("Mã VietQR để chuyển khoản phí, lệ phí"), &image)
                                     : qr_image_png(payload, &image);
    err = err ? reply_error(rq, err)
              : reply_body(rq, 200, picture == QR_SVG ? "image/svg+xml" : "image/png", buf_view(&image));
    buf_done(&image);
    return err;
}
