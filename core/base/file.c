#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(int fd, size_t max, struct buf *bytes)
{
    enum { CHUNK = 1 << 16 };
    for (;;) {
        ssize_t got = read(fd, buf_room(bytes, CHUNK), CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            return OK;
        bytes->length += (size_t)got;
        if (bytes->length > max)
            return ERR_BODY_TOO_LARGE;
    }
}

enum err file_read(const char *path, size_t max, struct arena *arena, struct text *ret_bytes)
{
    int fd = !strcmp(path, "-") ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    struct buf bytes = {0};
    enum err err = read_all(fd, max, &bytes);
    close(fd);
    if (!err)
        *ret_bytes = arena_text(arena, buf_view(&bytes));
    buf_done(&bytes);
    return err;
}

static enum err write_all(int fd, struct text bytes)
{
    while (bytes.length) {
        ssize_t put = write(fd, bytes.at, bytes.length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return ERR_IO;
        bytes = text_slice(bytes, (size_t)put, bytes.length);
    }
    return fsync(fd) ? ERR_IO : OK;
}

enum err file_write(const char *path, struct text bytes, unsigned mode)
{
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s.%d.new", path, (int)getpid()) >= (int)sizeof beside)
        return ERR_IO;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return ERR_IO;
    enum err err = write_all(fd, bytes);
    if (close(fd) || (!err && rename(beside, path)))
        err = ERR_IO;
    if (err)
        unlink(beside);
    return err;
}
