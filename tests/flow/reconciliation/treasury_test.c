/* The remittance list of a month, added up by hand: each collector's fees are split by the catalogue's share, what a
 * list needs and nobody knows blocks its own row only, and other people's invoices are in no list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/system/places.h"
#include "payments/fees/fees.h"
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"

#define POLICE "5700100001" /* the collector of test_province */
#define LAND   "5700100002"
#define WARD   "5700100003"

static struct db *db;
static struct arena arena;
static date_days day;

/* A request paid in full on a day of November 2026. `lines` are "FEE:document:net", separated by spaces. */
static void paid(const char *reference, const char *collector, int on, const char *lines)
{
    static int number;
    struct buf json = {0}, sql = {0};
    int64_t total = 0, net;
    struct text rest = text_of(lines);
    for (const char *comma = ""; rest.at; comma = ",") {
        struct text line = text_until(rest, ' ', &rest), document, amount;
        struct text fee = text_until(line, ':', &document);
        document = text_until(document, ':', &amount);
        assert_true(text_to_int64(amount, &net));
        total += net;
        buf_printf(&json,
                   "%s{\"fee\":\"%.*s\",\"name\":\"%.*s\",\"kind\":\"phi\",\"gross\":%lld,\"reduction\":0,\"net\":%lld,"
                   "\"document\":\"%.*s\",\"legal_basis\":\"TT\"}",
                   comma, TEXT_ARGS(fee), TEXT_ARGS(fee), (long long)net, (long long)net, TEXT_ARGS(document));
    }
    number++;
    buf_printf(&sql,
               "INSERT INTO dossier (code, procedure, agency, channel, applicant_name, submitted_at, registered_at, "
               "changed_at) VALUES ('T%03d', '2.000635', 'A1', 'counter', 'Nguyễn Văn An', '2026-11-%02dT01:00Z', "
               "'2026-11-%02dT01:00Z', '2026-11-%02dT01:00Z')",
               number, on, on, on);
    test_sql(db, buf_cstr(&sql));
    buf_clear(&sql);
    buf_printf(&sql,
               "SELECT request_make('2026-11-%02dT01:00Z', '%s', 'T%03d', 'filing', %lld, (SELECT min(id) FROM "
               "receiving_account), '%s', sha256('%d'), '{}', 'test', '2026-11-%02d', NULL, 'payload', 'system:test', "
               "'2026-12-23T01:00Z', '[%s]')",
               on, reference, number, (long long)total, collector, number, on, buf_cstr(&json));
    test_sql(db, buf_cstr(&sql));
    buf_clear(&sql);
    buf_printf(&sql,
               "SELECT confirm('2026-11-%02dT03:00Z', '{sandbox-bank}', '{c%d}', ARRAY[sha256('c%d')], '{%lld}', "
               "'{0021000000001}', '{vietqr}', '{NULL}', '{%s}', '{2026-11-%02dT03:00Z}', '{NULL}', '{NULL}', "
               "ARRAY[NULL::bytea], '{1}', '{%s}', '{0}')",
               on, number, number, (long long)total, reference, on, reference);
    test_sql(db, buf_cstr(&sql));
    buf_done(&json);
    buf_done(&sql);
}

/* The shipped catalogue with rows added to values.csv. */
static void catalogue_with(const char *values)
{
    struct catalogue_files files;
    struct faults faults;
    struct catalogue *catalogue;
    faults_init(&faults, &arena);
    assert_int_equal(
        catalogue_files_read(place_find(&arena, "payments/catalogue", "catalogue"), &arena, &faults, &files), OK);
    struct text unset = TEXT("collector_kind.van_phong_dang_ky_dat_dai,unset");
    size_t at = text_find(files.values, unset);
    assert_true(at < files.values.length);
    struct text after = text_slice(files.values, at + unset.length, files.values.length), rest;
    text_until(after, '\n', &rest);
    files.values = arena_textf(&arena, "%.*s%s\n%.*s", (int)at, files.values.at, values, TEXT_ARGS(rest));
    if (catalogue_read(&files, &faults, &catalogue))
        fail_msg("%s: %s", faults.list[0].where, faults.list[0].detail);
    catalogue_in_force_set(catalogue);
}

static const char *list(void)
{
    struct text bytes;
    assert_int_equal(report_treasury(db, &arena, day, REPORT_CSV, &bytes), OK);
    return arena_copy(&arena, bytes);
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    day = date_from(2026, 11, 30);
    test_province(db);
    /* police: 3 × 200.000 passports, 205.000 + 200.000 + 1 đ of criminal records; ward: 14.000 + 8.000 */
    paid("QNWCGZQFVXPEV6", POLICE, 2, "HC-MOI:state_receipt:200000 LLTP:state_receipt:205000");
    paid("QNRNQ349VSJ5M1", POLICE, 12, "HC-MOI:state_receipt:400000 LLTP:state_receipt:200001");
    paid("QNMWPYH9CSJKA1", LAND, 23, "GDBD-LANDAU:state_receipt:80000 CC-HDGD:invoice_elsewhere:5200000");
    paid("QNVWZZY27SJ8JJ", LAND, 24, "GDBD-LANDAU:state_receipt:40001");
    paid("QNKW8YSDW7WQ2Z", WARD, 24, "CT-BANSAO:state_receipt:14000 HT-TRICHLUC:state_receipt:8000");
    return 0;
}

static int tear_down(void **state)
{
    catalogue_in_force_set(NULL);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void holds(const char *csv, const char *row)
{
    if (!strstr(csv, row))
        fail_msg("'%s' is missing in\n%s", row, csv);
}

static void each_row_is_collected_less_what_the_collector_keeps(void **state)
{
    catalogue_with("collector_kind.van_phong_dang_ky_dat_dai,unset,,,,");
    const char *csv = list();
    /* 600.000 of a lệ phí go whole to the budget; 405.001 × 35 % = 141.750,35 → 141.750 kept, 263.251 remitted */
    holds(csv, POLICE ",HC-MOI,HC-MOI,2026-11-01,2026-11-30,600000,0,600000,central,2752,2026-12-05,");
    holds(csv, POLICE ",LLTP,LLTP,2026-11-01,2026-11-30,405001,141750,263251,central,2764,2026-12-05,");
}

static void a_share_for_public_units_blocks_the_row_until_the_collector_is_known(void **state)
{
    catalogue_with("collector_kind.van_phong_dang_ky_dat_dai,unset,,,,");
    holds(list(), LAND ",GDBD-LANDAU,GDBD-LANDAU,2026-11-01,2026-11-30,120001,,,local,2718,2026-12-05,loại hình của cơ "
                       "quan thu (đơn vị sự nghiệp hay cơ quan nhà nước)");
}

static void a_public_unit_keeps_its_share_and_a_state_agency_nothing(void **state)
{
    /* 120.001 × 85 % = 102.000,85 → 102.001 kept, 18.000 remitted */
    catalogue_with("collector_kind.van_phong_dang_ky_dat_dai,public_unit,,,,");
    holds(list(), LAND ",GDBD-LANDAU,GDBD-LANDAU,2026-11-01,2026-11-30,120001,102001,18000,local,2718,2026-12-05,");
    catalogue_with("collector_kind.van_phong_dang_ky_dat_dai,state_agency,,,,");
    holds(list(), LAND ",GDBD-LANDAU,GDBD-LANDAU,2026-11-01,2026-11-30,120001,0,120001,local,2718,2026-12-05,");
}

static void what_is_said_of_one_collector_counts_before_what_is_said_of_its_kind(void **state)
{
    catalogue_with("collector_kind.van_phong_dang_ky_dat_dai,state_agency,,,,\ncollector_kind." LAND
                   ",public_unit,2026-11-01,,,");
    holds(list(), ",120001,102001,18000,");
    catalogue_with("collector_kind.van_phong_dang_ky_dat_dai,state_agency,,,,\ncollector_kind." LAND
                   ",public_unit,2026-12-01,,,");
    holds(list(), ",120001,0,120001,"); /* not on this day yet */
}

static void an_unset_share_blocks_its_row_and_no_other(void **state)
{
    const char *csv = list();
    holds(csv, WARD ",CT-BANSAO,CT-BANSAO,2026-11-01,2026-11-30,14000,,,local,2716,2026-12-05,tỷ lệ để lại");
    holds(csv, WARD ",HT-TRICHLUC,HT-TRICHLUC,2026-11-01,2026-11-30,8000,,,local,2771,2026-12-05,tỷ lệ để lại");
}

static void what_others_invoice_is_in_no_list(void **state)
{
    assert_null(strstr(list(), "CC-HDGD"));
}

static void collected_is_what_was_paid_to_the_dong(void **state)
{
    /* 200.000 + 400.000 + 205.000 + 200.001 + 80.000 + 40.001 + 14.000 + 8.000, without the 5.200.000 invoiced */
    int64_t sum = 0, amount;
    struct text rest, csv = text_of(list());
    text_until(csv, '\n', &csv);
    while (csv.at && csv.length) {
        struct text row = text_until(csv, '\n', &csv), cell = TEXT_NONE;
        for (int i = 0; i < 6; i++, row = rest)
            cell = text_until(row, ',', &rest);
        assert_true(text_to_int64(cell, &amount));
        sum += amount;
    }
    assert_int_equal(sum, 1147002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_collected_less_what_the_collector_keeps),
        cmocka_unit_test(a_share_for_public_units_blocks_the_row_until_the_collector_is_known),
        cmocka_unit_test(a_public_unit_keeps_its_share_and_a_state_agency_nothing),
        cmocka_unit_test(what_is_said_of_one_collector_counts_before_what_is_said_of_its_kind),
        cmocka_unit_test(an_unset_share_blocks_its_row_and_no_other),
        cmocka_unit_test(what_others_invoice_is_in_no_list),
        cmocka_unit_test(collected_is_what_was_paid_to_the_dong),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
