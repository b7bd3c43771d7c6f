#include "payments/requests/vietqr.h"

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

/* A byte at a time and without a table: x^16 + x^12 + x^5 + 1 has so few terms that a whole byte's division folds into
 * shifts. */
uint16_t vietqr_crc(struct text bytes)
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned x = crc >> 8 ^ (uint8_t)bytes.at[i];
        x ^= x >> 4;
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xFFFF;
    }
    return (uint16_t)crc;
}

void vietqr_crc_text(struct text bytes, char ret_hex[5])
{
    uint16_t crc = vietqr_crc(bytes);
    for (int i = 0; i < 4; i++)
        ret_hex[i] = "0123456789ABCDEF"[crc >> (12 - 4 * i) & 15];
    ret_hex[4] = '\0';
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

static void put_length(char *at, size_t length)
{
    at[0] = (char)('0' + length / 10);
    at[1] = (char)('0' + length % 10);
}

static void put(struct buf *out, const char *id, struct text value)
{
    char *to = buf_room(out, 5 + value.length);
    memcpy(to, id, 2);
    put_length(to + 2, value.length);
    memcpy(to + 4, value.at, value.length);
    out->length += 4 + value.length;
}

/* A template: its length is written when all that is in it is known. Returns where that begins. */
static size_t put_template(struct buf *out, const char *id)
{
    put(out, id, TEXT(""));
    return out->length;
}

static void template_done(struct buf *out, size_t start)
{
    put_length(out->at + start - 2, out->length - start);
}

static void put_account(struct buf *out, const struct vietqr *qr)
{
    size_t template = put_template(out, "38");
    put(out, "00", TEXT(NAPAS_GUID));
    size_t bank = put_template(out, "01");
    put(out, "00", qr->bank_bin);
    put(out, "01", qr->account);
    template_done(out, bank);
    put(out, "02", text_of(service_codes[qr->service]));
    template_done(out, template);
}

static void put_amount(struct buf *out, int64_t amount)
{
    char digits[24], *to = digits + sizeof digits;
    do
        *--to = (char)('0' + amount % 10);
    while (amount /= 10);
    put(out, "54", (struct text){to, (size_t)(digits + sizeof digits - to)});
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
    size_t start = out->length;
    put(out, "00", TEXT("01"));
    put(out, "01", qr->amount ? TEXT("12") : TEXT("11"));
    put_account(out, qr);
    put(out, "53", TEXT("704"));
    if (qr->amount)
        put_amount(out, qr->amount);
    put(out, "58", TEXT("VN"));
    if (qr->bill.length || qr->memo.length) {
        size_t more = put_template(out, "62");
        if (qr->bill.length)
            put(out, "01", qr->bill);
        if (qr->memo.length)
            put(out, "08", qr->memo);
        template_done(out, more);
    }
    buf_text(out, TEXT("6304"));
    char crc[5];
    vietqr_crc_text((struct text){out->at + start, out->length - start}, crc);
    buf_put(out, crc, 4);
    return OK;
}
