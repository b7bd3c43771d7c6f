/* Keys and certificates for tests: a certificate authority of our own and signers under it, in files of one folder. */
#ifndef LEPHI_TESTS_RECEIPT_KEYS_H
#define LEPHI_TESTS_RECEIPT_KEYS_H

#include "core/core.h"

enum test_key { TEST_KEY_RSA_2048, TEST_KEY_RSA_1024, TEST_KEY_P256, TEST_KEY_P384 };

struct test_authority; /* EVP key and certificate of one CA */

struct test_certificate {
    enum test_key key;
    const char *name;           /* common name */
    const char *tax_code;       /* NULL: no UID=MST:… in the subject */
    int64_t valid_from_s, days; /* seconds since 1970; length in days */
};

struct test_authority *test_authority_new(const char *name);
void test_authority_free(struct test_authority *authority);
void test_authority_write(const struct test_authority *authority, const char *path); /* PEM certificate */
/* Writes PEM files; ends the test program when OpenSSL fails. */
void test_certificate_write(const struct test_authority *authority, const struct test_certificate *wanted,
                            const char *key_path, const char *certificate_path);
/* Writes a list that revokes the certificate in `certificate_path` at `revoked_s`. */
void test_revocation_write(const struct test_authority *authority, const char *certificate_path, int64_t revoked_s,
                           const char *list_path);
/* A new folder under TMPDIR, removed by test_folder_remove with the files in it. */
char *test_folder_new(void);
void test_folder_remove(char *folder);

#endif
