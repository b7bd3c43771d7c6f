/* Reads the tariff's three files and refuses what cannot be priced. */
#include <stdlib.h>
#include <string.h>
#include "postal/tariff.h"

enum { ROWS_MAX = 4096, WEIGHT_MAX_G = 1000000, PRICE_MAX = 100000000 };

const char *const tariff_service_names[] = {"send", "receive", "collect", NULL};

/* One file while it is read. */
struct sheet {
    const char *file;
    struct csv csv;
    struct csv_row header, row;
    struct arena *arena;
    struct faults *faults;
};

static void sheet_fault(struct sheet *sheet, const char *column, enum err code, const char *words)
{
    faults_add(sheet->faults, arena_printf(sheet->arena, "%s:%d:%s", sheet->file, sheet->row.line, column), code, "%s",
               words);
}

static bool sheet_open(struct sheet *sheet, struct text bytes)
{
    csv_open(&sheet->csv, bytes, ',', sheet->arena);
    if (!csv_next(&sheet->csv, &sheet->header))
        return true;
    faults_add(sheet->faults, sheet->file, ERR_CSV_SYNTAX, "Tệp trống hoặc sai cú pháp");
    return false;
}

static bool sheet_next(struct sheet *sheet)
{
    enum err err = csv_next(&sheet->csv, &sheet->row);
    if (err && err != ERR_NOT_FOUND)
        faults_add(sheet->faults, arena_printf(sheet->arena, "%s:%d", sheet->file, sheet->csv.line), err, NULL);
    return !err;
}

static struct text cell(struct sheet *sheet, const char *column)
{
    for (size_t i = 0; i < sheet->header.count; i++)
        if (text_is(text_trim(sheet->header.fields[i]), column))
            return i < sheet->row.count ? text_trim(sheet->row.fields[i]) : TEXT_NONE;
    sheet_fault(sheet, column, ERR_FIELD_MISSING, "Thiếu cột");
    return TEXT_NONE;
}

static int64_t cell_int(struct sheet *sheet, const char *column, int64_t min, int64_t max, int64_t empty)
{
    struct text text = cell(sheet, column);
    int64_t value = empty;
    if (text.length && (!text_to_int64(text, &value) || value < min || value > max))
        sheet_fault(sheet, column, ERR_FIELD_RANGE, "Số ngoài khoảng");
    else if (!text.length && empty < min)
        sheet_fault(sheet, column, ERR_FIELD_MISSING, "Phải có số");
    return value;
}

static date_days cell_date(struct sheet *sheet, const char *column)
{
    struct text text = cell(sheet, column);
    date_days date = DATE_NONE;
    if (text.length && !date_parse(text, &date))
        sheet_fault(sheet, column, ERR_FIELD_FORMAT, "Ngày phải là YYYY-MM-DD");
    return date;
}

static int cell_word(struct sheet *sheet, const char *column, const char *const *words)
{
    struct text text = cell(sheet, column);
    for (int i = 0; words[i]; i++)
        if (text_is(text, words[i]))
            return i;
    sheet_fault(sheet, column, ERR_FIELD_VALUE, "Từ không được biết đến");
    return 0;
}

static void bracket_read(struct sheet *sheet, struct bracket *b)
{
    static const char *const zones[] = {"same_district", "province", "city", "other", "any", NULL};
    static const char *const standings[] = {"signed", "illustrative", NULL};
    b->line = sheet->row.line;
    b->service = (enum tariff_service)cell_word(sheet, "service", tariff_service_names);
    b->zone = cell_word(sheet, "zone", zones);
    b->from_g = cell_int(sheet, "weight_from_g", 0, WEIGHT_MAX_G, -1);
    b->to_g = cell_int(sheet, "weight_to_g", 1, WEIGHT_MAX_G, 0);
    b->step_g = cell_int(sheet, "step_g", 0, WEIGHT_MAX_G, 0);
    b->price = cell_int(sheet, "price", 0, PRICE_MAX, -1);
    b->transit_days = (int)cell_int(sheet, "transit_days", 0, 365, 0);
    b->transit_slip_days = (int)cell_int(sheet, "transit_slip_days", 0, 365, 0);
    b->illustrative = cell_word(sheet, "standing", standings) == 1;
    b->valid_from = cell_date(sheet, "valid_from");
    b->valid_to = cell_date(sheet, "valid_to");
    b->legal_basis = cell(sheet, "legal_basis");
    if (b->valid_from == DATE_NONE)
        sheet_fault(sheet, "valid_from", ERR_FIELD_MISSING, "Phải có ngày bắt đầu");
    if (b->to_g <= b->from_g)
        sheet_fault(sheet, "weight_to_g", ERR_FIELD_RANGE, "Phải lớn hơn weight_from_g");
}

static int bracket_compare(const void *a, const void *b)
{
    const struct bracket *x = a, *y = b;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    if (x->zone != y->zone)
        return x->zone < y->zone ? -1 : 1;
    if (x->valid_from != y->valid_from)
        return x->valid_from < y->valid_from ? -1 : 1;
    return x->from_g < y->from_g ? -1 : x->from_g > y->from_g;
}

/* Within one service, zone and period brackets join from 0 on; periods do not overlap. */
static void brackets_check(struct sheet *sheet, const struct bracket *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct bracket *b = &list[i], *before = i ? b - 1 : NULL;
        sheet->row.line = b->line;
        bool same = before && before->service == b->service && before->zone == b->zone;
        if (same && before->valid_from == b->valid_from) {
            if (before->to_g != b->from_g)
                sheet_fault(sheet, "weight_from_g", ERR_FIELD_RANGE, "Các nấc khối lượng phải nối tiếp nhau");
            if (before->valid_to != b->valid_to)
                sheet_fault(sheet, "valid_to", ERR_FIELD_RANGE, "Các nấc cùng kỳ phải cùng ngày kết thúc");
        } else {
            if (b->from_g != 0)
                sheet_fault(sheet, "weight_from_g", ERR_FIELD_RANGE, "Nấc đầu phải bắt đầu từ 0");
            if (b->step_g)
                sheet_fault(sheet, "step_g", ERR_FIELD_RANGE, "Nấc đầu phải có giá trọn");
            if (same && (before->valid_to == DATE_NONE || before->valid_to >= b->valid_from))
                sheet_fault(sheet, "valid_from", ERR_FIELD_RANGE, "Hai kỳ chồng lên nhau");
        }
    }
}

static void brackets_read(struct sheet *sheet, struct text bytes, struct postal_tariff *tariff)
{
    tariff->brackets = ARENA_ARRAY(sheet->arena, struct bracket, ROWS_MAX);
    if (!sheet_open(sheet, bytes))
        return;
    while (sheet_next(sheet)) {
        if (tariff->bracket_count == ROWS_MAX) {
            faults_add(sheet->faults, sheet->file, ERR_BODY_TOO_LARGE, NULL);
            return;
        }
        bracket_read(sheet, &tariff->brackets[tariff->bracket_count++]);
    }
    qsort(tariff->brackets, tariff->bracket_count, sizeof *tariff->brackets, bracket_compare);
    brackets_check(sheet, tariff->brackets, tariff->bracket_count);
}

static void zones_read(struct sheet *sheet, struct text bytes, struct postal_tariff *tariff)
{
    tariff->zones = ARENA_ARRAY(sheet->arena, struct zone_rule, ROWS_MAX);
    if (!sheet_open(sheet, bytes))
        return;
    while (tariff->zone_count < ROWS_MAX && sheet_next(sheet)) {
        struct zone_rule *rule = &tariff->zones[tariff->zone_count++];
        rule->province = cell(sheet, "province");
        rule->zone = (enum postal_zone)cell_word(sheet, "zone", postal_zone_names);
        rule->valid_from = cell_date(sheet, "valid_from");
        rule->valid_to = cell_date(sheet, "valid_to");
        if (rule->province.length != 2)
            sheet_fault(sheet, "province", ERR_FIELD_FORMAT, "Mã tỉnh có hai chữ số");
        if (rule->valid_from == DATE_NONE)
            sheet_fault(sheet, "valid_from", ERR_FIELD_MISSING, "Phải có ngày bắt đầu");
    }
}

static int commune_order(const void *a, const void *b)
{
    return text_compare(((const struct postal_commune *)a)->code, ((const struct postal_commune *)b)->code);
}

static void communes_read(struct sheet *sheet, struct text bytes, struct postal_tariff *tariff)
{
    tariff->communes = ARENA_ARRAY(sheet->arena, struct postal_commune, ROWS_MAX);
    if (!sheet_open(sheet, bytes))
        return;
    while (tariff->commune_count < ROWS_MAX && sheet_next(sheet)) {
        struct postal_commune *commune = &tariff->communes[tariff->commune_count++];
        *commune = (struct postal_commune){cell(sheet, "code"), cell(sheet, "name"), cell(sheet, "old_district")};
        if (commune->code.length != 5)
            sheet_fault(sheet, "code", ERR_FIELD_FORMAT, "Mã xã có năm chữ số");
        if (!commune->old_district.length)
            sheet_fault(sheet, "old_district", ERR_FIELD_MISSING, "Cần huyện cũ để xác định vùng cước");
    }
    qsort(tariff->communes, tariff->commune_count, sizeof *tariff->communes, commune_order);
    for (size_t i = 1; i < tariff->commune_count; i++)
        if (!commune_order(&tariff->communes[i - 1], &tariff->communes[i]))
            faults_add(sheet->faults, sheet->file, ERR_FIELD_VALUE, "Mã xã %.*s lặp lại",
                       TEXT_ARGS(tariff->communes[i].code));
}

enum err postal_tariff_read(struct text tariff_csv, struct text zones_csv, struct text communes_csv, const char *home,
                            struct arena *arena, struct faults *faults, const struct postal_tariff **ret_tariff)
{
    size_t before = faults->count + faults->dropped;
    struct postal_tariff *tariff = ARENA_NEW(arena, struct postal_tariff);
    struct sheet *sheet = ARENA_NEW(arena, struct sheet);
    memcpy(tariff->home, home, strnlen(home, 2));
    *sheet = (struct sheet){.file = "tariff.csv", .arena = arena, .faults = faults};
    brackets_read(sheet, tariff_csv, tariff);
    *sheet = (struct sheet){.file = "zones.csv", .arena = arena, .faults = faults};
    zones_read(sheet, zones_csv, tariff);
    *sheet = (struct sheet){.file = "communes.csv", .arena = arena, .faults = faults};
    communes_read(sheet, communes_csv, tariff);
    if (faults->count + faults->dropped > before)
        return ERR_CONFIG;
    *ret_tariff = tariff;
    return OK;
}
