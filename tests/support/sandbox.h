/* The outside world for a test: the sandbox program, started on a free port with a data folder of its own. */
#ifndef LEPHI_TESTS_SANDBOX_H
#define LEPHI_TESTS_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

struct test_sandbox {
    pid_t pid;
    char base[64], folder[64]; /* http://127.0.0.1:PORT; made when empty */
};

/* `options` NULL-terminated, without --data and --port. Ends the test when the program does not come up. */
void test_sandbox_start(struct test_sandbox *sandbox, const char *const *options);
/* Sends the signal and waits; true when it ended by itself with 0. */
bool test_sandbox_stop(struct test_sandbox *sandbox, int signal);
void test_sandbox_remove(struct test_sandbox *sandbox); /* stopped: deletes its folder */

#endif
