/* Mail by SMTP over core's client. */
#include <stdatomic.h>
#include <string.h>
#include "core/base/crypto.h"
#include "core/http/client.h"
#include "core/post/parts.h"

static const struct post_config *_Atomic in_use;

void post_use(const struct post_config *config)
{
    atomic_store(&in_use, config);
}

const struct post_config *post_in_use(void)
{
    return atomic_load(&in_use);
}

bool post_address_good(struct text address)
{
    size_t at_signs = 0;
    for (size_t i = 0; i < address.length; i++) {
        unsigned char c = (unsigned char)address.at[i];
        if (c <= ' ' || c >= 0x7F || strchr("<>,;:\"\\()[]", c))
            return false;
        at_signs += c == '@';
    }
    return at_signs == 1 && address.length <= 254 && address.at[0] != '@' && address.at[address.length - 1] != '@';
}

/* Base64 in lines of 76 characters (RFC 2045 §6.8). */
static void put_base64(struct buf *out, struct text bytes)
{
    enum { LINE = 57 }; /* bytes of 76 characters */
    for (size_t i = 0; i < bytes.length; i += LINE) {
        struct text line = text_slice(bytes, i, LINE);
        base64_encode(line.at, line.length, out);
        buf_string(out, "\r\n");
    }
}

static void put_date(struct buf *out, instant_us at)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil t = civil_of(at);
    buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0700\r\n", days[date_weekday(date_of(at)) % 7], t.day,
               months[(t.month + 11) % 12], t.year, t.hour, t.minute, t.second);
}

static void compose(struct buf *out, instant_us at, const char *from, struct text to, const char *subject,
                    struct text words, const struct attachment *attachments, size_t count)
{
    uint8_t random[16];
    char mark[2 * sizeof random + 1];
    crypto_random(random, sizeof random);
    hex_encode(random, sizeof random, mark);
    buf_printf(out, "From: <%s>\r\nTo: <%.*s>\r\nSubject: =?UTF-8?B?", from, TEXT_ARGS(to));
    base64_encode(subject, strlen(subject), out);
    buf_printf(out, "?=\r\nMessage-ID: <%s@lephi>\r\nMIME-Version: 1.0\r\n", mark);
    put_date(out, at);
    buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", mark, mark);
    buf_string(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    put_base64(out, words);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out,
                   "--%s\r\nContent-Type: %s; name=\"%s\"\r\nContent-Disposition: attachment; filename=\"%s\"\r\n"
                   "Content-Transfer-Encoding: base64\r\n\r\n",
                   mark, attachments[i].type, attachments[i].name, attachments[i].name);
        put_base64(out, attachments[i].bytes);
    }
    buf_printf(out, "--%s--\r\n", mark);
}

/* RFC 5321 §4.2.1: 5yz is for good; but what is said about how we come to the server (not understood, no
 * authentication, RFC 4954 §6) is for whoever set it up, and says nothing about the address. */
static bool refused_for_good(int status)
{
    bool about_us = (status >= 500 && status <= 504 && status != 501) || status == 530 || status == 534 ||
                    status == 535 || status == 538;
    return status >= 500 && !about_us;
}

enum err post_mail(struct arena *arena, instant_us at, struct text to, const char *subject, struct text words,
                   const struct attachment *attachments, size_t count)
{
    const struct post_config *post = post_in_use();
    struct buf letter = {0};
    struct http_answer answer;
    if (!post_has(POST_EMAIL))
        return ERR_UNAVAILABLE;
    if (!post_address_good(to))
        return ERR_FIELD_VALUE;
    compose(&letter, at, post->mail_from, to, subject, words, attachments, count);
    const char *const receivers[] = {arena_copy(arena, to), NULL};
    const struct http_call call = {.url = post->mail_url,
                                   .body = buf_view(&letter),
                                   .user = *post->mail_user ? post->mail_user : NULL,
                                   .password = *post->mail_user ? post->mail_password : NULL,
                                   .mail_from = post->mail_from,
                                   .mail_to = receivers};
    enum err err = http_client_call(post->client, &call, arena, &answer);
    buf_done(&letter);
    if (!err && refused_for_good(answer.status))
        return ERR_FIELD_VALUE;
    return !err && answer.status >= 400 ? ERR_UNAVAILABLE : err;
}
