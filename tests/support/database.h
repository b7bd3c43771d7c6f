/* A real database for a test program: DATABASE_URL names one that is the program's own, migrated, and thrown away
 * later. */
#ifndef LEPHI_TESTS_DATABASE_H
#define LEPHI_TESTS_DATABASE_H

#include "core/core.h"

/* Connects to DATABASE_URL; ends the program with a message when it is not set or does not answer. */
struct db *test_db(void);
const char *test_database_url(void);

/* Runs one statement without arguments and gives its first column of its first row as text ("" for NULL or none). */
struct text test_value(struct db *db, struct arena *arena, const char *sql);
int64_t test_int(struct db *db, const char *sql);
/* Runs SQL that must work, or must be refused with this SQLSTATE. */
void test_sql(struct db *db, const char *sql);
void test_sql_refused(struct db *db, const char *sql, const char *sqlstate);

/* Fails with the lines of two texts that are not the same; meant for reports. */
void test_texts_differ(struct text wanted, struct text got);

/* Runs `act(db, i, with)` on `count` connections in threads that start together. */
void test_clients(int count, void (*act)(struct db *db, int number, void *with), void *with);

/* An agency "A1" (tax code 5700100001) with account 0021000000001 at Vietcombank, and dossiers H00001 … for tests. */
void test_province(struct db *db);
/* A pending request for a new dossier; returns its id. `reference` has 14 characters. */
int64_t test_request(struct db *db, const char *reference, int64_t amount);

#endif
