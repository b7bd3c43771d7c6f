#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include "postal/postal.h"

static struct arena arena;
static struct faults faults;
static const struct postal_tariff *tariff;
static const struct postal_book *book;

static struct text file(const char *path)
{
    struct text bytes;
    assert_int_equal(file_read(path, 1 << 20, &arena, &bytes), OK);
    return bytes;
}

static int setup(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (postal_tariff_read(file("postal/tariff.csv"), file("postal/zones.csv"), file("core/province/communes.csv"),
                           "22", &arena, &faults, &tariff))
        return -1;
    return postal_book_read(tariff, file("core/province/commune_origins.csv"), &arena, &faults, &book) ? -1 : 0;
}

static int teardown(void **state)
{
    arena_done(&arena);
    return 0;
}

/* "one 06652", "choose 06661 06673", "none" */
static const char *found(const char *query)
{
    struct postal_matches matches;
    enum postal_choice choice = postal_address_find(book, text_of(query), &matches);
    char *said = arena_copy(&arena, text_of(postal_choice_names[choice]));
    for (size_t i = 0; i < matches.count; i++)
        said = arena_printf(&arena, "%s %.*s", said, TEXT_ARGS(matches.list[i].commune->code));
    return said;
}

static void marks_case_and_abbreviations_do_not_matter(void **state)
{
    static const char *const ways[] = {"Phường Hà Tu", "hà tu", "HA TU", "p. Hà Tu", "P.Ha Tu", "06652", "phuong hatu"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways - 1; i++)
        assert_string_equal(found(ways[i]), "one 06652");
    assert_string_equal(found(ways[6]), "none");
    /* the same letters in decomposed form (NFD), as some telephones send them */
    assert_string_equal(found("Ha\xcc\x80 Tu"), "one 06652");
    assert_string_equal(found("Đặc khu Vân Đồn"), "one 06994");
    assert_string_equal(found("dk. van don"), "one 06994");
}

static void a_whole_address_is_understood_in_two_levels_and_in_three(void **state)
{
    assert_string_equal(found("Tổ 5, khu 2, phường Hà Tu, tỉnh Quảng Ninh"), "one 06652");
    assert_string_equal(found("Số 12 đường Hạ Long, phường Bãi Cháy, Quảng Ninh"), "one 06673");
    assert_string_equal(found("số 3 phố Mới phường Bãi Cháy thành phố Hạ Long tỉnh Quảng Ninh"), "one 06673");
    /* Hà Phong went whole into Hà Tu */
    assert_string_equal(found("Tổ 1, P. Hà Phong, TP. Hạ Long"), "one 06652");
    assert_string_equal(found("Hà Phong, Hạ Long, Quảng Ninh"), "one 06652");
}

static void a_divided_commune_is_a_choice_and_says_its_former_name(void **state)
{
    struct postal_matches matches;
    assert_int_equal(postal_address_find(book, TEXT("phường Hà Khẩu, thành phố Hạ Long"), &matches),
                     POSTAL_CHOICE_MANY);
    assert_int_equal(matches.count, 2);
    for (size_t i = 0; i < matches.count; i++) {
        assert_true(text_is(matches.list[i].old_name, "Hà Khẩu"));
        assert_true(text_is(matches.list[i].old_kind, "phường"));
        assert_true(text_is(matches.list[i].share, "part") || text_is(matches.list[i].share, "rest"));
        assert_true(text_is(matches.list[i].commune->old_district, "Hạ Long"));
    }
}

static void every_former_commune_leads_to_all_that_took_it_in(void **state)
{
    struct csv csv;
    struct csv_row row;
    size_t rows = 0;
    csv_open(&csv, file("core/province/commune_origins.csv"), ',', &arena);
    assert_int_equal(csv_next(&csv, &row), OK);
    while (!csv_next(&csv, &row)) {
        char code[6] = "";
        memcpy(code, row.fields[0].at, 5);
        const char *said = found(arena_printf(&arena, "%.*s %.*s", TEXT_ARGS(row.fields[1]), TEXT_ARGS(row.fields[2])));
        if (!strstr(said, code))
            fail_msg("%.*s: %s", TEXT_ARGS(row.fields[2]), said);
        rows++;
    }
    assert_int_equal(rows, 184);
}

static void names_that_begin_like_a_kind_are_names(void **state)
{
    /* "phường" and "Phương" are the same letters without marks */
    const char *said = found("phường Phương Nam, thành phố Uông Bí");
    assert_string_equal(found("Phương Nam"), said);
    assert_string_equal(found("phuong phuong nam"), said);
    assert_true(text_starts(text_of(said), "one "));
    assert_string_equal(found("xã Điền Xá"), "one 06874");
    assert_string_equal(found("thôn 2 xã Điền Xá huyện Tiên Yên tỉnh Quảng Ninh"), "one 06874");
}

static void a_former_district_narrows_and_one_that_contradicts_leaves_the_choice(void **state)
{
    assert_string_equal(found("huyện Ba Chẽ"), found("Huyen ba che"));
    assert_int_equal(strlen(found("huyện Ba Chẽ")), strlen("choose 00000 00000 00000"));
    assert_string_equal(found("phường Hà Tu, thành phố Hạ Long"), "one 06652");
    assert_string_equal(found("phường Hà Tu, thành phố Móng Cái"), "choose 06652");
}

static void what_is_typed_so_far_finds_names_that_begin_so(void **state)
{
    assert_true(text_starts(text_of(found("Móng C")), "choose 06709 06712 06736"));
    assert_string_equal(found("bai ch"), "one 06673");
    assert_string_equal(found("Không Có Xã Này"), "none");
    assert_string_equal(found(""), "none");
    assert_string_equal(found(",,, ; ,"), "none");
    assert_string_equal(found("99999"), "none");
}

static void former_names_of_no_commune_are_refused_by_line(void **state)
{
    const struct postal_book *none = NULL;
    struct faults bad;
    faults_init(&bad, &arena);
    assert_int_equal(postal_book_read(tariff, TEXT("code,old_kind,old_name,part\n99999,xã,Mới,whole\n06652,xã\n"),
                                      &arena, &bad, &none),
                     ERR_CONFIG);
    assert_null(none);
    assert_int_equal(bad.count, 2);
    assert_string_equal(bad.list[0].where, "commune_origins.csv:2");
    assert_string_equal(bad.list[1].where, "commune_origins.csv:3");
    faults_init(&bad, &arena);
    assert_int_equal(postal_book_read(tariff, TEXT_NONE, &arena, &bad, &none), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_case_and_abbreviations_do_not_matter),
        cmocka_unit_test(a_whole_address_is_understood_in_two_levels_and_in_three),
        cmocka_unit_test(a_divided_commune_is_a_choice_and_says_its_former_name),
        cmocka_unit_test(every_former_commune_leads_to_all_that_took_it_in),
        cmocka_unit_test(names_that_begin_like_a_kind_are_names),
        cmocka_unit_test(a_former_district_narrows_and_one_that_contradicts_leaves_the_choice),
        cmocka_unit_test(what_is_typed_so_far_finds_names_that_begin_so),
        cmocka_unit_test(former_names_of_no_commune_are_refused_by_line),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
