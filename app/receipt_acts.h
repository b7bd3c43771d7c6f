/* Words of `lephi receipt` that need the database. */
#ifndef LEPHI_APP_RECEIPT_ACTS_H
#define LEPHI_APP_RECEIPT_ACTS_H

#include "app/app.h"

/* False when argv[1] is none of them. */
bool receipt_act(int argc, char **argv, int *ret_status);

#endif
