/* What the rooms bring to the running service: job kinds, and things they hold while it runs. */
#include "app/jobs.h"
#include "app/pages/pages.h"
#include "app/service.h"
#include "receipts/receipts.h"

const struct job_kind app_job_kinds[] = {RECEIPT_JOB_KINDS};
const size_t app_job_kind_count = sizeof app_job_kinds / sizeof *app_job_kinds;

static struct receipt_office *office;

enum err app_rooms_open(struct service *service, struct faults *faults)
{
    (void)service;
    enum err err = pages_open(config_text(CONFIG_PATHS_PAGES), faults);
    if (!err)
        err = receipt_office_open(&office, faults);
    if (!err)
        receipt_office_use(office);
    return err;
}

void app_rooms_close(struct service *service)
{
    (void)service;
    receipt_office_free(office);
    office = NULL;
    pages_close();
}
