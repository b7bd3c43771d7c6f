#include "core/paper/qr.h"

#include <qrencode.h>

void qr_make(const char *text, struct qr *ret_qr)
{
    ret_qr->side = 0;
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code)
        return;
    if (code->width <= QR_SIDE_MAX) {
        ret_qr->side = code->width;
        for (int i = 0; i < code->width * code->width; i++)
            ret_qr->dark[i] = code->data[i] & 1;
    }
    QRcode_free(code);
}

void qr_runs(const struct qr *qr, void (*run)(void *with, int x, int y, int length), void *with)
{
    for (int y = 0; y < qr->side; y++) {
        for (int x = 0; x < qr->side;) {
            int from = x;
            while (x < qr->side && qr->dark[y * qr->side + x])
                x++;
            if (x > from)
                run(with, from, y, x - from);
            else
                x++;
        }
    }
}
