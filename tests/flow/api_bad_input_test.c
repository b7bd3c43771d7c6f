/* What is wrong is named, fault by fault, and nothing is written.
 *
 * Each case is one call and the answer it must get: status, code, and every fault with its place, no more and no
 * fewer. Before and after each the rows of every table are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/support/database.h"
#include "tests/support/refusal.h"
#include "tests/support/service.h"

static struct db *db;
static struct service_under_test service;
static struct arena arena;

static int set_up(void **state)
{
    arena_init(&arena);
    db = test_db();
    service_set_up(&service, db, NULL);
    assert_int_equal(service_dossier(&service, &arena, "BAD-1").status, 201);
    return 0;
}

static int tear_down(void **state)
{
    service_tear_down(&service);
    db_close(db);
    arena_done(&arena);
    return 0;
}

struct bad {
    const char *what;
    const char *method, *path, *body;
    int status;
    const char *code;
    const char *faults; /* sorted; "" for none */
};

static void refuse_all(const struct bad *cases, size_t count)
{
    const char *before = rows_of_all_tables(db, &arena);
    for (size_t i = 0; i < count; i++) {
        const struct bad *bad = &cases[i];
        const struct service_call call = {.method = bad->method, .path = bad->path, .body = text_of(bad->body)};
        struct service_answer answer = service_call(&service, &arena, &call);
        EXPECT_PROBLEM(&arena, bad->what, &answer, bad->status, bad->code, bad->faults);
        const char *after = rows_of_all_tables(db, &arena);
        if (strcmp(before, after))
            fail_msg("%s wrote something:\n%s\n%s", bad->what, before, after);
    }
}
#define REFUSE_ALL(cases) refuse_all(cases, sizeof(cases) / sizeof *(cases))

#define REQUESTS "POST", "/v1/payment-requests"
#define QUOTES   "POST", "/v1/quotes"
#define DOSSIER  "PUT", "/v1/dossiers/BAD-2"
#define GOOD     "\"dossier\":\"BAD-1\",\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"online\""
#define PRICED   "\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"online\""
#define FILED                                                                                                          \
    "\"procedure\":\"2.000635\",\"agency\":\"QN-HALONG\",\"channel\":\"online\",\"submitted_at\":\"2026-11-20T08:00:"  \
    "00+07:00\""

static void what_is_no_json_object_is_refused(void **state)
{
    static const struct bad cases[] = {
        {"half an object", REQUESTS, "{\"dossier\":", 400, "json_syntax", " json_syntax"},
        {"an array", REQUESTS, "[]", 422, "field_type", " field_type"},
        {"a number", REQUESTS, "5", 422, "field_type", " field_type"},
        {"bytes behind it", REQUESTS, "{" GOOD "}{}", 400, "json_syntax", " json_syntax"},
        {"a comment", QUOTES, "{/* */" PRICED "}", 400, "json_syntax", " json_syntax"},
        {"the same key twice", REQUESTS, "{" GOOD ",\"dossier\":\"BAD-2\"}", 400, "json_duplicate_key",
         " json_duplicate_key"},
        {"the same key twice inside", REQUESTS, "{" GOOD ",\"quantities\":{\"copies\":1,\"copies\":2}}", 400,
         "json_duplicate_key", " json_duplicate_key"},
        {"broken UTF-8", DOSSIER,
         "{" FILED ",\"applicant\":{\"name\":\"Nguy\xE1\xBB"
         "n\"}}",
         400, "invalid_utf8", " invalid_utf8"},
        {"an overlong slash", DOSSIER, "{" FILED ",\"applicant\":{\"name\":\"\xC0\xAF\"}}", 400, "invalid_utf8",
         " invalid_utf8"},
        {"half a surrogate pair", DOSSIER, "{" FILED ",\"applicant\":{\"name\":\"\\ud800\"}}", 400, "json_syntax",
         " json_syntax"},
        {"a NUL", DOSSIER, "{" FILED ",\"applicant\":{\"name\":\"a\\u0000b\"}}", 400, "json_syntax", " json_syntax"},
        {"depth without end", QUOTES,
         "{\"fees\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", 400,
         "json_syntax", " json_syntax"},
    };
    REFUSE_ALL(cases);
}

static void every_wrong_field_is_named_with_its_place(void **state)
{
    static const struct bad cases[] = {
        {"nothing", REQUESTS, "{}", 422, "invalid_request", "/dossier field_missing"},
        {"unknown fields on two levels", REQUESTS,
         "{" GOOD ",\"surprise\":1,\"payer\":{\"name\":\"A\",\"shoe_size\":42}}", 422, "invalid_request",
         "/payer/shoe_size field_unknown, /surprise field_unknown"},
        {"wrong types everywhere", REQUESTS,
         "{\"dossier\":5,\"stage\":true,\"fees\":\"HT-TRICHLUC\",\"channel\":[],\"quantities\":{\"copies\":\"2\"}}",
         422, "invalid_request",
         "/channel field_type, /dossier field_type, /fees field_type, /quantities/copies field_type, /stage "
         "field_type"},
        {"copies as 1.0", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":1.0}}", 422, "invalid_request",
         "/quantities/copies field_type"},
        {"copies as 1e5", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":1e5}}", 422, "invalid_request",
         "/quantities/copies field_type"},
        {"copies as text", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":\"1\"}}", 422, "invalid_request",
         "/quantities/copies field_type"},
        {"no copies at all", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":0}}", 422, "invalid_request",
         "/quantities/copies field_range"},
        {"negative copies", REQUESTS, "{" GOOD ",\"quantities\":{\"copies\":-1}}", 422, "invalid_request",
         "/quantities/copies field_range"},
        {"copies beyond int64", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":99999999999999999999}}", 422,
         "invalid_request", "/quantities/copies field_range"},
        {"copies that overflow money", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":9223372036854775807}}", 422,
         "invalid_request", "/quantities/copies field_range"},
        {"a value as 1e5", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":1,\"value\":1e5}}", 422, "invalid_request",
         "/quantities/value field_type"},
        {"an unknown quantity", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":1,\"wheels\":4}}", 422,
         "invalid_request", "/quantities/wheels field_unknown"},
        {"an unknown fee", REQUESTS, "{\"dossier\":\"BAD-1\",\"fees\":[\"NO-SUCH\"],\"channel\":\"online\"}", 422,
         "invalid_request", "/fees/0 fee_unknown"},
        {"an unknown procedure in a quote", QUOTES, "{\"procedure\":\"9.999999\",\"channel\":\"online\"}", 422,
         "invalid_request", "/procedure procedure_unknown"},
        {"an unknown benefit", QUOTES,
         "{" PRICED ",\"quantities\":{\"copies\":1},\"beneficiary_categories\":[\"rich\"]}", 422, "invalid_request",
         "/beneficiary_categories/0 beneficiary_category_unknown"},
        {"an unknown channel", QUOTES, "{\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"pigeon\"}", 422, "invalid_request",
         "/channel field_value"},
        {"a day that is none", QUOTES, "{" PRICED ",\"quantities\":{\"copies\":1},\"paid_on\":\"2026-02-30\"}", 422,
         "invalid_request", "/paid_on field_format"},
        {"a dossier nobody knows", REQUESTS,
         "{\"dossier\":\"NOBODY\",\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"online\"}", 422, "invalid_request",
         "/dossier dossier_unknown"},
        {"another channel than the dossier's", REQUESTS,
         "{\"dossier\":\"BAD-1\",\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"counter\",\"quantities\":{\"copies\":1}}",
         422, "invalid_request", "/channel channel_contradicts_dossier"},
        {"a quote that is none", REQUESTS, "{\"dossier\":\"BAD-1\",\"quote\":\"Q-nonsense\"}", 422, "invalid_request",
         "/quote field_format"},
        {"a quote and its fields", REQUESTS, "{" GOOD ",\"quote\":\"Q-nonsense\"}", 422, "invalid_request",
         "/channel field_unknown, /fees field_unknown, /quote field_format"},
        {"a payer without a name", REQUESTS, "{" GOOD ",\"quantities\":{\"copies\":1},\"payer\":{\"tax_code\":\"1\"}}",
         422, "invalid_request", "/payer/name field_missing, /payer/tax_code field_length"},
    };
    REFUSE_ALL(cases);
}

static void a_dossier_is_held_to_its_fields(void **state)
{
    static const struct bad cases[] = {
        {"nothing", DOSSIER, "{}", 422, "invalid_request",
         "/agency field_missing, /applicant field_missing, /channel field_missing, /procedure field_missing, "
         "/submitted_at field_missing"},
        {"an unknown procedure", DOSSIER,
         "{\"procedure\":\"9.999999\",\"agency\":\"QN-HALONG\",\"channel\":\"online\",\"submitted_at\":\"2026-11-20T08:"
         "00:"
         "00+07:00\",\"applicant\":{\"name\":\"A\"}}",
         422, "invalid_request", "/procedure procedure_unknown"},
        {"an unknown agency", DOSSIER,
         "{\"procedure\":\"2.000635\",\"agency\":\"XX-NONE\",\"channel\":\"online\",\"submitted_at\":\"2026-11-20T08:"
         "00:"
         "00+07:00\",\"applicant\":{\"name\":\"A\"}}",
         422, "invalid_request", "/agency field_value"},
        {"a time without offset", DOSSIER,
         "{\"procedure\":\"2.000635\",\"agency\":\"QN-HALONG\",\"channel\":\"online\",\"submitted_at\":\"2026-11-20T08:"
         "00:"
         "00\",\"applicant\":{\"name\":\"A\"}}",
         422, "invalid_request", "/submitted_at field_format"},
        {"a state nobody knows, an empty name, a short phone", DOSSIER,
         "{" FILED ",\"state\":\"lost\",\"applicant\":{\"name\":\"\",\"phone\":\"12\"}}", 422, "invalid_request",
         "/applicant/name field_length, /applicant/phone field_length, /state field_value"},
        {"a code with a blank", "PUT", "/v1/dossiers/BAD%202", "{" FILED ",\"applicant\":{\"name\":\"A\"}}", 422,
         "invalid_request", "code field_format"},
    };
    REFUSE_ALL(cases);
}

static void what_is_not_there_or_not_possible_is_said(void **state)
{
    static const struct bad cases[] = {
        {"no such path", "GET", "/v1/nothing", NULL, 404, "not_found", ""},
        {"no such request", "GET", "/v1/payment-requests/999999", NULL, 404, "not_found", ""},
        {"a request by a word", "GET", "/v1/payment-requests/abc", NULL, 404, "not_found", ""},
        {"a request by a number too long", "GET", "/v1/payment-requests/99999999999999999999", NULL, 404, "not_found",
         ""},
        {"no such dossier", "GET", "/v1/dossiers/NOBODY", NULL, 404, "dossier_unknown", ""},
        {"cancelling what is not there", "POST", "/v1/payment-requests/999999/cancel", "{}", 404, "not_found", ""},
        {"a token that is none", "GET", "/p/AAAAAAAAAAAAAAAAAAAAAA/status", NULL, 404, "not_found", ""},
        {"a method that is none", "DELETE", "/v1/payment-requests/1", NULL, 405, "method_not_allowed", ""},
        {"a source nobody knows", "POST", "/v1/notifications/mattress", "{}", 404, "source_off", ""},
        {"a source that is off", "POST", "/v1/notifications/sepay", "{}", 404, "source_off", ""},
    };
    REFUSE_ALL(cases);
}

static void lists_refuse_cursors_and_limits_that_are_none(void **state)
{
    static const struct bad cases[] = {
        {"limit 0", "GET", "/v1/events?limit=0", NULL, 422, "invalid_request", "limit field_range"},
        {"limit 501", "GET", "/v1/events?limit=501", NULL, 422, "invalid_request", "limit field_range"},
        {"limit x", "GET", "/v1/events?limit=x", NULL, 422, "invalid_request", "limit field_range"},
        {"both", "GET", "/v1/events?limit=-1&cursor=-1", NULL, 422, "invalid_request",
         "after field_format, limit field_range"},
        {"after x", "GET", "/v1/events?after=1e3", NULL, 422, "invalid_request", "after field_format"},
        {"payments", "GET", "/v1/payments?limit=501&cursor=x&status=lost", NULL, 422, "invalid_request",
         "cursor field_format, limit field_range, status field_value"},
    };
    REFUSE_ALL(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_json_object_is_refused),
        cmocka_unit_test(every_wrong_field_is_named_with_its_place),
        cmocka_unit_test(a_dossier_is_held_to_its_fields),
        cmocka_unit_test(what_is_not_there_or_not_possible_is_said),
        cmocka_unit_test(lists_refuse_cursors_and_limits_that_are_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
