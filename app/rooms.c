/* What the rooms bring to the running service: job kinds, and things they hold while it runs. */
#include "app/jobs.h"
#include "app/pages/pages.h"
#include "app/service.h"
#include "core/system/config.h"
#include "postal/postal.h"
#include "receipts/receipts.h"

const struct job_kind app_job_kinds[] = {RECEIPT_JOB_KINDS, POSTAL_JOB_KINDS};
const size_t app_job_kind_count = sizeof app_job_kinds / sizeof *app_job_kinds;

static struct receipt_office *office;

static enum err postal_room_open(struct service *service, struct faults *faults)
{
    const char *postal = config_text(CONFIG_PATHS_POSTAL), *province = config_text(CONFIG_PATHS_PROVINCE);
    const struct postal_config config = {.tariff_file = arena_printf(faults->arena, "%s/tariff.csv", postal),
                                         .zones_file = arena_printf(faults->arena, "%s/zones.csv", postal),
                                         .status_file = arena_printf(faults->arena, "%s/vnpost_status.csv", postal),
                                         .communes_file = arena_printf(faults->arena, "%s/communes.csv", province),
                                         .home = config_text(CONFIG_POSTAL_HOME),
                                         .office_commune = config_text(CONFIG_POSTAL_OFFICE_COMMUNE),
                                         .client = service->client,
                                         .base_url = config_text(CONFIG_VNPOST_BASE_URL),
                                         .username = config_text(CONFIG_VNPOST_USERNAME),
                                         .password = config_text(CONFIG_VNPOST_PASSWORD),
                                         .customer_code = config_text(CONFIG_VNPOST_CUSTOMER_CODE),
                                         .contract_code = config_text(CONFIG_VNPOST_CONTRACT_CODE),
                                         .service_code = config_text(CONFIG_VNPOST_SERVICE_CODE),
                                         .find_type = config_text(CONFIG_VNPOST_FIND_TYPE),
                                         .public_key_file = config_text(CONFIG_VNPOST_PUBLIC_KEY)};
    enum err err = postal_open(&config, faults);
    if (!err)
        fees_postal_pricer_set(postal_quote_line);
    return err;
}

enum err app_rooms_open(struct service *service, struct faults *faults)
{
    enum err err = pages_open(config_text(CONFIG_PATHS_PAGES), faults);
    if (!err)
        err = receipt_office_open(&office, faults);
    if (!err)
        receipt_office_use(office);
    return err ? err : postal_room_open(service, faults);
}

void app_rooms_close(struct service *service)
{
    (void)service;
    fees_postal_pricer_set(NULL);
    postal_close();
    receipt_office_free(office);
    office = NULL;
    pages_close();
}
