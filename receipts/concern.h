/* Inside the receipts room: what a person must look at (table receipt_concern). One open row per kind and subject. */
#ifndef LEPHI_RECEIPTS_CONCERN_H
#define LEPHI_RECEIPTS_CONCERN_H

#include "receipts/receipts.h"

/* Opens it, once; words in Vietnamese. What cannot be written is said again by the next try. */
void concern_open(struct db *db, struct arena *arena, instant_us at, const char *kind, struct text subject,
                  const char *words);
/* The cause went away. */
void concern_gone(struct db *db, struct arena *arena, instant_us at, const char *kind, struct text subject);

#endif
