/* The signer for tokens and HSMs: PKCS #11 v2.40 by C_Sign on our own pooled sessions.
 *
 * No ENGINE and no provider in between (OpenSSL 3.0 deprecates the one, Debian 12 has not the other). RSA uses
 * CKM_SHA256_RSA_PKCS; ECDSA signs a SHA-256 digest by CKM_ECDSA, which gives r‖s as XMLDSig wants it. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include "receipts/certificate.h"
#include "receipts/signer.h"

enum { SESSIONS_MAX = 8, SLOTS_MAX = 64, LABEL_SIZE = 32, ATTRIBUTE_MAX = 256, P256_HALF = 32 };

struct uri {
    char token[ATTRIBUTE_MAX], object[ATTRIBUTE_MAX], id[ATTRIBUTE_MAX], module[ATTRIBUTE_MAX], pin[ATTRIBUTE_MAX];
    size_t id_length;
};

struct token_signer {
    struct signer signer;
    struct arena arena;
    void *library;
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE home; /* stays open, so that the login does */
    CK_OBJECT_HANDLE key;
    pthread_mutex_t lock;
    pthread_cond_t free_again;
    size_t open_count, idle_count;
    CK_SESSION_HANDLE idle[SESSIONS_MAX];
};

/* Percent-decoding (RFC 7512 §2.3). Returns the length, SIZE_MAX when it is too long or wrong. */
static size_t decode(struct text text, char ret[ATTRIBUTE_MAX])
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (length + 1 >= ATTRIBUTE_MAX)
            return SIZE_MAX;
        uint8_t byte = (uint8_t)text.at[i];
        if (text.at[i] == '%') {
            if (!hex_decode(text_slice(text, i + 1, 2), &byte, 1))
                return SIZE_MAX;
            i += 2;
        }
        ret[length++] = (char)byte;
    }
    ret[length] = '\0';
    return length;
}

static bool uri_parse(const char *uri, struct uri *ret)
{
    struct text query, path = text_until(text_slice(text_of(uri), strlen("pkcs11:"), ATTRIBUTE_MAX * 8), '?', &query);
    *ret = (struct uri){0};
    while (path.length || query.length) {
        bool in_path = path.length > 0;
        struct text value, part = in_path ? text_until(path, ';', &path) : text_until(query, '&', &query);
        struct text name = text_until(part, '=', &value);
        char ignored[ATTRIBUTE_MAX], *into = text_is(name, "token")         ? ret->token
                                             : text_is(name, "object")      ? ret->object
                                             : text_is(name, "id")          ? ret->id
                                             : text_is(name, "module-path") ? ret->module
                                             : text_is(name, "pin-value")   ? ret->pin
                                                                            : ignored;
        size_t length = decode(value, into);
        if (length == SIZE_MAX)
            return false;
        if (into == ret->id)
            ret->id_length = length;
    }
    return *ret->module && (*ret->object || ret->id_length);
}

static const char *load(struct token_signer *token, const struct uri *uri)
{
    CK_C_GetFunctionList get_list;
    CK_C_INITIALIZE_ARGS threads = {.flags = CKF_OS_LOCKING_OK};
    token->library = dlopen(uri->module, RTLD_NOW | RTLD_LOCAL);
    void *symbol = token->library ? dlsym(token->library, "C_GetFunctionList") : NULL;
    if (!symbol)
        return "the PKCS #11 module cannot be loaded";
    memcpy(&get_list, &symbol, sizeof get_list);
    if (get_list(&token->f) != CKR_OK)
        return "the PKCS #11 module has no functions";
    CK_RV rv = token->f->C_Initialize(&threads);
    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? NULL : "the PKCS #11 module does not start";
}

static const char *find_slot(struct token_signer *token, const struct uri *uri)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    if (token->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return "the tokens cannot be listed";
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (token->f->C_GetTokenInfo(slots[i], &info) != CKR_OK)
            continue;
        size_t length = LABEL_SIZE;
        while (length && info.label[length - 1] == ' ')
            length--;
        if (!*uri->token || text_is((struct text){(const char *)info.label, length}, uri->token)) {
            token->slot = slots[i];
            return NULL;
        }
    }
    return "no such token";
}

static const char *find_key(struct token_signer *token, struct uri *uri)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG count = 1, found = 0;
    CK_OBJECT_HANDLE keys[2];
    if (*uri->object)
        wanted[count++] = (CK_ATTRIBUTE){CKA_LABEL, uri->object, strlen(uri->object)};
    if (uri->id_length)
        wanted[count++] = (CK_ATTRIBUTE){CKA_ID, uri->id, uri->id_length};
    if (token->f->C_FindObjectsInit(token->home, wanted, count) != CKR_OK)
        return "keys cannot be looked for";
    CK_RV rv = token->f->C_FindObjects(token->home, keys, 2, &found);
    token->f->C_FindObjectsFinal(token->home);
    if (rv != CKR_OK || found != 1)
        return found > 1 ? "more than one such key" : "no such key";
    token->key = keys[0];
    return NULL;
}

static const char *log_in(struct token_signer *token, const char *pin)
{
    if (token->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &token->home) != CKR_OK)
        return "no session";
    if (!pin || !*pin)
        return NULL;
    char copy[ATTRIBUTE_MAX];
    snprintf(copy, sizeof copy, "%s", pin);
    CK_RV rv = token->f->C_Login(token->home, CKU_USER, (CK_UTF8CHAR *)copy, strlen(copy));
    OPENSSL_cleanse(copy, sizeof copy);
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? NULL : "the PIN was refused";
}

/* A session for one signature: an idle one, a new one, or the next that is given back. */
static bool take_session(struct token_signer *token, CK_SESSION_HANDLE *ret_session)
{
    bool mine = true;
    pthread_mutex_lock(&token->lock);
    while (!token->idle_count && token->open_count == SESSIONS_MAX)
        pthread_cond_wait(&token->free_again, &token->lock);
    if (token->idle_count)
        *ret_session = token->idle[--token->idle_count];
    else if (token->f->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, ret_session) == CKR_OK)
        token->open_count++;
    else
        mine = false;
    pthread_mutex_unlock(&token->lock);
    return mine;
}

/* A session that failed is closed: the next one starts clean. */
static void give_session(struct token_signer *token, CK_SESSION_HANDLE session, CK_RV result)
{
    pthread_mutex_lock(&token->lock);
    if (result == CKR_OK) {
        token->idle[token->idle_count++] = session;
    } else {
        token->f->C_CloseSession(session);
        token->open_count--;
    }
    pthread_cond_signal(&token->free_again);
    pthread_mutex_unlock(&token->lock);
}

static enum err sign_with_token(const struct signer *signer, struct text bytes,
                                uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_length)
{
    struct token_signer *token = signer->state;
    bool rsa = signer->key == SIGNER_RSA_SHA256;
    CK_MECHANISM mechanism = {rsa ? CKM_SHA256_RSA_PKCS : CKM_ECDSA, NULL, 0};
    CK_SESSION_HANDLE session;
    CK_ULONG length = SIGNATURE_SIZE_MAX;
    uint8_t digest[SHA256_SIZE];
    struct buf whole = {0};
    crypto_sha256(bytes, digest);
    if (!take_session(token, &session))
        return ERR_KEY;
    CK_RV rv = token->f->C_SignInit(session, &mechanism, token->key);
    if (rv == CKR_OK && rsa) {
        buf_text(&whole, bytes); /* the interface takes no const */
        rv = token->f->C_Sign(session, (CK_BYTE *)whole.at, whole.length, ret_signature, &length);
    } else if (rv == CKR_OK) {
        rv = token->f->C_Sign(session, digest, sizeof digest, ret_signature, &length);
    }
    give_session(token, session, rv);
    buf_done(&whole);
    if (rv != CKR_OK || (!rsa && length != 2 * (CK_ULONG)P256_HALF))
        return ERR_KEY;
    *ret_length = length;
    return OK;
}

static void close_token(struct signer *signer)
{
    struct token_signer *token = signer->state;
    for (size_t i = 0; i < token->idle_count; i++)
        token->f->C_CloseSession(token->idle[i]);
    if (token->home)
        token->f->C_CloseSession(token->home);
    /* The module stays loaded and started: other signers of this process may use it. */
    pthread_mutex_destroy(&token->lock);
    pthread_cond_destroy(&token->free_again);
    arena_done(&token->arena);
    free(token);
}

/* Signs something and verifies it with the certificate's key: only then do they belong together. */
static bool is_pair(const struct signer *signer, X509 *certificate)
{
    static const char proof[] = "lephi: is this the certificate of this key?";
    struct text bytes = {proof, sizeof proof - 1};
    uint8_t signature[SIGNATURE_SIZE_MAX], *der = NULL;
    size_t length;
    if (signer->sign(signer, bytes, signature, &length))
        return false;
    const uint8_t *judged = signature;
    if (signer->key == SIGNER_ECDSA_P256_SHA256) {
        ECDSA_SIG *pair = ECDSA_SIG_new();
        ECDSA_SIG_set0(pair, BN_bin2bn(signature, P256_HALF, NULL), BN_bin2bn(signature + P256_HALF, P256_HALF, NULL));
        int size = i2d_ECDSA_SIG(pair, &der);
        ECDSA_SIG_free(pair);
        if (size < 0)
            return false;
        judged = der;
        length = (size_t)size;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds = context &&
                 EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) == 1 &&
                 EVP_DigestVerify(context, judged, length, (const uint8_t *)bytes.at, bytes.length) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ERR_clear_error();
    return holds;
}

enum err signer_open_token(const char *uri_text, const char *pin, const char *certificate_path,
                           struct signer **ret_signer, struct faults *faults)
{
    struct uri uri;
    if (!uri_parse(uri_text, &uri))
        return faults_add(faults, "pkcs11", ERR_KEY,
                          "URI phải có module-path và object hoặc id (RFC 7512), ví dụ "
                          "pkcs11:token=T;object=K?module-path=/usr/lib/softhsm/libsofthsm2.so");
    X509 *certificate = signer_read_certificate(certificate_path);
    struct token_signer *token = memory_new(sizeof *token);
    arena_init(&token->arena);
    pthread_mutex_init(&token->lock, NULL);
    pthread_cond_init(&token->free_again, NULL);
    token->signer.state = token;
    token->signer.sign = sign_with_token;
    token->signer.close = close_token;
    enum err err = OK;
    if (!certificate || certificate_key(certificate, &token->signer.key))
        err = faults_add(faults, certificate_path, ERR_CERTIFICATE,
                         "Chứng thư phải là RSA từ 2048 bit hoặc P-256, được phép ký.");
    const char *problem = err ? NULL : load(token, &uri);
    if (!err && !problem)
        problem = find_slot(token, &uri);
    if (!err && !problem)
        problem = log_in(token, *uri.pin ? uri.pin : pin);
    if (!err && !problem)
        problem = find_key(token, &uri);
    if (!err && !problem && !is_pair(&token->signer, certificate))
        problem = "key and certificate are no pair";
    OPENSSL_cleanse(uri.pin, sizeof uri.pin);
    if (problem)
        err = faults_add(faults, "pkcs11", ERR_KEY, "%s", problem);
    if (err) {
        close_token(&token->signer);
    } else {
        signer_describe(&token->signer, &token->arena, certificate);
        *ret_signer = &token->signer;
    }
    X509_free(certificate);
    return err;
}
