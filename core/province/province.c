#include "core/province/province.h"

#include <stdlib.h>
#include "core/base/memory.h"

#define AGENCY_COLUMNS "code, name_vi, name_en, tax_code, address, phone, level"
static const struct db_statement agency_sql = {"agency_find",
                                               "SELECT " AGENCY_COLUMNS " FROM agency WHERE code = $1 AND active"};
static const struct db_statement collector_sql = {
    "agency_by_tax_code", "SELECT " AGENCY_COLUMNS " FROM agency WHERE tax_code = $1 AND active ORDER BY code LIMIT 1"};
static const struct db_statement account_sql = {
    "receiving_account_of",
    "SELECT id, bank_bin, account_number, account_name, source FROM receiving_account WHERE agency = $1 AND active"};
static const struct db_statement calendar_sql = {"calendar_load", "SELECT day, kind FROM calendar_day ORDER BY day"};

static enum err one_agency(struct db *db, struct arena *arena, const struct db_statement *statement, struct text key,
                           struct agency *ret_agency)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, key);
    enum err err = db_query(db, statement, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_NOT_FOUND;
    *ret_agency = (struct agency){.code = db_text(&rows, 0, 0),
                                  .name_vi = db_text(&rows, 0, 1),
                                  .name_en = db_text(&rows, 0, 2),
                                  .tax_code = db_text(&rows, 0, 3),
                                  .address = db_text(&rows, 0, 4),
                                  .phone = db_text(&rows, 0, 5),
                                  .level = db_text(&rows, 0, 6)};
    return OK;
}

enum err agency_find(struct db *db, struct arena *arena, struct text code, struct agency *ret_agency)
{
    return one_agency(db, arena, &agency_sql, code, ret_agency);
}

static bool digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.length > 0;
}

bool tax_code_valid(struct text code)
{
    if (code.length == 14)
        return code.at[10] == '-' && digits(text_slice(code, 0, 10)) && digits(text_slice(code, 11, 3));
    return (code.length == 10 || code.length == 12) && digits(code);
}

enum err agency_by_tax_code(struct db *db, struct arena *arena, struct text tax_code, struct agency *ret_agency)
{
    return one_agency(db, arena, &collector_sql, tax_code, ret_agency);
}

enum err receiving_account_of(struct db *db, struct arena *arena, struct text agency,
                              struct receiving_account *ret_account)
{
    struct db_args args = db_args(arena);
    struct db_rows rows;
    db_arg_text(&args, agency);
    enum err err = db_query(db, &account_sql, &args, &rows);
    if (err || !rows.count)
        return err ? err : ERR_ACCOUNT_MISSING;
    *ret_account = (struct receiving_account){.id = db_int(&rows, 0, 0),
                                              .bank_bin = db_text(&rows, 0, 1),
                                              .number = db_text(&rows, 0, 2),
                                              .name = db_text(&rows, 0, 3),
                                              .source = db_text(&rows, 0, 4)};
    return OK;
}

struct calendar {
    size_t count;
    struct {
        date_days day;
        int works;
    } exceptions[]; /* by day */
};

enum err calendar_load(struct db *db, struct calendar **ret_calendar)
{
    struct arena arena;
    arena_init(&arena);
    struct db_args none = db_args(&arena);
    struct db_rows rows;
    enum err err = db_query(db, &calendar_sql, &none, &rows);
    if (!err) {
        struct calendar *calendar = memory_new(sizeof *calendar + (size_t)rows.count * sizeof calendar->exceptions[0]);
        calendar->count = (size_t)rows.count;
        for (int i = 0; i < rows.count; i++) {
            calendar->exceptions[i].day = db_date(&rows, i, 0);
            calendar->exceptions[i].works = text_is(db_text(&rows, i, 1), "working");
        }
        *ret_calendar = calendar;
    }
    arena_done(&arena);
    return err;
}

void calendar_free(struct calendar *calendar)
{
    free(calendar);
}

int calendar_works(const struct calendar *calendar, date_days day)
{
    size_t low = 0, high = calendar->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (calendar->exceptions[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < calendar->count && calendar->exceptions[low].day == day)
        return calendar->exceptions[low].works;
    int weekday = date_weekday(day);
    return weekday != 0 && weekday != 6;
}

date_days calendar_add(const struct calendar *calendar, date_days from, int working_days)
{
    enum { YEARS_MAX_DAYS = 3660 }; /* no deadline is longer; a calendar without a working day must not hang us */
    date_days day = from;
    for (int i = 0; i < YEARS_MAX_DAYS && !calendar_works(calendar, day); i++)
        day++;
    for (int passed = 0, i = 0; passed < working_days && i < YEARS_MAX_DAYS; i++)
        passed += calendar_works(calendar, ++day);
    return day;
}
