/* The books of a day: rows of natural keys from the database, written as JSON or CSV. */
#include "reconciliation/reconciliation.h"

#include <inttypes.h>

static const struct db_statement books = {"daily_books", "SELECT section, key, count, amount FROM daily_books($1)"};

static void write_csv(const struct db_rows *rows, date_days day, struct buf *out)
{
    char date[DATE_TEXT_SIZE];
    date_format(day, date);
    buf_string(out, "date,section,key,count,amount\r\n");
    for (int i = 0; i < rows->count; i++) {
        buf_printf(out, "%s,", date);
        csv_write(out, db_text(rows, i, 0));
        buf_char(out, ',');
        csv_write(out, db_text(rows, i, 1));
        buf_printf(out, ",%" PRId64 ",%" PRId64 "\r\n", db_int(rows, i, 2), db_int(rows, i, 3));
    }
}

/* "collections by method" → "collections_by_method" */
static const char *section_key(struct arena *arena, struct text section)
{
    char *key = arena_copy(arena, section);
    for (char *at = key; *at; at++)
        if (*at == ' ')
            *at = '_';
    return key;
}

static void write_json(const struct db_rows *rows, date_days day, struct arena *arena, struct buf *out)
{
    struct json json = json_to(out);
    struct text section = TEXT_NONE;
    bool agrees = true;
    json_put_object(&json, NULL);
    json_put_date(&json, "date", day);
    for (int i = 0; i < rows->count; i++) {
        struct text now = db_text(rows, i, 0);
        if (!text_equal(now, section)) {
            if (section.length)
                json_put_end(&json);
            json_put_array(&json, section_key(arena, now));
            section = now;
        }
        agrees = agrees && !text_is(now, "differences");
        json_put_object(&json, NULL);
        json_put_text(&json, "key", db_text(rows, i, 1));
        json_put_int(&json, "count", db_int(rows, i, 2));
        json_put_int(&json, "amount", db_int(rows, i, 3));
        json_put_end(&json);
    }
    if (section.length)
        json_put_end(&json);
    json_put_bool(&json, "agrees", agrees);
    json_put_end(&json);
    buf_char(out, '\n');
}

enum err report_daily(struct db *db, struct arena *arena, date_days day, enum report_format format,
                      struct text *ret_bytes)
{
    struct db_args args = db_args(arena);
    db_arg_date(&args, day);
    struct db_rows rows;
    enum err err = db_query(db, &books, &args, &rows);
    if (err)
        return err;
    struct buf out = {0};
    if (format == REPORT_CSV)
        write_csv(&rows, day, &out);
    else
        write_json(&rows, day, arena, &out);
    *ret_bytes = arena_text(arena, buf_view(&out));
    buf_done(&out);
    return OK;
}
