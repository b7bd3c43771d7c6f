/* What an operator or the finance office does with receipts at the command line: ranges of delegates, lists they hand
 * in, the day's summary, what a person must look at, retention. Each prints JSON. */
#include "app/receipt_acts.h"

#include <stdio.h>
#include <string.h>
#include "core/base/file.h"
#include "receipts/receipts.h"

static const char actor[] = "operator";

struct work {
    struct db *db;
    struct arena arena;
    struct faults faults;
    struct buf out;
    int argc;
    char **argv; /* argv[0] "receipt", argv[1] the act */
};

static struct text word(const struct work *w, int i)
{
    return i < w->argc ? text_of(w->argv[i]) : TEXT_NONE;
}

static enum err ranges(struct work *w)
{
    struct json json = json_to(&w->out);
    return receipt_ranges_write(w->db, &w->arena, &json);
}

/* delegate COLLECTOR LETTERS OUTLET FIRST LAST us|delegate NAME TAX_CODE ADDRESS AGREEMENT FROM TO NOTIFIED_ON */
static enum err delegate(struct work *w)
{
    struct receipt_delegation d = {.collector = word(w, 2),
                                   .form = TEXT("EBL01"),
                                   .outlet = word(w, 4),
                                   .delegate = {.name = word(w, 8), .tax_code = word(w, 9), .address = word(w, 10)},
                                   .agreement = word(w, 11),
                                   .purpose = TEXT("Thu phí, lệ phí")};
    int64_t range;
    if (!date_parse(word(w, 12), &d.from) || !date_parse(word(w, 13), &d.to) ||
        !date_parse(word(w, 14), &d.notified_on) || !text_to_int64(word(w, 5), &d.first) ||
        !text_to_int64(word(w, 6), &d.last) || (!text_is(word(w, 7), "us") && !text_is(word(w, 7), "delegate")))
        return faults_add(&w->faults, "arguments", ERR_INVALID, "Số, ngày YYYY-MM-DD, us hoặc delegate");
    d.numbered_by = text_is(word(w, 7), "delegate") ? RECEIPT_NUMBERED_BY_DELEGATE : RECEIPT_NUMBERED_BY_US;
    d.symbol = arena_textf(&w->arena, "%02dT%.*s", civil_of_date(d.from).year % 100, TEXT_ARGS(word(w, 3)));
    enum err err = receipt_range_delegate(w->db, &w->arena, clock_now(), actor, &d, &range);
    if (!err)
        buf_printf(&w->out, "{\"range\": %lld}", (long long)range);
    return err;
}

/* outlet COLLECTOR actor|account|method VALUE OUTLET */
static enum err outlet(struct work *w)
{
    enum err err =
        receipt_outlet_set(w->db, &w->arena, clock_now(), actor, word(w, 2), word(w, 3), word(w, 4), word(w, 5));
    if (!err)
        buf_string(&w->out, "{\"set\": true}");
    return err;
}

/* close RANGE REASON */
static enum err close_range(struct work *w)
{
    int64_t range, after;
    if (!text_to_int64(word(w, 2), &range))
        return faults_add(&w->faults, "RANGE", ERR_INVALID, NULL);
    enum err err = receipt_range_close(w->db, &w->arena, clock_now(), actor, range, word(w, 3), &after);
    if (!err)
        buf_printf(&w->out, "{\"range\": %lld, \"closed_after\": %lld}", (long long)range, (long long)after);
    return err;
}

/* import FILE.csv */
static enum err import(struct work *w)
{
    struct text bytes;
    struct json json = json_to(&w->out);
    const char *name = strrchr(w->argv[2], '/');
    enum err err = file_read(w->argv[2], RECEIPT_UPLOAD_MAX, &w->arena, &bytes);
    return err ? err
               : receipt_list_import(w->db, &w->arena, clock_now(), actor, name ? name + 1 : w->argv[2], bytes,
                                     &w->faults, &json);
}

/* summary DATE */
static enum err summary(struct work *w)
{
    date_days day;
    struct json json = json_to(&w->out);
    if (!date_parse(word(w, 2), &day))
        return faults_add(&w->faults, "DATE", ERR_INVALID, "YYYY-MM-DD");
    return receipt_summaries_make(w->db, &w->arena, clock_now(), actor, day, &json);
}

/* erase BEFORE: never younger than the years of retention */
static enum err erase(struct work *w)
{
    date_days before;
    int64_t count;
    struct civil limit = civil_of(clock_now());
    limit.year -= (int)config_int(CONFIG_RECEIPTS_RETENTION);
    if (!date_parse(word(w, 2), &before))
        return faults_add(&w->faults, "BEFORE", ERR_INVALID, "YYYY-MM-DD");
    if (before > date_from(limit.year, 1, 1)) /* whole financial years: the year of the voucher counts to its end */
        return faults_add(&w->faults, "BEFORE", ERR_FIELD_RANGE, "Chỉ được xóa trước ngày 01/01/%d (giữ %lld năm)",
                          limit.year, (long long)config_int(CONFIG_RECEIPTS_RETENTION));
    enum err err = receipt_erase_before(w->db, clock_now(), actor, before, &count);
    if (!err)
        buf_printf(&w->out, "{\"erased\": %lld}", (long long)count);
    return err;
}

static const struct {
    const char *name;
    int argc_min, argc_max;
    enum err (*act)(struct work *w);
} acts[] = {{"ranges", 2, 2, ranges},     {"delegate", 15, 15, delegate}, {"outlet", 6, 6, outlet},
            {"close", 4, 4, close_range}, {"import", 3, 3, import},       {"summary", 3, 3, summary},
            {"erase", 3, 3, erase}};

static int run(struct work *w, enum err (*act)(struct work *w))
{
    arena_init(&w->arena);
    faults_init(&w->faults, &w->arena);
    enum err err = act(w);
    if (!err) {
        printf("%s\n", buf_cstr(&w->out));
    } else if (w->faults.count) {
        app_print_faults(&w->faults);
    } else {
        fprintf(stderr, "lephi receipt: %s (%s)\n", err_info(err)->en,
                err == ERR_DATABASE || err == ERR_INTERNAL || err == ERR_CONFLICT ? db_error(w->db)
                                                                                  : err_info(err)->code);
    }
    buf_done(&w->out);
    arena_done(&w->arena);
    return err ? EXIT_FAILED : EXIT_DONE;
}

bool receipt_act(int argc, char **argv, int *ret_status)
{
    for (size_t i = 0; argc > 1 && i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(argv[1], acts[i].name) != 0)
            continue;
        if (argc < acts[i].argc_min || argc > acts[i].argc_max) {
            *ret_status = app_usage(argv[0], NULL);
            return true;
        }
        struct work w = {.argc = argc, .argv = argv};
        *ret_status = app_configure();
        w.db = *ret_status ? NULL : app_db();
        if (!*ret_status)
            *ret_status = w.db ? run(&w, acts[i].act) : EXIT_FAILED;
        db_close(w.db);
        return true;
    }
    return false;
}
