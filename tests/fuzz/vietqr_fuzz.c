/* Whatever is scanned: never a crash, and what is accepted can be written again. */
#include <assert.h>
#include "core/core.h"
#include "payments/requests/vietqr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct faults faults;
    struct vietqr_read read;
    arena_init(&arena);
    faults_init(&faults, &arena);
    /* The CRC is put right, so that the structure behind it is reached. */
    struct text payload = {(const char *)data, size};
    if (size > 8 && size < VIETQR_PAYLOAD_MAX) {
        struct text body = text_slice(payload, 0, size - 8);
        payload = arena_textf(&arena, "%.*s6304", TEXT_ARGS(body));
        payload = arena_textf(&arena, "%.*s%04X", TEXT_ARGS(payload), vietqr_crc(payload));
    }
    if (!vietqr_decode(payload, &faults, &read)) {
        struct buf again = {0};
        struct vietqr_read second;
        if (!vietqr_encode(&read.qr, &again)) {
            enum err err = vietqr_decode(buf_view(&again), &faults, &second);
            assert(!err && text_equal(second.qr.account, read.qr.account) && second.qr.amount == read.qr.amount);
        }
        buf_done(&again);
    }
    arena_done(&arena);
    return 0;
}
