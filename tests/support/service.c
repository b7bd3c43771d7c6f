/* The process: configuration, start, kill, calls. What is said to it stands in service_world.c. */
#include "tests/support/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/system/places.h"
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"

enum { READY_SECONDS = 60, STOP_SECONDS = 60, ENVIRONMENT_MAX = 512, CALL_HEADERS_MAX = 12 };

extern char **environ;

static _Noreturn void end(const char *what, const char *why)
{
    fprintf(stderr, "service under test: %s: %s\n", what, why);
    exit(1);
}

void test_sleep_ms(int ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&pause, &pause) && errno == EINTR)
        continue;
}

/* build/san/tests/flow/x_test runs build/san/lephi: the same sanitizers on both sides. */
static char *find_binary(void)
{
    const char *wanted = getenv("LEPHI_BINARY");
    char path[4096];
    if (!wanted || !*wanted) {
        ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
        path[length > 0 ? length : 0] = 0;
        char *tests = strstr(path, "/tests/");
        if (!tests)
            end(path, "stands in no build folder; set LEPHI_BINARY");
        memcpy(tests, "/lephi", sizeof "/lephi");
        wanted = path;
    }
    if (access(wanted, X_OK))
        end(wanted, "is not there: make binaries");
    return memory_copy(wanted, strlen(wanted));
}

/* Set up ------------------------------------------------------------------------------------------------------------
 */

static void put_file(const struct service_under_test *s, struct arena *arena, const char *name, struct text bytes)
{
    if (file_write(arena_printf(arena, "%s/%s", s->folder, name), bytes, 0600))
        end(name, "cannot be written");
}

static const struct db_statement collectors_sql = {"test_collectors",
                                                   "SELECT DISTINCT tax_code FROM agency ORDER BY tax_code"};

/* A key, a certificate and a range of numbers for every collector; one line of configuration each. */
static void equip_collectors(struct service_under_test *s, struct db *db, struct arena *arena, struct buf *config)
{
    struct test_authority *authority = test_authority_new("CA thử nghiệm");
    struct db_args none = db_args(arena);
    struct db_rows rows;
    if (db_query(db, &collectors_sql, &none, &rows))
        end("collectors", db_error(db));
    struct text symbol = arena_textf(arena, "%02dTAA", civil_of(clock_now()).year % 100);
    test_authority_write(authority, arena_printf(arena, "%s/ca.pem", s->folder));
    for (int i = 0; i < rows.count; i++) {
        struct text code = db_text(&rows, i, 0);
        const char *key = arena_printf(arena, "%s/%.*s.key", s->folder, TEXT_ARGS(code)),
                   *certificate = arena_printf(arena, "%s/%.*s.pem", s->folder, TEXT_ARGS(code));
        const struct test_certificate wanted = {TEST_KEY_P256, "Cơ quan thu thử nghiệm", arena_copy(arena, code),
                                                1577836800, 7300};
        test_certificate_write(authority, &wanted, key, certificate);
        buf_printf(config, "[receipts.%.*s]\nkey_file = %s\ncert_file = %s\n", TEXT_ARGS(code), key, certificate);
        if (receipt_range_open(db, arena, clock_now(), "staff:test", code, TEXT("EBL01"), symbol, 1, 99999999))
            end("receipt range", db_error(db));
    }
    test_authority_free(authority);
}

static void load_province(struct db *db, struct arena *arena)
{
    struct faults faults;
    int64_t rows;
    faults_init(&faults, arena);
    if (province_import(db, place_find(arena, "app/demo", "demo"), &faults, &rows))
        end("demo province", faults.count ? faults.list[0].detail : db_error(db));
}

static void write_config(struct service_under_test *s, struct db *db, struct arena *arena, const char *more)
{
    uint8_t secret[SERVER_SECRET_SIZE];
    char hex[2 * SERVER_SECRET_SIZE + 1];
    struct buf config = {0};
    crypto_random(secret, sizeof secret);
    hex_encode(secret, sizeof secret, hex);
    put_file(s, arena, "secret", text_of(hex));
    crypto_random(secret, sizeof secret);
    hex_encode(secret, sizeof secret, s->bank_secret);
    put_file(s, arena, "bank-secret", text_of(s->bank_secret));
    buf_printf(&config, "[server]\nsecret_file = %s/secret\n[sandbox-bank]\nsecret_file = %s/bank-secret\n", s->folder,
               s->folder);
    buf_printf(&config, "[log]\nlevel = warning\n[paths]\ndata = %s\n", s->folder);
    equip_collectors(s, db, arena, &config);
    buf_string(&config, more ? more : "");
    put_file(s, arena, "lephi.conf", buf_view(&config));
    buf_done(&config);
}

void service_set_up(struct service_under_test *s, struct db *db, const char *more_config)
{
    struct arena arena;
    arena_init(&arena);
    *s = (struct service_under_test){.binary = find_binary(), .folder = test_folder_new()};
    const struct http_client_config client = {0};
    if (http_client_start(&client, &s->client))
        end("HTTP client", "did not start");
    load_province(db, &arena);
    write_config(s, db, &arena, more_config);
    snprintf(s->key, sizeof s->key, "%s", service_key(db, &arena, "test-all", "all"));
    service_start(s);
    arena_done(&arena);
}

void service_tear_down(struct service_under_test *s)
{
    if (s->pid)
        service_stop(s);
    http_client_stop(s->client);
    test_folder_remove(s->folder);
    free(s->binary);
}

/* Start and end -----------------------------------------------------------------------------------------------------
 */

/* The caller's LEPHI_… settings are the test's own; the service gets its configuration from the file alone. */
static void make_environment(struct service_under_test *s, struct arena *arena, const char *ret[ENVIRONMENT_MAX])
{
    int count = 0;
    for (char **variable = environ; *variable && count < ENVIRONMENT_MAX - 5; variable++)
        if (strncmp(*variable, "LEPHI_", 6) && strncmp(*variable, "DATABASE_URL=", 13))
            ret[count++] = *variable;
    ret[count++] = arena_printf(arena, "DATABASE_URL=%s", test_database_url());
    ret[count++] = arena_printf(arena, "LEPHI_HTTP_PORT=%u", s->port);
    ret[count++] = arena_printf(arena, "LEPHI_CLOCK_OFFSET_S=%d", s->clock_offset_s);
    ret[count] = NULL;
}

/* In the child of a program with threads: nothing but calls that are safe after fork. */
static _Noreturn void become_service(const char *const *arguments, const char *const *environment, int out, int log)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execve(arguments[0], (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
    _exit(127);
}

static void show_log(const struct service_under_test *s)
{
    char command[600];
    snprintf(command, sizeof command, "tail -n 40 '%s/log' >&2", s->folder);
    if (system(command))
        fputs("(no log)\n", stderr);
}

/* "listening on 127.0.0.1:4711", the first line it prints; 0 when it ended instead. */
static uint16_t read_port(int from)
{
    char line[200];
    size_t length = 0;
    while (length < sizeof line - 1 && read(from, line + length, 1) == 1 && line[length] != '\n')
        length++;
    line[length] = 0;
    const char *colon = strrchr(line, ':');
    return !strncmp(line, "listening on ", 13) && colon ? (uint16_t)atoi(colon + 1) : 0;
}

static uint16_t spawn(struct service_under_test *s)
{
    struct arena arena;
    arena_init(&arena);
    const char *environment[ENVIRONMENT_MAX];
    make_environment(s, &arena, environment);
    const char *const arguments[] = {s->binary, "--config", arena_printf(&arena, "%s/lephi.conf", s->folder), "serve",
                                     NULL};
    int out[2], log = open(arena_printf(&arena, "%s/log", s->folder), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || pipe2(out, O_CLOEXEC))
        end("spawn", strerror(errno));
    pid_t pid = fork();
    if (!pid)
        become_service(arguments, environment, out[1], log);
    close(out[1]);
    close(log);
    if (pid < 0)
        end("fork", strerror(errno));
    s->pid = pid;
    uint16_t port = read_port(out[0]);
    close(out[0]);
    arena_done(&arena);
    return port;
}

static bool is_ready(struct service_under_test *s)
{
    struct arena arena;
    arena_init(&arena);
    const struct http_call call = {.method = "GET",
                                   .url = arena_printf(&arena, "%s/readyz", s->url),
                                   .connect_timeout_ms = 2000,
                                   .total_timeout_ms = 5000};
    struct http_answer answer;
    bool ready = !http_client_call(s->client, &call, &arena, &answer) && answer.status == 200;
    arena_done(&arena);
    return ready;
}

void service_start(struct service_under_test *s)
{
    uint16_t port = 0;
    clock_shift(s->clock_offset_s);
    for (int i = 0; i < 20 && !port; i++) { /* the port of a killed service may still be on its way back */
        port = spawn(s);
        if (port)
            break;
        waitpid(s->pid, NULL, 0);
        test_sleep_ms(100);
    }
    if (!port || (s->port && s->port != port)) {
        show_log(s);
        end(s->binary, "did not start");
    }
    if (!s->port) { /* later starts come on the same port, while callers read the address */
        s->port = port;
        snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", port);
    }
    for (int i = 0; i < READY_SECONDS * 50; i++) {
        if (is_ready(s))
            return;
        test_sleep_ms(20);
    }
    show_log(s);
    end(s->binary, "is not ready");
}

void service_kill(struct service_under_test *s)
{
    if (kill(s->pid, SIGKILL) || waitpid(s->pid, NULL, 0) != s->pid)
        end("kill", "it was gone already");
    s->pid = 0;
}

void service_stop(struct service_under_test *s)
{
    int status = 0;
    kill(s->pid, SIGTERM);
    for (int i = 0; i < STOP_SECONDS * 50; i++) {
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            s->pid = 0;
            if (!WIFEXITED(status) || WEXITSTATUS(status)) {
                show_log(s);
                end(s->binary, "did not stop in good order");
            }
            return;
        }
        test_sleep_ms(20);
    }
    kill(s->pid, SIGKILL);
    end(s->binary, "does not stop");
}

/* Calls -------------------------------------------------------------------------------------------------------------
 */

static void release(void *json)
{
    json_decref(json);
}

static size_t call_headers(struct service_under_test *s, struct arena *arena, const struct service_call *call,
                           struct http_pair ret[CALL_HEADERS_MAX])
{
    size_t count = 0;
    const char *key = call->key ? call->key : call->cookie ? "" : s->key;
    if (*key)
        ret[count++] = (struct http_pair){"Authorization", arena_textf(arena, "Bearer %s", key)};
    if (call->cookie)
        ret[count++] = (struct http_pair){"Cookie", text_of(call->cookie)};
    if (call->idempotency_key)
        ret[count++] = (struct http_pair){"Idempotency-Key", text_of(call->idempotency_key)};
    if (call->body.at || call->content_type)
        ret[count++] =
            (struct http_pair){"Content-Type", text_of(call->content_type ? call->content_type : "application/json")};
    for (size_t i = 0; i < call->more_count && count < CALL_HEADERS_MAX; i++)
        ret[count++] = call->more[i];
    return count;
}

struct service_answer service_call(struct service_under_test *s, struct arena *arena, const struct service_call *call)
{
    struct http_pair headers[CALL_HEADERS_MAX];
    size_t count = call_headers(s, arena, call, headers);
    const struct http_call sent = {.method = call->method,
                                   .url = arena_printf(arena, "%s%s", s->url, call->path),
                                   .headers = headers,
                                   .header_count = count,
                                   .body = call->body,
                                   .total_timeout_ms = 30000,
                                   .answer_max = 16 << 20};
    struct http_answer answer = {0};
    struct service_answer ret = {.err = http_client_call(s->client, &sent, arena, &answer)};
    if (ret.err)
        return ret;
    ret.status = answer.status;
    ret.body = answer.body;
    ret.headers = answer.headers;
    ret.json = answer.body.length ? json_loadb(answer.body.at, answer.body.length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (ret.json)
        arena_on_done(arena, release, ret.json);
    return ret;
}

struct service_answer service_ask(struct service_under_test *s, struct arena *arena, const char *method,
                                  const char *path, const char *format, ...)
{
    struct service_call call = {.method = method, .path = path};
    char body[8192];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    if (length >= (int)sizeof body)
        end(path, "the body is too long for service_ask");
    if (length > 0)
        call.body = arena_text(arena, (struct text){body, (size_t)length});
    return service_call(s, arena, &call);
}

int service_connect(struct service_under_test *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(s->port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || connect(line, (struct sockaddr *)&at, sizeof at))
        end("connect", strerror(errno));
    return line;
}

struct text service_raw(struct service_under_test *s, struct arena *arena, struct text bytes)
{
    int line = service_connect(s);
    struct buf reply = {0};
    int64_t until = clock_monotonic_us() + 20 * SECOND_US;
    size_t sent = 0;
    bool open = true;
    while (open && clock_monotonic_us() < until) {
        struct pollfd on = {line, (short)(POLLIN | (sent < bytes.length ? POLLOUT : 0)), 0};
        if (poll(&on, 1, 1000) < 0)
            break;
        if (on.revents & POLLIN) {
            ssize_t got = recv(line, buf_room(&reply, 65536), 65536, 0);
            open = got > 0;
            reply.length += got > 0 ? (size_t)got : 0;
        } else if (on.revents & POLLOUT) {
            ssize_t wrote = send(line, bytes.at + sent, bytes.length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (wrote < 0 && errno != EAGAIN)
                sent = bytes.length; /* it will not have more; what it answered may still be read */
            sent += wrote > 0 ? (size_t)wrote : 0;
        } else if (on.revents) {
            open = false;
        }
    }
    close(line);
    struct text text = arena_text(arena, buf_view(&reply));
    buf_done(&reply);
    return text;
}
