/* What our server costs beside the least that libmicrohttpd can cost: CPU of the server process per reply, both driven
 * by the same closed loop of keep-alive connections in the same run. One JSON object on stdout; absolute figures do not
 * carry over to another machine, the ratios do. Also the memory of idle connections.
 *
 * For service.sh: `http_bench bare FILE` is the peer alone, it prints where it listens and answers every request with
 * the file; `http_bench lockstep PORT COUNT` drives a running service with COUNT connections that all ask at once and
 * ask again when all were answered (libmicrohttpd's own loop stalls at multiples of 128). */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/core.h"

enum { LINES = 64, ROUNDS = 5, ROUND_US = 1000 * 1000, IDLE_LINES = 10000 };

static char fixed[16 * 1024];
static size_t fixed_length = 300;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* The peer: libmicrohttpd with the same outer loop and one reply made once. */
static enum MHD_Result bare_reply(void *with, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **context)
{
    static int seen;
    if (!*context) {
        *context = &seen;
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    *context = NULL;
    return MHD_queue_response(connection, 200, with);
}

static struct MHD_Daemon *bare_start(uint16_t *ret_port)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(fixed_length, fixed, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, bare_reply, response, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_CONNECTION_LIMIT,
        20000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192, MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
    if (!daemon)
        die("MHD_start_daemon");
    *ret_port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return daemon;
}

static void bare_run(struct MHD_Daemon *daemon)
{
    int outer = epoll_create1(0), inner = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event);
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms = 1000;
        if (MHD_get_timeout(daemon, &ms) != MHD_YES || ms > 1000)
            ms = 1000;
        epoll_wait(outer, &event, 1, (int)ms);
        MHD_run(daemon);
    }
}

static void bare_serve(int report)
{
    uint16_t port;
    struct MHD_Daemon *daemon = bare_start(&port);
    if (write(report, &port, sizeof port) != sizeof port)
        die("write");
    bare_run(daemon);
}

static enum err fixed_reply(struct request *rq)
{
    return reply_body(rq, 200, "application/json", (struct text){fixed, 300});
}

static void quote_write(struct json *json, const void *what)
{
    json_put_object(json, NULL);
    json_put_string(json, "id", "q_01HZX3V9K7M2N4P6R8S0T2V4W6");
    json_put_array(json, "lines");
    for (int i = 0; i < 2; i++) {
        json_put_object(json, NULL);
        json_put_string(json, "fee", "TP-HT-01");
        json_put_string(json, "name", "Lệ phí cấp bản sao trích lục hộ tịch");
        json_put_string(json, "kind", "le_phi");
        json_put_int(json, "quantity", 2);
        json_put_int(json, "gross", 16000);
        json_put_int(json, "net", 8000);
        json_put_string(json, "legal_basis", "TT 281/2016/TT-BTC, Điều 4");
        json_put_end(json);
    }
    json_put_end(json);
    json_put_int(json, "total", 16000);
    json_put_string(json, "catalogue_version", "2026-07-01");
    json_put_end(json);
}

static enum err quote_reply(struct request *rq)
{
    return reply_json(rq, 200, quote_write, NULL);
}

static const struct route routes[] = {
    {"GET", "/fixed", fixed_reply, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/quote", quote_reply, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/worker", fixed_reply, HTTP_WORKER, .access = ACCESS_PUBLIC},
};

static void our_serve(int report)
{
    struct http_server *server;
    const struct http_config config = {.routes = routes, .route_count = 3, .connections_max = 20000, .workers = 1};
    if (http_server_start(&config, &server))
        die("http_server_start");
    uint16_t port = http_server_port(server);
    if (write(report, &port, sizeof port) != sizeof port)
        die("write");
    pause();
}

struct served {
    pid_t pid;
    uint16_t port;
};

static struct served spawn(void (*serve)(int report))
{
    struct served served;
    int ends[2];
    if (pipe(ends) || (served.pid = fork()) < 0)
        die("fork");
    if (!served.pid) {
        serve(ends[1]);
        _exit(0);
    }
    if (read(ends[0], &served.port, sizeof served.port) != sizeof served.port)
        die("server");
    close(ends[0]);
    close(ends[1]);
    return served;
}

static double cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
        die("clock");
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static long resident_kb(pid_t pid)
{
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "VmRSS:", 6))
            kb = atol(line + 6);
    if (file)
        fclose(file);
    return kb;
}

static int line_open(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int line = socket(AF_INET, SOCK_STREAM, 0);
    if (line < 0 || connect(line, (struct sockaddr *)&to, sizeof to))
        die("connect");
    return line;
}

/* A whole reply is taken to arrive in one piece: 2 KB on loopback. */
static double measure(const struct served *served, const char *path)
{
    char text[256], reply[8192];
    int lines[LINES], poll = epoll_create1(0);
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    for (int i = 0; i < LINES; i++) {
        lines[i] = line_open(served->port);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = lines[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, lines[i], &event);
        if (write(lines[i], text, (size_t)length) != length)
            die("write");
    }
    double cpu_from = cpu_us(served->pid);
    int64_t until = clock_monotonic_us() + ROUND_US;
    long replies = 0;
    while (clock_monotonic_us() < until) {
        struct epoll_event events[LINES];
        int count = epoll_wait(poll, events, LINES, 1000);
        for (int i = 0; i < count; i++) {
            ssize_t got = read(events[i].data.fd, reply, sizeof reply);
            if (got < 12 || memcmp(reply, "HTTP/1.1 200", 12))
                die("reply");
            replies++;
            if (write(events[i].data.fd, text, (size_t)length) != length)
                die("write");
        }
    }
    double used = cpu_us(served->pid) - cpu_from;
    for (int i = 0; i < LINES; i++)
        close(lines[i]);
    close(poll);
    return used / (double)replies;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static long idle_memory_kb(const struct served *served, int count)
{
    static int lines[IDLE_LINES];
    const char text[] = "GET /fixed HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char reply[8192];
    for (int i = 0; i < count; i++) {
        lines[i] = line_open(served->port);
        if (write(lines[i], text, sizeof text - 1) < 0 || read(lines[i], reply, sizeof reply) < 12)
            die("idle");
    }
    long kb = resident_kb(served->pid);
    for (int i = 0; i < count; i++)
        close(lines[i]);
    return kb;
}

static void all_ask(const int *lines, int count)
{
    static const char text[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int i = 0; i < count; i++)
        if (write(lines[i], text, sizeof text - 1) != sizeof text - 1)
            die("write");
}

static int lockstep(uint16_t port, int count)
{
    enum { MOST = 1024, ROUNDS_MAX = 100000 };
    static int lines[MOST];
    static double took[ROUNDS_MAX];
    char reply[8192];
    int rounds = 0;
    if (count < 1 || count > MOST)
        return 1;
    for (int i = 0; i < count; i++)
        lines[i] = line_open(port);
    int64_t until = clock_monotonic_us() + 2 * ROUND_US;
    for (int64_t from = 0; from < until && rounds < ROUNDS_MAX; rounds++) {
        from = clock_monotonic_us();
        all_ask(lines, count);
        for (int i = 0; i < count; i++)
            if (read(lines[i], reply, sizeof reply) < 12 || memcmp(reply, "HTTP/1.1 200", 12))
                die("reply");
        took[rounds] = (double)(clock_monotonic_us() - from) / 1000;
    }
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    printf("{\"connections\": %d, \"rounds\": %d, \"p99_ms\": %.2f, \"worst_ms\": %.2f}\n", count, rounds,
           took[rounds * 99 / 100], took[rounds - 1]);
    return 0;
}

static int bare_alone(const char *path)
{
    uint16_t port;
    FILE *file = fopen(path, "rb");
    if (!file || !(fixed_length = fread(fixed, 1, sizeof fixed, file)))
        die(path);
    fclose(file);
    struct MHD_Daemon *daemon = bare_start(&port);
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);
    bare_run(daemon);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "bare"))
        return bare_alone(argv[2]);
    if (argc == 4 && !strcmp(argv[1], "lockstep"))
        return lockstep((uint16_t)atoi(argv[2]), atoi(argv[3]));
    struct rlimit files = {IDLE_LINES + 200, IDLE_LINES + 200};
    int idle = setrlimit(RLIMIT_NOFILE, &files) ? 500 : IDLE_LINES;
    memset(fixed, 'x', 300);
    struct served bare = spawn(bare_serve), ours = spawn(our_serve);
    const struct {
        const char *name;
        const struct served *served;
        const char *path;
    } cases[] = {{"bare", &bare, "/fixed"},
                 {"fixed", &ours, "/fixed"},
                 {"quote", &ours, "/quote"},
                 {"worker", &ours, "/worker"}};
    enum { CASES = sizeof cases / sizeof *cases };
    double us[CASES][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) /* interleaved: a neighbour's load falls on all alike */
        for (int i = 0; i < CASES; i++)
            us[i][round] = measure(cases[i].served, cases[i].path);
    printf("{\"bench\": \"http\"");
    for (int i = 0; i < CASES; i++) {
        qsort(us[i], ROUNDS, sizeof **us, by_value);
        printf(", \"%s_cpu_us\": %.2f, \"%s_ratio\": %.2f", cases[i].name, us[i][ROUNDS / 2], cases[i].name,
               us[i][ROUNDS / 2] / us[0][ROUNDS / 2]);
    }
    printf(", \"empty_kb\": %ld, \"idle_connections\": %d", resident_kb(ours.pid), idle);
    printf(", \"idle_kb\": %ld}\n", idle_memory_kb(&ours, idle));
    kill(bare.pid, SIGKILL);
    kill(ours.pid, SIGKILL);
    while (wait(NULL) > 0)
        ;
    return 0;
}
