#include "core/base/err.h"

static const struct err_info registry[ERR_COUNT] = {
    [OK] = {200, "ok", "", ""},
#define ERROR(name, status, code, vi, en) [ERR_##name] = {status, code, vi, en},
#include "core/base/errors.def"
#undef ERROR
};

const struct err_info *err_info(enum err err)
{
    return err >= 0 && err < ERR_COUNT ? &registry[err] : &registry[ERR_INTERNAL];
}
