/* The unsigned document, written by us directly in canonical form (Canonical XML 1.0, W3C REC 15 March 2001): UTF-8
 * without declaration, start and end tags both written, no white space between elements, one attribute, texts escaped
 * as the recommendation says. Its bytes are therefore what is digested; nothing is parsed on the way to a signature. */
#include "receipts/receipts.h"

#include "receipts/envelope.h"
#include "receipts/profile.h"

static void open_tag(struct buf *out, enum receipt_element element)
{
    element_open(out, receipt_element_name(element));
}

static void close_tag(struct buf *out, enum receipt_element element)
{
    element_close(out, receipt_element_name(element));
}

static void put_text(struct buf *out, enum receipt_element element, struct text value)
{
    element_text(out, receipt_element_name(element), value);
}

static void put_int(struct buf *out, enum receipt_element element, int64_t value)
{
    element_int(out, receipt_element_name(element), value);
}

static void put_date(struct buf *out, enum receipt_element element, date_days date)
{
    element_date(out, receipt_element_name(element), date);
}

static void put_party(struct buf *out, enum receipt_element element, const struct receipt_party *party)
{
    if (!party->name.length)
        return;
    open_tag(out, element);
    put_text(out, EL_NAME, party->name);
    put_text(out, EL_TAX_CODE, party->tax_code);
    put_text(out, EL_ADDRESS, party->address);
    put_text(out, EL_PHONE, party->phone);
    put_text(out, EL_ACCOUNT, party->account);
    put_text(out, EL_ID_NUMBER, party->id_number);
    put_text(out, EL_PASSPORT, party->passport);
    close_tag(out, element);
}

static void put_general(struct buf *out, const struct receipt_document *document)
{
    open_tag(out, EL_GENERAL);
    put_text(out, EL_VERSION, TEXT(RECEIPT_VERSION));
    put_text(out, EL_TITLE, TEXT(RECEIPT_TITLE));
    put_text(out, EL_FORM, document->form);
    put_text(out, EL_SYMBOL, document->symbol);
    put_int(out, EL_NUMBER, document->number);
    put_date(out, EL_ISSUED_ON, document->issued_on);
    put_text(out, EL_CURRENCY, TEXT("VND"));
    put_text(out, EL_DOSSIER, document->dossier);
    put_text(out, EL_APPLICANT, document->applicant);
    put_text(out, EL_REFERENCE, document->reference);
    put_text(out, EL_LOOKUP_CODE, document->lookup_code);
    if (document->replaces.issued_on != DATE_NONE) {
        open_tag(out, EL_RELATED);
        put_text(out, EL_FORM, document->replaces.form);
        put_text(out, EL_SYMBOL, document->replaces.symbol);
        put_text(out, EL_NUMBER, document->replaces.number);
        put_date(out, EL_ISSUED_ON, document->replaces.issued_on);
        put_text(out, EL_REASON, document->replaces.reason);
        close_tag(out, EL_RELATED);
    }
    close_tag(out, EL_GENERAL);
}

static void put_lines(struct buf *out, const struct receipt_document *document)
{
    open_tag(out, EL_LINES);
    for (size_t i = 0; i < document->line_count; i++) {
        const struct receipt_line *line = &document->lines[i];
        open_tag(out, EL_LINE);
        put_int(out, EL_ORDINAL, (int64_t)i + 1);
        put_text(out, EL_FEE, line->fee);
        put_text(out, EL_FEE_NAME, line->name);
        put_text(out, EL_KIND, text_of(line->kind == RECEIPT_PHI ? "phi" : "le_phi"));
        put_text(out, EL_QUANTITY, line->quantity);
        put_int(out, EL_AMOUNT, line->amount);
        close_tag(out, EL_LINE);
    }
    close_tag(out, EL_LINES);
}

enum err receipt_document_write(const struct receipt_document *document, struct buf *out, struct faults *faults)
{
    if (receipt_document_check(document, faults))
        return ERR_INVALID;
    buf_room(out, 4096);
    open_tag(out, EL_ROOT);
    buf_printf(out, "<%s Id=\"" RECEIPT_DATA_ID "\">", receipt_element_name(EL_DATA));
    put_general(out, document);
    put_party(out, EL_COLLECTOR, &document->collector);
    put_party(out, EL_DELEGATE, &document->delegate);
    put_party(out, EL_PAYER, &document->payer);
    put_lines(out, document);
    open_tag(out, EL_PAYMENT);
    put_int(out, EL_TOTAL, document->total);
    char words[RECEIPT_WORDS_SIZE];
    receipt_amount_in_words(document->total, words);
    put_text(out, EL_WORDS, text_of(words));
    put_text(out, EL_METHOD, text_of(receipt_method_code(document->method)));
    put_date(out, EL_COLLECTED_ON, document->collected_on);
    close_tag(out, EL_PAYMENT);
    close_tag(out, EL_DATA);
    close_tag(out, EL_ROOT);
    return OK;
}

enum err receipt_document_normalize(struct text xml, struct buf *out, struct faults *faults)
{
    struct receipt_document document;
    enum err err = receipt_document_read(xml, &document, faults);
    if (err)
        return err;
    if (document.signed_at != INSTANT_NONE)
        return faults_add(faults, receipt_element_name(EL_SIGNATURES), ERR_SIGNATURE_PROFILE,
                          "Tài liệu đã có chữ ký số.");
    return receipt_document_write(&document, out, faults);
}
