/* Mappings that a person confirmed: for exactly one header, before every built-in profile. */
#include "reconciliation/table/table.h"

#include <stdlib.h>
#include <string.h>

void header_fingerprint(const struct header_keys *keys, uint8_t ret_fingerprint[STATEMENT_FINGERPRINT_SIZE])
{
    struct buf all = {0};
    size_t count = keys->count;
    while (count && !keys->key[count - 1][0]) /* empty cells at the end mean nothing */
        count--;
    for (size_t i = 0; i < count; i++) {
        buf_string(&all, keys->key[i]);
        buf_char(&all, '|');
    }
    uint8_t digest[SHA256_SIZE];
    crypto_sha256(buf_view(&all), digest);
    memcpy(ret_fingerprint, digest, STATEMENT_FINGERPRINT_SIZE);
    buf_done(&all);
}

const struct profile *mapping_find(const struct table *t, struct table_roles *ret_roles)
{
    if (!t->mapping_count)
        return NULL;
    uint8_t fingerprint[STATEMENT_FINGERPRINT_SIZE];
    header_fingerprint(t->keys, fingerprint);
    for (size_t i = 0; i < t->mapping_count; i++)
        if (!memcmp(t->mappings[i].fingerprint, fingerprint, sizeof fingerprint)) {
            *ret_roles = t->mappings[i].roles;
            return &t->mappings[i].profile;
        }
    return NULL;
}

static bool columns_read(struct text columns, struct table_roles *ret)
{
    for (int r = 0; r < TABLE_ROLE_COUNT; r++)
        ret->column[r] = -1;
    for (struct text rest = columns; rest.length;) {
        struct text number, pair = text_trim(text_until(rest, ' ', &rest));
        if (!pair.length)
            continue;
        enum table_role role = table_role_named(text_until(pair, '=', &number));
        int64_t column;
        if (role == TABLE_ROLE_COUNT || !text_to_int64(number, &column) || column < 1 || column > GRID_COLUMNS_MAX)
            return false;
        ret->column[role] = (int)column - 1;
    }
    const int *c = ret->column;
    bool money = (c[ROLE_debit] >= 0 && c[ROLE_credit] >= 0) || c[ROLE_amount] >= 0;
    return (c[ROLE_booked] >= 0 && money) || (c[ROLE_id] >= 0 && c[ROLE_gross] >= 0);
}

enum err mapping_make(const struct statement_mapping *from, struct table_mapping *ret)
{
    struct table_mapping mapping;
    if (!columns_read(from->columns, &mapping.roles))
        return ERR_INVALID;
    bool statement = text_is(from->kind, "statement");
    const struct profile *like = profile_named(statement ? TEXT("bank") : TEXT("settlement"));
    mapping.profile = *like;
    static const char *const kinds[] = {"gateway", "wallet", "terminal", "collection", "orders"};
    bool known = statement;
    for (int i = 0; i < 5 && !known; i++)
        if (text_is(from->kind, kinds[i])) {
            mapping.profile.kind = (enum profile_kind)(PROFILE_GATEWAY + i);
            known = true;
        }
    if (!known || statement != (mapping.roles.column[ROLE_booked] >= 0))
        return ERR_INVALID;
    mapping.profile.name = mapping.profile.issuer = NULL;
    memcpy(mapping.fingerprint, from->fingerprint, sizeof mapping.fingerprint);
    *ret = mapping;
    return OK;
}
