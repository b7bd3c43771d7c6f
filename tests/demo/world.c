#include "tests/demo/world.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *required(const char *name)
{
    const char *value = getenv(name);
    if (value && *value)
        return value;
    fprintf(stderr, "demo: %s is not set; run `make demo`\n", name);
    exit(2);
}

void world_open(struct world *world)
{
    *world = (struct world){.url = required("DEMO_URL"),
                            .sandbox_url = required("DEMO_SANDBOX_URL"),
                            .key = required("DEMO_KEY"),
                            .binary = required("DEMO_BINARY"),
                            .folder = required("DEMO_FOLDER"),
                            .trust = required("DEMO_TRUST")};
    arena_init(&world->arena);
    mkdir(world->folder, 0755);
    const struct http_client_config config = {0};
    if (http_client_start(&config, &world->client)) {
        fputs("demo: the HTTP client did not start\n", stderr);
        exit(2);
    }
    const char *offset = getenv("LEPHI_CLOCK_OFFSET_S");
    clock_shift(offset ? atoll(offset) : 0);
}

void world_close(struct world *world)
{
    http_client_stop(world->client);
    arena_done(&world->arena);
}

static bool print_step(struct world *world, bool ok, const char *words)
{
    world->steps++;
    world->good += ok;
    printf("[%4d] %s  %s\n", world->steps, ok ? "ok   " : "WRONG", words);
    fflush(stdout);
    return ok;
}

bool step(struct world *world, bool ok, const char *format, ...)
{
    char words[600];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return print_step(world, ok, words);
}

bool step_amount(struct world *world, int64_t got, int64_t expected, const char *format, ...)
{
    char words[600], amount[MONEY_TEXT_SIZE], wanted[MONEY_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(words, sizeof words, format, args);
    va_end(args);
    money_format(got, amount);
    money_format(expected, wanted);
    if (length > 0 && (size_t)length < sizeof words)
        snprintf(words + length, sizeof words - (size_t)length, got == expected ? ": %s đ" : ": %s đ, expected %s đ",
                 amount, wanted);
    return print_step(world, got == expected, words);
}

struct http_answer call(struct world *world, const char *method, const char *url, const char *content_type,
                        struct text body)
{
    struct http_pair headers[] = {{"Authorization", arena_textf(&world->arena, "Bearer %s", world->key)},
                                  {"Content-Type", text_of(content_type)}};
    const struct http_call wanted = {.method = method,
                                     .url = url,
                                     .headers = headers,
                                     .header_count = content_type ? 2 : 1,
                                     .body = body,
                                     .total_timeout_ms = 60000,
                                     .answer_max = 64 << 20};
    struct http_answer answer = {0};
    enum err err = http_client_call(world->client, &wanted, &world->arena, &answer);
    if (err) {
        printf("       %s %s: %s\n", method, url, err_info(err)->en);
        answer.status = 0;
    }
    return answer;
}

static void release(void *json)
{
    json_decref(json);
}

static json_t *json_call(struct world *world, const char *base, const char *method, const char *path, json_t *body,
                         int expected)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    struct http_answer answer = call(world, method, arena_printf(&world->arena, "%s%s", base, path),
                                     text ? "application/json" : NULL, text_of(text));
    free(text);
    json_t *json = answer.body.length ? json_loadb(answer.body.at, answer.body.length, JSON_DECODE_ANY, NULL) : NULL;
    if (json)
        arena_on_done(&world->arena, release, json);
    if (answer.status == expected)
        return json;
    printf("       %s %s answered %d: %.*s\n", method, path, answer.status, TEXT_ARGS(text_slice(answer.body, 0, 600)));
    return NULL;
}

json_t *api(struct world *world, const char *method, const char *path, json_t *body, int expected)
{
    return json_call(world, world->url, method, path, body, expected);
}

json_t *sandbox(struct world *world, const char *method, const char *path, json_t *body, int expected)
{
    return json_call(world, world->sandbox_url, method, path, body, expected);
}

const char *sign_in(struct world *world, const char *login)
{
    const char *password = getenv("DEMO_PASSWORD");
    const struct http_pair form = {"Content-Type", TEXT("application/x-www-form-urlencoded")};
    struct http_answer answer;
    const struct http_call wanted = {
        .method = "POST",
        .url = arena_printf(&world->arena, "%s/login", world->url),
        .headers = &form,
        .header_count = 1,
        .body = arena_textf(&world->arena, "login=%s&password=%s&next=/counter", login, password ? password : "")};
    if (http_client_call(world->client, &wanted, &world->arena, &answer) || answer.status != 303)
        return NULL;
    struct text rest, cookie = text_until(http_answer_header(&answer, "Set-Cookie"), ';', &rest);
    return arena_copy(&world->arena, cookie);
}

json_t *as_staff(struct world *world, const char *cookie, const char *method, const char *path, const char *body,
                 int expected)
{
    const struct http_pair headers[] = {{"Cookie", text_of(cookie)}, {"Content-Type", TEXT("application/json")}};
    struct http_answer answer;
    const struct http_call wanted = {.method = method,
                                     .url = arena_printf(&world->arena, "%s%s", world->url, path),
                                     .headers = headers,
                                     .header_count = 2,
                                     .body = *body ? text_of(body) : TEXT_NONE};
    if (http_client_call(world->client, &wanted, &world->arena, &answer))
        return NULL;
    json_t *json = json_loadb(answer.body.at ? answer.body.at : "", answer.body.length, 0, NULL);
    if (json)
        arena_on_done(&world->arena, release, json);
    if (answer.status == expected)
        return json;
    printf("       %s %s answered %d: %.*s\n", method, path, answer.status, TEXT_ARGS(text_slice(answer.body, 0, 400)));
    return NULL;
}

int run_program(struct world *world, const char *const *arguments, struct text *ret_output)
{
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC))
        return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    if (!getenv("DEMO_VERBOSE"))
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    char *const *argv = (char *const *)(uintptr_t)arguments;
    int failed = posix_spawnp(&pid, arguments[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    struct buf output = {0};
    ssize_t got;
    while (!failed && (got = read(pipe_ends[0], buf_room(&output, 65536), 65536)) > 0)
        output.length += (size_t)got;
    close(pipe_ends[0]);
    if (ret_output)
        *ret_output = arena_text(&world->arena, buf_view(&output));
    buf_done(&output);
    int status = -1;
    if (failed || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

const char *keep_file(struct world *world, const char *name, struct text bytes)
{
    const char *path = arena_printf(&world->arena, "%s/%s", world->folder, name);
    return file_write(path, bytes, 0644) ? NULL : path;
}

int64_t int_of(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *string_of(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}
