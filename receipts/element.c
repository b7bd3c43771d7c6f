/* Elements in canonical form, for every document we sign. */
#include <glib.h>
#include "receipts/envelope.h"

void element_open(struct buf *out, const char *name)
{
    buf_char(out, '<');
    buf_string(out, name);
    buf_char(out, '>');
}

void element_close(struct buf *out, const char *name)
{
    buf_string(out, "</");
    buf_string(out, name);
    buf_char(out, '>');
}

/* NFC, white space runs as one space, &, < and > escaped. The text was checked: valid UTF-8, no other controls. */
static void put_escaped(struct buf *out, struct text value)
{
    char *composed = g_utf8_normalize(value.at ? value.at : "", (gssize)value.length, G_NORMALIZE_NFC);
    struct text text = text_trim(text_of(composed));
    char previous = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '\t' || c == '\n' || c == '\r')
            c = ' ';
        if (c == ' ' && previous == ' ')
            continue;
        previous = c;
        if (c == '&')
            buf_string(out, "&amp;");
        else if (c == '<')
            buf_string(out, "&lt;");
        else if (c == '>')
            buf_string(out, "&gt;");
        else
            buf_char(out, c);
    }
    g_free(composed);
}

void element_text(struct buf *out, const char *name, struct text value)
{
    if (!text_trim(value).length)
        return;
    element_open(out, name);
    put_escaped(out, value);
    element_close(out, name);
}

void element_int(struct buf *out, const char *name, int64_t value)
{
    element_open(out, name);
    buf_printf(out, "%lld", (long long)value);
    element_close(out, name);
}

void element_date(struct buf *out, const char *name, date_days date)
{
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    element_text(out, name, text_of(text));
}
