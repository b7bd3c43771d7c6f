/* A hand-over record as it is read from the database. */
#ifndef LEPHI_POSTAL_HANDOVER_H
#define LEPHI_POSTAL_HANDOVER_H

#include "postal/room.h"

enum { HANDOVER_LINES_MAX = 500 };

extern const char *const handover_side_names[]; /* NULL-terminated */

struct handover {
    int64_t id;
    struct text direction, agency, agency_name, agency_address, carrier, place;
    instant_us made_at, signed_at, void_at; /* INSTANT_NONE: not yet */
    struct db_rows lines; /* parcel, item or code, dossier, applicant, procedure, weight, collect, copies, papers */
    struct db_rows signatures; /* side, name, title, at, by whose account */
};

/* The record of the path's id; rows live in the request. ERR_NOT_FOUND. */
MUST_CHECK enum err handover_find(struct request *rq, struct handover *ret_handover);
struct text handover_number(const struct handover *handover, struct arena *arena); /* "BG-00000012" */

#endif
