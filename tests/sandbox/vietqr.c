/* Reads a VietQR as a bank's application does (NAPAS "Quy định về định dạng mã VietQR", version 1.0 of 09/2021):
 * written apart from the encoder in payments/requests, so that the two check each other. */
#include "tests/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>

enum { VIETQR_MAX = 512, SCHEME_LIMIT = 500000000 };

struct object {
    int id;
    struct text value;
};

/* The next id-length-value; false when it does not fit exactly. */
static bool next(struct text *rest, struct object *ret)
{
    if (rest->length < 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (rest->at[i] < '0' || rest->at[i] > '9')
            return false;
    size_t length = (size_t)((rest->at[2] - '0') * 10 + rest->at[3] - '0');
    if (length == 0 || length > rest->length - 4)
        return false;
    ret->id = (rest->at[0] - '0') * 10 + rest->at[1] - '0';
    ret->value = text_slice(*rest, 4, length);
    *rest = text_slice(*rest, 4 + length, rest->length);
    return true;
}

/* CRC-16/CCITT-FALSE: polynomial 1021, start FFFF, nothing reflected. */
static unsigned crc16(struct text text)
{
    unsigned crc = 0xffff;
    for (size_t i = 0; i < text.length; i++) {
        crc ^= (unsigned)(unsigned char)text.at[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
    }
    return crc;
}

static bool put(char *to, size_t size, struct text value)
{
    if (value.length >= size)
        return false;
    memcpy(to, value.at, value.length);
    to[value.length] = '\0';
    return true;
}

static bool digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length > 0;
}

static bool beneficiary(struct text template, struct vietqr_read *read)
{
    bool bank = false, account = false;
    struct object object;
    while (template.length) {
        if (!next(&template, &object))
            return false;
        if (object.id == 0)
            bank = digits(object.value) && object.value.length == 6 && put(read->bank_bin, 7, object.value);
        else if (object.id == 1)
            account = put(read->account, sizeof read->account, object.value);
    }
    return bank && account;
}

static bool napas(struct text template, struct vietqr_read *read)
{
    bool guid = false, whom = false, service = false;
    struct object object;
    while (template.length) {
        if (!next(&template, &object))
            return false;
        if (object.id == 0)
            guid = text_is(object.value, "A000000727");
        else if (object.id == 1)
            whom = beneficiary(object.value, read);
        else if (object.id == 2)
            service = put(read->service, sizeof read->service, object.value);
    }
    return guid && whom && service;
}

static bool additional(struct text template, struct vietqr_read *read)
{
    struct object object;
    while (template.length) {
        if (!next(&template, &object))
            return false;
        if (object.id == 8 && !put(read->memo, sizeof read->memo, object.value))
            return false;
        if (object.id == 1 && !put(read->bill, sizeof read->bill, object.value))
            return false;
    }
    return true;
}

static bool amount(struct text value, int64_t *ret)
{
    if (text_ends(value, "."))
        value.length--;
    return digits(value) && value.length <= 13 && text_to_int64(value, ret) && *ret > 0 && *ret < SCHEME_LIMIT;
}

bool vietqr_read(struct text payload, struct vietqr_read *ret_read, const char **ret_why)
{
    struct vietqr_read read = {0};
    struct text rest = payload = text_trim(payload);
    *ret_why = "Mã VietQR sai cấu trúc";
    if (payload.length < 20 || payload.length > VIETQR_MAX || !text_starts(payload, "000201"))
        return false;
    bool whom = false, currency = false, country = false, sum = false;
    struct object object;
    while (rest.length) {
        size_t at = payload.length - rest.length;
        if (!next(&rest, &object))
            return false;
        if (object.id == 63) {
            char want[5];
            snprintf(want, sizeof want, "%04X", crc16(text_slice(payload, 0, at + 4)));
            *ret_why = "Mã VietQR sai CRC";
            sum = text_is_nocase(object.value, want);
            if (!sum)
                return false;
            *ret_why = "Mã VietQR có dữ liệu sau CRC";
            if (rest.length)
                return false;
        } else if (object.id == 1) {
            read.reusable = text_is(object.value, "11");
            if (!read.reusable && !text_is(object.value, "12"))
                return false;
        } else if (object.id == 38) {
            *ret_why = "Mã VietQR thiếu ngân hàng hoặc tài khoản thụ hưởng";
            if (!(whom = napas(object.value, &read)))
                return false;
        } else if (object.id == 53) {
            currency = text_is(object.value, "704");
        } else if (object.id == 58) {
            country = text_is(object.value, "VN");
        } else if (object.id == 54) {
            *ret_why = "Số tiền trong mã không hợp lệ (phải dưới 500 triệu đồng)";
            if (!amount(object.value, &read.amount))
                return false;
        } else if (object.id == 62 && !additional(object.value, &read)) {
            return false;
        }
        *ret_why = "Mã VietQR sai cấu trúc";
    }
    *ret_why = "Mã VietQR thiếu trường bắt buộc";
    if (!whom || !currency || !country || !sum)
        return false;
    *ret_read = read;
    *ret_why = NULL;
    return true;
}
