/* CSV of a delegate's receipts, one line each. */
#include "receipts/delegate_list.h"

#include <string.h>

enum column {
    TAX_CODE,
    FORM,
    SYMBOL,
    NUMBER,
    ISSUED_ON,
    COLLECTED_ON,
    AMOUNT,
    PARCEL,
    DOSSIER,
    REFERENCE,
    FEES,
    PAYER,
    PAYER_TAX,
    REPLACES,
    COLUMNS,
    OBLIGATORY = AMOUNT + 1
};

static const char *const names[COLUMNS] = {"tax_code",     "form",   "symbol",         "number",         "issued_on",
                                           "collected_on", "amount", "parcel",         "dossier",        "reference",
                                           "fees",         "payer",  "payer_tax_code", "replaces_number"};
static const size_t longest[COLUMNS] = {14, 5, 5, 8, 10, 10, 16, 60, 60, 30, 500, 400, 14, 8};

struct reading {
    struct faults *faults;
    int place[COLUMNS]; /* field of a row; -1: the file has no such column */
    const struct csv_row *row;
};

static void complain(struct reading *in, enum column column, const char *words)
{
    faults_add(in->faults, arena_printf(in->faults->arena, "%d:%s", in->row->line, names[column]), ERR_FIELD_FORMAT,
               "%s", words);
}

static struct text field(struct reading *in, enum column column)
{
    int place = in->place[column];
    struct text value = place < 0 || (size_t)place >= in->row->count ? TEXT("") : text_trim(in->row->fields[place]);
    if (column < OBLIGATORY && !value.length)
        complain(in, column, "Thiếu nội dung.");
    if (!text_is_utf8(value) || text_characters(value) > longest[column])
        complain(in, column, "Quá dài hoặc không phải UTF-8.");
    return value.length ? arena_text(in->faults->arena, value) : TEXT("");
}

static int64_t number(struct reading *in, enum column column, int64_t min, int64_t max)
{
    struct text text = field(in, column);
    int64_t value = 0;
    if (text.length && (!text_to_int64(text, &value) || value < min || value > max))
        complain(in, column, "Không phải số trong giới hạn.");
    return value;
}

static date_days date(struct reading *in, enum column column)
{
    struct text text = field(in, column);
    date_days day = DATE_NONE;
    if (text.length && !date_parse(text, &day))
        complain(in, column, "Phải là ngày có thật, dạng YYYY-MM-DD.");
    return day;
}

static void read_line(struct reading *in, struct list_line *ret)
{
    *ret = (struct list_line){.collector = field(in, TAX_CODE),
                              .form = field(in, FORM),
                              .symbol = field(in, SYMBOL),
                              .number = number(in, NUMBER, 1, RECEIPT_NUMBER_MAX),
                              .issued_on = date(in, ISSUED_ON),
                              .collected_on = date(in, COLLECTED_ON),
                              .amount = number(in, AMOUNT, 1, MONEY_MAX),
                              .parcel = field(in, PARCEL),
                              .dossier = field(in, DOSSIER),
                              .reference = field(in, REFERENCE),
                              .fees = field(in, FEES),
                              .payer = field(in, PAYER),
                              .payer_tax = field(in, PAYER_TAX),
                              .replaces = number(in, REPLACES, 1, RECEIPT_NUMBER_MAX)};
    if (!text_is(ret->form, "EBL01") && !text_is(ret->form, "EBL02"))
        complain(in, FORM, "Mẫu số phải là EBL01 hoặc EBL02.");
    if (!receipt_symbol_valid(ret->symbol))
        complain(in, SYMBOL, "Ký hiệu không đúng quy định.");
    if (!ret->parcel.length && !ret->dossier.length && !ret->reference.length)
        complain(in, DOSSIER, "Phải có mã bưu gửi, mã hồ sơ hoặc mã nộp tiền.");
}

static enum err read_header(struct reading *in, const struct csv_row *header)
{
    for (int c = 0; c < COLUMNS; c++)
        in->place[c] = -1;
    for (size_t i = 0; i < header->count; i++) {
        bool known = false;
        for (int c = 0; c < COLUMNS; c++)
            if (text_is(text_trim(header->fields[i]), names[c]) && in->place[c] < 0) {
                in->place[c] = (int)i;
                known = true;
            }
        if (!known)
            faults_add(in->faults, arena_printf(in->faults->arena, "%d", header->line), ERR_FIELD_VALUE,
                       "Không rõ cột %.*s.", TEXT_ARGS(text_head(header->fields[i], 60)));
    }
    for (int c = 0; c < OBLIGATORY; c++)
        if (in->place[c] < 0)
            faults_add(in->faults, arena_printf(in->faults->arena, "%d", header->line), ERR_FIELD_VALUE,
                       "Thiếu cột %s.", names[c]);
    return in->faults->count ? ERR_INVALID : OK;
}

enum err delegate_list_read(struct text bytes, struct delegate_list *ret_list, struct faults *faults)
{
    struct csv csv;
    struct csv_row row;
    struct reading in = {.faults = faults, .row = &row};
    size_t before = faults->count + faults->dropped;
    csv_open(&csv, bytes, ',', faults->arena);
    enum err err = csv_next(&csv, &row);
    if (err == ERR_NOT_FOUND)
        return faults_add(faults, "1", ERR_INVALID, "Tệp rỗng.");
    if (!err)
        err = read_header(&in, &row);
    size_t room = 0;
    for (size_t i = 0; i < bytes.length; i++)
        room += bytes.at[i] == '\n';
    room = room < LIST_LINES_MAX ? room + 1 : LIST_LINES_MAX;
    struct delegate_list list = {ARENA_ARRAY(faults->arena, struct list_line, room + 1), 0};
    while (!err && !(err = csv_next(&csv, &row))) {
        if (list.count == room)
            return faults_add(faults, "", ERR_BODY_TOO_LARGE, "Quá %d dòng.", LIST_LINES_MAX);
        read_line(&in, &list.lines[list.count++]);
    }
    if (err != ERR_NOT_FOUND)
        return faults->count ? err : faults_add(faults, arena_printf(faults->arena, "%d", csv.line), err, NULL);
    if (!list.count)
        return faults_add(faults, "1", ERR_INVALID, "Bảng kê không có dòng nào.");
    if (faults->count + faults->dropped > before)
        return ERR_INVALID;
    *ret_list = list;
    return OK;
}
