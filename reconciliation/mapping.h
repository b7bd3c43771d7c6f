/* Mappings of unknown layouts: what their files share. Private. */
#ifndef LEPHI_RECONCILIATION_MAPPING_H
#define LEPHI_RECONCILIATION_MAPPING_H

#include "reconciliation/desk.h"

enum { MAPPING_FILE_MAX = 8 * 1024 * 1024 }; /* bytes of the example a person shows */

struct mapping_order {
    struct text file;
    struct statement_mapping mapping; /* columns empty: the headers alone are asked for */
    bool confirmed;
};

/* Puts "headers" (rows that may be one, each with its fingerprint and the rows behind it) and, with columns, "preview":
 * what would be read. ERR_INVALID: the columns make no mapping. */
MUST_CHECK enum err mapping_show(const struct mapping_order *order, struct json *json, int64_t *ret_lines);
MUST_CHECK enum err mapping_keep(struct db *db, struct arena *arena, const struct mapping_order *order,
                                 const char *actor, instant_us at, int64_t *ret_version);
bool mapping_fingerprint_read(struct text hex, uint8_t ret_fingerprint[STATEMENT_FINGERPRINT_SIZE]);
bool mapping_kind_known(struct text kind);

/* The headers of a table in words: {row, fingerprint, profile (known already) or null, cells, rows}. */
MUST_CHECK enum err statement_headers_put(enum statement_format format, struct text file, struct json *json);

#endif
