/* What tells others of what happened, while the service runs: webhooks to systems. */
#include "app/service.h"
#include "core/webhooks/webhooks.h"

enum err app_outgoing_start(struct service *service)
{
    const char *urls = config_text(CONFIG_WEBHOOKS_URLS);
    const struct webhooks_config webhooks = {.database_url = config_text(CONFIG_DATABASE_URL),
                                             .urls = urls,
                                             .timeout_ms = (int)config_int(CONFIG_WEBHOOKS_TIMEOUT),
                                             .patience_s = config_int(CONFIG_WEBHOOKS_PATIENCE) * 3600,
                                             .ca_file = config_set(CONFIG_WEBHOOKS_CA) ? config_text(CONFIG_WEBHOOKS_CA)
                                                                                       : NULL};
    webhooks_urls_use(urls);
    return *urls ? webhooks_start(&webhooks, &service->webhooks) : OK;
}

void app_outgoing_stop(struct service *service)
{
    webhooks_stop(service->webhooks);
    service->webhooks = NULL;
    webhooks_urls_use("");
}
