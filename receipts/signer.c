/* The signer for key files: OpenSSL's EVP behind the interface of receipts.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include "receipts/certificate.h"
#include "receipts/signer.h"

struct file_signer {
    struct signer signer;
    struct arena arena;
    EVP_PKEY *key;
};

enum { P256_HALF = 32, DER_SIGNATURE_MAX = 1024 };

/* The sequence (r, s) of DER to the fixed r‖s that XMLDSig asks for (RFC 4050, XMLDSig 1.1 §6.4.3). */
static enum err plain_ecdsa(const uint8_t *der, size_t der_length, uint8_t *ret_signature, size_t *ret_length)
{
    const uint8_t *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_length);
    if (!pair)
        return ERR_KEY;
    bool fits = BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, P256_HALF) == P256_HALF &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + P256_HALF, P256_HALF) == P256_HALF;
    ECDSA_SIG_free(pair);
    if (!fits)
        return ERR_KEY;
    *ret_length = 2 * (size_t)P256_HALF;
    return OK;
}

static enum err sign_with_file(const struct signer *signer, struct text bytes,
                               uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_length)
{
    const struct file_signer *mine = signer->state;
    uint8_t raw[DER_SIGNATURE_MAX];
    size_t length = sizeof raw;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool worked = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, mine->key) == 1 &&
                  EVP_DigestSign(context, raw, &length, (const uint8_t *)bytes.at, bytes.length) == 1;
    EVP_MD_CTX_free(context);
    if (!worked) {
        ERR_clear_error();
        return ERR_KEY;
    }
    if (signer->key == SIGNER_ECDSA_P256_SHA256)
        return plain_ecdsa(raw, length, ret_signature, ret_length);
    if (length > SIGNATURE_SIZE_MAX)
        return ERR_KEY;
    memcpy(ret_signature, raw, length);
    *ret_length = length;
    return OK;
}

static int no_passphrase(char *buffer, int size, int writing, void *with)
{
    return 0; /* never ask a terminal */
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, no_passphrase, NULL) : NULL;
    if (file)
        fclose(file);
    ERR_clear_error();
    return key;
}

X509 *signer_read_certificate(const char *path)
{
    FILE *file = fopen(path, "r");
    X509 *certificate = file ? PEM_read_X509(file, NULL, no_passphrase, NULL) : NULL;
    if (file)
        fclose(file);
    ERR_clear_error();
    return certificate;
}

bool signer_holds(const struct signer *signer, struct text bytes, const uint8_t *signature, size_t length)
{
    uint8_t *der = NULL;
    if (signer->key == SIGNER_ECDSA_P256_SHA256) {
        ECDSA_SIG *pair = length == 2 * P256_HALF ? ECDSA_SIG_new() : NULL;
        if (!pair)
            return false;
        ECDSA_SIG_set0(pair, BN_bin2bn(signature, P256_HALF, NULL), BN_bin2bn(signature + P256_HALF, P256_HALF, NULL));
        int size = i2d_ECDSA_SIG(pair, &der);
        ECDSA_SIG_free(pair);
        if (size < 0)
            return false;
        signature = der;
        length = (size_t)size;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, signer->public_key) == 1 &&
                 EVP_DigestVerify(context, signature, length, (const uint8_t *)bytes.at, bytes.length) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ERR_clear_error();
    return holds;
}

static void free_key(void *key)
{
    EVP_PKEY_free(key);
}

void signer_describe(struct signer *signer, struct arena *arena, X509 *certificate)
{
    struct buf text = {0};
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    if (length < 0)
        abort();
    base64_encode(der, (size_t)length, &text);
    OPENSSL_free(der);
    signer->certificate = arena_text(arena, buf_view(&text));
    buf_clear(&text);
    certificate_name(X509_get_subject_name(certificate), &text);
    signer->subject = arena_text(arena, buf_view(&text));
    buf_done(&text);
    signer->tax_code = certificate_tax_code(certificate, arena);
    signer->valid_from = certificate_time(X509_get0_notBefore(certificate));
    signer->valid_until = certificate_time(X509_get0_notAfter(certificate));
    signer->public_key = X509_get_pubkey(certificate);
    arena_on_done(arena, free_key, signer->public_key);
}

static void close_file(struct signer *signer)
{
    struct file_signer *mine = signer->state;
    EVP_PKEY_free(mine->key);
    arena_done(&mine->arena);
    free(mine);
}

enum err signer_open_files(const char *key_path, const char *certificate_path, struct signer **ret_signer,
                           struct faults *faults)
{
    EVP_PKEY *key = read_key(key_path);
    X509 *certificate = signer_read_certificate(certificate_path);
    enum signer_key kind = SIGNER_RSA_SHA256;
    enum err err = OK;
    if (!key)
        err = faults_add(faults, key_path, ERR_KEY, "Không đọc được khóa PEM (hoặc khóa có mật khẩu).");
    else if (!certificate)
        err = faults_add(faults, certificate_path, ERR_CERTIFICATE, "Không đọc được chứng thư PEM.");
    else if (certificate_key(certificate, &kind))
        err = faults_add(faults, certificate_path, ERR_CERTIFICATE,
                         "Chứng thư phải là RSA từ 2048 bit hoặc P-256, được phép ký.");
    else if (EVP_PKEY_eq(key, X509_get0_pubkey(certificate)) != 1)
        err = faults_add(faults, certificate_path, ERR_KEY, "Khóa và chứng thư không cùng một cặp.");
    if (err) {
        EVP_PKEY_free(key);
    } else {
        struct file_signer *made = memory_new(sizeof *made);
        arena_init(&made->arena);
        made->key = key;
        made->signer.key = kind;
        made->signer.sign = sign_with_file;
        made->signer.state = made;
        made->signer.close = close_file;
        signer_describe(&made->signer, &made->arena, certificate);
        *ret_signer = &made->signer;
    }
    X509_free(certificate);
    ERR_clear_error();
    return err;
}

enum err signer_open(const char *key, const char *pin, const char *certificate_path, struct signer **ret_signer,
                     struct faults *faults)
{
    if (text_starts(text_of(key), "pkcs11:"))
        return signer_open_token(key, pin, certificate_path, ret_signer, faults);
    return signer_open_files(key, certificate_path, ret_signer, faults);
}

void signer_close(struct signer *signer)
{
    if (signer)
        signer->close(signer);
}

enum err signer_check(const struct signer *signer, struct text tax_code, instant_us at)
{
    if (at < signer->valid_from || at > signer->valid_until)
        return ERR_CERTIFICATE;
    return tax_code.length && text_equal(signer->tax_code, tax_code) ? OK : ERR_CERTIFICATE;
}
