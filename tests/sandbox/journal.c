/* What must survive a restart: JSON lines, one per fact, appended and flushed. */
#include "tests/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/file.h"
#include "core/base/memory.h"

enum { JOURNAL_MAX = 1 << 30 };

struct journal {
    int file;
    pthread_mutex_t lock;
};

/* Hands over whole lines; returns how many bytes they are. A crash can only tear the last one. */
static size_t replay(struct text bytes, void (*line)(void *with, json_t *record), void *with)
{
    size_t whole = 0;
    while (whole < bytes.length) {
        const char *end = memchr(bytes.at + whole, '\n', bytes.length - whole);
        if (!end)
            break;
        size_t length = (size_t)(end - bytes.at) - whole;
        json_t *record = json_loadb(bytes.at + whole, length, JSON_REJECT_DUPLICATES, NULL);
        if (!record)
            break;
        line(with, record);
        json_decref(record);
        whole += length + 1;
    }
    return whole;
}

enum err journal_open(const char *folder, const char *name, void (*line)(void *with, json_t *record), void *with,
                      struct journal **ret_journal)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    struct text bytes = TEXT_NONE;
    enum err err = file_read(path, JOURNAL_MAX, &arena, &bytes);
    if (err && err != ERR_NOT_FOUND)
        goto out;
    size_t whole = replay(bytes, line, with);
    err = ERR_IO;
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        goto out;
    if (ftruncate(file, (off_t)whole) || lseek(file, 0, SEEK_END) < 0) {
        close(file);
        goto out;
    }
    struct journal *journal = memory_new(sizeof *journal);
    journal->file = file;
    pthread_mutex_init(&journal->lock, NULL);
    *ret_journal = journal;
    err = OK;
out:
    arena_done(&arena);
    return err;
}

enum err journal_append(struct journal *journal, struct text record, enum journal_care care)
{
    struct buf line = {0};
    buf_text(&line, record);
    buf_char(&line, '\n');
    size_t written = 0;
    pthread_mutex_lock(&journal->lock);
    while (written < line.length) {
        ssize_t step = write(journal->file, line.at + written, line.length - written);
        if (step < 0 && errno == EINTR)
            continue;
        if (step <= 0)
            break;
        written += (size_t)step;
    }
    bool failed = written < line.length || (care == JOURNAL_DURABLE && fdatasync(journal->file));
    pthread_mutex_unlock(&journal->lock);
    buf_done(&line);
    return failed ? ERR_IO : OK;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    close(journal->file);
    free(journal);
}
