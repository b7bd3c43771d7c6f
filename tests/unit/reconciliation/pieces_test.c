/* The cut of the bytes never changes the story: every reader, one byte at a time, in odd pieces, and whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/reconciliation/told.h"

static void same_however_cut(const char *what, enum statement_format format, struct text file)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 257, 4096, 65536};
    struct buf whole = {0};
    enum err expected = told(format, file, file.length ? file.length : 1, &whole);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buf out = {0};
        enum err err = told(format, file, pieces[i], &out);
        if (err != expected || !text_equal(buf_view(&out), buf_view(&whole)))
            fail_msg("%s in pieces of %zu: %s, whole: %s\n%.*s\n--- whole ---\n%.*s", what, pieces[i],
                     err_info(err)->code, err_info(expected)->code, TEXT_ARGS(buf_view(&out)),
                     TEXT_ARGS(buf_view(&whole)));
        buf_done(&out);
    }
    buf_done(&whole);
}

/* Every file of a folder, each by the format its first bytes show, and by the one the folder is for. */
static int folder_holds(const char *folder, enum statement_format as)
{
    DIR *dir = opendir(folder);
    int files = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        struct arena arena;
        struct text file;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        arena_init(&arena);
        assert_int_equal(file_read(path, 16 << 20, &arena, &file), OK);
        enum statement_format format = as ? as : statement_detect(file);
        if (format != STATEMENT_UNKNOWN)
            same_however_cut(path, format, file);
        files++;
        arena_done(&arena);
    }
    closedir(dir);
    return files;
}

static void samples_of_every_bank_and_gateway(void **state)
{
    assert_true(folder_holds("tests/data/statements", STATEMENT_UNKNOWN) >= 15);
}

static void the_corpora_of_the_fuzzers(void **state)
{
    assert_true(folder_holds("tests/fuzz/corpus/mt940", STATEMENT_MT940) > 0);
    folder_holds("tests/fuzz/corpus/mt940", STATEMENT_MT942);
    assert_true(folder_holds("tests/fuzz/corpus/camt", STATEMENT_CAMT) > 0);
    assert_true(folder_holds("tests/fuzz/corpus/statement_csv", STATEMENT_CSV) > 0);
    assert_true(folder_holds("tests/fuzz/corpus/statement_html", STATEMENT_HTML) > 0);
    assert_true(folder_holds("tests/fuzz/corpus/statement_xls", STATEMENT_XLS) > 0);
    assert_true(folder_holds("tests/fuzz/corpus/statement_xlsx", STATEMENT_XLSX) > 0);
    assert_true(folder_holds("tests/fuzz/corpus/treasury", STATEMENT_JSON) > 0);
    assert_true(folder_holds("tests/fuzz/corpus/napas", STATEMENT_DAT) > 0);
}

static void a_currency_that_only_the_closing_balance_names(void **state)
{
    struct buf file = {0};
    buf_string(&file, ":20:A\n:25:ACC\n:28C:1\n");
    for (int i = 0; i < 200; i++)
        buf_string(&file, ":61:2611211121C100,NTRFNONREF\n:86:some words of a transfer\n");
    buf_string(&file, ":62F:C261121VND20000,\n-\n");
    same_however_cut("closing balance names the currency", STATEMENT_MT940, buf_view(&file));
    struct buf out = {0};
    assert_int_equal(told(STATEMENT_MT940, buf_view(&file), 1, &out), OK);
    assert_true(text_starts(buf_view(&out), "begin ACC VND 1 ?\n2026-11-21 2026-11-21 100 "));
    buf_done(&out);
    /* The same with lines that end in CR alone or in CR LF, and with no end at all. */
    struct buf cr = {0}, crlf = {0};
    for (size_t i = 0; i < file.length; i++) {
        buf_char(&cr, file.at[i] == '\n' ? '\r' : file.at[i]);
        if (file.at[i] == '\n')
            buf_char(&crlf, '\r');
        buf_char(&crlf, file.at[i]);
    }
    same_however_cut("bare CR", STATEMENT_MT940, buf_view(&cr));
    same_however_cut("CR LF", STATEMENT_MT940, buf_view(&crlf));
    same_however_cut("cut short", STATEMENT_MT940, text_slice(buf_view(&file), 0, file.length - 40));
    buf_done(&file);
    buf_done(&cr);
    buf_done(&crlf);
}

static void a_currency_that_never_comes_is_missed_at_the_same_place(void **state)
{
    struct buf file = {0};
    for (int message = 0; message < 3; message++) {
        buf_printf(&file, ":20:A%d\n:25:ACC\n:28C:%d\n", message, message);
        for (int i = 0; i < 20; i++)
            buf_string(&file, ":61:2611211121C100,NTRFNONREF\n:86:words\n");
        buf_string(&file, message == 1 ? ":62F:C261121VND2000,\n-\n" : "-\n");
    }
    same_however_cut("no currency", STATEMENT_MT940, buf_view(&file));
    buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_every_bank_and_gateway),
        cmocka_unit_test(the_corpora_of_the_fuzzers),
        cmocka_unit_test(a_currency_that_only_the_closing_balance_names),
        cmocka_unit_test(a_currency_that_never_comes_is_missed_at_the_same_place),
    };
    return cmocka_run_group_tests_name("bytes cut anywhere", tests, NULL, NULL);
}
