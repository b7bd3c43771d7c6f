/* A mail server that keeps what it gets in the sink (channel "smtp"): enough of RFC 5321 for one letter a connection.
 * An address that begins with "refuse" is refused. */
#include "tests/sandbox/sandbox.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/memory.h"

enum { LETTER_MAX = 4 << 20 };

struct talk {
    struct sandbox *sandbox;
    int fd;
};

static bool say(int fd, const char *line)
{
    return send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

/* One line without CRLF; false at the end. */
static bool read_line(FILE *in, char *line, size_t size)
{
    if (!fgets(line, (int)size, in))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static void read_letter(FILE *in, struct buf *out)
{
    char line[2048];
    while (read_line(in, line, sizeof line) && strcmp(line, ".") != 0 && out->length < LETTER_MAX)
        buf_printf(out, "%s\n", line[0] == '.' ? line + 1 : line);
}

static void keep(struct sandbox *sandbox, const char *from, const char *to, struct text letter)
{
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_string(&json, "from", from);
    json_put_string(&json, "to", to);
    json_put_text(&json, "letter", letter);
    json_put_end(&json);
    sink_keep(sandbox->sink, "smtp", buf_view(&body));
    buf_done(&body);
}

static void *talk(void *with)
{
    struct talk *t = with;
    char line[2048], from[300] = "", to[300] = "";
    FILE *in = fdopen(dup(t->fd), "r");
    bool going = in && say(t->fd, "220 sandbox ESMTP\r\n");
    while (going && read_line(in, line, sizeof line)) {
        if (!strncasecmp(line, "EHLO", 4) || !strncasecmp(line, "HELO", 4)) {
            going = say(t->fd, "250 sandbox\r\n");
        } else if (!strncasecmp(line, "MAIL FROM:", 10)) {
            snprintf(from, sizeof from, "%.*s", (int)sizeof from - 1, line + 10);
            going = say(t->fd, "250 ok\r\n");
        } else if (!strncasecmp(line, "RCPT TO:", 8)) {
            snprintf(to, sizeof to, "%.*s", (int)sizeof to - 1, line + 8);
            going = say(t->fd, strstr(line, "<refuse") ? "550 no such mailbox\r\n" : "250 ok\r\n");
        } else if (!strcasecmp(line, "DATA")) {
            struct buf letter = {0};
            going = say(t->fd, "354 go on\r\n");
            read_letter(in, &letter);
            keep(t->sandbox, from, to, buf_view(&letter));
            buf_done(&letter);
            going = going && say(t->fd, "250 kept\r\n");
        } else if (!strcasecmp(line, "QUIT")) {
            say(t->fd, "221 bye\r\n");
            going = false;
        } else {
            going = say(t->fd, "250 ok\r\n");
        }
    }
    if (in)
        fclose(in);
    close(t->fd);
    free(t);
    return NULL;
}

static void *serve(void *with)
{
    struct sandbox *sandbox = with;
    for (;;) {
        int fd = accept(sandbox->smtp_fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct talk *t = memory_new(sizeof *t);
        pthread_t thread;
        *t = (struct talk){sandbox, fd};
        if (pthread_create(&thread, NULL, talk, t)) {
            close(fd);
            free(t);
        } else {
            pthread_detach(thread);
        }
    }
}

enum err smtp_open(struct sandbox *sandbox)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    pthread_t thread;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sandbox->smtp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sandbox->smtp_fd < 0 || bind(sandbox->smtp_fd, (struct sockaddr *)&address, sizeof address) ||
        listen(sandbox->smtp_fd, 64) || getsockname(sandbox->smtp_fd, (struct sockaddr *)&address, &length) ||
        pthread_create(&thread, NULL, serve, sandbox))
        return ERR_IO;
    pthread_detach(thread);
    sandbox->smtp_port = ntohs(address.sin_port);
    return OK;
}

static void where(struct visit *visit)
{
    buf_printf(&visit->reply, "{\"port\":%d}", visit->sandbox->smtp_port);
}

const struct road smtp_roads[] = {{"GET", "/sink/smtp", where}, {0}};
