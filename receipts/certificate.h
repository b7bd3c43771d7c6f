/* What we read of an X.509 certificate, and its chain. */
#ifndef LEPHI_RECEIPTS_CERTIFICATE_H
#define LEPHI_RECEIPTS_CERTIFICATE_H

#include <openssl/x509.h>
#include "receipts/receipts.h"

/* RFC 4514 text of a name, UTF-8 unescaped, as X509SubjectName carries it. */
void certificate_name(const X509_NAME *name, struct buf *out);
/* The value of the first attribute `nid`; TEXT_NONE when there is none. In the arena. */
struct text certificate_attribute(const X509_NAME *name, int nid, struct arena *arena);
/* The tax code of "UID=MST:0123456789" (Vietnamese CAs), TEXT_NONE when there is none. In the arena. */
struct text certificate_tax_code(const X509 *certificate, struct arena *arena);
instant_us certificate_time(const ASN1_TIME *time);
/* RSA of at least 2,048 bits or P-256, allowed to sign documents; ERR_CERTIFICATE otherwise. */
MUST_CHECK enum err certificate_key(X509 *certificate, enum signer_key *ret_key);
/* Chain to an anchor at `at`, not revoked before it by a list in the trust file. ERR_CERTIFICATE with the reason. */
MUST_CHECK enum err certificate_chain(const struct receipt_trust *trust, X509 *certificate, instant_us at,
                                      struct faults *faults);

#endif
