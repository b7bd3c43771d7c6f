#include "payments/notices/parts.h"

static const struct notices_config *in_use; /* set before the first request is taken, gone after the last */

void notices_use(const struct notices_config *config)
{
    in_use = config;
    if (config)
        answers_open();
    else
        answers_close();
}

const struct notices_config *notices_in_use(void)
{
    return in_use;
}
