/* What the rooms hold while the service runs, and their durable jobs. */
#include "app/pages/pages.h"
#include "app/service.h"
#include "core/system/config.h"
#include "payments/counter/counter.h"
#include "payments/fees/fees.h"
#include "payments/ledger/ledger.h"
#include "payments/notices/notices.h"
#include "postal/postal.h"
#include "receipts/receipts.h"
#include "reconciliation/reconciliation.h"

static const struct job_kind receipt_kinds[] = {RECEIPT_JOB_KINDS}, receipt_log_kinds[] = {RECEIPT_LOG_JOB_KINDS},
                             outside_kinds[] = {RECEIPT_OUTSIDE_JOB_KINDS, NOTICES_JOB_KINDS},
                             receipt_stamp_kinds[] = {RECEIPT_STAMP_JOB_KINDS}, postal_kinds[] = {POSTAL_JOB_KINDS},
                             ledger_kinds[] = {LEDGER_JOB_KINDS}, terminal_line_kinds[] = {TERMINAL_LINE_JOB_KINDS},
                             terminal_ask_kinds[] = {TERMINAL_ASK_JOB_KINDS},
                             statement_kinds[] = {RECONCILIATION_JOB_KINDS};

static enum err postal_room_open(struct service *service, struct faults *faults)
{
    const char *postal = config_text(CONFIG_PATHS_POSTAL), *province = config_text(CONFIG_PATHS_PROVINCE);
    const struct postal_config config = {.tariff_file = arena_printf(faults->arena, "%s/tariff.csv", postal),
                                         .zones_file = arena_printf(faults->arena, "%s/zones.csv", postal),
                                         .status_file = arena_printf(faults->arena, "%s/vnpost_status.csv", postal),
                                         .communes_file = arena_printf(faults->arena, "%s/communes.csv", province),
                                         .origins_file =
                                             arena_printf(faults->arena, "%s/commune_origins.csv", province),
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
                                         .ask_price = config_flag(CONFIG_VNPOST_ASK_PRICE),
                                         .public_key_file = config_text(CONFIG_VNPOST_PUBLIC_KEY)};
    enum err err = postal_open(&config, faults);
    if (!err)
        fees_postal_pricer_set(postal_quote_line);
    return err;
}

/* A key that cannot be used keeps receipts waiting, not citizens: the service starts, staff are told. */
static void receipts_room_open(struct service *service)
{
    struct arena arena;
    struct faults faults;
    arena_init(&arena);
    faults_init(&faults, &arena);
    if (receipt_office_open(&service->receipts, &faults))
        for (size_t i = 0; i < faults.count; i++)
            LOG_ERROR(NULL, "signing key unusable", log_string("file", faults.list[i].where),
                      log_string("why", faults.list[i].detail));
    receipt_office_use(service->receipts);
    service->receipts_untold = true;
    if (config_set(CONFIG_TAX_URL))
        service->tax = tax_https_new(service->client, config_text(CONFIG_TAX_URL), config_text(CONFIG_TAX_TOKEN),
                                     config_text(CONFIG_TAX_CA));
    receipt_tax_use(service->tax);
    arena_done(&arena);
}

void app_rooms_refresh(struct service *service, struct db *db, struct arena *arena, instant_us at)
{
    struct faults faults;
    bool changed;
    faults_init(&faults, arena);
    if (service->receipts_untold) {
        struct receipt_office *again; /* what was wrong at the start, for the words alone */
        (void)!receipt_office_open(&again, &faults);
        receipt_office_free(again);
        receipt_office_tell(db, arena, at, &faults);
        service->receipts_untold = false;
        if (service->tax && receipt_tax_queue(db, arena, at))
            LOG_WARNING(NULL, "tax messages not queued", log_string("error", db_error(db)));
        faults_init(&faults, arena);
    }
    enum err err = receipt_office_refresh(&service->receipts, &faults, &changed);
    if (!err && !changed)
        return;
    receipt_office_tell(db, arena, at, &faults);
    LOG_INFO(NULL, changed ? "signing keys read again" : "new signing keys refused, the old ones stay",
             log_string("error", err ? err_info(err)->code : ""));
    if (changed)
        app_rooms_wake(service);
}

static void wake_terminals(void *with)
{
    struct service *service = with;
    jobs_wake(service->terminal_line_jobs);
    jobs_wake(service->terminal_ask_jobs);
}

enum err app_rooms_open(struct service *service, struct faults *faults)
{
    ledger_asking_use(service->client, config_text(CONFIG_HTTP_PUBLIC_URL));
    enum err err = http_client_start(&(struct http_client_config){0}, &service->terminal_client);
    if (err)
        return faults_add(faults, "HTTP client", err, NULL);
    counter_use(
        &(struct counter_config){.client = service->terminal_client,
                                 .sale_id = config_text(CONFIG_TERMINALS_SALE_ID),
                                 .ca_file = config_set(CONFIG_TERMINALS_CA) ? config_text(CONFIG_TERMINALS_CA) : NULL,
                                 .answer_timeout_s = (int)config_int(CONFIG_TERMINALS_ANSWER),
                                 .ask_after_s = (int)config_int(CONFIG_TERMINALS_ASK),
                                 .cash = config_flag(CONFIG_POLICY_CASH),
                                 .wake = wake_terminals,
                                 .with = service});
    err = pages_open(config_text(CONFIG_PATHS_PAGES), faults);
    if (!err && app_post_open(service))
        err = faults_add(faults, "HTTP client", ERR_UNAVAILABLE, NULL);
    if (!err)
        receipts_room_open(service);
    if (!err)
        err = receipt_stamps_use(service->client, faults);
    return err ? err : postal_room_open(service, faults);
}

static void report_job(const char *kind, const struct job *job, void *with)
{
    (void)with;
    metrics_count(METRIC_JOBS, "failed", 1);
    LOG_WARNING(NULL, "job failed", log_string("kind", kind), log_text("key", job->key), log_int("tries", job->tries),
                log_string("error", err_info(job->outcome)->code), log_text("problem", job->problem));
}

/* Each room's jobs have threads of their own: a slow carrier holds up no receipt. */
static enum err start_jobs(struct service *service, const struct job_kind *kinds, size_t count, int threads,
                           struct jobs **ret_jobs)
{
    const struct jobs_config config = {.database_url = config_text(CONFIG_DATABASE_URL),
                                       .kinds = kinds,
                                       .kind_count = count,
                                       .with = service,
                                       .threads = threads,
                                       .background = kinds == receipt_kinds, /* a backlog must not slow payments */
                                       .report = report_job};
    return jobs_start(&config, ret_jobs);
}

enum err app_rooms_start(struct service *service)
{
    enum err err = start_jobs(service, receipt_kinds, sizeof receipt_kinds / sizeof *receipt_kinds, RECEIPT_JOB_THREADS,
                              &service->receipt_jobs);
    if (!err)
        err = start_jobs(service, receipt_log_kinds, sizeof receipt_log_kinds / sizeof *receipt_log_kinds, 1,
                         &service->receipt_log_jobs);
    if (!err)
        err =
            start_jobs(service, outside_kinds, sizeof outside_kinds / sizeof *outside_kinds, 1, &service->outside_jobs);
    if (!err && *config_text(CONFIG_RECEIPTS_TSA_URL))
        err = start_jobs(service, receipt_stamp_kinds, sizeof receipt_stamp_kinds / sizeof *receipt_stamp_kinds, 1,
                         &service->receipt_stamp_jobs);
    if (!err)
        err = start_jobs(service, ledger_kinds, sizeof ledger_kinds / sizeof *ledger_kinds, 2, &service->ledger_jobs);
    if (!err) /* a card may be waited for two minutes: one line each */
        err = start_jobs(service, terminal_line_kinds, sizeof terminal_line_kinds / sizeof *terminal_line_kinds,
                         (int)config_int(CONFIG_TERMINALS_LINES), &service->terminal_line_jobs);
    if (!err)
        err = start_jobs(service, terminal_ask_kinds, sizeof terminal_ask_kinds / sizeof *terminal_ask_kinds, 2,
                         &service->terminal_ask_jobs);
    if (!err) /* a bank's drop may be slow */
        err = start_jobs(service, statement_kinds, sizeof statement_kinds / sizeof *statement_kinds, 1,
                         &service->statement_jobs);
    return err ? err
               : start_jobs(service, postal_kinds, sizeof postal_kinds / sizeof *postal_kinds, 1,
                            &service->postal_jobs);
}

void app_rooms_wake(struct service *service)
{
    jobs_wake(service->receipt_jobs);
    jobs_wake(service->outside_jobs);
    jobs_wake(service->postal_jobs);
    jobs_wake(service->ledger_jobs);
}

void app_rooms_stop(struct service *service)
{
    http_client_close(service->post_client);     /* what was not sent is sent after the next start */
    http_client_close(service->terminal_client); /* a card that is waited for is asked for at the next start */
    jobs_stop(service->receipt_jobs);
    jobs_stop(service->receipt_log_jobs);
    jobs_stop(service->outside_jobs);
    jobs_stop(service->receipt_stamp_jobs);
    jobs_stop(service->postal_jobs);
    jobs_stop(service->ledger_jobs);
    jobs_stop(service->terminal_line_jobs);
    jobs_stop(service->terminal_ask_jobs);
    jobs_stop(service->statement_jobs);
    ledger_asking_use(NULL, NULL);
    counter_use(NULL);
    http_client_stop(service->terminal_client);
    service->terminal_client = NULL;
    service->receipt_jobs = service->receipt_log_jobs = service->receipt_stamp_jobs = NULL;
    service->outside_jobs = service->postal_jobs = service->ledger_jobs = service->statement_jobs = NULL;
    service->terminal_line_jobs = service->terminal_ask_jobs = NULL;
    (void)!receipt_stamps_use(NULL, NULL);
}

void app_rooms_close(struct service *service)
{
    fees_postal_pricer_set(NULL);
    postal_close();
    app_post_close(service);
    receipt_tax_use(NULL);
    tax_https_free(service->tax);
    service->tax = NULL;
    receipt_office_use(NULL);
    receipt_office_free(service->receipts);
    service->receipts = NULL;
    pages_close();
}
