/* Waking a waiting thread: an eventfd. Signals before a wait are kept (as one), so none is lost. */
#ifndef LEPHI_CORE_WAKE_H
#define LEPHI_CORE_WAKE_H

#include "core/base/err.h"

struct wake {
    int fd; /* readable while a signal is waiting: for epoll */
};

MUST_CHECK enum err wake_open(struct wake *ret_wake); /* ERR_IO */
void wake_done(struct wake *wake);

void wake_signal(const struct wake *wake); /* any thread, any number of times, also from a signal handler */

enum wake_reason { WAKE_TIMEOUT, WAKE_SIGNAL };
/* Waits until signalled, at most `timeout_ms` (negative: for ever); takes all signals so far. */
enum wake_reason wake_wait(const struct wake *wake, int timeout_ms);
void wake_clear(const struct wake *wake); /* takes the signals without waiting */

#endif
