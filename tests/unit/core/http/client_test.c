/* What the client says of a call: sent or not, answered or unknown. The other side is our server, or a bare socket. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "tests/unit/core/http/peer.h"

static struct http_server *server;
static struct http_client *client;
static char base[64];
static struct arena arena;
static struct http_answer answered;

static void write_echo(struct json *json, const void *what)
{
    const struct request *rq = what;
    json_put_object(json, NULL);
    json_put_string(json, "method", rq->method);
    json_put_text(json, "body", rq->body);
    json_put_text(json, "x", request_header(rq, "X-Test"));
    json_put_text(json, "expect", request_header(rq, "Expect"));
    json_put_end(json);
}

static enum err echo(struct request *rq)
{
    reply_header(rq, "X-Answer", TEXT("yes"));
    return reply_json(rq, 200, write_echo, rq);
}

static enum err moved(struct request *rq)
{
    return reply_redirect(rq, 302, "/echo");
}

static enum err slow(struct request *rq)
{
    sleep_ms(600);
    return reply_body(rq, 200, "text/plain", TEXT("slow"));
}

static enum err broken(struct request *rq)
{
    return ERR_INTERNAL;
}

static const struct route routes[] = {
    {"GET", "/echo", echo, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"POST", "/echo", echo, HTTP_WORKER, .access = ACCESS_PUBLIC, .body_max = 4 << 20},
    {"DELETE", "/echo", echo, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/moved", moved, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/slow", slow, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"GET", "/broken", broken, HTTP_INLINE, .access = ACCESS_PUBLIC},
};

static int start(void **state)
{
    const struct http_config config = {.routes = routes, .route_count = sizeof routes / sizeof *routes, .workers = 8};
    const struct http_client_config ours = {.calls_max = 16};
    if (http_server_start(&config, &server) || http_client_start(&ours, &client))
        return -1;
    snprintf(base, sizeof base, "http://127.0.0.1:%u", http_server_port(server));
    arena_init(&arena);
    return 0;
}

static int stop(void **state)
{
    http_client_stop(client);
    http_server_stop(server, 1000);
    arena_done(&arena);
    return 0;
}

static enum err call_to(const char *root, const char *method, const char *path, struct http_call call)
{
    call.method = method;
    call.url = arena_printf(&arena, "%s%s", root, path);
    return http_client_call(client, &call, &arena, &answered);
}

static enum err call(const char *method, const char *path, struct http_call more)
{
    return call_to(base, method, path, more);
}

/* A server of one connection that does `act` with it. */
struct trap {
    int listener;
    char url[64];
    _Atomic int accepted;
    void (*act)(int line);
    pthread_t thread;
};

static void *trap_run(void *with)
{
    struct trap *trap = with;
    for (;;) {
        int line = accept(trap->listener, NULL, NULL);
        if (line < 0)
            return NULL;
        trap->accepted++;
        trap->act(line);
        close(line);
    }
}

static void trap_open(struct trap *trap, void (*act)(int line))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    trap->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(trap->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(trap->listener, 8), 0);
    getsockname(trap->listener, (struct sockaddr *)&at, &size);
    snprintf(trap->url, sizeof trap->url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    trap->accepted = 0;
    trap->act = act;
    pthread_create(&trap->thread, NULL, trap_run, trap);
}

static void trap_close(struct trap *trap)
{
    shutdown(trap->listener, SHUT_RDWR);
    pthread_join(trap->thread, NULL);
    close(trap->listener);
}

static int read_request(int line)
{
    char text[4096];
    size_t length = 0;
    while (length < 4 || memcmp(text + length - 4, "\r\n\r\n", 4)) {
        if (length == sizeof text || recv(line, text + length, 1, 0) != 1)
            return 0;
        length++;
    }
    return 1;
}

static void hang_up_after_reading(int line)
{
    read_request(line);
}

static void answer_in_part(int line)
{
    read_request(line);
    (void)!send(line, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123", 42, MSG_NOSIGNAL);
}

static _Atomic int sent_on_a_used_line;

static void answer_once_then_hang_up(int line)
{
    struct timeval wait = {.tv_usec = 200 * 1000};
    setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    read_request(line);
    (void)!send(line, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", 39, MSG_NOSIGNAL);
    sent_on_a_used_line += read_request(line);
}

static void stay_silent(int line)
{
    read_request(line);
    char byte;
    while (recv(line, &byte, 1, 0) > 0)
        ;
}

static void a_call_brings_back_status_headers_and_body(void **state)
{
    const struct http_pair headers[] = {{"Content-Type", TEXT("application/json")}, {"X-Test", TEXT("a b")}};
    assert_int_equal(
        call("POST", "/echo", (struct http_call){.headers = headers, .header_count = 2, .body = TEXT("{}")}), OK);
    assert_int_equal(answered.status, 200);
    assert_string_equal(answered.body.at, "{\"method\":\"POST\",\"body\":\"{}\",\"x\":\"a b\",\"expect\":\"\"}");
    assert_true(text_is(http_answer_header(&answered, "x-answer"), "yes"));
    assert_null(http_answer_header(&answered, "X-None").at);
    assert_int_equal(call("DELETE", "/echo", (struct http_call){0}), OK);
    assert_non_null(strstr(answered.body.at, "\"DELETE\""));
    assert_int_equal(call("HEAD", "/echo", (struct http_call){0}), OK);
    assert_int_equal(answered.body.length, 0);
}

static void a_large_body_goes_out_without_asking_first(void **state)
{
    struct buf body = {0};
    for (int i = 0; i < 2000 * 1000; i++)
        buf_char(&body, 'x');
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    assert_int_equal(
        call("POST", "/echo",
             (struct http_call){.headers = &json, .header_count = 1, .body = buf_view(&body), .answer_max = 4 << 20}),
        OK);
    assert_true(answered.body.length > body.length);
    buf_done(&body);
}

static void an_error_status_is_an_answer(void **state)
{
    assert_int_equal(call("GET", "/broken", (struct http_call){0}), OK);
    assert_int_equal(answered.status, 500);
}

static void redirects_are_not_followed(void **state)
{
    assert_int_equal(call("GET", "/moved", (struct http_call){0}), OK);
    assert_int_equal(answered.status, 302);
    assert_true(text_is(http_answer_header(&answered, "Location"), "/echo"));
}

static void a_refused_connection_means_nothing_was_sent(void **state)
{
    struct trap trap;
    trap_open(&trap, hang_up_after_reading);
    trap_close(&trap);
    assert_int_equal(call_to(trap.url, "POST", "/", (struct http_call){.body = TEXT("x")}), ERR_NETWORK);
    assert_int_equal(call_to("http://nowhere.invalid", "GET", "/", (struct http_call){0}), ERR_NETWORK);
}

static void a_time_out_after_sending_is_unknown_not_failed(void **state)
{
    int64_t from_us = clock_monotonic_us();
    assert_int_equal(call("GET", "/slow", (struct http_call){.total_timeout_ms = 200}), ERR_UNKNOWN_OUTCOME);
    assert_in_range(clock_monotonic_us() - from_us, 190 * 1000, 550 * 1000);
}

static void a_connection_that_breaks_after_sending_is_unknown(void **state)
{
    struct trap trap;
    trap_open(&trap, hang_up_after_reading);
    assert_int_equal(call_to(trap.url, "POST", "/pay", (struct http_call){.body = TEXT("x")}), ERR_UNKNOWN_OUTCOME);
    assert_int_equal(trap.accepted, 1);
    trap_close(&trap);
    trap_open(&trap, answer_in_part);
    assert_int_equal(call_to(trap.url, "POST", "/pay", (struct http_call){.body = TEXT("x")}), ERR_UNKNOWN_OUTCOME);
    trap_close(&trap);
}

static void an_act_is_never_sent_twice_on_a_reused_connection_that_breaks(void **state)
{
    struct trap trap;
    trap_open(&trap, answer_once_then_hang_up);
    assert_int_equal(call_to(trap.url, "GET", "/", (struct http_call){0}), OK); /* leaves a connection to reuse */
    assert_int_equal(call_to(trap.url, "POST", "/pay", (struct http_call){.body = TEXT("")}), OK);
    assert_int_equal(call_to(trap.url, "POST", "/pay", (struct http_call){.body = TEXT("")}), OK);
    trap_close(&trap);
    assert_int_equal(trap.accepted, 3); /* a line of its own for each act */
    assert_int_equal(sent_on_a_used_line, 0);
}

static void an_answer_over_the_cap_is_not_taken(void **state)
{
    assert_int_equal(call("GET", "/echo", (struct http_call){.answer_max = 10}), ERR_UNKNOWN_OUTCOME);
}

static void what_cannot_be_called_is_refused_before_anything_is_sent(void **state)
{
    assert_int_equal(call_to("ftp://127.0.0.1", "GET", "/", (struct http_call){0}), ERR_CONFIG);
    assert_int_equal(call_to("file:///etc", "GET", "/passwd", (struct http_call){0}), ERR_CONFIG);
    assert_int_equal(call_to("http://a\r\nb", "GET", "/", (struct http_call){0}), ERR_CONFIG);
    const struct http_pair split = {"X", TEXT("a\r\nY: b")};
    assert_int_equal(call("GET", "/echo", (struct http_call){.headers = &split, .header_count = 1}), ERR_CONFIG);
    assert_int_equal(call_to("smtp://127.0.0.1", NULL, "/", (struct http_call){0}), ERR_CONFIG);
}

static void a_server_without_tls_is_no_https_server(void **state)
{
    char url[64];
    snprintf(url, sizeof url, "https%s", base + 4);
    assert_int_equal(call_to(url, "POST", "/echo", (struct http_call){.body = TEXT("x")}), ERR_NETWORK);
}

static SSL_CTX *tls;

/* A certificate of our own for 127.0.0.1, written to `path` as the root to trust. */
static void certify(const char *name, const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, key), 1);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static _Atomic int told_over_tls;

static void answer_over_tls(int line)
{
    SSL *ssl = SSL_new(tls);
    char text[4096];
    SSL_set_fd(ssl, line);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, text, sizeof text) > 0) {
        told_over_tls++;
        SSL_write(ssl, "HTTP/1.1 204 No Content\r\n\r\n", 27);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static void only_a_trusted_certificate_of_that_name_hears_anything(void **state)
{
    static const char *const names[] = {"IP:127.0.0.1", "IP:127.0.0.2"};
    signal(SIGPIPE, SIG_IGN); /* the test's TLS server writes to peers that have hung up */
    for (int i = 0; i < 2; i++) {
        struct trap trap;
        char path[] = "/tmp/lephi_client_test_XXXXXX", url[64];
        int file = mkstemp(path);
        assert_true(file >= 0);
        close(file);
        certify(names[i], path);
        trap_open(&trap, answer_over_tls);
        snprintf(url, sizeof url, "https%s", trap.url + 4);
        told_over_tls = 0;
        assert_int_equal(call_to(url, "POST", "/pay", (struct http_call){.body = TEXT("x")}), ERR_NETWORK);
        assert_int_equal(told_over_tls, 0);
        enum err err = call_to(url, "POST", "/pay", (struct http_call){.body = TEXT("x"), .ca_file = path});
        assert_int_equal(err, i == 0 ? OK : ERR_NETWORK);
        trap_close(&trap);
        assert_int_equal(told_over_tls, i == 0);
        SSL_CTX_free(tls);
        unlink(path);
    }
}

static char mail[8192];

static void be_a_mail_server(int line)
{
    static const char *const replies[] = {"250 hello\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 kept\r\n"};
    (void)!send(line, "220 test\r\n", 10, MSG_NOSIGNAL);
    size_t length = 0, from = 0, turn = 0;
    while (turn < 5 && length + 1 < sizeof mail) {
        if (recv(line, mail + length, 1, 0) != 1)
            return;
        mail[++length] = '\0';
        const char *until = turn == 4 ? "\r\n.\r\n" : "\r\n";
        if (!strstr(mail + from, until))
            continue;
        from = length;
        (void)!send(line, replies[turn], strlen(replies[turn]), MSG_NOSIGNAL);
        turn++;
    }
}

static void mail_goes_out_by_smtp(void **state)
{
    struct trap trap;
    trap_open(&trap, be_a_mail_server);
    static const char *const to[] = {"<dan@example.vn>", NULL};
    char url[64];
    snprintf(url, sizeof url, "smtp%s", trap.url + 4);
    const struct http_call letter = {.url = url,
                                     .mail_from = "<centre@example.vn>",
                                     .mail_to = to,
                                     .body = TEXT("Subject: Bien lai\r\n\r\nXin chao\r\n")};
    assert_int_equal(http_client_call(client, &letter, &arena, &answered), OK);
    trap_close(&trap);
    assert_non_null(strstr(mail, "RCPT TO:<dan@example.vn>"));
    assert_non_null(strstr(mail, "Subject: Bien lai\r\n\r\nXin chao\r\n.\r\n"));
}

static _Atomic int good;

static void *call_many(void *with)
{
    struct arena own;
    struct http_answer got;
    char url[96];
    arena_init(&own);
    snprintf(url, sizeof url, "%s/echo", base);
    const struct http_call get = {.method = "GET", .url = url};
    for (int i = 0; i < 40; i++)
        if (http_client_call(client, &get, &own, &got) == OK && got.status == 200)
            good++;
    arena_done(&own);
    return NULL;
}

static void many_threads_call_at_once(void **state)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, call_many, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(good, 320);
}

static struct http_client *other;
static struct trap silent;
static _Atomic int unknowns;

static void *call_the_silent(void *with)
{
    struct arena own;
    struct http_answer got;
    arena_init(&own);
    const struct http_call post = {.method = "POST", .url = silent.url, .body = TEXT("x")};
    if (http_client_call(other, &post, &own, &got) == ERR_UNKNOWN_OUTCOME)
        unknowns++;
    arena_done(&own);
    return NULL;
}

static void stopping_and_a_full_client_say_so_at_once(void **state)
{
    pthread_t thread;
    struct http_client_config one = {.calls_max = 1};
    assert_int_equal(http_client_start(&one, &other), OK);
    trap_open(&silent, stay_silent);
    pthread_create(&thread, NULL, call_the_silent, NULL);
    while (!silent.accepted)
        sleep_ms(1);
    sleep_ms(50);
    const struct http_call get = {.method = "GET", .url = silent.url};
    assert_int_equal(http_client_call(other, &get, &arena, &answered), ERR_UNAVAILABLE);
    http_client_stop(other);
    pthread_join(thread, NULL);
    assert_int_equal(unknowns, 1);
    trap_close(&silent);
    http_client_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_brings_back_status_headers_and_body),
        cmocka_unit_test(a_large_body_goes_out_without_asking_first),
        cmocka_unit_test(an_error_status_is_an_answer),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_refused_connection_means_nothing_was_sent),
        cmocka_unit_test(a_time_out_after_sending_is_unknown_not_failed),
        cmocka_unit_test(a_connection_that_breaks_after_sending_is_unknown),
        cmocka_unit_test(an_act_is_never_sent_twice_on_a_reused_connection_that_breaks),
        cmocka_unit_test(an_answer_over_the_cap_is_not_taken),
        cmocka_unit_test(what_cannot_be_called_is_refused_before_anything_is_sent),
        cmocka_unit_test(a_server_without_tls_is_no_https_server),
        cmocka_unit_test(only_a_trusted_certificate_of_that_name_hears_anything),
        cmocka_unit_test(mail_goes_out_by_smtp),
        cmocka_unit_test(many_threads_call_at_once),
        cmocka_unit_test(stopping_and_a_full_client_say_so_at_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
