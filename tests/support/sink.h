/* What the sandbox's sink got for people: letters, short messages, Zalo notices. */
#ifndef LEPHI_TESTS_SINK_H
#define LEPHI_TESTS_SINK_H

#include <jansson.h>
#include "core/core.h"
#include "tests/support/sandbox.h"

/* "smtp://127.0.0.1:PORT" of the sandbox's mail server; in the arena. */
const char *sink_mail_url(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena);
/* Everything it got, oldest first: [{id, channel, at, message}]; lives as long as the arena. */
json_t *sink_messages(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena);
/* The words of a letter (its first part, decoded), and its subject. */
struct text sink_letter_words(json_t *item, struct arena *arena);
struct text sink_letter_subject(json_t *item, struct arena *arena);
/* How many of a channel hold these words: in a letter's words, or anywhere in the JSON of a message. */
int sink_count(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena, const char *channel,
               const char *words);
/* The next `times` calls to a path of the sandbox: refuse, hang, hang_after, answer_500; "none" takes it back. */
void sink_behave(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena, const char *path,
                 const char *kind, int times);

#endif
