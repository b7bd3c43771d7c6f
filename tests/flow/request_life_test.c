/* The life of a request, seen from outside: what is asked, what comes, what is said then, and what is owed back. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "payments/requests/requests.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

enum { CROWD = 1000, RACES = 24, MONTH_S = 31 * 86400, EXPIRE_WAIT_S = 30 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static int64_t notice_number = 1000;

static int set_up(void **state)
{
    struct rlimit files = {8192, 8192};
    setrlimit(RLIMIT_NOFILE, &files); /* a thousand callers on either side */
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, "[sepay]\napi_key = sepay-test-key\n");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

/* What happens ------------------------------------------------------------------------------------------------------
 */

static struct payment_asked ask(int copies)
{
    static int number;
    return service_request(&service, &arena, arena_printf(&arena, "LIFE-%03d", ++number), copies);
}

static void pay(const char *memo, int64_t amount)
{
    struct service_answer answer =
        bank_tells(&service, &arena, &(struct bank_notice){.id = ++notice_number, .amount = amount, .memo = memo});
    assert_true(bank_accepted(&answer));
}

static json_t *look(const struct payment_asked *asked)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)asked->id), "%s", "");
    assert_int_equal(answer.status, 200);
    return answer.json;
}

static struct service_answer act(const struct payment_asked *asked, const char *verb)
{
    return service_ask(&service, &arena, "POST",
                       arena_printf(&arena, "/v1/payment-requests/%lld/%s", (long long)asked->id, verb), "{}");
}

/* What must be said -------------------------------------------------------------------------------------------------
 */

static void expect_status(const struct payment_asked *asked, const char *status, int64_t missing, int64_t surplus)
{
    json_t *now = look(asked);
    assert_string_equal(json_string_at(now, "status"), status);
    assert_int_equal(json_int_at(now, "missing"), missing);
    assert_int_equal(json_int_at(now, "surplus"), surplus);
}

static void expect_qr_asks_for(const struct payment_asked *asked, int64_t amount)
{
    const char *payload = json_string_at(json_object_get(look(asked), "vietqr"), "payload");
    struct vietqr_read read;
    struct faults faults;
    faults_init(&faults, &arena);
    assert_int_equal(vietqr_decode(text_of(payload), &faults, &read), OK);
    assert_int_equal(read.qr.amount, amount);
    assert_true(text_is(read.qr.memo, asked->reference));
    assert_true(text_is(read.qr.account, TEST_ACCOUNT));
}

static void expect_no_qr(const struct payment_asked *asked, const char *reason)
{
    json_t *now = look(asked);
    assert_true(json_is_null(json_object_get(now, "vietqr")));
    assert_string_equal(json_string_at(now, "vietqr_absent_reason"), reason);
    struct service_answer image =
        service_ask(&service, &arena, "GET",
                    arena_printf(&arena, "/v1/payment-requests/%lld/qr.svg", (long long)asked->id), "%s", "");
    EXPECT_PROBLEM(&arena, "its image", &image, 404, "not_found", "");
}

/* "kind kind …" of a request's events, receipts left out: they come on their own time. */
static void expect_events(const struct payment_asked *asked, const char *kinds)
{
    struct service_answer answer =
        service_ask(&service, &arena, "GET",
                    arena_printf(&arena, "/v1/payment-requests/%lld/events", (long long)asked->id), "%s", "");
    size_t i;
    json_t *event;
    const char *found = "";
    json_array_foreach(json_object_get(answer.json, "items"), i, event)
    {
        const char *kind = json_string_at(event, "kind");
        if (strncmp(kind, "receipt.", 8))
            found = arena_printf(&arena, "%s%s%s", found, *found ? " " : "", kind);
    }
    assert_string_equal(found, kinds);
}

static void expect_refund_case(const struct payment_asked *asked, const char *reason, int64_t amount)
{
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT sum(amount) FROM refund WHERE request_id = %lld AND reason = "
                                               "'%s' AND state = 'proposed'",
                                               (long long)asked->id, reason)),
                     amount);
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM refund WHERE request_id = %lld", (long long)asked->id)),
        1);
}

static int64_t receipts_of(const struct payment_asked *asked)
{
    assert_true(service_drained(db, 60));
    return test_int(db, arena_printf(&arena,
                                     "SELECT count(*) FROM receipt WHERE request_id = %lld AND signed_xml IS NOT NULL "
                                     "AND total = %lld",
                                     (long long)asked->id, (long long)asked->amount));
}

/* Paid --------------------------------------------------------------------------------------------------------------
 */

static void a_request_is_paid_whole(void **state)
{
    struct payment_asked asked = ask(2);
    expect_status(&asked, "pending", 16000, 0);
    expect_qr_asks_for(&asked, 16000);
    pay(asked.reference, 16000);
    expect_status(&asked, "paid", 0, 0);
    expect_no_qr(&asked, "paid");
    expect_events(&asked, "request.created payment.settled request.paid");
    assert_int_equal(receipts_of(&asked), 1);
}

static void after_a_part_the_qr_asks_only_for_the_rest(void **state)
{
    struct payment_asked asked = ask(3);
    pay(asked.reference, 9000);
    expect_status(&asked, "partly_paid", 15000, 0);
    expect_qr_asks_for(&asked, 15000);
    assert_int_equal(receipts_of(&asked), 0);
    pay(asked.reference, 15000);
    expect_status(&asked, "paid", 0, 0);
    expect_no_qr(&asked, "paid");
    expect_events(&asked, "request.created payment.settled payment.settled request.paid");
    assert_int_equal(receipts_of(&asked), 1);
}

static void too_much_opens_a_refund_case_for_the_surplus(void **state)
{
    struct payment_asked asked = ask(1);
    pay(asked.reference, 10000);
    expect_status(&asked, "overpaid", 0, 2000);
    expect_no_qr(&asked, "overpaid");
    expect_refund_case(&asked, "surplus", 2000);
    assert_int_equal(receipts_of(&asked), 1);
}

static void a_second_payment_is_owed_back_whole(void **state)
{
    struct payment_asked asked = ask(1);
    pay(asked.reference, 8000);
    pay(asked.reference, 8000);
    expect_status(&asked, "overpaid", 0, 8000);
    expect_refund_case(&asked, "double", 8000);
    expect_events(&asked, "request.created payment.settled request.paid payment.settled");
    assert_int_equal(receipts_of(&asked), 1);
}

static void money_for_a_cancelled_request_is_owed_back_whole(void **state)
{
    struct payment_asked asked = ask(2);
    assert_int_equal(act(&asked, "cancel").status, 200);
    expect_no_qr(&asked, "cancelled");
    struct service_answer answer = act(&asked, "reopen");
    EXPECT_PROBLEM(&arena, "reopening it", &answer, 409, "request_cancelled", "");
    pay(asked.reference, 16000);
    expect_status(&asked, "cancelled", 0, 16000);
    expect_refund_case(&asked, "after_cancel", 16000);
    expect_events(&asked, "request.created request.cancelled payment.settled");
    assert_int_equal(receipts_of(&asked), 0);
}

static void what_is_paid_can_be_neither_cancelled_nor_reopened(void **state)
{
    struct payment_asked asked = ask(1);
    pay(asked.reference, 8000);
    assert_true(service_drained(db, 60));
    const char *before = rows_of_all_tables(db, &arena);
    struct service_answer answer = act(&asked, "cancel");
    EXPECT_PROBLEM(&arena, "cancelling it", &answer, 409, "request_settled", "");
    answer = act(&asked, "reopen");
    EXPECT_PROBLEM(&arena, "reopening it", &answer, 409, "request_settled", "");
    assert_string_equal(before, rows_of_all_tables(db, &arena));
}

static void what_has_part_of_its_money_says_so_when_it_is_to_be_cancelled(void **state)
{
    struct payment_asked asked = ask(2);
    pay(asked.reference, 6000);
    struct service_answer answer = act(&asked, "cancel");
    EXPECT_PROBLEM(&arena, "cancelling it", &answer, 409, "request_partly_paid", "");
    answer = act(&asked, "reopen");
    EXPECT_PROBLEM(&arena, "reopening it", &answer, 409, "request_partly_paid", "");
    expect_status(&asked, "partly_paid", 10000, 0);
}

static void the_dossier_alone_is_enough_to_ask_for_its_usual_fees(void **state)
{
    assert_int_equal(service_dossier(&service, &arena, "LIFE-ALONE").status, 201);
    struct service_answer made = service_ask(&service, &arena, "POST", "/v1/payment-requests",
                                             "{\"dossier\":\"LIFE-ALONE\",\"quantities\":{\"copies\":2}}");
    assert_int_equal(made.status, 201);
    assert_int_equal(json_int_at(made.json, "amount"), 16000);
}

static void nothing_due_is_said_at_once_and_money_for_it_is_owed_back(void **state)
{
    assert_int_equal(service_dossier(&service, &arena, "LIFE-FREE").status, 201);
    struct service_answer made = service_ask(
        &service, &arena, "POST", "/v1/payment-requests",
        "{\"dossier\":\"LIFE-FREE\",\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"online\",\"quantities\":{\"copies\":2},"
        "\"beneficiary_categories\":[\"digital_citizen\"]}");
    assert_int_equal(made.status, 201);
    assert_string_equal(json_string_at(made.json, "status"), "nothing_due");
    struct payment_asked asked = {json_int_at(made.json, "id"), 0, json_string_at(made.json, "reference"), "", ""};
    expect_no_qr(&asked, "nothing_due");
    expect_events(&asked, "request.nothing_due");
    pay(asked.reference, 5000);
    expect_status(&asked, "nothing_due", 0, 5000);
    expect_refund_case(&asked, "nothing_due", 5000);
    assert_int_equal(receipts_of(&asked), 0);
}

/* Whose money it is -------------------------------------------------------------------------------------------------
 */

/* One symbol of the reference read wrongly, as tellers and banks do. */
static const char *misspelt(const char *reference)
{
    char *memo = arena_printf(&arena, "NOP PHI %s", reference);
    char *symbol = memo + 8 + 5;
    *symbol = *symbol == '7' ? '8' : '7';
    return memo;
}

static void a_repaired_reference_counts_only_with_the_exact_amount(void **state)
{
    struct payment_asked asked = ask(2);
    pay(misspelt(asked.reference), 15000);
    expect_status(&asked, "pending", 16000, 0);
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM payment WHERE external_id = '%lld' AND request_id "
                                               "IS NULL",
                                               (long long)notice_number)),
                     1);
    pay(misspelt(asked.reference), 16000);
    expect_status(&asked, "paid", 0, 0);
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT edits FROM payment WHERE request_id = %lld", (long long)asked.id)),
        1);
}

static void a_memo_that_says_nothing_waits_for_a_person(void **state)
{
    int64_t before = test_int(db, "SELECT count(*) FROM payment WHERE request_id IS NULL");
    pay("CHUYEN TIEN", 8000);
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment WHERE request_id IS NULL"), before + 1);
    struct service_answer answer =
        service_ask(&service, &arena, "GET", "/v1/payments?status=unallocated&limit=500", "%s", "");
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), before + 1);
}

static struct service_answer sepay_tells(int64_t id, int64_t amount, const char *memo, const char *bank_reference)
{
    const struct http_pair more[] = {{"Authorization", TEXT("Apikey sepay-test-key")}};
    const struct service_call call = {
        .method = "POST",
        .path = "/v1/notifications/sepay",
        .body = arena_textf(&arena,
                            "{\"id\":%lld,\"gateway\":\"MBBank\",\"transactionDate\":\"2026-11-20 08:00:00\","
                            "\"accountNumber\":\"" TEST_ACCOUNT
                            "\",\"subAccount\":null,\"code\":null,\"content\":\"%s\",\"transferType\":\"in\","
                            "\"transferAmount\":%lld,\"referenceCode\":\"%s\",\"accumulated\":0}",
                            (long long)id, memo, (long long)amount, bank_reference),
        .key = "",
        .more = more,
        .more_count = 1};
    return service_call(&service, &arena, &call);
}

static void the_same_money_told_by_two_sources_is_one_payment(void **state)
{
    struct payment_asked asked = ask(2);
    struct service_answer answer = sepay_tells(1, 16000, asked.reference, "FT26324000017");
    assert_true(bank_accepted(&answer));
    answer = bank_tells(
        &service, &arena,
        &(struct bank_notice){
            .id = ++notice_number, .amount = 16000, .memo = asked.reference, .bank_reference = "FT26324000017"});
    assert_true(bank_accepted(&answer));
    expect_status(&asked, "paid", 0, 0);
    expect_events(&asked, "request.created payment.settled request.paid");
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM payment WHERE request_id = %lld", (long long)asked.id)),
        1);
}

/* A thousand connections, each with the same call-back; the last byte of each goes out when all are there. */
static void a_thousand_identical_call_backs_book_one_payment(void **state)
{
    static int lines[CROWD];
    struct payment_asked asked = ask(2);
    struct text body =
        bank_body(&arena, &(struct bank_notice){.id = ++notice_number, .amount = 16000, .memo = asked.reference});
    struct text message = arena_textf(
        &arena,
        "POST /v1/notifications/sandbox-bank HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
        "application/json\r\n%.*sContent-Length: %zu\r\n\r\n%.*s",
        TEXT_ARGS(bank_headers(&service, &arena, body, clock_now() / SECOND_US)), body.length, TEXT_ARGS(body));
    for (int i = 0; i < CROWD; i++) {
        lines[i] = service_connect(&service);
        assert_int_equal(send(lines[i], message.at, message.length - 1, MSG_NOSIGNAL), message.length - 1);
    }
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(send(lines[i], message.at + message.length - 1, 1, MSG_NOSIGNAL), 1);
    int accepted = 0;
    for (int i = 0; i < CROWD; i++) {
        char reply[2048];
        size_t length = 0;
        ssize_t got;
        while (length < sizeof reply - 1 && (got = recv(lines[i], reply + length, sizeof reply - 1 - length, 0)) > 0)
            length += (size_t)got;
        reply[length] = 0;
        accepted += !strncmp(reply, "HTTP/1.1 200 ", 13) && strstr(reply, "{\"success\":true}");
        close(lines[i]);
    }
    assert_int_equal(accepted, CROWD);
    expect_status(&asked, "paid", 0, 0);
    expect_events(&asked, "request.created payment.settled request.paid");
    assert_int_equal(test_int(db, arena_printf(&arena, "SELECT count(*) FROM payment WHERE external_id = '%lld'",
                                               (long long)notice_number)),
                     1);
    assert_int_equal(receipts_of(&asked), 1);
}

struct race {
    struct payment_asked asked;
    int64_t notice;
    int cancelled;
};

static void *cancel_in_the_race(void *with)
{
    struct race *race = with;
    struct arena own;
    arena_init(&own);
    race->cancelled =
        service_ask(&service, &own, "POST",
                    arena_printf(&own, "/v1/payment-requests/%lld/cancel", (long long)race->asked.id), "{}")
            .status;
    arena_done(&own);
    return NULL;
}

/* Either it was paid and stays paid, or it was cancelled and the money is owed back: never both, never neither. */
static void paying_and_cancelling_at_once_ends_one_way_or_the_other(void **state)
{
    int paid = 0, cancelled = 0;
    for (int i = 0; i < RACES; i++) {
        struct race race = {.asked = ask(1)};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, cancel_in_the_race, &race), 0);
        test_sleep_ms(i % 4);
        pay(race.asked.reference, 8000);
        pthread_join(thread, NULL);
        if (race.cancelled == 200) {
            expect_status(&race.asked, "cancelled", 0, 8000);
            expect_refund_case(&race.asked, "after_cancel", 8000);
        } else {
            assert_int_equal(race.cancelled, 409);
            expect_status(&race.asked, "paid", 0, 0);
        }
        paid += race.cancelled != 200;
        cancelled += race.cancelled == 200;
    }
    printf("%d were paid, %d cancelled\n", paid, cancelled);
}

/* Who may see it ----------------------------------------------------------------------------------------------------
 */

static struct service_answer open_link(const char *token, const char *what)
{
    const struct service_call call = {.method = "GET", .path = arena_printf(&arena, "/p/%s%s", token, what), .key = ""};
    return service_call(&service, &arena, &call);
}

static void a_link_opens_its_own_request_and_no_other(void **state)
{
    struct payment_asked mine = ask(1), other = ask(2);
    const char *token = strrchr(mine.pay_url, '/') + 1, *other_token = strrchr(other.pay_url, '/') + 1;
    assert_int_equal(strlen(token), TOKEN_TEXT_SIZE - 1);
    struct service_answer answer = open_link(token, "/status");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_int_at(answer.json, "amount"), 8000);
    assert_true(text_find(answer.body, TEXT("LIFE-")) == answer.body.length);
    assert_int_equal(json_int_at(open_link(other_token, "/status").json, "amount"), 16000);
    assert_int_equal(open_link(token, "/qr.svg").status, 200);
    assert_int_equal(open_link(token, "/qr.png").status, 200);

    const char *const wrong[] = {mine.reference,
                                 arena_printf(&arena, "%lld", (long long)mine.id),
                                 arena_printf(&arena, "%.21s", token),
                                 arena_printf(&arena, "%sA", token),
                                 arena_printf(&arena, "%c%s", *token == 'A' ? 'B' : 'A', token + 1),
                                 "%27%20OR%20%271%27%3D%271"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        answer = open_link(wrong[i], "/status");
        EXPECT_PROBLEM(&arena, wrong[i], &answer, 404, "not_found", "");
        answer = open_link(wrong[i], "/qr.svg");
        EXPECT_PROBLEM(&arena, wrong[i], &answer, 404, "not_found", "");
    }
    assert_int_equal(test_int(db, arena_printf(&arena,
                                               "SELECT count(*) FROM payment_request WHERE position('%s'::bytea IN "
                                               "token_hash) > 0 OR payment_request::text LIKE '%%%s%%'",
                                               token, token)),
                     0); /* only its hash is kept */
}

/* The feed ----------------------------------------------------------------------------------------------------------
 */

static void the_feed_gives_every_event_once_and_in_order(void **state)
{
    assert_true(service_drained(db, 60));
    int64_t all = test_int(db, "SELECT count(*) FROM event"), seen = 0, reordered = 0;
    const char *cursor = "0";
    for (int page = 0; page < 1000; page++) {
        struct service_answer answer = service_ask(
            &service, &arena, "GET", arena_printf(&arena, "/v1/events?limit=7&cursor=%s", cursor), "%s", "");
        assert_int_equal(answer.status, 200);
        size_t i;
        json_t *event, *items = json_object_get(answer.json, "items");
        if (!json_array_size(items))
            break;
        assert_true(json_array_size(items) <= 7);
        json_array_foreach(items, i, event) reordered += json_int_at(event, "position") != ++seen;
        cursor = json_string_at(answer.json, "next_cursor");
    }
    assert_int_equal(reordered, 0);
    assert_int_equal(seen, all);
    /* Of one request: asked before paid, settled before its receipt. */
    assert_int_equal(test_int(db, "SELECT count(*) FROM feed f JOIN event e ON e.id = f.event_id JOIN event g ON "
                                  "g.request_id = e.request_id JOIN feed h ON h.event_id = g.id WHERE h.position < "
                                  "f.position AND (e.kind LIKE 'request.created' OR (e.kind = 'request.paid' AND "
                                  "g.kind = 'receipt.issued'))"),
                     0);
}

/* Time --------------------------------------------------------------------------------------------------------------
 */

static void a_month_passes(void)
{
    service_stop(&service);
    service.clock_offset_s += MONTH_S;
    service_start(&service);
}

static void wait_for_status(const struct payment_asked *asked, const char *status)
{
    for (int i = 0; i < EXPIRE_WAIT_S * 10; i++) {
        if (!strcmp(json_string_at(look(asked), "status"), status))
            return;
        test_sleep_ms(100);
    }
    fail_msg("never became %s", status);
}

static void an_expired_request_can_be_reopened_and_its_money_is_never_refused(void **state)
{
    struct payment_asked late = ask(1), again = ask(2), never = ask(3), part = ask(2);
    pay(part.reference, 6000);
    a_month_passes();
    wait_for_status(&late, "expired");
    wait_for_status(&again, "expired");
    wait_for_status(&never, "expired");
    expect_status(&part, "partly_paid", 10000, 0); /* money is there: it does not run out */

    pay(late.reference, 8000);
    expect_status(&late, "paid", 0, 0);
    expect_events(&late, "request.created request.expired payment.settled request.paid");
    assert_int_equal(receipts_of(&late), 1);

    struct service_answer answer = act(&again, "reopen");
    assert_int_equal(answer.status, 200);
    assert_string_equal(json_string_at(answer.json, "status"), "pending");
    instant_us expires_at;
    assert_true(instant_parse(text_of(json_string_at(answer.json, "expires_at")), &expires_at));
    assert_true(expires_at > clock_now());
    pay(again.reference, 16000);
    expect_status(&again, "paid", 0, 0);
    expect_events(&again, "request.created request.expired request.reopened payment.settled request.paid");

    assert_int_equal(act(&never, "cancel").status, 200);
    expect_events(&never, "request.created request.expired request.cancelled");
    pay(part.reference, 10000);
    expect_status(&part, "paid", 0, 0);
}

static void the_books_are_whole_at_the_end(void **state)
{
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_paid_whole),
        cmocka_unit_test(after_a_part_the_qr_asks_only_for_the_rest),
        cmocka_unit_test(too_much_opens_a_refund_case_for_the_surplus),
        cmocka_unit_test(a_second_payment_is_owed_back_whole),
        cmocka_unit_test(money_for_a_cancelled_request_is_owed_back_whole),
        cmocka_unit_test(what_is_paid_can_be_neither_cancelled_nor_reopened),
        cmocka_unit_test(what_has_part_of_its_money_says_so_when_it_is_to_be_cancelled),
        cmocka_unit_test(the_dossier_alone_is_enough_to_ask_for_its_usual_fees),
        cmocka_unit_test(nothing_due_is_said_at_once_and_money_for_it_is_owed_back),
        cmocka_unit_test(a_repaired_reference_counts_only_with_the_exact_amount),
        cmocka_unit_test(a_memo_that_says_nothing_waits_for_a_person),
        cmocka_unit_test(the_same_money_told_by_two_sources_is_one_payment),
        cmocka_unit_test(a_thousand_identical_call_backs_book_one_payment),
        cmocka_unit_test(paying_and_cancelling_at_once_ends_one_way_or_the_other),
        cmocka_unit_test(a_link_opens_its_own_request_and_no_other),
        cmocka_unit_test(the_feed_gives_every_event_once_and_in_order),
        cmocka_unit_test(an_expired_request_can_be_reopened_and_its_money_is_never_refused),
        cmocka_unit_test(the_books_are_whole_at_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
