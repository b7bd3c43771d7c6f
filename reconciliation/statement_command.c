/* lephi statement parse FILE [--format F]: a bank file as JSON, written while it is read. */
#include "reconciliation/statement_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 256 * 1024 };

static enum err read_all(FILE *file, struct printer *p, const char *format_name, const char **ret_reason)
{
    struct buf chunk = {0};
    buf_room(&chunk, CHUNK);
    chunk.length = fread(chunk.at, 1, CHUNK, file);
    enum statement_format format =
        format_name ? statement_format_named(text_of(format_name)) : statement_detect(buf_view(&chunk));
    if (format == STATEMENT_UNKNOWN) {
        *ret_reason =
            !chunk.length ? "the file is empty"
            : text_starts(buf_view(&chunk), "%PDF")
                ? "a printed statement (PDF): ask the bank for the spreadsheet"
                : "the format is not recognised (known: mt940, mt942, camt.053, csv, xlsx, xls, html, json, dat)";
        buf_done(&chunk);
        return ERR_STATEMENT_FORMAT;
    }
    json_put_object(&p->json, NULL);
    json_put_string(&p->json, "format", statement_format_name(format));
    json_put_array(&p->json, "statements");
    const struct statement_sink sink = statement_printer_sink(p);
    struct statement_reader *reader = statement_reader_new(format, &sink);
    enum err err = OK;
    while (!err && chunk.length) {
        err = statement_reader_feed(reader, buf_view(&chunk));
        chunk.length = fread(chunk.at, 1, CHUNK, file);
    }
    enum err ended = statement_reader_end(reader);
    statement_reader_free(reader);
    buf_done(&chunk);
    statement_printer_end(p);
    buf_char(&p->out, '\n');
    if (ferror(file)) {
        *ret_reason = "the file cannot be read to its end";
        return ERR_IO;
    }
    *ret_reason = p->last[0] ? p->last : "no statement could be read from it";
    return err ? err : ended;
}

static const char usage[] =
    "Usage: lephi statement parse FILE [--format mt940|mt942|camt.053|csv|xlsx|xls|html|json|dat]\n"
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
    statement_printer_flush(&printer);
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    statement_printer_done(&printer);
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
