/* What tells others of what happened, while the service runs: webhooks to systems, notices to people. */
#include "app/service.h"
#include "core/webhooks/webhooks.h"
#include "payments/notices/notices.h"

static struct notices_config notices;

static enum post_encoding encoding_of(const char *word)
{
    struct text text = text_of(word);
    return text_is(text, "form")   ? POST_FORM
           : text_is(text, "xml")  ? POST_XML
           : text_is(text, "text") ? POST_TEXT
                                   : POST_JSON;
}

enum err app_post_open(struct service *service)
{
    enum err err = http_client_start(&(struct http_client_config){0}, &service->post_client);
    if (err)
        return err;
    service->post = (struct post_config){.client = service->post_client,
                                         .mail_url = config_text(CONFIG_MAIL_URL),
                                         .mail_user = config_text(CONFIG_MAIL_USER),
                                         .mail_password = config_text(CONFIG_MAIL_PASSWORD),
                                         .mail_from = config_text(CONFIG_MAIL_FROM),
                                         .sms = {.url = config_text(CONFIG_SMS_URL),
                                                 .method = config_text(CONFIG_SMS_METHOD),
                                                 .headers = config_text(CONFIG_SMS_HEADERS),
                                                 .body = config_text(CONFIG_SMS_BODY),
                                                 .encoding = encoding_of(config_text(CONFIG_SMS_ENCODING)),
                                                 .accept = config_text(CONFIG_SMS_ACCEPT),
                                                 .id_at = config_text(CONFIG_SMS_ID_AT),
                                                 .key = config_text(CONFIG_SMS_KEY),
                                                 .secret = config_text(CONFIG_SMS_SECRET),
                                                 .sender = config_text(CONFIG_SMS_SENDER)},
                                         .zalo = {.url = config_text(CONFIG_ZALO_URL),
                                                  .method = "POST",
                                                  .headers = config_text(CONFIG_ZALO_HEADERS),
                                                  .body = config_text(CONFIG_ZALO_BODY),
                                                  .accept = config_text(CONFIG_ZALO_ACCEPT),
                                                  .id_at = config_text(CONFIG_ZALO_ID_AT),
                                                  .token_path = config_text(CONFIG_ZALO_TOKEN_PATH)}};
    service->post.zalo_answer = service->post.zalo;
    service->post.zalo_answer.url = config_text(CONFIG_ZALO_ANSWER_URL);
    service->post.zalo_answer.body = config_text(CONFIG_ZALO_ANSWER_BODY);
    post_use(&service->post);
    return OK;
}

void app_post_close(struct service *service)
{
    post_use(NULL);
    http_client_stop(service->post_client);
    service->post_client = NULL;
}

static enum err notices_open(struct service *service)
{
    notices =
        (struct notices_config){.database_url = config_text(CONFIG_DATABASE_URL),
                                .channels = config_text(CONFIG_NOTICES_CHANNELS),
                                .remind_h = (int)config_int(CONFIG_NOTICES_REMIND),
                                .zalo_templates = config_text(CONFIG_ZALO_TEMPLATES),
                                .public_url = config_text(CONFIG_HTTP_PUBLIC_URL),
                                .hotline = config_text(CONFIG_PROVINCE_HOTLINE),
                                .sms_secret = config_text(CONFIG_MESSAGES_SMS_SECRET),
                                .zalo_app_id = config_text(CONFIG_MESSAGES_ZALO_APP_ID),
                                .zalo_secret = config_text(CONFIG_MESSAGES_ZALO_SECRET),
                                .answers_per_hour = (int)config_int(CONFIG_MESSAGES_PER_HOUR),
                                .sms_answers_sent = text_is(text_of(config_text(CONFIG_MESSAGES_SMS_ANSWER)), "send"),
                                .receipt_link = receipt_link_named};
    if (!quiet_hours_read(text_of(config_text(CONFIG_NOTICES_QUIET)), &notices.quiet)) {
        LOG_ERROR(NULL, "notices.quiet must look like 21:00-07:00");
        return ERR_CONFIG;
    }
    notices_use(&notices);
    return notices_start(&notices, &service->notices);
}

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
    enum err err = notices_open(service);
    return err || !*urls ? err : webhooks_start(&webhooks, &service->webhooks);
}

void app_outgoing_stop(struct service *service)
{
    webhooks_stop(service->webhooks);
    service->webhooks = NULL;
    webhooks_urls_use("");
    notices_stop(service->notices);
    service->notices = NULL;
    notices_use(NULL);
}
