/* lephi report NAME …: the reports on standard output; lephi day show|close DATE. */
#include "reconciliation/desk.h"

#include <stdio.h>
#include <string.h>
#include "payments/fees/fees.h"

static const struct db_statement state_of = {"day_state", "SELECT day_state($1)"};
static const struct db_statement close_day = {"day_close", "SELECT day_close($1, $2, $3)"};

typedef enum err (*report_of_day)(struct db *, struct arena *, date_days, enum report_format, struct text *);
typedef enum err (*report_between)(struct db *, struct arena *, date_days, date_days, enum report_format,
                                   struct text *);

static enum err daily_lines(struct db *db, struct arena *arena, date_days day, enum report_format format,
                            struct text *ret_bytes)
{
    return report_daily_lines(db, arena, day, TEXT(""), TEXT(""), format, ret_bytes);
}

/* Of a day, or between two; what stands behind its figures, where it has such. */
static const struct report_named {
    const char *name;
    report_of_day day, day_lines;
    report_between between, between_lines;
} reports[] = {
    {"daily", report_daily, daily_lines, NULL, NULL},
    {"treasury", report_treasury, NULL, NULL, NULL},
    {"suspense", report_suspense, NULL, NULL, NULL},
    {"collections", NULL, NULL, report_collections, report_period_lines},
    {"indicators", NULL, NULL, report_indicators, report_indicator_lines},
    {"charges", NULL, NULL, report_charges, NULL},
    {"exemptions", NULL, NULL, report_exemptions, NULL},
    {"breaks", NULL, NULL, NULL, NULL},
};

struct wanted {
    date_days from, to;
    enum report_format format;
    int lines; /* 0 or 1 */
};

static bool format_read(const char *value, enum report_format *ret_format)
{
    static const char *const names[] = {"json", "csv", "xlsx", "pdf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i])) {
            *ret_format = (enum report_format)i;
            return true;
        }
    return false;
}

static bool wanted_read(int argc, char **argv, struct wanted *ret)
{
    *ret = (struct wanted){DATE_NONE, DATE_NONE, REPORT_JSON, 0};
    for (int at = 2; at < argc; at++) {
        if (!strcmp(argv[at], "--lines")) {
            ret->lines = 1;
            continue;
        }
        if (at + 1 == argc)
            return false;
        const char *name = argv[at++];
        struct text value = text_of(argv[at]);
        bool good = !strcmp(name, "--date")     ? date_parse(value, &ret->from) && date_parse(value, &ret->to)
                    : !strcmp(name, "--from")   ? date_parse(value, &ret->from)
                    : !strcmp(name, "--to")     ? date_parse(value, &ret->to)
                    : !strcmp(name, "--period") ? period_parse(value, &ret->from, &ret->to)
                    : !strcmp(name, "--format") ? format_read(argv[at], &ret->format)
                                                : false;
        if (!good)
            return false;
    }
    return true;
}

static int failed(const char *command, enum err err, const struct db *db)
{
    bool of_database = err == ERR_DATABASE || err == ERR_INTERNAL || err == ERR_TIMEOUT || err == ERR_RETRY;
    fprintf(stderr, "%s: %s%s%s\n", command, err_info(err)->en, of_database ? ": " : "",
            of_database ? db_error(db) : "");
    return 1;
}

static enum err report_make(struct db *db, struct arena *arena, const struct report_named *report,
                            const struct wanted *w, struct text *ret_bytes)
{
    enum err err = catalogue_refresh(db, arena); /* rates and sub-items by fee */
    if (err)
        return err;
    if (report->day)
        return (w->lines ? report->day_lines : report->day)(db, arena, w->from, w->format, ret_bytes);
    if (report->between)
        return (w->lines ? report->between_lines : report->between)(db, arena, w->from, w->to, w->format, ret_bytes);
    return report_breaks(db, arena, w->format, ret_bytes);
}

int report_command(struct db *db, int argc, char **argv)
{
    const struct report_named *report = NULL;
    struct wanted w;
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
        if (!strcmp(argv[1], reports[i].name))
            report = &reports[i];
    bool dated = report && (report->day || report->between);
    bool right = report && wanted_read(argc, argv, &w) &&
                 (dated ? w.from != DATE_NONE && w.to != DATE_NONE && w.from <= w.to : w.from == DATE_NONE) &&
                 (!w.lines || report->day_lines || report->between_lines);
    if (!right) {
        fputs("Usage: lephi report daily|treasury|suspense --date YYYY-MM-DD [--format json|csv|xlsx|pdf]\n"
              "       lephi report collections|indicators|charges|exemptions --from D --to D (or --period "
              "2026-11|2026-Q4|2026)\n"
              "       lephi report breaks\n"
              "--lines: what stands behind each figure (daily, collections, indicators)\n",
              stderr);
        return 2;
    }
    struct arena arena;
    arena_init(&arena);
    struct text bytes = TEXT_NONE;
    enum err err = report_make(db, &arena, report, &w, &bytes);
    int code = err ? failed("lephi report", err, db) : 0;
    if (!err)
        fwrite(bytes.at, 1, bytes.length, stdout);
    catalogue_in_force_set(NULL);
    arena_done(&arena);
    return code;
}

static int day_close_print(struct db *db, struct arena *arena, date_days day)
{
    struct db_args args = db_args(arena);
    db_arg_instant(&args, clock_now());
    db_arg_date(&args, day);
    db_arg_string(&args, "system:command");
    struct db_rows rows;
    enum err err = db_query(db, &close_day, &args, &rows);
    if (err)
        return failed("lephi day", err, db);
    struct text said = db_text(&rows, 0, 0);
    if (text_is(said, "closed"))
        return 0;
    fprintf(stderr, "lephi day: %s\n",
            text_is(said, "pending")    ? "lines wait for the nightly run"
            : text_is(said, "not over") ? "the day is not over"
                                        : "the day is closed already");
    return 1;
}

int day_command(struct db *db, int argc, char **argv)
{
    date_days day;
    bool close = argc > 1 && !strcmp(argv[1], "close");
    if (argc != 3 || (!close && strcmp(argv[1], "show") != 0) || !date_parse(text_of(argv[2]), &day)) {
        fputs("Usage: lephi day show YYYY-MM-DD\n       lephi day close YYYY-MM-DD\n", stderr);
        return 2;
    }
    struct arena arena;
    arena_init(&arena);
    int code = close ? day_close_print(db, &arena, day) : 0;
    struct db_args args = db_args(&arena);
    db_arg_date(&args, day);
    struct db_rows rows;
    enum err err = code ? OK : db_query(db, &state_of, &args, &rows);
    if (err)
        code = failed("lephi day", err, db);
    else if (!code)
        printf("%.*s\n", TEXT_ARGS(db_text(&rows, 0, 0)));
    arena_done(&arena);
    return code;
}
