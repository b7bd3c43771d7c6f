/* Everything the post office may send: answers in any envelope, and the call-back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "postal/vnpost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct text body = {(const char *)data, size}, text;
    struct carrier_booking booking;
    struct carrier_step steps[CARRIER_STEPS_MAX];
    struct vnpost_notice notice;
    struct buf pdf = {0};
    char item[S10_LENGTH + 1];
    size_t count = 0;
    int64_t fee = 0;
    instant_us at;
    arena_init(&arena);
    if (!vnpost_notice_read(body, &arena, &notice) && (!notice.item.length || notice.hint_count > CARRIER_STEPS_MAX))
        abort();
    if (!vnpost_order_read(body, TEXT_NONE, &arena, &booking) && (!booking.item.length || booking.fee < -1))
        abort();
    if (!vnpost_history_read(body, &arena, steps, &count) && count > CARRIER_STEPS_MAX)
        abort();
    if (!vnpost_charge_read(body, TEXT_NONE, &arena, &fee) && fee < 0)
        abort();
    (void)!vnpost_token_read(body, &arena, &text);
    (void)!vnpost_case_read(body, &arena, &text);
    (void)!vnpost_label_read(body, &arena, &pdf);
    (void)vnpost_problem_read(body, &arena);
    (void)vnpost_time_read(body, &at);
    if (postal_s10_read(body, item) && item[10] != postal_s10_check(item + 2))
        abort();
    buf_done(&pdf);
    arena_done(&arena);
    return 0;
}
