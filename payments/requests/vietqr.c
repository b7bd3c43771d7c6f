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

struct objection {
    struct faults *faults;
    enum err first;
};

static void object(struct objection *o, const char *field, enum err code, const char *why)
{
    if (o->faults)
        faults_add(o->faults, field, code, "%s", why);
    if (!o->first)
        o->first = code;
}

static void check_text(struct objection *o, const char *field, struct text text)
{
    if (!every(text, is_printable))
        object(o, field, ERR_FIELD_FORMAT, "Chỉ gồm chữ không dấu, số và dấu câu ASCII");
    if (text.length > VIETQR_MEMO_MAX)
        object(o, field, ERR_FIELD_LENGTH, "Nhiều nhất 25 ký tự");
}

enum err vietqr_check(const struct vietqr *qr, struct faults *faults)
{
    struct objection o = {faults, OK};
    if (qr->bank_bin.length != 6 || !every(qr->bank_bin, is_digit))
        object(&o, "bank_bin", ERR_FIELD_FORMAT, "Mã BIN ngân hàng phải có 6 chữ số");
    if (!qr->account.length || qr->account.length > VIETQR_ACCOUNT_MAX)
        object(&o, "account", ERR_FIELD_LENGTH, "Số tài khoản có từ 1 đến 19 ký tự");
    if (!every(qr->account, is_account_character))
        object(&o, "account", ERR_FIELD_FORMAT, "Số tài khoản chỉ gồm chữ và số");
    if (qr->service == VIETQR_SERVICE_OTHER)
        object(&o, "service", ERR_FIELD_FORMAT, "Dịch vụ phải là QRIBFTTA hoặc QRIBFTTC");
    if (qr->amount < 0 || qr->amount > VIETQR_AMOUNT_MAX)
        object(&o, "amount", ERR_FIELD_RANGE, "Số tiền từ 1 đến 9.999.999.999.999 đồng");
    check_text(&o, "memo", qr->memo);
    check_text(&o, "bill", qr->bill);
    return o.first;
}

enum err vietqr_encode(const struct vietqr *qr, struct buf *out)
{
    enum err err = vietqr_check(qr, NULL);
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
