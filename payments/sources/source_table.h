/* The sources themselves; private to this room. Each is one file. */
#ifndef LEPHI_SOURCE_TABLE_H
#define LEPHI_SOURCE_TABLE_H

#include "payments/sources/sources.h"

extern const struct source source_sandbox_bank, source_sepay;

/* Digest comparison for the sources: HMAC-SHA256 of `message` under `secret` equals the hex text, in constant time. */
bool hmac_sha256_matches(const char *secret, struct text message, struct text hex);

/* {"success": true|false}, 200 for everything that was understood, 503 to be sent again. */
int reply_success(const struct source_answer *answer, struct buf *out);

#endif
