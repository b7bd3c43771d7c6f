/* Liveness, readiness and numbers. */
#ifndef LEPHI_APP_SYSTEM_ROUTES_H
#define LEPHI_APP_SYSTEM_ROUTES_H

#include "core/core.h"

enum err system_health_handle(struct request *rq);  /* GET /healthz: the process answers */
enum err system_ready_handle(struct request *rq);   /* GET /readyz: database and catalogue are there */
enum err system_metrics_handle(struct request *rq); /* GET /metrics: Prometheus */

#endif
