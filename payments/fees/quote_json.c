/* A quote's JSON, in and out, with the names of the contract. */
#include <stdlib.h>
#include <string.h>
#include "payments/fees/catalogue.h"

static const char *const kind_words[] = {"phi", "le_phi", "postal"};
static const char *const document_words[] = {"state_receipt", "invoice_elsewhere", "none", "unset"};

static void read_quantity(struct json_fields *in, enum quantity quantity, int64_t *ret)
{
    bool from_zero = quantity == QUANTITY_VALUE || quantity == QUANTITY_AREA_M2 || quantity == QUANTITY_HECTARES ||
                     quantity == QUANTITY_RELIEF_USED || quantity == QUANTITY_RELIEF_TIMES;
    json_read_int(in, quantity_names[quantity], OPTIONAL, from_zero ? 0 : 1, MONEY_MAX, ret);
}

/* "26085.5": đồng per unit of foreign money, up to four decimals. */
static void read_exchange_rate(struct json_fields *in, int64_t *ret)
{
    struct text text = TEXT_NONE, fraction;
    int64_t rate, digits = 0;
    json_read_text(in, "exchange_rate", OPTIONAL, 1, 20, &text);
    if (!text.length)
        return;
    struct text whole = text_until(text, '.', &fraction);
    bool good = whole.length && whole.length <= 9 && whole.at[0] != '-' && text_to_int64(whole, &rate) &&
                (!fraction.at || (fraction.length >= 1 && fraction.length <= 4 && fraction.at[0] != '-' &&
                                  text_to_int64(fraction, &digits)));
    for (size_t i = fraction.at ? fraction.length : 4; good && i < 4; i++)
        digits *= 10;
    if (!good || rate * 10000 + digits == 0)
        json_fault(in, "exchange_rate", ERR_FIELD_FORMAT, "Phải là số thập phân dương dạng \"26085.5\"");
    else
        *ret = rate * 10000 + digits;
}

void quote_request_read_quantities(struct json_fields *in, struct quote_request *request)
{
    struct json_fields inner;
    json_read_object(in, "quantities", OPTIONAL, &inner);
    if (!inner.object)
        return;
    for (int i = 0; i < QUANTITY_COUNT; i++)
        read_quantity(&inner, (enum quantity)i, &request->quantities[i]);
    json_read_text(&inner, "area_class", OPTIONAL, 1, QUOTE_WORD_MAX, &request->area_class);
    json_read_text(&inner, "legacy_area", OPTIONAL, 1, QUOTE_WORD_MAX, &request->legacy_area);
    json_read_text(&inner, "role", OPTIONAL, 1, QUOTE_WORD_MAX, &request->role);
    read_exchange_rate(&inner, &request->exchange_rate);
    (void)!json_close(&inner); /* its faults are counted by the outer close */
}

/* Canonical: sorted keys, no spaces, so that the same wish has the same quote id. */
static void read_postal(struct json_fields *in, struct quote_request *request)
{
    struct json_fields inner;
    json_read_object(in, "postal", OPTIONAL, &inner);
    if (!inner.object)
        return;
    char *canonical = json_dumps(inner.object, JSON_COMPACT | JSON_SORT_KEYS);
    size_t length = canonical ? strlen(canonical) : 0;
    if (!length || length > QUOTE_POSTAL_MAX)
        json_fault(in, "postal", ERR_FIELD_LENGTH, "Phải gọn trong %d byte", QUOTE_POSTAL_MAX);
    else
        request->postal = arena_text(in->faults->arena, (struct text){canonical, length});
    free(canonical);
}

void quote_request_read_fields(struct json_fields *in, struct quote_request *ret_request)
{
    struct quote_request request;
    quote_request_init(&request);
    int channel = CHANNEL_COUNT;
    json_read_text(in, "procedure", OPTIONAL, 1, QUOTE_WORD_MAX, &request.procedure);
    request.fee_count = json_read_array(in, "fees", OPTIONAL, 1, QUOTE_FEES_MAX);
    for (size_t i = 0; i < request.fee_count; i++)
        json_item_text(in, "fees", i, 1, QUOTE_WORD_MAX, &request.fees[i]);
    json_read_enum(in, "channel", OPTIONAL, channel_names, &channel);
    request.channel = (enum fee_channel)channel;
    json_read_date(in, "filed_on", OPTIONAL, &request.filed_on);
    json_read_date(in, "paid_on", OPTIONAL, &request.paid_on);
    quote_request_read_quantities(in, &request);
    request.category_count = json_read_array(in, "beneficiary_categories", OPTIONAL, 0, QUOTE_CATEGORIES_MAX);
    for (size_t i = 0; i < request.category_count; i++)
        json_item_text(in, "beneficiary_categories", i, 1, QUOTE_WORD_MAX, &request.categories[i]);
    read_postal(in, &request);
    *ret_request = request;
}

enum err quote_request_read(struct json_fields *in, struct quote_request *ret_request)
{
    struct quote_request request;
    quote_request_read_fields(in, &request);
    if (!json_has(in, "procedure") && !json_has(in, "fees"))
        json_fault(in, "procedure", ERR_FIELD_MISSING, "Cần procedure (mã thủ tục) hoặc fees (mã khoản thu)");
    if (!json_has(in, "channel"))
        json_fault(in, "channel", ERR_FIELD_MISSING, NULL);
    enum err err = json_close(in);
    if (!err)
        *ret_request = request;
    return err;
}

void quote_rate_write(int64_t rate, char ret_text[QUOTE_RATE_SIZE])
{
    int length = 6;
    memcpy(ret_text, "0.0000", 7);
    for (int i = 5; i > 1; i--, rate /= 10)
        ret_text[i] = (char)('0' + rate % 10);
    ret_text[0] = (char)('0' + rate);
    while (length > 4 && ret_text[length - 1] == '0')
        ret_text[--length] = '\0';
}

/* Why a reduction lost; `best` is the one that counts, the first of the line. */
static const char *state_reason(const struct quote_reduction *reduction, const struct quote_reduction *best)
{
    switch (reduction->state) {
    case REDUCTION_LOWER:
        return reduction->amount < best->amount ? "đã áp dụng mức giảm cao hơn; không cộng dồn"
                                                : "đã áp dụng một mức giảm ngang bằng; không cộng dồn";
    case REDUCTION_PRINTED: return "biểu mức thu đã in giá cho hình thức nộp này";
    case REDUCTION_CHANNEL: return "không áp dụng cho hình thức nộp này";
    case REDUCTION_PROCEDURE: return "chỉ áp dụng cho thủ tục khác, hoặc chưa nêu thủ tục";
    case REDUCTION_USED_UP: return "đã dùng hết mức giảm trong năm";
    case REDUCTION_NOT_QUANTIFIED: return "mức giảm chưa được xác nhận trong danh mục";
    default: return "";
    }
}

static void reduction_write(struct json *json, const struct quote_reduction *reduction,
                            const struct quote_reduction *best, struct buf *words)
{
    char rate[QUOTE_RATE_SIZE];
    quote_rate_write(reduction->rate, rate);
    json_put_object(json, NULL);
    const char *why = state_reason(reduction, best);
    buf_clear(words);
    buf_text(words, reduction->reason_vi);
    if (*why) {
        buf_string(words, " (");
        buf_string(words, why);
        buf_char(words, ')');
    }
    json_put_text(json, "reason", buf_view(words));
    json_put_string(json, "rate", rate);
    json_put_int(json, "amount", reduction->amount);
    json_put_text(json, "legal_basis", reduction->legal_basis);
    json_put_bool(json, "applied", reduction->state == REDUCTION_APPLIED);
    json_put_end(json);
}

static void line_write(struct json *json, const struct quote *quote, size_t index)
{
    const struct quote_line *line = &quote->lines[index];
    struct buf words = {0};
    json_put_object(json, NULL);
    json_put_text(json, "fee", line->code);
    json_put_text(json, "name", line->name_vi);
    json_put_string(json, "kind", kind_words[line->kind]);
    json_put_text(json, "formula", line->formula);
    json_put_int(json, "quantity", line->quantity);
    json_put_int(json, "gross", line->gross);
    json_put_array(json, "reductions");
    for (size_t i = 0; i < line->reduction_count; i++)
        reduction_write(json, &line->reductions[i], &line->reductions[0], &words);
    json_put_end(json);
    json_put_int(json, "net", line->net);
    json_put_text(json, "legal_basis", line->legal_basis);
    buf_clear(&words);
    quote_explain(quote, index, LANGUAGE_VI, &words);
    json_put_text(json, "explanation", buf_view(&words));
    buf_clear(&words);
    quote_explain(quote, index, LANGUAGE_EN, &words);
    json_put_text(json, "explanation_en", buf_view(&words));
    buf_done(&words);
    json_put_text_or_null(json, "collector", line->collector);
    json_put_string(json, "document", document_words[line->document]);
    json_put_end(json);
}

void quote_write(struct json *json, const struct quote *quote)
{
    char id[QUOTE_ID_SIZE];
    quote_id_write(quote, id);
    json_put_object(json, NULL);
    json_put_string(json, "id", id);
    json_put_array(json, "lines");
    for (size_t i = 0; i < quote->line_count; i++)
        line_write(json, quote, i);
    json_put_end(json);
    json_put_int(json, "total", quote->total);
    json_put_string(json, "catalogue_version", catalogue_version(quote->catalogue));
    json_put_instant(json, "valid_until", quote_valid_until(quote));
    json_put_end(json);
}
