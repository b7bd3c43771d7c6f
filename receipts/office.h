/* Inside the receipts room: who signs for whom, and whether they may now. */
#ifndef LEPHI_RECEIPTS_OFFICE_H
#define LEPHI_RECEIPTS_OFFICE_H

#include "receipts/receipts.h"

enum { OFFICE_SIGNERS_MAX = 256, OFFICE_FILES_MAX = 2 * OFFICE_SIGNERS_MAX + 4 };

/* A file as it was when it was read: another one has other numbers. */
struct office_file {
    const char *path;
    int64_t changed_ns, size, inode;
};

struct receipt_office {
    char *public_url;
    struct receipt_trust *trust;
    size_t count;
    struct signer *signers[OFFICE_SIGNERS_MAX];
    struct office_file files[OFFICE_FILES_MAX]; /* what it was opened from; empty when made by hand */
    size_t file_count;
    struct receipt_office *before; /* replaced by this one; kept while somebody may still look at it */
    int64_t replaced_us;           /* when `before` was, monotonic */
};

/* NULL when nobody signs for this tax code; `office` may be NULL. */
const struct signer *office_signer(const struct receipt_office *office, struct text tax_code);
/* The preflight: may this office sign for `tax_code` at `at`? A key is there; its certificate is of that tax code,
 * valid, and (when there is a trust file) goes back to a trusted root and is not revoked. ERR_KEY, ERR_CERTIFICATE with
 * words for a person. */
MUST_CHECK enum err office_ready(const struct receipt_office *office, struct text tax_code, instant_us at,
                                 struct arena *arena, const char **ret_problem);
const struct receipt_office *office_in_use(void); /* NULL when none was set */
/* The verification link of a receipt; in the arena. */
const char *office_link(const struct receipt_office *office, struct text lookup_code, struct arena *arena);

#endif
