/* The ground floor: everything above builds on this and core knows nothing of fees, receipts or parcels. */
#ifndef LEPHI_CORE_H
#define LEPHI_CORE_H

#include "core/auth/auth.h"
#include "core/auth/idempotency.h"
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/crypto.h"
#include "core/base/csv.h"
#include "core/base/err.h"
#include "core/base/fault.h"
#include "core/base/file.h"
#include "core/base/memory.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/db/db.h"
#include "core/db/migrate.h"
#include "core/http/client.h"
#include "core/http/http.h"
#include "core/json/json_read.h"
#include "core/json/json_write.h"
#include "core/post/post.h"
#include "core/province/province.h"
#include "core/system/config.h"
#include "core/system/log.h"
#include "core/system/metrics.h"
#include "core/system/wake.h"
#include "core/jobs/feed.h"
#include "core/jobs/jobs.h"
#include "core/jobs/rounds.h"

#endif
