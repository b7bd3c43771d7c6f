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
    {STATEMENT_XLSX, "xlsx"},    {STATEMENT_XLS, "xls"},       {STATEMENT_HTML, "html"},     {STATEMENT_JSON, "json"},
    {STATEMENT_DAT, "dat"},
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
    if (text_starts(text, "\xFF\xFE") || text_starts(text, "\xFE\xFF"))
        return memchr(text_slice(text, 0, 8).at, '<', text.length < 8 ? text.length : 8) ? STATEMENT_HTML
                                                                                         : STATEMENT_CSV;
    if (text.length >= 4 && !text.at[1] && text.at[0] && !text.at[3] && text.at[2])
        return STATEMENT_CSV; /* UTF-16 without a mark */
    if (text_starts(text, "\xEF\xBB\xBF"))
        text = text_slice(text, 3, text.length);
    struct text bare = text_trim(text);
    if (text_starts(bare, "<")) {
        bool html = holds(bare, "<html") || holds(bare, "<table") || holds(bare, "<HTML") || holds(bare, "<TABLE");
        bool camt = holds(bare, "camt.05") || holds(bare, "BkToCstmr") || holds(bare, "Document");
        return html ? STATEMENT_HTML : camt ? STATEMENT_CAMT : STATEMENT_UNKNOWN;
    }
    if (text_starts(bare, "PK\x03\x04"))
        return STATEMENT_XLSX;
    if (text_starts(bare, "\xD0\xCF\x11\xE0") || text_starts(text, "\x09\x08") || text_starts(text, "\x09\x04"))
        return STATEMENT_XLS;
    if (text_starts(bare, "{") && holds(bare, "\"transactions\""))
        return STATEMENT_JSON;
    if (text_starts(bare, "HR[REV]"))
        return STATEMENT_DAT;
    if (text_starts(bare, "%PDF"))
        return STATEMENT_UNKNOWN; /* a print: ask the bank for one of the formats above */
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

const char *settlement_kind_name(enum settlement_kind kind)
{
    static const char *const kinds[] = {"gateway", "wallet", "terminal", "collection", "orders", "treasury"};
    return kinds[kind];
}

struct statement_reader {
    const struct statement_reader_vtable *does;
    void *inner;
    struct statement_gate gate;
    enum err failed;
};

static const struct statement_reader_vtable *reader_of(enum statement_format format)
{
    switch (format) {
    case STATEMENT_CAMT: return &camt_reader;
    case STATEMENT_CSV: return &table_csv_reader;
    case STATEMENT_XLSX: return &table_xlsx_reader;
    case STATEMENT_XLS: return &table_xls_reader;
    case STATEMENT_HTML: return &table_html_reader;
    case STATEMENT_JSON: return &treasury_reader;
    case STATEMENT_DAT: return &napas_reader;
    default: return &mt940_reader;
    }
}

struct statement_reader *statement_reader_new(enum statement_format format, const struct statement_sink *sink)
{
    struct statement_reader *reader = memory_new(sizeof *reader);
    reader->gate.sink = *sink;
    reader->gate.interim = format == STATEMENT_MT942;
    reader->does = reader_of(format);
    reader->inner = reader->does->make(&reader->gate);
    return reader;
}

enum err statement_reader_map(struct statement_reader *reader, const struct statement_mapping *mappings, size_t count)
{
    return reader->does->map ? reader->does->map(reader->inner, mappings, count) : OK;
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
