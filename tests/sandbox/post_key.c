/* The key the post office signs its call-backs with. */
#include "tests/sandbox/sandbox.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <sys/stat.h>
#include "core/base/crypto.h"
#include "core/base/memory.h"

enum { RSA_BITS = 2048 };

struct post_key {
    EVP_PKEY *pair;
};

static EVP_PKEY *key_read(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *pair = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    return pair;
}

static bool key_write(EVP_PKEY *pair, const char *private_path, const char *public_path)
{
    FILE *secret = fopen(private_path, "w"), *open = fopen(public_path, "w");
    bool done = secret && open && !chmod(private_path, 0600) &&
                PEM_write_PrivateKey(secret, pair, NULL, NULL, 0, NULL, NULL) && PEM_write_PUBKEY(open, pair);
    if (secret && fclose(secret))
        done = false;
    if (open && fclose(open))
        done = false;
    return done;
}

enum err post_key_open(const char *folder, struct post_key **ret_key)
{
    char private_path[512], public_path[512];
    snprintf(private_path, sizeof private_path, "%s/vnpost-private.pem", folder);
    snprintf(public_path, sizeof public_path, "%s/vnpost-public.pem", folder);
    EVP_PKEY *pair = key_read(private_path);
    if (!pair) {
        pair = EVP_RSA_gen(RSA_BITS);
        if (!pair || !key_write(pair, private_path, public_path)) {
            EVP_PKEY_free(pair);
            return ERR_IO;
        }
    }
    *ret_key = memory_new(sizeof **ret_key);
    (*ret_key)->pair = pair;
    return OK;
}

enum err post_key_sign(struct post_key *key, struct text text, struct buf *ret_base64)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[RSA_BITS / 8];
    size_t size = sizeof signature;
    bool done = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pair) == 1 &&
                EVP_DigestSign(context, signature, &size, (const unsigned char *)text.at, text.length) == 1;
    EVP_MD_CTX_free(context);
    if (!done)
        return ERR_INTERNAL;
    base64_encode(signature, size, ret_base64);
    return OK;
}
