#include "receipts/pdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trailer {
    long size, root, info, previous; /* objects, object numbers, byte offset of the last table */
    struct text catalog;             /* inside << and >> */
};

/* The last place of `needle`, at.length when absent. */
static size_t find_last(struct text text, const char *needle)
{
    size_t length = strlen(needle);
    for (size_t at = text.length >= length ? text.length - length + 1 : 0; at-- > 0;)
        if (!memcmp(text.at + at, needle, length))
            return at;
    return text.length;
}

/* The decimal number behind `label`; -1 when either is missing. */
static long number_behind(struct text text, const char *label)
{
    size_t at = text_find(text, text_of(label));
    if (at == text.length)
        return -1;
    struct text rest = text_trim(text_slice(text, at + strlen(label), 32));
    long value = 0;
    size_t i = 0;
    for (; i < rest.length && i < 10 && rest.at[i] >= '0' && rest.at[i] <= '9'; i++)
        value = value * 10 + (rest.at[i] - '0');
    return i ? value : -1;
}

static enum err read_trailer(struct text pdf, struct trailer *ret)
{
    size_t at = find_last(pdf, "\ntrailer");
    struct text tail = text_slice(pdf, at, pdf.length);
    *ret = (struct trailer){number_behind(tail, "/Size"), number_behind(tail, "/Root"), number_behind(tail, "/Info"),
                            number_behind(tail, "startxref"), TEXT_NONE};
    if (at == pdf.length || ret->size < 1 || ret->root < 1 || ret->info < 1 || ret->previous < 1)
        return ERR_INTERNAL;
    char head[32];
    snprintf(head, sizeof head, "\n%ld 0 obj", ret->root);
    size_t from = find_last(pdf, head);
    if (from == pdf.length)
        return ERR_INTERNAL;
    struct text object = text_slice(pdf, from + strlen(head), pdf.length);
    object.length = text_find(object, TEXT("endobj"));
    object = text_trim(object);
    if (!text_starts(object, "<<") || !text_ends(object, ">>"))
        return ERR_INTERNAL;
    ret->catalog = text_slice(object, 2, object.length - 4);
    return OK;
}

enum err pdf_attach(struct buf *pdf, const char *name, struct text bytes)
{
    struct trailer trailer;
    enum err err = read_trailer(buf_view(pdf), &trailer);
    if (err)
        return err;
    struct buf catalog = {0};
    buf_text(&catalog, trailer.catalog);
    long file = trailer.size, specification = trailer.size + 1;
    buf_string(pdf, "\n");
    size_t file_at = pdf->length;
    buf_printf(
        pdf, "%ld 0 obj\n<< /Type /EmbeddedFile /Subtype /text#2Fxml /Length %zu /Params << /Size %zu >> >>\nstream\n",
        file, bytes.length, bytes.length);
    buf_text(pdf, bytes);
    buf_string(pdf, "\nendstream\nendobj\n");
    size_t specification_at = pdf->length;
    buf_printf(pdf,
               "%ld 0 obj\n<< /Type /Filespec /F (%s) /UF (%s) /EF << /F %ld 0 R >> /AFRelationship /Source >>\n"
               "endobj\n",
               specification, name, name, file);
    size_t catalog_at = pdf->length;
    buf_printf(pdf, "%ld 0 obj\n<<", trailer.root);
    buf_text(pdf, buf_view(&catalog));
    buf_printf(pdf, " /Names << /EmbeddedFiles << /Names [ (%s) %ld 0 R ] >> >> /AF [ %ld 0 R ] >>\nendobj\n", name,
               specification, specification);
    size_t table_at = pdf->length;
    buf_printf(pdf, "xref\n%ld 1\n%010zu 00000 n \n%ld 2\n%010zu 00000 n \n%010zu 00000 n \n", trailer.root, catalog_at,
               file, file_at, specification_at);
    buf_printf(pdf, "trailer\n<< /Size %ld /Root %ld 0 R /Info %ld 0 R /Prev %ld >>\nstartxref\n%zu\n%%%%EOF\n",
               trailer.size + 2, trailer.root, trailer.info, trailer.previous, table_at);
    buf_done(&catalog);
    return OK;
}
