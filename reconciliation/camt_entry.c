/* One Ntry of a camt message into statement lines. */
#include "reconciliation/camt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void camt_entry_clear(struct camt_entry *entry)
{
    for (int i = 0; i < CAMT_TEXTS; i++) {
        buf_clear(&entry->texts[i]);
        buf_clear(&entry->detail_texts[i]);
    }
    buf_clear(&entry->details);
    buf_clear(&entry->pool);
    entry->current = (struct camt_detail){0};
    entry->has_amount = entry->reversal = entry->cut = false;
    entry->booked = true; /* unless the status says otherwise */
    entry->amount = 0;
    entry->side = CAMT_UNSAID;
    entry->booked_on = entry->value_on = DATE_NONE;
    entry->currency.length = 0;
}

void camt_entry_done(struct camt_entry *entry)
{
    for (int i = 0; i < CAMT_TEXTS; i++) {
        buf_done(&entry->texts[i]);
        buf_done(&entry->detail_texts[i]);
    }
    buf_done(&entry->details);
    buf_done(&entry->pool);
}

void camt_detail_begin(struct camt_entry *entry)
{
    entry->current = (struct camt_detail){0};
    for (int i = 0; i < CAMT_TEXTS; i++)
        buf_clear(&entry->detail_texts[i]);
}

void camt_detail_end(struct camt_entry *entry)
{
    size_t count = entry->details.length / sizeof(struct camt_detail);
    if (count >= CAMT_DETAILS_MAX || entry->pool.length > CAMT_POOL_MAX) {
        entry->cut = true;
        return;
    }
    for (int i = 0; i < CAMT_TEXTS; i++) {
        entry->current.texts[i].from = (uint32_t)entry->pool.length;
        entry->current.texts[i].length = (uint32_t)entry->detail_texts[i].length;
        buf_text(&entry->pool, buf_view(&entry->detail_texts[i]));
    }
    buf_put(&entry->details, &entry->current, sizeof entry->current);
}

static struct camt_detail detail_at(const struct camt_entry *entry, size_t index)
{
    struct camt_detail detail;
    memcpy(&detail, entry->details.at + index * sizeof detail, sizeof detail);
    return detail;
}

static struct text detail_text(const struct camt_entry *entry, const struct camt_detail *detail, enum camt_text which)
{
    return text_slice(buf_view(&entry->pool), detail->texts[which].from, detail->texts[which].length);
}

static struct text first_of(struct text a, struct text b)
{
    return a.length ? a : b;
}

static int64_t signed_amount(int64_t amount, enum camt_side side)
{
    return side == CAMT_DEBIT ? -amount : amount;
}

/* `detail` NULL: the entry alone. */
static void line_tell(const struct camt_entry *entry, const struct camt_detail *detail, int64_t amount,
                      struct text memo, struct statement_gate *gate, int64_t ordinal)
{
    struct text t[CAMT_TEXTS];
    for (int i = 0; i < CAMT_TEXTS; i++)
        t[i] = first_of(detail ? detail_text(entry, detail, (enum camt_text)i) : TEXT_NONE, buf_view(&entry->texts[i]));
    bool in = amount >= 0;
    struct statement_line line = {
        .line = entry->line,
        .page = 1,
        .ordinal = ordinal,
        .booked_on = entry->booked_on != DATE_NONE ? entry->booked_on : entry->value_on,
        .value_on = entry->value_on != DATE_NONE ? entry->value_on : entry->booked_on,
        .amount = amount,
        .reversal = entry->reversal,
        .type = t[CAMT_TYPE],
        .bank_reference = first_of(t[CAMT_BANK_REFERENCE], t[CAMT_TRANSACTION]),
        .customer_reference = first_of(t[CAMT_END_TO_END], t[CAMT_INSTRUCTION]),
        .counterparty = t[in ? CAMT_DEBTOR : CAMT_CREDITOR],
        .counterparty_account = t[in ? CAMT_DEBTOR_ACCOUNT : CAMT_CREDITOR_ACCOUNT],
        .memo = first_of(memo, first_of(t[CAMT_MEMO], first_of(t[CAMT_STRUCTURED], t[CAMT_ADDITIONAL]))),
        .supplementary = t[CAMT_STRUCTURED],
    };
    gate_line(gate, &line);
}

/* Do the details explain the entry to the last unit? */
static bool splits(const struct camt_entry *entry, size_t count, bool *ret_amounts)
{
    __int128 sum = 0;
    *ret_amounts = count > 0;
    for (size_t i = 0; i < count; i++) {
        struct camt_detail detail = detail_at(entry, i);
        if (!detail.has_amount)
            *ret_amounts = false;
        sum += signed_amount(detail.amount, detail.side ? detail.side : entry->side);
    }
    return *ret_amounts && !entry->cut && sum == signed_amount(entry->amount, entry->side);
}

/* Several details that cannot be told apart by amount: their words are told together. */
static void memos_join(struct camt_entry *entry, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count && out->length < STATEMENT_MEMO_MAX; i++) {
        struct camt_detail detail = detail_at(entry, i);
        const enum camt_text which[] = {CAMT_END_TO_END, CAMT_MEMO, CAMT_STRUCTURED};
        for (size_t k = 0; k < sizeof which / sizeof *which; k++) {
            struct text text = detail_text(entry, &detail, which[k]);
            if (out->length && text.length)
                buf_char(out, ' ');
            buf_text(out, text);
        }
    }
}

void camt_entry_tell(struct camt_entry *entry, struct statement_gate *gate, int64_t *ordinal)
{
    if (!entry->has_amount || entry->side == CAMT_UNSAID) {
        gate_break(gate, entry->line, "bad_line", "an entry without a readable amount or without CdtDbtInd");
        return;
    }
    if (entry->booked_on == DATE_NONE && entry->value_on == DATE_NONE)
        gate_warn(gate, entry->line, "bad_date", "the entry has neither a booking date nor a value date");
    int64_t amount = signed_amount(entry->amount, entry->side);
    size_t count = entry->details.length / sizeof(struct camt_detail);
    bool amounts;
    bool split = splits(entry, count, &amounts);
    if (count > 1 && split) {
        for (size_t i = 0; i < count; i++) {
            struct camt_detail detail = detail_at(entry, i);
            line_tell(entry, &detail, signed_amount(detail.amount, detail.side ? detail.side : entry->side), TEXT_NONE,
                      gate, ++*ordinal);
        }
        return;
    }
    if (count == 1) {
        struct camt_detail detail = detail_at(entry, 0);
        line_tell(entry, &detail, amount, TEXT_NONE, gate, ++*ordinal);
        return;
    }
    if (entry->cut)
        gate_warn(gate, entry->line, "details_cut", "more than %d details", CAMT_DETAILS_MAX);
    else if (amounts)
        gate_warn(gate, entry->line, "detail_mismatch", "%zu details do not add up to the entry of %" PRId64, count,
                  amount);
    struct buf memo = {0};
    memos_join(entry, count, &memo);
    line_tell(entry, NULL, amount, text_slice(buf_view(&memo), 0, STATEMENT_MEMO_MAX), gate, ++*ordinal);
    buf_done(&memo);
}
