/* "The next three calls to /vnpost/customer-partner/CreateOrder hang after they have acted." */
#include "tests/sandbox/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include "core/base/memory.h"

enum { PLANS_MAX = 64, HANG_S = 40 };

static const char *const kinds[] = {"none", "answer_500", "hang", "hang_after", "refuse", "expire_token", NULL};

struct plan {
    char path[128];
    int64_t times;
    enum mischief_kind kind;
};

struct mischief {
    pthread_mutex_t lock;
    struct plan plans[PLANS_MAX];
};

static pthread_mutex_t hang_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hang_end = PTHREAD_COND_INITIALIZER;
static bool hang_over;

void mischief_hang(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANG_S;
    pthread_mutex_lock(&hang_lock);
    while (!hang_over && pthread_cond_timedwait(&hang_end, &hang_lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&hang_lock);
}

void mischief_stop(void)
{
    pthread_mutex_lock(&hang_lock);
    hang_over = true;
    pthread_cond_broadcast(&hang_end);
    pthread_mutex_unlock(&hang_lock);
}

struct mischief *mischief_new(void)
{
    struct mischief *mischief = memory_new(sizeof *mischief);
    pthread_mutex_init(&mischief->lock, NULL);
    return mischief;
}

enum mischief_kind mischief_take(struct mischief *mischief, const char *path)
{
    enum mischief_kind kind = MISCHIEF_NONE;
    pthread_mutex_lock(&mischief->lock);
    for (size_t i = 0; i < PLANS_MAX && kind == MISCHIEF_NONE; i++)
        if (mischief->plans[i].times > 0 && !strcmp(mischief->plans[i].path, path)) {
            mischief->plans[i].times--;
            kind = mischief->plans[i].kind;
        }
    pthread_mutex_unlock(&mischief->lock);
    return kind;
}

/* POST /mischief {path, kind, times?}: kind "none" takes back what was planned for the path. */
static void mischief_plan(struct visit *visit)
{
    struct mischief *mischief = visit->sandbox->mischief;
    struct json_fields in;
    struct text path = TEXT_NONE;
    int kind = 0;
    int64_t times = 1;
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (!err) {
        json_read_text(&in, "path", REQUIRED, 1, sizeof mischief->plans->path - 1, &path);
        json_read_enum(&in, "kind", REQUIRED, kinds, &kind);
        json_read_int(&in, "times", OPTIONAL, 1, 1000000, &times);
        err = json_close(&in);
    }
    if (err) {
        visit_refuse(visit, 422, "invalid_request", "path, kind, times");
        return;
    }
    struct plan *free_plan = NULL;
    pthread_mutex_lock(&mischief->lock);
    for (size_t i = 0; i < PLANS_MAX; i++) {
        if (kind == MISCHIEF_NONE && text_is(path, mischief->plans[i].path))
            mischief->plans[i].times = 0;
        if (!free_plan && mischief->plans[i].times == 0)
            free_plan = &mischief->plans[i];
    }
    if (free_plan && kind != MISCHIEF_NONE && path.length < sizeof free_plan->path) {
        memcpy(free_plan->path, path.at, path.length);
        free_plan->path[path.length] = '\0';
        free_plan->kind = (enum mischief_kind)kind;
        free_plan->times = times;
    }
    pthread_mutex_unlock(&mischief->lock);
    if (!free_plan)
        visit_refuse(visit, 409, "full", "Quá nhiều kế hoạch");
    else
        buf_string(&visit->reply, "{\"planned\":true}");
}

const struct road mischief_roads[] = {{"POST", "/mischief", mischief_plan}, {0}};
