/* One interface over the readers of all formats, and what format a file has. */
#include "reconciliation/statement.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    enum statement_format format;
    const char *name;
} names[] = {
    /* The first name of a format is the one that is written. */
    {STATEMENT_MT940, "mt940"},  {STATEMENT_MT942, "mt942"},   {STATEMENT_CAMT, "camt.053"}, {STATEMENT_CAMT, "camt"},
    {STATEMENT_CAMT, "camt053"}, {STATEMENT_CAMT, "camt.052"}, {STATEMENT_CAMT, "camt.054"}, {STATEMENT_CSV, "csv"},
};

enum statement_format statement_format_named(struct text name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is_nocase(name, names[i].name))
            return names[i].format;
    return STATEMENT_UNKNOWN;
}

const char *statement_format_name(enum statement_format format)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].format == format)
            return names[i].name;
    return "unknown";
}

static bool holds(struct text text, const char *needle)
{
    return text_find(text, text_of(needle)) < text.length;
}

/* A tag at the beginning of a line, whatever ends lines here. */
static bool holds_tag(struct text text, const char *tag)
{
    size_t length = strlen(tag);
    for (size_t at = 0; at + length <= text.length; at++) {
        char before = at ? text.at[at - 1] : '\n';
        if (text.at[at] == ':' && !memcmp(text.at + at, tag, length) && !(before >= '0' && before <= '9') &&
            !(before >= 'A' && before <= 'Z'))
            return true;
    }
    return false;
}

enum statement_format statement_detect(struct text first_bytes)
{
    struct text text = text_slice(first_bytes, 0, 64 * 1024);
    if (text_starts(text, "\xEF\xBB\xBF"))
        text = text_slice(text, 3, text.length);
    struct text bare = text_trim(text);
    if (text_starts(bare, "<")) {
        bool html = holds(bare, "<html") || holds(bare, "<table") || holds(bare, "<HTML") || holds(bare, "<TABLE");
        bool camt = holds(bare, "camt.05") || holds(bare, "BkToCstmr") || holds(bare, "Document");
        return camt && !html ? STATEMENT_CAMT : STATEMENT_UNKNOWN;
    }
    if (text_starts(bare, "PK\x03\x04") || text_starts(bare, "%PDF") || text_starts(bare, "\xD0\xCF\x11\xE0"))
        return STATEMENT_UNKNOWN; /* a workbook or a print: ask the bank for one of the formats above */
    bool entries = holds_tag(text, ":61:"), head = holds_tag(text, ":20:") || holds_tag(text, ":25:");
    bool balances =
        holds_tag(text, ":60F:") || holds_tag(text, ":60M:") || holds_tag(text, ":62F:") || holds_tag(text, ":62M:");
    if (holds(text, "{2:O942") || holds(text, "{2:I942") ||
        (!balances && (holds_tag(text, ":34F:") || holds_tag(text, ":90C:") || holds_tag(text, ":90D:"))))
        return STATEMENT_MT942;
    if (entries || balances || (head && (holds_tag(text, ":28C:") || holds_tag(text, ":28:"))))
        return STATEMENT_MT940;
    if (holds(text, ",") || holds(text, ";") || holds(text, "\t"))
        return STATEMENT_CSV;
    return STATEMENT_UNKNOWN;
}

struct statement_reader {
    const struct statement_reader_vtable *does;
    void *inner;
    struct statement_gate gate;
    enum err failed;
};

struct statement_reader *statement_reader_new(enum statement_format format, const struct statement_sink *sink)
{
    struct statement_reader *reader = memory_new(sizeof *reader);
    reader->gate.sink = *sink;
    reader->gate.interim = format == STATEMENT_MT942;
    reader->does = format == STATEMENT_CAMT  ? &camt_reader
                   : format == STATEMENT_CSV ? &statement_csv_reader
                                             : &mt940_reader;
    reader->inner = reader->does->make(&reader->gate);
    return reader;
}

enum err statement_reader_feed(struct statement_reader *reader, struct text bytes)
{
    if (!reader->failed)
        reader->failed = reader->does->feed(reader->inner, bytes);
    return reader->failed;
}

enum err statement_reader_end(struct statement_reader *reader)
{
    enum err err = reader->does->end(reader->inner); /* ends what is open even after a failure */
    if (reader->failed)
        return reader->failed;
    if (err)
        return err;
    return reader->gate.statements ? OK : ERR_STATEMENT_SYNTAX;
}

void statement_reader_free(struct statement_reader *reader)
{
    if (!reader)
        return;
    reader->does->free(reader->inner);
    free(reader);
}
