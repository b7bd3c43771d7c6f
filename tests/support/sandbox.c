#include "tests/support/sandbox.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/arena.h"

enum { OPTIONS_MAX = 40 };

static _Noreturn void end(const char *why)
{
    perror(why);
    exit(1);
}

/* TEST_SANDBOX, else beside the folder of the test: OUT/tests/flow/x_test → OUT/lephi-sandbox. */
static const char *program_of(struct arena *arena)
{
    const char *named = getenv("TEST_SANDBOX");
    char self[512];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (named && *named)
        return named;
    if (length <= 0)
        end("/proc/self/exe");
    self[length] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(self, '/') = '\0';
    return arena_printf(arena, "%s/lephi-sandbox", self);
}

/* A test that ends by exit() must not leave the outside world behind. */
static pid_t running;
static void end_running(void)
{
    if (running)
        kill(running, SIGKILL);
}

void test_sandbox_start(struct test_sandbox *sandbox, const char *const *options)
{
    struct arena arena;
    char *words[OPTIONS_MAX + 4] = {0}, line[64] = "";
    int out[2], port;
    arena_init(&arena);
    if (!sandbox->folder[0]) {
        snprintf(sandbox->folder, sizeof sandbox->folder, "/tmp/lephi-sandbox-XXXXXX");
        if (!mkdtemp(sandbox->folder))
            end("mkdtemp");
    }
    words[0] = arena_copy(&arena, text_of(program_of(&arena)));
    words[1] = arena_copy(&arena, TEXT("--data"));
    words[2] = arena_copy(&arena, text_of(sandbox->folder));
    for (int i = 0; options[i] && i < OPTIONS_MAX; i++)
        words[3 + i] = arena_copy(&arena, text_of(options[i]));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (pipe(out))
        end("pipe");
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    if (posix_spawn(&sandbox->pid, words[0], &actions, NULL, words, environ))
        end(words[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (!running)
        atexit(end_running);
    running = sandbox->pid;
    arena_done(&arena);
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    if (!said || !fgets(line, sizeof line, said) || sscanf(line, "listening on %d", &port) != 1)
        end("the sandbox did not start");
    fclose(said);
    snprintf(sandbox->base, sizeof sandbox->base, "http://127.0.0.1:%d", port);
}

bool test_sandbox_stop(struct test_sandbox *sandbox, int how)
{
    int status = 1;
    if (!sandbox->pid)
        return true;
    kill(sandbox->pid, how);
    if (waitpid(sandbox->pid, &status, 0) != sandbox->pid)
        end("waitpid");
    sandbox->pid = running = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void test_sandbox_remove(struct test_sandbox *sandbox)
{
    static const char *const files[] = {"transfers.jsonl",   "letters.jsonl", "parcels.jsonl", "vnpost-private.pem",
                                        "vnpost-public.pem", "drop-key.pem",  "drop-cert.pem"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[120];
        snprintf(path, sizeof path, "%s/%s", sandbox->folder, files[i]);
        unlink(path);
    }
    char drop[120];
    snprintf(drop, sizeof drop, "%s/drop", sandbox->folder);
    rmdir(drop);
    rmdir(sandbox->folder);
}
