/* A text as a QR code (ISO/IEC 18004, level M), for paper. */
#ifndef LEPHI_CORE_PAPER_QR_H
#define LEPHI_CORE_PAPER_QR_H

#include <stdint.h>

enum { QR_SIDE_MAX = 177 };

struct qr {
    int side; /* modules; 0 when the text does not fit */
    uint8_t dark[QR_SIDE_MAX * QR_SIDE_MAX];
};

void qr_make(const char *text, struct qr *ret_qr);
/* Calls `run` for every horizontal run of dark modules. */
void qr_runs(const struct qr *qr, void (*run)(void *with, int x, int y, int length), void *with);

#endif
