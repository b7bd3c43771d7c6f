/* What the room holds while the program runs. */
#ifndef LEPHI_POSTAL_ROOM_H
#define LEPHI_POSTAL_ROOM_H

#include "postal/carrier.h"
#include "postal/postal.h"
#include "postal/vnpost.h"

struct status_rule {
    struct text carrier_status, status;
};

struct postal_room {
    struct arena arena;
    struct postal_config config;
    const struct postal_tariff *tariff;
    const struct postal_book *book;
    size_t status_count;
    struct status_rule *statuses;
    struct vnpost *vnpost;     /* NULL: no carrier */
    struct carrier carrier;    /* of vnpost */
    struct vnpost_key *notice; /* NULL: call-backs are refused */
    struct price_line *price_line;
};

/* The opened room, or NULL. */
const struct postal_room *postal_room(void);
/* Our word for a carrier's status; "unknown" when the table has none. */
struct text postal_status(const struct postal_room *room, struct text carrier_status);

/* ---- parcels in the database (parcels.c) ---- */

struct parcel {
    int64_t id;
    struct text code, carrier, dossier, direction, state, status, item, carrier_id, problem, settlement, wish;
    int64_t weight_g, collect, quoted, fee, collected_paid; /* -1: NULL */
    instant_us status_at, created_at, changed_at;
};

MUST_CHECK enum err parcel_find(struct db *db, struct arena *arena, int64_t id, struct parcel *ret_parcel);
MUST_CHECK enum err parcel_by_item(struct db *db, struct arena *arena, struct text item, struct parcel *ret_parcel);
/* ERR_CONFLICT: the dossier has an open parcel in this direction; ERR_DOSSIER_UNKNOWN. */
MUST_CHECK enum err parcel_want(struct db *db, struct arena *arena, instant_us at, const char *actor,
                                const struct carrier_order *order, const char *carrier, struct text dossier,
                                const char *direction, int64_t quoted, int64_t *ret_id);
/* Takes in steps a carrier told; `how` is "notice" or "asked". */
MUST_CHECK enum err parcel_learn(struct db *db, struct arena *arena, instant_us at, int64_t id, const char *how,
                                 const struct carrier_step *steps, size_t count, int64_t *ret_new);

/* ---- the carrier's own price (carrier_price.c) ---- */

enum price_source { PRICE_TARIFF, PRICE_CARRIER, PRICE_CARRIER_SILENT };

struct price_line *price_line_new(struct arena *arena);
/* Puts the carrier's prices in the place of the tariff's when it is asked for them and answers; else leaves `price` and
 * says why. Waits for the network. */
enum price_source carrier_price(const struct postal_room *room, const struct postal_ask *ask, struct arena *arena,
                                struct postal_price *price);

/* ---- claims (claim.c) ---- */

/* The claims of a parcel, oldest first; claims_write puts them as the array "claims". */
MUST_CHECK enum err claims_read(struct db *db, struct arena *arena, int64_t parcel, struct db_rows *ret_rows);
void claims_write(struct json *json, const struct db_rows *rows);

#endif
