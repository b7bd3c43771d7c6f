/* The life of a benefit and of a dossier's channel: claimed, looked at, rejected and asked for; changed by two people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "payments/requests/requests.h"
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

enum { CERTIFICATE = 200000 }; /* đồng, criminal record certificate, two copies included: TT 16/2025/TT-BTC */

static struct db *db;
static struct service_under_test service;
static struct arena arena;
static const char *cashier, *supervisor;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    cashier = service_staff_cookie(db, &arena, "thu-ngan", "cashier");
    supervisor = service_staff_cookie(db, &arena, "truong-ca", "supervisor");
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

static struct service_answer staff(const char *cookie, const char *method, const char *path, const char *body)
{
    const struct service_call call = {.method = method, .path = path, .body = text_of(body), .cookie = cookie};
    return service_call(&service, &arena, &call);
}

static struct service_answer file(const char *code, const char *channel)
{
    return service_ask(&service, &arena, "PUT", arena_printf(&arena, "/v1/dossiers/%s", code),
                       "{\"procedure\":\"3.000333\",\"agency\":\"" TEST_AGENCY
                       "\",\"channel\":\"%s\",\"applicant\":{\"name\":\"Nguyễn Văn A\"},\"submitted_at\":"
                       "\"2026-11-20T08:00:00+07:00\"}",
                       channel);
}

/* A certificate for somebody who claims these categories; the request's number. */
static int64_t claim(const char *code, const char *categories, const char *more)
{
    assert_int_equal(file(code, "counter").status, 201);
    struct service_answer answer =
        service_ask(&service, &arena, "POST", "/v1/payment-requests",
                    "{\"dossier\":\"%s\",\"channel\":\"counter\",\"quantities\":{\"copies\":1},"
                    "\"beneficiary_categories\":[%s]%s}",
                    code, categories, more);
    if (answer.status != 201)
        fail_msg("%.*s", TEXT_ARGS(answer.body));
    return json_int_at(answer.json, "id");
}

static json_t *benefit(int64_t request, size_t index)
{
    struct service_answer answer =
        staff(cashier, "GET", arena_printf(&arena, "/v1/payment-requests/%lld/benefits", (long long)request), "");
    assert_int_equal(answer.status, 200);
    return json_array_get(json_object_get(answer.json, "items"), index);
}

static struct service_answer decide(int64_t request, size_t index, const char *verb, const char *body)
{
    return staff(cashier, "POST",
                 arena_printf(&arena, "/v1/payment-requests/%lld/benefits/%lld/%s", (long long)request,
                              (long long)json_int_at(benefit(request, index), "id"), verb),
                 body);
}

static json_t *request(int64_t id)
{
    return service_ask(&service, &arena, "GET", arena_printf(&arena, "/v1/payment-requests/%lld", (long long)id), "%s",
                       "")
        .json;
}

#define REASON "{\"reason\":\"giấy chứng nhận đã hết hạn\"}"

static void a_reduction_is_claimed_until_somebody_has_seen_its_evidence(void **state)
{
    int64_t id = claim("CLAIM-1", "\"poor_household\"", "");
    assert_string_equal(json_string_at(request(id), "status"), "nothing_due");
    json_t *claimed = benefit(id, 0);
    assert_string_equal(json_string_at(claimed, "state"), "claimed");
    assert_string_equal(json_string_at(claimed, "category"), "poor_household");
    assert_int_equal(json_int_at(claimed, "amount"), CERTIFICATE);
    assert_true(*json_string_at(claimed, "evidence_needed"));
    struct service_answer answer = decide(id, 0, "verify", "{}");
    EXPECT_PROBLEM(&arena, "nothing was looked at", &answer, 422, "invalid_request", "/number field_missing");
    answer = decide(id, 0, "verify",
                    "{\"source\":\"paper\",\"document\":\"Giấy chứng nhận hộ nghèo\",\"number\":\"12/GCN-HN\","
                    "\"issued_on\":\"2026-01-05\"}");
    assert_int_equal(answer.status, 200);
    claimed = benefit(id, 0);
    assert_string_equal(json_string_at(claimed, "state"), "verified");
    assert_string_equal(json_string_at(claimed, "checked_by"), "staff:thu-ngan");
    assert_string_equal(json_string_at(claimed, "number"), "12/GCN-HN");
    answer = decide(id, 0, "verify", "{}");
    EXPECT_PROBLEM(&arena, "twice", &answer, 409, "conflict", "");
}

static void evidence_given_with_the_request_needs_only_to_be_looked_at(void **state)
{
    int64_t id = claim("CLAIM-2", "\"child\"",
                       ",\"evidence\":[{\"category\":\"child\",\"source\":\"database\",\"document\":\"CSDL quốc gia về "
                       "dân cư\",\"number\":\"022214000001\",\"issued_on\":\"2026-11-20\"}]");
    assert_string_equal(json_string_at(benefit(id, 0), "number"), "022214000001");
    assert_string_equal(json_string_at(benefit(id, 0), "state"), "claimed");
    assert_int_equal(decide(id, 0, "verify", "{}").status, 200);
}

static void a_rejected_claim_falls_to_the_next_benefit_and_then_asks_for_the_difference(void **state)
{
    int64_t id = claim("CLAIM-3", "\"poor_household\",\"child\"", "");
    assert_int_equal(decide(id, 0, "reject", REASON).status, 200);
    assert_string_equal(json_string_at(benefit(id, 0), "state"), "rejected");
    assert_true(json_is_null(json_object_get(benefit(id, 0), "additional_request")));
    assert_string_equal(json_string_at(benefit(id, 1), "category"), "child");
    assert_string_equal(json_string_at(benefit(id, 1), "state"), "claimed");
    assert_int_equal(decide(id, 1, "reject", REASON).status, 200);
    json_t *more = request(json_int_at(benefit(id, 1), "additional_request"));
    assert_int_equal(json_int_at(more, "amount"), CERTIFICATE);
    assert_string_equal(json_string_at(more, "stage"), "additional");
    assert_string_equal(json_string_at(more, "status"), "pending");
    assert_string_equal(json_string_at(more, "dossier"), "CLAIM-3");
    json_t *line = json_array_get(json_object_get(json_object_get(more, "quote"), "lines"), 0);
    assert_non_null(strstr(json_string_at(line, "explanation"), "200.000 đ − đã yêu cầu 0 đ"));
    assert_true(json_is_object(json_object_get(more, "vietqr")));
    struct service_answer answer = decide(id, 1, "reject", REASON);
    EXPECT_PROBLEM(&arena, "twice", &answer, 409, "conflict", "");
    assert_int_equal(test_int(db, "SELECT count(*) FROM request_benefit WHERE additional_request IS NOT NULL"), 1);
    assert_int_equal(
        test_int(db, "SELECT count(*) FROM audit WHERE act = 'benefit.reject' AND actor = 'staff:thu-ngan'"), 2);
}

static void the_difference_is_paid_like_any_request(void **state)
{
    struct text reference = test_value(db, &arena,
                                       "SELECT r.reference FROM request_benefit b JOIN payment_request r ON r.id = "
                                       "b.additional_request");
    struct service_answer told = bank_tells(
        &service, &arena, &(struct bank_notice){.id = 1, .amount = CERTIFICATE, .memo = arena_copy(&arena, reference)});
    assert_true(bank_accepted(&told));
    assert_int_equal(test_int(db, "SELECT count(*) FROM request_benefit b JOIN payment_request r ON r.id = "
                                  "b.additional_request WHERE r.status = 'paid'"),
                     1);
    assert_true(service_drained(db, 60));
    assert_int_equal(service_audit(db), 0);
}

static void what_was_decided_stays(void **state)
{
    test_sql_refused(db, "UPDATE request_benefit SET state = 'verified', reason = NULL WHERE state = 'rejected'",
                     "23001");
    test_sql_refused(db, "DELETE FROM request_benefit", "23001");
}

static void a_channel_is_changed_by_two_people_with_a_reason_and_unpaid_requests_go(void **state)
{
    int64_t id = claim("WAY-1", "", "");
    struct service_answer answer = staff(cashier, "PUT", "/v1/dossiers/WAY-1",
                                         "{\"procedure\":\"3.000333\",\"agency\":\"" TEST_AGENCY
                                         "\",\"channel\":\"online\",\"applicant\":{\"name\":\"Nguyễn Văn A\"},"
                                         "\"submitted_at\":\"2026-11-20T08:00:00+07:00\"}");
    EXPECT_PROBLEM(&arena, "alone", &answer, 422, "channel_contradicts_dossier",
                   "/channel channel_contradicts_dossier");
    answer = staff(cashier, "POST", "/v1/dossiers/WAY-1/channel-changes", "{\"channel\":\"online\"}");
    EXPECT_PROBLEM(&arena, "no reason", &answer, 422, "invalid_request", "/reason field_missing");
    answer = staff(cashier, "POST", "/v1/dossiers/WAY-1/channel-changes",
                   "{\"channel\":\"online\",\"reason\":\"nộp trên Cổng tại máy của trung tâm\"}");
    assert_int_equal(answer.status, 201);
    const char *approve = arena_printf(&arena, "/v1/dossiers/WAY-1/channel-changes/%lld/approve",
                                       (long long)json_int_at(answer.json, "id"));
    answer = staff(cashier, "POST", approve, "{}");
    EXPECT_PROBLEM(&arena, "the same person", &answer, 403, "second_person_required", "");
    assert_int_equal(staff(supervisor, "POST", approve, "{}").status, 200);
    assert_string_equal(json_string_at(request(id), "status"), "cancelled");
    json_t *dossier = staff(cashier, "GET", "/v1/dossiers/WAY-1", "").json;
    assert_string_equal(json_string_at(json_object_get(dossier, "dossier"), "channel"), "online");
    assert_int_equal(test_int(db, "SELECT count(*) FROM audit WHERE act = 'channel.change' AND detail ->> 'asked_by' = "
                                  "'staff:thu-ngan' AND actor = 'staff:truong-ca'"),
                     1);
    answer = service_ask(&service, &arena, "POST", "/v1/payment-requests", "%s",
                         "{\"dossier\":\"WAY-1\",\"channel\":\"counter\",\"quantities\":{\"copies\":1}}");
    EXPECT_PROBLEM(&arena, "another channel than the dossier's", &answer, 422, "invalid_request",
                   "/channel channel_contradicts_dossier");
}

static void where_money_came_the_channel_stays(void **state)
{
    int64_t id = claim("WAY-2", "", "");
    struct service_answer answer =
        staff(cashier, "POST", "/v1/dossiers/WAY-2/channel-changes", "{\"channel\":\"online\",\"reason\":\"nhầm\"}");
    assert_int_equal(answer.status, 201);
    answer = bank_tells(
        &service, &arena,
        &(struct bank_notice){.id = 2, .amount = CERTIFICATE, .memo = json_string_at(request(id), "reference")});
    assert_true(bank_accepted(&answer));
    answer = staff(supervisor, "POST",
                   arena_printf(&arena, "/v1/dossiers/WAY-2/channel-changes/%lld/approve",
                                (long long)test_int(db, "SELECT id FROM channel_change WHERE dossier = 'WAY-2'")),
                   "{}");
    EXPECT_PROBLEM(&arena, "paid", &answer, 409, "request_settled", "");
}

static void a_reduction_of_everybody_rests_on_the_dossier_and_is_nobodys_claim(void **state)
{
    test_sql_refused(db,
                     "INSERT INTO request_benefit (request_id, fee, rule, amount, state) SELECT id, 'X', 'Y', 1, "
                     "'claimed' FROM payment_request LIMIT 1",
                     "23514");
    test_sql(db, "SELECT benefits_keep('2026-11-23T10:00:00+07', min(id), '[{\"fee\":\"HT-TRICHLUC\",\"rule\":"
                 "\"ONLINE\",\"category\":null,\"amount\":4000}]', NULL) FROM payment_request");
    assert_int_equal(test_int(db,
                              "SELECT count(*) FROM request_benefit WHERE rule = 'ONLINE' AND state = 'verified' AND "
                              "source = 'dossier' AND number = 'CLAIM-1' AND checked_by = 'machine'"),
                     1);
}

/* What was waived, for whom, by which article, on what proof; money given nobody yet is not there. */
static void the_register_tells_each_exemption_that_took_effect(void **state)
{
    struct service_answer answer = service_ask(
        &service, &arena, "GET", "/v1/reports/exemptions?from=2026-11-01&to=2030-12-31&format=csv", "%s", "");
    assert_int_equal(answer.status, 200);
    static const char *const told[] = {"CLAIM-1,3.000333,QN-HALONG,LLTP,",
                                       "200000,200000,0,",
                                       "poor_household",
                                       "Giấy chứng nhận hộ nghèo 12/GCN-HN 05/01/2026",
                                       "verified,staff:thu-ngan",
                                       "CLAIM-3,3.000333",
                                       "rejected,staff:thu-ngan"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (text_find(answer.body, text_of(told[i])) == answer.body.length)
            fail_msg("\"%s\" is not in %.*s", told[i], TEXT_ARGS(answer.body));
    int64_t waits = test_int(
        db, "SELECT count(*) FROM payment_request r JOIN request_line l ON l.request_id = r.id AND l.reduction > 0"
            " WHERE r.status IN ('pending', 'cancelled', 'expired')");
    int64_t rows = test_int(db, "SELECT count(*) FROM exemption_register('2026-11-01', '2030-12-31')");
    assert_int_equal(rows, test_int(db, "SELECT count(*) FROM request_line WHERE reduction > 0") - waits);
    answer = service_ask(&service, &arena, "GET", "/v1/reports/exemptions?from=2026-11-01&to=2030-12-31&format=pdf",
                         "%s", "");
    assert_true(text_starts(answer.body, "%PDF-"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reduction_is_claimed_until_somebody_has_seen_its_evidence),
        cmocka_unit_test(evidence_given_with_the_request_needs_only_to_be_looked_at),
        cmocka_unit_test(a_rejected_claim_falls_to_the_next_benefit_and_then_asks_for_the_difference),
        cmocka_unit_test(the_difference_is_paid_like_any_request),
        cmocka_unit_test(what_was_decided_stays),
        cmocka_unit_test(a_channel_is_changed_by_two_people_with_a_reason_and_unpaid_requests_go),
        cmocka_unit_test(where_money_came_the_channel_stays),
        cmocka_unit_test(a_reduction_of_everybody_rests_on_the_dossier_and_is_nobodys_claim),
        cmocka_unit_test(the_register_tells_each_exemption_that_took_effect),
    };
    return cmocka_run_group_tests_name("benefits and channels", tests, set_up, tear_down);
}
