/* Asking sources what they know; private to the ledger. */
#ifndef LEPHI_LEDGER_ASKING_H
#define LEPHI_LEDGER_ASKING_H

#include "payments/ledger/ledger.h"

struct http_client *ledger_client(void); /* NULL: nobody can be asked */
const char *ledger_public_url(void);

/* Clearing accounts of every gateway that is on. */
MUST_CHECK enum err gateway_accounts_open(struct db *db, struct arena *arena);

/* Stores a call-back of a source whose word alone is not enough. */
void claim_store(struct db *db, struct arena *arena, const struct notice *notice, struct text account, struct text raw,
                 instant_us at, struct confirmation *ret_confirmation);

/* After a commit: closes the attempt an order belongs to, records money begun elsewhere. */
void confirmed_note(struct db *db, struct arena *arena, const struct notice *notice, const struct confirmation *c,
                    instant_us at);

/* Makes one call and reads it. OK with what was told; else why nothing is known. */
MUST_CHECK enum err source_do(const struct source_act *act, const struct source_account *account,
                              const struct source_order *order, struct arena *arena, struct source_told *ret_told);

#endif
