/* Short messages and Zalo notices: the operator's interface is configuration, since no two are alike. */
#include "core/post/post.h"

#include <stdio.h>
#include <string.h>
#include "core/base/file.h"
#include "core/http/client.h"
#include "core/json/json_read.h"
#include "core/post/parts.h"

enum { HEADERS_MAX = 16, TOKEN_MAX = 8192, ANSWER_MAX = 64 * 1024 };

const char *const post_channel_names[POST_CHANNELS + 1] = {"email", "sms", "zalo", NULL};

bool post_phone(struct text phone, char ret_phone84[POST_PHONE_SIZE])
{
    char digits[POST_PHONE_SIZE] = "";
    size_t length = 0;
    bool plus = false;
    for (size_t i = 0; i < phone.length; i++) {
        char c = phone.at[i];
        if (c == '+' && !length && !plus)
            plus = true;
        else if (c >= '0' && c <= '9' && length < sizeof digits - 1)
            digits[length++] = c;
        else if (!strchr(" .-()", c) || !c)
            return false;
    }
    digits[length] = '\0';
    bool national = !plus && digits[0] == '0';
    const char *rest = national ? digits + 1 : !strncmp(digits, "84", 2) ? digits + 2 : "";
    size_t rest_length = strlen(rest);
    if (rest_length < 9 || rest_length > 10 || rest[0] == '0')
        return false;
    snprintf(ret_phone84, POST_PHONE_SIZE, "84%s", rest);
    return true;
}

struct text post_mask(struct arena *arena, struct text contact)
{
    struct text domain, name = text_until(contact, '@', &domain);
    if (domain.at)
        return arena_textf(arena, "%.*s•••@%.*s", TEXT_ARGS(text_head(name, 1)), TEXT_ARGS(domain));
    return contact.length < 4 ? TEXT("•••")
                              : arena_textf(arena, "•••%.*s", TEXT_ARGS(text_slice(contact, contact.length - 3, 3)));
}

/* --- templates ---------------------------------------------------------------------------------------------------- */

static void put_escaped(struct buf *out, unsigned char c, enum post_encoding encoding)
{
    switch (encoding) {
    case POST_JSON:
        if (c < ' ')
            buf_printf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_char(out, (char)c);
        break;
    case POST_FORM:
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("-._~", c)))
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
        break;
    case POST_XML:
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            buf_printf(out, "&#%d;", c);
        else if (c >= ' ' || c == '\n' || c == '\t')
            buf_char(out, (char)c);
        break;
    case POST_TEXT: buf_char(out, (char)c); break;
    }
}

/* The length of "{name}" at the start of the text, 0 when it is none. */
static size_t placeholder(struct text text)
{
    size_t i = 1;
    if (!text.length || text.at[0] != '{')
        return 0;
    while (i < text.length &&
           ((text.at[i] >= 'a' && text.at[i] <= 'z') || (text.at[i] >= '0' && text.at[i] <= '9') || text.at[i] == '_'))
        i++;
    return i > 1 && i < text.length && text.at[i] == '}' ? i + 1 : 0;
}

void post_fill(struct buf *out, struct text pattern, const struct post_value *values, size_t count,
               enum post_encoding encoding)
{
    for (size_t i = 0; i < pattern.length;) {
        size_t length = placeholder(text_slice(pattern, i, pattern.length));
        if (!length) {
            buf_char(out, pattern.at[i++]);
            continue;
        }
        struct text name = text_slice(pattern, i + 1, length - 2);
        for (size_t v = 0; v < count; v++)
            if (text_is(name, values[v].name)) {
                for (size_t k = 0; k < values[v].value.length; k++)
                    put_escaped(out, (unsigned char)values[v].value.at[k], encoding);
                break;
            }
        i += length;
    }
}

/* --- the call ----------------------------------------------------------------------------------------------------- */

/* The value at "/a/b" of a JSON text as words; at NULL when there is none. */
static struct text json_at(struct text body, struct text pointer, struct arena *arena)
{
    struct faults faults;
    json_t *value;
    faults_init(&faults, arena);
    if (json_parse_value(body, &value, &faults))
        return TEXT_NONE;
    const json_t *at = value;
    struct text rest = text_slice(pointer, 1, pointer.length);
    while (at && rest.length) {
        const char *key = arena_copy(arena, text_until(rest, '/', &rest));
        int64_t index;
        at = json_is_array(at)
                 ? text_to_int64(text_of(key), &index) && index >= 0 ? json_array_get(at, (size_t)index) : NULL
                 : json_object_get(at, key);
    }
    if (json_is_string(at))
        return text_of(json_string_value(at));
    if (json_is_integer(at))
        return arena_textf(arena, "%lld", (long long)json_integer_value(at));
    return json_is_boolean(at) ? text_of(json_is_true(at) ? "true" : "false") : TEXT_NONE;
}

bool post_accepts(struct text answer, const char *accept, struct arena *arena)
{
    struct text wanted, pointer = text_until(text_of(accept), '=', &wanted);
    if (!pointer.length)
        return true;
    struct text got = json_at(answer, pointer, arena);
    return got.at && text_equal(got, wanted);
}

/* "Name: value | Name: value"; values cannot bring a line of their own. */
static size_t headers_make(struct arena *arena, const char *pattern, const struct post_value *values, size_t count,
                           struct http_pair ret_headers[HEADERS_MAX])
{
    struct text rest = text_of(pattern);
    size_t made = 0;
    while (rest.length && made < HEADERS_MAX) {
        struct text value, name = text_until(text_until(rest, '|', &rest), ':', &value);
        struct buf filled = {0};
        post_fill(&filled, text_trim(value), values, count, POST_TEXT);
        for (size_t i = 0; i < filled.length; i++)
            if ((unsigned char)filled.at[i] < ' ')
                filled.at[i] = ' ';
        if (text_trim(name).length)
            ret_headers[made++] =
                (struct http_pair){arena_copy(arena, text_trim(name)), arena_text(arena, buf_view(&filled))};
        buf_done(&filled);
    }
    return made;
}

static const struct post_gateway *gateway_of(enum post_channel channel)
{
    const struct post_config *post = post_in_use();
    const struct post_gateway *gateway = !post                  ? NULL
                                         : channel == POST_SMS  ? &post->sms
                                         : channel == POST_ZALO ? &post->zalo
                                                                : NULL;
    return gateway && gateway->url && *gateway->url ? gateway : NULL;
}

bool post_has(enum post_channel channel)
{
    const struct post_config *post = post_in_use();
    if (channel != POST_EMAIL)
        return gateway_of(channel) != NULL;
    return post && post->mail_url && *post->mail_url && *post->mail_from;
}

/* Values of the message first, then the gateway's own; returns how many. */
static size_t values_make(struct arena *arena, const struct post_gateway *gateway, const struct post_value *own,
                          size_t own_count, struct post_value ret_values[POST_VALUES_MAX + 6])
{
    size_t count = own_count < POST_VALUES_MAX ? own_count : POST_VALUES_MAX;
    struct text token = TEXT_NONE;
    if (gateway->token_path && *gateway->token_path && file_read(gateway->token_path, TOKEN_MAX, arena, &token))
        token = TEXT_NONE;
    if (count)
        memcpy(ret_values, own, count * sizeof *ret_values);
    ret_values[count++] = (struct post_value){"key", text_of(gateway->key)};
    ret_values[count++] = (struct post_value){"secret", text_of(gateway->secret)};
    ret_values[count++] = (struct post_value){"sender", text_of(gateway->sender)};
    ret_values[count++] = (struct post_value){"token", text_trim(token)};
    return count;
}

/* What an answer means: 500, 502 and 504 may come after the message went out. */
static enum err read_answer(const struct post_gateway *gateway, const struct http_answer *answer, struct arena *arena,
                            struct text *ret_id)
{
    if (answer->status == 429 || answer->status == 503)
        return ERR_UNAVAILABLE;
    if (answer->status >= 500)
        return ERR_UNKNOWN_OUTCOME;
    if (answer->status < 200 || answer->status > 299 || !post_accepts(answer->body, gateway->accept, arena))
        return ERR_FIELD_VALUE;
    *ret_id = gateway->id_at && *gateway->id_at ? json_at(answer->body, text_of(gateway->id_at), arena) : TEXT_NONE;
    return OK;
}

static enum err call(struct arena *arena, const struct post_gateway *gateway, const struct post_value *own,
                     size_t own_count, struct text *ret_id)
{
    struct post_value values[POST_VALUES_MAX + 6];
    struct http_pair headers[HEADERS_MAX];
    struct buf url = {0}, body = {0};
    struct http_answer answer;
    size_t count = values_make(arena, gateway, own, own_count, values);
    post_fill(&url, text_of(gateway->url), values, count, POST_FORM);
    post_fill(&body, text_of(gateway->body), values, count, gateway->encoding);
    const struct http_call call = {.method = gateway->method,
                                   .url = buf_cstr(&url),
                                   .headers = headers,
                                   .header_count = headers_make(arena, gateway->headers, values, count, headers),
                                   .body = strcmp(gateway->method, "GET") ? buf_view(&body) : TEXT_NONE,
                                   .answer_max = ANSWER_MAX};
    enum err err = http_client_call(post_in_use()->client, &call, arena, &answer);
    if (!err)
        err = read_answer(gateway, &answer, arena, ret_id);
    buf_done(&url);
    buf_done(&body);
    return err;
}

enum err post_message(struct arena *arena, enum post_channel channel, const struct post_message *message,
                      struct text *ret_id)
{
    const struct post_gateway *gateway = gateway_of(channel);
    struct post_value values[POST_VALUES_MAX];
    char phone84[POST_PHONE_SIZE];
    size_t count = message->count < POST_VALUES_MAX - 2 ? message->count : POST_VALUES_MAX - 2;
    if (!gateway)
        return ERR_UNAVAILABLE;
    if (!post_phone(message->phone, phone84))
        return ERR_FIELD_VALUE;
    memcpy(values, message->values, count * sizeof *values);
    values[count++] = (struct post_value){"phone", arena_textf(arena, "0%s", phone84 + 2)};
    values[count++] = (struct post_value){"phone84", text_of(phone84)};
    return call(arena, gateway, values, count, ret_id);
}

enum err post_answer(struct arena *arena, struct text to, const char *words)
{
    const struct post_config *post = post_in_use();
    const struct post_value values[] = {{"to", to}, {"text", text_of(words)}};
    struct text id;
    if (!post || !post->zalo_answer.url || !*post->zalo_answer.url)
        return ERR_UNAVAILABLE;
    return call(arena, &post->zalo_answer, values, 2, &id);
}

enum err post_sms(struct arena *arena, struct text phone, const char *words)
{
    const struct post_value text = {"text", text_of(words)};
    const struct post_message message = {.phone = phone, .values = &text, .count = 1};
    struct text id;
    return post_message(arena, POST_SMS, &message, &id);
}
