/* Every way an act can fail, in one registry: code, HTTP status, Vietnamese and English text (errors.def).
 *
 * Functions that can fail return `enum err`: OK or the reason. Programming errors are asserted, never returned.
 * Running out of memory ends the process (memory.h): the service is safe to kill at any moment, so a restart is the
 * honest answer. */
#ifndef LEPHI_CORE_ERR_H
#define LEPHI_CORE_ERR_H

enum err {
    OK = 0,
#define ERROR(name, status, code, vi, en) ERR_##name,
#include "core/base/errors.def"
#undef ERROR
    ERR_COUNT
};

struct err_info {
    int http_status;
    const char *code; /* stable and documented, for machines */
    const char *vi;
    const char *en;
};

/* What the registry says of an error. Never NULL. */
const struct err_info *err_info(enum err err);

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

#endif
