/* Configuration: what is accepted, what stops the start, and how the fault is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/core.h"

struct world {
    struct arena arena;
    struct faults faults;
    char folder[64], file[96];
};

static int begin(void **state)
{
    struct world *world = memory_new(sizeof *world);
    arena_init(&world->arena);
    faults_init(&world->faults, &world->arena);
    strcpy(world->folder, "/tmp/lephi-config.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->file, sizeof world->file, "%s/lephi.conf", world->folder);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    char secret[96];
    snprintf(secret, sizeof secret, "%s/hash", world->folder);
    unlink(secret);
    unlink(world->file);
    rmdir(world->folder);
    arena_done(&world->arena);
    free(world);
    static const char *const used[] = {"DATABASE_URL",
                                       "LEPHI_DATABASE_URL",
                                       "LEPHI_HTTP_PORT",
                                       "LEPHI_VNPAY_HASH_SECRET",
                                       "LEPHI_VNPAY__CENTRE2_HASH_SECRET",
                                       "LEPHI_VIETTEL_MONEY_ACCESS_CODE",
                                       "LEPHI_HTTP_PROT",
                                       "LEPHI_HTTP__X_PORT",
                                       "LEPHI_VNPAY_HASH_SECRET_FILE",
                                       "LEPHI_SANDBOX_BANK_SECRET",
                                       "LEPHI_RECEIPTS__5700100001_KEY_FILE"};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        unsetenv(used[i]);
    return 0;
}

static enum err load(struct world *world, const char *content)
{
    assert_int_equal(file_write(world->file, text_of(content), 0600), OK);
    return config_load(world->file, &world->faults);
}

static void expect_fault(struct world *world, size_t number, const char *where_end, const char *in_detail)
{
    assert_true(number < world->faults.count);
    const struct fault *fault = &world->faults.list[number];
    assert_true(text_ends(text_of(fault->where), where_end));
    assert_non_null(strstr(fault->detail, in_detail));
}

static void without_a_file_every_key_has_its_default(void **state)
{
    struct world *world = *state;
    assert_int_equal(load(world, ""), OK);
    assert_int_equal(config_int(CONFIG_HTTP_PORT), 8080);
    assert_string_equal(config_text(CONFIG_HTTP_ADDRESS), "127.0.0.1");
    assert_string_equal(config_text(CONFIG_REFERENCE_PREFIX), "QN");
    assert_false(config_flag(CONFIG_POLICY_CASH));
    assert_false(config_set(CONFIG_HTTP_PORT));
    assert_string_equal(config_text(CONFIG_DATABASE_URL), "");
}

static void the_folders_are_found_beside_the_checkout_of_the_program(void **state)
{
    assert_int_equal(load(*state, ""), OK);
    assert_int_equal(access(config_text(CONFIG_PATHS_SQL), R_OK), 0);
    assert_true(text_ends(text_of(config_text(CONFIG_PATHS_SQL)), "/sql"));
    assert_true(text_ends(text_of(config_text(CONFIG_PATHS_CATALOGUE)), "/payments/catalogue"));
}

static void a_file_sets_keys_and_comments_and_blank_lines_do_not_matter(void **state)
{
    assert_int_equal(load(*state, "\xef\xbb\xbf# a comment\n; another\r\n\n[http]\n  port=9000  \r\naddress = ::1\n"
                                  "[policy]\ncash = Yes\n[province]\nname = Quảng Ninh # mới"),
                     OK);
    assert_int_equal(config_int(CONFIG_HTTP_PORT), 9000);
    assert_string_equal(config_text(CONFIG_HTTP_ADDRESS), "::1");
    assert_true(config_flag(CONFIG_POLICY_CASH));
    assert_string_equal(config_text(CONFIG_PROVINCE_NAME), "Quảng Ninh # mới");
}

static void the_environment_wins_over_the_file(void **state)
{
    setenv("LEPHI_HTTP_PORT", "9001", 1);
    assert_int_equal(load(*state, "[http]\nport = 9000\n"), OK);
    assert_int_equal(config_int(CONFIG_HTTP_PORT), 9001);
    setenv("LEPHI_HTTP_PORT", "", 1);
    assert_int_equal(load(*state, "[http]\nport = 9000\n"), OK);
    assert_int_equal(config_int(CONFIG_HTTP_PORT), 9000);
}

static void database_url_is_honoured_and_its_longer_name_wins(void **state)
{
    setenv("DATABASE_URL", "postgresql://a", 1);
    assert_int_equal(load(*state, "[database]\nurl = postgresql://file\n"), OK);
    assert_string_equal(config_text(CONFIG_DATABASE_URL), "postgresql://a");
    setenv("LEPHI_DATABASE_URL", "postgresql://b", 1);
    assert_int_equal(load(*state, ""), OK);
    assert_string_equal(config_text(CONFIG_DATABASE_URL), "postgresql://b");
}

static void every_fault_is_named_by_file_line_and_key(void **state)
{
    struct world *world = *state;
    assert_int_equal(load(world, "[http]\nprot = 1\nport = 70000\nnonsense\n\n[nowhere]\nx = 1\n[log]\nlevel = loud\n"
                                 "[policy]\ncash = maybe\n[http]\npublic_url = ftp://x\n[server]\nsecret = abc\n"),
                     ERR_CONFIG);
    assert_int_equal(world->faults.count, 8);
    expect_fault(world, 0, "lephi.conf:2", "http.prot");
    expect_fault(world, 1, "lephi.conf:3", "http.port");
    expect_fault(world, 2, "lephi.conf:4", "=");
    expect_fault(world, 3, "lephi.conf:6", "[nowhere]");
    expect_fault(world, 4, "lephi.conf:9", "log.level");
    expect_fault(world, 5, "lephi.conf:11", "policy.cash");
    expect_fault(world, 6, "lephi.conf:13", "http.public_url");
    expect_fault(world, 7, "lephi.conf:15", "server.secret");
    assert_null(strstr(world->faults.list[7].detail, "abc"));
    assert_int_equal(config_int(CONFIG_HTTP_PORT), 8080);
}

static void a_key_given_twice_in_the_file_is_a_fault(void **state)
{
    struct world *world = *state;
    assert_int_equal(load(world, "[http]\nport = 1\n[log]\nlevel = info\n[http]\nport = 2\n"), ERR_CONFIG);
    expect_fault(world, 0, "lephi.conf:6", "http.port");
}

static void a_file_that_is_not_there_is_a_fault(void **state)
{
    struct world *world = *state;
    assert_int_equal(config_load("/nowhere/lephi.conf", &world->faults), ERR_CONFIG);
    expect_fault(world, 0, "/nowhere/lephi.conf", "cannot be read");
}

static void a_variable_may_name_the_file(void **state)
{
    struct world *world = *state;
    assert_int_equal(file_write(world->file, TEXT("[http]\nport = 9002\n"), 0600), OK);
    setenv("LEPHI_CONFIG", world->file, 1);
    assert_int_equal(config_load(NULL, &world->faults), OK);
    assert_int_equal(config_int(CONFIG_HTTP_PORT), 9002);
}

static void an_unknown_variable_of_ours_is_a_fault_named_by_the_variable(void **state)
{
    struct world *world = *state;
    setenv("LEPHI_HTTP_PROT", "1", 1);
    assert_int_equal(load(world, ""), ERR_CONFIG);
    expect_fault(world, 0, "LEPHI_HTTP_PROT", "unknown key");
    unsetenv("LEPHI_HTTP_PROT");
    setenv("LEPHI_HTTP__X_PORT", "1", 1); /* [http] has no accounts */
    assert_int_equal(load(world, ""), ERR_CONFIG);
    expect_fault(world, 1, "LEPHI_HTTP__X_PORT", "unknown key");
}

static void a_wrong_variable_is_a_fault_named_by_the_variable(void **state)
{
    struct world *world = *state;
    setenv("LEPHI_HTTP_PORT", "eighty", 1);
    assert_int_equal(load(world, ""), ERR_CONFIG);
    expect_fault(world, 0, "LEPHI_HTTP_PORT", "0..65535");
}

static void a_dash_of_a_section_is_an_underscore_in_the_environment(void **state)
{
    setenv("LEPHI_VIETTEL_MONEY_ACCESS_CODE", "vm-code", 1);
    setenv("LEPHI_SANDBOX_BANK_SECRET", "sandbox-secret", 1);
    assert_int_equal(load(*state, ""), OK);
    assert_string_equal(config_source("viettel-money", NULL, "access_code"), "vm-code");
    assert_string_equal(config_text(CONFIG_SANDBOX_BANK_SECRET), "sandbox-secret");
}

static void accounts_have_their_own_secrets_and_share_what_is_no_secret(void **state)
{
    setenv("LEPHI_VNPAY__CENTRE2_HASH_SECRET", "second", 1);
    setenv("LEPHI_VNPAY_HASH_SECRET", "first", 1);
    assert_int_equal(load(*state, "[vnpay]\nbase_url = https://pay.example\ntmn_code = ONE\n[vnpay.ha_long]\n"
                                  "tmn_code = HALONG\n"),
                     OK);
    assert_string_equal(config_source("vnpay", NULL, "hash_secret"), "first");
    assert_string_equal(config_source("vnpay", "centre2", "hash_secret"), "second");
    assert_string_equal(config_source("vnpay", "CENTRE2", "base_url"), "https://pay.example");
    assert_null(config_source("vnpay", "centre2", "tmn_code"));
    assert_string_equal(config_source("vnpay", "ha-long", "tmn_code"), "HALONG");
    assert_null(config_source("vnpay", "centre3", "hash_secret"));
    const char *names[4];
    assert_int_equal(config_accounts("vnpay", names, 4), 2);
    assert_string_equal(names[0], "ha-long");
    assert_string_equal(names[1], "centre2");
}

static void a_source_is_off_until_a_secret_of_it_is_set(void **state)
{
    assert_int_equal(load(*state, "[momo]\nbase_url = https://momo.example\n[zalopay.a]\nkey1 = k\n"), OK);
    assert_false(config_source_on("momo", NULL));
    assert_false(config_source_on("zalopay", NULL));
    assert_true(config_source_on("zalopay", "a"));
}

static void a_secret_may_stand_in_a_file_beside_the_configuration(void **state)
{
    struct world *world = *state;
    char path[96];
    snprintf(path, sizeof path, "%s/hash", world->folder);
    assert_int_equal(file_write(path, TEXT("from-a-file\n"), 0600), OK);
    assert_int_equal(load(world, "[vnpay]\nhash_secret_file = hash\n"), OK);
    assert_string_equal(config_source("vnpay", NULL, "hash_secret"), "from-a-file");
    setenv("LEPHI_VNPAY_HASH_SECRET_FILE", path, 1);
    assert_int_equal(load(world, ""), OK);
    assert_string_equal(config_source("vnpay", NULL, "hash_secret"), "from-a-file");
    unsetenv("LEPHI_VNPAY_HASH_SECRET_FILE");
    assert_int_equal(load(world, "[vnpay]\nhash_secret_file = nothing\n"), ERR_CONFIG);
    expect_fault(world, 0, "lephi.conf:2", "vnpay.hash_secret_file");
    assert_int_equal(load(world, "[vnpay]\nhash_secret = x\nhash_secret_file = hash\n"), ERR_CONFIG);
    expect_fault(world, 1, "lephi.conf:3", "set twice");
}

static void each_collector_has_a_key_and_a_certificate_of_its_own(void **state)
{
    setenv("LEPHI_RECEIPTS__5700100001_KEY_FILE", "pkcs11:token=lephi", 1);
    assert_int_equal(load(*state, "[receipts.5700100002]\nkey_file = keys/two.pem\n"), OK);
    assert_string_equal(config_source("receipts", "5700100001", "key_file"), "pkcs11:token=lephi");
    assert_true(text_ends(text_of(config_source("receipts", "5700100002", "key_file")), "/keys/two.pem"));
    assert_null(config_source("receipts", NULL, "key_file"));
}

static void the_sandbox_beside_a_real_source_fails_the_check(void **state)
{
    struct world *world = *state;
    static const char base[] = "[server]\nsecret = 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
                               "[sandbox-bank]\nsecret = s\n";
    assert_int_equal(load(world, base), OK);
    assert_int_equal(config_check(&world->faults), OK);
    char more[512];
    snprintf(more, sizeof more, "%s[payos.a]\nclient_id = c\n", base);
    assert_int_equal(load(world, more), OK);
    assert_int_equal(config_check(&world->faults), ERR_CONFIG);
    expect_fault(world, 0, "sandbox-bank", "payos");
}

static void the_sample_file_is_accepted_and_changes_nothing(void **state)
{
    struct buf sample = {0};
    config_sample(&sample);
    assert_int_equal(load(*state, buf_cstr(&sample)), OK);
    assert_false(config_set(CONFIG_HTTP_PORT));
    assert_non_null(strstr(buf_cstr(&sample), "[sandbox-bank]"));
    buf_done(&sample);
}

static void the_shipped_sample_says_what_the_registry_says(void **state)
{
    struct world *world = *state;
    struct buf sample = {0};
    struct text shipped;
    assert_int_equal(load(world, ""), OK);
    const char *path = arena_printf(&world->arena, "%s/../app/packaging/lephi.conf", config_text(CONFIG_PATHS_SQL));
    config_sample(&sample);
    if (getenv("UPDATE_SAMPLES")) /* after a change of keys.def */
        assert_int_equal(file_write(path, buf_view(&sample), 0644), OK);
    assert_int_equal(file_read(path, 1 << 20, &world->arena, &shipped), OK);
    assert_true(text_equal(shipped, buf_view(&sample)));
    buf_done(&sample);
}

#define TEST_IN_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_WORLD(without_a_file_every_key_has_its_default),
        TEST_IN_WORLD(the_folders_are_found_beside_the_checkout_of_the_program),
        TEST_IN_WORLD(a_file_sets_keys_and_comments_and_blank_lines_do_not_matter),
        TEST_IN_WORLD(the_environment_wins_over_the_file),
        TEST_IN_WORLD(database_url_is_honoured_and_its_longer_name_wins),
        TEST_IN_WORLD(every_fault_is_named_by_file_line_and_key),
        TEST_IN_WORLD(a_key_given_twice_in_the_file_is_a_fault),
        TEST_IN_WORLD(a_file_that_is_not_there_is_a_fault),
        TEST_IN_WORLD(a_variable_may_name_the_file),
        TEST_IN_WORLD(an_unknown_variable_of_ours_is_a_fault_named_by_the_variable),
        TEST_IN_WORLD(a_wrong_variable_is_a_fault_named_by_the_variable),
        TEST_IN_WORLD(a_dash_of_a_section_is_an_underscore_in_the_environment),
        TEST_IN_WORLD(accounts_have_their_own_secrets_and_share_what_is_no_secret),
        TEST_IN_WORLD(a_source_is_off_until_a_secret_of_it_is_set),
        TEST_IN_WORLD(a_secret_may_stand_in_a_file_beside_the_configuration),
        TEST_IN_WORLD(each_collector_has_a_key_and_a_certificate_of_its_own),
        TEST_IN_WORLD(the_sandbox_beside_a_real_source_fails_the_check),
        TEST_IN_WORLD(the_sample_file_is_accepted_and_changes_nothing),
        TEST_IN_WORLD(the_shipped_sample_says_what_the_registry_says),
    };
    unsetenv("DATABASE_URL");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
