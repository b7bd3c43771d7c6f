/* What the rooms bring to the running service: job kinds, and things they hold while it runs. */
#include "app/jobs.h"
#include "app/service.h"

const struct job_kind app_job_kinds[] = {{0}};
const size_t app_job_kind_count = 0;

enum err app_rooms_open(struct service *service, struct faults *faults)
{
    (void)service;
    (void)faults;
    return OK;
}

void app_rooms_close(struct service *service)
{
    (void)service;
}
