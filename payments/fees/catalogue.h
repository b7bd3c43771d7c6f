/* The snapshot's inside. Private to this room. */
#ifndef LEPHI_PAYMENTS_FEES_CATALOGUE_H
#define LEPHI_PAYMENTS_FEES_CATALOGUE_H

#include <stdatomic.h>
#include "payments/fees/fees.h"
#include "payments/fees/formula.h"

enum {
    CATALOGUE_ROWS_MAX = 20000,
    CATALOGUE_FILE_MAX = 16 * 1024 * 1024, /* bytes */
    CATEGORIES_MAX = 64,
    REDUCTION_LIST_MAX = 128,
    RATE_ONE = 10000, /* a rate of 1 in reductions */
    RATE_UNSET = -1
};

/* Rows of values.csv that say what a collector is: "public_unit" (đơn vị sự nghiệp công lập) or "state_agency". */
#define COLLECTOR_KIND "collector_kind."
enum { COLLECTOR_KIND_SIZE = sizeof COLLECTOR_KIND };
extern const char *const collector_kind_names[]; /* NULL-terminated */
bool collector_kind_ok(struct text word);

enum reduction_scope { SCOPE_ALL, SCOPE_FROM_SECOND };
enum reduction_kind { REDUCTION_RELIEF, REDUCTION_CHANNEL_SHARE };

struct words {
    size_t count;
    struct text *list;
};

struct reduction {
    struct text code, name_vi, name_en;
    enum reduction_kind kind; /* channel share: a price computed for a channel, which a printed price beats */
    struct words fees;        /* codes */
    struct words procedures;  /* empty: any */
    uint64_t categories;      /* one of these is enough; 0: everybody */
    unsigned channels;        /* bits */
    struct conditions when;
    int64_t rate; /* what is taken off, in 1/10 000; RATE_UNSET */
    enum reduction_scope scope;
    bool has_yearly_cap;
    int64_t cap_times;      /* cap = times × value */
    struct text cap_value;  /* name in values.csv; empty: đồng itself */
    int64_t times_per_year; /* 0: any number */
    date_days valid_from, valid_to;
    enum fee_day decided_by;
    struct text legal_basis, evidence_vi, evidence_en, confidence;
    struct words category_words; /* as written, for the check */
    int line;
};

struct category {
    struct text code, name_vi, name_en, evidence_vi, evidence_en, legal_basis;
    int line;
};

struct value_row {
    struct text name, value, legal_basis;
    date_days valid_from, valid_to;
    int line;
};

struct fee_entry {
    struct text code;
    const struct fee *versions; /* ascending by valid_from */
    size_t version_count;
    size_t reduction_count;
    const struct reduction **reductions;
};

struct quote_memo; /* quote_memo.h */

struct name_index {
    uint32_t *slots; /* position + 1 */
    size_t mask;
    const struct text *keys;
    size_t stride; /* bytes between keys */
};

struct catalogue {
    atomic_int holds;
    struct arena arena;
    char version[CATALOGUE_VERSION_SIZE];
    struct quote_memo *memo; /* of the replies made from it */
    size_t fee_count, entry_count, reduction_count, category_count, procedure_count, value_count;
    struct fee *fees; /* by code, then valid_from */
    struct fee_entry *entries;
    struct reduction *reductions;
    struct category *categories;
    struct procedure *procedures; /* by code */
    struct value_row *values;
    struct name_index entry_index, category_index, procedure_index;
};

/* SHA-256 over the five sheets and their lengths: what names a version. */
void catalogue_digest(const struct catalogue_files *files, uint8_t ret_digest[SHA256_SIZE]);

const struct fee_entry *catalogue_entry(const struct catalogue *catalogue, struct text code);
const struct fee *fee_entry_on(const struct fee_entry *entry, date_days day);
int catalogue_category(const struct catalogue *catalogue, struct text code); /* bit, or -1 */
/* A named value on a day, đồng; false when unset. */
bool catalogue_value(const struct catalogue *catalogue, struct text name, date_days day, int64_t *ret_value,
                     date_days *ret_valid_to);

/* The same as written; false when there is no row that day or it is unset. */
bool catalogue_value_text(const struct catalogue *catalogue, struct text name, date_days day, struct text *ret_value,
                          date_days *ret_valid_to);

void name_index_build(struct name_index *index, struct arena *arena, const void *first_key, size_t stride,
                      size_t count);
int name_index_find(const struct name_index *index, struct text key); /* -1 */

/* A share in 1/10 000 as the contract writes it: 5000 → "0.50", 1250 → "0.125". */
enum { QUOTE_RATE_SIZE = 8 };
void quote_rate_write(int64_t rate, char ret_text[QUOTE_RATE_SIZE]);

/* Whether the quote's id stays within QUOTE_ID_MAX. */
bool quote_id_fits(const struct quote_request *request, const char *version, date_days today);

/* How many rows a sheet may have, at most CATALOGUE_ROWS_MAX. */
size_t catalogue_rows_in(struct text bytes);
void catalogue_values_read(struct catalogue *catalogue, const struct catalogue_files *files, struct faults *faults);

/* Reads a whole file; ERR_IO. */
MUST_CHECK enum err catalogue_file_read(const char *path, struct arena *arena, struct text *ret_bytes);
/* The shipped folder: beside the program, in the source tree, or installed. NULL when there is none. */
const char *catalogue_folder(char *buffer, size_t size);

#endif
