#include "tests/support/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct text call(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena,
                        const char *method, const char *path, const char *body)
{
    struct http_answer answer;
    const struct http_call asked = {.method = method,
                                    .url = arena_printf(arena, "%s%s", sandbox->base, path),
                                    .body = body ? text_of(body) : TEXT_NONE};
    if (http_client_call(client, &asked, arena, &answer) || answer.status != 200) {
        fprintf(stderr, "the sandbox did not do %s %s\n", method, path);
        exit(1);
    }
    return answer.body;
}

static json_t *read_json(struct text body, struct arena *arena)
{
    struct faults faults;
    json_t *value;
    faults_init(&faults, arena);
    if (json_parse_value(body, &value, &faults)) {
        fprintf(stderr, "no JSON: %.*s\n", TEXT_ARGS(body));
        exit(1);
    }
    return value;
}

const char *sink_mail_url(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena)
{
    json_t *where = read_json(call(sandbox, client, arena, "GET", "/sink/smtp", NULL), arena);
    return arena_printf(arena, "smtp://127.0.0.1:%lld", (long long)json_integer_value(json_object_get(where, "port")));
}

json_t *sink_messages(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena)
{
    return json_object_get(read_json(call(sandbox, client, arena, "GET", "/sink/messages", NULL), arena), "items");
}

static struct text letter_of(json_t *item)
{
    return text_of(json_string_value(json_object_get(json_object_get(item, "message"), "letter")));
}

struct text sink_letter_words(json_t *item, struct arena *arena)
{
    struct text letter = letter_of(item), start = TEXT("Content-Transfer-Encoding: base64\n\n");
    size_t from = text_find(letter, start);
    struct text coded = text_slice(letter, from + start.length, letter.length);
    coded.length = text_find(coded, TEXT("\n--"));
    struct buf plain = {0};
    struct text words = base64_decode(coded, &plain) ? arena_text(arena, buf_view(&plain)) : TEXT("");
    buf_done(&plain);
    return words;
}

struct text sink_letter_subject(json_t *item, struct arena *arena)
{
    struct text letter = letter_of(item), start = TEXT("Subject: =?UTF-8?B?");
    struct text coded = text_slice(letter, text_find(letter, start) + start.length, letter.length);
    coded.length = text_find(coded, TEXT("?="));
    struct buf plain = {0};
    struct text words = base64_decode(coded, &plain) ? arena_text(arena, buf_view(&plain)) : TEXT("");
    buf_done(&plain);
    return words;
}

int sink_count(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena, const char *channel,
               const char *words)
{
    json_t *items = sink_messages(sandbox, client, arena), *item;
    size_t i;
    int count = 0;
    json_array_foreach(items, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "channel")), channel) != 0)
            continue;
        if (!strcmp(channel, "smtp")) {
            struct text text = sink_letter_words(item, arena);
            count += text_find(text, text_of(words)) < text.length;
        } else {
            char *all = json_dumps(json_object_get(item, "message"), JSON_COMPACT);
            count += strstr(all, words) != NULL;
            free(all);
        }
    }
    return count;
}

void sink_behave(const struct test_sandbox *sandbox, struct http_client *client, struct arena *arena, const char *path,
                 const char *kind, int times)
{
    call(sandbox, client, arena, "POST", "/mischief",
         arena_printf(arena, "{\"path\":\"%s\",\"kind\":\"%s\",\"times\":%d}", path, kind, times));
}
