/* The exception desk over HTTP: what one person proposes another decides, every đồng keeps a place in the books, and
 * what people decided is never touched by a later run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/reconciliation.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *one, *two, *cashier, *auditor;
static struct payment_asked birth, marriage, household, moved, healed;

enum { DAY = 20 };

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    one = service_staff_cookie(db, &arena, "lan", "finance");
    two = service_staff_cookie(db, &arena, "minh", "supervisor");
    cashier = service_staff_cookie(db, &arena, "hoa", "cashier");
    auditor = service_staff_cookie(db, &arena, "kiem", "auditor");
    birth = service_request(&service, &arena, "DESK-1", 1);
    marriage = service_request(&service, &arena, "DESK-2", 1);
    household = service_request(&service, &arena, "DESK-3", 2);
    moved = service_request(&service, &arena, "DESK-4", 1);
    healed = service_request(&service, &arena, "DESK-5", 1);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer ask(const char *cookie, const char *method, const char *path, const char *body)
{
    const struct service_call call = {.method = method, .path = path, .body = text_of(body), .cookie = cookie};
    return service_call(&service, &arena, &call);
}

/* Books what a run left to book, then looks at the whole house. */
static void the_books_are_whole(void)
{
    struct service_answer run =
        service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-11-20\"}");
    assert_int_equal(run.status, 201);
    assert_true(service_drained(db, 30));
    struct text wrong = test_value(
        db, &arena, "SELECT string_agg(concat_ws(' ', problem, subject, difference), '; ') FROM reconcile_audit()");
    if (wrong.length)
        fail_msg("%.*s", TEXT_ARGS(wrong));
    assert_int_equal(test_int(db, "SELECT coalesce(sum(amount), 0) FROM entry"), 0);
}

static int64_t balance(const char *code)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN account a ON a.id = "
                                     "e.account_id WHERE a.code = '%s:" TEST_ACCOUNT "'",
                                     code));
}

static int64_t case_of(const char *memo)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT e.id FROM exception_case e JOIN statement_line_text t ON t.line_id = "
                                     "e.line_id WHERE t.memo LIKE '%%%s%%'",
                                     memo));
}

static struct service_answer resolve(const char *cookie, int64_t id, const char *body)
{
    return ask(cookie, "POST", arena_printf(&arena, "/v1/exceptions/%lld/resolve", (long long)id), body);
}

static void expect_state(struct service_answer answer, int status, const char *state)
{
    if (answer.status != status || strcmp(json_string_at(answer.json, "state"), state) != 0)
        fail_msg("expected %d %s, got %d %.*s", status, state, answer.status, TEXT_ARGS(answer.body));
}

static void expect_code(struct service_answer answer, int status, const char *code)
{
    if (answer.status != status || strcmp(json_string_at(answer.json, "code"), code) != 0)
        fail_msg("expected %d %s, got %d %.*s", status, code, answer.status, TEXT_ARGS(answer.body));
}

static void a_night_leaves_what_nobody_can_tell(void **state)
{
    const char *file =
        arena_printf(&arena,
                     ":20:DESK\n:25:" TEST_ACCOUNT "\n:28C:1/1\n:60F:C261119VND0,\n"
                     ":61:2611201120C%lld,NTRFNONREF//D1\n:86:?20tien giay khai sinh?31100200300?32NGUYEN THI LAN\n"
                     ":61:2611201120C%lld,NTRFNONREF//D2\n:86:tien hai ho so\n"
                     ":61:2611201120C5000,NTRFNONREF//D3\n:86:chuyen nham\n"
                     ":61:2611201120C3000,NTRFNONREF//D4\n:86:khong ro ai gui\n"
                     ":61:2611201120C%lld,NTRFNONREF//D5\n:86:%s nop le phi\n"
                     ":61:2611201120D3300,NCHGNONREF//D6\n:86:THU PHI DICH VU SMS\n"
                     ":61:2611201120C120,NINTNONREF//D7\n:86:TRA LAI TIEN GUI\n"
                     ":61:2611201120C3301,NTRFNONREF//D8\n:86:bu kinh phi thang 10\n"
                     ":61:2611201120C4444,NTRFNONREF//D9\n:86:khoan de treo\n"
                     ":62F:C261120VND%lld,\n-\n",
                     (long long)birth.amount, (long long)(marriage.amount + household.amount), (long long)healed.amount,
                     healed.reference,
                     (long long)(birth.amount + marriage.amount + household.amount + healed.amount + 5000 + 3000 -
                                 3300 + 120 + 3301 + 4444));
    struct service_call call = {
        .method = "POST", .path = "/v1/statements", .body = text_of(file), .content_type = "application/octet-stream"};
    assert_int_equal(service_call(&service, &arena, &call).status, 201);
    the_books_are_whole();
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_case WHERE state = 'open'"), 8);
    assert_int_equal(balance("charges"), 3300);
    assert_int_equal(balance("interest"), -120);
}

static int64_t items(struct service_answer answer)
{
    assert_int_equal(answer.status, 200);
    return (int64_t)json_array_size(json_object_get(answer.json, "items"));
}

static void the_queue_tells_reason_age_amount_and_owner_and_is_narrowed_by_each(void **state)
{
    struct service_answer all = ask(one, "GET", "/v1/exceptions", "");
    assert_int_equal(items(all), 8);
    json_t *first = json_array_get(json_object_get(all.json, "items"), 0);
    assert_true(*json_string_at(first, "reason") != 0);
    assert_true(*json_string_at(first, "explanation") != 0);
    assert_true(json_int_at(first, "age_days") >= 0);
    assert_true(json_is_null(json_object_get(first, "owner")));
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?reason=bank_charge", "")), 1);
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?min_amount=4000&max_amount=5000", "")), 2);
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?min_age_days=4000", "")), 0);
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?from=2026-11-21", "")), 0);
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?account=" TEST_ACCOUNT "&to=2026-11-20", "")), 8);

    const char *path = arena_printf(&arena, "/v1/exceptions/%lld/owner", (long long)case_of("chuyen nham"));
    assert_int_equal(ask(one, "POST", path, "{\"owner\":\"minh\"}").status, 200);
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?owner=minh", "")), 1);
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?owner=none", "")), 7);
    expect_code(ask(one, "POST", path, "{\"owner\":\"nobody.here\"}"), 422, "invalid_request");
    expect_code(ask(one, "POST", path, "{}"), 422, "invalid_request");
    expect_code(ask(one, "POST", "/v1/exceptions/999999/owner", "{\"owner\":null}"), 404, "not_found");
    assert_int_equal(ask(one, "POST", path, "{\"owner\":null}").status, 200);
    expect_code(ask(one, "GET", "/v1/exceptions?state=lost&min_amount=x&from=monday", ""), 422, "invalid_request");
    assert_int_equal(ask(cashier, "GET", "/v1/exceptions", "").status, 403);
    assert_int_equal(ask(cashier, "POST", path, "{\"owner\":\"minh\"}").status, 403);
    assert_int_equal(ask(auditor, "GET", "/v1/exceptions", "").status, 200);
    assert_int_equal(resolve(auditor, case_of("chuyen nham"), "{\"action\":\"explain\",\"note\":\"abc\"}").status, 403);
}

static void evidence_stands_side_by_side(void **state)
{
    struct service_answer answer =
        ask(auditor, "GET", arena_printf(&arena, "/v1/exceptions/%lld", (long long)case_of("giay khai sinh")), "");
    assert_int_equal(answer.status, 200);
    json_t *bank = json_object_get(json_object_get(answer.json, "exception"), "bank");
    assert_string_equal(json_string_at(bank, "counterparty_account"), "100200300");
    assert_string_equal(json_string_at(bank, "statement_number"), "1");
    assert_string_equal(json_string_at(bank, "place"), "suspense");
    assert_int_equal(json_int_at(bank, "ordinal"), 1);
    expect_code(ask(auditor, "GET", "/v1/exceptions/999999", ""), 404, "not_found");
}

static void money_is_assigned_to_a_dossier_by_two_people(void **state)
{
    int64_t id = case_of("giay khai sinh");
    const char *body = "{\"action\":\"assign\",\"note\":\"phu huynh da xac nhan\",\"dossier\":\"DESK-1\"}";
    expect_code(resolve(one, id, "{\"action\":\"assign\",\"note\":\"abc\",\"dossier\":\"NO-SUCH\"}"), 422,
                "invalid_request");
    expect_code(resolve(one, id, "{\"action\":\"assign\",\"note\":\"abc\"}"), 422, "invalid_request");
    expect_state(resolve(one, id, body), 202, "proposed");
    expect_code(resolve(one, id, body), 403, "second_person_required");
    expect_code(resolve(one, id, "{\"action\":\"approve\",\"note\":\"toi tu duyet\"}"), 403, "second_person_required");
    expect_state(resolve(two, id, "{\"action\":\"approve\",\"note\":\"dung ho so\"}"), 200, "resolved");
    expect_code(resolve(two, id, body), 409, "conflict");
    the_books_are_whole();
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE dossier = 'DESK-1' AND status = 'paid'"),
                     1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_match WHERE rule = 'person'"), 1);
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_evidence WHERE rule = 'person'"), 1);
    /* The call-back that comes late is the same money. */
    struct service_answer late = bank_tells(
        &service, &arena,
        &(struct bank_notice){.id = 71, .amount = birth.amount, .memo = "tien giay khai sinh", .bank_reference = "D1"});
    assert_true(bank_accepted(&late));
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment WHERE request_id = (SELECT id FROM payment_request "
                                  "WHERE dossier = 'DESK-1')"),
                     1);
}

static void a_learned_payer_needs_a_second_person_and_only_suggests(void **state)
{
    struct service_answer list = ask(one, "GET", "/v1/payer-links", "");
    assert_int_equal(items(list), 1);
    json_t *learned = json_array_get(json_object_get(list.json, "items"), 0);
    assert_string_equal(json_string_at(learned, "payer_account"), "100200300");
    assert_string_equal(json_string_at(learned, "state"), "proposed");
    const char *path = arena_printf(&arena, "/v1/payer-links/%lld/approve", (long long)json_int_at(learned, "id"));
    expect_code(ask(one, "POST", path, "{}"), 403, "second_person_required");
    expect_state(ask(two, "POST", path, "{}"), 200, "approved");
    expect_code(ask(two, "POST", path, "{}"), 409, "conflict");
    const char *body = "{\"payer_account\":\"9988776655\",\"applicant_name\":\"Trần Văn Bình\"}";
    struct service_answer made = ask(two, "POST", "/v1/payer-links", body);
    expect_state(made, 201, "proposed");
    expect_code(ask(one, "POST", "/v1/payer-links", body), 409, "conflict");
    path = arena_printf(&arena, "/v1/payer-links/%lld/end", (long long)json_int_at(made.json, "id"));
    expect_state(ask(one, "POST", path, "{}"), 200, "ended");
    assert_int_equal(ask(cashier, "POST", "/v1/payer-links", body).status, 403);
}

static void one_line_is_split_over_two_dossiers_to_the_dong(void **state)
{
    int64_t id = case_of("hai ho so");
    const char *short_by_one =
        arena_printf(&arena,
                     "{\"action\":\"split\",\"note\":\"hai ho so\",\"parts\":[{\"dossier\":\"DESK-2\",\"amount\":%lld},"
                     "{\"reference\":\"%s\",\"amount\":%lld}]}",
                     (long long)marriage.amount, household.reference, (long long)household.amount - 1);
    const char *whole =
        arena_printf(&arena,
                     "{\"action\":\"split\",\"note\":\"hai ho so\",\"parts\":[{\"dossier\":\"DESK-2\",\"amount\":%lld},"
                     "{\"reference\":\"%s\",\"amount\":%lld}]}",
                     (long long)marriage.amount, household.reference, (long long)household.amount);
    expect_code(resolve(one, id, short_by_one), 422, "invalid_request");
    expect_state(resolve(one, id, whole), 202, "proposed");
    expect_state(resolve(two, id, "{\"action\":\"refuse\",\"note\":\"hoi lai nguoi nop\"}"), 200, "open");
    expect_state(resolve(two, id, whole), 202, "proposed");
    expect_state(resolve(one, id, whole), 200, "resolved");
    the_books_are_whole();
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE dossier IN ('DESK-2', 'DESK-3') AND "
                                  "status = 'paid'"),
                     2);
}

static void money_goes_back_when_two_people_say_so(void **state)
{
    int64_t id = case_of("chuyen nham");
    expect_code(resolve(one, id, "{\"action\":\"refund\",\"note\":\"chuyen nham\"}"), 422, "invalid_request");
    const char *body = "{\"action\":\"refund\",\"note\":\"chuyen nham\",\"refund\":{\"account\":\"55667788\","
                       "\"bank_bin\":\"970436\",\"name\":\"LE VAN NAM\"}}";
    expect_state(resolve(one, id, body), 202, "proposed");
    expect_state(resolve(two, id, body), 200, "resolved");
    the_books_are_whole();
    assert_int_equal(test_int(db, "SELECT count(*) FROM refund WHERE amount = 5000 AND state = 'approved' AND "
                                  "requested_by = 'staff:lan' AND approved_by = 'staff:minh'"),
                     1);
    assert_int_equal(balance("refund_due"), -5000);
}

static void a_sum_leaves_suspense_only_when_old_by_a_document_and_two_people(void **state)
{
    int64_t id = case_of("khong ro ai gui");
    const char *body =
        "{\"action\":\"write_off\",\"note\":\"khong ai nhan\",\"decision\":{\"number\":\"15/QĐ-TTPVHCC\","
        "\"date\":\"2026-11-20\"}}";
    expect_code(resolve(one, id, "{\"action\":\"write_off\",\"note\":\"khong ai nhan\"}"), 422, "invalid_request");
    test_sql(db, "UPDATE suspense_rule SET unclaimed_days = 100000");
    expect_code(resolve(one, id, body), 422, "invalid_request"); /* not old enough */
    test_sql(db, "UPDATE suspense_rule SET small_max = 3000, small_days = 1 WHERE reason = 'no_reference'");
    expect_code(resolve(one, case_of("khoan de treo"), body), 422, "invalid_request"); /* 4444 is not small */
    expect_state(resolve(one, id, body), 202, "proposed");
    expect_code(resolve(one, id, "{\"action\":\"approve\",\"note\":\"duyet\"}"), 403, "second_person_required");
    expect_state(resolve(two, id, "{\"action\":\"approve\",\"note\":\"theo quyet dinh\"}"), 200, "resolved");
    the_books_are_whole();
    assert_int_equal(balance("unclaimed"), -3000);
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_act WHERE act = 'write_off' AND told->>'number' = "
                                  "'15/QĐ-TTPVHCC' AND outcome = 'approved'"),
                     1);
}

static void what_is_written_to_suspense_stays_listed_with_its_age(void **state)
{
    int64_t id = case_of("khoan de treo");
    expect_state(resolve(one, id, "{\"action\":\"suspense\",\"note\":\"cho xac minh\"}"), 200, "resolved");
    expect_code(resolve(two, id, "{\"action\":\"suspense\",\"note\":\"cho xac minh\"}"), 422, "invalid_request");
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?state=suspense", "")), 1);
    struct service_answer report = ask(one, "GET", "/v1/reports/suspense?date=2026-11-30&format=csv", "");
    assert_int_equal(report.status, 200);
    assert_true(text_find(report.body, TEXT("4444,2026-11-20,10,")) < report.body.length);
    assert_true(text_find(report.body, TEXT("suspense")) < report.body.length);
    the_books_are_whole();
    expect_state(resolve(one, id, "{\"action\":\"assign\",\"note\":\"da tim ra\",\"dossier\":\"DESK-4\"}"), 202,
                 "proposed");
    expect_state(resolve(two, id, "{\"action\":\"refuse\",\"note\":\"chua chac\"}"), 200, "suspense");
    assert_int_equal(items(ask(one, "GET", "/v1/exceptions?state=suspense", "")), 1);
}

static void charges_are_a_claim_on_the_operating_budget_and_interest_follows_its_fund(void **state)
{
    expect_state(resolve(one, case_of("THU PHI"), "{\"action\":\"explain\",\"note\":\"phi tin nhan thang 11\"}"), 200,
                 "resolved");
    expect_code(resolve(one, case_of("bu kinh phi"), "{\"action\":\"explain\",\"note\":\"bu\"}"), 422,
                "invalid_request");
    expect_state(resolve(one, case_of("bu kinh phi"), "{\"action\":\"reimburse\",\"note\":\"bu phi ngan hang\"}"), 202,
                 "proposed");
    expect_state(resolve(two, case_of("bu kinh phi"), "{\"action\":\"approve\",\"note\":\"dung\"}"), 200, "resolved");
    the_books_are_whole();
    assert_int_equal(balance("charges"), 3300 - 3301);
    struct service_answer report = ask(one, "GET", "/v1/reports/charges?from=2026-11-01&to=2026-11-30&format=csv", "");
    assert_int_equal(report.status, 200);
    assert_true(text_find(report.body, TEXT("bank_charge,")) < report.body.length);
    assert_true(text_find(report.body, TEXT(",3300\r\n")) < report.body.length);
    assert_true(text_find(report.body, TEXT("interest,")) < report.body.length);
    /* The fees themselves are whole: what the requests were priced is what the payable account holds. */
    assert_int_equal(
        test_int(db, "SELECT -sum(e.amount) FROM entry e JOIN account a ON a.id = e.account_id WHERE a.code LIKE "
                     "'payable:%'"),
        birth.amount + marriage.amount + household.amount + healed.amount);
}

static int64_t item_case(const char *external_id)
{
    return test_int(db, arena_printf(&arena,
                                     "SELECT coalesce(max(id), 0) FROM exception_case WHERE reason = "
                                     "'item_without_payment' AND suggestion->>'external_id' = '%s'",
                                     external_id));
}

static void an_item_nobody_announced_becomes_a_payment_or_finds_it_by_two_people(void **state)
{
    struct payment_asked lost = service_request(&service, &arena, "DESK-6", 1),
                         renamed = service_request(&service, &arena, "DESK-7", 2);
    int64_t gross = lost.amount + renamed.amount, opening = test_int(db, "SELECT closing FROM statement WHERE state = "
                                                                         "'accepted' ORDER BY id DESC LIMIT 1");
    test_sql(db, arena_printf(&arena,
                              "SELECT confirm('2026-11-20T03:00Z', '{momo}', '{m-real}', ARRAY[sha256('m-real')], "
                              "'{%lld}', '{" TEST_ACCOUNT "}', '{wallet}', '{NULL}', '{%s}', '{2026-11-20T03:00Z}', "
                              "'{NULL}', '{NULL}', ARRAY[NULL::bytea], '{1}', '{%s}', '{0}')",
                              (long long)renamed.amount, renamed.reference, renamed.reference));
    test_sql(db, arena_printf(&arena,
                              "SELECT pay_out_take('2026-11-21T01:00Z', 'staff:test', 'momo', 'MMDESK2026', (SELECT id "
                              "FROM receiving_account WHERE account_number = '" TEST_ACCOUNT "'), '2026-11-21', %lld, "
                              "0, '{m-lost,m-typo}', '{NULL,NULL}', '{%lld,%lld}', '{0,0}', '{2026-11-20,2026-11-20}')",
                              (long long)gross, (long long)lost.amount, (long long)renamed.amount));
    const char *file = arena_printf(&arena,
                                    ":20:DESK2\n:25:" TEST_ACCOUNT "\n:28C:2/1\n:60F:C261120VND%lld,\n"
                                    ":61:2611211121C%lld,NTRFNONREF//M1\n:86:MOMO CHI TRA MMDESK2026\n"
                                    ":62F:C261121VND%lld,\n-\n",
                                    (long long)opening, (long long)gross, (long long)(opening + gross));
    struct service_call call = {
        .method = "POST", .path = "/v1/statements", .body = text_of(file), .content_type = "application/octet-stream"};
    assert_int_equal(service_call(&service, &arena, &call).status, 201);
    service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-11-21\"}");
    int64_t unknown = item_case("m-lost"), typo = item_case("m-typo");
    assert_true(unknown && typo);
    const char *assign = "{\"action\":\"assign\",\"note\":\"khach da nop\",\"dossier\":\"DESK-6\"}";
    expect_state(resolve(one, unknown, assign), 202, "proposed");
    expect_code(resolve(one, unknown, assign), 403, "second_person_required");
    expect_state(resolve(two, unknown, assign), 200, "resolved");
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE dossier = 'DESK-6' AND status = 'paid'"),
                     1);
    assert_int_equal(resolve(one, typo, "{\"action\":\"match\",\"note\":\"thieu so\"}").status, 422);
    expect_code(resolve(one, typo, "{\"action\":\"match\",\"note\":\"sai so\",\"payment\":999999999}"), 409,
                "conflict");
    const char *match = arena_printf(
        &arena, "{\"action\":\"match\",\"note\":\"ma khac\",\"payment\":%lld}",
        (long long)test_int(db, "SELECT id FROM payment WHERE source = 'momo' AND external_id = 'm-real'"));
    expect_state(resolve(one, typo, match), 202, "proposed");
    expect_state(resolve(two, typo, match), 200, "resolved");
    assert_int_equal(test_int(db, "SELECT count(*) FROM batch_payment WHERE rule = 'person'"),
                     2 + test_int(db, "SELECT count(*) FROM batch_payment b JOIN pay_out p ON p.id = b.batch_id WHERE "
                                      "p.source = 'desk'"));
    /* A call-back that comes after all is the same transaction told otherwise: kept apart, no money. */
    test_sql(db, arena_printf(&arena,
                              "SELECT confirm('2026-11-22T03:00Z', '{momo}', '{m-lost}', ARRAY[sha256('late')], "
                              "'{%lld}', '{" TEST_ACCOUNT "}', '{wallet}', '{NULL}', '{%s}', '{2026-11-20T03:00Z}', "
                              "'{NULL}', '{NULL}', ARRAY[NULL::bytea], '{1}', '{%s}', '{0}')",
                              (long long)lost.amount, lost.reference, lost.reference));
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment WHERE external_id = 'm-lost'"), 1);
    service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-11-21\"}");
    the_books_are_whole();
}

static void a_match_is_taken_back_by_two_people_and_appends(void **state)
{
    int64_t line = test_int(db, "SELECT m.line_id FROM line_match m JOIN payment p ON p.id = m.payment_id JOIN "
                                "payment_request r ON r.id = p.request_id WHERE r.dossier = 'DESK-5'");
    const char *path = arena_printf(&arena, "/v1/statement-lines/%lld/unmatch", (long long)line);
    expect_code(ask(one, "POST", path, "{}"), 422, "invalid_request");
    assert_int_equal(ask(cashier, "POST", path, "{\"note\":\"sai ho so\"}").status, 403);
    expect_state(ask(one, "POST", path, "{\"note\":\"sai ho so\"}"), 202, "proposed");
    expect_code(ask(one, "POST", path, "{\"note\":\"sai ho so\"}"), 403, "second_person_required");
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE dossier = 'DESK-5' AND status = 'paid'"),
                     1);
    expect_state(ask(two, "POST", path, "{\"note\":\"dung la sai\"}"), 200, "unmatched");
    expect_code(ask(two, "POST", path, "{\"note\":\"lan nua\"}"), 409, "conflict");
    assert_int_equal(test_int(db, "SELECT count(*) FROM line_unmatch WHERE actor = 'staff:minh'"), 1);
    test_sql_refused(db, "DELETE FROM line_unmatch", "23001");
    test_sql_refused(db, "DELETE FROM exception_act", "23001");
    /* Later runs leave it to people, although the memo names its request. */
    service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-11-20\"}");
    assert_int_equal(
        test_int(db, arena_printf(&arena, "SELECT count(*) FROM line_match WHERE line_id = %lld", (long long)line)), 0);
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM payment_request WHERE dossier = 'DESK-5' AND status IN ('pending', "
                              "'expired') AND allocated = 0"),
                     1);
    int64_t id = case_of(healed.reference);
    const char *body = "{\"action\":\"assign\",\"note\":\"ho so khac\",\"dossier\":\"DESK-4\"}";
    expect_state(resolve(two, id, body), 202, "proposed");
    expect_state(resolve(one, id, body), 200, "resolved");
    service_ask(&service, &arena, "POST", "/v1/reconciliation-runs", "{\"date\":\"2026-11-20\"}");
    assert_int_equal(test_int(db, "SELECT count(*) FROM payment_request WHERE dossier = 'DESK-4' AND status = 'paid'"),
                     1);
    assert_true(service_drained(db, 30));
    /* The receipt that DESK-5 has is the one break that is left, for a person to replace. */
    struct text breaks =
        test_value(db, &arena, "SELECT string_agg(problem, ' ' ORDER BY problem) FROM reconcile_audit()");
    assert_string_equal(arena_copy(&arena, breaks), "receipt_without_money");
}

static void an_act_repeated_under_its_key_is_done_once(void **state)
{
    const struct service_call call = {
        .method = "POST",
        .path = arena_printf(&arena, "/v1/exceptions/%lld/resolve", (long long)case_of("TRA LAI")),
        .body = TEXT("{\"action\":\"explain\",\"note\":\"lai thang 11\"}"),
        .cookie = one,
        .idempotency_key = "desk-key-1"};
    expect_state(service_call(&service, &arena, &call), 200, "resolved");
    expect_state(service_call(&service, &arena, &call), 200, "resolved");
    assert_int_equal(test_int(db, "SELECT count(*) FROM exception_act WHERE note = 'lai thang 11'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_night_leaves_what_nobody_can_tell),
        cmocka_unit_test(the_queue_tells_reason_age_amount_and_owner_and_is_narrowed_by_each),
        cmocka_unit_test(evidence_stands_side_by_side),
        cmocka_unit_test(money_is_assigned_to_a_dossier_by_two_people),
        cmocka_unit_test(a_learned_payer_needs_a_second_person_and_only_suggests),
        cmocka_unit_test(one_line_is_split_over_two_dossiers_to_the_dong),
        cmocka_unit_test(money_goes_back_when_two_people_say_so),
        cmocka_unit_test(a_sum_leaves_suspense_only_when_old_by_a_document_and_two_people),
        cmocka_unit_test(what_is_written_to_suspense_stays_listed_with_its_age),
        cmocka_unit_test(charges_are_a_claim_on_the_operating_budget_and_interest_follows_its_fund),
        cmocka_unit_test(an_item_nobody_announced_becomes_a_payment_or_finds_it_by_two_people),
        cmocka_unit_test(a_match_is_taken_back_by_two_people_and_appends),
        cmocka_unit_test(an_act_repeated_under_its_key_is_done_once),
    };
    return cmocka_run_group_tests_name("the exception desk", tests, set_up, tear_down);
}
