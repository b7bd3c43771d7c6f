/* Migrations: files NNNN-name.sql in a folder, applied in order, one transaction each, never changed afterwards. */
#ifndef LEPHI_CORE_MIGRATE_H
#define LEPHI_CORE_MIGRATE_H

#include "core/base/fault.h"
#include "core/db/db.h"

struct migrate_result {
    int applied, present; /* now, and before */
};

/* Brings the database to the folder's version. Two hosts at once are safe (advisory lock). Refuses, naming the file, a
 * migration that was changed after it was applied, or one that was applied and is missing here. Numbers may leave
 * holes.
 */
MUST_CHECK enum err migrate(struct db *db, const char *folder, instant_us at, struct faults *faults,
                            struct migrate_result *ret_result);

/* How many migrations of the folder the database lacks; for readiness. */
MUST_CHECK enum err migrate_pending(struct db *db, const char *folder, struct faults *faults, int *ret_pending);

#endif
