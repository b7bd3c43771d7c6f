/* Pieces of the receipt pages. */
#ifndef LEPHI_RECEIPTS_HTML_H
#define LEPHI_RECEIPTS_HTML_H

#include "receipts/receipts.h"

void html_text(struct buf *out, struct text text);  /* escaped, for text and quoted attributes */
void html_head(struct buf *out, const char *title); /* up to <main> */
void html_foot(struct buf *out);
void html_receipt(const struct receipt_verdict *verdict, const char *link, struct buf *out); /* the <article> */
/* One row of a list: label and escaped value; nothing when the value is empty. */
void html_item(struct buf *out, const char *label, struct text value);
extern const char html_style[]; /* /assets/receipt.css */

#endif
