/* Documents and verdicts as JSON. */
#include "receipts/receipts.h"

static void put_party(struct json *json, const char *key, const struct receipt_party *party)
{
    if (!party->name.length) {
        json_put_null(json, key);
        return;
    }
    json_put_object(json, key);
    json_put_text(json, "name", party->name);
    json_put_text_or_null(json, "tax_code", party->tax_code);
    json_put_text_or_null(json, "address", party->address);
    json_put_text_or_null(json, "phone", party->phone);
    json_put_text_or_null(json, "account", party->account);
    json_put_text_or_null(json, "id_number", party->id_number);
    json_put_text_or_null(json, "passport", party->passport);
    json_put_end(json);
}

static void put_related(struct json *json, const struct receipt_related *related)
{
    if (related->issued_on == DATE_NONE) {
        json_put_null(json, "replaces");
        return;
    }
    json_put_object(json, "replaces");
    json_put_text(json, "form", related->form);
    json_put_text(json, "symbol", related->symbol);
    json_put_text(json, "number", related->number);
    json_put_date(json, "issued_on", related->issued_on);
    json_put_text(json, "reason", related->reason);
    json_put_end(json);
}

void receipt_document_json(struct json *json, const char *key, const struct receipt_document *document)
{
    char words[RECEIPT_WORDS_SIZE];
    receipt_amount_in_words(document->total, words);
    json_put_object(json, key);
    json_put_text(json, "form", document->form);
    json_put_text(json, "symbol", document->symbol);
    json_put_int(json, "number", document->number);
    json_put_date(json, "issued_on", document->issued_on);
    put_party(json, "collector", &document->collector);
    put_party(json, "delegate", &document->delegate);
    put_party(json, "payer", &document->payer);
    json_put_text_or_null(json, "dossier", document->dossier);
    json_put_text_or_null(json, "applicant", document->applicant);
    json_put_text_or_null(json, "reference", document->reference);
    json_put_array(json, "lines");
    for (size_t i = 0; i < document->line_count; i++) {
        const struct receipt_line *line = &document->lines[i];
        json_put_object(json, NULL);
        json_put_text(json, "fee", line->fee);
        json_put_text(json, "name", line->name);
        json_put_string(json, "kind", line->kind == RECEIPT_PHI ? "phi" : "le_phi");
        json_put_text_or_null(json, "quantity", line->quantity);
        json_put_int(json, "amount", line->amount);
        json_put_end(json);
    }
    json_put_end(json);
    json_put_int(json, "total", document->total);
    json_put_string(json, "currency", "VND");
    json_put_string(json, "total_in_words", words);
    json_put_string(json, "method", receipt_method_code(document->method));
    json_put_date(json, "collected_on", document->collected_on);
    put_related(json, &document->replaces);
    json_put_end(json);
}

void receipt_verdict_write(struct json *json, const void *what)
{
    const struct receipt_verdict *verdict = what;
    json_put_object(json, NULL);
    json_put_bool(json, "valid", true);
    json_put_string(json, "status", verdict->status);
    json_put_instant(json, "signed_at", verdict->signed_at);
    json_put_string(json, "algorithm", verdict->algorithm);
    json_put_object(json, "signer");
    json_put_text(json, "name", verdict->signer_name);
    json_put_text_or_null(json, "tax_code", verdict->signer_tax_code);
    json_put_text(json, "subject", verdict->signer_subject);
    json_put_text(json, "issuer", verdict->issuer);
    json_put_text(json, "serial", verdict->serial);
    json_put_instant(json, "valid_from", verdict->valid_from);
    json_put_instant(json, "valid_until", verdict->valid_until);
    json_put_string(json, "chain", verdict->chain == RECEIPT_CHAIN_TRUSTED ? "trusted" : "unchecked");
    json_put_end(json);
    if (verdict->stamped_by.length) {
        json_put_object(json, "timestamp");
        json_put_instant(json, "at", verdict->stamped_at);
        json_put_text(json, "authority", verdict->stamped_by);
        json_put_string(json, "chain", verdict->stamp_chain == RECEIPT_CHAIN_TRUSTED ? "trusted" : "unchecked");
        json_put_end(json);
    } else {
        json_put_null(json, "timestamp");
    }
    receipt_document_json(json, "receipt", &verdict->document);
    json_put_end(json);
}

void receipt_verdict_words(const struct receipt_verdict *verdict, struct buf *out)
{
    const struct receipt_document *document = &verdict->document;
    char amount[MONEY_TEXT_SIZE], at[INSTANT_TEXT_SIZE];
    money_format(document->total, amount);
    instant_format_vi(verdict->signed_at, at);
    buf_printf(out,
               "Biên lai mẫu %.*s, ký hiệu %.*s, số %lld, %s đồng, người nộp %.*s: nội dung còn nguyên vẹn.\n"
               "Ký bởi %.*s lúc %s%s.\n",
               TEXT_ARGS(document->form), TEXT_ARGS(document->symbol), (long long)document->number, amount,
               TEXT_ARGS(document->payer.name), TEXT_ARGS(verdict->signer_name), at,
               verdict->chain == RECEIPT_CHAIN_TRUSTED ? "; chứng thư được tin cậy" : "");
    if (verdict->stamped_by.length) {
        instant_format_vi(verdict->stamped_at, at);
        buf_printf(out, "Dấu thời gian độc lập của %.*s: %s.\n", TEXT_ARGS(verdict->stamped_by), at);
    }
    buf_string(out, "The content is what was signed.\n");
}
