/* Templates, answers and numbers of the operators' interfaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "core/core.h"

static struct arena arena;

static const struct post_value values[] = {{"text", TEXT("a \"b\" & <ă>\n")}, {"key", TEXT("k{text}")}};

static const char *filled(const char *pattern, enum post_encoding encoding)
{
    struct buf out = {0};
    post_fill(&out, text_of(pattern), values, 2, encoding);
    const char *text = arena_copy(&arena, buf_view(&out));
    buf_done(&out);
    return text;
}

static void values_are_written_as_the_template_needs_them(void **state)
{
    assert_string_equal(filled("{\"Content\":\"{text}\"}", POST_JSON), "{\"Content\":\"a \\\"b\\\" & <ă>\\u000a\"}");
    assert_string_equal(filled("t={text}&k={key}", POST_FORM),
                        "t=a%20%22b%22%20%26%20%3C%C4%83%3E%0A&k=k%7Btext%7D"); /* once: a value is no template */
    assert_string_equal(filled("<t>{text}</t>", POST_XML), "<t>a &#34;b&#34; &#38; &#60;ă&#62;\n</t>");
    assert_string_equal(filled("{unknown}{key}", POST_TEXT), "k{text}");
    assert_string_equal(filled("{ text } {Text} {} {text", POST_TEXT), "{ text } {Text} {} {text");
}

static void an_answer_is_accepted_by_what_it_says(void **state)
{
    assert_true(post_accepts(TEXT("{\"CodeResult\":\"100\"}"), "/CodeResult=100", &arena));
    assert_true(post_accepts(TEXT("{\"error\":0}"), "/error=0", &arena));
    assert_true(post_accepts(TEXT("{\"a\":[{\"ok\":true}]}"), "/a/0/ok=true", &arena));
    assert_true(post_accepts(TEXT("anything"), "", &arena));
    static const char *const refused[] = {
        "{\"CodeResult\":\"99\",\"x\":\"100\"}", "{\"CodeResult\":1000}", "[\"CodeResult\"]", "100", "", "{",
        "{\"CodeResult\":{\"100\":1}}"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(post_accepts(text_of(refused[i]), "/CodeResult=100", &arena));
}

static void numbers_are_read_as_people_write_them(void **state)
{
    char phone[POST_PHONE_SIZE];
    static const char *const good[] = {"0912345678", "+84912345678", "84912345678", "0912 345 678", "(091) 234-5678"};
    static const char *const bad[] = {
        "",           "912345678", "09123", "0012345678", "+1 202 555 0100", "0912345678901234567890", "0912345678x",
        "+0912345678"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(post_phone(text_of(good[i]), phone));
        assert_string_equal(phone, "84912345678");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (post_phone(text_of(bad[i]), phone))
            fail_msg("read as a number: %s", bad[i]);
    assert_true(text_is(post_mask(&arena, TEXT("0912345678")), "•••678"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_written_as_the_template_needs_them),
                                       cmocka_unit_test(an_answer_is_accepted_by_what_it_says),
                                       cmocka_unit_test(numbers_are_read_as_people_write_them)};
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
