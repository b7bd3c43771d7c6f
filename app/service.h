/* What the running service holds; the context of every request and job. */
#ifndef LEPHI_APP_SERVICE_H
#define LEPHI_APP_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include "core/core.h"
#include "receipts/receipts.h"

struct confirmer;

struct service {
    struct http_server *http;
    struct http_client *client;
    struct http_client *terminal_client; /* its calls wait for a person with a card */
    const struct tax_adapter *tax;       /* NULL: not configured */
    struct jobs *receipt_jobs, *receipt_log_jobs, *receipt_stamp_jobs, *outside_jobs, *postal_jobs, *ledger_jobs,
        *terminal_line_jobs, *terminal_ask_jobs, *statement_jobs;
    struct http_client *post_client; /* its own: a gateway that hangs holds up no bank */
    struct post_config post;
    struct receipt_office *receipts;
    bool receipts_untold; /* staff do not know yet which keys could be opened at the start */
    struct rounds *feed;
    struct webhooks *webhooks;
    struct notices *notices;
    struct confirmer *confirmer;
    struct calendar *calendar;
    pthread_t housekeeper;
    atomic_bool stopping;
};

struct service *app_service(void);

/* Rooms that hold something while the program runs: keys, tariff, tables. */
MUST_CHECK enum err app_rooms_open(struct service *service, struct faults *faults);
/* Their durable jobs; started after the HTTP client, stopped before it. */
MUST_CHECK enum err app_rooms_start(struct service *service);
void app_rooms_wake(struct service *service); /* from any thread, after a commit that wrote jobs */
/* Every few seconds: keys that were changed are used from then on. */
void app_rooms_refresh(struct service *service, struct db *db, struct arena *arena, instant_us at);
void app_rooms_stop(struct service *service);
void app_rooms_close(struct service *service);

/* What tells systems and people (outgoing.c). The post is open before the rooms' jobs and closed after them. */
MUST_CHECK enum err app_post_open(struct service *service);
void app_post_close(struct service *service);
MUST_CHECK enum err app_outgoing_start(struct service *service);
void app_outgoing_stop(struct service *service);

#endif
