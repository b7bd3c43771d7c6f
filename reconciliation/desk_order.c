/* What a person wants done with an exception: every fault of the body by name, the rest as JSON for the database. */
#include "reconciliation/desk.h"

#include <string.h>

enum { PARTS_MAX = 100 };

enum action { MATCH, EXPLAIN, ASSIGN, SPLIT, REFUND, SUSPENSE, WRITE_OFF, REIMBURSE, APPROVE, REFUSE };
static const char *const actions[] = {"match",     "explain",   "assign",  "split",  "refund", "suspense",
                                      "write_off", "reimburse", "approve", "refuse", NULL};

static bool is_reference(struct text reference)
{
    return reference.length == 14;
}

/* Where money goes: {"reference"} or {"dossier"}; inside a split also {"payment"}. */
static void read_target(struct json_fields *in, struct json *told, bool may_be_payment)
{
    struct text reference = TEXT_NONE, dossier = TEXT_NONE;
    int64_t payment = 0;
    json_read_text(in, "reference", OPTIONAL, 14, 14, &reference);
    json_read_text(in, "dossier", OPTIONAL, 3, 60, &dossier);
    if (may_be_payment)
        json_read_int(in, "payment", OPTIONAL, 1, INT64_MAX, &payment);
    if (!in->object)
        return;
    if ((reference.length > 0) + (dossier.length > 0) + (payment > 0) != 1)
        json_fault(in, "reference", ERR_FIELD_MISSING, "Cần đúng một: mã nộp tiền, hồ sơ%s.",
                   may_be_payment ? " hoặc giao dịch" : "");
    if (is_reference(reference))
        json_put_text(told, "reference", reference);
    if (dossier.length)
        json_put_text(told, "dossier", dossier);
    if (payment)
        json_put_int(told, "payment", payment);
}

static void read_parts(struct json_fields *in, struct json *told)
{
    size_t count = json_read_array(in, "parts", REQUIRED, 2, PARTS_MAX);
    json_put_array(told, "parts");
    for (size_t i = 0; i < count; i++) {
        struct json_fields part;
        int64_t amount = 0;
        json_item_object(in, "parts", i, &part);
        json_put_object(told, NULL);
        json_read_int(&part, "amount", REQUIRED, 1, MONEY_MAX, &amount);
        read_target(&part, told, true);
        json_put_int(told, "amount", amount);
        json_put_end(told);
        if (part.object && json_close(&part))
            continue; /* its faults are kept; the next part is read all the same */
    }
    json_put_end(told);
}

/* The refund or the treasury slip that an outgoing line carried, or the payment that a line is. */
static void read_match(struct json_fields *in, struct json *told)
{
    int64_t payment = 0, refund = 0;
    struct json_fields slip;
    json_read_int(in, "payment", OPTIONAL, 1, INT64_MAX, &payment);
    json_read_int(in, "refund", OPTIONAL, 1, INT64_MAX, &refund);
    json_read_object(in, "remittance", OPTIONAL, &slip);
    if ((payment > 0) + (refund > 0) + (slip.object != NULL) > 1)
        json_fault(in, "payment", ERR_FIELD_VALUE, "Chỉ một trong payment, refund, remittance.");
    if (payment)
        json_put_int(told, "payment", payment);
    if (refund)
        json_put_int(told, "refund", refund);
    if (slip.object) {
        struct text collector = TEXT_NONE, document = TEXT_NONE;
        json_read_text(&slip, "collector", REQUIRED, 10, 14, &collector);
        json_read_text(&slip, "document", REQUIRED, 1, 60, &document);
        json_put_text(told, "collector", collector);
        json_put_text(told, "document", document);
        if (json_close(&slip))
            return;
    }
}

static void read_refund(struct json_fields *in, struct json *told)
{
    struct json_fields to;
    json_read_object(in, "refund", OPTIONAL, &to);
    if (!to.object)
        return;
    struct text account = TEXT_NONE, bank_bin = TEXT_NONE, name = TEXT_NONE;
    json_read_text(&to, "account", REQUIRED, 1, 19, &account);
    json_read_text(&to, "bank_bin", REQUIRED, 6, 6, &bank_bin);
    json_read_text(&to, "name", REQUIRED, 2, 100, &name);
    for (size_t i = 0; i < bank_bin.length; i++)
        if (bank_bin.at[i] < '0' || bank_bin.at[i] > '9') {
            json_fault(&to, "bank_bin", ERR_FIELD_FORMAT, NULL);
            break;
        }
    for (size_t i = 0; i < account.length; i++)
        if (!strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", account.at[i])) {
            json_fault(&to, "account", ERR_FIELD_FORMAT, NULL);
            break;
        }
    json_put_text(told, "account", account);
    json_put_text(told, "bank_bin", bank_bin);
    json_put_text(told, "name", name);
    if (json_close(&to))
        return;
}

/* The document by which a sum leaves suspense for good. */
static void read_decision(struct json_fields *in, struct json *told)
{
    struct json_fields decision;
    struct text number = TEXT_NONE;
    date_days day = DATE_NONE;
    json_read_object(in, "decision", REQUIRED, &decision);
    json_read_text(&decision, "number", REQUIRED, 1, 60, &number);
    json_read_date(&decision, "date", REQUIRED, &day);
    json_put_text(told, "number", number);
    if (day != DATE_NONE)
        json_put_date(told, "date", day);
    if (decision.object && json_close(&decision))
        return;
}

enum err desk_order_read(struct request *rq, struct desk_order *ret_order)
{
    struct json_fields in;
    int action = -1;
    struct desk_order order = {0};
    enum err err = json_parse(rq->body, &in, &rq->faults);
    if (err)
        return err;
    struct buf out = {0};
    struct json told = json_to(&out);
    json_put_object(&told, NULL);
    json_read_enum(&in, "action", REQUIRED, actions, &action);
    json_read_text(&in, "note", REQUIRED, 3, 500, &order.note);
    switch (action) {
    case MATCH: read_match(&in, &told); break;
    case ASSIGN: read_target(&in, &told, false); break;
    case SPLIT: read_parts(&in, &told); break;
    case REFUND: read_refund(&in, &told); break;
    case WRITE_OFF: read_decision(&in, &told); break;
    default: break;
    }
    json_put_end(&told);
    err = json_close(&in);
    if (!err) {
        order.action = actions[action];
        order.told = (struct text){arena_copy(&rq->arena, buf_view(&out)), out.length};
        order.id = ret_order->id;
        *ret_order = order;
    }
    buf_done(&out);
    return err;
}
