/* RFC 3161 time stamps: SHA-256 of the signed file, stamped by an authority of its own. They stand beside the receipt:
 * its bytes are frozen, and a stamp is evidence about them, not a part of them. */
#ifndef LEPHI_RECEIPTS_TSA_H
#define LEPHI_RECEIPTS_TSA_H

#include "receipts/receipts.h"

enum { TSA_REPLY_MAX = 64 * 1024 };

/* Appends a TimeStampReq (DER) for `file`, with a nonce, asking for the certificate. */
MUST_CHECK enum err tsa_request(struct text file, struct buf *out);

struct tsa_verdict {
    instant_us at;
    struct text authority; /* its name, in the arena of the faults */
    enum receipt_chain chain;
};
/* Is this TimeStampResp about `file` and granted, signed by the certificate inside, made for time stamping? `request`
 * (TEXT_NONE: not at hand) must have the same nonce. `trust` NULL: the chain is not asked.
 * ERR_XML_SYNTAX (no such DER), ERR_SIGNATURE_BROKEN (another file, nonce, signature), ERR_CERTIFICATE. */
MUST_CHECK enum err tsa_check(struct text reply, struct text file, struct text request,
                              const struct receipt_trust *trust, struct tsa_verdict *ret_verdict,
                              struct faults *faults);

/* The stamp of a stored receipt, or why there is none yet. */
struct stamp {
    instant_us at;     /* INSTANT_NONE: none */
    struct text reply; /* TimeStampResp, DER */
    const char *state; /* "stamped"; "waiting", "dead": a job; "none": never asked for */
    struct text problem;
    int64_t tries;
};
MUST_CHECK enum err stamp_load(struct db *db, struct arena *arena, int64_t receipt, struct stamp *ret_stamp);

/* Whether signing shall ask for stamps: a TSA is configured (receipts.tsa_url). */
bool tsa_wanted(void);

#endif
