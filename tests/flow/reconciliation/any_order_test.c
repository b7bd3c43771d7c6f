/* The order of input does not matter: the same files, in any order, in one run or in ten, give the same books to the
 * byte. Statements, overlaps, settlement batches, mangled and doubled references, reversals, declared sets.
 * TEST_ORDERS (6) orders, TEST_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "payments/requests/requests.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define ACCOUNT "0021000000001"

enum {
    DAYS = 5,
    FIRST_DAY = 23,
    REQUESTS = 60,
    OVERLAPS = 3,
    BATCHES = 4,
    FILES = DAYS + OVERLAPS + BATCHES,
    LINES_A_DAY = 24
};

static struct arena arena;
static instant_us at;
static uint64_t seed;

/* Written down, not drawn: a seed gives the same day again, and natural keys hang on the memos. */
static const char references[REQUESTS][REFERENCE_LENGTH + 1] = {
    "QNC35MRV7CN6V1", "QN0XN07ZSNE8Y2", "QNMS4QCKB27RHA", "QNN1KMHR37NC6N", "QNB3C5X5H9KP45", "QN7Z5VFD5RMSYB",
    "QN5NZQPCBEW3AJ", "QNWDEV2C6R2WKA", "QN2XS1FA1ZAFHE", "QN7ZY9V0AT6B18", "QN52BD1PWH6FKF", "QN52R7G5C0EWT0",
    "QNZ3SCGG3WXV17", "QNACPMVZ0E8RMG", "QNMJQ7D38QR5E7", "QNFPPVKSRQSDDF", "QNYFYA2M81QY0Z", "QNVTV1PV0SWE83",
    "QN912Y9MPHGHCT", "QNMQXHYXS50YW5", "QNBKA8QXQZ6Y9R", "QNRBNFVXDN0TCZ", "QN32WX1J6DWTV0", "QNJ740KYNNW68D",
    "QNEW9RGDF9KSZ9", "QN9F4F2XKRD3B8", "QN6G2EY5RRM8TZ", "QNSSNPWQ3PCX5C", "QN1RKSJBYHYHRZ", "QNV5QBBPVC8PFM",
    "QN12CPEZ8SRNDC", "QNCRQ9M6744ASG", "QN4WN0D18QKX2B", "QN1642R3KM7420", "QN4HN4VPAWWA21", "QNAAZKH17NSQ7M",
    "QNF1QZ36ED2K0D", "QN7AYJXT3B22Q4", "QNDA7C3R687TDZ", "QN6D81W62JY18T", "QNYDWWXY0M8VE6", "QNV2B47HPM405C",
    "QNGP99PMYYVV9H", "QNGWBVAW5HQ4H3", "QN3QR0MYXH1NHV", "QNTZCNV8FXEAJX", "QN2S060YSNFEBY", "QNPXWBPFBSJDWC",
    "QNH7F01R5R69EX", "QNCKHH2E61XTW6", "QNAXBQBQWSWJQJ", "QN9Q23EK614ZXQ", "QNHCY50NX7F066", "QNHT2EG4TBQWEZ",
    "QNJKN75XCVVH6E", "QNXXZHPXQVHZ20", "QNGQ5M9GFPEC90", "QNS662PQ7M0E91", "QNQNREWJEP0947", "QNES1FW65M0FX1",
};
static int amounts[REQUESTS];

static unsigned roll(unsigned sides)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % sides;
}

static const char *file_of[FILES]; /* a statement, or the SQL that takes a batch */

/* One symbol of a reference read wrongly, as a person miscopies it. */
static void mangle(char *reference)
{
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    size_t where = 3 + roll(8);
    char other;
    do
        other = letters[roll(32)];
    while (other == reference[where]);
    reference[where] = other;
}

/* What one line says; about every way money comes in a day. */
static int line_write(struct buf *out, int day, int number, int64_t *balance)
{
    int request = (int)roll(REQUESTS), second = (int)roll(REQUESTS), amount = amounts[request];
    char memo[200], bank[40] = "";
    char wrong[REFERENCE_LENGTH + 1];
    memcpy(wrong, references[request], sizeof wrong);
    const char *mark = "C", *type = "NTRF";
    snprintf(memo, sizeof memo, "%s le phi", references[request]);
    if (roll(3))
        snprintf(bank, sizeof bank, "//FT%d%03d", day, number);
    switch (roll(14)) {
    case 0:
        mangle(wrong);
        snprintf(memo, sizeof memo, "%s le phi", wrong);
        break;
    case 1:
        amount = 5000; /* a part, or too much */
        break;
    case 2:
        snprintf(memo, sizeof memo, "%s %s", references[request], references[second]);
        amount += second == request ? 0 : amounts[second];
        break;
    case 3:
        snprintf(memo, sizeof memo, "%s %s", references[request], references[second]); /* whose? */
        break;
    case 4:
        snprintf(memo, sizeof memo, "chuyen tien %d", (int)roll(3));
        amount = 7000;
        break;
    case 5:
        snprintf(memo, sizeof memo, "THU PHI DICH VU SMS");
        mark = "D", type = "NCHG", amount = 3300;
        break;
    case 6:
        snprintf(memo, sizeof memo, "TT GATEWAY BATCH%d", (int)roll(BATCHES));
        amount = 90000 + (int)roll(3) * 1000;
        break;
    case 7: /* the bank takes something back */
        mark = "RC";
        snprintf(bank, sizeof bank, "//FT%d%03d", day - (int)roll(2), (int)roll(LINES_A_DAY));
        break;
    case 8: /* the same transaction told again on another day */
        snprintf(bank, sizeof bank, "//FT%d%03d", day - 1, (int)roll(LINES_A_DAY));
        break;
    case 9:
        snprintf(memo, sizeof memo, "nop tien khong ro so %d", (int)roll(4)); /* announced, and not known whose */
        amount = 11000;
        break;
    default: break;
    }
    *balance += mark[0] == 'C' ? amount : -amount;
    buf_printf(out, ":61:2611%02d11%02d%s%d,%sNONREF%s\n:86:%s\n", day, day, mark, amount, type, bank, memo);
    return 1;
}

static const char *statement_write(int day, int number, int lines, int64_t *balance)
{
    struct buf body = {0}, out = {0};
    int64_t opening = *balance;
    for (int i = 0; i < lines; i++)
        line_write(&body, day, i, balance);
    buf_printf(&out, ":20:S%d\n:25:" ACCOUNT "\n:28C:%d/1\n:60F:C2611%02dVND%lld,\n", number, number, day - 1,
               (long long)opening);
    buf_text(&out, buf_view(&body));
    buf_printf(&out, ":62F:C2611%02dVND%lld,\n-\n", day, (long long)*balance);
    const char *text = arena_copy(&arena, buf_view(&out));
    buf_done(&body);
    buf_done(&out);
    return text;
}

/* A second export of a day, with the first half of its lines, under a number of its own. */
static const char *overlap_write(const char *whole, int number)
{
    struct text rest = text_of(whole), line;
    struct buf out = {0};
    int64_t balance = 0;
    int lines = 0;
    while (rest.length) {
        line = text_until(rest, '\n', &rest);
        bool head = text_starts(line, ":28C:"), entry = text_starts(line, ":61:");
        if (text_starts(line, ":60F:"))
            balance = atoll(arena_copy(&arena, text_slice(line, 15, 20)));
        if (entry && (lines++ >= LINES_A_DAY / 2 || text_find(line, TEXT("//FT")) == line.length)) {
            text_until(rest, '\n', &rest); /* its :86: */
            continue;
        }
        if (entry) {
            size_t digits = 14 + (line.at[14] == 'R') + 1;
            int64_t amount = atoll(arena_copy(&arena, text_slice(line, digits, 12)));
            balance += line.at[14] == 'C' ? amount : -amount;
        }
        if (text_starts(line, ":62F:"))
            buf_printf(&out, "%.*s%lld,\n", 15, line.at, (long long)balance);
        else if (head)
            buf_printf(&out, ":28C:%d/1\n", number);
        else
            buf_printf(&out, "%.*s\n", TEXT_ARGS(line));
    }
    const char *text = arena_copy(&arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static void files_write(void)
{
    int64_t balance = 50000000;
    for (int i = 0; i < DAYS; i++)
        file_of[i] = statement_write(FIRST_DAY + i, i + 1, LINES_A_DAY, &balance);
    for (int i = 0; i < OVERLAPS; i++)
        file_of[DAYS + i] = overlap_write(file_of[i], 90 + i);
    for (int i = 0; i < BATCHES; i++)
        file_of[DAYS + OVERLAPS + i] = arena_printf(
            &arena,
            "SELECT pay_out_take('2026-11-30T01:00Z', 'staff:test', 'gateway', 'BATCH%d', (SELECT id FROM "
            "receiving_account), '2026-11-2%d', %d, 1000, '{g%d}', '{%s}', '{%d}', '{1000}', '{2026-11-23}')",
            i, 4 + i, 91000 + 1000 * (i % 3), i, references[i], 91000 + 1000 * (i % 3));
}

static void call_back(struct db *to, int number, int day, const char *reference, int amount, const char *bank,
                      const char *memo)
{
    char sql[1200];
    snprintf(
        sql, sizeof sql,
        "SELECT confirm('2026-11-%02dT03:00Z', '{sandbox-bank}', '{cb%d}', ARRAY[sha256('cb%d')], '{%d}', '{" ACCOUNT
        "}', '{vietqr}', '{%s}', '{%s}', '{2026-11-%02dT03:00Z}', '{NULL}', '{NULL}', ARRAY[NULL::bytea], '{%s}', "
        "'{%s}', '{%s}')",
        day, number, number, amount, bank, memo, day, *reference ? "1" : "", reference, *reference ? "0" : "");
    test_sql(to, sql);
}

/* The province before the first file: requests, and what call-backs announced. */
static void province(struct db *to)
{
    test_province(to);
    uint64_t kept = seed;
    seed = 7;
    for (int i = 0; i < REQUESTS; i++)
        test_request(to, references[i], amounts[i]);
    for (int i = 0; i < REQUESTS / 3; i++) {
        char bank[40] = "NULL";
        int day = FIRST_DAY + (int)roll(DAYS);
        if (roll(2))
            snprintf(bank, sizeof bank, "FT%d%03d", day, (int)roll(LINES_A_DAY));
        call_back(to, i, day, references[i], amounts[i], bank, references[i]);
    }
    for (int i = 0; i < 3; i++) {
        char memo[40];
        snprintf(memo, sizeof memo, "nop tien khong ro so %d", i);
        call_back(to, 100 + i, FIRST_DAY + i, "", 11000, "NULL", memo);
    }
    seed = kept;
}

static void take(struct db *to, const char *file)
{
    if (*file == 'S') {
        test_sql(to, file);
        return;
    }
    const struct statement_import_order order = {text_of(file), "file", "staff:test", at};
    struct text json;
    if (statement_import(to, &arena, &order, &json))
        fail_msg("%s", db_error(to));
}

static void run(struct db *to, int day)
{
    int64_t id;
    struct text ignored;
    if (reconcile(to, &arena, date_from(2026, 11, day), "staff:test", at, &id, &ignored))
        fail_msg("%s", db_error(to));
}

static struct text books_of(const int order[FILES], int schema, unsigned run_chance)
{
    char sql[200];
    snprintf(sql, sizeof sql, "CREATE SCHEMA any_%d; SET search_path TO any_%d", schema, schema);
    struct db *own = test_db();
    test_sql(own, sql);
    struct faults faults;
    faults_init(&faults, &arena);
    struct migrate_result result;
    if (migrate(own, "sql", at, &faults, &result))
        fail_msg("%s: %s", faults.list[0].where, faults.list[0].detail);
    province(own);
    for (int i = 0; i < FILES; i++) {
        take(own, file_of[order[i]]);
        if (roll(100) < run_chance)
            run(own, 30);
    }
    for (int i = 0; i < FILES; i++) /* what waited in quarantine for its neighbours is offered again */
        take(own, file_of[i]);
    run(own, 30);
    struct buf books = {0};
    for (int day = FIRST_DAY; day < FIRST_DAY + DAYS; day++) {
        struct text bytes;
        assert_int_equal(report_daily(own, &arena, date_from(2026, 11, day), REPORT_CSV, &bytes), OK);
        buf_text(&books, bytes);
        snprintf(sql, sizeof sql,
                 "SELECT string_agg(concat_ws('|', section, key, item, amount), E'\\n' ORDER BY section, key, item, "
                 "amount) FROM daily_lines('2026-11-%d')",
                 day);
        buf_text(&books, test_value(own, &arena, sql));
        buf_char(&books, '\n');
    }
    buf_text(&books,
             test_value(own, &arena,
                        "SELECT string_agg(a.code || ' ' || x.sum, E'\\n' ORDER BY a.code) FROM (SELECT "
                        "account_id, sum(amount) FROM entry GROUP BY 1 HAVING sum(amount) <> 0) x JOIN account a "
                        "ON a.id = x.account_id"));
    assert_int_equal(test_int(own, "SELECT sum(amount) FROM entry"), 0);
    assert_int_equal(test_int(own, "SELECT count(*) FROM line_pending"), 0);
    assert_int_equal(test_int(own, "SELECT count(*) FROM statement_line"), DAYS * LINES_A_DAY);
    assert_int_equal(test_int(own, "SELECT count(*) FROM statement_line l WHERE NOT EXISTS (SELECT FROM line_match m "
                                   "WHERE m.line_id = l.id) AND NOT EXISTS (SELECT FROM exception_case e WHERE "
                                   "e.line_id = l.id)"),
                     0);
    db_close(own);
    struct text text = arena_text(&arena, buf_view(&books));
    buf_done(&books);
    return text;
}

static void the_books_do_not_depend_on_the_order_of_files_nor_on_how_many_runs(void **state)
{
    const char *orders = getenv("TEST_ORDERS");
    int count = orders ? atoi(orders) : 6;
    struct text first = TEXT_NONE;
    for (int i = 0; i < count; i++) {
        int order[FILES];
        for (int k = 0; k < FILES; k++)
            order[k] = k;
        for (int k = FILES - 1; i && k > 0; k--) {
            int other = (int)roll((unsigned)k + 1), kept = order[k];
            order[k] = order[other];
            order[other] = kept;
        }
        struct text books = books_of(order, i, (unsigned)(i * 35) % 110);
        if (!i)
            first = books;
        assert_true(books.length > 1000);
        if (!text_equal(first, books))
            test_texts_differ(first, books);
    }
}

static int begin(void **state)
{
    const char *seeded = getenv("TEST_SEED");
    static const int prices[] = {8000, 16000, 16000, 20000};
    arena_init(&arena);
    seed = seeded ? strtoull(seeded, NULL, 10) : 20261123;
    printf("TEST_SEED=%llu\n", (unsigned long long)seed);
    if (!instant_parse(TEXT("2026-11-30T00:30:00+07:00"), &at))
        return 1;
    for (int i = 0; i < REQUESTS; i++)
        amounts[i] = prices[roll(4)];
    files_write();
    return 0;
}

static int end(void **state)
{
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_books_do_not_depend_on_the_order_of_files_nor_on_how_many_runs),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
