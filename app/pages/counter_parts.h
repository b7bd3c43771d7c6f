/* Parts of the cashier's page. */
#ifndef LEPHI_APP_PAGES_COUNTER_PARTS_H
#define LEPHI_APP_PAGES_COUNTER_PARTS_H

#include "app/pages/layout.h"
#include "payments/fees/fees.h"
#include "payments/requests/requests.h"

/* The benefits of a request, with what the desk may do about each. Writes nothing when there are none. */
MUST_CHECK enum err counter_put_benefits(struct page *page, struct text code, int64_t request);
/* How the dossier was filed, a change that waits, and the form to ask for one. */
MUST_CHECK enum err counter_put_channel(struct page *page, const struct dossier *dossier);

#endif
