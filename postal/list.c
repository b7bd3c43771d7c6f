/* A carrier's list of money it hands over, from CSV. Header words are data: a column that no word names is left alone,
 * one that is missing is said by name. */
#include <string.h>
#include "postal/postal.h"

enum column { ITEM, AMOUNT, POSTAGE, OUTLET, COLUMNS };

static const struct {
    const char *word;
    enum column column;
} words[] = {
    {"item", ITEM},          {"Số hiệu bưu gửi", ITEM},    {"Số hiệu BG", ITEM},
    {"Mã bưu gửi", ITEM},    {"Mã vận đơn", ITEM},         {"Số BILL", ITEM},
    {"amount", AMOUNT},      {"Số tiền COD", AMOUNT},      {"Số tiền thu hộ", AMOUNT},
    {"Tiền thu hộ", AMOUNT}, {"Tiền thu hộ(VNĐ)", AMOUNT}, {"postage", POSTAGE},
    {"Cước", POSTAGE},       {"Cước phí", POSTAGE},        {"Tiền cước (VNĐ)", POSTAGE},
    {"outlet", OUTLET},      {"Bưu cục", OUTLET},          {"Mã bưu cục", OUTLET},
};
static const char *const names[COLUMNS] = {"item (Số hiệu bưu gửi)", "amount (Số tiền COD)", "postage (Cước)",
                                           "outlet"};
static const char *const totals[] = {"total", "Tổng cộng", "TỔNG CỘNG", "Tổng"};

enum { ITEM_MAX = 40, OUTLET_MAX = 40, HEADER_ROWS_MAX = 20 };

struct reading {
    struct faults *faults;
    int place[COLUMNS]; /* field of a row; -1: the file has no such column */
    const struct csv_row *row;
    struct postal_list list;
    size_t room;
    bool total_seen;
    int64_t total;
    size_t before; /* faults there were */
};

static void complain(struct reading *in, enum column column, enum err err, const char *why)
{
    faults_add(in->faults, arena_printf(in->faults->arena, "%d:%s", in->row->line, names[column]), err, "%s", why);
}

static struct text field(const struct reading *in, enum column column)
{
    int place = in->place[column];
    return place < 0 || (size_t)place >= in->row->count ? TEXT("") : text_trim(in->row->fields[place]);
}

/* The header is the first row that names item and amount; above it stand a letterhead and a title. */
static bool header_read(struct reading *in)
{
    for (int c = 0; c < COLUMNS; c++)
        in->place[c] = -1;
    for (size_t i = 0; i < in->row->count; i++)
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            if (text_is(text_trim(in->row->fields[i]), words[w].word) && in->place[words[w].column] < 0)
                in->place[words[w].column] = (int)i;
    return in->place[ITEM] >= 0 && in->place[AMOUNT] >= 0;
}

/* "50000", "50.000" and "50,000": thousands in groups of three; đồng have no fraction. False for anything else. */
static bool dong_read(struct text text, int64_t *ret)
{
    int64_t value = 0;
    size_t since = 0;
    bool grouped = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '.' || c == ',') {
            if (since > 3 || !since || (grouped && since != 3))
                return false;
            grouped = true;
            since = 0;
            continue;
        }
        if (c < '0' || c > '9' || value > MONEY_MAX / 10 - 1)
            return false;
        value = value * 10 + (c - '0');
        since++;
    }
    if (!text.length || (grouped && since != 3))
        return false;
    *ret = value;
    return true;
}

static int64_t dong(struct reading *in, enum column column)
{
    struct text text = field(in, column);
    int64_t value = 0;
    if (text.length && !dong_read(text, &value))
        complain(in, column, ERR_FIELD_FORMAT, "Không phải số đồng nguyên.");
    return value;
}

static bool is_total(const struct reading *in)
{
    for (size_t i = 0; i < in->row->count && i < 3; i++)
        for (size_t t = 0; t < sizeof totals / sizeof *totals; t++)
            if (text_is(text_trim(in->row->fields[i]), totals[t]))
                return true;
    return false;
}

/* An S10 number as it is stored; another carrier's in capitals of its own alphabet. */
static struct text item_read(struct reading *in)
{
    struct text text = field(in, ITEM);
    char item[S10_LENGTH + 1];
    if (postal_s10_read(text, item))
        return arena_text(in->faults->arena, text_of(item));
    bool good = text.length && text.length <= ITEM_MAX;
    for (size_t i = 0; good && i < text.length; i++) {
        char c = text.at[i];
        good = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    if (!good)
        complain(in, ITEM, ERR_FIELD_FORMAT, "Không phải số hiệu bưu gửi.");
    return good ? arena_text(in->faults->arena, text) : TEXT("");
}

static struct text outlet_read(struct reading *in)
{
    struct text text = field(in, OUTLET);
    bool good = text.length <= OUTLET_MAX;
    for (size_t i = 0; good && i < text.length; i++) {
        char c = text.at[i];
        good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("._-", c));
    }
    if (!good)
        complain(in, OUTLET, ERR_FIELD_FORMAT, "Mã bưu cục chỉ gồm chữ không dấu, số, dấu chấm và gạch.");
    return good && text.length ? arena_text(in->faults->arena, text) : TEXT("main");
}

static void line_read(struct reading *in)
{
    struct postal_list *list = &in->list;
    if (is_total(in)) {
        in->total_seen = true;
        in->total = dong(in, AMOUNT);
        return;
    }
    if (list->count == in->room) {
        faults_add(in->faults, "", ERR_BODY_TOO_LARGE, "Quá %d dòng.", POSTAL_LIST_MAX);
        return;
    }
    list->items[list->count] = item_read(in);
    list->amounts[list->count] = dong(in, AMOUNT);
    list->postages[list->count] = dong(in, POSTAGE);
    list->outlets[list->count] = outlet_read(in);
    list->count++;
}

static char separator_of(struct text bytes)
{
    size_t counts[3] = {0};
    static const char separators[] = ",;\t";
    for (size_t i = 0; i < bytes.length && i < 4096; i++)
        for (int s = 0; s < 3; s++)
            counts[s] += bytes.at[i] == separators[s];
    return counts[2] > counts[0] && counts[2] > counts[1] ? '\t' : counts[1] > counts[0] ? ';' : ',';
}

static enum err sums_check(struct reading *in)
{
    int64_t sum = 0, kept = 0;
    for (size_t i = 0; i < in->list.count; i++)
        if (__builtin_add_overflow(sum, in->list.amounts[i], &sum) ||
            __builtin_add_overflow(kept, in->list.postages[i], &kept) || sum > MONEY_MAX || kept > MONEY_MAX)
            return faults_add(in->faults, "", ERR_FIELD_RANGE, "Tổng số tiền quá lớn.");
    if (in->total_seen && in->total != sum)
        faults_add(in->faults, "", ERR_FIELD_VALUE, "Dòng tổng ghi %lld nhưng cộng các dòng được %lld.",
                   (long long)in->total, (long long)sum);
    return in->faults->count + in->faults->dropped > in->before ? ERR_INVALID : OK;
}

enum err postal_list_read(struct text bytes, struct postal_list *ret_list, struct faults *faults)
{
    struct csv csv;
    struct csv_row row;
    struct reading in = {.faults = faults, .row = &row, .before = faults->count + faults->dropped};
    if (!text_is_utf8(bytes))
        return faults_add(faults, "", ERR_FIELD_FORMAT, "Tệp phải là UTF-8.");
    size_t lines = 1;
    for (size_t i = 0; i < bytes.length; i++)
        lines += bytes.at[i] == '\n' || bytes.at[i] == '\r';
    in.room = lines < POSTAL_LIST_MAX ? lines : POSTAL_LIST_MAX;
    in.list = (struct postal_list){.items = ARENA_ARRAY(faults->arena, struct text, in.room),
                                   .outlets = ARENA_ARRAY(faults->arena, struct text, in.room),
                                   .amounts = ARENA_ARRAY(faults->arena, int64_t, in.room),
                                   .postages = ARENA_ARRAY(faults->arena, int64_t, in.room)};
    csv_open(&csv, bytes, separator_of(bytes), faults->arena);
    enum err err;
    bool header = false;
    for (int above = 0; !header && above < HEADER_ROWS_MAX && !csv_next(&csv, &row); above++)
        header = header_read(&in);
    if (!header)
        return faults_add(faults, "1", ERR_FIELD_MISSING, "Không thấy hàng tiêu đề có cột %s và %s.", names[ITEM],
                          names[AMOUNT]);
    while (!(err = csv_next(&csv, &row)) && !in.faults->dropped)
        line_read(&in);
    if (err && err != ERR_NOT_FOUND)
        return faults_add(faults, arena_printf(faults->arena, "%d", csv.line), err, NULL);
    if (!in.list.count)
        return faults_add(faults, "1", ERR_INVALID, "Bảng kê không có dòng nào.");
    err = sums_check(&in);
    if (!err)
        *ret_list = in.list;
    return err ? ERR_INVALID : OK;
}
