/* Plays card terminals that speak the nexo Retailer Protocol in JSON: POST /nexo, any number of them by POIID.
 *
 * POST /terminal/behave {terminal, next, times?, delay_ms?, amount?} tells what the next payments of one do:
 *   approve       after delay_ms, as long as a person takes with a card
 *   decline       refusal by the bank
 *   busy          another transaction is under way
 *   lose          takes the money, then hangs up without an answer
 *   late          takes the money and answers after delay_ms, under way until then
 *   hang          never gets the message: waits, then hangs up
 *   other_amount  takes `amount` instead
 *   mangle        takes the money and answers something that is no answer
 *   mute          as lose, and TransactionStatus says InProgress for delay_ms more
 * GET /terminal/transactions?terminal= lists what moved money, for tests that count. */
#include "tests/sandbox/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGES_MAX = 4096, PLANS_MAX = 64, ID_SIZE = 64, LATEST_S = 40 };

static const char *const doings[] = {"approve", "decline", "busy", "lose",         "late",
                                     "hang",    "mangle",  "mute", "other_amount", NULL};
enum doing { APPROVE, DECLINE, BUSY, LOSE, LATE, HANG, MANGLE, MUTE, OTHER_AMOUNT };

enum step { UNDER_WAY, APPROVED, REFUSED, STOPPED };

struct message {
    char terminal[ID_SIZE], sale[ID_SIZE], service[ID_SIZE], at[INSTANT_TEXT_SIZE];
    bool reversal;
    enum step step;
    int64_t number, amount, quiet_until_us;
    bool stop_asked, reversed, counted, reversal_counted;
};

struct plan {
    char terminal[ID_SIZE];
    int doing;
    int64_t times, delay_ms, amount;
};

struct day {
    char terminal[ID_SIZE];
    int64_t number, count, amount, back_count, back_amount;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static struct message messages[MESSAGES_MAX];
static struct plan plans[PLANS_MAX];
static struct day days[PLANS_MAX];
static size_t message_count;
static int64_t transaction_number = 1000, day_number = 500;

struct asked {
    struct visit *visit;
    json_t *body; /* the …Request object */
    const char *category, *sale, *service, *terminal;
};

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

static json_t *header_of(const char *category, const char *service, const char *sale, const char *terminal)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "ProtocolVersion", "3.0", "MessageClass", "Service",
                     "MessageCategory", category, "MessageType", "Response", "ServiceID", service, "SaleID", sale,
                     "POIID", terminal);
}

static void answer(const struct asked *a, json_t *body)
{
    json_t *envelope = json_pack("{s:{s:o,s:o}}", "SaleToPOIResponse", "MessageHeader",
                                 header_of(a->category, a->service, a->sale, a->terminal),
                                 arena_printf(&a->visit->arena, "%sResponse", a->category), body);
    char *text = json_dumps(envelope, JSON_COMPACT);
    buf_string(&a->visit->reply, text);
    free(text);
    json_decref(envelope);
}

static json_t *failure(const char *condition)
{
    return json_pack("{s:{s:s,s:s}}", "Response", "Result", "Failure", "ErrorCondition", condition);
}

static json_t *transaction_of(const struct message *m)
{
    char number[32];
    snprintf(number, sizeof number, "T%lld", (long long)m->number);
    return json_pack("{s:{s:s,s:s}}", "POITransactionID", "TransactionID", number, "TimeStamp", m->at);
}

/* What a terminal says of a payment or reversal that has ended. */
static json_t *outcome(const struct message *m)
{
    if (m->step == STOPPED || m->step == REFUSED) {
        json_t *body = failure(m->step == STOPPED ? "Aborted" : "Refusal");
        json_object_set_new(body, "POIData", transaction_of(m));
        return body;
    }
    json_t *body = json_pack("{s:{s:s},s:o}", "Response", "Result", "Success", "POIData", transaction_of(m));
    if (m->reversal)
        return body;
    char approval[32];
    snprintf(approval, sizeof approval, "%06lld", (long long)(m->number * 7919 % 1000000));
    json_object_set_new(body, "PaymentResult",
                        json_pack("{s:{s:s,s:I},s:{s:{s:s,s:s}},s:{s:s}}", "AmountsResp", "Currency", "VND",
                                  "AuthorizedAmount", (json_int_t)m->amount, "PaymentInstrumentData", "CardData",
                                  "PaymentBrand", "NAPAS", "MaskedPan", "970436 **** 4321", "PaymentAcquirerData",
                                  "ApprovalCode", approval));
    return body;
}

/* ---- payments -----------------------------------------------------------------------------------------------------
 */

static int64_t now_us(void)
{
    return clock_monotonic_us();
}

/* Under the lock. */
static struct message *message_of(const char *terminal, const char *sale, const char *service)
{
    for (size_t i = 0; i < message_count; i++)
        if (!strcmp(messages[i].terminal, terminal) && !strcmp(messages[i].sale, sale) &&
            !strcmp(messages[i].service, service))
            return &messages[i];
    return NULL;
}

static struct message *begin(const struct asked *a, int64_t amount)
{
    if (message_count == MESSAGES_MAX)
        return NULL;
    struct message *m = &messages[message_count++];
    snprintf(m->terminal, sizeof m->terminal, "%s", a->terminal);
    snprintf(m->sale, sizeof m->sale, "%s", a->sale);
    snprintf(m->service, sizeof m->service, "%s", a->service);
    m->number = ++transaction_number;
    m->amount = amount;
    m->step = UNDER_WAY;
    instant_format(clock_now(), m->at);
    return m;
}

static struct plan take_plan(const char *terminal)
{
    struct plan taken = {.doing = APPROVE};
    for (size_t i = 0; i < PLANS_MAX; i++)
        if (plans[i].times > 0 && !strcmp(plans[i].terminal, terminal)) {
            taken = plans[i];
            plans[i].times--;
            break;
        }
    return taken;
}

/* Waits under the lock as long as a card takes, or until somebody aborts it. */
static void wait_for_card(struct message *m, int64_t delay_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    if (delay_ms > LATEST_S * 1000)
        delay_ms = LATEST_S * 1000;
    until.tv_sec += delay_ms / 1000;
    until.tv_nsec += delay_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!m->stop_asked && delay_ms > 0 && pthread_cond_timedwait(&moved, &lock, &until) != ETIMEDOUT)
        ;
}

static bool busy_with_another(const struct asked *a)
{
    for (size_t i = 0; i < message_count; i++)
        if (messages[i].step == UNDER_WAY && !strcmp(messages[i].terminal, a->terminal))
            return true;
    return false;
}

static void pay(const struct asked *a)
{
    int64_t amount = 0;
    const char *currency = "";
    json_unpack(a->body, "{s:{s:{s:s,s:I}}}", "PaymentTransaction", "AmountsReq", "Currency", &currency,
                "RequestedAmount", &amount);
    if (strcmp(currency, "VND") || amount <= 0) {
        answer(a, failure("MessageFormat"));
        return;
    }
    pthread_mutex_lock(&lock);
    struct plan plan = take_plan(a->terminal);
    struct message *m = NULL;
    if (plan.doing != HANG && plan.doing != BUSY && !busy_with_another(a) &&
        !message_of(a->terminal, a->sale, a->service))
        m = begin(a, plan.doing == OTHER_AMOUNT ? plan.amount : amount);
    if (m) {
        wait_for_card(m, plan.delay_ms);
        m->step = m->stop_asked ? STOPPED : plan.doing == DECLINE ? REFUSED : APPROVED;
        if (plan.doing == MUTE)
            m->quiet_until_us = now_us() + plan.delay_ms * 1000;
    }
    json_t *said = m ? outcome(m) : plan.doing == HANG ? NULL : failure("Busy");
    pthread_mutex_unlock(&lock);
    if (plan.doing == HANG)
        mischief_hang();
    a->visit->hang_up = plan.doing == HANG || (m && (plan.doing == LOSE || plan.doing == MUTE));
    if (plan.doing == MANGLE)
        buf_string(&a->visit->reply, "{\"SaleToPOIResponse\":{\"MessageHeader\":{\"ServiceID\":\"?\"}}}");
    if (said && plan.doing != MANGLE && !a->visit->hang_up)
        answer(a, said);
    else
        json_decref(said);
}

static void reverse(const struct asked *a)
{
    const char *transaction = "";
    json_unpack(a->body, "{s:{s:{s:s}}}", "OriginalPOITransaction", "POITransactionID", "TransactionID", &transaction);
    int64_t number = strtoll(*transaction == 'T' ? transaction + 1 : "0", NULL, 10);
    pthread_mutex_lock(&lock);
    struct plan plan = take_plan(a->terminal);
    struct message *m = NULL, *original = NULL;
    for (size_t i = 0; i < message_count && !original; i++)
        if (messages[i].number == number && !strcmp(messages[i].terminal, a->terminal) &&
            messages[i].step == APPROVED && !messages[i].reversal && !messages[i].reversed)
            original = &messages[i];
    if (original)
        m = begin(a, original->amount);
    if (m) {
        m->reversal = true;
        m->step = plan.doing == DECLINE ? REFUSED : APPROVED;
        original->reversed = m->step == APPROVED;
    }
    json_t *said = m ? outcome(m) : failure("NotFound");
    pthread_mutex_unlock(&lock);
    a->visit->hang_up = plan.doing == LOSE;
    if (a->visit->hang_up)
        json_decref(said);
    else
        answer(a, said);
}

static void status(const struct asked *a)
{
    const char *sale = "", *service = "", *category = "";
    json_unpack(a->body, "{s:{s:s,s:s,s:s}}", "MessageReference", "SaleID", &sale, "ServiceID", &service,
                "MessageCategory", &category);
    json_t *body;
    pthread_mutex_lock(&lock);
    struct message *m = message_of(a->terminal, sale, service);
    if (!m)
        body = failure("NotFound");
    else if (m->step == UNDER_WAY || now_us() < m->quiet_until_us)
        body = failure("InProgress");
    else
        body =
            json_pack("{s:{s:s},s:{s:o,s:{s:o}}}", "Response", "Result", "Success", "RepeatedMessageResponse",
                      "MessageHeader", header_of(m->reversal ? "Reversal" : "Payment", service, sale, a->terminal),
                      "RepeatedResponseMessageBody", m->reversal ? "ReversalResponse" : "PaymentResponse", outcome(m));
    pthread_mutex_unlock(&lock);
    answer(a, body);
}

static void stop(const struct asked *a)
{
    const char *sale = "", *service = "";
    json_unpack(a->body, "{s:{s:s,s:s}}", "MessageReference", "SaleID", &sale, "ServiceID", &service);
    pthread_mutex_lock(&lock);
    struct message *m = message_of(a->terminal, sale, service);
    if (m)
        m->stop_asked = true;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    answer(a, json_pack("{s:{s:s}}", "Response", "Result", "Success"));
}

static struct day *day_of(const char *terminal)
{
    size_t i = 0;
    while (i < PLANS_MAX && days[i].terminal[0] && strcmp(days[i].terminal, terminal))
        i++;
    if (i == PLANS_MAX)
        return NULL;
    snprintf(days[i].terminal, sizeof days[i].terminal, "%s", terminal);
    return &days[i];
}

static json_t *totals_of(const struct day *d)
{
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)d->number);
    return json_pack("{s:{s:s},s:s,s:[{s:s,s:[{s:s,s:I,s:I},{s:s,s:I,s:I}]}]}", "Response", "Result", "Success",
                     "POIReconciliationID", number, "TransactionTotals", "PaymentInstrumentType", "Card",
                     "PaymentTotals", "TransactionType", "Debit", "TransactionCount", (json_int_t)d->count,
                     "TransactionAmount", (json_int_t)d->amount, "TransactionType", "ReverseDebit", "TransactionCount",
                     (json_int_t)d->back_count, "TransactionAmount", (json_int_t)d->back_amount);
}

static void reconcile(const struct asked *a)
{
    const char *type = "";
    json_unpack(a->body, "{s:s}", "ReconciliationType", &type);
    bool again = !strcmp(type, "PreviousReconciliation");
    pthread_mutex_lock(&lock);
    struct plan plan = again ? (struct plan){0} : take_plan(a->terminal);
    struct day *d = day_of(a->terminal);
    if (d && !again) {
        *d = (struct day){.number = ++day_number};
        snprintf(d->terminal, sizeof d->terminal, "%s", a->terminal);
        for (size_t i = 0; i < message_count; i++) {
            struct message *m = &messages[i];
            if (m->step != APPROVED || m->counted || strcmp(m->terminal, a->terminal))
                continue;
            m->counted = true;
            *(m->reversal ? &d->back_count : &d->count) += 1;
            *(m->reversal ? &d->back_amount : &d->amount) += m->amount;
        }
        if (plan.doing == OTHER_AMOUNT)
            d->amount += plan.amount;
    }
    json_t *said = d && d->number ? totals_of(d) : failure("NotFound");
    pthread_mutex_unlock(&lock);
    a->visit->hang_up = plan.doing == LOSE;
    if (a->visit->hang_up)
        json_decref(said);
    else
        answer(a, said);
}

/* ---- roads --------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *category;
    void (*act)(const struct asked *asked);
} acts[] = {{"Payment", pay},
            {"Reversal", reverse},
            {"TransactionStatus", status},
            {"Abort", stop},
            {"Reconciliation", reconcile}};

static void release(void *json)
{
    json_decref(json);
}

static void nexo(struct visit *visit)
{
    struct text raw = buf_view(&visit->body);
    json_t *root = json_loadb(raw.at ? raw.at : "", raw.length, JSON_REJECT_DUPLICATES, NULL);
    struct asked a = {.visit = visit};
    const char *type = "";
    if (root)
        arena_on_done(&visit->arena, release, root);
    if (!root || json_unpack(root, "{s:{s:{s:s,s:s,s:s,s:s,s:s}}}", "SaleToPOIRequest", "MessageHeader",
                             "MessageCategory", &a.category, "MessageType", &type, "ServiceID", &a.service, "SaleID",
                             &a.sale, "POIID", &a.terminal)) {
        visit_refuse(visit, 400, "bad_message", "SaleToPOIRequest, MessageHeader");
        return;
    }
    size_t service = strlen(a.service);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(acts[i].category, a.category))
            continue;
        a.body = json_object_get(json_object_get(root, "SaleToPOIRequest"),
                                 arena_printf(&visit->arena, "%sRequest", a.category));
        if (!a.body || strcmp(type, "Request") || service < 1 || service > 10) {
            answer(&a, failure("MessageFormat"));
            return;
        }
        acts[i].act(&a);
        return;
    }
    answer(&a, failure("NotAllowed"));
}

static void behave(struct visit *visit)
{
    struct json_fields in;
    struct text terminal = TEXT_NONE;
    struct plan plan = {.times = 1};
    enum err err = json_parse(buf_view(&visit->body), &in, &visit->faults);
    if (!err) {
        json_read_text(&in, "terminal", REQUIRED, 1, ID_SIZE - 1, &terminal);
        json_read_enum(&in, "next", REQUIRED, doings, &plan.doing);
        json_read_int(&in, "times", OPTIONAL, 1, 1000000, &plan.times);
        json_read_int(&in, "delay_ms", OPTIONAL, 0, LATEST_S * 1000, &plan.delay_ms);
        json_read_int(&in, "amount", OPTIONAL, 1, INT64_MAX, &plan.amount);
        err = json_close(&in);
    }
    size_t i = 0;
    pthread_mutex_lock(&lock);
    while (!err && i < PLANS_MAX && plans[i].times > 0)
        i++;
    if (!err && i < PLANS_MAX && terminal.length < ID_SIZE) {
        plans[i] = plan;
        snprintf(plans[i].terminal, ID_SIZE, "%.*s", TEXT_ARGS(terminal));
    }
    pthread_mutex_unlock(&lock);
    if (err || i == PLANS_MAX)
        visit_refuse(visit, 422, "invalid_request", "terminal, next, times, delay_ms, amount");
    else
        buf_string(&visit->reply, "{\"planned\":true}");
}

static void transactions(struct visit *visit)
{
    static const char *const steps[] = {"under_way", "approved", "refused", "stopped"};
    struct text terminal = visit_query(visit, "terminal");
    struct json json = json_to(&visit->reply);
    json_put_object(&json, NULL);
    json_put_array(&json, "items");
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < message_count; i++) {
        const struct message *m = &messages[i];
        if (terminal.length && !text_is(terminal, m->terminal))
            continue;
        json_put_object(&json, NULL);
        json_put_string(&json, "terminal", m->terminal);
        json_put_string(&json, "service", m->service);
        json_put_string(&json, "kind", m->reversal ? "reversal" : "payment");
        json_put_string(&json, "state", steps[m->step]);
        json_put_int(&json, "amount", m->amount);
        json_put_end(&json);
    }
    pthread_mutex_unlock(&lock);
    json_put_end(&json);
    json_put_end(&json);
}

const struct road terminal_roads[] = {{"POST", "/nexo", nexo},
                                      {"POST", "/terminal/behave", behave},
                                      {"GET", "/terminal/transactions", transactions},
                                      {0}};
