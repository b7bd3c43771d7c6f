/* The kinds of jobs the rooms above the ledger bring. */
#ifndef LEPHI_APP_JOBS_H
#define LEPHI_APP_JOBS_H

#include "core/work/jobs.h"

extern const struct job_kind app_job_kinds[];
extern const size_t app_job_kind_count;

#endif
