/* Inside the notices room. */
#ifndef LEPHI_NOTICES_PARTS_H
#define LEPHI_NOTICES_PARTS_H

#include "payments/notices/notices.h"

/* As in table notice. */
enum notice_kind {
    TELL_REQUEST_MADE,
    TELL_REMINDER,
    TELL_PAID,
    TELL_SHORTAGE,
    TELL_REFUND_MADE,
    TELL_PARCEL_DELIVERED,
    TELL_PARCEL_ATTEMPTED,
    TELL_KINDS
};
extern const char *const notice_kind_names[TELL_KINDS + 1];

enum tongue { VIETNAMESE, ENGLISH };

/* Patterns for post_fill: {dossier} {code} {amount} {missing} {until} {link} {item}. */
struct notice_words {
    const char *subject, *letter; /* of a mail; lines end with \r\n */
    const char *brief;            /* of a short message, written without marks; 160 characters when filled */
    const char *status;           /* of a Zalo notice, 30 characters at most */
};
const struct notice_words *notice_words(enum notice_kind kind, enum tongue tongue);

const struct notices_config *notices_in_use(void); /* NULL: not open */

void answers_open(void); /* how often one sender is answered is counted from here */
void answers_close(void);

#endif
