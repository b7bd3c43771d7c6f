/* Durable jobs: work written in the transaction of the fact that asks for it, done at least once by whoever is alive.
 *
 * A job function is idempotent: it may run again after a crash. It returns OK (the job is deleted), or an error (the
 * job waits, longer each time, and is dead after its tries: a person sees it and plays it again). Several jobs of a
 * kind are handed over together where the kind asks for batches. */
#ifndef LEPHI_CORE_JOBS_H
#define LEPHI_CORE_JOBS_H

#include "core/base/arena.h"
#include "core/db/db.h"

enum { JOB_BATCH_MAX = 256 };

struct job {
    int64_t id;
    struct text key;
    struct text body; /* JSON: {event, kind, dossier, request, body} for jobs that follow an event */
    int tries;
    enum err outcome;    /* set by the function */
    struct text problem; /* words for a person when the outcome is an error; may be empty */
};

struct job_kind {
    const char *name;
    /* Sets the outcome of each of the `count` jobs. `with` is the context of the runner. */
    void (*run)(struct db *db, struct job *jobs, size_t count, struct arena *arena, instant_us at, void *with);
    size_t batch_max; /* 1 to JOB_BATCH_MAX */
    int tries_max;    /* then it is dead */
    int lease_s;      /* longer than the slowest run */
};

struct jobs;

struct jobs_config {
    const char *database_url;
    const struct job_kind *kinds;
    size_t kind_count;
    void *with;
    int threads;     /* workers; each has a connection */
    bool background; /* runs when nothing else wants the processor */
    int idle_ms;     /* look at least this often [500] */
    void (*report)(const char *kind, const struct job *job, void *with); /* failures, for the log; may be NULL */
};

MUST_CHECK enum err jobs_start(const struct jobs_config *config, struct jobs **ret_jobs);
/* From any thread, after a commit that wrote jobs: somebody looks at once. */
void jobs_wake(struct jobs *jobs);
void jobs_stop(struct jobs *jobs); /* ends after the jobs in hand; NULL is fine */

/* One round over all kinds on the caller's thread; how many jobs were run. For commands and tests. */
MUST_CHECK enum err jobs_round(struct db *db, const struct jobs_config *config, size_t *ret_run);

#endif
