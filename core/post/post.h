/* What goes to people: letters by SMTP, short messages and Zalo notices by the operator's HTTP interface, described by
 * templates in the configuration. The one sender of every room; nothing is sent twice by it. */
#ifndef LEPHI_CORE_POST_H
#define LEPHI_CORE_POST_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"

struct http_client;

enum post_channel { POST_EMAIL, POST_SMS, POST_ZALO, POST_CHANNELS };
extern const char *const post_channel_names[POST_CHANNELS + 1]; /* "email", "sms", "zalo", NULL */

/* How values are written into a template. */
enum post_encoding { POST_JSON, POST_FORM, POST_XML, POST_TEXT };

/* An HTTP interface that takes messages. In templates {name} stands for a value (lower case, digits, _): of the
 * message, or key, secret, sender, token. Unknown names give nothing. Texts outlive their use; an empty url switches it
 * off. */
struct post_gateway {
    const char *url;
    const char *method;  /* "POST", "GET" */
    const char *headers; /* "Name: value | Name: value" */
    const char *body;
    enum post_encoding encoding; /* of the body; in the URL values are percent-encoded */
    const char *accept;          /* "/pointer=value" in the JSON of a 2xx answer; empty: any 2xx accepts */
    const char *id_at;           /* "/pointer" of what the operator calls the message; may be empty */
    const char *key, *secret, *sender;
    const char *token_path; /* a file read at every message, for tokens that others renew; empty: none */
};

struct post_config {
    struct http_client *client;
    const char *mail_url, *mail_user, *mail_password, *mail_from; /* smtp:// or smtps:// */
    struct post_gateway sms, zalo, zalo_answer; /* notices, and answers to who wrote to the official account */
};
/* NULL: nothing is sent. */
void post_use(const struct post_config *config);
bool post_has(enum post_channel channel);

struct attachment {
    const char *name, *type;
    struct text bytes;
};

/* Sends one mail of UTF-8 text, its subject by RFC 2047. ERR_UNAVAILABLE: no server, or it wants us later;
 * ERR_FIELD_VALUE: the address is refused for good; else what http_client_call says. */
MUST_CHECK enum err post_mail(struct arena *arena, instant_us at, struct text to, const char *subject,
                              struct text words, const struct attachment *attachments, size_t count);

struct post_value {
    const char *name;
    struct text value;
};
enum { POST_VALUES_MAX = 24 };
struct post_message {
    struct text phone; /* as the citizen wrote it: {phone} 0912345678, {phone84} 84912345678 */
    const struct post_value *values;
    size_t count;
};
/* OK: accepted; `ret_id` what the operator calls it (empty text when it says nothing), in the arena. ERR_UNAVAILABLE:
 * no gateway, 429 or 503: later. ERR_FIELD_VALUE: no number to write to, or refused. ERR_NETWORK: certainly not sent.
 * ERR_UNKNOWN_OUTCOME: perhaps sent; whoever must not tell twice does not try again. */
MUST_CHECK enum err post_message(struct arena *arena, enum post_channel channel, const struct post_message *message,
                                 struct text *ret_id);
/* One short message of these words. */
MUST_CHECK enum err post_sms(struct arena *arena, struct text phone, const char *words);

/* Answers somebody who wrote to the official account: {to} and {text} of the gateway's templates. Errors as
 * post_message. */
MUST_CHECK enum err post_answer(struct arena *arena, struct text to, const char *words);

/* An address that can stand in an envelope and a header: one @, no space, no control, ASCII. */
bool post_address_good(struct text address);
/* "0912 345 678", "+84912345678" to 84912345678; false when it is no Vietnamese number. */
enum { POST_PHONE_SIZE = 16 };
bool post_phone(struct text phone, char ret_phone84[POST_PHONE_SIZE]);
/* "t•••@gmail.com", "•••678": for logs that people read. */
struct text post_mask(struct arena *arena, struct text contact);
/* Writes a template; for gateways and for words. Pure. */
void post_fill(struct buf *out, struct text pattern, const struct post_value *values, size_t count,
               enum post_encoding encoding);
/* Whether the JSON of an answer holds what `accept` asks for ("/a/b=value"). Pure. */
bool post_accepts(struct text answer, const char *accept, struct arena *arena);

#endif
