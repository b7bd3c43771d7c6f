/* The HTTP client: every call runs on one libcurl multi handle on one thread; the calling thread waits.
 *
 * A call that may have reached the other side is never repeated here, nor by libcurl: calls other than GET and HEAD use
 * a fresh connection, because libcurl resends by itself on a reused one that breaks. No redirects, no environment
 * proxies, TLS 1.2 or later with the peer verified. */
#ifndef LEPHI_CORE_HTTP_CLIENT_H
#define LEPHI_CORE_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/text.h"

struct http_client;

/* Zero or NULL means the default in brackets. Strings must outlive the client. */
struct http_client_config {
    int calls_max;       /* under way at once [256]; beyond: ERR_UNAVAILABLE */
    const char *ca_file; /* PEM of trusted roots instead of the system's */
    const char *proxy;   /* "http://host:port"; NULL none */
};

struct http_pair {
    const char *name;
    struct text value;
};

struct http_call {
    const char *method; /* "GET" … ; unused for smtp */
    const char *url;    /* http://, https://; smtp:// and smtps:// to send mail */
    const struct http_pair *headers;
    size_t header_count;
    struct text body;            /* at NULL: none. For mail: the whole message, CRLF lines */
    int connect_timeout_ms;      /* [5000] */
    int total_timeout_ms;        /* [15000] */
    size_t answer_max;           /* bytes of the answer's body [1 MiB] */
    const char *ca_file;         /* instead of the client's */
    const char *user, *password; /* smtp only */
    const char *mail_from;       /* smtp only: envelope */
    const char *const *mail_to;  /* NULL-terminated */
};

struct http_answer {
    int status;          /* HTTP status, or the last SMTP reply code */
    struct text body;    /* in the arena, NUL-terminated behind its length */
    struct text headers; /* raw lines of the final reply, in the arena */
    int64_t duration_us;
};

MUST_CHECK enum err http_client_start(const struct http_client_config *config, struct http_client **ret_client);
/* Ends the calls under way (ERR_UNKNOWN_OUTCOME, or ERR_NETWORK if nothing was sent) and takes no more
 * (ERR_UNAVAILABLE): for whoever must stop threads that wait long. The client is still to be stopped. NULL is fine. */
void http_client_close(struct http_client *client);
/* Calls under way end with ERR_UNKNOWN_OUTCOME, or ERR_NETWORK if nothing was sent. NULL is fine. */
void http_client_stop(struct http_client *client);

/* From any thread; waits for the answer, total_timeout_ms at most. Returns
 * OK: the other side answered, whatever its status says;
 * ERR_NETWORK: certainly nothing was sent (name, connection, TLS, time-out before the first byte);
 * ERR_UNKNOWN_OUTCOME: sent, and no whole answer (time-out, broken connection, answer over the cap): ask, never guess;
 * ERR_UNAVAILABLE: too many calls under way, or the client stops; nothing was sent;
 * ERR_CONFIG: URL, protocol or header that cannot be used; nothing was sent. */
MUST_CHECK enum err http_client_call(struct http_client *client, const struct http_call *call, struct arena *arena,
                                     struct http_answer *ret_answer);

/* First header of that name, trimmed; at NULL when absent. */
struct text http_answer_header(const struct http_answer *answer, const char *name);

#endif
