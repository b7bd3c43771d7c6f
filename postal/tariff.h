/* The tariff in memory: shared by its reader and its pricing. */
#ifndef LEPHI_POSTAL_TARIFF_H
#define LEPHI_POSTAL_TARIFF_H

#include "postal/postal.h"

enum tariff_service { TARIFF_SEND, TARIFF_RECEIVE, TARIFF_COLLECT, TARIFF_SERVICE_COUNT };
extern const char *const tariff_service_names[];

/* One row: from < weight <= to. step 0: `price` is the whole price; else `price` for every started step above `from`,
 * on top of what the bracket before costs at its end. */
struct bracket {
    enum tariff_service service;
    int zone; /* enum postal_zone, ZONE_COUNT: any */
    int64_t from_g, to_g, step_g, price;
    int transit_days, transit_slip_days;
    bool illustrative;
    date_days valid_from, valid_to; /* DATE_NONE: open */
    struct text legal_basis;
    int line;
};

struct zone_rule {
    struct text province;
    enum postal_zone zone;
    date_days valid_from, valid_to;
};

struct postal_tariff {
    char home[3];
    size_t bracket_count, zone_count, commune_count;
    struct bracket *brackets; /* by service, zone, valid_from, from_g */
    struct zone_rule *zones;
    struct postal_commune *communes; /* by code */
};

#endif
