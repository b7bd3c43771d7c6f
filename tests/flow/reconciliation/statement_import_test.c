/* Bank files into the database: what continues what, what was known, what is kept, and what settlements become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define ACCOUNT "0021000000001"

static struct db *db;
static struct arena arena;
static instant_us at;

static struct text import_bytes(struct text bytes, const char *name)
{
    const struct statement_import_order order = {bytes, name, "staff:test", at};
    struct text json;
    enum err err = statement_import(db, &arena, &order, &json);
    if (err)
        fail_msg("%s: %s %s", name, err_info(err)->code, db_error(db));
    return json;
}

static struct text import(const char *bytes)
{
    return import_bytes(text_of(bytes), "file.sta");
}

static void holds(struct text json, const char *words)
{
    if (text_find(json, text_of(words)) == json.length)
        fail_msg("'%s' is missing in %.*s", words, TEXT_ARGS(json));
}

/* A statement of one day of November 2026 with one credit. */
static const char *day(const char *number, int on, int opening, int amount)
{
    return arena_printf(&arena,
                        ":20:S%s\n:25:" ACCOUNT
                        "\n:28C:%s/1\n:60F:C2611%02dVND%d,\n:61:2611%02d11%02dC%d,NTRFNONREF//D%d\n"
                        ":86:x\n:62F:C2611%02dVND%d,\n-\n",
                        number, number, on - 1, opening, on, on, amount, on, on, opening + amount);
}

static void a_day_that_does_not_continue_yesterdays_waits_and_is_taken_when_the_missing_day_comes(void **state)
{
    holds(import(day("1", 2, 1000, 100)), "\"state\": \"accepted\"");
    struct text json = import(day("3", 4, 1150, 7));
    holds(json, "\"reason\": \"gap\"");
    holds(json, "closed at 1100, this one opens at 1150: difference 50");
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line"), 1);
    json = import(day("2", 3, 1100, 50));
    holds(json, "\"number\": \"2\"");
    holds(json, "\"number\": \"3\"");
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement WHERE state = 'quarantined'"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_line"), 3);
}

static void an_older_day_must_join_too(void **state)
{
    holds(import(day("0", 1, 5, 1)), "opened at 1000, this one closes at 6: difference 994");
    holds(import(day("0b", 1, 400, 600)), "\"state\": \"accepted\"");
}

static void a_number_used_again_with_other_content_is_named(void **state)
{
    struct text json = import(day("3", 4, 1150, 8));
    holds(json, "\"reason\": \"number_reused\"");
    holds(json, "difference 1");
}

static void a_balance_that_moves_without_a_line_is_named(void **state)
{
    struct text json = import(":20:E\n:25:" ACCOUNT "\n:28C:9/1\n:60F:C261104VND1157,\n:62F:C261105VND1200,\n-\n");
    holds(json, "\"reason\": \"no_lines\"");
    holds(json, "difference 43");
}

static void another_currency_or_account_is_refused_by_name(void **state)
{
    holds(import(":20:E\n:25:" ACCOUNT "\n:28C:8/1\n:60F:C261104EUR1,\n:62F:C261104EUR1,\n-\n"),
          "\"reason\": \"currency\"");
    holds(import(":20:E\n:25:999999\n:28C:8/1\n:60F:C261104VND1,\n:62F:C261104VND1,\n-\n"),
          "\"reason\": \"account_unknown\"");
}

/* The same two days in one file: every line it already had is named, with where it came from first. */
static void known_lines_are_named(void **state)
{
    struct text json =
        import(":20:B\n:25:" ACCOUNT "\n:28C:77/1\n:60F:C261102VND1100,\n:61:2611031103C50,NTRFNONREF//D3\n:86:x\n"
               ":61:2611041104C7,NTRFNONREF//D4\n:86:x\n:62F:C261104VND1157,\n-\n");
    holds(json, "\"new\": 0");
    holds(json, "\"known\": 2");
    holds(json, "\"first_statement\": \"2\"");
    holds(json, "\"first_statement\": \"3\"");
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_known"), 2);
}

static void genuine_twins_survive_and_do_not_double(void **state)
{
    const char *twins =
        ":20:T\n:25:" ACCOUNT "\n:28C:5/1\n:60F:C261104VND1157,\n:61:2611051105C10,NTRFNONREF\n:86:ve xe\n"
        ":61:2611051105C10,NTRFNONREF\n:86:ve xe\n:62F:C261105VND1177,\n-\n";
    holds(import(twins), "\"new\": 2");
    holds(import_bytes(arena_textf(&arena, "%s\n", twins), "again.sta"), "\"new\": 0");
}

static void the_raw_file_is_kept_for_ever(void **state)
{
    assert_int_equal(
        test_int(db,
                 "SELECT count(*) FROM statement_file f WHERE f.sha256 <> (SELECT sha256(string_agg(p.bytes, ''::bytea"
                 " ORDER BY p.piece)) FROM statement_file_piece p WHERE p.file_id = f.id)"),
        0);
    assert_int_not_equal(db_script(db, "DELETE FROM statement_file_piece"), OK);
}

static const char gateway[] =
    "Mã giao dịch,Thời gian GD,Số tiền trước KM,Số tiền phí thu hộ,Số tiền sau khi trừ phí,Trạng thái\n"
    "V1,05/11/2026 08:00:00,100000,1100,98900,Thành công\n"
    "V2,05/11/2026 08:10:00,50000,550,49450,Thành công\n";

static void a_settlement_file_gives_its_lines_once(void **state)
{
    struct text json = import(gateway);
    holds(json, "\"issuer\": \"VNPAY\"");
    holds(json, "\"net\": 148350");
    holds(json, "\"new\": 2");
    holds(import_bytes(arena_textf(&arena, "%sV3,06/11/2026,1000,0,1000,Thành công\n", gateway), "next.csv"),
          "\"new\": 1");
    assert_int_equal(test_int(db, "SELECT sum(gross - fee - net) FROM settlement_line"), 0);
    assert_int_equal(test_int(db, "SELECT count(*) FROM settlement_line"), 3);
}

static void a_settlement_whose_rows_do_not_add_up_is_quarantined(void **state)
{
    struct text json =
        import("Mã giao dịch,Thời gian GD,Số tiền trước KM,Số tiền phí thu hộ,Số tiền sau khi trừ phí,Trạng thái\n"
               "V9,05/11/2026 08:00:00,100000,1100,98000,Thành công\n");
    holds(json, "\"reason\": \"totals\"");
    holds(json, "line 2");
    assert_int_equal(test_int(db, "SELECT count(*) FROM settlement_line"), 3);
}

static void a_damaged_file_leaves_nothing(void **state)
{
    const struct statement_import_order order = {TEXT("PK\x03\x04 cut short"), "cut.xlsx", "staff:test", at};
    struct text json;
    assert_int_equal(statement_import(db, &arena, &order, &json), ERR_STATEMENT_SYNTAX);
    const struct statement_import_order html = {TEXT("<html><body><form>login</form></body></html>"), "x.xls",
                                                "staff:test", at};
    assert_int_equal(statement_import(db, &arena, &html, &json), ERR_STATEMENT_SYNTAX);
    assert_int_equal(test_int(db, "SELECT count(*) FROM statement_file WHERE name IN ('cut.xlsx', 'x.xls')"), 0);
}

static int begin(void **state)
{
    arena_init(&arena);
    if (!instant_parse(TEXT("2026-11-24T00:30:00+07:00"), &at))
        return 1;
    db = test_db();
    test_province(db);
    return 0;
}

static int end(void **state)
{
    db_close(db);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_that_does_not_continue_yesterdays_waits_and_is_taken_when_the_missing_day_comes),
        cmocka_unit_test(an_older_day_must_join_too),
        cmocka_unit_test(a_number_used_again_with_other_content_is_named),
        cmocka_unit_test(a_balance_that_moves_without_a_line_is_named),
        cmocka_unit_test(another_currency_or_account_is_refused_by_name),
        cmocka_unit_test(known_lines_are_named),
        cmocka_unit_test(genuine_twins_survive_and_do_not_double),
        cmocka_unit_test(the_raw_file_is_kept_for_ever),
        cmocka_unit_test(a_settlement_file_gives_its_lines_once),
        cmocka_unit_test(a_settlement_whose_rows_do_not_add_up_is_quarantined),
        cmocka_unit_test(a_damaged_file_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
