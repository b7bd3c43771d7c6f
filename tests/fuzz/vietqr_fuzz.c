/* VietQR bytes from anywhere: no crash, and what is read can be written and read again to the same meaning. With the
 * first byte odd the CRC is put right first, so that the reader behind it is reached. */
#include <stdlib.h>
#include "core/core.h"
#include "payments/requests/vietqr.h"

static void write_and_read_again(const struct vietqr_read *read, struct faults *faults)
{
    struct buf payload = {0};
    struct vietqr_read again;
    if (!vietqr_encode(&read->qr, &payload)) {
        if (vietqr_decode(buf_view(&payload), faults, &again) || again.qr.amount != read->qr.amount ||
            !text_equal(again.qr.account, read->qr.account) || !text_equal(again.qr.memo, read->qr.memo) ||
            !text_equal(again.qr.bill, read->qr.bill) || again.qr.service != read->qr.service)
            abort();
    }
    buf_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct arena arena;
    struct faults faults;
    struct vietqr_read read;
    arena_init(&arena);
    faults_init(&faults, &arena);
    struct text payload = {(const char *)data + 1, size - 1};
    if (data[0] & 1) {
        payload = arena_textf(&arena, "%.*s6304", (int)payload.length, payload.at ? payload.at : "");
        payload = arena_textf(&arena, "%.*s%04X", TEXT_ARGS(payload), vietqr_crc(payload));
    }
    enum err err = vietqr_decode(payload, &faults, &read);
    if (err ? !faults.count : faults.count || !text_is_utf8(read.qr.memo) || read.qr.amount < 0)
        abort();
    if (!err)
        write_and_read_again(&read, &faults);
    arena_done(&arena);
    return 0;
}
