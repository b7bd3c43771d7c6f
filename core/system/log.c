#include "core/system/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/memory.h"
#include "core/system/config.h"

static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_JSON;

/* Texts that are masked, kept for the life of the program. */
static struct text hidden[LOG_HIDDEN_MAX];
static size_t hidden_count;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_init(enum log_level least, enum log_format format)
{
    least_level = least;
    line_format = format;
}

void log_init_from_config(void)
{
    enum log_level least = LOG_LEVEL_INFO;
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (!strcmp(level_names[i], config_text(CONFIG_LOG_LEVEL)))
            least = (enum log_level)i;
    log_init(least, strcmp(config_text(CONFIG_LOG_FORMAT), "text") ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
}

void log_hide(struct text secret)
{
    if (secret.length < LOG_HIDDEN_LEAST || hidden_count == LOG_HIDDEN_MAX)
        return;
    for (size_t i = 0; i < hidden_count; i++)
        if (text_equal(hidden[i], secret))
            return;
    hidden[hidden_count++] = (struct text){memory_copy(secret.at, secret.length), secret.length};
}

/* A line on the stack: what does not fit is left out, and the line stays well formed. */
struct line {
    size_t length;
    char at[LOG_LINE_MAX];
};

enum { TAIL = 2, MESSAGE_MAX = 256 }; /* "}\n" */

static void put(struct line *line, const char *at, size_t length)
{
    if (length > LOG_LINE_MAX - TAIL - line->length)
        length = LOG_LINE_MAX - TAIL - line->length;
    memcpy(line->at + line->length, at, length);
    line->length += length;
}

static void put_string(struct line *line, const char *terminated)
{
    put(line, terminated, strlen(terminated));
}

/* How many bytes at the start of `rest` belong to a hidden text. */
static size_t hidden_at(struct text rest)
{
    for (size_t i = 0; i < hidden_count; i++)
        if (rest.length >= hidden[i].length && *rest.at == *hidden[i].at &&
            !memcmp(rest.at, hidden[i].at, hidden[i].length))
            return hidden[i].length;
    return 0;
}

/* Bytes of the UTF-8 character at the start, 0 when it is none. */
static size_t character_at(struct text rest)
{
    for (size_t length = 1; length <= 4 && length <= rest.length; length++)
        if (text_is_utf8(text_slice(rest, 0, length)))
            return length;
    return 0;
}

static void put_escaped(struct line *line, struct text value)
{
    char code[8];
    struct text rest = text_slice(value, 0, LOG_VALUE_MAX);
    /* Masking looks at the uncut value, so that a secret at the cut is not half shown. */
    size_t kept = rest.length;
    for (size_t i = 0; i < kept;) {
        struct text here = text_slice(value, i, value.length);
        unsigned char c = (unsigned char)*here.at;
        size_t hide = hidden_at(here), length = hide ? hide : character_at(here);
        if (hide)
            put_string(line, "•••");
        else if (!length)
            put_string(line, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            put(line, (char[]){'\\', (char)c}, 2);
        else if (c < 0x20 || c == 0x7f)
            put(line, code, (size_t)snprintf(code, sizeof code, "\\u%04x", c));
        else
            put(line, here.at, length);
        i += length ? length : 1;
    }
    if (kept < value.length)
        put_string(line, "…");
}

static void put_field(struct line *line, const struct log_field *field)
{
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)field->number);
    bool json = line_format == LOG_FORMAT_JSON;
    put_string(line, json ? ",\"" : " ");
    put_string(line, field->name);
    put_string(line, json ? "\":" : "=");
    if (field->text.at) {
        put_string(line, "\"");
        put_escaped(line, field->text);
        put_string(line, "\"");
    } else {
        put_string(line, number);
    }
}

static void put_head(struct line *line, enum log_level level, const char *message)
{
    char time[INSTANT_TEXT_SIZE];
    instant_us now = clock_now();
    instant_format(now - now % 1000, time); /* milliseconds are enough for people */
    bool json = line_format == LOG_FORMAT_JSON;
    put_string(line, json ? "{\"time\":\"" : "");
    put_string(line, time);
    put_string(line, json ? "\",\"level\":\"" : " ");
    put_string(line, level_names[level]);
    put_string(line, json ? "\",\"message\":\"" : " ");
    put_escaped(line, text_slice(text_of(message), 0, MESSAGE_MAX));
    put_string(line, json ? "\"" : "");
}

void log_line(enum log_level level, const char *request, const char *message, const struct log_field *fields,
              size_t count)
{
    if (level < least_level)
        return;
    struct line line;
    line.length = 0;
    put_head(&line, level, message);
    struct log_field who = log_string("request", request);
    for (size_t i = request ? 0 : 1; i < count; i++) {
        size_t before = line.length;
        put_field(&line, i ? &fields[i] : &who);
        if (line.length < LOG_LINE_MAX - TAIL)
            continue;
        line.length = before; /* a field that does not fit is left out whole */
    }
    if (line_format == LOG_FORMAT_JSON)
        line.at[line.length++] = '}';
    line.at[line.length++] = '\n';
    /* One write: lines of threads and processes do not mix. Nobody is left to tell when standard error is gone. */
    ssize_t written = write(STDERR_FILENO, line.at, line.length);
    (void)written;
}
