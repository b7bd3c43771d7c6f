/* What a receipt document must hold, and its vocabulary. */
#include "receipts/receipts.h"

#include <stdio.h>
#include <string.h>
#include "receipts/envelope.h"
#include "receipts/profile.h"

const struct envelope receipt_envelope = {RECEIPT_ROOT_NAME, RECEIPT_DATA_NAME, RECEIPT_XML_MAX, 32768};

const char *receipt_element_name(enum receipt_element element)
{
    static const char *const names[EL_COUNT] = {
#define X(symbol, name, analogue) [EL_##symbol] = name,
        RECEIPT_ELEMENTS(X)
#undef X
    };
    return names[element];
}

static const struct {
    const char *code, *vi;
} methods[RECEIPT_METHODS] = {
    [RECEIPT_METHOD_VIETQR] = {"vietqr", "Chuyển khoản VietQR"},
    [RECEIPT_METHOD_POS] = {"pos", "Thẻ ngân hàng"},
    [RECEIPT_METHOD_WALLET] = {"wallet", "Ví điện tử"},
    [RECEIPT_METHOD_POST] = {"post", "Thu hộ qua bưu chính"},
    [RECEIPT_METHOD_PORTAL] = {"portal", "Thanh toán trực tuyến"},
    [RECEIPT_METHOD_CASH] = {"cash", "Tiền mặt"},
    [RECEIPT_METHOD_MIXED] = {"mixed", "Nhiều hình thức"},
};

const char *receipt_kind_vi(enum receipt_kind kind)
{
    return kind == RECEIPT_PHI ? "Phí" : "Lệ phí";
}

const char *receipt_method_code(enum receipt_method method)
{
    return methods[method].code;
}

const char *receipt_method_vi(enum receipt_method method)
{
    return methods[method].vi;
}

bool receipt_method_find(struct text code, enum receipt_method *ret_method)
{
    for (int i = 0; i < RECEIPT_METHODS; i++) {
        if (text_is(code, methods[i].code)) {
            *ret_method = (enum receipt_method)i;
            return true;
        }
    }
    return false;
}

static bool all_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length > 0;
}

bool receipt_symbol_valid(struct text symbol)
{
    static const char letters[] = "ABCDEGHKLMNPQRSTUVXY";
    return symbol.length == 5 && all_digits(text_slice(symbol, 0, 2)) && symbol.at[2] == 'T' && symbol.at[3] &&
           strchr(letters, symbol.at[3]) && symbol.at[4] && strchr(letters, symbol.at[4]);
}

/* Every code point that XML 1.0 can carry; control characters other than white space have no place on a receipt. */
static bool xml_can_carry(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return false;
        if (c == 0x7F)
            return false;
        if (c == 0xEF && i + 2 < text.length && (unsigned char)text.at[i + 1] == 0xBF &&
            (unsigned char)text.at[i + 2] >= 0xBE)
            return false; /* U+FFFE, U+FFFF */
    }
    return text_is_utf8(text);
}

static void check_text(struct faults *faults, const char *where, struct text value, size_t min, size_t max)
{
    if (!xml_can_carry(value)) {
        faults_add(faults, where, ERR_INVALID, "Có ký tự không hợp lệ.");
        return;
    }
    size_t characters = text_characters(text_trim(value));
    if (characters < min)
        faults_add(faults, where, ERR_INVALID, "Thiếu nội dung bắt buộc.");
    else if (characters > max)
        faults_add(faults, where, ERR_INVALID, "Dài quá %zu ký tự.", max);
}

enum { NAME_MAX_CHARACTERS = 400, ADDRESS_MAX = 400, CODE_MAX = 60, QUANTITY_MAX = 100, FEE_NAME_MAX = 500 };

static void check_party(struct faults *faults, const char *where, const struct receipt_party *party)
{
    char at[64];
#define AT(field) (snprintf(at, sizeof at, "%s/" field, where), at)
    check_text(faults, AT("name"), party->name, 1, NAME_MAX_CHARACTERS);
    check_text(faults, AT("address"), party->address, 0, ADDRESS_MAX);
    check_text(faults, AT("phone"), party->phone, 0, CODE_MAX);
    check_text(faults, AT("account"), party->account, 0, CODE_MAX);
    check_text(faults, AT("id_number"), party->id_number, 0, CODE_MAX);
    check_text(faults, AT("passport"), party->passport, 0, CODE_MAX);
    if (party->tax_code.length && !tax_code_valid(party->tax_code))
        faults_add(faults, AT("tax_code"), ERR_INVALID, "Mã số thuế không đúng dạng.");
#undef AT
}

static void check_lines(struct faults *faults, const struct receipt_document *document)
{
    if (document->line_count < 1 || document->line_count > RECEIPT_LINES_MAX) {
        faults_add(faults, "/lines", ERR_INVALID, "Biên lai có từ 1 đến %d khoản thu.", RECEIPT_LINES_MAX);
        return;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < document->line_count; i++) {
        const struct receipt_line *line = &document->lines[i];
        char at[64];
#define AT(field) (snprintf(at, sizeof at, "/lines/%zu/" field, i), at)
        check_text(faults, AT("fee"), line->fee, 1, CODE_MAX);
        check_text(faults, AT("name"), line->name, 1, FEE_NAME_MAX);
        check_text(faults, AT("quantity"), line->quantity, 0, QUANTITY_MAX);
        if (line->amount < 0 || line->amount > MONEY_MAX || money_add(sum, line->amount, &sum))
            faults_add(faults, AT("amount"), ERR_INVALID, "Số tiền ngoài giới hạn.");
#undef AT
    }
    if (sum != document->total)
        faults_add(faults, "/total", ERR_INVALID, "Tổng tiền khác tổng các khoản thu.");
    if (document->total <= 0 || document->total > MONEY_MAX)
        faults_add(faults, "/total", ERR_INVALID, "Biên lai chỉ lập khi có tiền thu.");
}

static void check_numbering(struct faults *faults, const struct receipt_document *document)
{
    if (!text_is(document->form, "EBL01") && !text_is(document->form, "EBL02"))
        faults_add(faults, "/form", ERR_INVALID, "Mẫu số phải là EBL01 hoặc EBL02.");
    if (!receipt_symbol_valid(document->symbol))
        faults_add(faults, "/symbol", ERR_INVALID, "Ký hiệu không đúng quy định.");
    if (document->number < 1 || document->number > RECEIPT_NUMBER_MAX)
        faults_add(faults, "/number", ERR_INVALID, "Số biên lai từ 1 đến %d.", RECEIPT_NUMBER_MAX);
    if (document->issued_on == DATE_NONE || document->collected_on == DATE_NONE) {
        faults_add(faults, "/issued_on", ERR_INVALID, "Thiếu ngày.");
        return;
    }
    struct civil issued = civil_of_date(document->issued_on);
    if (receipt_symbol_valid(document->symbol) &&
        (document->symbol.at[0] - '0') * 10 + document->symbol.at[1] - '0' != issued.year % 100)
        faults_add(faults, "/symbol", ERR_INVALID, "Năm trong ký hiệu khác năm lập.");
}

enum err receipt_document_check(const struct receipt_document *document, struct faults *faults)
{
    size_t before = faults->count + faults->dropped;
    check_numbering(faults, document);
    check_party(faults, "/collector", &document->collector);
    if (!document->collector.tax_code.length)
        faults_add(faults, "/collector/tax_code", ERR_INVALID, "Thiếu mã số thuế của đơn vị thu.");
    if (document->delegate.name.length || document->delegate.tax_code.length)
        check_party(faults, "/delegate", &document->delegate);
    check_party(faults, "/payer", &document->payer);
    check_text(faults, "/dossier", document->dossier, 0, CODE_MAX);
    check_text(faults, "/applicant", document->applicant, 0, NAME_MAX_CHARACTERS);
    check_text(faults, "/reference", document->reference, 0, CODE_MAX);
    check_text(faults, "/lookup_code", document->lookup_code, 0, CODE_MAX);
    if (document->method < 0 || document->method >= RECEIPT_METHODS)
        faults_add(faults, "/method", ERR_INVALID, "Không rõ hình thức thanh toán.");
    if (document->replaces.issued_on != DATE_NONE) {
        check_text(faults, "/replaces/form", document->replaces.form, 1, 11);
        check_text(faults, "/replaces/symbol", document->replaces.symbol, 1, 8);
        check_text(faults, "/replaces/number", document->replaces.number, 1, 8);
        check_text(faults, "/replaces/reason", document->replaces.reason, 1, 255);
    }
    check_lines(faults, document);
    return faults->count + faults->dropped == before ? OK : ERR_INVALID;
}
