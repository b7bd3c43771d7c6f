/* Reading what a caller wants posted. */
#ifndef LEPHI_POSTAL_WISH_H
#define LEPHI_POSTAL_WISH_H

#include "postal/room.h"

/* The pricing fields of a body: {service?, commune | province, office_commune?, weight_g?, length_cm?, width_cm?,
 * height_cm?, collect?}. Does not close `in`. */
void postal_ask_read(struct json_fields *in, const struct postal_room *room, struct postal_ask *ret_ask);

#endif
