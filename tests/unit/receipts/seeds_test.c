/* Bytes from outside that are good must be taken: fuzz targets whose seeds are all refused would try nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "receipts/delegate_list.h"
#include "receipts/log.h"
#include "receipts/tsa.h"

static struct arena arena;
static struct faults faults;

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    return 0;
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return 0;
}

static struct text seed(const char *name)
{
    struct text bytes;
    assert_int_equal(file_read(arena_printf(&arena, "tests/fuzz/corpus/%s", name), 1 << 20, &arena, &bytes), OK);
    return bytes;
}

static void good_lists_of_delegates_are_taken(void **state)
{
    struct delegate_list list;
    assert_int_equal(delegate_list_read(seed("delegate_list/post_office.csv"), &list, &faults), OK);
    assert_int_equal(list.count, 2);
    assert_true(text_is(list.lines[1].fees, "Lệ phí, \"hộ tịch\""));
    assert_int_equal(delegate_list_read(seed("delegate_list/other_order.csv"), &list, &faults), OK);
    assert_int_equal(list.lines[0].number, RECEIPT_NUMBER_MAX);
    assert_int_equal(list.lines[0].replaces, 1);
}

static void a_granted_stamp_holds_for_its_file_alone(void **state)
{
    struct tsa_verdict verdict;
    struct text granted = seed("tsa_reply/granted.tsr");
    assert_int_equal(tsa_check(granted, TEXT("stamped\n"), TEXT_NONE, NULL, &verdict, &faults), OK);
    assert_true(text_is(verdict.authority, "TSA of the seeds"));
    assert_int_not_equal(tsa_check(granted, TEXT("another\n"), TEXT_NONE, NULL, &verdict, &faults), OK);
    assert_int_not_equal(
        tsa_check(seed("tsa_reply/refused.tsr"), TEXT("stamped\n"), TEXT_NONE, NULL, &verdict, &faults), OK);
}

static void old_receipts_of_two_providers_are_read(void **state)
{
    struct receipt_old old;
    assert_int_equal(receipt_old_read(seed("old_receipt/invoice_like.xml"), &old, &faults), OK);
    assert_true(text_is(old.form, "01BLP0-001") && text_is(old.number, "0000123"));
    assert_int_equal(receipt_old_read(seed("old_receipt/provider.xml"), &old, &faults), OK);
    assert_true(text_is(old.form, "02BLP2-001") && text_is(old.collector, "Sở"));
}

static void a_proof_with_its_signed_head_holds(void **state)
{
    struct buf told = {0};
    struct log_head head;
    assert_int_equal(log_check_proof(seed("log_proof/signed_root.json"), TEXT_NONE, NULL, NULL, &told, &faults), OK);
    assert_int_equal(log_head_read(seed("log_proof/head.json"), &head, &faults), OK);
    assert_int_equal(log_head_check(&head, NULL, &faults), OK);
    buf_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_lists_of_delegates_are_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_granted_stamp_holds_for_its_file_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_receipts_of_two_providers_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_proof_with_its_signed_head_holds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
