/* The sources themselves, each one file, and what several of them share; private to this room. */
#ifndef LEPHI_SOURCE_TABLE_H
#define LEPHI_SOURCE_TABLE_H

#include "payments/sources/sources.h"

extern const struct source source_sandbox_bank, source_sepay, source_casso, source_payos;

/* Digest comparison in constant time: the keyed digest of `message` under `secret` equals the hex text. */
bool hmac_sha256_matches(const char *secret, struct text message, struct text hex);
bool hmac_sha512_matches(const char *secret, struct text message, struct text hex);

/* "sha256=HEX" of HMAC-SHA256(secret, time stamp "." raw body) in one header, the time stamp (Unix seconds) in another.
 * ERR_SIGNATURE; ERR_STALE when the stamp is more than five minutes from the call, either way. */
MUST_CHECK enum err stamped_signature_check(const char *secret, const struct call_back *call, const char *stamp_header,
                                            const char *signature_header);

/* "2026-11-22 09:14:00", Vietnamese time; 'T' may stand for the space. */
bool local_time_parse(struct text text, instant_us *ret_at);

/* A required field with such a time. */
void local_time_read(struct json_fields *in, const char *key, instant_us *ret_at);

/* Words of people and banks: never a reason to refuse money. Absent, null or of another type leaves the output; control
 * characters become spaces; more than `max_bytes` is cut between characters. The key counts as known. */
void words_read(struct json_fields *in, const char *key, size_t max_bytes, struct text *ret);

/* An id that a source writes as a number (at least `min`) or as text, as text. Required. */
void id_read(struct json_fields *in, const char *key, int64_t min, struct text *ret);

/* The first of several descriptions that holds the best reference; the first one when none does. */
struct text memo_choose(const struct text *memos, size_t count);

/* OK, or ERR_INVALID when a field of this object or of one inside was faulty; unknown fields are no fault. */
MUST_CHECK enum err fields_end(const struct json_fields *in);

/* {"success": true|false}, 200 for everything that was understood, 503 to be sent again. */
int reply_success(const struct source_answer *answer, struct buf *out);

#endif
