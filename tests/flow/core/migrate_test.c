/* Migrations: in order, once, never changed afterwards, and safe from several hosts at once. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/support/database.h"

static char folder[] = "/tmp/lephi-migrate-XXXXXX";
static struct arena arena;
static struct faults faults;

static void put(const char *name, const char *sql)
{
    assert_int_equal(file_write(arena_printf(&arena, "%s/%s", folder, name), text_of(sql), 0644), OK);
}

static int set_up(void **state)
{
    arena_init(&arena);
    if (!mkdtemp(folder))
        return -1;
    struct db *db = test_db();
    /* A schema of its own: one schema is one province, and no statement names one. */
    test_sql(db, "CREATE SCHEMA migrating");
    db_close(db);
    return 0;
}

static int tear_down(void **state)
{
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open));)
        unlink(arena_printf(&arena, "%s/%s", folder, entry->d_name));
    closedir(open);
    rmdir(folder);
    arena_done(&arena);
    return 0;
}

static enum err run(struct db *db, struct migrate_result *ret)
{
    test_sql(db, "SET search_path = migrating");
    faults_init(&faults, &arena);
    return migrate(db, folder, clock_now(), &faults, ret);
}

static void files_are_applied_in_order_once(void **state)
{
    struct db *db = test_db();
    struct migrate_result result;
    put("0001-first.sql", "CREATE TABLE thing (id integer PRIMARY KEY);");
    put("0002-second.sql", "INSERT INTO thing VALUES (1); INSERT INTO thing VALUES (2);");
    assert_int_equal(run(db, &result), OK);
    assert_int_equal(result.applied, 2);
    assert_int_equal(run(db, &result), OK);
    assert_true(result.applied == 0 && result.present == 2);
    assert_int_equal(test_int(db, "SELECT count(*) FROM thing"), 2);
    db_close(db);
}

static void a_migration_that_fails_leaves_nothing_of_itself(void **state)
{
    struct db *db = test_db();
    struct migrate_result result;
    put("0003-third.sql", "INSERT INTO thing VALUES (3); INSERT INTO thing VALUES (3);");
    assert_int_not_equal(run(db, &result), OK);
    assert_string_equal(faults.list[0].where, "0003-third.sql");
    assert_int_equal(test_int(db, "SELECT count(*) FROM thing"), 2);
    put("0003-third.sql", "INSERT INTO thing VALUES (3);");
    assert_int_equal(run(db, &result), OK);
    assert_int_equal(result.applied, 1);
    db_close(db);
}

static void a_changed_a_missing_and_a_doubled_file_are_refused_and_named(void **state)
{
    struct db *db = test_db();
    struct migrate_result result;
    put("0002-second.sql", "INSERT INTO thing VALUES (99);");
    assert_int_equal(run(db, &result), ERR_CONFIG);
    assert_string_equal(faults.list[0].where, "0002-second.sql");
    put("0002-second.sql", "INSERT INTO thing VALUES (1); INSERT INTO thing VALUES (2);");
    put("0003-twin.sql", "SELECT 1;");
    assert_int_equal(run(db, &result), ERR_CONFIG);
    assert_string_equal(faults.list[0].where, "0003-twin.sql");
    unlink(arena_printf(&arena, "%s/0003-twin.sql", folder));
    unlink(arena_printf(&arena, "%s/0003-third.sql", folder));
    assert_int_equal(run(db, &result), ERR_CONFIG);
    assert_string_equal(faults.list[0].where, "0003-third.sql");
    put("0003-third.sql", "INSERT INTO thing VALUES (3);");
    assert_int_equal(run(db, &result), OK);
    db_close(db);
}

static void a_number_left_out_is_applied_when_it_comes(void **state)
{
    struct db *db = test_db();
    struct migrate_result result;
    put("0008-eighth.sql", "INSERT INTO thing VALUES (8);");
    assert_int_equal(run(db, &result), OK);
    assert_int_equal(result.applied, 1);
    put("0006-sixth.sql", "INSERT INTO thing VALUES (6);");
    put("0007-seventh.sql", "INSERT INTO thing SELECT max(id) + 1 FROM thing WHERE id < 8;");
    assert_int_equal(run(db, &result), OK);
    assert_int_equal(result.applied, 2);
    assert_int_equal(test_int(db, "SELECT count(*) FROM thing WHERE id BETWEEN 6 AND 8"), 3);
    db_close(db);
}

static void migrate_as_one_host(struct db *db, int number, void *with)
{
    struct arena own;
    struct faults own_faults;
    struct migrate_result result;
    arena_init(&own);
    faults_init(&own_faults, &own);
    test_sql(db, "SET search_path = migrating");
    if (migrate(db, folder, clock_now(), &own_faults, &result))
        abort();
    __atomic_fetch_add((int *)with, result.applied, __ATOMIC_SEQ_CST);
    arena_done(&own);
}

static void eight_hosts_at_once_apply_each_file_once(void **state)
{
    int applied = 0;
    put("0004-fourth.sql", "INSERT INTO thing VALUES (4);");
    put("0005-fifth.sql", "INSERT INTO thing VALUES (5);");
    test_clients(8, migrate_as_one_host, &applied);
    assert_int_equal(applied, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_applied_in_order_once),
        cmocka_unit_test(a_migration_that_fails_leaves_nothing_of_itself),
        cmocka_unit_test(a_changed_a_missing_and_a_doubled_file_are_refused_and_named),
        cmocka_unit_test(a_number_left_out_is_applied_when_it_comes),
        cmocka_unit_test(eight_hosts_at_once_apply_each_file_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
