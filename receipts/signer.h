/* What key files and tokens share. */
#ifndef LEPHI_RECEIPTS_SIGNER_H
#define LEPHI_RECEIPTS_SIGNER_H

#include <openssl/x509.h>
#include "receipts/receipts.h"

X509 *signer_read_certificate(const char *path); /* NULL when it cannot be read */
/* Fills certificate, subject, tax code and validity. */
void signer_describe(struct signer *signer, struct arena *arena, X509 *certificate);
/* Is `signature`, as signers make it (ECDSA: r‖s), one of `bytes` by the certificate's key? */
bool signer_holds(const struct signer *signer, struct text bytes, const uint8_t *signature, size_t length);

#endif
