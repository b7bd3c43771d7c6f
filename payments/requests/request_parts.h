/* How a request is written, however its sum came about. Private to this room. */
#ifndef LEPHI_PAYMENTS_REQUESTS_PARTS_H
#define LEPHI_PAYMENTS_REQUESTS_PARTS_H

#include "payments/requests/requests.h"

struct request_writing {
    struct text dossier, agency, stage;
    int64_t total;
    struct text shown;    /* the quote as people see it, JSON */
    struct text lines;    /* JSON, see request_make in sql/0002-requests.sql */
    struct text benefits; /* JSON, see benefits_keep in sql/0008-benefits.sql */
    struct text evidence, payer;
    struct text reason;  /* why it is asked for; may be empty */
    const char *version; /* of the catalogue */
    date_days priced_on;
    instant_us holds_until;
    const char *actor;
};
MUST_CHECK enum err payment_request_store(struct db *db, struct arena *arena, const struct request_writing *writing,
                                          instant_us at, int64_t *ret_id);

/* Whether the person's year allows the reliefs that count in a quote; inside the transaction that makes the request.
 * ERR_INVALID with faults, or ERR_RELIEF_USED. */
MUST_CHECK enum err relief_check(struct db *db, struct arena *arena, const struct payment_request_order *order,
                                 instant_us at);

/* Members "vietqr", and "vietqr_absent_reason" (`absent`, or that NAPAS's limit is passed) when there is none. */
void request_vietqr_write(struct json *json, const struct payment_request *r, const char *token, struct text absent);

/* A QR drawn as SVG or PNG, with its payload as ETag; nothing to draw is ERR_NOT_FOUND. Replies. */
enum qr_picture { QR_SVG, QR_PNG };
enum err qr_reply(struct request *rq, struct text payload, enum qr_picture picture);

/* A dossier as the body of PUT /v1/dossiers/{code} tells it; `code` is set before. Faults name every wrong field. */
MUST_CHECK enum err dossier_read(struct request *rq, struct dossier *ret);
void dossier_write(struct json *json, const void *what); /* a struct dossier */

/* The reductions that count in a quote, as JSON for benefits_keep. */
void benefits_write(const struct quote *quote, struct json *json);

#endif
