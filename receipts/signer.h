/* What key files and tokens share. */
#ifndef LEPHI_RECEIPTS_SIGNER_H
#define LEPHI_RECEIPTS_SIGNER_H

#include <openssl/x509.h>
#include "receipts/receipts.h"

X509 *signer_read_certificate(const char *path); /* NULL when it cannot be read */
/* Fills certificate, subject, tax code and validity. */
void signer_describe(struct signer *signer, struct arena *arena, X509 *certificate);

#endif
