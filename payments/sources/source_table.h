/* The sources themselves, each one file, and what several of them share; private to this room. */
#ifndef LEPHI_SOURCE_TABLE_H
#define LEPHI_SOURCE_TABLE_H

#include "payments/sources/sources.h"

extern const struct source source_sandbox_bank, source_sepay, source_casso, source_payos, source_vnpay, source_momo,
    source_zalopay, source_viettel_money, source_vnpt_money, source_mobifone_money, source_dvcqg, source_keypay;

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

/* parts of wallets and gateways (gateway.c) ------------------------------------------------------------------------*/

/* Name-value pairs of a query or form. False: badly encoded, a name twice, or too many: nobody signs such a thing. */
enum { FORM_MAX = 48 };
struct form {
    size_t count;
    struct form_pair {
        struct text name, value, raw_name, raw_value;
    } pairs[FORM_MAX];
};
bool source_form_parse(struct text raw, struct arena *arena, struct form *ret_form);
struct text source_form_get(const struct form *form, const char *name); /* at NULL when absent */
void source_form_put(struct buf *out, const char *name,
                     struct text value);                    /* name=urlencoded, "&" in front of all but the first */
void source_url_encode(struct buf *out, struct text value); /* as PHP's urlencode: space is + */

/* A string or an integer of an object as text; at NULL for anything else. */
struct text source_value_of(const json_t *object, const char *key, struct arena *arena);
/* A whole amount of đồng, 1 to MONEY_MAX. */
bool dong_parse(struct text text, int64_t *ret_amount);
/* "20261122090000", Vietnamese time. */
bool stamp14_parse(struct text text, instant_us *ret_at);
struct text stamp14_write(instant_us at, struct arena *arena);
/* Milliseconds since 1970 as text. */
bool millis_parse(struct text text, instant_us *ret_at);

struct text sha256_hex(struct text message, struct arena *arena);
struct text hmac_sha256_hex(const char *key, struct text message, struct arena *arena);
struct text hmac_sha512_hex(const char *key, struct text message, struct arena *arena);
struct text hmac_sha1_base64(const char *key, struct text message, struct arena *arena);
bool digest_equal(struct text computed, struct text given); /* hex in either case, constant time; both non-empty */

/* Values with `separator` between them; ERR_INVALID when a value holds the separator itself. */
MUST_CHECK enum err values_join(struct arena *arena, char separator, const struct text *values, size_t count,
                                struct text *ret);

/* The name of a field in a protocol that is configuration: `fields` = "order=orderId amount=transAmount …". */
const char *source_field_name(const struct source_account *account, const char *what, struct arena *arena);
/* A JSON call to base_url and path. ERR_CONFIG without base_url. */
MUST_CHECK enum err source_post_json(const struct source_account *account, const char *path, const struct buf *body,
                                     struct arena *arena, struct source_call *ret_call);
/* OK when the amount is within the source's limits, else ERR_FIELD_RANGE. */
MUST_CHECK enum err limits_check(const struct source *source, int64_t amount);
/* Seals a paid notice into what was told; other states leave it. */
void told_notice(struct source_told *told, const struct notice *notice);
/* Faults the whole call: something is missing or contradicts itself. */
MUST_CHECK enum err not_understood(struct faults *faults, const char *field);

#endif
