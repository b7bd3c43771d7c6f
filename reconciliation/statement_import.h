/* Importing statements: what its files share. Private. */
#ifndef LEPHI_RECONCILIATION_STATEMENT_IMPORT_H
#define LEPHI_RECONCILIATION_STATEMENT_IMPORT_H

#include "reconciliation/reconciliation.h"

/* A column of COPY text: "A B+1", references best first, +n: how many symbols were repaired. */
void statement_references(const struct statement_line *line, struct buf *out);

/* What makes two lines the same: day, amount and the bank's reference; without one, all the words and the number of the
 * statement (banks number statements, and two of them never hold the same line). */
enum { FINGERPRINT_SIZE = 16 };
void statement_fingerprint(const struct statement_line *line, struct text statement_number,
                           uint8_t ret_fingerprint[FINGERPRINT_SIZE]);

/* The import inside a transaction that the caller holds. */
enum err statement_import_within(struct db *db, struct arena *arena, const struct statement_import_order *order,
                                 struct text *ret_json);

/* After a refusal (ERR_STATEMENT_FORMAT, ERR_STATEMENT_SYNTAX): reads the file once more and names what is wrong, by
 * line.
 */
void statement_why(struct text file, struct faults *faults);

#endif
