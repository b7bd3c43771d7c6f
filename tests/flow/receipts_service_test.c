/* Receipts as people and systems meet them on the running service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/service.h"

static struct db *db;
static struct arena arena;
static struct service_under_test service;
static int64_t notice;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void pay(const struct payment_asked *asked, int64_t amount)
{
    const struct bank_notice told = {.id = ++notice, .amount = amount, .memo = asked->reference};
    struct service_answer answer = bank_tells(&service, &arena, &told);
    assert_true(bank_accepted(&answer));
}

static struct service_answer open_page(const char *method, const char *path, const char *form, const char *cookie)
{
    return service_call(&service, &arena,
                        &(struct service_call){.method = method,
                                               .path = path,
                                               .body = text_of(form),
                                               .content_type = form ? "application/x-www-form-urlencoded" : NULL,
                                               .key = "",
                                               .cookie = cookie});
}

static bool says(const struct service_answer *answer, const char *words)
{
    return text_find(answer->body, text_of(words)) < answer->body.length;
}

static bool receipt_comes(int64_t request)
{
    const char *sql = arena_printf(
        &arena, "SELECT count(*) FROM receipt WHERE request_id = %lld AND signed_xml IS NOT NULL", (long long)request);
    for (int i = 0; i < 100; i++, test_sleep_ms(100))
        if (test_int(db, sql))
            return true;
    return false;
}

static void a_part_payment_gets_an_acknowledgement_that_is_no_receipt(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "A-1", 2);
    const char *path = arena_printf(&arena, "%s/acknowledgement", strstr(asked.pay_url, "/p/"));
    assert_int_equal(open_page("GET", path, NULL, NULL).status, 404); /* nothing came yet */
    pay(&asked, 6000);
    struct service_answer page = open_page("GET", path, NULL, NULL);
    assert_int_equal(page.status, 200);
    assert_true(says(&page, "Không phải là biên lai") && says(&page, "6.000") && says(&page, "10.000"));
    assert_false(says(&page, "EBL01"));
    pay(&asked, 12000); /* the rest and 2.000 more */
    assert_true(receipt_comes(asked.id));
    page = open_page("GET", path, NULL, NULL);
    assert_true(says(&page, "Nộp thừa") && says(&page, "2.000"));
    struct payment_asked exact = service_request(&service, &arena, "A-2", 1);
    pay(&exact, exact.amount);
    assert_true(receipt_comes(exact.id));
    assert_int_equal(
        open_page("GET", arena_printf(&arena, "%s/acknowledgement", strstr(exact.pay_url, "/p/")), NULL, NULL).status,
        404);
}

static void a_company_pays_for_somebodys_dossier(void **state)
{
    struct payment_asked asked = service_request(&service, &arena, "B-1", 1);
    const char *path = arena_printf(&arena, "/v1/payment-requests/%lld/payer", (long long)asked.id);
    assert_int_equal(service_ask(&service, &arena, "PUT", path, "{\"name\": \"\"}").status, 422);
    assert_int_equal(service_ask(&service, &arena, "PUT", path,
                                 "{\"name\": \"Công ty TNHH Than Hạ Long\", \"tax_code\": \"5700999999\"}")
                         .status,
                     200);
    pay(&asked, asked.amount);
    assert_true(receipt_comes(asked.id));
    struct service_answer shown =
        service_ask(&service, &arena, "GET",
                    arena_printf(&arena, "/v1/receipts?payment_request=%lld", (long long)asked.id), "%s", "");
    int64_t id = json_int_at(json_array_get(json_object_get(shown.json, "items"), 0), "id");
    shown = service_ask(&service, &arena, "GET", arena_printf(&arena, "/v1/receipts/%lld", (long long)id), "%s", "");
    json_t *receipt = json_object_get(shown.json, "receipt");
    assert_string_equal(json_string_at(json_object_get(receipt, "payer"), "tax_code"), "5700999999");
    assert_true(*json_string_at(receipt, "applicant"));
    assert_int_equal(service_ask(&service, &arena, "PUT", path, "{\"name\": \"Khác\"}").status, 409);
}

static int64_t asked_with_payer(const char *code, const char *payer, int *ret_status, struct payment_asked *ret)
{
    (void)service_dossier(&service, &arena, code);
    struct text plain = request_body(&arena, code, 1);
    const struct service_call call = {
        .method = "POST",
        .path = "/v1/payment-requests",
        .body = arena_textf(&arena, "%.*s,\"payer\":%s}", TEXT_ARGS(text_slice(plain, 0, plain.length - 1)), payer)};
    struct service_answer made = service_call(&service, &arena, &call);
    *ret_status = made.status;
    *ret = (struct payment_asked){.id = json_int_at(made.json, "id"),
                                  .amount = json_int_at(made.json, "amount"),
                                  .reference = json_string_at(made.json, "reference")};
    return ret->id;
}

/* The page of the newest receipt, as staff see it. */
static struct service_answer newest_receipt(void)
{
    return service_ask(
        &service, &arena, "GET",
        arena_printf(&arena, "/v1/receipts/%lld.html", (long long)test_int(db, "SELECT max(id) FROM receipt")), "%s",
        "");
}

static void who_pays_may_be_named_when_the_request_is_made(void **state)
{
    int status;
    struct payment_asked asked;
    asked_with_payer("C-1", "{\"name\":\"John Smith\",\"passport\":\"X1234567\",\"address\":\"Hạ Long\"}", &status,
                     &asked);
    assert_int_equal(status, 201);
    pay(&asked, asked.amount);
    assert_true(receipt_comes(asked.id));
    struct service_answer page = newest_receipt();
    assert_true(says(&page, "John Smith") && says(&page, "Số hộ chiếu") && says(&page, "X1234567"));
    assert_true(says(&page, "Người có hồ sơ"));
    asked_with_payer("C-2", "{\"name\":\"Công ty Cổ phần Vịnh Xanh\",\"tax_code\":\"5700888888-001\"}", &status,
                     &asked);
    assert_int_equal(status, 201);
    pay(&asked, asked.amount);
    assert_true(receipt_comes(asked.id));
    page = newest_receipt();
    assert_true(says(&page, "Công ty Cổ phần Vịnh Xanh") && says(&page, "5700888888-001"));
    /* no receipt could be made of these: said at once, not when the money is there */
    asked_with_payer("C-3", "{\"name\":\"Công ty\",\"tax_code\":\"57008x8888\"}", &status, &asked);
    assert_int_equal(status, 422);
    asked_with_payer("C-3", "{\"name\":\"Công ty\",\"tax_code\":\"57008888881\"}", &status, &asked);
    assert_int_equal(status, 422);
}

static void a_stranger_learns_words_and_nothing_else(void **state)
{
    struct service_answer page = open_page("GET", "/receipts", NULL, NULL);
    assert_int_equal(page.status, 200);
    page = open_page("POST", "/receipts", "kind=dossier&value=A-2&step=status", NULL);
    assert_true(says(&page, "còn hiệu lực"));
    struct service_answer hit = open_page("POST", "/receipts", "kind=phone&value=0912345678&step=code", NULL),
                          miss = open_page("POST", "/receipts", "kind=phone&value=0912345679&step=code", NULL);
    assert_int_equal(hit.status, miss.status);
    assert_true(says(&hit, "Nếu có biên lai") && says(&miss, "Nếu có biên lai"));
    page = open_page("POST", "/receipts", "step=open&challenge=abcdefghijklmnop&code=123456", NULL);
    assert_int_equal(page.status, 422);
    page = open_page("GET", "/v1/receipts/ranges", NULL, NULL);
    assert_int_equal(page.status, 200);
    assert_int_equal(open_page("GET", "/v1/receipts/concerns", NULL, NULL).status, 401);
    assert_int_equal(open_page("GET", "/v1/tax-messages", NULL, NULL).status, 401);
}

static void finance_sees_what_waits_and_decides_on_the_page(void **state)
{
    const char *an = service_staff_cookie(db, &arena, "an", "finance"),
               *binh = service_staff_cookie(db, &arena, "binh", "supervisor");
    int64_t id = test_int(db, "SELECT min(id) FROM receipt");
    struct service_answer made = service_call(
        &service, &arena,
        &(struct service_call){.method = "POST",
                               .path = arena_printf(&arena, "/v1/receipts/%lld/error-notice", (long long)id),
                               .body = TEXT("{\"wrong\": \"Tổ 5\", \"right\": \"Tổ 6\"}"),
                               .cookie = an});
    assert_int_equal(made.status, 201);
    struct service_answer page = open_page("GET", "/finance", NULL, an);
    assert_true(says(&page, "Thông báo 04/SS-CTĐT") && says(&page, "Tổ 5 → Tổ 6"));
    const char *form = arena_printf(&arena, "id=%lld&decision=approve", (long long)json_int_at(made.json, "id"));
    assert_int_equal(open_page("POST", "/finance/corrections", form, an).status, 403);
    assert_int_equal(open_page("POST", "/finance/corrections", form, binh).status, 303);
    assert_int_equal(test_int(db, "SELECT count(*) FROM receipt_notice"), 1);
    page = open_page("GET", "/finance", NULL, binh);
    assert_true(says(&page, "Gửi cơ quan thuế") && says(&page, "04/SS-CTĐT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_payment_gets_an_acknowledgement_that_is_no_receipt),
        cmocka_unit_test(a_company_pays_for_somebodys_dossier),
        cmocka_unit_test(who_pays_may_be_named_when_the_request_is_made),
        cmocka_unit_test(a_stranger_learns_words_and_nothing_else),
        cmocka_unit_test(finance_sees_what_waits_and_decides_on_the_page),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
