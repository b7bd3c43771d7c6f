/* Private to the pages: the API description as it was read at the start (OpenAPI 3.1, JSON); empty before that. */
#ifndef LEPHI_APP_PAGES_DOCS_H
#define LEPHI_APP_PAGES_DOCS_H

#include "core/base/text.h"

struct text pages_openapi_text(void);

#endif
