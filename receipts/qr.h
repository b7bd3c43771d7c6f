/* The verification link as a QR code (ISO/IEC 18004, level M), for the page and the PDF. */
#ifndef LEPHI_RECEIPTS_QR_H
#define LEPHI_RECEIPTS_QR_H

#include "core/core.h"

enum { QR_SIDE_MAX = 177 };

struct qr {
    int side; /* modules; 0 when the text does not fit */
    uint8_t dark[QR_SIDE_MAX * QR_SIDE_MAX];
};

void qr_make(const char *text, struct qr *ret_qr);
/* Calls `run` for every horizontal run of dark modules. */
void qr_runs(const struct qr *qr, void (*run)(void *with, int x, int y, int length), void *with);

#endif
