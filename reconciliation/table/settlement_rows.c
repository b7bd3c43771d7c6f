/* Rows of a gateway's, terminal's or carrier's file as lines of a settlement: gross, what was taken off, net. */
#include "reconciliation/table/table.h"

#include <inttypes.h>
#include <string.h>

static int decimals_of(const struct table *t)
{
    return currency_decimals(t->about.currency.length ? short_text_view(&t->about.currency) : TEXT("VND"));
}

static enum settlement_kind kind_of(const struct profile *profile)
{
    switch (profile->kind) {
    case PROFILE_WALLET: return SETTLEMENT_WALLET;
    case PROFILE_TERMINAL: return SETTLEMENT_TERMINAL;
    case PROFILE_COLLECTION: return SETTLEMENT_COLLECTION;
    case PROFILE_ORDERS: return SETTLEMENT_ORDERS;
    case PROFILE_TREASURY: return SETTLEMENT_TREASURY;
    default: return SETTLEMENT_GATEWAY;
    }
}

/* A second table of the same file goes on with the same settlement. */
void settlement_header(struct table *t)
{
    t->section_gross = t->section_fee = t->section_net = 0;
    t->tables_seen |= t->profile->flags & (PROFILE_TABLE_1 | PROFILE_TABLE_2);
    if (t->settlement_open)
        return;
    t->settlement_open = true;
    t->settlement_broken = false;
    t->tail = (struct settlement_tail){0};
    t->ordinal = 0;
    t->gate->statements++;
    const struct settlement_head head = {
        .line = t->last_line,
        .kind = kind_of(t->profile),
        .issuer = text_of(t->profile->issuer),
        .profile = text_of(t->profile->name),
        .number = short_text_view(&t->about.batch),
        .account = short_text_view(&t->about.account),
        .currency = t->about.currency.length ? short_text_view(&t->about.currency) : TEXT("VND"),
        .from = t->about.from,
        .to = t->about.to,
    };
    if (t->gate->sink.settlement_begin)
        t->gate->sink.settlement_begin(t->gate->sink.with, &head);
}

static void settlement_fault(struct table *t, int line, const char *code, const char *detail)
{
    t->settlement_broken = true;
    gate_warn(t->gate, line, code, "%s", detail);
}

/* ---- a row
 * -------------------------------------------------------------------------------------------------------------- */

/* All money of a row; false when a cell is no amount. */
static bool amounts_read(const struct table *t, const struct grid_row *row, struct settlement_line *line)
{
    int decimals = decimals_of(t);
    const struct table_roles *roles = &t->roles;
    int64_t out = 0, extra = 0, net = 0;
    if (!cell_money(table_cell(t, row, ROLE_gross), decimals, &line->gross) ||
        !cell_money(table_cell(t, row, ROLE_out), decimals, &out) ||
        !cell_money(table_cell(t, row, ROLE_extra), decimals, &extra) ||
        !cell_money(table_cell(t, row, ROLE_discount), decimals, &line->discount) ||
        !cell_money(table_cell(t, row, ROLE_fee), decimals, &line->fee) ||
        !cell_money(table_cell(t, row, ROLE_net), decimals, &net))
        return false;
    if (t->profile->flags & PROFILE_FEE_NEGATIVE) { /* a promotion there is given to the shop, a fee taken from it */
        line->fee = -line->fee;
        line->discount = -line->discount;
    }
    if (__builtin_sub_overflow(line->gross, out < 0 ? -out : out, &line->gross) ||
        __builtin_add_overflow(line->gross, extra, &line->gross))
        return false;
    int64_t rest;
    if (__builtin_sub_overflow(line->gross, line->discount, &rest) || __builtin_sub_overflow(rest, line->fee, &rest))
        return false;
    bool has_net = roles->column[ROLE_net] >= 0 && table_cell(t, row, ROLE_net).length;
    if (has_net && roles->column[ROLE_fee] < 0 && roles->column[ROLE_discount] < 0) {
        line->discount = line->gross - net; /* before and after a promotion */
        rest = net;
    }
    line->net = has_net ? net : rest;
    return true;
}

static void words_read(const struct table *t, const struct grid_row *row, struct settlement_line *line)
{
    char status[KEY_SIZE], operation[KEY_SIZE];
    text_to_key(table_cell(t, row, ROLE_status), status, sizeof status);
    text_to_key(table_cell(t, row, ROLE_operation), operation, sizeof operation);
    const struct profile *p = t->profile;
    bool says_status = t->roles.column[ROLE_status] >= 0 && *p->paid;
    if (!says_status)
        line->status = SETTLEMENT_PAID; /* a list of what was paid */
    else if (*status && words_in(status, p->failed))
        line->status = SETTLEMENT_FAILED;
    else
        line->status = *status && words_in(status, p->paid) ? SETTLEMENT_PAID : SETTLEMENT_UNSAID;
    bool cancelled = *p->cancelled && (words_in(operation, p->cancelled) || words_in(status, p->cancelled));
    bool other = *p->other && words_in(operation, p->other);
    line->operation = other ? SETTLEMENT_OTHER : cancelled ? SETTLEMENT_VOID : SETTLEMENT_PAYMENT;
    if (cancelled && line->status == SETTLEMENT_UNSAID)
        line->status = SETTLEMENT_PAID;
}

static struct text bare(struct text cell)
{
    return text_is(cell, "-") ? TEXT_NONE : text_head(cell, 400);
}

static void texts_read(const struct table *t, const struct grid_row *row, struct settlement_line *line)
{
    line->external_id = bare(table_cell(t, row, ROLE_id));
    line->order = bare(table_cell(t, row, ROLE_order));
    line->batch = bare(table_cell(t, row, ROLE_batch));
    line->trace = bare(table_cell(t, row, ROLE_trace));
    line->approval = bare(table_cell(t, row, ROLE_approval));
    line->terminal = bare(table_cell(t, row, ROLE_terminal));
    line->store = bare(table_cell(t, row, ROLE_store));
    line->account = bare(table_cell(t, row, ROLE_account));
    line->method = bare(table_cell(t, row, t->roles.column[ROLE_source] >= 0 ? ROLE_source : ROLE_method));
    line->status_text = bare(table_cell(t, row, ROLE_status));
    line->memo = bare(table_cell(t, row, ROLE_memo));
    if (!line->external_id.length)
        line->external_id = line->order.length ? line->order : line->trace; /* Payoo: reference, else order, else QR */
}

static void dates_read(struct table *t, const struct grid_row *row, struct settlement_line *line)
{
    struct text rest, time = table_cell(t, row, ROLE_time), settled = table_cell(t, row, ROLE_settled);
    if (!settled.length)
        settled = table_cell(t, row, ROLE_delivered);
    line->paid_at_s = -1;
    line->paid_on = line->settled_on = DATE_NONE;
    enum date_quality quality = time.length ? cell_date(time, &line->paid_on, &rest) : DATE_GOOD;
    if (time.length && quality != DATE_BAD)
        line->paid_at_s = cell_clock(rest);
    if (line->paid_at_s < 0)
        line->paid_at_s = cell_clock(table_cell(t, row, ROLE_clock));
    if (quality != DATE_GOOD)
        settlement_fault(t, row->number, "bad_date", "there is no such date in this row");
    struct text ignored;
    if (settled.length)
        (void)cell_date(settled, &line->settled_on, &ignored);
}

static void negate(struct settlement_line *line)
{
    line->gross = -line->gross;
    line->discount = -line->discount;
    line->fee = -line->fee;
    line->net = -line->net;
}

static bool sums_add(struct table *t, const struct settlement_line *line)
{
    struct settlement_tail *tail = &t->tail;
    return !__builtin_add_overflow(tail->gross, line->gross, &tail->gross) &&
           !__builtin_add_overflow(tail->discount, line->discount, &tail->discount) &&
           !__builtin_add_overflow(tail->fee, line->fee, &tail->fee) &&
           !__builtin_add_overflow(tail->net, line->net, &tail->net) &&
           !__builtin_add_overflow(t->section_gross, line->gross, &t->section_gross) &&
           !__builtin_add_overflow(t->section_fee, line->fee, &t->section_fee) &&
           !__builtin_add_overflow(t->section_net, line->net, &t->section_net);
}

static void line_tell(struct table *t, struct settlement_line *line)
{
    struct settlement_tail *tail = &t->tail;
    __int128 rest = (__int128)line->gross - line->discount - line->fee;
    if (rest != line->net)
        settlement_fault(t, line->line, "row_mismatch", "gross - discount - fee is not the net amount of this row");
    if (line->operation == SETTLEMENT_VOID && line->gross > 0)
        negate(line);
    line->ordinal = ++t->ordinal;
    line->table = t->profile->flags & PROFILE_TABLE_2 ? 2 : 1;
    tail->lines++;
    tail->failed += line->status == SETTLEMENT_FAILED;
    tail->unsaid += line->status == SETTLEMENT_UNSAID;
    tail->others += line->operation == SETTLEMENT_OTHER;
    bool counts = line->status != SETTLEMENT_FAILED && line->operation != SETTLEMENT_OTHER;
    if (counts && !sums_add(t, line))
        settlement_fault(t, line->line, "sum_overflow", "the sum of the rows does not fit");
    if (t->gate->sink.settlement_line)
        t->gate->sink.settlement_line(t->gate->sink.with, line);
}

/* ---- totals
 * ------------------------------------------------------------------------------------------------------------- */

static bool total_role(struct table *t, const struct grid_row *row, enum table_role role, int64_t is)
{
    int64_t said;
    struct text cell = table_cell(t, row, role);
    if (!cell.length || !cell_money(cell, decimals_of(t), &said))
        return true;
    if (t->profile->flags & PROFILE_FEE_NEGATIVE && role == ROLE_fee)
        said = -said;
    if (said == is)
        return true;
    t->settlement_broken = true;
    gate_warn(t->gate, row->number, "total_mismatch",
              "the file says %" PRId64 ", the rows above add up to %" PRId64 ": difference %" PRId64, said, is,
              said - is);
    return false;
}

static bool is_total(const struct grid_row *row)
{
    char key[KEY_SIZE];
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].length) {
            text_to_key(row->cells[i], key, sizeof key);
            return label_is(key, ROLE_sum_row);
        }
    return false;
}

bool settlement_row(struct table *t, const struct grid_row *row)
{
    bool keyed = table_cell(t, row, ROLE_id).length || table_cell(t, row, ROLE_order).length;
    struct text gross = table_cell(t, row, t->profile->flags & PROFILE_TABLE_2 ? ROLE_fee : ROLE_gross);
    if (is_total(row)) {
        if (t->roles.column[ROLE_extra] < 0)
            total_role(t, row, ROLE_gross, t->section_gross);
        total_role(t, row, ROLE_fee, t->section_fee);
        total_role(t, row, ROLE_net, t->section_net);
        return true;
    }
    if (!keyed || !gross.length)
        return false; /* a note, a numbering of columns, a conclusion */
    struct settlement_line line = {.line = row->number};
    dates_read(t, row, &line);
    texts_read(t, row, &line);
    if (!amounts_read(t, row, &line)) {
        settlement_fault(t, row->number, "bad_amount", "an amount of this row cannot be read");
        return true;
    }
    int64_t said;
    struct text payout = table_cell(t, row, ROLE_payout); /* a control total repeated on each row */
    if (payout.length && cell_money(payout, decimals_of(t), &said))
        t->about.payout = (struct about_total){true, said};
    words_read(t, row, &line);
    if (t->profile->flags & PROFILE_ONCE && seen_before(&t->seen, digest_of(0, line.external_id))) {
        gate_warn(t->gate, row->number, "repeated_row", "this transaction stands on another sheet too: read once");
        return true;
    }
    line_tell(t, &line);
    return true;
}

static void payout_check(struct table *t, const struct about_total *said, int64_t is, const char *what)
{
    if (!said->said || said->amount == is)
        return;
    t->settlement_broken = true;
    gate_warn(t->gate, t->last_line, "total_mismatch",
              "%s: the file says %" PRId64 ", its rows add up to %" PRId64 ": difference %" PRId64, what, said->amount,
              is, said->amount - is);
}

void settlement_section_end(struct table *t)
{
    if (!t->settlement_open)
        return;
    struct settlement_tail *tail = &t->tail;
    payout_check(t, &t->about.payout_gross, tail->gross, "collected");
    payout_check(t, &t->about.payout_fee, tail->fee, "fees");
    payout_check(t, &t->about.payout, tail->net, "paid out");
    if (t->tables_seen && t->tables_seen != (PROFILE_TABLE_1 | PROFILE_TABLE_2))
        settlement_fault(t, t->last_line, "table_missing", "one of the two tables of this file is missing");
    if (tail->unsaid)
        gate_warn(t->gate, t->last_line, "status_missing", "%" PRId64 " rows do not say whether they were paid",
                  tail->unsaid);
    tail->line = t->last_line;
    tail->has_credit = t->about.payout.said;
    tail->credit = t->about.payout.amount;
    tail->difference =
        tail->has_credit && !__builtin_sub_overflow(tail->credit, tail->net, &tail->difference) ? tail->difference : 0;
    tail->complete = !t->settlement_broken;
    if (t->gate->sink.settlement_end)
        t->gate->sink.settlement_end(t->gate->sink.with, tail);
    t->settlement_open = false;
    t->tables_seen = 0;
    about_clear(&t->about);
}
