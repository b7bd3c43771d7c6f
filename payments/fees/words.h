/* What the catalogue's short codes are called in front of a citizen. Private to this room. */
#ifndef LEPHI_PAYMENTS_FEES_WORDS_H
#define LEPHI_PAYMENTS_FEES_WORDS_H

#include "payments/fees/catalogue.h"

/* "urban" → "thành phố, thị xã": an area class, a former area or a role; a code of a province's own as it is written.
 */
struct text words_of_code(struct text code, enum fee_language language);
/* "nộp trực tuyến", "filed online". */
const char *words_of_channel(enum fee_channel channel, enum fee_language language);

#endif
