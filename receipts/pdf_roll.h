/* The receipt for an 80 mm printer. */
#ifndef LEPHI_RECEIPTS_PDF_ROLL_H
#define LEPHI_RECEIPTS_PDF_ROLL_H

#include "core/paper/page.h"
#include "receipts/receipts.h"

/* Drawn downwards from the top. */
void pdf_roll_draw(struct page *page, const struct receipt_verdict *verdict, const char *link);

#endif
