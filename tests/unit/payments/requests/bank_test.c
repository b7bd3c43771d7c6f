/* The table of banks: the shipped one is right, a wrong one is refused and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/file.h"
#include "payments/requests/bank.h"

#define SHIPPED "payments/requests/banks.csv"
#define HEADER  "bin,name,former_name,confidence,source\n"

static struct arena arena;
static struct faults faults;

static int set_up(void **state)
{
    arena_init(&arena);
    faults_init(&faults, &arena);
    return bank_table_load(SHIPPED, &faults);
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return 0;
}

static enum err load(const char *rows)
{
    char path[] = "/tmp/lephi-banks-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    faults_init(&faults, &arena);
    assert_int_equal(file_write(path, text_of(rows), 0600), OK);
    enum err err = bank_table_load(path, &faults);
    unlink(path);
    return err;
}

static void a_bank_is_found_by_its_bin(void **state)
{
    const struct bank *bank = bank_by_bin(TEXT("970436"));
    assert_non_null(bank);
    assert_true(text_is(bank->name, "Vietcombank"));
    assert_int_equal(bank->confidence, BANK_OFFICIAL);
    bank = bank_by_bin(TEXT("970406"));
    assert_true(text_is(bank->name, "Vikki Bank"));
    assert_true(text_is(bank->former_name, "DongA Bank"));
    assert_int_equal(bank_by_bin(TEXT("971005"))->confidence, BANK_SINGLE_SOURCE);
}

static void what_is_no_bin_is_no_bank(void **state)
{
    static const char *const wrong[] = {"", "97043", "9704360", "97043x", "000000"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(bank_by_bin(text_of(wrong[i])));
}

static void a_wrong_table_is_refused_row_by_row_and_changes_nothing(void **state)
{
    assert_int_equal(load(HEADER "97043,Short,,A,x\n970436,,,A,x\n970436,Name,,D,x\n970436,Name,A\n"), ERR_CONFIG);
    assert_int_equal(faults.count, 4);
    assert_true(text_ends(text_of(faults.list[0].where), ":2"));
    assert_int_equal(load(HEADER "970436,One,,A,x\n970436,Two,,A,x\n"), ERR_CONFIG);
    assert_int_equal(load("970436,One,,A,x\n"), ERR_CONFIG);
    assert_int_equal(load(""), ERR_CONFIG);
    assert_int_equal(bank_table_load("/nonexistent/banks.csv", &faults), ERR_NOT_FOUND);
    assert_true(text_is(bank_by_bin(TEXT("970436"))->name, "Vietcombank"));
}

static void a_second_table_replaces_the_first(void **state)
{
    assert_int_equal(load(HEADER "123456,Một ngân hàng mới,,A,letter\n"), OK);
    assert_true(text_is(bank_by_bin(TEXT("123456"))->name, "Một ngân hàng mới"));
    assert_null(bank_by_bin(TEXT("970436")));
    assert_int_equal(bank_table_load(SHIPPED, &faults), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bank_is_found_by_its_bin),
        cmocka_unit_test(what_is_no_bin_is_no_bank),
        cmocka_unit_test(a_wrong_table_is_refused_row_by_row_and_changes_nothing),
        cmocka_unit_test(a_second_table_replaces_the_first),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
