/* Field :86: — free text, "?20…?29" subfields (German DFÜ agreement, annex 3), or "/EREF/…/REMI/…" keys. */
#include "reconciliation/mt940.h"

#include <string.h>

enum { FULL_LINE = 65, FULL_SUBFIELD = 27 }; /* characters after which banks wrap, even inside a word */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool separator(char c)
{
    return c == '?' || c == '~' || c == '<' || c == '>' || c == '^';
}

/* "166?00…", "?20…": the subfield separator is whatever stands before two digits. */
static bool is_structured(struct text text)
{
    size_t at = 0;
    while (at < 3 && at < text.length && digit(text.at[at]))
        at++;
    return (at == 3 || at == 0) && text.length >= at + 3 && separator(text.at[at]) && digit(text.at[at + 1]) &&
           digit(text.at[at + 2]);
}

void mt940_memo_clear(struct mt940_memo *memo)
{
    buf_clear(&memo->text);
    memo->structured = memo->cut = false;
    memo->last_length = 0;
}

static void put_line(struct mt940_memo *memo, struct text line)
{
    if (memo->text.length + line.length > STATEMENT_MEMO_MAX) {
        line = text_slice(line, 0, STATEMENT_MEMO_MAX - memo->text.length);
        memo->cut = true;
    }
    buf_text(&memo->text, line);
    memo->last_length = line.length;
}

/* A full line was cut by the bank's printer, perhaps in a word; a shorter one ended where the text wanted.
 * A UTF-8 character cut in two is always joined. */
static bool wants_space(const struct mt940_memo *memo, struct text line)
{
    const struct buf *text = &memo->text;
    if (!text->length || !line.length || memo->structured)
        return false;
    bool inside_character =
        ((unsigned char)line.at[0] & 0xC0) == 0x80 && (unsigned char)text->at[text->length - 1] >= 0x80;
    return memo->last_length < FULL_LINE && text->at[text->length - 1] != ' ' && !inside_character;
}

void mt940_memo_more(struct mt940_memo *memo, struct text line)
{
    if (wants_space(memo, line) && memo->text.length < STATEMENT_MEMO_MAX)
        buf_char(&memo->text, ' ');
    put_line(memo, line);
}

void mt940_memo_field(struct mt940_memo *memo, struct text first_line)
{
    bool structured = is_structured(first_line);
    /* ":86:020" announcing ":86:020~00…" says nothing by itself. */
    if (structured && memo->text.length == 3 && !memcmp(memo->text.at, first_line.at, 3))
        mt940_memo_clear(memo);
    if (!memo->text.length) {
        memo->structured = structured;
        put_line(memo, first_line);
        return;
    }
    if (memo->structured && !structured) {
        /* Free text behind subfields: a subfield of its own, so that it reads as purpose. */
        char code[] = {'?', '6', '0', '\0'};
        const char *at = memo->text.at;
        code[0] = separator(at[0]) ? at[0] : at[3];
        buf_string(&memo->text, code);
    } else if (!memo->structured && memo->text.length < STATEMENT_MEMO_MAX) {
        buf_char(&memo->text, ' ');
    }
    put_line(memo, first_line);
}

/* Where the next subfield begins: separator and two digits; text.length when there is none. */
static size_t next_subfield(struct text text, size_t from, char mark)
{
    for (size_t i = from; i + 2 < text.length; i++)
        if (text.at[i] == mark && digit(text.at[i + 1]) && digit(text.at[i + 2]))
            return i;
    return text.length;
}

struct span {
    size_t from, to;
};

static struct text span_text(const struct buf *buf, struct span span)
{
    return text_trim(text_slice(buf_view(buf), span.from, span.to - span.from));
}

/* Appends every subfield whose code lies in one of two ranges; a full one runs into the next without a space. */
static struct span put_subfields(struct buf *out, struct text text, char mark, const int range[4])
{
    struct span span = {.from = out->length};
    size_t at = next_subfield(text, 0, mark), before = FULL_SUBFIELD;
    while (at < text.length) {
        int code = (text.at[at + 1] - '0') * 10 + text.at[at + 2] - '0';
        size_t end = next_subfield(text, at + 3, mark);
        struct text value = text_slice(text, at + 3, end - at - 3);
        at = end;
        if (!((code >= range[0] && code <= range[1]) || (code >= range[2] && code <= range[3])) || !value.length)
            continue;
        if (before < FULL_SUBFIELD && value.at[0] != ' ')
            buf_char(out, ' ');
        before = text_characters(value);
        text_put_clean(out, value);
    }
    span.to = out->length;
    return span;
}

static struct text slash_value(struct text text, const char *key)
{
    size_t at = text_find(text, text_of(key));
    if (at == text.length)
        return TEXT_NONE;
    struct text value = text_slice(text, at + strlen(key), text.length);
    if (value.length && value.at[0] == '/')
        value = text_slice(value, 1, value.length); /* /BENM//NAME/ */
    /* The value ends where the next key begins: "/", two to four capitals, "/". */
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] != '/')
            continue;
        size_t end = i + 1;
        while (end < value.length && end - i <= 4 && value.at[end] >= 'A' && value.at[end] <= 'Z')
            end++;
        bool known_end = i + 1 == value.length || (end < value.length && value.at[end] == '/');
        if (known_end)
            return text_trim(text_slice(value, 0, i));
    }
    return text_trim(value);
}

void mt940_memo_read(const struct mt940_memo *memo, struct buf *out, struct mt940_memo_parts *ret_parts)
{
    static const int purpose[4] = {20, 29, 60, 63}, name[4] = {32, 33, 32, 33}, account[4] = {31, 31, 31, 31},
                     iban[4] = {38, 38, 38, 38};
    struct text text = buf_view(&memo->text);
    *ret_parts = (struct mt940_memo_parts){0};
    buf_clear(out);
    if (!text.length)
        return;
    buf_room(out, 4 * text.length + 16);
    if (!memo->structured) {
        text_put_clean(out, text);
        struct text clean = text_trim(buf_view(out));
        ret_parts->memo = clean;
        if (clean.length < 6 || !memchr(clean.at, '/', clean.length))
            return;
        ret_parts->counterparty = slash_value(clean, "/NAME/");
        ret_parts->counterparty_account = slash_value(clean, "/IBAN/");
        if (!ret_parts->counterparty_account.length)
            ret_parts->counterparty_account = slash_value(clean, "/ACCT/");
        return;
    }
    char mark = separator(text.at[0]) ? text.at[0] : text.at[3];
    struct span spans[3] = {put_subfields(out, text, mark, purpose), put_subfields(out, text, mark, name),
                            put_subfields(out, text, mark, account)};
    if (spans[2].from == spans[2].to)
        spans[2] = put_subfields(out, text, mark, iban);
    ret_parts->memo = span_text(out, spans[0]);
    ret_parts->counterparty = span_text(out, spans[1]);
    ret_parts->counterparty_account = span_text(out, spans[2]);
    if (!ret_parts->memo.length) { /* only ?00 or codes nobody knows: give what there is */
        struct span all = {.from = out->length};
        text_put_clean(out, text);
        all.to = out->length;
        ret_parts->memo = span_text(out, all);
    }
}
