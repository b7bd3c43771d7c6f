/* Inside the receipts room: letters and short messages to citizens. */
#ifndef LEPHI_RECEIPTS_POST_H
#define LEPHI_RECEIPTS_POST_H

#include "receipts/receipts.h"

struct attachment {
    const char *name, *type;
    struct text bytes;
};

/* Sends one mail of UTF-8 text. ERR_UNAVAILABLE: no server configured; what http_client_call says; ERR_FIELD_VALUE: the
 * server refused the address. */
MUST_CHECK enum err post_mail(struct arena *arena, instant_us at, struct text to, const char *subject,
                              struct text words, const struct attachment *attachments, size_t count);
MUST_CHECK enum err post_sms(struct arena *arena, struct text phone, const char *words);
bool post_has_mail(void);
bool post_has_sms(void);
/* An address that can stand in an envelope and a header: one @, no space, no control, ASCII. */
bool post_address_good(struct text address);

#endif
