/* What the running service holds; the context of every request and job. */
#ifndef LEPHI_APP_SERVICE_H
#define LEPHI_APP_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include "core/core.h"

struct confirmer;

struct service {
    struct http_server *http;
    struct http_client *client;
    struct jobs *jobs;
    struct feed *feed;
    struct confirmer *confirmer;
    struct calendar *calendar;
    pthread_t housekeeper;
    atomic_bool stopping;
};

struct service *app_service(void);

/* Rooms that hold something while the program runs: keys, tariff, tables. */
MUST_CHECK enum err app_rooms_open(struct service *service, struct faults *faults);
void app_rooms_close(struct service *service);

#endif
