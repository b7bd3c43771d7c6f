/* What a drop lists is judged by name before anything is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "reconciliation/drop/drop.h"

static struct arena arena;
static struct drop_listing listing;

static void lists(const char *wanted)
{
    struct buf got = {0};
    for (size_t i = 0; i < listing.count; i++)
        buf_printf(&got, "%s%.*s", i ? "|" : "", TEXT_ARGS(listing.names[i]));
    assert_string_equal(buf_cstr(&got), wanted);
    buf_done(&got);
}

static void from_lines(const char *names, const char *long_lines, const char *patterns)
{
    listing = (struct drop_listing){.arena = &arena};
    drop_listing_read_lines(text_of(names), text_of(long_lines), patterns, &listing);
}

static void from_page(const char *page, const char *patterns)
{
    listing = (struct drop_listing){.arena = &arena};
    drop_listing_read_html(text_of(page), patterns, &listing);
}

static void plain_names_are_fine(void **state)
{
    assert_null(drop_name_fault(TEXT("MT940_20261122.sta")));
    assert_null(drop_name_fault(TEXT("sao kê tháng 11 (bản 2).xlsx")));
}

static void names_that_lead_elsewhere_or_hide_something_are_not(void **state)
{
    const struct text bad[] = {TEXT(""),         TEXT(".."),       TEXT("../a.sta"), TEXT("a/b.sta"),
                               TEXT("a\\b.sta"), TEXT(".hidden"),  TEXT("a..sta"),   TEXT("a\nb.sta"),
                               TEXT("a\0b"),     TEXT("\x7f.sta"), TEXT("\xff.sta"), TEXT("a\xc2\x85.sta"),
                               TEXT("a\rb.sta"), TEXT("\x1b[2J")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_non_null(drop_name_fault(bad[i]));
    char longest[DROP_NAME_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_null(drop_name_fault((struct text){longest, DROP_NAME_MAX}));
    assert_non_null(drop_name_fault((struct text){longest, DROP_NAME_MAX + 1}));
}

static void folders_of_an_sftp_listing_are_left_out_and_names_come_sorted_once(void **state)
{
    from_lines(".\n..\nb.sta\na b.sta\narchive\nb.sta\n",
               "drwxr-xr-x 2 v v 4096 Nov 23 08:00 archive\n-rw-r--r-- 1 v v 12 Nov 23 08:00 a b.sta\n", "*");
    lists("a b.sta|b.sta");
    assert_int_equal(listing.unfit, 0);
}

static void patterns_choose_and_case_does_not_count(void **state)
{
    from_lines("A.STA\nb.xml\nc.txt\n", "", "*.sta *.xml");
    lists("A.STA|b.xml");
    from_lines("A.STA\nb.xml\n", "", NULL);
    lists("A.STA|b.xml");
}

static void unfit_names_are_counted_and_one_is_shown_without_its_control_characters(void **state)
{
    from_lines("good.sta\nev\x1b[31mil.sta\n.ssh\n", "", "*");
    lists("good.sta");
    assert_int_equal(listing.unfit, 2);
    assert_true(memchr(listing.sample.at, 0x1b, listing.sample.length) == NULL);
}

static void a_page_of_links_gives_its_files_only(void **state)
{
    from_page("<A HREF=\"../\">up</A><a href=\"?C=M;O=A\">sort</a><a href='x%20y.sta'>x y</a><a href=\"a&amp;b.sta\">"
              "<a href=\"/etc/passwd\"><a href=\"https://other/z.sta\"><a href=\"./c.sta\"><a href=\"sub/\"><a "
              "href=bare.sta>",
              "*.sta");
    lists("a&b.sta|c.sta|x y.sta");
    assert_int_equal(listing.unfit, 0);
}

static void links_that_turn_into_paths_when_decoded_are_refused(void **state)
{
    from_page("<a href=\"..%2fsecret.sta\"><a href=\"a%00.sta\"><a href=\"%2e%2e\"><a href=\"a%0ab.sta\">", "*");
    lists("");
    assert_int_equal(listing.unfit, 4);
}

static void a_listing_has_a_bound_and_says_so(void **state)
{
    struct buf names = {0};
    for (int i = 0; i < DROP_FILES_MAX + 5; i++)
        buf_printf(&names, "%06d.sta\n", i);
    from_lines(buf_cstr(&names), "", "*");
    assert_int_equal(listing.count, DROP_FILES_MAX);
    assert_true(listing.cut);
    buf_done(&names);
}

int main(void)
{
    arena_init(&arena);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names_are_fine),
        cmocka_unit_test(names_that_lead_elsewhere_or_hide_something_are_not),
        cmocka_unit_test(folders_of_an_sftp_listing_are_left_out_and_names_come_sorted_once),
        cmocka_unit_test(patterns_choose_and_case_does_not_count),
        cmocka_unit_test(unfit_names_are_counted_and_one_is_shown_without_its_control_characters),
        cmocka_unit_test(a_page_of_links_gives_its_files_only),
        cmocka_unit_test(links_that_turn_into_paths_when_decoded_are_refused),
        cmocka_unit_test(a_listing_has_a_bound_and_says_so),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
