/* Inside the receipts room: what every document of ours is wrapped in, whatever it says. One data element with an Id,
 * the block of signatures behind it; receipts, error notices and daily summaries differ in names and size alone. */
#ifndef LEPHI_RECEIPTS_ENVELOPE_H
#define LEPHI_RECEIPTS_ENVELOPE_H

#include <libxml/tree.h>
#include "receipts/receipts.h"

struct envelope {
    const char *root, *data; /* element names */
    size_t bytes_max;
    int nodes_max;
};

extern const struct envelope receipt_envelope;

/* Appends the signed document: as receipt_sign. */
MUST_CHECK enum err envelope_sign(const struct envelope *envelope, const struct signer *signer,
                                  struct text unsigned_xml, instant_us signing_time, struct buf *out);
/* Everything that receipt_verify asks but the content and whose tax code it must be. The verdict has no document; the
 * data element lives in the arena of `faults`. */
MUST_CHECK enum err envelope_verify(const struct envelope *envelope, struct text xml, const struct receipt_trust *trust,
                                    struct receipt_verdict *ret_verdict, xmlNode **ret_data, struct faults *faults);

/* Elements of canonical form (Canonical XML 1.0): start and end tag, text in NFC, runs of white space as one space. */
void element_open(struct buf *out, const char *name);
void element_close(struct buf *out, const char *name);
void element_text(struct buf *out, const char *name, struct text value); /* empty: nothing is written */
void element_int(struct buf *out, const char *name, int64_t value);
void element_date(struct buf *out, const char *name, date_days date);

#endif
