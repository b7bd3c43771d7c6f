/* MyVNPost: the partner API of Vietnam Post (UAT my-uat.vnpost.vn/MYVNP_API, live connect-my.vnpost.vn).
 *
 * Read at public clients, not at a specification: envelopes differ from call to call, keys differ in case and may end
 * in a space, numbers come as text. The readers below are pure, tolerant in shape and strict in content. */
#ifndef LEPHI_POSTAL_VNPOST_H
#define LEPHI_POSTAL_VNPOST_H

#include "postal/carrier.h"
#include "postal/postal.h"

struct vnpost;
MUST_CHECK enum err vnpost_new(const struct postal_config *config, struct vnpost **ret_vnpost);
void vnpost_free(struct vnpost *vnpost); /* NULL is fine */
struct carrier vnpost_carrier(struct vnpost *vnpost);

/* ---- readers of answers; texts live in the arena ---- */

MUST_CHECK enum err vnpost_token_read(struct text body, struct arena *arena, struct text *ret_token);
/* An order in any envelope. `code` not empty: the one that carries it. ERR_NOT_FOUND: well-formed and not there;
 * ERR_UNKNOWN_OUTCOME: cannot be understood. */
MUST_CHECK enum err vnpost_order_read(struct text body, struct text code, struct arena *arena,
                                      struct carrier_booking *ret_booking);
MUST_CHECK enum err vnpost_history_read(struct text body, struct arena *arena,
                                        struct carrier_step ret_steps[CARRIER_STEPS_MAX], size_t *ret_count);
/* {Type, Message, CaseId}: OK (00), ERR_RETRY (02, not decided), ERR_CARRIER_REFUSED, ERR_UNKNOWN_OUTCOME. */
MUST_CHECK enum err vnpost_case_read(struct text body, struct arena *arena, struct text *ret_message);
MUST_CHECK enum err vnpost_charge_read(struct text body, struct text service, struct arena *arena, int64_t *ret_fee);
MUST_CHECK enum err vnpost_label_read(struct text body, struct arena *arena, struct buf *ret_pdf);
/* Words of an error answer for a person; empty when there are none. */
struct text vnpost_problem_read(struct text body, struct arena *arena);

/* ---- the call-back ---- */

/* Only what the signature covers is believed: sendDate and, of the first item alone, itemCode and status. Other items
 * are a hint to ask. */
struct vnpost_notice {
    struct text send_date, signature, item, status;
    instant_us at; /* of sendDate */
    size_t hint_count;
    struct text hints[CARRIER_STEPS_MAX]; /* item codes behind the first */
};
MUST_CHECK enum err vnpost_notice_read(struct text body, struct arena *arena, struct vnpost_notice *ret_notice);

struct vnpost_key;
MUST_CHECK enum err vnpost_key_read(struct text pem, struct vnpost_key **ret_key); /* ERR_KEY */
void vnpost_key_free(struct vnpost_key *key);
/* RSASHA256 (PKCS #1 v1.5) over "MYVNP" + sendDate + itemCode + status. ERR_SIGNATURE. */
MUST_CHECK enum err vnpost_notice_verify(const struct vnpost_key *key, const struct vnpost_notice *notice);

/* "2026-11-22T09:14:00[+07:00]", "22/11/2026 09:14:00", "20261122091400", milliseconds since 1970; local time of
 * Vietnam where no offset is given. */
bool vnpost_time_read(struct text text, instant_us *ret_at);

#endif
