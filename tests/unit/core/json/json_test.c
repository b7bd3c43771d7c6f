/* JSON in and out: every fault by its pointer, money only as integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "core/core.h"

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

static bool has_fault(const char *pointer, enum err code)
{
    for (size_t i = 0; i < faults.count; i++)
        if (!strcmp(faults.list[i].where, pointer) && faults.list[i].code == code)
            return true;
    return false;
}

static void every_fault_is_named_not_only_the_first(void **state)
{
    static const char *const colours[] = {"red", "green", NULL};
    struct json_fields in, inner;
    struct text name = TEXT_NONE;
    int64_t amount = -1;
    int colour = -1;
    date_days day = DATE_NONE;
    assert_int_equal(json_parse(TEXT("{\"amount\": 1e5, \"colour\": \"blue\", \"day\": \"2026-02-30\", \"inner\": "
                                     "{\"x/y\": 1}, \"a~b\": 2}"),
                                &in, &faults),
                     OK);
    json_read_text(&in, "name", REQUIRED, 1, 10, &name);
    json_read_int(&in, "amount", REQUIRED, 0, 100, &amount);
    json_read_enum(&in, "colour", REQUIRED, colours, &colour);
    json_read_date(&in, "day", REQUIRED, &day);
    json_read_object(&in, "inner", REQUIRED, &inner);
    assert_int_equal(json_close(&inner), ERR_INVALID);
    assert_int_equal(json_close(&in), ERR_INVALID);
    assert_true(has_fault("/name", ERR_FIELD_MISSING));
    assert_true(has_fault("/amount", ERR_FIELD_TYPE));
    assert_true(has_fault("/colour", ERR_FIELD_VALUE));
    assert_true(has_fault("/day", ERR_FIELD_FORMAT));
    assert_true(has_fault("/inner/x~1y", ERR_FIELD_UNKNOWN));
    assert_true(has_fault("/a~0b", ERR_FIELD_UNKNOWN));
    assert_true(amount == -1 && colour == -1 && day == DATE_NONE && !name.at);
}

static void what_is_no_clean_json_object_is_refused(void **state)
{
    struct json_fields in;
    assert_int_equal(json_parse(TEXT("{\"a\":1,\"a\":2}"), &in, &faults), ERR_JSON_DUPLICATE_KEY);
    assert_int_equal(json_parse(TEXT("{\"a\":\"\xff\"}"), &in, &faults), ERR_UTF8);
    assert_int_equal(json_parse(TEXT("[1]"), &in, &faults), ERR_FIELD_TYPE);
    assert_int_equal(json_parse(TEXT("{} x"), &in, &faults), ERR_JSON_SYNTAX);
    assert_int_equal(json_parse(TEXT(""), &in, &faults), ERR_JSON_SYNTAX);
    assert_int_equal(json_parse(TEXT("{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}"), &in, &faults), ERR_JSON_SYNTAX);
}

static void a_number_too_large_for_any_field_is_named_by_its_pointer(void **state)
{
    struct json_fields in;
    assert_int_equal(json_parse(TEXT("{\"a\": 5, \"b\": {\"x/y\": 99999999999999999999}, \"c\": [1, "
                                     "-99999999999999999999]}"),
                                &in, &faults),
                     ERR_INVALID);
    assert_int_equal(faults.count, 2);
    assert_true(has_fault("/b/x~1y", ERR_FIELD_RANGE));
    assert_true(has_fault("/c/1", ERR_FIELD_RANGE));
    faults_init(&faults, &arena);
    assert_int_equal(json_parse(TEXT("{\"a\": 1e999}"), &in, &faults), ERR_JSON_SYNTAX);
    assert_true(has_fault("", ERR_JSON_SYNTAX));
}

static void texts_are_counted_in_characters_and_hold_no_control_characters(void **state)
{
    struct json_fields in;
    struct text text = TEXT_NONE;
    assert_int_equal(json_parse(TEXT("{\"a\":\"Nguyễn\",\"b\":\"x\\u0007\",\"c\":\"x\\u0000y\"}"), &in, &faults),
                     ERR_JSON_SYNTAX);
    assert_int_equal(json_parse(TEXT("{\"a\":\"Nguyễn\",\"b\":\"x\\u0007\"}"), &in, &faults), OK);
    json_read_text(&in, "a", REQUIRED, 6, 6, &text);
    assert_true(text_is(text, "Nguyễn"));
    json_read_text(&in, "b", REQUIRED, 1, 9, &text);
    assert_true(has_fault("/b", ERR_FIELD_FORMAT));
}

static void a_null_counts_as_absent_and_arrays_are_bounded(void **state)
{
    struct json_fields in;
    int64_t amount = 5;
    struct text item = TEXT_NONE;
    assert_int_equal(json_parse(TEXT("{\"a\":null,\"list\":[\"x\",7]}"), &in, &faults), OK);
    json_read_int(&in, "a", OPTIONAL, 0, 9, &amount);
    assert_int_equal(amount, 5);
    assert_false(json_has(&in, "a"));
    assert_int_equal(json_read_array(&in, "list", REQUIRED, 1, 1), 0);
    assert_true(has_fault("/list", ERR_FIELD_LENGTH));
    assert_int_equal(json_read_array(&in, "list", REQUIRED, 1, 2), 2);
    json_item_text(&in, "list", 0, 1, 9, &item);
    assert_true(text_is(item, "x"));
    json_item_text(&in, "list", 1, 1, 9, &item);
    assert_true(has_fault("/list/1", ERR_FIELD_TYPE));
}

static void what_is_written_is_read_back(void **state)
{
    struct buf out = {0};
    struct json json = json_to(&out);
    json_put_object(&json, NULL);
    json_put_text(&json, "quote", TEXT("a\"b\\c\n\t\x01 Lệ phí"));
    json_put_int(&json, "least", INT64_MIN);
    json_put_int(&json, "most", INT64_MAX);
    json_put_array(&json, "empty");
    json_put_end(&json);
    json_put_bool(&json, "yes", true);
    json_put_date(&json, "none", DATE_NONE);
    json_put_end(&json);
    json_t *read = json_loadb(out.at, out.length, 0, NULL);
    assert_non_null(read);
    assert_string_equal(json_string_value(json_object_get(read, "quote")), "a\"b\\c\n\t\x01 Lệ phí");
    assert_true(json_integer_value(json_object_get(read, "least")) == INT64_MIN);
    assert_true(json_integer_value(json_object_get(read, "most")) == INT64_MAX);
    assert_true(json_is_null(json_object_get(read, "none")));
    json_decref(read);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_fault_is_named_not_only_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_clean_json_object_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_number_too_large_for_any_field_is_named_by_its_pointer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_counted_in_characters_and_hold_no_control_characters, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_null_counts_as_absent_and_arrays_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
