#include "core/system/wake.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/base/clock.h"

enum err wake_open(struct wake *ret_wake)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    ret_wake->fd = fd;
    return OK;
}

void wake_done(struct wake *wake)
{
    if (wake->fd >= 0)
        close(wake->fd);
    wake->fd = -1;
}

void wake_signal(const struct wake *wake)
{
    int saved = errno;
    uint64_t one = 1;
    /* A full counter (EAGAIN) is a signal already. */
    ssize_t written = write(wake->fd, &one, sizeof one);
    (void)written;
    errno = saved;
}

void wake_clear(const struct wake *wake)
{
    uint64_t count;
    ssize_t got = read(wake->fd, &count, sizeof count);
    (void)got;
}

enum wake_reason wake_wait(const struct wake *wake, int timeout_ms)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        struct pollfd ready = {.fd = wake->fd, .events = POLLIN};
        int64_t left_us = until_us - clock_monotonic_us();
        int wait_ms = timeout_ms < 0 ? -1 : left_us <= 0 ? 0 : (int)((left_us + 999) / 1000);
        int count = poll(&ready, 1, wait_ms);
        if (count > 0) {
            wake_clear(wake);
            return WAKE_SIGNAL;
        }
        if (count == 0 || errno != EINTR)
            return WAKE_TIMEOUT;
    }
}
