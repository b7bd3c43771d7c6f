/* nexo Retailer Protocol 3.0 in JSON, as card terminals speak it in a shop's own network.
 *
 * Envelope SaleToPOIRequest / SaleToPOIResponse with a MessageHeader; an answer belongs to a question when category,
 * SaleID, POIID and ServiceID are its own. Result says what happened; ErrorCondition says why not. An answer without a
 * Result, or in another currency, says nothing: it is asked for again by TransactionStatus. */
#include <stdlib.h>
#include "payments/sources/terminal.h"

enum { ID_MAX = 60, WORD_MAX = 40, TOTALS_MAX = 32 };

static const char *const categories[TERMINAL_ACT_COUNT] = {[TERMINAL_PAY] = "Payment",
                                                           [TERMINAL_ABORT] = "Abort",
                                                           [TERMINAL_STATUS] = "TransactionStatus",
                                                           [TERMINAL_REVERSE] = "Reversal",
                                                           [TERMINAL_RECONCILE] = "Reconciliation",
                                                           [TERMINAL_TOTALS] = "Reconciliation"};

/* Writing -----------------------------------------------------------------------------------------------------------
 */

static void put_reference(struct json *json, const struct terminal_order *o)
{
    json_put_object(json, "MessageReference");
    json_put_string(json, "MessageCategory", categories[o->about_act]);
    json_put_text(json, "SaleID", o->sale);
    json_put_text(json, "ServiceID", o->about);
    json_put_end(json);
}

static void put_payment(struct json *json, const struct terminal_order *o)
{
    json_put_object(json, "SaleData");
    json_put_object(json, "SaleTransactionID");
    json_put_text(json, "TransactionID", o->order);
    json_put_instant(json, "TimeStamp", o->at);
    json_put_end(json);
    json_put_end(json);
    json_put_object(json, "PaymentTransaction");
    json_put_object(json, "AmountsReq");
    json_put_string(json, "Currency", "VND");
    json_put_int(json, "RequestedAmount", o->amount);
    json_put_end(json);
    json_put_end(json);
}

static void put_reversal(struct json *json, const struct terminal_order *o)
{
    json_put_object(json, "OriginalPOITransaction");
    json_put_object(json, "POITransactionID");
    json_put_text(json, "TransactionID", o->transaction);
    json_put_text(json, "TimeStamp", o->transaction_at);
    json_put_end(json);
    json_put_end(json);
    json_put_string(json, "ReversalReason", "MerchantCancel");
    json_put_int(json, "ReversedAmount", o->amount);
}

static void write(enum terminal_act act, const struct terminal_order *o, struct buf *out)
{
    static const char *const requests[TERMINAL_ACT_COUNT] = {[TERMINAL_PAY] = "PaymentRequest",
                                                             [TERMINAL_ABORT] = "AbortRequest",
                                                             [TERMINAL_STATUS] = "TransactionStatusRequest",
                                                             [TERMINAL_REVERSE] = "ReversalRequest",
                                                             [TERMINAL_RECONCILE] = "ReconciliationRequest",
                                                             [TERMINAL_TOTALS] = "ReconciliationRequest"};
    struct json json = json_to(out);
    json_put_object(&json, NULL);
    json_put_object(&json, "SaleToPOIRequest");
    json_put_object(&json, "MessageHeader");
    json_put_string(&json, "ProtocolVersion", "3.0");
    json_put_string(&json, "MessageClass", "Service");
    json_put_string(&json, "MessageCategory", categories[act]);
    json_put_string(&json, "MessageType", "Request");
    json_put_text(&json, "ServiceID", o->service);
    json_put_text(&json, "SaleID", o->sale);
    json_put_text(&json, "POIID", o->terminal);
    json_put_end(&json);
    json_put_object(&json, requests[act]);
    switch (act) {
    case TERMINAL_PAY: put_payment(&json, o); break;
    case TERMINAL_REVERSE: put_reversal(&json, o); break;
    case TERMINAL_ABORT:
        put_reference(&json, o);
        json_put_string(&json, "AbortReason", "MerchantAbort");
        break;
    case TERMINAL_STATUS:
        put_reference(&json, o);
        json_put_bool(&json, "ReceiptReprintFlag", false);
        break;
    case TERMINAL_RECONCILE: json_put_string(&json, "ReconciliationType", "SaleReconciliation"); break;
    case TERMINAL_TOTALS: json_put_string(&json, "ReconciliationType", "PreviousReconciliation"); break;
    case TERMINAL_ACT_COUNT: break;
    }
    json_put_end(&json);
    json_put_end(&json);
    json_put_end(&json);
}

/* Reading -----------------------------------------------------------------------------------------------------------
 */

struct reading {
    struct arena *arena;
    struct faults *faults;
};

static const json_t *child(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}

/* A word of the terminal: cut, control characters gone; at NULL when absent or no string. */
static struct text word(const struct reading *in, const json_t *object, const char *key, size_t max)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return TEXT_NONE;
    struct text cut = text_head((struct text){json_string_value(value), json_string_length(value)}, max);
    char *to = arena_copy(in->arena, cut);
    for (size_t i = 0; i < cut.length; i++)
        if ((unsigned char)to[i] < ' ' || to[i] == 0x7f)
            to[i] = ' ';
    return text_trim((struct text){to, cut.length});
}

/* nexo writes amounts as JSON numbers: 150000, and from some terminals 150000.00. Only whole đồng are an amount; the
 * digits are read as text, no floating point is computed with. */
static bool whole(const struct reading *in, const json_t *value, int64_t *ret)
{
    int64_t amount;
    if (json_is_integer(value)) {
        amount = json_integer_value(value);
    } else if (json_is_real(value)) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
        struct text fraction,
            digits = text_until(text_of(dumped ? arena_copy(in->arena, text_of(dumped)) : ""), '.', &fraction);
        free(dumped);
        for (size_t i = 0; i < fraction.length; i++)
            if (fraction.at[i] != '0')
                return false;
        if (!text_to_int64(digits, &amount))
            return false;
    } else {
        return false;
    }
    if (amount < 0 || amount > MONEY_MAX)
        return false;
    *ret = amount;
    return true;
}

static bool is(const json_t *object, const char *key, struct text expected)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) &&
           text_equal((struct text){json_string_value(value), json_string_length(value)}, expected);
}

static enum err odd(const struct reading *in, const char *where)
{
    return faults_add(in->faults, where, ERR_INVALID, "Máy trả lời không hiểu được ở %s", where);
}

/* Result and ErrorCondition of one Response. ERR_INVALID without a Result. */
static enum err read_result(const struct reading *in, const json_t *body, struct terminal_told *told)
{
    static const struct {
        const char *condition;
        enum terminal_state state;
    } failures[] = {{"InProgress", TERMINAL_PENDING},
                    {"NotFound", TERMINAL_ABSENT},
                    {"Aborted", TERMINAL_ABORTED},
                    {"Cancel", TERMINAL_ABORTED}};
    const json_t *response = child(body, "Response");
    if (!response)
        return odd(in, "Response");
    told->code = word(in, response, "ErrorCondition", WORD_MAX);
    if (is(response, "Result", TEXT("Success")) || is(response, "Result", TEXT("Partial"))) {
        told->state = TERMINAL_DONE;
        return OK;
    }
    if (!is(response, "Result", TEXT("Failure")))
        return odd(in, "Response/Result");
    told->state = TERMINAL_DECLINED;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (text_is(told->code, failures[i].condition))
            told->state = failures[i].state;
    return OK;
}

static void read_transaction(const struct reading *in, const json_t *body, struct terminal_told *told)
{
    const json_t *id = child(child(body, "POIData"), "POITransactionID");
    told->transaction = word(in, id, "TransactionID", ID_MAX);
    told->transaction_at = word(in, id, "TimeStamp", ID_MAX);
}

static enum err read_payment(const struct reading *in, const json_t *body, struct terminal_told *told)
{
    enum err err = read_result(in, body, told);
    if (err)
        return err;
    if (told->state == TERMINAL_ABSENT) /* of a payment itself it means the card's transaction, not our message */
        told->state = TERMINAL_DECLINED;
    read_transaction(in, body, told);
    if (told->state != TERMINAL_DONE)
        return OK;
    const json_t *result = child(body, "PaymentResult"), *amounts = child(result, "AmountsResp"),
                 *card = child(child(result, "PaymentInstrumentData"), "CardData");
    const json_t *currency = json_object_get(amounts, "Currency");
    if (currency && !is(amounts, "Currency", TEXT("VND")))
        return odd(in, "AmountsResp/Currency");
    if (!whole(in, json_object_get(amounts, "AuthorizedAmount"), &told->amount) || told->amount == 0)
        return odd(in, "AmountsResp/AuthorizedAmount");
    if (!told->transaction.length)
        return odd(in, "POIData/POITransactionID");
    told->card = word(in, card, "MaskedPan", WORD_MAX);
    if (!told->card.length)
        told->card = word(in, card, "MaskedPAN", WORD_MAX);
    told->approval = word(in, child(result, "PaymentAcquirerData"), "ApprovalCode", WORD_MAX);
    return OK;
}

static enum err read_reversal(const struct reading *in, const json_t *body, struct terminal_told *told)
{
    enum err err = read_result(in, body, told);
    if (err)
        return err;
    if (told->state == TERMINAL_ABSENT)
        told->state = TERMINAL_DECLINED;
    read_transaction(in, body, told);
    return OK;
}

/* The repeated answer must be of the message that was asked about. */
static enum err read_status(const struct reading *in, const struct terminal_order *o, const json_t *body,
                            struct terminal_told *told)
{
    enum err err = read_result(in, body, told);
    if (err)
        return err;
    if (told->state != TERMINAL_DONE) {
        if (told->state != TERMINAL_PENDING && told->state != TERMINAL_ABSENT)
            told->state = TERMINAL_UNTOLD; /* busy, logged out, out of order: of the payment it says nothing */
        return OK;
    }
    const json_t *repeated = child(body, "RepeatedMessageResponse"), *header = child(repeated, "MessageHeader"),
                 *inside = child(repeated, "RepeatedResponseMessageBody");
    if (!is(header, "ServiceID", o->about) || !is(header, "SaleID", o->sale) ||
        !is(header, "MessageCategory", text_of(categories[o->about_act])))
        return odd(in, "RepeatedMessageResponse/MessageHeader");
    if (o->about_act == TERMINAL_REVERSE)
        return read_reversal(in, child(inside, "ReversalResponse"), told);
    return read_payment(in, child(inside, "PaymentResponse"), told);
}

static enum err read_totals(const struct reading *in, const json_t *body, struct terminal_told *told)
{
    enum err err = read_result(in, body, told);
    if (err)
        return err;
    if (told->state != TERMINAL_DONE) {
        told->state = TERMINAL_UNTOLD;
        return OK;
    }
    const json_t *reference = json_object_get(body, "POIReconciliationID");
    int64_t number;
    told->reference = word(in, body, "POIReconciliationID", ID_MAX);
    if (whole(in, reference, &number))
        told->reference = arena_textf(in->arena, "%lld", (long long)number);
    if (!told->reference.length)
        return odd(in, "POIReconciliationID");
    const json_t *totals = json_object_get(body, "TransactionTotals");
    for (size_t i = 0; i < json_array_size(totals) && i < TOTALS_MAX; i++) {
        const json_t *lines = json_object_get(json_array_get(totals, i), "PaymentTotals");
        for (size_t k = 0; k < json_array_size(lines) && k < TOTALS_MAX; k++) {
            const json_t *line = json_array_get(lines, k);
            struct terminal_totals *t = &told->totals;
            bool debit = is(line, "TransactionType", TEXT("Debit")),
                 back = is(line, "TransactionType", TEXT("ReverseDebit"));
            int64_t count, amount;
            if (!debit && !back)
                continue; /* declined and failed ones move nothing */
            if (!whole(in, json_object_get(line, "TransactionCount"), &count) || count > INT32_MAX ||
                !whole(in, json_object_get(line, "TransactionAmount"), &amount))
                return odd(in, "TransactionTotals");
            if (money_add(debit ? t->amount : t->reversed_amount, amount, debit ? &t->amount : &t->reversed_amount))
                return odd(in, "TransactionTotals");
            *(debit ? &t->count : &t->reversed_count) += count;
        }
    }
    return told->totals.count <= INT32_MAX && told->totals.reversed_count <= INT32_MAX ? OK
                                                                                       : odd(in, "TransactionTotals");
}

static enum err read(enum terminal_act act, const struct terminal_order *o, struct text bytes, struct arena *arena,
                     struct faults *faults, struct terminal_told *ret_told)
{
    static const char *const responses[TERMINAL_ACT_COUNT] = {[TERMINAL_PAY] = "PaymentResponse",
                                                              [TERMINAL_ABORT] = "AbortResponse",
                                                              [TERMINAL_STATUS] = "TransactionStatusResponse",
                                                              [TERMINAL_REVERSE] = "ReversalResponse",
                                                              [TERMINAL_RECONCILE] = "ReconciliationResponse",
                                                              [TERMINAL_TOTALS] = "ReconciliationResponse"};
    const struct reading in = {arena, faults};
    struct terminal_told told = {.state = TERMINAL_UNTOLD};
    json_t *root = NULL;
    if (act == TERMINAL_ABORT) { /* some terminals answer an Abort with an empty body: nothing hangs on it */
        *ret_told = told;
        return OK;
    }
    enum err err = json_parse_value(bytes, &root, faults);
    if (err)
        return err;
    const json_t *envelope = child(root, "SaleToPOIResponse"), *header = child(envelope, "MessageHeader");
    if (!is(header, "MessageType", TEXT("Response")) || !is(header, "MessageCategory", text_of(categories[act])) ||
        !is(header, "ServiceID", o->service) || !is(header, "SaleID", o->sale) || !is(header, "POIID", o->terminal))
        return odd(&in, "MessageHeader");
    const json_t *body = child(envelope, responses[act]);
    switch (act) {
    case TERMINAL_PAY: err = read_payment(&in, body, &told); break;
    case TERMINAL_STATUS: err = read_status(&in, o, body, &told); break;
    case TERMINAL_REVERSE: err = read_reversal(&in, body, &told); break;
    default: err = read_totals(&in, body, &told);
    }
    if (!err)
        *ret_told = told;
    return err;
}

static const struct terminal_driver nexo = {
    .name = "nexo", .content_type = "application/json", .write = write, .read = read};
static const struct terminal_driver *const drivers[] = {&nexo};

const struct terminal_driver *terminal_driver_find(struct text name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (text_is(name, drivers[i]->name))
            return drivers[i];
    return NULL;
}
