/* The two commands as an operator runs them: exit status, stdout, stderr. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/payments/fees/priced.h"

static char folder[] = "/tmp/lephi-fees-XXXXXX";
static char out[65536], err_out[65536];

static int make_folder(void **state)
{
    return mkdtemp(folder) ? shipped_load(state) : -1;
}

static const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void remove_file(const char *name)
{
    unlink(in_folder(name));
}

static int drop_folder(void **state)
{
    static const char *const names[] = {
        "request.json", "out", "err", "fees.csv", "reductions.csv", "categories.csv", "procedures.csv", "values.csv"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove_file(names[i]);
    rmdir(folder);
    return shipped_drop(state);
}

static void write_file(const char *name, struct text bytes)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.length, file), bytes.length);
    fclose(file);
}

static void read_file(const char *name, char *to, size_t size)
{
    FILE *file = fopen(in_folder(name), "rb");
    assert_non_null(file);
    to[fread(to, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* Runs a command with stdout and stderr in files. */
static int run(int (*command)(int, char **), const char *const *words)
{
    char *argv[8] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = arena_copy(&arena, text_of(words[argc]));
    fflush(stdout);
    fflush(stderr);
    int kept_out = dup(1), kept_err = dup(2);
    int to_out = open(in_folder("out"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    int to_err = open(in_folder("err"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(to_out, 1);
    dup2(to_err, 2);
    int status = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(kept_out, 1);
    dup2(kept_err, 2);
    close(to_out);
    close(to_err);
    close(kept_out);
    close(kept_err);
    read_file("out", out, sizeof out);
    read_file("err", err_out, sizeof err_out);
    return status;
}
#define RUN(command, ...) run(command, (const char *const[]){__VA_ARGS__, NULL})

static void a_quote_is_json_on_stdout(void **state)
{
    write_file("request.json", TEXT("{\"fees\":[\"CT-BANSAO\"],\"channel\":\"counter\",\"quantities\":{\"pages\":5}}"));
    assert_int_equal(RUN(fees_quote_command, "quote", in_folder("request.json"), "--catalogue", "payments/catalogue"),
                     0);
    json_t *quoted = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_integer_value(json_object_get(quoted, "total")), 7000);
    json_decref(quoted);
    assert_string_equal(err_out, "");
}

static void a_bad_request_exits_one_with_every_fault_on_stderr(void **state)
{
    write_file("request.json", TEXT("{\"fees\":[\"CT-BANSAO\",\"NOPE\"],\"channel\":\"counter\"}"));
    assert_int_equal(RUN(fees_quote_command, "quote", in_folder("request.json"), "--catalogue", "payments/catalogue"),
                     1);
    assert_string_equal(out, "");
    assert_non_null(strstr(err_out, "/quantities/pages: quantity_missing: "));
    assert_non_null(strstr(err_out, "/fees/1: fee_unknown: "));
}

static void wrong_usage_exits_two(void **state)
{
    assert_int_equal(RUN(fees_quote_command, "quote"), 2);
    assert_int_equal(RUN(fees_quote_command, "quote", "--color", "red"), 2);
    assert_int_equal(RUN(fees_quote_command, "quote", "/no/such/file", "--catalogue", "payments/catalogue"), 2);
    assert_int_equal(RUN(fees_quote_command, "quote", in_folder("request.json"), "--catalogue", "/no/such/folder"), 2);
    assert_int_equal(RUN(fees_quote_command, "quote", "--help"), 0);
    assert_int_equal(RUN(fees_catalogue_check_command, "check"), 2);
    assert_int_equal(RUN(fees_catalogue_check_command, "check", "/no/such/file"), 2);
    assert_int_equal(RUN(fees_catalogue_check_command, "check", "--help"), 0);
}

static void a_check_takes_the_folder_or_single_files(void **state)
{
    assert_int_equal(RUN(fees_catalogue_check_command, "check", "payments/catalogue"), 0);
    assert_non_null(strstr(out, "\"valid\":true"));
    assert_int_equal(RUN(fees_catalogue_check_command, "check", "payments/catalogue/fees.csv"), 0);
    assert_int_equal(
        RUN(fees_catalogue_check_command, "check", "payments/catalogue/reductions.csv", "payments/catalogue/fees.csv"),
        0);
}

static void a_fault_of_a_file_is_named_by_the_path_given(void **state)
{
    struct text fees;
    assert_int_equal(catalogue_file_read("payments/catalogue/fees.csv", &arena, &fees), OK);
    size_t at = text_find(fees, TEXT("fixed(10000)"));
    assert_true(at < fees.length);
    char *broken = arena_copy(&arena, fees);
    broken[at + 6] = 'x';
    write_file("fees.csv", (struct text){broken, fees.length});
    assert_int_equal(RUN(fees_catalogue_check_command, "check", in_folder("fees.csv")), 1);
    assert_non_null(strstr(err_out, arena_printf(&arena, "%s:3:5: ", in_folder("fees.csv"))));
    assert_non_null(strstr(out, "\"valid\":false"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_is_json_on_stdout),
        cmocka_unit_test(a_bad_request_exits_one_with_every_fault_on_stderr),
        cmocka_unit_test(wrong_usage_exits_two),
        cmocka_unit_test(a_check_takes_the_folder_or_single_files),
        cmocka_unit_test(a_fault_of_a_file_is_named_by_the_path_given),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
