/* Digests, keyed digests, random bytes and their text forms: thin covers over OpenSSL 3. Thread-safe. */
#ifndef LEPHI_CORE_CRYPTO_H
#define LEPHI_CORE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/buf.h"
#include "core/base/text.h"

enum { SHA256_SIZE = 32, SHA512_SIZE = 64, HEX_SHA256_SIZE = 65 };

void crypto_sha256(struct text data, uint8_t ret_digest[SHA256_SIZE]);
void crypto_hmac_sha256(struct text key, struct text data, uint8_t ret_mac[SHA256_SIZE]);
void crypto_hmac_sha512(struct text key, struct text data, uint8_t ret_mac[SHA512_SIZE]);
void crypto_random(void *ret_bytes, size_t size); /* ends the process when the system has no randomness */

/* Password to verifier and back: scrypt (N 2^15, r 8, p 1) with a random salt, "scrypt$…" text. */
enum { PASSWORD_VERIFIER_SIZE = 160 };
void crypto_password_hash(struct text password, char ret_verifier[PASSWORD_VERIFIER_SIZE]);
bool crypto_password_check(struct text password, struct text verifier);

/* Authenticated encryption (AES-256-GCM, random nonce in front). Open returns false for anything but what was sealed.
 */
void crypto_seal(const uint8_t key[SHA256_SIZE], struct text plain, struct buf *out);
bool crypto_open(const uint8_t key[SHA256_SIZE], struct text sealed, struct buf *out);

/* The installation's own secret, set once at start. Everything else is derived from it by purpose, so that two hosts
 * with the same secret agree and a leak of one derived value tells nothing of another. */
enum { SERVER_SECRET_SIZE = 32, TOKEN_SIZE = 16, TOKEN_TEXT_SIZE = 23 };
void server_secret_set(const uint8_t secret[SERVER_SECRET_SIZE]);
void server_secret_derive(const char *purpose, struct text data, uint8_t ret_value[SHA256_SIZE]);
/* A citizen's 128-bit link token for one thing ("pay" + reference): base64url text, and the hash that is stored. */
void token_derive(const char *purpose, struct text data, char ret_token[TOKEN_TEXT_SIZE],
                  uint8_t ret_hash[SHA256_SIZE]);
bool token_hash(struct text token, uint8_t ret_hash[SHA256_SIZE]); /* false when it is no token at all */

void hex_encode(const void *bytes, size_t size, char *ret_hex);         /* lower case, 2*size characters and a NUL */
bool hex_decode(struct text hex, uint8_t *ret_bytes, size_t size);      /* exactly `size` bytes, either case */
void base64_encode(const void *bytes, size_t size, struct buf *out);    /* RFC 4648 §4, padded, one line */
void base64url_encode(const void *bytes, size_t size, struct buf *out); /* RFC 4648 §5, no padding */
bool base64_decode(struct text text, struct buf *out); /* both alphabets, white space skipped, padding optional */

#endif
