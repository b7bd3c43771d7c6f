/* Inside the PDF writer. */
#ifndef LEPHI_RECEIPTS_PDF_H
#define LEPHI_RECEIPTS_PDF_H

#include "core/core.h"

/* Appends an incremental update that attaches `bytes` as `name` (ISO 32000-1 §7.5.6, §7.11.4) to a PDF with a classic
 * cross-reference table, as Cairo writes. ERR_INTERNAL when the PDF is not of that kind. */
MUST_CHECK enum err pdf_attach(struct buf *pdf, const char *name, struct text bytes);

#endif
