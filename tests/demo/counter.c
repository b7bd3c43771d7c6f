/* A shift at the counter: a card terminal that answers, one answer that is lost, the terminal's own totals, a blind
 * count. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 60, FLOAT = 200000, CARDS = 2 };

static const char agency[] = "QN-CAT", terminal[] = "POS-QN-CAT";

static json_t *wait_for_status(struct world *world, const char *path, const char *status)
{
    json_t *now = NULL;
    for (int i = 0; i < WAIT_S * 10; i++) {
        now = api(world, "GET", path, NULL, 200);
        if (now && !strcmp(string_of(now, "status"), status))
            break;
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
    }
    return now;
}

static json_t *ask_for_money(struct world *world, const struct day *day, int number)
{
    const char *code = arena_printf(&world->arena, "H49.CAT-%s-Q%03d", day->date, number);
    json_t *dossier = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "procedure", "3.000333", "agency", agency,
                                "channel", "counter", "state", "filed", "submitted_at",
                                arena_printf(&world->arena, "%sT08:00:00+07:00", day->date), "applicant", "name",
                                "Nguyễn Thị Ánh Tuyết", "phone", "0912000111");
    if (!api(world, "PUT", arena_printf(&world->arena, "/v1/dossiers/%s", code), dossier, 201))
        return NULL;
    return api(world, "POST", "/v1/payment-requests",
               json_pack("{s:s, s:s, s:s, s:{s:i}}", "dossier", code, "procedure", "3.000333", "channel", "counter",
                         "quantities", "copies", 2),
               201);
}

/* One card payment from the cashier's screen; the second one's answer is lost on its way. */
static int64_t one_card(struct world *world, const struct day *day, const char *cookie, int number)
{
    bool lost = number == CARDS;
    json_t *asked = ask_for_money(world, day, number);
    int64_t amount = int_of(asked, "amount");
    if (lost)
        sandbox(world, "POST", "/terminal/behave",
                json_pack("{s:s, s:s, s:i}", "terminal", terminal, "next", "mute", "delay_ms", 3000), 200);
    const char *payments =
        arena_printf(&world->arena, "/v1/payment-requests/%lld/pos-payments", (long long)int_of(asked, "id"));
    const char *body = arena_printf(&world->arena, "{\"terminal\":\"%s\"}", terminal);
    json_t *sent = asked ? as_staff(world, cookie, "POST", payments, body, 201) : NULL;
    step(world, sent && !strcmp(string_of(sent, "status"), "sent"), "%s goes to the card terminal",
         string_of(asked, "dossier"));
    const char *one = arena_printf(&world->arena, "%s/%lld", payments, (long long)int_of(sent, "id"));
    if (lost) {
        json_t *unknown = wait_for_status(world, one, "unknown");
        step(world, unknown && !strcmp(string_of(unknown, "status"), "unknown"),
             "the terminal's answer is lost: nobody knows, the terminal is asked");
        json_t *refused = as_staff(world, cookie, "POST", payments, body, 409);
        step(world, refused && !strcmp(string_of(refused, "code"), "attempt_unknown"),
             "a second charge is refused meanwhile");
    }
    json_t *approved = wait_for_status(world, one, "approved");
    step_amount(world, int_of(approved, "approved_amount"), amount, "the card paid, known by %s",
                lost ? "asking" : "the answer");
    json_t *request =
        api(world, "GET", arena_printf(&world->arena, "/v1/payment-requests/%lld", (long long)int_of(asked, "id")),
            NULL, 200);
    step(world, !strcmp(string_of(request, "status"), "paid"), "%s is %s", string_of(asked, "dossier"),
         string_of(request, "status"));
    return int_of(approved, "approved_amount");
}

static void terminal_totals(struct world *world, int64_t taken)
{
    const char *path = arena_printf(&world->arena, "/v1/terminals/%s/reconciliations", terminal);
    json_t *day = NULL;
    api(world, "POST", path, NULL, 202);
    for (int i = 0; i < WAIT_S * 10 && strcmp(string_of(day, "status"), "matched"); i++) {
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
        day = json_array_get(json_object_get(api(world, "GET", path, NULL, 200), "items"), 0);
    }
    step(world, !strcmp(string_of(day, "status"), "matched"), "the terminal's end of day: %s",
         string_of(day, "status"));
    step_amount(world, int_of(json_object_get(day, "terminals"), "amount"), taken, "the terminal counted");
}

void day_counter(struct world *world, struct day *day)
{
    int64_t taken = 0;
    const char *cookie = sign_in(world, "cashier");
    if (!step(world, cookie != NULL, "the cashier signs in"))
        return;
    json_t *shift = as_staff(
        world, cookie, "POST", "/v1/shifts",
        arena_printf(&world->arena, "{\"agency\":\"%s\",\"desk\":\"Quầy 1\",\"float\":%d}", agency, FLOAT), 201);
    step(world, shift != NULL, "the shift is opened with a float of 200.000 đ");
    for (int i = 1; i <= CARDS; i++)
        taken += one_card(world, day, cookie, i);
    terminal_totals(world, taken);
    const char *path = arena_printf(&world->arena, "/v1/shifts/%lld", (long long)int_of(shift, "id"));
    json_t *blind = as_staff(world, cookie, "GET", path, "", 200);
    step(world, blind && json_is_null(json_object_get(blind, "expected")), "before the count nobody is told the sum");
    json_t *counted = as_staff(world, cookie, "POST", arena_printf(&world->arena, "%s/count", path),
                               arena_printf(&world->arena, "{\"cash\":%d}", FLOAT), 200);
    step(world, counted && json_is_integer(json_object_get(counted, "difference")) && !int_of(counted, "difference"),
         "counted: no difference");
    json_t *closed = as_staff(world, cookie, "POST", arena_printf(&world->arena, "%s/close", path), "", 200);
    step(world, closed && !strcmp(string_of(closed, "status"), "closed"), "the shift is closed");
    json_t *report = api(world, "GET", arena_printf(&world->arena, "%s/report", path), NULL, 200);
    step_amount(world, int_of(json_object_get(json_object_get(report, "totals"), "terminal"), "amount"), taken,
                "its report names both card payments");
}
