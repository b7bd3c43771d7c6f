/* What the demo stands on: the service and the sandbox over HTTP, programs that judge, and a count of steps.
 *
 * Nothing here knows the program from inside: it sees what a one-stop-shop system, a bank and a citizen see. */
#ifndef LEPHI_DEMO_WORLD_H
#define LEPHI_DEMO_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include "core/core.h"

struct world {
    struct http_client *client;
    const char *url, *sandbox_url; /* DEMO_URL, DEMO_SANDBOX_URL */
    const char *key;               /* DEMO_KEY: an API key with every scope */
    const char *binary;            /* DEMO_BINARY: the program under test, for commands */
    const char *folder;            /* DEMO_FOLDER: where files of this walk go */
    const char *trust;             /* DEMO_TRUST: PEM of the receipts' certification authority */
    struct arena arena;
    int steps, good;
};

void world_open(struct world *world);
void world_close(struct world *world);

/* Prints and counts one step. Returns `ok`. */
bool step(struct world *world, bool ok, const char *format, ...) PRINTF(3, 4);
/* The same for an amount that must be exact. */
bool step_amount(struct world *world, int64_t got, int64_t expected, const char *format, ...) PRINTF(4, 5);

/* One call; the answer's body lives in the world's arena. Status 0: no answer. */
struct http_answer call(struct world *world, const char *method, const char *url, const char *content_type,
                        struct text body);
/* JSON to and from the service with its key. NULL when the status is not `expected` (the answer is printed). Owned by
 * the arena. */
json_t *api(struct world *world, const char *method, const char *path, json_t *body, int expected);
json_t *sandbox(struct world *world, const char *method, const char *path, json_t *body, int expected);

/* The value of a Cookie header of a member of staff who signed in as people do; NULL. */
const char *sign_in(struct world *world, const char *login);
/* As staff, in the browser's stead. NULL when the status is not `expected`. */
json_t *as_staff(struct world *world, const char *cookie, const char *method, const char *path, const char *body,
                 int expected);

/* Runs a program with arguments (NULL-terminated), standard output into `ret_output`; its exit status. */
int run_program(struct world *world, const char *const *arguments, struct text *ret_output);
/* Writes a file into the demo's folder; its path. */
const char *keep_file(struct world *world, const char *name, struct text bytes);

int64_t int_of(json_t *object, const char *key);
const char *string_of(json_t *object, const char *key); /* "" when absent */

#endif
