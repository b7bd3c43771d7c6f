/* The State Treasury's list of a day: {reconcileDate, totalTransaction, totalAmount, transactions: [{transId,
 * amount}]}. Its count and sum are control totals. Integers only; a key that stands twice is refused. */
#include "reconciliation/statement.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include "reconciliation/table/table.h"

enum { TREASURY_BYTES_MAX = 32 * 1024 * 1024 };

struct treasury {
    struct statement_gate *gate;
    struct buf bytes;
};

static void *treasury_make(struct statement_gate *gate)
{
    struct treasury *r = memory_new(sizeof *r);
    r->gate = gate;
    return r;
}

static enum err treasury_feed(void *reader, struct text bytes)
{
    struct treasury *r = reader;
    if (r->bytes.length + bytes.length > TREASURY_BYTES_MAX) {
        gate_warn(r->gate, 0, "too_large", "a Treasury list may have %d bytes", TREASURY_BYTES_MAX);
        return ERR_STATEMENT_SYNTAX;
    }
    buf_text(&r->bytes, bytes);
    return OK;
}

static bool entry_tell(struct treasury *r, const json_t *entry, int64_t ordinal, date_days on,
                       struct settlement_tail *tail)
{
    const json_t *id = json_object_get(entry, "transId"), *amount = json_object_get(entry, "amount");
    if (!json_is_string(id) || !json_string_length(id) || !json_is_integer(amount)) {
        gate_warn(r->gate, 1, "bad_line", "transaction %" PRId64 " has no transId or no whole amount", ordinal);
        return false;
    }
    struct buf clean = {0};
    grid_text_put(&clean, (struct text){json_string_value(id), json_string_length(id)});
    struct settlement_line line = {
        .line = 1,
        .table = 1,
        .ordinal = ordinal,
        .paid_on = on,
        .settled_on = on,
        .paid_at_s = -1,
        .gross = json_integer_value(amount),
        .net = json_integer_value(amount),
        .external_id = text_trim(buf_view(&clean)),
    };
    tail->lines++;
    bool fits = !__builtin_add_overflow(tail->gross, line.gross, &tail->gross);
    tail->net = tail->gross;
    if (r->gate->sink.settlement_line)
        r->gate->sink.settlement_line(r->gate->sink.with, &line);
    buf_done(&clean);
    if (!fits)
        gate_warn(r->gate, 1, "sum_overflow", "the sum of the transactions does not fit");
    return fits;
}

static enum err list_tell(struct treasury *r, const json_t *root)
{
    const json_t *said_on = json_object_get(root, "reconcileDate"), *count = json_object_get(root, "totalTransaction"),
                 *total = json_object_get(root, "totalAmount"), *list = json_object_get(root, "transactions");
    date_days on;
    struct text rest;
    if (!json_is_string(said_on) || !json_is_array(list) ||
        cell_date((struct text){json_string_value(said_on), json_string_length(said_on)}, &on, &rest) != DATE_GOOD) {
        gate_warn(r->gate, 1, "no_header", "no reconcileDate with a list of transactions");
        return ERR_STATEMENT_SYNTAX;
    }
    const struct settlement_head head = {.line = 1,
                                         .kind = SETTLEMENT_TREASURY,
                                         .issuer = TEXT("KBNN"),
                                         .profile = TEXT("treasury"),
                                         .currency = TEXT("VND"),
                                         .from = on,
                                         .to = on};
    r->gate->statements++;
    if (r->gate->sink.settlement_begin)
        r->gate->sink.settlement_begin(r->gate->sink.with, &head);
    struct settlement_tail tail = {.line = 1, .complete = true};
    for (size_t i = 0; i < json_array_size(list); i++)
        tail.complete = entry_tell(r, json_array_get(list, i), (int64_t)i + 1, on, &tail) && tail.complete;
    if (!json_is_integer(count) || json_integer_value(count) != tail.lines) {
        gate_warn(r->gate, 1, "total_mismatch", "totalTransaction does not say %" PRId64, tail.lines);
        tail.complete = false;
    }
    tail.has_credit = json_is_integer(total);
    tail.credit = tail.has_credit ? json_integer_value(total) : 0;
    if (!tail.has_credit || __builtin_sub_overflow(tail.credit, tail.net, &tail.difference))
        tail.difference = 0, tail.complete = false;
    if (!tail.has_credit || tail.difference) {
        gate_warn(r->gate, 1, "total_mismatch", "totalAmount does not say %" PRId64 ": difference %" PRId64, tail.net,
                  tail.difference);
        tail.complete = false;
    }
    if (r->gate->sink.settlement_end)
        r->gate->sink.settlement_end(r->gate->sink.with, &tail);
    return OK;
}

static enum err treasury_end(void *reader)
{
    struct treasury *r = reader;
    json_error_t error;
    json_t *root = json_loadb(r->bytes.at ? r->bytes.at : "", r->bytes.length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        gate_warn(r->gate, error.line > 0 ? error.line : 1, "bad_json", "%s", error.text);
        return ERR_STATEMENT_SYNTAX;
    }
    enum err err = list_tell(r, root);
    json_decref(root);
    return err;
}

static void treasury_free(void *reader)
{
    struct treasury *r = reader;
    buf_done(&r->bytes);
    free(r);
}

const struct statement_reader_vtable treasury_reader = {treasury_make, treasury_feed, treasury_end, treasury_free,
                                                        NULL};
