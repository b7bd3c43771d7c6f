/* End of day: the bank's statements, every line explained, and the book of the day added up again from outside. */
#include "tests/demo/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The bank's own account of the day: what we are held to. */
static int64_t bank_total(struct world *world, const struct day *day, const char *account)
{
    json_t *list =
        sandbox(world, "GET", arena_printf(&world->arena, "/bank/transactions?account=%s&date=%s", account, day->date),
                NULL, 200);
    json_t *items = json_is_array(list) ? list : json_object_get(list, "items");
    int64_t sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(items, i, row) sum += int_of(row, "amount");
    return sum;
}

static void import_statements(struct world *world, const struct day *day)
{
    int64_t banked = 0;
    for (int i = 0; i < day->account_count; i++) {
        const char *account = day->accounts[i];
        banked += bank_total(world, day, account);
        struct http_answer mt940 = call(world, "GET",
                                        arena_printf(&world->arena, "%s/bank/statement?account=%s&date=%s&format=mt940",
                                                     world->sandbox_url, account, day->date),
                                        NULL, TEXT_NONE);
        keep_file(world, arena_printf(&world->arena, "%s.mt940", account), mt940.body);
        struct http_answer told = call(world, "POST", arena_printf(&world->arena, "%s/v1/statements", world->url),
                                       "application/octet-stream", mt940.body);
        step(world, told.status == 201 || told.status == 200, "MT940 of account %s imported", account);
        struct http_answer again = call(world, "POST", arena_printf(&world->arena, "%s/v1/statements", world->url),
                                        "application/octet-stream", mt940.body);
        step(world, again.status == 200, "the same statement again adds nothing");
    }
    step_amount(world, banked, day->banked, "the bank's books hold what the citizens paid");
}

static json_t *reconcile(struct world *world, const struct day *day)
{
    const char *const arguments[] = {world->binary, "reconcile", "--date", day->date, NULL};
    struct text output;
    if (run_program(world, arguments, &output))
        return NULL;
    return json_loadb(output.at, output.length, 0, NULL);
}

static int count_fate(const struct day *day, enum fate fate)
{
    int count = 0;
    for (int i = 0; i < day->count; i++)
        count += day->errands[i].paid && day->errands[i].fate == fate;
    return count;
}

/* The sum of a member over the rows of a list. */
static int64_t sum_of(json_t *rows, const char *member)
{
    int64_t sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) sum += int_of(row, member);
    return sum;
}

static bool every_invariant_holds(json_t *run)
{
    const char *name;
    json_t *value;
    json_t *invariants = json_object_get(run, "invariants");
    bool holds = json_object_size(invariants) > 0;
    json_object_foreach(invariants, name, value) holds = holds && json_is_true(value);
    return holds;
}

void day_reconcile(struct world *world, struct day *day)
{
    import_statements(world, day);
    json_t *run = reconcile(world, day);
    if (!step(world, run != NULL, "lephi reconcile --date %s", day->date))
        return;
    int transfers = 0;
    for (int i = 0; i < day->count; i++)
        transfers += day->errands[i].paid ? day->errands[i].fate == FATE_DOUBLE ? 2 : 1 : 0;
    json_t *lines = json_object_get(run, "lines"), *matched = json_object_get(run, "matched");
    int64_t excepted = sum_of(json_object_get(run, "exceptions"), "count");
    step(world, int_of(lines, "count") == transfers, "%lld statement lines for %d transfers",
         (long long)int_of(lines, "count"), transfers);
    step(world, sum_of(matched, "count") + excepted == transfers, "%lld lines matched, %lld explained as exceptions",
         (long long)sum_of(matched, "count"), (long long)excepted);
    step_amount(world, int_of(lines, "plus"), day->banked, "the lines hold what the citizens paid");
    step(world, int_of(json_object_get(run, "healed"), "count") == count_fate(day, FATE_LOST),
         "%d lost call-backs healed from the statement", count_fate(day, FATE_LOST));
    step(world, every_invariant_holds(run), "every line has one fate");
    json_t *again = reconcile(world, day);
    step(world, again && json_equal(again, run), "a second run changes nothing");
    json_decref(run);
    json_decref(again);

    /* Every exception has a reason a person understands; the nameless transfer is one. */
    json_t *list = api(world, "GET", "/v1/exceptions?limit=500", NULL, 200);
    size_t i;
    json_t *exception;
    int nameless = 0, unexplained = 0, all = 0;
    json_array_foreach(json_object_get(list, "items"), i, exception)
    {
        nameless += !strcmp(string_of(exception, "reason"), "no_reference");
        unexplained += !*string_of(exception, "explanation");
        all++;
    }
    step(world, nameless == 1, "%d exception for money without a reference", nameless);
    step(world, all == 1 && !unexplained, "%d exception in all, each with its reason in words", all);
}

static void statuses_of_the_evening(struct world *world, struct day *day)
{
    for (int i = 0; i < day->count; i++) {
        const struct errand *e = &day->errands[i];
        if (!e->request)
            continue;
        json_t *now = api(world, "GET", arena_printf(&world->arena, "/v1/payment-requests/%lld", (long long)e->request),
                          NULL, 200);
        if (strcmp(string_of(now, "status"), e->status))
            step(world, false, "%s ends the day as %s, expected %s", e->code, string_of(now, "status"), e->status);
    }
    step(world, true, "every request was looked at once more");
}

/* The amount of one key of a section of the book. */
static int64_t amount_of(json_t *book, const char *section, const char *key)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(book, section), i,
                       row) if (!strcmp(string_of(row, "key"), key)) return int_of(row, "amount");
    return 0;
}

/* What reached the bank for an agency's dossiers, as the errands tell it; the nameless transfer belongs to nobody yet.
 */
static int64_t collected_for(const struct day *day, const char *agency)
{
    int64_t sum = 0;
    for (int i = 0; i < day->count; i++)
        if (day->errands[i].fate != FATE_NAMELESS && !strcmp(day->errands[i].kind->agency, agency))
            sum += day->errands[i].paid;
    return sum;
}

static bool seen_before(const struct day *day, int index)
{
    for (int i = 0; i < index; i++)
        if (!strcmp(day->errands[i].kind->agency, day->errands[index].kind->agency))
            return true;
    return false;
}

void day_balance(struct world *world, struct day *day)
{
    statuses_of_the_evening(world, day);
    /* Receipts of healed payments follow a moment later. */
    int64_t receipts = 0;
    json_t *book = NULL;
    for (int i = 0; i < 300; i++) {
        book = api(world, "GET", arena_printf(&world->arena, "/v1/reports/daily?date=%s", day->date), NULL, 200);
        receipts = sum_of(json_object_get(book, "receipts_issued"), "amount");
        if (!book || receipts == day_settled(day, NULL))
            break;
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
    }
    step_amount(world, receipts, day_settled(day, NULL), "receipts of the day");
    step_amount(world, sum_of(json_object_get(book, "settled_requests_by_fee"), "amount"), day_settled(day, NULL),
                "settled requests, by fee");
    step_amount(world, amount_of(book, "collections_by_method", "vietqr"), day->banked, "collected by VietQR");
    for (int i = 0; i < day->count; i++)
        if (!seen_before(day, i))
            step_amount(world, amount_of(book, "collections_by_agency", day->errands[i].kind->agency),
                        collected_for(day, day->errands[i].kind->agency), "collected for %s",
                        day->errands[i].kind->agency);
    step_amount(world, sum_of(json_object_get(book, "statement_in"), "amount"), day->banked, "credited by the bank");
    step_amount(world, sum_of(json_object_get(book, "lines_matched"), "amount"), day->banked, "lines matched");
    step_amount(world, sum_of(json_object_get(book, "refunds"), "amount"),
                day->banked - day_settled(day, NULL) - day->adrift, "held to be given back");
    step(world, json_is_true(json_object_get(book, "agrees")),
         "ledger, statement, receipts and dossiers agree to the đồng");
}

/* What the authority holds of this day, summed over collectors: the sandbox counts messages, we count đồng. */
void day_tax(struct world *world, struct day *day)
{
    json_t *body = json_pack("{s:s}", "date", day->date);
    json_t *made = api(world, "POST", "/v1/receipts/summaries", body, 200);
    size_t collectors = json_array_size(json_object_get(made, "summaries")), accepted = 0;
    step(world, collectors > 0, "%zu collectors have something to tell", collectors);
    int64_t told = 0;
    for (int i = 0; i < 300 && accepted < collectors; i++) {
        size_t k;
        json_t *message;
        accepted = 0, told = 0;
        json_t *list =
            api(world, "GET", arena_printf(&world->arena, "/v1/tax-messages?date=%s&limit=500", day->date), NULL, 200);
        json_array_foreach(json_object_get(list, "items"), k, message)
        {
            bool taken = !strcmp(string_of(message, "state"), "accepted");
            accepted += taken;
            told += taken ? int_of(message, "amount") : 0;
        }
        struct timespec tenth = {0, 100000000};
        nanosleep(&tenth, NULL);
    }
    step(world, accepted == collectors, "%zu of %zu summaries accepted by the tax authority", accepted, collectors);
    step_amount(world, told, day_settled(day, NULL), "told to the tax authority");
    json_t *received = sandbox(world, "GET", "/tax/received", NULL, 200);
    step(world, json_array_size(json_object_get(received, "items")) == collectors, "the authority holds each once");
    json_t *book = api(world, "GET", arena_printf(&world->arena, "/v1/reports/receipts?date=%s", day->date), NULL, 200);
    step_amount(world, int_of(book, "total"), told, "the book of receipts says the same");
    json_t *concerns = api(world, "GET", "/v1/receipts/concerns", NULL, 200);
    step(world, !json_array_size(json_object_get(concerns, "items")), "nothing about receipts asks for a person");
}
