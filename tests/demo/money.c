/* The citizens pay, the bank calls back as banks do, and the service knows what it knows. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SHORT_BY = 5000, WAIT_S = 60 };

/* Fates are dealt by number, so that every walk is the same walk. One short, one double, one nameless. */
static enum fate fate_of(int payable)
{
    if (payable == 7)
        return FATE_SHORT;
    if (payable == 11)
        return FATE_DOUBLE;
    if (payable == 17)
        return FATE_NAMELESS;
    switch (payable % 20) {
    case 3:
    case 13: return FATE_LOST;
    case 5: return FATE_REPEATED;
    case 8: return FATE_LOWER;
    case 14: return FATE_BANK;
    case 18: return FATE_MANGLED;
    default: return FATE_PLAIN;
    }
}

static json_t *mischief_of(enum fate fate)
{
    switch (fate) {
    case FATE_LOST: return json_pack("{s:b}", "lose_webhook", 1);
    case FATE_REPEATED: return json_pack("{s:i}", "repeat", 3);
    case FATE_LOWER: return json_pack("{s:s}", "mangle_memo", "lower+split");
    case FATE_BANK: return json_pack("{s:s}", "mangle_memo", "vcb_card");
    case FATE_MANGLED: return json_pack("{s:s}", "mangle_memo", "swap_one");
    case FATE_DOUBLE: return json_pack("{s:b}", "pay_twice", 1);
    case FATE_NAMELESS: return json_pack("{s:s}", "mangle_memo", "no_reference");
    case FATE_PLAIN:
    case FATE_SHORT: break;
    }
    return json_object();
}

static bool pay(struct world *world, struct errand *e)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:o}", "payload", e->payload, "from_name", "NGUYEN THI ANH TUYET",
                             "from_account", "0071000123456", "mischief", mischief_of(e->fate));
    int64_t amount = e->fate == FATE_SHORT ? e->total - SHORT_BY : e->total;
    if (e->fate == FATE_SHORT)
        json_object_set_new(body, "amount", json_integer(amount));
    if (!sandbox(world, "POST", "/bank/pay", body, 200))
        return false;
    e->paid = e->fate == FATE_DOUBLE ? 2 * amount : amount;
    const char *status = e->fate == FATE_SHORT      ? "partly_paid"
                         : e->fate == FATE_DOUBLE   ? "overpaid"
                         : e->fate == FATE_NAMELESS ? "pending"
                                                    : "paid";
    snprintf(e->status, sizeof e->status, "%s", status);
    return true;
}

void day_pay(struct world *world, struct day *day)
{
    static const char *const names[] = {[FATE_PLAIN] = "paid",
                                        [FATE_LOST] = "paid, call-back lost",
                                        [FATE_REPEATED] = "paid, call-back repeated",
                                        [FATE_LOWER] = "paid, memo in small letters",
                                        [FATE_BANK] = "paid, memo inside a bank's text",
                                        [FATE_MANGLED] = "paid, one symbol of the memo wrong",
                                        [FATE_SHORT] = "paid 5.000 đ short",
                                        [FATE_DOUBLE] = "paid twice",
                                        [FATE_NAMELESS] = "paid without any reference"};
    int payable = 0;
    for (int i = 0; i < day->count; i++) {
        struct errand *e = &day->errands[i];
        snprintf(e->status, sizeof e->status, "%s", e->total ? "pending" : "nothing_due");
        if (!e->total || !e->request)
            continue;
        e->fate = fate_of(++payable);
        /* The one that pays short must owe more than it leaves out. */
        if (e->fate == FATE_SHORT && e->total <= SHORT_BY)
            e->fate = FATE_PLAIN;
        bool paid = pay(world, e);
        day->banked += e->paid;
        day->adrift += e->fate == FATE_SHORT || e->fate == FATE_NAMELESS ? e->paid : 0;
        step(world, paid, "%s %s", e->code, names[e->fate]);
    }
}

static const char *status_now(struct world *world, const struct errand *e)
{
    return string_of(
        api(world, "GET", arena_printf(&world->arena, "/v1/payment-requests/%lld", (long long)e->request), NULL, 200),
        "status");
}

/* Call-backs are asynchronous, as a bank's are: waits until the service says so, within a bound. */
static const char *wait_for_status(struct world *world, const struct errand *e, const char *wanted)
{
    const char *status = "";
    for (int i = 0; i < WAIT_S * 10; i++) {
        status = status_now(world, e);
        if (!strcmp(status, wanted))
            return status;
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
    }
    return status;
}

void day_confirm(struct world *world, struct day *day)
{
    for (int i = 0; i < day->count; i++) {
        const struct errand *e = &day->errands[i];
        if (!e->total)
            continue;
        /* Nobody told us of a lost one: it must still be waiting, never guessed. */
        const char *wanted = e->fate == FATE_LOST ? "pending" : e->status;
        const char *status = wait_for_status(world, e, wanted);
        step(world, !strcmp(status, wanted), "%s is %s", e->code, status);
    }
    const char *const arguments[] = {world->binary, "report", "ledger", "--date", day->date, NULL};
    struct text output;
    bool ran = run_program(world, arguments, &output) == 0;
    json_t *balances = ran ? json_loadb(output.at, output.length, 0, NULL) : NULL;
    int64_t sum = 0, clearing = 0, expected = 0;
    size_t i;
    json_t *row;
    json_array_foreach(balances, i, row)
    {
        sum += int_of(row, "balance");
        if (!strncmp(string_of(row, "account"), "clearing:", 9))
            clearing += int_of(row, "balance");
    }
    for (int k = 0; k < day->count; k++)
        expected += day->errands[k].fate == FATE_LOST ? 0 : day->errands[k].paid;
    step_amount(world, sum, 0, "the ledger adds up");
    step_amount(world, clearing, expected, "money announced and waiting for its statement");
    json_decref(balances);
}

int64_t day_settled(const struct day *day, const char *agency)
{
    int64_t sum = 0;
    for (int i = 0; i < day->count; i++) {
        const struct errand *e = &day->errands[i];
        bool settled = !strcmp(e->status, "paid") || !strcmp(e->status, "overpaid");
        if (settled && (!agency || !strcmp(agency, e->kind->agency)))
            sum += e->total;
    }
    return sum;
}
