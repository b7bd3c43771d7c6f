/* Messages from gateways: no crash; what is read has a sender and a text within bounds, in UTF-8; and a code behind
 * whatever was written is found. */
#include <stdlib.h>
#include "payments/notices/notices.h"

static void read_as(enum post_channel channel, struct text body)
{
    struct arena arena;
    struct faults faults;
    struct incoming m;
    arena_init(&arena);
    faults_init(&faults, &arena);
    enum err err = incoming_read(channel, body, &m, &faults);
    if (!err && (!m.from.length || m.from.length > 64 || m.text.length > 1000 || m.id.length > 100 || faults.count ||
                 !text_is_utf8(m.text) || !text_is_utf8(m.from)))
        abort();
    if (err == ERR_INVALID && !faults.count)
        abort();
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text body = {(const char *)data, size};
    read_as(POST_SMS, body);
    read_as(POST_ZALO, body);
    return 0;
}
