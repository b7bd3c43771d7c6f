/* The routes over a real server on loopback: what an integrator sees. */
#include "core/http/client.h"
#include "core/http/http.h"
#include "tests/unit/payments/fees/priced.h"

static struct http_server *server;
static struct http_client *client;
static struct http_answer answer;
static json_t *body;

static const struct route routes[] = {
    {"POST", "/v1/quotes", fees_quote_handle, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/v1/procedures", fees_procedures_handle, HTTP_INLINE, .access = ACCESS_PUBLIC},
    {"GET", "/v1/procedures/{code}", fees_procedure_handle, HTTP_INLINE, .access = ACCESS_PUBLIC},
};

static int start(void **state)
{
    const struct http_config config = {.routes = routes, .route_count = sizeof routes / sizeof *routes};
    if (shipped_load(state) || http_server_start(&config, &server) ||
        http_client_start(&(struct http_client_config){0}, &client))
        return -1;
    catalogue_in_force_set(catalogue_hold(shipped));
    return 0;
}

static int stop(void **state)
{
    json_decref(body);
    http_client_stop(client);
    http_server_stop(server, 1000);
    catalogue_in_force_set(NULL);
    return shipped_drop(state);
}

static int ask(const char *method, const char *path, const char *json)
{
    const struct http_pair type = {"Content-Type", TEXT("application/json")};
    const struct http_call call = {
        .method = method,
        .url = arena_printf(&arena, "http://127.0.0.1:%u%s", http_server_port(server), path),
        .headers = &type,
        .header_count = json ? 1 : 0,
        .body = text_of(json),
    };
    assert_int_equal(http_client_call(client, &call, &arena, &answer), OK);
    json_decref(body);
    body = json_loadb(answer.body.at, answer.body.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(body);
    return answer.status;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void a_quote_has_every_field_of_the_contract(void **state)
{
    assert_int_equal(
        ask("POST", "/v1/quotes", "{\"procedure\":\"2.000635\",\"channel\":\"counter\",\"quantities\":{\"copies\":2}}"),
        200);
    assert_int_equal(json_integer_value(json_object_get(body, "total")), 16000);
    assert_true(!strncmp(text_at(body, "id"), "q_", 2));
    assert_string_equal(text_at(body, "catalogue_version"), catalogue_version(shipped));
    assert_non_null(strstr(text_at(body, "valid_until"), "T23:59:59+07:00"));
    const json_t *line = json_array_get(json_object_get(body, "lines"), 0);
    static const char *const keys[] = {
        "fee", "name",        "kind",        "formula",        "quantity",  "gross",   "reductions",
        "net", "legal_basis", "explanation", "explanation_en", "collector", "document"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(json_object_get(line, keys[i]));
    assert_int_equal(json_object_size(line), sizeof keys / sizeof *keys);
    assert_string_equal(text_at(line, "kind"), "phi");
    assert_string_equal(text_at(line, "document"), "state_receipt");
}

static void the_same_body_has_the_same_bytes_until_another_catalogue_is_in_force(void **state)
{
    static const char wish[] = "{\"fees\":[\"HT-TRICHLUC\"],\"channel\":\"counter\",\"quantities\":{\"copies\":3}}";
    assert_int_equal(ask("POST", "/v1/quotes", wish), 200);
    struct text first = arena_text(&arena, answer.body);
    for (int i = 0; i < 3; i++) { /* computed, remembered, found */
        assert_int_equal(ask("POST", "/v1/quotes", wish), 200);
        assert_true(text_equal(first, answer.body));
    }

    struct catalogue_files files;
    struct catalogue *dearer;
    assert_int_equal(catalogue_files_read("payments/catalogue", &arena, &faults, &files), OK);
    char *fees = arena_copy(&arena, files.fees), *price = strstr(fees, "unit(8000");
    assert_non_null(price);
    price[5] = '9';
    files.fees = text_of(fees);
    assert_int_equal(catalogue_read(&files, &faults, &dearer), OK);
    catalogue_in_force_set(dearer);
    assert_int_equal(ask("POST", "/v1/quotes", wish), 200);
    assert_int_equal(json_integer_value(json_object_get(body, "total")), 27000);
    catalogue_in_force_set(catalogue_hold(shipped));
    assert_int_equal(ask("POST", "/v1/quotes", wish), 200);
    assert_true(text_equal(first, answer.body));
}

static void a_bad_request_is_a_problem_that_names_every_fault(void **state)
{
    assert_int_equal(ask("POST", "/v1/quotes", "{\"fees\":[\"CT-BANSAO\",\"NOPE\"],\"channel\":\"counter\"}"), 422);
    const json_t *errors = json_object_get(body, "errors");
    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(text_at(json_array_get(errors, 0), "pointer"), "/quantities/pages");
    assert_string_equal(text_at(json_array_get(errors, 0), "code"), "quantity_missing");
    assert_string_equal(text_at(json_array_get(errors, 1), "pointer"), "/fees/1");
    assert_int_equal(ask("POST", "/v1/quotes", "{"), 400);
    assert_int_equal(ask("POST", "/v1/quotes", "{\"channel\":\"counter\",\"channel\":\"post\"}"), 400);
}

/* A fee in dollars beside the shipped ones, and no published rate. */
static void dollars(void)
{
    struct catalogue_files files;
    struct catalogue *with;
    assert_int_equal(catalogue_files_read("payments/catalogue", &arena, &faults, &files), OK);
    files.fees =
        arena_textf(&arena,
                    "%.*sVISA,Phí thị thực,Visa,phi,foreign(USD; 25.00),lần,time,2026-01-01,,TT 25/2021/TT-BTC,"
                    "Điều 4.2,bo_tai_chinh,cong_an_tinh,cong_an_tinh,,central,0%%,state_receipt,unset,payment,"
                    "dong_half_up,H,\n",
                    TEXT_ARGS(files.fees));
    assert_int_equal(catalogue_read(&files, &faults, &with), OK);
    catalogue_in_force_set(with);
}

static const struct {
    const char *wish, *pointer, *code, *valid;
} bad[] = {
    /* missing quantity */
    {"{'fees':['CT-BANSAO'],'channel':'counter'}", "/quantities/pages", "quantity_missing",
     "Khoản CT-BANSAO cần pages: số trang của bản chính (số nguyên từ 1)"},
    {"{'fees':['CC-THUE'],'channel':'counter'}", "/quantities/value", "quantity_missing",
     "Khoản CC-THUE cần value: giá trị (đồng) (số nguyên từ 0)"},
    {"{'fees':['CT-KDDK-DN'],'channel':'counter'}", "/quantities/area_class", "quantity_missing",
     "Khoản CT-KDDK-DN cần area_class; chấp nhận: urban, other"},
    {"{'procedure':'1.012680','channel':'counter'}", "/fees", "field_missing",
     "Thủ tục 1.012680 cần chọn khoản thu: HC-MOI, HC-MAT, HC-TEMAB"},
    /* unknown category */
    {"{'fees':['CT-CHUKY'],'channel':'counter','beneficiary_categories':['child','vip']}", "/beneficiary_categories/1",
     "beneficiary_category_unknown", "Không có diện “vip”; danh mục có: digital_citizen, child, poor_household"},
    /* a date outside every validity */
    {"{'fees':['CT-CHUKY'],'channel':'counter','filed_on':'2016-12-31'}", "/fees/0", "fee_not_in_force",
     "Khoản CT-CHUKY chỉ có hiệu lực: 01/01/2017–…"},
    {"{'fees':['XE-OTO-2023'],'channel':'counter','filed_on':'2026-01-01'}", "/fees/0", "fee_not_in_force",
     "Khoản XE-OTO-2023 chỉ có hiệu lực: 22/10/2023–31/12/2025"},
    /* a value over 2^53 */
    {"{'fees':['CC-HDGD'],'channel':'counter','quantities':{'value':9007199254740992}}", "/quantities/value",
     "field_range", "Phải từ 0 đến 9007199254740991"},
    {"{'fees':['CC-HDGD'],'channel':'counter','quantities':{'value':99999999999999999999}}", "/quantities/value",
     "field_range", "đến 9007199254740991"},
    {"{'fees':['HT-TRICHLUC'],'channel':'counter','quantities':{'copies':9007199254740991}}", "/quantities/copies",
     "money_overflow", "Khoản HT-TRICHLUC vượt quá 9007199254740991 đồng"},
    /* foreign money without a rate */
    {"{'fees':['VISA'],'channel':'counter','filed_on':'2026-11-23'}", "/quantities/exchange_rate", "quantity_missing",
     "Khoản VISA thu bằng USD: cần tỷ giá mua chuyển khoản công bố ngày 23/11/2026, dạng \"26085.5\", hoặc dòng "
     "rate.USD "
     "của ngày ấy trong values.csv"},
    {"{'fees':['VISA'],'channel':'counter','quantities':{'exchange_rate':'26.085,5'}}", "/quantities/exchange_rate",
     "field_format", "Phải là số thập phân dương dạng \"26085.5\""},
    /* contradictory facts; the dossier's channel: flow payments/benefits_test and api_bad_input_test */
    {"{'procedure':'2.000635','fees':['CT-CHUKY'],'channel':'counter'}", "/fees/0", "fee_unknown",
     "Thủ tục 2.000635 chỉ có các khoản: HT-TRICHLUC"},
    {"{'fees':['CT-CHUKY','CT-CHUKY'],'channel':'counter'}", "/fees/1", "field_value", "được nêu hai lần"},
    {"{'fees':['CT-CHUKY'],'channel':'fax'}", "/channel", "field_value",
     "Phải là một trong: counter, online, online_part, post"},
};

static void each_bad_input_names_its_field_and_says_what_would_be_valid(void **state)
{
    dollars();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *wish = arena_copy(&arena, text_of(bad[i].wish));
        for (char *c = wish; *c; c++)
            if (*c == '\'')
                *c = '"';
        assert_int_equal(ask("POST", "/v1/quotes", wish), 422);
        assert_int_equal(json_integer_value(json_object_get(body, "status")), 422);
        assert_true(*text_at(body, "type") && *text_at(body, "title") && *text_at(body, "code"));
        const json_t *errors = json_object_get(body, "errors"), *first = json_array_get(errors, 0);
        if (json_array_size(errors) != 1 || strcmp(text_at(first, "pointer"), bad[i].pointer) ||
            strcmp(text_at(first, "code"), bad[i].code) || !strstr(text_at(first, "detail"), bad[i].valid))
            fail_msg("%s: %.*s", wish, TEXT_ARGS(answer.body));
    }
    catalogue_in_force_set(catalogue_hold(shipped));
}

static void procedures_are_found_without_marks_and_in_any_order(void **state)
{
    assert_int_equal(ask("GET", "/v1/procedures?query=luc+trich+ban+sao", NULL), 200);
    const json_t *items = json_object_get(body, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(text_at(json_array_get(items, 0), "code"), "2.000635");
    assert_true(json_is_null(json_object_get(body, "next_cursor")));
    assert_int_equal(ask("GET", "/v1/procedures?query=TR%C3%8DCH%20L%E1%BB%A4C", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(body, "items")), 1);
    assert_int_equal(ask("GET", "/v1/procedures?query=2.000635", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(body, "items")), 1);
    assert_int_equal(ask("GET", "/v1/procedures?query=khongcothutucnay", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(body, "items")), 0);
}

static void pages_of_procedures_follow_each_other_without_gap_or_repeat(void **state)
{
    char cursor[200] = "", before[64] = "";
    size_t seen = 0;
    do {
        assert_int_equal(
            ask("GET", arena_printf(&arena, "/v1/procedures?limit=7%s%s", *cursor ? "&cursor=" : "", cursor), NULL),
            200);
        const json_t *items = json_object_get(body, "items");
        assert_in_range(json_array_size(items), 1, 7);
        for (size_t i = 0; i < json_array_size(items); i++) {
            const char *code = text_at(json_array_get(items, i), "code");
            assert_true(strcmp(code, before) > 0);
            snprintf(before, sizeof before, "%s", code);
            seen++;
        }
        snprintf(cursor, sizeof cursor, "%s", text_at(body, "next_cursor"));
    } while (*cursor);
    assert_int_equal(seen, catalogue_procedure_count(shipped));
    assert_int_equal(ask("GET", "/v1/procedures?limit=0", NULL), 422);
    assert_int_equal(ask("GET", "/v1/procedures?limit=501", NULL), 422);
    assert_int_equal(ask("GET", "/v1/procedures?cursor=%21", NULL), 422);
}

static void a_procedure_shows_its_fees_what_they_need_and_the_law(void **state)
{
    assert_int_equal(ask("GET", "/v1/procedures/2.000815", NULL), 200);
    const json_t *fee = json_array_get(json_object_get(body, "fees"), 0);
    assert_string_equal(text_at(fee, "fee"), "CT-BANSAO");
    assert_string_equal(text_at(fee, "legal_basis"), "TT 226/2016/TT-BTC, Điều 4.1");
    assert_int_equal(json_array_size(json_object_get(fee, "quantities")), 2);
    assert_int_equal(ask("GET", "/v1/procedures/1.004772", NULL), 200);
    assert_string_equal(text_at(json_array_get(json_object_get(body, "fees"), 0), "price"), "set_by_peoples_council");
    assert_int_equal(ask("GET", "/v1/procedures/9.999999", NULL), 404);
}

static void without_a_catalogue_the_answer_is_busy_and_not_a_price(void **state)
{
    catalogue_in_force_set(NULL);
    assert_int_equal(ask("POST", "/v1/quotes", "{\"fees\":[\"CT-CHUKY\"],\"channel\":\"counter\"}"), 503);
    assert_int_equal(ask("GET", "/v1/procedures", NULL), 503);
    catalogue_in_force_set(catalogue_hold(shipped));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_has_every_field_of_the_contract),
        cmocka_unit_test(the_same_body_has_the_same_bytes_until_another_catalogue_is_in_force),
        cmocka_unit_test(a_bad_request_is_a_problem_that_names_every_fault),
        cmocka_unit_test(each_bad_input_names_its_field_and_says_what_would_be_valid),
        cmocka_unit_test(procedures_are_found_without_marks_and_in_any_order),
        cmocka_unit_test(pages_of_procedures_follow_each_other_without_gap_or_repeat),
        cmocka_unit_test(a_procedure_shows_its_fees_what_they_need_and_the_law),
        cmocka_unit_test(without_a_catalogue_the_answer_is_busy_and_not_a_price),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
