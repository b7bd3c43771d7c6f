/* What the room asks of any carrier. Calls wait for the network and are made outside every transaction.
 *
 * Errors: ERR_NETWORK (certainly nothing was sent), ERR_UNKNOWN_OUTCOME (ask with find), ERR_CARRIER_REFUSED (with
 * words for a person in `ret_problem`), ERR_NOT_FOUND (find, track: the carrier answered and has no such order),
 * ERR_RETRY (not decided). */
#ifndef LEPHI_POSTAL_CARRIER_H
#define LEPHI_POSTAL_CARRIER_H

#include "core/core.h"

enum { CARRIER_STEPS_MAX = 100 };

struct party {
    struct text name, phone, address, province, commune;
};

/* The order as it is kept in parcel.wish. */
struct carrier_order {
    struct text code; /* ours */
    struct party sender, receiver;
    int64_t weight_g, length_cm, width_cm, height_cm, collect;
    struct text note;
    bool pick_up; /* at the sender's door; else posted at an office */
};

struct carrier_booking {
    struct text item, carrier_id;
    int64_t fee; /* đồng; -1 not said */
};

struct carrier_step {
    instant_us at;
    struct text carrier_status, name, place;
};

struct carrier {
    const char *name;
    void *self;
    enum err (*ready)(void *self, struct arena *arena); /* signed in; nothing is ordered yet */
    enum err (*quote)(void *self, const struct carrier_order *order, struct arena *arena, int64_t *ret_fee);
    enum err (*book)(void *self, const struct carrier_order *order, struct arena *arena,
                     struct carrier_booking *ret_booking, struct text *ret_problem);
    enum err (*find)(void *self, struct text code, struct arena *arena, struct carrier_booking *ret_booking);
    enum err (*cancel)(void *self, struct text carrier_id, struct arena *arena, struct text *ret_problem);
    enum err (*track)(void *self, struct text item, struct arena *arena, struct carrier_step *ret_steps,
                      size_t *ret_count);
    enum err (*label)(void *self, struct text item, struct arena *arena, struct buf *ret_pdf);
};

void order_write(struct json *json, const struct carrier_order *order);
/* Reads what order_write wrote. ERR_INTERNAL when it is something else. */
MUST_CHECK enum err order_read(struct text wish, struct text code, struct arena *arena,
                               struct carrier_order *ret_order);

#endif
