#include "payments/requests/vietqr.h"

#include <stdio.h>
#include <string.h>

static const char *const service_codes[] = {[VIETQR_TO_ACCOUNT] = "QRIBFTTA",
                                            [VIETQR_TO_CARD] = "QRIBFTTC",
                                            [VIETQR_PUSH] = "QRPUSH",
                                            [VIETQR_CASH] = "QRCASH",
                                            [VIETQR_SERVICE_OTHER] = ""};

#define NAPAS_GUID "A000000727"

const char *vietqr_service_code(enum vietqr_service service)
{
    return service_codes[service];
}

uint16_t vietqr_crc(struct text bytes)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < bytes.length; i++) {
        crc ^= (uint16_t)((uint8_t)bytes.at[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

static bool every(struct text text, bool (*good)(char c))
{
    for (size_t i = 0; i < text.length; i++)
        if (!good(text.at[i]))
            return false;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_account_character(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static void put(struct buf *out, const char *id, struct text value)
{
    buf_string(out, id);
    buf_char(out, (char)('0' + value.length / 10));
    buf_char(out, (char)('0' + value.length % 10));
    buf_text(out, value);
}

static enum err check(const struct vietqr *qr)
{
    if (qr->bank_bin.length != 6 || !every(qr->bank_bin, is_digit) || !every(qr->account, is_account_character) ||
        !every(qr->memo, is_printable) || !every(qr->bill, is_printable) || qr->service == VIETQR_SERVICE_OTHER)
        return ERR_FIELD_FORMAT;
    if (!qr->account.length || qr->account.length > VIETQR_ACCOUNT_MAX || qr->memo.length > VIETQR_MEMO_MAX ||
        qr->bill.length > VIETQR_MEMO_MAX)
        return ERR_FIELD_LENGTH;
    return qr->amount < 0 || qr->amount > VIETQR_AMOUNT_MAX ? ERR_FIELD_RANGE : OK;
}

enum err vietqr_encode(const struct vietqr *qr, struct buf *out)
{
    enum err err = check(qr);
    if (err)
        return err;
    struct buf bank = {0}, template = {0}, more = {0};
    put(&bank, "00", qr->bank_bin);
    put(&bank, "01", qr->account);
    put(&template, "00", TEXT(NAPAS_GUID));
    put(&template, "01", buf_view(&bank));
    put(&template, "02", text_of(service_codes[qr->service]));
    if (qr->bill.length)
        put(&more, "01", qr->bill);
    if (qr->memo.length)
        put(&more, "08", qr->memo);

    size_t start = out->length;
    put(out, "00", TEXT("01"));
    put(out, "01", qr->amount ? TEXT("12") : TEXT("11"));
    put(out, "38", buf_view(&template));
    put(out, "53", TEXT("704"));
    if (qr->amount) {
        char digits[24];
        snprintf(digits, sizeof digits, "%lld", (long long)qr->amount);
        put(out, "54", text_of(digits));
    }
    put(out, "58", TEXT("VN"));
    if (more.length)
        put(out, "62", buf_view(&more));
    buf_string(out, "6304");
    buf_printf(out, "%04X", vietqr_crc((struct text){out->at + start, out->length - start}));
    buf_done(&bank);
    buf_done(&template);
    buf_done(&more);
    return OK;
}

/* One object of a list: two digits of id, two of length, the value. False when it does not fit. */
static bool next_object(struct text *rest, struct text *ret_id, struct text *ret_value)
{
    if (rest->length < 4 || !every(text_slice(*rest, 0, 4), is_digit))
        return false;
    size_t length = (size_t)(rest->at[2] - '0') * 10 + (size_t)(rest->at[3] - '0');
    if (!length || rest->length < 4 + length)
        return false;
    *ret_id = text_slice(*rest, 0, 2);
    *ret_value = text_slice(*rest, 4, length);
    *rest = text_slice(*rest, 4 + length, rest->length);
    return true;
}

static enum err wrong(struct faults *faults, const char *where, const char *why)
{
    return faults_add(faults, where, ERR_VIETQR_SYNTAX, "%s", why);
}

/* Walks a template; each known sub-object goes to its place, others are ignored. Twice the same is refused. */
static enum err read_template(struct text value, const char *where, const char *const *ids, struct text *const *places,
                              struct faults *faults)
{
    struct text id, inner;
    while (value.length) {
        if (!next_object(&value, &id, &inner))
            return wrong(faults, where, "Độ dài các mục con không khớp");
        for (size_t i = 0; ids[i]; i++) {
            if (!text_is(id, ids[i]))
                continue;
            if (places[i]->at)
                return wrong(faults, where, "Mục con lặp lại");
            *places[i] = inner;
        }
    }
    return OK;
}

static enum err read_account(struct text template, struct vietqr_read *r, struct faults *faults)
{
    struct text guid = TEXT_NONE, bank = TEXT_NONE;
    const char *const ids[] = {"00", "01", "02", NULL};
    struct text *const places[] = {&guid, &bank, &r->service_code};
    enum err err = read_template(template, "38", ids, places, faults);
    if (err)
        return err;
    if (!text_is(guid, NAPAS_GUID))
        return wrong(faults, "38-00", "Không phải mã của NAPAS");
    const char *const bank_ids[] = {"00", "01", NULL};
    struct text *const bank_places[] = {&r->qr.bank_bin, &r->qr.account};
    err = read_template(bank, "38-01", bank_ids, bank_places, faults);
    if (err)
        return err;
    if (r->qr.bank_bin.length != 6 || !every(r->qr.bank_bin, is_digit))
        return wrong(faults, "38-01-00", "Mã ngân hàng phải có 6 chữ số");
    if (!r->qr.account.length || r->qr.account.length > VIETQR_ACCOUNT_MAX ||
        !every(r->qr.account, is_account_character))
        return wrong(faults, "38-01-01", "Số tài khoản sai");
    if (!r->service_code.length)
        return wrong(faults, "38-02", "Thiếu mã dịch vụ");
    r->qr.service = VIETQR_SERVICE_OTHER;
    for (int i = 0; i < VIETQR_SERVICE_OTHER; i++)
        if (text_is(r->service_code, service_codes[i]))
            r->qr.service = i;
    return OK;
}

/* Digits, at most one point; đồng has no fraction, so only zeros may follow it. */
static enum err read_amount(struct vietqr_read *r, struct faults *faults)
{
    struct text fraction = TEXT_NONE, whole = text_until(r->amount_text, '.', &fraction);
    bool good =
        r->amount_text.length <= 13 && whole.length && every(whole, is_digit) && text_to_int64(whole, &r->qr.amount);
    for (size_t i = 0; good && i < fraction.length; i++)
        good = fraction.at[i] == '0';
    if (!good || r->qr.amount <= 0)
        return wrong(faults, "54", "Số tiền sai");
    return OK;
}

static enum err check_crc(struct text payload, struct faults *faults)
{
    if (payload.length < 8 || payload.length > VIETQR_PAYLOAD_MAX ||
        !text_is(text_slice(payload, payload.length - 8, 4), "6304"))
        return wrong(faults, "63", "Không kết thúc bằng CRC");
    char expected[5];
    snprintf(expected, sizeof expected, "%04X", vietqr_crc(text_slice(payload, 0, payload.length - 4)));
    if (!text_is_nocase(text_slice(payload, payload.length - 4, 4), expected))
        return faults_add(faults, "63", ERR_VIETQR_CRC, "CRC phải là %s", expected);
    return OK;
}

enum err vietqr_decode(struct text payload, struct faults *faults, struct vietqr_read *ret_read)
{
    struct vietqr_read r = {0};
    struct text format = TEXT_NONE, template = TEXT_NONE, more = TEXT_NONE, country = TEXT_NONE;
    const char *const ids[] = {"00", "01", "38", "53", "54", "58", "59", "60", "62", NULL};
    struct text *const places[] = {&format,  &r.point_of_initiation, &template,        &r.currency, &r.amount_text,
                                   &country, &r.merchant_name,       &r.merchant_city, &more};
    payload = text_trim(payload);
    enum err err = check_crc(payload, faults);
    if (!err && !text_starts(payload, "000201"))
        err = wrong(faults, "00", "Phải bắt đầu bằng 000201");
    if (!err)
        err = read_template(text_slice(payload, 0, payload.length - 8), "", ids, places, faults);
    if (!err && !template.at)
        err = wrong(faults, "38", "Thiếu tài khoản nhận");
    if (!err)
        err = read_account(template, &r, faults);
    if (!err && r.point_of_initiation.at && !text_is(r.point_of_initiation, "11") &&
        !text_is(r.point_of_initiation, "12"))
        err = wrong(faults, "01", "Phải là 11 hoặc 12");
    if (!err && !text_is(r.currency, "704"))
        err = wrong(faults, "53", "Tiền tệ phải là 704 (VND)");
    if (!err && country.at && !text_is(country, "VN"))
        err = wrong(faults, "58", "Phải là VN");
    if (!err && r.amount_text.at)
        err = read_amount(&r, faults);
    if (!err && more.at) {
        const char *const more_ids[] = {"01", "08", NULL};
        struct text *const more_places[] = {&r.qr.bill, &r.qr.memo};
        err = read_template(more, "62", more_ids, more_places, faults);
    }
    if (!err)
        *ret_read = r;
    return err;
}
