#include "core/base/crypto.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static void digest_or_end(int worked)
{
    if (worked == 1)
        return;
    fputs("lephi: the cryptographic library failed\n", stderr);
    abort();
}

static const EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

/* EVP_sha256() is looked up among the providers at each use; this one is looked up once and lives with the process. */
static void sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    digest_or_end(sha256 != NULL);
}

void crypto_sha256(struct text data, uint8_t ret_digest[SHA256_SIZE])
{
    pthread_once(&sha256_once, sha256_fetch);
    digest_or_end(EVP_Digest(data.at ? data.at : "", data.length, ret_digest, NULL, sha256, NULL));
}

void crypto_hmac_sha256(struct text key, struct text data, uint8_t ret_mac[SHA256_SIZE])
{
    digest_or_end(HMAC(EVP_sha256(), key.at ? key.at : "", (int)key.length, (const uint8_t *)(data.at ? data.at : ""),
                       data.length, ret_mac, NULL) != NULL);
}

void crypto_hmac_sha512(struct text key, struct text data, uint8_t ret_mac[SHA512_SIZE])
{
    digest_or_end(HMAC(EVP_sha512(), key.at ? key.at : "", (int)key.length, (const uint8_t *)(data.at ? data.at : ""),
                       data.length, ret_mac, NULL) != NULL);
}

void crypto_random(void *ret_bytes, size_t size)
{
    digest_or_end(RAND_bytes(ret_bytes, (int)size));
}

enum { SALT_SIZE = 16, VERIFIER_SIZE = 32 };
#define SCRYPT_N   (1 << 15)
#define SCRYPT_MEM (64 << 20)

static void scrypt(struct text password, const uint8_t salt[SALT_SIZE], uint8_t ret_key[VERIFIER_SIZE])
{
    digest_or_end(EVP_PBE_scrypt(password.at, password.length, salt, SALT_SIZE, SCRYPT_N, 8, 1, SCRYPT_MEM, ret_key,
                                 VERIFIER_SIZE));
}

void crypto_password_hash(struct text password, char ret_verifier[PASSWORD_VERIFIER_SIZE])
{
    uint8_t salt[SALT_SIZE], key[VERIFIER_SIZE];
    char salt_hex[2 * SALT_SIZE + 1], key_hex[2 * VERIFIER_SIZE + 1];
    crypto_random(salt, sizeof salt);
    scrypt(password, salt, key);
    hex_encode(salt, sizeof salt, salt_hex);
    hex_encode(key, sizeof key, key_hex);
    snprintf(ret_verifier, PASSWORD_VERIFIER_SIZE, "scrypt$%s$%s", salt_hex, key_hex);
}

bool crypto_password_check(struct text password, struct text verifier)
{
    struct text rest, salt_hex, none;
    text_until(verifier, '$', &rest);
    salt_hex = text_until(rest, '$', &rest);
    struct text key_hex = text_until(rest, '$', &none);
    uint8_t salt[SALT_SIZE], stored[VERIFIER_SIZE], key[VERIFIER_SIZE];
    if (!text_starts(verifier, "scrypt$") || !hex_decode(salt_hex, salt, sizeof salt) ||
        !hex_decode(key_hex, stored, sizeof stored))
        return false;
    scrypt(password, salt, key);
    return text_equal_secret((struct text){(const char *)key, sizeof key},
                             (struct text){(const char *)stored, sizeof stored});
}

void hex_encode(const void *bytes, size_t size, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++) {
        ret_hex[2 * i] = digits[from[i] >> 4];
        ret_hex[2 * i + 1] = digits[from[i] & 15];
    }
    ret_hex[2 * size] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct text hex, uint8_t *ret_bytes, size_t size)
{
    if (hex.length != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(hex.at[2 * i]), low = hex_value(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const uint8_t *from, size_t size, const char *alphabet, bool padded, struct buf *out)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three =
            (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= left)
                buf_char(out, alphabet[three >> (18 - 6 * k) & 63]);
            else if (padded)
                buf_char(out, '=');
        }
    }
}

void base64_encode(const void *bytes, size_t size, struct buf *out)
{
    encode(bytes, size, standard, true, out);
}

void base64url_encode(const void *bytes, size_t size, struct buf *out)
{
    encode(bytes, size, url_safe, false, out);
}

static int base64_value(char c)
{
    if (c == '-')
        c = '+';
    if (c == '_')
        c = '/';
    const char *found = c ? strchr(standard, c) : NULL;
    return found ? (int)(found - standard) : -1;
}

bool base64_decode(struct text text, struct buf *out)
{
    uint32_t bits = 0;
    size_t count = 0, padding = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        if (c == '=') {
            padding++;
            continue;
        }
        int value = base64_value(c);
        if (value < 0 || padding)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (++count % 4 == 0) {
            char three[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
            buf_put(out, three, 3);
        }
    }
    if (count % 4 == 1 || padding > 2)
        return false;
    if (count % 4 == 2)
        buf_char(out, (char)(bits >> 4));
    if (count % 4 == 3) {
        buf_char(out, (char)(bits >> 10));
        buf_char(out, (char)(bits >> 2));
    }
    return true;
}

enum { NONCE_SIZE = 12, TAG_SIZE = 16 };

void crypto_seal(const uint8_t key[SHA256_SIZE], struct text plain, struct buf *out)
{
    uint8_t nonce[NONCE_SIZE], tag[TAG_SIZE];
    crypto_random(nonce, sizeof nonce);
    buf_put(out, nonce, sizeof nonce);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written = 0, last = 0;
    uint8_t *to = (uint8_t *)buf_room(out, plain.length + TAG_SIZE + 1);
    digest_or_end(context && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1);
    digest_or_end(
        EVP_EncryptUpdate(context, to, &written, (const uint8_t *)(plain.at ? plain.at : ""), (int)plain.length));
    digest_or_end(EVP_EncryptFinal_ex(context, to + written, &last));
    digest_or_end(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag));
    EVP_CIPHER_CTX_free(context);
    out->length += plain.length;
    buf_put(out, tag, sizeof tag);
}

bool crypto_open(const uint8_t key[SHA256_SIZE], struct text sealed, struct buf *out)
{
    if (sealed.length < NONCE_SIZE + TAG_SIZE)
        return false;
    const uint8_t *nonce = (const uint8_t *)sealed.at;
    size_t length = sealed.length - NONCE_SIZE - TAG_SIZE;
    uint8_t tag[TAG_SIZE], *to = (uint8_t *)buf_room(out, length + 1);
    memcpy(tag, nonce + NONCE_SIZE + length, TAG_SIZE);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written = 0, last = 0;
    digest_or_end(context && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1);
    bool good = EVP_DecryptUpdate(context, to, &written, nonce + NONCE_SIZE, (int)length) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
                EVP_DecryptFinal_ex(context, to + written, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    if (good)
        out->length += length;
    return good;
}

static uint8_t server_secret[SERVER_SECRET_SIZE];

void server_secret_set(const uint8_t secret[SERVER_SECRET_SIZE])
{
    memcpy(server_secret, secret, sizeof server_secret);
}

void server_secret_derive(const char *purpose, struct text data, uint8_t ret_value[SHA256_SIZE])
{
    struct buf message = {0};
    buf_put(&message, purpose, strlen(purpose) + 1);
    buf_text(&message, data);
    crypto_hmac_sha256((struct text){(const char *)server_secret, sizeof server_secret}, buf_view(&message), ret_value);
    buf_done(&message);
}

void token_derive(const char *purpose, struct text data, char ret_token[TOKEN_TEXT_SIZE], uint8_t ret_hash[SHA256_SIZE])
{
    uint8_t value[SHA256_SIZE];
    struct buf text = {0};
    server_secret_derive(purpose, data, value);
    base64url_encode(value, TOKEN_SIZE, &text);
    memcpy(ret_token, buf_cstr(&text), TOKEN_TEXT_SIZE);
    crypto_sha256(buf_view(&text), ret_hash);
    buf_done(&text);
}

bool token_hash(struct text token, uint8_t ret_hash[SHA256_SIZE])
{
    if (token.length != TOKEN_TEXT_SIZE - 1)
        return false;
    crypto_sha256(token, ret_hash);
    return true;
}
