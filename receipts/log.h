/* Inside the receipts room: the transparency log (sql/0011-receipt-log.sql says what a leaf is). */
#ifndef LEPHI_RECEIPTS_LOG_H
#define LEPHI_RECEIPTS_LOG_H

#include "receipts/merkle.h"
#include "receipts/receipts.h"

/* One signed tree head. Texts live in the arena it was read with. */
struct log_head {
    date_days day;
    int64_t size;
    struct merkle_hash root;
    instant_us at;
    struct text log, body, algorithm;   /* body is what was signed, byte for byte */
    struct text signature, certificate; /* base64 of DER (ECDSA-Sig-Value, or PKCS #1 v1.5) */
};

/* What the head's signature is over; six lines. */
void log_head_body(const struct log_head *head, struct buf *out);
void log_head_write(struct json *json, const char *key, const struct log_head *head);
/* The printable form: the body, who signed, the signature. */
void log_head_text(const struct log_head *head, struct buf *out);
/* Signs `head->body`; fills algorithm, signature, certificate. ERR_KEY. */
MUST_CHECK enum err log_head_sign(const struct signer *signer, struct log_head *head, struct arena *arena);
/* The fields agree with the body, the signature with the certificate, the certificate with `trust` (NULL: not asked).
 * ERR_SIGNATURE_BROKEN, ERR_CERTIFICATE, ERR_INVALID with the reason in `faults`. */
MUST_CHECK enum err log_head_check(const struct log_head *head, const struct receipt_trust *trust,
                                   struct faults *faults);

/* Reading from the database. */
MUST_CHECK enum err log_size(struct db *db, struct arena *arena, int64_t *ret_size);
MUST_CHECK enum err log_root(struct db *db, struct arena *arena, int64_t size, struct merkle_hash *ret_root);
/* The newest head, or that of `day` unless DATE_NONE. ERR_NOT_FOUND. */
MUST_CHECK enum err log_head_load(struct db *db, struct arena *arena, date_days day, struct log_head *ret_head);
/* Heads after `after`, oldest first. */
MUST_CHECK enum err log_heads_load(struct db *db, struct arena *arena, date_days after, int64_t most,
                                   struct log_head **ret_heads, size_t *ret_count);
/* Complete subtrees that roots and proofs about these sizes and this leaf (-1: none) are made of. */
MUST_CHECK enum err log_source(struct db *db, struct arena *arena, int64_t index, int64_t first, int64_t second,
                               struct merkle_source *ret_source);

/* Appends the proof of one receipt as one JSON object: its entries, their places, the way up to a root. The root is
 * that of `size`, or when 0 of the newest head that covers every entry, or else of the tree as it is now.
 * ERR_NOT_FOUND: not in the log (yet); ERR_FIELD_RANGE: no such size. */
MUST_CHECK enum err log_prove(struct db *db, struct arena *arena, int64_t receipt, int64_t size, struct buf *out);
/* The same for "the tree of `first` leaves is the beginning of that of `second`". ERR_FIELD_RANGE. */
MUST_CHECK enum err log_prove_consistency(struct db *db, struct arena *arena, int64_t first, int64_t second,
                                          struct buf *out);
const char *log_name(void); /* the public address of the installation: which log this is */

/* The salt of a receipt's entries follows from its lookup code: 64 hex digits. False when it is no lookup code. */
bool log_salt(struct text lookup_code, char ret_salt[HEX_SHA256_SIZE]);

/* Offline: does this proof (as log_prove writes it) hold, for this file (TEXT_NONE: not asked), up to this head (NULL:
 * the one inside)? Reasons in `faults`; what was found as lines for a person in `told`. */
MUST_CHECK enum err log_check_proof(struct text proof, struct text file, const struct log_head *head,
                                    const struct receipt_trust *trust, struct buf *told, struct faults *faults);
/* Offline: is the tree of `old_head` the beginning of the tree of `new_head`? ERR_SIGNATURE_BROKEN when not. */
MUST_CHECK enum err log_check_growth(const struct log_head *old_head, const struct log_head *new_head,
                                     struct text proof, struct buf *told, struct faults *faults);
/* A string of several lines, which the field readers of core refuse. Missing or longer than `max` bytes: a fault. */
void log_read_lines(struct json_fields *in, const char *key, size_t max, struct text *ret);
MUST_CHECK enum err log_head_fields(struct json_fields *in, struct log_head *ret); /* closes `in` */
/* Reads a head as log_head_write writes it; alone, or as "head" of a proof. ERR_INVALID. */
MUST_CHECK enum err log_head_read(struct text json, struct log_head *ret_head, struct faults *faults);

#endif
