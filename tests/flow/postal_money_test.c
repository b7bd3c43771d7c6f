/* Money at the door: collected, at the post office, handed over; and each way in which it goes otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "postal/postal.h"
#include "tests/support/database.h"

#define ACCOUNT "0021000000001"

static struct http_client *client;
static struct http_server *server;
static struct db *db;
static struct arena arena;
static char own[64];

static const struct route routes[] = {
    {"POST", "/v1/postal/bookings/{id}/collections", postal_collect_handle, HTTP_WORKER, .access = ACCESS_PUBLIC},
    {"POST", "/v1/postal/remittances", postal_remit_handle, HTTP_WORKER, .access = ACCESS_PUBLIC, .media = "*",
     .body_max = POSTAL_LIST_BYTES_MAX},
};

static enum err worker_open(void *context, struct db **ret_db)
{
    *ret_db = test_db();
    return OK;
}

static void worker_close(void *context, struct db *worker)
{
    db_close(worker);
}

static struct http_answer post(const char *path, const char *body)
{
    const struct http_pair json = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {.method = "POST",
                                   .url = arena_printf(&arena, "%s%s", own, path),
                                   .headers = &json,
                                   .header_count = 1,
                                   .body = text_of(body)};
    struct http_answer answer;
    assert_int_equal(http_client_call(client, &call, &arena, &answer), OK);
    return answer;
}

static void expect(struct http_answer answer, int status, const char *has)
{
    const char *body = arena_copy(&arena, answer.body);
    if (answer.status != status || !strstr(body, has))
        fail_msg("%d %s (expected %d %s)", answer.status, body, status, has);
}

struct door {
    int64_t request, parcel;
    const char *item, *reference;
};

/* A request of 100,000 đồng and a booked parcel that collects it. */
static struct door door_new(void)
{
    static int number = 10000000;
    char digits[9];
    snprintf(digits, sizeof digits, "%08d", number++);
    struct door d = {.reference = arena_printf(&arena, "QNABCD%s", digits),
                     .item = arena_printf(&arena, "EP%s%cVN", digits, postal_s10_check(digits))};
    d.request = test_request(db, d.reference, 100000);
    d.parcel = test_int(
        db, arena_printf(&arena,
                         "INSERT INTO parcel (code, carrier, dossier, direction, state, status, wish, weight_g, "
                         "collect, carrier_id, item, created_at, created_by, changed_at, transit_days)"
                         " SELECT 'LP-%s', 'vnpost', dossier, 'receive', 'booked', 'accepted', '{}', 50, 100000, 'c', "
                         "'%s', '2026-11-20 01:00Z', 'system:test', '2026-11-20 01:00Z', 2 FROM payment_request"
                         " WHERE id = %lld RETURNING id",
                         digits, d.item, (long long)d.request));
    return d;
}

static struct http_answer collected(const struct door *d, int amount, const char *outlet)
{
    return post(arena_printf(&arena, "/v1/postal/bookings/%lld/collections", (long long)d->parcel),
                arena_printf(&arena, "{\"amount\":%d,\"outlet\":\"%s\",\"collected_at\":\"2026-11-20T09:00:00+07:00\"}",
                             amount, outlet));
}

static struct http_answer list(const char *name, const char *rows)
{
    return post(arena_printf(&arena, "/v1/postal/remittances?list=%s&account=" ACCOUNT "&paid_on=2026-11-21", name),
                arena_printf(&arena, "item,amount,postage,outlet\n%s", rows));
}

static int64_t balance(const char *code)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN account a ON a.id = "
                                     "e.account_id WHERE a.code = '%s'",
                                     code));
}

static const char *status_of(const struct door *d)
{
    return arena_copy(&arena, test_value(db, &arena,
                                         arena_printf(&arena, "SELECT status FROM payment_request WHERE id = %lld",
                                                      (long long)d->request)));
}

static void sound(void)
{
    struct text broken =
        test_value(db, &arena,
                   "SELECT string_agg(concat_ws(' ', problem, subject, difference), '; ') FROM (SELECT * FROM "
                   "postal_audit() UNION ALL SELECT * FROM reconcile_audit() WHERE problem NOT LIKE 'receipt%' AND "
                   "problem NOT LIKE '%receipt%') x");
    if (broken.length)
        fail_msg("%.*s", TEXT_ARGS(broken));
}

static void door_money_pays_the_request_and_lies_at_the_post_office_until_it_is_handed_over(void **state)
{
    struct door d = door_new();
    int64_t clearing = balance("clearing:" ACCOUNT);
    expect(collected(&d, 100000, "cam-pha"), 201, "\"collected\"");
    assert_string_equal(status_of(&d), "paid");
    assert_int_equal(balance("post:vnpost:cam-pha"), 100000);
    assert_int_equal(balance("clearing:" ACCOUNT), clearing);
    assert_int_equal(
        test_int(db, "SELECT amount FROM postal_ageing('2026-11-23') WHERE outlet = 'cam-pha' AND age_days = 3"),
        100000);
    expect(collected(&d, 100000, "cam-pha"), 200, "\"known\"");
    expect(collected(&d, 90000, "cam-pha"), 409, "conflict");
    sound();

    const char *rows = arena_printf(&arena, "%s,100000,27500,cam-pha\n", d.item);
    expect(list("BK-000001", rows), 201, "\"net\":72500");
    assert_int_equal(balance("post:vnpost:cam-pha"), 0); /* gross: what the carrier keeps back is no less of a fee */
    assert_int_equal(balance("clearing:" ACCOUNT), clearing + 100000);
    assert_int_equal(test_int(db, "SELECT net FROM pay_out WHERE source = 'vnpost' AND batch = 'BK-000001'"), 72500);
    assert_int_equal(test_int(db, "SELECT count(*) FROM postal_ageing('2026-11-23') WHERE outlet = 'cam-pha'"), 0);
    assert_int_equal(test_int(db, "SELECT amount FROM postal_ageing('2026-11-20') WHERE outlet = 'cam-pha'"), 100000);
    expect(list("BK-000001", rows), 200, "BK-000001");
    expect(list("BK-000001", arena_printf(&arena, "%s,99999,0,cam-pha\n", d.item)), 409, "conflict");
    expect(list("BK-000002", rows), 201, "\"repeated\"");
    assert_int_equal(balance("post:vnpost:cam-pha"), 0);
    sound();
}

static void a_part_is_a_deposit_and_a_second_payment_is_owed_back(void **state)
{
    struct door part = door_new(), twice = door_new();
    expect(collected(&part, 60000, "mao-khe"), 201, "\"collected\"");
    assert_string_equal(status_of(&part), "partly_paid");
    assert_int_equal(
        test_int(db, "SELECT amount FROM postal_concerns('2026-11-23') WHERE concern = 'other_sum_collected'"), -40000);

    /* Paid by QR while the postman was on his way. */
    test_sql(db,
             arena_printf(&arena,
                          "SELECT confirm('2026-11-20T01:30Z', '{sandbox-bank}', '{Q-%s}', ARRAY[int8send(100000)], "
                          "'{100000}', '{" ACCOUNT "}', '{vietqr}', '{NULL}', '{%s}', '{2026-11-20T01:30Z}', "
                          "'{NULL}', '{NULL}', ARRAY[NULL::bytea], '{1}', '{%s}', '{0}')",
                          twice.item, twice.reference, twice.reference));
    assert_string_equal(status_of(&twice), "paid");
    expect(collected(&twice, 100000, "mao-khe"), 201, "\"collected\"");
    assert_string_equal(status_of(&twice), "overpaid");
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT amount FROM refund WHERE request_id = %lld AND reason = 'double'",
                                  (long long)twice.request)),
        100000);
    assert_int_equal(balance("post:vnpost:mao-khe"), 160000);
    sound();
}

static void an_expired_price_holds_at_the_door_and_a_refusal_moves_no_money(void **state)
{
    struct door late = door_new(), refused = door_new();
    test_sql(db, "SELECT request_expire('2027-02-01Z', 500)");
    expect(collected(&late, 100000, "ha-long"), 201, "\"collected\"");
    assert_string_equal(status_of(&late), "paid");
    test_sql(db,
             arena_printf(&arena, "UPDATE parcel SET status = 'returned' WHERE id = %lld", (long long)refused.parcel));
    assert_string_equal(status_of(&refused), "expired");
    assert_int_equal(test_int(db, arena_printf(&arena, "SELECT count(*) FROM payment WHERE request_id = %lld",
                                               (long long)refused.request)),
                     0);
    /* Delivered, and nobody said anything of the money. */
    test_sql(db, arena_printf(&arena,
                              "UPDATE parcel SET status = 'delivered', status_at = '2026-11-20T02:00Z' WHERE id = %lld",
                              (long long)refused.parcel));
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM postal_concerns('2026-11-23') WHERE concern = 'delivered_without_money'"),
        1);
    sound();
}

static void a_list_heals_what_nobody_reported_and_raises_what_does_not_agree(void **state)
{
    struct door lost = door_new(), less = door_new();
    expect(collected(&less, 100000, "uong-bi"), 201, "\"collected\"");
    expect(list("BK-000010",
                arena_printf(&arena, "%s,100000,0,uong-bi\n%s,70000,0,uong-bi\nEP000000005VN,5000,0,uong-bi\n",
                             lost.item, less.item)),
           201, "\"unknown_parcel\"");
    assert_string_equal(status_of(&lost), "paid");
    assert_int_equal(balance("post:vnpost:uong-bi"), 30000);
    assert_int_equal(test_int(db, "SELECT count(*) FROM postal_concerns('2026-11-23') WHERE concern IN "
                                  "('list_other_amount', 'list_unknown_parcel')"),
                     2);
    expect(list("BK-000011", arena_printf(&arena, "%s,30000,0,uong-bi\n", less.item)), 201, "\"settled\"");
    assert_int_equal(balance("post:vnpost:uong-bi"), 0);
    sound();
}

static void bad_input_is_named_and_changes_nothing(void **state)
{
    struct door d = door_new();
    int64_t before = test_int(db, "SELECT count(*) FROM postal_remittance");
    expect(collected(&d, 0, "cam-pha"), 422, "/amount");
    expect(collected(&d, 5, "cẩm phả"), 422, "/outlet");
    expect(post("/v1/postal/bookings/999999/collections", "{\"amount\":1,\"outlet\":\"x\"}"), 404, "not_found");
    expect(list("BK-1", "EP000000005VN,1,0,x\n"), 422, "/list");
    expect(list("BK-000100", "EP000000005VN,1.5,0,x\n"), 422, "2:amount");
    expect(list("BK-000100", "EP000000005VN,-1,0,x\n"), 422, "2:amount");
    expect(list("BK-000100", "EP000000005VN,100,0,x\nTổng cộng,99,0,\n"), 422, "99");
    expect(post("/v1/postal/remittances?list=BK-000100&account=1&paid_on=2026-11-21", "item,amount\nEP000000005VN,1\n"),
           422, "/account");
    expect(post("/v1/postal/remittances?list=BK-000100&account=" ACCOUNT "&paid_on=2026-11-21", "a,b\n1,2\n"), 422,
           "item");
    assert_int_equal(test_int(db, "SELECT count(*) FROM postal_remittance"), before);
}

static void late_parcels_unknown_words_and_early_returns_are_raised(void **state)
{
    struct door d = door_new(), early = door_new();
    test_sql(db, arena_printf(
                     &arena,
                     "SELECT parcel_learn('2026-11-20T03:00Z', %lld, 'notice', '{2026-11-16T02:00Z,2026-11-20T02:00Z}',"
                     " '{TGTN,XYZ9}', '{accepted,unknown}', '{a,b}', '{a,b}')",
                     (long long)d.parcel));
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT parcel_due(%lld) - date '2026-11-18'", (long long)d.parcel)), 0);
    const char *of =
        arena_printf(&arena,
                     "SELECT string_agg(concern, ' ' ORDER BY concern) FROM "
                     "postal_concerns('2026-11-23') WHERE parcel = (SELECT code FROM parcel WHERE id = %lld)",
                     (long long)d.parcel);
    struct text raised = test_value(db, &arena, of);
    assert_true(text_is(raised, "late unknown_status"));
    test_sql(db, arena_printf(
                     &arena,
                     "SELECT parcel_learn('2026-11-20T03:00Z', %lld, 'notice', '{2026-11-19T02:00Z,2026-11-20T02:00Z}',"
                     " '{GHTBC,CH}', '{failed_attempt,returning}', '{a,b}', '{a,b}')",
                     (long long)early.parcel));
    assert_int_equal(
        test_int(db, arena_printf(&arena,
                                  "SELECT count(*) FROM postal_concerns('2026-11-23') WHERE concern = "
                                  "'returned_early' AND parcel = (SELECT code FROM parcel WHERE id = %lld)",
                                  (long long)early.parcel)),
        1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM postal_report('2026-10-01', '2026-12-31') WHERE figure = "
                                  "'12 dossiers by post, in thousandths' AND amount BETWEEN 1 AND 1000"),
                     1);
}

static int start(void **state)
{
    arena_init(&arena);
    db = test_db();
    test_province(db);
    const struct http_client_config client_config = {0};
    if (http_client_start(&client_config, &client))
        return -1;
    const struct http_config http = {.routes = routes,
                                     .route_count = sizeof routes / sizeof *routes,
                                     .workers = 2,
                                     .worker_open = worker_open,
                                     .worker_close = worker_close};
    if (http_server_start(&http, &server))
        return -1;
    snprintf(own, sizeof own, "http://127.0.0.1:%d", http_server_port(server));
    return 0;
}

static int stop(void **state)
{
    http_server_stop(server, 1000);
    http_client_stop(client);
    db_close(db);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(door_money_pays_the_request_and_lies_at_the_post_office_until_it_is_handed_over),
        cmocka_unit_test(a_part_is_a_deposit_and_a_second_payment_is_owed_back),
        cmocka_unit_test(an_expired_price_holds_at_the_door_and_a_refusal_moves_no_money),
        cmocka_unit_test(a_list_heals_what_nobody_reported_and_raises_what_does_not_agree),
        cmocka_unit_test(bad_input_is_named_and_changes_nothing),
        cmocka_unit_test(late_parcels_unknown_words_and_early_returns_are_raised),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
