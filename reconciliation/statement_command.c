/* lephi statement parse FILE [--format F]: a bank file as JSON, written while it is read. */
#include "reconciliation/statement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    CHUNK = 256 * 1024,
    OUTPUT_FLUSH = 64 * 1024,
    WARNINGS_MAX = 10000, /* kept in memory until the end; further ones are counted */
};

struct printer {
    struct buf out;
    struct json json;
    FILE *to;
    bool lines_open;
    struct buf warnings; /* JSON objects joined by commas */
    int64_t warning_count;
    date_days date[2]; /* formatting the same day a million times is half of the work */
    char date_text[2][DATE_TEXT_SIZE];
};

static void flush(struct printer *p)
{
    fwrite(p->out.at, 1, p->out.length, p->to);
    buf_clear(&p->out);
}

static void print_begin(void *with, const struct statement_head *head)
{
    struct printer *p = with;
    struct json *json = &p->json;
    json_put_object(json, NULL);
    json_put_text(json, "account", head->account);
    json_put_text_or_null(json, "currency", head->currency);
    json_put_text(json, "number", head->number);
    if (head->has_opening)
        json_put_int(json, "opening", head->opening);
    else
        json_put_null(json, "opening");
    json_put_array(json, "lines");
}

static void print_date(struct printer *p, const char *key, int slot, date_days date)
{
    if (date == DATE_NONE) {
        json_put_null(&p->json, key);
        return;
    }
    if (p->date[slot] != date || !p->date_text[slot][0])
        date_format(date, p->date_text[slot]);
    p->date[slot] = date;
    json_put_string(&p->json, key, p->date_text[slot]);
}

static void print_line(void *with, const struct statement_line *line)
{
    struct printer *p = with;
    struct json *json = &p->json;
    json_put_object(json, NULL);
    print_date(p, "booked_on", 0, line->booked_on);
    print_date(p, "value_on", 1, line->value_on);
    json_put_int(json, "amount", line->amount);
    json_put_bool(json, "reversal", line->reversal);
    json_put_text(json, "bank_reference", line->bank_reference);
    json_put_text(json, "customer_reference", line->customer_reference);
    json_put_text(json, "counterparty", line->counterparty);
    json_put_text(json, "counterparty_account", line->counterparty_account);
    json_put_text(json, "memo", line->memo);
    if (line->supplementary.length)
        json_put_text(json, "supplementary", line->supplementary);
    json_put_end(json);
    if (p->out.length > OUTPUT_FLUSH)
        flush(p);
}

static void print_end(void *with, const struct statement_tail *tail)
{
    struct printer *p = with;
    struct json *json = &p->json;
    json_put_end(json);
    if (tail->has_closing)
        json_put_int(json, "closing", tail->closing);
    else
        json_put_null(json, "closing");
    json_put_bool(json, "complete", tail->complete);
    json_put_end(json);
}

static void print_warning(void *with, const struct statement_warning *warning)
{
    struct printer *p = with;
    if (p->warning_count++ >= WARNINGS_MAX)
        return;
    if (p->warnings.length)
        buf_char(&p->warnings, ',');
    struct json json = json_to(&p->warnings);
    json_put_object(&json, NULL);
    json_put_int(&json, "line", warning->line);
    json_put_string(&json, "code", warning->code);
    json_put_string(&json, "detail", warning->detail);
    json_put_end(&json);
}

static enum err read_all(FILE *file, struct printer *p, const char *format_name, const char **ret_reason)
{
    struct buf chunk = {0};
    buf_room(&chunk, CHUNK);
    chunk.length = fread(chunk.at, 1, CHUNK, file);
    enum statement_format format =
        format_name ? statement_format_named(text_of(format_name)) : statement_detect(buf_view(&chunk));
    if (format == STATEMENT_UNKNOWN) {
        buf_done(&chunk);
        *ret_reason = "the format is not recognised (known: mt940, mt942, camt.053, csv)";
        return ERR_STATEMENT_FORMAT;
    }
    json_put_object(&p->json, NULL);
    json_put_string(&p->json, "format", statement_format_name(format));
    json_put_array(&p->json, "statements");
    const struct statement_sink sink = {p, print_begin, print_line, print_end, print_warning};
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    while (!err && chunk.length) {
        err = statement_reader_feed(reader, buf_view(&chunk));
        chunk.length = fread(chunk.at, 1, CHUNK, file);
    }
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    buf_done(&chunk);
    json_put_end(&p->json);
    json_put_array(&p->json, "warnings");
    if (p->warnings.length)
        json_put_raw(&p->json, NULL, buf_view(&p->warnings));
    json_put_end(&p->json);
    if (p->warning_count > WARNINGS_MAX)
        json_put_int(&p->json, "warnings_dropped", p->warning_count - WARNINGS_MAX);
    json_put_end(&p->json);
    buf_char(&p->out, '\n');
    if (ferror(file)) {
        *ret_reason = "the file cannot be read to its end";
        return ERR_IO;
    }
    *ret_reason = "no statement could be read from it";
    return err ? err : ended;
}

static const char usage[] =
    "Usage: lephi statement parse FILE [--format mt940|mt942|camt.053|csv]\n"
    "       lephi statement import FILE\n"
    "parse reads a bank statement (\"-\": standard input) and prints it as JSON; it needs no database. Amounts are in\n"
    "the currency's minor unit (đồng for VND), money in positive. \"complete\" says that opening + lines = closing.\n"
    "import takes a statement into the database: what proves itself is used, the rest is quarantined with the reason.\n"
    "Exit 0 when done, 1 when nothing could be read or something was quarantined, 2 on wrong usage.\n";

static int parse_command(const char *path, const char *format)
{
    FILE *file = !strcmp(path, "-") ? stdin : fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "lephi statement parse: %s: %s\n", path, strerror(errno));
        return 1;
    }
    struct printer printer = {.to = stdout};
    printer.json = json_to(&printer.out);
    const char *reason = NULL;
    enum err err = read_all(file, &printer, format, &reason);
    flush(&printer);
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    buf_done(&printer.out);
    buf_done(&printer.warnings);
    if (file != stdin)
        fclose(file);
    if (err)
        fprintf(stderr, "lephi statement parse: %s: %s\n", path, reason);
    if (!written)
        fprintf(stderr, "lephi statement parse: cannot write the result\n");
    return err || !written;
}

int statement_command(int argc, char **argv)
{
    const char *path = NULL, *format = NULL;
    bool help = false;
    for (int at = 1; at < argc; at++)
        help = help || !strcmp(argv[at], "--help") || !strcmp(argv[at], "-h");
    if (help) {
        fputs(usage, stdout);
        return 0;
    }
    bool wrong = argc < 2 || strcmp(argv[1], "parse") != 0;
    for (int at = 2; at < argc && !wrong; at++) {
        if (!strcmp(argv[at], "--format") && at + 1 < argc)
            format = argv[++at];
        else if (!strncmp(argv[at], "--format=", 9))
            format = argv[at] + 9;
        else if (!path && (argv[at][0] != '-' || !argv[at][1]))
            path = argv[at];
        else
            wrong = true;
    }
    if (wrong || !path || (format && statement_format_named(text_of(format)) == STATEMENT_UNKNOWN)) {
        fputs(usage, stderr);
        return 2;
    }
    return parse_command(path, format);
}
