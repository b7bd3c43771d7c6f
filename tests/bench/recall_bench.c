/* How much of a year's bank lines is recognised, and whether ever wrongly: a generated year whose truth is known, told
 * to the product as a bank, wallets and payers tell it, night by night.
 *
 *   build/tests/bench/recall_bench [REQUESTS [SEED]]     default 30000 and 1
 *
 * Transfers in the shapes that public statements show: announced by call-back or not, with the bank's number or
 * without, mangled memos, a day or three late, in two parts, twice, by the hundred in one pay-out; between them money
 * without any code, charges, interest, transfers away. Prices repeat, so that an amount tells nothing. Each night the
 * day's statement is imported and the run made. A line is found when it is matched to the request, or pay-out, that it
 * truly is; false when to another, or when what is no collection is matched. Two wrong symbols are refused by design:
 * those lines are to wait for a person, and are shown apart.
 *
 * DATABASE_URL names a migrated database that is thrown away. A table on standard error, JSON on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/memory.h"
#include "payments/ledger/ledger.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"
#include "tests/support/memos.h"

#define ACCOUNT "0021000000001"

enum { YEAR_DAYS = 365, LATE_MAX = 3, NOTICES_MAX = 4096, PATIENCE_S = 3600, WRAP = 65 };

/* What happens to a request's money, in ten-thousandths of all. */
enum kind {
    ANNOUNCED,      /* call-back and line name the bank's number */
    NO_NUMBER,      /* announced; the line has no number of the bank's, its memo is as good as it comes */
    LOST_CALL_BACK, /* only the line, memo legible */
    LOST_MANGLED,   /* only the line, one symbol wrong or cut at the end */
    NUMBER_MANGLED, /* announced, memo mangled beyond repair, the number agrees */
    LATE,           /* announced, the bank books it days later */
    IN_PARTS,       /* two transfers, one of them announced */
    TWICE,          /* paid twice, announced once */
    PAID_OUT,       /* by wallet, in the day's pay-out */
    BEYOND_REPAIR,  /* only the line, two symbols wrong */
    KINDS,
    NOISE = KINDS /* no collection of ours */
};
static const struct {
    const char *name;
    int share;
} kinds[KINDS + 1] = {
    {"announced", 7700},          {"announced, no bank number", 800},
    {"call-back lost", 500},      {"call-back lost, mangled", 150},
    {"announced, memo lost", 50}, {"late by 1 to 3 days", 250},
    {"in two parts", 100},        {"twice", 95},
    {"in a pay-out", 350},        {"two symbols wrong", 5},
    {"no collection", 0},
};
/* Lines that are no collection, for each hundred requests. */
enum { NOISE_PERCENT = 4 };

static const int prices[] = {5000, 8000, 10000, 15000, 15000, 20000, 30000, 50000, 50000, 100000, 150000, 500000};
enum { PRICES = sizeof prices / sizeof *prices };

static struct db *db;
static struct dice dice;
static int64_t balance = 1000000000;

/* A line that the bank will print on a day. */
struct line {
    int64_t amount;
    char bank_reference[20];
    char memo[MEMO_LINE_SIZE];
    enum kind kind;
    char truth[24]; /* the request's reference or the pay-out's batch; empty: none */
};

struct day {
    struct line *lines;
    size_t count, room;
};
static struct day days[YEAR_DAYS + LATE_MAX + 1];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "recall_bench: %s: %s\n", what, db_error(db));
    exit(1);
}

static void sql(const char *script)
{
    if (db_script(db, script))
        die(script);
}

static date_days date_at(int day)
{
    return date_from(2026, 1, 5) + day;
}

static instant_us moment(int day, int hour)
{
    return instant_from((struct civil){.year = civil_of_date(date_at(day)).year,
                                       .month = civil_of_date(date_at(day)).month,
                                       .day = civil_of_date(date_at(day)).day,
                                       .hour = hour});
}

/* The bank works from Monday to Friday. */
static int banking_day(int day)
{
    while (day % 7 >= 5)
        day++;
    return day < YEAR_DAYS + LATE_MAX ? day : YEAR_DAYS + LATE_MAX;
}

static struct line *line_on(int day, enum kind kind, const char *truth, int64_t amount)
{
    struct day *at = &days[banking_day(day)];
    if (at->count == at->room) {
        at->room = at->room ? at->room * 2 : 64;
        at->lines = memory_grow(at->lines, at->room * sizeof *at->lines);
    }
    struct line *line = &at->lines[at->count++];
    *line = (struct line){.amount = amount, .kind = kind};
    snprintf(line->truth, sizeof line->truth, "%s", truth);
    return line;
}

static void bank_number(char ret[20])
{
    static long last;
    snprintf(ret, 20, "FT26%010ld", ++last);
}

static void memo_on(struct line *line, const struct reference *made, enum damage damage)
{
    char memo[MEMO_SIZE];
    memo_write(&dice, made, damage, memo);
    memo_fill_shape(&dice, memo, line->memo);
}

static enum damage one_of(enum damage from, enum damage to)
{
    return (enum damage)(from + dice_below(&dice, (int)(to - from) + 1));
}

/* A day's requests and what becomes of each. ---------------------------------------------------------------------- */

struct asked {
    struct reference reference;
    enum kind kind;
    int64_t price;
};

static const struct db_statement dossiers_sql = {
    "recall_dossiers", "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, "
                       "registered_at, changed_at) SELECT 'R-' || r, '2.000635', 'A1', 'online', 'Nguyễn Thị Ánh', "
                       "$2, $2, $2 FROM unnest($1::text[]) r"};
static const struct db_statement requests_sql = {
    "recall_requests",
    "SELECT request_make($2, u.r, 'R-' || u.r, 'filing', u.p, (SELECT id FROM receiving_account LIMIT 1), '5700100001',"
    " sha256(u.r::bytea), '{}', 'test', $4, NULL, 'payload', 'system:test', $2::timestamptz + interval '30 days',"
    " jsonb_build_array(jsonb_build_object('fee', 'HT-TRICHLUC', 'name', 'Phí cấp bản sao trích lục', 'kind', 'phi',"
    " 'gross', u.p, 'reduction', 0, 'net', u.p, 'document', 'state_receipt', 'legal_basis', 'TT 281/2016')))"
    " FROM unnest($1::text[], $3::bigint[]) AS u (r, p)"};

static void requests_make(const struct asked *asked, size_t count, int day)
{
    struct arena arena;
    arena_init(&arena);
    struct text *references = ARENA_ARRAY(&arena, struct text, count);
    int64_t *amounts = ARENA_ARRAY(&arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        references[i] = text_of(asked[i].reference.text);
        amounts[i] = asked[i].price;
    }
    struct db_args dossiers = db_args(&arena), requests = db_args(&arena);
    db_arg_text_array(&dossiers, references, count);
    db_arg_instant(&dossiers, moment(day, 8));
    db_arg_text_array(&requests, references, count);
    db_arg_instant(&requests, moment(day, 8));
    db_arg_int_array(&requests, amounts, count);
    db_arg_date(&requests, date_at(day));
    if (db_run(db, &dossiers_sql, &dossiers) || db_run(db, &requests_sql, &requests))
        die("requests");
    arena_done(&arena);
}

/* What call-backs say on a day. */
static struct notice notices[NOTICES_MAX];
static struct text raws[NOTICES_MAX];
static size_t notice_count;
static long external;

static void announce(struct arena *arena, const struct asked *asked, int64_t amount, const char *bank_reference,
                     int day, enum method method)
{
    if (notice_count == NOTICES_MAX)
        die("too many call-backs a day");
    struct notice *notice = &notices[notice_count++];
    *notice = (struct notice){.source = method == METHOD_WALLET ? TEXT("momo") : TEXT("sandbox-bank"),
                              .external_id = arena_textf(arena, "X%ld", ++external),
                              .amount = amount,
                              .account = TEXT(ACCOUNT),
                              .memo = arena_textf(arena, "%s nop le phi", asked->reference.text),
                              .bank_reference = arena_text(arena, text_of(bank_reference)),
                              .paid_at = moment(day, 9),
                              .method = method,
                              .status = NOTICE_PAID};
    notice_seal(notice);
}

/* The day's pay-out of the wallet. */
struct pay_out {
    char batch[20];
    int64_t gross;
    size_t count;
    struct buf ids, references, amounts, fees, dates;
};

static void pay_out_add(struct arena *arena, struct pay_out *out, const struct asked *asked, int day)
{
    const char *comma = out->count++ ? "," : "";
    char date[DATE_TEXT_SIZE];
    announce(arena, asked, asked->price, "", day, METHOD_WALLET);
    date_format(date_at(day), date);
    out->gross += asked->price;
    buf_printf(&out->ids, "%sX%ld", comma, external);
    buf_printf(&out->references, "%s%s", comma, asked->reference.text);
    buf_printf(&out->amounts, "%s%lld", comma, (long long)asked->price);
    buf_printf(&out->fees, "%s0", comma);
    buf_printf(&out->dates, "%s%s", comma, date);
}

/* gross − fee = credit, a line on the next banking day that names the batch. */
static void pay_out_end(struct pay_out *out, int day)
{
    struct buf script = {0};
    char date[DATE_TEXT_SIZE];
    int64_t fee = out->gross / 100;
    date_format(date_at(banking_day(day + 1)), date);
    buf_printf(
        &script,
        "SELECT pay_out_take('%s 01:00+07', 'staff:bench', 'momo', '%s', (SELECT id FROM receiving_account), '%s', "
        "%lld, %lld, '{%.*s}', '{%.*s}', '{%.*s}', '{%.*s}', '{%.*s}')",
        date, out->batch, date, (long long)out->gross, (long long)fee, TEXT_ARGS(buf_view(&out->ids)),
        TEXT_ARGS(buf_view(&out->references)), TEXT_ARGS(buf_view(&out->amounts)), TEXT_ARGS(buf_view(&out->fees)),
        TEXT_ARGS(buf_view(&out->dates)));
    buf_put(&script, "", 1);
    if (out->count) {
        sql(script.at);
        struct line *line = line_on(day + 1, PAID_OUT, out->batch, out->gross - fee);
        bank_number(line->bank_reference);
        snprintf(line->memo, sizeof line->memo, "MOMO CHI TRA LO %s KY %s", out->batch, date);
    }
    struct buf *all[] = {&out->ids, &out->references, &out->amounts, &out->fees, &out->dates, &script};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_done(all[i]);
}

static void pay_in_parts(struct arena *arena, const struct asked *asked, int day)
{
    int64_t first = asked->price / 5 * 2;
    struct line *announced = line_on(day, IN_PARTS, asked->reference.text, first);
    bank_number(announced->bank_reference);
    memo_on(announced, &asked->reference, INTACT);
    announce(arena, asked, first, announced->bank_reference, day, METHOD_VIETQR);
    struct line *rest = line_on(day + 1, IN_PARTS, asked->reference.text, asked->price - first);
    bank_number(rest->bank_reference);
    memo_on(rest, &asked->reference, one_of(INTACT, LOOKALIKE));
}

static void pay(struct arena *arena, const struct asked *asked, int day, struct pay_out *out)
{
    if (asked->kind == PAID_OUT) {
        pay_out_add(arena, out, asked, day);
        return;
    }
    if (asked->kind == IN_PARTS) {
        pay_in_parts(arena, asked, day);
        return;
    }
    int later = asked->kind == LATE ? 1 + dice_below(&dice, LATE_MAX) : 0;
    struct line *line = line_on(day + later, asked->kind, asked->reference.text, asked->price);
    bool announced = asked->kind != LOST_CALL_BACK && asked->kind != LOST_MANGLED && asked->kind != BEYOND_REPAIR;
    enum damage damage = asked->kind == LOST_MANGLED     ? one_of(ONE_WRONG, CUT_2)
                         : asked->kind == NUMBER_MANGLED ? one_of(TWO_WRONG, CUT_3)
                         : asked->kind == BEYOND_REPAIR  ? TWO_WRONG
                                                         : one_of(INTACT, LOOKALIKE);
    memo_on(line, &asked->reference, damage);
    if (asked->kind != NO_NUMBER)
        bank_number(line->bank_reference);
    if (announced)
        announce(arena, asked, asked->price, line->bank_reference, day, METHOD_VIETQR);
    if (asked->kind == TWICE) {
        struct line *again = line_on(day + dice_below(&dice, 2), TWICE, asked->reference.text, asked->price);
        bank_number(again->bank_reference);
        memo_on(again, &asked->reference, one_of(INTACT, LOOKALIKE));
    }
}

static void noise_on(int day)
{
    static const char *const charges[] = {"THU PHI DICH VU SMS BANKING", "PHI QUAN LY TAI KHOAN T11"};
    char memo[MEMO_SIZE];
    int what = dice_below(&dice, 10);
    int64_t amount = what < 2   ? -3300
                     : what < 3 ? -prices[dice_below(&dice, PRICES)] * 10
                                : prices[dice_below(&dice, PRICES)];
    struct line *line = line_on(day, NOISE, "", amount);
    bank_number(line->bank_reference);
    memo_without_code(&dice, memo);
    if (what < 2)
        snprintf(line->memo, sizeof line->memo, "%s", charges[what]);
    else if (what < 4)
        snprintf(line->memo, sizeof line->memo, what == 2 ? "CHUYEN TIEN NOP NSNN" : "TRA LAI TIEN GUI KKH");
    else
        memo_fill_shape(&dice, memo, line->memo);
}

static void live_through(struct arena *arena, int day, size_t count)
{
    struct asked *asked = ARENA_ARRAY(arena, struct asked, count);
    struct pay_out out = {.count = 0};
    snprintf(out.batch, sizeof out.batch, "MM2026%04d", day);
    for (size_t i = 0; i < count; i++) {
        int draw = dice_below(&dice, 10000), kind = 0;
        for (; draw >= kinds[kind].share; kind++)
            draw -= kinds[kind].share;
        reference_new("QN", &asked[i].reference);
        asked[i].kind = (enum kind)kind;
        asked[i].price = prices[dice_below(&dice, PRICES)];
    }
    requests_make(asked, count, day);
    notice_count = 0;
    for (size_t i = 0; i < count; i++)
        pay(arena, &asked[i], day, &out);
    for (size_t i = 0; i < count * NOISE_PERCENT / 100; i++)
        noise_on(day);
    pay_out_end(&out, day);
    struct confirmation *confirmations = ARENA_ARRAY(arena, struct confirmation, CONFIRM_BATCH_MAX);
    for (size_t i = 0; i < notice_count; i += CONFIRM_BATCH_MAX) {
        size_t here = notice_count - i < CONFIRM_BATCH_MAX ? notice_count - i : CONFIRM_BATCH_MAX;
        if (ledger_confirm(db, arena, notices + i, raws, here, moment(day, 10), confirmations))
            die("call-backs");
    }
}

/* The bank's side. --------------------------------------------------------------------------------------------------
 */

/* :86: in pieces of 65, as banks cut it, inside words; no piece begins like a tag or an end. */
static void memo_print(struct buf *out, const char *memo)
{
    size_t length = strlen(memo);
    buf_string(out, ":86:");
    for (size_t at = 0; at < length;) {
        size_t piece = length - at < WRAP ? length - at : WRAP;
        while (piece > 1 && at + piece < length && (memo[at + piece] == ':' || memo[at + piece] == '-'))
            piece--;
        buf_printf(out, "%.*s\n", (int)piece, memo + at);
        at += piece;
    }
}

static void statement_print(struct buf *out, int day, struct buf *truth)
{
    char date[DATE_TEXT_SIZE], swift[8];
    date_format(date_at(day), date);
    snprintf(swift, sizeof swift, "%.2s%.2s%.2s", date + 2, date + 5, date + 8);
    buf_printf(out, ":20:RECALL\n:25:" ACCOUNT "\n:28C:%d/1\n:60F:C%sVND%lld,\n", day + 1, swift, (long long)balance);
    for (size_t i = 0; i < days[day].count; i++) {
        const struct line *line = &days[day].lines[i];
        bool in = line->amount > 0;
        buf_printf(out, ":61:%s%.4s%s%lld,NTRFNONREF", swift, swift + 2, in ? "C" : "D",
                   (long long)(in ? line->amount : -line->amount));
        buf_printf(out, *line->bank_reference ? "//%s\n" : "\n", line->bank_reference);
        memo_print(out, line->memo);
        buf_printf(truth, "%d\t%zu\t%d\t%s\n", day + 1, i + 1, (int)line->kind, line->truth);
        balance += line->amount;
    }
    buf_printf(out, ":62F:C%sVND%lld,\n-\n", swift, (long long)balance);
}

static int64_t night(struct arena *arena, int day)
{
    struct buf file = {0}, truth = {0};
    struct text told;
    int64_t run;
    statement_print(&file, day, &truth);
    const struct statement_import_order order = {buf_view(&file), "day.sta", "bench", moment(day + 1, 1)};
    int64_t began = clock_monotonic_us();
    if (statement_import(db, arena, &order, &told) ||
        reconcile(db, arena, date_at(day), "bench", moment(day + 1, 2), &run, &told))
        die("night");
    int64_t took = clock_monotonic_us() - began;
    if (db_copy_in(db, "COPY truth FROM STDIN", buf_view(&truth)))
        die("truth");
    buf_done(&file);
    buf_done(&truth);
    return took;
}

/* What was found. ---------------------------------------------------------------------------------------------------
 */

static const struct db_statement found_sql = {
    "recall_found", "SELECT t.kind, count(*), count(*) FILTER (WHERE m.line_id IS NOT NULL AND t.what <> '' AND "
                    "coalesce(r.reference, b.batch) = t.what),"
                    " count(*) FILTER (WHERE m.line_id IS NOT NULL AND coalesce(r.reference, b.batch, '') <> t.what), "
                    "count(*) FILTER (WHERE l.id IS NULL)"
                    " FROM truth t LEFT JOIN statement s ON s.number LIKE t.statement || '%' AND split_part(s.number, "
                    "'/', 1) = t.statement::text"
                    " LEFT JOIN statement_line l ON l.statement_id = s.id AND l.ordinal = t.ordinal"
                    " LEFT JOIN line_match m ON m.line_id = l.id LEFT JOIN payment p ON p.id = m.payment_id"
                    " LEFT JOIN payment_request r ON r.id = p.request_id LEFT JOIN pay_out b ON b.id = m.batch_id "
                    "GROUP BY 1 ORDER BY 1"};

struct score {
    long lines, found, false_matches;
};

static void add(struct score *to, const struct score *more)
{
    to->lines += more->lines;
    to->found += more->found;
    to->false_matches += more->false_matches;
}

static void tell(int64_t took_us)
{
    struct arena arena;
    struct db_rows rows;
    struct score legible = {0}, all = {0};
    arena_init(&arena);
    struct db_args none = db_args(&arena);
    sql("ANALYZE truth");
    if (db_query(db, &found_sql, &none, &rows))
        die("found");
    fprintf(stderr, "%-28s %8s %8s %8s %10s\n", "", "lines", "found", "false", "found %");
    for (int i = 0; i < rows.count; i++) {
        int kind = (int)db_int(&rows, i, 0);
        struct score one = {(long)db_int(&rows, i, 1), (long)db_int(&rows, i, 2), (long)db_int(&rows, i, 3)};
        if (db_int(&rows, i, 4))
            die("lines of the statements are not in the database");
        fprintf(stderr, "%-28s %8ld %8ld %8ld %10.3f\n", kinds[kind].name, one.lines, one.found, one.false_matches,
                100.0 * (double)one.found / (double)one.lines);
        if (kind != BEYOND_REPAIR && kind != NOISE)
            add(&legible, &one);
        if (kind == NOISE)
            one.lines = one.found = 0;
        add(&all, &one);
    }
    double per_s = (double)all.lines * 1e6 / (double)took_us;
    fprintf(stderr, "recall %.4f %%, with what is beyond repair %.4f %%; false matches %ld; %.0f lines/s\n",
            100.0 * (double)legible.found / (double)legible.lines, 100.0 * (double)all.found / (double)all.lines,
            all.false_matches, per_s);
    printf("{\"lines\": %ld, \"recall_percent\": %.4f, \"recall_all_percent\": %.4f, \"false_matches\": %ld, "
           "\"lines_per_s\": %.0f}\n",
           all.lines, 100.0 * (double)legible.found / (double)legible.lines,
           100.0 * (double)all.found / (double)all.lines, all.false_matches, per_s);
    arena_done(&arena);
}

int main(int argc, char **argv)
{
    long requests = argc > 1 ? atol(argv[1]) : 30000;
    dice.state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const struct db_options options = {
        .url = test_database_url(), .name = "bench", .statement_timeout_ms = PATIENCE_S * 1000};
    if (db_open(&options, &db))
        return 1;
    test_province(db);
    sql("CREATE TABLE truth (statement integer, ordinal bigint, kind integer, what text)");
    int64_t took_us = 0;
    for (int day = 0; day < YEAR_DAYS + LATE_MAX; day++) {
        struct arena arena;
        arena_init(&arena);
        if (day < YEAR_DAYS - LATE_MAX)
            live_through(&arena, day, (size_t)(requests * (day + 1) / YEAR_DAYS - requests * day / YEAR_DAYS));
        if (days[day].count)
            took_us += night(&arena, day);
        free(days[day].lines);
        arena_done(&arena);
    }
    tell(took_us);
    db_close(db);
    return 0;
}
