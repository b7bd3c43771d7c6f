/* An office that signs, a clock that stands where the test wants it, and money that comes: for tests of receipts. */
#ifndef LEPHI_TESTS_RECEIPT_WORLD_H
#define LEPHI_TESTS_RECEIPT_WORLD_H

#include "receipts/receipts.h"
#include "tests/support/database.h"
#include "tests/support/receipt_keys.h"

#define WORLD_COLLECTOR "5700100001" /* of agency A1, see test_province */
#define WORLD_POST      "0102595740" /* a delegate */

struct receipt_world {
    struct db *db;
    struct arena arena;
    struct faults faults;
    char *folder;
    struct test_authority *authority;
    struct receipt_office *office;
};

/* Province, office with one P-256 key of WORLD_COLLECTOR, numbers 1 to 5000 of EBL01 26TAA at its own desk. */
void receipt_world_open(struct receipt_world *world);
void receipt_world_close(struct receipt_world *world);
/* Writes NAME.key and NAME.pem into the folder, valid from `from_s` for `days`. */
void receipt_world_key(struct receipt_world *world, const char *name, const char *tax_code, int64_t from_s,
                       int64_t days);
struct signer *receipt_world_signer(struct receipt_world *world, const char *name);
void receipt_world_clock(const char *instant);
/* Books `amount` for a request at `at` (RFC 3339), as the bank told it. */
void receipt_world_pay(struct receipt_world *world, const char *reference, int64_t amount, const char *method,
                       const char *at);
/* A request of one fee, made and paid now. */
int64_t receipt_world_paid(struct receipt_world *world, const char *reference, int64_t amount);
/* Runs every due job of these kinds until none is left. */
void receipt_world_work(struct receipt_world *world);
void receipt_world_hurry(struct receipt_world *world); /* waiting jobs are due now */
int64_t receipt_world_count(struct receipt_world *world, const char *what);

#endif
