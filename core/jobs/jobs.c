#include "core/jobs/jobs.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "core/base/memory.h"

static const struct db_statement claim_sql = {
    "job_claim", "SELECT id, key, body, tries FROM job_claim($1, $2, $3, make_interval(secs => $4::integer))"};
static const struct db_statement done_sql = {"job_done", "SELECT job_done($1::bigint[])"};
static const struct db_statement failed_sql = {"job_failed",
                                               "UPDATE job SET error = $2, run_at = $3, state = CASE WHEN tries >= $4 "
                                               "THEN 'dead' ELSE 'waiting' END WHERE id = $1"};

struct jobs {
    struct jobs_config config;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned calls; /* jobs_wake so far */
    bool stopping;
    int thread_count;
    pthread_t threads[16];
};

/* 2 s, 4 s, 8 s … at most an hour, spread over 25 % by the job's number so that a herd does not come back together. */
static instant_us next_try(instant_us at, int tries, int64_t id)
{
    int64_t wait_s = tries < 11 ? INT64_C(1) << tries : 3600;
    return at + wait_s * SECOND_US + wait_s * SECOND_US / 400 * (id % 100);
}

static enum err settle(struct db *db, const struct job_kind *kind, struct job *jobs, size_t count, struct arena *arena,
                       instant_us at)
{
    int64_t done[JOB_BATCH_MAX];
    size_t done_count = 0;
    enum err err = OK;
    for (size_t i = 0; i < count; i++) {
        if (!jobs[i].outcome) {
            done[done_count++] = jobs[i].id;
            continue;
        }
        struct db_args args = db_args(arena);
        db_arg_int(&args, jobs[i].id);
        db_arg_text(&args, jobs[i].problem.length ? jobs[i].problem : text_of(err_info(jobs[i].outcome)->en));
        db_arg_instant(&args, next_try(at, jobs[i].tries, jobs[i].id));
        db_arg_int(&args, kind->tries_max);
        enum err failed = db_run(db, &failed_sql, &args);
        err = err ? err : failed;
    }
    if (done_count) {
        struct db_args args = db_args(arena);
        db_arg_int_array(&args, done, done_count);
        enum err failed = db_run(db, &done_sql, &args);
        err = err ? err : failed;
    }
    return err;
}

static enum err run_kind(struct db *db, const struct jobs_config *config, const struct job_kind *kind, size_t *ret_run)
{
    struct arena arena;
    arena_init(&arena);
    instant_us at = clock_now();
    struct db_args args = db_args(&arena);
    db_arg_string(&args, kind->name);
    db_arg_int(&args, (int64_t)kind->batch_max);
    db_arg_instant(&args, at);
    db_arg_int(&args, kind->lease_s);
    struct db_rows rows;
    enum err err = db_query(db, &claim_sql, &args, &rows);
    size_t count = err ? 0 : (size_t)rows.count;
    struct job *jobs = ARENA_ARRAY(&arena, struct job, count + 1);
    for (size_t i = 0; i < count; i++)
        jobs[i] = (struct job){.id = db_int(&rows, (int)i, 0),
                               .key = db_text(&rows, (int)i, 1),
                               .body = db_text(&rows, (int)i, 2),
                               .tries = (int)db_int(&rows, (int)i, 3),
                               .outcome = ERR_INTERNAL};
    if (count) {
        kind->run(db, jobs, count, &arena, at, config->with);
        err = settle(db, kind, jobs, count, &arena, clock_now());
    }
    for (size_t i = 0; i < count && config->report; i++)
        if (jobs[i].outcome)
            config->report(kind->name, &jobs[i], config->with);
    arena_done(&arena);
    *ret_run += count;
    return err;
}

enum err jobs_round(struct db *db, const struct jobs_config *config, size_t *ret_run)
{
    size_t run = 0;
    for (size_t i = 0; i < config->kind_count; i++) {
        assert(config->kinds[i].batch_max >= 1 && config->kinds[i].batch_max <= JOB_BATCH_MAX);
        enum err err = run_kind(db, config, &config->kinds[i], &run);
        if (err)
            return err;
    }
    *ret_run = run;
    return OK;
}

/* Waits for a wake-up that came after `seen`, or the idle time. */
static bool wait_for_work(struct jobs *jobs, unsigned *seen, bool worked)
{
    pthread_mutex_lock(&jobs->lock);
    if (!jobs->stopping && !worked && jobs->calls == *seen) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int idle_ms = jobs->config.idle_ms ? jobs->config.idle_ms : 500;
        until.tv_nsec += (long)(idle_ms % 1000) * 1000000;
        until.tv_sec += idle_ms / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&jobs->wake, &jobs->lock, &until);
    }
    *seen = jobs->calls;
    bool goes_on = !jobs->stopping;
    pthread_mutex_unlock(&jobs->lock);
    return goes_on;
}

static void *work(void *with)
{
    struct jobs *jobs = with;
    struct db *db = NULL;
    unsigned seen = 0;
    size_t run = 0;
    if (jobs->config.background) /* of this thread alone; where it is refused nothing but that is lost */
        (void)sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
    while (wait_for_work(jobs, &seen, run > 0)) {
        run = 0;
        const struct db_options options = {
            .url = jobs->config.database_url, .name = "lephi jobs", .statement_timeout_ms = 60000};
        if (!db && db_open(&options, &db))
            continue;
        if (jobs_round(db, &jobs->config, &run))
            run = 0;
    }
    db_close(db);
    return NULL;
}

enum err jobs_start(const struct jobs_config *config, struct jobs **ret_jobs)
{
    struct jobs *jobs = memory_new(sizeof *jobs);
    jobs->config = *config;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->wake, NULL);
    assert(config->threads >= 1 && config->threads <= 16);
    for (int i = 0; i < config->threads; i++) {
        if (pthread_create(&jobs->threads[i], NULL, work, jobs)) {
            jobs_stop(jobs);
            return ERR_UNAVAILABLE;
        }
        jobs->thread_count++;
    }
    *ret_jobs = jobs;
    return OK;
}

void jobs_wake(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->calls++;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_stop(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->wake);
    pthread_mutex_unlock(&jobs->lock);
    for (int i = 0; i < jobs->thread_count; i++)
        pthread_join(jobs->threads[i], NULL);
    pthread_cond_destroy(&jobs->wake);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
