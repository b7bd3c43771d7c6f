/* Receipts leave by themselves; two judges that are not ours look at each. Results go to the post office. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 60, ACCEPTED = 202 };

/* Receipts follow payments as durable jobs: waits for this one, within a bound. */
static json_t *wait_for_receipt(struct world *world, const struct errand *e)
{
    for (int i = 0; i < WAIT_S * 10; i++) {
        json_t *list =
            api(world, "GET", arena_printf(&world->arena, "/v1/receipts?payment_request=%lld", (long long)e->request),
                NULL, 200);
        json_t *first = json_array_get(json_object_get(list, "items"), 0);
        if (first && !strcmp(string_of(first, "status"), "issued"))
            return first;
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
    }
    return NULL;
}

static bool xmlsec_agrees(struct world *world, const char *path)
{
    const char *const arguments[] = {"xmlsec1",
                                     "--verify",
                                     "--trusted-pem",
                                     world->trust,
                                     "--id-attr:Id",
                                     "DuLieuBienLai",
                                     "--id-attr:Id",
                                     "http://www.w3.org/2000/09/xmldsig#:Object",
                                     path,
                                     NULL};
    return run_program(world, arguments, NULL) == 0;
}

static bool lephi_agrees(struct world *world, const char *path, int64_t total)
{
    const char *const arguments[] = {world->binary, "receipt", "verify", path, "--trust", world->trust, NULL};
    struct text output;
    if (run_program(world, arguments, &output))
        return false;
    json_t *verdict = json_loadb(output.at, output.length, 0, NULL);
    bool good = int_of(verdict, "total") == total || int_of(json_object_get(verdict, "receipt"), "total") == total;
    json_decref(verdict);
    return good;
}

/* A receipt with one digit of its amount changed must be refused by both. */
static bool forgery_is_refused(struct world *world, struct text xml)
{
    char *forged = arena_copy(&world->arena, xml);
    char *amount = strstr(forged, "<TongTien>");
    if (!amount)
        return false;
    amount += strlen("<TongTien>");
    *amount = *amount == '9' ? '8' : '9';
    const char *path = keep_file(world, "forged.xml", (struct text){forged, xml.length});
    return path && !xmlsec_agrees(world, path) && !lephi_agrees(world, path, 0);
}

static bool one_receipt(struct world *world, const struct errand *e, int *ret_forgeries)
{
    json_t *receipt = wait_for_receipt(world, e);
    if (!receipt)
        return false;
    const char *id = arena_printf(&world->arena, "%lld", (long long)int_of(receipt, "id"));
    struct http_answer xml =
        call(world, "GET", arena_printf(&world->arena, "%s/v1/receipts/%s.xml", world->url, id), NULL, TEXT_NONE);
    const char *path =
        xml.status == 200 ? keep_file(world, arena_printf(&world->arena, "receipt-%s.xml", id), xml.body) : NULL;
    if (!path || int_of(receipt, "total") != e->total || !xmlsec_agrees(world, path) ||
        !lephi_agrees(world, path, e->total))
        return false;
    if (*ret_forgeries < 3)
        *ret_forgeries += forgery_is_refused(world, xml.body);
    return true;
}

/* No gap and no repeat in any collector's numbers of the day. */
static void numbers_are_whole(struct world *world)
{
    json_t *list = api(world, "GET", "/v1/receipts?limit=500", NULL, 200);
    int count = 0, series_count = 0, broken = 0;
    struct {
        char name[64];
        int64_t low, high, count;
    } series[64] = {0};
    size_t i;
    json_t *receipt;
    json_array_foreach(json_object_get(list, "items"), i, receipt)
    {
        const char *name =
            arena_printf(&world->arena, "%s %s", string_of(receipt, "collector"), string_of(receipt, "symbol"));
        int64_t number = int_of(receipt, "number");
        int k = 0;
        while (k < series_count && strcmp(series[k].name, name))
            k++;
        if (k == 64)
            break;
        if (k == series_count) {
            snprintf(series[series_count++].name, sizeof series[0].name, "%.63s", name);
            series[k].low = series[k].high = number;
        }
        series[k].low = number < series[k].low ? number : series[k].low;
        series[k].high = number > series[k].high ? number : series[k].high;
        series[k].count++;
        count++;
    }
    for (int k = 0; k < series_count; k++)
        broken += series[k].high - series[k].low + 1 != series[k].count;
    step(world, count && !broken, "%d receipts in %d series, %d series with a gap or a repeat", count, series_count,
         broken);
}

void day_receipts(struct world *world, struct day *day)
{
    int forgeries = 0;
    for (int i = 0; i < day->count; i++) {
        const struct errand *e = &day->errands[i];
        bool due_now =
            e->total && (!strcmp(e->status, "paid") || !strcmp(e->status, "overpaid")) && e->fate != FATE_LOST;
        if (due_now)
            step(world, one_receipt(world, e, &forgeries), "%s has its receipt, verified by xmlsec1 and by lephi",
                 e->code);
    }
    step(world, forgeries == 3, "%d of 3 receipts with a changed amount were refused by both judges", forgeries);
    numbers_are_whole(world);
}

/* The booking is committed first and the carrier asked by a job: waits for the carrier's own item code. */
static bool book(struct world *world, struct errand *e)
{
    json_t *made = api(world, "POST", "/v1/postal/bookings",
                       json_pack("{s:s, s:s, s:i, s:s, s:{s:s, s:s, s:s}}", "dossier", e->code, "service", "receive",
                                 "weight_g", 120, "commune", "06688", "person", "name", "Nguyễn Thị Ánh Tuyết", "phone",
                                 "0912000111", "address", "Tổ 5, khu 2"),
                       ACCEPTED);
    for (int i = 0; made && i < WAIT_S * 10; i++) {
        json_t *now =
            api(world, "GET", arena_printf(&world->arena, "/v1/postal/bookings/%lld", (long long)int_of(made, "id")),
                NULL, 200);
        if (*string_of(now, "item_code"))
            return true;
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
    }
    return false;
}

void day_post(struct world *world, struct day *day)
{
    int booked = 0;
    for (int i = 0; i < day->count; i++) {
        struct errand *e = &day->errands[i];
        bool wanted = !strcmp(e->kind->channel, "post") || i % 9 == 0;
        if (!wanted || !e->request)
            continue;
        e->by_post = book(world, e);
        booked += e->by_post;
        step(world, e->by_post, "%s: delivery of the result booked with the post office", e->code);
    }
    step(world, booked >= 20, "%d deliveries were booked", booked);
}
