/* A relief with a limit per person and year: our own books say what the person got, whatever a quote was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/system/places.h"
#include "payments/fees/fees.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

/* NQ 66.22/2026/NQ-CP: half of a car's registration fee, once a year, at most 5 × base salary. 10 % of 100 million are
 * 10 million, half are 5 million; the limit of 5 × 2.340.000 = 11.700.000 is not met. */
#define CAR "\"fees\":[\"DD-TRUOCBA-OTO\"],\"channel\":\"online\",\"beneficiary_categories\":[\"digital_citizen\"]"
enum { CAR_FEE = 10000000, RELIEF = 5000000, AT_ONCE = 4 };

static struct db *db;
static struct service_under_test service;
static struct arena arena;

/* `from` in a sheet becomes `to`. */
static struct text changed(struct text sheet, const char *from, const char *to)
{
    size_t at = text_find(sheet, text_of(from)), after = at + strlen(from);
    assert_true(at < sheet.length);
    return arena_textf(&arena, "%.*s%s%.*s", (int)at, sheet.at, to, (int)(sheet.length - after), sheet.at + after);
}

/* The shipped sheets with a base salary, and the rule without its end. */
static struct text with_base_salary(void)
{
    struct catalogue_files files;
    struct faults faults;
    faults_init(&faults, &arena);
    assert_int_equal(
        catalogue_files_read(place_find(&arena, "payments/catalogue", "catalogue"), &arena, &faults, &files), OK);
    struct buf body = {0};
    struct json json = json_to(&body);
    json_put_object(&json, NULL);
    json_put_object(&json, "sheets");
    json_put_text(&json, "values", changed(files.values, "base_salary,unset,", "base_salary,2340000,"));
    json_put_text(&json, "reductions",
                  changed(files.reductions,
                          "5 * base_salary,1,2026-08-15,2027-02-28,payment,NQ 66.22/2026/NQ-CP,Phụ lục "
                          "III,Tài khoản VNeID mức độ 2 và giấy tờ đã tích hợp theo từng thủ tục,VNeID "
                          "level 2 account with the papers the procedure names integrated,H,\nNQ6622-TB-XM",
                          "5 * base_salary,1,2026-08-15,,payment,NQ 66.22/2026/NQ-CP,Phụ lục III,,,H,\nNQ6622-TB-XM"));
    json_put_end(&json);
    json_put_end(&json);
    struct text text = arena_text(&arena, buf_view(&body));
    buf_done(&body);
    return text;
}

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    const char *finance = service_staff_cookie(db, &arena, "ke-toan", "finance");
    const char *supervisor = service_staff_cookie(db, &arena, "truong-ca", "supervisor");
    const struct service_call propose = {
        .method = "POST", .path = "/v1/catalogue/versions", .body = with_base_salary(), .cookie = finance};
    struct service_answer answer = service_call(&service, &arena, &propose);
    assert_int_equal(answer.status, 201);
    const char *version = json_string_at(answer.json, "version");
    const struct service_call approve = {.method = "POST",
                                         .path = arena_printf(&arena, "/v1/catalogue/versions/%s/approve", version),
                                         .body = TEXT("{}"),
                                         .cookie = supervisor};
    assert_int_equal(service_call(&service, &arena, &approve).status, 200);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static void file(const char *code, const char *person)
{
    assert_int_equal(service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/dossiers/%s", code),
                                 "{\"procedure\":\"QN.TRUOCBA-XE\",\"agency\":\"" TEST_AGENCY
                                 "\",\"channel\":\"online\",\"applicant\":{\"name\":\"Nguyễn Văn A\"%s%s%s},"
                                 "\"submitted_at\":\"2026-11-20T08:00:00+07:00\"}",
                                 *person ? ",\"id_number\":\"" : "", person, *person ? "\"" : "")
                         .status,
                     201);
}

static struct service_answer ask(const char *code, int64_t used, int times)
{
    return service_ask(&service, &arena, "POST", "/v1/payment-requests",
                       "{\"dossier\":\"%s\"," CAR ",\"quantities\":{\"value\":100000000,\"sequence\":1,\"relief_used\":"
                       "%lld,\"relief_times\":%d}}",
                       code, (long long)used, times);
}

static int64_t due(const struct service_answer *answer)
{
    if (answer->status != 201)
        fail_msg("%.*s", TEXT_ARGS(answer->body));
    return json_int_at(answer->json, "amount");
}

static void the_first_of_a_year_is_halved_and_the_second_must_say_so(void **state)
{
    file("CAR-1", "022080000001");
    file("CAR-2", "022080000001");
    struct service_answer answer = ask("CAR-1", 0, 0);
    assert_int_equal(due(&answer), CAR_FEE - RELIEF);
    answer = ask("CAR-2", 0, 0);
    EXPECT_PROBLEM(&arena, "as if nothing had been", &answer, 422, "invalid_request",
                   "/quantities/relief_times relief_used_up, /quantities/relief_used relief_used_up");
    assert_true(text_find(answer.body, TEXT("đã được giảm 5000000 đồng")) < answer.body.length);
    answer = ask("CAR-2", RELIEF, 1);
    assert_int_equal(due(&answer), CAR_FEE); /* once a year */
}

static void another_person_and_another_year_are_not_concerned(void **state)
{
    file("CAR-3", "022080000002");
    struct service_answer answer = ask("CAR-3", 0, 0);
    assert_int_equal(due(&answer), CAR_FEE - RELIEF);
    static const char *const of_year =
        "SELECT times FROM relief_of_person((SELECT max(created_at) FROM payment_request) + interval '%d year', "
        "'022080000001', 'NQ6622-TB-OTO')";
    assert_int_equal(test_int(db, arena_printf(&arena, of_year, 0)), 1);
    assert_int_equal(test_int(db, arena_printf(&arena, of_year, 1)), 0);
    assert_int_equal(test_int(db, arena_printf(&arena, of_year, -1)), 0);
}

/* Its code can still be paid; the same dossier may ask anew. */
static void what_ran_out_still_holds_the_year(void **state)
{
    file("CAR-8", "022080000008");
    file("CAR-9", "022080000008");
    struct service_answer answer = ask("CAR-8", 0, 0);
    assert_int_equal(due(&answer), CAR_FEE - RELIEF);
    test_sql(db, arena_printf(&arena, "UPDATE payment_request SET status = 'expired' WHERE id = %lld",
                              (long long)json_int_at(answer.json, "id")));
    assert_int_equal(ask("CAR-9", 0, 0).status, 422);
    answer = ask("CAR-8", 0, 0);
    assert_int_equal(due(&answer), CAR_FEE - RELIEF);
}

static void what_was_cancelled_took_nothing_off(void **state)
{
    file("CAR-4", "022080000003");
    file("CAR-5", "022080000003");
    struct service_answer answer = ask("CAR-4", 0, 0);
    assert_int_equal(due(&answer), CAR_FEE - RELIEF);
    int64_t id = json_int_at(answer.json, "id");
    assert_int_equal(ask("CAR-5", 0, 0).status, 422);
    answer = service_ask(&service, &arena, "POST",
                         arena_printf(&arena, "/v1/payment-requests/%lld/cancel", (long long)id), "%s", "{}");
    assert_int_equal(answer.status, 200);
    answer = ask("CAR-5", 0, 0);
    assert_int_equal(due(&answer), CAR_FEE - RELIEF);
}

static void without_the_persons_number_there_is_no_such_relief(void **state)
{
    file("CAR-6", "");
    struct service_answer answer = ask("CAR-6", 0, 0);
    EXPECT_PROBLEM(&arena, "nobody in particular", &answer, 422, "invalid_request", "/dossier relief_used_up");
}

static atomic_int made, refused;

static void one_of_several(struct db *unused, int number, void *with)
{
    struct arena own;
    arena_init(&own);
    struct service_answer answer =
        service_ask(&service, &own, "POST", "/v1/payment-requests",
                    "{\"dossier\":\"RACE-%d\"," CAR ",\"quantities\":{\"value\":100000000,\"sequence\":1,"
                    "\"relief_used\":0,\"relief_times\":0}}",
                    number);
    atomic_fetch_add(answer.status == 201 ? &made : answer.status == 422 ? &refused : &(atomic_int){0}, 1);
    arena_done(&own);
}

static void several_at_one_moment_get_it_once(void **state)
{
    for (int i = 0; i < AT_ONCE; i++)
        file(arena_printf(&arena, "RACE-%d", i), "022080000009");
    test_clients(AT_ONCE, one_of_several, NULL);
    assert_int_equal(made, 1);
    assert_int_equal(refused, AT_ONCE - 1);
    assert_int_equal(test_int(db, "SELECT amount FROM relief_of_person((SELECT max(created_at) FROM payment_request), "
                                  "'022080000009', 'NQ6622-TB-OTO')"),
                     RELIEF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_a_year_is_halved_and_the_second_must_say_so),
        cmocka_unit_test(another_person_and_another_year_are_not_concerned),
        cmocka_unit_test(what_ran_out_still_holds_the_year),
        cmocka_unit_test(what_was_cancelled_took_nothing_off),
        cmocka_unit_test(without_the_persons_number_there_is_no_such_relief),
        cmocka_unit_test(several_at_one_moment_get_it_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
