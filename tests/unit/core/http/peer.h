/* The other end of the line for the tests of core/http: a plain socket that sends what it is told and reads replies. */
#ifndef LEPHI_TESTS_HTTP_PEER_H
#define LEPHI_TESTS_HTTP_PEER_H

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/core.h"

enum { PEER_ROOM = 64 * 1024, PEER_WAIT_MS = 10000 };

struct answer {
    int status; /* 0: the connection was closed without a reply */
    char head[8192];
    char body[PEER_ROOM];
    size_t body_length;
};

static inline int peer_open(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(line >= 0);
    struct timeval wait = {.tv_sec = PEER_WAIT_MS / 1000};
    setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(line, (struct sockaddr *)&to, sizeof to), 0);
    return line;
}

static inline void peer_send(int line, const char *text)
{
    size_t length = strlen(text);
    assert_int_equal(send(line, text, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* Reads byte by byte up to the end of the head, then the body by Content-Length: what follows stays on the line. */
static inline void peer_read_as(int line, const char *method, struct answer *ret)
{
    size_t length = 0;
    memset(ret->head, 0, sizeof ret->head);
    ret->status = 0;
    ret->body_length = 0;
    ret->body[0] = '\0';
    while (length < 4 || memcmp(ret->head + length - 4, "\r\n\r\n", 4)) {
        assert_true(length + 1 < sizeof ret->head);
        ssize_t got = recv(line, ret->head + length, 1, 0);
        if (got <= 0)
            return;
        length++;
    }
    sscanf(ret->head, "HTTP/1.1 %d", &ret->status);
    const char *field = strcasestr(ret->head, "\r\nContent-Length:");
    size_t wanted = field && strcmp(method, "HEAD") ? (size_t)atol(field + 17) : 0;
    assert_true(wanted < sizeof ret->body);
    while (ret->body_length < wanted) {
        ssize_t got = recv(line, ret->body + ret->body_length, wanted - ret->body_length, 0);
        assert_true(got > 0);
        ret->body_length += (size_t)got;
    }
    ret->body[ret->body_length] = '\0';
}

static inline void peer_read(int line, struct answer *ret)
{
    peer_read_as(line, "", ret);
}

static inline int peer_is_closed(int line)
{
    char byte;
    return recv(line, &byte, 1, 0) <= 0;
}

/* One exchange on a line of its own. */
static inline int peer_ask(uint16_t port, const char *text, struct answer *ret)
{
    int line = peer_open(port);
    peer_send(line, text);
    peer_read(line, ret);
    close(line);
    return ret->status;
}

static inline int peer_get(uint16_t port, const char *target, struct answer *ret)
{
    char text[4096];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    return peer_ask(port, text, ret);
}

static inline void sleep_ms(int ms)
{
    struct timespec span = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&span, NULL);
}

#endif
