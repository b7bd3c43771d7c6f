/* VietQR payloads (NAPAS "QR Format", version 1.0 of 09/2021 with the corrections of 1.5.2; EMVCo merchant-presented
 * mode).
 *
 * The encoder writes exactly one form: objects in ascending order, ASCII only, the memo in 62-08 where bank apps look
 * for it, point of initiation 12 whenever there is an amount. The decoder takes every legal variety (objects in any
 * order, unknown ones, a lower-case CRC, "50000.", lengths that count characters or bytes) and is strict on lengths:
 * nested objects must exactly fill their template, for a right CRC proves nothing about them. */
#ifndef LEPHI_PAYMENTS_VIETQR_H
#define LEPHI_PAYMENTS_VIETQR_H

#include <stdbool.h>
#include <stdint.h>
#include "core/base/buf.h"
#include "core/base/fault.h"

enum vietqr_service { VIETQR_TO_ACCOUNT, VIETQR_TO_CARD, VIETQR_PUSH, VIETQR_CASH, VIETQR_SERVICE_OTHER };

/* Objects of template 62, by their number. */
enum vietqr_additional {
    VIETQR_BILL = 1,
    VIETQR_MOBILE,
    VIETQR_STORE,
    VIETQR_LOYALTY,
    VIETQR_REFERENCE,
    VIETQR_CUSTOMER,
    VIETQR_TERMINAL,
    VIETQR_MEMO,
    VIETQR_CONSUMER_DATA,
    VIETQR_ADDITIONAL_COUNT
};

enum {
    VIETQR_MEMO_MAX = 25, /* written; up to 99 are read */
    VIETQR_ACCOUNT_MAX = 19,
    VIETQR_PAYLOAD_MAX = 512, /* bytes; EMVCo's recommendation */
};
/* 54 holds at most 13 characters. */
#define VIETQR_AMOUNT_MAX INT64_C(9999999999999)

/* A NAPAS247 transfer must stay below this (NAPAS QR terms, §8.1.1); larger sums get no QR. */
#define VIETQR_AMOUNT_LIMIT INT64_C(500000000)

struct vietqr {
    struct text bank_bin; /* six digits */
    struct text account;  /* letters and digits; a card number with VIETQR_TO_CARD */
    enum vietqr_service service;
    int64_t amount;         /* đồng; 0: the payer types it */
    struct text memo, bill; /* 62-08 and 62-01; may be empty */
};

/* What a payload says. Texts point into the payload; absent ones are at NULL. */
struct vietqr_read {
    struct vietqr qr;
    struct text service_code;        /* as written */
    struct text point_of_initiation; /* "11", "12" or absent */
    struct text currency;            /* "704" */
    struct text amount_text;         /* as written, perhaps with a point; absent when the payer types it */
    struct text category, merchant_name, merchant_city;
    struct text additional[VIETQR_ADDITIONAL_COUNT]; /* 62-01 to 62-09; memo and bill among them */
};

/* What of it cannot be written: a fault for each field, `where` is its name ("bank_bin", "memo" …). OK, or the first
 * fault's code: ERR_FIELD_FORMAT, ERR_FIELD_LENGTH, ERR_FIELD_RANGE. `faults` may be NULL. */
MUST_CHECK enum err vietqr_check(const struct vietqr *qr, struct faults *faults);

/* Appends the payload. Errors as vietqr_check; nothing is appended then. */
MUST_CHECK enum err vietqr_encode(const struct vietqr *qr, struct buf *out);

/* ERR_VIETQR_CRC, or ERR_VIETQR_SYNTAX, with the object ("38-01-01") and the reason in `faults`. */
MUST_CHECK enum err vietqr_decode(struct text payload, struct faults *faults, struct vietqr_read *ret_read);

const char *vietqr_service_code(enum vietqr_service service);

/* CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, nothing reflected. */
uint16_t vietqr_crc(struct text bytes);
void vietqr_crc_text(struct text bytes, char ret_hex[5]); /* as it stands in 63: upper case */

/* `lephi vietqr encode … | decode PAYLOAD`. */
int vietqr_command(int argc, char **argv);

#endif
