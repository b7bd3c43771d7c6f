/* The nexo driver: what it writes, and what it believes of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "payments/sources/terminal.h"

#define HEADER(category, service)                                                                                      \
    "{\"SaleToPOIResponse\":{\"MessageHeader\":{\"ProtocolVersion\":\"3.0\",\"MessageClass\":\"Service\","             \
    "\"MessageCategory\":\"" category "\",\"MessageType\":\"Response\",\"ServiceID\":\"" service                       \
    "\",\"SaleID\":\"LEPHI\",\"POIID\":\"POS-1\"},"
#define PAID(amount, currency)                                                                                         \
    "{\"Response\":{\"Result\":\"Success\"},\"POIData\":{\"POITransactionID\":{\"TransactionID\":\"T1\","              \
    "\"TimeStamp\":\"2026-11-23T09:00:00+07:00\"}},\"PaymentResult\":{\"AmountsResp\":{\"Currency\":\"" currency       \
    "\",\"AuthorizedAmount\":" amount "}}}"
#define FAILED(condition) "{\"Response\":{\"Result\":\"Failure\",\"ErrorCondition\":\"" condition "\"}}"
#define PAYMENT(body)     HEADER("Payment", "7") "\"PaymentResponse\":" body "}}"
#define STATUS(body)      HEADER("TransactionStatus", "7") "\"TransactionStatusResponse\":" body "}}"

static struct arena arena;
static const struct terminal_driver *nexo;
static const struct terminal_order order = {.sale = TEXT("LEPHI"),
                                            .terminal = TEXT("POS-1"),
                                            .service = TEXT("7"),
                                            .about = TEXT("5"),
                                            .about_act = TERMINAL_PAY,
                                            .order = TEXT("QN0000000000AA-1"),
                                            .amount = 150000,
                                            .transaction = TEXT("T1"),
                                            .transaction_at = TEXT("2026-11-23T09:00:00+07:00"),
                                            .at = INT64_C(1795140000) * SECOND_US};

static int set_up(void **state)
{
    arena_init(&arena);
    nexo = terminal_driver_find(TEXT("nexo"));
    return nexo ? 0 : 1;
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return 0;
}

static enum err read(enum terminal_act act, const char *answer, struct terminal_told *ret)
{
    struct faults faults;
    faults_init(&faults, &arena);
    return nexo->read(act, &order, text_of(answer), &arena, &faults, ret);
}

static void a_payment_is_asked_as_nexo_writes_it(void **state)
{
    struct buf out = {0};
    nexo->write(TERMINAL_PAY, &order, &out);
    assert_string_equal(
        buf_cstr(&out),
        "{\"SaleToPOIRequest\":{\"MessageHeader\":{\"ProtocolVersion\":\"3.0\",\"MessageClass\":\"Service\","
        "\"MessageCategory\":\"Payment\",\"MessageType\":\"Request\",\"ServiceID\":\"7\",\"SaleID\":\"LEPHI\","
        "\"POIID\":"
        "\"POS-1\"},\"PaymentRequest\":{\"SaleData\":{\"SaleTransactionID\":{\"TransactionID\":\"QN0000000000AA-1\","
        "\"TimeStamp\":\"2026-11-20T09:00:00+07:00\"}},\"PaymentTransaction\":{\"AmountsReq\":{\"Currency\":\"VND\","
        "\"RequestedAmount\":150000}}}}}");
    buf_clear(&out);
    nexo->write(TERMINAL_STATUS, &order, &out);
    assert_non_null(strstr(buf_cstr(&out), "\"MessageReference\":{\"MessageCategory\":\"Payment\",\"SaleID\":\"LEPHI\","
                                           "\"ServiceID\":\"5\"}"));
    buf_clear(&out);
    nexo->write(TERMINAL_REVERSE, &order, &out);
    assert_non_null(
        strstr(buf_cstr(&out), "\"OriginalPOITransaction\":{\"POITransactionID\":{\"TransactionID\":\"T1\","));
    buf_done(&out);
}

static void amounts_are_whole_dong_however_the_terminal_writes_them(void **state)
{
    static const char *const whole[] = {PAYMENT(PAID("150000", "VND")), PAYMENT(PAID("150000.0", "VND")),
                                        PAYMENT(PAID("150000.00", "VND"))};
    struct terminal_told told;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        assert_int_equal(read(TERMINAL_PAY, whole[i], &told), OK);
        assert_int_equal(told.state, TERMINAL_DONE);
        assert_int_equal(told.amount, 150000);
    }
    static const char *const wrong[] = {PAYMENT(PAID("150000.5", "VND")),   PAYMENT(PAID("0", "VND")),
                                        PAYMENT(PAID("-1", "VND")),         PAYMENT(PAID("1e300", "VND")),
                                        PAYMENT(PAID("\"150000\"", "VND")), PAYMENT(PAID("150000", "USD"))};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read(TERMINAL_PAY, wrong[i], &told), ERR_INVALID);
}

static void an_answer_to_another_message_is_none(void **state)
{
    struct terminal_told told;
    assert_int_equal(read(TERMINAL_PAY, HEADER("Payment", "8") "\"PaymentResponse\":" PAID("1", "VND") "}}", &told),
                     ERR_INVALID);
    assert_int_equal(read(TERMINAL_STATUS, PAYMENT(PAID("1", "VND")), &told), ERR_INVALID);
    assert_int_equal(read(TERMINAL_PAY, PAYMENT("{}"), &told), ERR_INVALID);
    assert_int_equal(read(TERMINAL_PAY, "[", &told), ERR_JSON_SYNTAX);
    assert_int_equal(
        read(TERMINAL_STATUS,
             STATUS("{\"Response\":{\"Result\":\"Success\"},\"RepeatedMessageResponse\":{\"MessageHeader\":{"
                    "\"MessageCategory\":\"Payment\",\"ServiceID\":\"6\",\"SaleID\":\"LEPHI\"},"
                    "\"RepeatedResponseMessageBody\":{\"PaymentResponse\":" PAID("1", "VND") "}}}"),
             &told),
        ERR_INVALID);
}

static void each_condition_means_what_it_means_for_the_card(void **state)
{
    static const struct {
        enum terminal_act act;
        const char *answer;
        enum terminal_state state;
    } cases[] = {{TERMINAL_PAY, PAYMENT(FAILED("Refusal")), TERMINAL_DECLINED},
                 {TERMINAL_PAY, PAYMENT(FAILED("Busy")), TERMINAL_DECLINED},
                 {TERMINAL_PAY, PAYMENT(FAILED("WrongPIN")), TERMINAL_DECLINED},
                 {TERMINAL_PAY, PAYMENT(FAILED("Aborted")), TERMINAL_ABORTED},
                 {TERMINAL_PAY, PAYMENT(FAILED("Cancel")), TERMINAL_ABORTED},
                 {TERMINAL_PAY, PAYMENT(FAILED("InProgress")), TERMINAL_PENDING},
                 {TERMINAL_PAY, PAYMENT(FAILED("NotFound")), TERMINAL_DECLINED},
                 {TERMINAL_STATUS, STATUS(FAILED("InProgress")), TERMINAL_PENDING},
                 {TERMINAL_STATUS, STATUS(FAILED("NotFound")), TERMINAL_ABSENT},
                 {TERMINAL_STATUS, STATUS(FAILED("Busy")), TERMINAL_UNTOLD},
                 {TERMINAL_STATUS, STATUS(FAILED("LoggedOut")), TERMINAL_UNTOLD}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct terminal_told told;
        assert_int_equal(read(cases[i].act, cases[i].answer, &told), OK);
        assert_int_equal(told.state, cases[i].state);
    }
}

static void the_repeated_answer_of_the_message_asked_about_is_believed(void **state)
{
    struct terminal_told told;
    assert_int_equal(
        read(TERMINAL_STATUS,
             STATUS("{\"Response\":{\"Result\":\"Success\"},\"RepeatedMessageResponse\":{\"MessageHeader\":{"
                    "\"MessageCategory\":\"Payment\",\"ServiceID\":\"5\",\"SaleID\":\"LEPHI\"},"
                    "\"RepeatedResponseMessageBody\":{\"PaymentResponse\":" PAID("150000", "VND") "}}}"),
             &told),
        OK);
    assert_int_equal(told.state, TERMINAL_DONE);
    assert_int_equal(told.amount, 150000);
    assert_true(text_is(told.transaction, "T1"));
}

static void totals_are_added_up_over_brands(void **state)
{
    struct terminal_told told;
    assert_int_equal(read(TERMINAL_RECONCILE,
                          HEADER("Reconciliation",
                                 "7") "\"ReconciliationResponse\":{\"Response\":{\"Result\":\"Success\"},"
                                      "\"POIReconciliationID\":\"42\",\"TransactionTotals\":["
                                      "{\"PaymentTotals\":[{\"TransactionType\":\"Debit\",\"TransactionCount\":2,"
                                      "\"TransactionAmount\":300}]},{\"PaymentTotals\":[{\"TransactionType\":\"Debit\","
                                      "\"TransactionCount\":1,\"TransactionAmount\":50},{\"TransactionType\":"
                                      "\"ReverseDebit\",\"TransactionCount\":1,\"TransactionAmount\":50},"
                                      "{\"TransactionType\":\"Declined\",\"TransactionCount\":9,"
                                      "\"TransactionAmount\":9}]}]}}}",
                          &told),
                     OK);
    assert_true(text_is(told.reference, "42"));
    assert_int_equal(told.totals.count, 3);
    assert_int_equal(told.totals.amount, 350);
    assert_int_equal(told.totals.reversed_count, 1);
    assert_int_equal(told.totals.reversed_amount, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payment_is_asked_as_nexo_writes_it),
        cmocka_unit_test(amounts_are_whole_dong_however_the_terminal_writes_them),
        cmocka_unit_test(an_answer_to_another_message_is_none),
        cmocka_unit_test(each_condition_means_what_it_means_for_the_card),
        cmocka_unit_test(the_repeated_answer_of_the_message_asked_about_is_believed),
        cmocka_unit_test(totals_are_added_up_over_brands),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
