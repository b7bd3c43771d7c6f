/* Inside core/post. */
#ifndef LEPHI_CORE_POST_PARTS_H
#define LEPHI_CORE_POST_PARTS_H

#include "core/post/post.h"

const struct post_config *post_in_use(void); /* NULL: nothing is sent */

#endif
