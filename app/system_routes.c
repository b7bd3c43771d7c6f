#include "app/system_routes.h"

#include "app/service.h"
#include "payments/fees/fees.h"

static const struct db_statement one_sql = {"system_ready", "SELECT count(*) FROM job WHERE state = 'dead'"};

enum err system_health_handle(struct request *rq)
{
    return reply_body(rq, 200, "application/json", TEXT("{\"status\":\"ok\"}"));
}

static void ready_write(struct json *json, const void *what)
{
    const int64_t *dead_jobs = what;
    json_put_object(json, NULL);
    json_put_string(json, "status", "ready");
    json_put_int(json, "dead_jobs", *dead_jobs);
    json_put_end(json);
}

enum err system_ready_handle(struct request *rq)
{
    struct db_args none = db_args(&rq->arena);
    struct db_rows rows;
    enum err err = db_query(rq->db, &one_sql, &none, &rows);
    struct catalogue *catalogue = catalogue_in_force_hold();
    if (!err && !catalogue)
        err = ERR_UNAVAILABLE;
    catalogue_drop(catalogue);
    if (err)
        return reply_error(rq, err);
    int64_t dead_jobs = db_int(&rows, 0, 0);
    metrics_set(METRIC_JOBS_DEAD, dead_jobs);
    return reply_json(rq, 200, ready_write, &dead_jobs);
}

enum err system_metrics_handle(struct request *rq)
{
    struct service *service = rq->context;
    struct buf text = {0};
    metrics_set(METRIC_HTTP_QUEUED, (int64_t)http_server_queued(service->http));
    metrics_set(METRIC_HTTP_ACTIVE, (int64_t)http_server_active(service->http));
    metrics_write(&text);
    enum err err = reply_body(rq, 200, "text/plain; version=0.0.4", buf_view(&text));
    buf_done(&text);
    return err;
}
