/* Profiles: how the export of an issuer names its columns and its words. Data (profiles/, CSV), built into the program;
 * a mapping that a person confirmed comes before them. Private. */
#ifndef LEPHI_RECONCILIATION_TABLE_PROFILE_H
#define LEPHI_RECONCILIATION_TABLE_PROFILE_H

#include "reconciliation/table/grid.h"

/* The formatter never comes to rest on this list. */
/* clang-format off */
#define TABLE_ROLES(X) \
    X(booked) X(value) X(reference) X(voucher) X(debit) X(credit) X(amount) X(sign) X(fee) X(tax) X(balance) \
    X(memo) X(party) X(party_account) X(customer_reference) X(virtual_account) X(currency) X(type) X(ignore) \
    X(time) X(clock) X(settled) X(delivered) X(id) X(order) X(request) X(batch) X(trace) X(approval) X(terminal) \
    X(store) X(account) X(method) X(source) X(status) X(operation) X(gross) X(out) X(extra) X(discount) X(net) \
    X(postage) X(total_fee) X(old) X(opening) X(closing) X(total_in) X(total_out) X(count_in) X(count_out) \
    X(footer) X(sum_row) X(payout_gross) X(payout_fee) X(payout) X(session)
/* clang-format on */

enum table_role {
#define X(name) ROLE_##name,
    TABLE_ROLES(X)
#undef X
        TABLE_ROLE_COUNT
};
_Static_assert(TABLE_ROLE_COUNT <= 64, "roles are kept in a mask of 64 bits");

/* "booked" …; TABLE_ROLE_COUNT for a name nobody knows. */
enum table_role table_role_named(struct text name);
const char *table_role_name(enum table_role role);

enum { KEY_SIZE = 200, PROFILES_MAX = 64 };

enum profile_kind {
    PROFILE_STATEMENT,
    PROFILE_GATEWAY,
    PROFILE_WALLET,
    PROFILE_TERMINAL,
    PROFILE_COLLECTION,
    PROFILE_ORDERS,
    PROFILE_TREASURY,
};

enum profile_flags {
    PROFILE_ONCE = 1,         /* the same transaction may stand on several sheets */
    PROFILE_FEE_NEGATIVE = 2, /* fees are written as what they take away */
    PROFILE_TABLE_1 = 4,      /* one of two tables of the same file: what was collected */
    PROFILE_TABLE_2 = 8,      /* … and what it cost */
};

struct profile {
    const char *name, *issuer;
    enum profile_kind kind;
    unsigned flags;
    uint64_t needs; /* roles its own words must find; none: its marker must be seen */
    const char *marker, *paid, *failed, *cancelled, *other; /* words, alternatives joined by "|" */
};

/* Column of each role, -1 when the table has none. */
struct table_roles {
    int column[TABLE_ROLE_COUNT];
};

/* The row that may be a header, as keys (core text_to_key). */
struct header_keys {
    size_t count;
    char key[GRID_COLUMNS_MAX][KEY_SIZE];
};
void header_keys_of(const struct grid_row *row, struct header_keys *ret_keys);

/* Which profile a header belongs to; `markers`: profiles whose issuer the rows above named. NULL: no header. */
const struct profile *profile_find(const struct header_keys *keys, uint64_t markers, struct table_roles *ret_roles);
/* Adds the profiles whose markers stand in a key. */
uint64_t profile_markers(const char *key);
const struct profile *profile_named(struct text name);

/* Does a cell's key carry the words of this label role? */
bool label_is(const char *key, enum table_role role);
/* One of the alternatives stands in the key as whole words. */
bool words_in(const char *key, const char *alternatives);

#endif
