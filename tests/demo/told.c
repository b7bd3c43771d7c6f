/* What the one-stop-shop system and the people were told: every event, signed, in order; every person once. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 90 };

static void wait_a_little(void)
{
    struct timespec half = {0, 500000000};
    nanosleep(&half, NULL);
}

/* A subscriber that begins with the first event of the day gets all of them, in the order of the feed per dossier. */
static void tell_system(struct world *world)
{
    const char *cookie = sign_in(world, "admin");
    json_t *made = !cookie ? NULL
                           : as_staff(world, cookie, "POST", "/v1/webhooks",
                                      arena_printf(&world->arena,
                                                   "{\"name\":\"one\",\"url\":\"%s/receiver/one\",\"kinds\":"
                                                   "[\"request.paid\",\"receipt.*\"],\"from\":0}",
                                                   world->sandbox_url),
                                      201);
    if (!step(world, made != NULL, "the one-stop-shop system subscribes to payments and receipts"))
        return;
    const char *path = arena_printf(&world->arena, "/v1/webhooks/%lld", (long long)int_of(made, "id"));
    json_t *now = NULL, *events, *event;
    int64_t feed = 0;
    for (int64_t page = 500; page == 500;) { /* how far the feed has come */
        events = json_object_get(api(world, "GET",
                                     arena_printf(&world->arena, "/v1/events?after=%lld&limit=500", (long long)feed),
                                     NULL, 200),
                                 "items");
        page = (int64_t)json_array_size(events);
        if (page)
            feed = int_of(json_array_get(events, (size_t)page - 1), "position");
    }
    for (int i = 0; i < WAIT_S * 2; i++) {
        now = api(world, "GET", path, NULL, 200);
        if (int_of(now, "position") >= feed && !int_of(now, "waiting"))
            break;
        wait_a_little();
    }
    step(world, int_of(now, "position") >= feed && !int_of(now, "waiting"), "nothing of the day waits to be told");
    json_t *items = json_object_get(sandbox(world, "GET", "/receiver/events?place=one", NULL, 200), "items");
    size_t i, wrong = 0, paid = 0, receipts = 0;
    int64_t before = 0;
    json_array_foreach(items, i, event)
    {
        wrong += !json_is_true(json_object_get(event, "valid")) || int_of(event, "position") <= before;
        before = int_of(event, "position");
        paid += !strcmp(string_of(event, "kind"), "request.paid");
        receipts += !strcmp(string_of(event, "kind"), "receipt.issued");
    }
    step(world, paid && paid == receipts && !wrong, "%zu payments and %zu receipts told, signed, in order", paid,
         receipts);
}

/* Every notice has come to its end, and nobody was told the same twice. */
static void tell_people(struct world *world)
{
    json_t *list = NULL;
    for (int i = 0; i < WAIT_S * 2; i++) {
        list = api(world, "GET", "/v1/notices?state=waiting&limit=1", NULL, 200);
        if (list && !json_array_size(json_object_get(list, "items")))
            break;
        wait_a_little();
    }
    step(world, list && !json_array_size(json_object_get(list, "items")), "no message waits");
    static const char *const bad[] = {"refused", "unknown", "failed"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        list = api(world, "GET", arena_printf(&world->arena, "/v1/notices?state=%s", bad[i]), NULL, 200);
        step(world, list && !json_array_size(json_object_get(list, "items")), "none %s", bad[i]);
    }
    json_t *items = json_object_get(sandbox(world, "GET", "/sink/messages", NULL, 200), "items"), *item;
    size_t i, k, told = 0, twice = 0;
    json_array_foreach(items, i, item)
    {
        const char *words = string_of(json_object_get(item, "message"), "Content");
        told += *words != '\0';
        for (k = 0; k < i && *words; k++)
            twice += !strcmp(words, string_of(json_object_get(json_array_get(items, k), "message"), "Content"));
    }
    step(world, told && !twice, "%zu short messages, none twice", told);
}

void day_told(struct world *world, struct day *day)
{
    (void)day;
    tell_system(world);
    tell_people(world);
}
