/* Reading VietQR payloads of any origin. */
#include "payments/requests/vietqr.h"

#include <string.h>

enum {
    ROOT_LAST = 64, /* the highest object of each list that means something here */
    ACCOUNT_LAST = 2,
    BANK_LAST = 1,
    MORE_LAST = VIETQR_ADDITIONAL_COUNT - 1,
    CRC_OBJECT = 8, /* "6304" and four hex digits */
};

/* What the length of an object counts. NAPAS writes ASCII only, where both are the same; for other text the
 * specification is silent and libraries differ. */
enum unit { UNIT_BYTE, UNIT_CHARACTER };

struct reading {
    enum unit unit;
    struct faults *faults;
};

static enum err wrong(const struct reading *r, const char *where, const char *why)
{
    return faults_add(r->faults, where, ERR_VIETQR_SYNTAX, "%s", why);
}

static bool is_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* How many bytes the first `count` units of a text take; more than it has when there are fewer. */
static size_t bytes_of(struct text text, size_t count, enum unit unit)
{
    if (unit == UNIT_BYTE)
        return count;
    size_t bytes = 0;
    while (count && bytes < text.length) {
        do
            bytes++;
        while (bytes < text.length && ((unsigned char)text.at[bytes] & 0xC0) == 0x80);
        count--;
    }
    return bytes + count;
}

/* Cuts the first object from `rest`: two digits of id, two of length, the value. -1 when it does not fit. */
static int next_object(const struct reading *r, struct text *rest, struct text *ret_value)
{
    if (rest->length < 4 || !is_digits(text_slice(*rest, 0, 4)))
        return -1;
    const char *head = rest->at;
    struct text value = text_slice(*rest, 4, rest->length);
    size_t length = bytes_of(value, (size_t)(head[2] - '0') * 10 + (size_t)(head[3] - '0'), r->unit);
    if (!length || length > value.length)
        return -1;
    *ret_value = text_slice(value, 0, length);
    *rest = text_slice(value, length, value.length);
    return (head[0] - '0') * 10 + (head[1] - '0');
}

/* Walks a list of objects, which must exactly fill `value`. Objects up to `last` may stand there once; higher ones are
 * ignored and may repeat. */
static enum err read_objects(const struct reading *r, struct text value, const char *where, int last,
                             struct text *ret_objects)
{
    memset(ret_objects, 0, sizeof *ret_objects * (size_t)(last + 1));
    while (value.length) {
        struct text inner;
        int id = next_object(r, &value, &inner);
        if (id < 0)
            return wrong(r, where, "Độ dài các mục không khớp");
        if (id > last)
            continue;
        if (ret_objects[id].at)
            return wrong(r, where, "Một mục có hai lần");
        ret_objects[id] = inner;
    }
    return OK;
}

static enum vietqr_service service_of(struct text code)
{
    for (int i = 0; i < VIETQR_SERVICE_OTHER; i++)
        if (text_is(code, vietqr_service_code(i)))
            return i;
    return VIETQR_SERVICE_OTHER;
}

/* Template 38: GUID, then the bank and the account in a template of their own, then the service. */
static enum err read_account(const struct reading *r, struct text template, struct vietqr_read *read)
{
    struct text objects[ACCOUNT_LAST + 1], bank[BANK_LAST + 1];
    if (!template.at)
        return wrong(r, "38", "Thiếu tài khoản nhận");
    enum err err = read_objects(r, template, "38", ACCOUNT_LAST, objects);
    if (err)
        return err;
    if (!text_is(objects[0], "A000000727"))
        return wrong(r, "38-00", "Không phải mã của NAPAS");
    if (!objects[2].at)
        return wrong(r, "38-02", "Thiếu mã dịch vụ");
    err = read_objects(r, objects[1], "38-01", BANK_LAST, bank);
    if (err)
        return err;
    if (bank[0].length != 6 || !is_digits(bank[0]))
        return wrong(r, "38-01-00", "Mã BIN ngân hàng phải có 6 chữ số");
    if (!bank[1].length || bank[1].length > VIETQR_ACCOUNT_MAX)
        return wrong(r, "38-01-01", "Số tài khoản có từ 1 đến 19 ký tự");
    read->qr.bank_bin = bank[0];
    read->qr.account = bank[1];
    read->service_code = objects[2];
    read->qr.service = service_of(objects[2]);
    return OK;
}

/* Digits, at most one point; đồng has no fraction, so only zeros may follow it ("50000." is an example of NAPAS). */
static enum err read_amount(const struct reading *r, struct text text, struct vietqr_read *read)
{
    if (!text.at)
        return OK;
    struct text fraction = TEXT_NONE, whole = text_until(text, '.', &fraction);
    bool good = text.length <= 13 && whole.length && is_digits(whole) && text_to_int64(whole, &read->qr.amount);
    for (size_t i = 0; good && i < fraction.length; i++)
        good = fraction.at[i] == '0';
    if (!good || read->qr.amount <= 0)
        return wrong(r, "54", "Số tiền phải là số nguyên dương");
    read->amount_text = text;
    return OK;
}

static enum err read_additional(const struct reading *r, struct text template, struct vietqr_read *read)
{
    struct text objects[MORE_LAST + 1];
    enum err err = read_objects(r, template, "62", MORE_LAST, objects);
    if (err)
        return err;
    for (int i = VIETQR_BILL; i < VIETQR_ADDITIONAL_COUNT; i++)
        read->additional[i] = objects[i];
    read->qr.memo = objects[VIETQR_MEMO];
    read->qr.bill = objects[VIETQR_BILL];
    return OK;
}

static enum err read_payload(const struct reading *r, struct text body, struct vietqr_read *ret_read)
{
    struct vietqr_read read = {0};
    struct text objects[ROOT_LAST + 1];
    enum err err = read_objects(r, body, "", ROOT_LAST, objects);
    if (err)
        return err;
    if (objects[63].at)
        return wrong(r, "63", "CRC phải là mục cuối");
    if (objects[1].at && !text_is(objects[1], "11") && !text_is(objects[1], "12"))
        return wrong(r, "01", "Phải là 11 hoặc 12");
    if (!text_is(objects[53], "704"))
        return wrong(r, "53", "Tiền tệ phải là 704 (VND)");
    if (!text_is(objects[58], "VN"))
        return wrong(r, "58", "Mã nước phải là VN");
    err = read_account(r, objects[38], &read);
    if (!err)
        err = read_amount(r, objects[54], &read);
    if (!err)
        err = read_additional(r, objects[62], &read);
    if (err)
        return err;
    read.point_of_initiation = objects[1];
    read.category = objects[52];
    read.currency = objects[53];
    read.merchant_name = objects[59];
    read.merchant_city = objects[60];
    *ret_read = read;
    return OK;
}

/* Printable text that ends in a right CRC and begins as NAPAS says. */
static enum err check_frame(struct text payload, struct faults *faults, bool *ret_ascii)
{
    const struct reading r = {UNIT_BYTE, faults};
    *ret_ascii = true;
    if (payload.length > VIETQR_PAYLOAD_MAX)
        return wrong(&r, "", "Mã quá dài");
    for (size_t i = 0; i < payload.length; i++) {
        unsigned char c = (unsigned char)payload.at[i];
        if (c < ' ' || c == 0x7F)
            return wrong(&r, "", "Có ký tự điều khiển");
        *ret_ascii = *ret_ascii && c < 0x80;
    }
    if (!text_is_utf8(payload))
        return wrong(&r, "", "Không phải UTF-8");
    if (payload.length < CRC_OBJECT || !text_is(text_slice(payload, payload.length - CRC_OBJECT, 4), "6304"))
        return wrong(&r, "63", "Không kết thúc bằng CRC");
    char expected[5];
    vietqr_crc_text(text_slice(payload, 0, payload.length - 4), expected);
    if (!text_is_nocase(text_slice(payload, payload.length - 4, 4), expected))
        return faults_add(faults, "63", ERR_VIETQR_CRC, "CRC sai, phải là %s", expected);
    if (!text_starts(payload, "000201"))
        return wrong(&r, "00", "Phải bắt đầu bằng 000201");
    return OK;
}

enum err vietqr_decode(struct text payload, struct faults *faults, struct vietqr_read *ret_read)
{
    bool ascii;
    payload = text_trim(payload);
    enum err err = check_frame(payload, faults, &ascii);
    if (err)
        return err;
    struct text body = text_slice(payload, 0, payload.length - CRC_OBJECT);
    size_t count = faults->count, dropped = faults->dropped;
    const struct reading in_bytes = {UNIT_BYTE, faults}, in_characters = {UNIT_CHARACTER, faults};
    err = read_payload(&in_bytes, body, ret_read);
    if (err && !ascii && !read_payload(&in_characters, body, ret_read)) {
        faults->count = count;
        faults->dropped = dropped;
        return OK;
    }
    return err;
}
