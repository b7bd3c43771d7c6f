/* The receipts' part of the finance page. */
#ifndef LEPHI_APP_PAGES_FINANCE_RECEIPTS_H
#define LEPHI_APP_PAGES_FINANCE_RECEIPTS_H

#include "app/pages/layout.h"

void finance_put_receipts(struct page *page, date_days day);

#endif
