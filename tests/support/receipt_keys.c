#include "tests/support/receipt_keys.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct test_authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static void must(bool worked, const char *what)
{
    if (worked)
        return;
    fprintf(stderr, "test keys: %s failed\n", what);
    exit(1);
}

static EVP_PKEY *make_key(enum test_key kind)
{
    switch (kind) {
    case TEST_KEY_RSA_2048: return EVP_RSA_gen(2048);
    case TEST_KEY_RSA_1024: return EVP_RSA_gen(1024);
    case TEST_KEY_P256: return EVP_EC_gen("P-256");
    case TEST_KEY_P384: return EVP_EC_gen("P-384");
    }
    return NULL;
}

static void put_name(X509_NAME *name, int nid, const char *value)
{
    if (value)
        must(X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0), "a name");
}

static void put_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1), value);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const char *common_name, const char *tax_code, int64_t from_s,
                              int64_t days, const struct test_authority *issuer)
{
    X509 *made = X509_new();
    must(made && key, "a certificate");
    uint8_t serial[8];
    crypto_random(serial, sizeof serial);
    serial[0] &= 0x7F;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made));
    BN_free(number);
    X509_set_version(made, 2);
    ASN1_TIME_set(X509_getm_notBefore(made), (time_t)from_s);
    ASN1_TIME_set(X509_getm_notAfter(made), (time_t)(from_s + days * 86400));
    X509_set_pubkey(made, key);
    X509_NAME *name = X509_get_subject_name(made);
    put_name(name, NID_countryName, "VN");
    put_name(name, NID_commonName, common_name);
    if (tax_code) {
        char uid[64];
        snprintf(uid, sizeof uid, "MST:%s", tax_code);
        put_name(name, NID_userId, uid);
    }
    X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer->certificate) : name);
    X509 *signer = issuer ? issuer->certificate : made;
    put_extension(made, signer, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    put_extension(made, signer, NID_key_usage,
                  issuer ? "critical,digitalSignature,nonRepudiation" : "critical,keyCertSign,cRLSign");
    put_extension(made, signer, NID_subject_key_identifier, "hash");
    must(X509_sign(made, issuer ? issuer->key : key, EVP_sha256()) > 0, "signing a certificate");
    return made;
}

struct test_authority *test_authority_new(const char *name)
{
    struct test_authority *made = memory_new(sizeof *made);
    made->key = make_key(TEST_KEY_P256);
    made->certificate = make_certificate(made->key, name, NULL, 1577836800, 7300, NULL); /* 2020-01-01, 20 years */
    return made;
}

void test_authority_free(struct test_authority *authority)
{
    if (!authority)
        return;
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    free(authority);
}

static FILE *open_to_write(const char *path)
{
    FILE *file = fopen(path, "w");
    must(file != NULL, path);
    return file;
}

void test_authority_write(const struct test_authority *authority, const char *path)
{
    FILE *file = open_to_write(path);
    must(PEM_write_X509(file, authority->certificate), path);
    fclose(file);
}

void test_certificate_write(const struct test_authority *authority, const struct test_certificate *wanted,
                            const char *key_path, const char *certificate_path)
{
    EVP_PKEY *key = make_key(wanted->key);
    X509 *certificate =
        make_certificate(key, wanted->name, wanted->tax_code, wanted->valid_from_s, wanted->days, authority);
    FILE *file = open_to_write(key_path);
    must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), key_path);
    fclose(file);
    file = open_to_write(certificate_path);
    must(PEM_write_X509(file, certificate), certificate_path);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void test_revocation_write(const struct test_authority *authority, const char *certificate_path, int64_t revoked_s,
                           const char *list_path)
{
    FILE *file = fopen(certificate_path, "r");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    must(certificate != NULL, certificate_path);
    fclose(file);
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)revoked_s);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate));
    X509_CRL_set1_lastUpdate(list, time);
    X509_CRL_set1_nextUpdate(list, time);
    X509_CRL_add0_revoked(list, entry);
    must(X509_CRL_sign(list, authority->key, EVP_sha256()) > 0, "signing a list");
    file = open_to_write(list_path);
    must(PEM_write_X509_CRL(file, list), list_path);
    fclose(file);
    ASN1_TIME_free(time);
    X509_CRL_free(list);
    X509_free(certificate);
}

char *test_folder_new(void)
{
    char path[256];
    const char *base = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/lephi-test-XXXXXX", base ? base : "/tmp");
    must(mkdtemp(path) != NULL, path);
    return memory_copy(path, strlen(path));
}

void test_folder_remove(char *folder)
{
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (directory)
        closedir(directory);
    rmdir(folder);
    free(folder);
}
