/* What a correction changes on a receipt. */
#include "receipts/correct.h"

static struct text either(struct text given, struct text before)
{
    return given.at ? given : before;
}

static enum err apply_amounts(const struct correction *in, struct arena *arena, struct receipt_document *document,
                              struct faults *faults)
{
    struct receipt_line *lines = ARENA_ARRAY(arena, struct receipt_line, document->line_count + 1);
    size_t kept = 0;
    int64_t total = 0;
    for (size_t k = 0; k < in->amount_count; k++) {
        bool known = false;
        for (size_t i = 0; i < document->line_count; i++)
            known = known || text_equal(in->amounts[k].fee, document->lines[i].fee);
        if (!known)
            faults_add(faults, "/amounts", ERR_FIELD_VALUE, "Biên lai không có khoản thu %.*s.",
                       TEXT_ARGS(in->amounts[k].fee));
    }
    for (size_t i = 0; i < document->line_count; i++) {
        struct receipt_line line = document->lines[i];
        for (size_t k = 0; k < in->amount_count; k++)
            if (text_equal(in->amounts[k].fee, line.fee))
                line.amount = in->amounts[k].amount;
        if (!line.amount)
            continue; /* a fee that was not due at all leaves the receipt */
        lines[kept++] = line;
        if (money_add(total, line.amount, &total))
            return faults_add(faults, "/amounts", ERR_FIELD_RANGE, NULL);
    }
    document->lines = lines;
    document->line_count = kept;
    document->total = total;
    return OK;
}

enum err correction_apply(const struct correction *in, const struct receipt_document *before, int64_t given_back,
                          struct arena *arena, struct receipt_document *ret_document, struct faults *faults)
{
    struct receipt_document document = *before;
    size_t faults_before = faults->count;
    document.replaces =
        (struct receipt_related){before->form, before->symbol, arena_textf(arena, "%lld", (long long)before->number),
                                 in->reason, before->issued_on};
    document.payer.name = either(in->payer.name, before->payer.name);
    document.payer.tax_code = either(in->payer.tax_code, before->payer.tax_code);
    document.payer.address = either(in->payer.address, before->payer.address);
    document.payer.id_number = either(in->payer.id_number, before->payer.id_number);
    document.payer.passport = either(in->payer.passport, before->payer.passport);
    (void)!apply_amounts(in, arena, &document, faults);
    if (text_equal(document.payer.tax_code, before->payer.tax_code) && document.total == before->total)
        faults_add(
            faults, "", ERR_INVALID,
            "Sai tên, địa chỉ thì thông báo sai sót (error-notice); chỉ sai mã số thuế hoặc số tiền mới lập biên "
            "lai thay thế (TT 91/2026 Điều 20).");
    else if (document.total != before->total && before->total - document.total != given_back)
        faults_add(faults, "/amounts", ERR_REFUNDABLE_MISMATCH,
                   "Số tiền giảm phải bằng số đã duyệt hoàn cho người nộp (%lld đồng).", (long long)given_back);
    enum err err = receipt_document_check(&document, faults); /* with the old number: a bad one takes none */
    if (err || faults->count > faults_before)
        return ERR_INVALID;
    *ret_document = document;
    return OK;
}

void correction_write(struct json *json, const struct correction *in)
{
    json_put_object(json, NULL);
    json_put_text_or_null(json, "wrong", in->wrong);
    json_put_text_or_null(json, "right", in->right);
    json_put_text_or_null(json, "reason", in->reason);
    json_put_object(json, "payer");
    json_put_text_or_null(json, "name", in->payer.name);
    json_put_text_or_null(json, "tax_code", in->payer.tax_code);
    json_put_text_or_null(json, "address", in->payer.address);
    json_put_text_or_null(json, "id_number", in->payer.id_number);
    json_put_text_or_null(json, "passport", in->payer.passport);
    json_put_end(json);
    json_put_array(json, "amounts");
    for (size_t i = 0; i < in->amount_count; i++) {
        json_put_object(json, NULL);
        json_put_text(json, "fee", in->amounts[i].fee);
        json_put_int(json, "amount", in->amounts[i].amount);
        json_put_end(json);
    }
    json_put_end(json);
    json_put_end(json);
}

static struct text string_at(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? text_of(value) : TEXT_NONE;
}

bool correction_read(struct text json, struct arena *arena, struct correction *ret)
{
    struct faults faults;
    json_t *in;
    faults_init(&faults, arena);
    if (json_parse_value(json, &in, &faults) || !json_is_object(in))
        return false;
    json_t *payer = json_object_get(in, "payer"), *amounts = json_object_get(in, "amounts");
    *ret = (struct correction){.wrong = string_at(in, "wrong"),
                               .right = string_at(in, "right"),
                               .reason = string_at(in, "reason"),
                               .payer = {.name = string_at(payer, "name"),
                                         .tax_code = string_at(payer, "tax_code"),
                                         .address = string_at(payer, "address"),
                                         .id_number = string_at(payer, "id_number"),
                                         .passport = string_at(payer, "passport")}};
    ret->amount_count = json_array_size(amounts);
    ret->amounts = ARENA_ARRAY(arena, struct fee_amount, ret->amount_count + 1);
    for (size_t i = 0; i < ret->amount_count; i++)
        ret->amounts[i] =
            (struct fee_amount){string_at(json_array_get(amounts, i), "fee"),
                                json_integer_value(json_object_get(json_array_get(amounts, i), "amount"))};
    return true;
}
