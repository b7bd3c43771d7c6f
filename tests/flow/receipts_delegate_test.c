/* Outlets and delegates: ranges used low to high, unused ends closed by record, lists tied to parcel, dossier, money.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/receipt_world.h"

static struct receipt_world world;
static int64_t door_range;

static int set_up(void **state)
{
    receipt_world_open(&world);
    return 0;
}

static int tear_down(void **state)
{
    receipt_world_close(&world);
    return 0;
}

static struct receipt_delegation delegation(const char *outlet, int64_t first, int64_t last,
                                            enum receipt_numbered_by by)
{
    return (struct receipt_delegation){.collector = TEXT(WORLD_COLLECTOR),
                                       .form = TEXT("EBL01"),
                                       .symbol = TEXT("26TPA"),
                                       .outlet = text_of(outlet),
                                       .delegate = {.name = TEXT("Bưu điện tỉnh Quảng Ninh"),
                                                    .tax_code = TEXT(WORLD_POST),
                                                    .address = TEXT("539 Lê Thánh Tông, phường Hạ Long")},
                                       .first = first,
                                       .last = last,
                                       .numbered_by = by,
                                       .agreement = TEXT("12/UN-BL"),
                                       .purpose = TEXT("Thu phí, lệ phí"),
                                       .from = date_from(2026, 11, 10),
                                       .to = date_from(2027, 6, 30),
                                       .notified_on = date_from(2026, 11, 5)};
}

static enum err open_range(struct receipt_delegation d, int64_t *ret)
{
    return receipt_range_delegate(world.db, &world.arena, clock_now(), "staff:f", &d, ret);
}

static void a_delegation_told_too_late_or_overlapping_is_refused(void **state)
{
    int64_t range;
    struct receipt_delegation late = delegation("ha-long", 1, 100, RECEIPT_NUMBERED_BY_US);
    late.notified_on = date_from(2026, 11, 8); /* two days before */
    assert_int_equal(open_range(late, &range), ERR_CONFLICT);
    assert_int_equal(open_range(delegation("ha-long", 1, 100, RECEIPT_NUMBERED_BY_US), &range), OK);
    assert_int_equal(open_range(delegation("cam-pha", 100, 200, RECEIPT_NUMBERED_BY_US), &range), ERR_CONFLICT);
    assert_int_equal(open_range(delegation("cam-pha", 101, 103, RECEIPT_NUMBERED_BY_US), &range), OK);
    assert_int_equal(open_range(delegation("phat-tan-tay", 501, 600, RECEIPT_NUMBERED_BY_DELEGATE), &door_range), OK);
}

static struct text receipt_of(int64_t request)
{
    return test_value(world.db, &world.arena,
                      arena_printf(&world.arena,
                                   "SELECT b.symbol || ' ' || r.number FROM receipt r JOIN receipt_book b ON b.id = "
                                   "r.book_id WHERE r.request_id = %lld",
                                   (long long)request));
}

static int64_t made_by(const char *actor, const char *reference)
{
    int64_t request = test_request(world.db, reference, 16000);
    test_sql(world.db, arena_printf(&world.arena, "UPDATE payment_request SET created_by = '%s' WHERE id = %lld", actor,
                                    (long long)request));
    receipt_world_pay(&world, reference, 16000, "vietqr", "2026-11-23T05:00:00Z");
    return request;
}

static void the_outlet_that_made_the_request_gives_the_number(void **state)
{
    const struct text collector = TEXT(WORLD_COLLECTOR);
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    assert_int_equal(receipt_outlet_set(world.db, &world.arena, clock_now(), "staff:f", collector, TEXT("actor"),
                                        TEXT("system:vnpost-cam-pha"), TEXT("cam-pha")),
                     OK);
    assert_int_equal(receipt_outlet_set(world.db, &world.arena, clock_now(), "staff:f", collector, TEXT("weather"),
                                        TEXT("x"), TEXT("y")),
                     ERR_CONFLICT);
    int64_t own = made_by("system:test", "QNAAAAAAAAAA01"), post = made_by("system:vnpost-cam-pha", "QNAAAAAAAAAA02");
    receipt_world_work(&world);
    assert_true(text_is(receipt_of(own), "26TAA 1"));
    assert_true(text_is(receipt_of(post), "26TPA 101"));
    assert_int_equal(receipt_load(world.db, &world.arena, test_int(world.db, "SELECT max(id) FROM receipt"), &stored),
                     OK);
    assert_int_equal(receipt_verify(stored.xml, NULL, &verdict, &world.faults), OK);
    assert_true(text_is(verdict.document.delegate.name, "Bưu điện tỉnh Quảng Ninh") ||
                text_is(verdict.document.reference, "QNAAAAAAAAAA01"));
}

static void an_outlet_that_runs_out_waits_and_takes_nobody_elses_numbers(void **state)
{
    int64_t requests[3];
    for (int i = 0; i < 3; i++)
        requests[i] = made_by("system:vnpost-cam-pha", arena_printf(&world.arena, "QNAAAAAAAAAB%02d", i));
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt_number n JOIN receipt_range g ON g.id = n.range_id WHERE "
                                                 "g.outlet = 'cam-pha'"),
                     3);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'no_numbers' AND state = 'open' AND "
                                                 "subject = '" WORLD_COLLECTOR "/cam-pha'"),
                     1);
    int64_t range;
    assert_int_equal(open_range(delegation("cam-pha", 104, 200, RECEIPT_NUMBERED_BY_US), &range), OK);
    receipt_world_hurry(&world);
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE kind = 'no_numbers' AND state = 'open'"), 0);
    assert_true(text_is(receipt_of(requests[2]), "26TPA 104") || text_is(receipt_of(requests[0]), "26TPA 104") ||
                text_is(receipt_of(requests[1]), "26TPA 104"));
}

static struct text import(const char *csv)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    enum err err = receipt_list_import(world.db, &world.arena, clock_now(), "staff:f", "bang-ke.csv", text_of(csv),
                                       &world.faults, &json);
    struct text text = err ? text_of(err_info(err)->code) : arena_text(&world.arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static bool says(struct text text, const char *words)
{
    return text_find(text, text_of(words)) < text.length;
}

#define HEAD "tax_code,form,symbol,number,issued_on,collected_on,amount,parcel,dossier,reference,fees,payer\n"
#define LINE(number, issued, amount, parcel, dossier, reference)                                                       \
    WORLD_COLLECTOR ",EBL01,26TPA," number "," issued ",2026-11-22," amount "," parcel "," dossier "," reference       \
                    ",Phí,Trần Thị Bưởi\n"

/* Requests paid at the door are receipted by the delegate's own software: we wait for its list. */
static void a_delegates_list_is_tied_to_parcel_dossier_and_money(void **state)
{
    assert_int_equal(receipt_outlet_set(world.db, &world.arena, clock_now(), "staff:f", TEXT(WORLD_COLLECTOR),
                                        TEXT("method"), TEXT("post"), TEXT("phat-tan-tay")),
                     OK);
    test_request(world.db, "QNAAAAAAAAAC01", 16000);
    test_request(world.db, "QNAAAAAAAAAC02", 8000);
    receipt_world_pay(&world, "QNAAAAAAAAAC01", 16000, "post", "2026-11-22T05:00:00Z");
    receipt_world_pay(&world, "QNAAAAAAAAAC02", 8000, "post", "2026-11-22T05:00:00Z");
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt_audit() WHERE problem = 'receipt_missing'"), 2);
    test_sql(
        world.db,
        "INSERT INTO parcel (code, carrier, dossier, direction, state, wish, weight_g, collect, carrier_id, item, "
        "created_at, created_by, changed_at) SELECT 'QN-P1-0001', 'vnpost', dossier, 'send', 'booked', '{}', 50, 8000, "
        "'c1', 'RA123456785VN', '2026-11-20', 'x', '2026-11-20' FROM payment_request WHERE reference = "
        "'QNAAAAAAAAAC02'");
    struct text told = import(HEAD LINE("501", "2026-11-22", "16000", "", "", "QNAAAAAAAAAC01")
                                  LINE("502", "2026-11-22", "8000", "RA123456785VN", "", ""));
    assert_true(says(told, "\"new\":2"));
    assert_int_equal(receipt_world_count(&world, "receipt_audit()"), 0);
    assert_int_equal(receipt_world_count(&world,
                                         "receipt_delegated d JOIN payment_request q ON q.id = d.request_id WHERE "
                                         "q.reference IN ('QNAAAAAAAAAC01', 'QNAAAAAAAAAC02')"),
                     2);
    /* the book of the day shows what the delegate issued, with the day it was collected */
    assert_int_equal(receipt_world_count(&world, "receipt_book_of('2026-11-22', '2026-11-22') WHERE issued_by = "
                                                 "'delegate' AND issued_on = '2026-11-22' AND collected_on = "
                                                 "'2026-11-22' AND outlet = 'phat-tan-tay'"),
                     2);
    receipt_world_hurry(&world);
    receipt_world_work(&world); /* and no second receipt of ours */
    assert_int_equal(receipt_world_count(&world, "receipt r JOIN payment_request q ON q.id = r.request_id WHERE "
                                                 "q.reference LIKE 'QNAAAAAAAAAC%'"),
                     0);
}

static void the_same_list_again_and_a_corrected_one_add_nothing_twice(void **state)
{
    struct text again = import(HEAD LINE("501", "2026-11-22", "16000", "", "", "QNAAAAAAAAAC01")
                                   LINE("502", "2026-11-22", "8000", "RA123456785VN", "", ""));
    assert_true(says(again, "\"known_file\":true"));
    struct text longer = import(HEAD LINE("501", "2026-11-22", "16000", "", "", "QNAAAAAAAAAC01")
                                    LINE("502", "2026-11-22", "9000", "RA123456785VN", "", ""));
    assert_true(says(longer, "\"known\":1"));
    assert_true(says(longer, "\"other_content\":1"));
    assert_int_equal(
        receipt_world_count(&world, "receipt_concern WHERE kind = 'list_other_content' AND state = 'open'"), 1);
    test_sql(world.db, "SELECT receipt_concern_explain('2026-11-23T06:00Z', 'staff:f', (SELECT id FROM receipt_concern "
                       "WHERE kind = 'list_other_content'), 'Bưu điện gửi nhầm')");
}

static void what_does_not_agree_is_a_concern_until_it_agrees(void **state)
{
    test_request(world.db, "QNAAAAAAAAAC03", 16000);
    struct text told = import(HEAD LINE("505", "2026-11-21", "15000", "RB000000000VN", "", "QNAAAAAAAAAC03")
                                  LINE("900", "2026-11-22", "16000", "", "KHONG-CO", ""));
    assert_true(says(told, "\"new\":1"));
    assert_true(says(told, "\"no_range\":1"));
    static const char *const kinds[] = {"list_no_range", "list_gap",       "list_amount",
                                        "list_no_money", "list_no_parcel", "list_order"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (receipt_world_count(
                &world, arena_printf(&world.arena, "receipt_concern WHERE kind = '%s' AND state = 'open'", kinds[i])) !=
            1)
            fail_msg("%s", kinds[i]);
    assert_true(receipt_world_count(&world, "receipt_audit() WHERE problem LIKE 'list%'") >= 6);
    /* the money comes, and the missing numbers: those concerns close themselves */
    receipt_world_pay(&world, "QNAAAAAAAAAC03", 16000, "post", "2026-11-23T05:00:00Z");
    test_request(world.db, "QNAAAAAAAAAC04", 16000);
    test_request(world.db, "QNAAAAAAAAAC05", 16000);
    receipt_world_pay(&world, "QNAAAAAAAAAC04", 16000, "post", "2026-11-22T05:00:00Z");
    receipt_world_pay(&world, "QNAAAAAAAAAC05", 16000, "post", "2026-11-22T05:00:00Z");
    import(HEAD LINE("503", "2026-11-22", "16000", "", "", "QNAAAAAAAAAC04")
               LINE("504", "2026-11-22", "16000", "", "", "QNAAAAAAAAAC05"));
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE state = 'open' AND kind IN ('list_gap', "
                                                 "'list_no_money')"),
                     0);
    assert_int_equal(receipt_world_count(&world, "receipt_concern WHERE state = 'open' AND kind IN ('list_amount', "
                                                 "'list_no_parcel', 'list_order', 'list_no_range')"),
                     4);
}

static void a_list_with_one_bad_line_is_refused_whole_and_names_it(void **state)
{
    int64_t before = receipt_world_count(&world, "receipt_delegated");
    struct text told = import(HEAD LINE("506", "2026-11-22", "16000", "", "", "QNAAAAAAAAAC01")
                                  LINE("5O7", "2026-02-30", "-1", "", "", ""));
    assert_true(text_is(told, "invalid_request") || !says(told, "new"));
    assert_int_equal(receipt_world_count(&world, "receipt_delegated"), before);
    assert_string_equal(world.faults.list[world.faults.count - 1].where, "3:dossier");
    assert_true(world.faults.count >= 4);
    world.faults.count = 0;
}

static void an_unused_end_is_closed_by_record_and_takes_no_more(void **state)
{
    int64_t after;
    assert_int_equal(receipt_range_close(world.db, &world.arena, clock_now(), "staff:f", door_range,
                                         TEXT("Hết hạn ủy nhiệm"), &after),
                     OK);
    assert_int_equal(after, 505);
    assert_int_equal(
        receipt_range_close(world.db, &world.arena, clock_now(), "staff:f", door_range, TEXT("lần nữa"), &after),
        ERR_NOT_FOUND);
    struct text told = import(HEAD LINE("506", "2026-11-23", "16000", "", "", "QNAAAAAAAAAC01"));
    assert_true(says(told, "\"no_range\":1"));
    test_sql_refused(world.db, "UPDATE receipt_delegated SET amount = 1", "23001");
    test_sql_refused(world.db, "DELETE FROM receipt_delegated", "23001");
}

/* Money of last year found this year: this year's number; the book shows both days. */
static void money_of_an_earlier_year_takes_a_number_of_the_signing_year(void **state)
{
    receipt_world_clock("2027-01-04T03:00:00Z");
    int64_t request = test_request(world.db, "QNAAAAAAAAAD01", 16000);
    receipt_world_pay(&world, "QNAAAAAAAAAD01", 16000, "vietqr", "2026-12-31T10:00:00Z");
    receipt_world_work(&world);
    assert_true(text_is(receipt_of(request), "27TAA 1"));
    assert_int_equal(receipt_world_count(&world, "receipt_book_of('2027-01-04', '2027-01-04') WHERE issued_on = "
                                                 "'2027-01-04' AND collected_on = '2026-12-31'"),
                     1);
    int64_t post = made_by("system:vnpost-cam-pha", "QNAAAAAAAAAD02");
    receipt_world_work(&world);
    assert_true(text_is(receipt_of(post), "27TPA 101")); /* the outlet's range opened again */
    receipt_world_clock("2027-07-01T03:00:00Z");         /* the agreement has ended */
    made_by("system:vnpost-cam-pha", "QNAAAAAAAAAD03");
    receipt_world_work(&world);
    assert_int_equal(receipt_world_count(&world, "receipt_audit() WHERE problem = 'receipt_missing'"), 1);
}

static void the_payer_may_be_set_until_the_number_is_given(void **state)
{
    receipt_world_clock("2027-01-05T03:00:00Z");
    int64_t request = test_request(world.db, "QNAAAAAAAAAE01", 16000);
    const char *set = arena_printf(&world.arena,
                                   "SELECT receipt_payer_set('2027-01-05T03:00Z', 'staff:c', %lld, '{\"name\": \"John "
                                   "Smith\", \"passport\": \"X1234567\"}')",
                                   (long long)request);
    assert_true(text_is(test_value(world.db, &world.arena, set), "set"));
    receipt_world_pay(&world, "QNAAAAAAAAAE01", 16000, "vietqr", "2027-01-05T03:00:00Z");
    receipt_world_work(&world);
    struct receipt_stored stored;
    struct receipt_verdict verdict;
    assert_int_equal(receipt_load(world.db, &world.arena, test_int(world.db, "SELECT max(id) FROM receipt"), &stored),
                     OK);
    assert_int_equal(receipt_verify(stored.xml, NULL, &verdict, &world.faults), OK);
    assert_true(text_is(verdict.document.payer.passport, "X1234567"));
    assert_true(text_is(verdict.document.applicant, "Nguyễn Thị Ánh"));
    assert_true(text_is(test_value(world.db, &world.arena, set), "numbered"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delegation_told_too_late_or_overlapping_is_refused),
        cmocka_unit_test(the_outlet_that_made_the_request_gives_the_number),
        cmocka_unit_test(an_outlet_that_runs_out_waits_and_takes_nobody_elses_numbers),
        cmocka_unit_test(a_delegates_list_is_tied_to_parcel_dossier_and_money),
        cmocka_unit_test(the_same_list_again_and_a_corrected_one_add_nothing_twice),
        cmocka_unit_test(what_does_not_agree_is_a_concern_until_it_agrees),
        cmocka_unit_test(a_list_with_one_bad_line_is_refused_whole_and_names_it),
        cmocka_unit_test(an_unused_end_is_closed_by_record_and_takes_no_more),
        cmocka_unit_test(money_of_an_earlier_year_takes_a_number_of_the_signing_year),
        cmocka_unit_test(the_payer_may_be_set_until_the_number_is_given),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
