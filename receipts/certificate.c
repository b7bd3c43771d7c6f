#include "core/base/file.h"
#include "receipts/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { RSA_BITS_MIN = 2048, CHAIN_DEPTH_MAX = 6, TRUST_PEM_MAX = 4 * 1024 * 1024 };

void certificate_name(const X509_NAME *name, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        abort();
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        char *at;
        long length = BIO_get_mem_data(bio, &at);
        buf_put(out, at, length > 0 ? (size_t)length : 0);
    }
    BIO_free(bio);
}

struct text certificate_attribute(const X509_NAME *name, int nid, struct arena *arena)
{
    int index = X509_NAME_get_index_by_NID(name, nid, -1);
    if (index < 0)
        return TEXT_NONE;
    unsigned char *utf8 = NULL;
    int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
    if (length < 0)
        return TEXT_NONE;
    struct text value = arena_text(arena, (struct text){(const char *)utf8, (size_t)length});
    OPENSSL_free(utf8);
    return text_is_utf8(value) ? value : TEXT_NONE;
}

struct text certificate_tax_code(const X509 *certificate, struct arena *arena)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    for (int index = -1; (index = X509_NAME_get_index_by_NID(subject, NID_userId, index)) >= 0;) {
        unsigned char *utf8 = NULL;
        int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
        if (length < 0)
            continue;
        struct text value = arena_text(arena, (struct text){(const char *)utf8, (size_t)length});
        OPENSSL_free(utf8);
        if (text_starts(value, "MST:"))
            return text_trim(text_slice(value, 4, value.length));
    }
    return TEXT_NONE;
}

instant_us certificate_time(const ASN1_TIME *time)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(time, &tm))
        return INSTANT_NONE;
    return (instant_us)timegm(&tm) * SECOND_US;
}

enum err certificate_key(X509 *certificate, enum signer_key *ret_key)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (!key)
        return ERR_CERTIFICATE;
    /* UINT32_MAX when the certificate restricts nothing. */
    if (!(X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return ERR_CERTIFICATE;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN) {
        *ret_key = SIGNER_RSA_SHA256;
        return OK;
    }
    char group[64];
    size_t length;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1 &&
        !strcmp(group, "prime256v1")) {
        *ret_key = SIGNER_ECDSA_P256_SHA256;
        return OK;
    }
    return ERR_CERTIFICATE;
}

struct receipt_trust {
    X509_STORE *anchors;
    STACK_OF(X509) * links;
    STACK_OF(X509_CRL) * lists;
};

void receipt_trust_free(struct receipt_trust *trust)
{
    if (!trust)
        return;
    X509_STORE_free(trust->anchors);
    sk_X509_pop_free(trust->links, X509_free);
    sk_X509_CRL_pop_free(trust->lists, X509_CRL_free);
    free(trust);
}

static bool is_anchor(X509 *certificate)
{
    return X509_get_extension_flags(certificate) & EXFLAG_SS;
}

enum err receipt_trust_new(struct text pem, struct receipt_trust **ret_trust)
{
    BIO *bio = pem.length <= TRUST_PEM_MAX ? BIO_new_mem_buf(pem.at ? pem.at : "", (int)pem.length) : NULL;
    STACK_OF(X509_INFO) *infos = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    struct receipt_trust *trust = memory_new(sizeof *trust);
    *trust = (struct receipt_trust){X509_STORE_new(), sk_X509_new_null(), sk_X509_CRL_new_null()};
    if (!trust->anchors || !trust->links || !trust->lists)
        abort();
    int anchors = 0;
    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);
        if (info->x509 && is_anchor(info->x509)) {
            anchors += X509_STORE_add_cert(trust->anchors, info->x509) == 1;
        } else if (info->x509 && X509_up_ref(info->x509)) {
            sk_X509_push(trust->links, info->x509);
        }
        if (info->crl && X509_CRL_up_ref(info->crl))
            sk_X509_CRL_push(trust->lists, info->crl);
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    if (!anchors) {
        receipt_trust_free(trust);
        return ERR_CERTIFICATE;
    }
    *ret_trust = trust;
    return OK;
}

enum err receipt_trust_open(const char *pem_path, struct receipt_trust **ret_trust)
{
    struct arena arena;
    struct text pem;
    arena_init(&arena);
    enum err err = file_read(pem_path, TRUST_PEM_MAX, &arena, &pem);
    if (!err)
        err = receipt_trust_new(pem, ret_trust);
    arena_done(&arena);
    return err;
}

/* A list counts when the issuer of the certificate signed it; a revocation after the signing time does not undo what
 * was signed before. */
static bool revoked_at(const struct receipt_trust *trust, X509 *certificate, X509 *issuer, instant_us at)
{
    for (int i = 0; i < sk_X509_CRL_num(trust->lists); i++) {
        X509_CRL *list = sk_X509_CRL_value(trust->lists, i);
        X509_REVOKED *entry;
        if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate)) != 0 ||
            X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
            continue;
        if (X509_CRL_get0_by_cert(list, &entry, certificate) == 1 &&
            certificate_time(X509_REVOKED_get0_revocationDate(entry)) <= at)
            return true;
    }
    return false;
}

enum err certificate_chain(const struct receipt_trust *trust, X509 *certificate, instant_us at, struct faults *faults)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (!context || X509_STORE_CTX_init(context, trust->anchors, certificate, trust->links) != 1)
        abort();
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(at / SECOND_US));
    X509_VERIFY_PARAM_set_depth(parameters, CHAIN_DEPTH_MAX);
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY);
    enum err err = OK;
    if (X509_verify_cert(context) != 1) {
        err = faults_add(faults, "X509Certificate", ERR_CERTIFICATE, "Chuỗi chứng thư: %s.",
                         X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    } else {
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
        for (int i = 0; !err && i + 1 < sk_X509_num(chain); i++)
            if (revoked_at(trust, sk_X509_value(chain, i), sk_X509_value(chain, i + 1), at))
                err = faults_add(faults, "X509Certificate", ERR_CERTIFICATE,
                                 "Chứng thư đã bị thu hồi trước thời điểm ký.");
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return err;
}
