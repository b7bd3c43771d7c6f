/* Quotes already written, by the very bytes that asked for them.
 *
 * A quote is a pure function of catalogue, day and request, so the same body on the same day under the same catalogue
 * has the same reply, byte for byte; a counter asks for the same few hundred all day long. A memo belongs to one
 * catalogue and ends with it, so that nothing has to be invalidated. What was forgotten is computed again. */
#ifndef LEPHI_PAYMENTS_FEES_QUOTE_MEMO_H
#define LEPHI_PAYMENTS_FEES_QUOTE_MEMO_H

#include <stdbool.h>
#include "core/core.h"

struct quote_memo; /* safe from any thread */

struct quote_memo *quote_memo_new(void);
void quote_memo_free(struct quote_memo *memo);

/* The reply to `body` on `day`, copied into the arena; false when it is not remembered. */
bool quote_memo_find(struct quote_memo *memo, date_days day, struct text body, struct arena *arena,
                     struct text *ret_reply);
/* Remembers a reply, in place of an older one, when its body was not found twice lately: what is asked for once only is
 * not worth the room, nor what is unusually long. */
void quote_memo_keep(struct quote_memo *memo, date_days day, struct text body, struct text reply);

#endif
