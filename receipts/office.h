/* Inside the receipts room: who signs for whom. */
#ifndef LEPHI_RECEIPTS_OFFICE_H
#define LEPHI_RECEIPTS_OFFICE_H

#include "receipts/receipts.h"

enum { OFFICE_SIGNERS_MAX = 256 };

struct receipt_office {
    char *public_url;
    struct receipt_trust *trust;
    size_t count;
    struct signer *signers[OFFICE_SIGNERS_MAX];
};

/* NULL when nobody signs for this tax code. */
const struct signer *office_signer(const struct receipt_office *office, struct text tax_code);
const struct receipt_office *office_in_use(void); /* NULL when none was set */
/* The verification link of a receipt; in the arena. */
const char *office_link(const struct receipt_office *office, struct text lookup_code, struct arena *arena);

#endif
